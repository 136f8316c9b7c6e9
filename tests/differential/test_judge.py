"""The judge itself: what is allowed is explained, and nothing else is."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.differential.cases import parse_name
from tests.differential.facts import Facts
from tests.differential.judge import Verdict, judge
from tests.differential.model import TYPES, Name, Question, Record, ZoneSet, ZoneSource
from tests.differential.servers import Placed
from tests.differential.wire import AA, TC, Answer, MalformedReplyError, Rr, decode, encode

BASE = (b"s1", b"test")
APEX = Name(())
ZONE = ZoneSource(
    APEX,
    (
        Record(APEX, "NS", 300, (parse_name("ns"),)),
        Record(parse_name("ns"), "A", 300, ("192.0.2.1",)),
        Record(parse_name("www"), "A", 300, ("192.0.2.2",)),
    ),
)
PLACED = Placed(ZoneSet((ZONE,)), BASE)
WWW = "www.s1.test. 300 IN A 192.0.2.2"
NS = "s1.test. 300 IN NS ns.s1.test."
GLUE = "ns.s1.test. 300 IN A 192.0.2.1"


def reply(
    answer: str = "", authority: str = "", additional: str = "", rcode: str = "NOERROR", flags: int = AA
) -> Answer:
    """Return a reply to `www A`, made by dnspython and read by our reader."""
    message = dns.message.make_query("www.s1.test.", "A", flags=dns.flags.QR | flags)
    message.set_rcode(dns.rcode.from_text(rcode))
    for section, text in (
        (message.answer, answer),
        (message.authority, authority),
        (message.additional, additional),
    ):
        for line in text.splitlines():
            owner, ttl, rrclass, rrtype, rdata = line.split(maxsplit=4)
            section.append(dns.rrset.from_text(owner, int(ttl), rrclass, rrtype, rdata))
    return decode(message.to_wire())


def verdict(ours: Answer, nsd: Answer, knot: Answer, qtype: str = "A") -> Verdict:
    """Judge three replies."""
    question = Question(parse_name("www"), TYPES[qtype])
    answers = {"r53lite": ours, "NSD": nsd, "Knot": knot}
    return judge(Facts(PLACED.zone_set, BASE), PLACED, question, answers)


def test_the_apex_ns_set_and_its_addresses_are_optional_for_us_to_add() -> None:
    assert verdict(reply(WWW, NS, GLUE), reply(WWW, NS, GLUE), reply(WWW)).is_fine
    assert verdict(reply(WWW, NS, GLUE), reply(WWW), reply(WWW)).is_fine


@pytest.mark.parametrize(
    "ours",
    [
        pytest.param(reply(), id="no answer"),
        pytest.param(reply(WWW.replace(".2.2", ".2.3")), id="another value"),
        pytest.param(reply(WWW.replace("300", "301")), id="another TTL"),
        pytest.param(reply(f"{WWW}\n{GLUE}"), id="one record more"),
        pytest.param(reply(WWW, flags=0), id="no AA"),
        pytest.param(reply(WWW, flags=AA | TC), id="TC"),
        pytest.param(reply(WWW, rcode="NXDOMAIN"), id="another rcode"),
        pytest.param(reply(WWW, NS.replace("s1.test. 300 IN NS", "www.s1.test. 300 IN NS")), id="a cut"),
        pytest.param(reply(WWW, additional=GLUE), id="an address that nothing names"),
        pytest.param(reply(WWW, NS, GLUE.replace(" A 192.0.2.1", " TXT x")), id="additional text"),
    ],
)
def test_what_no_rule_explains_is_a_failure(ours: Answer) -> None:
    assert not verdict(ours, reply(WWW), reply(WWW)).is_fine


def test_what_a_peer_adds_and_we_lack_is_a_failure() -> None:
    assert not verdict(reply(WWW), reply(WWW, NS), reply(WWW, NS)).is_fine
    assert not verdict(reply(WWW, NS), reply(WWW, NS, GLUE), reply(WWW)).is_fine


def test_equality_with_one_peer_is_not_enough_without_a_rule_for_the_other() -> None:
    assert not verdict(reply(WWW), reply(WWW), reply(rcode="NXDOMAIN")).is_fine
    assert not verdict(reply(WWW), reply(rcode="REFUSED"), reply(WWW)).is_fine


def test_any_may_be_another_whole_rrset_of_the_same_name() -> None:
    text = WWW.replace("A 192.0.2.2", "TXT x")
    assert verdict(reply(WWW), reply(text), reply(WWW), "ANY").is_fine
    assert not verdict(
        reply(WWW), reply(f"{text}\n{WWW.replace('A 192.0.2.2', 'MX 1 a.')}"), reply(WWW)
    ).is_fine


def test_a_record_twice_in_a_section_is_our_fault() -> None:
    twice = reply(WWW)._replace(faults=("twice",))
    assert not verdict(twice, reply(WWW), reply(WWW)).is_fine


@given(st.binary(max_size=80))
def test_the_reader_answers_any_octets_with_a_reply_or_one_error(octets: bytes) -> None:
    try:
        decode(octets)
    except MalformedReplyError:
        return


def test_a_query_is_what_dnspython_reads() -> None:
    question = Question(parse_name("a\\046b.www"), TYPES["MX"], True, 700, True, case_seed=7)
    message = dns.message.from_wire(encode(question, BASE, 4711))
    assert (message.id, message.payload, bool(message.ednsflags & 0x8000)) == (4711, 700, True)
    assert str(message.question[0].name).lower() == "a\\.b.www.s1.test."
    assert message.flags == dns.flags.RD


def test_names_are_read_through_pointers_and_in_lower_case() -> None:
    read = reply("WWW.s1.test. 300 IN CNAME Web.s1.test.")
    name = b"\x03www\x02s1\x04test\x00"
    assert list(read.answer) == [Rr(name, 5, 1, 300, b"\x03web\x02s1\x04test\x00")]
