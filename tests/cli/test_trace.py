"""The trace command, against a server on loopback that plays root and zone in turn."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from r53lite.cli.trace import format_reply, trace
from r53lite.dns import rrtypes
from r53lite.dns.message import AA, QR, TC, Message
from r53lite.dns.name import parse_name
from r53lite.dns.rrset import RRset
from r53lite.dns.wire import decode_message, encode_message

WWW = parse_name("www.example.com.")
EXAMPLE = parse_name("example.com.")
NS = parse_name("ns.example.com.")
LOOPBACK_RDATA = b"\x7f\x00\x00\x01"
REFERRAL = Message(
    0,
    QR,
    0,
    rrtypes.NOERROR,
    WWW,
    rrtypes.A,
    rrtypes.CLASS_IN,
    (),
    (RRset(EXAMPLE, rrtypes.NS, 300, (NS,)),),
    (RRset(NS, rrtypes.A, 300, (LOOPBACK_RDATA,)),),
    None,
)
DATA = RRset(WWW, rrtypes.A, 60, (b"\xc0\x00\x02\x01",))
ANSWER = REFERRAL._replace(flags=QR | AA, answer=(DATA,), authority=(), additional=())
REFUSED = ANSWER._replace(rcode=rrtypes.REFUSED, answer=())


@contextlib.contextmanager
def serve(*replies: Message) -> Iterator[int]:
    """Answer one datagram after another with these replies on a free loopback port."""
    left = list(replies)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setblocking(False)
        server.bind(("127.0.0.1", 0))

        def handle() -> None:
            wire, client = server.recvfrom(65535)
            query = decode_message(wire)
            reply = left.pop(0)._replace(message_id=query.message_id, qname=query.qname, qtype=query.qtype)
            server.sendto(encode_message(reply), client)

        loop.add_reader(server, handle)
        try:
            yield server.getsockname()[1]
        finally:
            loop.remove_reader(server)


@pytest.fixture
def hints(tmp_path: Path) -> Path:
    """Return a hints file whose root server is on loopback."""
    path = tmp_path / "root.hints"
    path.write_text(". 60 NS a.root.\na.root. 60 A 127.0.0.1\n")
    return path


async def run(*arguments: str) -> Result:
    """Run the command beside this test's servers."""
    return await asyncio.to_thread(CliRunner().invoke, trace, arguments)


async def test_a_walk_prints_every_reply_and_the_answer(hints: Path) -> None:
    with serve(REFERRAL, ANSWER) as port:
        result = await run("www.example.com", "--root-hints", str(hints), "--port", str(port))

    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert lines[:2] == ["; <<>> r53lite trace <<>> www.example.com. A", ";; root server a.root. 127.0.0.1"]
    assert "example.com. 300 IN NS ns.example.com." in lines
    received = [line for line in lines if line.startswith(";; Received")]
    assert [line.split(" in ")[0].split(" bytes ")[1] for line in received] == [f"from 127.0.0.1#{port}"] * 2
    assert lines[-3:] == [";; Answer: NOERROR, 1 record", "www.example.com. 60 IN A 192.0.2.1", ""]


async def test_a_walk_that_fails_exits_with_1(hints: Path) -> None:
    with serve(REFUSED) as port:
        result = await run("www.example.com", "a", "--root-hints", str(hints), "--port", str(port))

    assert result.exit_code == 1
    assert ";; status: REFUSED" in result.output
    assert ";; www.example.com. A failed: no server of zone '.' helped" in result.output


async def test_nothing_is_sent_outside_the_networks(hints: Path) -> None:
    with serve() as port:
        result = await run(
            "www.example.com", "--root-hints", str(hints), "--port", str(port), "--network", "192.0.2.0/24"
        )

    assert result.exit_code == 1
    assert f";; 127.0.0.1#{port} is outside the networks" in result.output


async def test_queries_for_a_name_servers_address_are_marked(hints: Path) -> None:
    other = REFERRAL._replace(
        authority=(RRset(EXAMPLE, rrtypes.NS, 300, (parse_name("ns.net."),)),), additional=()
    )
    address = ANSWER._replace(answer=(RRset(parse_name("ns.net."), rrtypes.A, 60, (LOOPBACK_RDATA,)),))
    with serve(other, address, ANSWER) as port:
        result = await run("www.example.com", "--root-hints", str(hints), "--port", str(port))

    assert result.exit_code == 0, result.output
    assert ";; for a name server's address: ns.net. A" in result.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["a..b"], "empty label in name 'a..b'"),
        (["a.example.", "NOTYPE"], "unknown record type 'NOTYPE'"),
        (["a.example.", "--network", "127.0.0.1/8"], "has host bits set"),
        (
            ["a.example.", "--root-hints", "missing.hints"],
            "missing.hints: cannot read: no such file or directory",
        ),
    ],
)
async def test_bad_input_exits_with_2(arguments: list[str], reason: str) -> None:
    result = await run(*arguments)

    assert result.exit_code == 2
    assert reason in result.output


async def test_the_lab_is_walked_where_its_hints_are(
    hints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = tmp_path / "zones" / "lab" / "root.hints"
    lab.parent.mkdir(parents=True)
    lab.write_text(hints.read_text())
    monkeypatch.chdir(tmp_path)

    with serve(ANSWER) as port:
        result = await run("www.example.com", "--port", str(port))

    assert result.exit_code == 0, result.output
    assert ";; root server a.root. 127.0.0.1" in result.output


def test_without_lab_and_hints_the_walk_begins_at_ianas_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(trace, ["www.example.com", "--network", "127.0.0.0/8"])

    assert result.exit_code == 1
    assert ";; root server m.root-servers.net. 202.12.27.33 2001:dc3::35" in result.output
    assert ";; 202.12.27.33#53 is outside the networks" in result.output


def test_what_dnslib_refuses_is_printed_by_our_own_codec() -> None:
    """A label that is not UTF-8 makes dnslib refuse the whole message."""
    alias = RRset(WWW, rrtypes.CNAME, 60, (b"\x02\xff\xfe" + EXAMPLE,))

    lines = format_reply(encode_message(ANSWER._replace(answer=(alias,))))

    assert lines == [r"www.example.com. 60 IN CNAME \255\254.example.com."]


def test_a_malformed_reply_is_named_so() -> None:
    assert format_reply(b"\x00\x01\x80\x00\x00\x01" + b"\x00" * 6) == [
        ";; malformed message: message ends early"
    ]


def test_a_truncated_reply_is_named_so() -> None:
    reply = encode_message(ANSWER._replace(flags=QR | AA | TC, answer=()))

    assert format_reply(reply) == [";; truncated, asking again over TCP"]
