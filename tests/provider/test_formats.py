"""A report on a provider in its formats."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mockserver.provider.formats import junit, text
from mockserver.provider.page import html
from mockserver.reports.translations import TRANSLATIONS
from tests.support.coverage_reports import NASTY, Page

ROOT = Path(__file__).parents[2]


def report(words: str = "x") -> dict[str, Any]:
    """A report with each result; `words` stand wherever a provider or a contract has words."""
    sides = {"expected": words, "came": words}
    kinds = ("status", "missing", "extra", "type", "not-json", "no-answer", "repeated")
    differences = [{"at": f"body {words}", "kind": kind, **sides} for kind in kinds]
    one: dict[str, Any] = {
        "operation": words,
        "differences": [],
        "reason": None,
        "reason_key": None,
        "reason_values": {},
    }
    reason = {"reason": words, "reason_key": "no-connection", "reason_values": {"detail": words}}
    return {
        "target": words,
        "at": "2031-02-03T04:05:06.123Z",
        "contract": words,
        "outcomes": [
            {**one, "id": f"a{words}", "result": "same"},
            {**one, "id": f"b{words}", "result": "differs", "differences": differences},
            {**one, **reason, "id": f"c{words}", "result": "not-reached"},
        ],
        "assumptions": [
            {"id": f"d{words}", "result": "confirmed", "evidence": [f"a{words}"] * 5},
            {"id": f"e{words}", "result": "refuted", "evidence": [f"b{words}"]},
            {"id": f"f{words}", "result": "not-reached", "evidence": []},
        ],
    }


def test_the_text_says_each_result_in_a_line() -> None:
    """Each difference below its outcome, each evidence below its assumption."""
    assert (
        text(report())
        == """\
x at 2031-02-03T04:05:06.123Z, contract x
1 same, 1 differ, 1 not reached

same         ax
differs      bx
    body x: expected "x", got "x"
    body x: missing, expected "x"
    body x: extra, got "x"
    body x: expected "x", got "x" (type)
    body x: expected "x", got "x"
    body x: expected "x", got "x"
    body x: expected "x", got "x"
not reached  cx
    x

assumptions:
confirmed    dx
    ax, ax, ax and 2 more
refuted      ex
    bx: body x: expected "x", got "x"
not reached  fx
    no answer tells
"""
    )


def test_junit_counts_failures_and_what_was_not_reached() -> None:
    """A suite for the outcomes and one for the assumptions; any text of a provider is XML."""
    for words in ("x", NASTY, "\x00\x1b\ud800"):
        outcomes, assumptions = ET.fromstring(junit(report(words)))
        for suite in (outcomes, assumptions):
            assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
            assert [[part.tag for part in case] for case in suite] == [[], ["failure"], ["skipped"]]


def test_the_page_runs_nothing_and_asks_for_nothing() -> None:
    """Every value is escaped; what differs stands first."""
    page = html(report(NASTY))
    parsed = Page(page)
    assert parsed.open == []
    assert not {"script", "link", "img", "iframe", "a", "form"} & set(parsed.tags)
    assert not {name for name, _ in parsed.attributes} & {"src", "href", "onclick", "action"}
    assert parsed.text.index(f"b{NASTY}") < parsed.text.index(f"c{NASTY}") < parsed.text.index(f"a{NASTY}")
    assert "1 of 2 compared" in Page(html(report())).text


def test_the_page_of_a_run_that_compared_nothing_divides_by_nothing() -> None:
    """It says so in figures."""
    empty = {**report(), "outcomes": [], "assumptions": []}
    assert "0 of 0 compared" in Page(html(empty)).text
    assert ET.fromstring(junit(empty))[0].get("tests") == "0"


def test_the_page_is_spanish_for_a_spanish_reader() -> None:
    """All but identifiers, and what the provider or the system said."""
    page = html(report("Número inválido"), "es")
    assert '<html lang="es">' in page
    assert "<title>iguales: 1, con diferencias: 1, sin comparar: 1 - El proveedor comparado con el contrato" in page
    text = Page(page[page.index("<body>") : page.index("</body>")]).text
    for words in (
        "Respuestas como dice el contrato1 de 2 comparadas",
        "sin compararcNúmero inválidosin conexión con el proveedor: Número inválido",
        "7 diferencias",
        'otro estatusSe esperaba "Número inválido"\nSe recibió  "Número inválido"',
        'no es JSONSe recibió "Número inválido"',
        "sin respuestaDetalle (en inglés) Número inválido",
        "ninguna respuesta lo aclara",
        "aNúmero inválido, aNúmero inválido, aNúmero inválido y 2 más",
    ):
        assert words in text
    assert not re.search(r"\b(the|of|same|differs?|reached|answers?|contract)\b", text)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_each_kind_of_difference_and_each_reason_has_words(language: str) -> None:
    """Those of the schema, and those that the code gives."""
    schema = json.loads((ROOT / "schemas/provider-report.schema.json").read_text())["$defs"]
    kinds = {f"kind.{name}" for name in schema["difference"]["properties"]["kind"]["enum"]}
    results = {
        f"result.{name}" for part in ("outcome", "assumption") for name in schema[part]["properties"]["result"]["enum"]
    }
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "mockserver").rglob("*.py"))
    reasons = {f"reason.{name}" for name in re.findall(r'\b(?:Reason|UnboundError)\("(.+?)"', code)}
    worded = {
        key.partition(".")[2] for key in TRANSLATIONS[language] if re.match(r"provider\.(kind|result|reason)\.", key)
    }
    assert worded == kinds | results | reasons
