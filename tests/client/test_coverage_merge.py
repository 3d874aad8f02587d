"""The coverage that several servers have counted, as that of one: sums, spans and shares."""

import urllib.error
import urllib.request
from typing import Any

import pytest

from mockserver import Contract, Mock, running
from mockserver.base.values import encode_json
from mockserver.client.coverage_merge import merge_reports
from mockserver.contract.folders import COVERAGE_SCHEMA_FILE
from mockserver.contract.loading import format_validator
from tests.support import LASTING, PATH, PATIENCE


def send(mock: Mock, **changes: object) -> None:
    """One request, whatever the answer."""
    request = urllib.request.Request(mock.url + PATH, encode_json({**LASTING, **changes}))
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            response.read()  # an answer that its client does not wait for is not met
    except urllib.error.HTTPError as error:
        error.read()
        error.close()


@pytest.fixture(scope="module")
def reports(contract: Contract) -> list[dict[str, Any]]:
    """What two servers have counted, in several sandboxes."""
    found = []
    for batch, times in (("", 2), (5, 3)):
        with running(contract) as mock:
            for name in ("a", "b"):
                for _ in range(times):
                    send(mock.in_sandbox(name))
            send(mock, reference_batch=batch)
            mock.arm("rfc-invalid", fault={"kind": "dribble", "seconds": 0})
            send(mock)
            found.append(mock.coverage(everywhere=True))
    return found


def test_counts_of_several_servers_are_added(reports: list[dict[str, Any]]) -> None:
    """Shares are computed again."""
    (one,) = merge_reports(reports)
    assert format_validator(COVERAGE_SCHEMA_FILE).violations("coverage", one) == ()
    rows = {row["scenario"]: row for row in one["scenarios"]}
    assert [row["scenario"] for row in one["scenarios"]] == [row["scenario"] for row in reports[0]["scenarios"]]
    assert rows["activated-existing-customer"]["met"] == 10
    assert rows["activated-existing-customer"]["retried"] == 6
    assert rows["rfc-invalid"]["triggers"] == {"armed": 2}
    assert rows["rfc-invalid"]["faults"] == {"dribble": 2}
    assert (rows["reference-batch-empty"]["met"], rows["malformed"]["met"]) == (1, 1)
    assert (one["requests"], one["problems"], one["sandbox"]) == (14, 0, None)
    assert one["documented"] == {"met": 3, "of": 18, "percent": 16.7}
    assert one["assumed"] == {"met": 1, "of": 4, "percent": 25.0}


def test_client_behaviour_of_several_servers_is_merged(reports: list[dict[str, Any]]) -> None:
    """Retries after one answer are one row with the widest span."""
    (one,) = merge_reports(reports)
    (again,) = one["behaviour"]["retries"]
    spans = [report["behaviour"]["retries"][0] for report in reports]
    assert (again["after"], again["count"]) == ("activated-existing-customer", 6)
    assert again["shortest_ms"] == min(span["shortest_ms"] for span in spans)
    assert again["longest_ms"] == max(span["longest_ms"] for span in spans)
    assert one["behaviour"]["malformed"] == {"/reference_batch": 2}


def test_merging_one_report_changes_nothing(reports: list[dict[str, Any]]) -> None:
    """Contracts are kept apart; no reports give none."""
    assert merge_reports(reports[:1]) == reports[:1]
    other = {**reports[1], "contract": "another"}
    assert merge_reports([reports[0], other, reports[0]])[1:] == [other]
    assert merge_reports([]) == []
