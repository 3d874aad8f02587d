"""The command that records: its options, what it says at the start, and why it cannot start."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from tests.support import BATCH, MOCKSERVER, PATH, PATIENCE, free_port, run, spawned
from tests.support.drifting_provider import drifting_provider

GOOD = {"customer_id": "12345678", "card_identifier": "CARD-7", "reference_batch": BATCH}


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_client_gets_the_provider_and_requests_tells_what_it_was(form: str) -> None:
    """From the start to the table of `requests`, until SIGTERM."""
    with drifting_provider() as provider:
        options = ("--target", provider.url, "--port", "0", "--log-format", form)
        with spawned(MOCKSERVER, "record", *options) as process:
            started = process.out.wait("http://127.0.0.1:")
            if form == "human":
                url = started.partition(" on ")[2].split()[0]
                assert started.startswith(f"recording {provider.url} on ")
            else:
                event = json.loads(started)
                url = event["url"]
                assert (event["event"], event["target"]) == ("started", provider.url)
            data = json.dumps(GOOD).encode()
            with urllib.request.urlopen(urllib.request.Request(url + PATH, data), timeout=PATIENCE) as response:
                assert json.loads(response.read())["text"] == "Success"
                assert not [name for name in response.headers if name.startswith("Mock-")]
            process.out.wait("same as activated-existing-customer")
            assert "  same as activated-existing-customer" in run("requests", "--url", url).stdout
            assert process.stop() == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Missing option '--target'"),
        (["--target", "provider.example"], "expected http://HOST"),
        (["--target", "https://me:secret@host"], "credentials stand in a header"),
        (["--target", "https://host", "--cacert", "nowhere.pem"], "nowhere.pem: No such file"),
        (["--target", "http://host", "--contract", "nowhere"], "1 error in the contract"),
        (["--target", "http://host", "--host", " "], "expected an address"),
        (["--target", "http://host", "--admin-token", "a b"], "expected visible ASCII"),
    ],
)
def test_why_it_cannot_start(options: list[str], said: str, tmp_path: Path) -> None:
    """One line and exit status 2."""
    ended = run("record", *options, cwd=tmp_path)
    assert (ended.returncode, said in ended.stderr) == (2, True), ended.stderr
    assert "secret" not in ended.stderr


def test_an_address_that_cannot_be_used_is_told_as_serve_tells_it(tmp_path: Path) -> None:
    """One line and exit status 1."""
    ended = run("record", "--target", "http://host", "--host", "192.0.2.1", cwd=tmp_path)
    assert (ended.returncode, "cannot listen on http://192.0.2.1:8080" in ended.stderr) == (1, True), ended.stderr


@pytest.mark.parametrize("option", ["--target", "--proxy"])
def test_it_does_not_forward_to_itself(option: str) -> None:
    """One line and exit status 2, before a request goes round without end."""
    port = str(free_port())
    provider = [] if option == "--target" else ["--target", "http://provider.example"]
    ended = run("record", *provider, option, f"http://localhost:{port}", "--port", port)
    said = f"{option} is where this recorder listens itself, http://127.0.0.1:{port}: choose another --port"
    assert (ended.returncode, ended.stderr) == (2, f"mockserver: {said}\n")
