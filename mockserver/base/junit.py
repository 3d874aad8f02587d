"""A report as JUnit XML, which pipelines read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mockserver.base.values import replace_control_characters

_ELEMENTS: Final = {"passed": "system-out", "failed": "failure", "skipped": "skipped"}
"""The element that explains each result."""


@dataclass(frozen=True, slots=True)
class JunitCase:
    """A test case. `message` says in one line why it failed or was skipped; `text` has more, in lines."""

    class_name: str
    name: str
    result: Literal["passed", "failed", "skipped"]
    message: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class JunitSuite:
    """A named list of test cases."""

    name: str
    cases: Sequence[JunitCase]


def junit_xml(name: str, suites: Sequence[JunitSuite]) -> str:
    """The XML document of a report; a character that XML cannot hold becomes a space."""
    root = Element("testsuites", name=replace_control_characters(name))
    for suite in suites:
        results = [case.result for case in suite.cases]
        counts = {
            "tests": len(results),
            "failures": results.count("failed"),
            "errors": 0,
            "skipped": results.count("skipped"),
            "time": 0,
        }
        names = {"name": replace_control_characters(suite.name)}
        element = SubElement(root, "testsuite", names, **{key: str(count) for key, count in counts.items()})
        for case in suite.cases:
            _add_case(element, case)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _add_case(suite: Element, case: JunitCase) -> None:
    class_name, name, message = map(replace_control_characters, (case.class_name, case.name, case.message))
    element = SubElement(suite, "testcase", classname=class_name, name=name, time="0")
    if message or case.text:
        explanation = SubElement(element, _ELEMENTS[case.result], {"message": message} if message else {})
        explanation.text = "\n".join(map(replace_control_characters, case.text.split("\n"))) or None
