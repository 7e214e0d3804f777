"""Who may do what, who may reach whom, and where secrets stand."""

import pytest
from conftest import container, pod, render, variables

DEMO = ["demo-values.yaml"]


def restricted(specification: dict) -> list[str]:
    """What Pod Security's `restricted` would object to (kubernetes.io/docs/concepts/security/pod-security-standards)."""
    wrong = [field for field in ("hostNetwork", "hostPID", "hostIPC") if specification.get(field)]
    wrong += [volume["name"] for volume in specification.get("volumes", [])
              if not set(volume) & {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}]
    whole = specification["securityContext"]
    for item in specification["containers"] + specification.get("initContainers", []):
        own = item.get("securityContext", {})
        of = {**whole, **own}
        checks = {
            "runAsNonRoot": of.get("runAsNonRoot") is True,
            "runAsUser": of.get("runAsUser") != 0,
            "seccompProfile": of.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "drop ALL": own.get("capabilities", {}).get("drop") == ["ALL"],
            "add": not own.get("capabilities", {}).get("add"),
            "privileged": not own.get("privileged"),
            "hostPort": not any(port.get("hostPort") for port in item.get("ports", [])),
        }
        wrong += [f"{item['name']}: {name}" for name, fits in checks.items() if not fits]
    return wrong


@pytest.mark.parametrize("values", [{}, {"demo": {"enabled": True}}, {"bridge": {"sandbox": True, "seccomp": {"type": "Localhost"}}}])
def test_every_pod_passes_restricted_pod_security(values):
    pods = render(values).pods()
    assert len(pods) >= 4
    for each in pods:
        assert restricted(each) == []


def test_the_check_of_restricted_does_object():
    each = render().pods()[0]
    loose = {**each, "hostNetwork": True, "securityContext": {}}
    assert {"hostNetwork", f"{each['containers'][0]['name']}: runAsNonRoot"} <= set(restricted(loose))


def test_root_file_systems_are_read_only_and_volumes_are_the_images_uid():
    for each in render(files=DEMO).pods():
        assert each["securityContext"]["runAsUser"] == each["securityContext"]["fsGroup"] == 10001
        for item in each["containers"]:
            assert item["securityContext"]["readOnlyRootFilesystem"] is True


def test_security_contexts_can_be_changed_without_losing_the_rest():
    values = {"server": {"podSecurityContext": {"runAsUser": 2000}, "securityContext": {"readOnlyRootFilesystem": False}}}
    hub = render(values).one("Deployment", "wormhole-server")
    assert (pod(hub)["securityContext"]["runAsUser"], pod(hub)["securityContext"]["fsGroup"]) == (2000, 10001)
    assert container(hub)["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_only_the_bridge_gets_a_token_and_only_with_kube():
    def with_token(objects):
        return {each["serviceAccountName"] for each in objects.pods() if each["automountServiceAccountToken"]}

    assert with_token(render(files=DEMO)) == {"wormhole-bridge"}
    off = render({"bridge": {"kube": {"enabled": False}}})
    assert with_token(off) == set() and off.kind("Role", "RoleBinding") == []
    assert "WORMHOLE_KUBE" not in variables(off.one("StatefulSet", "wormhole-bridge-default"))
    assert all(account["automountServiceAccountToken"] is False for account in off.kind("ServiceAccount"))


def test_the_role_names_what_it_allows():
    objects = render({"bridge": {"accounts": [{"name": "a"}, {"name": "b"}]}})
    rules = objects.one("Role", "wormhole-bridge")["rules"]
    allowed = {(group, resource, verb): rule.get("resourceNames") for rule in rules for group in rule["apiGroups"]
               for resource in rule["resources"] for verb in rule["verbs"]}
    leases, pods = ["wormhole-bridge-a", "wormhole-bridge-b"], ["wormhole-bridge-a-0", "wormhole-bridge-b-0"]
    lease = "coordination.k8s.io", "leases"
    assert allowed == {
        (*lease, "create"): None, (*lease, "get"): leases, (*lease, "update"): leases,
        ("events.k8s.io", "events", "create"): None,
        ("", "pods", "get"): pods, ("", "pods/status", "patch"): pods,
    }
    held = [variables(item)["WORMHOLE_LEASE_NAME"] for item in objects.kind("StatefulSet")]
    assert held == leases


def test_a_service_called_wormhole_cannot_set_our_variables():
    assert all(each["enableServiceLinks"] is False for each in render(files=DEMO).pods())


# === Network ===


def edges(objects) -> set[tuple[str, str, int]]:
    """(who, may reach whom, at which port) over the components of this release."""
    def component(peer):
        return peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/component")

    found = {"in": set(), "out": set()}
    for policy in objects.kind("NetworkPolicy"):
        here = component(policy["spec"])
        for rule in policy["spec"].get("ingress") or []:
            found["in"] |= {(component(peer), here, port["port"]) for peer in rule["from"] for port in rule["ports"] if component(peer)}
        for rule in policy["spec"].get("egress") or []:
            found["out"] |= {(here, component(peer), port["port"]) for peer in rule["to"] for port in rule["ports"] if component(peer)}
    assert found["in"] == found["out"]
    return found["in"]


def test_only_the_edges_of_the_architecture():
    shared = {("oai", "server", 8765), ("bridge", "server", 8765), ("test", "oai", 11434)}
    assert edges(render()) == shared
    assert edges(render(files=DEMO)) == shared | {("bridge", "demo", 8088)}


def test_every_pod_has_a_policy_for_both_directions():
    objects = render(files=DEMO)
    policies = {policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]: policy["spec"] for policy in objects.kind("NetworkPolicy")}
    labels = [item["spec"]["template"]["metadata"]["labels"] for item in objects.workloads()] + [item["metadata"]["labels"] for item in objects.kind("Pod")]
    for each in labels:
        policy = policies[each["app.kubernetes.io/component"]]
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        assert policy["podSelector"]["matchLabels"].items() <= each.items()


def egress(objects, name):
    return objects.one("NetworkPolicy", name)["spec"]["egress"]


def test_the_hub_and_the_practice_site_go_nowhere():
    objects = render(files=DEMO)
    assert egress(objects, "wormhole-server") == egress(objects, "wormhole-demo") == []


def test_the_bridge_reaches_its_site_but_no_private_address():
    values = {"bridge": {"kube": {"enabled": False}}}
    world = [rule for rule in egress(render(values), "wormhole-bridge") if any("ipBlock" in peer for peer in rule["to"]) and rule["ports"][0]["port"] == 443]
    [rule] = world
    assert rule["ports"] == [{"port": 443, "protocol": "TCP"}]
    assert "169.254.0.0/16" in rule["to"][0]["ipBlock"]["except"] and "10.0.0.0/8" in rule["to"][0]["ipBlock"]["except"]


def test_with_the_practice_site_the_bridge_leaves_the_cluster_for_nothing_but_the_api_server():
    blocks = [peer["ipBlock"]["cidr"] for rule in egress(render(files=DEMO), "wormhole-bridge") for peer in rule["to"] if "ipBlock" in peer]
    assert blocks == ["169.254.20.10/32", "0.0.0.0/0"]


def test_admin_ports_are_for_monitoring_alone():
    for name, port in (("server", 9465), ("bridge", 9466), ("oai", 9467)):
        rules = render().one("NetworkPolicy", f"wormhole-{name}")["spec"]["ingress"]
        [rule] = [rule for rule in rules if {"port": port, "protocol": "TCP"} in rule["ports"]]
        assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    nobody = render({"networkPolicy": {"monitoring": []}}).one("NetworkPolicy", "wormhole-bridge")
    assert nobody["spec"]["ingress"] == []


def test_an_ingress_lets_its_controller_in():
    values = {"oai": {"ingress": {"enabled": True, "hosts": ["api.example"]}}}
    rules = render(values).one("NetworkPolicy", "wormhole-oai")["spec"]["ingress"]
    controller = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
    assert controller in rules[0]["from"]
    assert controller not in render().one("NetworkPolicy", "wormhole-oai")["spec"]["ingress"][0]["from"]


def test_policies_can_be_off():
    assert render({"networkPolicy": {"enabled": False}}).kind("NetworkPolicy") == []


# === Secrets ===


def test_nothing_secret_is_rendered_when_secrets_exist():
    assert render(files=["full-values.yaml"]).kind("Secret") == []


def test_what_is_made_has_exactly_what_no_existing_secret_holds():
    def keys(values):
        return {key for secret in render(values).kind("Secret") for key in secret["data"]}

    assert keys({}) == {"page-token", "sender-token", "api-keys", "console-token"}
    assert keys({"hub": {"existingSecret": "t"}}) == {"api-keys", "console-token"}
    assert keys({"oai": {"apiKeys": {"existingSecret": "t"}}, "bridge": {"console": {"enabled": False}}}) == {"page-token", "sender-token"}
    assert keys({"oai": {"apiKeys": {"allowAnonymous": True}}}) == {"page-token", "sender-token", "console-token"}


def test_tokens_differ_and_are_long():
    [secret] = render().kind("Secret")
    values = list(secret["data"].values())
    assert len(set(values)) == 4 and all(len(value) >= 64 for value in values)


def test_no_variable_holds_a_secret():
    values = {"bridge": {"accounts": [{"name": "a", "existingSecret": "login"}]}}
    for workload in render(values).workloads():
        for name, value in variables(workload).items():
            if any(word in name for word in ("TOKEN", "PASSWORD", "KEY", "WEBHOOK")):
                assert name.endswith("_FILE") and value.startswith("/run/secrets/"), name
    bridge = variables(render(values).one("StatefulSet", "wormhole-bridge-a"))
    assert bridge["OUTLIER_EMAIL"] == {"secretKeyRef": {"name": "login", "key": "email"}}


def test_secret_files_are_readable_by_the_group_alone():
    for each in render(files=["full-values.yaml"]).pods():
        for volume in each.get("volumes", []):
            if "projected" in volume:
                assert volume["projected"]["defaultMode"] == 0o440
