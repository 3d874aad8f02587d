"""The bug report: one page of HTML that says all about one request, and does nothing."""

import asyncio
import gzip
import html
import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from mockserver import Engine, load, parse_instant
from mockserver.engine.engine import frozen_clock
from mockserver.engine.reloading import ReloadedContract, serve
from mockserver.reports.translations import TRANSLATIONS, language
from mockserver.server.server import serving
from tests.support import BATCH, ONCE, PATH, PATIENCE, PING, folder, head, problem, raw
from tests.support.tools import skip_without

NASTY = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;"


class Tags(HTMLParser):
    """All tags and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag begins."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        self.text += data


async def report(client: aiohttp.ClientSession, url: str, body: Any, **headers: str) -> str:
    """The report of a request that is sent."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with client.post(url + PATH, data=data, headers=named) as sent:
        entry = sent.headers["Mock-Entry"]
    async with client.get(f"{url}/__admin/requests/{entry}/report") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert "script-src" not in response.headers["Content-Security-Policy"]
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        return await response.text()


async def test_a_report_has_what_a_ticket_needs(client: aiohttp.ClientSession) -> None:
    """Sent, answered, violated, heading and note, time in both forms, versions."""
    engine = Engine(load(), clock=frozen_clock(parse_instant("2025-11-18T17:50:57.960232171Z")))
    async with serving(engine) as url:
        shown = Tags(await report(client, url, {"customer": {"first_name": "A", "last_name": ""}, **ONCE}, X_Id="7"))
        assert "200 activated-customer-id-wins" in shown.text
        body = {"card_identifier": "C", "reference_batch": BATCH, "customer": {"first_name": "A", "last_name": ""}}
        shown = Tags(await report(client, url, body, X_Id="7"))
    for part in (
        "400 4400 last-name-empty",
        "Lastname.",
        "The document gives the hint of the FIRST name here",
        "2025-11-18T11:50:57.960232171-06:00 (2025-11-18T17:50:57.960Z in UTC)",
        engine.contract.hash,
        "body.customer.last_name",
        "expected text that is not only white space",
        '"reference_batch": "' + BATCH,
        "X-Id: 7",
        '"code": 4400',
    ):
        assert part in shown.text, part


async def test_a_report_has_the_language_of_the_reader(url: str, client: aiohttp.ClientSession) -> None:
    """Spanish by `Accept-Language`, English otherwise; texts of the documents stay."""
    advice_by_id = {scenario.id: scenario.client_advice for scenario in load().scenarios}
    async with client.post(url + PATH, json={**ONCE, "reference_batch": ""}) as sent:
        entry = sent.headers["Mock-Entry"]
    for accepted, spoken in [("es-MX,es;q=0.9,en;q=0.8", "es"), ("fr, en;q=0.5, es;q=0.4", "en"), ("", "en")]:
        sent_headers = {"Accept-Language": accepted} if accepted else {}
        async with client.get(f"{url}/__admin/requests/{entry}/report", headers=sent_headers) as response:
            page = await response.text()
            assert (response.headers["Content-Language"], response.headers["Vary"]) == (spoken, "Accept-Language")
        assert f'<html lang="{spoken}">' in page
        for key in ("happened", "sent", "answered", "noticed", "masked"):
            assert TRANSLATIONS[spoken][f"report.{key}"] in Tags(page).text
        for key in ("try.wrong", "entry.again", "source.documented", "trigger.values"):
            assert TRANSLATIONS[spoken][key] in Tags(page).text
        assert "Empty reference batch." in page
        assert TRANSLATIONS[spoken]["outcomes.advice"] in page
        advice = advice_by_id["reference-batch-empty"]
        assert html.escape(advice.text(spoken)) in page
        assert TRANSLATIONS[spoken]["retry.after-change"] in page


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("es", "es"),
        ("ES-419", "es"),
        ("en;q=0.4, es;q=0.5", "es"),
        ("es;q=0.5, en", "en"),
        ("es;q=0", "en"),
        ("es;q=two", "en"),
        ("es;q=0.٥", "en"),
        ("es;level=1", "en"),
        ("*, de", "en"),
        ("espan", "en"),
        (",;=", "en"),
    ],
)
def test_the_preferred_language_wins(accepted: str, spoken: str) -> None:
    """The first of the highest weight; unreadable weights count nothing."""
    assert language(accepted) == spoken


def test_the_languages_have_the_same_texts() -> None:
    """Keys and places to fill are equal."""
    assert list(TRANSLATIONS["en"]) == list(TRANSLATIONS["es"])
    for key, text in TRANSLATIONS["en"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", TRANSLATIONS["es"][key])), key


async def test_a_report_words_what_was_wrong_in_spanish(url: str, client: aiohttp.ClientSession) -> None:
    """Violations, warnings, the conditions that held, and a problem."""
    body = {**ONCE, "pin": "48a", "custmer_id": "1"}
    for number, (sent, headers, words) in enumerate(
        [
            (body, {}, ["body.pinse esperaba: solo dígitos; se recibió: otro texto", "¿quiso decir customer_id?"]),
            (ONCE, {}, ["Porquecustomer (Clientes) está presente"]),
            (
                ONCE,
                {"Mock-Scenario": "provider-communication"},
                ["Nota. El documento da un texto", "Supuesto authenticationNo se exige autenticación."],
            ),
            (ONCE, {"Mock-Scenario": "no-such"}, ["No existe ese escenario", "no es una respuesta"]),
        ],
        1,
    ):
        async with client.post(f"{url}/sandbox/es{PATH}", json=sent, headers=headers):
            pass
        where = f"{url}/sandbox/es/__admin/requests/{number}/report"
        async with client.get(where, headers={"Accept-Language": "es-MX"}) as response:
            text = Tags(await response.text()).text
        assert [one for one in words if one not in text] == [], text


@pytest.mark.parametrize(
    ("accepted", "words"),
    [
        (
            "en",
            [
                "Record written by#1",
                "by state: a record that an earlier request wrote",
                "Records, before and after",
                "Cards CARD-001 · unchanged",
                'status"activated""activated"',
                "Originwrittenwritten",
            ],
        ),
        (
            "es",
            [
                "Registro escrito por#1",
                "por estado: un registro que escribió una solicitud anterior",
                "Registros, antes y después",
                "Tarjetas CARD-001 · sin cambios",
                "Origenescritoescrito",
            ],
        ),
    ],
)
async def test_a_report_shows_the_cause_and_the_records(
    url: str, client: aiohttp.ClientSession, accepted: str, words: list[str]
) -> None:
    """The entry that wrote the record, and what the request found and wrote, as the console does."""
    for _ in range(2):
        async with client.post(url + PATH, json=ONCE):
            pass
    pages = []
    for number in (1, 2):
        headers = {"Accept-Language": accepted}
        async with client.get(f"{url}/__admin/requests/{number}/report", headers=headers) as response:
            pages.append(Tags(await response.text()).text.replace("\n", ""))
    first, second = pages
    assert [one for one in words if one not in second] == [], second
    assert 'status"issued""activated"' in first
    assert words[0] not in first


@pytest.mark.parametrize(
    ("accepted", "words"),
    [
        ("en", "by state: a record that was written before, by hand or from a snapshot"),
        ("es", "por estado: un registro escrito antes, a mano o desde una copia"),
    ],
)
async def test_a_report_says_that_no_request_wrote_a_record(
    url: str, client: aiohttp.ClientSession, accepted: str, words: str
) -> None:
    """Of a record that came through the admin API."""
    async with client.put(f"{url}/__admin/state/cards/HAND-2", json={"status": "activated"}) as response:
        assert response.status == 200
    async with client.post(url + PATH, json={**ONCE, "card_identifier": "HAND-2"}):
        pass
    headers = {"Accept-Language": accepted}
    async with client.get(f"{url}/__admin/requests/1/report", headers=headers) as response:
        text = Tags(await response.text()).text
    assert words in text
    assert "400 4433 card-already-activated" in text


async def test_everything_in_a_report_is_escaped(url: str, client: aiohttp.ClientSession) -> None:
    """Members, keys, headers and bodies that are no JSON."""
    plain = Tags(await report(client, url, {"card_identifier": "C", "reference_batch": ""}))
    for body in ({NASTY: NASTY, "reference_batch": ""}, NASTY.encode(), b'{"\xff'):
        page = await report(client, url, body, X_Nasty=NASTY, Mock_Scenario="rfc-invalid")
        found = Tags(page)
        assert found.tags <= plain.tags | {"ul", "li"}
        assert not found.tags & {"script", "img", "link", "iframe"}
        assert found.attributes <= {"lang", "charset", "http-equiv", "content", "name", "scope"}
        assert not re.search(r"(?:href|src|url)\s*[=(]", page.replace(html.escape(NASTY), "").split("<body>")[0])
        assert isinstance(body, dict) or body != NASTY.encode() or NASTY in found.text


async def test_secrets_are_masked_in_a_report(url: str, client: aiohttp.ClientSession) -> None:
    """In the request and in the curl line; every masked value says so."""
    body = {**ONCE, "pin": "4821", "more": [{"PIN": "4821", "empty": []}]}
    page = await report(client, f"{url}", body, Authorization_ecommerce="s3cret-value")
    assert "4821" not in page
    assert "s3cret-value" not in page
    text = Tags(page).text
    assert '  "pin": "0000" (masked),\n' in text
    assert '      "PIN": "0000" (masked),\n      "empty": []\n' in text
    assert "Authorization-ecommerce: x0xxxx-xxxxx (masked)\n" in text
    async with client.post(f"{url}{PATH}?pin=4821", data=b"pin=4821") as response:
        entry = response.headers["Mock-Entry"]
    async with client.get(f"{url}/__admin/requests/{entry}/report", headers={"Accept-Language": "es"}) as response:
        text = Tags(await response.text()).text
    assert f"POST {PATH}?pin=0000 (oculto)" in text
    assert "xxx=0000 (oculto)" in text


async def test_the_curl_line_of_a_report_gets_the_same_answer(url: str, client: aiohttp.ClientSession) -> None:
    """The status and body of the report."""
    skip_without("curl")
    body = {**ONCE, "reference_batch": "", "device_id": "it's; $(here) @x\n"}
    shown = Tags(await report(client, f"{url}/sandbox/again", body)).text
    command = shown[shown.index("curl -i ") :].strip()
    curl = await asyncio.create_subprocess_exec(*shlex.split(command), "-s", stdout=asyncio.subprocess.PIPE)
    printed, _ = await asyncio.wait_for(curl.communicate(), PATIENCE)
    assert b"Mock-Scenario: reference-batch-empty" in printed
    async with client.get(f"{url}/sandbox/again/__admin/requests?limit=1") as response:
        newest = (await response.json())["requests"][0]
    async with client.get(f"{url}/sandbox/again/__admin/requests/{newest['id']}") as response:
        assert (await response.json())["request"]["body"] == body


async def test_a_problem_has_a_report(url: str, client: aiohttp.ClientSession) -> None:
    """An unknown entry has none."""
    page = await report(client, url, {}, Mock_Scenario="rfc-invald")
    assert "400 unknown-scenario" in Tags(page).text
    async with client.get(f"{url}/__admin/requests/999/report") as response:
        assert response.status == 404
        assert problem(await response.read())["type"].endswith(":unknown-entry")


@pytest.mark.parametrize("fault", ["reset; commit=true", "gateway; status=503"])
async def test_a_report_shows_faults_and_delays(url: str, client: aiohttp.ClientSession, fault: str) -> None:
    """And whether the writes were kept."""
    try:
        async with client.post(url + PATH, json=ONCE, headers={"Mock-Fault": fault, "Mock-Delay": "2ms"}):
            pass
    except aiohttp.ClientError:
        pass
    async with client.get(f"{url}/__admin/requests/1/report") as response:
        text = Tags(await response.text()).text
    async with client.get(f"{url}/__admin/requests/1/report", headers={"Accept-Language": "es"}) as response:
        spanish = Tags(await response.text()).text
    name = {"reset": "conexión cortada (reset)", "gateway": "proxy (gateway)"}[fault.partition(";")[0]]
    assert name in spanish
    assert fault.partition(";")[0] in text
    assert ("what it changed was kept" in text) is ("commit" in fault)
    assert "2 ms" in text
    assert "answer lost activated-existing-customer" in text
    assert "The client did not get this answer: " in text
    assert ("a retry finds it done" in text) is ("commit" in fault)
    assert TRANSLATIONS["en"]["report.answered"] not in text
    assert TRANSLATIONS["en"]["report.not_arrived"] in text
    assert TRANSLATIONS["en"]["outcomes.advice"] not in text
    assert "RetryNone yet among the next 1,000 requests" in text
    assert "ReintentoAún no hay ninguno entre las 1000 solicitudes siguientes" in spanish


async def test_reports_of_a_lost_answer_and_its_retry_name_each_other(client: aiohttp.ClientSession) -> None:
    """With the time between, how the retry was answered, and that hidden values were not compared."""
    now = [0]
    engine = Engine(load(), clock=lambda: now[0])
    async with serving(engine) as url:
        body = {**ONCE, "pin": "1234"}
        await report(client, url, body, Mock_Fault="gateway; commit=true")
        now[0] += 1_200_000_000
        repeated = Tags(await report(client, url, body)).text
        spanish = {"Accept-Language": "es"}
        async with client.get(f"{url}/__admin/requests/1/report", headers=spanish) as response:
            lost = Tags(await response.text()).text
    masked = "hidden values were not compared"
    assert f"Retry of#1 · after 1200 ms · answer lost · activated-existing-customer · {masked}\n" in repeated
    assert "Reintento#2 · tras 1200 ms · 400 · 4433 · card-already-activated · los valores ocultos no se" in lost


async def test_the_curl_line_has_a_method_where_curl_needs_one(url: str, client: aiohttp.ClientSession) -> None:
    """GET without a body needs no -X; DELETE does."""
    for number, (method, words) in enumerate([("GET", ""), ("DELETE", " -X DELETE")], 1):
        async with client.request(method, f"{url}/nothing"):
            pass
        async with client.get(f"{url}/__admin/requests/{number}/report") as response:
            text = Tags(await response.text()).text
        assert f"curl -i {url}/nothing{words}" in text
        assert (" -X" in text, "--data-raw" in text) == (bool(words), False)


async def test_a_masked_trace_id_is_named_by_its_header(url: str, client: aiohttp.ClientSession) -> None:
    """The member `trace` of the entry repeats it."""
    shown = Tags(await report(client, url, ONCE, traceparent=f"00-{'4111111111111111':a<32}-{'1':0>16}-01")).text
    assert "Maskedheader.traceparent" in shown


async def test_a_report_names_masked_places_and_the_contract(client: aiohttp.ClientSession, tmp_path: Path) -> None:
    """The contract only where another one is served now."""
    engine = Engine(load())
    before, other = engine.contract.hash, load(overlays=[folder(tmp_path / "overlay", PING)])
    async with serving(engine) as url:
        assert '<th scope="row">Masked' not in await report(client, url, ONCE)
        shown = Tags(await report(client, url, {**ONCE, "pin": "1234"}, Authorization_X="Bearer a")).text
        assert "Maskedheader.Authorization-X, body.pin" in shown
        assert f"contract {before}\n" in shown
        await serve(engine, ReloadedContract(other), other.settings)
        for spoken, words in (("en", f"contract {before}; {other.hash} is served now"), ("es", "Ocultoheader.")):
            async with client.get(f"{url}/__admin/requests/2/report", headers={"Accept-Language": spoken}) as response:
                assert words in Tags(await response.text()).text


@pytest.mark.parametrize(
    ("request_line", "headers", "body", "command"),
    [
        ("HEAD /nothing", (), b"", "curl -I {url}/nothing"),
        ("GET /a/../b/./%2e%2E", (), b"", "curl -i {url}/a/../b/./.. --path-as-is"),
        ("GET /a..b/.c?x=/../", (), b"", "curl -i '{url}/a..b/.c?x=%2F..%2F'"),
        ("GET /x[1-3]{b}", (), b"", "curl -i '{url}/x[1-3]{b}' --globoff"),
        (
            "POST /x",
            ("Content-Encoding: gzip", "Content-Type: text/plain", "X-Empty:"),
            gzip.compress(b"hello", mtime=0),
            "curl -i {url}/x -H 'Content-Type: text/plain' -H 'X-Empty;' --data-raw hello",
        ),
        ("POST /x", (), b"hello", "curl -i {url}/x -H Content-Type: --data-raw hello"),
    ],
)
async def test_the_curl_line_sends_what_was_sent(
    url: str, client: aiohttp.ClientSession, request_line: str, headers: tuple[str, ...], body: bytes, command: str
) -> None:
    """Path and query as they are, the method, the body unpacked, and no header that curl would add."""
    method, path = request_line.split()
    sent = head(method, path, *headers, "Connection: close", length=len(body) or None)
    await raw(url, sent.replace(b"Host: localhost", f"Host: {urlsplit(url).netloc}".encode()) + body)
    async with client.get(f"{url}/__admin/requests/1/report") as response:
        text = Tags(await response.text()).text
    assert text[text.index("curl -") :].strip() == command.replace("{url}", url)


async def test_a_run_time_scenario_has_not_the_advice_of_the_one_that_it_replaces(
    url: str, client: aiohttp.ClientSession
) -> None:
    """Nor is there any where the mock refused, or the scenario's file gives none."""
    text = "documented: x\nwhen: {body.card_identifier: C}\nrespond: {error: {code: 4433, hints: [x]}}\n"
    async with client.put(f"{url}/__admin/scenarios/card-already-activated", data=text) as put:
        assert put.status == 201
    page = await report(client, url, {**ONCE, "card_identifier": "C"})
    assert "card-already-activated" in page
    assert TRANSLATIONS["en"]["outcomes.advice"] not in page
    refused = await report(client, url, ONCE, Mock_Scenario="no-such")
    assert TRANSLATIONS["en"]["outcomes.advice"] not in refused
