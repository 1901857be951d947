"""What a graded notebook keeps of its grading is written once and read once, in this version's form and in the last one's."""

import json
from dataclasses import replace

import pytest
from nbformat.v4 import new_code_cell, new_notebook, reads, writes

from grading.checks.verdict import FAILED, PASSED, CheckResult, Verdict
from grading.notebooks.record import CheckRecord, Outcome, Record, VerdictRecord, note, written


def graded(metadata=None):
    mark = {"grade_id": "test_relu", "points": 3, "grade": True, "solution": False, "locked": True, "schema_version": 3}
    return new_notebook(cells=[new_code_cell("1", metadata={"nbgrader": mark})], metadata=metadata or {})


def a_record():
    checks = (CheckRecord("test_relu_values", "is right", 3, True, Outcome.PASSED),
              CheckRecord("test_relu_zero", "is 0 at 0", 1, False, Outcome.FAILED, "is 1 at zero"))
    return Record({"sandbox": "bwrap"}, {"test_relu": "It was put back."}, {"relu": VerdictRecord(2.25, 3.0, checks, ("divide",), 2)})


def test_what_is_written_is_read_also_after_the_file_was_stored():
    nb = graded()
    a_record().write(nb)
    assert Record.read(reads(writes(nb))) == a_record()


def test_a_notebook_of_version_0_1_0_is_read():
    check = {"name": "test_relu_values", "title": "is right", "core": True, "weight": 3, "outcome": "passed", "misconception": None}
    lost = {**check, "name": "test_relu_zero", "title": "is 0 at 0", "core": False, "weight": 1, "outcome": "failed",
            "misconception": "is 1 at zero"}
    verdict = {"fraction": 0.75, "warnings": ["divide"], "definitions": 2, "checks": [check, lost]}
    nb = graded({"grading": {"graded_by": {"sandbox": "bwrap"}, "mended": {"test_relu": "It was put back."},
                             "verdicts": {"relu": verdict}}})
    assert Record.read(nb) == a_record()


def test_a_notebook_that_is_not_graded_has_an_empty_record():
    assert Record.read(graded()) == Record()


def test_an_outcome_that_does_not_exist_is_refused():
    nb = graded()
    a_record().write(nb)
    nb.metadata["grading"]["verdicts"]["relu"]["checks"][0]["outcome"] = "well done"
    with pytest.raises(ValueError, match="well done"):
        Record.read(nb)


def test_notes_on_the_whole_notebook_stand_beside_each_other():
    nb = graded()
    note(nb, "It was cut.")
    note(nb, "It was in UTF-16.")
    assert Record.read(nb) == Record(mended={"notebook": "It was cut. It was in UTF-16."})
    json.dumps(nb)


def test_the_record_has_the_points_of_its_exercise():
    checks = [CheckResult("a", "is right", "", 3, True, PASSED), CheckResult("b", "is 0 at 0", "", 1, False, FAILED)]
    record = Verdict("relu", checks).record(2.5)
    assert (record.points, record.most) == (1.88, 2.5) and not record.passed and record.count(Outcome.FAILED) == 1
    assert replace(record, checks=record.checks[:1]).passed


@pytest.mark.parametrize(("points", "words"), [(3.0, "3"), (1.65, "1.65"), (0.1 + 0.2, "0.3"), (1234567.25, "1234567.25"),
                                               (0, "0"), (2.675, "2.67")])
def test_points_are_written_with_at_most_two_decimals(points, words):
    assert written(points) == words
