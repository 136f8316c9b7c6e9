"""The door: who may recurse, what recursion finishes, what an exception becomes, and the client subnet."""

from __future__ import annotations

import gc
import logging
from ipaddress import IPv4Network
from pathlib import Path

import dns.edns
import dns.message
import pytest

from r53lite.answering.access import AccessList
from r53lite.answering.dispatch import Dispatch
from r53lite.answering.recursive import Recursive, TraceEvent
from r53lite.answering.zone_answers import DispatchSettings
from r53lite.dns import rrtypes, wire
from r53lite.dns.message import RA, Message
from r53lite.dns.name import ROOT, parse_name
from r53lite.dns.rrset import RRset
from r53lite.errors import ResolutionError
from r53lite.health.table import HealthTable
from r53lite.resolver.cache import Cache
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.resolution import Resolved
from r53lite.resolver.upstream import Upstream
from tests.clients import make_query
from tests.support import lines, load_snapshot

ZONE = """
$TTL 300
@       IN SOA ns1 admin 7 3600 600 86400 60
@       NS ns1
ns1     A 192.0.2.1
www     A 192.0.2.3
away    CNAME host.other.test.
sub     NS ns.sub
ns.sub  A 192.0.2.9
"""
POLICY = """
zone: example.test
records:
  - name: api
    type: A
    ttl: 5
    policy: latency
    sets:
      - {id: east, region: us-east-1, values: [192.0.2.10]}
      - {id: west, region: eu-west-1, values: [192.0.2.20]}
"""
LOCATIONS = """
networks:
  - {cidr: 198.51.100.0/24, region: eu-west-1, latency_ms: {eu-west-1: 20, us-east-1: 90}}
  - {cidr: "2001:db8:e::/48", region: eu-west-1, latency_ms: {eu-west-1: 20, us-east-1: 90}}
"""
HOST = parse_name("host.other.test.")
OUTSIDE = RRset(HOST, rrtypes.A, 60, (b"\xc0\x00\x02\x63",))
BELOW = RRset(parse_name("www.sub.example.test."), rrtypes.A, 60, (b"\xc0\x00\x02\x58",))
OUTSIDE_LINE = "host.other.test. 60 IN A 192.0.2.99"
AWAY_LINE = "away.example.test. 300 IN CNAME host.other.test."


class StubRecursive(Recursive):
    """Finds what it was given, nothing else; `known` is found without waiting."""

    def __init__(self, *rrsets: RRset) -> None:
        super().__init__(Delegation(ROOT, {}), Upstream((), 53), cache=Cache())
        self.found = {(rrset.owner, rrset.rrtype): rrset for rrset in rrsets}
        self.known: set[bytes] = set()
        self.asked: list[tuple[bytes, Delegation | None]] = []
        self.error: Exception | None = None

    def cached(self, qname: bytes, qtype: int) -> Resolved | None:
        """Return what is known already."""
        return Resolved(0, (self.found[qname, qtype],), ()) if qname in self.known else None

    async def resolve(
        self, qname: bytes, qtype: int, starting_at: Delegation | None = None, on_event: object = None
    ) -> Resolved:
        """Return what was given for the name, or fail."""
        self.asked.append((qname, starting_at))
        if self.error is not None:
            raise self.error
        if (qname, qtype) not in self.found:
            raise ResolutionError("nobody answers", 22)
        return Resolved(0, (self.found[qname, qtype],), ())


def make_door(directory: Path, recursive: Recursive | None, health: HealthTable | None = None) -> Dispatch:
    """Return a door that lets 127.0.0.1 alone recurse."""
    snapshot = load_snapshot(
        directory, example_test_zone=ZONE, example_test_yaml=POLICY, locations_yaml=LOCATIONS
    )
    clients = AccessList([IPv4Network("127.0.0.1/32")])
    table = health or HealthTable()
    return Dispatch(lambda: snapshot, lambda: table, recursive, DispatchSettings(clients), lambda n: n - 1)


async def ask(
    door: Dispatch,
    name: str,
    *,
    is_recursive: bool = True,
    client: str = "127.0.0.1",
    is_stream: bool = False,
) -> Message:
    """Ask for an A record; wait where the door has to."""
    reply = door.answer(make_query(name, is_recursive=is_recursive), client, is_stream=is_stream)
    if reply is not None and not isinstance(reply, bytes):
        reply = await reply
    assert reply is not None
    return wire.decode_message(reply)


async def test_only_permitted_clients_recurse(tmp_path: Path) -> None:
    recursive = StubRecursive(OUTSIDE)
    recursive.known.add(HOST)
    door = make_door(tmp_path, recursive)

    permitted = await ask(door, "host.other.test")
    refused = await ask(door, "host.other.test", client="127.0.0.9")

    assert (permitted.rcode, lines(permitted.answer)) == (rrtypes.NOERROR, [OUTSIDE_LINE])
    assert not permitted.is_authoritative
    assert (refused.rcode, refused.answer) == (rrtypes.REFUSED, ())


async def test_a_mapped_address_counts_as_its_ipv4_address(tmp_path: Path) -> None:
    door = make_door(tmp_path, StubRecursive(OUTSIDE))

    assert (await ask(door, "host.other.test", client="::ffff:127.0.0.1")).rcode == rrtypes.NOERROR
    assert (await ask(door, "host.other.test", client="::1")).rcode == rrtypes.REFUSED
    assert (await ask(door, "host.other.test", client="fe80::1%lo")).rcode == rrtypes.REFUSED


@pytest.mark.parametrize(
    "name", ["www.example.test", "host.other.test", "none.example.test", "sub.example.test"]
)
@pytest.mark.parametrize("is_recursive", [True, False])
async def test_ra_says_whether_this_client_may_recurse(tmp_path: Path, name: str, is_recursive: bool) -> None:
    door = make_door(tmp_path, StubRecursive(OUTSIDE))
    without = make_door(tmp_path, None)

    assert (await ask(door, name, is_recursive=is_recursive)).flags & RA
    assert not (await ask(door, name, is_recursive=is_recursive, client="127.0.0.9")).flags & RA
    assert not (await ask(without, name, is_recursive=is_recursive)).flags & RA


async def test_without_rd_nothing_is_asked_and_only_the_cache_answers(tmp_path: Path) -> None:
    recursive = StubRecursive(OUTSIDE)
    door = make_door(tmp_path, recursive)

    assert (await ask(door, "host.other.test", is_recursive=False)).rcode == rrtypes.REFUSED
    recursive.known.add(HOST)
    assert lines((await ask(door, "host.other.test", is_recursive=False)).answer) == [OUTSIDE_LINE]
    assert lines((await ask(door, "away.example.test", is_recursive=False)).answer) == [AWAY_LINE]
    assert lines((await ask(door, "www.sub.example.test", is_recursive=False)).authority) == [
        "sub.example.test. 300 IN NS ns.sub.example.test."
    ]
    assert recursive.asked == []


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_cname_that_leaves_our_zones_is_finished_by_recursion(tmp_path: Path, is_known: bool) -> None:
    recursive = StubRecursive(OUTSIDE)
    if is_known:
        recursive.known.add(HOST)

    reply = await ask(make_door(tmp_path, recursive), "away.example.test")

    assert [line for rrset in reply.answer for line in lines((rrset,))] == [AWAY_LINE, OUTSIDE_LINE]
    assert recursive.asked == ([] if is_known else [(HOST, None)])


async def test_a_cut_is_finished_by_recursion_that_starts_at_it(tmp_path: Path) -> None:
    recursive = StubRecursive(BELOW)

    reply = await ask(make_door(tmp_path, recursive), "www.sub.example.test")

    assert lines(reply.answer) == ["www.sub.example.test. 60 IN A 192.0.2.88"]
    assert not reply.is_authoritative
    cut = Delegation(parse_name("sub.example.test."), {parse_name("ns.sub.example.test."): ("192.0.2.9",)})
    assert recursive.asked == [(BELOW.owner, cut)]


async def test_an_own_zone_at_the_end_of_an_outside_chain_answers_without_a_query(tmp_path: Path) -> None:
    events: list[TraceEvent] = []
    doors: list[Dispatch] = []
    recursive = Recursive(
        Delegation(ROOT, {}),
        Upstream((), 53),
        cache=Cache(),
        local=lambda qname, qtype: doors[0].local(qname, qtype),
    )
    doors.append(make_door(tmp_path, recursive))

    found = await recursive.resolve(parse_name("www.example.test."), rrtypes.A, on_event=events.append)

    assert lines(found.answer) == ["www.example.test. 300 IN A 192.0.2.3"]
    assert events == []
    assert doors[0].local(HOST, rrtypes.A) is None


async def test_a_failed_resolution_is_servfail_and_no_failure_of_ours(tmp_path: Path) -> None:
    door = make_door(tmp_path, StubRecursive())

    reply = await ask(door, "away.example.test")

    assert (reply.rcode, lines(reply.answer), door.failures) == (rrtypes.SERVFAIL, [AWAY_LINE], 0)


async def test_an_exception_while_recursion_runs_is_servfail_logged_once_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recursive = StubRecursive()
    recursive.error = RuntimeError("a bug in recursion")
    door = make_door(tmp_path, recursive)

    reply = await ask(door, "host.other.test")

    assert (reply.rcode, door.failures) == (rrtypes.SERVFAIL, 1)
    assert_one_traceback(caplog, "a bug in recursion")


async def test_an_exception_in_our_zones_is_servfail_logged_once_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("a bug in lookup")

    monkeypatch.setattr("r53lite.answering.clear_path.respond", fail)
    door = make_door(tmp_path, None)

    reply = await ask(door, "www.example.test")

    assert (reply.rcode, reply.answer, door.failures) == (rrtypes.SERVFAIL, (), 1)
    assert_one_traceback(caplog, "a bug in lookup")


def assert_one_traceback(caplog: pytest.LogCaptureFixture, reason: str) -> None:
    """Check that the log holds one error, with the traceback of the exception."""
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert reason in str(record.exc_info[1])


@pytest.mark.parametrize(
    ("name", "client", "subnet", "scope_prefix_len", "address"),
    [
        ("api.example.test", "127.0.0.1", "198.51.100.0/24", 24, "192.0.2.20"),
        ("www.example.test", "127.0.0.1", "198.51.100.0/24", 0, "192.0.2.3"),
        # A /0 withholds the client's network: its source address is used, and the scope must not tell of it.
        ("api.example.test", "127.0.0.1", "0.0.0.0/0", 0, "192.0.2.10"),
        ("api.example.test", "2001:db8:e::1", "0.0.0.0/0", 0, "192.0.2.20"),
    ],
)
def test_a_client_subnet_is_echoed_with_the_scope_of_the_choice(
    tmp_path: Path, name: str, client: str, subnet: str, scope_prefix_len: int, address: str
) -> None:
    door = make_door(tmp_path, None)

    reply = door.answer(make_query(name, subnet=subnet), client, is_stream=False)

    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply)
    (option,) = message.options
    assert isinstance(option, dns.edns.ECSOption)
    assert f"{option.address}/{option.srclen}" == subnet
    assert option.scopelen == scope_prefix_len
    assert [rdata.to_text() for rdata in message.answer[0]] == [address]


async def test_a_reply_that_nobody_waits_for_leaves_nothing_behind(tmp_path: Path) -> None:
    """A coroutine never awaited would be a RuntimeWarning, which fails the test."""
    recursive = StubRecursive(OUTSIDE)
    reply = make_door(tmp_path, recursive).answer(
        make_query("host.other.test", is_recursive=True), "127.0.0.1", is_stream=False
    )
    assert reply is not None
    assert not isinstance(reply, bytes)
    reply.close()
    gc.collect()
    assert recursive.asked == []


async def test_a_subnet_of_no_bits_does_not_settle_the_scope_of_others(tmp_path: Path) -> None:
    door = make_door(tmp_path, None)
    scopes = []
    for subnet in ("0.0.0.0/0", "0.0.0.0/0", "203.0.113.0/24"):
        request = make_query("api.example.test", subnet=subnet)
        reply = door.answer(request, "127.0.0.1", is_stream=False)
        assert isinstance(reply, bytes)
        (option,) = dns.message.from_wire(reply).options
        assert isinstance(option, dns.edns.ECSOption)
        scopes.append(option.scopelen)
    assert scopes == [0, 0, 5]
