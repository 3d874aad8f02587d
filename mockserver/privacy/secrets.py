"""What is secret: the one definition for conditions, templates, journal, log and names of sandboxes.

Secret are headers that identify somebody, the places that a contract marks, and members and parameters that have the
name of such a place, or nearly, where the contract declares nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus, unquote_to_bytes

from msgspec import Struct

from mockserver.base.not_json import NotJsonError
from mockserver.base.values import MAX_REQUEST_DEPTH, decode_json
from mockserver.core.contract import Operation
from mockserver.core.model import Path
from mockserver.privacy.secret_names import SecretNames, fold

_HEADERS: Final = ("authorization", "proxy-authorization", "x-authorization", "cookie", "set-cookie")
"""What the names of secret headers begin with."""

_MORE_HEADERS: Final = frozenset(["x-auth-token", "x-amz-security-token", "referer"])
"""Other names of secret headers; of `referer` the query is."""

_CREDENTIALS: Final = frozenset(["accesstoken", "apikey", "password", "token"])
"""Names of query parameters and headers that carry credentials, folded (RFC 6750 has `access_token`)."""

MAX_CHECKED_NAMES: Final = 1_000
"""Undeclared names of one body that are compared with those of secrets; a body with more is masked as a whole."""

MAX_HEADER_NAME: Final = 100
MAX_CACHED_HEADER_NAMES: Final = 1_000
"""Header names whose secrecy is cached (explanation/performance.md)."""

_JSON_BEGINNINGS: Final = frozenset('{["' + " \t\r\n")
_HOLDERS: Final = frozenset([dict, list])
_SEARCHED: Final = frozenset([dict, list, str])
_ESCAPE: Final = re.compile(rb"(?<!\\)\\u00([2-7][0-9a-fA-F])(?<!22)(?<!5[cC])(?<!7[fF])")
"""A visible character of ASCII in JSON that need not be written as an escape."""

_PARAMETER_IN_WORDS: Final = re.compile(r"\bquery\.([^\s.]+)")
_PARAMETER_IN_TEXT: Final = re.compile(r"(?:^|[?&;#])([^?&;#=]{1,100})=")


class Secrets:
    """The secrets in requests to an operation, or to any of several."""

    def __init__(
        self, marked: Iterable[Path] = (), declared: Iterable[Path] = (), named_parameters: Iterable[str] = ()
    ) -> None:
        """`marked` and `declared` are places that begin with their root; `*` stands for any index or name.

        `named_parameters` are those of the query that conditions name.
        """
        self.marked = tuple(dict.fromkeys(marked))
        self._declared = frozenset(map(_place, declared)) - set(map(_place, self.marked))
        self._named_parameters = frozenset(named_parameters)
        self._tree = _Node({})
        for place in self.marked:
            node = self._tree
            for step in place:
                node = node.children.setdefault(str(step), _Node({}))
            node.is_secret = True
        self._names = SecretNames(
            (str(place[-1]) for place in self.marked if len(place) > 1 and place[-1] != "*"),
            (str(place[-1]) for place in self._declared if len(place) > 1),
        )
        self._harmless_names = self._names.declared
        self._headers: dict[str, bool] = {}

    # -- by name ----------------------------------------------------------------------------------------

    def is_secret_header(self, name: str) -> bool:
        """Whether a header of this name is a secret."""
        secret = self._headers.get(name)
        if secret is None:
            folded = name.lower()
            secret = (
                folded.startswith(_HEADERS)
                or folded in _MORE_HEADERS
                or any(map(self._names.contains, (folded, folded.removeprefix("x-"), f"x-{folded}")))
                or fold(folded.removeprefix("x-")) in _CREDENTIALS
            )
            if len(self._headers) < MAX_CACHED_HEADER_NAMES and len(name) <= MAX_HEADER_NAME:
                self._headers[name] = secret
        return secret

    def is_secret_query_parameter(self, name: str) -> bool:
        """Whether a parameter of the query is a secret."""
        if self.is_harmless_query_parameter(name):
            return False
        return fold(name) in _CREDENTIALS or self._names.resembles(name) or self.is_secret_header(name)

    def is_harmless_query_parameter(self, name: str) -> bool:
        """Whether the contract knows a parameter of the query, and does not mark it."""
        return ("query", name) in self._declared

    def keeps_query_parameter_name(self, name: str) -> bool:
        """Whether a name may stand in a query without a value: the contract knows it, or a decision rests on it."""
        return name in self._named_parameters or self.is_harmless_query_parameter(name)

    # -- by place ---------------------------------------------------------------------------------------

    def covers(self, root: str, steps: tuple[str, ...]) -> bool:
        """Whether what stands at a place of a request is a secret, lies in one or holds one."""
        if root == "header":
            return not steps or self.is_secret_header(steps[0])
        if root == "query" and (not steps or self.is_secret_query_parameter(steps[0])):
            return True
        node: _Node | None = self._tree.children.get(root)
        for step in steps:
            if node is None or node.is_secret:
                break
            node = node.item() if step.isdigit() else node.child(step)
        if node is not None:
            return True
        place = _place((root, *steps))
        return any(
            place[: number + 2] not in self._declared and self._names.resembles(str(step))
            for number, step in enumerate(place[1:])
            if root in ("body", "path")
        )

    def find(self, body: Any) -> list[Path]:
        """The paths of the secrets in a JSON body, in no certain order; also in texts that are JSON."""
        if not self.marked:
            return []
        marked = self._tree.children.get("body", _UNMARKED)
        if marked.is_secret:
            return [()]
        if type(body) is dict and body.keys() <= self._harmless_names and _HOLDERS.isdisjoint(map(type, body.values())):
            return [(name,) for name, value in body.items() if type(value) is str and self.json_text_has_secret(value)]
        return self._find(body, marked, _Budget())

    def _find(self, body: Any, marked: _Node, budget: _Budget) -> list[Path]:
        found: list[Path] = []
        pending = [_Visit((), ("body",), body, marked)]
        while pending:
            visit = pending.pop()
            for inner in _items(visit) if type(visit.value) is list else _members(visit):
                is_known = inner.place in self._declared or inner.path[-1] in self._harmless_names
                is_secret = inner.node.is_secret and inner.place not in self._declared
                if not is_secret and not is_known and inner.place is not visit.place and self._names:
                    if not budget.spend():
                        return [()]
                    is_secret = self._names.resembles(str(inner.path[-1]))
                kind = type(inner.value)
                if is_secret or (kind is str and self.json_text_has_secret(inner.value, budget)):
                    found.append(inner.path)
                elif kind is dict or kind is list:
                    pending.append(inner)
        return found

    # -- in texts ---------------------------------------------------------------------------------------

    def query_text_has_secret(self, text: str) -> bool:
        """Whether a text holds a query with a secret in it, as that of a URL to return to."""
        return "=" in text and any(self.is_secret_query_parameter(name) for name in _PARAMETER_IN_TEXT.findall(text))

    def json_text_has_secret(self, text: str, budget: _Budget | None = None) -> bool:
        """Whether a text is JSON with a secret in it."""
        if text[:1] not in _JSON_BEGINNINGS or not self._names:
            return False
        budget = budget or _Budget()
        if not budget.spend():
            return True
        data = text.encode("utf-8", "replace")
        try:
            return self._holds_secret(decode_json(data, MAX_REQUEST_DEPTH), budget)
        except NotJsonError:
            return self.bytes_may_have_secret(data)

    def _holds_secret(self, value: Any, budget: _Budget) -> bool:
        if isinstance(value, str):
            return self.json_text_has_secret(value, budget)
        return type(value) in _HOLDERS and bool(self._find(value, _UNMARKED, budget))

    def has_secret_name_in(self, data: bytes) -> bool:
        """Whether the name of a secret stands in the bytes of a body, if only in a member that came twice."""
        return self._names.occur_in(data)

    def bytes_may_have_secret(self, data: bytes) -> bool:
        """Whether a body that is no JSON object may hold a secret: a name of one stands in it, however written."""
        if not self._names:
            return False
        plain = unescaped(data)
        if self.has_secret_name_in(plain) or self.has_secret_name_in(unquote_to_bytes(plain)):
            return True
        try:
            return self._holds_secret(decode_json(data, MAX_REQUEST_DEPTH), _Budget())
        except NotJsonError:
            pairs = plain.decode("utf-8", "replace").split("&", MAX_CHECKED_NAMES)
            return any(self._names.resembles(unquote_plus(pair.partition("=")[0])) for pair in pairs if "=" in pair)


class _Budget:
    """How many names and texts of one body are still looked at."""

    def __init__(self) -> None:
        self._left = MAX_CHECKED_NAMES

    def spend(self) -> bool:
        """Look at one more; False where enough were."""
        self._left -= 1
        return self._left >= 0


@dataclass(slots=True)
class _Node:
    """A step of the marked places, with the steps below it; `*` leads to any index or undeclared name."""

    children: dict[str, _Node]
    is_secret: bool = False

    def child(self, name: str) -> _Node | None:
        """What is marked below a member."""
        return self.children.get(name) or self.children.get("*")

    def item(self) -> _Node:
        """What is marked below an item of a list; what is marked below a list is so below its items."""
        return self.children.get("*") or self


_UNMARKED: Final = _Node({})


class _Visit(Struct, frozen=True, gc=False):
    """A value inside a body: its path, the same without indices, and what is marked there."""

    path: Path
    place: Path
    value: Any
    node: _Node


def _items(visit: _Visit) -> Iterator[_Visit]:
    """The items of a list in which there can be a secret."""
    node = visit.node.item()
    for index, item in enumerate(visit.value):
        if node.is_secret or (item and type(item) in _SEARCHED):
            yield _Visit((*visit.path, index), visit.place, item, node)


def _members(visit: _Visit) -> Iterator[_Visit]:
    for name, value in visit.value.items():
        yield _Visit((*visit.path, name), (*visit.place, name), value, visit.node.child(name) or _UNMARKED)


def unescaped(data: bytes) -> bytes:
    """JSON without escapes for visible ASCII characters, which may hide a name or a number."""
    return _ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), data)


def secrets_of(operations: Iterable[Operation]) -> Secrets:
    """The secrets in requests to any of these operations."""
    marked: list[Path] = []
    declared: list[Path] = []
    named: list[str] = []
    for operation in operations:
        marked += operation.secret_places
        declared += operation.declared_places
        named += _query_parameters_in_conditions(operation)
    return Secrets(marked, declared, named)


def _query_parameters_in_conditions(operation: Operation) -> Iterator[str]:
    """The query parameters that conditions name: a decision rests on them, so that the journal keeps their names."""
    for scenario in operation.scenarios:
        for alternative in scenario.alternatives:
            for condition in alternative.conditions:
                yield from _PARAMETER_IN_WORDS.findall(condition.text)


def _place(path: Path) -> Path:
    """A path without indices: what is said of a list is said of its items."""
    return tuple(step for step in path if isinstance(step, str) and step != "*" and not step.isdigit())


NO_SECRETS: Final = Secrets()
"""Where nothing is secret."""
