"""`r53lite reload` and SIGHUP against a running `r53lite serve`: reports, faults and exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

import dns.message
import dns.query
import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from r53lite.api import http
from r53lite.api.http import HttpListener
from r53lite.cli import reload as reload_command
from r53lite.cli.main import main
from tests.clients import free_port, make_query, texts

APEX = "$TTL 300\n@ IN SOA ns1 admin 7 3600 600 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n"


class Host:
    """A server in a process of its own."""

    def __init__(self, directory: Path, process: subprocess.Popen[str]) -> None:
        self.zone = directory / "example.test.zone"
        self.process = process
        assert process.stdout is not None
        self._stderr = process.stderr
        ready = process.stdout.readline()
        dns_port, http_port = re.findall(r"127\.0\.0\.1:(\d+)", ready)
        self.dns_port = int(dns_port)
        self.url = f"http://127.0.0.1:{http_port}"

    def reload(self) -> Result:
        """Run the command against it."""
        return CliRunner().invoke(main, ["reload", "--server", self.url])

    def ask_www(self) -> list[str]:
        """Ask for the record that the tests change."""
        query = dns.message.from_wire(make_query("www.example.test"))
        return texts(dns.query.udp(query, "127.0.0.1", port=self.dns_port, timeout=5))

    def wait_for_log(self, text: str) -> None:
        """Read the log until a line has a text."""
        stderr: IO[str] | None = self._stderr
        assert stderr is not None
        assert any(text in line for line in stderr)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    (tmp_path / "example.test.zone").write_text(APEX + "www A 192.0.2.1\n", encoding="utf-8")
    (tmp_path / "other.test.zone").write_text(APEX, encoding="utf-8")
    # The watch would be the first to see a change; here somebody asks for it.
    command = "from r53lite.control import registry; registry.POLL_INTERVAL_S = 3600; "
    command += "from r53lite.cli.main import main; main()"
    options = ["--zones", str(tmp_path), "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", "--no-recursion"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield Host(tmp_path, process)
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_good_change_is_served_when_the_command_returns(host: Host) -> None:
    host.zone.write_text(APEX + "www A 192.0.2.2\n", encoding="utf-8")

    result = host.reload()

    assert result.exit_code == 0, result.output
    report = r"zones: 1 reloaded, 0 added, 0 removed, 1 unchanged; 7 records, version 2, \d+\.\d\d s\n"
    assert re.fullmatch(report, result.stdout)
    assert host.ask_www() == ["www.example.test. A 192.0.2.2"]


def test_a_warning_is_printed_and_the_exit_code_is_0(host: Host) -> None:
    host.zone.write_text(APEX.replace(" 7 ", " 6 ") + "www A 192.0.2.2\n", encoding="utf-8")
    result = host.reload()
    assert result.exit_code == 0
    assert "warning: serial of 'example.test.' went back from 7 to 6" in result.stdout.splitlines()[0]


def test_a_faulty_change_is_refused_with_file_line_and_reason_and_exit_code_1(host: Host) -> None:
    host.zone.write_text(APEX + "www A 192.0.2.999\nmail MX ten x\n", encoding="utf-8")

    result = host.reload()

    assert result.exit_code == 1
    first, second, summary = result.stdout.splitlines()
    assert first.startswith(f"{host.zone}:5: ")
    assert second.startswith(f"{host.zone}:6: ")
    assert summary == "change refused (2 errors); version 1 keeps serving"
    assert host.ask_www() == ["www.example.test. A 192.0.2.1"]


def test_sighup_reloads(host: Host) -> None:
    host.zone.write_text(APEX + "www A 192.0.2.2\n", encoding="utf-8")
    host.process.send_signal(signal.SIGHUP)
    host.wait_for_log("zones: 1 reloaded, 0 added, 0 removed, 1 unchanged")
    assert host.ask_www() == ["www.example.test. A 192.0.2.2"]

    host.zone.write_text(APEX + "www A 192.0.2.999\n", encoding="utf-8")
    host.process.send_signal(signal.SIGHUP)
    host.wait_for_log("change refused (1 error); version 2 keeps serving")
    assert host.ask_www() == ["www.example.test. A 192.0.2.2"]


def test_no_server_is_exit_code_2() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(main, ["reload", "--server", url])
    assert result.exit_code == 2
    assert result.stderr == f"r53lite: no answer from {url}: connection refused\n"


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:5380", "https://127.0.0.1", "http://", "http://127.0.0.1:port", "http://127.0.0.1:99999"],
)
def test_a_url_that_is_none_of_ours_is_exit_code_2(url: str) -> None:
    assert CliRunner().invoke(main, ["reload", "--server", url]).exit_code == 2


@contextlib.asynccontextmanager
async def stranger(text: str) -> AsyncIterator[str]:
    """An HTTP server that is not r53lite."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    listener = HttpListener(app, "127.0.0.1", 0)
    await listener.start()
    yield f"http://127.0.0.1:{listener.port}"
    await listener.stop()


@pytest.mark.parametrize("text", ["hello", "[]", '{"status": "starting"}', '{"status": "ok"}'])
async def test_another_server_is_exit_code_2(text: str) -> None:
    async with stranger(text) as url:
        command = "from r53lite.cli.main import main; main()"
        process = await asyncio_run([sys.executable, "-c", command, "reload", "--server", url])
    assert process == 2


async def asyncio_run(command: list[str]) -> int:
    """Run a command beside this event loop and return its exit code."""
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
    return await process.wait()


def test_command_and_port_mean_the_same_path() -> None:
    assert reload_command.RELOAD_PATH == http.RELOAD_PATH
