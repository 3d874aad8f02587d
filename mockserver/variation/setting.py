"""The setting `vary`: a seed, and the kinds of variation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import Final

from msgspec import Struct

from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.base.values import encode_ascii_json, printable
from mockserver.core.directives import DirectiveError

KINDS: Final[Mapping[str, str]] = {
    "ids": "A new id has another form, if the contract calls it `opaque`.",
    "absent": "An empty object or array is left out, every other time.",
    "enum": "A value is another one of the `enum` of the schema.",
    "time": "A time stamp (`format: date-time`) has more or fewer decimals, or another offset from UTC.",
    "extra": "An object has one more member.",
    "order": "The members of objects come in another order.",
    "numbers": "A number is written in another way: `1200.0`, `12e2`.",
    "escapes": "Characters of texts are written as escapes: `\\u0061`, `\\/`.",
    "space": "White space and line ends stand between the tokens of JSON.",
    "charset": "`Content-Type` names the charset, as in `application/json;charset=UTF-8`.",
    "headers": "The names of headers are in upper, lower or mixed case, and come in another order.",
    "chunks": "The body comes in chunks (`Transfer-Encoding: chunked`), except to HTTP/1.0.",
    "packets": "Head and body are cut into several packets.",
}
"""The kinds of variation by name, in the order in which they are made."""

_SETTING: Final = re.compile(r"([0-9]{1,18})(?:/([0-9]{1,18}))?(?::([^:]*))?")


class Variation(Struct, frozen=True):
    """What a setting asks for: a seed, the kinds by name, and of which request of the sandbox (None: count them)."""

    seed: int
    kinds: tuple[str, ...]
    number: int | None = None

    def random(self, kind: str) -> Random:
        """The random source of one kind; it depends on seed, number and kind alone."""
        return Random(f"{self.seed}/{self.number}:{kind}")  # noqa: S311 - it has to be repeatable

    def text(self, kinds: tuple[str, ...]) -> str:
        """The setting that gives this variation again, limited to these kinds."""
        number = "" if self.number is None else f"/{self.number}"
        return f"{self.seed}{number}:{','.join(kinds)}"


def parse_variation(text: str) -> Variation:
    """Parse `SEED`, `SEED:KIND,KIND` or `SEED/NUMBER:KIND,KIND`. Raises `DirectiveError`."""
    found = _SETTING.fullmatch(text)
    if found is None:
        shown = printable(encode_ascii_json(text), 60)
        raise DirectiveError(
            f"expected a seed of at most 18 digits, with or without kinds, such as 7 or 7:order,time, got {shown}"
        )
    names = list(KINDS) if found[3] is None else [kind.strip() for kind in found[3].split(",")]
    for kind in names:
        if kind not in KINDS:
            near = did_you_mean_sentence(close_matches(kind, KINDS))
            shown = printable(encode_ascii_json(kind), 40)
            raise DirectiveError(f"expected kinds of variation, some of {', '.join(KINDS)}, got {shown}.{near}")
    kinds = tuple(kind for kind in KINDS if kind in names)
    return Variation(int(found[1]), kinds, None if found[2] is None else int(found[2]))


def check_variation(text: str) -> None:
    """Raise `DirectiveError` for a setting that cannot be parsed; an empty one asks for no variation."""
    if text:
        parse_variation(text)
