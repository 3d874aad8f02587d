"""The texts for people in each language, of console and bug report, and the choice of a language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mockserver.base.values import decode_trusted_json
from mockserver.core.reply import Headers

Texts = Mapping[str, str]

FOLDER: Final = Path(__file__).parent / "texts"
"""One JSON file a language; all have the same keys."""

TRANSLATIONS: Final[Mapping[str, Texts]] = {
    file.stem: decode_trusted_json(file.read_bytes()) for file in sorted(FOLDER.glob("*.json"))
}


def language(accepted: str) -> str:
    """The preferred language of an `Accept-Language` header among those of `TRANSLATIONS`; English by default."""
    best, best_weight = "en", 0.0
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        code = name.strip().partition("-")[0]
        candidate_weight = _weight(quality)
        if code in TRANSLATIONS and candidate_weight > best_weight:
            best, best_weight = code, candidate_weight
    return best


def language_headers(language_code: str) -> Headers:
    """The headers of a page in a language that the reader's `Accept-Language` chose."""
    return ("Content-Language", language_code), ("Vary", "Accept-Language")


def _weight(quality: str) -> float:
    """The weight of a quality such as `q=0.8`; 1 by default, 0 if it is malformed."""
    name, _, number = quality.replace(" ", "").partition("=")
    if not name:
        return 1.0
    whole, _, part = number.partition(".")
    is_number = name == "q" and whole in ("0", "1") and (not part or (part.isascii() and part.isdecimal()))
    return float(number) if is_number else 0.0
