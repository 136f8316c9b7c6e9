"""`r53lite reload`: let a running server load its changed zone files, and tell what came of it.

The server is asked over HTTP with the standard library's client: aiohttp would take longer to import than a
reload takes, and a proxy of the environment has no say in what is on this machine.
"""

from __future__ import annotations

import http.client
import json
from typing import NoReturn
from urllib.parse import urlsplit

import click

from r53lite.system_errors import reason_of

DEFAULT_SERVER = "http://127.0.0.1:5380"
RELOAD_PATH = "/r53lite/v1/reload"
CONNECT_LIMIT_S = 5.0
RELOAD_LIMIT_S = 600.0  # our choice: 1,000,000 records take some seconds


@click.command()
@click.option("--server", metavar="URL", default=DEFAULT_SERVER, show_default=True, help="The HTTP port.")
def reload(server: str) -> None:
    """Load the zone files that changed, and wait until that is over.

    Prints the faults (`file:line: reason`) and what was done. Exit code 1: the change was refused and the old
    data keeps serving; 2: no server answered.
    """
    report = _ask(server)
    faults, summary = report.get("faults"), report.get("summary")
    if report.get("status") not in ("ok", "refused") or not isinstance(faults, list):
        _fail(f"{server} answers, but not as r53lite does after a reload: {json.dumps(report)[:200]}")
    for fault in faults:
        click.echo(fault["text"])
    click.echo(summary)
    if report["status"] == "refused":
        raise SystemExit(1)


def _ask(server: str) -> dict[str, object]:
    """Ask a server to reload and return its report; exit with 2 where there is none."""
    url = urlsplit(server)
    if url.scheme != "http" or not url.hostname:
        raise click.UsageError(f"--server: expected http://ADDR:PORT, not {server!r}")
    try:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=CONNECT_LIMIT_S)
        try:
            connection.connect()
            connection.sock.settimeout(RELOAD_LIMIT_S)
            connection.request("POST", url.path.rstrip("/") + RELOAD_PATH)
            report = json.loads(connection.getresponse().read())
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else str(error) or type(error).__name__
        _fail(f"no answer from {server}: {reason.lower()}")
    if not isinstance(report, dict):
        _fail(f"{server} answers, but not as r53lite does")
    return report


def _fail(reason: str) -> NoReturn:
    click.echo(f"r53lite: {reason}", err=True)
    raise SystemExit(2)
