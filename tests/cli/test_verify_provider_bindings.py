"""Bindings of the command `verify-provider`: the values that a provider knows, and what is wrong in their file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mockserver import load
from mockserver.contract.loading import ConfigError
from mockserver.provider.bindings import read_bindings
from tests.cli.test_verify_provider import (
    ERROR,
    SUCCESS,
    assumptions,
    results,
)
from tests.support.drifting_provider import Provider
from tests.support.invoke import invoke

BATCH = "7e4b85e27c4610824900af48f340394d"


def write(folder: Path, text: str) -> Path:
    file = folder / "bindings.yaml"
    file.write_text(f"format: 1\n{text}", encoding="utf-8")
    return file


def report(provider: Provider, file: Path, *options: str, **env: str) -> Any:
    target = ("--target", provider.url, "--rate", "1000", "--yes", "--format", "json")
    return json.loads(invoke("verify-provider", *target, "--bindings", str(file), *options, **env).stdout)


def reasons(document: Any) -> dict[str, str]:
    return {one["id"]: one["reason"] for one in document["outcomes"] if one["reason"]}


def test_the_template_is_a_file_to_fill_in(tmp_path: Path) -> None:
    """It has every outcome, and a null for each value that a provider has to know."""
    file = tmp_path / "bindings.yaml"
    assert invoke("verify-provider", "--bindings-template", "--output", str(file)).output == ""
    bindings = read_bindings(file, load())
    assert [*bindings.outcomes] == [scenario.id for scenario in load().scenarios]
    assert bindings.every == {"header.Authorization-ecommerce": {"env": "AUTHORIZATION_ECOMMERCE"}}
    assert bindings.outcomes["pin-not-digits"].values == {}
    assert bindings.outcomes["email-taken"].values == dict.fromkeys(
        ("body.reference_batch", "body.card_identifier", "body.customer.email")
    )


def test_the_template_filled_in_with_the_values_of_a_mock_is_the_same(provider: Provider, tmp_path: Path) -> None:
    """As an example of a provider that knows them; a card for each activation."""
    text = invoke("verify-provider", "--bindings-template").stdout
    numbers = iter(range(1000))
    filled = re.sub('null # in the mock: "CARD-?001"', lambda _: f"CARD-9{next(numbers)}", text)
    filled = re.sub("null # in the mock: ", "", filled)
    filled = filled.replace('body.customer_id: "12345678"', "body.customer_id: TEST-CUSTOMER")
    file = tmp_path / "bindings.yaml"
    file.write_text(filled, encoding="utf-8")
    document = report(provider, file, AUTHORIZATION_ECOMMERCE="token-of-the-provider")
    assert set(results(document).values()) == {"same"}
    assert len(document["outcomes"]) == len([*load().scenarios])
    assert {request.headers["authorization-ecommerce"] for request in provider.requests} == {"token-of-the-provider"}
    assert assumptions(document)["malformed"] == "confirmed"


def test_values_stand_in_for_those_of_the_example(provider: Provider, tmp_path: Path) -> None:
    """Echoes are compared with them; an assumption on the mock's own record is not claimed."""
    file = write(
        tmp_path,
        f"""
outcomes:
  activated-composite-balance: {{body.customer_id: "4711", body.balance.id: 7}}
  {ERROR}:
    example: 2
    before: [{{body.card_identifier: CARD-B1}}]
    body.card_identifier: CARD-B1
""",
    )
    document = report(provider, file, "--outcome", "activated-composite-balance", "--outcome", ERROR)
    assert results(document) == {ERROR: "same", "activated-composite-balance": "same"}
    bodies = [json.loads(request.body) for request in provider.requests]
    assert [body["card_identifier"] for body in bodies] == ["CARD-B1", "CARD-B1", "CARD001"]
    assert (bodies[2]["customer_id"], bodies[2]["balance"]) == ("4711", {"id": 7})
    assert "unknown-customer" not in assumptions(document)


def test_a_card_in_another_state_than_the_outcome_needs_is_named_and_refutes_nothing(
    provider: Provider, tmp_path: Path
) -> None:
    """The provider activates the card that the bindings call activated: the report says which outcome came."""
    values = f"{{body.reference_batch: {BATCH}, body.card_identifier: CARD-77, body.customer_id: CUSTOMER-77}}"
    document = report(provider, write(tmp_path, f"outcomes: {{{ERROR}: {values}}}\n"), "--outcome", ERROR)
    assert results(document) == {ERROR: "differs"}
    activated = ("activated-composite-balance", "activated-customer-id-wins", SUCCESS)
    assert reasons(document) == {ERROR: f"the answer is that of {activated[0]}, {activated[1]} or {activated[2]}"}
    assert set(assumptions(document).values()) == {"not-reached"}


def test_a_request_before_it_that_is_refused_leaves_an_outcome_unreached(provider: Provider, tmp_path: Path) -> None:
    """What it rests on did not come about."""
    file = write(tmp_path, f"outcomes: {{{ERROR}: {{example: 2, before: [{{body.card_identifier: TEST-ACTIVATED}}]}}}}")
    document = report(provider, file, "--outcome", ERROR)
    assert reasons(document) == {ERROR: "a request before it got 400, not 200"}
    assert len(provider.requests) == 1


def test_secrets_are_nowhere_in_report_and_plan(provider: Provider, tmp_path: Path) -> None:
    """Neither those from the environment nor those from a file, nor account numbers, even where they are echoed."""
    (tmp_path / "token.txt").write_text("s3cret-token\n")
    file = write(
        tmp_path,
        f"""
every: {{header.Authorization-ecommerce: {{file: token.txt}}, header.X-Trace: a4111111111111111}}
outcomes:
  {SUCCESS}: {{body.customer_id: {{env: OUR_CUSTOMER}}, body.pin: {{env: OUR_PIN}}}}
""",
    )
    provider.drifts[SUCCESS] = lambda reply: reply.body.update(
        seen="s3cret-token", by=["customer-4711"], pin="9876", card="4111111111111111"
    )
    target = ("--target", provider.url, "--bindings", str(file), "--outcome", SUCCESS)
    env = {"OUR_CUSTOMER": "customer-4711", "OUR_PIN": "9876"}
    for options in ((), ("--yes",), ("--yes", "--format", "json")):
        result = invoke("verify-provider", *target, *options, **env)
        for secret in ("s3cret-token", "customer-4711", "9876", "4111111111111111"):
            assert secret not in result.output
    sent = provider.requests[0]
    assert sent.headers["authorization-ecommerce"] == "s3cret-token"
    assert json.loads(sent.body)["pin"] == "9876"


def test_secrets_are_masked_as_a_url_and_json_write_them(provider: Provider, tmp_path: Path) -> None:
    """In the plan, and where the provider's answer has them."""
    query = write(
        tmp_path, f"outcomes: {{{SUCCESS}: {{query.q: {{env: QUERY}}, body.customer_id: {{env: CUSTOMER}}}}}}"
    )
    options = ("verify-provider", "--target", provider.url, "--outcome", SUCCESS, "--bindings")
    env = {"QUERY": "to/ken 1=", "CUSTOMER": 'ab"cd'}
    plan = invoke(*options, str(query), **env).stdout
    every = write(tmp_path, f"outcomes: {{{SUCCESS}: {{header.X-Q: {{env: QUERY}}, header.X-C: {{env: CUSTOMER}}}}}}")
    provider.drifts[SUCCESS] = lambda reply: reply.body.update(url="/?q=to%2Fken+1%3D", text=r"ab\"cd")
    report = invoke(*options, str(every), "--yes", **env).stdout
    for text in (plan, report):
        assert "xx%0Xxxx+0%0X" in text
        assert not re.search(r"ken|ab\W|\bcd\b", text)


def test_a_secret_of_one_letter_leaves_the_words_of_the_report(provider: Provider, tmp_path: Path) -> None:
    """Its outcomes, results and dates stay, and so does what is saved."""
    file = write(tmp_path, f"outcomes: {{{ERROR}: {{header.X-Trace: {{env: OUR_TRACE}}}}}}")
    for trace in ("e", "2"):
        document = report(provider, file, "--outcome", ERROR, "--save", str(tmp_path / trace), OUR_TRACE=trace)
        assert results(document) == {ERROR: "same"}
        saved = (tmp_path / trace / "verified.yaml").read_text()
        assert f"{ERROR}: {{on: {document['at'][:10]}, result: same}}" in saved
        assert re.match("20[0-9]{2}-", document["at"])


def test_what_has_no_value_is_not_reached(provider: Provider, tmp_path: Path) -> None:
    """Each with the reason; nothing of it is sent."""
    (tmp_path / "empty").write_text("\n")
    file = write(
        tmp_path,
        """
outcomes:
  pin-not-digits: {body.card_identifier: null}
  pin-not-four: {body.card_identifier: {env: NOT_SET}}
  first-name-empty: {body.card_identifier: {file: empty}}
  last-name-empty: {body.card_identifier: {file: missing}}
  email-taken: {header.X-Trace: {env: LINES}}
  no-customer: {body.reference_batch: {env: LATIN}}
  card-already-activated: {example: 3}
  reference-batch-empty: {body.customer.email: a@example.com, body.customer_id.x: 1}
""",
    )
    file.write_text(file.read_text().replace(", body.customer_id.x: 1", ""))
    document = report(provider, file, LINES="a\nb", LATIN="\udcff")
    assert reasons(document)["pin-not-digits"] == "the bindings have no value for body.card_identifier yet"
    assert reasons(document)["pin-not-four"] == "the environment variable NOT_SET is not set"
    assert reasons(document)["email-taken"].startswith("the value of header.X-Trace has a line break or a zero")
    assert reasons(document)["no-customer"] == "the environment variable LATIN is not UTF-8"
    assert reasons(document)["first-name-empty"] == "the file empty of the bindings is empty"
    assert reasons(document)["last-name-empty"].startswith("the file missing of the bindings cannot be read: No such")
    assert reasons(document)["card-already-activated"] == "the bindings name example 3 of 2"
    assert reasons(document)["rfc-invalid"] == "the bindings have no values for it"
    assert results(document)["reference-batch-empty"] == "same"
    assert len(provider.requests) == 1


WRONG = {
    "outcomes: {pin-not-digitz: {}}": ("2:12: unknown outcome pin-not-digitz", "did you mean pin-not-digits"),
    "outcomes: {pin-not-digits: {body.card_identifer: x}}": (
        "2:29: unknown place body.card_identifer",
        "did you mean body.card_identifier",
    ),
    "outcomes: {pin-not-digits: {card_identifier: x}}": ("2:29: not a place of a request", "body.NAME or header.NAME"),
    "outcomes: {pin-not-digits: {body.pin: 12a4}}": ("2:29: body.pin is a secret", "{env: NAME} or {file: PATH}"),
    "every: {header.Authorization-ecommerce: abc}": (
        "2:9: header.Authorization-ecommerce is a secret",
        "never in YAML",
    ),
    'every: {header.Content-Length: "3"}': ("2:9: header.Content-Length cannot be bound", "remove the line"),
    "outcomes: {pin-not-digits: {header.host: {env: A}}}": (
        "2:29: header.host cannot be bound",
        "a header other than connection",
    ),
    "every: {header.Transfer-Encoding: null}": ("2:9: header.Transfer-Encoding cannot be bound", "remove the line"),
    "every: {body.reference_batch: x}": ("2:9: not a place of a request", "header.NAME or query.NAME or path.NAME"),
    "every: {header.X: [1]}": ("2:9: wrong value for every.header.X", "got:"),
    "every: {header.X: {emv: A}}": ("2:20: unknown member emv", "did you mean env"),
    "every: {header.X: {env: A, file: b}}": ("2:9: wrong value for every.header.X", "expected:"),
    "outcomes: {pin-not-digits: {before: [{pin: x}]}}": ("2:39: not a place of a request: pin", ""),
    "outcome: {}": ("2:1: unknown member outcome", "did you mean outcomes"),
    "outcomes: [": ("3:1: ", ""),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_in_the_file_is_reported_with_its_place(text: str, tmp_path: Path) -> None:
    """File, line and column, what was expected, a hint."""
    with pytest.raises(ConfigError) as error:
        read_bindings(write(tmp_path, text), load())
    place, hint = WRONG[text]
    assert f"bindings.yaml:{place}" in str(error.value)
    assert hint in str(error.value)
    assert len(error.value.diagnostics) == 1
