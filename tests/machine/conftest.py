"""What tests of the machine share."""

import pytest
import termclass


@pytest.fixture(scope="module")
def generated_toys(tmp_path_factory):
    """A toy course of which the one assignment was generated, to be copied."""
    return termclass.make_course(tmp_path_factory.mktemp("toys") / "course")
