"""The tools as a server of the Model Context Protocol, by the official package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from mcp import MCPError
from mcp.server import MCPServer, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver.exceptions import ToolError

from mockserver.agents.toolbox import Toolbox
from mockserver.base.values import printable
from mockserver.client.admin_client import MockError
from mockserver.client.mock import Mock
from mockserver.schema.messages import PATTERN_WORDS_KEYWORD
from mockserver.schema.schema_set import compile_own_schema
from mockserver.schema.validator import Validator
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
        middleware=[_refuse_bad_calls(tools)],
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


def _refuse_bad_calls(tools: dict[str, Callable[..., str]]) -> Any:
    """A middleware that refuses tools that there are not and arguments that do not fit, in our words."""
    validators = {name: _arguments_validator(tool) for name, tool in tools.items()}

    async def middleware(context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if context.method == "tools/call":
            parameters = context.params or {}
            name, arguments = str(parameters.get("name")), parameters.get("arguments") or {}
            if name not in tools:
                raise MCPError(INVALID_PARAMS, f"there is no tool {printable(name, 40)}; there are {', '.join(tools)}")
            names = [*signature(tools[name]).parameters]
            unknown = [argument for argument in arguments if argument not in names]
            if unknown:
                known = f"it takes {', '.join(names)}" if names else "it takes none"
                raise MCPError(INVALID_PARAMS, f"{name} has no argument {', '.join(unknown)}; {known}")
            if violations := validators[name].violations(name, arguments):
                raise MCPError(INVALID_PARAMS, violations[0].text)
        return await call_next(context)

    return middleware


def _arguments_validator(tool: Callable[..., str]) -> Validator:
    """The compiled schema of the arguments of a tool, by their annotations."""
    hints = get_type_hints(tool)
    parameters = signature(tool).parameters.values()
    return compile_own_schema(
        {
            "type": "object",
            "required": [one.name for one in parameters if one.default is one.empty],
            "properties": {one.name: _schema(hints[one.name]) for one in parameters},
        }
    )


_JSON_TYPES: Final[Mapping[Any, str]] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    dict: "object",
    NoneType: "null",
    Literal: "string",
}


def _schema(hint: Any) -> dict[str, Any]:
    """The JSON Schema of an argument with this annotation."""
    forms = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    schema: dict[str, Any] = {"type": [_JSON_TYPES[get_origin(form) or form] for form in forms]}
    for form in forms:
        if get_origin(form) is Literal:
            (word,) = get_args(form)
            schema |= {"pattern": f"^{word}$", PATTERN_WORDS_KEYWORD: f'a number or "{word}"'}
        elif get_args(form) == (str, str):
            schema["additionalProperties"] = {"type": "string"}
    return schema
