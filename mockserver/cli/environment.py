"""Environment variables that look like options, but are none."""

from __future__ import annotations

import os
import re

import click

from mockserver.base.spelling import close_matches, did_you_mean
from mockserver.remote.options import VARIABLE_PREFIX, print_notice


def warn_of_unknown_variables() -> None:
    """Print a notice for each variable of our prefix that no option reads."""
    context = click.get_current_context()
    variables = [name for name in sorted(os.environ) if name.startswith(VARIABLE_PREFIX)]
    if not variables:
        return
    root = context.find_root()
    group = root.command
    commands = [group.get_command(root, n) for n in group.list_commands(root)] if isinstance(group, click.Group) else []
    params = [param for command in commands if command is not None for param in command.params]
    known = {str(param.envvar).removeprefix(VARIABLE_PREFIX) for param in params if param.envvar}
    for variable in variables:
        name = variable.removeprefix(VARIABLE_PREFIX)
        if name not in known and not re.search(r"(^|_)(SERVICE|PORT)_", name):
            hint = did_you_mean([VARIABLE_PREFIX + near for near in close_matches(name, known)[:1]])
            print_notice(", ".join(filter(None, [f"unknown environment variable {variable}", hint])))
