"""What a graded notebook keeps of its grading is written once and read once, in this version's form and in the last one's."""

import functools
import json
from dataclasses import replace

import pytest
from nbformat.v4 import new_code_cell, new_notebook, reads, writes

from grading.checks.verdict import FAILED, PASSED, CheckResult, Verdict
from grading.notebooks import record
from grading.notebooks.writing import notebook_text
from grading.notebooks.record import (END_BYTES, NOTHING, CheckRecord, Outcome, Record, Seen, VerdictRecord, note, read_record,
                                      records_in, written)


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


def test_what_was_found_is_not_changed_afterwards():
    verdict = a_record().verdicts["relu"]
    for one, name in ((a_record(), "damaged"), (verdict, "points"), (verdict.checks[0], "outcome"), (Seen("x = 1", ()), "text")):
        with pytest.raises(AttributeError):
            setattr(one, name, None)


def test_the_form_of_version_2():
    nb = graded()
    a_record().write(nb)
    assert nb.metadata["grading"] == {
        "version": 2, "graded_by": {"sandbox": "bwrap"}, "mended": {"test_relu": "It was put back."}, "verdicts": {"relu": {
            "points": 2.25, "most": 3.0, "warnings": ["divide"], "definitions": 2, "blank": False, "seen": None, "checks": [
                {"name": "test_relu_values", "title": "is right", "weight": 3, "core": True, "outcome": "passed", "misconception": None},
                {"name": "test_relu_zero", "title": "is 0 at 0", "weight": 1, "core": False, "outcome": "failed",
                 "misconception": "is 1 at zero"}]}}}
    Record(mended={"relu": "It was put back."}).write(nb)
    assert nb.metadata["grading"] == {"version": 2, "mended": {"relu": "It was put back."}}


def test_a_notebook_of_version_0_1_0_is_read():
    check = {"name": "test_relu_values", "title": "is right", "core": True, "weight": 3, "outcome": "passed", "misconception": None}
    lost = {**check, "name": "test_relu_zero", "title": "is 0 at 0", "core": False, "weight": 1, "outcome": "failed",
            "misconception": "is 1 at zero"}
    verdict = {"fraction": 0.75, "warnings": ["divide"], "definitions": 2, "checks": [check, lost]}
    nb = graded({"grading": {"graded_by": {"sandbox": "bwrap"}, "mended": {"test_relu": "It was put back."},
                             "verdicts": {"relu": verdict}}})
    assert Record.read(nb) == a_record()


def test_a_notebook_that_is_not_graded_has_an_empty_record():
    assert Record.read(graded()) == Record() and not Record().damaged


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


# --- files ----------------------------------------------------------------------------------------------------------

def stored(tmp_path, text):
    path = tmp_path / "activations.ipynb"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def end_of_a_file(size=None):
    """The last `size` bytes of a graded notebook, all of which belong to its metadata, and its record."""
    nb, record = graded(), replace(a_record(), mended={"relu": ""})
    for _ in range(2):
        record.write(nb)
        text = writes(nb)
        end = text[text.index('\n "metadata": {\n  "grading"'):]
        record = replace(record, mended={"relu": "x" * ((size or len(end)) - len(end))})
    assert size in (None, len(end))
    return end, Record.read(nb)


def test_of_a_file_no_more_than_its_end_is_read(tmp_path):
    """What stands before it here is no notebook at all."""
    for size, due in ((131072 + 2, True), (131072 + 3, False)):       # two may be missing: a new line and a space
        end, record = end_of_a_file(size)
        assert read_record(stored(tmp_path, "no notebook" * 45_000 + end)) == (record if due else Record(damaged=True))


def test_the_whole_file_is_read_where_its_end_does_not_tell(tmp_path):
    end, record = end_of_a_file(END_BYTES + 1)
    assert read_record(stored(tmp_path, '{"cells": [], "nbformat": 4,' + end)) == record
    end, record = end_of_a_file()
    assert read_record(stored(tmp_path, "{" + end)) == record, "a file that ends within the first bytes"
    assert read_record(stored(tmp_path, json.dumps(json.loads("{" + end)))) == record, "in another layout"
    assert read_record(stored(tmp_path, writes(graded()))) == Record()


@pytest.mark.parametrize(("size", "asked"), [(None, [2**15]), (2**15, [2**15]), (2**15 + 1, [2**15, 2**17]), (2**16, [2**15, 2**17])])
def test_no_more_of_a_file_is_read_than_its_record_takes(size, asked, tmp_path, monkeypatch):
    end, due = end_of_a_file(size)
    path, pread, found = stored(tmp_path, "no notebook" * 45_000 + end), record.os.pread, []
    monkeypatch.setattr(record.os, "pread", lambda fd, most, start: found.append(most) or pread(fd, most, start))
    assert read_record(path) == due and found == asked


def two_verdicts(**changed):
    """The end of a file as grading writes it, and its record."""
    (one,) = a_record().verdicts.values()
    due = replace(a_record(), verdicts={"relu": one, "sigmoid": replace(one, **{"points": 1.0, **changed})}, changed={"q": Seen("x", ("y",))}, look=("odd",))
    nb = graded()
    due.write(nb)
    text = notebook_text(nb)
    return "{" + text[text.index('\n "metadata": {\n  "grading"'):], due


def test_a_record_is_read_by_its_lines_and_what_others_have_as_well_is_decoded_once():
    (text, due), (other, _) = two_verdicts(), two_verdicts(points=2.0)
    found, second = record.by_its_lines(text.encode()), record.by_its_lines(other.encode())
    assert found == due and second.verdicts["sigmoid"].points == 2.0 and second.verdicts["relu"] is found.verdicts["relu"]
    assert all(isinstance(one, functools._lru_cache_wrapper) for one in (record.but_for_verdicts, record.verdict_in))


@pytest.mark.parametrize(("old", "new"), [('"version": 2', '"version": 1'), ('"version": 2', '"version": 3'), ('"points": 1.0', '"fraction": 0.5,\n     "points": 1.0'),
                                          ('"verdicts": {', '"verdicts":  {'), ('"grading": {', '"other": {'), ('"points": 1.0', '"points": 1.0]'), ("\n", " ")])
def test_what_is_laid_out_otherwise_is_not_read_by_its_lines(old, new):
    text, _ = two_verdicts()
    assert old in text and record.by_its_lines(text.replace(old, new).encode()) is None


def test_what_still_has_verdicts_is_not_taken_for_the_rest():
    text, _ = two_verdicts()
    with pytest.raises(ValueError):
        record.but_for_verdicts(text.encode())


def test_a_file_of_version_0_1_0_is_read_with_the_points_of_its_own_exercise(tmp_path):
    check = {"name": "test_relu_values", "title": "is right", "core": True, "outcome": "passed"}
    nb = graded({"grading": {"verdicts": {"relu": {"fraction": 0.35, "checks": [check]}}}})
    nb.cells[0].metadata["nbgrader"]["points"] = 2.5
    for name in ("test_a", "test_z"):
        nb.cells.append(new_code_cell("1", metadata={"nbgrader": {**nb.cells[0].metadata["nbgrader"], "grade_id": name}}))
    nb.cells.append(new_code_cell("x = 1"))
    due = Record(verdicts={"relu": VerdictRecord(0.88, 2.5, (CheckRecord("test_relu_values", "is right", 1, True, Outcome.PASSED),))})
    assert read_record(stored(tmp_path, writes(nb))) == Record.read(nb) == due
    assert due.verdicts["relu"].definitions == 1 and due.verdicts["relu"].blank is False and due.verdicts["relu"].seen is None


@pytest.mark.parametrize("content", ["", "[]", "7", '{"metadata": []}', '{"metadata": {"grading": {"version": 2, "verdicts": {"relu": {}}}}}',
                                     '{"metadata": {"grading": {"version": 2, "verdicts": {"relu": {"checks": null}}}}}', b"\xff"])
def test_what_is_no_record_is_a_damaged_one(content, tmp_path):
    assert read_record(stored(tmp_path, content)) == Record(damaged=True)


def test_a_folder_is_read_in_the_order_of_names(tmp_path):
    for name in ("b", "c", "a"):
        nb = graded()
        a_record().write(nb)
        (tmp_path / f"{name}.ipynb").write_text(writes(nb))
    assert list(records_in(tmp_path).items()) == [(name, a_record()) for name in "abc"]


def test_only_a_check_that_failed_has_a_digest():
    nb, record = graded(), a_record()
    failed = replace(record.verdicts["relu"].checks[1], wrong="0123-4567")
    record.verdicts["relu"] = replace(record.verdicts["relu"], checks=(record.verdicts["relu"].checks[0], failed))
    record.write(nb)
    assert ["wrong" in check for check in nb.metadata["grading"]["verdicts"]["relu"]["checks"]] == [False, True]
    assert Record.read(nb) == record


def test_nothing_of_a_notebook_was_graded_where_its_note_ends_so():
    assert Record(mended={"notebook": f"It is empty. {NOTHING}"}).refused
    assert not Record(mended={"notebook": "It was cut."}).refused and not Record().refused


def test_what_staff_and_students_should_know_is_kept():
    nb = graded()
    record = replace(a_record(), look=("A file was left out.",), changed={"relu": Seen("x = 1", ("- x = 1", "+ x = 2"))})
    record.write(nb)
    assert Record.read(reads(writes(nb))) == record and record.notes == ("", ("A file was left out.",))
