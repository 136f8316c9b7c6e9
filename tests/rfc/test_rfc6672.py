"""RFC 6672: the table of substitutions (§2.2), the rules beside it, and the examples of use (§5)."""

from __future__ import annotations

from pathlib import Path

import dns.message
import pytest

from r53lite.answering.dispatch import Dispatch
from r53lite.dns import rrtypes, wire
from r53lite.dns.presentation import format_rrset
from tests.cases import check
from tests.support import load_snapshot, make_dispatch

APEX = """
$TTL 600
@  IN SOA ns.other. admin.other. 1 7200 3600 604800 60
@  NS ns.other.
"""


def soa(origin: str) -> str:
    """Return the SOA line of a zone with this apex."""
    return f"{origin} 60 IN SOA ns.other. admin.other. 1 7200 3600 604800 60"


def make_door(directory: Path, **zones: str) -> Dispatch:
    """Return a door that answers minimally; each zone is named by its file."""
    files = {name: f"{APEX}{text}" for name, text in zones.items()}
    return make_dispatch(load_snapshot(directory, **files), minimal_responses=True)


def redirected(question: str, owner: str, target: str, result: str, *rest: str) -> str:
    """Return the case of a redirection: DNAME, synthesized CNAME, and what comes behind them."""
    qname = question.split()[0]
    return "\n".join(
        (
            f"{question} -> NOERROR aa",
            ";; answer",
            f"{owner} 600 IN DNAME {target}",
            f"{qname} 600 IN CNAME {result}",
            *rest,
        )
    )


# The RFC's table, each row with a zone that holds its DNAME: file, record, question, result.
TABLE = [
    ("example.com.", "example.net.", "a.example.com.", "a.example.net."),
    ("example.com.", "example.net.", "a.b.example.com.", "a.b.example.net."),
    ("example.com.", "example.net.", "foo.example.com.", "foo.example.net."),
    ("x.example.com.", "example.net.", "a.x.example.com.", "a.example.net."),
    ("example.com.", "y.example.net.", "a.example.com.", "a.y.example.net."),
]


@pytest.mark.parametrize(("owner", "target", "qname", "result"), TABLE)
def test_rfc6672_2_2_substitution(tmp_path: Path, owner: str, target: str, qname: str, result: str) -> None:
    door = make_door(tmp_path, example_com_zone=f"{owner} DNAME {target}\n")
    check(door, redirected(f"{qname} A", owner, target, result))


def test_rfc6672_2_2_a_name_above_or_beside_the_owner_does_not_match(tmp_path: Path) -> None:
    door = make_door(tmp_path, com_zone="b.example DNAME example.net.\n")
    check(door, f"com. A -> NOERROR aa\n;; authority\n{soa('com.')}")
    check(door, f"ab.example.com. A -> NXDOMAIN aa\n;; authority\n{soa('com.')}")


def test_rfc6672_2_2_the_owner_itself_matches_for_the_type_dname_alone(tmp_path: Path) -> None:
    door = make_door(tmp_path, example_com_zone="@ DNAME example.net.\n@ MX 10 mail.example.net.\n")
    check(door, "example.com. DNAME -> NOERROR aa\n;; answer\nexample.com. 600 IN DNAME example.net.")
    check(door, "example.com. MX -> NOERROR aa\n;; answer\nexample.com. 600 IN MX 10 mail.example.net.")
    check(door, f"example.com. A -> NOERROR aa\n;; authority\n{soa('example.com.')}")


def test_rfc6672_2_2_a_cycle_onto_itself_ends(tmp_path: Path) -> None:
    door = make_door(tmp_path, example_com_zone="@ DNAME example.com.\n")
    check(door, redirected("cyc.example.com. A", "example.com.", "example.com.", "cyc.example.com."))


def test_rfc6672_2_2_a_cycle_that_grows_ends(tmp_path: Path) -> None:
    door = make_door(tmp_path, example_com_zone="@ DNAME c.example.com.\n")
    reply = door.answer(_query("cyc.example.com."), "127.0.0.1", is_stream=True)
    assert isinstance(reply, bytes)
    # Read by our own codec: 17 pointers in a row are over dnspython's limit of 16.
    message = wire.decode_message(reply)
    assert message.rcode in (rrtypes.NOERROR, rrtypes.YXDOMAIN)
    assert [line for rrset in message.answer for line in format_rrset(rrset)][:2] == [
        "example.com. 600 IN DNAME c.example.com.",
        "cyc.example.com. 600 IN CNAME cyc.c.example.com.",
    ]


def test_rfc6672_2_2_the_root_as_target(tmp_path: Path) -> None:
    door = make_door(tmp_path, x_zone="@ DNAME .\n")
    check(
        door,
        redirected("shortloop.x.x. A", "x.", ".", "shortloop.x.", "shortloop.x. 600 IN CNAME shortloop."),
    )
    check(door, redirected("shortloop.x. A", "x.", ".", "shortloop."))


LONG = ".".join(["a" * 63] * 3)


def test_rfc6672_2_2_a_name_that_grows_over_255_octets_is_yxdomain(tmp_path: Path) -> None:
    target = f"{'b' * 60}.{'c' * 60}."
    door = make_door(tmp_path, example_com_zone=f"@ DNAME {target}\n")
    check(
        door,
        f"""
        {LONG}.example.com. A -> YXDOMAIN aa
        ;; answer
        example.com. 600 IN DNAME {target}
        """,
    )


def test_rfc6672_2_3_the_apex_keeps_its_other_types(tmp_path: Path) -> None:
    door = make_door(tmp_path, example_com_zone="@ DNAME example.net.\n@ A 192.0.2.1\n")
    check(door, "example.com. A -> NOERROR aa\n;; answer\nexample.com. 600 IN A 192.0.2.1")
    check(door, "example.com. NS -> NOERROR aa\n;; answer\nexample.com. 600 IN NS ns.other.")


def test_rfc6672_2_4_data_below_the_owner_is_hidden(tmp_path: Path) -> None:
    door = make_door(tmp_path, example_com_zone="sub DNAME example.net.\nold.sub A 192.0.2.1\n")
    check(door, redirected("old.sub.example.com. A", "sub.example.com.", "example.net.", "old.example.net."))


def test_rfc6672_3_1_the_synthesized_cname_has_the_dnames_ttl(tmp_path: Path) -> None:
    door = make_door(tmp_path, example_com_zone="sub 77 DNAME example.net.\n")
    check(
        door,
        """
        a.sub.example.com. A -> NOERROR aa
        ;; answer
        sub.example.com. 77 IN DNAME example.net.
        a.sub.example.com. 77 IN CNAME a.example.net.
        """,
    )


@pytest.mark.parametrize("qtype", ["CNAME", "DNAME"])
def test_rfc6672_3_2_cname_and_dname_of_a_name_below_the_owner(tmp_path: Path, qtype: str) -> None:
    """A CNAME question is answered by the synthesized record; a DNAME question goes on at its target."""
    door = make_door(tmp_path, example_com_zone="sub DNAME new\nx.new A 192.0.2.1\n")
    redirection = redirected(
        f"x.sub.example.com. {qtype}", "sub.example.com.", "new.example.com.", "x.new.example.com."
    )
    check(door, redirection if qtype == "CNAME" else f"{redirection}\n;; authority\n{soa('example.com.')}")


def test_rfc6672_3_2_the_answer_goes_on_in_the_same_server(tmp_path: Path) -> None:
    door = make_door(
        tmp_path, example_com_zone="@ DNAME example.net.\n", example_net_zone="www A 192.0.2.7\n"
    )
    check(
        door,
        redirected(
            "www.example.com. A",
            "example.com.",
            "example.net.",
            "www.example.net.",
            "www.example.net. 600 IN A 192.0.2.7",
        ),
    )
    check(
        door,
        f"""
        none.example.com. A -> NXDOMAIN aa
        ;; answer
        example.com. 600 IN DNAME example.net.
        none.example.com. 600 IN CNAME none.example.net.
        ;; authority
        {soa("example.net.")}
        """,
    )


def test_rfc6672_3_2_a_dname_is_stronger_than_a_wildcard_beside_it(tmp_path: Path) -> None:
    door = make_door(tmp_path, example_com_zone='sub DNAME example.net.\n* TXT "wild"\n')
    check(door, redirected("x.sub.example.com. TXT", "sub.example.com.", "example.net.", "x.example.net."))


def test_rfc6672_5_1_a_renamed_organization(tmp_path: Path) -> None:
    door = make_door(
        tmp_path,
        frobozz_example_zone="@ DNAME frobozz.acme.example.\n@ MX 10 mailhub.acme.example.\n",
        acme_example_zone="www.frobozz A 192.0.2.8\n",
    )
    check(
        door,
        "frobozz.example. MX -> NOERROR aa\n;; answer\nfrobozz.example. 600 IN MX 10 mailhub.acme.example.",
    )
    check(
        door,
        redirected(
            "www.frobozz.example. A",
            "frobozz.example.",
            "frobozz.acme.example.",
            "www.frobozz.acme.example.",
            "www.frobozz.acme.example. 600 IN A 192.0.2.8",
        ),
    )


def test_rfc6672_5_2_classless_delegation_of_a_shorter_prefix(tmp_path: Path) -> None:
    shorter = "".join(f"{octet} DNAME {octet}.8/22\n" for octet in (8, 9, 10, 11))
    zone = f"$ORIGIN 0.192.in-addr.arpa.\n{APEX}8/22 NS ns.slash-22-holder.example.\n{shorter}"
    door = make_dispatch(load_snapshot(tmp_path, classless_zone=zone), minimal_responses=True)
    check(
        door,
        """
        33.9.0.192.in-addr.arpa. PTR -> NOERROR aa
        ;; answer
        9.0.192.in-addr.arpa. 600 IN DNAME 9.8/22.0.192.in-addr.arpa.
        33.9.0.192.in-addr.arpa. 600 IN CNAME 33.9.8/22.0.192.in-addr.arpa.
        ;; authority
        8/22.0.192.in-addr.arpa. 600 IN NS ns.slash-22-holder.example.
        """,
    )


def test_rfc6672_5_3_network_renumbering_through_two_dnames(tmp_path: Path) -> None:
    door = make_door(
        tmp_path,
        **{"new-style_in-addr_arpa_zone": "189.190 DNAME in-addr.example.net.\n"},
        **{"in-addr_example_net_zone": "188 DNAME in-addr.customer.example.\n"},
        **{"in-addr_customer_example_zone": "1 PTR www.customer.example.\n"},
    )
    check(
        door,
        """
        1.188.189.190.new-style.in-addr.arpa. PTR -> NOERROR aa
        ;; answer
        189.190.new-style.in-addr.arpa. 600 IN DNAME in-addr.example.net.
        1.188.189.190.new-style.in-addr.arpa. 600 IN CNAME 1.188.in-addr.example.net.
        188.in-addr.example.net. 600 IN DNAME in-addr.customer.example.
        1.188.in-addr.example.net. 600 IN CNAME 1.in-addr.customer.example.
        1.in-addr.customer.example. 600 IN PTR www.customer.example.
        """,
    )


def _query(name: str) -> bytes:
    """Return a question for an address."""
    return dns.message.make_query(name, "A", use_edns=0, payload=4096, flags=0).to_wire()
