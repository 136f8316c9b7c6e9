"""Which numbers do record types, classes, opcodes and response codes have, and how are they written?

Numbers stay plain ints inside; text is made at the edges. Mnemonics the table does not hold come from
dnspython, and after that from RFC 3597's `TYPE65400` and `CLASS12` forms.
"""

from __future__ import annotations

import dns.exception
import dns.rdataclass
import dns.rdatatype

A, NS, CNAME, SOA, PTR, HINFO, MX, TXT = 1, 2, 5, 6, 12, 13, 15, 16
MD, MF, MB, MG, MR, MINFO = 3, 4, 7, 8, 9, 14  # RFC 1035 §3.3; obsolete or never used
AAAA, SRV, NAPTR, DNAME, OPT, DS = 28, 33, 35, 39, 41, 43
RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM, SVCB, HTTPS, SPF, CAA = 46, 47, 48, 50, 51, 64, 65, 99, 257
TKEY, TSIG, IXFR, AXFR, MAILB, MAILA, ANY = 249, 250, 251, 252, 253, 254, 255

CLASS_IN, CLASS_CH, CLASS_NONE, CLASS_ANY = 1, 3, 254, 255

OPCODE_QUERY, OPCODE_NOTIFY, OPCODE_UPDATE = 0, 4, 5

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, YXDOMAIN, NOTAUTH = 0, 1, 2, 3, 4, 5, 6, 9
BADVERS, BADCOOKIE = 16, 23

RCODE_NAMES = {
    NOERROR: "NOERROR",
    FORMERR: "FORMERR",
    SERVFAIL: "SERVFAIL",
    NXDOMAIN: "NXDOMAIN",
    NOTIMP: "NOTIMP",
    REFUSED: "REFUSED",
    YXDOMAIN: "YXDOMAIN",
    NOTAUTH: "NOTAUTH",
    BADVERS: "BADVERS",
    BADCOOKIE: "BADCOOKIE",
}

ADDRESS_OCTETS = {A: 4, AAAA: 16}  # RFC 1035 §3.4.1, RFC 3596 §2.2

META_TYPES = frozenset(range(128, 256)) | {OPT}  # RFC 6895 §3.1: QTYPEs and meta-TYPEs hold no data


def parse_rrtype(text: str) -> int:
    """Turn a type mnemonic or `TYPEn` into its number.

    Raises:
        ValueError: no such type.

    Source: RFC 3597 §5.
    """
    try:
        return int(dns.rdatatype.from_text(text))
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"unknown record type {text!r}") from error


def format_rrtype(rrtype: int) -> str:
    """Turn a type number into its mnemonic, or `TYPEn` (RFC 3597 §5)."""
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rrtype))


def parse_rrclass(text: str) -> int:
    """Turn a class mnemonic or `CLASSn` into its number.

    Raises:
        ValueError: no such class.
    """
    try:
        return int(dns.rdataclass.from_text(text))
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"unknown class {text!r}") from error


def format_rcode(rcode: int) -> str:
    """Turn a response code into its mnemonic, or `RCODEn`."""
    return RCODE_NAMES.get(rcode, f"RCODE{rcode}")
