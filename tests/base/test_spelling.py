"""Near spellings: which names are proposed, and in which words."""

from __future__ import annotations

import pytest

from mockserver.base.spelling import close_matches, did_you_mean, did_you_mean_sentence, fold_text, has_all


def test_near_spellings_are_found() -> None:
    """Case, hyphens and underscores do not count; the nearest comes first, far ones are left out."""
    names = ("customer_id", "customer", "balance")
    assert close_matches("customerId", names)[0] == "customer_id"
    assert close_matches("balanse", names) == ("balance",)
    assert close_matches("zzz", names) == ()


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ((), ""),
        (("a",), " Did you mean a?"),
        (("a", "b"), " Did you mean a or b?"),
        (("a", "b", "c"), " Did you mean a, b or c?"),
    ],
)
def test_near_spellings_are_one_sentence_or_none(names: tuple[str, ...], text: str) -> None:
    """One sentence, or nothing."""
    assert did_you_mean_sentence(names) == text
    assert did_you_mean(names) == text.strip().replace("Did", "did")


@pytest.mark.parametrize(
    ("text", "found"), [("Card 7", "card 7"), ("Muñoz", "munoz"), ("ÁRBOL", "arbol"), ("Mun\u0303oz", "munoz")]
)
def test_a_text_is_found_without_its_accents(text: str, found: str) -> None:
    """In lower case; a letter with its accent, or an accent of its own behind the letter."""
    assert fold_text(text) == found


def test_a_text_has_words_in_any_order() -> None:
    """Also within longer words; no words are in every text."""
    assert has_all(["b", "ar"], "bar a")
    assert not has_all(["b", "c"], "bar a")
    assert has_all([], "")
