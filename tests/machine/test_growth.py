"""What a command costs grows with the class: counted in calls, at two sizes of it."""

import random
import re
from itertools import combinations

import pytest
from nbgrader.api import Gradebook, GradeCell, Grade, SubmittedAssignment, SubmittedNotebook, Student
from nbformat.v4 import new_notebook
from rapidfuzz.distance import Indel
from sqlalchemy import event, insert

from grading.notebooks import record
from grading.notebooks.record import CheckRecord, Outcome, Record, VerdictRecord
from grading.notebooks.submissions import hand_in
from grading.notebooks.writing import notebook_text
from grading.run.course import Course
from grading.run.gradebook import penalty_of, submissions_of, waits_for_a_person
from grading.run.results import results_of
from grading.tools import analysis, figures, report, similar
from grading.tools.analysis import ClassResult, Item, Work
from grading.tools.fingerprints import FEW, candidates

from classes import CASES

IDIOMS = ("{a} = np.asarray({b}, dtype=float)", "{a} = np.zeros(len({b}) + {n})", "for {a} in range({n}, len({b})):",
          "{a} = [{b} * {n} for {b} in {c}]", "if {a} > {n} and {b} < {c}:", "return np.sum({a} * {b}) / {n}",
          "{a} = np.exp(-{b}) + {c} ** {n}", "while {a} and not {b}:", "{a}, {b} = {b}, {a} - {n} * {c}",
          "{a} = max({b}, key=lambda {c}: {c} % {n})", "{a} = np.dot({b}.T, {c})", "{a} += np.linalg.norm({b}, axis={n})")
KNOWN = {"np"}


# --- similar ------------------------------------------------------------------------------------------------------

def lines_of(chance, count=16):
    """Lines as a course's students write them: from few idioms, in an order of their own."""
    return [chance.choice(IDIOMS).format(a=chance.choice("xyz"), b=chance.choice("uvw"), c=chance.choice("pqr"),
                                         n=chance.randrange(4)) for _ in range(count)]


def code_of(student, lines):
    text = "\n".join(lines)
    return similar.Code(student, {"exercise": text}, {"exercise": similar.tokens(text, KNOWN)})


def a_class(size, planted=10):
    """Submissions of which some are copies: with other names, or with two lines of their own."""
    chance = random.Random(size)
    honest = [lines_of(chance) for _ in range(size - 2 * planted)]
    renamed = [[line.translate(str.maketrans("xyz", "abc")) for line in lines] for lines in honest[:planted]]
    changed = [[*lines[:5], *lines_of(chance, 2), *lines[7:]] for lines in honest[planted:2 * planted]]
    codes = [code_of(f"student-{number:04}", lines) for number, lines in enumerate([*honest, *renamed, *changed])]
    return codes, {(f"student-{n:04}", f"student-{size - 2 * planted + n:04}") for n in range(2 * planted)}


def all_pairs(codes, at_least=similar.AT_LEAST):
    """What comparing everyone with everyone finds."""
    written = [(code.student, code.all_tokens) for code in codes if len(code.all_tokens) >= similar.FEWEST_TOKENS]
    return {(one, other) for (one, mine), (other, theirs) in combinations(written, 2)
            if Indel.normalized_similarity(mine, theirs) >= at_least}


def found_in(codes):
    return {(pair.first.student, pair.second.student) for pair in similar.pairs(codes)}


def test_every_planted_copy_among_300_is_found_and_no_pair_is_lost():
    codes, planted = a_class(300)
    found = found_in(codes)
    assert planted <= found and found == all_pairs(codes)


def test_of_the_golden_class_no_pair_is_lost(course_folder):
    root = course_folder("ps1")
    for case in sorted(path.parent for path in CASES.glob("*/due.json")):
        hand_in(case, root / "release" / "ps1", root / "submitted" / case.name / "ps1")
    codes = similar.read_class(Course(root), "ps1")
    wanted = all_pairs(codes)
    assert wanted and wanted <= found_in(codes)


def test_comparisons_grow_with_the_class_and_not_with_its_square(monkeypatch):
    def comparisons(size):
        calls = []
        measure = similar.likeness
        with monkeypatch.context() as patch:
            patch.setattr(similar, "likeness", lambda *texts: calls.append(1) or measure(*texts))
            similar.pairs(a_class(size)[0])
        return len(calls)
    few, many = comparisons(250), comparisons(1000)
    assert few < many < 6 * few, "the square would be 16 times as many"


def test_a_run_that_many_have_pairs_neighbours_and_one_that_few_have_pairs_all_of_them():
    common, rare = "abcdefghij", "klmnopqrst"
    texts = [common + chr(1000 + n) * n for n in range(300)]
    pairs = list(candidates([*texts, texts[0] + rare, texts[299] + rare]))
    assert (300, 301) in pairs and len(set(pairs)) == len(pairs) and all(one < other for one, other in pairs)
    assert len(pairs) < 302 * 2 * FEW + 302 < 302 * 301 / 2


def test_a_solution_that_the_whole_class_has_counts_as_everybodys():
    lines = lines_of(random.Random(1))
    codes = [code_of(f"student-{n}", lines) for n in range(12)]
    found = similar.pairs(codes)
    assert len(found) == 66 and {row[3] for pair in found for row in pair.parts} == {10}


# --- report -------------------------------------------------------------------------------------------------------

class Counted(dict):
    """Points that count how often they are asked for."""

    asked = 0

    def __getitem__(self, name):
        Counted.asked += 1
        return super().__getitem__(name)


def test_a_report_looks_at_each_point_a_few_times_whatever_the_size_of_the_class():
    def asked(size):
        Counted.asked = 0
        check = CheckRecord("test_values", "values", 1, True, Outcome.PASSED)
        works = [Work(f"student-{n}", f"submission {n}", Counted(easy=n % 3, hard=n % 5), {("easy", "test_values"): check}) for n in range(size)]
        result = ClassResult("ps1", [Item("easy", 2, False), Item("hard", 4, False)], works, [])
        analysis.items(result)
        report.overview(result)
        found = figures.ClassFigures(result, {work.student: "AB"[n % 2] for n, work in enumerate(works)})
        assert len(found.looks[0]) == 6 and found.exercises
        list(report.submission_rows(result, False)), list(report.check_rows(result))
        return Counted.asked
    assert asked(80) == 2 * asked(40)


# --- the gradebook -------------------------------------------------------------------------------------------------------

def fill_gradebook(root, size):
    """A course of which nbgrader's tables hold a graded class."""
    (root / "source" / "ps1").mkdir(parents=True)
    (root / "nbgrader_config.py").touch()
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        row = gradebook.add_assignment("ps1")
        notebook = gradebook.add_notebook("activations", "ps1")
        cells = [GradeCell(name=f"test_{name}", notebook=notebook, max_score=2, cell_type="code") for name in ("relu", "sigmoid")]
        gradebook.db.add_all(cells)
        gradebook.db.flush()
        for n in range(size):
            student = Student(id=f"student-{n:02}")
            submission = SubmittedAssignment(assignment=row, student=student)
            submitted = SubmittedNotebook(notebook=notebook, assignment=submission, late_submission_penalty=n or None)
            gradebook.db.add_all(Grade(cell=cell, notebook=submitted, auto_score=1, needs_manual_grade=n == 1) for cell in cells)
            for step in ("submitted", "autograded", "feedback"):
                (root / step / student.id / "ps1").mkdir(parents=True)
            (root / "autograded" / student.id / "ps1" / "activations.ipynb").write_text(
                '{"metadata": {"grading": {"mended": {"a": "b"}}}, "cells": [], "nbformat": 4, "nbformat_minor": 5}')
            (root / "feedback" / student.id / "ps1" / "index.html").write_text("an older one")
        gradebook.db.commit()
    return root


@pytest.fixture
def classes(tmp_path):
    return [fill_gradebook(tmp_path / str(size), size) for size in (3, 12)]


def test_report_asks_the_gradebook_as_often_for_a_large_class_as_for_a_small_one(classes):
    from sqlalchemy.engine import Engine
    said = []

    def listen(connection, cursor, statement, *_):
        said.append(statement)

    def queries(command, *arguments):
        said.clear()
        command(*arguments)
        return len(said)
    event.listen(Engine, "before_cursor_execute", listen)
    try:
        few, many = (queries(analysis.read, root, "ps1") for root in classes)
        assert few == many
    finally:
        event.remove(Engine, "before_cursor_execute", listen)


def test_the_rows_of_a_large_class_are_read_once(tmp_path):
    """nbgrader's tables have no index for the rows of a submission: what asks for some of a class at a time reads them for all each time."""
    root, asked = fill_gradebook(tmp_path, 3), []
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        students = [{"id": f"more-{n}"} for n in range(1200)]
        gradebook.db.execute(insert(Student.__table__), students)
        row = gradebook.find_assignment("ps1")
        gradebook.db.execute(insert(SubmittedAssignment.__table__), [
            {"id": one["id"], "student_id": one["id"], "assignment_id": row.id} for one in students])
        event.listen(gradebook.db.get_bind(), "before_cursor_execute", lambda connection, cursor, statement, *_: asked.append(statement))
        assert len(list(results_of(gradebook, "ps1"))) == 1203
    assert sum(bool(re.search(r"FROM grade\b", statement)) for statement in asked) == 1


def test_a_verdict_that_many_have_is_decoded_once(tmp_path, monkeypatch):
    nb, decoded = new_notebook(), []
    for n in range(9):
        check = CheckRecord("test_values", f"once {n % 3}", 1, True, Outcome.PASSED)
        Record({"numpy": "2"}, {}, {"relu": VerdictRecord(1, 1, (check,)), "sigmoid": VerdictRecord(n, 9, (check,))}).write(nb)
        (tmp_path / f"{n}.ipynb").write_text(notebook_text(nb))
    read_verdict = record.read_verdict
    monkeypatch.setattr(record, "read_verdict", lambda stored, *about: decoded.append(stored) or read_verdict(stored, *about))
    found = record.records_in(tmp_path)
    assert len(decoded) == 3 + 9 and [found[str(n)].verdicts["sigmoid"].points for n in range(9)] == list(range(9))
    assert found["4"].verdicts["relu"].checks[0].title == "once 1" and found["3"].verdicts["relu"] is found["0"].verdicts["relu"]


def test_what_is_summed_here_is_what_nbgrader_sums(classes):
    with Gradebook(f"sqlite:///{classes[0]}/gradebook.db") as gradebook:
        for row in submissions_of(gradebook, gradebook.find_assignment("ps1")):
            assert penalty_of(row) == row.late_submission_penalty and waits_for_a_person(row) == row.needs_manual_grade


def test_the_folders_of_a_class_are_those_that_nbgrader_has(classes):
    course = Course(classes[0])
    for structure in (course.dir.directory_structure, "{student_id}/{nbgrader_step}/{student_id}/{assignment_id}"):
        course.dir.directory_structure = structure
        for student in ("student-00", "{0}", "%s", "a b"):
            assert course.places("submitted", "ps1")(student) == course.dir.format_path("submitted", student, "ps1")
