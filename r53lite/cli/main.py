"""The `r53lite` command: `r53lite COMMAND --help` tells the rest.

Exit codes: 0 fine, 1 the thing asked about is wrong (a faulty zone, a failed resolution), 2 wrong usage or
settings. Commands are imported when they are called, so that `serve` does not pay for what `trace` needs.
Output that nobody can take, such as that to a full disk, ends any of them with one line and 1.
"""

from __future__ import annotations

import errno
import importlib
from typing import Any

import click

from r53lite import __version__
from r53lite.system_errors import reason_of

_COMMANDS = {
    "check": "Validate zone files, policy files and settings.",
    "explain": "Say step by step why a client gets its answer.",
    "lab": "Run the mini-internet on loopback addresses.",
    "odds": "Print every possible answer with its exact probability.",
    "reload": "Let a running server load its changed zone files.",
    "serve": "Answer for a directory of zones, and recursively for the rest.",
    "trace": "Walk from the root to a name and print each step.",
}


_LOST_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # a closed pipe is click's to end quietly


class _LazyGroup(click.Group):
    """Finds a command's module by its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"r53lite.cli.{cmd_name}"), cmd_name)
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command, and say in one line that its output cannot be written."""
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if error.errno not in _LOST_OUTPUT or error.filename is not None:
                raise
            click.echo(f"r53lite: cannot write the output: {reason_of(error)}", err=True)
            raise SystemExit(1) from error


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="r53lite")
def main() -> None:
    """Route 53 on your own machine: DNS answers with Route 53's policies and live health checks."""
