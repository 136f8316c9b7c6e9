"""Does a running server keep the rules on real sockets? Damaged packets over UDP and TCP on loopback.

Each datagram of a batch has an id of its own. Behind a batch goes a sound query: UDP on loopback keeps its
order and nothing is waited for, so when that one is answered, whatever should be answered before it has
been.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from pathlib import Path

from r53lite.config.settings import ApiSettings, Endpoint, RecursionSettings, Settings
from r53lite.dns import wire
from r53lite.server.runtime import Server
from tests.clients import TIMEOUT_S, make_query
from tests.fuzz.invariants import BrokenRuleError, check_reply
from tests.fuzz.packets import PacketMaker
from tests.fuzz.report import LogGuard, Report
from tests.fuzz.worlds import zone_text

BATCH = 50  # fits the smallest default buffer of a socket
MAX_DATAGRAM_BYTES = 1500
LAST_ID = b"\xff\xff"
_SOUND_QUERY = make_query("www.fuzz.test")[2:]


class SocketFuzzer:
    """Runs a server over `directory` and sends it batches."""

    def __init__(self, report: Report, directory: Path) -> None:
        self.report = report
        self._directory = directory
        self.received = 0

    async def run(self, packets: int) -> None:
        """Send so many packets, one batch in ten over TCP."""
        (self._directory / "fuzz.test.zone").write_text(zone_text(), encoding="utf-8")
        settings = Settings(
            listen=(Endpoint("127.0.0.1", 0), Endpoint("::1", 0)),
            recursion=RecursionSettings(enabled=False),
            api=ApiSettings(listen=None),
        )
        server = Server(settings, [self._directory])
        await server.start()
        try:
            maker = PacketMaker(f"{self.report.seed}/sockets")
            with LogGuard() as log:
                for number in range(packets // BATCH):
                    address, port = server.endpoints[number % 2]
                    batch = [maker.next().wire[:MAX_DATAGRAM_BYTES] for _ in range(BATCH)]
                    exchange = self._over_tcp if number % 10 == 9 else self._over_udp
                    await self._try(exchange(address, port, batch), number, log)
        finally:
            await server.stop()

    async def _try(self, exchange: Coroutine[None, None, None], number: int, log: LogGuard) -> None:
        repeat = f"python -m tests.fuzz sockets --seed {self.report.seed} --packets {(number + 1) * BATCH}"
        try:
            await exchange
        except BrokenRuleError as error:
            self.report.note_fault(str(error), f"batch {number}", repeat)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            self.report.note_fault(f"no answer: {error!r}", f"batch {number}", repeat)
        if log.records:
            self.report.note_fault(f"logged {log.records[0]}", f"batch {number}", repeat)
            log.records.clear()
        self.report.cases += BATCH
        self.report.show_progress()

    async def _over_udp(self, address: str, port: int, batch: list[bytes]) -> None:
        numbered = {
            at.to_bytes(2, "big"): at.to_bytes(2, "big") + octets[2:] for at, octets in enumerate(batch)
        }
        replies: dict[bytes, bytes] = {}
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect((address, port))
            for octets in numbered.values():
                client.send(octets)
            client.send(LAST_ID + _SOUND_QUERY)
            async with asyncio.timeout(TIMEOUT_S):
                while LAST_ID not in replies:
                    reply = await loop.sock_recv(client, wire.MAX_MESSAGE_BYTES)
                    if reply[:2] in replies:
                        raise BrokenRuleError(f"two replies to one datagram, {reply[:2].hex()}")
                    replies[reply[:2]] = reply
        del replies[LAST_ID]
        for key, octets in numbered.items():
            check_reply(octets, replies.pop(key, None), 1232, is_stream=False)
            self.received += 1
        if replies:
            raise BrokenRuleError(f"replies to nothing: {[reply.hex() for reply in replies.values()]}")

    async def _over_tcp(self, address: str, port: int, batch: list[bytes]) -> None:
        """Send what must be answered on one connection; replies may come in any order (RFC 7766 §7)."""
        answerable = [octets for octets in batch if len(octets) >= 12 and octets[2] < 0x80]
        numbered = {
            at.to_bytes(2, "big"): at.to_bytes(2, "big") + octets[2:] for at, octets in enumerate(answerable)
        }
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(
                    b"".join(len(octets).to_bytes(2, "big") + octets for octets in numbered.values())
                )
                for _ in range(len(numbered)):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    reply = await reader.readexactly(length)
                    octets = numbered.pop(reply[:2], None)
                    if octets is None:
                        raise BrokenRuleError(f"a reply to nothing: {reply.hex()}")
                    check_reply(octets, reply, 1232, is_stream=True)
                    self.received += 1
            finally:
                writer.close()
                await writer.wait_closed()
