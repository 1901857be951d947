"""The doctor: what is there is found, and what is missing is named with its remedy."""

import os

import pytest
from typer.testing import CliRunner

from grading.border import mounts, sandbox
from grading.border.identity import Identity, Kind
from grading.border.surroundings import Surroundings
from grading.tools import doctor
from grading.tools.cli import app
from grading.tools.doctor import Finding, course_folder, diagnose_host


@pytest.mark.sandbox
def test_a_host_on_which_grading_works_has_all_that_is_needed():
    findings = diagnose_host()
    assert [finding.name for finding in findings if finding.needed and not finding.ok] == []
    assert len({finding.name for finding in findings}) == len(findings) >= 11


def test_everything_that_can_be_missing_comes_with_a_remedy(monkeypatch):
    monkeypatch.setattr(doctor, "find_bwrap", lambda: None)
    monkeypatch.setattr(sandbox, "find_bwrap", lambda: None)
    monkeypatch.setattr(doctor, "find_library", lambda name: None)
    monkeypatch.setattr(doctor.cgroup, "enclose", lambda limits: None)
    monkeypatch.setattr(doctor, "FREE_BYTES", 2**62)
    monkeypatch.setattr(doctor, "LINUX", (99, 0))
    monkeypatch.setattr(doctor, "NUMPY", (99, 0))
    monkeypatch.setattr(doctor, "PYTHON", (99, 0))
    monkeypatch.setattr(doctor.shutil, "which", lambda name, path=None: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    missing = {finding.name: finding for finding in diagnose_host() if not finding.ok}
    assert missing.keys() == {"Python", "NumPy", "alembic", "Linux", "bubblewrap", "sandbox", "system call filter",
                              "cgroup v2", "grader's user", "free space"}
    assert all(finding.remedy and finding.said for finding in missing.values())
    assert "apt-get install bubblewrap" in missing["bubblewrap"].remedy


@pytest.mark.sandbox
def test_namespaces_that_do_not_nest_are_reported_as_slower_not_as_missing(monkeypatch):
    fork = sandbox.Sandbox.fork

    def refuse_namespaces(self, isolation):
        if isolation == "namespaces":
            error = sandbox.KernelNotStarted("unshare: Operation not permitted")
            error.refused = True
            raise error
        return fork(self, isolation)

    monkeypatch.setattr(sandbox.Sandbox, "fork", refuse_namespaces)
    there, *_, nested = doctor.sandbox()
    assert there.ok and not nested.ok and not nested.needed


@pytest.mark.sandbox
@pytest.mark.parametrize("inside, seen", [("", True), ("course", False)])
def test_a_course_that_student_code_sees_is_found_from_inside_and_refused(inside, seen, tmp_path, monkeypatch):
    """Seen is one that is itself on the list of mounts, under whatever name; what lies below such a folder is covered."""
    (tmp_path / "course").mkdir()
    mounted = (*mounts.needed(), mounts.Mount(tmp_path, mounts.PACKAGES / "another-name"))
    monkeypatch.setattr(mounts, "needed", lambda: mounted)
    place = tmp_path / inside
    finding = next(one for one in doctor.sandbox([place]) if one.name == "what student code sees")
    assert finding.needed and finding.ok == (not seen) and (str(place) in finding.said) == seen
    assert finding.remedy == "" or "Do not grade here" in finding.remedy


def test_a_version_is_read_out_of_what_systems_call_themselves():
    assert [doctor.numbers(text) for text in ("6.18.44-fc-v595", "1.26.4", "none")] == [(6, 18), (1, 26), (0, 0)]
    assert Finding("x", True, "y").needed


def test_the_folder_of_a_course_may_be_called_almost_anything():
    good, = course_folder(("/home/zoë/[WS26] 50% 'q' {x} *",))
    bad, = course_folder(("/home/x/what?",))
    assert good.ok and not bad.ok and "question mark" in bad.said and bad.remedy == "Rename the folder." and course_folder(()) == []


def test_a_course_whose_folder_has_a_name_that_it_cannot_have_is_a_finding_and_no_traceback(tmp_path, monkeypatch):
    root = tmp_path / "what?"
    root.mkdir()
    (root / "nbgrader_config.py").touch()
    monkeypatch.setattr(doctor, "diagnose_host", lambda places, gradebook: course_folder(places))
    said = CliRunner().invoke(app, ["doctor", "--course", str(root)])
    assert said.exit_code == 1 and isinstance(said.exception, SystemExit)
    assert "MISSING  folder of the course" in said.output and "Rename the folder" in said.output


def test_what_is_said_of_the_id_that_student_code_shares_mends_what_is_missing(monkeypatch):
    shared = Identity(Kind.SHARED, 1000, 1000)
    for found, due in (([shared], "Give it one: apt-get install uidmap"), ([Identity(Kind.MAPPED, 1000, 1000, 1), shared], "newuidmap is there and was refused")):
        monkeypatch.setattr(doctor, "candidates", lambda found=found: found)
        finding = doctor.host_id(shared, Surroundings())
        assert not finding.ok and not finding.needed and finding.remedy.startswith(due) and "usermod --add-subuids" in finding.remedy
