"""Whose host user id student code has, by what the host gives: no user, no range and no other root is needed to see it."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from grading.border import identity
from grading.border.identity import SHARED, Identity, Kind

FIRST = 1_900_000_000       # of the ids that systemd leaves unused


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Make a host: `host(uid_map=..., subuid=..., user=..., programs=...)`."""
    def make(uid_map="0 0 4294967295\n", subuid="me:5:10\n", subgid="me:7:10\n", user=1000, programs=("newuidmap", "newgidmap"), pid=4711):
        for name, text in (("uid_map", uid_map), ("subuid", subuid), ("subgid", subgid)):
            (tmp_path / name).write_text(text)
        for name, file in (("UID_MAP", "uid_map"), ("SUBUIDS", "subuid"), ("SUBGIDS", "subgid")):
            monkeypatch.setattr(identity, name, tmp_path / file)
        monkeypatch.setattr(identity, "NUMBERS", iter(range(100)))
        monkeypatch.setattr(identity.shutil, "which", lambda name: name if name in programs else None)
        monkeypatch.setattr(identity.pwd, "getpwuid", lambda uid: SimpleNamespace(pw_name="me"))
        for name, number in (("geteuid", user), ("getegid", user + 1 if user else 0), ("getpid", pid)):
            monkeypatch.setattr(os, name, lambda number=number: number)
        return tmp_path
    return make


def own(number):
    return Identity(Kind.ROOT, number, number, number)


@pytest.mark.parametrize(("about", "due"), [
    ({"user": 0}, [own(FIRST + 4711)]),
    ({"user": 0, "uid_map": "0 1000 1\n1 100000 65536"}, [own(1 + 32768 + 4711), SHARED]),
    ({"user": 0, "uid_map": "0 1000 1"}, [SHARED]),
    ({"user": 0, "uid_map": "0 0 4294967294"}, [own(FIRST + 4711), SHARED]),
    ({}, [Identity(Kind.MAPPED, 5 + 1, 7 + 1, 1), Identity(Kind.SHARED, 1000, 1001)]),
    ({"subuid": "me:5:4000\n", "subgid": "me:7:4712\n"}, [Identity(Kind.MAPPED, 5 + 711, 7 + 4711, 1), Identity(Kind.SHARED, 1000, 1001)]),
    ({"subuid": ""}, [Identity(Kind.SHARED, 1000, 1001)]), ({"subgid": ""}, [Identity(Kind.SHARED, 1000, 1001)]),
    ({"programs": ("newuidmap",)}, [Identity(Kind.SHARED, 1000, 1001)]), ({"programs": ("newgidmap",)}, [Identity(Kind.SHARED, 1000, 1001)])])
def test_student_code_gets_an_id_of_its_own_where_the_host_has_one(about, due, host):
    host(**about)
    assert identity.candidates() == due


def test_two_sandboxes_of_one_process_have_two_ids_and_fifty_are_enough(host):
    host(user=0)
    numbers = [identity.candidates()[0].uid - FIRST for _ in range(52)]
    assert numbers == [4711 + turn % 50 * 2**22 for turn in range(52)]


@pytest.mark.parametrize(("rows", "uid"), [
    ("0 0 4294967295", FIRST + 4711), (f"{FIRST + 4711} 0 1", FIRST + 4711), (f"{FIRST + 4712} 0 9", FIRST + 4712 + 4 + 3), (f"{FIRST + 4710} 0 1", None),
    ("0 1000 1\n1 100000 65536", 1 + 32768 + 4711), ("5 7 70000\n0 0 10", 5 + 35000 + 4711), ("0 7 70000\n100000 0 10", 35000 + 4711), ("700 0 1400", 1400 + 511), ("0 1000 1", None), ("0 1000 1500", None), ("0 1000 4000", 2000 + 711), ("0 0 2000", None), ("0 0 2002", 1001 + 4711 % 1001)])
def test_a_containers_root_takes_an_id_of_the_upper_half_of_what_exists_there(rows, uid, host):
    host(uid_map=rows)
    assert identity.own_of_root(4711) == uid


def test_ids_that_cannot_be_read_are_all_but_those_of_a_real_root(host):
    host(uid_map="0 5 7\n 9 1 3\n")
    assert identity.mapped_ids() == [(0, 7), (9, 3)]
    for text in ("0 x 7", "\xff"):
        host(uid_map=text)
        assert identity.mapped_ids() == [(0, 2**32 - 2)] and not identity.is_real_root()
    host(uid_map="5 0 10")
    assert not identity.is_real_root()
    identity.UID_MAP.unlink()
    assert identity.mapped_ids() == [(0, 2**32 - 2)]


@pytest.mark.parametrize(("text", "found"), [("me:5:10\n", (5, 10)), ("12345:7:3\n", (7, 3)), ("you:5:10\nme:6:1\n", (6, 1)), ("you:5:10\n", None), ("", None), ("me:x:y\n", None),
                                             ("me:5\n", None), ("me:5:0\n", None), ("me:5:-1\n", None), ("me:5:6:7\nme:8:9\n", (8, 9)), ("me:5:1\nme:6:2\n", (5, 1))])
def test_ids_are_read_as_the_host_gives_them(text, found, host, monkeypatch):
    place = host(subuid=text, user=12345) / "subuid"
    assert identity.given(place) == found
    place.unlink()
    assert identity.given(place) is None


def test_a_user_without_a_name_has_a_number(host, monkeypatch):
    place = host(subuid="me:1:2\n12345:7:3\n", user=12345) / "subuid"

    def nobody(uid):
        raise KeyError(uid)
    monkeypatch.setattr(identity.pwd, "getpwuid", nobody)
    assert identity.given(place) == (7, 3)


@pytest.mark.parametrize(("codes", "stderr", "said"), [([0, 0], "", ""), ([0, 1], " no \n", "no"), ([1], "", "newuidmap failed"), ([0, -9], "", "newgidmap failed")])
def test_the_ids_of_a_namespace_are_mapped_to_one_of_the_own_and_one_of_the_range(codes, stderr, said, host, monkeypatch):
    host()
    left, asked = list(codes), []
    monkeypatch.setattr(identity.subprocess, "run", lambda command, **options: asked.append((command, options)) or SimpleNamespace(returncode=left.pop(0), stderr=stderr))
    assert Identity(Kind.MAPPED, 50, 60, 1).map(41) == said
    due = [["newuidmap", "41", "0", "1000", "1", "1", "50", "1"], ["newgidmap", "41", "0", "1001", "1", "1", "60", "1"]]
    assert asked == [(command, {"text": True, "capture_output": True}) for command in due[:len(codes)]]


def test_an_identity_is_own_or_mapped_by_its_kind():
    assert [(Identity(kind, 1, 1).own, Identity(kind, 1, 1).mapped) for kind in Kind] == [(True, False), (True, True), (False, False)]
    assert SHARED == Identity(Kind.SHARED, 0, 0, None)
    assert (identity.UID_MAP, identity.SUBUIDS, identity.SUBGIDS) == tuple(map(Path, ("/proc/self/uid_map", "/etc/subuid", "/etc/subgid")))
