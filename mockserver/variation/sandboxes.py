"""The variation of one request in its sandbox: its number, and the form of its new ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Final

from msgspec import structs

from mockserver.core.model import IdRule, Settings
from mockserver.variation.setting import parse_variation

_HEXADECIMAL: Final = "0123456789abcdef"


def number_request(settings: Settings, number: int) -> Settings:
    """The settings for a request: `vary` names its number, unless it names one already."""
    variation = parse_variation(settings.vary)
    if variation.number is not None:
        return settings
    return replace(settings, vary=structs.replace(variation, number=number).text(variation.kinds))


def vary_ids(settings: Settings, ids: Iterable[IdRule]) -> tuple[IdRule, ...]:
    """The generated ids of a request, the opaque ones with another prefix; the numbers stay, so all differ."""
    variation = parse_variation(settings.vary)
    if "ids" not in variation.kinds:
        return tuple(ids)
    random = variation.random("ids")
    return tuple(structs.replace(one, prefix=_prefix(random, one.prefix)) if one.is_opaque else one for one in ids)


def _prefix(random: Random, prefix: str) -> str:
    """Upper case, zeros, words in front, as a UUID has them: never digits that could be those of another id."""
    words = "".join(random.choice(_HEXADECIMAL) for _ in range(16))
    uuid = f"{words[:8]}-{words[8:12]}-4{words[13:]}-"
    forms = [prefix.upper(), f"{prefix}0000", f"{prefix}_", uuid, uuid.upper()]
    return random.choice([form for form in forms if form != prefix])
