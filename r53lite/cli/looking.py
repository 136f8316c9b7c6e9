"""Where does a command that looks at a state find it: in a running server, or in a directory of zones?

`--server URL` asks a server, `--zones DIR` reads files; without either, the server that answers on
127.0.0.1:5380 is asked, else `zones` is read. Both give the same shapes, because both sides make them with
the same functions of `answering`.

Exit codes: 1 where no zone holds the name or there are too many outcomes, 2 for a wrong question or no
server.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import click

from r53lite.answering.access import AccessList
from r53lite.answering.asking import DEFAULT_CLIENT, Ask, AskError, NotOurNameError, parse_ask, stated_health
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.cli.serve import exit_on_faults
from r53lite.config.loader import load_settings
from r53lite.config.settings import DEFAULT_API_LISTEN, Settings
from r53lite.control.listing import SETTINGS_NAME
from r53lite.control.location_files import find_locations
from r53lite.control.snapshot import Snapshot
from r53lite.control.zone_files import load_zone_files
from r53lite.errors import R53Error
from r53lite.health.table import HealthTable
from r53lite.routing.context import TargetView
from r53lite.routing.odds import TooManyOutcomesError
from r53lite.server.targets import OutsideTargets
from r53lite.system_errors import reason_of

DEFAULT_SERVER = f"http://{DEFAULT_API_LISTEN}"
DEFAULT_ZONES = Path("zones")
LOOK_TIMEOUT_S = 0.3  # our choice: a server on this machine answers in a millisecond
ASK_TIMEOUT_S = 30.0  # our choice: odds of many outcomes take seconds

Shape = dict[str, object]
Make = Callable[[Snapshot, Ask, HealthTable, TargetView], Shape]
Command = TypeVar("Command", bound=Callable[..., object])


class TooLargeError(R53Error):
    """A server says that what is asked about has too many outcomes."""


class Where(NamedTuple):
    """What the options say of where to look."""

    zones: Path | None
    server: str | None


class Question(NamedTuple):
    """A question as it stands on the command line."""

    name: str
    rrtype: str
    client: str
    region: str | None
    down: tuple[str, ...]
    up: tuple[str, ...]

    def parse(self) -> Ask:
        """Read it."""
        return parse_ask(self.name, self.rrtype, self.client, self.region, self.down, self.up)

    def parameters(self) -> list[tuple[str, str]]:
        """Return it as the parameters of a URL."""
        found = [("name", self.name), ("type", self.rrtype), ("from", self.client)]
        if self.region is not None:
            found.append(("region", self.region))
        found += [("down", check) for check in self.down]
        found += [("up", check) for check in self.up]
        return found


def question_options(command: Command) -> Command:
    """Add the arguments and options of a question, and those that say where to look."""
    decorators = [
        click.argument("name"),
        click.argument("rrtype", metavar="[TYPE]", default="A"),
        click.option("--from", "client", metavar="ADDR|PREFIX", default=DEFAULT_CLIENT, show_default=True),
        click.option("--region", metavar="REGION", help="Take the client to be in this AWS region."),
        click.option("--down", metavar="ID", multiple=True, help="Take a health check for unhealthy."),
        click.option("--up", metavar="ID", multiple=True, help="Take a health check for healthy."),
        click.option(
            "--zones",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            help="Read this directory instead of asking a server; all checks are healthy but those --down.",
        ),
        click.option("--server", metavar="URL", help=f"Ask this server. Default: {DEFAULT_SERVER}, if any."),
        click.option("--json", "is_json", is_flag=True, help="Print one JSON object."),
    ]
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def look(
    where: Where,
    question: Question,
    report: str,
    make: Make,
    extra: Sequence[tuple[str, str]] = (),
) -> Shape:
    """Return a report from wherever the state is; ends the command where that is impossible.

    Args:
        where: the options.
        question: what is asked.
        report: the name of the report in a server's URL.
        make: makes the report of a state that was read from files.
        extra: more parameters of the URL.
    """
    if where.zones is not None and where.server is not None:
        raise click.UsageError("--zones and --server exclude each other")
    try:
        ask = question.parse()
        server = where.server
        if server is None and where.zones is None and is_running(DEFAULT_SERVER):
            server = DEFAULT_SERVER
        if server is not None:
            return fetch(server, report, [*question.parameters(), *extra])
        return _make_offline(where.zones or DEFAULT_ZONES, ask, make)
    except AskError as error:
        raise click.UsageError(str(error)) from error
    except (NotOurNameError, TooManyOutcomesError, TooLargeError) as error:
        click.echo(f"r53lite: {error}", err=True)
        raise SystemExit(1) from error


def _make_offline(zones: Path, ask: Ask, make: Make) -> Shape:
    """Make a report of the files of a directory; its `r53lite.yaml` counts where there is one."""
    if not zones.is_dir():
        reason = f"no server answers on {DEFAULT_SERVER}, and there is no directory {str(zones)!r}"
        raise click.UsageError(reason)
    with exit_on_faults():
        beside = zones / SETTINGS_NAME
        settings = load_settings(beside) if beside.exists() else Settings()
        loaded = load_zone_files([zones], find_locations(settings, [zones]))
        loaded.raise_for_errors()
    snapshot = loaded.snapshot()
    targets = OutsideTargets(settings.targets)
    targets.update(loaded.outside)
    health = stated_health(ask, snapshot, None)
    door = Dispatch(lambda: snapshot, lambda: health, None, DispatchSettings(AccessList(())))
    targets.resolve_locally(door.local)  # offline, nobody else can be asked
    return make(snapshot, ask, health, targets.table)


# --- a running server ---------------------------------------------------------------------------------------


def is_running(server: str) -> bool:
    """Say whether a server of ours answers at a URL."""
    try:
        with _open(f"{server}/healthz", LOOK_TIMEOUT_S) as response:
            return "status" in json.load(response)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 503  # it is starting
    except (OSError, http.client.HTTPException, ValueError, TypeError):
        return False


def fetch(server: str, report: str, parameters: Sequence[tuple[str, str]]) -> Shape:
    """Ask a server for a report.

    Raises:
        AskError: the server does not take the question.
        NotOurNameError: no zone of the server holds the name.
        TooLargeError: there are too many outcomes.
    """
    if "://" not in server:
        server = f"http://{server}"
    url = f"{server.rstrip('/')}/r53lite/v1/{report}?{urllib.parse.urlencode(parameters)}"
    if not url.startswith(("http://", "https://")):
        raise AskError(f"--server: {server!r} is no http URL")
    try:
        with _open(url, ASK_TIMEOUT_S) as response:
            shape = json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            reason = _reason_of(error)
        if error.code == 404 and reason.startswith("no zone"):
            raise NotOurNameError(reason) from error
        if error.code == 422:  # api.reports
            raise TooLargeError(reason) from error
        raise AskError(reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AskError(f"--server: {server} does not answer: {_why(error)}") from error
    if not isinstance(shape, dict):
        raise AskError(f"--server: {server} answers what is no report")
    return shape


def _why(error: Exception) -> str:
    """Word why there is no answer; urllib wraps what the system said."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, OSError):
        return reason_of(reason)
    return (
        "it speaks another protocol" if isinstance(error, http.client.HTTPException) else "it answers no JSON"
    )


def _open(url: str, timeout_s: float):  # type: ignore[no-untyped-def]  # urllib's own type is private
    """Open a URL without any proxy: the server is on this machine or on one that was named."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(url, timeout=timeout_s)


def _reason_of(error: urllib.error.HTTPError) -> str:
    """Return why a server refused."""
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"the server answers {error.code} {error.reason}"
