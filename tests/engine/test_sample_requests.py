"""Curl lines and the banner: how people meet a scenario."""

import json
import shlex
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from mockserver import Request, load
from mockserver.core.model import Settings
from mockserver.engine.sample_requests import banner, curl
from tests.support import BATCH, PING, folder


def test_a_curl_line_sends_the_whole_request() -> None:
    """Method, path, query, headers and body, quoted for a shell."""
    for request, line in [
        (Request("GET", "/v1/a b", query={"x": "1&2"}), "curl -i 'u/v1/a%20b?x=1%262'"),
        (Request("POST", "/v1", headers={"content-type": "application/json"}), "curl -i u/v1 -X POST"),
        (Request("POST", "/v1", b'"it\'s"', {"x-one": "a"}), "curl -i u/v1 -H 'X-One: a' -d '\"it'\"'\"'s\"'"),
        (Request("GET", "/v1", b"1"), "curl -i u/v1 -X GET -d 1"),
    ]:
        assert curl(request, "u") == line


HOSTILE = [
    *("'", '"', "it's", "$(touch x)", "`touch x`", "$HOME", "a;b", "a|b", "a&b", "a>b", "a\\b", "a\nb", "*", "~"),
    *("!!", "#a", "-o x", "@/etc/passwd", "%41", "\u00e9\U0001f600", "'; touch x; '", "${IFS}", "a\tb"),
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_stays_one_argument(value: str) -> None:
    """In path, query, header and body: a shell gives curl just what was sent."""
    body = json.dumps({"a": value}, ensure_ascii=False)
    path = f"/v1/{value.replace('%', '%25')}"
    words = shlex.split(curl(Request("POST", path, body.encode(), {"x-one": value}, {"q": value}), "http://mock"))
    assert words[:2] == ["curl", "-i"]
    assert words[3:] == ["-H", f"X-One: {value}", "-d", body]
    target = urlsplit(words[2])
    assert (unquote(target.path), parse_qs(target.query)) == (f"/v1/{value}", {"q": [value]})
    assert target.fragment == ""


def test_the_banner_needs_an_example_that_lasts(tmp_path: Path) -> None:
    """Without one it has no curl line."""
    shown = list(banner(load(folder(tmp_path, PING)), "http://mock", Settings()))
    assert "  GET http://mock/v1/ping/{word}" in shown
    assert not [line for line in shown if "curl" in line]
    assert BATCH not in "".join(shown)


def test_the_banner_shows_an_error_where_one_is_documented(tmp_path: Path) -> None:
    """Otherwise none."""
    files = {
        "contract.yaml": """\
format: 1
collections: {things: {open: true, members: {kept: {type: boolean}}}}
operations:
  keep:
    request: PUT /things/{key}
    lookups: {thing: {in: things, key: path.key}}
    envelopes: {success: {status: 200, body: "${respond}"}}
""",
        "keep.yaml": """\
format: 1
operation: keep
scenarios:
- scenario: kept
  assumed: []
  when: {thing: present}
  respond: {success: 1}
  then: {thing: {kept: true}}
  examples: [{path: {key: a}}]
- {scenario: rest, assumed: [], respond: {success: 0}}
""",
    }
    lines = list(banner(load(folder(tmp_path, files)), "http://mock", Settings()))
    assert [line for line in lines if "curl" in line] == ["  curl -i http://mock/things/a -X PUT"]
