"""Masks: secrets keep their shape, payment account numbers are told from other numbers."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from mockserver import Contract, Engine, Request, load
from mockserver.engine.engine import run_sync
from mockserver.entries.reconstruction import reconstruct
from mockserver.entries.views import entry_details
from mockserver.privacy.account_numbers import is_account_number
from mockserver.privacy.masks import (
    changed_pointers,
    mask_account_numbers,
    mask_account_numbers_in_value,
    mask_at,
    mask_headers,
    mask_text_body,
    masked_pointers,
)
from mockserver.privacy.secrets import Secrets
from tests.support import LASTING, ONCE, PATH, PING, folder, journal

JSON = {"content-type": "application/json"}


def test_secrets_of_a_query_are_masked(contract: Contract) -> None:
    """Also what has no value, which may be a token; the rest of the query stays as it is."""
    masked_target = Engine(contract).masked_target
    assert masked_target("/a\nb", "") == "/a\\x0ab"
    assert masked_target("/a", "pin=48x1&flag&b=%31&x=bar%20baz") == "/a?pin=00x0&xxxx&b=%31&x=bar%20baz"
    number = "4111111111111111"
    assert masked_target("/a", f"{number}=a1&%34{number[1:]}=b") == f"/a?{'0' * 16}=a1&%00{'0' * 15}=b"
    assert masked_target("/a", "q=4111+1111+1111+1111") == "/a?q=0000+0000+0000+0000"


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("4111111111111111", True),
        ("4222222222222", True),
        ("5555555555554444", True),
        ("2223003122003222", True),
        ("378282246310005", True),
        ("6011111111111117", True),
        ("30569309025904", True),
        ("3530111333300000", True),
        ("4111111111111112", False),  # Luhn
        ("5215512345678", False),  # a phone number of Mexico
        ("7000000000000000", False),  # no brand
        ("41111111111111", False),  # no such length
    ],
)
def test_an_account_number_is_recognised_by_brand_length_and_luhn(digits: str, expected: bool) -> None:
    """All three have to fit."""
    assert is_account_number(digits) is expected
    data = f'{{"a": "{digits}", "b": 1}}'.encode()
    assert (mask_account_numbers(data) == data) is not expected
    assert len(mask_account_numbers(data)) == len(data)


def test_digits_within_more_digits_are_no_account_number() -> None:
    """A number is masked as a whole or not at all."""
    assert mask_account_numbers(b"94111111111111111000000") == b"94111111111111111000000"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"a":4111111111111111}', '{"a":1000000000000000}'),
        ("4111111111111111", "0000000000000000"),
        ("4111 1111 1111 1111", "0000 0000 0000 0000"),
        ("3782-822463-10005", "0000-000000-00000"),
        ("2024 4111 1111 1111", "2024 4111 1111 1111"),
        ("05555-5555-5555-4444-3782-822463-10005", "05555-1000-0000-0000-0000-000000-00000"),
        ("4111 1111 1111 1111 4111 1111 1111 1111", "0000 0000 0000 0000 1000 0000 0000 0000"),
        ("1111 2222 3333 4444", "1111 2222 3333 4444"),
        ('{"a": 4111111111111111, "b": "\u0663"}', '{"a": 1000000000000000, "b": "\u0663"}'),
    ],
)
def test_an_account_number_is_found_however_it_is_written(text: str, masked: str) -> None:
    """In groups as well; JSON stays JSON, as no number in it begins with 0."""
    assert mask_account_numbers(text.encode()) == masked.encode()


def test_an_account_number_that_json_hides_is_masked(contract: Contract) -> None:
    """By escapes or an exponent: what is decoded is masked; every member of a repeated name is masked."""
    assert kept_body(contract, rb'{"a":"\u0034111111111111111"}') == b'{"a":"0000000000000000"}'
    assert kept_body(contract, b'{"a":4.111111111111111e15}') == b'{"a":1000000000000000.0}'
    assert kept_body(contract, b'{"a": [1, 41111111111111110E-1]}') == b'{"a":[1,1000000000000000.0]}'
    assert kept_body(contract, b'{"pin":"4821","pin":null}') == b'{"pin":null}'


def kept_body(contract: Contract, data: bytes) -> bytes:
    """The body of a request as the journal has it."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", PATH, data, JSON))
    (entry,) = journal(engine)
    return entry.request.body.data


@pytest.mark.parametrize(
    ("data", "masked"),
    [
        (rb'{"a":"\u0034111111111111111"}', b'{"a":"0000000000000000"}'),
        (rb'["\u0034111111111111111", 1]', b'["0000000000000000", 1]'),
        (rb"[" * 70 + rb'"\u0034111111111111111"' + b"]" * 70, b"[" * 70 + b'"0000000000000000"' + b"]" * 70),
        (rb'{"a":"\u0034111111111111111', b'{"a":"0000000000000000'),
        (rb'["\\u0034111111111111111"]', rb'["\\u0034111111111111111"]'),
        (rb'["\u0022\u005C\u0034 \u0041"]', rb'["\u0022\u005C\u0034 \u0041"]'),
        (rb'[{"p\u0069n":"7391"}]', rb'[{"x\x0000x":"0000"}]'),
    ],
)
def test_an_account_number_in_escapes_is_masked_in_any_body(data: bytes, masked: bytes) -> None:
    """Also in a body that is no object, is cut off, or belongs to an operation without a body."""
    assert mask_text_body(data, Secrets(SECRETS)) == masked


PINS = [
    "4821",
    "48x1",
    "482",
    "48211",
    "ABCD",
    "",
    "    ",
    "４８２１",
    "٤٨٢١",
    "ñandú",
    "4 21",
    "48-1",
    "²³¹⁰",
    "482\n",
]


@pytest.mark.parametrize("pin", PINS)
def test_a_mask_passes_the_same_checks_as_its_secret(pin: str, contract: Contract) -> None:
    """Pattern and length give the same result for the mask, so that the decision can be replayed."""
    engine, path = Engine(contract), contract.operations[0].path
    body = json.dumps({**LASTING, "pin": pin}, ensure_ascii=False).encode()
    first = engine.handle_sync(Request("POST", path, body, {"content-type": "application/json"}))
    (entry,) = journal(engine)
    kept = entry.request.body.data
    assert pin.strip() == "" or pin.encode() not in kept
    assert entry.masked == ("/request/body/value/pin",)
    again = engine.handle_sync(Request("POST", path, kept, {"content-type": "application/json"}))
    assert first.decision is not None
    assert again.decision is not None
    assert again.decision.scenario is first.decision.scenario
    assert again.decision.document.violations == first.decision.document.violations


def test_an_account_number_as_key_is_masked_in_records_and_writes(contract: Contract) -> None:
    """The journal shows it neither as key, in a record, nor as a JSON number."""
    engine, path, number = Engine(contract), contract.operations[0].path, "4111111111111111"
    body = json.dumps({**ONCE, "card_identifier": number, "other": 4111111111111111, "flag": True}).encode()
    for _ in range(2):
        engine.handle_sync(Request("POST", path, body, {"content-type": "application/json"}, {"q": number}))
    engine.handle_sync(Request("POST", f"/nothing/{number}", body))
    for entry in run_sync(engine.storage.entries("")):
        assert number.encode() not in entry.data
    for one in journal(engine):
        shown = entry_details(one, contract.hash, reconstruct(one, contract))
        assert number not in json.dumps(shown, default=str)
        assert shown["masked"]


@pytest.mark.parametrize("where", ["body", "customer", "query"])
def test_an_account_number_as_member_name_is_masked(contract: Contract, where: str) -> None:
    """In warnings, violations, headers and evidence."""
    engine, number = Engine(contract), "4111111111111111"
    body: dict[str, Any] = {**LASTING, "pin": "12a4"}
    within = body.setdefault("customer", {}) if where == "customer" else body
    if where != "query":
        within[number] = 1
    query = {number: "1"} if where == "query" else {}
    reply = engine.handle_sync(Request("POST", PATH, json.dumps(body).encode(), JSON, query))
    assert (number in repr(reply.all_headers)) is (where != "query")  # a client may see what it sent
    (entry,), (kept,) = journal(engine), run_sync(engine.storage.entries(""))
    assert entry.decision is not None
    assert entry.decision.violations
    assert any(warn.keyword == "unknown-member" for warn in entry.decision.warnings) is (where != "query")
    assert number not in json.dumps(entry_details(entry, contract.hash, reconstruct(entry, contract)), default=str)
    assert number.encode() not in kept.data


def test_an_account_number_in_a_violation_is_masked(tmp_path: Path) -> None:
    """A schema may refuse member names that are account numbers."""
    files = {**PING, "ping.yaml": PING["ping.yaml"] + "    query: closed.schema.json\n"}
    files["closed.schema.json"] = json.dumps({"type": "object", "additionalProperties": False})
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    reply = engine.handle_sync(Request("GET", "/v1/ping/a", b"", {}, {"4111111111111111": "1"}))
    assert reply.decision is not None
    assert reply.decision.document.violations
    (entry,), (kept,) = journal(engine), run_sync(engine.storage.entries(""))
    assert entry.decision is not None
    assert "0000000000000000" in repr(entry.decision.violations)
    assert b"4111111111111111" not in kept.data


def test_an_account_number_in_a_seed_is_masked(tmp_path: Path) -> None:
    """In the answer and in the records that were read."""
    seeds = "collections: {cards: {seeds: {CARD-N: {card_id: '4111111111111111'}}}}\n"
    (tmp_path / "seeds.yaml").write_text(f"format: 1\n{seeds}", encoding="utf-8")
    engine = Engine(load(overlays=[tmp_path]))
    for number in range(2):
        body = json.dumps({**LASTING, "card_identifier": "CARD-N", "customer_id": f"{number}"}).encode()
        run_sync(engine.storage.reset_all())
        engine.handle_sync(Request("POST", PATH, body, JSON))
    (entry,), (kept,) = journal(engine), run_sync(engine.storage.entries(""))
    assert b'"0000000000000000"' in entry.reply.body.data
    assert b"4111111111111111" not in kept.data
    assert {"/decision/lookups/card/records/0/view/card_id", "/reply/body/value/payload/card_id"} <= {*entry.masked}


def test_a_refused_request_is_masked_with_the_secrets_of_all_operations(contract: Contract) -> None:
    """A request that reached no operation may hold secrets too."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", "/debit/v1/activate", b'{"pin": "4821", "a": "b1"}'))
    engine.handle_sync(Request("POST", "/debit/v1/activate", b'["pin", "4821"]'))
    text, members = journal(engine)
    assert [one.request.body.data for one in (text, members)] == [b'["xxx", "0000"]', b'{"pin":"0000","a":"b1"}']
    assert (text.masked, members.masked) == (("/request/body/value",), ("/request/body/value/pin",))


def test_secrets_are_masked_in_path_query_and_headers(tmp_path: Path) -> None:
    """Neither the entry nor the facts of its decision hold them."""
    files = {**PING, "ping.yaml": PING["ping.yaml"] + "    sensitive: [path.word, query.again, header.x-one]\n"}
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    reply = engine.handle_sync(
        Request("GET", "/v1/ping/s3cret", b"", {"x-one": "s3cret"}, {"again": "s3cret", "b": "1"})
    )
    assert reply.status == 200
    (entry,), (kept,) = journal(engine), run_sync(engine.storage.entries(""))
    assert b"s3cret" not in kept.data
    assert entry.request.query == {"again": "x0xxxx", "b": "1"}
    assert entry.request.target == "/v1/ping/x0xxxx?again=x0xxxx&b=1"
    places = ("/request/target", "/request/path/word", "/request/query/again", "/request/headers/0/1")
    assert entry.masked == places


SECRETS = (("body", "pin"), ("body", "deep", "secret"), ("body", "list", "*", "s"))


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        ({"a": 1}, {"a": 1}),
        ({"pin": "48x1", "a": "48x1"}, {"pin": "00x0", "a": "48x1"}),
        ({"pin": 1234}, {"pin": 0}),
        ({"pin": {"a": ["b1", None, True]}}, {"pin": {"x": ["x0", None, True]}}),
        ({"pin": {"7391": 1}}, {"pin": {"0000": 0}}),
        ({"deep": {"secret": "x9", "b": 1}}, {"deep": {"secret": "x0", "b": 1}}),
        ({"deep": "secret"}, {"deep": "secret"}),
        ({"list": [{"s": "1"}, {"t": "1"}]}, {"list": [{"s": "0"}, {"t": "1"}]}),
        ({"list": [{"t": "1"}]}, {"list": [{"t": "1"}]}),
    ],
)
def test_secret_members_keep_their_shape(body: Any, masked: Any) -> None:
    """What stands at a secret path is masked, however deep; the rest stays as it is."""
    paths = Secrets(SECRETS).find(body)
    assert mask_at(body, paths) == masked
    places = masked_pointers(body, paths, "/b")
    assert {*places} <= {*PLACES}
    assert (places == []) is (masked == body)
    assert all(
        any(changed == one or changed.startswith(one + "/") for one in places)
        for changed in changed_pointers(body, masked, "/b")
    )


def test_many_secret_members_are_masked_in_one_pass() -> None:
    """A body of tens of thousands takes no longer than it is long: one pass for each would take minutes."""
    body = {f"x{number}": {"y": [1, 2]} for number in range(60_000)}
    began = time.process_time()
    masked = mask_at(body, [(name, "y", 1) for name in body])
    assert time.process_time() - began < 15
    assert masked == {name: {"y": [1, 0]} for name in body}


PLACES = ["/b/pin", "/b/deep/secret", "/b/list/0/s"]


def test_a_secret_equal_to_its_mask_is_listed_as_masked() -> None:
    """A reader does not learn that the value was 0000; null and booleans have no mask."""
    body = {"pin": "0000", "deep": {"secret": None}, "list": [{"s": True}, {"s": ""}, 1]}
    paths = Secrets(SECRETS).find(body)
    assert mask_at(body, paths) == body
    assert masked_pointers(body, paths, "/b") == ["/b/pin", "/b/list/1/s"]
    assert masked_pointers([{"a/b~": "1"}], [(0, "a/b~")], "") == ["/0/a~1b~0"]


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 0}, ["/a"]),
        ({"a": [1, {"b~/": "x"}]}, {"a": [1, {"b~/": "y"}]}, ["/a/1/b~0~1"]),
        ({"41": 1}, {"00": 1}, [""]),
        ([1], [1, 2], [""]),
        (1, True, [""]),
    ],
)
def test_masked_places_are_the_innermost_that_differ(before: Any, after: Any, places: list[str]) -> None:
    """Where a member name is masked, the member that holds it is listed."""
    assert changed_pointers(before, after, "") == places


def test_a_body_that_is_not_json_is_masked() -> None:
    """The text is kept without the secrets in it."""
    assert mask_text_body(b"pin=1234&x", Secrets(SECRETS)) == b"xxx=0000&x"
    assert mask_text_body(b"hello 1", Secrets(SECRETS)) == b"hello 1"


def test_authorization_and_cookies_are_masked() -> None:
    """Header names stay; the values of what identifies somebody keep their shape."""
    headers = {"Authorization-X": "Bearer a1", "Cookie": "s=9", "X-A": "4111111111111111 a", "Y": "caf\udcc3\udca9"}
    masked: list[str] = []
    assert mask_headers(headers.items(), Secrets(), "/request/headers", masked) == (
        ("Authorization-X", "Xxxxxx x0"),
        ("Cookie", "x=0"),
        ("X-A", "4111111111111111 a"),
        ("Y", "café"),
    )
    assert masked == ["/request/headers/0/1", "/request/headers/1/1"]
    assert mask_headers([("Referer", "http://a/b")], Secrets(), "", masked) == (("Referer", "http://a/b"),)
    assert len(masked) == 2
    for name, value, shown in (
        ("Host", "me:pass@h:80", "xx:xxxx@h:80"),
        ("Referer", "http://me:p@ss@h/b@c", "http://xx:x@xx@h/b@c"),
        ("X-Next", "http://me:1@h/?pin=1@2", "http://xx:0@h/?pin=1@2"),
        ("From", "me@h", None),
        ("X-Page", "http://h/@me?a@b", None),
    ):
        masked = []
        assert mask_headers([(name, value)], Secrets(), "", masked) == ((name, shown or value),)
        assert masked == ([] if shown is None else ["/0/1"])
    secrets = Secrets([("header", "x-key")])
    assert mask_headers([("X-Key", "a1"), ("Y", "a1")], secrets, "", []) == (("X-Key", "x0"), ("Y", "a1"))


def test_repeated_headers_are_kept_and_masked_one_by_one(contract: Contract) -> None:
    """Account numbers in values are masked; a value may hold a colon."""
    engine = Engine(contract)
    headers = {"authorization-x": "Bearer a1", "x-a": "4111111111111111 a: b", "x-b": "", "y": "caf\udcc3\udca9"}
    engine.handle_sync(Request("POST", contract.operations[0].path, b"{}", headers))
    (entry,) = journal(engine)
    assert entry.masked == ("/request/headers/0/1", "/request/headers/1/1")
    assert entry.request.headers == (
        ("authorization-x", "Xxxxxx x0"),
        ("x-a", "0000000000000000 a: b"),
        ("x-b", ""),
        ("y", "café"),
    )


def test_account_numbers_are_masked_in_any_json_value() -> None:
    """In names, texts and numbers; a number stays a number."""
    number = 4_111_111_111_111_111
    value = {"a": ["\udcc3", number, 7, True, None, 1.5], f"of {number}": f"{number}"}
    masked = mask_account_numbers_in_value(value)
    assert masked["a"][0] == "\udcc3"
    assert masked["a"][2:] == [7, True, None, 1.5]
    assert isinstance(masked["a"][1], int)
    assert len(str(masked["a"][1])) == len(str(number))
    assert str(number) not in repr(masked)
    assert list(masked) == ["a", "of 0000000000000000"]


def test_an_overlay_can_declare_a_secret(tmp_path: Path) -> None:
    """As the documentation shows, with a key of another name."""
    guide = (Path(__file__).parents[2] / "docs" / "pages" / "reference" / "journal.md").read_text(encoding="utf-8")
    named = re.search(r"`(operations: \{activateCardForCustomer: \{sensitive: .*\}\})`", guide)
    assert named is not None
    (tmp_path / "secrets.yaml").write_text(f"format: 1\n{named[1]}\n", encoding="utf-8")
    engine = Engine(load(overlays=[tmp_path]))
    sent = {"x-signature": "sk_live_123", "authorization-ecommerce": "Bearer abc", "x-trace": "1"}
    engine.handle_sync(Request("POST", PATH, json.dumps({**LASTING, "pin": "1234"}).encode(), {**JSON, **sent}))
    (entry,) = journal(engine)
    assert b'"pin":"0000"' in entry.request.body.data
    kept = {**sent, "x-signature": "xx_xxxx_000", "authorization-ecommerce": "Xxxxxx xxx"}
    assert kept.items() <= dict(entry.request.headers).items()
