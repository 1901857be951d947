"""`nbgrader collect` with links, pipes and borrowed names in the exchange, each beside what stock nbgrader does."""

import os
import pwd

import pytest
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import parse_utc
from traitlets.config import Config

from grading.plugins.collect import Collect


@pytest.fixture
def inbound(tmp_path):
    """A submission in the exchange, with a link to a secret beside the notebook."""
    (tmp_path / "secret").write_text("every solution")
    folder = tmp_path / "inbound" / "student-01+ps1+2030-01-01 10:00:00 UTC+1"
    folder.mkdir(parents=True)
    (folder / "activations.ipynb").write_text("{}")
    (folder / "link.txt").symlink_to(tmp_path / "secret")
    return folder


def collector(kind, tmp_path, **settings):
    return kind(coursedir=CourseDirectory(root=str(tmp_path), config=Config({"CourseDirectory": settings})))


def test_links_stay_links(inbound, tmp_path):
    collector(ExchangeCollect, tmp_path).do_copy(str(inbound), str(tmp_path / "stock"))
    assert (tmp_path / "stock" / "link.txt").read_text() == "every solution"
    assert not (tmp_path / "stock" / "link.txt").is_symlink()
    collector(Collect, tmp_path).do_copy(str(inbound), str(tmp_path / "ours"))
    assert (tmp_path / "ours" / "link.txt").is_symlink()
    assert (tmp_path / "ours" / "activations.ipynb").read_text() == "{}"


def test_a_pipe_costs_nobody_else(inbound, tmp_path):
    os.mkfifo(inbound / "pipe")
    with pytest.raises(OSError):
        collector(ExchangeCollect, tmp_path).do_copy(str(inbound), str(tmp_path / "stock"))
    collector(Collect, tmp_path).do_copy(str(inbound), str(tmp_path / "ours"))
    assert sorted(os.listdir(tmp_path / "ours")) == ["activations.ipynb", "link.txt"]


def test_a_folder_that_is_too_large_costs_nobody_else(inbound, tmp_path):
    (inbound / "data.bin").write_bytes(bytes(5000))
    with pytest.raises(RuntimeError):
        collector(ExchangeCollect, tmp_path, max_dir_size=1).do_copy(str(inbound), str(tmp_path / "stock"))
    collector(Collect, tmp_path, max_dir_size=1).do_copy(str(inbound), str(tmp_path / "ours"))
    assert os.listdir(tmp_path / "ours") == []


def test_a_link_in_place_of_a_submission_is_not_followed(inbound, tmp_path):
    link = inbound.parent / "student-02+ps1+2030-01-01 10:00:00 UTC+2"
    link.symlink_to(inbound)
    collector(Collect, tmp_path).do_copy(str(link), str(tmp_path / "ours"))
    assert os.listdir(tmp_path / "ours") == []


def test_a_newer_folder_in_anothers_name_does_not_replace_the_students_own(inbound, tmp_path):
    me = pwd.getpwuid(os.getuid()).pw_name
    folder = tmp_path / "inbound"
    records = [{"username": me, "filename": name, "timestamp": parse_utc(time)} for name, time in (
        ("own-old", "2030-01-01 10:00:00 UTC"), ("own-new", "2030-01-02 10:00:00 UTC"),
        ("not-there", "2030-01-03 10:00:00 UTC"))]       # stands for a folder of somebody else
    for name in ("own-old", "own-new"):
        (folder / name).mkdir()
    first = {}
    for kind in (ExchangeCollect, Collect):
        one = collector(kind, tmp_path)
        one.inbound_path = str(folder)
        first[kind] = one._sort_by_timestamp(records)[0]["filename"]
    assert first == {ExchangeCollect: "not-there", Collect: "own-new"}
