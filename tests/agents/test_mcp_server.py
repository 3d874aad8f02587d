"""The tools of agents, called by the client of the package `mcp`."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import TextContent

from mockserver import Mock, running
from mockserver.agents.mcp_server import mcp_server
from tests.support import (
    LASTING,
    MOCKSERVER,
    ONCE,
    PATH,
    PATIENCE,
    environment,
    free_port,
    run,
    run_process,
    spawned,
    until,
)
from tests.support.invoke import invoke
from tests.support.processes import Client as Sender

TOOLS = ["list_outcomes", "how_to_trigger", "arm", "explain", "requests", "why", "verify", "coverage", "reset"]


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    with running() as mock:
        yield mock


class Agent:
    """Who calls tools in a sandbox, and sends requests to it."""

    def __init__(self, box: Mock) -> None:
        self.box = box

    def client(self) -> Client:
        """The package's client of the tools, in this process."""
        return Client(mcp_server(self.box))

    async def _call(self, tool: str, arguments: dict[str, Any]) -> tuple[bool, str]:
        async with self.client() as client:
            try:
                result = await client.call_tool(tool, arguments)
            except MCPError as error:
                return True, str(error)
        (part,) = result.content
        assert isinstance(part, TextContent)
        return result.is_error, part.text

    async def ask(self, tool: str, **arguments: Any) -> str:
        """The text of an answer that is no error."""
        is_error, text = await self._call(tool, arguments)
        assert not is_error, text
        return text

    async def error(self, tool: str, **arguments: Any) -> str:
        """The text of an error."""
        is_error, text = await self._call(tool, arguments)
        assert is_error, text
        return text

    async def send(self, body: object, **headers: str) -> int:
        """The status of an answer."""
        path = f"/sandbox/{self.box.sandbox}{PATH}"
        return (await asyncio.to_thread(Sender(self.box.url).post, body, path, **headers))[0]


@pytest.fixture
def agent(mock: Mock, request: pytest.FixtureRequest) -> Agent:
    return Agent(mock.in_sandbox(request.node.name[:40]))


async def test_the_tools_are_described(agent: Agent) -> None:
    """Each by a sentence; the server says which base URL a client gets."""
    async with agent.client() as client:
        tools, said = (await client.list_tools()).tools, str(client.instructions)
    assert [tool.name for tool in tools] == TOOLS
    assert all(tool.description and tool.input_schema["type"] == "object" for tool in tools)
    assert agent.box.url in said


async def test_outcomes_are_listed_in_the_words_of_the_catalogue(agent: Agent) -> None:
    """One a line, each found by id, code or heading."""
    lines = (await agent.ask("list_outcomes")).splitlines()
    assert len(lines) == 22
    assert "card-already-activated · 400 · 4433 · documented · treat-as-success · Card already activated." in lines
    assert (await agent.ask("list_outcomes", search="5001")).startswith("provider-communication · 400 · 5001 · ")
    assert await agent.ask("list_outcomes", search="nothing") == "no outcome contains 'nothing'"


async def test_an_outcome_says_how_to_get_it(agent: Agent) -> None:
    """By id, by code, by a code that several have; a misspelt one has a hint."""
    text = await agent.ask("how_to_trigger", outcome="card-already-activated")
    assert (
        text
        == await agent.ask("how_to_trigger", outcome="4433")
        == await agent.ask("how_to_trigger", outcome="code=4433")
    )
    for part in (
        "TEST-ACTIVATED",
        "Mock-Scenario: card-already-activated",
        "send again: treat-as-success",
        agent.box.url,
    ):
        assert part in text
    several = await agent.ask("how_to_trigger", outcome="4400")
    assert several.count("by values:") > 5
    assert "curl" not in several
    assert several.endswith("how_to_trigger with one of these ids says more")
    assert "Did you mean rfc-invalid?" in await agent.error("how_to_trigger", outcome="rfc-invalit")


async def test_an_armed_outcome_is_met_and_explained(agent: Agent) -> None:
    """The way of an agent: arm, send, ask why, verify, count, reset; in a sandbox that was not there before."""
    assert (
        await agent.ask("requests")
        == f"no such requests in sandbox {agent.box.sandbox}; the base URL of a client is {agent.box.url}"
    )
    assert "no such requests" in await agent.ask("why")
    assert await agent.ask("verify", exactly=0) == "holds"
    armed = await agent.ask("arm", outcome="code=5001", times=2, when={"body.customer_id": "TEST-CUSTOMER"})
    condition = 'when {"body.customer_id": "TEST-CUSTOMER"}'
    what = f"1  scenario provider-communication, {condition}: 2 to come"
    assert armed == f"armed in sandbox {agent.box.sandbox}: {what}"
    assert await agent.send(LASTING) == 400
    assert await agent.send({}, traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") == 400
    table = (await agent.ask("requests")).splitlines()
    assert table[0].split() == ["id", "method", "target", "status", "code", "scenario", "trigger", "fault", "hint"]
    assert [line.split()[5] for line in table[1:]] == ["provider-communication", "reference-batch-empty"]
    assert len((await agent.ask("requests", limit=1)).splitlines()) == 2
    for filters in (
        {"outcome": "reference-batch-empty"},
        {"trace": "4bf92f3577b34da6a3ce929d0e0e4736"},
        {"unexpected": True},
    ):
        assert "provider-communication" not in await agent.ask("requests", **filters)
    newest = await agent.ask("why")
    assert "-> 400 reference-batch-empty" in newest
    assert (
        "  warning   none of Authorization-ecommerce, Authorization-customer was sent; none is required here" in newest
    )
    assert "because:  violation at body.reference_batch" in newest
    assert "near misses, nearest first:" in newest
    assert "send again: after-change" in newest
    assert await agent.send(ONCE, **{"Mock-Fault": "gateway; commit=true"}) == 503
    lost = await agent.ask("why")
    assert "the client did not get this answer: the fault gateway took it; a retry finds its change made" in lost
    assert "send again" not in lost
    assert "  no retry yet among the next 1,000 requests" in lost
    assert "gateway, answer lost, change kept" in (await agent.ask("requests")).splitlines()[-1]
    first = await agent.ask("why", entry=table[1].split()[0])
    assert "because:  it is armed" in first
    assert "send again: safe" in first
    assert await agent.ask("verify", outcome="provider-communication", exactly=1) == "holds"
    assert (await agent.ask("verify", outcome="provider-communication", at_least=2)).startswith(
        "does not hold in sandbox "
    )
    assert (await agent.ask("verify", armed_used=True)).startswith("does not hold in sandbox ")
    assert await agent.send(LASTING) == 400
    assert await agent.ask("verify", armed_used=True) == "holds"
    coverage = await agent.ask("coverage")
    assert coverage.startswith("2 of 18 documented outcomes met")
    assert "not met: rfc-invalid: body.customer_id TEST-RFC-INVALID" in coverage
    assert await agent.ask("reset") == f"reset sandbox {agent.box.sandbox}"
    assert "no such requests" in await agent.ask("requests")


async def test_a_lost_answer_and_its_retry_are_told(agent: Agent) -> None:
    """From the one to the other and back; hidden values are not compared."""
    body = {**ONCE, "pin": "1234"}
    assert await agent.send(body, **{"Mock-Fault": "gateway; commit=true"}) == 503
    assert await agent.send(body, **{"Mock-Fault": "gateway"}) == 503
    first, second = (row["id"] for row in agent.box.requests())
    masked = " (hidden values were not compared)"
    assert re.search(
        rf"  its retry: {second}, \d+ ms later: answer lost{re.escape(masked)}", await agent.ask("why", entry=first)
    )
    assert f"  retry of {first}, whose answer was lost{masked}" in await agent.ask("why")
    assert await agent.send(body) == 400
    answer = "400 4433 card-already-activated"
    assert re.search(rf"  its retry: \d+, \d+ ms later: {answer}", await agent.ask("why", entry=second))
    assert f"  retry of {second}, whose answer was lost" in await agent.ask("why")


async def test_an_outcome_answers_to_its_code_in_each_tool(agent: Agent) -> None:
    """A code of several outcomes finds the requests of all, but cannot be armed."""
    for code in ("5001", "code=5001"):
        assert "scenario provider-communication: 1 to come" in await agent.ask("arm", outcome=code)
        assert await agent.send(LASTING) == 400
        assert len((await agent.ask("requests", outcome=code)).splitlines()) > 1
        assert await agent.ask("verify", outcome=code) == "holds"
    assert await agent.send({}) == 400
    assert len((await agent.ask("requests", outcome="4400")).splitlines()) == 2
    assert "4400 is the code of" in await agent.error("arm", outcome="4400")


async def test_run_time_scenarios_are_outcomes_too(agent: Agent) -> None:
    """One that was added, and one that replaces an outcome of the contract."""
    answer = {"respond": {"error": {"code": 1}}}
    agent.box.scenarios.put("ours", {"assumed": [], "when": {"body.customer_id": "7"}, "retry": "safe", **answer})
    agent.box.scenarios.put("rfc-invalid", {"assumed": [], "when": {"body.customer_id": "8"}, **answer})
    lines = (await agent.ask("list_outcomes")).splitlines()
    assert len(lines) == 23
    assert lines[-2:] == ["ours · run-time · assumed · safe", "rfc-invalid · run-time · assumed"]
    text = await agent.ask("how_to_trigger", outcome="ours")
    assert text.splitlines()[:2] == ["ours (assumed)", '  by values:  body.customer_id is "7"']
    assert await agent.send({**LASTING, "customer_id": "7"}) == 400
    assert "send again: safe" in await agent.ask("why")
    assert (await agent.ask("coverage")).startswith("0 of 18 documented outcomes met")


async def test_a_refused_request_and_a_fault_are_explained(agent: Agent) -> None:
    """What the mock refused has no scenario; an answer may be held back."""
    assert await agent.send(LASTING, Mock_Scenario="nothing") == 400
    assert "(no answer of the API)" in await agent.ask("why")
    assert "fault gateway" in await agent.ask("arm", fault="gateway", commit=True, delay="1ms", times="always")
    assert await agent.send(LASTING) == 503
    assert "fault:    gateway" in await agent.ask("why")


async def test_a_fault_takes_its_settings(agent: Agent) -> None:
    """As in the header."""
    await agent.ask("arm", fault="gateway; status=429; retry_after=2")
    assert await agent.send(LASTING) == 429
    assert await agent.error("arm", fault="gateway; status") == (
        "Error executing tool arm: expected a fault as KIND; NAME=VALUE; …, got status after its kind"
    )


async def test_a_request_is_explained_without_sending_it(agent: Agent) -> None:
    """As an object or as text."""
    assert "-> 400 reference-batch-empty" in await agent.ask("explain", body={"customer_id": "1"}, headers={"X-A": "b"})
    assert "POST /debit/v1/activateCardForCustomer" in await agent.ask("explain", body="{")
    assert "no such requests" in await agent.ask("requests")


async def test_what_an_agent_gets_wrong_is_said(agent: Agent, mock: Mock) -> None:
    """A problem of the mock, an argument that a tool has not: above all, no tool resets every sandbox."""
    other = mock.in_sandbox("another")
    other.arm("rfc-invalid")
    assert await agent.error("reset", all=True) == "reset has no argument all; it takes none"
    takes = "it takes limit, outcome, trace, unexpected"
    assert await agent.error("requests", scenaro="a") == f"requests has no argument scenaro; {takes}"
    assert await agent.error("resett") == f"there is no tool resett; there are {', '.join(TOOLS)}"
    assert "armed_used goes with no other argument" in await agent.error("verify", armed_used=True, at_least=1)
    await agent.ask("reset")
    assert len(other.armed()) == 1
    assert "Did you mean rfc-invalid?" in await agent.error("arm", outcome="rfc-invalit")
    refused = await agent.error("arm", outcome="rfc-invalid", times=0)
    assert "body.times: expected a number of at least 1" in refused
    assert "Expected one of" not in refused
    assert "trace is a trace id" in await agent.error("requests", trace="x")
    for nothing in ("", "code="):
        assert f"there is no outcome {nothing!r}" in await agent.error("how_to_trigger", outcome=nothing)


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("list_outcomes", {"search": 5001}, "list_outcomes.search: expected a string, got a number"),
        ("how_to_trigger", {}, "how_to_trigger.outcome: is required, but missing"),
        ("how_to_trigger", {"outcome": 4433}, "how_to_trigger.outcome: expected a string, got a number"),
        ("arm", {"times": "two"}, 'arm.times: expected a number or "always", got other text'),
        ("arm", {"times": 1.5}, "arm.times: expected an integer or a string, got a number with a fraction"),
        ("arm", {"times": [1]}, "arm.times: expected an integer or a string, got an array"),
        ("arm", {"when": "body.pin"}, "arm.when: expected an object or null, got a string"),
        ("arm", {"commit": "yes"}, "arm.commit: expected a boolean, got a string"),
        ("explain", {}, "explain.body: is required, but missing"),
        ("explain", {"body": 5}, "explain.body: expected an object or a string, got a number"),
        ("explain", {"body": "", "headers": {"X-A": 1}}, "explain.headers.X-A: expected a string, got a number"),
        ("requests", {"limit": "5"}, "requests.limit: expected an integer, got a string"),
        ("requests", {"limit": True}, "requests.limit: expected an integer, got a boolean"),
        ("why", {"entry": None}, "why.entry: expected a string, got null"),
        ("verify", {"exactly": "1"}, "verify.exactly: expected an integer or null, got a string"),
    ],
)
async def test_an_argument_of_a_wrong_type_is_said_in_our_words(
    agent: Agent, tool: str, arguments: dict[str, Any], said: str
) -> None:
    """Nothing is done then."""
    assert await agent.error(tool, **arguments) == said
    assert agent.box.armed() == []


async def test_a_server_that_is_not_there_is_said() -> None:
    """By each tool, in one line."""
    assert "is the server up?" in await Agent(Mock("http://127.0.0.1:1", "a")).error("list_outcomes")


async def test_the_command_serves_on_its_standard_streams(mock: Mock) -> None:
    """As an agent starts it, with the configuration of the documentation: nothing but the protocol is printed."""
    page = (Path(__file__).parents[2] / "docs" / "pages" / "how-to" / "coding-agents.md").read_text(encoding="utf-8")
    shown = [json.loads(block) for block in re.findall(r"^```json.*?\n(.*?)^```", page, re.DOTALL | re.MULTILINE)]
    first, second = (config.get("mcpServers", config.get("servers"))["mockserver"] for config in shown)
    assert (first["command"], first["args"]) == (second["command"], second["args"])
    arguments = [argument.replace("http://127.0.0.1:8080", mock.url) for argument in first["args"]]
    started = StdioServerParameters(command=str(MOCKSERVER), args=arguments, env=environment())
    async with Client(started, read_timeout_seconds=PATIENCE) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
        assert "reset sandbox agent" in str(await client.call_tool("reset", {}))


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_the_command_serves_http(mock: Mock) -> None:
    """Streamable HTTP on this machine alone, until Ctrl-C; a port that is taken is said."""
    port = free_port()
    command = (str(MOCKSERVER), "mcp", "--http", str(port), "--url", mock.url, "--sandbox", "http")
    with spawned(*command) as serve:
        await asyncio.to_thread(serve.err.wait, f"tools at http://127.0.0.1:{port}/mcp; Ctrl-C ends it")
        await until(lambda: is_open(port))
        async with Client(f"http://127.0.0.1:{port}/mcp") as client:
            assert "reset sandbox http" in str(await client.call_tool("reset", {}))
        second = await asyncio.to_thread(run_process, *command[1:])
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr == f"mockserver: cannot listen on 127.0.0.1:{port}: Address already in use\n"
        assert await asyncio.to_thread(serve.stop, signal.SIGINT) == 0


def test_the_command_needs_a_named_sandbox_and_an_address() -> None:
    """A wrong option is 2."""
    assert "Its name has to" in run("mcp", "--help").stdout
    for arguments in ([], ["--sandbox", "a", "--url", "ftp://mock"], ["--sandbox", "a", "--http", "0"]):
        assert run("mcp", *arguments).returncode == 2


@pytest.mark.parametrize("name", ["../x", "a b", "__admin", "a" * 100, "4111111111111111"])
def test_a_name_that_no_sandbox_can_have_is_refused_at_the_start(name: str) -> None:
    """With status 2 and the server's words, instead of by each tool."""
    result = invoke("mcp", "--sandbox", name)
    assert result.exit_code == 2
    assert "Invalid value for '--sandbox': " in result.output
    assert "sandbox name" in result.output.splitlines()[-1]


def test_answers_that_nobody_reads_end_the_command(mock: Mock) -> None:
    """In one line, with status 1; a full disk stands for an agent that has ended."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    command = [str(MOCKSERVER), "mcp", "--url", mock.url, "--sandbox", "a"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            command,
            input=json.dumps(call).encode() + b"\n",
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == b"mockserver: cannot write to standard output: has the agent ended?\n"


@pytest.mark.parametrize("package", [None, ModuleType("mcp")])
def test_without_the_package_the_extra_is_named(package: ModuleType | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, with status 1, if it is missing and if it is too old."""
    monkeypatch.delitem(sys.modules, "mockserver.agents.mcp_server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", package)
    ended = run("mcp", "--sandbox", "a")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "mockserver: mcp needs the package mcp 2.3 or later: install the mock with its extra [mcp]\n"
