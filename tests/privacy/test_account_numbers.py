"""Payment account numbers: which are found, however they are written, and what is none."""

import json
import re
from pathlib import Path

import pytest

from mockserver import Contract, Engine, Request
from mockserver.privacy.account_numbers import holds_account_number, is_account_number
from mockserver.privacy.masks import mask_account_numbers, mask_account_numbers_in_text
from mockserver.server import logs
from tests.support import LASTING, PATH

BRANDS = {
    "Visa": ["4111111111111111", "4222222222222", "4917610000000000003"],
    "Mastercard": ["5555555555554444", "2223003122003222", "2720990000000007"],
    "American Express": ["378282246310005"],
    "Discover": ["6011111111111117", "6445644564456445"],
    "Diners Club": ["30569309025904", "36227206271667"],
    "JCB": ["3530111333300000"],
    "UnionPay": ["6200000000000005", "6205500000000000004"],
    "Maestro": ["6759649826438453", "5018000000000009"],
    "Mir": ["2200000000000004", "2204120100000005"],
    "Elo": ["5067310000000002", "6362970000457013", "5090000000000000"],
    "Carnet": ["2869000000000006", "5062540000000009", "6046220000000007"],
}


@pytest.mark.parametrize("digits", [digits for found in BRANDS.values() for digits in found])
def test_numbers_of_all_brands_are_found(digits: str) -> None:
    """By prefix, length and Luhn; one digit more in the sum is none."""
    assert is_account_number(digits)
    assert not is_account_number(digits[:-1] + str((int(digits[-1]) + 1) % 10))


def test_each_brand_is_listed_with_its_first_digits() -> None:
    """In the page that says what is masked, in brackets behind its name, each number or range of numbers."""
    page = (Path(__file__).parents[2] / "docs/pages/reference/journal.md").read_text(encoding="utf-8")
    for brand, numbers in BRANDS.items():
        found = re.search(rf"{brand}(?: and Hipercard)? *\n? *\(([^)]*)\)", page)
        assert found is not None, brand
        ranges = [text.split(" to ") for text in re.findall(r"[0-9]+(?: to [0-9]+)?", found[1])]
        for digits in numbers:
            assert any(low[0] <= digits[: len(low[0])] <= low[-1] for low in ranges), (brand, digits)


NUMBER = "4111111111111111"
GROUPS = ["4111", "1111", "1111", "1111"]


@pytest.mark.parametrize(
    "between", [" ", "-", ".", "_", "  ", " -", "\u00a0", "\u202f", "\u2009", "\u2011", "\u2212", "\u200b", "\uff0d"]
)
def test_a_number_in_groups_is_found(between: str) -> None:
    """Whatever stands between them, as text and in JSON."""
    text = f"of {between.join(GROUPS)} or"
    assert mask_account_numbers_in_text(text) == f"of {between.join(['0000'] * 4)} or"
    for data in (json.dumps(text, ensure_ascii=False).encode(), text.encode()):
        assert b"4111" not in mask_account_numbers(data)


@pytest.mark.parametrize(
    "text", ["４１１１１１１１１１１１１１１１", "٤١١١١١١١١١١١١١١١", "４１１１ １１１１ １１１１ １１１１"]
)
def test_digits_of_any_script_are_found(text: str) -> None:
    """Of full width, Arabic; a document in UTF-8 stays one."""
    assert holds_account_number(text)
    assert set(mask_account_numbers_in_text(text)) <= {"\u0660", " "}
    assert (
        mask_account_numbers(f'{{"ñ":"{text}"}}'.encode()).decode() == f'{{"ñ":"{mask_account_numbers_in_text(text)}"}}'
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("1111 4111 1111 1111 1111", "1111 0000 0000 0000 0000"),
        ("2024 12 31 4111-1111-1111-1111 77", "2024 12 31 0000-0000-0000-0000 77"),
        ("6205 5000 0000 0000 004", "0000 0000 0000 0000 000"),
        ("6205 5000 0000 0000004", "0000 0000 0000 0000000"),
        ("14111 1111 1111 1111", "14111 1111 1111 1111"),
        ("4.539578763621486", "4.539578763621486"),
        ("4111/1111/1111/1111", "4111/1111/1111/1111"),
        ("ñ ４x", "ñ ４x"),
    ],
)
def test_a_number_among_groups_of_digits_is_found(text: str, masked: str) -> None:
    """A longer row of groups hides none; other numbers stay."""
    assert mask_account_numbers_in_text(text) == masked
    assert holds_account_number(text) is (masked != text)


def test_bytes_that_are_no_text_are_searched_too() -> None:
    """What is no UTF-8 stays as it is."""
    assert mask_account_numbers(b"\xff \xc2\xa0" + NUMBER.encode()) == b"\xff \xc2\xa0" + b"0" * 16
    assert mask_account_numbers(b"\xff" + NUMBER.encode()) == b"\xff" + b"0" * 16
    assert mask_account_numbers("ñ\u00a04111".encode()) == "ñ\u00a04111".encode()


def test_a_number_as_a_name_of_a_member_is_not_in_the_log(contract: Contract) -> None:
    """The JSON log names the places of violations."""
    engine, lines = Engine(contract), list[str]()
    body = json.dumps({**LASTING, "customer": {NUMBER: 1}, "pin": 1}).encode()
    reply = engine.handle_sync(Request("POST", PATH, body, {"content-type": "application/json"}))
    logs.json_access_log(lines.append)(logs.AccessRecord("POST", PATH, "", reply, 1))
    assert NUMBER not in lines[0]


@pytest.mark.parametrize("name", [NUMBER, "4111.1111.1111.1111", "4111_1111-1111.1111", "a~4111-1111-1111-1111"])
def test_a_number_is_no_name_of_a_sandbox(contract: Contract, name: str) -> None:
    """However it is written."""
    for request in (Request("POST", f"/sandbox/{name}{PATH}"), Request("POST", PATH, b"", {"mock-sandbox": name})):
        assert Engine(contract).handle_sync(request).problem == "bad-sandbox"


def test_all_of_many_numbers_are_masked() -> None:
    """In a text of a megabyte, in a row and in groups."""
    assert mask_account_numbers_in_text("4111111111111111 " * 60_000) == "0000000000000000 " * 60_000
    assert mask_account_numbers_in_text("4242 " * 10_000).count("0000") >= 9_996
