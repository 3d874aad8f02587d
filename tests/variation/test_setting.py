"""The setting `vary`: a seed, the number of a request, kinds."""

import pytest

from mockserver.core.directives import DirectiveError
from mockserver.variation.replies import CHANGES
from mockserver.variation.setting import KINDS, Variation, check_variation, parse_variation

NO_SEED = "expected a seed of at most 18 digits, with or without kinds, such as 7 or 7:order,time, got"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", Variation(7, tuple(KINDS))),
        ("7:time", Variation(7, ("time",))),
        ("0: order , time,order", Variation(0, ("time", "order"))),
        ("7/3:space", Variation(7, ("space",), 3)),
        ("7/3", Variation(7, tuple(KINDS), 3)),
    ],
)
def test_a_setting_is_a_seed_with_or_without_kinds(text: str, expected: Variation) -> None:
    """Kinds come in the order in which they are made, each once; the text gives the same variation again."""
    found = parse_variation(text)
    assert found == expected
    assert parse_variation(found.text(found.kinds)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", f'{NO_SEED} "x"'),
        ("-1", f'{NO_SEED} "-1"'),
        (
            "7:order:time",
            f'{NO_SEED} "7:order:time"',
        ),
        ("7:ordr", f'expected kinds of variation, some of {", ".join(KINDS)}, got "ordr". Did you mean order?'),
        ("7:", f'expected kinds of variation, some of {", ".join(KINDS)}, got "".'),
    ],
)
def test_a_wrong_setting_says_what_is_expected(text: str, message: str) -> None:
    """With the near spelling of a kind."""
    with pytest.raises(DirectiveError) as error:
        check_variation(text)
    assert str(error.value) == message


def test_an_empty_setting_is_none() -> None:
    """It asks for no variation."""
    check_variation("")


def test_each_kind_has_a_function() -> None:
    """But those that vary elsewhere: ids where they are drawn, headers once all are there."""
    assert [kind for kind in KINDS if kind not in ("ids", "headers")] == [*CHANGES]


def test_a_random_source_depends_on_seed_number_and_kind() -> None:
    """On nothing else: not on the other kinds, for one."""
    first = parse_variation("7/3").random("time").random()
    assert first == parse_variation("7/3:time").random("time").random()
    others = [("8/3", "time"), ("7/4", "time"), ("7/3", "order")]
    assert first not in [parse_variation(text).random(kind).random() for text, kind in others]
