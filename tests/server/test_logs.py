"""Log lines: one a request, secrets masked, unforgeable, and never a reason to stop serving."""

import io
import json
import os
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver import Contract, Engine, Request, load
from mockserver.admin.routes import endpoints
from mockserver.engine.explaining import explanation_json, explanation_lines
from mockserver.server import logs
from mockserver.server import server as edge
from mockserver.server.logs import LineWriter
from tests.support import LASTING, MOCKSERVER, PATH, Serving, alone, explain, head, raw, serving, spawned


async def logged(contract: Contract, log: Any, *sent: bytes) -> None:
    """Send requests to a server that logs."""
    async with edge.serving(Engine(contract, admin_endpoints=endpoints), log=log) as url:
        for one in sent:
            await raw(url, one)


CLOSE = "Connection: close"


async def test_a_text_line_has_all_facts(contract: Contract) -> None:
    """Time, method, path, sandbox, status, scenario with source and trigger, duration."""
    lines: list[str] = []
    body = json.dumps(LASTING).encode()
    await logged(
        contract,
        logs.text_access_log(lines.append),
        head("POST", PATH, CLOSE, "Mock-Sandbox: a", length=len(body)) + body,
        head("GET", "/nothing", CLOSE),
        head("GET", "/__admin/health", CLOSE),
        head("POST", PATH, CLOSE, "Mock-Fault: gateway; status=502", length=len(body)) + body,
    )
    shown = [re.sub(r"[0-9]+\.[0-9] ms$", "ms", line[9:]) for line in lines]
    assert all(re.fullmatch(r"[0-9]{2}:[0-9]{2}:[0-9]{2} ", line[:9]) for line in lines)
    assert shown == [
        f"POST {PATH} [a] 200 activated-existing-customer (documented, by values) #1 ms",
        "GET /nothing 404 problem: unknown-path #2 ms",
        "GET /__admin/health 200 admin ms",
        f"POST {PATH} 502 activated-existing-customer (documented, by values) #3 fault gateway ms",
    ]


async def test_a_json_line_is_one_object(contract: Contract) -> None:
    """The same facts, with the places of violations, without values."""
    lines: list[str] = []
    await logged(
        contract,
        logs.json_access_log(lines.append),
        head("POST", f"/sandbox/a{PATH}", CLOSE, length=14) + b'{"pin":"12a4"}',
        head("PUT", PATH, CLOSE),
        head("GET", "/__admin/health", CLOSE),
        head("POST", PATH, CLOSE, "Mock-Fault: empty", length=2) + b"{}",
    )
    answered, refused, admin, spoilt = [json.loads(line) for line in lines]
    assert answered["violations"] == [
        "body.reference_batch required",
        "body.card_identifier required",
        "body.customer required",
        "body.pin pattern",
    ]
    assert {"sandbox": "a", "status": 400, "scenario": "reference-batch-empty", "trigger": "values"}.items() <= (
        answered.items()
    )
    assert (refused["problem"], refused["status"]) == ("wrong-method", 405)
    assert (spoilt["fault"], "fault" in answered) == ("empty", False)
    assert admin.keys() == {"time", "method", "target", "sandbox", "status", "micros"}


@pytest.mark.parametrize("log", [logs.text_access_log, logs.json_access_log])
async def test_a_path_cannot_forge_a_line(contract: Contract, log: Any) -> None:
    """Control characters, escapes of a terminal and other letters are escaped, and cut at a length."""
    lines: list[str] = []
    target = "/a%0a%0d%1b[31m%c3%a9%00%e2%80%a8" + "b" * 500
    await logged(contract, log(lines.append), head("GET", target + "?x=%0a", CLOSE))
    (line,) = lines
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 500


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("pin=1234", "?pin=0000"),
        ("pin=12a4&x=", "?pin=00x0&x="),
        ("1234", "?0000"),
        ("pin=%31%32=3", "?pin=%00%00=0"),
    ],
)
def test_secrets_of_a_query_are_masked(query: str, shown: str, contract: Contract) -> None:
    """Values of secrets keep their shape alone; what has no name is a value."""
    assert Engine(contract).masked_target("/p", query) == f"/p{shown}"


SECRET = st.from_regex(r"[QZ][QZ0-9]{7,11}[QZ]", fullmatch=True)
"""Texts that stand nowhere by chance, and whose shape is not themselves."""


def bodies(secret: str) -> list[bytes]:
    """Requests with a secret in every place where one can be by mistake."""
    places: list[Any] = [
        *({**LASTING, "pin": pin} for pin in (secret, [secret], {"pin": secret})),
        {"pin": secret * 50, "balance": secret, "device_id": [secret]},
        {**LASTING, "reference_batch": "", "customer_id": None, "customer": {"first_name": secret, "email": [secret]}},
    ]
    broken = [f'{{"pin": "{secret}', f'{{"pin": {secret}}}', secret]
    return [text.encode() for text in (*map(json.dumps, places), *broken)]


CONTRACT = load()


@settings(deadline=None, max_examples=50)
@given(secret=SECRET, header=st.sampled_from(["authorization", "authorization-ecommerce", "authorization-customer"]))
def test_no_secret_is_ever_shown(secret: str, header: str) -> None:
    """Neither a PIN nor the value of an Authorization header is in an answer, a log line or an explanation."""
    for body in bodies(secret):
        for forced in ({}, {"mock-scenario": "malformed"}, {"mock-scenario": "rfc"}):
            engine, lines = Engine(CONTRACT), list[str]()
            request = Request("POST", PATH, body, {header: f"Bearer {secret}", **forced}, {"pin": secret})
            lines += explanation_lines(explanation_json(request, explain(engine, request)))
            reply = engine.handle_sync(request)
            target = engine.masked_target(PATH, f"pin={secret}&{secret}")
            for log in (logs.text_access_log, logs.json_access_log):
                log(lines.append)(logs.AccessRecord("POST", target, "", reply, 1))
            shown = [*lines, reply.body.decode(), *(value for _, value in reply.all_headers)]
            assert not [text for text in shown if secret in text]


# -- where lines cannot be written ----------------------------------------------------------------------


def ends_well(serve: Serving, reason: str) -> None:
    """Requests are answered, there is one note on standard error, and the exit status is 0."""
    assert [serve.post(LASTING)[0] for _ in range(3)] == [200] * 3
    assert serve.stop() == 0
    assert serve.err.rest() == [f"mockserver: log lines are lost: {reason}"]


NUMBER = "4111 1111 1111 1111"
DIGITS = NUMBER.replace(" ", "")
REFUSED: list[tuple[int, bytes]] = [
    (400, f"POST {PATH}?n={DIGITS} HTTP/1.1\r\nHost: {NUMBER}\r\n\r\n".encode()),
    (400, f"POST http://{DIGITS}:99999{PATH} HTTP/1.1\r\nHost: a\r\n\r\n".encode()),
    (400, f"GET /{DIGITS}\x00 HTTP/1.1\r\nHost: a\r\n\r\n".encode()),
    (400, head("POST", f"{PATH}?n={DIGITS}", f"Transfer-Encoding: \r\nX: {NUMBER}", length=0)),
    (400, head("POST", f"/{DIGITS}?n={DIGITS}", "Content-Encoding: gzip", length=2) + b"{}"),
    (400, head("POST", f"/sandbox/{DIGITS}{PATH}", CLOSE, length=2) + b"{}"),
    (400, head("POST", PATH, CLOSE, f"Mock-Scenario: {NUMBER}", f"Mock-{DIGITS}: x", length=2) + b"{}"),
    (404, head("GET", f"/x/{DIGITS}?{DIGITS}={DIGITS}", CLOSE)),
    (405, head("DELETE", f"{PATH}?n={DIGITS}", CLOSE)),
    (408, head("POST", f"/{DIGITS}?n={DIGITS}", length=20) + DIGITS.encode()),
    (408, f"POST /{DIGITS} HTTP/1.1\r\nX: {NUMBER}\r\n".encode()),
    (413, head("POST", f"/{DIGITS}?n={DIGITS}", f"X: {NUMBER}", length=10_000_000)),
    (415, head("POST", f"/{DIGITS}", f"Content-Encoding: {DIGITS}", length=2) + b"{}"),
    (431, head("GET", f"/{DIGITS}", f"X: {NUMBER * 900}")),
    (501, head(f"A-{DIGITS}", PATH)),
    (501, head("POST", f"/{DIGITS}", f"Transfer-Encoding: {DIGITS}") + b"0\r\n\r\n"),
    (505, f"GET /{DIGITS} HTTP/{DIGITS}.1\r\nHost: a\r\n\r\n".encode()),
]
"""Requests that are refused, each with an account number wherever it may stand."""


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(("status", "request_"), REFUSED, ids=[f"{n}-{s}" for n, (s, _) in enumerate(REFUSED)])
async def test_no_refusal_logs_an_account_number(
    contract: Contract, caplog: pytest.LogCaptureFixture, form: str, status: int, request_: bytes
) -> None:
    """Neither the line that says why, nor that of the access log, nor the journal."""
    lines: list[str] = []
    settings = replace(contract.settings, request_timeout=0.1) if status == 408 else contract.settings
    engine = Engine(contract, settings=settings, admin_endpoints=endpoints)
    log = logs.text_access_log(lines.append) if form == "text" else logs.json_access_log(lines.append)
    async with edge.serving(engine, log=log) as url:
        came = await raw(url, request_)
    assert came.startswith(b"HTTP/1.1 %d " % status)
    kept = [one.data.decode() for one in await engine.storage.entries(None)]
    assert caplog.records or lines
    for text in (caplog.text, *lines, *kept):
        assert DIGITS not in text.replace(" ", "").replace("+", "").replace("%20", "")


def test_a_closed_log_pipe_does_not_break_the_server() -> None:
    """One note, answers go on, exit status 0."""
    read, write = os.pipe()
    with spawned(MOCKSERVER, "--port", "0", stdout=write) as serve:
        os.close(write)
        with os.fdopen(read) as reader:
            serve.url = reader.readline().split()[3]
        ends_well(serve, "Broken pipe")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_does_not_break_the_server() -> None:
    """Not even the banner can be written."""
    host = alone()  # as no port can be told
    with Path("/dev/full").open("w") as full, spawned(MOCKSERVER, "--host", host, stdout=full) as serve:
        serve.err.wait("log lines are lost")
        serve.url = f"http://{host}:8080"
        ends_well(serve, "No space left on device")


def test_logging_resumes_once_the_stream_can_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    """A failure is noted once; on a closed stream logging ends."""

    class Full(io.StringIO):
        full = True

        def flush(self) -> None:
            if self.full:
                raise OSError("no space")

    stream = Full()
    write = LineWriter(stream)
    write("one")
    write("two")
    write.close()
    stream.full = False
    write("three")
    write.close()
    assert stream.getvalue().endswith("three\n")
    stream.close()
    write("four")
    write.close()
    assert capsys.readouterr().err == "mockserver: log lines are lost: no space\n"


def test_an_unread_log_does_not_stop_the_server() -> None:
    """A full pipe holds up neither answers nor the end."""
    read, write = os.pipe()
    try:
        with spawned(MOCKSERVER, "--host", host := alone(), stdout=write) as serve:
            serve.url = f"http://{host}:8080"
            assert os.read(read, 1)
            assert {serve.post(LASTING)[0] for _ in range(2_000)} == {200}  # 64 KiB and more of lines
            assert serve.stop() == 0
    finally:
        os.close(read)
        os.close(write)


def test_unread_lines_are_dropped_beyond_a_bound(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One note says so."""
    monkeypatch.setattr(logs, "MAX_QUEUED_LINES", 2)
    monkeypatch.setattr(logs, "CLOSE_TIMEOUT_SECONDS", 0.05)
    going_on = threading.Event()

    class Stuck(io.StringIO):
        def write(self, _: str) -> int:
            going_on.wait()
            return 0

    write = LineWriter(Stuck())
    for number in range(9):
        write(str(number))
    write.close()
    going_on.set()
    assert capsys.readouterr().err == "mockserver: log lines are lost: nobody reads them\n"


def test_without_a_log_only_the_banner_is_printed() -> None:
    """`--log-format none`."""
    with serving("--log-format", "none") as serve:
        assert serve.post(LASTING)[0] == 200
        assert serve.stop() == 0
        shown = serve.out.rest()
        assert shown[1] == f"console on {serve.url}/"
        assert shown[-1] == "stop with Ctrl-C"


@pytest.mark.parametrize("form", ["human", "json"])
def test_the_command_logs_one_line_a_request(form: str) -> None:
    """On standard output, as soon as it is answered; in JSON the start is a line as well."""
    with serving("--log-format", form) as serve:
        for _ in range(2):
            assert serve.post(LASTING)[0] == 200
            line = serve.out.wait("activated-existing-customer")
            assert (form == "json") is (line.startswith("{") and json.loads(line)["status"] == 200)
        if form == "json":
            assert json.loads(serve.out.seen[0])["event"] == "started"
