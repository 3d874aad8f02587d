"""What a tutorial tells its reader to do in the browser, done: the sentences of its numbered lists.

`Open URL`, `Click **TEXT**`, `Write `TEXT` in **LABEL**` and `see **TEXT**` are the sentences that are understood.
"""

import re
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Page, expect

_SENTENCE: Final = re.compile(
    r"Open (?P<url>http\S+)|[Cc]lick \*\*(?P<click>.+?)\*\*|then \*\*(?P<then>.+?)\*\*"
    r"|Write `(?P<text>.+?)` in \*\*(?P<label>.+?)\*\*|see \*\*(?P<see>.+?)\*\*"
)


@dataclass(frozen=True)
class Step:
    """One thing to do or to see; `what` is `url`, `click`, `write` or `see`."""

    what: str
    text: str
    label: str = ""


def steps(line: str) -> list[Step]:
    """The steps of an item of a numbered list, in order."""
    found = []
    for match in _SENTENCE.finditer(line):
        part = match.groupdict()
        click = part["click"] or part["then"]
        if click:
            found.append(Step("click", click))
        elif part["url"]:
            found.append(Step("url", part["url"]))
        elif part["see"]:
            found.append(Step("see", part["see"]))
        else:
            found.append(Step("write", part["text"] or "", part["label"] or ""))
    return found


def perform(page: Page, step: Step) -> None:
    """Do it as a reader would; what cannot be done or seen fails."""
    if step.what == "url":
        page.goto(step.text)
    elif step.what == "write":
        page.get_by_label(step.label).first.fill(step.text)
    else:
        shown = page.get_by_text(step.text).filter(visible=True).first
        expect(shown).to_be_visible()
        if step.what == "click":
            shown.click()
