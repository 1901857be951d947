"""Pictures drawn on the trusted side: what a kernel sends is checked, and nonsense gives no picture."""

import base64
import copy
import json

import pytest

from grading.notebooks import outputs, pictures
from grading.notebooks.outputs import PICTURE

ROOT = str(pictures.Path(__file__).parents[2])
GOOD = {"title": "Your functions", "shared": False, "panels": [
    {"title": "sigmoid", "x_label": "z", "y_label": "a(z)", "lines": {"sigmoid": [[-1, 0, 1], [0.27, 0.5, 0.73]]},
     "points": [], "decades": False, "legend": "upper left"}]}


def changed(**how):
    content = copy.deepcopy(GOOD)
    content["panels"][0].update(how)
    return json.dumps(content)


def drawing(content, shelf=None):
    return pictures.draw(ROOT, content, shelf)[0]


def test_a_picture_is_drawn_as_png_and_drawn_once():
    drawn = drawing(json.dumps(GOOD))
    assert base64.b64decode(drawn).startswith(b"\x89PNG")
    assert drawing(json.dumps(GOOD)) is drawn


def test_workers_of_one_run_draw_a_picture_once_between_them(monkeypatch, tmp_path):
    drawn = drawing(changed(title="shared"), tmp_path)
    pictures.draw.cache_clear()         # as in another worker
    monkeypatch.setattr(pictures, "drawn", None)        # it could not draw any
    assert drawing(changed(title="shared"), tmp_path) == drawn
    assert drawing(changed(title="another"), tmp_path) is None, "the control: it is drawn from its own numbers only"


@pytest.mark.parametrize("content", [
    "no json", "[]", "{}", '{"panels": [], "title": "", "shared": false}',
    changed(lines={"a": [[1, 2], [1]]}), changed(lines={"a": [["x"], [1]]}), changed(lines={"a": [1, 2]}),
    changed(lines={"a": [[0] * 6000, [0] * 6000]}), changed(title=3), changed(title="x" * 300),
    changed(lines={str(n): [[0], [0]] for n in range(20)}), changed(points=[["a"]]),
])
def test_nonsense_gives_no_picture(content):
    assert drawing(content) is None


def test_a_label_cannot_ask_for_a_formula():
    read = pictures.read(json.loads(changed(title=r"$\frac{1}{0}$")))
    assert not set(r"$\\") & set(read["panels"][0]["title"])


def test_numbers_that_no_axis_holds_leave_a_gap():
    x, y = pictures.read(json.loads(changed(lines={"a": [[0, 1], [1e300, 2]]})))["panels"][0]["lines"]["a"]
    assert y[0] != y[0] and y[1] == 2


def test_the_course_helper_sends_data_only_where_the_grader_asks_for_it(monkeypatch):
    helper = pictures.helper(ROOT)
    picture = helper.draw(lambda: [helper.panel("t", "x", "y", {"a": ([0, 1], [0, 1])})], "title")
    data, about = picture._repr_mimebundle_()
    assert set(data) == {"text/html", "image/png", "text/plain"} and json.loads(json.dumps(data)) == data     # text, for every kernel
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG") and about["image/png"]["alt"] == picture.description
    assert data["text/html"] == f'<img alt="{picture.description}" src="data:image/png;base64,{data["image/png"]}">'
    monkeypatch.setenv(helper.DATA_WANTED, "1")
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {PICTURE, "text/plain"}
    node, = outputs.clean([{"output_type": "display_data", "data": bundle, "metadata": {}}], 1,
                          drawing)
    assert set(node.data) == {"image/png", "text/plain"}


def test_data_that_draws_no_picture_shows_its_description_only():
    node, = outputs.clean([{"output_type": "display_data", "data": {PICTURE: "{}", "text/plain": "a picture"}}], 1,
                          drawing)
    assert dict(node.data) == {"text/plain": "a picture"}


def test_pictures_that_take_too_long_are_none_and_share_one_time(asked):
    album = pictures.Album(ROOT)
    assert [album.draw(changed(title=f"slow {number}")) for number in range(pictures.MAX_PICTURES)] == [None] * pictures.MAX_PICTURES
    assert sum(asked) == pictures.DRAW_SECONDS_ALL


def test_pictures_that_each_take_nearly_too_long_share_it_as_well(monkeypatch):
    monkeypatch.setattr(pictures, "bounded_or", lambda *_, seconds: ("drawn", seconds * 0.9))
    album = pictures.Album(ROOT)
    drawn = [album.draw(changed(title=f"heavy {number}")) for number in range(9)]
    assert drawn.count("drawn") == -(-pictures.DRAW_SECONDS_ALL // (pictures.DRAW_SECONDS * 0.9))


def test_all_pictures_of_a_notebook_together_have_a_limit(monkeypatch):
    monkeypatch.setattr(pictures, "draw", lambda root, content, shelf: ("drawn", 0))
    album, content = pictures.Album(ROOT), " " * pictures.MAX_CONTENT
    assert [album.draw(content) for _ in range(6)] == ["drawn"] * (pictures.MAX_ALL // pictures.MAX_CONTENT) + [None] * 2
