"""The words of the bug report; `tests/admin/test_console_wording.py` compares them with those of the console."""

from __future__ import annotations

import pytest

from mockserver.core.faults import FAULTS
from mockserver.core.model import RequestWarning
from mockserver.entries.journal_entry import EntryViolation
from mockserver.reports.translations import TRANSLATIONS
from mockserver.reports.wording import Wording
from tests.support.conditions import compiled
from tests.support.worded import WHENS, in_an_entry, violations


def test_english_violations_are_those_of_the_mock() -> None:
    """Each keyword, and a keyword that has no words of its own."""
    found = violations()
    assert [Wording("en").violation(in_an_entry(one)) for one in found] == [one.message for one in found]
    unknown = EntryViolation("body", (), "x-mine", "other", "breaks the keyword x-mine")
    assert Wording("es").violation(unknown) == "breaks the keyword x-mine"


@pytest.mark.parametrize("language", TRANSLATIONS)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_has_a_name_and_a_sentence_in_each_language(language: str, kind: str) -> None:
    """Its kind, as options and headers write it, stands beside a name in other words."""
    texts = TRANSLATIONS[language]
    assert texts[f"fault.{kind}"]
    name = texts[f"fault.name.{kind}"]
    assert Wording(language).fault(kind) == (kind if name == kind else f"{name} ({kind})")


def test_conditions_that_hold_together_are_one_sentence() -> None:
    """A path into a record says that it is one."""
    conditions = [*compiled({"thing": "present", "body.x": {"at_least": 2}})]
    assert (
        Wording("en").conditions(one.written for one in conditions) == "record thing is present and body.x at least 2"
    )
    assert Wording("es").conditions([{"body.x": "absent"}, {"thing.kind": "a"}]) == (
        'body.x no está presente y registro thing.kind es "a"'
    )
    assert all(Wording("es").conditions(one.written for one in compiled(when)) for when in WHENS)


@pytest.mark.parametrize(
    ("warning", "words"),
    [
        (
            ("header", "/content-type", "content-type", {"expected": "a/b"}),
            "the Content-Type is missing",
        ),
        (
            ("header", "/content-type", "content-type", {"expected": "a/b", "got": "c"}),
            "the Content-Type is c, not a/b; the body is read as JSON",
        ),
        (("header", "", "authentication", {}), "no credentials were sent; none are required here"),
        (("body", "/a~1b", "unknown-member", {"near": "ab"}), "a/b is not a documented field, did you mean ab?"),
        (("body", "/x/a", "duplicate-member", {}), "a comes more than once; the last value counts"),
    ],
)
def test_warnings_are_worded(warning: tuple[str, str, str, dict[str, str]], words: str) -> None:
    """What the pointer names, and what is close to it."""
    root, pointer, keyword, values = warning
    assert Wording("en").warning(RequestWarning(root, pointer, keyword, "", "", values)) == words
