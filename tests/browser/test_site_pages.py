"""The web site in a browser: it asks nothing of others, fits a phone, reads well in the dark and for everybody."""

import pytest

from tests.browser.conftest import findings, served

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "color_scheme": "dark"}
DESK = {"color_scheme": "light"}
LETTERS = ["mjx-container"]     # what MathJax makes of a formula is its own, and looking at each letter takes minutes
FORMULAS = {"lecture": 170, "ps1": 50}
PAGES = ("index", "lecture", "ps1", "instructors", "search")      # one of each kind


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture
def visit(address, new_page):
    """Open a page of the site; nothing that it asks for may be missing or elsewhere, and no script may fail."""
    def go(name, **options):
        page, wrong = new_page(bypass_csp=True, **options), []
        page.on("response", lambda response: wrong.append(response.url) if response.status >= 400 else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
        assert wrong == page.refused == []
        return page
    return go


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_in_the_dark_and_axe_has_nothing_serious_to_say(visit, name):
    page = visit(name, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("mjx-container").count() >= FORMULAS.get(name, 0)
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    assert findings(page, LETTERS) == []


@pytest.mark.parametrize("name", ["index", "students"])
def test_the_same_holds_at_a_desk_by_daylight(visit, name):
    page = visit(name, **DESK)
    assert findings(page, LETTERS) == []


def test_search_finds_an_exercise(visit):
    page = visit("index")
    page.get_by_role("textbox", name="Search").fill("saturated")
    page.keyboard.press("Enter")
    page.locator("ul.search a", has_text="Derivatives of the activation functions").first.wait_for()
    assert page.refused == []


def test_a_figure_asks_before_it_shows_and_moves_by_keyboard(visit):
    page = visit("lecture", **PHONE)
    figure = page.locator("#moves-depth")
    assert figure.locator("polyline").count() == 0 and figure.locator(".says").inner_text() == ""
    figure.get_by_role("button", name="It explodes").focus()
    page.keyboard.press("Enter")
    says = figure.locator(".says[aria-live]")
    assert says.inner_text().startswith("You predicted: it explodes.") and "It vanishes." in says.inner_text()
    assert figure.locator("polyline").count() == 1
    before = says.inner_text(), figure.locator("polyline").get_attribute("points")
    figure.get_by_role("slider", name="Weights, as a multiple").focus()
    page.keyboard.press("ArrowRight")
    assert says.inner_text() != before[0] and figure.locator("polyline").get_attribute("points") != before[1]
    figure.get_by_role("combobox", name="Activation").select_option("ReLU")     # not predicted yet: asked again
    assert figure.get_by_role("button", name="It vanishes").is_visible() and figure.locator("polyline").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_script_the_pictures_and_their_text_stay(address, new_page):
    page = new_page(java_script_enabled=False)
    page.goto(f"{address}/lecture.html")
    assert page.locator("section.moves:visible").count() == 0
    assert page.locator("article img:visible").count() >= 15


REFUSED = "() => { throw new DOMException('denied', 'SecurityError'); }"
TROUBLED = {
    "delete Navigator.prototype.serviceWorker": "This browser blocks what a notebook needs",
    f"Object.defineProperty(Navigator.prototype, 'serviceWorker', {{get: {REFUSED}}})": "This browser blocks what a notebook needs",
    f"ServiceWorkerContainer.prototype.getRegistration = async {REFUSED}": "This browser blocks what a notebook needs",
    f"IDBFactory.prototype.databases = async {REFUSED}": "This browser keeps nothing for this site",
    f"Object.defineProperty(window, 'indexedDB', {{get: {REFUSED}}})": "This browser keeps nothing for this site",
    "StorageManager.prototype.estimate = async () => ({quota: 1e7, usage: 9e6})": "hardly any room left",
    "": "",
    "delete StorageManager.prototype.estimate": "",
}


@pytest.mark.parametrize("trouble", TROUBLED)
def test_a_browser_in_which_a_notebook_cannot_run_or_be_kept_is_told_so(address, new_page, trouble):
    page, wrong = new_page(), []
    page.add_init_script(trouble)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{address}/ps1.html", wait_until="networkidle")
    said = page.locator(".saved")
    if TROUBLED[trouble]:
        said.get_by_text(TROUBLED[trouble]).wait_for()
    assert wrong == [] and said.locator("p").count() == bool(TROUBLED[trouble])


def test_every_curve_that_was_predicted_stays(visit, shot):
    page = visit("lecture", **DESK, viewport={"width": 1200, "height": 760})
    figure = page.locator("#moves-depth")
    for name, button in (("sigmoid", "It vanishes"), ("tanh", "It stays"), ("ReLU", "It stays")):
        figure.get_by_role("combobox", name="Activation").select_option(name)
        figure.get_by_role("button", name=button).click()
    assert figure.locator("polyline").count() == 3
    figure.evaluate("figure => window.scrollTo({top: figure.getBoundingClientRect().top + scrollY - 20, behavior: 'instant'})")
    shot(page, "site-lecture")
