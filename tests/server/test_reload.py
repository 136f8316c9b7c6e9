"""Files that change under a running server, files wrong at its start, and addresses it cannot have."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import dns.message
import pytest

from r53lite.config.settings import ApiSettings, Endpoint, RecursionSettings, Settings
from r53lite.errors import ZoneDataError
from r53lite.server.runtime import BindError, Server
from tests.clients import UdpClient, ask_udp, free_port, make_query, texts, until

APEX = "$TTL 300\n@ IN SOA ns1 admin 7 3600 600 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n"
LIVE_WITHIN_S = 2.0


def make_server(directory: Path, port: int = 0) -> Server:
    settings = Settings(
        listen=(Endpoint("127.0.0.1", port),),
        recursion=RecursionSettings(enabled=False),
        api=ApiSettings(listen=None),
    )
    return Server(settings, [directory])


async def ask_www(server: Server) -> list[str]:
    return texts(await ask_udp(*server.endpoints[0], make_query("www.example.test")))


async def test_a_bad_edit_is_refused_with_its_line_and_a_good_one_is_live_within_two_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "r53lite")
    zone = tmp_path / "example.test.zone"
    zone.write_text(APEX + "www A 192.0.2.1\n", encoding="utf-8")
    server = make_server(tmp_path)
    await server.start()
    try:
        zone.write_text(APEX + "www A 192.0.2.999\n", encoding="utf-8")
        await until(lambda: "change refused" in caplog.text, LIVE_WITHIN_S)
        (fault,) = [record for record in caplog.records if record.getMessage().startswith(f"{zone}:5: ")]
        assert fault.levelno == logging.ERROR
        assert "192.0.2.999" in fault.getMessage()
        assert await ask_www(server) == ["www.example.test. A 192.0.2.1"]

        version = server.snapshot.version
        zone.write_text(APEX + "www A 192.0.2.2\n", encoding="utf-8")
        await until(lambda: server.snapshot.version > version, LIVE_WITHIN_S)
        assert await ask_www(server) == ["www.example.test. A 192.0.2.2"]
    finally:
        await server.stop()


async def test_a_new_file_and_a_removed_file_are_live_within_two_seconds(tmp_path: Path) -> None:
    (tmp_path / "other.test.zone").write_text(APEX, encoding="utf-8")
    server = make_server(tmp_path)
    await server.start()
    try:
        (tmp_path / "example.test.zone").write_text(APEX + "www A 192.0.2.1\n", encoding="utf-8")
        await until(lambda: len(server.snapshot.catalog.zones) == 2, LIVE_WITHIN_S)
        assert await ask_www(server) == ["www.example.test. A 192.0.2.1"]

        (tmp_path / "example.test.zone").unlink()
        await until(lambda: len(server.snapshot.catalog.zones) == 1, LIVE_WITHIN_S)
        assert await ask_www(server) == []
    finally:
        await server.stop()


async def test_a_change_of_an_included_file_is_live_within_two_seconds(tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_text("www A 192.0.2.1\n", encoding="utf-8")
    (tmp_path / "example.test.zone").write_text(APEX + "$INCLUDE part\n", encoding="utf-8")
    server = make_server(tmp_path)
    await server.start()
    try:
        part.write_text("www A 192.0.2.2\n", encoding="utf-8")
        await until(lambda: server.snapshot.version == 2, LIVE_WITHIN_S)
        assert await ask_www(server) == ["www.example.test. A 192.0.2.2"]
    finally:
        await server.stop()


async def test_reloads_during_queries_leave_none_unanswered_and_none_half_way(tmp_path: Path) -> None:
    def write(octet: int) -> None:
        hosts = "".join(f"h{number} A 192.0.2.{octet}\n" for number in range(3000))
        new = tmp_path / "new"
        new.write_text(APEX + hosts, encoding="utf-8")
        new.replace(tmp_path / "example.test.zone")

    write(1)
    server = make_server(tmp_path)
    await server.start()
    answers: list[str] = []

    async def keep_asking() -> None:
        with UdpClient(*server.endpoints[0]) as client:
            while True:
                for number in range(0, 3000, 7):
                    reply = await client.ask(make_query(f"h{number}.example.test"))  # raises where none comes
                    (text,) = texts(dns.message.from_wire(reply))
                    answers.append(text.rpartition(".")[2])

    asking = asyncio.create_task(keep_asking())
    try:
        for octet in range(2, 6):
            write(octet)
            assert (await server.reload()).version == octet
            seen = len(answers)
            await until(lambda seen=seen: len(answers) > seen + 20)  # type: ignore[misc]
            assert not asking.done()
            # What is asked after the swap sees the new zone; one answer may have been on its way.
            assert set(answers[seen + 1 :]) == {str(octet)}
    finally:
        asking.cancel()
        await server.stop()
    assert answers == sorted(answers)


async def test_a_reload_hands_new_health_checks_over_and_keeps_those_that_did_not_change(
    tmp_path: Path,
) -> None:
    (tmp_path / "example.test.zone").write_text(APEX, encoding="utf-8")
    checks = tmp_path / "checks.yaml"
    text = "health_checks:\n  blue: {type: HTTP, ip: 127.0.0.1, port: 1, disabled: true}\n"
    checks.write_text(text, encoding="utf-8")
    server = make_server(tmp_path)
    await server.start()
    try:
        table = server.health_table
        (tmp_path / "example.test.zone").write_text(APEX + "www A 192.0.2.1\n", encoding="utf-8")
        assert (await server.reload()).version == 2
        assert server.health_table is table

        checks.write_text(text + text.splitlines()[1].replace("blue", "green") + "\n", encoding="utf-8")
        assert (await server.reload()).version == 3
        assert set(server.health_table.statuses) == {"blue", "green"}
    finally:
        await server.stop()


async def test_a_faulty_start_names_all_faults_and_opens_nothing(tmp_path: Path) -> None:
    first, second = tmp_path / "a.test.zone", tmp_path / "b.test.zone"
    first.write_text(APEX + "www A 192.0.2.999\nwww MX ten mail\n", encoding="utf-8")
    second.write_text(APEX + "www CNAME ns1\nwww TXT more\n", encoding="utf-8")
    server = make_server(tmp_path)

    with pytest.raises(ZoneDataError) as raised:
        await server.start()

    places = {(fault.file, fault.line) for fault in raised.value.faults if fault.is_error}
    assert {(str(first), 5), (str(first), 6)} < places
    assert {file for file, _ in places} == {str(first), str(second)}
    assert server.endpoints == []


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
async def test_an_address_in_use_ends_the_start(tmp_path: Path, kind: socket.SocketKind) -> None:
    port = free_port()
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        server = make_server(tmp_path, port)

        with pytest.raises(BindError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*in use"):
            await server.start()

    again = make_server(tmp_path, port)  # the failed start gave back what it had
    await again.start()
    await again.stop()
