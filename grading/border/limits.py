"""What one submission may use, and the check of what an instructor sets."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

LARGEST = 2**50


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Each is changeable in nbgrader_config.py, as `c.Execute.limits = {...}`."""

    cell_seconds: float = 15.0              # wall time of one cell
    call_seconds: float = 6.0               # wall time of the calls of one check
    submission_seconds: float = 180.0       # wall time of a notebook, all cells and checks
    cpu_seconds: int = 120                  # CPU time of a kernel, all its processes together
    memory_bytes: int = 3 * 2**30           # address space of one process, and memory of all of them together
    processes: int = 64                     # threads count
    open_files: int = 256
    file_bytes: int = 32 * 2**20            # size of one file
    scratch_bytes: int = 64 * 2**20         # all files together
    scratch_files: int = 4096
    cell_output_bytes: int = 4 * 2**20      # what one cell shows
    output_bytes: int = 16 * 2**20          # what all cells show
    value_bytes: int = 32 * 2**20           # one answer that comes back

    @classmethod
    def changed(cls, changes: Mapping[str, Any]) -> "Limits":
        """The defaults with `changes` ({name: number}). Raises `ValueError` for what is no limit, in one sentence."""
        standard: dict[str, int | float] = asdict(cls())
        taken: dict[str, Any] = {}
        for name, value in dict(changes).items():
            value = number(value)
            if name not in standard:
                raise ValueError(f"c.Execute.limits names no limit of this course: {name!r}. There are: "
                                 f"{', '.join(standard)}.")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ValueError(f"c.Execute.limits: {name} is {value!r}, and it takes a number.")
            least = LEAST.get(name, 1 if isinstance(standard[name], int) else 0.1)
            if value < least:
                raise ValueError(f"c.Execute.limits: {name} is {value:g}, and no notebook can run with that: it takes at "
                                 f"least {least:g} (its default is {standard[name]:g}).")
            if value > LARGEST:
                raise ValueError(f"c.Execute.limits: {name} is {value:g}, a number that no limit takes (its default is "
                                 f"{standard[name]:g}).")
            if isinstance(standard[name], int) and value != int(value):
                raise ValueError(f"c.Execute.limits: {name} is {value:g}, and it takes a whole number.")
            taken[name] = type(standard[name])(value)
        return replace(cls(), **taken)


def number(value: object) -> object:
    """What a command line gives as text, as a number; anything else as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


# Below these, no kernel starts, or none can say anything.
LEAST = {"memory_bytes": 512 * 2**20, "processes": 2, "open_files": 16, "file_bytes": 2**16, "scratch_bytes": 2**20,
         "scratch_files": 16, "cell_output_bytes": 1000, "output_bytes": 1000, "value_bytes": 2**16}
