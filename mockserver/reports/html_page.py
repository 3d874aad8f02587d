"""The frame of a report as a self-contained HTML page without scripts, with figures and a list to open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Final

_STYLE: Final = """
:root{color-scheme:light dark;--page:#f6f7f9;--box:#fff;--ink:#1b1f24;--soft:#545d68;--line:#d5dae1;--code:#eef1f5;
--good:#1a6b35;--good-back:#dff3e4;--bad:#a3261d;--bad-back:#fde7e4;--bar:#d5dae1}
@media(prefers-color-scheme:dark){:root{--page:#101418;--box:#191f25;--ink:#e8ecf1;--soft:#a3adb9;--line:#333c46;
--code:#0f1317;--good:#7ddc97;--good-back:#15331f;--bad:#ff9d94;--bad-back:#43201d;--bar:#333c46}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
sans-serif;
overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
main{max-width:60rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.1rem;margin:0;font-weight:600}
h2{font-size:1.2rem;margin:2.25rem 0 .25rem}
h3{font-size:.95rem;margin:1.25rem 0 .4rem;display:flex;justify-content:space-between;gap:1rem;font-weight:600}
p{margin:.35rem 0}
code,pre{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.soft{color:var(--soft)}
.figures{display:grid;grid-template-columns:repeat(3,1fr);gap:.6rem;margin:1rem 0 0;padding:0}
.figures div{background:var(--box);border:1px solid var(--line);border-radius:.6rem;padding:.7rem .9rem}
.figures .big{grid-column:1/-1;padding:1rem 1.1rem 1.1rem}
.figures dt{color:var(--soft);font-size:.88rem}
.figures dd{margin:0;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums}
.big dd{font-size:clamp(2.4rem,11vw,3.6rem);line-height:1.15;letter-spacing:-.02em}
.big dd small{font-size:.4em;font-weight:500;letter-spacing:0;color:var(--soft)}
.bar{height:.6rem;border-radius:.3rem;background:var(--bar);overflow:hidden;margin-top:.5rem}
.bar i{display:block;height:100%;background:var(--good)}
ul{list-style:none;margin:0;padding:0;background:var(--box);border:1px solid var(--line);border-radius:.6rem}
li+li{border-top:1px solid var(--line)}
summary,.line{display:grid;grid-template-columns:1fr auto;gap:.3rem .75rem;padding:.7rem .9rem}
summary{cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary:focus-visible{outline:3px solid var(--good);outline-offset:-3px;border-radius:.6rem}
.mark{justify-self:start;align-self:start;font-size:.82rem;font-weight:600;border-radius:1rem;padding:.1rem .55rem;
white-space:nowrap}
.met{color:var(--good);background:var(--good-back)}
.missing{color:var(--bad);background:var(--bad-back)}
.open{color:var(--soft);background:var(--code)}
.what b{font-weight:600;display:block}
.what .soft{font-size:.88rem;display:block}
summary::after{content:"\\25B8";color:var(--soft);grid-row:1;grid-column:-2;line-height:1.7rem}
details[open] summary::after{content:"\\25BE"}
.what{grid-column:1/-2}
.more{padding:0 .9rem .9rem;font-size:.93rem}
pre{background:var(--code);border:1px solid var(--line);border-radius:.4rem;padding:.6rem .7rem;margin:.4rem 0 0;
white-space:pre-wrap;user-select:all;-webkit-user-select:all}
.plain li{padding:.5rem .9rem}
@media(min-width:40rem){summary,.line{grid-template-columns:7.6rem 1fr auto}.what{grid-column:auto}
.more{padding-left:9.25rem}}
@media print{body{background:#fff}summary::after{content:""}}
"""

_HEAD: Final = (
    '<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
)


def escaped(value: object) -> str:
    """A value as text of HTML."""
    return escape(str(value))


def figures(title: str, share: str, unit: str, percent: float, others: Mapping[str, object]) -> Iterator[str]:
    """The figures of a report: a share, large and as a bar, then others by title; the `unit` is HTML."""
    width = min(100.0, max(0.0, percent))
    yield "<dl class=figures>"
    yield (
        f"<div class=big><dt>{escaped(title)}</dt><dd>{escaped(share)} <small>{unit}</small></dd>"
        f'<dd class=bar aria-hidden=true><i style="width:{width:.1f}%"></i></dd></div>'
    )
    yield from (f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in others.items())
    yield "</dl>"


def html_page(title: str, body: Iterable[str], language: str) -> str:
    """A page of this title in a language; the lines of its body are HTML."""
    lines = "\n".join(body)
    return (
        f'<!doctype html>\n<html lang="{language}">\n'
        f"{_HEAD}<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{lines}\n</main>\n</body>\n</html>\n"
    )
