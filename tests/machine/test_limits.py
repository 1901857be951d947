"""What an instructor may set as a limit, each at its border, and that the threat model says what is in force."""

import math
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from grading.border import limits
from grading.border.limits import LARGEST, LEAST, Limits

ROOT = Path(__file__).parents[2]
THREAT_MODEL = (ROOT / "docs" / "threat-model.md").read_text()
LEAST_OF_ALL = {"cell_seconds": 0.1, "call_seconds": 0.1, "submission_seconds": 0.1, "cpu_seconds": 1, "memory_bytes": 536870912,
                "processes": 2, "open_files": 16, "file_bytes": 65536, "scratch_bytes": 1048576, "scratch_files": 16,
                "cell_output_bytes": 1000, "output_bytes": 1000, "value_bytes": 65536}


def changed(**changes):
    return Limits.changed(changes)


def refused(**changes):
    with pytest.raises(ValueError) as error:
        changed(**changes)
    return str(error.value)


@pytest.mark.parametrize(("name", "least"), LEAST_OF_ALL.items())
def test_each_limit_is_taken_at_its_least_and_refused_below(name, least):
    assert LEAST_OF_ALL.keys() == asdict(Limits()).keys() and LEAST.keys() < LEAST_OF_ALL.keys()
    whole = isinstance(least, int)
    taken = getattr(changed(**{name: least}), name)
    assert taken == least and type(taken) is type(least)
    assert f"it takes at least {least:g} (its default is {getattr(Limits(), name):g})" in refused(**{name: least - (1 if whole else 0.01)})
    assert getattr(changed(**{name: 2**50}), name) == 2**50 == LARGEST
    assert f"{name} is {2.0**51:g}, a number that no limit takes" in refused(**{name: 2**51})
    assert f"{name} is {2**50 + 1:g}, a number" in refused(**{name: 2**50 + 1})
    half = least + 1.5
    assert ("takes a whole number" in refused(**{name: half})) if whole else getattr(changed(**{name: half}), name) == half


@pytest.mark.parametrize("value", [True, None, [], "much", math.inf, -math.inf, math.nan, 1j, "", "nan"], ids=repr)
def test_what_is_no_number_is_refused_and_shown(value):
    assert "and it takes a number." in refused(cell_seconds=value)


@pytest.mark.parametrize(("given", "due"), [("20", 20), ("2e1", 20), (20.0, 20), (20, 20)])
def test_a_number_from_a_command_line_is_one(given, due):
    taken = changed(open_files=given, cell_seconds=given)
    assert (taken.open_files, taken.cell_seconds) == (due, float(due))
    assert (type(taken.open_files), type(taken.cell_seconds)) == (int, float)
    assert taken.processes == Limits().processes


def test_a_name_that_is_none_is_told_the_others():
    said = refused(cell_second=5)
    assert "'cell_second'" in said and ", ".join(asdict(Limits())) in said


def test_limits_in_force_do_not_change():
    with pytest.raises(AttributeError):
        Limits().cell_seconds = 9.0


def test_every_limit_says_its_unit_and_meaning_where_it_stands():
    text = Path(limits.__file__).read_text().split("class Limits")[1].split("@classmethod")[0]
    fields = re.findall(r"^    \w+: (?:int|float) = .*$", text, re.MULTILINE)
    assert len(fields) >= 12 and all(re.search(r"_(seconds|bytes|files)|#", line) for line in fields)


# --- the threat model keeps to the facts --------------------------------------------------------------------------

def test_every_promise_of_the_threat_model_names_tests_that_exist():
    there = set(re.findall(r"^def (test_\w+)", "".join(p.read_text() for p in ROOT.glob("tests/*/test_*.py")), re.M))
    named = set(re.findall(r"`(test_\w+)`", THREAT_MODEL))
    assert len(named) > 30 and named <= there


def test_the_threat_model_lists_every_limit_with_its_default():
    units = {" s": 1, "": 1, " MiB": 2**20, " GiB": 2**30}
    listed = {name: float(number) * units[unit] for name, number, unit in
              re.findall(r"^\| `(\w+)` \| ([\d.]+)( \w+)? \|", THREAT_MODEL, re.M)}
    assert listed == asdict(Limits())
