"""Advice for clients: what an outcome means, what to do about it, and whether to send the request again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field

LANGUAGES: Final = ("en", "es")
"""The languages of texts for people."""


def texts_by_language(written: str | Mapping[str, str]) -> Mapping[str, str]:
    """A text as a file writes it, in English alone or by language, by language."""
    return {"en": written} if isinstance(written, str) else written


def text_in(texts: Mapping[str, str], language: str) -> str | None:
    """The text in this language, otherwise in the one that there is; None without any."""
    return texts.get(language) or next(iter(texts.values()), None)


class ClientAdvice(Struct, frozen=True):
    """What happened, what a client should do, and whether it should send the request again.

    `reason` (what happened, in a line) and `advice` (what to do) are by language; `retry` is one of the words of
    `scenarios.schema.json`: `safe`, `after-change`, `never` or `treat-as-success`.

    It is advice of those who wrote the contract's files, not of the documents.
    """

    reason: Mapping[str, str] = field(default_factory=dict)
    advice: Mapping[str, str] = field(default_factory=dict)
    retry: str | None = None

    @property
    def members(self) -> dict[str, Any]:
        """The advice as members of JSON."""
        return {"reason": dict(self.reason), "advice": dict(self.advice), "retry": self.retry}

    def text(self, language: str) -> str:
        """Reason and advice, each in this language where it has it, otherwise in the one that it has."""
        texts = (text_in(one, language) for one in (self.reason, self.advice))
        return " ".join(filter(None, texts))

    @property
    def description(self) -> str:
        """Reason and advice in English, marked as no words of the documents; empty where there are none."""
        text = self.text("en")
        return f"Advice of this mock, not of the documents: {text}" if text else ""


NO_ADVICE: Final = ClientAdvice()
