"""RFC 1034 §6: the queries that its example server C.ISI.EDU answers.

What later RFCs changed is noted at each test. The server is asked for minimal responses: the RFC prints no
authority section for positive answers. C.ISI.EDU also serves ISI.EDU (§6.2.7 says so); of that zone the RFC
shows the address of C.ISI.EDU alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from r53lite.answering.dispatch import Dispatch
from tests.cases import check
from tests.support import load_snapshot, make_dispatch

ROOT_ZONE = """
$ORIGIN .
$TTL 86400
.              IN SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870611 1800 300 604800 86400
               NS    A.ISI.EDU.
               NS    C.ISI.EDU.
               NS    SRI-NIC.ARPA.
MIL.           NS    SRI-NIC.ARPA.
               NS    A.ISI.EDU.
EDU.           NS    SRI-NIC.ARPA.
               NS    C.ISI.EDU.
SRI-NIC.ARPA.  A     26.0.0.73
               A     10.0.0.51
               MX    0 SRI-NIC.ARPA.
               HINFO DEC-2060 TOPS20
ACC.ARPA.      A     26.6.0.65
               HINFO PDP-11/70 UNIX
               MX    10 ACC.ARPA.
USC-ISIC.ARPA. CNAME C.ISI.EDU.
73.0.0.26.IN-ADDR.ARPA.  PTR SRI-NIC.ARPA.
65.0.6.26.IN-ADDR.ARPA.  PTR ACC.ARPA.
51.0.0.10.IN-ADDR.ARPA.  PTR SRI-NIC.ARPA.
52.0.0.10.IN-ADDR.ARPA.  PTR C.ISI.EDU.
103.0.3.26.IN-ADDR.ARPA. PTR A.ISI.EDU.
A.ISI.EDU.     A     26.3.0.103
C.ISI.EDU.     A     10.0.0.52
"""
EDU_ZONE = """
$ORIGIN EDU.
$TTL 86400
@        IN SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870729 1800 300 604800 86400
         NS SRI-NIC.ARPA.
         NS C.ISI.EDU.
UCI      172800 NS ICS.UCI
         172800 NS ROME.UCI
ICS.UCI  172800 A  192.5.19.1
ROME.UCI 172800 A  192.5.19.31
ISI      172800 NS VAXA.ISI
         172800 NS A.ISI
         172800 NS VENERA.ISI
VAXA.ISI 172800 A  10.2.0.27
         172800 A  128.9.0.33
VENERA.ISI 172800 A 10.1.0.52
         172800 A  128.9.0.32
A.ISI    172800 A  26.3.0.103
"""
ISI_ZONE = """
$TTL 86400
@        IN SOA VENERA ACTION\\.DOMAINS 20 7200 600 3600000 60
         NS A
         NS VENERA
A        A  26.3.0.103
VENERA   A  10.1.0.52
C        A  10.0.0.52
"""


@pytest.fixture
def door(tmp_path: Path) -> Dispatch:
    snapshot = load_snapshot(tmp_path, root_zone=ROOT_ZONE, edu_zone=EDU_ZONE, isi_edu_zone=ISI_ZONE)
    return make_dispatch(snapshot, minimal_responses=True)


def test_rfc1034_6_2_1_an_address(door: Dispatch) -> None:
    check(
        door,
        """
        SRI-NIC.ARPA. A -> NOERROR aa
        ;; answer
        sri-nic.arpa. 86400 IN A 26.0.0.73
        sri-nic.arpa. 86400 IN A 10.0.0.51
        """,
    )


def test_rfc1034_6_2_2_any_gives_one_rrset(door: Dispatch) -> None:
    """RFC 1034 prints A, MX and HINFO; RFC 8482 §4.1 lets a server choose some of them, here the lowest."""
    check(
        door,
        """
        SRI-NIC.ARPA. ANY -> NOERROR aa
        ;; answer
        sri-nic.arpa. 86400 IN A 26.0.0.73
        sri-nic.arpa. 86400 IN A 10.0.0.51
        """,
    )


def test_rfc1034_6_2_3_mx_brings_the_addresses(tmp_path: Path) -> None:
    """With the apex NS set in authority, which the RFC leaves out; its addresses come along."""
    snapshot = load_snapshot(tmp_path, root_zone=ROOT_ZONE)
    check(
        make_dispatch(snapshot),
        """
        SRI-NIC.ARPA. MX -> NOERROR aa
        ;; answer
        sri-nic.arpa. 86400 IN MX 0 sri-nic.arpa.
        ;; authority
        . 86400 IN NS a.isi.edu.
        . 86400 IN NS c.isi.edu.
        . 86400 IN NS sri-nic.arpa.
        ;; additional
        sri-nic.arpa. 86400 IN A 26.0.0.73
        sri-nic.arpa. 86400 IN A 10.0.0.51
        a.isi.edu. 86400 IN A 26.3.0.103
        c.isi.edu. 86400 IN A 10.0.0.52
        """,
    )


def test_rfc1034_6_2_4_a_type_that_the_name_lacks(door: Dispatch) -> None:
    """RFC 1034 prints no section at all; the SOA is there since RFC 2308 §3."""
    check(
        door,
        """
        SRI-NIC.ARPA. NS -> NOERROR aa
        ;; authority
        . 86400 IN SOA sri-nic.arpa. hostmaster.sri-nic.arpa. 870611 1800 300 604800 86400
        """,
    )


def test_rfc1034_6_2_5_a_misspelled_name(door: Dispatch) -> None:
    check(
        door,
        """
        SIR-NIC.ARPA. A -> NXDOMAIN aa
        ;; authority
        . 86400 IN SOA sri-nic.arpa. hostmaster.sri-nic.arpa. 870611 1800 300 604800 86400
        """,
    )


def test_rfc1034_6_2_6_a_referral(door: Dispatch) -> None:
    check(
        door,
        """
        BRL.MIL. A -> NOERROR
        ;; authority
        mil. 86400 IN NS sri-nic.arpa.
        mil. 86400 IN NS a.isi.edu.
        ;; additional
        a.isi.edu. 86400 IN A 26.3.0.103
        sri-nic.arpa. 86400 IN A 26.0.0.73
        sri-nic.arpa. 86400 IN A 10.0.0.51
        """,
    )


def test_rfc1034_6_2_7_a_cname_into_another_zone_of_the_server(door: Dispatch) -> None:
    check(
        door,
        """
        USC-ISIC.ARPA. A -> NOERROR aa
        ;; answer
        usc-isic.arpa. 86400 IN CNAME c.isi.edu.
        c.isi.edu. 86400 IN A 10.0.0.52
        """,
    )


def test_rfc1034_6_2_8_the_cname_itself(door: Dispatch) -> None:
    check(
        door,
        """
        USC-ISIC.ARPA. CNAME -> NOERROR aa
        ;; answer
        usc-isic.arpa. 86400 IN CNAME c.isi.edu.
        """,
    )
