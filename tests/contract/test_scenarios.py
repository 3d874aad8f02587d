"""Scenarios: what their files say for people."""

from pathlib import Path

import pytest

from mockserver import load
from mockserver.contract.loading import ConfigError
from tests.support import PING, folder


def ping_with(tmp_path: Path, members: str) -> Path:
    """A contract whose first scenario has these members."""
    text = PING["ping.scenarios.yaml"].replace("  documented:", f"  {members}\n  documented:", 1)
    assert text != PING["ping.scenarios.yaml"]
    return folder(tmp_path, {**PING, "ping.scenarios.yaml": text})


def test_advice_in_one_language_only_is_a_warning(tmp_path: Path) -> None:
    """With its place, and the language that is missing; the contract is served."""
    contract = load(ping_with(tmp_path, "advice: {es: Espere.}"))
    (warning,) = contract.warnings
    name = next(iter(contract.scenarios)).id
    assert warning.what == f"the advice of {name} is in one language only"
    assert (warning.expected, warning.got, warning.hint) == ("advice in en and es", "es", "add en: …")
    assert warning.position.line > 1
    assert load().warnings == ()


@pytest.mark.parametrize(
    ("written", "note", "warned"),
    [
        ("note: Odd.", {"en": "Odd."}, False),
        ("note: {en: Odd., es: Raro.}", {"en": "Odd.", "es": "Raro."}, False),
        ("note: {en: Odd.}", {"en": "Odd."}, True),
    ],
)
def test_a_note_is_a_text_or_one_by_language(
    tmp_path: Path, written: str, note: dict[str, str], *, warned: bool
) -> None:
    """A text alone is English; one language where there could be two is a warning."""
    contract = load(ping_with(tmp_path, written))
    scenario = next(iter(contract.scenarios))
    assert (scenario.notes, scenario.note) == (note, "Odd.")
    assert bool(contract.warnings) is warned


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ("note: {fr: Bizarre.}", "en, es"),
        ("note: 5", "a string"),
        ("retry: sometimes", 'one of "safe", "after-change", "never", "treat-as-success"'),
        ("advice: {}", "at least 1 member"),
        ('advice: {en: " "}', "a text"),
        ("advice: {fr: Attendez.}", "en, es"),
        ('reason: {es: ""}', "a text"),
        ("reason: It is down.", "an object"),
    ],
)
def test_advice_is_checked(tmp_path: Path, members: str, expected: str) -> None:
    """A retry is one of four; a language is one of two."""
    with pytest.raises(ConfigError) as error:
        load(ping_with(tmp_path, members))
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("place", "envelope", "respond", "code"),
    [
        ("code", "'${respond}'", "{code: 7}", "7"),
        ("error.code", "{at: '${now.utc_millis}', error: '${respond}'}", "{code: E-7, at: '${now.utc_millis}'}", "E-7"),
        ("error.code", "{at: '${now.utc_millis}', error: '${respond}'}", "{code: 7}", "7"),
        ("error.code", "{at: '${now.utc_millis}'}", "{code: 7}", None),
        ("error.code", "{error: 7}", "{code: 7}", None),
        ("code", "'${respond}'", "{code: true}", None),
    ],
)
def test_a_code_is_what_the_envelope_renders_at_its_place(
    tmp_path: Path, place: str, envelope: str, respond: str, code: str | None
) -> None:
    """An answer without one is a warning."""
    contract = load(
        folder(
            tmp_path,
            {
                "contract.yaml": f"format: 1\noperations:\n  ping:\n    request: GET /ping\n    envelopes:\n"
                f"      error: {{status: 400, code: {place}, body: {envelope}}}\n",
                "ping.scenarios.yaml": "format: 1\noperation: ping\nscenarios:\n- scenario: only\n  documented: x\n"
                f"  respond: {{error: {respond}}}\n  examples: [{{headers: {{}}}}]\n",
            },
        )
    )
    (scenario,) = contract.scenarios
    assert scenario.code == code
    assert [warning.what for warning in contract.warnings] == ([] if code else [f"an answer without a code at {place}"])
