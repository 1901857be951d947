"""Shared libraries as the dynamic loader finds them, told of made-up ELF files."""

import functools
import os
import struct
from types import SimpleNamespace

import pytest

from grading.border import libraries
from grading.border.libraries import Binary, closure, parse

LOAD, DYNAMIC, INTERPRETER, NOTE = 1, 2, 3, 4
NEEDED, STRING_TABLE, RPATH, RUNPATH, OTHER = 1, 5, 15, 29, 21


def elf(needed=(), rpath=None, runpath=None, loader=None, wide=True, little=True, machine=62, address=0x7000, lead=0, table=0x100, entry=None, more=(), cut=None):
    """The bytes of a file that needs these libraries; its strings are loaded at `address`, `lead` bytes behind the start of a segment."""
    order, strings, tags = "<" if little else ">", b"\0", []
    for tag, text in [*((NEEDED, name) for name in needed), *((RPATH, one) for one in [rpath] if one), *((RUNPATH, one) for one in [runpath] if one)]:
        tags.append((tag, len(strings)))
        strings += text.encode() + b"\0"
    tags = [(OTHER, 1), *tags, (STRING_TABLE, address), *more, (0, 0)]
    dynamic = b"".join(struct.pack(order + ("qQ" if wide else "iI"), *pair) for pair in tags)
    entry = entry or (56 if wide else 32)
    interpreter = (loader or "").encode() + b"\0"
    at, before = table + 8 * entry, lead + 24
    places = {"strings": at + before, "dynamic": at + before + len(strings), "loader": at + before + len(strings) + len(dynamic)}
    segments = [(0, at, 0, 10**6), (NOTE, at, address, 999), (LOAD, 0, 0, address - lead), (LOAD, 0, address - lead - 2, 2), (LOAD, places["strings"] - lead, address - lead, lead + len(strings)),
                (LOAD, 5, address + len(strings), 9),
                (DYNAMIC, places["dynamic"], 3, len(dynamic)), (INTERPRETER if loader else NOTE, places["loader"], 4, len(interpreter))]
    headers = b""
    for kind, offset, where, size in segments:
        words = (kind, 7, offset, where, 8, size) if wide else (kind, offset, where, 8, size, 7)
        headers += struct.pack(order + ("IIQQQQ" if wide else "IIIIII"), *words).ljust(entry, b"\xee")
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if little else 2]) + bytes(10)
    head = ident + struct.pack(order + ("HHIQQQIHHH" if wide else "HHIIIIIHHH"), 3, machine, 1, 0x11, table, 0x22, 0x33, 64, entry, len(segments))
    return (head.ljust(table, b"\xdd") + headers + b"\xcc" * before + strings + dynamic + interpreter)[:cut]


@pytest.fixture
def read(tmp_path):
    def read(content):
        (tmp_path / "file").write_bytes(content)
        with open(tmp_path / "file", "rb") as file:
            return parse(file)
    return read


@pytest.mark.parametrize("entry", [None, 72])
@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("little", [True, False])
def test_a_file_says_what_it_needs_and_where_to_look(wide, little, entry, read):
    machine = (2 if wide else 1, 1 if little else 2, 183)
    content = elf(["liba.so.1", "libb.so"], "$ORIGIN/a:/b", "/c", "/lib/ld.so", wide, little, 183, entry=entry)
    assert read(content) == Binary(machine, "/lib/ld.so", ("liba.so.1", "libb.so"), ("$ORIGIN/a", "/b", "/c"))
    assert read(elf((), None, None, None, wide, little, 183, entry=entry)) == Binary(machine, None, (), ())


@pytest.mark.parametrize(("names", "address", "lead"), [(["liba.so"], 0x7000, 8), (["liba.so"], 0x20, 0x18), (["x" * 15], 0x30, 0x10)])
def test_strings_may_lie_anywhere_in_a_segment(names, address, lead, read):
    for wide in (True, False):
        assert read(elf(names, address=address, lead=lead, wide=wide)).needed == tuple(names)


def test_what_begins_otherwise_is_no_program(read):
    content = elf(["liba.so"])
    assert [read(first + content[1:]) for first in (b"\x7e", b"\x80")] == [None, None]


def test_strings_that_no_segment_loads_lie_where_they_say(read):
    content = elf(["liba.so"], address=0x7000)
    place = content.index(b"\0liba.so")
    moved = content.replace(struct.pack("<qQ", STRING_TABLE, 0x7000), struct.pack("<qQ", STRING_TABLE, place))
    assert read(moved).needed == ("liba.so",)


def test_a_name_has_4096_bytes(read):
    assert [len(name) for name in read(elf(["x" * 4095, "y" * 4096, "z" * 4097])).needed] == [4095, 4096, 4096]


def test_without_strings_a_name_is_looked_for_at_the_start(read):
    content = elf(["liba.so"]).replace(struct.pack("<qQ", STRING_TABLE, 0x7000), struct.pack("<qQ", OTHER, 0x7000))
    assert read(content).needed == ("ELF\x02\x01",)


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF" + bytes(60), b"#!/bin/sh\n", b"\x7fELF\x02\x01" + b"\xff" * 200, elf(["liba.so"], cut=300), b"MZ"])
def test_what_is_no_program_needs_nothing(content, tmp_path):
    (tmp_path / "x.so").write_bytes(content)
    found = libraries.read(str(tmp_path / "x.so"))
    assert found is None or found.needed == ()
    assert libraries.read(str(tmp_path / "gone")) is None and libraries.read(str(tmp_path)) is None


def test_files_are_read_and_looked_for_once():
    for once in (libraries.read, libraries.known, libraries.locate, libraries.system_folders):
        assert isinstance(once, functools._lru_cache_wrapper)


SAID = "12 libs found in cache `/etc/ld.so.cache'\n\tlibz.so.1 (libc6,x86-64) => /lib/z/libz.so.1\n\tlibz.so.1 (libc6) => /lib32/libz.so.1\n\tliba.so (libc6) => /a/liba.so\n"


@pytest.mark.parametrize("first", [True, False])
def test_the_loaders_cache_is_asked_once(first, monkeypatch):
    asked = []

    def run(command, **options):
        asked.append(command)
        assert options == {"text": True, "capture_output": True}
        if len(asked) == 1 and not first:
            raise FileNotFoundError
        return SimpleNamespace(stdout=SAID)
    monkeypatch.setattr(libraries.subprocess, "run", run)
    assert libraries.known.__wrapped__() == {"libz.so.1": ["/lib/z/libz.so.1", "/lib32/libz.so.1"], "liba.so": ["/a/liba.so"]}
    assert asked == [["/sbin/ldconfig", "-p"], ["/usr/sbin/ldconfig", "-p"]][:1 if first else 2]


def test_folders_of_the_system_are_the_usual_ones_and_those_of_its_architecture(monkeypatch):
    usual = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib")
    for multiarch, due in (("x86_64-linux-gnu", {*usual, *(f"{folder}/x86_64-linux-gnu" for folder in usual)}), (None, {*usual})):
        monkeypatch.setattr(libraries.sysconfig, "get_config_var", {"MULTIARCH": multiarch}.get)
        assert libraries.system_folders.__wrapped__() == due


def test_a_library_is_looked_for_in_the_cache_and_then_in_the_longest_folder(monkeypatch):
    monkeypatch.setattr(libraries, "known", lambda: {"a.so": ["/cached/a.so"]})
    monkeypatch.setattr(libraries, "system_folders", lambda: frozenset({"/lib", "/usr/lib/x", "/usr/lib"}))
    assert libraries.usual("a.so") == ["/cached/a.so", "/usr/lib/x/a.so", "/usr/lib/a.so", "/lib/a.so"] and libraries.usual("b.so")[0] == "/usr/lib/x/b.so"


# --- what belongs together ------------------------------------------------------------------------------------------

@pytest.fixture
def host(tmp_path, monkeypatch):
    """Write made-up files: `host(name=elf(...))`; sys/ is a folder of the system, cached/ is in the loader's cache."""
    def make(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_so", ".so")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path
    monkeypatch.setattr(libraries, "system_folders", lambda: frozenset({str(tmp_path / "sys")}))
    monkeypatch.setattr(libraries, "known", lambda: {"libcached.so": [str(tmp_path / "cached/libcached.so")]})
    monkeypatch.setattr(libraries, "BY_NAME", ())
    for cached in (libraries.read, libraries.locate):
        cached.cache_clear()
    yield make
    for cached in (libraries.read, libraries.locate):
        cached.cache_clear()


def test_what_a_program_needs_is_found_where_the_loader_looks(host):
    root = host(bin__app=elf(["libgone.so", "liba.so", "libsys.so", "libcached.so"], runpath="$ORIGIN/../lib:/no/such", loader="/lib/ld.so"), lib__liba_so=elf(["libb.so"], rpath="${ORIGIN}/deep"),
                lib__deep__libb_so=elf(["libc.so"]), given__libc_so=elf(), sys__libsys_so=elf(["libsys.so"]), cached__libcached_so=elf(), given__libsys_so=elf(machine=3))
    by_itself, elsewhere = closure([root / "bin/app", root / "none"], [str(root / "given")])
    assert by_itself == {"/lib/ld.so", f"{root}/sys/libsys.so", f"{root}/cached/libcached.so"}
    assert elsewhere == {"liba.so": f"{root}/lib/liba.so", "libb.so": f"{root}/lib/deep/libb.so", "libc.so": f"{root}/given/libc.so"}


def test_a_library_for_another_machine_is_passed_over(host):
    root = host(app=elf(["libx.so"], runpath="$ORIGIN/a:$ORIGIN/b"), a__libx_so=elf(machine=3), b__libx_so=elf())
    assert closure([root / "app"]) == (set(), {"libx.so": f"{root}/b/libx.so"})
    assert libraries.fits(str(root / "a/libx.so"), None) and not libraries.fits(str(root / "a"), None)
    assert libraries.first([str(root / "gone"), str(root / "a/libx.so"), str(root / "app")], (2, 1, 62)) == str(root / "app")
    assert libraries.first([str(root / "a/libx.so")], None) == str(root / "a/libx.so") and libraries.first([], None) is None


def test_what_comes_along_is_in_neither_but_what_it_needs_is_found(host):
    root = host(app=elf(["libnear.so"], runpath="$ORIGIN/pack"), pack__libnear_so=elf(["libfar.so"], runpath="$ORIGIN/../far"), far__libfar_so=elf(), package__libx_so=elf(),
                other=elf(["libx.so"], runpath="$ORIGIN/package"))
    assert closure([root / "app"], (), [root / "pack"]) == (set(), {"libfar.so": f"{root}/far/libfar.so"})
    assert closure([root / "other"], (), [root / "pack"]) == (set(), {"libx.so": f"{root}/package/libx.so"}), "a folder whose name only begins so"


def test_of_two_of_one_name_the_first_is_taken_and_one_that_is_named_by_its_path_is_that(host):
    root = host(one__libx_so=elf(), two__libx_so=elf(), a=elf(["libx.so"], runpath="$ORIGIN/one"), b=elf(["libx.so"], runpath="$ORIGIN/two"))
    host(c=elf([f"{root}/two/./libx.so"]))
    assert closure([root / "a", root / "b"])[1] == {"libx.so": f"{root}/two/libx.so"}, "the last one is looked at first"
    assert closure([root / "c"]) == (set(), {"libx.so": f"{root}/two/libx.so"})


def test_what_is_loaded_by_name_is_there_for_the_machine_of_what_was_asked_for(host, monkeypatch):
    root = host(app=elf(), sys__libgcc_so=elf(["libdeep.so"]), sys__libdeep_so=elf(), cached__libgcc_so=elf(machine=3))
    monkeypatch.setattr(libraries, "BY_NAME", ("libgcc.so", "libnone.so"))
    monkeypatch.setattr(libraries, "known", lambda: {"libgcc.so": [f"{root}/cached/libgcc.so"]})
    assert closure([root / "none", root / "app"])[0] == {f"{root}/sys/libgcc.so", f"{root}/sys/libdeep.so"}


def test_a_link_is_read_as_the_file_behind_it_and_kept_by_its_name(host):
    root = host(app=elf(["libx.so"], runpath="$ORIGIN/links"), real__libx_so_5=elf(["liby.so"], runpath="$ORIGIN"), real__liby_so=elf())
    (root / "links").mkdir()
    os.symlink(root / "real/libx.so_5", root / "links/libx.so")
    assert closure([root / "app"])[1] == {"libx.so": f"{root}/links/libx.so", "liby.so": f"{root}/real/liby.so"}
