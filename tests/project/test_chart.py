"""The Helm chart of examples/kubernetes.

What Helm makes of it is tested where `helm-python-sdk` (Helm's own code) and `kubernetes-validate` (the schemas of
Kubernetes) are installed. They are large: .ci/run installs them, and runs this file once more.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mockserver.cli.serve import serve
from mockserver.core.model import Settings

ROOT = Path(__file__).parents[2]
CHART = ROOT / "examples" / "kubernetes"
SEVERAL: dict[str, Any] = {
    "replicas": 3,
    "store": {"secret": "mock-store"},
    "adminToken": {"secret": "mock-admin"},
}
EVERYTHING: dict[str, Any] = {
    "autoscaling": {"enabled": True},
    "valkey": {"enabled": True},
    "overlay": {"team.yaml": "format: 1\n"},
    "allowedHosts": ["mock.example.org"],
    "ingress": {"enabled": True, "host": "mock.example.com", "className": "nginx", "tlsSecret": "tls"},
}


def render(values: dict[str, Any]) -> dict[str, Any]:
    """What Helm makes of the chart, by kind and name."""
    helm = pytest.importorskip("helm_python")
    with helm.Chart.load(CHART) as chart:
        files = chart.render(values, name="mock", namespace="qa")
    parts = [part for name, text in files.items() if name.endswith(".yaml") for part in yaml.safe_load_all(text)]
    return {f"{part['kind']}/{part['metadata']['name']}": part for part in parts if part is not None}


def environment(rendered: dict[str, Any]) -> dict[str, Any]:
    """The variables of the mock: their values, or where they come from."""
    container = rendered["Deployment/mock"]["spec"]["template"]["spec"]["containers"][0]
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in container["env"]}


def test_the_values_fit_their_schema() -> None:
    """And the schema has each of them."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(values)
    assert set(values) == set(schema["properties"]) - {"global"}


def test_the_memory_limit_has_room_for_a_full_state_and_journal() -> None:
    """By the rule of the page Limits, with the default settings."""
    limit = yaml.safe_load((CHART / "values.yaml").read_text())["resources"]["limits"]["memory"]
    settings = Settings()
    needed = (settings.journal_bytes + settings.max_state_bytes) * 1.25 + 100_000_000
    assert int(limit.removesuffix("Gi")) * 2**30 >= needed


def test_each_variable_is_an_option_of_the_server() -> None:
    """Those that the chart sets, and those that it keeps from its users."""
    named = {name for file in CHART.rglob("*.*") for name in re.findall(r"MOCKSERVER_[A-Z_]*[A-Z]", file.read_text())}
    options = {param.envvar for param in serve.params}
    assert len(named) > 5
    assert named <= options


def test_the_user_is_that_of_the_image() -> None:
    """By number, so that Kubernetes can tell that it is not root."""
    image = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    deployment = (CHART / "templates" / "deployment.yaml").read_text()
    assert image == re.findall(r"runAsUser: (\d+)\n +runAsGroup: (\d+)\n", deployment)


@pytest.mark.parametrize("values", [{}, SEVERAL, EVERYTHING], ids=["one", "several", "everything"])
def test_helm_and_kubernetes_find_nothing_wrong(values: dict[str, Any]) -> None:
    """Helm has no warning; no object has a member that the oldest or newest Kubernetes does not know."""
    helm, kubernetes = pytest.importorskip("helm_python"), pytest.importorskip("kubernetes_validate")
    information = 1
    messages = helm.lint(CHART, values, strict=True)["messages"]
    assert [message for message in messages if message["severity"] > information] == []
    for part in render(values).values():
        for version in ("1.25", "1.37"):
            kubernetes.validate(part, version, strict=True)


def test_one_mock_needs_nothing_else() -> None:
    """No store, and never two pods at once."""
    rendered = render({})
    assert set(rendered) == {"Deployment/mock", "Service/mock"}
    assert rendered["Deployment/mock"]["spec"]["strategy"]["type"] == "Recreate"
    assert "MOCKSERVER_STORE" not in environment(rendered)


def test_several_take_the_store_and_the_token_from_secrets() -> None:
    """A budget keeps all but one in place, and liveness does not ask the store."""
    rendered = render(SEVERAL)
    assert set(rendered) == {"Deployment/mock", "Service/mock", "PodDisruptionBudget/mock"}
    variables = environment(rendered)
    assert variables["MOCKSERVER_STORE"] == {"secretKeyRef": {"name": "mock-store", "key": "url"}}
    assert variables["MOCKSERVER_ADMIN_TOKEN"] == {"secretKeyRef": {"name": "mock-admin", "key": "token"}}
    spec = rendered["Deployment/mock"]["spec"]
    assert spec["replicas"] == 3
    assert "httpGet" not in spec["template"]["spec"]["containers"][0]["livenessProbe"]


def test_everything_together() -> None:
    """Valkey with a prefix for each overlay, no fixed number of replicas, all names of the admin API."""
    rendered = render(EVERYTHING)
    others = {"ConfigMap/mock-overlay", "HorizontalPodAutoscaler/mock", "Ingress/mock", "PodDisruptionBudget/mock"}
    valkey = {"Service/mock-valkey", "StatefulSet/mock-valkey"}
    assert set(rendered) == {"Deployment/mock", "Service/mock"} | others | valkey
    assert "replicas" not in rendered["Deployment/mock"]["spec"]
    assert rendered["ConfigMap/mock-overlay"]["data"] == EVERYTHING["overlay"]
    variables = environment(rendered)
    assert {"mock", "mock.qa", "mock.example.com", "mock.example.org"} <= {
        *variables["MOCKSERVER_ALLOWED_HOST"].split()
    }
    assert re.fullmatch(r"redis://mock-valkey:6379/0\?prefix=[0-9a-f]{12}", variables["MOCKSERVER_STORE"])
    changed = environment(render({**EVERYTHING, "overlay": {}}))
    assert changed["MOCKSERVER_STORE"] != variables["MOCKSERVER_STORE"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"replicas": 2}, "need a store, as state is per process"),
        ({"autoscaling": {"enabled": True}}, "need a store, as state is per process"),
        ({"store": {"secret": "mine"}, "valkey": {"enabled": True}}, "either store.secret or valkey.enabled"),
        ({"ingress": {"enabled": True}}, "/ingress/host"),
        ({"env": {"MOCKSERVER_STORE": "redis://store"}}, "MOCKSERVER_STORE"),
        ({"env": {"MOCKSERVER_MAX_RECORDS": 50000}}, "MOCKSERVER_MAX_RECORDS"),
        ({"replica": 2}, "replica"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], reason: str) -> None:
    """With the reason."""
    helm = pytest.importorskip("helm_python")
    with pytest.raises(helm.HelmError, match=re.escape(reason)):
        render(values)
