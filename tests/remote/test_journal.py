"""The commands `verify` and `replay`, and `requests` as a list."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from mockserver import Contract, load
from mockserver.entries.bundle import ReplayResult, replay
from tests.support import LASTING, ONCE, PATH, Serving, folder, run, serving

BUSY = """\
documented: Busy.
when: {header.x-busy: present}
respond: {status: 503, error: {code: 1, hints: [Busy, {first_of: ["${body.customer_id}", nobody]}]}}
"""
FLAKY = """\
documented: Flaky.
when: {header.x-flaky: present}
responses:
- {respond: {status: 503, error: {code: 1}}, times: 2}
- {respond: {status: 500, error: {code: 2}}}
- {pass: true}
"""


@pytest.fixture(scope="module")
def serve() -> Iterator[Serving]:
    with serving("--log-format", "none") as serve:
        yield serve


class Box:
    """A sandbox of its own on a running server, and what is asked of it."""

    def __init__(self, serve: Serving, name: str) -> None:
        self.serve, self.name = serve, name

    def admin(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One admin request; a text is sent as it is."""
        data = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        return self.serve.ask(method, f"/sandbox/{self.name}/__admin{path}", data.encode())

    def met(self, **headers: str) -> str:
        """One request, be it answered or not; its entry."""
        with suppress(HTTPException, OSError):  # a fault may leave no answer
            self.serve.post(LASTING, f"/sandbox/{self.name}{PATH}", **headers)
        _, shown = self.admin("GET", "/requests?limit=1")
        entry = shown["requests"][0]["id"]
        assert isinstance(entry, str)
        return entry

    def bundle(self, entry: str) -> str:
        """The bundle of an entry, as a file holds it."""
        status, shown = self.admin("GET", f"/requests/{entry}/bundle")
        assert status == 200, shown
        return json.dumps(shown)


@pytest.fixture
def box(serve: Serving, request: pytest.FixtureRequest) -> Box:
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]  # too short for an account number
    return Box(serve, f"b{name}")


def decision(bundle: str) -> Any:
    """The decision that a bundle tells of."""
    return json.loads(bundle)["entry"]["decision"]


def status(bundle: str) -> Any:
    """The status of the reply in a bundle."""
    return json.loads(bundle)["entry"]["reply"]["status"]


def answer(bundle: str) -> Any:
    """The body of the reply in a bundle."""
    return json.loads(bundle)["entry"]["reply"]["body"]["value"]


def same(bundle: str, scenario: str, spoilt: str = "", contract: Contract | None = None) -> None:
    """The bundle is decided again as it was."""
    assert replay(json.loads(bundle), contract or load()) == ReplayResult((), True, scenario, spoilt)


def test_a_bundle_holds_its_run_time_scenario(box: Box) -> None:
    """As it was when the request came."""
    assert box.admin("PUT", "/scenarios/busy", BUSY)[0] == 201
    first, other = box.met(X_Busy="1"), box.met()
    assert box.admin("PUT", "/scenarios/busy", BUSY.replace("code: 1", "code: 2"))[0] == 200
    second = box.met(X_Busy="1")
    bundles = [box.bundle(entry) for entry in (first, other, second)]
    assert box.admin("DELETE", "/scenarios/busy")[0] == 200
    assert [box.bundle(entry) for entry in (first, other, second)] == bundles
    same(bundles[0], "busy")
    same(bundles[1], "activated-existing-customer")
    same(bundles[2], "busy")
    codes = [answer(bundle)["error"].get("code") for bundle in bundles]
    assert codes == [1, None, 2]


def test_a_bundle_holds_a_run_time_replacement(box: Box) -> None:
    """In the place of the file's scenario."""
    text = "documented: Mine.\nwhen: {body.customer_id: present}\nrespond: {error: {code: 9}}\n"
    assert box.admin("PUT", "/scenarios/activated-existing-customer", text)[0] == 201
    bundle = box.bundle(box.met())
    assert answer(bundle)["error"] == {"code": 9}
    same(bundle, "activated-existing-customer")


def test_a_bundle_holds_the_turn(box: Box) -> None:
    """Each answer in turn is replayed, and so is standing aside."""
    assert box.admin("PUT", "/scenarios/flaky", FLAKY)[0] == 201
    bundles = [box.bundle(box.met(X_Flaky="1")) for _ in range(5)]
    assert [decision(bundle)["turns"] for bundle in bundles] == [{"flaky": count} for count in range(5)]
    assert [status(bundle) for bundle in bundles] == [503, 503, 500, 200, 200]
    for bundle, scenario in zip(bundles, ["flaky"] * 3 + ["activated-existing-customer"] * 2, strict=True):
        same(bundle, scenario)


def test_answers_in_turn_of_a_file_replay(tmp_path: Path) -> None:
    """Without the overlay the bundle says that the contract has changed."""
    text = "format: 1\noperation: activateCardForCustomer\nscenarios:\n- scenario: flaky\n  "
    overlay = str(folder(tmp_path / "flaky", {"flaky.yaml": text + FLAKY.replace("\n", "\n  ").rstrip() + "\n"}))
    with serving("--overlay", overlay) as serve:
        box = Box(serve, "a")
        bundles = [box.bundle(box.met(X_Flaky="1")) for _ in range(4)]
    for bundle, scenario in zip(bundles, ["flaky"] * 3 + ["activated-existing-customer"], strict=True):
        same(bundle, scenario, "", load(overlays=[overlay]))
    changed = run("replay", "-", stdin=bundles[0])
    assert (changed.returncode, changed.stdout.startswith("the contract has changed since\n")) == (1, True)
    assert '  scenario: then "flaky"' in changed.stdout


def test_armed_answers_in_turn_replay(box: Box) -> None:
    """Of a file's scenario, of a removed run-time one, and the ordinary answer."""
    assert box.admin("PUT", "/scenarios/busy", BUSY)[0] == 201
    turns = [{"scenario": "rfc-invalid"}, {"scenario": "busy", "times": 2}, {"pass": True}, {"fault": "reset"}]
    assert box.admin("POST", "/arm", {"responses": turns, "repeat": "cycle"})[0] == 201
    entries = [box.met(), box.met()]
    assert box.admin("DELETE", "/scenarios/busy")[0] == 200
    entries += [box.met() for _ in range(3)]
    bundles = [box.bundle(entry) for entry in entries]
    for bundle, scenario in zip(bundles[:3], ["rfc-invalid", "busy", "busy"], strict=True):
        assert (decision(bundle)["scenario"]["forced"], decision(bundle)["trigger"]) == (True, "armed")
        same(bundle, scenario)
    assert ["forced_text" in decision(bundle) for bundle in bundles[:3]] == [False, True, True]
    assert ["added" in decision(bundle) for bundle in bundles[:3]] == [True, True, False]
    same(bundles[3], "activated-existing-customer")
    same(bundles[4], "activated-existing-customer", "fault reset, nothing was committed")


@pytest.mark.parametrize(("code", "scenario"), [("5001", "provider-communication"), ("4433", "card-already-activated")])
def test_an_answer_by_its_code_replays(box: Box, code: str, scenario: str) -> None:
    """Forced by a header, and armed."""
    assert box.admin("POST", "/arm", {"scenario": f"code={code}"})[0] == 201
    entries = [box.met(Mock_Scenario=f"code={code}"), box.met()]
    bundles = [box.bundle(entry) for entry in entries]
    assert [decision(bundle)["trigger"] for bundle in bundles] == ["header", "armed"]
    for bundle in bundles:
        assert (decision(bundle)["scenario"]["forced"], str(answer(bundle)["error"]["code"])) == (True, code)
        same(bundle, scenario)


def test_an_armed_scenario_of_a_file_replays_as_such(box: Box) -> None:
    """Though a run-time scenario has replaced it since."""
    assert box.admin("POST", "/arm", {"scenario": "rfc-invalid"})[0] == 201
    assert box.admin("PUT", "/scenarios/rfc-invalid", BUSY)[0] == 201
    bundle = box.bundle(box.met())
    assert answer(bundle)["error"]["code"] == 7000
    same(bundle, "rfc-invalid")


@pytest.mark.parametrize("kind", ["reset", "empty", "truncate", "malformed", "garbage", "gateway"])
@pytest.mark.parametrize("commit", [True, False])
def test_a_fault_does_not_change_a_replay(box: Box, kind: str, commit: bool) -> None:
    """It is mentioned."""
    entry = box.met(Mock_Fault=f"{kind}; commit={str(commit).lower()}")
    kept = "only the answer was lost" if commit else "nothing was committed"
    same(box.bundle(entry), "activated-existing-customer", f"fault {kind}, {kept}")


def test_a_dribble_does_not_change_a_replay(box: Box) -> None:
    """It is mentioned; no answer was lost."""
    same(box.bundle(box.met(Mock_Fault="dribble; seconds=0")), "activated-existing-customer", "fault dribble")


def test_a_delay_does_not_change_a_replay(box: Box) -> None:
    """By header and armed, alone and with a fault."""
    same(box.bundle(box.met(Mock_Delay="3ms")), "activated-existing-customer", "delay of 3 ms")
    assert box.admin("POST", "/arm", {"scenario": "rfc-invalid", "delay": "2ms", "fault": "empty"})[0] == 201
    same(box.bundle(box.met()), "rfc-invalid", "fault empty, nothing was committed; delay of 2 ms")


def test_a_bundle_holds_settings_and_clock(box: Box) -> None:
    """As they were when the request came."""
    assert box.admin("PUT", "/settings", {"error_status": 200, "seed": 7, "utc_offset": "+09:00"})[0] == 200
    assert box.admin("PUT", "/clock", {"freeze": "2031-02-03T04:05:06Z"})[0] == 200
    entries = [box.met(), box.met(Mock_Scenario="rfc-invalid")]
    assert box.admin("PUT", "/settings", {"error_status": 400, "utc_offset": "-06:00"})[0] == 200
    bundles = [box.bundle(entry) for entry in entries]
    assert [status(bundle) for bundle in bundles] == [200, 200]
    assert answer(bundles[1])["timestamp"].startswith("2031-02-03T13:05:06")
    same(bundles[0], "activated-existing-customer")
    same(bundles[1], "rfc-invalid")


def test_a_bundle_masks_account_numbers_in_scenarios(box: Box) -> None:
    """A note, say; a condition on one is refused. The scenario still holds of the masked request."""
    number = "4111111111111111"
    text = f"documented: N {number}.\nwhen: {{body.card_identifier: present}}\nrespond: {{error: {{code: 8}}}}\n"
    assert box.admin("PUT", "/scenarios/number", text)[0] == 201
    body = {**LASTING, "card_identifier": number}
    headers = box.serve.post(body, f"/sandbox/{box.name}{PATH}")[1]
    bundle = box.bundle(headers["Mock-Entry"])
    assert number not in bundle
    same(bundle, "number")


def test_replay_reports_a_changed_contract(box: Box, tmp_path: Path) -> None:
    """A scenario that no longer compiles is reported as in a file."""
    assert box.admin("PUT", "/scenarios/busy", BUSY)[0] == 201
    bundle = box.bundle(box.met(X_Busy="1"))
    overlay = folder(
        tmp_path / "more", {"more.yaml": "format: 1\ncollections: {cards: {seeds: {C: {status: issued}}}}\n"}
    )
    ended = run("replay", "-", "--overlay", str(overlay), stdin=bundle)
    assert (ended.stdout, ended.returncode) == ("the contract has changed since\nthe same decision: busy\n", 0)
    broken = json.loads(bundle)
    broken["entry"]["decision"]["added"][0]["text"] = BUSY.replace("error:", "eror:")
    ended = run("replay", "-", stdin=json.dumps(broken))
    assert ended.returncode == 1
    assert "scenario busy, added at run time, does not fit this contract:\nrequest body:3:" in ended.stderr
    assert "did you mean error?" in ended.stderr


def test_replay_prints_text_or_json(box: Box) -> None:
    """Both say whether the decision is the same."""
    assert box.admin("PUT", "/scenarios/flaky", FLAKY)[0] == 201
    box.met(X_Flaky="1")
    bundle = box.bundle(box.met(X_Flaky="1", Mock_Delay="1ms", Mock_Fault="reset; commit=true"))
    ended = run("replay", "-", stdin=bundle)
    spoilt = "fault reset, nothing was committed; delay of 1 ms"
    told = f"its answer was spoilt on purpose: {spoilt}\nthe same decision: flaky\n"
    assert (ended.stdout, ended.stderr, ended.returncode) == (told, "", 0)
    assert json.loads(run("replay", "-", "--json", stdin=bundle).stdout) == {
        "same": True,
        "scenario": "flaky",
        "same_contract": True,
        "spoilt": spoilt,
        "differences": [],
    }


def test_requests_shows_the_journal() -> None:
    """As a table, as JSON, one by one, as HAR; and clears it."""
    with serving("--log-format", "json") as serve:
        address = ("--url", serve.url)
        serve.post(ONCE)
        serve.post(ONCE)
        serve.post(LASTING, f"/sandbox/a{PATH}")
        serve.post(ONCE, **{"Mock-Scenario": "nothing"})
        table = run("requests", *address).stdout.splitlines()
        titles = ["id", "time", "method", "target", "status", "scenario", "source", "trigger", "fault"]
        assert table[0].split() == titles
        assert [line.split()[0] for line in table[1:]] == ["4", "2", "1"]
        assert "problem: unknown-scenario" in table[1]
        serve.post(ONCE, f"/sandbox/m{PATH}?pin=12")
        assert "?pin=00 (masked) " in run("requests", *address, "--sandbox", "m").stdout
        assert run("reset", *address, "--sandbox", "m").returncode == 0
        every = run("requests", *address, "--all").stdout.splitlines()
        assert (every[0].split(), every[2].split()[0]) == (["sandbox", *titles], "a")
        one = run("requests", *address, "--limit", "1")
        assert "--before 4" in one.stderr
        assert len(json.loads(run("requests", *address, "--json", "--all").stdout)["requests"]) == 4
        assert json.loads(run("requests", "2", *address, "--json").stdout)["cause"] == "1"
        assert (
            len(
                json.loads(run("requests", *address, "--har", "--scenario", "card-already-activated").stdout)["log"][
                    "entries"
                ]
            )
            == 1
        )
        assert "unexpected" not in run("requests", *address, "--unexpected").stderr
        assert run("requests", *address, "--sandbox", "a", "--clear").stdout == "cleared 1 requests\n"
        assert run("requests", "9", *address).returncode == 1
        assert run("requests", "--bundle", *address).returncode == 2


CHANGED = """\
format: 1
operation: activateCardForCustomer
scenarios:
- scenario: pin-not-digits
  documented: PIN validations.
  when: {violation: {at: body.pin, keyword: pattern}}
  respond: {error: {code: 1, hints: [Another]}}
  examples: [{request: {pin: "12a4"}}]
- scenario: early
  assumed: [check-order]
  when: {body.customer_id: TEST-CUSTOMER}
  respond: {error: {code: 2, hints: [Early]}}
  examples: [{request: {customer_id: TEST-CUSTOMER}}]
"""


def test_replay_exits_1_for_another_decision(tmp_path: Path) -> None:
    """It says whether the contract has changed."""
    overlay = folder(tmp_path / "overlay", {"changed.yaml": CHANGED})
    load(overlays=[overlay])
    file = tmp_path / "bundle.json"
    with serving() as serve:
        serve.post(LASTING, **{"X-A": "b"})
        shown = run("requests", "1", "--bundle", "--url", serve.url)
        file.write_text(shown.stdout)
    same = run("replay", str(file))
    assert (same.returncode, same.stdout) == (0, "the same decision: activated-existing-customer\n")
    other = run("replay", str(file), "--overlay", str(overlay))
    assert other.returncode == 1
    assert other.stdout.startswith('the contract has changed since\nanother decision:\n  scenario: then "activated')
    told = json.loads(run("replay", "-", "--overlay", str(overlay), "--json", stdin=shown.stdout).stdout)
    assert (told["same"], told["same_contract"], told["scenario"]) == (False, False, "early")
    assert run("replay", "-", stdin="{}").returncode == 1
    assert run("replay", "-", stdin="{").returncode == 2
    assert run("replay", str(file), "--contract", str(tmp_path / "none")).returncode == 1


def test_verify_exits_1_where_a_claim_fails() -> None:
    """Claims come from options, a file, or standard input."""
    with serving() as serve:
        address = ("--url", serve.url)
        serve.post({**LASTING, "pin": "12a4"})
        held = run("verify", *address, "--scenario", "pin-not-digits", "--exactly", "1")
        assert (held.returncode, held.stdout.startswith("holds: exactly 1 request")) == (0, True)
        failed = run("verify", *address, "--when", '{"body.customer_id": "x"}')
        assert (failed.returncode, "nearest misses:" in failed.stdout) == (1, True)
        claim = json.dumps([{"scenario": "pin-not-digits"}])
        shown = run("verify", *address, "--claim", "-", "--json", stdin=claim)
        assert (shown.returncode, json.loads(shown.stdout)["holds"]) == (0, True)
        assert run("verify", *address, "--armed-used").returncode == 1
        assert run("arm", "rfc-invalid", *address).returncode == 0
        serve.post(LASTING)
        assert run("verify", *address, "--armed-used").returncode == 0
        assert run("verify", *address, "--scenario", "7000", "--exactly", "1").returncode == 0
        misspelt = run("verify", *address, "--scenario", "pin-no-digits")
        assert (misspelt.returncode, "pin-not-digits" in misspelt.stderr) == (1, True)
        for wrong in (("--claim", "-", "--exactly", "1"), ("--when", "["), ("--when", "[]"), ("--claim", "/nothing")):
            assert run("verify", *address, *wrong).returncode == 2
        assert run("verify", *address, "--claim", "-", stdin="{").returncode == 2
        for sandbox in ("ci-7-a", "ci-7-b", "ci-8-a"):
            serve.post(LASTING, f"/sandbox/{sandbox}{PATH}")
        of_run = run("verify", *address, "--sandbox-prefix", "ci-7-", "--exactly", "2")
        assert of_run.stdout == "holds in sandboxes ci-7-...: exactly 2 requests that the API answered, got 2\n"
        assert run("verify", *address, "--all", "--exactly", "5").returncode == 0
