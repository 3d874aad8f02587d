"""Near spellings: which names are proposed, and in which words."""

from __future__ import annotations

import pytest

from mockserver.base.spelling import close_matches, did_you_mean, did_you_mean_sentence


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
