"""The mini-internet as a whole: walks through the resolver, the policies, and a backend that goes down."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
import pytest_asyncio

import r53lite
from r53lite.lab.plan import load_plan
from r53lite.lab.run import Lab, describe
from tests.clients import UdpClient, ask_tcp, ask_udp, free_port, make_query, texts, until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

ZONES = Path(r53lite.__file__).parent.parent / "zones"
RESOLVER, NS1, NS2 = "127.0.0.1", "127.53.0.3", "127.53.0.4"
BLUE, GREEN, CANARY = "127.53.1.1", "127.53.1.2", "127.53.1.3"
QUERIES = 2000
STATUS_CHANGE_S = 8.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """Start the lab of this checkout on ports of its own, with probes every second."""
    zones = tmp_path_factory.mktemp("lab") / "zones"
    shutil.copytree(ZONES, zones)
    ports = {"5300": free_port(), "5380": free_port(), "8080": free_port()}
    assert len(set(ports.values())) == 3
    edit(zones / "lab" / "lab.yaml", {old: str(new) for old, new in ports.items()})
    edit(zones / "example.com.yaml", {"8080": str(ports["8080"]), "interval: 2": "interval: 1"})
    running = Lab(load_plan(zones / "lab" / "lab.yaml"))
    await running.start()
    yield running
    await running.stop()


def edit(path: Path, changes: dict[str, str]) -> None:
    """Replace text in a file; what is not there to be replaced fails the test."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


async def resolve(lab: Lab, name: str, rrtype: str = "A") -> dns.message.Message:
    """Ask the lab's resolver, which has no zones: it walks or remembers."""
    return await ask_udp(RESOLVER, lab.plan.port, make_query(name, rrtype, is_recursive=True))


async def count_answers(lab: Lab, name: str, count: int) -> Counter[str]:
    """Ask ns1 many times and count the first address of each answer."""
    counts: Counter[str] = Counter()
    request = make_query(name)
    with UdpClient(NS1, lab.plan.port) as client:
        for _ in range(count):
            reply = dns.message.from_wire(await client.ask(request))
            counts[reply.answer[0][0].to_text()] += 1
    return counts


async def post(lab: Lab, address: str, path: str) -> None:
    """Tell a backend to go down or come up, as curl does."""
    reader, writer = await asyncio.open_connection(address, lab.plan.backend_port)
    request = f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def wait_for_health(lab: Lab, check: str, *, is_healthy: bool) -> None:
    """Wait until the published table says so."""
    server = lab.servers["authoritative"]
    await until(lambda: server.health_table.statuses[check].is_healthy == is_healthy, STATUS_CHANGE_S)


async def run(*command: str) -> str:
    """Run a tool of the system and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate()
    assert process.returncode == 0, output
    return output.decode()


@pytest.mark.parametrize(
    ("name", "rrtype", "expected"),
    [
        ("abc.com", "A", ["abc.com. A 127.53.2.1"]),
        ("abc.com", "AAAA", ["abc.com. AAAA 2001:db8:abc::1"]),
        ("www.abc.com", "CNAME", ["www.abc.com. CNAME abc.com."]),
        ("abc.com", "MX", ["abc.com. MX 10 mail1.abc.com.", "abc.com. MX 20 mail2.abc.com."]),
        ("abc.com", "SOA", ["abc.com. SOA ns1.abc.com. hostmaster.abc.com. 1 7200 1800 1209600 300"]),
        ("abc.com", "NS", ["abc.com. NS ns1.abc.com.", "abc.com. NS ns2.abc.com."]),
        (
            "_sip._tcp.abc.com",
            "SRV",
            [
                "_sip._tcp.abc.com. SRV 10 40 5060 sip2.front.abc.com.",
                "_sip._tcp.abc.com. SRV 10 60 5060 sip1.front.abc.com.",
            ],
        ),
        ("_http._tcp.abc.com", "PTR", ["_http._tcp.abc.com. PTR Intranet._http._tcp.abc.com."]),
        ("abc.com", "TXT", ['abc.com. TXT "v=spf1 mx ip4:127.53.2.0/24 ip6:2001:db8:abc::/48 -all"']),
        ("1.2.53.127.in-addr.arpa", "PTR", ["1.2.53.127.in-addr.arpa. PTR abc.com."]),
        ("30.2.53.127.in-addr.arpa", "PTR", ["30.2.53.127.in-addr.arpa. PTR support.abc.com."]),
        ("support.abc.com", "A", ["support.abc.com. A 127.53.2.30"]),
        (
            "www.front.abc.com",
            "A",
            ["front.abc.com. A 127.53.2.10", "www.front.abc.com. CNAME front.abc.com."],
        ),
        (
            "example.com",
            "MX",
            ["example.com. MX 10 mail1.example.com.", "example.com. MX 20 mail2.example.com."],
        ),
        (
            "manual.example.com",
            "A",
            [
                "abc.com. A 127.53.2.1",
                "manual.example.com. CNAME www.abc.com.",
                "www.abc.com. CNAME abc.com.",
            ],
        ),
    ],
)
async def test_the_resolver_walks_to(lab: Lab, name: str, rrtype: str, expected: list[str]) -> None:
    reply = await resolve(lab, name, rrtype)

    assert reply.rcode() == dns.rcode.NOERROR
    assert reply.flags & dns.flags.RA
    assert not reply.flags & dns.flags.AA
    assert [line.lower() for line in texts(reply)] == sorted(line.lower() for line in expected)


async def test_a_child_zones_alias_into_another_zone_ends_at_a_backend(lab: Lab) -> None:
    lines = texts(await resolve(lab, "tickets.support.abc.com"))

    assert "tickets.support.abc.com. CNAME www.example.com." in lines
    assert any(f"www.example.com. A {address}" in lines for address in (BLUE, GREEN, CANARY))


async def test_the_second_answer_of_the_resolver_has_no_larger_ttl(lab: Lab) -> None:
    first, second = [(await resolve(lab, "mail1.abc.com")).answer[0].ttl for _ in range(2)]

    assert 0 < second <= first <= 3600


async def test_missing_names_and_types_are_answered_with_the_soa(lab: Lab) -> None:
    for address in (NS1, NS2, RESOLVER):
        asked = [
            await ask_udp(address, lab.plan.port, make_query(name, rrtype, is_recursive=True))
            for name, rrtype in (
                ("none.example.com", "A"),
                ("blue.example.com", "MX"),
                ("_tcp.example.com", "A"),
            )
        ]
        assert [reply.rcode() for reply in asked] == [
            dns.rcode.NXDOMAIN,
            dns.rcode.NOERROR,
            dns.rcode.NOERROR,
        ]
        for reply in asked:
            assert reply.answer == []
            (soa,) = reply.authority
            assert (soa.name.to_text(), soa.rdtype) == ("example.com.", dns.rdatatype.SOA)


async def test_sixty_addresses_are_truncated_over_udp_and_complete_over_tcp(lab: Lab) -> None:
    query = make_query("many.example.com", "AAAA", is_recursive=True)
    for address in (NS1, RESOLVER):
        over_udp = await ask_udp(address, lab.plan.port, query)
        (over_tcp,) = await ask_tcp(address, lab.plan.port, query)
        assert over_udp.flags & dns.flags.TC
        assert len(texts(over_tcp)) == 60


async def test_weights_share_the_answers_and_a_backend_that_is_down_has_none(lab: Lab) -> None:
    counts = await count_answers(lab, "www.example.com", QUERIES)
    assert set(counts) == {BLUE, GREEN, CANARY}
    for address, share in ((BLUE, 0.4), (GREEN, 0.4), (CANARY, 0.2)):
        assert counts[address] / QUERIES == pytest.approx(share, abs=0.05)

    await post(lab, BLUE, "/down")
    try:
        await wait_for_health(lab, "blue", is_healthy=False)
        counts = await count_answers(lab, "www.example.com", QUERIES)
        assert set(counts) == {GREEN, CANARY}
        assert counts[GREEN] / QUERIES == pytest.approx(2 / 3, abs=0.06)
    finally:
        await post(lab, BLUE, "/up")
        await wait_for_health(lab, "blue", is_healthy=True)
    assert BLUE in await count_answers(lab, "www.example.com", 100)


async def test_a_client_subnet_in_europe_gets_the_region_of_europe(lab: Lab) -> None:
    query = make_query("api.example.com", subnet="198.51.100.0/24")

    assert texts(await ask_udp(NS1, lab.plan.port, query)) == [f"api.example.com. A {GREEN}"]


async def test_the_pool_answers_eight_of_ten_and_not_always_the_same(lab: Lab) -> None:
    members = {f"127.53.1.{number}" for number in range(10, 20)}
    seen: set[frozenset[str]] = set()
    for _ in range(20):
        reply = await ask_udp(NS1, lab.plan.port, make_query("pool.example.com"))
        seen.add(frozenset(rdata.to_text() for rdata in reply.answer[0]))

    assert {len(answer) for answer in seen} == {8}
    assert len(seen) > 1
    assert frozenset.union(*seen) <= members


async def test_dig_reads_our_answers(lab: Lab) -> None:
    port = str(lab.plan.port)

    short = await run("dig", f"@{RESOLVER}", "-p", port, "+short", "www.abc.com")
    whole = await run("dig", f"@{NS1}", "-p", port, "+norecurse", "abc.com", "MX")
    subnet = await run("dig", f"@{NS1}", "-p", port, "+subnet=198.51.100.0/24", "api.example.com")

    assert short.split() == ["abc.com.", "127.53.2.1"]
    assert "status: NOERROR" in whole
    assert "flags: qr aa;" in whole
    assert "WARNING" not in whole.upper()
    assert "CLIENT-SUBNET: 198.51.100.0/24/24" in subnet


async def test_drill_walks_from_the_root_to_the_answer(lab: Lab) -> None:
    hints = lab.plan.servers[-1].root_hints
    assert hints is not None

    walk = await run("drill", "-T", "-r", str(hints), "-p", str(lab.plan.port), "www.abc.com")

    positions = [walk.find(text) for text in ("a.nic.com.", "ns1.abc.com.", "127.53.2.1")]
    assert -1 not in positions
    assert positions == sorted(positions)


async def test_the_lab_tells_who_listens_where(lab: Lab) -> None:
    text = "\n".join(describe(lab))

    for server in lab.plan.servers:
        for address in server.addresses.values():
            assert f"{address}:{lab.plan.port}" in text
    assert "13 backends" in text
