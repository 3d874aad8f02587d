"""Masks: secrets keep their shape, payment account numbers are told from other numbers."""

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from mockserver.engine.recording import LONGEST_HEAD, MOST_HEADS, Recorder
from support import LASTING, ONCE, PATH, PING, folder

from mockserver import Contract, Engine, Reply, Request, frozen, load
from mockserver.core.masks import (
    headers_text,
    is_account_number,
    mask_numbers,
    masked_body,
    masked_target,
    read_object,
    without_numbers,
)
from mockserver.core.model import MISSING, Record
from mockserver.core.problems import no_http
from mockserver.engine.views import row, whole

JSON = {"content-type": "application/json"}


def test_what_a_journal_keeps_takes_the_memory_of_its_bytes() -> None:
    """The JSON library gives 4 KB for each text; a masked body and a problem are kept by the thousand."""

    def some() -> list[bytes]:
        kept = [masked_body(b'{"pin": "1234"}', {"pin": "1234"}, [("pin",)]) for _ in range(100)]
        return kept + [no_http("A line ends too early.").body for _ in range(100)]

    some()  # what is made once is not counted
    tracemalloc.start()
    try:
        kept = some()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept[0] == b'{"pin":"0000"}'
    assert taken < sum(map(len, kept)) + 100 * len(kept)


def test_a_query_is_masked_in_shape() -> None:
    """The path stays, what the query holds keeps its shape alone."""
    assert masked_target("/a\nb", "") == "/a\\x0ab"
    assert masked_target("/a", "pin=48x1&flag&b=%31") == "/a?pin=00x0&xxxx&b=%00"
    number = "4111111111111111"
    assert masked_target("/a", f"{number}=a1&%34{number[1:]}=") == f"/a?{'0' * 16}=x0&%00{'0' * 15}="
    assert masked_target("/a/se1/b", "", ["se1"]) == "/a/xx0/b"


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
def test_an_account_number_is_told_by_brand_length_and_luhn(digits: str, expected: bool) -> None:
    """All three have to fit."""
    assert is_account_number(digits) is expected
    data = f'{{"a": "{digits}", "b": 1}}'.encode()
    assert (mask_numbers(data) == data) is not expected
    assert len(mask_numbers(data)) == len(data)


def test_digits_within_more_digits_are_no_account_number() -> None:
    """A number is masked as a whole or not at all."""
    assert mask_numbers(b"94111111111111111000000") == b"94111111111111111000000"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"a":4111111111111111}', '{"a":1000000000000000}'),
        ("4111111111111111", "0000000000000000"),
        ("4111 1111 1111 1111", "0000 0000 0000 0000"),
        ("3782-822463-10005", "0000-000000-00000"),
        ("2024 4111 1111 1111", "2024 4111 1111 1111"),
        ("1111 2222 3333 4444", "1111 2222 3333 4444"),
    ],
)
def test_an_account_number_is_found_however_it_is_written(text: str, masked: str) -> None:
    """In groups as well; JSON stays JSON, as no number in it begins with 0."""
    assert mask_numbers(text.encode()) == masked.encode()


def test_a_number_written_in_escapes_is_found() -> None:
    """What JSON says is masked, not how it says it; a member that stands there twice is masked twice."""
    data = rb'{"a":"\u0034111111111111111"}'
    assert masked_body(data, json.loads(data), ()) == b'{"a":"0000000000000000"}'
    data = b'{"pin":"4821","pin":null}'
    assert masked_body(data, json.loads(data), SECRETS) == b'{"pin":null}'


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
def test_what_is_written_in_escapes_is_found_where_no_object_was_read(data: bytes, masked: bytes) -> None:
    """An operation may ask for no body; a body may be no object, or break off. What shows nothing stays as it is."""
    assert masked_body(data, MISSING, SECRETS) == masked


def test_a_body_that_nobody_read_is_masked_all_the_same() -> None:
    """A JSON object is told from what is none."""
    assert read_object(b'{"a": 1}') == {"a": 1}
    assert read_object(b"[1]") is MISSING
    assert read_object(b"{") is MISSING


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
def test_a_masked_secret_gets_the_verdict_of_the_secret(pin: str, contract: Contract) -> None:
    """Pattern and length look at the mask as they did at the secret, so that the decision can be made again."""
    engine, path = Engine(contract), contract.operations[0].path
    body = json.dumps({**LASTING, "pin": pin}, ensure_ascii=False).encode()
    first = engine.handle_sync(Request("POST", path, body, {"content-type": "application/json"}))
    entry = engine.journal.find(1)
    assert entry is not None
    assert pin.strip() == "" or pin.encode() not in entry.body
    again = engine.handle_sync(Request("POST", path, entry.body, {"content-type": "application/json"}))
    assert first.decision is not None
    assert again.decision is not None
    assert again.decision.scenario is first.decision.scenario
    assert again.decision.document.violations == first.decision.document.violations


def test_a_number_that_is_a_key_is_masked_in_records_and_writes(contract: Contract) -> None:
    """An account number leaves no trace in the journal, be it a key, in a record, or sent as a number."""
    engine, path, number = Engine(contract), contract.operations[0].path, "4111111111111111"
    body = json.dumps({**ONCE, "card_identifier": number, "other": 4111111111111111, "flag": True}).encode()
    for _ in range(2):
        engine.handle_sync(Request("POST", path, body, {"content-type": "application/json"}, {"q": number}))
    engine.handle_sync(Request("POST", f"/nothing/{number}", body))
    for entry in engine.journal.all():
        shown = json.dumps(whole(entry), default=str)
        assert number not in shown
        assert number not in repr((entry.found, entry.parameters, entry.query, entry[:17]))


@pytest.mark.parametrize("where", ["body", "customer", "query"])
def test_a_number_that_is_a_name_is_masked_in_what_is_said_about_it(contract: Contract, where: str) -> None:
    """What was not meant names a member that a client made up; so do violations, the headers and the evidence."""
    engine, number = Engine(contract), "4111111111111111"
    body: dict[str, Any] = {**LASTING, "pin": "12a4"}
    within = body.setdefault("customer", {}) if where == "customer" else body
    if where != "query":
        within[number] = 1
    query = {number: "1"} if where == "query" else {}
    reply = engine.handle_sync(Request("POST", PATH, json.dumps(body).encode(), JSON, query, alike=1))
    assert (number in repr(reply.headers)) is (where != "query")  # a client may see what it sent
    (entry,) = engine.journal.all()
    assert entry.violations
    assert any(warn.keyword == "unknown-member" for warn in entry.warnings) is (where != "query")
    assert number not in json.dumps(whole(entry), default=str)
    assert number not in repr((entry, entry.reply_headers, engine._recorder._usual))


def test_a_number_in_a_violation_is_masked(tmp_path: Path) -> None:
    """A schema may refuse the names that it does not know."""
    files = {**PING, "ping.yaml": PING["ping.yaml"] + "    query: closed.schema.json\n"}
    files["closed.schema.json"] = json.dumps({"type": "object", "additionalProperties": False})
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    reply = engine.handle_sync(Request("GET", "/v1/ping/a", b"", {}, {"4111111111111111": "1"}))
    assert reply.decision is not None
    assert reply.decision.document.violations
    (entry,) = engine.journal.all()
    assert "0000000000000000" in repr(entry.violations)
    assert "4111111111111111" not in repr(entry)


def test_a_number_in_a_seed_is_masked(tmp_path: Path) -> None:
    """Whatever the request has, in the answer and in what was found."""
    seeds = "collections: {cards: {seeds: {CARD-N: {card_id: '4111111111111111'}}}}\n"
    (tmp_path / "seeds.yaml").write_text(f"format: 1\n{seeds}", encoding="utf-8")
    engine = Engine(load(overlays=[tmp_path]))
    for number in range(2):
        body = json.dumps({**LASTING, "card_identifier": "CARD-N", "customer_id": f"{number}"}).encode()
        run_now(engine.storage.reset_all())
        engine.handle_sync(Request("POST", PATH, body, JSON))
    (entry,) = engine.journal.all()
    assert b'"0000000000000000"' in entry.reply_body
    assert "4111111111111111" not in repr((entry.found, entry.reply_body))
    assert entry.remembered is not None
    assert "4111111111111111" not in json.dumps(whole(entry), default=str)


def test_a_problem_is_masked_with_the_secrets_of_all_operations(contract: Contract) -> None:
    """A request that came to no operation holds secrets as well."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", "/debit/v1/activate", b'{"pin": "4821", "a": "b1"}'))
    engine.handle_sync(Request("POST", "/debit/v1/activate", b'["pin", "4821"]'))
    assert [entry.body for entry in engine.journal.all()] == [b'["xxx", "0000"]', b'{"pin":"0000","a":"b1"}']


def test_secrets_are_masked_wherever_the_contract_says(tmp_path: Path) -> None:
    """In path, query and headers too: neither the entry nor the facts of its decision hold them."""
    files = {**PING, "ping.yaml": PING["ping.yaml"] + "    sensitive: [path.word, query.again, header.x-one]\n"}
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    reply = engine.handle_sync(Request("GET", "/v1/ping/s3cret", b"", {"x-one": "s3cret"}, {"again": "s3cret", "b": "1"}))
    assert reply.status == 200
    (entry,) = engine.journal.all()
    assert "s3cret" not in repr(entry)
    assert entry.remembered is not None
    assert entry.remembered.facts["query"] == {"again": "x0xxxx", "b": "1"}


SECRETS: tuple[tuple[str, ...], ...] = (("pin",), ("deep", "secret"), ("list", "*", "s"))


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        ({"a": 1}, {"a": 1}),
        ({"pin": "48x1", "a": "48x1"}, {"pin": "00x0", "a": "48x1"}),
        ({"pin": 1234}, {"pin": 0}),
        ({"pin": {"a": ["b1", None, True]}}, {"pin": {"a": ["x0", None, True]}}),
        ({"deep": {"secret": "x9", "b": 1}}, {"deep": {"secret": "x0", "b": 1}}),
        ({"deep": "secret"}, {"deep": "secret"}),
        ({"list": [{"s": "1"}, {"t": "1"}]}, {"list": [{"s": "0"}, {"t": "1"}]}),
        ({"list": [{"t": "1"}]}, {"list": [{"t": "1"}]}),
    ],
)
def test_secret_members_keep_their_shape(body: Any, masked: Any) -> None:
    """What stands at a secret path is masked, however deep; the rest stays as it is."""
    assert json.loads(masked_body(json.dumps(body).encode(), body, SECRETS)) == masked


def test_what_is_no_json_is_masked_where_a_secret_may_stand_in_it() -> None:
    """A body that cannot be read is kept, but not with a secret in it."""
    assert masked_body(b"pin=1234&x", MISSING, SECRETS) == b"xxx=0000&x"
    assert masked_body(b"hello 1", MISSING, SECRETS) == b"hello 1"


def test_authorization_and_cookies_are_masked() -> None:
    """Header names stay; the values of what identifies somebody keep their shape."""
    headers = {"Authorization-X": "Bearer a1", "Cookie": "s=9", "X-A": "4111111111111111 a", "Y": "caf\udcc3\udca9"}
    assert headers_text(headers) == "Authorization-X: Xxxxxx x0\nCookie: x=0\nX-A: 4111111111111111 a\nY: café"
    assert headers_text({"X-Key": "a1", "Y": "a1"}, ["x-key"]) == "X-Key: x0\nY: a1"


def test_headers_of_an_entry_are_masked_and_kept_one_by_one(contract: Contract) -> None:
    """Account numbers in them as well; a value may hold a colon, and be of nothing."""
    engine = Engine(contract)
    headers = {"authorization-x": "Bearer a1", "x-a": "4111111111111111 a: b", "x-b": "", "y": "caf\udcc3\udca9"}
    engine.handle_sync(Request("POST", contract.operations[0].path, b"{}", headers))
    (entry,) = engine.journal.all()
    assert entry.headers == (
        ("authorization-x", "Xxxxxx x0"),
        ("x-a", "0000000000000000 a: b"),
        ("x-b", ""),
        ("y", "café"),
    )


def test_headers_that_are_known_are_bounded(contract: Contract) -> None:
    """A client whose headers are never the same fills no memory, and none with a number is remembered."""
    recorder = Recorder(contract.operations, contract.hash)
    for number in range(MOST_HEADS + 10):
        request = Request("POST", PATH, b"{}", {"x-trace": str(number)})
        assert recorder.entry(request, Reply(400, (), b""), "", 0, None, {}, committed=False, micros=0).whole.head
    assert 0 < len(recorder._texts) <= MOST_HEADS
    card = Request("POST", PATH, b"{}", {"x-trace": "4111111111111111"})
    entry = recorder.entry(card, Reply(400, (), b""), "", 0, None, {}, committed=False, micros=0)
    assert entry.whole.head == "x-trace: 0000000000000000"
    assert not any("4111111111111111" in head for head in recorder._texts)


def test_a_record_is_kept_once_by_all_entries_that_found_it(contract: Contract) -> None:
    """As its text; one with an account number is masked, and not remembered; however many there are, some are."""
    engine = Engine(contract)
    number = "4111111111111111"
    asked = {**ONCE, "card_identifier": f"CARD-{number}"}
    others = [{**ONCE, "card_identifier": f"CARD-{n}", "customer_id": f"{n}"} for n in range(MOST_HEADS + 10)]
    long = {**ONCE, "customer_id": "1" * (LONGEST_HEAD + 1), "card_identifier": "CARD-long"}
    for body in (ONCE, ONCE, ONCE, asked, asked, *others, *others, long, long):
        engine.handle_sync(Request("POST", PATH, json.dumps(body).encode(), {}))
    newest, *_, masked, _, third, second, _ = engine.journal.all()
    assert [one is other for one, other in zip(second.found, third.found, strict=True)] == [True] * len(third.found)
    assert third.remembered is not None
    assert third.remembered.facts["card"]["origin"] == "request"
    assert number not in repr(masked)
    assert masked.remembered is not None
    assert masked.remembered.facts["card"]["key"] == json.loads(masked.body)["card_identifier"]
    assert not any(number.encode() in text for text in engine._recorder._records)
    assert 0 < len(engine._recorder._records) <= MOST_HEADS
    assert max(map(len, engine._recorder._records)) <= LONGEST_HEAD < max(len(text or b"") for text in newest.found[:3])
    assert newest.remembered is not None
    assert newest.remembered.facts["card"]["status"] == "activated"


def test_a_record_without_a_text_is_kept_as_it_is(contract: Contract) -> None:
    """A lone surrogate in it, which no JSON text can hold, hinders nothing."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", PATH, json.dumps(ONCE).encode(), {}))
    card = contract.operations[0].lookups[1].collection
    found = engine.store.find("", card, str(ONCE["card_identifier"]))
    assert found is not None
    engine.store.put("", card.name, str(ONCE["card_identifier"]), Record({**found.view, "card_id": "\udcc3"}))
    engine.handle_sync(Request("POST", PATH, json.dumps(ONCE).encode(), {}))
    entry = next(engine.journal.all())
    assert entry.remembered is not None
    assert entry.remembered.facts["card"]["card_id"] == "\udcc3"


def test_headers_that_are_known_to_be_alike_are_bounded(contract: Contract) -> None:
    """Headers with a number are looked through once, and however many numbers there are, no memory is filled."""
    recorder = Recorder(contract.operations, contract.hash)
    for number in range(1, MOST_HEADS + 10):
        request = Request("POST", PATH, b"{}", {"authorization": f"a{number}"}, alike=number)
        for _ in range(2):
            entry = recorder.entry(request, Reply(400, (), b""), "", 0, None, {}, committed=False, micros=0)
            assert entry.whole.head == "authorization: x" + "0" * len(str(number))
    assert 0 < len(recorder._seen) <= MOST_HEADS
    card = Request("POST", PATH, b"{}", {"x-trace": "4111111111111111"}, alike=9_999)
    for _ in range(2):
        entry = recorder.entry(card, Reply(400, (), b""), "", 0, None, {}, committed=False, micros=0)
        assert entry.whole.head == "x-trace: 0000000000000000"


def test_what_is_the_same_in_many_entries_is_kept_once(contract: Contract) -> None:
    """What they share, a body that came before, and what was found with it; what differs in anything is another's."""
    engine = Engine(contract)
    sent: list[tuple[object, str]] = [(ONCE, ""), (ONCE, ""), (ONCE, ""), (ONCE, "a"), ({**ONCE, "pin": "12a4"}, "")]
    for body, sandbox in sent:
        path = f"/sandbox/{sandbox}{PATH}" if sandbox else PATH
        engine.handle_sync(Request("POST", path, json.dumps(body).encode(), JSON, alike=1))
    first, second, third, other, wrong = engine.journal._entries
    assert third.usual is second.usual
    assert (third.body is second.body, third.found is second.found) == (True, True)
    assert len({id(one.usual) for one in (first, second, other, wrong)}) == 4
    assert (third.body is first.body, third.found is first.found) == (False, False)
    assert [one.whole.sandbox for one in (first, other)] == ["", "a"]


def test_an_entry_is_the_same_whether_its_parts_are_known_or_not() -> None:
    """With heads that are told to be alike, and with such of which nobody knows; each comes again and again."""
    contract = load()  # its own: what it knows of heads goes by their numbers, which other tests give to other heads
    numbered = {**ONCE, "card_identifier": "CARD-4111111111111111"}
    bodies: tuple[object, ...] = (ONCE, LASTING, {**ONCE, "pin": "12a4"}, {**ONCE, "more": 1}, numbered, [], "")
    asked: list[tuple[object, dict[str, str], str, dict[str, str]]] = [
        (body, {**JSON, **headers}, path, query)
        for body in bodies
        for headers in (
            {},
            {"mock-scenario": "rfc-invalid"},
            {"mock-fault": "gateway; status=502"},
            {"mock-delay": "1"},
            {"mock-delay": "0"},
            {"x-a": "4111111111111111"},
            {"x-a": "a" * (LONGEST_HEAD + 1)},
            {"mock-scenario": "nothing"},
        )
        for path, query in ((PATH, {}), (f"/sandbox/a{PATH}", {}), (PATH, {"a": "4111111111111111"}))
    ]
    heads = list({json.dumps(headers): None for _, headers, _, _ in asked})
    told, untold = Engine(contract, clock=frozen(0)), Engine(contract, clock=frozen(0))
    for body, headers, path, query in asked * 2:
        request = Request("POST", path, json.dumps(body).encode(), headers, query)
        told.handle_sync(replace(request, alike=1 + heads.index(json.dumps(headers))))
        untold.handle_sync(request)
    assert told._recorder._usual
    assert not untold._recorder._usual
    entries = [[replace(entry, micros=0) for entry in engine.journal.all()] for engine in (told, untold)]
    assert entries[0] == entries[1]
    assert list(map(repr, map(row, entries[0]))) == list(map(repr, map(row, entries[1])))
    assert [entry.size for entry in entries[0]] == [entry.size for entry in entries[1]]
    assert told.journal.size == untold.journal.size == sum(entry.size for entry in entries[0])


def test_what_entries_share_is_bounded(contract: Contract) -> None:
    """However many heads and bodies there are, so many are known, and no long one."""
    engine = Engine(contract)
    for number in range(1, MOST_HEADS + 10):
        body = json.dumps({**LASTING, "note": f"{number}"}).encode()
        engine.handle_sync(Request("POST", PATH, body, {**JSON, "x-trace": f"{number}"}, alike=number))
    assert 0 < len(engine._recorder._usual) < MOST_HEADS
    assert 0 < len(engine._recorder._asked) < MOST_HEADS
    engine = Engine(contract)
    long = {**LASTING, "note": "a" * LONGEST_HEAD}
    headers = {**JSON, "x-trace": "a" * LONGEST_HEAD}
    engine.handle_sync(Request("POST", PATH, json.dumps(long).encode(), headers, alike=1))
    assert not engine._recorder._usual
    assert not engine._recorder._asked
    engine = Engine(contract)
    used = Record.make(LASTING["card_identifier"], {"status": "activated", "card_id": "a" * LONGEST_HEAD}, "request")
    engine.store.put("", "cards", LASTING["card_identifier"], used)
    engine.handle_sync(Request("POST", PATH, json.dumps(LASTING).encode(), JSON, alike=1))
    (entry,) = engine.journal.all()
    assert any(type(one) is bytes and len(one) > LONGEST_HEAD for one in entry.found)
    assert not engine._recorder._asked


def test_a_value_that_has_no_text_is_searched_too() -> None:
    """Numbers of accounts in names and members, as texts and as numbers; a number stays a number."""
    number = 4_111_111_111_111_111
    value = {"a": ["\udcc3", number, 7, True, None, 1.5], f"of {number}": f"{number}"}
    masked = without_numbers(value)
    assert masked["a"][0] == "\udcc3"
    assert masked["a"][2:] == [7, True, None, 1.5]
    assert isinstance(masked["a"][1], int)
    assert len(str(masked["a"][1])) == len(str(number))
    assert str(number) not in repr(masked)
    assert list(masked) == ["a", "of 0000000000000000"]


def test_a_secret_is_named_in_an_overlay_as_the_readme_does(tmp_path: Path) -> None:
    """A key of another name is masked as those are that every client has."""
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    named = re.search(r"`(operations: \{activateCardForCustomer: \{sensitive: .*\}\})`", readme)
    assert named is not None
    (tmp_path / "secrets.yaml").write_text(f"format: 1\n{named[1]}\n", encoding="utf-8")
    engine = Engine(load(overlays=[tmp_path]))
    sent = {"x-api-key": "sk_live_123", "authorization-ecommerce": "Bearer abc", "x-trace": "1"}
    engine.handle_sync(Request("POST", PATH, json.dumps({**LASTING, "pin": "1234"}).encode(), {**JSON, **sent}))
    (entry,) = engine.journal.all()
    assert b'"pin":"0000"' in entry.body
    kept = {**sent, "x-api-key": "xx_xxxx_000", "authorization-ecommerce": "Xxxxxx xxx"}
    assert kept.items() <= dict(entry.headers).items()
