"""Which texts of a class may be alike: those that share a fingerprint, so that not every pair has to be compared.

A fingerprint is the hash of a run of `RUN` tokens; of each `WINDOW` neighbours the least is kept (winnowing: Schleimer,
Wilkerson and Aiken, SIGMOD 2003), so whatever run of RUN + WINDOW - 1 tokens two texts share, they share a fingerprint of it.
The rarest that a text has say most and are asked first, until they named `ENOUGH` others; one that many have names those
of its owners that are nearest in length. So how many candidates a text has does not depend on the size of the class. A copy
shares what few have, and is among the first; two that are alike by chance, in what everybody writes, can be missed.
"""

from collections.abc import Iterator, Mapping, Sequence
from zlib import crc32

RUN, WINDOW = 5, 3
FEW = 20            # texts: one fingerprint names as many that are shorter, and as many that are longer
ENOUGH = 60         # others that a text is compared with


def candidates(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of numbers i < j of `texts` (a character a token, none twice) that are worth a comparison, each once."""
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    marks = [fingerprints(texts[number]) for number in order]
    owners: dict[int, list[int]] = {}       # in the order of length
    place = []                              # of each text among the owners of each of its fingerprints
    for number, found in enumerate(marks):
        place.append({mark: len(owners.setdefault(mark, [])) for mark in found})
        for mark in found:
            owners[mark].append(number)
    near = [neighbours(mine, owners) for mine in place]
    for one, others in enumerate(near):
        for other in others:
            if other != one and (one < other or one not in near[other]):
                yield min(order[one], order[other]), max(order[one], order[other])


def neighbours(mine: Mapping[int, int], owners: Mapping[int, Sequence[int]]) -> set[int]:
    """The texts that a text is compared with, itself among them; `mine` is its place among the owners of each fingerprint."""
    shared = sorted((len(owners[mark]), mark) for mark in mine if len(owners[mark]) > 1)
    found: set[int] = set()
    for _, mark in shared:
        if len(found) > ENOUGH:
            break
        found.update(owners[mark][max(0, mine[mark] - FEW):mine[mark] + FEW + 1])
    return found


def fingerprints(text: str) -> set[int]:
    """The fingerprints of a text."""
    data = text.encode("utf-32-le", "surrogatepass")
    hashes = [crc32(data[4 * start:4 * (start + RUN)]) for start in range(max(1, len(text) - RUN + 1))]
    return {min(hashes[start:start + WINDOW]) for start in range(max(1, len(hashes) - WINDOW + 1))}
