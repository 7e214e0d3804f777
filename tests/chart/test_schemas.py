"""What is rendered is what Kubernetes takes, down to the last key."""

import functools
import json
import subprocess

import kubernetes_validate
import kubernetes_validate.utils
import pytest
import yaml
from conftest import BIN, CHART, LOADER, ROOT, render

# What no registry has schemas of: the Prometheus Operator's. test_metrics.py looks at those.
FOREIGN = {"PrometheusRule", "PodMonitor", "ServiceMonitor"}
SHAPES = {"defaults": (), "demo": ("demo-values.yaml",), "full": ("full-values.yaml",)}
# It reads megabytes of JSON for every object that it looks at.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)
VERSIONS = ["1.27", "1.28", "1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"]


def check(objects, version):
    for item in objects:
        if item["kind"] not in FOREIGN:
            kubernetes_validate.validate(item, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_strictly_valid(shape, version):
    objects = render(files=SHAPES[shape], arguments=("--kube-version", f"{version}.0"))
    assert len(objects) > 10
    check(objects, version)


@pytest.mark.parametrize("folder", ["base", "overlays/demo", "seccomp"])
def test_kustomize_builds_what_kubernetes_takes(folder):
    built = [subprocess.run([BIN / kubectl, "kustomize", ROOT / "k8s" / folder], check=True, capture_output=True, text=True)
             for kubectl in ("kubectl32", "kubectl36")]
    assert built[0].stdout == built[1].stdout
    for version in (VERSIONS[0], VERSIONS[-1]):
        check(yaml.load_all(built[0].stdout, LOADER), version)


def test_the_validator_does_refuse():
    [hub] = [item for item in render().kind("Deployment") if item["metadata"]["name"] == "wormhole-server"]
    misspelt = json.loads(json.dumps(hub).replace('"imagePullPolicy"', '"imagePullPolicie"'))
    with pytest.raises(kubernetes_validate.ValidationError):
        check([misspelt], VERSIONS[-1])


@pytest.mark.parametrize("helm", ["helm3", "helm4"])
@pytest.mark.parametrize("values", ["demo-values.yaml", "full-values.yaml", None])
def test_lint(helm, values):
    files = ["-f", CHART / "ci" / values] if values else []
    subprocess.run([BIN / helm, "lint", "--strict", CHART, *files], check=True, capture_output=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_helm_3_and_4_render_the_same(shape):
    def without_tokens(objects):
        return [item for item in objects if item["kind"] != "Secret"]

    three, four = (render(files=SHAPES[shape], helm=helm) for helm in ("helm3", "helm4"))
    assert sorted(map(json.dumps, without_tokens(three))) == sorted(map(json.dumps, without_tokens(four)))


def test_a_kubernetes_that_is_too_old_is_refused():
    done = subprocess.run([BIN / "helm3", "template", CHART, "--kube-version", "1.26.0"], capture_output=True, text=True)
    assert done.returncode != 0 and "1.27" in done.stderr
