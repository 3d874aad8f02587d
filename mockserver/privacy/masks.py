"""Masks: what is secret keeps its shape and nothing else, before it is written anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote_plus

from msgspec import Struct

from mockserver.base.address import escape_segment, unescape_segment
from mockserver.base.json_pointer import json_pointer, json_pointer_step
from mockserver.base.values import (
    decode_trusted_json,
    encode_json,
    mask,
    printable,
    replace_invalid_utf8,
)
from mockserver.core.contract import Operation
from mockserver.core.model import Path, value_at
from mockserver.core.reply import Headers
from mockserver.privacy.account_numbers import (
    Span,
    account_numbers,
    account_numbers_in_ascii,
    has_uncommon_digits,
    holds_account_number,
)
from mockserver.privacy.secrets import Secrets, unescaped

_ASCII: Final = bytes(range(128))

_BEFORE_BARE_NUMBER: Final = ":[,- \t\r\n"
"""What stands before a JSON number, which may not begin with 0."""

MAX_TARGET: Final = 200
"""Characters of a path, and of a query, that are shown."""

MAX_PARAMETERS: Final = 100
"""Parameters of one query whose names are compared with those of secrets.

If there are more, every value is masked whose parameter the contract does not declare.
"""

_USERINFO: Final = re.compile(r"(?<=//)[^/?#\s]+(?=@)")


# -- payment account numbers ----------------------------------------------------------------------------


def mask_account_numbers(data: bytes) -> bytes:
    """The bytes with every payment account number in them masked; JSON stays JSON."""
    beyond_ascii = b"" if data.isascii() else data.translate(None, _ASCII)  # to search all of it takes 40 times as long
    if has_uncommon_digits(beyond_ascii.decode("utf-8", "surrogateescape")):
        text = data.decode("utf-8", "surrogateescape")
        spans = account_numbers(text)
        return _mask_spans(text, spans, is_json=True).encode("utf-8", "surrogateescape") if spans else data
    spans = account_numbers_in_ascii(data)
    return _mask_spans(data.decode("latin-1"), spans, is_json=True).encode("latin-1") if spans else data


def mask_account_numbers_in_text(text: str) -> str:
    """A text with every payment account number in it masked."""
    return _mask_spans(text, account_numbers(text))


def _mask_spans(text: str, spans: Iterable[Span], *, is_json: bool = False) -> str:
    """A text with these parts of it masked; what may be a number of JSON gets a mask that begins with 1."""
    parts, end = [], 0
    for span in spans:
        start = max(end, span.start)  # the last group of one number can be the first of the next
        masked = mask(text[start : span.end])
        if is_json and 0 < start == span.start and text[start - 1] in _BEFORE_BARE_NUMBER and masked[0] == "0":
            masked = "1" + masked[1:]
        parts += [text[end:start], masked]
        end = max(end, span.end)
    return "".join([*parts, text[end:]])


def mask_account_numbers_in_value(value: Any) -> Any:
    """A JSON value with every payment account number in it masked."""
    if isinstance(value, str):
        return mask_account_numbers_in_text(value)
    if isinstance(value, Mapping):
        return {
            mask_account_numbers_in_value(name): mask_account_numbers_in_value(member) for name, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_account_numbers_in_value(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return decode_trusted_json(mask_account_numbers(b" " + encode_json(value)))
    return value


# -- bodies ---------------------------------------------------------------------------------------------


def mask_value(value: Any) -> Any:
    """A JSON value with its texts, numbers and names of members masked in shape."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask(name): mask_value(member) for name, member in value.items()}
    if isinstance(value, list):
        return [mask_value(item) for item in value]
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else value


def mask_at(value: Any, paths: Iterable[Path]) -> Any:
    """A JSON value with what stands at these paths masked, in one pass over it however many they are."""
    tree: dict[Any, Any] = {}
    for path in paths:
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node[_HERE] = True
    return _masked_in(value, tree)


_HERE: Final = object()
"""The key by which a tree of paths says that one of them ends there."""


def _masked_in(value: Any, tree: Mapping[Any, Any]) -> Any:
    if _HERE in tree:
        return mask_value(value)
    if isinstance(value, list):
        return [_masked_in(item, tree[index]) if index in tree else item for index, item in enumerate(value)]
    return {name: _masked_in(member, tree[name]) if name in tree else member for name, member in value.items()}


def masked_pointers(value: Any, paths: Iterable[Path], pointer: str) -> list[str]:
    """The JSON Pointers of what is masked at these paths; `pointer` is that of the value.

    Also where the mask looks like the secret: who reads `0000` is not to take it for what was sent.
    """
    return [pointer + json_pointer(path) for path in paths if _has_mask(value, path)]


def _has_mask(value: Any, path: Path) -> bool:
    found = value_at(value, path)
    return found is not None and not isinstance(found, bool)


def mask_text_body(data: bytes, secrets: Secrets) -> bytes:
    """The bytes of a body that is no JSON object: masked as a whole where there may be a secret in it."""
    if secrets.bytes_may_have_secret(data):
        return mask(data.decode("utf-8", "replace")).encode()
    masked = mask_account_numbers(unescaped(data))
    return data if masked == unescaped(data) else masked


def changed_pointers(before: Any, after: Any, pointer: str) -> list[str]:
    """The JSON Pointers of what differs between a value and its masked form; `pointer` is that of the value."""
    if before == after and type(before) is type(after):
        return []
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        steps = [(json_pointer_step(name), name) for name in before]
        return [p for step, name in steps for p in changed_pointers(before[name], after[name], f"{pointer}/{step}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [p for number, (old, new) in pairs for p in changed_pointers(old, new, f"{pointer}/{number}")]
    return [pointer]


# -- headers and targets --------------------------------------------------------------------------------


def mask_headers(headers: Iterable[tuple[str, str]], secrets: Secrets, pointer: str, masked: list[str]) -> Headers:
    """Headers with the values of secret ones masked; of others user names and passwords in URLs, and secret queries.

    The JSON Pointers of what is masked are added to `masked`; `pointer` is that of the headers.
    """
    found: list[tuple[str, str]] = []
    for name, value in headers:
        shown = _masked_header(name, value, secrets)
        if shown is not None:
            masked.append(f"{pointer}/{len(found)}/1")
        else:
            shown = value
        # The HTTP library has a type of its own for names.
        found.append((str(name), shown if shown.isascii() else replace_invalid_utf8(shown)))
    return tuple(found)


def _masked_header(name: str, value: str, secrets: Secrets) -> str | None:
    """The value of a header with what is secret in it masked; None where nothing is."""
    is_secret = secrets.is_secret_header(name)
    if is_secret and name.lower() != "referer":
        return mask(value)
    shown = value
    if "@" in value:
        shown = mask_host(value) if name.lower() == "host" else mask_userinfo(value)
    page, separator, query = shown.partition("?")
    if separator and (is_secret or secrets.query_text_has_secret(query)):
        return f"{page}?{mask(query)}"
    return shown if shown != value else None


def mask_userinfo(text: str) -> str:
    """A text with the user name and password of each URL in it masked."""
    return _USERINFO.sub(lambda found: mask(found[0]), text)


def mask_host(host: str) -> str:
    """A value of `Host` with the user name and password in it masked; there should be none."""
    return mask_userinfo(f"//{host}").removeprefix("//")


class SecretParts(Struct, frozen=True, gc=False):
    """Whether the name and the value of a query parameter are secrets."""

    name: bool
    value: bool


def secret_parts(parameters: Sequence[tuple[str, str]], secrets: Secrets) -> list[SecretParts]:
    """What of each parameter of a query is a secret; with too many to compare, each value that is not declared."""
    are_too_many = len(parameters) > MAX_PARAMETERS
    return [
        SecretParts(
            holds_account_number(name) or (not value and not secrets.keeps_query_parameter_name(name)),
            (are_too_many and not secrets.is_harmless_query_parameter(name)) or _is_secret_value(name, value, secrets),
        )
        for name, value in parameters
    ]


def _is_secret_value(name: str, value: str, secrets: Secrets) -> bool:
    return (
        secrets.is_secret_query_parameter(name)
        or holds_account_number(value)
        or secrets.json_text_has_secret(value)
        or secrets.query_text_has_secret(value)
    )


def mask_query(query: str, secrets: Secrets) -> str:
    """A query string in visible ASCII, its secrets masked."""
    pairs = [pair.partition("=") for pair in query.split("&")]
    parameters = [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]
    shown = [
        (mask(name) if secret.name else name) + equals + (mask(value) if secret.value else value)
        for (name, equals, value), secret in zip(pairs, secret_parts(parameters, secrets), strict=True)
    ]
    return printable("&".join(shown), MAX_TARGET)


class PathMask:
    """Masks what is secret in the paths of requests to any of several operations."""

    def __init__(self, operations: Iterable[Operation], secrets: Secrets) -> None:
        """Compile the paths, and how those begin that have a secret in them."""
        self._fixed: set[str] = set()
        self._templates: list[re.Pattern[str]] = []
        self._beginnings: list[re.Pattern[str]] = []
        for operation in operations:
            if not operation.parameters:
                self._fixed.add(operation.path)
                continue
            hidden = [name for name in operation.parameters if secrets.covers("path", (name,))]
            parts = re.split(r"\{([^{}]*)\}", operation.path)
            steps = [re.escape(p) if i % 2 == 0 else _segment(p in hidden) for i, p in enumerate(parts)]
            self._templates.append(_below_sandbox("".join(steps)))
            ends = [i + 1 for i in range(1, len(parts), 2) if parts[i] in hidden]
            lax = [step.replace("/", "/+") if i % 2 == 0 else step for i, step in enumerate(steps)]
            self._beginnings += [_below_sandbox("".join(lax[:end])) for end in ends]

    def mask(self, path: str) -> str:
        """A path in visible ASCII, without secrets and account numbers.

        One that only begins like the path of an operation may hold the same secret.
        """
        if self._beginnings and path not in self._fixed:
            found = [match for one in self._templates if (match := one.fullmatch(path))]
            found = found or [match for one in self._beginnings if (match := one.match(path))]
            spans = {match.span(number) for match in found for number in range(1, len(match.groups()) + 1)}
            for start, end in sorted(spans, reverse=True):
                path = path[:start] + escape_segment(mask(unescape_segment(path[start:end]))) + path[end:]
        return printable(mask_account_numbers_in_text(path), MAX_TARGET)


def _below_sandbox(pattern: str) -> re.Pattern[str]:
    return re.compile("(?:/sandbox/[^/]*)?" + pattern)


def _segment(is_hidden: bool) -> str:
    return "([^/]+)" if is_hidden else "[^/]+"
