"""JUnit XML as a pipeline reads it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from mockserver.base.junit import JunitCase, JunitSuite, junit_xml


def test_a_report_counts_its_cases_and_says_why_they_failed() -> None:
    cases = [
        JunitCase("cards", "first", "passed", text="met once"),
        JunitCase("cards", "second", "failed", "not met", "one\ntwo"),
        JunitCase("cards", "third", "skipped", "not reached"),
        JunitCase("cards", "fourth", "passed"),
    ]
    root = ET.fromstring(junit_xml("coverage", [JunitSuite("outcomes", cases)]))
    suite = root[0]
    assert root.get("name") == "coverage"
    assert suite.attrib == {
        "name": "outcomes",
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "0",
    }
    explained = [(case.get("name"), [(one.tag, one.get("message"), one.text) for one in case]) for case in suite]
    assert explained == [
        ("first", [("system-out", None, "met once")]),
        ("second", [("failure", "not met", "one\ntwo")]),
        ("third", [("skipped", "not reached", None)]),
        ("fourth", []),
    ]


def test_what_xml_cannot_hold_becomes_a_space() -> None:
    case = JunitCase("a\x00b", "c\ud800d", "failed", "e\x1bf", "g\x07h\ni <&> é")
    suite = ET.fromstring(junit_xml("x\ny", [JunitSuite("s\tt", [case])]))[0]
    assert (suite.get("name"), suite[0].get("classname"), suite[0].get("name")) == ("s t", "a b", "c d")
    assert (suite[0][0].get("message"), suite[0][0].text) == ("e f", "g h\ni <&> é")
