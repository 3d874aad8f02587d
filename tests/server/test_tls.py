"""TLS: certificates as files, real clients that trust an authority, faults below the contract, and what is refused."""

import asyncio
import contextlib
import json
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import requests
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from mockserver import Contract, Engine, Mock, MockError
from mockserver.client import trust
from mockserver.remote import health
from mockserver.server import server as edge
from mockserver.server import tls
from mockserver.server.faults import GARBAGE
from tests.support import LASTING, MOCKSERVER, PATH, PATIENCE, Serving, another_user, head, run, run_process, spawned
from tests.support.invoke import invoke
from tests.support.tools import skip_without

BODY = json.dumps(LASTING).encode()


@dataclass(frozen=True)
class Files:
    """An authority's certificate, and the certificate and key of a server on this machine."""

    ca: Path
    cert: Path
    key: Path

    @property
    def options(self) -> list[str]:
        """Of the command that serves."""
        return ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]

    def trusting(self) -> ssl.SSLContext:
        """What a client knows that trusts the authority."""
        return ssl.create_default_context(cafile=self.ca)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Files of an authority that is made for these tests."""
    at = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(at / "ca.pem")
    issued.private_key_pem.write_to_path(at / "key.pem")
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(at / "cert.pem", append=number > 0)
    return Files(at / "ca.pem", at / "cert.pem", at / "key.pem")


def secured(files: Files, note: Callable[[str], None] = print) -> tls.TlsContext:
    return tls.server_context(files.cert, files.key, note)


@pytest.fixture(scope="module")
def served(files: Files) -> Iterator[Serving]:
    """The command, serving https."""
    with spawned(MOCKSERVER, "--port", "0", *files.options) as serve:
        serve.url = serve.out.wait("mock server on ").split()[3]
        serve.out.wait("stop with")
        yield serve


# -- clients ------------------------------------------------------------------------------------------


def test_the_banner_shows_https(served: Serving, files: Files) -> None:
    """Its curl line works with the authority's certificate."""
    skip_without("sh", "curl")
    assert served.url.startswith("https://127.0.0.1:")
    line = next(line.strip() for line in served.out.seen if line.strip().startswith("curl "))
    shown = subprocess.run(
        ["sh", "-c", f"{line} --cacert {files.ca}"], capture_output=True, text=True, check=True
    ).stdout
    assert shown.startswith("HTTP/1.1 200 OK")


def test_clients_that_trust_the_authority_are_served(served: Serving, files: Files) -> None:
    """httpx and requests, on connections that stay open."""
    with httpx.Client(verify=files.trusting()) as client:
        assert [client.post(served.url + PATH, json=LASTING).status_code for _ in range(3)] == [200] * 3
    with requests.Session() as session:
        answers = [session.post(served.url + PATH, json=LASTING, verify=str(files.ca)) for _ in range(3)]
    assert [one.status_code for one in answers] == [200] * 3


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_served(served: Serving, files: Files, version: ssl.TLSVersion) -> None:
    """Over HTTP/1.1."""
    context = files.trusting()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    split = urlsplit(served.url)
    with (
        socket.create_connection((str(split.hostname), int(split.port or 0)), PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert (connection.version(), connection.selected_alpn_protocol()) == (
            version.name.replace("_", "."),
            "http/1.1",
        )
        connection.sendall(head("POST", PATH, length=len(BODY)) + BODY)
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_links_say_https(served: Serving, files: Files) -> None:
    """Curl lines of coverage, exports, HAR and bug reports."""
    with httpx.Client(base_url=f"{served.url}/sandbox/links", verify=files.trusting()) as client:
        entry = client.post(PATH, json=LASTING).headers["mock-entry"]
        told = [
            client.get("/__admin/coverage").text,
            client.get("/__admin/export/postman").text,
            client.get("/__admin/requests", params={"format": "har"}).text,
            client.get(f"/__admin/requests/{entry}/report").text,
        ]
    for text in told:
        assert (served.url in text, served.url.replace("https", "http") in text) == (True, False), text[:300]


# -- our own clients ----------------------------------------------------------------------------------


def test_commands_trust_a_given_authority(served: Serving, files: Files) -> None:
    """By option or variable; without it the error says what to give."""
    trust = {"MOCKSERVER_CACERT": str(files.ca)}
    for command in (["health", served.url], ["reset", "--url", served.url]):
        assert run(*command, "--cacert", str(files.ca)).stderr == ""
        refused = run(*command)
        (line,) = refused.stderr.splitlines()
        assert (refused.returncode, "its certificate is not trusted: " in line) == (1, True)
    assert "--cacert FILE" in line
    assert run("reset", "--url", served.url, env=trust).returncode == 0


def test_a_file_that_is_no_certificate_is_one_line(served: Serving, files: Files, tmp_path: Path) -> None:
    """From commands and from the client."""
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for file in (files.key, tmp_path / "nowhere.pem", tmp_path, tmp_path / "broken.pem"):
        with pytest.raises(ValueError, match=str(file)):
            Mock(served.url, cacert=file)
    for command in (["health", served.url], ["armed", "--url", served.url]):
        told = run(*command, "--cacert", str(tmp_path))
        line = told.stderr.splitlines()[-1]
        assert (told.returncode, line.endswith(f"'--cacert': {tmp_path}: Is a directory")) == (2, True)


def test_health_trusts_the_servers_own_certificate(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its environment, as in a container, whatever names it has."""
    monkeypatch.setattr(health, "PROCESSES", tmp_path / "none")  # a server of the developer may run on this machine
    strange = trustme.CA().issue_cert("mock.example")
    strange.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    both = str(tmp_path / "both.pem")
    with spawned(MOCKSERVER, "--port", "0", "--tls-cert", both, "--tls-key", both) as serve:
        url = serve.out.wait("mock server on ").split()[3]
        own = {"MOCKSERVER_PORT": str(urlsplit(url).port), "MOCKSERVER_TLS_CERT": both}
        assert invoke("health", **own).exit_code == 0
        assert invoke("health", **{**own, "MOCKSERVER_TLS_CERT": str(files.cert)}).exit_code == 1


def test_the_client_trusts_a_given_authority(served: Serving, files: Files) -> None:
    """`cacert` is kept in other sandboxes; without it the error says what to give."""
    mock = Mock(served.url, cacert=files.ca).in_sandbox("client")
    assert mock.arm("rfc-invalid") == mock.armed()[0]["id"]
    with pytest.raises(MockError, match=r"not trusted.*cacert=FILE"):
        Mock(served.url).armed()


def test_the_plugin_trusts_a_given_authority(served: Serving, files: Files, pytester: pytest.Pytester) -> None:
    """By variable or by the ini file."""
    pytester.makepyfile("def test_one(mockserver):\n    assert mockserver.url.startswith('https://')\n")
    command = ["-p", "no:cacheprovider", "-p", "no:randomly", f"--mockserver-url={served.url}"]
    command += ["-o", "asyncio_default_fixture_loop_scope=function"]
    assert pytester.runpytest_inprocess(*command).ret == 1
    pytester.makeini(f"[pytest]\nmockserver_cacert = {files.ca}\n")
    pytester.runpytest_inprocess(*command).assert_outcomes(passed=1)
    pytester.makeini("[pytest]\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MOCKSERVER_CACERT", str(files.ca))
        pytester.runpytest_inprocess(*command).assert_outcomes(passed=1)


# -- faults -------------------------------------------------------------------------------------------


def exchange(url: str, context: ssl.SSLContext, *headers: str) -> tuple[bytes, str]:
    """What comes back in TLS, and how it ended: `closed` as TLS wants it, `cut` without that, or `reset` by TCP."""
    split = urlsplit(url)
    came, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(came, sent, server_hostname="localhost")
    with socket.create_connection((str(split.hostname), int(split.port or 0)), PATIENCE) as connection:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(sent.read())
                came.write(connection.recv(65_536))
        client.write(head("POST", PATH, *headers, length=len(BODY)) + BODY)
        connection.sendall(sent.read())
        end = "closed"
        try:
            while chunk := connection.recv(65_536):
                came.write(chunk)
        except ConnectionResetError:
            end = "reset"
    came.write_eof()
    data = b""
    try:
        while part := client.read(65_536):
            data += part
    except ssl.SSLError as error:  # older releases of Python 3.11 have no class for it
        if error.reason != "UNEXPECTED_EOF_WHILE_READING" and not isinstance(error, ssl.SSLEOFError):
            raise
        end = end if end == "reset" else "cut"
    return data, end


async def test_faults_work_over_tls(contract: Contract, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """A TCP reset, a clean end of TLS after too little, bytes that are no HTTP, a whole answer in pieces."""
    monkeypatch.setattr(edge, "CLOSE_SECONDS", 0.1)  # this client says no goodbye
    context = files.trusting()
    # Older releases of Python 3.11 ask OpenSSL 3 to take an end without a goodbye for a clean one, which it is not.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    async with edge.serving(Engine(contract), tls=secured(files)) as url:

        async def met(*headers: str) -> tuple[bytes, str]:
            data, end = await asyncio.to_thread(exchange, url, context, *headers)
            return data.partition(b"\r\n\r\n")[2] if data.startswith(b"HTTP") else data, end

        whole, end = await met("Connection: close")
        assert (json.loads(whole)["text"], end) == ("Success", "closed")
        assert await met("Mock-Fault: reset") == (b"", "reset")
        assert await met("Mock-Fault: empty") == (b"", "closed")
        assert await met("Mock-Fault: garbage") == (GARBAGE, "closed")
        assert await met("Mock-Fault: hang; seconds=0.1") == (b"", "cut")
        for fault, length in (
            ("truncate", len(whole) // 2),
            ("malformed", len(whole) * 2 // 3),
            ("dribble; seconds=0.1", len(whole)),
        ):
            data, end = await met(f"Mock-Fault: {fault}", "Connection: close")
            assert (len(data), end) == (length, "closed"), fault
        assert (await met("Connection: close"))[1] == "closed"


# -- what is refused ----------------------------------------------------------------------------------


def test_plain_http_on_the_port_is_refused(served: Serving) -> None:
    """The connection is closed without an answer, and one line says why."""
    split = urlsplit(served.url)
    with socket.create_connection((str(split.hostname), int(split.port or 0)), PATIENCE) as connection:
        connection.sendall(head("POST", PATH, length=2) + b"{}")
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    assert served.err.wait("this port speaks TLS").startswith("mockserver: refused a connection: ")


def test_failed_handshakes_are_logged(served: Serving, files: Files) -> None:
    """A client without trust or with an old TLS: one line each."""
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(served.url, verify=ssl.create_default_context())
    served.err.wait("refused a connection: the client does not trust the certificate")
    old = files.trusting()
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url, verify=old)
    served.err.wait("refused a connection: the client asks for a version of TLS before 1.2")
    assert httpx.get(f"{served.url}/__admin/health", verify=files.trusting()).status_code == 200


async def test_an_unfinished_handshake_is_closed_in_time(
    contract: Contract, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request has the same time as without TLS."""
    monkeypatch.setattr(edge, "HANDSHAKE_SECONDS", 1.0)
    settings = replace(contract.settings, request_timeout=1.0)
    async with edge.serving(Engine(contract, settings=settings), tls=secured(files)) as url:
        split = urlsplit(url)
        reader, writer = await asyncio.open_connection(split.hostname, split.port)
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        writer.close()
        context = files.trusting()
        reader, writer = await asyncio.open_connection(split.hostname, split.port, ssl=context)
        writer.write(b"POST ")
        assert b" 408 " in await asyncio.wait_for(reader.readline(), PATIENCE)
        writer.close()


def test_a_tls_server_ends_with_status_0(files: Files) -> None:
    """With an idle connection and an unfinished handshake."""
    with spawned(MOCKSERVER, "--port", "0", *files.options) as serve:
        split = urlsplit(serve.out.wait("mock server on ").split()[3])
        address = (str(split.hostname), int(split.port or 0))
        with (
            socket.create_connection(address, PATIENCE),
            socket.create_connection(address, PATIENCE) as plain,
            files.trusting().wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(head("GET", "/__admin/health"))
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
            assert serve.stop() == 0
        assert serve.err.rest() == []


# -- files that are no use ----------------------------------------------------------------------------


def test_certificate_and_key_are_needed_together(files: Files) -> None:
    """One alone is a usage error."""
    told = run_process("--port", "0", "--tls-cert", str(files.cert))
    last = "Error: --tls-cert and --tls-key must be given together"
    assert (told.returncode, told.stderr.splitlines()[-1]) == (2, last)


def test_bad_certificate_files_are_one_line(files: Files, tmp_path: Path) -> None:
    """Which file, and what is wrong with it; nothing is started."""
    other = trustme.CA().issue_cert("localhost")
    other.private_key_pem.write_to_path(tmp_path / "other.pem")
    key = load_pem_private_key(files.key.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "locked.pem").write_bytes(locked)
    (tmp_path / "damaged.pem").write_text(files.cert.read_text()[:300])
    (tmp_path / "empty.pem").touch()
    nowhere = tmp_path / "nowhere.pem"
    cases = [
        (nowhere, files.key, f"{nowhere}: No such file or directory"),
        (files.cert, nowhere, f"{nowhere}: No such file or directory"),
        (tmp_path, files.key, f"{tmp_path}: Is a directory"),
        (tmp_path / "empty.pem", files.key, "expected a certificate in PEM form (BEGIN CERTIFICATE), got none"),
        (files.key, files.key, "expected a certificate in PEM form (BEGIN CERTIFICATE), got none"),
        (files.cert, files.cert, "expected a private key in PEM form (BEGIN PRIVATE KEY), got none"),
        (files.cert, tmp_path / "other.pem", "the key does not belong to the certificate in "),
        (files.cert, tmp_path / "locked.pem", "the key is locked with a password; give one that is not"),
        (tmp_path / "damaged.pem", files.key, "not usable: "),
    ]
    for cert, secret, told in cases:
        with pytest.raises(trust.TlsError, match=re.escape(told)):
            tls.server_context(cert, secret, print)
    ended = run_process("--port", "0", "--tls-cert", str(files.cert), "--tls-key", str(nowhere))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"mockserver: {nowhere}: No such file or directory\n"


def test_an_unreadable_key_is_one_line(files: Files) -> None:
    """As another user."""
    with tempfile.TemporaryDirectory() as name:
        at = Path(name)
        at.chmod(0o755)
        cert, key = (Path(shutil.copy(file, at)) for file in (files.cert, files.key))
        cert.chmod(0o644)
        key.chmod(0o600)
        command: list[str | Path] = [*another_user(), MOCKSERVER, "--port", "0", "--tls-cert", cert, "--tls-key", key]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, f"mockserver: {key}: Permission denied\n")
