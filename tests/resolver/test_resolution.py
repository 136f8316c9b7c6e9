"""The walk: from the root to the zone, through the cache, along chains, to servers without glue."""

from __future__ import annotations

import pytest

from r53lite.dns import rrtypes
from r53lite.dns.name import format_name, parse_name
from r53lite.errors import ResolutionError
from r53lite.resolver.cache import Cache
from r53lite.resolver.limits import Limits
from r53lite.resolver.resolution import Resolved, resolve_known
from tests.resolver.internet import (
    SOA,
    lines,
    make_tree,
    referral,
    reply,
    rrsets,
)


def test_the_walk_goes_from_the_root_over_the_tld_to_the_zone() -> None:
    net = make_tree(**{"www.example.com. A": reply("www.example.com. 60 A 198.51.100.1")})

    resolved = net.resolve("www.example.com.")

    assert resolved == Resolved(rrtypes.NOERROR, rrsets("www.example.com. 60 A 198.51.100.1"), ())
    assert net.asked == [f"192.0.2.{server} www.example.com. A" for server in (1, 2, 3)]


def test_a_second_question_starts_at_the_closest_cached_delegation() -> None:
    net = make_tree(
        **{
            "www.example.com. A": reply("www.example.com. 60 A 198.51.100.1"),
            "mail.example.com. A": reply("mail.example.com. 60 A 198.51.100.2"),
        }
    )
    cache = Cache()
    net.resolve("www.example.com.", cache=cache)
    net.asked.clear()

    net.resolve("mail.example.com.", cache=cache)

    assert net.asked == ["192.0.2.3 mail.example.com. A"]


def test_a_cached_answer_counts_its_ttl_down_and_is_asked_again_when_it_is_over() -> None:
    net = make_tree(**{"www.example.com. A": reply("www.example.com. 60 A 198.51.100.1")})
    cache = Cache()
    net.resolve("www.example.com.", cache=cache)
    net.asked.clear()

    net.now += 20
    assert lines(net.resolve("www.example.com.", cache=cache)) == ["www.example.com. 40 A 198.51.100.1"]
    assert not net.asked
    net.now += 40
    assert lines(net.resolve("www.example.com.", cache=cache)) == ["www.example.com. 60 A 198.51.100.1"]
    assert net.asked == ["192.0.2.3 www.example.com. A"]


@pytest.mark.parametrize("rcode", [rrtypes.NOERROR, rrtypes.NXDOMAIN])
def test_rfc2308_5_an_absence_is_cached_for_the_soa_minimum_and_counts_down(rcode: int) -> None:
    net = make_tree(**{"nope.example.com. A": reply(authority=(SOA,), rcode=rcode)})
    cache = Cache()

    first = net.resolve("nope.example.com.", cache=cache)
    asked = len(net.asked)
    net.now += 15
    second = net.resolve("nope.example.com.", cache=cache)

    assert first == Resolved(rcode, (), rrsets(SOA.replace(" 900 SOA", " 60 SOA")))
    assert second == Resolved(rcode, (), rrsets(SOA.replace(" 900 SOA", " 45 SOA")))
    assert len(net.asked) == asked


def test_an_absence_without_a_soa_is_not_cached() -> None:
    net = make_tree(**{"nope.example.com. A": reply()})
    cache = Cache()

    for _ in range(2):
        assert net.resolve("nope.example.com.", cache=cache) == Resolved(rrtypes.NOERROR, (), ())

    assert net.asked.count("192.0.2.3 nope.example.com. A") == 2


def test_a_cname_is_followed_across_zones_in_order() -> None:
    net = make_tree(**{"www.example.com. A": reply("www.example.com. 60 CNAME web.other.net.")})
    net.servers["192.0.2.2"]["*.other.net."] = referral(
        "other.net. 60 NS ns.other.net.", "ns.other.net. 60 A 192.0.2.4"
    )
    net.servers["192.0.2.4"] = {"web.other.net. A": reply("web.other.net. 30 A 198.51.100.4")}
    cache = Cache()

    expected = ["www.example.com. 60 CNAME web.other.net.", "web.other.net. 30 A 198.51.100.4"]
    assert lines(net.resolve("www.example.com.", cache=cache)) == expected
    known = resolve_known(parse_name("www.example.com."), rrtypes.A, cache, net.now)
    assert known is not None
    assert [rrset.rrtype for rrset in known.answer] == [rrtypes.CNAME, rrtypes.A]


def test_what_a_server_says_of_another_zone_behind_its_cname_is_asked_there() -> None:
    net = make_tree(
        **{
            "www.example.com. A": reply(
                "www.example.com. 60 CNAME web.other.net.", "web.other.net. 9999 A 203.0.113.66"
            )
        }
    )
    net.servers["192.0.2.2"]["*.other.net."] = referral(
        "other.net. 60 NS ns.other.net.", "ns.other.net. 60 A 192.0.2.4"
    )
    net.servers["192.0.2.4"] = {"web.other.net. A": reply("web.other.net. 30 A 198.51.100.4")}

    assert lines(net.resolve("www.example.com."))[1:] == ["web.other.net. 30 A 198.51.100.4"]


def test_the_end_of_a_chain_may_not_exist() -> None:
    net = make_tree(
        **{
            "www.example.com. A": reply(
                "www.example.com. 60 CNAME gone.example.com.", authority=(SOA,), rcode=rrtypes.NXDOMAIN
            )
        }
    )

    resolved = net.resolve("www.example.com.")

    assert resolved.rcode == rrtypes.NXDOMAIN
    assert lines(resolved) == ["www.example.com. 60 CNAME gone.example.com."]
    assert [rrset.rrtype for rrset in resolved.authority] == [rrtypes.SOA]


def test_a_cname_question_is_answered_by_the_cname_itself() -> None:
    net = make_tree(**{"www.example.com. CNAME": reply("www.example.com. 60 CNAME web.other.net.")})

    assert lines(net.resolve("www.example.com.", rrtypes.CNAME)) == [
        "www.example.com. 60 CNAME web.other.net."
    ]


def test_a_dname_answers_names_below_it_from_cache_too() -> None:
    net = make_tree(
        **{
            "a.old.example.com. A": reply(
                "old.example.com. 60 DNAME example.com.",
                "a.old.example.com. 0 CNAME a.example.com.",
                "a.example.com. 60 A 198.51.100.1",
            ),
            "b.example.com. A": reply("b.example.com. 60 A 198.51.100.2"),
        }
    )
    cache = Cache()
    chain = ["old.example.com. 60 DNAME example.com.", "a.old.example.com. 60 CNAME a.example.com."]
    assert lines(net.resolve("a.old.example.com.", cache=cache)) == [
        *chain,
        "a.example.com. 60 A 198.51.100.1",
    ]
    net.asked.clear()

    resolved = net.resolve("b.old.example.com.", cache=cache)

    assert [format_name(rrset.owner) for rrset in resolved.answer] == [
        "old.example.com.",
        "b.old.example.com.",
        "b.example.com.",
    ]
    assert net.asked == ["192.0.2.3 b.example.com. A"]


def test_name_servers_without_glue_are_resolved_first() -> None:
    net = make_tree(**{"ns.example.com. A": reply("ns.example.com. 60 A 192.0.2.5")})
    net.servers["192.0.2.2"]["*.other.net."] = referral("other.net. 60 NS ns.example.com.")
    net.servers["192.0.2.5"] = {"www.other.net. A": reply("www.other.net. 30 A 198.51.100.5")}

    assert lines(net.resolve("www.other.net.")) == ["www.other.net. 30 A 198.51.100.5"]
    assert net.asked[2:] == [
        "192.0.2.1 ns.example.com. A",
        "192.0.2.2 ns.example.com. A",
        "192.0.2.3 ns.example.com. A",
        "192.0.2.5 www.other.net. A",
    ]


def test_a_name_server_with_an_ipv6_address_only_is_found() -> None:
    net = make_tree(
        **{
            "ns.example.com. A": reply(authority=(SOA,)),
            "ns.example.com. AAAA": reply("ns.example.com. 60 AAAA 2001:db8::5"),
        }
    )
    net.servers["192.0.2.2"]["*.other.net."] = referral("other.net. 60 NS ns.example.com.")
    net.servers["2001:db8::5"] = {"www.other.net. A": reply("www.other.net. 30 A 198.51.100.5")}

    assert lines(net.resolve("www.other.net.")) == ["www.other.net. 30 A 198.51.100.5"]


def test_glue_outside_the_referring_zone_is_dropped() -> None:
    net = make_tree(**{"ns.example.com. A": reply("ns.example.com. 60 A 192.0.2.5")})
    net.servers["192.0.2.1"]["*.net."] = referral("net. 3600 NS b.tld.", "b.tld. 3600 A 192.0.2.6")
    net.servers["192.0.2.6"] = {
        "*.other.net.": referral("other.net. 60 NS ns.example.com.", "ns.example.com. 60 A 203.0.113.66")
    }
    net.servers["192.0.2.5"] = {"www.other.net. A": reply("www.other.net. 30 A 198.51.100.5")}

    net.resolve("www.other.net.")

    assert not [asked for asked in net.asked if asked.startswith("203.0.113.66")]
    assert net.asked[-1] == "192.0.2.5 www.other.net. A"


def test_name_servers_that_need_each_other_fail_without_a_loop() -> None:
    net = make_tree()
    net.servers["192.0.2.2"] = {
        "*.one.net.": referral("one.net. 60 NS ns.two.net."),
        "*.two.net.": referral("two.net. 60 NS ns.one.net."),
    }

    with pytest.raises(ResolutionError, match="depends on itself"):
        net.resolve("www.one.net.")

    assert len(net.asked) < 20


def test_address_lookups_stand_upon_each_other_to_a_limit() -> None:
    net = make_tree()
    net.servers["192.0.2.2"] = {
        f"*.z{index}.net.": referral(f"z{index}.net. 60 NS ns.z{index + 1}.net.") for index in range(10)
    }

    with pytest.raises(ResolutionError, match="no server of zone"):
        net.resolve("www.z0.net.", limits=Limits(nested_depth=3))

    assert not [asked for asked in net.asked if ".z5." in asked]
