"""Coverage as a page: one file that runs nothing and asks for nothing."""

import re

import pytest

from mockserver.reports.coverage_page import html
from tests.support.coverage_reports import NASTY, Page, shown


def test_the_page_has_no_scripts_and_no_links() -> None:
    """No picture and no style sheet of another place; it says its language."""
    page = html(shown())
    parsed = Page(page)
    assert parsed.open == []
    assert not {"script", "link", "img", "iframe", "a", "form"} & set(parsed.tags)
    assert not {name for name, _ in parsed.attributes} & {"src", "href", "onclick", "action"}
    assert ("lang", "en") in parsed.attributes
    assert "url(" not in page
    assert "@import" not in page
    assert "prefers-color-scheme:dark" in page


def test_everything_on_the_page_is_escaped() -> None:
    """Any text of a report may hold markup."""
    row = {**shown()["scenarios"][1], **dict.fromkeys(("scenario", "heading", "note", "curl", "status"), NASTY)}
    row["values"] = [{"at": NASTY, "value": NASTY}]
    rows = [{**row, "error": {"code": NASTY}}, {**row, "met": 1, "triggers": {"state": 1}, "faults": {NASTY: 1}}]
    retry = {"after": NASTY, "fault": NASTY, "count": 1, "shortest_ms": 1.0, "longest_ms": 1.0}
    seen = {"retries": [retry], "sent_again_after_answer_lost": 0, "secrets_in_url": 0, "malformed": {NASTY: 1}}
    page = html(shown(scenarios=rows, behaviour=seen, sandbox=NASTY, contract=NASTY))
    parsed = Page(page)
    assert "script" not in parsed.tags
    assert parsed.text.count(NASTY) >= 12


def test_advice_is_marked_as_that_of_the_mock() -> None:
    """With what happened, what to do, and whether to send the request again."""
    advice = {"reason": {"en": "It is down."}, "advice": {"es": "Espere.", "en": "Wait."}, "retry": "safe"}
    row = shown()["scenarios"][1]
    page = Page(html(shown(scenarios=[{**row, **advice}])))
    assert "What to do (advice of this mock): It is down. Wait. A retry is safe." in page.text
    assert "advice" not in Page(html(shown())).text


def test_the_page_is_spanish_for_a_spanish_reader() -> None:
    """All but identifiers, and the headings of the documents, which say their language."""
    row, other = shown()["scenarios"]
    advice = {"reason": {"en": "It is down."}, "advice": {"es": "Espere.", "en": "Wait."}, "retry": "safe"}
    verified = {"on": "2026-11-02", "result": "differs"}
    told = {"note": "Open.", "notes": {"es": "Abierto.", "en": "Open."}, "faults": {"reset": 2}, "retried": 1}
    rows = [{**row, **told}, {**other, **advice, "verified": verified, "values": [{"at": "body.pin"}]}]
    rows += [
        {**other, "source": "assumed", "heading": None, "values": []},
        {**other, "values": [], "conditions": []},
    ]
    retries = [
        {"after": "one", "fault": "reset", "count": 1, "shortest_ms": 5.0, "longest_ms": 5.0},
        {"after": "two", "fault": None, "count": 3, "shortest_ms": 5.0, "longest_ms": 90.5},
    ]
    seen = {"retries": retries, "sent_again_after_answer_lost": 1, "secrets_in_url": 2, "malformed": {"": 1, "/a": 2}}
    assumed = {"met": 0, "of": 1, "percent": 0.0}
    page = html(shown(scenarios=rows, behaviour=seen, assumed=assumed, incomplete=True), "es")
    assert '<html lang="es">' in page
    assert "<title>1 de 2 resultados documentados vistos (50.0 %), 0 de 1 supuestos (incompleto: " in page
    text = Page(page[page.index("<body>") : page.index("</body>")]).text
    for words in (
        "Cobertura del contrato",
        "✓ visto",
        "3 veces: estado 2, valores 1",
        "aún no visto",
        "Cómo obtenerlo: body.pin falta",
        'Cómo obtenerlo: body.x es "y"',
        "Cómo obtenerlo: todo lo que ningún otro escenario responde",
        "Nota. Abierto.",
        "Qué hacer (consejo de este mock): It is down. Espere. Se puede reintentar.",
        "difiere del proveedor el 2026-11-02",
        "Fallas: conexión cortada (reset) 2",
        "Después de one con la falla conexión cortada (reset) reintentó una vez, 5 ms más tarde.",
        "Después de two reintentó 3 veces, de 5 a 90 ms más tarde.",
        "1 solicitud tenía un cuerpo que no era un objeto JSON.",
        "2 solicitudes estaban mal formadas en body.a.",
    ):
        assert words in text
    assert not re.search(r"\b(the|of|met|sent|requests|outcomes?|Note|Answers)\b", text)


def test_a_closed_row_says_what_happened_where_the_heading_is_foreign() -> None:
    """In Spanish, beside the English heading; an English reader has the heading."""
    row = {**shown()["scenarios"][1], "reason": {"en": "It is down.", "es": "No funciona."}}
    pages = {language: html(shown(scenarios=[row]), language) for language in ("en", "es")}
    closed = {language: re.findall("<summary>.*</summary>", page) for language, page in pages.items()}
    assert "<b lang=en>Two</b><span class=soft><code>two</code></span><span>No funciona.</span>" in closed["es"][0]
    assert "It is down." not in closed["en"][0]


def test_a_condition_on_a_record_names_its_collection() -> None:
    """In the words of console and bug report, in the reader's language."""
    row = {**shown()["scenarios"][1], "values": [], "conditions": [{"customer": "present", "card.status": "new"}]}
    page = html(shown(scenarios=[{**row, "record_titles": {"customer": {"en": "Customers", "es": "Clientes"}}}]), "es")
    assert "Cómo obtenerlo: customer (Clientes) está presente y registro card.status es &quot;new&quot;" in page
    assert "customer (Customers) is present" in html(shown(scenarios=[row]))


@pytest.mark.parametrize(
    ("sandbox", "words"), [(None, "todos los sandboxes"), ("", "el sandbox principal"), ("a", "sandbox a")]
)
def test_the_page_names_its_sandbox_in_spanish(sandbox: str | None, words: str) -> None:
    """One sandbox, the default one, all, or those of a prefix."""
    assert words in html(shown(sandbox=sandbox), "es")
    assert "sandboxes ci-..." in html(shown(sandbox=sandbox, sandbox_prefix="ci-"), "es")
