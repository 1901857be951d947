"""Ten mistakes that are taken out of the bank are each found again as a cluster of their own: see `found_again.py`."""

import random

from found_again import entries_of, look


def test_ten_mistakes_that_the_bank_does_not_know_are_ten_clusters_in_a_class_that_makes_them():
    everything = entries_of()
    taken = random.Random(19).sample(everything, 10)
    found = look(taken, everything)
    assert (found.lost, found.apart) == ([], 10)
    assert found.pure == found.clustered and found.together == found.answers == 40
