"""Tokens that the chart made stay through an upgrade. helm's `lookup` asks an API server, so here is one that knows one Secret."""

import base64
import http.server
import json
import threading

import pytest
import yaml
from conftest import render

NAME = "wormhole-generated"
KEPT = {key: base64.b64encode(f"kept-{key}".encode()).decode() for key in ("page-token", "sender-token", "api-keys", "console-token")}
MISSING = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}


def resource(kind: str) -> dict:
    plural = f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"
    return {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get", "list"]}


def discovery() -> dict[str, dict]:
    """Path and answer for each kind that the chart has: helm 4 wants to know them all."""
    kinds = {(item["apiVersion"], item["kind"]) for item in render()}
    versions = sorted({version for version, _ in kinds})
    groups = [{"name": version.split("/")[0], "versions": [named(version)], "preferredVersion": named(version)}
              for version in versions if "/" in version]
    answers = {
        "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
    }
    for version in versions:
        of_it = [resource(kind) for where, kind in sorted(kinds) if where == version]
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        answers[path] = {"kind": "APIResourceList", "groupVersion": version, "resources": of_it}
    return answers


def named(version: str) -> dict:
    return {"groupVersion": version, "version": version.split("/")[1]}


def secret(data: dict) -> dict:
    """As the first install left it: helm takes over no object of somebody else's."""
    owner = {"meta.helm.sh/release-name": "wormhole", "meta.helm.sh/release-namespace": "chat"}
    metadata = {"name": NAME, "namespace": "chat", "annotations": owner, "labels": {"app.kubernetes.io/managed-by": "Helm"}}
    return {"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "data": data}


@pytest.fixture
def cluster(tmp_path):
    """A function that gives the arguments for helm, and sets what the Secret holds."""
    answers = discovery()

    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = answers.get(self.path.split("?")[0])
            body = json.dumps(found or MISSING).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "users": [],
              "clusters": [{"name": "c", "cluster": {"server": address}}],
              "contexts": [{"name": "c", "context": {"cluster": "c", "user": ""}}]}
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(yaml.safe_dump(config))

    def arguments(held: dict | None):
        path = f"/api/v1/namespaces/chat/secrets/{NAME}"
        answers.pop(path, None)
        if held is not None:
            answers[path] = secret(held)
        return ("--dry-run=server", "--kubeconfig", str(kubeconfig), "--disable-openapi-validation")

    yield arguments
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("helm", ["helm3", "helm4"])
def test_tokens_stay(cluster, helm):
    [found] = render(helm=helm, arguments=cluster(KEPT)).kind("Secret")
    assert found["data"] == KEPT


def test_a_key_that_is_new_in_this_version_is_added_beside_the_kept_ones(cluster):
    held = {key: value for key, value in KEPT.items() if key != "console-token"}
    [found] = render(arguments=cluster(held)).kind("Secret")
    assert found["data"].items() >= held.items() and len(found["data"]["console-token"]) >= 64


def test_the_first_install_makes_them(cluster):
    [found] = render(arguments=cluster(None)).kind("Secret")
    assert set(found["data"]) == set(KEPT) and not set(found["data"].values()) & set(KEPT.values())
