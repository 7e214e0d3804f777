"""k8s/ is what `make k8s` makes of the chart."""

import filecmp
import importlib.util
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import BIN, LOADER, ROOT

MADE = ["base", "overlays/demo"]


def render_script():
    spec = importlib.util.spec_from_file_location("render_k8s", ROOT / "scripts/render-k8s.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def build(folder: Path) -> list[dict]:
    text = subprocess.run([BIN / "kubectl36", "kustomize", folder], check=True, capture_output=True, text=True).stdout
    return list(yaml.load_all(text, LOADER))


def test_nothing_differs(tmp_path):
    render_script().main(tmp_path)
    for folder in MADE:
        compared = filecmp.dircmp(tmp_path / folder, ROOT / "k8s" / folder)
        differing = compared.left_only + compared.right_only + compared.diff_files
        assert differing == [], f"k8s/{folder}: run `make k8s`"
    profile = "seccomp/seccomp-chromium.json"
    assert (tmp_path / profile).read_bytes() == (ROOT / "k8s" / profile).read_bytes(), "run `make k8s`"


@pytest.mark.parametrize("folder", MADE)
def test_no_secret_is_rendered(folder):
    assert [item for item in build(ROOT / "k8s" / folder) if item["kind"] == "Secret"] == []


@pytest.mark.parametrize("folder", MADE)
def test_every_secret_is_the_one_of_the_readme(folder):
    named = set()
    for item in build(ROOT / "k8s" / folder):
        if item["kind"] in ("Deployment", "StatefulSet"):
            for volume in item["spec"]["template"]["spec"].get("volumes", []):
                for given in volume.get("projected", {}).get("sources", []):
                    named |= {(given["secret"]["name"], key["key"]) for key in given["secret"]["items"]}
    keys = {"page-token", "sender-token", "api-keys", "console-token"}
    assert named == {("wormhole-tokens", key) for key in keys}
    readme = (ROOT / "k8s/README.md").read_text()
    assert all(f"--from-literal={key}=" in readme for key in keys)


def test_the_overlay_trades_the_real_account_for_the_practice_site():
    names = {(item["kind"], item["metadata"]["name"]) for item in build(ROOT / "k8s/overlays/demo")}
    assert ("StatefulSet", "wormhole-bridge-demo") in names and ("Deployment", "wormhole-demo") in names
    assert ("StatefulSet", "wormhole-bridge-default") not in names


def test_the_overlay_is_the_chart_with_demo_on():
    script = render_script()
    chart = script.render("-f", str(ROOT / "k8s/values.yaml"), "-f", str(ROOT / "charts/wormhole/ci/demo-values.yaml"))

    def parts(objects):
        return {(item["kind"], item["metadata"]["name"]): {key: value for key, value in item.items() if key != "metadata"}
                for item in objects}

    built = parts(build(ROOT / "k8s/overlays/demo"))
    expected = parts(chart)
    # kustomize adds its namespace to the binding's subject.
    for item in (*built.values(), *expected.values()):
        for subject in item.get("subjects", []):
            subject.pop("namespace", None)
    assert built == expected
