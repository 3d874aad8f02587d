"""The command `verify-provider`, against a provider that drifts in named ways."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import trustme
from click.testing import Result

from mockserver import load, running
from mockserver.contract.folders import PROVIDER_REPORT_FORMAT
from mockserver.contract.loading import format_validator
from tests.support import MOCKSERVER, PATH, PATIENCE, environment, free_port, spawned
from tests.support.drifting_provider import Drift, Provider, Reply
from tests.support.invoke import invoke

DOCUMENTED = [scenario.id for scenario in load().scenarios if scenario.provenance == "documented"]
ERROR, SUCCESS = "card-already-activated", "activated-existing-customer"
HTML = "<html>\n<title>502 Bad Gateway</title>\n</html>"


def verify(provider: Provider, *options: str, stdin: str = "", **env: str) -> Result:
    """The command, sending as fast as it may."""
    target = ("--target", provider.url, "--rate", "1000")
    return invoke("verify-provider", *target, *options, stdin=stdin, **env)


def report(provider: Provider, *options: str) -> Any:
    """The report in JSON, which fits its schema."""
    document = json.loads(verify(provider, "--target-is-mock", "--yes", "--format", "json", *options).stdout)
    assert format_validator(PROVIDER_REPORT_FORMAT).violations("report", document) == ()
    return document


def results(document: Any) -> dict[str, str]:
    return {outcome["id"]: outcome["result"] for outcome in document["outcomes"]}


def test_an_unchanged_provider_is_the_same_in_every_documented_outcome(provider: Provider) -> None:
    """All eighteen, and each assumption that they rest on is confirmed."""
    result = verify(provider, "--target-is-mock", "--yes")
    assert result.exit_code == 0
    assert "18 same, 0 differ, 0 not reached" in result.stdout
    document = report(provider)
    assert results(document) == dict.fromkeys(DOCUMENTED, "same")
    assert {one["result"] for one in document["assumptions"]} == {"confirmed"}


def setting(**members: Any) -> Drift:
    """A drift that gives members of the body another value."""
    return lambda reply: reply.body.update(members)


def in_error(**members: Any) -> Drift:
    return lambda reply: reply.body["error"].update(members)


def in_payload(**members: Any) -> Drift:
    return lambda reply: reply.body["payload"].update(members)


def without(name: str) -> Drift:
    return lambda reply: reply.body.pop(name)


def answering(status: int, body: Any = None, **headers: str) -> Drift:
    """A drift to another status, and to another body and headers."""

    def drift(reply: Reply) -> None:
        reply.status = status
        reply.body = reply.body if body is None else body
        reply.headers |= {name.replace("_", "-"): value for name, value in headers.items()}

    return drift


DRIFTS: dict[str, tuple[str, Drift, list[tuple[str, str, Any, Any]]]] = {
    "another status": (ERROR, answering(422), [("status", "status", 400, 422)]),
    "200 for an error": (ERROR, answering(200), [("status", "status", 400, 200)]),
    "error.Code": (
        ERROR,
        lambda reply: reply.body["error"].update(Code=reply.body["error"].pop("code")),
        [("body /error/code", "missing", 4433, None), ("body /error/Code", "extra", None, 4433)],
    ),
    "another code": (ERROR, in_error(code=4434), [("body /error/code", "value", 4433, 4434)]),
    "a code as text": (ERROR, in_error(code="4433"), [("body /error/code", "type", 4433, "4433")]),
    "another hint": (
        ERROR,
        in_error(hints=["Card already active"]),
        [("body /error/hints/0", "value", "Card has already been activated", "Card already active")],
    ),
    "one hint more": (
        ERROR,
        lambda reply: reply.body["error"]["hints"].append("Ask support"),
        [("body /error/hints/1", "extra", None, "Ask support")],
    ),
    "no hints": (
        ERROR,
        lambda reply: reply.body["error"].pop("hints"),
        [("body /error/hints", "missing", ["Card has already been activated"], None)],
    ),
    "another endpoint": (
        SUCCESS,
        setting(endpoint="/debit/v1/activateCardForCustomer"),
        [
            (
                "body /endpoint",
                "value",
                "debit/v1/activateCardForCustomer",
                "/debit/v1/activateCardForCustomer",
            )
        ],
    ),
    "no error in a success": (SUCCESS, without("error"), [("body /error", "missing", {}, None)]),
    "null for no error": (SUCCESS, setting(error=None), [("body /error", "type", {}, None)]),
    "numeric ids": (SUCCESS, in_payload(card_id=5), [("body /payload/card_id", "type", "card_100000001", 5)]),
    "an id of another form": (
        "activated-new-customer",
        in_payload(card_id="crd-5", customer_id="c1"),
        [
            ("body /payload/card_id", "form", "card_987654321", "crd-5"),
            ("body /payload/customer_id", "form", "12345678", "c1"),
        ],
    ),
    "no echo": (
        SUCCESS,
        in_payload(customer_id="85"),
        [("body /payload/customer_id", "value", "TEST-CUSTOMER", "85")],
    ),
    "extra payload members": (
        SUCCESS,
        in_payload(issued=True, pin="4711"),
        [("body /payload/issued", "extra", None, True), ("body /payload/pin", "extra", None, "0000")],
    ),
    "a time stamp in seconds": (
        SUCCESS,
        setting(timestamp="2031-02-03T04:05:06Z"),
        [("body /timestamp", "form", "2024-11-15T14:32:18.123Z", "2031-02-03T04:05:06Z")],
    ),
    "a time stamp with an offset": (
        SUCCESS,
        setting(timestamp="2031-02-03T04:05:06.123+00:00"),
        [("body /timestamp", "form", "2024-11-15T14:32:18.123Z", "2031-02-03T04:05:06.123+00:00")],
    ),
    "a time stamp as a number": (
        SUCCESS,
        setting(timestamp=1731681138123),
        [("body /timestamp", "type", "2024-11-15T14:32:18.123Z", 1731681138123)],
    ),
    "a time stamp of an error in UTC": (
        ERROR,
        setting(timestamp="2031-02-03T04:05:06.123456789Z"),
        [("body /timestamp", "form", "2024-11-15T08:32:18.123000000-06:00", "2031-02-03T04:05:06.123456789Z")],
    ),
    "another content type": (
        ERROR,
        answering(400, Content_Type="application/problem+json"),
        [("header Content-Type", "header", "application/json", "application/problem+json")],
    ),
    "HTML from a gateway": (
        ERROR,
        answering(502, HTML, Content_Type="text/html"),
        [
            ("status", "status", 400, 502),
            ("header Content-Type", "header", "application/json", "text/html"),
            ("body", "not-json", "JSON", "<html> <title>502 Bad Gateway</title> </html>"),
        ],
    ),
    "nothing": (ERROR, answering(400, " "), [("body", "not-json", "JSON", "")]),
    "a list": (ERROR, answering(400, []), [("body", "type", mock.ANY, [])]),
    "a redirect": (
        ERROR,
        answering(302, Location="https://login.example/?next=secret"),
        [("status", "redirect", 400, "302 to https://login.example/")],
    ),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_is_named_and_nothing_else(provider: Provider, name: str) -> None:
    """Each with where, its kind, what was expected and what came; the other outcomes are the same."""
    outcome, drift, expected = DRIFTS[name]
    provider.drifts[outcome] = drift
    around = (ERROR, SUCCESS, "activated-new-customer")
    document = report(provider, *(part for one in around for part in ("--outcome", one)))
    assert results(document) == {**dict.fromkeys(around, "same"), outcome: "differs"}
    found = next(one for one in document["outcomes"] if one["id"] == outcome)["differences"]
    assert [(one["at"], one["kind"], one["expected"], one["came"]) for one in found] == expected


HARMLESS: dict[str, tuple[str, Drift]] = {
    "other order of members": (ERROR, lambda reply: reply.body.update(text=reply.body.pop("text"))),
    "another charset parameter": (ERROR, answering(400, Content_Type="application/json; charset=utf-8")),
    "more headers": (ERROR, answering(400, X_Request_Id="5")),
    "decimals without a zero at the end": (ERROR, setting(timestamp="2031-02-03T04:05:06.1234567-06:00")),
    "another offset": (ERROR, setting(timestamp="2031-02-03T04:05:06.123456789+05:30")),
    "another new id": ("activated-new-customer", in_payload(card_id="card_5", customer_id="99")),
    "the provider's own id of a card": (SUCCESS, in_payload(card_id="anything")),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_the_contract_leaves_open_is_no_drift(provider: Provider, name: str) -> None:
    """Order, time and new ids differ from answer to answer."""
    outcome, drift = HARMLESS[name]
    provider.drifts[outcome] = drift
    assert results(report(provider, "--outcome", outcome)) == {outcome: "same"}


def assumptions(document: Any) -> dict[str, str]:
    return {one["id"]: one["result"] for one in document["assumptions"]}


def test_an_assumption_is_refuted_where_each_answer_that_rests_on_it_is_another(provider: Provider) -> None:
    """One answer as expected confirms it; what came stands in the text."""
    provider.drifts["rfc-invalid"] = in_error(code=4400)
    provider.drifts["card-batch-mismatch"] = in_error(code=4404)
    provider.drifts[SUCCESS] = in_payload(status="done")
    document = report(provider)
    assert [name for name, result in assumptions(document).items() if result != "confirmed"] == ["rfc"]
    found = {one["id"]: one["evidence"] for one in document["assumptions"]}
    assert found["card-key"] == ["card-missing-in-batch"]
    text = verify(provider, "--target-is-mock", "--yes").stdout
    assert "refuted      rfc\n    rfc-invalid: body /error/code: expected 7000, got 4400\n" in text


def test_another_status_of_all_errors_refutes_what_the_status_rests_on(provider: Provider) -> None:
    """And nothing else: each request got its own code."""
    provider.every = lambda reply: answering(200)(reply) if reply.status == 400 else None
    document = report(provider)
    assert [name for name, result in assumptions(document).items() if result != "confirmed"] == ["error-status"]
    (found,) = [one for one in document["assumptions"] if one["id"] == "error-status"]
    assert len(found["evidence"]) == 14


@pytest.mark.parametrize("name", ["HTML from a gateway", "a redirect"])
def test_what_is_no_answer_of_the_api_tells_nothing_of_an_assumption(provider: Provider, name: str) -> None:
    """Neither for it nor against it."""
    provider.every = DRIFTS[name][1]
    assert set(assumptions(report(provider)).values()) == {"not-reached"}


def test_a_redirect_is_not_followed_and_nothing_is_sent_twice(provider: Provider) -> None:
    """One request for each outcome, whatever comes."""
    provider.every = answering(307, Location=f"{provider.url}/elsewhere", Retry_After="0")
    report(provider)
    assert len(provider.requests) == len(DOCUMENTED)
    assert not [request for request in provider.requests if "elsewhere" in request.path]


def test_an_answer_that_comes_too_late_is_a_difference(provider: Provider) -> None:
    """The others are asked all the same."""
    provider.drifts[ERROR] = lambda reply: setattr(reply, "closes", provider.lets_go.wait(PATIENCE))
    document = report(provider, "--timeout", "0.2", "--outcome", ERROR, "--outcome", SUCCESS)
    assert results(document) == {ERROR: "differs", SUCCESS: "same"}
    assert document["outcomes"][0]["differences"] == [
        {"at": "answer", "kind": "no-answer", "expected": "an HTTP answer", "came": "no whole answer within 0.2 s"}
    ]


@pytest.mark.parametrize(
    ("drift", "came"),
    [
        (lambda reply: reply.headers.update({"Transfer-Encoding": "sideways"}), "it sent what is not HTTP/1.1"),
        (lambda reply: setattr(reply, "body", "x" * 1_100_000), "a body of more than 1048576 bytes"),
        (lambda reply: setattr(reply, "closes", True), "it closed the connection"),
    ],
    ids=["no HTTP", "too large", "closed"],
)
def test_what_cannot_be_read_is_a_difference(provider: Provider, drift: Drift, came: str) -> None:
    """With the reason in a line."""
    provider.drifts[ERROR] = drift
    document = report(provider, "--outcome", ERROR)
    (found,) = document["outcomes"][0]["differences"]
    assert (found["at"], found["kind"]) == ("answer", "no-answer")
    assert found["came"] == came


def test_without_yes_nothing_is_sent(provider: Provider) -> None:
    """It shows the requests, secrets masked, and fails, so that no pipeline takes it for a run."""
    result = verify(provider, "--target-is-mock", "--outcome", "pin-not-digits")
    assert (result.exit_code, provider.requests) == (3, [])
    assert f"POST {provider.url}/debit/v1/activateCardForCustomer" in result.stdout
    assert '"pin":"00x0"' in result.stdout
    assert "nothing was sent; --yes sends these requests" in result.stderr


def test_a_run_that_compares_nothing_fails(provider: Provider) -> None:
    """Without bindings nothing can be sent."""
    result = verify(provider, "--yes")
    assert (result.exit_code, provider.requests) == (3, [])
    assert "0 same, 0 differ, 18 not reached" in result.stdout
    assert "the bindings have no values for it" in result.stdout


def test_a_difference_is_exit_status_1(provider: Provider, tmp_path: Path) -> None:
    """The report can go to a file."""
    provider.drifts[ERROR] = answering(500)
    output = tmp_path / "report.txt"
    result = verify(provider, "--target-is-mock", "--yes", "--output", str(output))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"differs      {ERROR}\n    status: expected 400, got 500\n" in output.read_text()


@pytest.mark.parametrize(("chosen", "spoken"), [((), "en"), (("--language", "es"), "es")])
def test_the_page_is_in_the_language_that_was_chosen(provider: Provider, chosen: tuple[str, ...], spoken: str) -> None:
    """English by default."""
    result = verify(provider, "--target-is-mock", "--yes", "--outcome", ERROR, "--format", "html", *chosen)
    assert (result.exit_code, f'<html lang="{spoken}">' in result.stdout) == (0, True)


def test_too_little_that_was_compared_is_exit_status_3(provider: Provider) -> None:
    """A difference stays 1."""
    one = ("--target-is-mock", "--yes", "--outcome", ERROR, "--min-compared")
    assert verify(provider, *one, "1").exit_code == 0
    too_few = verify(provider, *one, "2")
    assert (too_few.exit_code, "1 outcome compared; --min-compared 2" in too_few.stderr) == (3, True)
    provider.drifts[ERROR] = answering(500)
    assert verify(provider, *one, "2").exit_code == 1


def test_a_report_that_cannot_be_written_is_printed(provider: Provider, tmp_path: Path) -> None:
    """What was sent is sent."""
    output = ("--output", str(tmp_path / "nowhere" / "report.txt"))
    result = verify(provider, "--target-is-mock", "--yes", "--outcome", ERROR, *output)
    assert result.exit_code == 2
    assert "1 same, 0 differ" in result.stdout
    assert "cannot write" in result.stderr


def test_a_template_of_bindings_writes_over_no_file(tmp_path: Path) -> None:
    """It may be filled in."""
    file = tmp_path / "bindings.yaml"
    assert invoke("verify-provider", "--bindings-template", "--output", str(file)).exit_code == 0
    written = file.read_text(encoding="utf-8")
    result = invoke("verify-provider", "--bindings-template", "--output", str(file))
    assert (result.exit_code, "name another file" in result.stderr) == (2, True)
    assert file.read_text(encoding="utf-8") == written


def test_an_assumed_outcome_is_sent_if_it_is_named(provider: Provider) -> None:
    """Its own wording is compared by type, as the provider has other words."""
    provider.drifts["malformed"] = lambda reply: reply.body["error"]["hints"].__setitem__(1, "customer_id: no text")
    document = report(provider, "--outcome", "malformed", "--outcome", "customer-unknown")
    assert results(document) == {"malformed": "same", "customer-unknown": "same"}
    assert assumptions(document)["malformed"] == "confirmed"


def test_requests_come_one_at_a_time_at_the_rate(provider: Provider) -> None:
    """Also those of different outcomes."""
    started = time.monotonic()
    report(provider, "--rate", "20", "--outcome", ERROR, "--outcome", SUCCESS, "--outcome", "rfc-invalid")
    assert time.monotonic() - started >= 0.1
    assert len(provider.requests) == 3


def test_no_connection_ends_the_run_with_a_report() -> None:
    """Exit status 2: nothing can be said of the provider."""
    target = f"http://127.0.0.1:{free_port()}"
    result = invoke("verify-provider", "--target", target, "--target-is-mock", "--yes", "--format", "json")
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert set(results(document).values()) == {"not-reached"}
    assert document["outcomes"][0]["reason"].startswith("no connection to the provider: ")
    assert "Traceback" not in result.output


def test_a_certificate_that_nobody_trusts_is_no_connection(tmp_path: Path) -> None:
    """TLS is verified; `--cacert` names whom to trust, and the proxies of the environment are not asked."""
    authority = trustme.CA()
    certificate, key, trusted = (tmp_path / name for name in ("server.pem", "key.pem", "ca.pem"))
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(trusted)
    options = ("--target-is-mock", "--yes", "--rate", "1000", "--outcome", ERROR)
    with spawned(MOCKSERVER, "--port", "0", "--tls-cert", certificate, "--tls-key", key) as server:
        server.url = server.out.wait("mock server on ").split()[3]
        result = invoke("verify-provider", "--target", server.url, *options)
        assert result.exit_code == 2
        assert "its certificate is not trusted" in result.stderr
        env = {"HTTPS_PROXY": "http://127.0.0.1:9"}
        assert (
            invoke("verify-provider", "--target", server.url, "--cacert", str(trusted), *options, **env).exit_code == 0
        )
        result = invoke("verify-provider", "--target", server.url, "--cacert", str(key), *options)
        assert (result.exit_code, result.stdout) == (2, "")


def test_a_proxy_is_used_if_it_is_named(provider: Provider) -> None:
    """The request line has the whole URL then."""
    target = f"http://127.0.0.1:{free_port()}"
    options = ("--target-is-mock", "--yes", "--outcome", ERROR)
    assert invoke("verify-provider", "--target", target, "--proxy", provider.url, *options).exit_code == 1
    assert provider.requests[0].path.startswith(f"{target}/sandbox/verify-")


def test_an_interrupted_run_leaves_its_report(provider: Provider, tmp_path: Path) -> None:
    """Of what was done until then; the rest was not reached."""
    output = tmp_path / "report.json"
    arrived = threading.Event()

    def hang(_reply: Reply) -> None:
        arrived.set()
        provider.lets_go.wait(PATIENCE)

    provider.drifts[DOCUMENTED[2]] = hang
    arguments = ["verify-provider", "--target", provider.url, "--target-is-mock", "--yes", "--rate", "1000"]
    command: list[str | Path] = [MOCKSERVER, *arguments, "--format", "json", "--output", str(output)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment()) as process:
        assert arrived.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    document = json.loads(output.read_text())
    assert [*results(document).values()] == ["same", "same", *["not-reached"] * 16]
    assert document["outcomes"][2]["reason"] == "the run was stopped"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "ftp://host"], "expected http://HOST"),
        (["--target", "http://host/?token=1"], "expected http://HOST"),
        (["--target", "http://[::1"], "expected http://HOST"),
        (["--target", "https://me:secret@host"], "credentials stand in a header"),
        (["--target", "http://host", "--outcome", "rfc-invalit"], "there is no outcome rfc-invalit. Did you mean"),
        (["--target", "http://host", "--rate", "0"], "--rate"),
        (["--target", "http://host", "--contract", "nowhere"], "1 error in the contract"),
        (["--target", "http://host", "--target-is-mock", "--bindings", "x.yaml"], "exclude each other"),
        (["--target", "http://host", "--bindings", "nowhere.yaml"], "1 error in nowhere.yaml"),
        ([], "--target"),
    ],
)
def test_a_wrong_command_line_is_exit_status_2(arguments: list[str], said: str) -> None:
    """One clear line, and nothing secret in it."""
    result = invoke("verify-provider", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "secret" not in result.stderr.replace("--", "")


# -- what is kept of a run -------------------------------------------------------------------------------


def saved(provider: Provider, folder: Path, *options: str) -> Result:
    return verify(provider, "--target-is-mock", "--yes", "--save", str(folder), *options)


def test_the_overlay_marks_each_outcome_and_everything_shows_it(provider: Provider, tmp_path: Path) -> None:
    """It passes `check`; the answers carry the mark, and the table, the coverage and the contract list have it."""
    provider.drifts[ERROR] = answering(422)
    overlay = tmp_path / "verified"
    assert f"wrote {overlay / 'verified.yaml'}" in saved(provider, overlay).stderr
    assert invoke("check", "--overlay", str(overlay)).exit_code == 0
    rows = json.loads(invoke("scenarios", "--overlay", str(overlay), "--json").stdout)
    marks = {row["id"]: row["verified"] and row["verified"]["result"] for row in rows}
    assert marks == {**dict.fromkeys(marks), **dict.fromkeys(DOCUMENTED, "same"), ERROR: "differs"}
    day = rows[2]["verified"]["on"]
    table = invoke("scenarios", "--overlay", str(overlay)).stdout.splitlines()
    assert table[0].split()[5:6] == ["verified"]
    assert f"  same {day}  " in next(line for line in table if line.startswith("rfc-invalid"))
    with running(overlays=[overlay]) as mock:
        for name, shown in ((ERROR, f"differs; {day}"), (SUCCESS, f"same; {day}"), ("malformed", None)):
            request = urllib.request.Request(f"{mock.url}{PATH}", b"{}", {"Mock-Scenario": name})
            try:
                headers = urllib.request.urlopen(request).headers
            except urllib.error.HTTPError as error:
                headers = error.headers
                error.close()
            assert headers["Mock-Verified"] == shown
        coverage = {row["scenario"]: row for row in mock.coverage()["scenarios"]}
        assert coverage[ERROR]["verified"] == {"on": day, "result": "differs"}
        page = urllib.request.urlopen(f"{mock.url}/__admin/coverage?format=html").read().decode()
        assert f"differs from the provider on {day}" in page
        listed = json.loads(urllib.request.urlopen(f"{mock.url}/__admin/scenarios").read())
        assert {row["scenario"]: row["verified"] for row in listed["scenarios"]}["malformed"] is None


def test_a_later_run_of_some_outcomes_keeps_the_marks_of_the_others(provider: Provider, tmp_path: Path) -> None:
    """What does not answer is not marked."""
    saved(provider, tmp_path, "--outcome", ERROR, "--outcome", SUCCESS)
    provider.drifts[SUCCESS] = in_payload(status="done")
    provider.drifts["rfc-invalid"] = lambda reply: setattr(reply, "closes", True)
    saved(provider, tmp_path, "--outcome", SUCCESS, "--outcome", "rfc-invalid")
    found = load(overlays=[tmp_path]).operations[0].by_id
    marks = {name: one.verified.result for name, one in found.items() if one.verified is not None}
    assert marks == {ERROR: "same", SUCCESS: "differs"}


ACCEPTED: dict[str, tuple[str, Drift]] = {
    name: DRIFTS[name][:2]
    for name in ("another status", "200 for an error", "another code", "another hint", "one hint more", "no echo")
}
ACCEPTED["one hint of two"] = ("rfc-invalid", in_error(hints=["rfc:invalid"]))
ACCEPTED["another member"] = (ERROR, in_error(text="Activated"))


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_accepted_answer_is_a_scenario_that_answers_as_the_provider(
    provider: Provider, tmp_path: Path, name: str
) -> None:
    """The overlay passes `check`; a run with it finds nothing that differs."""
    outcome, drift = ACCEPTED[name]
    provider.drifts[outcome] = drift
    result = saved(provider, tmp_path, "--outcome", outcome, "--accept", outcome)
    assert result.exit_code == 1
    assert (tmp_path / "accepted-activateCardForCustomer.yaml").exists()
    checked = invoke("check", "--overlay", str(tmp_path))
    assert checked.exit_code == 0, checked.output
    assert results(report(provider, "--overlay", str(tmp_path), "--outcome", outcome)) == {outcome: "same"}
    verified = load(overlays=[tmp_path]).operations[0].by_id[outcome].verified
    assert verified is not None
    assert verified.result == "same"


def test_answers_are_accepted_one_after_the_other(provider: Provider, tmp_path: Path) -> None:
    """Those of an earlier run stay."""
    provider.drifts = {ERROR: in_error(code=4434), "rfc-invalid": in_error(code=7001)}
    for outcome in provider.drifts:
        saved(provider, tmp_path, "--accept", outcome)
    assert set(results(report(provider, "--overlay", str(tmp_path))).values()) == {"same"}
    assert "Accepted from the provider on " in str(load(overlays=[tmp_path]).operations[0].by_id[ERROR].note)


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        (None, "is same: there is nothing to accept"),
        (in_error(hints=[]), "an answer that breaks its schema at answer.error.hints (at least 1 item)"),
        (setting(timestamp="2031-02-03T04:05:06Z"), "body /timestamp (form) is not the scenario's own"),
        (DRIFTS["HTML from a gateway"][1], "header Content-Type (header) is not the scenario's own"),
        (DRIFTS["a redirect"][1], "status (redirect) is not the scenario's own"),
        (lambda reply: setattr(reply, "closes", True), "answer (no-answer) is not the scenario's own"),
    ],
)
def test_what_no_scenario_can_answer_is_not_accepted(
    provider: Provider, tmp_path: Path, drift: Drift | None, said: str
) -> None:
    """No scenario is written then, and one line says why."""
    if drift is not None:
        provider.drifts[ERROR] = drift
    result = saved(provider, tmp_path / "new", "--outcome", ERROR, "--accept", ERROR)
    assert result.exit_code == 2
    assert f"not accepted: {ERROR}" in result.stderr
    assert said in result.stderr
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["verified.yaml"]


def test_an_overlay_that_cannot_be_read_is_left_alone(provider: Provider, tmp_path: Path) -> None:
    """With the place of what is wrong in it."""
    for text in ("format: [", "format: 1\noperations: [1]", "format: 1\noperations: {a: {verified: {b: {on: 1}}}}"):
        (tmp_path / "verified.yaml").write_text(text)
        result = saved(provider, tmp_path, "--outcome", ERROR)
        assert result.exit_code == 2
        assert "verified.yaml:" in result.stderr
        assert (tmp_path / "verified.yaml").read_text() == text
    (tmp_path / "file").write_text("")
    assert saved(provider, tmp_path / "file" / "below", "--outcome", ERROR).exit_code == 2
    assert invoke("verify-provider", "--target", "http://host", "--accept", ERROR).exit_code == 2
