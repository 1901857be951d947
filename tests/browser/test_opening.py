"""Every formula of what is handed out is right when it is opened, in JupyterLab and in Notebook.

Whether a macro reaches a formula is a matter of luck there, so one opening proves little where macros are left: test_release
finds those. `pytest tests/browser/test_opening.py --opens=10` opens each notebook ten times.
"""

import shutil
import uuid
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from grading.notebooks.readable import formulas

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
RELEASED = sorted(path.relative_to(ROOT / "release") for path in (ROOT / "release").glob("*/*.ipynb"))
PROGRAMS = {"JupyterLab": "/lab/workspaces/{new}/tree/{path}", "Notebook": "/notebooks/{path}"}

LOOKS = 240         # at a page, a quarter of a second apart: a bound against hanging, not a promise

# {place of a cell: [its formulas, those that are broken, TeX that was left as text]} of what is on the page now. MathJax writes
# what it does not know in red, with the backslash as a sign of its own.
COUNT = r"""() => {
  const found = {}, cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
  cells.forEach((cell, number) => {
    for (const text of cell.querySelectorAll('.jp-RenderedMarkdown, .jp-RenderedLatex')) {
      const all = [...text.querySelectorAll('mjx-container')];
      const broken = all.filter(one => one.querySelector(
        'mjx-merror, [data-mjx-error], [style*="color: red"], [mathcolor="red"], .mjx-c5C'));
      const rest = text.cloneNode(true);
      rest.querySelectorAll('mjx-container, code, pre').forEach(one => one.remove());
      found[cell.dataset.windowedListIndex ?? number] =
        [all.length, broken.length, (rest.textContent.match(/\$|\\[A-Za-z]/g) || []).length];
    }
  });
  return found;
}"""
# Cells are made when they come into view: go on by most of a page, and from the end to the top.
SCROLL = """() => {
  const panel = document.querySelector('.jp-Notebook .jp-WindowedPanel-outer') || document.querySelector('.jp-Notebook');
  const end = panel.scrollTop + panel.clientHeight >= panel.scrollHeight - 2;
  panel.scrollTop = end ? 0 : panel.scrollTop + 0.8 * panel.clientHeight;
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory, person, running):
    """JupyterLab, which serves Notebook as well, on a folder with what is handed out and a notebook with a mistake."""
    base = tmp_path_factory.mktemp("formulas")
    reader = person(base / "home", base / "work")
    shutil.copytree(ROOT / "release", reader.folder, dirs_exist_ok=True)
    shutil.copytree(ROOT / "jupyter" / "students", reader.home / ".jupyter", dirs_exist_ok=True)
    wrong = new_notebook(cells=[new_markdown_cell(text) for text in (r"# $x$", r"$\loss$ and $y$", r"$\frac{1}$ $$\y$$")])
    nbformat.write(wrong, reader.folder / "wrong.ipynb")
    with running(reader) as server:
        yield server


def opened(page, lab, program, path, wanted):
    """(formulas, broken ones, TeX left as text) of a notebook that was opened anew and read, once it shows `wanted` formulas."""
    page.goto(lab.address(PROGRAMS[program].format(path=path, new=uuid.uuid4().hex)))
    page.locator(".jp-RenderedMarkdown").first.wait_for()
    found, before = {}, None
    for _ in range(LOOKS):
        now = page.evaluate(COUNT)
        found |= now
        count, broken, left = map(sum, zip(*found.values(), (0, 0, 0)))
        if count >= wanted and not left:
            break
        if now == before:
            page.evaluate(SCROLL)
        before = now
        page.wait_for_timeout(250)
    return count, broken, left


def formulas_in(path):
    return sum(len(formulas(cell.source)) for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")


# both draw by the same packages: what one shows whole is opened in the other on demand
@pytest.mark.parametrize("program", ["JupyterLab", pytest.param("Notebook", marks=pytest.mark.whole)])
def test_no_formula_is_broken_in_what_is_handed_out(program, lab, new_page, shot, request):
    results, opens = {}, request.config.getoption("--opens", default=0)
    for path in RELEASED * max(1, opens):
        page = new_page(viewport={"width": 1200, "height": 2400})
        wanted = formulas_in(lab.log.parents[1] / "work" / path)
        results.setdefault(str(path), []).append((wanted, *opened(page, lab, program, path, wanted)))
        shot(page, f"formulas-{program}-{path.stem}")
        assert page.refused == []
        page.context.close()
    print(results)
    assert [path for path, counts in results.items() if any(one != (one[0], one[0], 0, 0) for one in counts)] == [], results


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_broken_formula_would_be_counted(program, lab, new_page):
    assert opened(new_page(), lab, program, "wrong.ipynb", 5) == (5, 3, 0)
