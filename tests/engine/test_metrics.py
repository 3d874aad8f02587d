"""What is counted, as Prometheus reads it."""

import io
import json
import os
import signal
from dataclasses import replace
from itertools import cycle

import aiohttp
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mockserver import Contract, Engine, Request
from mockserver.engine import counts
from mockserver.engine import metrics as counted
from mockserver.engine.metrics import Metrics
from mockserver.server.head import MAX_HEADERS
from mockserver.server.server import serving
from mockserver.storage.interface import Gauges
from tests.support import LASTING, PATH, head, raw


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


async def test_metrics_count_requests_whose_head_is_refused(url: str, client: aiohttp.ClientSession) -> None:
    """They reach no handler, and have no journal entry."""
    await raw(url, head("POST", PATH, "Host: a", length=0))
    await raw(url, head("POST", PATH, *(f"X-{number}: x" for number in range(MAX_HEADERS + 1)), length=0))
    found = await samples(client, url)
    assert found["mockserver_problems_total", "no-http"] == 1
    assert found["mockserver_problems_total", "headers-too-large"] == 1
    assert found["mockserver_journal_entries",] == 0


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


def test_the_number_of_series_is_bounded(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run-time scenarios share one; other counts always have room."""
    engine, sequence = Engine(contract), cycle(contract.operations[0].scenarios)
    answered = engine.handle_sync(Request("POST", PATH, json.dumps(LASTING).encode()))
    assert answered.decision is not None
    monkeypatch.setattr(counts, "PART_BYTES", 8_192)
    monkeypatch.setattr(counts, "RESERVED_BYTES", 4_096)
    metrics = Metrics()
    for number in range(200):
        scenario = replace(next(sequence), id=f"scenario-{number}")
        decision = msgspec.structs.replace(answered.decision, scenario=scenario)
        metrics.count(msgspec.structs.replace(answered, decision=decision), 1)
    metrics.count(engine.handle_sync(Request("GET", "/")), 1)
    lines = metrics.text(Gauges(0, 0, 0, 0, 0, 0, 0)).decode().splitlines()
    requests = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if "_requests_total{" in line}
    other = requests.pop('mockserver_requests_total{scenario="other",status="0"}')
    assert 20 < len(requests) < 100
    assert set(requests.values()) == {1}
    assert len(requests) + other == 201
    assert 'mockserver_problems_total{kind="unknown-path"} 1.0' in lines


def test_processes_count_together(contract: Contract) -> None:
    """Each for itself; what one counted stays when it ends, and another goes on from there."""
    metrics = Metrics(2)
    reply = Engine(contract).handle_sync(Request("GET", "/"))
    metrics.record_load(5_000_000_000)
    for number in (0, 1, 1):
        child = os.fork()
        if child == 0:
            metrics.count_as_worker(number)
            metrics.count(reply, 1_000_000)
            metrics.count_reload(good=True)
            metrics.record_load(7_000_000_000 - number)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
    lines = metrics.text(Gauges(0, 0, 0, 0, 0, 0, 0)).decode().splitlines()
    assert 'mockserver_requests_total{scenario="",status="404"} 3.0' in lines
    assert 'mockserver_problems_total{kind="unknown-path"} 3.0' in lines
    assert "mockserver_decision_seconds_count 3.0" in lines
    assert "mockserver_decision_seconds_sum 0.003" in lines
    assert 'mockserver_reloads_total{result="good"} 3.0' in lines
    assert 'mockserver_reloads_total{result="bad"} 0.0' in lines
    assert "mockserver_last_good_load_timestamp_seconds 7.0" in lines
