"""Names of secrets, and which other names are as good as one of them: in any case, with more words, nearly spelt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from mockserver.base.spelling import close_matches

_WORD: Final = re.compile(r"[^\W_]+")
_CASE_CHANGE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

MAX_LENGTH: Final = 200
"""Characters of a name that are compared."""

MAX_WORDS: Final = 20
"""Words of a name that are compared; one with more counts as a secret's."""


class SecretNames:
    """The names of the places that a contract marks."""

    def __init__(self, marked: Iterable[str], declared: Iterable[str]) -> None:
        """`declared` are the names of other places, which are no secrets for being spelt nearly so."""
        names = dict.fromkeys(marked)
        self._folded = {folded: name for name in names if (folded := fold(name))}
        self._in_texts = tuple(name.casefold().encode() for name in names)
        self.declared = frozenset(name for name in declared if not self._has_word(name))

    def __bool__(self) -> bool:
        return bool(self._folded)

    def contains(self, name: str) -> bool:
        """Whether a name is one of them but for case and punctuation."""
        return fold(name) in self._folded

    def resembles(self, name: str) -> bool:
        """Whether a name is as good as one of them."""
        return self._has_word(name) or self._is_near(name)

    def occur_in(self, data: bytes) -> bool:
        """Whether one of them stands in the bytes of a body."""
        lower = data.lower()
        return any(name in lower for name in self._in_texts)

    def _has_word(self, name: str) -> bool:
        """Whether a name is one of them, or has it among its words: `CODE`, `code `, `user.code`, `newCode`."""
        words = [word.casefold() for word in _WORD.findall(_CASE_CHANGE.sub(" ", _common(name)))]
        if not self._folded or len(words) > MAX_WORDS:
            return bool(self._folded)
        return any("".join(words[i:j]) in self._folded for i in range(len(words)) for j in range(i + 1, len(words) + 1))

    def _is_near(self, name: str) -> bool:
        """Whether a name that is not declared is spelt nearly like one of them: `codde`, `ocde`, `usercode`."""
        if name in self.declared:
            return False
        folded = fold(name)
        for secret in self._folded:
            if len(secret) < 3:
                continue
            if folded.startswith(secret) or folded.endswith(secret):
                return True
            if abs(len(folded) - len(secret)) <= max(1, len(secret) // 4) and close_matches(folded, [secret]):
                return True
        return False


def fold(name: str) -> str:
    """A name without case, white space and punctuation."""
    return "".join(_WORD.findall(_common(name))).casefold()


def _common(name: str) -> str:
    return unicodedata.normalize("NFKC", name[:MAX_LENGTH])
