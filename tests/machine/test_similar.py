"""`course similar`: renamed and reformatted copies are found, the course's own code and common answers are not evidence."""

import io
from pathlib import Path
import re
import shutil
from types import SimpleNamespace

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_raw_cell
import pytest
from rich.console import Console

from grading.tools import check, similar
from grading.run.course import Course
from grading.notebooks.submissions import fill

ROOT = Path(__file__).parents[2]

COPIED = """\
# %% sigmoid
def sigmoid(z):
    # first the part that is safe on both sides
    values = np.array(z, dtype=float)
    result = np.empty_like(values)
    positive = values >= 0
    result[positive] = 1.0 / (1.0 + np.exp(-values[positive]))
    growth = np.exp(values[~positive])
    result[~positive] = growth / (1.0 + growth)
    return result
# %% relu
def relu(z):
    return np.maximum(z, 0)
# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    count = 0
    for entry in np.ravel(a_prime):
        if abs(entry) < threshold:
            count += 1
    return count / np.size(a_prime)  # <script>alert(1)</script>
"""
RENAMED = re.sub(r"\b(values|result|positive|growth|count|entry)\b", lambda m: "my_" + m[0][::-1], COPIED) \
    .replace("# first the part that is safe on both sides\n    ", "").replace(" / (1.0 + growth)", "/(1.0+growth)")
OTHER = """\
# %% sigmoid
def sigmoid(z):
    return np.exp(-np.logaddexp(0.0, -np.asarray(z, dtype=float)))
# %% relu
def relu(z):
    return np.maximum(z, 0)
# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    flat = np.abs(np.asarray(a_prime, dtype=float)).reshape(-1)
    below = [bool(value < threshold) for value in flat.tolist()]
    return sum(below) / max(1, len(below))
# %% relu_derivative
def relu_derivative(z):
    steps = np.heaviside(np.asarray(z, dtype=float), 0.0)
    return steps if steps.ndim else float(steps)
"""


@pytest.fixture(scope="module")
def codes():
    """copied wrote it, renamed renamed it, other and <sign> have code of their own, blank handed in the release."""
    source = check.notebooks(ROOT)["activations"]
    skeleton = similar.Skeleton([source], Course(ROOT).config)
    texts = {"copied": COPIED, "renamed": RENAMED, "other": OTHER, "<sign>": OTHER.replace("heaviside", "sign"), "blank": ""}
    release = check.released("activations", ROOT).path
    return {name: similar.read_code(name, [fill(nbformat.read(release, as_version=4), text)], skeleton)
            for name, text in texts.items()}


def test_of_the_release_nothing_is_left(codes):
    assert codes["blank"].all_tokens == [] and codes["blank"].comments == set()


def test_renaming_and_reformatting_hide_nothing(codes):
    assert codes["copied"].tokens == codes["renamed"].tokens


def test_names_of_the_library_stay_apart(codes):
    assert codes["other"].tokens["relu_derivative"] != codes["<sign>"].tokens["relu_derivative"]


def test_copies_are_found_and_different_work_is_not(codes):
    found = similar.pairs(list(codes.values()))
    assert {(pair.first.student, pair.second.student) for pair in found} == {("copied", "renamed"), ("other", "<sign>")}
    assert found[0].similarity == 1.0 or found[1].similarity == 1.0


def test_what_many_have_alike_is_counted_as_theirs_too(codes):
    pair = next(pair for pair in similar.pairs(list(codes.values())) if pair.first.student == "copied")
    others = {part: count for part, _, _, count in pair.parts}
    assert others["relu"] == 2 and others["sigmoid"] == 0
    assert set(pair.only_theirs) == {"sigmoid", "saturated_fraction"}


def test_comments_that_only_two_have_are_shown(codes):
    twin = similar.Code("twin", codes["copied"].text, codes["copied"].tokens, codes["copied"].comments)
    (pair,) = similar.pairs([codes["copied"], twin, codes["other"]])
    assert pair.comments == ["<script>alert(1)</script>", "first the part that is safe on both sides"]


def test_the_page_says_what_it_does_not_prove_and_escapes_what_students_wrote(codes):
    everyone = list(codes.values())
    text = similar.as_page("ps1", everyone, similar.pairs(everyone))
    assert "Short exercises look alike" in text and "a reason to read, not a finding" in text
    assert "<script" not in text and "&lt;sign&gt;" in text and "&lt;script&gt;" in text
    assert "default-src 'none'" in text and 'lang="en"' in text


def test_a_class_of_submissions_gives_a_page(tmp_path):
    release = check.released("activations", ROOT).path
    shutil.copytree(release.parents[2] / "source" / "ps1", tmp_path / "source" / "ps1")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    for student, text in (("copied", COPIED), ("renamed", RENAMED), ("nothing", None)):
        folder = tmp_path / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        if text:
            nbformat.write(fill(nbformat.read(release, as_version=4), text), folder / "activations.ipynb")
    screen = io.StringIO()
    similar.similar(Console(file=screen, width=200), tmp_path, "ps1", 0.8, None)
    assert "1 of 3 pairs are worth a look" in screen.getvalue()
    assert "copied and renamed: 100% alike" in (tmp_path / "build" / "similar-ps1.html").read_text()


def test_hostile_code_costs_no_more_than_honest_code(codes):
    source = check.notebooks(ROOT)["activations"]
    skeleton = similar.Skeleton([source], Course(ROOT).config)
    cells = [named(f"x{n} = 1  # comment number {n} of mine\n" * 1000, f"part {n}") for n in range(100)]
    code = similar.read_code("hostile", [new_notebook(cells=cells)], skeleton)
    assert code.text.keys() == {"other cells"} and len(code.text["other cells"]) < 1.1 * similar.MOST_TEXT
    assert len(code.comments) <= similar.MOST_COMMENTS
    similar.pairs([code, *codes.values()])


def named(source, name):
    return new_code_cell(source, metadata={"nbgrader": {"grade_id": name}})


def test_a_submission_that_cannot_be_read_costs_no_other_its_comparison(course_folder, monkeypatch):
    root = course_folder("ps1")
    for student in ("good", "bad\udc80"):
        shutil.copytree(root / "release" / "ps1", root / "submitted" / student / "ps1")

    def fail(function, student, *arguments, seconds):
        raise MemoryError
    monkeypatch.setattr("grading.border.bounded.bounded", fail)
    codes = similar.read_class(Course(root), "ps1")
    assert [code.student for code in codes] == ["bad?", "good"]
    page = similar.as_page("ps1", codes, similar.pairs(codes))
    assert "good: not compared" in page and "bad?: not compared" in page, "a text made to take long is no way out of being compared"


def test_whoever_hides_an_answer_behind_much_text_is_named():
    skeleton = SimpleNamespace(taken_out_of=str, parts={}, names=(), wanted={})
    padded = new_notebook(cells=[new_code_cell("x = 1\n" * 11_000), new_code_cell("y = 2")])
    codes = [similar.read_code("long", [padded], skeleton), similar.read_code("short", [new_notebook(cells=[new_code_cell("y = 2")])], skeleton)]
    page = similar.as_page("ps1", codes, [])
    assert "long: only 60000 characters of it were compared" in page and "short: " not in page


def test_the_evidence_looks_at_each_line_once_however_many_pairs_it_stands_in(monkeypatch):
    lines = [f"x{n} = {n}" for n in range(500)]
    text, taken = "\n".join(lines), []
    codes = [similar.Code(f"student-{n}", {"part": text}, {"part": similar.tokens(text, ())}) for n in range(8)]
    tokens = similar.tokens
    monkeypatch.setattr(similar, "tokens", lambda line, known: taken.append(line) or tokens(line, known))
    similar.tokens_of.cache_clear()
    page = similar.as_page("ps1", codes, similar.pairs(codes))
    assert page.count("<mark>") == 28 * 2 * len(lines) and len(taken) == len(lines)


ESSAY = ("The derivative of GELU leaves the interval because its argument grows. For large arguments the normal distribution is one, and "
         "what is left is the product of z with its density. That product is positive on the right, so the slope exceeds one there.")


def essay(student, said, code=OTHER):
    source = check.notebooks(ROOT)["activations"]
    nb = fill(nbformat.read(check.released("activations", ROOT).path, as_version=4), code)
    nb.cells[-1].source = said
    return similar.read_code(student, [nb], similar.Skeleton([source], Course(ROOT).config))


def test_written_answers_that_are_alike_are_found_though_the_code_is_not_and_the_same_sentences_marked():
    theirs = essay("two", ESSAY.replace("grows", "gets larger").replace(" <", ""), COPIED)
    own = essay("three", "SELU has a factor of 1.05 on the right side, and so its slope is a little above one everywhere where the argument is "
                "positive, which is outside of the interval that the question names for the derivative of an activation.", COPIED.replace("growth", "g"))
    (pair,) = [pair for pair in similar.pairs([essay("one", ESSAY), theirs, own]) if pair.written]
    assert {pair.first.student, pair.second.student} == {"one", "two"} and pair.written > 0.9 > 0.8 > pair.similarity
    text = similar.as_page("ps1", [pair.first, pair.second], [pair])
    assert text.count("<mark>That product is positive on the right, so the slope exceeds one there.</mark>") == 2
    assert "text alike" in text and "<mark>The derivative of GELU" not in text


def test_code_behind_a_question_is_no_words():
    source = check.notebooks(ROOT)["activations"]
    nb = fill(nbformat.read(check.released("activations", ROOT).path, as_version=4), OTHER)
    nb.cells[-1].source = ESSAY
    nb.cells += [new_code_cell("extra = 1"), new_raw_cell("extra words")]
    assert similar.read_code("one", [nb], similar.Skeleton([source], Course(ROOT).config)).all_words == similar.words_of(ESSAY)


def test_how_alike_two_texts_are_is_told_from_a_likeness_on():
    assert similar.likeness("aaaa", "aaab") == 0.75 == similar.likeness("aaaa", "aaab", 0.75) and similar.likeness("aaaa", "aaab", 0.8) == 0.0


def test_what_was_released_and_a_short_answer_are_no_text_to_compare():
    release = nbformat.read(check.released("activations", ROOT).path, as_version=4)
    blank = essay("blank", release.cells[-1].source)
    assert blank.all_words == [] and not [pair for pair in similar.pairs([essay("a", "GELU and SELU."), essay("b", "GELU and SELU.", COPIED)]) if pair.written]


# --- made-up classes ------------------------------------------------------------------------------------------------

def made(student, code=(), words=(), comments=(), **more):
    return similar.Code(student, {"part": "\n".join(code), "q": " ".join(words)}, {"part": list(code)}, set(comments), {"q": list(words)}, **more)


def row(letter, size):
    return [f"{letter}{number}" for number in range(size)]


def found_in(*codes):
    return {f"{pair.first.student}{pair.second.student}": (pair.similarity, pair.written) for pair in similar.pairs(codes)}


@pytest.mark.parametrize(("sizes", "comments", "due"), [
    ((60, 60), 2, True), ((61, 61), 2, True), ((60, 90), 2, True), ((59, 60), 2, False), ((60, 59), 2, False), ((60, 60), 1, False), ((60, 60), 3, True), ((60, 60), 0, False)])
def test_two_that_share_comments_are_a_pair_where_their_code_is_long_enough(sizes, comments, due):
    shared = [f"a comment number {number}" for number in range(comments)]
    one, other = (made(letter, row(letter, size), comments=shared) for letter, size in zip("ab", sizes))
    assert found_in(one, other) == ({"ab": (0.0, 0.0)} if due else {})


def test_a_comment_that_three_have_is_nobodys():
    assert similar.shared_comments([made(letter, comments=["one of three", *["one of two"] * (letter != "c")]) for letter in "abc"]) == {(0, 1): ["one of two"]}


@pytest.mark.parametrize(("code", "due"), [(([], []), 0.0), (([], ["x"]), 0.0), ((["x"], []), 0.0), ((["x", "y"], ["x", "z"]), 0.5)])
def test_two_whose_words_are_alike_are_a_pair_whatever_their_code(code, due):
    one, other = (made(letter, own, row("w", 30)) for letter, own in zip("ab", code))
    assert found_in(one, other) == {"ab": (due, 1.0)} and found_in(made("a", (), row("w", 29)), made("b", (), row("w", 29))) == {}


def test_the_most_striking_pair_comes_first():
    twins = [made(letter, row("x", 70), comments=["the very same words", "and some more of them"]) for letter in "cd"]
    copies = [made("a", row("y", 70)), made("b", [*row("y", 69), "other"])]
    assert list(found_in(*copies, *twins)) == ["cd", "ab"]


@pytest.mark.parametrize(("size", "common", "due"), [(60, 60, 1.0), (59, 59, None), (60, 48, 0.8), (60, 47, None)])
def test_texts_count_from_a_length_and_a_likeness_on(size, common, due):
    letters = similar.Letters()
    texts = [letters.text([*row("x", common), *row(letter, size - common)]) for letter in "ab"]
    found = similar.alike(texts, 60, 0.8, iter)
    assert found == ({} if due is None else {(0, 1): pytest.approx(due)})


@pytest.mark.parametrize(("size", "other", "due"), [(50, 50, 2), (49, 49, 1), (51, 50, 1), (100, 99, 2), (50, 48, 1)])
def test_answers_count_as_the_same_from_49_of_50_tokens_on(size, other, due):
    """Two of `size` tokens that have all but one alike, and one that is shorter than both."""
    codes = [made("a", row("x", size)), made("b", [*row("x", other - 1), "y"]), made("c", row("z", 7))]
    answers = similar.Answers(codes, similar.Letters())
    same = answers.same("part", answers.texts[id(codes[0])]["part"])
    assert sum(same.values()) == due and answers.same("part", answers.texts[id(codes[0])]["part"]) is same
    ((_, likeness, tokens, others),) = [one for one in answers.compared(*codes[:2]) if one[0] == "part"]
    assert (tokens, others) == (min(size, other), 0)


def test_what_others_have_the_same_is_told_for_each_part_the_most_telling_first():
    shared = [made(letter, row("x", 20), row("w", 9)) for letter in "abc"]
    odd = made("d", row("y", 20), row("w", 9))
    letters = similar.Letters()
    answers = similar.Answers([*shared, odd], letters)
    assert answers.compared(shared[0], shared[1]) == [("part", 1.0, 20, 1), ("q", 1.0, 9, 2)]
    assert answers.compared(shared[0], odd) == [("q", 1.0, 9, 2), ("part", 0.0, 20, 2)]


def test_parts_stand_by_how_many_have_them_then_how_alike_they_are_then_by_name():
    def code(student, **parts):
        return similar.Code(student, {}, {**parts, **{name: row("s", 9) for name in same if student != "c"}})
    same = [f"same {letter}" for letter in "gaebfcd"]
    one = code("a", common=row("c", 9), alike=row("l", 10), other=row("o", 3))
    two = code("b", common=row("c", 9), alike=[*row("l", 9), "x"], other=row("u", 90))
    answers = similar.Answers([one, two, code("c", common=row("c", 9))], similar.Letters())
    assert [part for part, *_ in answers.compared(one, two)] == [*sorted(same), "alike", "other", "common"]


def test_two_hundred_comments_of_a_submission_are_looked_at():
    skeleton = SimpleNamespace(taken_out_of=str, parts={}, names=(), wanted={})
    lines = "\n".join(f"# comment number {number}" for number in range(201))
    assert len(similar.read_code("a", [new_notebook(cells=[new_code_cell(lines)])], skeleton).comments) == 200


def test_what_was_given_is_known_of_code_alone():
    skeleton = similar.Skeleton([check.notebooks(ROOT)["activations"]], Course(ROOT).config)
    assert {"np", "sigmoid", "z"} <= skeleton.names and "the" not in skeleton.names


def test_names_that_every_student_was_given():
    text = "import numpy as np, math\nfrom a import b as c, d\ndef f(x, *y, k=1):\n    z = 1\nclass C: pass\n"
    assert similar.names_in(text, arguments=False) == {"np", "math", "c", "d", "f"}
    assert similar.names_in(text, arguments=True) == {"np", "math", "c", "d", "f", "x", "y", "k"}


def test_layout_and_comments_are_no_tokens_and_own_names_and_texts_are_of_one_kind():
    assert similar.tokens("mine = np.exp(x) + \\\n    3  # words\n\nprint('a')\n", {"np", "x"}) == [
        "name", "=", "np", ".", "exp", "(", "x", ")", "+", "3", "print", "(", "text", "text", "text", ")"]


@pytest.mark.parametrize(("size", "missed"), [(59_999, False), (60_000, True), (60_001, True)])
def test_60000_characters_of_a_submission_are_compared(size, missed):
    skeleton = SimpleNamespace(taken_out_of=str, parts={}, names=(), wanted={})
    code = similar.read_code("a", [new_notebook(cells=[new_code_cell("x" * size)])], skeleton)
    assert len(code.text["other cells"]) == min(size, 60_000) and bool(code.missed) is missed


def test_a_comment_has_more_than_eight_characters():
    skeleton = SimpleNamespace(taken_out_of=str, parts={}, names=(), wanted={})
    code = similar.read_code("a", [new_notebook(cells=[new_code_cell("1  # 1234567\n2  # 12345678\n3  # 123456789\n4  ## 1234567890 #")])], skeleton)
    assert code.comments == {"123456789", "1234567890"}


def test_only_what_these_two_have_alike_is_theirs_alone():
    parts = [("same", 0.98, 9, 0), ("short", 1.0, 8, 0), ("common", 1.0, 9, 1), ("other", 0.97, 9, 0), ("tiny", 1.0, 3, 0)]
    pair = similar.Pair(made("a"), made("b"), 0.5, parts, ["x", "y", "z"], 0.7)
    assert pair.only_theirs == ["same"] and pair.weight == (4, 0.7)


def test_the_page_lists_every_pair_and_shows_thirty(monkeypatch):
    code = [made("a", row("x", 9), row("w", 3)), made("b", row("x", 9), row("w", 3), missed="not compared: it takes too long")]
    alike = similar.Pair(*code, 0.876, [("part", 0.8, 9, 0), ("q", 0.79, 3, 2)], [], 0.0)
    page = similar.as_page("ps1", code, [alike])
    assert "<td>88%</td><td>–</td><td>–</td><td>0</td>" in re.sub(r"<td[^>]*>", "<td>", page).replace("\n", "") and "b: not compared: it takes too long." in page
    assert page.count("<mark>") == 18 and "first 30 pairs" not in page, "the lines of a part that is alike to four fifths"
    written = similar.as_page("ps1", code, [similar.Pair(*code, 0.1, [("part", 1.0, 9, 0)], ["words"], 0.9)])
    assert "<td>10%</td><td>90%</td><td>part</td><td>1</td>" in re.sub(r"<td[^>]*>", "<td>", written).replace("\n", "") and "a and b: 90% alike" in written
    assert "Comments that only these two have: words" in written and "Comments that only" not in page
    for number, said in ((30, False), (31, True)):
        many = similar.as_page("ps1", code[:1], [alike] * number)
        assert ('<p class="note">The evidence is shown for the first 30 pairs.' in many) is said and many.count("a and b: 88% alike") == 30 and "Look at these yourself" not in many


def test_the_command_says_how_many_pairs_there_are_and_who_was_not_compared(tmp_path, monkeypatch):
    codes = [made(letter, missed="not compared" if letter == "d" else "") for letter in "abcd"]
    monkeypatch.setattr(similar, "Course", lambda root: SimpleNamespace(dir=SimpleNamespace(root=str(tmp_path))))
    monkeypatch.setattr(similar, "read_class", lambda course, assignment, watch: codes)
    for place in (tmp_path / "far" / "away" / "page.html", None, None):
        screen = io.StringIO()
        similar.similar(Console(file=screen, width=200, force_terminal=True, color_system="truecolor"), tmp_path, "ps1", 0.8, place)
        said = screen.getvalue()
        assert "0 of 6 pairs are worth a look. Short exercises look alike: read before you judge." in said
        assert "d: not compared" in said and "a: " not in said and (place or tmp_path / "build" / "similar-ps1.html").exists()
