"""What docs/ shows is what one gets: dig sessions are asked again, pictures drawn again."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio
from click.testing import CliRunner

from r53lite.cli.main import main
from r53lite.config.settings import ApiSettings, Endpoint, RecursionSettings, Settings
from tests.clients import UdpClient
from tests.rfc.dig import dig
from tests.route53.world import TestedServer, World

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TEXT = (DOCS / "policies.md").read_text(encoding="utf-8")
_DOWN = re.compile(r"# ([\w-]+(?:, [\w-]+)*) down\b")
_COUNT = " | wc -l"


class Session(NamedTuple):
    """One command of a document and what it prints, line by line."""

    command: str
    comment: str
    output: tuple[str, ...]


def sessions() -> Iterator[Session]:
    """Yield every command in the code blocks of docs/policies.md."""
    for _, block in re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE):
        for part in ("\n" + block).split("\n$ ")[1:]:
            head, *output = part.strip("\n").split("\n")
            command, _, comment = head.partition("#")
            yield Session(command.strip(), "#" + comment, tuple(output))


DIGS = [one for one in sessions() if one.command.startswith("dig ")]
PLOTS = [one.command for one in sessions() if one.command.startswith("r53lite ")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[World]:
    settings = Settings(
        listen=(Endpoint("127.0.0.1", 0),),
        recursion=RecursionSettings(enabled=False),
        api=ApiSettings(listen=None),
    )
    server = TestedServer(settings, [ROOT / "zones"])
    await server.start()
    try:
        with UdpClient(*server.endpoints[0]) as client:
            yield World(server, client)
    finally:
        await server.stop()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("session", DIGS, ids=[f"{one.command} {one.comment}" for one in DIGS])
async def test_a_dig_session(server: World, session: Session) -> None:
    down = _DOWN.match(session.comment)
    server.down(*(down[1].split(", ") if down is not None else ()))
    command, count, _ = session.command.partition(_COUNT)
    output = (await dig(*server.server.endpoints[0], *shlex.split(command)[1:])).splitlines()
    shown = [str(len(output))] if count else [" ".join(line.split()) for line in output]
    assert sorted(shown) == sorted(" ".join(line.split()) for line in session.output)


@pytest.mark.parametrize("command", PLOTS)
def test_a_picture_is_what_its_command_draws(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make pictures` draws them anew."""
    monkeypatch.chdir(ROOT)
    arguments = shlex.split(command)[1:]
    picture = ROOT / arguments[-1]
    result = CliRunner().invoke(main, [*arguments[:-1], str(tmp_path / "drawn.svg")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "drawn.svg").read_text(encoding="utf-8") == picture.read_text(encoding="utf-8")


def test_every_policy_has_a_session_and_every_picture_a_command() -> None:
    sections = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    assert [one.split("\n")[0] for one in sections if "$ dig " not in one] == []
    shown = re.findall(r"\]\((pictures/[^)]+)\)", TEXT)
    assert [f"docs/{one}" for one in shown] == [shlex.split(one)[-1] for one in PLOTS]
    assert sorted(str(one.relative_to(DOCS)) for one in (DOCS / "pictures").iterdir()) == sorted(shown)
