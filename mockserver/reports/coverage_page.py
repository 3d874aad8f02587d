"""Coverage as a self-contained HTML page without scripts; every value is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mockserver.base.json_pointer import json_pointer_steps
from mockserver.core.client_advice import ClientAdvice, text_in
from mockserver.reports.coverage_report import Report, Row, by_source, counts_text, junit, text
from mockserver.reports.html_page import escaped as _e
from mockserver.reports.html_page import figures, html_page
from mockserver.reports.wording import Wording
from mockserver.storage.coverage import OTHER


def html(report: Report, language: str = "en") -> str:
    """The page in a language of `TRANSLATIONS`."""
    wording = Wording(language)
    return html_page(_title(report, wording), _page(report, wording), language)


def _title(report: Report, wording: Wording) -> str:
    share, assumed = report["documented"], report["assumed"]
    line = wording.text("coverage.summary", met=share["met"], of=share["of"], percent=share["percent"])
    line += wording.text("coverage.summary.assumed", met=assumed["met"], of=assumed["of"]) if assumed["of"] else ""
    line += wording.text("coverage.incomplete") if report.get("incomplete") else ""
    return f"{line} - {wording.text('coverage.title')}"


def _page(report: Report, wording: Wording) -> Iterator[str]:
    about = f"{_sandbox(report, wording)} · {wording.text('coverage.contract', contract=report['contract'])}"
    yield f"<h1>{_e(wording.text('coverage.title'))}</h1>\n<p class=soft>{_e(about)}</p>"
    yield from _figures(report, wording)
    yield from _section("coverage.documented", wording)
    yield from _groups(by_source(report, "documented"), wording)
    assumed = by_source(report, "assumed")
    if assumed:
        yield from _section("coverage.assumed", wording)
        yield from _groups(assumed, wording)
    yield from _section("coverage.behaviour", wording)
    yield "<ul class=plain>"
    yield from (f"<li>{_e(line)}</li>" for line in _behaviour(report["behaviour"], wording))
    yield "</ul>"
    yield from _section("coverage.counts", wording)


def _section(key: str, wording: Wording) -> Iterator[str]:
    """A title, and under it what the section is about."""
    yield f"<h2>{_e(wording.text(key))}</h2>\n<p class=soft>{_e(wording.text(f'{key}.text'))}</p>"


def _sandbox(report: Report, wording: Wording) -> str:
    """The sandbox of the report, in words."""
    if report.get("sandbox_prefix"):
        return wording.text("coverage.sandbox.prefix", prefix=report["sandbox_prefix"])
    if report["sandbox"] is None:
        return wording.text("coverage.sandbox.all")
    name = report["sandbox"]
    return wording.text("coverage.sandbox", sandbox=name) if name else wording.text("coverage.sandbox.default")


def _figures(report: Report, wording: Wording) -> Iterator[str]:
    share = report["documented"]
    others = {"assumed.met": _share(report["assumed"], wording), "requests": report["requests"]}
    others["misuses"] = report["problems"]
    return figures(
        wording.text("coverage.documented.met"),
        _share(share, wording),
        f"{_e(share['percent'])}&nbsp;%",
        float(share["percent"]),
        {wording.text(f"coverage.{name}"): value for name, value in others.items()},
    )


def _share(share: Mapping[str, Any], wording: Wording) -> str:
    return wording.text("outcomes.of", met=share["met"], of=share["of"])


def _behaviour(observed: Mapping[str, Any], wording: Wording) -> Iterator[str]:
    """The behaviour of the client, a sentence for each observation, as the console words it."""
    for one in observed["retries"]:
        shortest, longest = round(one["shortest_ms"]), round(one["longest_ms"])
        key = "behaviour.retries.same" if shortest == longest and one["count"] > 1 else "behaviour.retries"
        fault = wording.text("behaviour.fault", fault=wording.fault(one["fault"])) if one["fault"] else ""
        yield wording.text(key, after=one["after"], fault=fault, count=one["count"], shortest=shortest, longest=longest)
    if not observed["retries"]:
        yield wording.text("coverage.no_retries")
    for member, key in (("sent_again_after_answer_lost", "behaviour.lost"), ("secrets_in_url", "behaviour.secrets")):
        if observed[member]:
            yield wording.text(key, count=observed[member])
    for pointer, number in observed["malformed"].items():
        key = "behaviour.malformed" if pointer else "behaviour.unreadable"
        yield wording.text(key, count=number, place=_place(pointer, wording))


def _place(pointer: str, wording: Wording) -> str:
    """A place of violations, as the tally has it, as a path: `/name` is `body.name`, `header/date` is `header.date`."""
    root = pointer.partition("/")[0] or "body"
    return wording.text("behaviour.elsewhere") if root == OTHER else ".".join([root, *json_pointer_steps(pointer)])


def _groups(rows: list[Row], wording: Wording) -> Iterator[str]:
    """The outcomes by the code of their answer; in each group the missing ones first."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        error = row["error"]
        code = error.get("code", "") if isinstance(error, Mapping) else ""
        groups.setdefault((str(row["status"] or ""), str(code)), []).append(row)
    for (status, code), found in sorted(groups.items()):
        parts = (wording.text("outcomes.code", code=code) if code else "", f"HTTP {status}" if status else "")
        share = {"met": sum(1 for row in found if row["met"]), "of": len(found)}
        title = " · ".join(filter(None, parts))
        yield f"<h3><span>{_e(title)}</span><span class=soft>{_e(_share(share, wording))}</span></h3>\n<ul>"
        yield from (_row(row, wording) for row in sorted(found, key=lambda row: row["met"] > 0))
        yield "</ul>"


def _row(row: Row, wording: Wording) -> str:
    if row["met"]:
        kind, about = "met", f"{wording.text('outcomes.times', count=row['met'])}: {_triggers(row, wording)}"
    else:
        kind, about = "missing" if row["source"] == "documented" else "open", _how(row, wording)
    mark = f"&#10003; {_e(wording.text('outcomes.is.met'))}" if row["met"] else _e(wording.text("outcomes.not.met"))
    title = f"<b lang=en>{_e(row['heading'])}</b>" if row["heading"] else f"<b>{_e(row['scenario'])}</b>"
    name = f"<span class=soft><code>{_e(row['scenario'])}</code></span>" if row["heading"] else ""
    reason = row["reason"].get(wording.language) if wording.language != "en" else None  # headings are English
    name += f"<span>{_e(reason)}</span>" if reason else ""
    return (
        f'<li><details><summary><span class="mark {kind}">{mark}</span><span class=what>{title}'
        f"{name}<span class=soft>{_e(about)}</span></span></summary>"
        f"<div class=more>{''.join(_details(row, wording))}</div></details></li>"
    )


def _how(row: Row, wording: Wording) -> str:
    language = wording.language
    titles = {record: text_in(title, language) or record for record, title in row["record_titles"].items()}
    return f"{wording.text('outcomes.how')}: {Wording(language, titles).trigger(row['values'], row['conditions'])}"


def _triggers(row: Row, wording: Wording) -> str:
    return counts_text({wording.text(f"trigger.short.{name}"): count for name, count in row["triggers"].items()})


def _details(row: Row, wording: Wording) -> Iterator[str]:
    if row["note"]:
        note = row["notes"].get(wording.language) or row["note"]
        yield f"<p>{_e(wording.text('entry.note'))} {_e(note)}</p>"
    if row["verified"]:
        verified = wording.text(f"outcomes.verified.{row['verified']['result']}", on=row["verified"]["on"])
        yield f"<p>{_e(verified)}</p>"
    advice = ClientAdvice(row["reason"], row["advice"], row["retry"]).text(wording.language)
    if advice or row["retry"]:
        retry = wording.text(f"retry.{row['retry']}") if row["retry"] else ""
        yield f"<p><strong>{_e(wording.text('outcomes.advice'))}</strong> {_e(advice)} {_e(retry)}</p>"
    if row["faults"]:
        faults = counts_text({wording.fault(kind): count for kind, count in row["faults"].items()})
        yield f"<p>{_e(wording.text('coverage.faults', faults=faults))}</p>"
    if row["retried"]:
        yield f"<p>{_e(wording.text('coverage.retried', count=row['retried']))}</p>"
    if row["error"]:
        answer = json.dumps(row["error"], ensure_ascii=False)
        yield f"<p>{_e(wording.text('outcomes.answer'))}: <code>{_e(answer)}</code></p>"
    if row["met"]:
        yield f"<p>{_e(_how(row, wording))}</p>"
    yield f"<pre translate=no>{_e(row['curl'])}</pre>"


MEDIA_TYPES: Final[Mapping[str, str]] = {
    "text": "text/plain; charset=utf-8",
    "junit": "application/xml",
    "html": "text/html; charset=utf-8",
}
"""The media type of each format of coverage beside JSON."""


def render(report: Report, form: str, language: str) -> str:
    """The report in a format of `MEDIA_TYPES`; the language is that of a page, the others are in English."""
    match form:
        case "text":
            return text(report)
        case "junit":
            return junit(report)
    return html(report, language)
