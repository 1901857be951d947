"""No session of pytest leaves a process, or waits for one; for commands, `run_together` and test_docs.py look each time."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REAPER = Path(__file__).with_name("reaper.py")
SESSIONS = {
    "a subject in a sandbox": ["tests/hidden/test_activations.py", "--subject", "reference_impl/activations.py", "-k", "relu"],
    "checks that were collected": ["tests/machine/test_outcomes.py", "-k", "fails_by_itself"],
    "a worker that was killed": ["tests/machine/test_pool.py", "-k", "lost_once and killed"],
}


def reap(*command, patience=30):
    return subprocess.run([sys.executable, REAPER, "--patience", str(patience), *command], cwd=ROOT, text=True, timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.sandbox
@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_leaves_no_process_and_waits_for_none(session):
    done = reap(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SESSIONS[session])
    assert done.returncode == 0, done.stdout
    assert "left behind" not in done.stdout


def test_what_is_left_behind_is_named():
    """The control, with an orphan that listens to nobody."""
    done = reap("sh", "-c", "nohup sleep 1000 > /dev/null 2>&1 & exit 3", patience=0.1)
    assert done.returncode == 70 and "left behind" in done.stdout and "sleep 1000" in done.stdout


def test_what_ends_by_itself_is_waited_for():
    assert reap("sh", "-c", "sleep 0.2 & exit 3").returncode == 3
