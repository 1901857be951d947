"""Nothing is installed that is not pinned with the hashes of its files."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = {"requirements.in": "requirements.txt", "bin/lock.in": "bin/lock.txt", "container/requirements.in": "container/requirements.txt",
         "site/requirements.in": "site/requirements.txt", "site/wheels.in": "site/wheels.txt",
         "site/offline/requirements.in": "site/offline/requirements.txt", "site/offline/wheels.in": "site/offline/wheels.txt"}
NODE = subprocess.run(["git", "ls-files", "*package.json"], cwd=ROOT, capture_output=True, text=True).stdout.split()


def pins(text):
    """{package: its lines} of a file of pins."""
    found, name = {}, None
    for line in text.splitlines():
        if line and not line.startswith(("#", " ")):
            name = normal(re.match(r"[\w.-]+", line)[0])
            found[name] = []
        if name and not line.startswith("#"):
            found[name].append(line)
    return found


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def trouble(lines):
    """What is wrong with the pin of one package, or None."""
    if not re.match(r"[\w.-]+==[\w.!+]+( ; [^\\]+)? \\$", lines[0]):
        return "it is not pinned to one version"
    hashes = [line for line in lines[1:] if line.strip()]
    if not hashes or not all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes):
        return "it has no hash"
    return None


@pytest.mark.parametrize("lock", LOCKS.values())
def test_every_package_is_pinned_with_a_hash(lock):
    assert {name: said for name, lines in pins((ROOT / lock).read_text()).items() if (said := trouble(lines))} == {}


@pytest.mark.parametrize("line", ["numpy", "numpy==2.4.0", "numpy>=2 \\\n    --hash=sha256:" + "0" * 64, "numpy==2.4.0 \\\n    --hash=md5:00",
                                  "numpy @ https://example.org/numpy.whl"])
def test_a_pin_without_one_is_refused(line):
    (lines,) = pins(line).values()
    assert trouble(lines)


@pytest.mark.parametrize(("wanted", "lock"), LOCKS.items())
def test_what_is_asked_for_is_pinned_and_no_index_is_named(wanted, lock):
    asked = {normal(re.match(r"[\w.-]+", line)[0]) for line in (ROOT / wanted).read_text().splitlines() if line[:1].isalnum()}
    text = (ROOT / lock).read_text()
    assert asked <= pins(text).keys() and "://" not in text and "--index" not in text


def test_pip_itself_is_pinned_and_installs_nothing_without_a_hash():
    assert "pip" in pins((ROOT / "requirements.txt").read_text())
    for place in ("bin/setup", "bin/site-setup", "bin/lock", "docs/instructors.md"):
        for line in re.findall(r".*pip install .*(?:-r|--requirement) .*", (ROOT / place).read_text()):
            assert "--require-hashes" in line, line


@pytest.mark.parametrize("package", NODE)
def test_what_comes_from_npm_is_locked_with_hashes_and_names_no_host(package):
    lock = ROOT / Path(package).with_name("package-lock.json")
    packages = json.loads(lock.read_text())["packages"]
    assert packages.pop("")["dependencies"] == json.loads((ROOT / package).read_text())["dependencies"]
    assert packages and all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages.values())
