"""Each option does what values.yaml says of it."""

import hashlib
import json

import pytest
import yaml
from conftest import CHART, container, pod, render, variables

DEMO = ["demo-values.yaml"]
SERVICES = ["server", "oai", "bridge"]
COMPONENTS = [*SERVICES, "demo"]


def workload(objects, component):
    [found] = [item for item in objects.workloads() if item["metadata"]["labels"]["app.kubernetes.io/component"] == component]
    return found


# === Shapes ===


def test_three_services_by_default():
    objects = render()
    assert {(item["kind"], item["metadata"]["name"]) for item in objects.workloads()} == {
        ("Deployment", "wormhole-server"), ("Deployment", "wormhole-oai"), ("StatefulSet", "wormhole-bridge-default")}
    for item in objects.kind("Deployment"):
        assert item["spec"]["replicas"] == 1 and item["spec"]["strategy"] == {"type": "Recreate"}


def test_one_stateful_set_for_each_account():
    accounts = [{"name": "mine", "site": "outlier", "size": "8Gi", "storageClassName": "fast"},
                {"name": "other", "site": "own", "siteOrigin": "https://chat.example"}]
    objects = render({"bridge": {"accounts": accounts, "sites": {"own": "name: own\n"}}})
    mine, other = (objects.one("StatefulSet", f"wormhole-bridge-{name}") for name in ("mine", "other"))
    [claim] = mine["spec"]["volumeClaimTemplates"]
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "8Gi"}}}
    assert "storageClassName" not in other["spec"]["volumeClaimTemplates"][0]["spec"]
    assert mine["spec"]["replicas"] == 1 and mine["spec"]["podManagementPolicy"] == "Parallel"
    assert variables(mine)["WORMHOLE_ACCOUNT"] == "mine" and variables(mine)["WORMHOLE_SITE"] == "outlier"
    assert variables(other)["WORMHOLE_SITE"] == "/etc/wormhole/sites/own.yaml"
    assert variables(other)["WORMHOLE_SITE_ORIGIN"] == "https://chat.example"
    # Selectors of two accounts must not meet.
    assert mine["spec"]["selector"]["matchLabels"]["wormhole.dev/account"] == "mine"
    assert mine["spec"]["template"]["metadata"]["labels"]["wormhole.dev/account"] == "mine"


def test_the_consoles_name_is_there_before_the_bridge_is_ready():
    service = render().one("Service", "wormhole-bridge")["spec"]
    assert service["clusterIP"] == "None" and service["publishNotReadyAddresses"] is True
    assert [port["name"] for port in service["ports"]] == ["admin", "console"]
    off = render({"bridge": {"console": {"enabled": False}}})
    assert [port["name"] for port in off.one("Service", "wormhole-bridge")["spec"]["ports"]] == ["admin"]
    assert "WORMHOLE_CONSOLE_TOKEN_FILE" not in variables(workload(off, "bridge"))


def test_the_demo_answers_without_any_account():
    objects = render(files=DEMO)
    bridge = objects.one("StatefulSet", "wormhole-bridge-demo")
    assert [item["metadata"]["name"] for item in objects.kind("StatefulSet")] == ["wormhole-bridge-demo"]
    service = objects.one("Service", "wormhole-demo")
    origin = f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    assert variables(bridge)["WORMHOLE_SITE_ORIGIN"] == origin and variables(bridge)["WORMHOLE_SITE"] == "playground"
    site = workload(objects, "demo")
    assert variables(site)["PLAYGROUND_LISTEN"].endswith(f":{container(site)['ports'][0]['containerPort']}")


def test_the_demo_needs_no_volume_unless_it_is_to_be_kept():
    def claims(values):
        objects = render({**values, "demo": {"enabled": True, **values.get("demo", {})}})
        templates = [claim["metadata"]["name"] for item in objects.workloads() for claim in item["spec"].get("volumeClaimTemplates", [])]
        mounted = {component: {mount["name"] for mount in container(workload(objects, component))["volumeMounts"]} for component in ("bridge", "oai")}
        assert "profile" in mounted["bridge"] and "data" in mounted["oai"]
        return templates + [volume["persistentVolumeClaim"]["claimName"] for each in objects.pods()
                            for volume in each.get("volumes", []) if "persistentVolumeClaim" in volume]

    assert claims({}) == []
    assert claims({"demo": {"persistence": True}}) == ["profile", "wormhole-oai-data"]
    assert claims({"oai": {"persistence": {"existingClaim": "mine"}}}) == ["mine"]


@pytest.mark.parametrize("shape", [{}, {"demo": {"enabled": True}}])
def test_nothing_needs_an_operator_a_controller_or_a_registry(shape):
    objects = render(shape)
    assert {item["apiVersion"] for item in objects} <= {"v1", "apps/v1", "networking.k8s.io/v1", "policy/v1", "rbac.authorization.k8s.io/v1"}
    assert objects.kind("Ingress", "PodMonitor", "ServiceMonitor", "PrometheusRule") == []
    for each in objects.pods():
        for item in each["containers"]:
            assert item["imagePullPolicy"] == "IfNotPresent" and not item["image"].endswith(":latest")


def test_what_a_killed_chromium_leaves_is_reaped():
    """The bridge is no init; the pause process is, where the pod's containers share its process ids."""
    assert pod(workload(render(), "bridge"))["shareProcessNamespace"] is True


# === Keys that every component has ===


PASSED = {
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "chat", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": []}]}}},
    "priorityClassName": "chat",
    "initContainers": [{"name": "wait", "image": "wait:1"}],
}


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_pods_own_keys_are_passed_on(component):
    values = {"demo": {"enabled": True}}
    values[component] = {**values.get(component, {}), **PASSED, "extraVolumes": [{"name": "ca", "emptyDir": {}}]}
    specification = pod(workload(render(values), component))
    for key, value in PASSED.items():
        assert specification[key] == value
    assert {"name": "ca", "emptyDir": {}} in specification["volumes"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_containers_own_keys_are_passed_on(component):
    own = {"extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}], "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca"}],
           "resources": {"requests": {"cpu": "7m"}}, "podAnnotations": {"a": "b"}, "podLabels": {"team": "chat"},
           "image": {"repository": "mine", "tag": "7"}}
    values = {"demo": {"enabled": True}}
    values[component] = {**values.get(component, {}), **own}
    found = workload(render(values), component)
    main = container(found)
    assert own["extraEnv"][0] in main["env"] and own["extraVolumeMounts"][0] in main["volumeMounts"]
    assert main["resources"]["requests"]["cpu"] == "7m" and main["image"] == "mine:7"
    metadata = found["spec"]["template"]["metadata"]
    assert metadata["annotations"]["a"] == "b" and metadata["labels"]["team"] == "chat"
    assert metadata["labels"]["app.kubernetes.io/version"] == "7"


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_constraint_gets_its_components_selector(component):
    constraint = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    own = {**constraint, "labelSelector": {"matchLabels": {"a": "b"}}}
    values = {"demo": {"enabled": True}}
    values[component] = {**values.get(component, {}), "topologySpreadConstraints": [constraint, own]}
    found = workload(render(values), component)
    filled, kept = pod(found)["topologySpreadConstraints"]
    assert kept == own
    assert filled["labelSelector"]["matchLabels"].items() <= found["spec"]["template"]["metadata"]["labels"].items()
    assert filled["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == component


def test_bridges_spread_over_nodes_by_default():
    [constraint] = pod(workload(render(), "bridge"))["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "kubernetes.io/hostname" and constraint["whenUnsatisfiable"] == "ScheduleAnyway"


@pytest.mark.parametrize("component", SERVICES)
def test_settings_become_variables(component):
    values = {component: {"settings": {"WORMHOLE_SOMETHING": 64, "WORMHOLE_SWITCH": True, "WORMHOLE_LARGE": 67108864}}}
    given = variables(workload(render(values), component))
    assert (given["WORMHOLE_SOMETHING"], given["WORMHOLE_SWITCH"], given["WORMHOLE_LARGE"]) == ("64", "true", "67108864")


@pytest.mark.parametrize("component", SERVICES)
def test_probes(component):
    main = container(workload(render(), component))
    paths = {kind: main[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert paths == {"startup": {"path": "/livez", "port": "admin"}, "liveness": {"path": "/livez", "port": "admin"},
                     "readiness": {"path": "/readyz", "port": "admin"}}
    changed = container(workload(render({component: {"probes": {"liveness": {"failureThreshold": 9}}}}), component))
    assert changed["livenessProbe"] == {**main["livenessProbe"], "failureThreshold": 9}
    assert changed["readinessProbe"] == main["readinessProbe"]


@pytest.mark.parametrize("component", SERVICES)
def test_budgets(component):
    budget = render().one("PodDisruptionBudget", f"wormhole-{component}")["spec"]
    assert budget["maxUnavailable"] == 1 and budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    off = render({component: {"podDisruptionBudget": {"enabled": False}}})
    assert len(off.kind("PodDisruptionBudget")) == 2


@pytest.mark.parametrize(("version", "sleeps"), [("1.29.9", False), ("1.30.0", True), ("1.30.2-eks-1", True), ("1.34.1+k3s1", True)])
def test_the_sleep_before_sigterm_needs_a_kubernetes_that_knows_it(version, sleeps):
    main = container(workload(render(arguments=("--kube-version", version)), "oai"))
    assert main.get("lifecycle") == ({"preStop": {"sleep": {"seconds": 3}}} if sleeps else None)
    assert "lifecycle" not in container(workload(render(), "server"))


# === Names and images ===


def test_names():
    def service(values):
        return [item["metadata"]["name"] for item in render(values).kind("Service")][0]

    assert service({"nameOverride": "chat"}).startswith("wormhole-chat-")
    assert service({"fullnameOverride": "worm"}).startswith("worm-")
    # What `wormhole status --kube` looks for does not depend on them.
    for values in ({"nameOverride": "chat"}, {"fullnameOverride": "worm"}):
        for item in render(values).workloads():
            assert item["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == "wormhole"


def test_images():
    image = {"registry": "registry.example/me/", "tag": "9", "pullPolicy": "Never", "pullSecrets": [{"name": "regcred"}]}
    for each in render({"image": image, "demo": {"enabled": True}}).pods():
        assert each["imagePullSecrets"] == [{"name": "regcred"}]
        assert each["containers"][0]["image"].startswith("registry.example/me/wormhole-")
        assert each["containers"][0]["image"].endswith(":9") and each["containers"][0]["imagePullPolicy"] == "Never"


def test_a_new_chart_with_the_same_images_starts_no_pod_anew():
    for item in render(files=DEMO).workloads():
        assert "helm.sh/chart" not in item["spec"]["template"]["metadata"]["labels"]
        for claim in item["spec"].get("volumeClaimTemplates", []):
            assert "app.kubernetes.io/version" not in claim["metadata"]["labels"]


# === Configuration ===


def test_templates_and_prompts():
    values = {"oai": {"templates": {"system.j2": "{{ text }}\n"}, "agentPrompts": "rules: []\n"}}
    objects = render(values)
    assert objects.one("ConfigMap", "wormhole-oai-templates")["data"] == {"system.j2": "{{ text }}\n"}
    assert objects.one("ConfigMap", "wormhole-oai-prompts")["data"] == {"agent_prompts.yaml": "rules: []\n"}
    assert variables(workload(objects, "oai"))["WORMHOLE_TEMPLATES"] == "/etc/wormhole/templates"
    assert "WORMHOLE_TEMPLATES" not in variables(workload(render(), "oai"))


def test_sites_and_script():
    values = {"bridge": {"sites": {"own": "name: own\n"}, "injectScript": "// ours\n", "accounts": [{"name": "a", "site": "own"}]}}
    objects = render(values)
    assert objects.one("ConfigMap", "wormhole-bridge-sites")["data"] == {"own.yaml": "name: own\n"}
    assert objects.one("ConfigMap", "wormhole-bridge-script")["data"] == {"inject_wormhole.js": "// ours\n"}


@pytest.mark.parametrize(("component", "key", "values"), [
    ("oai", "templates", [{"a.j2": "1"}, {"a.j2": "2"}]), ("oai", "agentPrompts", ["1", "2"]),
    ("bridge", "sites", [{"a": "1"}, {"a": "2"}]), ("bridge", "injectScript", ["1", "2"]),
])
def test_a_changed_text_starts_the_pod_anew(component, key, values):
    def checksum(value):
        metadata = workload(render({component: {key: value}}), component)["spec"]["template"]["metadata"]
        return metadata["annotations"]["checksum/config"]

    first, second = map(checksum, values)
    assert first != second and len(first) == len(hashlib.sha256().hexdigest())


def test_what_the_api_remembers():
    objects = render({"oai": {"persistence": {"size": "2Gi", "storageClassName": "fast"}}})
    claim = objects.one("PersistentVolumeClaim", "wormhole-oai-data")
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "2Gi"}}}
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}

    def data(values):
        objects = render({"oai": {"persistence": values}})
        assert objects.kind("PersistentVolumeClaim") == []
        return pod(workload(objects, "oai"))["volumes"][0]

    assert data({"enabled": False}) == {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}
    assert data({"existingClaim": "mine"}) == {"name": "data", "persistentVolumeClaim": {"claimName": "mine"}}


def test_embeddings_and_alerts():
    objects = render({"oai": {"embeddings": {"url": "http://e/v1", "existingSecret": "e"}}, "bridge": {"alerts": {"existingSecret": "w"}}})
    assert variables(workload(objects, "oai"))["WORMHOLE_EMBEDDINGS_URL"] == "http://e/v1"
    assert variables(workload(objects, "bridge"))["WORMHOLE_ALERT_WEBHOOK_FILE"] == "/run/secrets/wormhole/webhook"


@pytest.mark.parametrize(("sandbox", "seccomp", "given"), [
    (False, {"type": "RuntimeDefault"}, {"type": "RuntimeDefault"}),
    (True, {"type": "Localhost", "localhostProfile": "x.json"}, {"type": "Localhost", "localhostProfile": "x.json"}),
])
def test_sandbox(sandbox, seccomp, given):
    bridge = workload(render({"bridge": {"sandbox": sandbox, "seccomp": seccomp}}), "bridge")
    assert pod(bridge)["securityContext"]["seccompProfile"] == given
    assert variables(bridge)["CHROME_SANDBOX"] == str(sandbox).lower()


# === Ways in ===


INGRESS = {"enabled": True, "hosts": ["api.example"], "tls": [{"hosts": ["api.example"], "secretName": "t"}], "className": "c"}


def ingress(**more):
    [found] = render({"oai": {"ingress": {**INGRESS, **more}, "service": {"port": 80}}}).kind("Ingress")
    return found


def test_streams_pass_nginx():
    annotations = ingress()["metadata"]["annotations"]
    prefix = "nginx.ingress.kubernetes.io/proxy"
    assert annotations[f"{prefix}-buffering"] == annotations[f"{prefix}-request-buffering"] == "off"
    assert int(annotations[f"{prefix}-read-timeout"]) >= 3600 and annotations[f"{prefix}-http-version"] == "1.1"


def test_streams_pass_traefik():
    assert ingress(controller="traefik")["metadata"]["annotations"] == {
        "traefik.ingress.kubernetes.io/router.entrypoints": "websecure", "traefik.ingress.kubernetes.io/router.tls": "true"}
    assert ingress(controller="traefik", tls=[])["metadata"]["annotations"] == {"traefik.ingress.kubernetes.io/router.entrypoints": "web"}


def test_the_ingress_leads_to_the_service():
    found = ingress(controller="", annotations={"a": "b"})
    assert found["metadata"]["annotations"] == {"a": "b"}
    assert found["spec"]["ingressClassName"] == "c" and found["spec"]["tls"] == INGRESS["tls"]
    [rule] = found["spec"]["rules"]
    assert rule["host"] == "api.example"
    assert rule["http"]["paths"][0]["backend"] == {"service": {"name": "wormhole-oai", "port": {"name": "api"}}}


def test_own_annotations_win():
    name = "nginx.ingress.kubernetes.io/proxy-read-timeout"
    assert ingress(annotations={name: "10"})["metadata"]["annotations"][name] == "10"


# === helm test ===


def test_the_test_asks_through_the_service_with_a_key():
    [test] = render().kind("Pod")
    assert test["metadata"]["annotations"]["helm.sh/hook"] == "test"
    arguments = test["spec"]["containers"][0]["args"]
    assert arguments[:2] == ["ask", "--url=http://wormhole-oai:11434"]
    assert "--key-file=/run/secrets/wormhole/api-key" in arguments


def test_the_test_without_keys_and_with_a_model():
    [test] = render({"oai": {"apiKeys": {"allowAnonymous": True}}, "test": {"model": "practice-echo"}}).kind("Pod")
    arguments = test["spec"]["containers"][0]["args"]
    assert "--model=practice-echo" in arguments and not any("key" in argument for argument in arguments)
    assert "volumes" not in test["spec"]


def test_the_test_takes_a_key_of_its_own():
    [test] = render({"test": {"existingSecret": "plain"}}).kind("Pod")
    [source] = test["spec"]["volumes"][0]["projected"]["sources"]
    assert source == {"secret": {"name": "plain", "items": [{"key": "api-key", "path": "api-key"}]}}


# === Metrics ===


@pytest.mark.parametrize(("monitor", "endpoints"), [("PodMonitor", "podMetricsEndpoints"), ("ServiceMonitor", "endpoints")])
def test_a_monitor_finds_every_admin_port(monitor, endpoints):
    objects = render({"metrics": {"monitor": monitor, "labels": {"release": "prometheus"}}})
    [found] = objects.kind(monitor)
    assert found["metadata"]["labels"]["release"] == "prometheus"
    [endpoint] = found["spec"][endpoints]
    assert (endpoint["port"], endpoint["path"]) == ("admin", "/metrics")
    selector = found["spec"]["selector"]["matchLabels"]
    if monitor == "ServiceMonitor":
        [service] = [item for item in objects.kind("Service") if selector.items() <= item["metadata"]["labels"].items()]
        assert service["spec"]["ports"][0]["name"] == "admin"
        selector = service["spec"]["selector"]
    for item in objects.workloads():
        assert selector.items() <= item["spec"]["template"]["metadata"]["labels"].items()
        assert "admin" in [port["name"] for port in container(item)["ports"]]


def test_rules_and_dashboard_are_the_files():
    objects = render({"metrics": {"rules": True, "dashboard": True, "dashboardLabels": {"mine": "yes"}}})
    assert objects.one("PrometheusRule", "wormhole")["spec"] == yaml.safe_load((CHART / "files/rules.yaml").read_text())
    board = objects.one("ConfigMap", "wormhole-dashboard")
    assert json.loads(board["data"]["wormhole.json"]) == json.loads((CHART / "files/dashboard.json").read_text())
    assert board["metadata"]["labels"]["mine"] == "yes"


def test_runbook_links_lead_where_the_operator_says():
    given = render({"metrics": {"rules": True, "runbooks": "https://wiki.example/w"}}).one("PrometheusRule", "wormhole")
    links = [rule["annotations"]["runbook_url"] for group in given["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    assert links and all(link.startswith("https://wiki.example/w#") for link in links)
