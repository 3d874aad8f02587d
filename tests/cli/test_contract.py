"""The commands `check`, `scenarios` and `explain`, which need no server."""

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver import Contract
from tests.support import LASTING, ONCE, PATH, PING, folder, run, serving
from tests.support.invoke import invoke


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(ONCE))
    return file


def test_the_shipped_contract_is_sound(contract: Contract) -> None:
    """`check` runs every example and says how many."""
    scenarios = list(contract.scenarios)
    examples = sum(len(s.examples) for s in scenarios)
    assert invoke("check").output == f"ok: contract {contract.hash}, {len(scenarios)} scenarios, {examples} examples\n"


def test_check_takes_a_folder_or_the_variable(tmp_path: Path) -> None:
    """A contract of one's own is checked by name or by `MOCKSERVER_CONTRACT`."""
    own = folder(tmp_path, PING)
    for result in (invoke("check", str(own)), invoke("check", MOCKSERVER_CONTRACT=str(own))):
        assert (result.exit_code, "1 scenario, 1 example" in result.output) == (0, True)


def test_check_lists_what_an_overlay_changes(tmp_path: Path) -> None:
    """What is new and what is replaced, each at its place."""
    overlay = folder(tmp_path, {**PING, "more.yaml": "format: 1\nsettings: {error_status: 422, seed: 5}\n"})
    shown = invoke("check", "--overlay", str(overlay)).output
    assert f"{overlay}/more.yaml:2:12: setting error_status replaces scenarios/contract.yaml:" in shown
    assert f"{overlay}/more.yaml:2:31: setting seed is new" in shown
    assert "scenario pong of ping is new" in shown


def test_check_fails_where_an_example_is_not_met(tmp_path: Path) -> None:
    """An example that another scenario answers is reported; exit status 1."""
    first = "- {scenario: first, assumed: [], when: {header.x-one: two}, respond: {success: 1}, examples: [{}]}\n"
    own = folder(tmp_path, PING)
    text = PING["ping.scenarios.yaml"].replace("scenarios:\n", "scenarios:\n" + first)
    (own / "ping.scenarios.yaml").write_text(text)
    result = invoke("check", str(own))
    assert result.exit_code == 1
    assert "shadowed by first" in result.output
    assert "mockserver: 2 errors in the contract\n" in result.output


def test_scenarios_are_listed_as_json(contract: Contract) -> None:
    """Id, source, heading, status, error, note, examples with request and before."""
    rows = json.loads(invoke("scenarios", "--json").output)
    assert [row["id"] for row in rows] == [s.id for s in contract.scenarios]
    by_id = {row["id"]: row for row in rows}
    assert {"id", "source", "heading", "status", "error", "note", "examples"} <= rows[0].keys()
    activated = by_id["card-already-activated"]
    assert (activated["source"], activated["heading"]) == ("documented", "Card already activated.")
    assert (activated["status"], activated["note"]) == (400, None)
    assert activated["error"] == {"code": 4433, "hints": ["Card has already been activated"]}
    assert activated["examples"][1] == {"request": ONCE, "before": [ONCE]}
    assert "before" not in activated["examples"][0]
    assert by_id["activated-existing-customer"]["error"] == {}
    assert by_id["unauthorized"]["source"] == "assumed"
    assert "FIRST name" in by_id["last-name-empty"]["note"]


def test_every_shipped_scenario_has_advice_in_both_languages() -> None:
    """And says whether to send the request again: a provider's failure may be repeated, a full answer need not be."""
    by_id = {row["id"]: row for row in json.loads(invoke("scenarios", "--json").output)}
    for row in by_id.values():
        for name in ("reason", "advice"):
            assert row[name].keys() == {"en", "es"}
            assert row[name]["en"] != row[name]["es"]
            assert all(text.endswith(".") for text in row[name].values())
        assert row["retry"] in ("safe", "after-change", "never", "treat-as-success")
    assert by_id["provider-communication"]["retry"] == "safe"
    assert by_id["card-already-activated"]["retry"] == "treat-as-success"
    assert [row["retry"] for row in by_id.values() if row["error"] == {}] == ["never"] * 4


def test_listed_examples_meet_their_scenarios() -> None:
    """Sent as they are to a real server."""
    rows = json.loads(run("scenarios", "--json").stdout)
    with serving() as serve:
        for row in rows:
            for number, example in enumerate(row["examples"]):
                sandbox = f"/sandbox/{row['id']}-{number}"
                for body in (*example.get("before", ()), example["request"]):
                    status, headers, answer = serve.post(body, f"{sandbox}{PATH}")
                assert (headers["Mock-Scenario"], headers["Mock-Source"]) == (
                    row["id"],
                    headers["Mock-Source"] if number else row["source"],
                )
                if not number:
                    assert (status, json.loads(answer).get("error")) == (row["status"], row["error"])


def test_the_table_shows_how_to_meet_each_scenario(contract: Contract) -> None:
    """One line a scenario: id, source, status, code, retry, how to trigger, note."""
    lines = invoke("scenarios").output.splitlines()
    assert lines[0].split("  ")[0] == "id"
    titles = ("id", "source", "status", "code", "retry", "how to trigger", "note")
    columns = [lines[0].index(title) for title in titles]
    cells = {
        line[: columns[1]].strip(): [line[a:b].strip() for a, b in zip(columns[1:], [*columns[2:], None], strict=True)]
        for line in lines[1:-3]
    }
    assert list(cells) == [s.id for s in contract.scenarios]
    trigger = "body.card_identifier TEST-ACTIVATED"
    assert cells["card-already-activated"] == ["documented", "400", "4433", "treat-as-success", trigger, ""]
    assert cells["activated-existing-customer"][:3] == ["documented", "200", ""]
    assert cells["pin-not-digits"][4].startswith("body.pin ")
    assert cells["last-name-empty"][5].startswith("The document gives the hint of the FIRST name")
    assert lines[-2] == "Each is also met with the request header Mock-Scenario: ID, whatever the request is."


@pytest.mark.parametrize("name", ["card-already-activated", "4433", "code=4433"])
def test_a_scenario_is_shown_in_full(name: str) -> None:
    """By its id or its code: the answer, how to get it, and what a client should do."""
    lines = invoke("scenarios", name).output.splitlines()
    assert lines[:4] == [
        'card-already-activated (documented, "Card already activated.")',
        '  answer:         400 {"code":4433,"hints":["Card has already been activated"]}',
        "  how to trigger: body.card_identifier TEST-ACTIVATED",
        "  or by header:   Mock-Scenario: card-already-activated",
    ]
    assert lines[4] == "  what happened:  The card is activated already."
    assert lines[5].startswith("  what to do:     After a lost answer, treat it as success")
    assert lines[6:-1] == ["  send again:     treat-as-success", ""]
    assert lines[-1] == "What happened, what to do and send again are advice of this mock, not of the documents."


def test_a_code_of_several_scenarios_shows_all_of_them() -> None:
    """As text and as JSON, in the order of checks."""
    ids = [row["id"] for row in json.loads(invoke("scenarios", "--json", "4400").output)]
    assert ids[:3] == ["malformed", "reference-batch-empty", "card-identifier-empty"]
    text = invoke("scenarios", "4400").output
    assert [line.split()[0] for line in text.splitlines()[:-1] if line and line[0] != " "] == ids


def test_a_scenario_that_is_not_there_names_the_near_ones() -> None:
    """With exit status 2."""
    result = invoke("scenarios", "rfc-invald")
    assert (result.exit_code, "there is no rfc-invald. Did you mean rfc-invalid?" in result.stderr) == (2, True)
    assert "there is no code=7001. Did you mean 7000" in invoke("scenarios", "code=7001").stderr


def test_scenarios_without_a_body_or_examples_are_listed(tmp_path: Path) -> None:
    """The list shows what there is."""
    text = PING["ping.scenarios.yaml"].replace(
        "scenarios:\n", "scenarios:\n- {scenario: never, assumed: [], when: {header.x: y}, respond: {success: [1]}}\n"
    )
    own = folder(tmp_path, {**PING, "ping.scenarios.yaml": text})
    never, pong = json.loads(invoke("scenarios", "--json", "--contract", str(own)).output)
    assert (never["status"], never["error"], never["examples"]) == (None, None, [])
    assert pong["examples"] == [
        {"request": None, "path": {"word": "a b"}, "query": {"again": "1"}, "headers": {"x-one": "two"}}
    ]
    assert "whatever no other scenario answers" in invoke("scenarios", "--contract", str(own)).output
    shown = invoke("scenarios", "never", "--contract", str(own)).output.splitlines()
    assert shown[1:3] == ['  how to trigger: header.x is "y"', "  or by header:   Mock-Scenario: never"]


def test_explain_shows_the_scenario_and_the_evidence(request_file: Path) -> None:
    """Source, trigger, place, writes, and the evidence against those before it."""
    result = invoke("explain", "--request", str(request_file))
    assert result.exit_code == 0
    shown = result.output
    assert shown.startswith(f"POST {PATH} -> 200 activated-existing-customer\n")
    assert '  source:   documented, "Example 1: Only customer_id provided"' in shown
    assert "  trigger:  values" in shown
    assert "  because:  customer is present" in shown
    assert "  writes    cards CARD-001: " in shown
    assert "  at:       scenarios/activate-card-for-customer.yaml:" in shown
    assert '"card_id":"card_987654321"' in shown
    tried = shown.partition("near misses, nearest first:\n")[2]
    assert "  card-already-activated  (scenarios/activate-card-for-customer.yaml:" in tried
    assert '    card.status: expected "activated"\n                 got      "issued"\n' in tried


def test_explain_reads_standard_input() -> None:
    """`--request -`; violations, warnings and missing members are shown."""
    shown = run("explain", "--request", "-", stdin=json.dumps({**LASTING, "pin": "s3cr3t", "device": 1})).stdout
    assert "-> 400 pin-not-digits" in shown
    assert "  violation body.pin: " in shown
    assert "  warning   device is not a documented member" in shown
    assert "got      no violation" not in shown
    assert "s3cr3t" not in shown


def test_explain_sends_requests_before(request_file: Path) -> None:
    """`--before` gives the state."""
    shown = invoke("explain", "--request", str(request_file), "--before", str(request_file)).output
    assert "-> 400 card-already-activated" in shown
    assert "  trigger:  state" in shown


def test_explain_takes_headers_paths_and_queries(tmp_path: Path, request_file: Path) -> None:
    """A forced scenario, another operation with its parameters, a sandbox."""
    forced = invoke("explain", "--request", str(request_file), "--header", "Mock-Scenario: rfc-invalid").output
    assert "-> 400 rfc-invalid" in forced
    assert "because:  forced by Mock-Scenario" in forced
    assert "note:" not in forced
    assert "tried before it" not in forced
    options = ["--overlay", str(folder(tmp_path / "o", PING)), "--operation", "ping", "--query", "a=b"]
    shown = invoke("explain", "--request", "-", "--path", "/sandbox/a/v1/ping/x", *options).output
    assert shown.startswith("GET /sandbox/a/v1/ping/x -> 200 pong\n")
    assert "because:  no other scenario applied" in shown
    noted = invoke("explain", "--request", "-", "--header", "mock-scenario:last-name-empty").output
    assert "  note:     The document gives the hint of the FIRST name here" in noted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--header", "Mock-Scenario: rfc-valid"], "Did you mean rfc-invalid?"),
        (["--path", "/nowhere\n/at/all"], "There is no /nowhere\\x0a/at/all."),
    ],
)
def test_explain_shows_a_refusal(options: list[str], words: str) -> None:
    """The exit status is 0."""
    result = invoke("explain", "--request", "-", *options)
    assert result.exit_code == 0
    assert "(no answer of the API)" in result.output
    assert words in result.output


def test_explain_escapes_control_characters() -> None:
    """A request cannot take over the terminal."""
    body = json.dumps({**ONCE, "card_identifier": "\u001b[31mCARD"})
    shown = invoke("explain", "--request", "-", stdin=body).output
    assert "writes    cards \\x1b[31mCARD" in shown
    assert "\u001b" not in shown


def test_explain_asks_a_server_with_url(tmp_path: Any) -> None:
    """Its state counts; without --url none does."""
    overlay = folder(tmp_path / "overlay", PING)
    (tmp_path / "body.json").write_text(json.dumps(ONCE))
    body = ("--request", str(tmp_path / "body.json"))
    with serving("--overlay", str(overlay)) as serve:
        address = ("--url", serve.url)
        serve.post(ONCE)
        operation = ("--operation", "activateCardForCustomer")
        assert "card-already-activated" in run("explain", *body, *address, *operation).stdout
        shown = json.loads(run("explain", *body, *address, *operation, "--sandbox", "a", "--json").stdout)
        assert shown["decision"]["scenario"] == "activated-existing-customer"
        path = ("--path", "/v1/ping/a", "--operation", "ping", "--query", "a=b", "--header", "X-A: b")
        assert "-> 200 pong" in run("explain", *body, *address, *path).stdout
        failed = run("explain", *body, *address, "--operation", "pin")
        assert (failed.returncode, "Did you mean ping?" in failed.stderr) == (1, True)
        assert run("explain", *body, *address, "--before", "x").returncode == 2
        assert run("explain", *body, *address, "--mounts", "/").returncode == 2
        variables = {"MOCKSERVER_MOUNTS": "/", "MOCKSERVER_CONTRACT": "/nowhere", "MOCKSERVER_OVERLAY": "/nowhere"}
        assert "card-already-activated" in run("explain", *body, *address, *operation, env=variables).stdout
    assert "activated-existing-customer" in run("explain", *body).stdout
    assert run("explain", *body, "--sandbox", "a").returncode == 2
