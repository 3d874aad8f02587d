"""Near spellings: the names spelt like a misspelt one, and the words that propose them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def close_matches(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names spelt like `name`, nearest first, at most three."""
    import difflib  # only what is misspelt needs it

    folded: dict[str, str] = {}
    for candidate in names:
        folded.setdefault(_fold(candidate), candidate)
    found = difflib.get_close_matches(_fold(name[:200]), folded, n=3, cutoff=0.6)
    return tuple(folded[match] for match in found)


def _fold(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def one_of(names: Sequence[str]) -> str:
    """`a, b or c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def did_you_mean(names: Sequence[str]) -> str:
    """`did you mean a, b or c?`, or nothing."""
    return f"did you mean {one_of(names)}?" if names else ""


def did_you_mean_sentence(names: Sequence[str]) -> str:
    """The same as a sentence after another one, with a blank before it."""
    return f" D{did_you_mean(names)[1:]}" if names else ""


def fold_text(text: str) -> str:
    """A text in lower case and without accents, as people type what they search for."""
    if text.isascii():
        return text.lower()
    return "".join(one for one in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(one))


def has_all(words: Iterable[str], text: str) -> bool:
    """Whether all words stand in a text, in any order and place."""
    return all(word in text for word in words)
