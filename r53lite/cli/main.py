"""The `r53lite` command: `r53lite COMMAND --help` tells the rest.

Exit codes: 0 fine, 1 the thing asked about is wrong (a faulty zone, a failed resolution), 2 wrong usage or
settings. Commands are imported when they are called, so that `serve` does not pay for what `trace` needs.
"""

from __future__ import annotations

import importlib

import click

from r53lite import __version__

_COMMANDS = {
    "check": "Validate zone files, policy files and settings.",
    "explain": "Say step by step why a client gets its answer.",
    "lab": "Run the mini-internet on loopback addresses.",
    "odds": "Print every possible answer with its exact probability.",
    "reload": "Let a running server load its changed zone files.",
    "serve": "Answer for a directory of zones, and recursively for the rest.",
    "trace": "Walk from the root to a name and print each step.",
}


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


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="r53lite")
def main() -> None:
    """Route 53 on your own machine: DNS answers with Route 53's policies and live health checks."""
