"""Mistakes that are taken out of the bank are each found again as a cluster of their own: see `found_again.py`."""

import random

import pytest
from found_again import entries_of, look


@pytest.mark.parametrize("number", [3, pytest.param(10, marks=pytest.mark.whole)])
def test_mistakes_that_the_bank_does_not_know_are_as_many_clusters_in_a_class_that_makes_them(number):
    everything = entries_of()
    taken = random.Random(19).sample(everything, number)
    found = look(taken, everything)
    assert (found.lost, found.apart) == ([], number)
    assert found.pure == found.clustered and found.together == found.answers == 4 * number
