"""The command in this process."""

import os

from click.testing import CliRunner, Result

from mockserver.cli.main import main


def invoke(*arguments: str, stdin: str = "", **env: str) -> Result:
    """The command, in this process."""
    return CliRunner(env={**{n: None for n in os.environ if n.startswith("MOCKSERVER_")}, **env}).invoke(
        main, arguments, input=stdin
    )
