"""Writes k8s/base and k8s/overlays/demo from the chart, for those who use kustomize and no Helm.

usage: render-k8s.py [FOLDER]    the folder that `base` and `overlays` stand in; k8s if none is given

The base is the chart with k8s/values.yaml. The overlay is the difference to the same with the practice site: objects
that are new, patches that remove others, and patches that replace the parts that changed. k8s/seccomp gets its copy of
the profile that Compose uses.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts/wormhole"
# The oldest version that the chart takes, so that nothing in it is too new for a cluster.
KUBERNETES = "1.27.0"
NOTE = "# Made by `make k8s` from charts/wormhole. Change the chart, or write an overlay.\n"


def render(*arguments: str) -> list[dict]:
    helm = [ROOT / ".tools/chart/bin/helm3", "template", "wormhole", CHART, "--skip-tests", "--kube-version", KUBERNETES]
    text = subprocess.run([*helm, *arguments], check=True, capture_output=True, text=True).stdout
    objects = [plain(item) for item in yaml.load_all(text, yaml.CSafeLoader) if item]
    return sorted(objects, key=lambda item: (item["kind"], item["metadata"]["name"]))


def plain(value):
    """Without what only Helm needs to know, and without a namespace: kustomize sets it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    ours = {key: plain(item) for key, item in value.items() if key not in ("helm.sh/chart", "helm.sh/resource-policy")}
    if "app.kubernetes.io/managed-by" in ours:
        ours["app.kubernetes.io/managed-by"] = "kustomize"
    if ours.get("annotations") == {}:
        del ours["annotations"]
    if ours.get("kind") == "ServiceAccount" and "name" in ours:
        ours.pop("namespace", None)
    return ours


def key(item: dict) -> tuple[str, str]:
    return item["kind"], item["metadata"]["name"]


def by_component(objects: list[dict]) -> dict[str, list[dict]]:
    """A file for each component, with all that belongs to it."""
    files: dict[str, list[dict]] = {}
    for item in objects:
        component = item["metadata"]["labels"]["app.kubernetes.io/component"]
        files.setdefault(f"{component}.yaml", []).append(item)
    return files


class Dumper(yaml.SafeDumper):
    """Sequences stand indented, and nothing is written as a reference."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data):
        return True


def text(dumper: Dumper, value: str):
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, text)


def dump(*documents) -> str:
    return yaml.dump_all(documents, Dumper=Dumper, sort_keys=False, width=120)


def write(folder: Path, files: dict[str, list[dict]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.yaml"):
        old.unlink()
    for name, documents in files.items():
        (folder / name).write_text(NOTE + dump(*documents))


def kustomization(**parts) -> dict:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **parts}


def base(objects: list[dict]) -> dict[str, list[dict]]:
    files = by_component(objects)
    return {"kustomization.yaml": [kustomization(namespace="wormhole", resources=sorted(files))], **files}


def removal(item: dict) -> dict:
    patch = f"$patch: delete\napiVersion: {item['apiVersion']}\nkind: {item['kind']}\nmetadata: {{ name: {item['metadata']['name']} }}\n"
    return {"patch": patch}


def replacement(old: dict, new: dict) -> dict:
    assert old.keys() == new.keys() and old["metadata"] == new["metadata"], key(new)
    changed = [name for name in new if old[name] != new[name]]
    patch = [{"op": "replace", "path": f"/{name}", "value": new[name]} for name in changed]
    return {"target": {"kind": new["kind"], "name": new["metadata"]["name"]}, "patch": dump(patch)}


def overlay(before: list[dict], after: list[dict]) -> dict[str, list[dict]]:
    old, new = {key(item): item for item in before}, {key(item): item for item in after}
    files = by_component([item for name, item in new.items() if name not in old])
    patches = [removal(item) for name, item in old.items() if name not in new]
    patches += [replacement(old[name], item) for name, item in new.items() if name in old and old[name] != item]
    parts = kustomization(namespace="wormhole", resources=["../../base", *sorted(files)], patches=patches)
    return {"kustomization.yaml": [parts], **files}


def main(target: Path = ROOT / "k8s") -> None:
    values = ["-f", str(ROOT / "k8s/values.yaml")]
    plainly = render(*values)
    demo = render(*values, "-f", str(CHART / "ci/demo-values.yaml"))
    write(target / "base", base(plainly))
    write(target / "overlays/demo", overlay(plainly, demo))
    (target / "seccomp").mkdir(exist_ok=True)
    shutil.copy(ROOT / "seccomp-chromium.json", target / "seccomp")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
