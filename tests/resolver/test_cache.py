"""What the resolver remembers, for how long, and what goes first."""

from __future__ import annotations

from r53lite.dns import rrtypes
from r53lite.dns.name import MAX_NAME_OCTETS, ROOT, parse_name
from r53lite.dns.presentation import parse_rdata
from r53lite.dns.rrset import RRset
from r53lite.resolver.cache import Cache, ExpiringTable
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.limits import FAILURE_TTL_S, SERVER_TTL_S
from r53lite.resolver.scrub import Alias, Negative, Positive

WWW = parse_name("www.example.com.")
DATA = RRset(WWW, rrtypes.A, 60, (b"\xc0\x00\x02\x01",))
OTHER = RRset(WWW, rrtypes.A, 60, (b"\xcb\x00\x71\x42",))
SOA = RRset(
    parse_name("example.com."),
    rrtypes.SOA,
    60,
    (parse_rdata(rrtypes.SOA, "ns.example.com. admin.example.com. 1 7200 900 1209600 60", ROOT),),
)


def test_a_table_drops_the_least_recently_used_entry_first() -> None:
    table: ExpiringTable[str, int] = ExpiringTable(limit_bytes=1200)
    for key in ("a", "b"):
        table.put(key, 1, 10.0, 50)
    table.get("a", 0.0)

    table.put("c", 1, 10.0, 50)

    assert [table.get(key, 0.0) is not None for key in "abc"] == [True, False, True]
    assert len(table) == 2


def test_a_table_takes_nothing_larger_than_itself_and_counts_replaced_entries_once() -> None:
    table: ExpiringTable[str, int] = ExpiringTable(limit_bytes=1000)
    for _ in range(10):
        table.put("a", 1, 10.0, 400)
    table.put("b", 1, 10.0, 2000)

    assert table.get("a", 0.0) == (1, 10.0)
    assert table.get("b", 0.0) is None


def test_an_entry_is_gone_when_its_time_is_over() -> None:
    table: ExpiringTable[str, int] = ExpiringTable(limit_bytes=1000)
    table.put("a", 1, 10.0, 0)

    assert table.get("a", 10.0) is None
    assert len(table) == 0


def test_the_ttl_given_out_is_what_remains_in_whole_seconds() -> None:
    cache = Cache()
    cache.put_chain((DATA,), True, 100.0)

    assert cache.get_answer(WWW, rrtypes.A, 100.0) == Positive((DATA,))
    assert cache.get_answer(WWW, rrtypes.A, 100.5) == Positive((DATA.with_ttl(59),))
    assert cache.get_answer(WWW, rrtypes.A, 160.0) is None


def test_a_ttl_of_zero_is_not_kept() -> None:
    cache = Cache()
    cache.put_chain((DATA.with_ttl(0),), True, 0.0)
    cache.put_delegation(Delegation(WWW, {}), 0, 0.0)

    assert cache.get_answer(WWW, rrtypes.A, 0.0) is None
    assert cache.find_delegation(WWW, 0.0) is None


def test_rfc2181_5_4_1_an_authoritative_answer_is_not_replaced_by_another() -> None:
    cache = Cache()
    cache.put_chain((OTHER,), False, 0.0)
    cache.put_chain((DATA,), True, 0.0)
    cache.put_chain((OTHER,), False, 0.0)

    assert cache.get_answer(WWW, rrtypes.A, 0.0) == Positive((DATA,))


def test_glue_is_no_answer() -> None:
    cache = Cache()
    cache.put_delegation(Delegation(parse_name("example.com."), {WWW: ("192.0.2.1",)}), 60, 0.0)

    assert cache.get_answer(WWW, rrtypes.A, 0.0) is None
    assert cache.get_addresses(WWW, 0.0) == ()


def test_nodata_holds_for_its_type_and_nxdomain_for_the_name_and_all_below() -> None:
    cache = Cache()
    cache.put_negative(Negative((), WWW, rrtypes.NOERROR, SOA), rrtypes.AAAA, True, 0.0)
    gone = parse_name("gone.example.com.")
    cache.put_negative(Negative((), gone, rrtypes.NXDOMAIN, SOA), rrtypes.AAAA, True, 0.0)

    assert cache.get_answer(WWW, rrtypes.AAAA, 10.0) == Negative((), WWW, rrtypes.NOERROR, SOA.with_ttl(50))
    assert cache.get_answer(WWW, rrtypes.A, 10.0) is None
    below = parse_name("a.b.gone.example.com.")
    for name in (gone, below):
        expected = Negative((), name, rrtypes.NXDOMAIN, SOA.with_ttl(50))
        assert cache.get_answer(name, rrtypes.A, 10.0) == expected


def test_a_cname_answers_every_type_but_cname_and_any_by_leading_on() -> None:
    cache = Cache()
    cname = RRset(WWW, rrtypes.CNAME, 60, (parse_name("web.example.net."),))
    cache.put_chain((cname,), True, 0.0)

    assert cache.get_answer(WWW, rrtypes.A, 0.0) == Alias((cname,), parse_name("web.example.net."))
    assert cache.get_answer(WWW, rrtypes.CNAME, 0.0) == Positive((cname,))
    assert cache.get_answer(WWW, rrtypes.ANY, 0.0) is None


def test_a_dname_makes_the_cname_of_any_name_below_it() -> None:
    cache = Cache()
    dname = RRset(parse_name("example.com."), rrtypes.DNAME, 60, (parse_name("example.net."),))
    made = RRset(WWW, rrtypes.CNAME, 60, (parse_name("www.example.net."),))
    cache.put_chain((dname, made), True, 0.0)

    expected = (dname.with_ttl(50), made.with_ttl(50))
    assert cache.get_answer(WWW, rrtypes.CNAME, 10.0) == Positive(expected)
    assert cache.get_answer(WWW, rrtypes.A, 10.0) == Alias(expected, parse_name("www.example.net."))
    assert cache.get_answer(dname.owner, rrtypes.A, 10.0) is None


def test_a_dname_whose_substitution_is_too_long_answers_yxdomain() -> None:
    cache = Cache()
    target = b"\x3f" + b"x" * 63
    dname = RRset(
        parse_name("example.com."), rrtypes.DNAME, 60, (target * 3 + b"\x3c" + b"y" * 60 + b"\x00",)
    )
    assert len(dname.rdatas[0]) <= MAX_NAME_OCTETS
    cache.put_chain((dname,), True, 0.0)

    assert cache.get_answer(WWW, rrtypes.A, 0.0) == Negative((dname,), WWW, rrtypes.YXDOMAIN, None)


def test_the_closest_delegation_is_found_until_it_is_dropped() -> None:
    cache = Cache()
    com = Delegation(parse_name("com."), {parse_name("a.tld."): ("192.0.2.2",)})
    example = Delegation(parse_name("example.com."), {WWW: ()})
    cache.put_delegation(com, 60, 0.0)
    cache.put_delegation(example, 60, 0.0)

    assert cache.find_delegation(WWW, 0.0) == example
    cache.drop_delegation(example.zone)
    assert cache.find_delegation(WWW, 0.0) == com
    assert cache.find_delegation(parse_name("example.net."), 0.0) is None


def test_rfc9520_3_2_a_failure_is_remembered_for_a_few_seconds() -> None:
    cache = Cache()
    cache.put_failure(WWW, rrtypes.A, "no server helped", 0.0)

    assert cache.get_failure(WWW, rrtypes.A, FAILURE_TTL_S - 0.1) == "no server helped"
    assert cache.get_failure(WWW, rrtypes.A, FAILURE_TTL_S) is None
    assert cache.get_failure(WWW, rrtypes.AAAA, 0.0) is None


def test_a_servers_speed_is_smoothed_and_silence_makes_it_slow() -> None:
    cache = Cache()
    cache.observe_reply("192.0.2.1", 0.1, 0.0)
    cache.observe_reply("192.0.2.1", 0.2, 0.0)
    server = cache.get_server("192.0.2.1", 0.0)
    assert server is not None
    assert round(server.rtt_s, 6) == 0.13

    cache.observe_silence("192.0.2.1", 1.5, 0.0)

    server = cache.get_server("192.0.2.1", 0.0)
    assert server is not None
    assert server.rtt_s == 1.5
    assert cache.get_server("192.0.2.1", SERVER_TTL_S) is None


def test_a_server_without_edns_stays_so_whatever_its_speed() -> None:
    cache = Cache()
    cache.observe_no_edns("192.0.2.1", 0.0)
    cache.observe_reply("192.0.2.1", 0.1, 0.0)

    server = cache.get_server("192.0.2.1", 0.0)

    assert server is not None
    assert not server.has_edns
