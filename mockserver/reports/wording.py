"""Violations, warnings and conditions in the reader's language, in the words that the console has for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from mockserver.base.json_pointer import json_pointer_steps
from mockserver.base.values import encode_json, kind
from mockserver.core.model import RequestWarning
from mockserver.core.reply import Headers
from mockserver.entries.journal_entry import EntryViolation, JournalEntry, Recorded
from mockserver.reports.translations import TRANSLATIONS

_MAX_VALUE: Final = 80

_ROOTS: Final = frozenset(["body", "header", "query", "path", "new", "now", "settings", "item"])
"""What a path of a condition may begin with beside the name of a record."""


class Wording:
    """The texts of a language, and what is made of them. It says what `wording.js` of the console says."""

    def __init__(self, language: str, titles: Mapping[str, str] = MappingProxyType({})) -> None:
        """A language of `TRANSLATIONS`; `titles` are those of the collections of records, by a record's name."""
        self.language = language
        self._titles = titles
        self._texts = TRANSLATIONS[language]

    def text(self, key: str, /, **values: Any) -> str:
        """The text of a key; `{name}` is replaced by one of `values`."""
        singular = f"{key}.one"
        key = singular if values.get("count") == 1 and singular in self._texts else key
        return self._texts[key].format(**values)

    def fault(self, kind: str) -> str:
        """The name of a kind of fault; the kind itself follows where this language has another name.

        A report of a newer server may have a kind without a name.
        """
        name = self._texts.get(f"fault.name.{kind}", kind)
        return name if name == kind else f"{name} ({kind})"

    def title(self, record: str) -> str:
        """The title of the collection of a record; its own name where it has none."""
        return self._titles.get(record, record)

    def recorded(self, found: Recorded) -> str:
        """What an answer of the provider is to the contract."""
        return self.text(f"recorded.words.{found.result}", scenario=found.scenario)

    def why(self, trigger: str, cause_entry_id: str) -> str:
        """What made a scenario answer. A record that no request wrote was written by hand or from a snapshot."""
        return self.text("trigger.state.hand" if trigger == "state" and not cause_entry_id else f"trigger.{trigger}")

    def retry_rows(self, entry: JournalEntry, retries: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """What an entry repeats, and its own retry if its answer was lost, with names; of what `retries_json` gives."""
        if retries["retry_of"] is not None:
            yield self.text("entry.retry_of"), self._retry(retries["retry_of"])
        if entry.answer_lost:
            found = retries["retried_by"]
            yield self.text("entry.retry"), self.text("lost.retry.none") if found is None else self._retry(found)

    def _retry(self, found: Mapping[str, Any]) -> str:
        """The other request of a retry, and how it was answered."""
        after = self.text("lost.retry.after", ms=found["after_ms"]) if found["after_ms"] > 0 else None
        answer = (self.text("lost"),) if found["answer_lost"] else (found["status"], found["code"])
        masked = self.text("lost.retry.masked") if found["has_masked_values"] else None
        parts = (f"#{found['id']}", after, *answer, found["scenario"] or found["problem"], masked)
        return " · ".join(str(part) for part in parts if part is not None)

    def place(self, pointer: str, entry: JournalEntry) -> str:
        """A place of an entry as a path: `/request/body/value/name` is `body.name`.

        Empty for one that repeats what stands in the request, such as a warning or the trace id.
        """
        match json_pointer_steps(pointer):
            case ["decision", "warnings" | "violations", *_]:
                return ""
            case ["decision", *_, last]:
                return self.text("place.record", path=last)
            case ["request", *steps]:
                return self._place_of_message(steps, entry.request.headers)
            case ["reply", *steps]:
                return self.text("place.reply", path=self._place_of_message(steps, entry.reply.headers))
        return ""

    @staticmethod
    def _place_of_message(steps: Sequence[str], headers: Headers) -> str:
        match steps:
            case ["target"]:
                return "URL"
            case ["headers", number, *_]:
                return f"header.{headers[int(number)][0]}"
            case ["body", _, *members]:  # without the step to its value
                return ".".join(["body", *members])
        return ".".join(steps)

    def violation(self, one: EntryViolation) -> str:
        """What is wrong with a request at a place."""
        values = one.values
        if one.keyword == "parse":
            got = self._texts.get(f"type.{values.get('got')}", "")
            return self.text(f"parse.{values['reason']}", **{**values, "got": got})
        if one.got == "missing":
            return self.text("violation.missing")
        if "operand" in values:
            return self.text("violation.expected", expected=self._expected(one), got=self._got(one))
        key = f"violation.{one.keyword}"
        return self.text(key) if key in self._texts else one.message

    def _expected(self, one: EntryViolation) -> str:
        """What a keyword of JSON Schema expects."""
        operand = one.values["operand"]
        match one.keyword:
            case "type":
                return self.choice(self.text(f"type.{name}") for name in _listed(operand))
            case "pattern":
                words: Mapping[str, str] = one.values["expected"]
                return words.get(self.language) or words.get("en") or self.text("expected.pattern", operand=operand)
            case "enum":
                return self.text("expected.enum", operand=", ".join(map(_quoted, operand)))
            case "const":
                return _quoted(operand)
        return self.text(f"expected.{one.keyword}", count=operand, operand=operand)

    def _got(self, one: EntryViolation) -> str:
        operand, got = one.values["operand"], one.values.get("got")
        if one.keyword == "type":
            return self.text("type.fraction" if got == "number" and "integer" in _listed(operand) else f"type.{got}")
        if isinstance(got, int):
            return str(got)
        if one.got in ("empty", "blank"):
            return self.text(f"came.{one.got}")
        if one.keyword == "pattern" or got == "string":
            return self.text("came.text")
        if got is None:
            return self.text(f"got.{one.keyword}")
        another = f"another.{got}"
        is_kind_of_another = another in self._texts and got in [kind(value).split()[-1] for value in _listed(operand)]
        return self.text(another if is_kind_of_another else f"type.{got}")

    def warning(self, one: RequestWarning) -> str:
        """What was accepted although it was probably not meant."""
        if one.keyword == "content-type" and "got" not in one.values:
            return self.text("warning.content-type.none")
        name = json_pointer_steps(one.pointer)[-1] if one.pointer else ""
        near = self.text("warning.near", **one.values) if "near" in one.values else ""
        return self.text(f"warning.{one.keyword}", **{**one.values, "name": name, "near": near})

    def trigger(self, values: Iterable[Mapping[str, Any]], conditions: Iterable[Mapping[str, Any]]) -> str:
        """How to get an outcome: by these values, or else by its conditions."""
        shown = [f"{one['at']} {self._value(one)}" for one in values]
        return ", ".join(shown) or self.conditions(conditions) or self.text("values.otherwise")

    def _value(self, one: Mapping[str, Any]) -> str:
        """A value that triggers an outcome; it may be that the member is missing."""
        if "value" not in one:
            return self.text("json.missing")
        value = one["value"]
        return value if isinstance(value, str) and value else _quoted(value)

    def conditions(self, written: Iterable[Mapping[str, Any]]) -> str:
        """Conditions that hold together, each as the file writes it, `{name: operand}`."""
        return self._together(self._condition(name, operand) for one in written for name, operand in one.items())

    def _condition(self, name: str, operand: Any) -> str:
        if name == "violation":
            return self._violation_condition(operand)
        if name in ("all", "any", "none") and isinstance(operand, list):
            return self.text(f"group.{name}", list="; ".join(self.conditions([group]) for group in operand))
        return f"{self._path(name)} {self._operand(operand)}"

    def _path(self, path: str) -> str:
        """A path as text; one into a record says of which collection, as a field may have that name."""
        root = path.partition(".")[0]
        if root in _ROOTS:
            return path
        title = self._titles.get(root)
        return self.text("place.of", path=path, title=title) if title else self.text("place.record", path=path)

    def _violation_condition(self, operand: Any) -> str:
        if isinstance(operand, str):
            return self.text(f"condition.{operand}")
        parts = []
        for name, wanted in operand.items():
            words = [self.text(f"came.{one or 'null'}") if name == "came" else one for one in _listed(wanted)]
            parts.append(self.text(f"condition.{name}", value=self.choice(words)))
        return f"{self.text('condition.violation')} {', '.join(parts)}"

    def _operand(self, operand: Any) -> str:
        """What is expected of a value: a value, a word, or operators."""
        if operand in ("present", "absent", "empty"):
            return self.text(f"op.{operand}")
        if not isinstance(operand, dict):
            return self.text("op.equals", value=_quoted(operand))
        return self._together(self._operator(name, inner) for name, inner in operand.items())

    def _operator(self, name: str, operand: Any) -> str:
        if name in ("all", "any", "none"):
            return self.text(f"op.{name}", list="; ".join(map(self._operand, operand)))
        if name in ("not", "some_item", "every_item"):
            text = self.text(f"op.{name}", inner=self._operand(operand))
            return f"is not {text.removeprefix('not is ')}" if text.startswith("not is ") else text
        return self.text(f"op.{name}", value=operand if name == "same_as" else _quoted(operand))

    def _together(self, texts: Iterable[str]) -> str:
        return f" {self.text('and')} ".join(texts)

    def choice(self, texts: Iterable[str]) -> str:
        """Texts as a choice: `a, b or c`."""
        *first, last = texts
        return f"{', '.join(first)} {self.text('or')} {last}" if first else last


ENGLISH: Final = Wording("en")
"""The words of what is written in English alone, such as text for a terminal."""


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _quoted(value: Any) -> str:
    text = encode_json(value).decode()
    return f"{text[:_MAX_VALUE]}…" if len(text) > _MAX_VALUE else text
