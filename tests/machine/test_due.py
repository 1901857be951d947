"""`due.json` says what differs from the usual, and nothing that cannot be meant."""

import json

import nbformat
import pytest
import toys

from grading.notebooks.submissions import due

WRITES_TWO = "# Two of three.\n\n# %% double\ndef double(z): ...\n# %% half\ndef half(z): ...\n"


@pytest.fixture
def case(tmp_path):
    """Write a case's due.json: `case(points={...})`; gives what is due to it."""
    source, folder = tmp_path / "week-01", tmp_path / "case"
    for place in (source, folder):
        place.mkdir()
    nbformat.write(toys.notebook(), source / "toy.ipynb")
    (folder / "toy.py").write_text(WRITES_TWO)
    (folder / "helper.py").write_text("# %% negative\n")      # no notebook of the assignment

    def write(**said):
        (folder / "due.json").write_text(json.dumps(said))
        return due(folder, source)
    return write


def test_what_a_case_writes_earns_everything_and_what_it_leaves_blank_nothing(case):
    assert case(happened="it is right").points == {"double": 4, "half": 4, "negative": 0}


def test_what_differs_is_said_and_the_rest_stays(case):
    found = case(happened="half of it is wrong", points={"half": 1.5, "negative": 4}, absent=["secret"])
    assert found.points == {"double": 4, "half": 1.5, "negative": 4} and found.absent == ("secret",)


@pytest.mark.parametrize(("said", "words"), [
    ({"points": {"halve": 0}}, "halve is no exercise of week-01"), ({"points": {"half": 5}}, "half cannot earn 5 of 4"),
    ({"points": {"half": -1}}, "half cannot earn -1 of 4"), ({"points": {"half": "0"}}, "half cannot earn '0' of 4"),
    ({"points": {"half": True}}, "half cannot earn True"), ({"points": {"half": None}}, "half cannot earn None"),
    ({"points": {"half": 4}}, "half earns 4 anyway"), ({"points": {"negative": 0}}, "negative earns 0 anyway"),
    ({"point": {}}, "point is no entry"), ({"happened": ""}, "happened does not say why"), ({"absent": "secret"}, "absent is no list"),
    ({"absent": [""]}, "absent is no list")])
def test_what_cannot_be_meant_is_refused_and_named(said, words, case):
    with pytest.raises(ValueError, match=f"due.json: .*{words}"):
        case(**{"happened": "it is so", **said})


def test_a_reason_is_asked_for(case):
    with pytest.raises(ValueError, match="happened does not say why"):
        case()
