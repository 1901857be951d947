"""The plans of a sandbox, without starting one: what is mounted where, what bubblewrap is told, what is asked of a server that does not answer."""

import functools
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from grading.border import mounts
from grading.border.mounts import KERNEL, LIBRARIES, PACKAGES, PYTHON, Mount
from tests.conftest import ROOT


# --- mounts: which packages -----------------------------------------------------------------------------------------

@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Three packages that need each other, and one that is not installed."""
    records = {
        "numpy": ("../../bin/f2py,,\n__pycache__/x.pyc,,\nnumpy.pth,,\n,,\nnumpy/core.cpython-311.so,sha256=1,2\nnumpy/__init__.py,,\nnumpy.libs/libx.so.3.2,,\n",
                  ["contour_py>=1", "absent; python_version > '3'", "never; python_version < '3'", "more; extra == 'more'"]),
        "contour-py": ("contourpy/a.py,,\nshared/b.so.d/readme,,\nshared/b.py,,\n", ["tools; extra == ''", "NumPy"]),
        "tools": ("shared/tool.py,,\nsingle.py,,\n", None), "never": ("never/a.py,,\n", None), "more": ("more/a.py,,\n", None)}

    def distribution(name):
        if name not in records:
            raise mounts.importlib.metadata.PackageNotFoundError(name)
        record, requires = records[name]
        return SimpleNamespace(read_text={"RECORD": record}.get, requires=requires, locate_file=lambda path: tmp_path / name / path)
    monkeypatch.setattr(mounts.importlib.metadata, "distribution", distribution)
    monkeypatch.setattr(mounts, "STUDENT_PACKAGES", ("NumPy",))
    return tmp_path


def test_a_notebook_may_import_what_its_packages_need_and_nothing_that_they_only_may_need(packages):
    entries, compiled = mounts.package_files.__wrapped__()
    assert entries == {"numpy": packages / "numpy" / "numpy", "numpy.libs": packages / "numpy" / "numpy.libs", "contourpy": packages / "contour-py" / "contourpy",
                       "shared": packages / "contour-py" / "shared", "single.py": packages / "tools" / "single.py"}, "of two with one name the first"
    assert compiled == [packages / "numpy" / "numpy" / "core.cpython-311.so", packages / "numpy" / "numpy.libs" / "libx.so.3.2"]


def test_a_package_without_a_list_of_its_files_has_none(packages, monkeypatch):
    monkeypatch.setattr(mounts.importlib.metadata, "distribution", lambda name: SimpleNamespace(read_text=lambda name: None, requires=None))
    assert mounts.package_files.__wrapped__() == ({}, [])


def test_what_a_list_of_files_names_and_is_not_there_is_not_mounted(packages, monkeypatch):
    (packages / "b").touch()
    monkeypatch.setattr(mounts, "package_files", lambda: ({"z": packages / "b", "gone": packages / "gone", "a": packages / "b"}, []))
    assert list(mounts.student_paths.__wrapped__().items()) == [("a", packages / "b"), ("z", packages / "b")]


def test_hundreds_of_files_are_looked_up_once():
    for once in (mounts.package_files, mounts.student_paths, mounts.needed):
        assert isinstance(once, functools._lru_cache_wrapper)


# --- mounts: which files --------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("name", "due"), [
    ("json", True), ("_sysconfigdata__linux_.py", True), ("lib-dynload", True), ("__pycache__", True), ("os.py", True), ("argparse.py", True),
    ("site-packages", False), ("test", False), ("idlelib", False), ("gradebook.db", False), ("zzz.py", False), ("LICENSE.txt", False), ("a_sysconfigdata", False)])
def test_the_standard_library_is_what_python_calls_so(name, due):
    assert mounts.is_standard(name) is due


def test_commands_are_those_that_there_are_by_the_files_behind_their_names(monkeypatch):
    monkeypatch.setattr(mounts, "COMMANDS", ("sh", "no-such-command"))
    assert mounts.commands() == {"sh": Path(os.path.realpath("/usr/bin/sh"))}


def test_the_interpreter_lies_where_it_looks_for_its_library():
    assert mounts.interpreter_inside() == PYTHON / "bin" / mounts.interpreter().name and mounts.interpreter() == Path(os.path.realpath(sys.executable))
    assert mounts.COURSE == ROOT and mounts.INSIDE == ROOT / "grading" / "border" / "inside"
    assert {"server.py", "kernel.py", "wire.py"} <= {file.name for file in mounts.inside_files()} and all(file.suffix == ".py" for file in mounts.inside_files())


def test_a_library_folder_that_nobody_told_is_none(monkeypatch):
    monkeypatch.setattr(mounts.sysconfig, "get_config_var", {"LIBDIR": "/opt/lib"}.get)
    assert mounts.library_folder() == "/opt/lib"
    monkeypatch.setattr(mounts.sysconfig, "get_config_var", {}.get)
    assert mounts.library_folder() == ""


def test_the_standard_library_is_mounted_where_the_interpreter_looks_for_it(tmp_path, monkeypatch):
    def found(stdlib, platstdlib, base=tmp_path):
        monkeypatch.setattr(mounts.sysconfig, "get_path", lambda name, vars: {"stdlib": stdlib, "platstdlib": platstdlib}[name]
                            if vars == {"base": sys.base_prefix, "platbase": sys.base_exec_prefix} else None)
        monkeypatch.setattr(sys, "base_prefix", str(base))
        return mounts.standard_library()
    for name in ("lib/python3", "lib64/python3", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    one, other = tmp_path / "lib/python3", tmp_path / "lib64/python3"
    assert found(one, one) == [Mount(one, PYTHON / "lib/python3")]
    assert found(one, other) == [Mount(one, PYTHON / "lib/python3"), Mount(other, PYTHON / "lib64/python3")]
    assert found(one, one, tmp_path / "elsewhere") == [Mount(one, PYTHON / "lib/python3")]
    here = Path(os.path.realpath(os.__file__)).parent
    assert found("/no/such", "/no/such") == [Mount(here, PYTHON / "lib" / Path(os.__file__).parent.name)]
    (tmp_path / "link").symlink_to(one)
    assert found(tmp_path / "link", tmp_path / "link") == [Mount(one, PYTHON / "link")], "a mount is of the folder behind a link"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host with one of each kind of what is needed; {what its libraries were asked for}."""
    asked = {}
    for name in ("std/lib-dynload", "fonts", "packages"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("std/lib-dynload/_a.cpython.so", "std/lib-dynload/_tkinter.cpython.so", "python3", "real.so.1", "cache", "cat"):
        (tmp_path / name).touch()
    (tmp_path / "by.so").symlink_to("real.so.1")

    def closure(binaries, folders, inside):
        asked.update(binaries=list(binaries), folders=list(folders), inside=list(inside))
        return [str(tmp_path / "by.so")], {"else.so": str(tmp_path / "by.so")}
    for name, value in {"standard_library": lambda: [Mount(tmp_path / "std", PYTHON / "lib")], "student_paths": lambda: {"p": tmp_path / "packages"},
                        "commands": lambda: {"cat": tmp_path / "cat"}, "FONTS": tmp_path / "fonts", "interpreter": lambda: tmp_path / "python3",
                        "package_files": lambda: ({}, [tmp_path / "ext.so"]), "library_folder": lambda: "/opt/python/lib", "CACHE": tmp_path / "cache"}.items():
        monkeypatch.setattr(mounts, name, value)
    monkeypatch.setattr(mounts.libraries, "closure", closure)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/a::/b")
    return tmp_path, asked


def test_everything_that_is_needed_is_mounted_at_its_place(host):
    root, asked = host
    assert mounts.needed.__wrapped__() == (
        Mount(root / "std", PYTHON / "lib"), Mount(root / "python3", PYTHON / "bin" / "python3"), Mount(root / "packages", PACKAGES / "p"),
        Mount(root / "cat", Path("/usr/bin/cat")), Mount(root / "fonts", root / "fonts"), Mount(root / "real.so.1", root / "by.so"),
        Mount(root / "real.so.1", LIBRARIES / "else.so"), Mount(root / "cache", root / "cache"))
    assert asked == {"binaries": [root / "python3", root / "cat", root / "ext.so", root / "std/lib-dynload/_a.cpython.so"],
                     "folders": ["/opt/python/lib", "/a", "/b"], "inside": [root / "packages"]}


def test_what_a_host_does_not_have_is_not_mounted(host, monkeypatch):
    root, asked = host
    (root / "cache").unlink()
    (root / "fonts").rmdir()
    monkeypatch.setattr(mounts, "library_folder", lambda: "")
    monkeypatch.delenv("LD_LIBRARY_PATH")
    assert {mount.source.name for mount in mounts.needed.__wrapped__()} == {"std", "python3", "packages", "cat", "real.so.1"}
    assert asked["folders"] == []


# --- mounts: bubblewrap's arguments ---------------------------------------------------------------------------------

@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """Folders and a file of a host that are mounted, with something in them that is not to be seen."""
    for name in ("std/json", "std/site-packages", "std/test", "numpy/secret", "home"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("std/os.py", "std/gradebook.db", "numpy/test.py", "cat"):
        (tmp_path / name).touch()
    (tmp_path / "std/gone").symlink_to("/no/such")
    found = (Mount(tmp_path / "std", PYTHON / "lib/python3"), Mount(tmp_path / "numpy", PACKAGES / "numpy"), Mount(tmp_path / "cat", Path("/usr/bin/cat")))
    monkeypatch.setattr(mounts, "needed", lambda: found)
    monkeypatch.setattr(mounts, "top_links", lambda targets: ["links", *map(str, targets)])
    monkeypatch.setattr(mounts.os.path, "expanduser", lambda path: str(tmp_path / "home") if path == "~" else None)
    return tmp_path


def test_all_that_is_mounted_is_read_only_and_what_is_not_to_be_seen_is_covered(mounted):
    std, numpy = PYTHON / "lib/python3", PACKAGES / "numpy"
    due = []
    for folder in ("/kernel", "/kernel/packages", "/kernel/python", "/kernel/python/lib", "/usr", "/usr/bin", "/usr/lib"):
        due += ["--dir", folder]
    due += ["links", str(std), str(numpy), "/usr/bin/cat"]
    due += ["--ro-bind", f"{mounted}/std", str(std), "--ro-bind", "/dev/null", f"{std}/gradebook.db"]
    for name in ("site-packages", "test"):
        due += ["--tmpfs", f"{std}/{name}", "--remount-ro", f"{std}/{name}"]
    due += ["--ro-bind", f"{mounted}/numpy", str(numpy), "--ro-bind", f"{mounted}/cat", "/usr/bin/cat"]
    assert mounts.arguments() == due
    assert mounts.arguments([mounted / "numpy" / "secret"]) == [*due, "--tmpfs", f"{numpy}/secret", "--remount-ro", f"{numpy}/secret"]


def test_course_home_and_exchange_are_never_seen_and_only_what_is_below_a_mount_is_covered(mounted):
    (mounted / "link").symlink_to("numpy/secret")
    assert mounts.everything(["relative", mounted / "link"]) == {
        mounted / "numpy/secret", ROOT, mounted / "home", Path("/usr/local/share/nbgrader")}
    inside = [str(mounted / name) for name in ("numpy/secret", "std/os.py")]
    assert mounts.below([mounted / "link", *inside[1:], mounted / "numpy", mounted / "numpy/gone", mounted / "home", mounted]) == tuple(inside)


def test_what_is_covered_is_there_and_no_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    target = Path("/kernel/x")
    assert mounts.covered(target, tmp_path / "link") == mounts.covered(target, tmp_path / "gone") == []
    assert mounts.covered(target, tmp_path / "file") == ["--ro-bind", "/dev/null", "/kernel/x"]
    assert mounts.covered(target, tmp_path) == ["--tmpfs", "/kernel/x", "--remount-ro", "/kernel/x"]


def test_folders_above_are_made_from_the_root_down():
    assert mounts.parents([Path("/a/b/c"), Path("/a/x")]) == [Path("/a"), Path("/a/b")] and mounts.parents([]) == []


def test_links_at_the_top_are_as_on_the_host_but_where_something_is_mounted(tmp_path):
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "lib64").symlink_to("usr/lib64")
    (tmp_path / "sbin").mkdir()
    targets = [tmp_path / "lib64" / "ld.so", KERNEL]
    assert mounts.top_links(targets, tmp_path) == ["--symlink", "usr/lib", f"{tmp_path}/lib", "--symlink", "usr/bin", f"{tmp_path}/bin"]
    (tmp_path / "bin").symlink_to("usr/bin")
    assert mounts.top_links([], tmp_path)[-2:] == ["usr/bin", f"{tmp_path}/bin"]
    assert mounts.top_links([tmp_path / "bin" / "x"], tmp_path).count(f"{tmp_path}/bin") == 0
