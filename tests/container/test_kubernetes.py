"""What container/kubernetes/ says is what Kubernetes knows: by the schemas of its own interface, offline. No cluster was asked."""

import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "container" / "kubernetes"
PLACE = ROOT / "build" / "kubernetes"       # where make container-test puts it
OLDEST = "1.33"                             # the first that lets pods have user namespaces without a switch
MANIFESTS = [(path.name, manifest) for path in sorted(FOLDER.glob("*.yaml")) for manifest in yaml.safe_load_all(path.read_text())]


@pytest.fixture
def validator(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(PLACE)])
    return pytest.importorskip("kubernetes_validate", reason="the schemas of Kubernetes are not here: make container-test")


@pytest.mark.parametrize(("name", "manifest"), MANIFESTS, ids=[f"{name}-{manifest['kind']}" for name, manifest in MANIFESTS])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_manifest_is_valid_and_one_with_a_misspelt_key_is_not(name, manifest, validator):
    for version in (OLDEST, validator.latest_version()):
        validator.validate(manifest, version, strict=True)
    with pytest.raises(validator.ValidationError):
        validator.validate({**manifest, "specs": {}}, OLDEST, strict=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_misspelt_key_of_the_security_context_is_noticed(validator):
    pod = next(manifest for _, manifest in MANIFESTS if manifest["kind"] == "Pod")
    pod["spec"]["containers"][0]["securityContext"]["procMounts"] = "Unmasked"
    with pytest.raises(validator.ValidationError):
        validator.validate(pod, OLDEST, strict=True)
