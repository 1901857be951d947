"""Make the seccomp profiles out of the one that an engine comes with: its own rules, and the calls that bubblewrap makes.

    python container/make_profile.py [/usr/share/containers/seccomp.json]

writes container/seccomp.json, for Docker, podman and compose, and container/kubernetes/seccomp.json, the same as a node's runtime
reads it. podman's package brings the default; Docker's has it compiled in, and it takes the same form.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from grading.border import needs  # noqa: E402

DEFAULT = Path("/usr/share/containers/seccomp.json")
COMMENT = "What bubblewrap calls; all other rules are the engine's own. Made by container/make_profile.py."
# What a node's runtime knows: it reads no conditions, so they are resolved here, for these processors.
ARCHITECTURES = {"amd64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "arm64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]}
RULE = ("names", "action", "errnoRet", "args")


def with_calls(default: dict) -> dict:
    """The profile `default` with `needs.CALLS` allowed, whatever their arguments and whoever calls; nothing else differs."""
    if default["defaultAction"] == "SCMP_ACT_ALLOW":
        raise ValueError("This profile allows whatever it does not name: it is no engine's default.")
    rules = [{**rule, "names": [name for name in rule["names"] if name not in needs.CALLS]} for rule in default["syscalls"]]
    added = {"names": list(needs.CALLS), "action": "SCMP_ACT_ALLOW", "args": [], "comment": COMMENT, "includes": {}, "excludes": {}}
    return {**default, "syscalls": [*(rule for rule in rules if rule["names"]), added]}


def for_node(profile: dict) -> dict:
    """The same for a process without capabilities, in the form of the OCI's runtime specification, which knows no conditions.

    A runtime that passed over them would allow to everybody what is meant for those with a capability.
    """
    kept = [rule for rule in profile["syscalls"] if not (rule.get("includes") or {}).get("caps")
            and set((rule.get("includes") or {}).get("arches") or ARCHITECTURES) & {*ARCHITECTURES, "x86", "x32", "arm"}
            and not set((rule.get("excludes") or {}).get("arches") or ()) & ARCHITECTURES.keys()]
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
            "architectures": [name for names in ARCHITECTURES.values() for name in names],
            "syscalls": [{key: rule[key] for key in RULE if rule.get(key) not in (None, [])} for rule in kept]}


def main(default: Path) -> None:
    profile = with_calls(json.loads(default.read_text()))
    for path, content in ((needs.PROFILE, profile), (needs.NODE_PROFILE, for_node(profile))):
        Path(ROOT, path).write_text(json.dumps(content, indent=1) + "\n")
        print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
