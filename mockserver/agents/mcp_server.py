"""The tools as a server of the Model Context Protocol, by the official package."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, Final

from mcp import MCPError
from mcp.server import MCPServer, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver.exceptions import ToolError

from mockserver.agents.toolbox import Toolbox
from mockserver.client.admin_client import MockError
from mockserver.client.mock import Mock
from mockserver.version import __version__

INVALID_PARAMS: Final = -32_602
"""The code of JSON-RPC for wrong arguments."""

_INSTRUCTIONS: Final = """\
A mock of an API, for the tests of its clients. The client under test gets the base URL {url}, which is a sandbox of its
own. First list_outcomes, then how_to_trigger or arm; after a request, why says why it got its answer."""


def mcp_server(mock: Mock) -> MCPServer:
    """The server of the tools in the sandbox of this client."""
    box = Toolbox(mock)
    tools = {
        tool.__name__: tool
        for tool in (
            box.list_outcomes,
            box.how_to_trigger,
            box.arm,
            box.explain,
            box.requests,
            box.why,
            box.verify,
            box.coverage,
            box.reset,
        )
    }
    server = MCPServer(
        "mockserver",
        version=__version__,
        instructions=_INSTRUCTIONS.format(url=mock.url),
        log_level="ERROR",
        middleware=[_refuse_unknown_arguments(tools)],
    )
    for tool in tools.values():
        server.add_tool(_with_tool_errors(tool), structured_output=False)
    return server


def _with_tool_errors(tool: Callable[..., str]) -> Callable[..., str]:
    """A tool whose problems an agent can read."""

    @wraps(tool)
    def wrapped(**arguments: Any) -> str:
        try:
            return tool(**arguments)
        except MockError as error:
            raise ToolError(str(error)) from None

    return wrapped


def _refuse_unknown_arguments(tools: dict[str, Callable[..., str]]) -> Any:
    """A middleware that refuses arguments which a tool has not, as they would be without effect."""

    async def middleware(context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        parameters = context.params or {}
        tool = tools.get(str(parameters.get("name"))) if context.method == "tools/call" else None
        if tool is not None:
            names = [*signature(tool).parameters]
            unknown = [name for name in parameters.get("arguments") or {} if name not in names]
            if unknown:
                known = f"it takes {', '.join(names)}" if names else "it takes none"
                raise MCPError(INVALID_PARAMS, f"{tool.__name__} has no argument {', '.join(unknown)}; {known}")
        return await call_next(context)

    return middleware
