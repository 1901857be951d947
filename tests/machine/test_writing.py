"""The text of a notebook is nbformat's own, byte for byte."""

import copy
import json
import os
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output

from grading.notebooks.writing import encode, notebook_text, write_json

ROOT = Path(__file__).parents[2]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@pytest.mark.parametrize("path", sorted(ROOT.glob("source/*/*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_of_the_course(path):
    nb = nbformat.read(path, as_version=4)
    assert notebook_text(copy.deepcopy(nb)) == nbformat.v4.writes(nb)


@given(JSON, st.text(), st.text())
def test_any_metadata_source_and_output(metadata, source, shown):
    nb = new_notebook(metadata={"any": metadata, "signature": "x"})
    nb.cells = [new_code_cell(source, outputs=[new_output("stream", text=shown), new_output(
        "display_data", data={"text/plain": shown, "image/svg+xml": shown, "application/json": {"a": metadata}})])]
    assert notebook_text(copy.deepcopy(nb)) == nbformat.v4.writes(nb)


def test_what_is_kept_as_json_is_readable_whatever_bytes_a_name_had(tmp_path):
    kept = {"Läst": 1, os.fsdecode(b"b\xff"): 2}
    write_json(tmp_path / "new" / "kept.json", kept)
    text = (tmp_path / "new" / "kept.json").read_text(encoding="utf-8")
    assert json.loads(text) == kept and "Läst" in text and os.listdir(tmp_path / "new") == ["kept.json"]


def test_the_comparison_sees_another_indent():
    assert encode({"a": [1]}, "\n") == '{\n "a": [\n  1\n ]\n}' != encode({"a": [1]}, "\n ")
