"""The mock in a container, started by the tests: `pip install PACKAGE requests testcontainers`.

A generic container with a wait on health; the client for the admin API is the one of the package.
"""

import pytest
import requests
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy

from mockserver import Mock

LASTING = {
    "customer_id": "TEST-CUSTOMER",
    "card_identifier": "TEST-CARD",
    "reference_batch": "7e4b85e27c4610824900af48f340394d",
}


@pytest.fixture(scope="session")
def server():
    container = DockerContainer("activation-mockserver").with_exposed_ports(8080)
    with container.waiting_for(HttpWaitStrategy(8080, "/__admin/health").for_status_code(200)) as started:
        yield f"http://{started.get_container_host_ip()}:{started.get_exposed_port(8080)}"


@pytest.fixture
def mock(server, request):
    return Mock(server, sandbox=request.node.name)


def test_a_card_is_activated(mock):
    answer = requests.post(f"{mock.url}/debit/v1/activateCardForCustomer", json=LASTING, timeout=5)
    assert answer.json()["payload"]["status"] == "activated"
    mock.verify(scenario="activated-existing-customer", exactly=1)
