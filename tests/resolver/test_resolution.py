"""The state machine against a table of fake servers: no socket, no clock, no chance."""

from __future__ import annotations

import pytest

from r53lite.dns import rrtypes
from r53lite.dns.edns import Edns
from r53lite.dns.message import AA, QR, TC, Message
from r53lite.dns.name import ROOT, format_name, parse_name
from r53lite.dns.presentation import format_rrset, parse_rdata
from r53lite.dns.rrset import RRset
from r53lite.errors import ResolutionError
from r53lite.resolver.cache import Cache
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.limits import Limits
from r53lite.resolver.resolution import AskServer, LocalLookup, Resolution, Resolved, resolve_known

HINTS = Delegation(ROOT, {parse_name("a.root."): ("192.0.2.1",)})
COM = "com. 3600 NS a.tld.", "a.tld. 3600 A 192.0.2.2"
EXAMPLE = "example.com. 300 NS ns.example.com.", "ns.example.com. 300 A 192.0.2.3"
SOA = "example.com. 900 SOA ns.example.com. admin.example.com. 1 7200 900 1209600 60"

Reply = Message | str
"""A message without its question, or why none came: "silence", or any other reason."""


def rrsets(*lines: str) -> tuple[RRset, ...]:
    """Read records, one to a line, gathering those of one owner and type."""
    gathered: dict[tuple[bytes, int], RRset] = {}
    for line in lines:
        owner, ttl, rrtype, rdata = line.split(maxsplit=3)
        key = parse_name(owner), rrtypes.parse_rrtype(rrtype)
        held = gathered.get(key, RRset(*key, int(ttl), ()))
        gathered[key] = held._replace(rdatas=(*held.rdatas, parse_rdata(key[1], rdata, ROOT)))
    return tuple(gathered.values())


def reply(
    *answer: str,
    authority: tuple[str, ...] = (),
    additional: tuple[str, ...] = (),
    rcode: int = rrtypes.NOERROR,
    flags: int = AA,
    edns: Edns | None = None,
) -> Message:
    """Return a reply whose question `drive` fills in."""
    sections = rrsets(*answer), rrsets(*authority), rrsets(*additional)
    return Message(0, QR | flags, 0, rcode, ROOT, 0, 1, *sections, edns)


def referral(ns: str, *glue: str) -> Message:
    """Return a referral."""
    return reply(authority=(ns,), additional=glue, flags=0)


class Internet:
    """Fake servers: address → {"name TYPE" or "*.suffix": reply}; the exact question counts first."""

    def __init__(self, servers: dict[str, dict[str, Reply]], rtt_s: float = 0.01) -> None:
        self.servers = servers
        self.rtt_s = rtt_s
        self.now = 1000.0
        self.asked: list[str] = []

    def find(self, step: AskServer) -> Reply:
        """Return what a server says to a question."""
        table = self.servers.get(step.address, {})
        qname = format_name(step.qname)
        keys = [
            f"{qname} {rrtypes.format_rrtype(step.qtype)} {'TCP' if step.over_tcp else 'UDP'}",
            f"{qname} {rrtypes.format_rrtype(step.qtype)} {'EDNS' if step.with_edns else 'plain'}",
            f"{qname} {rrtypes.format_rrtype(step.qtype)}",
            *sorted((key for key in table if key[0] == "*" and f".{qname}".endswith(key[1:])), key=len)[::-1],
        ]
        return next((table[key] for key in keys if key in table), "silence")

    def resolve(
        self,
        qname: str,
        qtype: int = rrtypes.A,
        *,
        cache: Cache | None = None,
        starting_at: Delegation | None = None,
        local: LocalLookup | None = None,
        limits: Limits | None = None,
    ) -> Resolved:
        """Drive a resolution to its end, noting in `asked` who was asked what."""
        resolution = Resolution(
            parse_name(qname),
            qtype,
            Cache() if cache is None else cache,
            HINTS,
            draw=lambda: 0.5,
            starting_at=starting_at,
            local=local,
            limits=limits or Limits(),
        )
        while True:
            step = resolution.next_step(self.now)
            if isinstance(step, Resolved):
                return step
            how = (" TCP" if step.over_tcp else "") + ("" if step.with_edns else " plain")
            question = f"{format_name(step.qname)} {rrtypes.format_rrtype(step.qtype)}"
            self.asked.append(f"{step.address} {question}{how}")
            found = self.find(step)
            if isinstance(found, str):
                self.now += step.timeout_s if found == "silence" else 0.0
                resolution.on_failure(found, self.now, is_silence=found == "silence")
            else:
                self.now += self.rtt_s
                full = found._replace(qname=step.qname, qtype=step.qtype) if found.qname == ROOT else found
                resolution.on_reply(full, self.now)


def lines(resolved: Resolved) -> list[str]:
    """Return an answer section as text, without the class."""
    return [line.replace(" IN ", " ") for rrset in resolved.answer for line in format_rrset(rrset)]


def make_tree(**records: Reply) -> Internet:
    """Return root and com. servers and one for example.com with these replies, keyed by their questions."""
    return Internet(
        {
            "192.0.2.1": {"*.com.": referral(*COM), "*.net.": referral("net. 3600 NS a.tld.", COM[1])},
            "192.0.2.2": {"*.example.com.": referral(*EXAMPLE)},
            "192.0.2.3": dict(records),
        }
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


TWO_SERVERS = (
    "example.com. 300 NS ns1.example.com.",
    "example.com. 300 NS ns2.example.com.",
)
TWO_ADDRESSES = ("ns1.example.com. 300 A 192.0.2.31", "ns2.example.com. 300 A 192.0.2.32")


def make_two_servers(first: Reply) -> Internet:
    """Return a tree whose example.com has two servers; the second one answers well."""
    net = make_tree()
    net.servers["192.0.2.2"]["*.example.com."] = reply(
        authority=TWO_SERVERS, additional=TWO_ADDRESSES, flags=0
    )
    net.servers["192.0.2.31"] = {"www.example.com. A": first}
    net.servers["192.0.2.32"] = {"www.example.com. A": reply("www.example.com. 60 A 198.51.100.1")}
    return net


@pytest.mark.parametrize(
    "first",
    [
        pytest.param("silence", id="silent"),
        pytest.param("could not be reached", id="unreachable"),
        pytest.param(reply(rcode=rrtypes.SERVFAIL, flags=0), id="SERVFAIL"),
        pytest.param(reply(rcode=rrtypes.REFUSED, flags=0), id="REFUSED"),
        pytest.param(reply(flags=0), id="empty and without AA"),
        pytest.param(referral("com. 3600 NS a.tld.", "a.tld. 3600 A 192.0.2.2"), id="upward referral"),
        pytest.param(referral("example.com. 300 NS ns1.example.com."), id="referral to itself"),
        pytest.param(referral("other.com. 300 NS ns1.other.com."), id="sideways referral"),
        pytest.param(
            reply("www.example.com. 60 A 203.0.113.66")._replace(qname=b"\x01x\x00"), id="other question"
        ),
        pytest.param(reply("www.example.com. 60 A 203.0.113.66")._replace(flags=AA), id="not a response"),
        pytest.param(reply(rcode=rrtypes.YXDOMAIN), id="YXDOMAIN without a DNAME"),
        pytest.param(reply(rcode=rrtypes.FORMERR, edns=Edns(0, 512, False)), id="FORMERR with EDNS"),
    ],
)
def test_a_server_that_does_not_help_gives_way_to_the_next(first: Reply) -> None:
    net = make_two_servers(first)

    assert lines(net.resolve("www.example.com.")) == ["www.example.com. 60 A 198.51.100.1"]
    assert net.asked[2:] == [f"192.0.2.3{server} www.example.com. A" for server in (1, 2)]


def test_a_silent_server_is_asked_last_the_next_time() -> None:
    net = make_two_servers("silence")
    cache = Cache()
    net.resolve("www.example.com.", cache=cache)
    net.servers["192.0.2.32"]["mail.example.com. A"] = reply("mail.example.com. 60 A 198.51.100.2")
    net.asked.clear()

    net.resolve("mail.example.com.", cache=cache)

    assert net.asked == ["192.0.2.32 mail.example.com. A"]


def test_a_silent_server_gets_one_more_try_after_all_others() -> None:
    net = make_two_servers("silence")
    net.servers["192.0.2.32"] = {"www.example.com. A": reply(rcode=rrtypes.REFUSED, flags=0)}

    with pytest.raises(ResolutionError, match=r"the last problem: 192\.0\.2\.31 silence"):
        net.resolve("www.example.com.")

    assert [asked[:10] for asked in net.asked[2:]] == ["192.0.2.31", "192.0.2.32", "192.0.2.31"]


def test_a_delegation_none_of_whose_servers_helps_is_learned_anew() -> None:
    net = make_tree(**{"www.example.com. A": reply(rcode=rrtypes.REFUSED, flags=0)})
    cache = Cache()
    with pytest.raises(ResolutionError):
        net.resolve("www.example.com.", cache=cache)
    net.servers["192.0.2.2"]["*.example.com."] = referral(EXAMPLE[0], "ns.example.com. 300 A 192.0.2.33")
    net.servers["192.0.2.33"] = {"www.example.com. A": reply("www.example.com. 60 A 198.51.100.1")}

    assert lines(net.resolve("www.example.com.", cache=cache)) == ["www.example.com. 60 A 198.51.100.1"]


def test_a_truncated_reply_is_asked_for_again_over_tcp() -> None:
    net = make_tree(
        **{
            "www.example.com. A UDP": reply(flags=AA | TC),
            "www.example.com. A TCP": reply("www.example.com. 60 A 198.51.100.1"),
        }
    )

    assert lines(net.resolve("www.example.com.")) == ["www.example.com. 60 A 198.51.100.1"]
    assert net.asked[2:] == ["192.0.2.3 www.example.com. A", "192.0.2.3 www.example.com. A TCP"]


def test_a_reply_truncated_over_tcp_is_no_reply() -> None:
    net = make_tree(**{"www.example.com. A": reply("www.example.com. 60 A 198.51.100.1", flags=AA | TC)})

    with pytest.raises(ResolutionError, match="truncated a reply over TCP"):
        net.resolve("www.example.com.")


def test_rfc6891_6_2_2_a_server_without_edns_is_asked_plainly_and_remembered() -> None:
    refusal = reply(rcode=rrtypes.FORMERR, flags=0)._replace(qname=None)
    net = make_tree(
        **{
            "www.example.com. A EDNS": refusal,
            "www.example.com. A plain": reply("www.example.com. 60 A 198.51.100.1"),
            "mail.example.com. A plain": reply("mail.example.com. 60 A 198.51.100.2"),
        }
    )
    cache = Cache()

    net.resolve("www.example.com.", cache=cache)
    net.resolve("mail.example.com.", cache=cache)

    assert net.asked[2:] == [
        "192.0.2.3 www.example.com. A",
        "192.0.2.3 www.example.com. A plain",
        "192.0.2.3 mail.example.com. A plain",
    ]


def test_a_cname_loop_ends() -> None:
    net = make_tree(
        **{
            "a.example.com. A": reply("a.example.com. 60 CNAME b.example.com."),
            "b.example.com. A": reply("b.example.com. 60 CNAME a.example.com."),
        }
    )
    cache = Cache()

    with pytest.raises(ResolutionError, match=r"CNAME loop at 'a\.example\.com\.'"):
        net.resolve("a.example.com.", cache=cache)

    assert resolve_known(parse_name("a.example.com."), rrtypes.A, cache, net.now) is None


def test_a_cname_loop_within_one_reply_ends() -> None:
    net = make_tree(
        **{
            "a.example.com. A": reply(
                "a.example.com. 60 CNAME b.example.com.", "b.example.com. 60 CNAME a.example.com."
            )
        }
    )

    with pytest.raises(ResolutionError, match="CNAME loop"):
        net.resolve("a.example.com.")


def test_cname_chains_have_a_limit() -> None:
    net = make_tree(
        **{
            f"c{at}.example.com. A": reply(f"c{at}.example.com. 60 CNAME c{at + 1}.example.com.")
            for at in range(30)
        }
    )

    with pytest.raises(ResolutionError, match="more than 16 CNAMEs"):
        net.resolve("c0.example.com.")


def test_referrals_have_a_limit() -> None:
    net = make_tree()
    deep = "".join(f"l{index}." for index in range(40)[::-1])
    for index in range(40):
        zone = "".join(f"l{label}." for label in range(index + 1)[::-1]) + "example.com."
        net.servers["192.0.2.3" if index == 0 else f"192.0.3.{index}"] = {
            f"*.{zone}": referral(f"{zone} 60 NS ns.{zone}", f"ns.{zone} 60 A 192.0.3.{index + 1}")
        }

    with pytest.raises(ResolutionError, match="more than 30 referrals"):
        net.resolve(f"{deep}example.com.")


def test_all_queries_of_a_resolution_have_one_limit() -> None:
    net = make_tree(
        **{
            f"c{at}.example.com. A": reply(f"c{at}.example.com. 60 CNAME c{at + 1}.example.com.")
            for at in range(30)
        }
    )

    with pytest.raises(ResolutionError, match="no answer after 5 queries"):
        net.resolve("c0.example.com.", limits=Limits(queries=5))

    assert len(net.asked) == 5


def test_a_failure_known_to_the_cache_is_not_tried_again() -> None:
    net = make_tree()
    cache = Cache()
    cache.put_failure(parse_name("www.example.com."), rrtypes.A, "failed a moment ago", net.now)

    with pytest.raises(ResolutionError, match="failed a moment ago") as caught:
        net.resolve("www.example.com.", cache=cache)

    assert caught.value.ede_code == 13
    assert not net.asked


def test_a_walk_may_start_at_a_given_delegation() -> None:
    net = make_tree(**{"www.example.com. A": reply("www.example.com. 60 A 198.51.100.1")})
    cut = Delegation(parse_name("example.com."), {parse_name("ns.example.com."): ("192.0.2.3",)})

    net.resolve("www.example.com.", starting_at=cut)

    assert net.asked == ["192.0.2.3 www.example.com. A"]


def test_a_ds_question_goes_to_the_zone_above_the_cut() -> None:
    net = make_tree(**{"www.example.com. A": reply("www.example.com. 60 A 198.51.100.1")})
    soa = "com. 900 SOA a.tld. admin.tld. 1 7200 900 1209600 60"
    net.servers["192.0.2.2"]["example.com. DS"] = reply(authority=(soa,))
    cache = Cache()
    net.resolve("www.example.com.", cache=cache)
    net.asked.clear()

    net.resolve("example.com.", rrtypes.DS, cache=cache)

    assert net.asked == ["192.0.2.2 example.com. DS"]


def test_an_any_answer_is_passed_on_but_not_cached() -> None:
    net = make_tree(
        **{"www.example.com. ANY": reply("www.example.com. 60 A 198.51.100.1", 'www.example.com. 60 TXT "x"')}
    )
    cache = Cache()

    assert len(net.resolve("www.example.com.", rrtypes.ANY, cache=cache).answer) == 2
    assert resolve_known(parse_name("www.example.com."), rrtypes.A, cache, net.now) is None


def make_local(**messages: Message) -> LocalLookup:
    """Return a lookup that answers these questions only."""
    return lambda name, rrtype: messages.get(f"{format_name(name)} {rrtypes.format_rrtype(rrtype)}")


def test_own_zones_answer_cname_targets_and_are_not_cached() -> None:
    net = make_tree(**{"www.example.com. A": reply("www.example.com. 60 CNAME www.ours.net.")})
    cache = Cache()
    local = make_local(**{"www.ours.net. A": reply("www.ours.net. 5 A 127.53.1.1")})

    resolved = net.resolve("www.example.com.", cache=cache, local=local)

    assert lines(resolved) == ["www.example.com. 60 CNAME www.ours.net.", "www.ours.net. 5 A 127.53.1.1"]
    assert resolve_known(parse_name("www.ours.net."), rrtypes.A, cache, net.now) is None
    known = resolve_known(parse_name("www.example.com."), rrtypes.A, cache, net.now, local)
    assert known is not None
    assert known.answer[-1] == resolved.answer[-1]


def test_own_zones_give_name_server_addresses_and_cuts() -> None:
    net = make_tree()
    net.servers["192.0.2.5"] = {"www.child.ours.net. A": reply("www.child.ours.net. 60 A 198.51.100.1")}
    local = make_local(
        **{
            "www.child.ours.net. A": referral("child.ours.net. 60 NS ns.ours.net."),
            "ns.ours.net. A": reply("ns.ours.net. 60 A 192.0.2.5"),
        }
    )

    assert lines(net.resolve("www.child.ours.net.", local=local)) == ["www.child.ours.net. 60 A 198.51.100.1"]
    assert net.asked == ["192.0.2.5 www.child.ours.net. A"]


def test_an_own_zone_that_cannot_answer_ends_the_resolution() -> None:
    local = make_local(**{"www.ours.net. A": reply(rcode=rrtypes.SERVFAIL)})

    with pytest.raises(ResolutionError, match=r"own zone of 'www\.ours\.net\.' answered SERVFAIL"):
        make_tree().resolve("www.ours.net.", local=local)


def test_a_known_server_is_waited_for_by_its_speed() -> None:
    cache = Cache()
    net = make_tree(**{"www.example.com. A": reply("www.example.com. 60 A 198.51.100.1")})
    net.resolve("www.example.com.", cache=cache)
    resolution = Resolution(parse_name("b.example.com."), rrtypes.A, cache, HINTS, draw=lambda: 0.5)

    step = resolution.next_step(net.now)

    assert isinstance(step, AskServer)
    assert step.timeout_s == Limits().min_try_timeout_s
