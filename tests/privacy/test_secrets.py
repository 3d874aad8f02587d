"""What is secret: by its place, by its name in any spelling, in any depth."""

import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, Engine, Request, load
from mockserver.engine.engine import run_sync
from mockserver.engine.explaining import explanation_json
from mockserver.entries.bundle import bundle, replay
from mockserver.privacy import masks as privacy_masks
from mockserver.privacy import secrets as privacy
from mockserver.privacy.masks import mask_text_body
from mockserver.privacy.secrets import Secrets
from mockserver.server.server import serving
from tests.support import LASTING, ONCE, PATH, PING, explain, folder, journal

JSON = {"content-type": "application/json"}
BODY = Secrets(
    [("body", "pin"), ("body", "card", "password"), ("body", "extra", "*"), ("body", "rows", "*", "code")],
    [("body", "pin"), ("body", "card", "password"), ("body", "pins_left"), ("body", "extra"), ("body", "extra", "note")]
    + [("body", "phone"), ("body", "phone", "code"), ("query", "code"), ("query", "page")],
)


@pytest.mark.parametrize(
    "name",
    [
        "pin",
        "PIN",
        "Pin",
        "pin ",
        " pin",
        "p-i-n",
        "customer.pin",
        "newPin",
        "PIN_2",
        "ｐｉｎ",
        "pinn",
        "pni",
        "userpin",
    ],
)
def test_names_of_secrets_match_in_any_spelling(name: str) -> None:
    """Without case, with blanks trimmed, as a word of a longer name, and nearly spelt; at any depth."""
    assert BODY.find({name: "7391"}) == [(name,)]
    assert BODY.find({"x": [{"y": {name: "7391"}}]}) == [("x", 0, "y", name)]
    assert BODY.is_secret_query_parameter(name)
    assert BODY.covers("body", ("x", name))


@pytest.mark.parametrize("name", ["points", "shipping", "note", "phone", "pins_left", "opinion", "", "-", "7"])
def test_other_names_are_no_secrets(name: str) -> None:
    """Neither what only looks a little like one, nor what the contract declares."""
    assert BODY.find({name: "7391"}) == []


def test_places_are_secret_as_the_contract_marks_them() -> None:
    """In lists as well; `*` is any name that is not declared; what is declared elsewhere is no secret."""
    assert BODY.find({"rows": [{"code": 1}, {"other": 1}]}) == [("rows", 0, "code")]
    assert BODY.find({"extra": {"a": 1, "note": 2}}) == [("extra", "a")]
    assert BODY.find({"phone": {"code": "+52"}}) == []
    assert BODY.find({"pin": None, "card": {"password": True}}) == [("pin",), ("card", "password")]
    assert Secrets([("body",)]).find({"a": 1}) == [()]
    assert not BODY.is_secret_query_parameter("code")
    assert not BODY.is_secret_query_parameter("pins_left")


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [
        ('{"pin": "7391"}', True),
        (' [{"PIN": 1}]', True),
        (r'"{\"pin\": 1}"', True),
        ('{"pin": "7391', True),
        ('{"shipping": "a"}', False),
        ("my pin is 7391", False),
        ('"pin"', False),
        ("{", False),
        ("", False),
    ],
)
def test_a_text_that_is_json_is_searched(value: str, is_secret: bool) -> None:
    """A secret's name as a member inside it makes the whole text a secret, wherever the text stands."""
    assert BODY.find({"note": value}) == ([("note",)] if is_secret else [])
    assert BODY.find({"more": [value]}) == ([("more", 0)] if is_secret else [])


def test_nothing_is_secret_by_name_where_nothing_is_marked() -> None:
    """Headers are all the same."""
    nothing = Secrets()
    assert nothing.find({"pin": "1", "a": '{"pin": 1}', "b": [{"pin": 1}]}) == []
    assert not nothing.bytes_may_have_secret(b"pin=1")
    assert not nothing.is_secret_query_parameter("pin")
    assert nothing.is_secret_query_parameter("authorization")
    assert nothing.is_secret_query_parameter("access_token")
    assert not Secrets(declared=[("query", "token")]).is_secret_query_parameter("token")
    assert nothing.covers("header", ())


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *[(name, True) for name in ("Authorization", "authorization-x", "Proxy-Authorization", "Cookie", "Set-Cookie")],
        *[(name, True) for name in ("X-Authorization", "X-Api-Key", "X-Auth-Token", "X-Amz-Security-Token", "Referer")],
        *[(name, True) for name in ("Pin", "X-Pin", "P-I-N")],
        *[(name, True) for name in ("Api-Key", "X-Access-Token")],
        *[(name, False) for name in ("X-Request-Id", "Pinned", "Host", "X-New-Pin-Count")],
    ],
)
def test_headers_are_secret_by_default_and_by_the_name_of_a_secret(name: str, is_secret: bool) -> None:
    """Asked again they are the same."""
    for _ in range(2):
        assert BODY.is_secret_header(name) is is_secret


def test_a_header_is_as_secret_with_x_before_its_name_as_without() -> None:
    """Whichever of both the contract marks."""
    for marked in ("X-Signature", "Signature"):
        secrets = Secrets([("header", marked.lower())])
        assert all(map(secrets.is_secret_header, ("Signature", "X-Signature", "x-SIGNATURE")))
        assert not secrets.is_secret_header("X-Signatures")


def test_few_header_names_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client may send any number of them."""
    monkeypatch.setattr(privacy, "MAX_CACHED_HEADER_NAMES", 2)
    secrets = Secrets()
    assert [secrets.is_secret_header(name) for name in ("a", "cookie", "b", "cookie-2")] == [False, True, False, True]
    assert len(secrets._headers) == 2


def test_a_body_of_many_undeclared_names_is_secret_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing spellings takes time; a body of thousands of names is masked without."""
    monkeypatch.setattr(privacy, "MAX_CHECKED_NAMES", 2)
    assert BODY.find({"a": 1, "b": 1, "c": 1, "phone": {}}) == [()]
    assert BODY.find(["{", "{", "{", "plain"]) == [(2,)]
    assert BODY.find(['{"a": ["{", "{"]}', "{}"]) == [(0,), (1,)]
    assert BODY.covers("body", (".".join("abcdefghijklmnopqrstuvwxyz"),))


@pytest.mark.parametrize(
    "data", [b"p%69n=7391", b"a=1&PIN=1", b"a=1&pni=1", b"a=1&p+i+n=2", b'["pin", 1]', b'[{"pni": 1}]']
)
def test_bodies_that_are_no_objects_are_searched(data: bytes) -> None:
    """Form-encoded ones by the names as they are meant."""
    assert BODY.bytes_may_have_secret(data)
    assert b"7391" not in mask_text_body(data, BODY)


@pytest.mark.parametrize("data", [b"a=1&b=2", b"[1, {}]", b'"a"', b"7", b"pni", b""])
def test_bodies_without_a_name_of_a_secret_are_kept(data: bytes) -> None:
    """As they are."""
    assert mask_text_body(data, BODY) == data


@pytest.mark.parametrize(
    ("root", "steps", "expected"),
    [
        ("body", (), True),
        ("body", ("card",), True),
        ("body", ("card", "password", "x"), True),
        ("body", ("rows", "0", "code"), True),
        ("body", ("rows", "code"), True),
        ("body", ("phone", "code"), False),
        ("query", ("page",), False),
        ("query", ("PIN",), True),
        ("query", ("access_token",), True),
        ("query", (), True),
        ("path", ("pin",), True),
        ("thing", ("pin",), False),
        ("header", ("cookie",), True),
    ],
)
def test_a_place_covers_a_secret(root: str, steps: tuple[str, ...], expected: bool) -> None:
    """It is one, lies in one or holds one."""
    assert BODY.covers(root, steps) is expected


# -- where secrets are not shown ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        *({**LASTING, name: "S3CR3T"} for name in ("PIN", "Pin", "pin ", "customer.pin")),
        {**LASTING, "x": {"pin": "S3CR3T"}},
        {**LASTING, "x": '{"pin": "S3CR3T"}'},
    ],
)
def test_no_spelling_shows_a_secret_in_the_journal(contract: Contract, body: dict[str, Any]) -> None:
    """The entry says where something was masked."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", PATH, json.dumps(body).encode(), JSON))
    (entry,) = journal(engine)
    assert b"S3CR3T" not in entry.request.body.data
    (place,) = entry.masked
    assert place.startswith("/request/body/value/")


@pytest.mark.parametrize("data", [b'{"x":{"pin":"S3CR3T"},"x":1}', b'{"pin":"S3CR3T","pin":1}', b"p%69n=S3CR3T"])
def test_a_member_that_comes_twice_shows_no_secret(contract: Contract, data: bytes) -> None:
    """The last one counts, and the first is not kept."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", PATH, data, JSON))
    (entry,) = journal(engine)
    assert b"S3CR3T" not in entry.request.body.data


def test_only_secrets_of_a_query_are_masked(contract: Contract) -> None:
    """So that the curl line of a report is answered by the same scenario."""
    engine = Engine(contract)
    query = {"x": "bar baz", "page": "2", "pin": "1234", "S3CR3T": "", "card": "4111 1111 1111 1111"}
    engine.handle_sync(Request("POST", PATH, b"{}", JSON, query))
    (entry,) = journal(engine)
    assert entry.request.target == f"{PATH}?x=bar+baz&page=2&pin=0000&X0XX0X&card=0000+0000+0000+0000"
    assert entry.request.query == {
        "x": "bar baz",
        "page": "2",
        "pin": "0000",
        "X0XX0X": "",
        "card": "0000 0000 0000 0000",
    }
    places = ["/request/target", *(f"/request/query/{name}" for name in ("pin", "X0XX0X", "card"))]
    assert [*entry.masked] == places


def test_a_parameter_without_a_value_that_a_condition_names_is_kept(tmp_path: Path) -> None:
    """The decision rests on it."""
    files = {**PING, "flag.yaml": FLAG}
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    engine.handle_sync(Request("GET", "/v1/ping/a", b"", {}, {"again": "", "TOKEN": ""}))
    (entry,) = journal(engine)
    assert entry.request.target == "/v1/ping/a?again&XXXXX"


FLAG = """\
format: 1
operation: ping
scenarios:
- scenario: flagged
  documented: Flagged.
  when: {any: [{query.again: present}, {query.more: present}]}
  respond: {success: {}}
"""


def test_a_secret_parameter_that_a_condition_names_stays_secret(tmp_path: Path) -> None:
    """A scenario may ask whether it is there; its value is masked all the same."""
    files = {**PING, "flag.yaml": FLAG.replace("query.more", "query.token")}
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    engine.handle_sync(Request("GET", "/v1/ping/a", b"", {}, {"token": "S3CR3T"}))
    (entry,) = journal(engine)
    assert entry.request.target == "/v1/ping/a?token=X0XX0X"
    assert engine.masked_target("/v1/ping/a", "token=S3CR3T&again=1") == "/v1/ping/a?token=X0XX0X&again=1"


def test_a_query_in_a_text_is_searched(contract: Contract) -> None:
    """Of a URL to return to, in a parameter or a header; a text without a secret stays as it is."""
    engine = Engine(contract)
    masked_target = engine.masked_target
    assert masked_target("/a", "next=%2Fb%3Fpin%3D7391&x=1;pin=7391") == "/a?next=%0Xx%0Xxxx%0X0000&x=0;xxx=0000"
    assert masked_target("/a", "next=%2Fb%3Fpage%3D2&z=YWI%3D") == "/a?next=%2Fb%3Fpage%3D2&z=YWI%3D"
    headers = {"x-original-url": "/b?pin=7391", "x-other": "/b?page=2", "referer": "/c"}
    engine.handle_sync(Request("POST", PATH, b"{}", headers))
    (entry,) = journal(engine)
    assert entry.first_headers == {"x-original-url": "/b?xxx=0000", "x-other": "/b?page=2", "referer": "/c"}
    assert "/request/headers/0/1" in entry.masked


def test_a_query_of_too_many_parameters_is_masked_as_a_whole(contract: Contract) -> None:
    """To compare all their names would take too long."""
    engine = Engine(contract)
    query = {f"x{number}": "7" for number in range(privacy_masks.MAX_PARAMETERS + 1)}
    engine.handle_sync(Request("POST", PATH, b"{}", JSON, query))
    (entry,) = journal(engine)
    assert set(entry.request.query.values()) == {"0"}


@pytest.mark.parametrize(
    "body",
    [
        {**ONCE, "customer_id": '{"pin": "7391"}'},
        {**ONCE, "customer": {"first_name": "A", "last_name": "B", "pin": "7391"}},
    ],
)
def test_no_answer_record_or_explanation_shows_a_secret(tmp_path: Path, body: dict[str, Any]) -> None:
    """What a template takes from a request, and what it writes, is masked; so that an entry replays."""
    contract = load(overlays=[folder(tmp_path / "overlay", {"echo.yaml": ECHO})])
    engine = Engine(contract)
    request = Request("POST", PATH, json.dumps(body).encode(), JSON)
    replies = [engine.handle_sync(request) for _ in range(2)]
    (first, _) = entries = run_sync(engine.storage.entries(""))
    sandbox = run_sync(engine.storage.use_sandbox(""))
    assert sandbox is not None
    shown = json.dumps(explanation_json(request, explain(engine, request)))
    told = [*(reply.body for reply in replies), *(entry.data for entry in entries), shown.encode()]
    assert all(b"7391" not in text for text in told)
    assert "7391" not in repr({name: {**records} for name, records in run_sync(sandbox.state()).records.items()})
    assert b"0000" in replies[0].body
    assert replay(json.loads(json.dumps(bundle(first.data))), contract).differences == ()


ECHO = """\
format: 1
operation: activateCardForCustomer
scenarios:
- scenario: echo
  assumed: [method]
  when: {body.device_id: absent, card.status: issued}
  respond: {error: {code: 1, hints: [{first_of: ["${body.customer}", "${body.customer_id}", none]}]}}
  then: {card: {status: activated, card_id: "${body.customer_id}"}}
"""


def test_an_explanation_masks_the_value_of_a_secret_header(tmp_path: Path) -> None:
    """A condition may ask whether it is there."""
    flag = FLAG.replace("{any: [{query.again: present}, {query.more: present}]}", "{header.cookie: absent}")
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", {**PING, "flag.yaml": flag})]))
    request = Request("GET", "/v1/ping/a", b"", {"cookie": "S3CR3T"})
    shown = json.dumps(explanation_json(request, explain(engine, request)))
    assert "X0XX0X" in shown
    assert "S3CR3T" not in shown


async def test_secrets_of_paths_and_headers_are_masked_where_the_mock_refuses(tmp_path: Path) -> None:
    """A body that is too large, another method: in the entry and in the access log."""
    files = {**PING, "ping.yaml": PING["ping.yaml"] + "    sensitive: [path.word, header.x-one]\n"}
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    lines: list[str] = []
    async with (
        serving(engine, log=lambda record: lines.append(record.target)) as url,
        aiohttp.ClientSession() as client,
    ):
        for method, prefix in (("GET", ""), ("DELETE", "/sandbox/a")):
            body = io.BytesIO(b"x" * (engine.settings.max_body + 1))
            headers = {"X-One": "s3cret", "Referer": "http://a/b?c=s3cret"}
            async with client.request(method, f"{url}{prefix}/v1/ping/s3cret", data=body, headers=headers) as response:
                assert response.status in (405, 413)
    assert lines == ["/v1/ping/x0xxxx", "/sandbox/a/v1/ping/x0xxxx"]
    for sandbox in ("", "a"):
        (entry,) = journal(engine, sandbox)
        assert "s3cret" not in repr(entry)
        assert "http://a/b?x=x0xxxx" in dict(entry.request.headers).values()
        assert entry.masked[0] == "/request/target"


def test_a_path_that_only_begins_like_that_of_an_operation_is_masked(tmp_path: Path) -> None:
    """With a line too much or a misspelling, in the entry and in the answer; paths of other operations are not."""
    files = {**PING, "ping.yaml": PING["ping.yaml"] + "    sensitive: [path.word]\n"}
    other = PING["ping.yaml"].replace("ping:", "pong:").replace("/v1/ping/{word}", "/v1/ping/{a}/pong")
    files["other.yaml"] = other
    files["other.scenarios.yaml"] = (
        PING["ping.scenarios.yaml"].replace("operation: ping", "operation: pong").replace("path: {word", "path: {a")
    )
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    masked_target = engine.masked_target
    assert masked_target("/v1/ping/s3cret/", "") == "/v1/ping/x0xxxx/"
    assert masked_target("//v1/ping//s3cret/png", "") == "//v1/ping//x0xxxx/png"
    assert masked_target("/sandbox/a/v1/ping/s3cret/x", "") == "/sandbox/a/v1/ping/x0xxxx/x"
    assert masked_target("/v1/ping/b/pong", "") == "/v1/ping/b/pong"
    assert masked_target(PATH, "") == PATH
    reply = engine.handle_sync(Request("GET", "/v1/ping/s3cret/"))
    (entry,) = journal(engine)
    assert b"s3cret" not in reply.body
    assert "s3cret" not in repr(entry)


def test_a_secret_in_a_schema_of_any_name_is_masked(tmp_path: Path) -> None:
    """`writeOnly` below `additionalProperties` and `patternProperties`."""
    secret = {"type": "string", "writeOnly": True}
    schema = {
        "properties": {
            "keys": {"additionalProperties": secret, "properties": {"note": {}}},
            "more": {"patternProperties": {"^s": secret}},
        }
    }
    files = {
        **PING,
        "ping.yaml": PING["ping.yaml"].replace("GET /v1", "POST /v1") + "    body: closed.schema.json\n",
        "closed.schema.json": json.dumps(schema),
    }
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    body = {"keys": {"a": "S3CR3T", "note": "N0TE"}, "more": {"s1": "S3CR3T"}}
    engine.handle_sync(Request("POST", "/v1/ping/a", json.dumps(body).encode(), JSON))
    (entry,) = journal(engine)
    assert b"S3CR3T" not in entry.request.body.data
    assert b"N0TE" in entry.request.body.data
