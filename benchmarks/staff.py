"""What staff look at, as the class grows: `course status`, `report` and `similar` on a class made larger out of graded submissions.

Rows and files are real ones of a graded class, copied under other names; files are linked, for a disk that holds a class of
10,000 is not what is measured. For `course similar` each gets answers of its own: see `likeness`.
"""

import os
import shutil
import sqlite3
import sys
import uuid

from grading.notebooks.again import MARK

from . import classes, likeness, systems

TABLES = ("submitted_assignment", "submitted_notebook", "grade", "comment")


def growth(chosen):
    """Yield {"sizes": [{"submissions", "status", "report", "similar"}]}, each as `measure` says."""
    base, found = graded(chosen.staff[0]), {"sizes": []}
    for size in chosen.staff:
        course = enlarge(base, systems.BENCH / "staff", size)
        one = {"submissions": size}
        for command in ("status", "report", "similar"):
            if command == "similar":
                likeness.rewrite(course)
            measured = systems.grade(f"staff-{command}", [sys.executable, "-m", "grading", command, "ps1", "--course", course], course)
            one[command] = {name: measured[name] for name in ("wall", "cpu", "peak", "status")}
            print(f"{size}: course {command}: {measured['wall']:.1f} s, {measured['peak'] / 2**20:.0f} MiB", flush=True)
        found["sizes"].append(one)
        yield found


def graded(count):
    course = classes.make_course(systems.BENCH / "staff-base", count)
    with open(course / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(f"\nc.Execute.course_root = {str(systems.ROOT)!r}\n")
    systems.ours(course, 2)
    return course


def enlarge(base, folder, size):
    """A course in `folder` with `size` submissions, made of those that are graded in `base`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns("autograded", "submitted"))
    students = sorted(path.name for path in (base / "submitted").iterdir())
    with sqlite3.connect(folder / "gradebook.db") as db:
        rows = Rows(db)
        for number in range(size):
            old = students[number % len(students)]
            new = old if number < len(students) else f"x{number:05d}"
            for step in ("submitted", "autograded"):
                shutil.copytree(base / step / old / "ps1", folder / step / new / "ps1", copy_function=os.link)
            if new != old:
                rows.copy(old, new)
    for mark in folder.glob(f"autograded/*/ps1/{MARK}"):
        os.utime(mark)      # a link changes a file's time, and nothing has been handed in since it was graded
    return folder


class Rows:
    """The rows of submissions, to be copied for other students."""

    def __init__(self, db):
        self.db = db
        self.names = {table: [row[1] for row in db.execute(f"pragma table_info({table})")] for table in TABLES}
        self.of = {table: self.read(table) for table in TABLES}
        self.students = {row["student_id"]: row for row in self.of["submitted_assignment"]}

    def read(self, table):
        return [dict(zip(self.names[table], row)) for row in self.db.execute(f"select * from {table}")]

    def copy(self, old, new):
        self.db.execute("insert into student (id) values (?)", (new,))
        submission = self.students[old]
        place = self.put("submitted_assignment", submission, student_id=new)
        for notebook in self.of["submitted_notebook"]:
            if notebook["assignment_id"] != submission["id"]:
                continue
            inside = self.put("submitted_notebook", notebook, assignment_id=place)
            for table in ("grade", "comment"):
                for row in self.of[table]:
                    if row["notebook_id"] == notebook["id"]:
                        self.put(table, row, notebook_id=inside)

    def put(self, table, row, **changes):
        made = {**row, **changes, "id": uuid.uuid4().hex}
        self.db.execute(f"insert into {table} ({', '.join(made)}) values ({', '.join('?' * len(made))})", list(made.values()))
        return made["id"]
