"""values.yaml, values.schema.json and what is written about them agree; a typo is an error."""

import json
import re

import jsonschema
import pytest
import yaml
from conftest import CHART, ROOT, refusal, render

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES_TEXT = (CHART / "values.yaml").read_text()
VALUES = yaml.safe_load(VALUES_TEXT)
# Helm adds it to every chart's values.
HELMS_OWN = {"global"}


def resolved(schema):
    return SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def closed_objects(schema, values, path=""):
    """Every object of the schema that has named keys, with the values that stand there."""
    schema = resolved(schema)
    if "properties" in schema:
        yield path, schema, values
        for key, inner in schema["properties"].items():
            yield from closed_objects(inner, values.get(key) if isinstance(values, dict) else None, f"{path}.{key}")
    elif "items" in schema:
        first = values[0] if values else None
        yield from closed_objects(schema["items"], first, f"{path}[0]")


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    used = set(re.findall(r'#/definitions/(\w+)', json.dumps(SCHEMA)))
    assert used == set(SCHEMA["definitions"])


def test_every_object_with_named_keys_is_closed():
    for path, schema, _ in closed_objects(SCHEMA, VALUES):
        assert schema["additionalProperties"] is False, path or "(root)"


def test_values_yaml_holds_exactly_the_keys_of_the_schema():
    # Kubernetes' own shapes that have no value of ours.
    elsewhere = {"claims"}
    for path, schema, values in closed_objects(SCHEMA, VALUES):
        if isinstance(values, dict) and not path.endswith((".probes", ".tls[0]")):
            assert set(values) == set(schema["properties"]) - HELMS_OWN - elsewhere, path or "(root)"


def keys_with_their_comments():
    """(path of a key, whether a comment speaks of it), from the text of values.yaml. A comment speaks of the key below it,
    and of a second one below that if it says so with "and"."""
    path, comment, left = [], "", 0
    for line in VALUES_TEXT.splitlines():
        bare = line.strip()
        if bare.startswith("#"):
            comment = f"{comment} {bare}" if left < 0 else bare
            left = -1
        elif found := re.match(r"^( *)([A-Za-z]\w*):(.*)$", line):
            if left < 0:
                left = 2 if re.search(r"\band\b", comment) else 1
            path = path[: len(found[1]) // 2] + [found[2]]
            yield tuple(path), left > 0
            left = max(left - 1, 0)
        else:
            left = 0


def test_every_value_is_documented():
    stands = dict(keys_with_their_comments())
    assert len(stands) > 100
    said_once = {path[1:] for path, commented in stands.items() if commented and path[0] == "server"}
    blocks = {path[:-1] for path in stands}
    silent = [".".join(path) for path, commented in stands.items()
              if not commented and path not in blocks and path[1:] not in said_once and path[-1] not in ("requests", "limits")]
    assert silent == []


@pytest.mark.parametrize("helm", ["helm3", "helm4"])
@pytest.mark.parametrize("typo", [
    {"sever": {}},
    {"server": {"replica": 1}},
    {"oai": {"ingress": {"host": "api.example"}}},
    {"bridge": {"accounts": [{"name": "a", "profileSize": "4Gi"}]}},
    {"bridge": {"accounts": [{"site": "outlier"}]}},
    {"bridge": {"accounts": [{"name": "Not_A_Label"}]}},
    {"bridge": {"seccomp": {"type": "Unconfined"}}},
    {"oai": {"service": {"type": "Clusterip"}}},
    {"oai": {"persistence": {"size": "lots"}}},
    {"server": {"drainSeconds": "25s"}},
    {"server": {"settings": {"lower_case": "x"}}},
    {"log": {"format": "xml"}},
    {"metrics": {"monitor": "Podmonitor"}},
])
def test_the_schema_refuses(typo, helm):
    assert "values don't meet the specifications of the schema" in refusal(typo, helm)


def test_the_chart_is_as_old_as_the_programs():
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == version


def test_values_yaml_stays_readable():
    assert len(VALUES_TEXT.splitlines()) <= 300


def test_the_same_keys_mean_the_same_for_every_component():
    shared = set(VALUES["demo"]) - {"enabled", "persistence"}
    for component in ("server", "oai", "bridge"):
        assert shared <= set(VALUES[component]), component
    services = set(VALUES["server"]) - {"service"}
    assert services <= set(VALUES["oai"]) and services <= set(VALUES["bridge"])


def test_every_value_does_something():
    """Each plain value of values.yaml is read by a template."""
    text = "".join(file.read_text() for file in (CHART / "templates").rglob("*") if file.is_file())
    # Read as `index $values "key"` or as a whole with toYaml.
    whole = {"requests", "limits", "settings", "startup", "readiness", "liveness"}
    for path, _ in keys_with_their_comments():
        assert path[-1] in whole or re.search(rf"[.\"]{path[-1]}\b", text), ".".join(path)


def test_defaults_render_without_any_value():
    assert render()
