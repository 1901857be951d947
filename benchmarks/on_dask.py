"""Grade a class on a Dask cluster of this machine: `python -m benchmarks.on_dask COURSE WORKERS`."""

import sys

from distributed import LocalCluster
from rich.console import Console

from grading.grade import grade_class


def main(course, workers):
    with LocalCluster(n_workers=int(workers), threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                      silence_logs=40) as cluster:
        return grade_class(Console(), course, "ps1", (), None, cluster.scheduler_address, False, False)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
