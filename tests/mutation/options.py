"""What may be asked of the mutation of checks and of grading."""

import argparse
import os


def options(of, kind, names, description, arguments):
    """The `names` that were chosen (all by default), `jobs`, `sample` and `seed`, for `python -m tests.mutation OF`."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.mutation {of}", description=description)
    parser.add_argument("names", nargs="*", metavar=kind, help=f"any of {', '.join(names)}; default: all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--sample", type=int, metavar="N", help=f"only N mutants of each {kind}, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of that sample")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(names):
        parser.error(f"no such {kind}: {', '.join(sorted(unknown))}")
    chosen.names = chosen.names or list(names)
    return chosen
