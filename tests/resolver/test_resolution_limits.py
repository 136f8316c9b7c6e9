"""What a resolution makes of servers that do not help, of its limits, and of zones of its own."""

from __future__ import annotations

import pytest

from r53lite.dns import rrtypes
from r53lite.dns.edns import Edns
from r53lite.dns.message import AA, TC, Message
from r53lite.dns.name import format_name, parse_name
from r53lite.errors import ResolutionError
from r53lite.resolver.cache import Cache
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.limits import Limits
from r53lite.resolver.resolution import AskServer, LocalLookup, Resolution, resolve_known
from tests.resolver.internet import (
    EXAMPLE,
    HINTS,
    Internet,
    Reply,
    lines,
    make_tree,
    referral,
    reply,
)

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
