"""The reply to a request, varied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from msgspec.structs import replace

from mockserver.base.values import decode_trusted_json, encode_json
from mockserver.core.language import Validator
from mockserver.core.reply import Decision, Reply
from mockserver.variation import bodies, wire
from mockserver.variation.setting import parse_variation

Change = Callable[[Random, Reply], Reply]
"""One kind of variation: the reply, changed as the random source says, or as it is where nothing can vary."""


def vary(reply: Reply) -> Reply:
    """Vary the reply to a decision as the setting `vary` says, and name in `Mock-Varied` what has changed.

    A reply with a fault stays as it is.
    """
    decision = reply.decision
    if decision is None or reply.fault is not None:
        return reply
    settings = decision.facts.settings
    variation = parse_variation(settings.vary)
    changed = ["ids"] if "ids" in variation.kinds and _shows_opaque_id(decision, reply.body) else []
    for kind in variation.kinds:
        if kind in CHANGES:
            before, reply = reply, CHANGES[kind](variation.random(kind), reply)
            changed += [kind] * (reply != before)
    has_headers = "headers" in variation.kinds
    changed += ["headers"] * has_headers
    if changed and settings.mock_headers:
        reply = replace(reply, own_headers=(*reply.own_headers, ("Mock-Varied", variation.text(tuple(changed)))))
    return wire.rewrite_headers(variation.random("headers"), reply) if has_headers else reply


def _shows_opaque_id(decision: Decision, body: bytes) -> bool:
    opaque = (one.name for one in decision.operation.id_rules if one.is_opaque)
    return any(encode_json(decision.facts.new[name]) in body for name in opaque)


def _change_values(change: Callable[[Random, Any, Validator], None]) -> Change:
    """Change a value of the body, if the schema of what is open allows the result."""

    def changed(random: Random, reply: Reply) -> Reply:
        schema = reply.decision.scenario.envelope.open_validator if reply.decision is not None else None
        if schema is None:
            return reply
        body = decode_trusted_json(reply.body)
        change(random, body, schema)
        return reply if schema.violations("answer", body) else replace(reply, body=encode_json(body))

    return changed


def _change_text(change: Callable[[Random, str], str]) -> Change:
    """Write the body in another way."""
    return lambda random, reply: replace(reply, body=change(random, reply.body.decode()).encode())


def _cut_into_chunks(random: Random, reply: Reply) -> Reply:
    """Have the body sent in chunks, if one is sent to a client that can read them."""
    request = reply.decision.document.request if reply.decision is not None else None
    if request is None or not request.reads_chunks or request.method == "HEAD" or reply.status in (204, 304):
        return reply
    return wire.cut_into_chunks(random, reply)


CHANGES: Final[Mapping[str, Change]] = {
    "absent": _change_values(bodies.leave_out_empty),
    "enum": _change_values(bodies.take_other_value),
    "time": _change_values(bodies.rewrite_time),
    "extra": _change_values(bodies.add_member),
    "order": _change_text(bodies.reorder),
    "numbers": _change_text(bodies.rewrite_numbers),
    "escapes": _change_text(bodies.escape),
    "space": _change_text(bodies.add_space),
    "charset": wire.name_charset,
    "chunks": _cut_into_chunks,
    "packets": wire.cut_into_packets,
}
"""The kinds of variation by name; `ids` vary where they are drawn, and `headers` once all headers are there."""
