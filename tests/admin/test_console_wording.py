"""The console's words for violations, warnings, conditions and evidence, in each language."""

from __future__ import annotations

import ast
import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mockserver import Engine, Request, load
from mockserver.core.model import Violation
from mockserver.entries.views import header_list, violation_json
from mockserver.reports.translations import TRANSLATIONS
from mockserver.reports.wording import Wording
from tests.project.test_problem_titles import PACKAGE, problems
from tests.support import LASTING, ONCE, PATH, Serving, journal, serving
from tests.support.browser import Opened
from tests.support.conditions import compiled
from tests.support.worded import WHENS, in_an_entry, violations


@pytest.fixture(scope="module")
def mock() -> Iterator[Serving]:
    with serving("--log-format", "none") as serve:
        yield serve


def worded(page: Page, function: str, values: list[Any]) -> list[str]:
    """What a function of the console's module makes of each value."""
    texts: list[str] = page.evaluate(
        """async ([name, values]) => {
            const main = document.querySelector('script[type=module]').src;
            const modules = await Promise.all(['wording.js', 'violations.js'].map((one) => import(new URL(one, main))));
            const words = modules.find((one) => name in one)[name];
            return values.map((one) => words(one));
        }""",
        [function, values],
    )
    return texts


def shown(found: list[Violation]) -> list[dict[str, Any]]:
    """Violations as the admin API shows them."""
    return [{**violation_json(one), "values": dict(one.values)} for one in found]


def test_english_words_are_those_of_the_mock(mock: Serving, console: Opened) -> None:
    """Of violations and of conditions."""
    page = console(f"{mock.url}/sandbox/words/")
    found = violations()
    assert worded(page, "violationText", shown(found)) == [one.message for one in found]
    conditions = [one for when in WHENS for one in compiled(when)]
    texts = worded(page, "conditionText", [dict(one.written) for one in conditions])
    same = {"empty text": "empty", "only white space": "blank"}
    texts = [re.sub("|".join(same), lambda found: same[found[0]], text) for text in texts]
    assert texts == [one.text for one in conditions]


def test_everything_has_spanish_words(mock: Serving, console: Opened) -> None:
    """No English ones, and no key in their place; the bug report has the same words."""
    page = console(f"{mock.url}/sandbox/words/", locale="es-MX")
    conditions, found, report = (
        [dict(one.written) for when in WHENS for one in compiled(when)],
        violations(),
        Wording("es"),
    )
    texts = worded(page, "violationText", shown(found)) + worded(page, "conditionText", conditions)
    assert texts == [
        *(report.violation(in_an_entry(one)) for one in found),
        *(report.conditions([one]) for one in conditions),
    ]
    words = [re.sub(r'"[^"]*"|\^\S*|\bbody\.\S*|\ban a\b', "", one) for one in texts]
    english = r"\b(is|not|expected|got|an|with|at|the|of|has|item|member|or|and)\b|undefined|\w\.\w+[A-Z]"
    assert [one for one in words if re.search(english, one)] == []


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("es-MX", "es")])
def test_hidden_places_are_paths(mock: Serving, console: Opened, locale: str, language: str) -> None:
    """As conditions write them, in the console and in the bug report."""
    engine = Engine(load())
    engine.handle_sync(Request("POST", PATH, json.dumps(ONCE).encode(), {"authorization": "Bearer a"}))
    entry = journal(engine)[0]
    header = entry.reply.headers[0][0]
    paths = {
        "/request/target": "URL",
        "/request/query/a~1b": "query.a/b",
        "/request/headers/0/1": "header.authorization",
        "/request/body/value": "body",
        "/request/body/value/more/0": "body.more.0",
        "/reply/headers/0/1": f"header.{header} {'of the reply' if language == 'en' else 'de la respuesta'}",
        "/decision/lookups/card/records/0/view/id": "record id" if language == "en" else "registro id",
        "/decision/warnings/0/message": "",
        "/trace": "",
    }
    assert {one: Wording(language).place(one, entry) for one in paths} == paths
    shown = {name: {"headers": header_list(getattr(entry, name).headers)} for name in ("request", "reply")}
    page = console(f"{mock.url}/sandbox/words/", locale=locale)
    assert worded(page, "maskedPlaces", [{**shown, "masked": [one]} for one in paths]) == [*paths.values()]


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_problem_has_words(language: str) -> None:
    """Of all that can be in the journal, and of all that the admin API refuses."""
    texts = [file.read_text("utf-8") for file in PACKAGE.rglob("*.py")]
    kinds = {ast.literal_eval(kind) for text in texts for kind, _ in problems(ast.parse(text))}
    kinds |= {f"bad-{part}" for text in texts for part in re.findall(r'bad_config\(error, "([a-z]+)"\)', text)}
    assert {"ambiguous-code", "unknown-path", "broken", "bad-when", "bad-instant"} <= kinds
    assert [kind for kind in sorted(kinds) if f"problem.{kind}" not in TRANSLATIONS[language]] == []


def test_test_values_are_worded_in_spanish(mock: Serving, console: Opened) -> None:
    """Values as they are, conditions in words."""
    page = console(f"{mock.url}/sandbox/words/#/values", locale="es-MX")
    line = page.locator(".value-line")
    expect(line.filter(has_text="no-customer")).to_contain_text("body.customer falta")
    expect(line.filter(has_text="pin-not-four")).to_contain_text("body.pin 123")
    expect(line.filter(has_text="activated-new-customer")).to_contain_text("customer_id está vacío")


def test_a_refusal_is_told_in_spanish(mock: Serving, console: Opened) -> None:
    """Before the words of the API, which are English."""
    page = console(f"{mock.url}/sandbox/words/#/state", locale="es-MX", tells=False)
    page.get_by_label("Adelantar").fill("15 minutos")
    page.get_by_role("button", name="Mover").click()
    expect(page.get_by_text("Escriba un número y una unidad, como 90s, 15m, 2h o 1d.")).to_be_visible()
    expect(page.get_by_label("Adelantar")).to_have_value("15 minutos")
    page.get_by_label("Adelantar").fill("999999999999d")
    page.get_by_role("button", name="Mover").click()
    expect(page.locator(".toast.bad")).to_contain_text("Una fecha y hora no se puede usar.")
    expect(page.get_by_label("Adelantar")).to_have_value("999999999999d")


@pytest.mark.parametrize(
    ("locale", "texts"),
    [
        (
            "en-US",
            [
                "delay between 200 ms and 2 s",
                "delay around 1 s, 5 s at most",
                "delay 1.5 s",
                "delay 0 ms",
                "delay 7 ms",
            ],
        ),
        ("es-MX", ["retraso entre 200 ms y 2 s", "retraso alrededor de 1 s, a lo sumo 5 s", "retraso 1.5 s"]),
    ],
)
def test_an_armed_delay_is_in_words(mock: Serving, console: Opened, locale: str, texts: list[str]) -> None:
    """Random ones too."""
    where = f"/sandbox/delay-{locale}"
    lognormal = {"median": "1s", "sigma": 0.5, "cap": "5s"}
    for delay in ({"uniform": ["200ms", "2s"]}, {"lognormal": lognormal}, {"fixed": "1.5s"}, "0ms", 7):
        mock.ask("POST", f"{where}/__admin/arm", json.dumps({"delay": delay}).encode())
    page = console(f"{mock.url}{where}/", locale=locale)
    for text in texts:
        expect(page.locator(".next-list")).to_contain_text(text)


def test_a_retry_after_a_fault_names_the_fault_as_the_coverage_page_does(mock: Serving, console: Opened) -> None:
    """In the reader's language, with its kind."""
    mock.post(LASTING, f"/sandbox/retry{PATH}", **{"Mock-Fault": "malformed"})
    mock.post(LASTING, f"/sandbox/retry{PATH}")
    words = "Después de activated-existing-customer con la falla JSON roto (malformed) reintentó una vez, "
    expect(console(f"{mock.url}/sandbox/retry/#/outcomes", locale="es-MX").locator("main")).to_contain_text(words)
    where = f"{mock.url}/sandbox/retry/__admin/coverage?format=html"
    with urllib.request.urlopen(urllib.request.Request(where, headers={"Accept-Language": "es-MX"})) as response:
        assert words in response.read().decode()


def test_half_a_condition_is_refused_at_its_field(mock: Serving, console: Opened) -> None:
    """A value without a field, and a field without a value: nothing is armed."""
    page = console(f"{mock.url}/sandbox/half/", locale="es-MX")
    page.locator(".next > .primary").click()
    dialog = page.locator("dialog")
    dialog.locator(".choice", has_text="5001").get_by_role("button", name=re.compile("^Ajustes")).click()
    dialog.locator("summary").click()
    field, value = dialog.get_by_label("Campo"), dialog.get_by_label("Valor")
    submit = dialog.locator("button[type=submit]")
    value.fill("777")
    dialog.locator("summary").click()
    submit.click()
    expect(dialog.get_by_text("Escriba el campo que tiene este valor, o borre el valor.")).to_be_visible()
    expect(field).to_be_focused()
    field.fill("body.customer_id")
    value.fill("")
    submit.click()
    expect(dialog.get_by_text("Escriba el valor de este campo, o borre el campo.")).to_be_visible()
    expect(dialog.get_by_text("Escriba el campo que tiene")).to_have_count(0)
    expect(value).to_be_focused()
    assert mock.ask("GET", "/sandbox/half/__admin/armed")[1]["armed"] == []
    value.fill("777")
    submit.click()
    expect(page.locator(".next")).to_contain_text("body.customer_id = 777")


def test_an_entry_is_explained_in_spanish(mock: Serving, console: Opened) -> None:
    """Violations, conditions, warnings, evidence and advice."""
    where = f"/sandbox/spanish{PATH}"
    mock.post({**ONCE, "pin": "48a", "custmer_id": "1", "reference_batch": 7}, where)
    mock.post(ONCE, where)
    mock.post({**LASTING, "reference_batch": ""}, where)
    mock.post({name: value for name, value in ONCE.items() if name != "card_identifier"}, where)
    page = console(f"{mock.url}/sandbox/spanish/", locale="es-MX")
    detail, rows = page.locator(".detail"), page.locator(".rows-body [role=row]")
    rows.filter(has_text="reference-batch-empty").click()
    expect(detail).to_contain_text("error de validación en body.reference_batch, se recibió: texto vacío")
    expect(detail).to_contain_text("El lote de referencia falta o está vacío. Complete reference_batch y vuelva")
    rows.filter(has_text="activated-existing-customer").click()
    expect(detail.get_by_role("heading", name="activated-existing-customer")).to_be_visible()
    misses = detail.locator(".misses")
    expect(misses).to_contain_text("body.balance no está vacío nada (falta)", use_inner_text=True)
    for name in ("Lotes", "Tarjetas", "Clientes", "predeterminado"):
        expect(detail.get_by_role("group", name="Registros, antes y después")).to_contain_text(name)
    rows.filter(has_text="card-identifier-empty").click()
    expect(detail.get_by_role("heading", name="card-identifier-empty")).to_be_visible()
    expect(misses).to_contain_text("body.card_identifier es obligatorio, pero falta")
    expect(detail).to_contain_text("por los datos enviados")
    rows.filter(has_text="malformed").click()
    expect(detail.get_by_role("heading", name="malformed")).to_be_visible()
    expect(detail).to_contain_text("se esperaba: un texto; se recibió: un número")
    expect(detail).to_contain_text("se esperaba: solo dígitos; se recibió: otro texto")
    expect(detail).to_contain_text("custmer_id no es un campo documentado; ¿quiso decir customer_id?")
    expect(detail).to_contain_text("Oculto en la bitácora: body.pin")
    detail.locator(".points summary").click()
    expect(detail).to_contain_text("check-order — Orden de las validaciones: cuerpo y forma;")


def test_a_note_is_in_spanish(mock: Serving, console: Opened) -> None:
    """Of an outcome, and of an answer."""
    note = 'El documento da un texto, "Wrong parameters", y ninguna pista (hints).'
    mock.post(LASTING, f"/sandbox/note{PATH}", **{"Mock-Scenario": "provider-communication"})
    page = console(f"{mock.url}/sandbox/note/", locale="es-MX")
    page.locator(".rows-body [role=row]").click()
    expect(page.locator(".detail")).to_contain_text(note)
    page = console(f"{mock.url}/sandbox/note/#/outcomes", locale="es-MX")
    outcome = page.locator(".outcome", has_text="provider-communication")
    outcome.locator("summary").first.click()
    expect(outcome).to_contain_text(note)


def test_collections_and_fields_are_described_in_spanish(mock: Serving, console: Opened) -> None:
    """In the words of the contract's files."""
    page = console(f"{mock.url}/sandbox/spanish/#/state", locale="es-MX")
    expect(page.get_by_role("button", name="Tarjetas")).to_be_visible()
    page = console(f"{mock.url}/sandbox/spanish/#/try", locale="es-MX")
    form = page.locator(".body-form")
    expect(form).to_contain_text("El cliente existente que recibe la tarjeta.")
    expect(form).not_to_contain_text("The existing customer")


def test_a_near_spelling_is_proposed_in_spanish(mock: Serving, console: Opened) -> None:
    """Whatever problem of the admin API has one; what the mock says stays, as English."""
    page = console(f"{mock.url}/sandbox/words/", locale="es-MX")
    status, problem = mock.ask("POST", "/__admin/arm", b'{"scenario": "card-alredy-activated"}')
    told = page.evaluate(
        """async ([status, problem]) => {
            const main = document.querySelector('script[type=module]').src;
            const [api, widgets] = await Promise.all(['api.js', 'widgets.js'].map((one) => import(new URL(one, main))));
            return widgets.errorState(new api.AdminError(status, problem)).querySelector('p').innerHTML;
        }""",
        [status, problem],
    )
    assert told == (
        f"{TRANSLATIONS['es']['problem.unknown-scenario']}. ¿Quiso decir card-already-activated? "
        f'Detalle (en inglés): <span lang="en">{problem["detail"]}</span>'
    )
