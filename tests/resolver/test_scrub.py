"""What a server may say, seen from the zone it was asked for."""

from __future__ import annotations

from r53lite.dns import rrtypes
from r53lite.dns.message import AA, QR, Message
from r53lite.dns.name import ROOT, parse_name
from r53lite.dns.presentation import parse_rdata
from r53lite.dns.rrset import RRset
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.limits import MAX_POSITIVE_TTL_S
from r53lite.resolver.scrub import (
    Alias,
    Lame,
    Negative,
    Positive,
    Referral,
    Reply,
    is_reply_to,
    scrub,
    synthesize_cname,
)

ZONE = parse_name("example.com.")
WWW = parse_name("www.example.com.")
SOA_TEXT = "ns.example.com. admin.example.com. 1 7200 900 1209600 60"


def rrset(owner: str, ttl: int, rrtype: int, *rdatas: str) -> RRset:
    """Return an RRset of this text."""
    return RRset(parse_name(owner), rrtype, ttl, tuple(parse_rdata(rrtype, rdata, ROOT) for rdata in rdatas))


def make_reply(
    answer: tuple[RRset, ...] = (),
    authority: tuple[RRset, ...] = (),
    additional: tuple[RRset, ...] = (),
    rcode: int = rrtypes.NOERROR,
    flags: int = QR | AA,
) -> Message:
    """Return a reply to www.example.com. A."""
    return Message(0, flags, 0, rcode, WWW, rrtypes.A, rrtypes.CLASS_IN, answer, authority, additional, None)


def read(message: Message, zone: bytes = ZONE) -> Reply:
    """Read a reply to www.example.com. A of a server of `zone`."""
    return scrub(message, zone, WWW, rrtypes.A)


def test_records_outside_the_zone_do_not_answer() -> None:
    data = rrset("www.example.com.", 60, rrtypes.A, "192.0.2.1")

    assert read(make_reply((data,))) == Positive((data,))
    assert read(make_reply((data,)), parse_name("example.net.")) == Negative((), WWW, rrtypes.NOERROR, None)


def test_records_that_nobody_asked_for_are_dropped() -> None:
    data = rrset("www.example.com.", 60, rrtypes.A, "192.0.2.1")
    other = rrset("mail.example.com.", 60, rrtypes.A, "192.0.2.2")

    assert read(make_reply((other, data))) == Positive((data,))


def test_a_chain_is_put_in_order() -> None:
    first = rrset("www.example.com.", 60, rrtypes.CNAME, "b.example.com.")
    second = rrset("b.example.com.", 60, rrtypes.CNAME, "c.example.com.")
    data = rrset("c.example.com.", 60, rrtypes.A, "192.0.2.1")

    assert read(make_reply((data, second, first))) == Positive((first, second, data))


def test_a_chain_that_leaves_the_zone_ends_there() -> None:
    first = rrset("www.example.com.", 60, rrtypes.CNAME, "www.other.net.")
    foreign = rrset("www.other.net.", 60, rrtypes.A, "203.0.113.66")

    assert read(make_reply((first, foreign))) == Alias((first,), parse_name("www.other.net."))


def test_nxdomain_after_a_chain_that_leaves_the_zone_is_not_believed() -> None:
    first = rrset("www.example.com.", 60, rrtypes.CNAME, "www.other.net.")

    outcome = read(make_reply((first,), rcode=rrtypes.NXDOMAIN))

    assert outcome == Alias((first,), parse_name("www.other.net."))


def test_rfc2181_10_1_only_one_cname_of_a_name_counts() -> None:
    two = rrset("www.example.com.", 60, rrtypes.CNAME, "www.other.net.", "www.more.net.")

    outcome = read(make_reply((two,)))

    assert outcome == Alias((two._replace(rdatas=two.rdatas[:1]),), parse_name("www.other.net."))


def test_a_synthesized_cname_is_made_from_its_dname_and_not_believed() -> None:
    dname = rrset("example.com.", 60, rrtypes.DNAME, "example.net.")
    lie = rrset("www.example.com.", 0, rrtypes.CNAME, "www.evil.net.")

    outcome = read(make_reply((dname, lie)))

    made = rrset("www.example.com.", 60, rrtypes.CNAME, "www.example.net.")
    assert outcome == Alias((dname, made), parse_name("www.example.net."))
    for qtype in (rrtypes.CNAME, rrtypes.ANY):
        assert scrub(make_reply((dname, lie)), ZONE, WWW, qtype) == Positive((dname, made))


def test_rfc6672_2_2_a_dname_substitution_that_is_too_long_is_yxdomain() -> None:
    long_name = ".".join(["x" * 63] * 3 + ["y" * 60]) + "."
    dname = rrset("example.com.", 60, rrtypes.DNAME, long_name)

    assert read(make_reply((dname,), rcode=rrtypes.YXDOMAIN)) == Negative(
        (dname,), WWW, rrtypes.YXDOMAIN, None
    )
    assert synthesize_cname(dname, WWW) is None


def test_ttls_are_capped() -> None:
    data = rrset("www.example.com.", 10 * MAX_POSITIVE_TTL_S, rrtypes.A, "192.0.2.1")

    assert read(make_reply((data,))) == Positive((data.with_ttl(MAX_POSITIVE_TTL_S),))


def test_a_soa_that_does_not_cover_the_question_is_no_soa() -> None:
    above = rrset("com.", 60, rrtypes.SOA, SOA_TEXT)
    beside = rrset("mail.example.com.", 60, rrtypes.SOA, SOA_TEXT)

    for foreign in (above, beside):
        outcome = read(make_reply(authority=(foreign,), rcode=rrtypes.NXDOMAIN))
        assert outcome == Negative((), WWW, rrtypes.NXDOMAIN, None)


def test_rfc2308_5_the_negative_ttl_is_the_lesser_of_soa_ttl_and_minimum() -> None:
    for ttl, expected in ((30, 30), (900, 60)):
        soa = rrset("example.com.", ttl, rrtypes.SOA, SOA_TEXT)
        outcome = read(make_reply(authority=(soa,), flags=QR))
        assert outcome == Negative((), WWW, rrtypes.NOERROR, soa.with_ttl(expected))


def test_a_referral_keeps_the_glue_of_its_own_servers_from_its_own_zone_only() -> None:
    ns = rrset("example.com.", 300, rrtypes.NS, "ns.example.com.", "ns.example.net.")
    glue = rrset("ns.example.com.", 200, rrtypes.A, "192.0.2.1")
    glue6 = rrset("ns.example.com.", 400, rrtypes.AAAA, "2001:db8::1")
    foreign = rrset("ns.example.net.", 300, rrtypes.A, "203.0.113.66")
    stray = rrset("www.example.com.", 300, rrtypes.A, "203.0.113.66")

    outcome = read(make_reply((), (ns,), (glue, glue6, foreign, stray), flags=QR), parse_name("com."))

    servers = {
        parse_name("ns.example.com."): ("192.0.2.1", "2001:db8::1"),
        parse_name("ns.example.net."): (),
    }
    assert outcome == Referral(Delegation(ZONE, servers), 200)


def test_what_is_no_address_is_no_glue() -> None:
    ns = rrset("example.com.", 300, rrtypes.NS, "ns.example.com.")
    text = rrset("ns.example.com.", 1, rrtypes.TXT, "x")
    short = RRset(parse_name("ns.example.com."), rrtypes.A, 1, (b"\x7f\x01",))

    outcome = read(make_reply((), (ns,), (text, short), flags=QR), parse_name("com."))

    assert outcome == Referral(Delegation(ZONE, {parse_name("ns.example.com."): ()}), 300)


def test_the_roots_own_records_answer() -> None:
    ns = rrset(".", 300, rrtypes.NS, "a.root.")

    assert scrub(make_reply((ns,)), ROOT, ROOT, rrtypes.NS) == Positive((ns,))


def test_the_root_may_give_glue_of_any_name() -> None:
    ns = rrset("com.", 300, rrtypes.NS, "a.gtld-servers.net.")
    glue = rrset("a.gtld-servers.net.", 300, rrtypes.A, "192.0.2.1")

    outcome = read(make_reply((), (ns,), (glue,), flags=QR), ROOT)

    assert isinstance(outcome, Referral)
    assert outcome.delegation.servers == {parse_name("a.gtld-servers.net."): ("192.0.2.1",)}


def test_nodata_with_the_zones_own_ns_set_needs_the_aa_bit() -> None:
    ns = rrset("example.com.", 300, rrtypes.NS, "ns.example.com.")

    assert read(make_reply((), (ns,))) == Negative((), WWW, rrtypes.NOERROR, None)
    assert read(make_reply((), (ns,), flags=QR)) == Lame(
        "referred to 'example.com.', which does not lead down"
    )


def test_an_error_may_leave_the_question_out_and_an_answer_may_not() -> None:
    refused = make_reply(rcode=rrtypes.REFUSED)

    assert is_reply_to(refused._replace(qname=None), WWW, rrtypes.A)
    assert not is_reply_to(make_reply()._replace(qname=None), WWW, rrtypes.A)
    assert not is_reply_to(refused._replace(opcode=rrtypes.OPCODE_NOTIFY), WWW, rrtypes.A)
    assert not is_reply_to(refused, WWW, rrtypes.AAAA)
