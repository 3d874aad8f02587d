"""What a run would send, for people who decide whether it may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mockserver.base.not_json import NotJsonError
from mockserver.base.values import MAX_OWN_DEPTH, decode_json, encode_ascii_json, replace_invalid_utf8
from mockserver.core.model import Request
from mockserver.privacy.masks import mask_at, mask_headers, mask_text_body
from mockserver.privacy.secrets import Secrets
from mockserver.provider.cases import Case
from mockserver.provider.report import without_secrets
from mockserver.provider.target import Target


def plan(cases: Sequence[Case], target: Target, secrets: Secrets, values: Iterable[str]) -> str:
    """The requests of all cases, with what is secret and all `values` masked, and why others have none."""
    lines = [*_lines(cases, target, secrets)]
    return "\n".join(without_secrets(lines, values)) + "\n"


def _lines(cases: Sequence[Case], target: Target, secrets: Secrets) -> Iterator[str]:
    number = sum(len(case.requests) for case in cases)
    yield f"{number} request{'s' if number != 1 else ''} to {target.url}, at most {target.rate:g} a second"
    for case in cases:
        yield ""
        yield case.outcome.scenario.id + (f": not reached, {case.reason.text()}" if case.reason else "")
        for request in case.requests:
            yield f"  {request.method} {target.url_of(request)}"
            for name, value in mask_headers(request.headers.items(), secrets, "", []):
                yield f"  {name}: {value}"
            if request.body:
                yield f"  {_shown_body(request, secrets)}"


def _shown_body(request: Request, secrets: Secrets) -> str:
    try:
        body = decode_json(request.body, MAX_OWN_DEPTH)
    except NotJsonError:
        return replace_invalid_utf8(mask_text_body(request.body, secrets).decode("utf-8", "surrogateescape"))
    return encode_ascii_json(mask_at(body, secrets.find(body)))
