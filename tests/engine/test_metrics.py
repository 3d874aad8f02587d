"""What is counted, as Prometheus reads it."""

import io
from dataclasses import replace

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from mockserver import Contract, Engine, Request
from mockserver.engine import metrics as counted
from mockserver.engine.metrics import Metrics
from mockserver.server.server import serving
from tests.support import LASTING, PATH


async def samples(client: aiohttp.ClientSession, url: str) -> dict[tuple[str, ...], float]:
    """All samples by name and label values."""
    async with client.get(f"{url}/__admin/metrics") as response:
        assert response.headers["Content-Type"] == counted.CONTENT_TYPE
        families = text_string_to_metric_families(await response.text())
        return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


async def test_metrics_count_requests_problems_and_state(url: str, client: aiohttp.ClientSession) -> None:
    """Requests by scenario and status, problems by kind, latency, sandboxes and journal."""
    for prefix in ("", "/sandbox/a"):
        async with client.post(f"{url}{prefix}{PATH}", json=LASTING):
            pass
    async with client.post(url + PATH, data=io.BytesIO(b" " * 2_000_000)):
        pass
    async with client.post(f"{url}/nothing"):
        pass
    found = await samples(client, url)
    assert found["mockserver_requests_total", "activated-existing-customer", "200"] == 2
    assert found["mockserver_problems_total", "unknown-path"] == 1
    assert found["mockserver_problems_total", "body-too-large"] == 1
    assert found["mockserver_decision_seconds_count",] == found["mockserver_decision_seconds_bucket", "+Inf"] == 4
    assert found["mockserver_decision_seconds_sum",] > 0
    assert (found["mockserver_sandboxes",], found["mockserver_armed",]) == (2, 0)
    assert found["mockserver_journal_entries",] >= 3
    assert found["mockserver_journal_bytes",] > 0
    assert found["mockserver_state_bytes",] == 0
    assert found["mockserver_sandbox_evictions_total",] == 0


async def test_metrics_count_evictions_and_dropped_entries(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Sandboxes that were evicted, and entries that the journal dropped."""
    settings = replace(contract.settings, max_sandboxes=2, sandbox_ttl=0, journal_entries=3)
    async with serving(Engine(contract, settings=settings)) as url:
        for name in "abcde":
            async with client.post(f"{url}/sandbox/{name}{PATH}", json=LASTING):
                pass
        async with client.post(f"{url}/sandbox/e/__admin/arm", json={"fault": "reset"}):
            pass
        found = await samples(client, url)
    assert found["mockserver_sandbox_evictions_total",] == 3
    assert found["mockserver_journal_evictions_total",] == 2
    assert found["mockserver_journal_entries",] == 3
    assert (found["mockserver_sandboxes",], found["mockserver_armed",]) == (2, 1)


async def test_each_engine_counts_for_itself(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Two servers in one process share nothing."""
    async with serving(Engine(contract)) as one, serving(Engine(contract)) as other:
        async with client.post(one + PATH, json=LASTING):
            pass
        assert ("mockserver_requests_total", "activated-existing-customer", "200") in await samples(client, one)
        assert not [name for name in await samples(client, other) if name[0] == "mockserver_requests_total"]


def test_the_number_of_series_is_bounded(contract: Contract) -> None:
    """Run-time scenarios share one."""
    metrics = Metrics()
    reply = Engine(contract).handle_sync(Request("GET", "/"))
    metrics._requests = {(f"s{number}", 200): 1 for number in range(counted.MAX_SERIES)}
    for _ in range(2):
        metrics.count(reply, 1)
    assert metrics._requests["other", 0] == 2
    assert len(metrics._requests) == counted.MAX_SERIES + 1
