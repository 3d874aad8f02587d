"""Many clients at once, and clients in several languages: each gets what it gets without the proxy."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver import Contract
from mockserver.recording import forwarding
from tests.support import BATCH, PATH, PATIENCE, head, raw
from tests.support.recording import entries, recording
from tests.support.scripted_provider import Step, scripted_provider
from tests.support.tools import skip_without

CLIENTS = 200
INSTANT = "2026-11-29T05:58:46.857056818-06:00"


def error(code: int, hint: str) -> bytes:
    """An error of the provider."""
    body = {"text": "Error", "timestamp": INSTANT, "endpoint": PATH, "error": {"code": code, "hints": [hint]}}
    return json.dumps(body).encode()


def said(status: str, body: bytes, *headers: str) -> bytes:
    """An answer with the length of its body."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


JSON = "Content-Type: application/json"
SAME = said("400 Bad Request", error(4433, "Card has already been activated"), JSON)
CASES: dict[str, tuple[Sequence[Step], str]] = {
    "same": ([SAME], "same as card-already-activated"),
    "compressed": (
        [said("400 Bad Request", gzip.compress(error(4433, "Used"), mtime=0), JSON, "Content-Encoding: gzip")],
        "differs from card-already-activated",
    ),
    "new": ([said("400 Bad Request", error(4999, "New"), JSON)], "unknown"),
    "gateway": ([said("502 Bad Gateway", b"<html>no</html>", "Content-Type: text/html")], "unknown"),
    "broken": ([SAME[:-20]], "unknown"),
    "large": ([said("200 OK", b"[" + b"7," * 10_000 + b"7]")], "unknown"),
}


def script(request: bytes) -> Sequence[Step]:
    """What the query of a request names."""
    return CASES[request.split(b" ")[1].partition(b"?case=")[2].decode()][0]


async def test_200_clients_get_their_answers_and_each_is_kept(
    contract: Contract, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults among them; no answer is taken for another's."""
    monkeypatch.setattr(forwarding, "CONNECT_SECONDS", PATIENCE)  # for a machine that is busy with other things
    names = [[*CASES][number % len(CASES)] for number in range(CLIENTS)]
    body = json.dumps({"customer_id": "1", "card_identifier": "C", "reference_batch": BATCH}).encode()
    sent = [head("POST", f"{PATH}?case={name}", "Connection: close", length=len(body)) + body for name in names]
    async with scripted_provider() as provider:
        provider.script = script
        async with recording(contract, provider.url) as url:
            came = await asyncio.gather(*(raw(url, one) for one in sent))
            kept = Counter(row["recorded"] for row in await entries(client, url))
    for name, answer in zip(names, came, strict=True):
        assert answer.replace(b"\r\nConnection: close\r\n\r\n", b"\r\n\r\n", 1) == CASES[name][0][0], name
    assert kept == Counter(CASES[name][1].partition(" ")[0] for name in names)


PYTHON = """
import sys, urllib.request, urllib.error
request = urllib.request.Request(sys.argv[1], b'{}', {'Content-Type': 'application/json'})
try: answer = urllib.request.urlopen(request)
except urllib.error.HTTPError as error: answer = error
print(answer.status, answer.reason, sorted((n, v) for n, v in answer.headers.items() if n.lower() != 'connection'))
print(answer.read())
"""
NODE = """
const headers = { 'Content-Type': 'application/json' };
fetch(process.argv[2], { method: 'POST', body: '{}', headers }).then(async (a) => {
  const hops = ['connection', 'keep-alive'];
  console.log(a.status, a.statusText, JSON.stringify([...a.headers].filter(([name]) => !hops.includes(name))));
  console.log(Buffer.from(await a.arrayBuffer()).toString('base64'));
});
"""
JAVA = """
import java.net.URI; import java.net.http.*; import java.util.*;
class Send { public static void main(String[] arguments) throws Exception {
  var request = HttpRequest.newBuilder(URI.create(arguments[0])).header("Content-Type", "application/json")
    .version(HttpClient.Version.HTTP_1_1).POST(HttpRequest.BodyPublishers.ofString("{}")).build();
  var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofByteArray());
  var headers = new TreeMap<>(answer.headers().map()); headers.remove("connection");
  System.out.println(answer.statusCode() + " " + headers + " " + Arrays.toString(answer.body()));
} }
"""
LANGUAGES: dict[str, tuple[str, str, tuple[str | Path, ...]]] = {
    "curl": ("", "", ("curl", "-sS", "-D-", "--compressed", "-d{}", "-HContent-Type: application/json")),
    "python": ("send.py", PYTHON, (sys.executable, "send.py")),
    "node": ("send.js", NODE, ("node", "send.js")),
    "java": ("Send.java", JAVA, ("java", "Send.java")),
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_client_of_each_language_gets_the_same(contract: Contract, tmp_path: Path, language: str) -> None:
    """Status, headers and body, of an error that is compressed."""
    file, text, command = LANGUAGES[language]
    skip_without(str(command[0]))
    if file:
        (tmp_path / file).write_text(text)

    async def shown(url: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            *command, f"{url}{PATH}?case=compressed", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        return [line for line in out.splitlines() if line.lower() != b"connection: close"]

    async with scripted_provider() as provider:
        provider.script = script
        async with recording(contract, provider.url) as url:
            direct, recorded = await asyncio.gather(shown(provider.url), shown(url))
    assert direct
    assert recorded == direct
