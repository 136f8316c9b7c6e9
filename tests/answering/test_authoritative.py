"""What our zones answer, section by section (RFC 1034 §4.3.2, 2308, 4592, 6604, 6672, 8482, 9471)."""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.answering.dispatch import Dispatch
from r53lite.dns import wire
from r53lite.dns.message import Message
from r53lite.dns.name import parse_name
from tests.support import RD, ask, lines, load_snapshot, make_dispatch

ZONE = """
$TTL 300
@        IN SOA ns1 admin 7 3600 600 86400 60
@        NS ns1
@        NS ns2.other.test.
@        MX 10 mail
ns1      A 192.0.2.1
mail     A 192.0.2.2
mail     AAAA 2001:db8::2
www      CNAME web
web      A 192.0.2.3
gone     CNAME missing
away     CNAME host.other.test.
loop1    CNAME loop2
loop2    CNAME loop1
a.b.ent  TXT "deep"
*.wild   TXT "from a wildcard"
*.alias  CNAME web
sub      NS ns.sub
sub      NS ns1
ns.sub   A 192.0.2.9
old      DNAME new
x.new    A 192.0.2.4
"""
NS = ["example.test. 300 IN NS ns1.example.test.", "example.test. 300 IN NS ns2.other.test."]
SOA = ["example.test. 60 IN SOA ns1.example.test. admin.example.test. 7 3600 600 86400 60"]


@pytest.fixture
def door(tmp_path: Path) -> Dispatch:
    return make_dispatch(load_snapshot(tmp_path, example_test_zone=ZONE))


def sections(message: Message) -> tuple[int, bool, list[str], list[str], list[str]]:
    """Return rcode, AA and the three sections as text."""
    return (
        message.rcode,
        message.is_authoritative,
        lines(message.answer),
        lines(message.authority),
        lines(message.additional),
    )


def test_a_positive_answer_has_the_apex_ns_set_and_its_addresses(door: Dispatch) -> None:
    assert sections(ask(door, "web.example.test")) == (
        0,
        True,
        ["web.example.test. 300 IN A 192.0.2.3"],
        NS,
        ["ns1.example.test. 300 IN A 192.0.2.1"],
    )


def test_mx_brings_the_addresses_of_its_hosts(door: Dispatch) -> None:
    assert sections(ask(door, "example.test", "MX"))[4] == [
        "mail.example.test. 300 IN A 192.0.2.2",
        "mail.example.test. 300 IN AAAA 2001:db8::2",
        "ns1.example.test. 300 IN A 192.0.2.1",
    ]


def test_the_apex_ns_set_is_not_repeated_in_authority(door: Dispatch) -> None:
    assert sections(ask(door, "example.test", "NS"))[2:4] == (NS, [])


def test_a_cname_is_followed_within_the_zone(door: Dispatch) -> None:
    rcode, is_authoritative, answer, authority, _ = sections(ask(door, "www.example.test"))
    assert (rcode, is_authoritative, authority) == (0, True, NS)
    assert answer == [
        "web.example.test. 300 IN A 192.0.2.3",
        "www.example.test. 300 IN CNAME web.example.test.",
    ]


def test_rfc6604_2_the_last_name_of_a_chain_settles_the_rcode(door: Dispatch) -> None:
    rcode, is_authoritative, answer, authority, _ = sections(ask(door, "gone.example.test"))
    assert (rcode, is_authoritative, authority) == (3, True, SOA)
    assert answer == ["gone.example.test. 300 IN CNAME missing.example.test."]


def test_a_chain_that_leaves_our_zones_ends_there(door: Dispatch) -> None:
    rcode, _, answer, authority, _ = sections(ask(door, "away.example.test"))
    assert (rcode, answer, authority) == (0, ["away.example.test. 300 IN CNAME host.other.test."], [])


def test_a_cname_loop_is_cut(door: Dispatch) -> None:
    rcode, _, answer, _, _ = sections(ask(door, "loop1.example.test"))
    assert rcode == 0
    assert len(answer) == 2


def test_rfc2308_nodata_and_nxdomain_have_the_soa_with_the_lesser_ttl(door: Dispatch) -> None:
    assert sections(ask(door, "web.example.test", "TXT")) == (0, True, [], SOA, [])
    assert sections(ask(door, "nothing.example.test")) == (3, True, [], SOA, [])


def test_an_empty_non_terminal_exists(door: Dispatch) -> None:
    assert sections(ask(door, "ent.example.test")) == (0, True, [], SOA, [])
    assert sections(ask(door, "x.ent.example.test"))[0] == 3


def test_rfc4592_a_wildcard_answers_with_the_queries_name(door: Dispatch) -> None:
    assert sections(ask(door, "a.b.wild.example.test", "TXT"))[2] == [
        'a.b.wild.example.test. 300 IN TXT "from a wildcard"'
    ]
    assert sections(ask(door, "a.wild.example.test", "A")) == (0, True, [], SOA, [])
    assert len(sections(ask(door, "x.alias.example.test"))[2]) == 2


def test_rfc9471_a_referral_has_glue_and_is_not_authoritative(door: Dispatch) -> None:
    assert sections(ask(door, "deep.sub.example.test")) == (
        0,
        False,
        [],
        ["sub.example.test. 300 IN NS ns.sub.example.test.", "sub.example.test. 300 IN NS ns1.example.test."],
        ["ns.sub.example.test. 300 IN A 192.0.2.9", "ns1.example.test. 300 IN A 192.0.2.1"],
    )


def test_ds_at_a_cut_is_answered_by_the_parent(door: Dispatch) -> None:
    assert sections(ask(door, "sub.example.test", "DS")) == (0, True, [], SOA, [])


def test_rfc6672_a_dname_makes_a_cname(door: Dispatch) -> None:
    assert sections(ask(door, "x.old.example.test"))[2] == [
        "old.example.test. 300 IN DNAME new.example.test.",
        "x.new.example.test. 300 IN A 192.0.2.4",
        "x.old.example.test. 300 IN CNAME x.new.example.test.",
    ]


def test_rfc8482_any_has_one_rrset(door: Dispatch) -> None:
    assert len(ask(door, "mail.example.test", "ANY").answer) == 1


def test_a_name_outside_our_zones_is_refused(door: Dispatch) -> None:
    assert sections(ask(door, "www.elsewhere.test", flags=RD)) == (5, False, [], [], [])


def test_ra_is_clear_without_recursion(door: Dispatch) -> None:
    assert not ask(door, "web.example.test", flags=RD).flags & 0x0080


def test_minimal_responses_leave_out_what_was_not_asked(tmp_path: Path) -> None:
    door = make_dispatch(load_snapshot(tmp_path, example_test_zone=ZONE), minimal_responses=True)
    assert sections(ask(door, "web.example.test"))[3:] == ([], [])


def test_badvers_refused_and_formerr_where_they_belong(door: Dispatch) -> None:
    badvers = bytearray(wire.encode_query(1, parse_name("web.example.test"), 1))
    badvers[-5] = 1  # the version octet of the OPT record's TTL
    reply = door.answer(bytes(badvers), "127.0.0.1", is_stream=False)
    assert isinstance(reply, bytes)
    assert wire.decode_message(reply).rcode == 16
    assert ask(door, "example.test", "AXFR", is_stream=True).rcode == 5
    assert door.answer(bytes(12), "127.0.0.1", is_stream=False) == b"\x00\x00\x80\x01" + bytes(8)


def test_values_come_in_random_order(tmp_path: Path) -> None:
    zone = "@ 300 SOA ns a 1 1 1 1 1\n@ 300 NS ns\n" + "".join(f"m 300 A 192.0.2.{i}\n" for i in range(8))
    snapshot = load_snapshot(tmp_path, example_test_zone=zone)
    first = make_dispatch(snapshot, draw=lambda _: 0)
    second = make_dispatch(snapshot)
    assert ask(first, "m.example.test").answer[0].rdatas != ask(second, "m.example.test").answer[0].rdatas


LOOP = """
$TTL 300
@     SOA ns a 1 1 1 1 1
@     NS ns
ns    A 192.0.2.1
d     DNAME x.d
dn    DNAME target
sub   NS ns
sub   DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
to    CNAME sub
"""


def test_a_dname_that_feeds_itself_stands_in_the_answer_once(tmp_path: Path) -> None:
    door = make_dispatch(load_snapshot(tmp_path, example_test_zone=LOOP))
    dnames = [rrset for rrset in ask(door, "a.d.example.test", is_stream=True).answer if rrset.rrtype == 39]
    assert len(dnames) == 1
    assert len(dnames[0].rdatas) == 1


def test_a_question_for_the_cname_below_a_dname_ends_at_the_made_one(tmp_path: Path) -> None:
    door = make_dispatch(load_snapshot(tmp_path, example_test_zone=LOOP))
    reply = ask(door, "y.dn.example.test", "CNAME")
    assert reply.rcode == 0
    assert lines(reply.answer)[-1] == "y.dn.example.test. 300 IN CNAME y.target.example.test."


def test_rfc3225_3_a_referral_has_ds_only_for_those_who_set_do(tmp_path: Path) -> None:
    signed = LOOP + "@ 300 RRSIG SOA 13 1 300 20300101000000 20200101000000 1 @ AAAA\n"
    door = make_dispatch(load_snapshot(tmp_path, example_test_zone=signed))
    name = parse_name("www.sub.example.test")
    types = []
    for is_dnssec_ok in (False, True):
        request = wire.encode_query(1, name, 1, is_dnssec_ok=is_dnssec_ok)
        reply = door.answer(request, "127.0.0.1", is_stream=False)
        assert isinstance(reply, bytes)
        types.append([rrset.rrtype for rrset in wire.decode_message(reply).authority])
    assert types == [[2], [2, 43]]


def test_ds_behind_a_cname_comes_from_the_parents_side(tmp_path: Path) -> None:
    child = "@ 300 SOA ns a 1 1 1 1 1\n@ 300 NS ns.example.test.\n"
    snapshot = load_snapshot(tmp_path, example_test_zone=LOOP, sub_example_test_zone=child)
    reply = ask(make_dispatch(snapshot), "to.example.test", "DS")
    assert [rrset.rrtype for rrset in reply.answer] == [5, 43]


def test_class_any_is_answered_from_class_in_and_others_are_refused(door: Dispatch) -> None:
    for rrclass, rcode in ((255, 0), (3, 5), (254, 5)):
        request = bytearray(wire.encode_query(1, parse_name("web.example.test"), 1, payload_bytes=None))
        request[-2:] = rrclass.to_bytes(2, "big")
        reply = door.answer(bytes(request), "127.0.0.1", is_stream=False)
        assert isinstance(reply, bytes)
        assert wire.decode_message(reply).rcode == rcode


def test_a_dname_that_leads_below_itself_is_followed_once(tmp_path: Path) -> None:
    """No RFC says where such a chain ends; NSD follows one link too."""
    zone = "@ 300 SOA ns a 1 1 1 1 1\n@ 300 NS ns\nns 300 A 192.0.2.1\nd 300 DNAME x.d\n"
    reply = ask(make_dispatch(load_snapshot(tmp_path, z_test_zone=zone)), "q.d.z.test")
    assert (reply.rcode, lines(reply.answer)) == (
        0,
        ["d.z.test. 300 IN DNAME x.d.z.test.", "q.d.z.test. 300 IN CNAME q.x.d.z.test."],
    )
