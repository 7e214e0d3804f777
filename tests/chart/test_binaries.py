"""What the chart tells the programs is what the programs know: ports, paths, variables, times."""

import re

import pytest
import yaml
from conftest import CHART, ROOT, container, pod, render, variables

SHAPES = {"defaults": (), "demo": ("demo-values.yaml",), "full": ("full-values.yaml",)}
# The operator's own, in ci/full-values.yaml.
FOREIGN = {"HTTPS_PROXY"}


def source(path: str) -> str:
    return (ROOT / "crates" / path).read_text()


def clap_settings(crate: str) -> set[str]:
    files = [file for folder in (crate, "wormhole-runtime", "wormhole-cluster") for file in (ROOT / "crates" / folder / "src").rglob("*.rs")]
    return {name for file in files for name in re.findall(r'env = "([A-Z0-9_]+)"', file.read_text())}


CRATES = {"server": "wormhole-server", "oai": "wormhole-oai", "bridge": "wormhole-bridge", "demo": "wormhole-playground"}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_variable_is_one_of_its_program(shape):
    for workload in render(files=SHAPES[shape]).workloads():
        component = workload["metadata"]["labels"]["app.kubernetes.io/component"]
        unknown = set(variables(workload)) - clap_settings(CRATES[component]) - FOREIGN
        assert unknown == set(), workload["metadata"]["name"]


def test_what_the_chart_sets_is_exactly_what_settings_may_not():
    helpers = (CHART / "templates/_helpers.tpl").read_text()
    owned = {component: set(names.split()) for component, names in
             re.findall(r'define "wormhole.ownedBy.(\w+)" -}}\n(.*)\n', helpers)}
    full = render({"server": {"settings": {}}, "oai": {"settings": {}}, "bridge": {"settings": {}}}, files=["full-values.yaml"])
    plain = render({"oai": {"apiKeys": {"allowAnonymous": True}}})
    for component, names in owned.items():
        given = set()
        for workload in (*full.workloads(), *plain.workloads()):
            if workload["metadata"]["labels"]["app.kubernetes.io/component"] == component:
                given |= set(variables(workload))
        operators = FOREIGN | {"OUTLIER_EMAIL"} | given & {"WORMHOLE_QUEUE_LIMIT", "WORMHOLE_TOKENIZER",
            "WORMHOLE_BODY_LIMIT_MIB", "WORMHOLE_IMAGE_HOSTS", "WORMHOLE_SESSION_CHECK", "CHROME_EXTRA_ARGS"}
        # The port is the code's default and stands in Services and policies; a setting must not move it.
        assert names == given - operators | {"WORMHOLE_PORT"}, component


@pytest.mark.parametrize(("component", "ports"), [
    ("server", {"hub": ("WORMHOLE_PORT", "wormhole-server"), "admin": ("WORMHOLE_SERVER_ADMIN", "wormhole-server")}),
    ("oai", {"api": ("WORMHOLE_OAI_LISTEN", "wormhole-oai"), "admin": ("WORMHOLE_OAI_ADMIN", "wormhole-oai")}),
    ("bridge-default", {"admin": ("WORMHOLE_BRIDGE_ADMIN", "wormhole-bridge")}),
])
def test_ports_are_the_programs_defaults(component, ports):
    [workload] = [item for item in render().workloads() if item["metadata"]["name"] == f"wormhole-{component}"]
    opened = {port["name"]: port["containerPort"] for port in container(workload)["ports"]}
    for name, (variable, crate) in ports.items():
        line = next(line for line in source(f"{crate}/src/args.rs").splitlines() if f'env = "{variable}"' in line)
        default = int(re.search(r"default_value(?:_t)? = \"?(?:0\.0\.0\.0:)?(\d+)", line)[1])
        assert opened[name] == default


def test_bridge_and_api_find_the_hub_at_its_service():
    objects = render()
    service = objects.one("Service", "wormhole-server")
    [port] = service["spec"]["ports"]
    assert port["port"] == 8765
    for name in ("wormhole-oai", "wormhole-bridge-default"):
        [workload] = [item for item in objects.workloads() if item["metadata"]["name"] == name]
        assert variables(workload)["WORMHOLE_SERVER_HOST"] == service["metadata"]["name"]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_path_that_a_variable_names_is_mounted(shape):
    for workload in render(files=SHAPES[shape]).workloads():
        mounts = [mount["mountPath"] for mount in container(workload).get("volumeMounts", [])]
        for name, value in variables(workload).items():
            if isinstance(value, str) and value.startswith("/"):
                assert any(value == mount or value.startswith(mount + "/") for mount in mounts), f"{name}={value}"


@pytest.mark.parametrize("shape", SHAPES)
def test_every_secret_file_is_projected(shape):
    for workload in render(files=SHAPES[shape]).workloads():
        files = {item["path"] for volume in pod(workload).get("volumes", []) if volume["name"] == "secrets"
                 for given in volume["projected"]["sources"] for item in given["secret"]["items"]}
        named = {str(value).rsplit("/", 1)[1] for value in variables(workload).values()
                 if str(value).startswith("/run/secrets/wormhole/")}
        assert named == files, workload["metadata"]["name"]


def seconds(path: str, constant: str) -> int:
    return int(re.search(rf"const {constant}: Duration = Duration::from_secs\((\d+)\)", source(path))[1])


@pytest.mark.parametrize("shape", SHAPES)
def test_kubernetes_waits_longer_than_a_program_takes_to_end(shape):
    after_grace = seconds("wormhole-runtime/src/lifecycle.rs", "HARD_WAIT") + seconds("wormhole-runtime/src/lifecycle.rs", "LAST_WAIT")
    for workload in render(files=SHAPES[shape]).workloads():
        grace = variables(workload).get("WORMHOLE_GRACE")
        if grace is None:
            continue
        sleep = container(workload).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        longest = sleep + int(grace.removesuffix("s")) + after_grace
        assert longest < pod(workload)["terminationGracePeriodSeconds"] <= longest + 5 + sleep


def test_the_drain_is_as_long_as_the_code_says():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for component in ("server", "oai", "bridge"):
        text = source(f"{CRATES[component]}/src/args.rs")
        default = int(re.search(r'env = "WORMHOLE_GRACE", default_value = "(\d+)s"', text)[1])
        assert values[component]["drainSeconds"] == default


def test_the_shipped_sites_are_those_of_the_bridge():
    helpers = (CHART / "templates/_helpers.tpl").read_text()
    listed = re.search(r'define "wormhole.shippedSites" -}}\n(.*)\n', helpers)[1].split()
    assert sorted(listed) == sorted(file.stem for file in (ROOT / "crates/wormhole-bridge/sites").glob("*.yaml"))


def test_the_practice_account_is_the_practice_sites():
    text = source("wormhole-playground/src/args.rs")
    email, password = (re.search(rf'env = "PLAYGROUND_{name}", default_value = "([^"]+)"', text)[1] for name in ("EMAIL", "PASSWORD"))
    given = variables(render(files=["demo-values.yaml"]).one("StatefulSet", "wormhole-bridge-demo"))
    assert (given["OUTLIER_EMAIL"], given["OUTLIER_PASSWORD"]) == (email, password)


def test_a_body_that_the_api_takes_passes_the_ingress():
    text = source("wormhole-oai/src/args.rs")
    default = re.search(r'env = "WORMHOLE_BODY_LIMIT_MIB", default_value_t = (\d+)', text)[1]
    on = {"oai": {"ingress": {"enabled": True, "hosts": ["api.example"]}}}
    [ingress] = render(on).kind("Ingress")
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] == f"{default}m"
