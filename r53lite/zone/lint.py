"""What in sound zones is probably not what their owner meant?

Each finding is a warning: the zones are served all the same. `r53lite check` looks; a load that serves does
not, because it costs a look at every name and keeps the places of all records. What the builder finds on its
way (occluded data, missing glue, CNAME loops, duplicates, unequal TTLs) is not repeated here.

Carries out: RFC 2181 §10.3 (NS and MX name no alias), RFC 2782 (SRV neither), RFC 7505 (null MX), RFC 1912
§2.1 (A and PTR match), RFC 7208 §4.5 and §4.6.4 (SPF).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from r53lite.dns import rrtypes
from r53lite.dns.name import ROOT, format_name, is_subdomain, is_wildcard, parse_name
from r53lite.dns.presentation import format_rdata
from r53lite.dns.rdata import target_of
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import format_rrtype
from r53lite.errors import Fault
from r53lite.zone.catalog import Catalog
from r53lite.zone.lookup import lookup
from r53lite.zone.model import Zone
from r53lite.zone.outcome import Answer, Cname, Dname, NoData, NxDomain, Outcome
from r53lite.zone.packed import find_rrset, is_cut, is_occluded, types_of
from r53lite.zone.records import RecordTable
from r53lite.zone.spf import MAX_LOOKUPS, spf_cost, spf_texts

MAX_CHAIN = 8  # our choice: resolvers follow 8 to 16 CNAMEs
MAX_FINDINGS = 100  # of one kind in one zone: who has more mends the first and looks again
_REVERSE_V4, _REVERSE_V6 = parse_name("in-addr.arpa"), parse_name("ip6.arpa")


def lint_zones(zones: Mapping[bytes, tuple[Zone, RecordTable]]) -> list[Fault]:
    """Look at zones together.

    Args:
        zones: by origin, each with its records as they were before it was built.

    Returns:
        Warnings, each at the file and line of its record.
    """
    catalog = Catalog([zone for zone, _ in zones.values()])
    findings: list[Fault] = []
    for zone, records in zones.values():
        linter = _Linter(zone, catalog, records)
        linter.look()
        findings += linter.found
    return findings


class _Linter:
    """Looks at one zone."""

    def __init__(self, zone: Zone, catalog: Catalog, records: RecordTable) -> None:
        self.found: list[Fault] = []
        self._zone = zone
        self._catalog = catalog
        self._records = records
        self._counts: Counter[str] = Counter()
        self._looks: dict[int, Callable[[RRset], None]] = {
            rrtypes.NS: self._look_at_ns,
            rrtypes.MX: self._look_at_targets,
            rrtypes.SRV: self._look_at_targets,
            rrtypes.CNAME: self._look_at_cname,
            rrtypes.PTR: self._look_at_ptr,
            rrtypes.TXT: self._look_at_spf,
        }
        for rrtype, tree in ((rrtypes.A, _REVERSE_V4), (rrtypes.AAAA, _REVERSE_V6)):
            if any(is_subdomain(origin, tree) for origin in catalog.origins):
                self._looks[rrtype] = self._look_at_address

    def look(self) -> None:
        """Look at every name that is answered from this zone."""
        for owner, packed in self._zone.names.items():
            if is_occluded(packed):
                continue
            for rrtype in (rrtypes.NS,) if is_cut(packed) else types_of(packed):
                look = self._looks.get(rrtype)
                rrset = find_rrset(packed, owner, rrtype) if look is not None else None
                if look is not None and rrset is not None:
                    look(rrset)
        for kind, count in self._counts.items():
            if count > MAX_FINDINGS:
                file = self._zone.files[0] if self._zone.files else ""
                reason = f"{count - MAX_FINDINGS} more warnings of this kind: {kind}"
                self.found.append(Fault(file, 0, reason, is_error=False))

    def _warn(self, kind: str, rrset: RRset, rdata: bytes | None, reason: str) -> None:
        """Note a finding about a record, or about an RRset as a whole."""
        self._counts[kind] += 1
        if self._counts[kind] > MAX_FINDINGS:
            return
        for item in self._records.items_at(rrset.owner):
            if item.rrtype == rrset.rrtype and rdata in (None, item.rdata):
                file, line = self._records.file_and_line(item.place)
                what = f"{format_rrtype(rrset.rrtype)} of {_shown(rrset.owner)}"
                self.found.append(Fault(file, line, f"{what} {reason}", is_error=False))
                return

    # --- names that records point at ------------------------------------------------------------------------

    def _look_at_ns(self, rrset: RRset) -> None:
        """Look at the servers of the zone, or of a delegation, where the builder has looked for addresses."""
        self._look_at_targets(rrset, is_address_known=rrset.owner != self._zone.origin)

    def _look_at_targets(self, rrset: RRset, *, is_address_known: bool = False) -> None:
        """Look whether the hosts that are named in this zone exist and are no aliases."""
        for rdata in rrset.rdatas:
            target = target_of(rrset.rrtype, rdata)
            if target is None or target == ROOT or not is_subdomain(target, self._zone.origin):
                continue
            outcome = lookup(self._zone, target, rrtypes.A)
            if isinstance(outcome, Cname | Dname):
                reason = f"names {_shown(target)}, which is an alias (RFC 2181 §10.3)"
                self._warn("alias as target", rrset, rdata, reason)
            elif isinstance(outcome, NxDomain) and not is_address_known:
                self._warn("missing target", rrset, rdata, f"names {_shown(target)}, which does not exist")
            elif isinstance(outcome, NoData) and not is_address_known and not self._has_aaaa(target):
                reason = f"names {_shown(target)}, which has no address"
                self._warn("target without address", rrset, rdata, reason)

    def _has_aaaa(self, name: bytes) -> bool:
        return not isinstance(lookup(self._zone, name, rrtypes.AAAA), NoData)

    def _look_at_cname(self, rrset: RRset) -> None:
        """Look where a chain of aliases leads; loops are the builder's."""
        target = rrset.rdatas[0]
        seen = {rrset.owner}
        while target not in seen:
            seen.add(target)
            outcome = self._ask(target, rrtypes.CNAME)
            if isinstance(outcome, NxDomain) and len(seen) == 2:
                self._warn("CNAME to nothing", rrset, None, f"names {_shown(target)}, which does not exist")
            if not isinstance(outcome, Answer) or not isinstance(outcome.data, RRset):
                break
            target = outcome.data.rdatas[0]
            if len(seen) > MAX_CHAIN and target not in seen:
                self._warn("long chain", rrset, None, f"starts a chain of over {MAX_CHAIN} CNAMEs")
                break

    def _ask(self, name: bytes, rrtype: int) -> Outcome | None:
        """Look a name up in whichever of our zones holds it."""
        zone = self._catalog.find(name)
        return None if zone is None else lookup(zone, name, rrtype)

    # --- addresses and their names --------------------------------------------------------------------------

    def _look_at_ptr(self, rrset: RRset) -> None:
        """Look whether the host that an address is said to be has that address."""
        found = _address_of(rrset.owner)
        if found is None:
            return
        rrtype, address = found
        for target in rrset.rdatas:
            outcome = self._ask(target, rrtype)
            data = outcome.data if isinstance(outcome, Answer) else None
            is_other = isinstance(data, RRset) and address not in data.rdatas
            if is_other or isinstance(outcome, NoData | NxDomain):
                shown = f"{format_rrtype(rrtype)} {format_rdata(rrtype, address)}"
                self._warn(
                    "PTR without address", rrset, target, f"names {_shown(target)}, which has no {shown}"
                )

    def _look_at_address(self, rrset: RRset) -> None:
        """Look whether an address has a name at all, where its reverse zone is ours."""
        if is_wildcard(rrset.owner):
            return
        tree = _REVERSE_V4 if rrset.rrtype == rrtypes.A else _REVERSE_V6
        for address in rrset.rdatas:
            name = _reverse_of(address)
            zone = self._catalog.find(name)
            if zone is None or not is_subdomain(zone.origin, tree):  # the root zone says nothing about it
                continue
            if isinstance(lookup(zone, name, rrtypes.PTR), NoData | NxDomain):
                shown = format_rdata(rrset.rrtype, address)
                self._warn("address without PTR", rrset, address, f"{shown} has no PTR in its reverse zone")

    # --- mail -----------------------------------------------------------------------------------------------

    def _look_at_spf(self, rrset: RRset) -> None:
        texts = spf_texts(rrset.rdatas)
        if len(texts) > 1:
            self._warn("SPF", rrset, None, f"holds {len(texts)} SPF records; the limit is 1 (RFC 7208 §4.5)")
        elif texts:
            cost = spf_cost(rrset.owner, texts[0], self._find_spf)
            if cost.loop is not None:
                self._warn(
                    "SPF", rrset, None, f"is an SPF record that includes {_shown(cost.loop)} in a loop"
                )
            elif cost.lookups > MAX_LOOKUPS:
                reason = f"is an SPF record of {cost.lookups} look-ups or more; the limit is {MAX_LOOKUPS}"
                self._warn("SPF", rrset, None, f"{reason} (RFC 7208 §4.6.4)")

    def _find_spf(self, name: bytes) -> str | None:
        outcome = self._ask(name, rrtypes.TXT)
        if not isinstance(outcome, Answer) or not isinstance(outcome.data, RRset):
            return None
        texts = spf_texts(outcome.data.rdatas)
        return texts[0] if len(texts) == 1 else None


def _reverse_of(address: bytes) -> bytes:
    """Return the name of an address in the reverse tree (RFC 1035 §3.5, RFC 3596 §2.5)."""
    if len(address) == 4:
        labels = [b"%d" % octet for octet in reversed(address)]
        return b"".join(bytes((len(label),)) + label for label in labels) + _REVERSE_V4
    return b"".join(b"\x01" + digit.encode() for digit in reversed(address.hex())) + _REVERSE_V6


def _address_of(name: bytes) -> tuple[int, bytes] | None:
    """Return the type and the address that a name of the reverse tree stands for, or None."""
    for rrtype, tree, size in ((rrtypes.A, _REVERSE_V4, 4), (rrtypes.AAAA, _REVERSE_V6, 16)):
        if name.endswith(tree):
            labels = _labels_before(name, tree)
            try:
                address = (
                    bytes(int(label) for label in labels)
                    if size == 4
                    else bytes.fromhex(b"".join(labels).decode())
                )
            except ValueError:
                return None
            if len(address) == size and _reverse_of(address) == name:
                return rrtype, address
    return None


def _labels_before(name: bytes, tree: bytes) -> Sequence[bytes]:
    """Return the labels below a tree, the one next to it first."""
    labels = []
    at, end = 0, len(name) - len(tree)
    while at < end:
        labels.append(name[at + 1 : at + 1 + name[at]])
        at += 1 + name[at]
    return labels[::-1]


def _shown(name: bytes) -> str:
    return repr(format_name(name))
