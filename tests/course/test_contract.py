"""Every sentence of "Rules for every answer" and of each "Contract" has its hidden checks in contract.toml, or a reason."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = tomllib.loads(Path(__file__).with_name("contract.toml").read_text(encoding="utf-8"))


def texts(notebook):
    """The markdown cells of a notebook's source."""
    path, = ROOT.glob(f"source/*/{notebook}.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def promises(notebook):
    """{"rules" or an exercise: its sentences, for the rules the bold words that they begin with}."""
    found = {}
    for text in texts(notebook):
        if "Rules for every answer" in text:
            found["rules"] = re.findall(r"^- \*\*(.+?)[.:]?\*\*", text, re.MULTILINE)
        if contract := re.search(r"\*\*Contract\.\*\*(.*?)(?=\n\n\*\*|\Z)", text, re.DOTALL):
            exercise = re.search(r"`(\w+)`", text)[1]
            found[exercise] = re.split(r"(?<=[.;:])\s+(?=[A-Z`\-])", " ".join(contract[1].split()))
    return found


def checks(notebook):
    source = (ROOT / "tests" / "hidden" / f"test_{notebook}.py").read_text(encoding="utf-8")
    return set(re.findall(r"^def (test_\w+)\(", source, re.MULTILINE))


@pytest.mark.parametrize("notebook", TABLE)
def test_every_sentence_has_its_entry_and_every_entry_its_sentence(notebook):
    for place, sentences in promises(notebook).items():
        entries = TABLE[notebook].get(place, {})
        assert [s for s in sentences if not any(s.startswith(said) for said in entries)] == [], place
        assert [said for said in entries if not any(s.startswith(said) for s in sentences)] == [], place
    assert set(TABLE[notebook]) == set(promises(notebook))


@pytest.mark.parametrize("notebook", TABLE)
def test_every_entry_names_checks_that_there_are_or_a_reason(notebook):
    exercises = [place for place in TABLE[notebook] if place != "rules"]
    for place, entries in TABLE[notebook].items():
        for said, held_by in entries.items():
            if isinstance(held_by, dict):
                assert len(held_by["reason"]) > 25, said
                continue
            for exercise in exercises if place == "rules" else [place]:
                names = {name.removeprefix(f"test_{exercise}_") for name in checks(notebook) if name.startswith(f"test_{exercise}_")}
                missing = [end for end in held_by if not (any(name.startswith(end) for name in names) if place == "rules" else end in names)]
                assert missing == [], f"{exercise}: {said}"
