"""What recorded answers give: a drift report, drafts that `check` accepts, delays."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mockserver import load
from mockserver.contract.folders import PROVIDER_REPORT_FORMAT
from mockserver.contract.loading import format_validator
from mockserver.core.directives import parse_delay
from mockserver.core.faults import LognormalDelay
from mockserver.recording.delays import fitted_delay
from tests.support import BATCH, MOCKSERVER, PATH, Client, run, spawned
from tests.support.drifting_provider import Provider, Reply, drifting_provider

GOOD = {"customer_id": "12345678", "card_identifier": "CARD-7", "reference_batch": BATCH}
WRONG_PIN = {**GOOD, "pin": "73a1"}


@dataclass
class Recording:
    """A provider, and a recorder in front of it."""

    provider: Provider
    url: str

    def post(self, body: Any, sandbox: str = "") -> None:
        """Send a request."""
        Client(self.url).post(body, (f"/sandbox/{sandbox}" if sandbox else "") + PATH)


@pytest.fixture(scope="module")
def recording() -> Iterator[Recording]:
    with drifting_provider() as provider:
        options = ("--target", provider.url, "--port", "0", "--log-format", "json")
        with spawned(MOCKSERVER, "record", *options) as process:
            yield Recording(provider, json.loads(process.out.wait("started"))["url"])


@pytest.fixture(scope="module")
def found(recording: Recording) -> Recording:
    """With exchanges that are the same, differ, and are unknown."""
    provider = recording.provider

    def no_seconds(reply: Reply) -> None:
        reply.body["timestamp"] = reply.body["timestamp"][:-9]

    recording.post({})
    provider.drifts["pin-not-digits"] = lambda reply: reply.body["error"].update(
        code=4999, hints=["PIN 73a1 is no PIN"]
    )
    recording.post(WRONG_PIN)
    provider.drifts["pin-not-digits"] = lambda reply: reply.body["error"].update(code=4999)
    recording.post(WRONG_PIN)
    provider.drifts["activated-existing-customer"] = lambda reply: reply.__dict__.update(
        status=409, body={**_error(), "error": {"code": 4777, "hints": ["Frozen"]}}
    )
    recording.post(GOOD)
    recording.post({**GOOD, "card_identifier": "CARD-8", "customer_id": "8"})
    recording.post({**GOOD, "card_identifier": "4111111111111111", "customer_id": "4111111111111111"})
    provider.drifts["card-already-activated"] = lambda reply: reply.__dict__.update(
        status=409, body={**_error(), "error": {"code": 4778, "hints": ["Frozen"]}}
    )
    recording.post(GOOD)
    provider.drifts["activated-existing-customer"] = lambda reply: reply.__dict__.update(
        status=409, body={**_error(), "error": {"code": 4779, "hints": ["At ${now.utc_millis}"]}}
    )
    recording.post({**GOOD, "card_identifier": "CARD-11", "customer_id": "11"})
    provider.drifts["card-identifier-empty"] = no_seconds
    recording.post({**GOOD, "card_identifier": ""})
    provider.every = lambda reply: reply.__dict__.update(status=502, body="<html>no</html>")
    provider.drifts.clear()
    recording.post({"customer_id": "9", "card_identifier": "CARD-9", "reference_batch": BATCH})
    provider.every = None
    return recording


def _error() -> dict[str, Any]:
    at = "2026-11-29T05:58:46.857056818-06:00"
    return {"text": "Error", "timestamp": at, "endpoint": PATH}


def test_the_report_has_the_format_of_verify_provider(found: Recording) -> None:
    """What differs is told, what was not met is not reached; unknown answers are no outcome's."""
    document = json.loads(run("recordings", "--url", found.url, "--format", "json").stdout)
    assert format_validator(PROVIDER_REPORT_FORMAT).violations("report", document) == ()
    results = {one["id"]: one["result"] for one in document["outcomes"]}
    assert (document["target"], len(results)) == (found.provider.url, 18)
    assert {name: result for name, result in results.items() if result != "not-reached"} == {
        "reference-batch-empty": "same",
        "pin-not-digits": "differs",
        "card-identifier-empty": "differs",
    }
    assert "1 same, 2 differ, 15 not reached" in run("recordings", "--url", found.url).stdout
    page = run("recordings", "--url", found.url, "--format", "html", "--language", "es").stdout
    assert "iguales: 1, con diferencias: 2, sin comparar: 15" in page
    assert "no se grabó ninguna respuesta" in page


def test_the_drafts_are_an_overlay_that_check_accepts(found: Recording, tmp_path: Path) -> None:
    """An outcome that differs, and new ones for unknown answers; what cannot be drafted is said."""
    output = tmp_path / "drafts"
    ended = run("recordings", "--url", found.url, "--output", str(output))
    assert ended.returncode == 0
    assert sorted(str(file.relative_to(output)) for file in output.rglob("*.*")) == [
        "report.json",
        "scenarios/recorded-activateCardForCustomer.yaml",
        "scenarios/recorded.yaml",
    ]
    checked = run("check", "--overlay", str(output))
    assert checked.returncode == 0, checked.stderr
    assert "card-identifier-empty: body /timestamp (form) is not the scenario's own: change it by hand" in ended.stderr
    for why in (
        "the body is not JSON",
        "what tells its request from others is masked: write it by hand",
        "its body has ${, which a scenario would take for a reference: write it by hand",
    ):
        assert why in ended.stderr
    assert re.search("entry [0-9]+: other than recorded-[0-9]+: write it by hand", ended.stderr)
    text = (output / "scenarios" / "recorded-activateCardForCustomer.yaml").read_text()
    assert "73a1" not in text
    replayed = json.dumps({**GOOD, "card_identifier": "CARD-8", "customer_id": "8"})
    explained = run("explain", "--request", "-", "--overlay", str(output), stdin=replayed).stdout
    assert "409" in explained
    assert "4777" in explained
    served = load(overlays=[output])
    changed = next(one for one in served.scenarios if one.id == "pin-not-digits")
    assert changed.code == "4999"


def test_recordings_that_are_all_the_same_change_nothing(recording: Recording, tmp_path: Path) -> None:
    """The folder is an overlay that `check` accepts, and the report is no part of it."""
    recording.post({}, "same")
    output = tmp_path / "recorded"
    ended = run("recordings", "--url", recording.url, "--sandbox", "same", "--output", str(output))
    assert ended.returncode == 0
    files = sorted(str(file.relative_to(output)) for file in output.rglob("*.*"))
    assert files == ["report.json", "scenarios/recorded.yaml"]
    assert run("check", "--overlay", str(output)).stdout == run("check").stdout


def test_delays_are_fitted_to_each_outcome(found: Recording) -> None:
    """As the settings take them."""
    lines = run("recordings", "--url", found.url, "--delays").stdout.splitlines()
    assert lines[0].startswith('all: {"lognormal": {"median": ')
    assert lines[0].endswith("# 10 answers")
    spec = json.loads(lines[0].removeprefix("all: ").partition(" #")[0])
    assert isinstance(parse_delay(spec), LognormalDelay)
    assert [line.split(":")[0] for line in lines[1:]] == [
        '"card-identifier-empty"',
        '"pin-not-digits"',
        '"reference-batch-empty"',
    ]


def test_a_fit_finds_the_distribution() -> None:
    """Of which the latencies were drawn."""
    source = random.Random(7)
    drawn = [180 * source.lognormvariate(0, 0.5) for _ in range(5_000)]
    fitted = fitted_delay(drawn)["delay"]["lognormal"]
    assert fitted["median"] == pytest.approx(180, rel=0.03)
    assert fitted["sigma"] == pytest.approx(0.5, rel=0.03)
    assert fitted["cap"] == pytest.approx(max(drawn), abs=0.001)


@pytest.mark.parametrize("latencies", [[0.0, 600_000.0], [1e-9, 1e9], [400_000.0]])
def test_a_fit_is_a_delay_that_can_be_set(latencies: list[float]) -> None:
    """However far the latencies lie apart, and longer than any delay of the mock."""
    assert isinstance(parse_delay(fitted_delay(latencies)["delay"]), LognormalDelay)


def test_recordings_are_of_a_sandbox_or_of_all(recording: Recording) -> None:
    """Where nothing was recorded, that is said."""
    nothing = run("recordings", "--url", recording.url, "--sandbox", "nobody")
    assert (nothing.returncode, "Nothing was recorded" in nothing.stderr) == (1, True)
    recording.post({"card_identifier": "CARD-7", "reference_batch": BATCH}, "one")
    assert "1 same" in run("recordings", "--url", recording.url, "--sandbox", "one").stdout
    assert "same         no-customer" in run("recordings", "--url", recording.url, "--all").stdout


def test_a_folder_that_cannot_be_written_is_one_line(found: Recording, tmp_path: Path) -> None:
    """With exit status 1."""
    (tmp_path / "file").write_text("")
    ended = run("recordings", "--url", found.url, "--output", str(tmp_path / "file"))
    assert (ended.returncode, "cannot write" in ended.stderr) == (1, True)
