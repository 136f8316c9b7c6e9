"""What did a reload do? Counts, time and faults, for the log, the HTTP port and the command line. Pure.

Source: the forms are our choice; RFC 1982 §3.2 says when a serial is greater than another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from r53lite.dns.name import format_name
from r53lite.errors import Fault
from r53lite.zone.model import Zone

_HALF = 1 << 31  # RFC 1982 §3.2: SERIAL_BITS is 32 (RFC 1035 §3.3.13)


class ZoneChanges(NamedTuple):
    """What became of the zones: counts, and how many records are served now."""

    reloaded: int
    added: int
    removed: int
    unchanged: int
    records: int


class ReloadReport(NamedTuple):
    """What one reload did. A refused one changed nothing; `version` is of the snapshot that is served after
    it. `zones` is None then, and `faults` says why; else they are warnings.
    """

    version: int
    seconds: float
    zones: ZoneChanges | None
    faults: tuple[Fault, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Say whether nothing was changed because of an error."""
        return self.zones is None

    def __str__(self) -> str:
        """Format as one line, without the faults."""
        if self.zones is None:
            errors = sum(fault.is_error for fault in self.faults)
            counted = "1 error" if errors == 1 else f"{errors} errors"
            return f"change refused ({counted}); version {self.version} keeps serving"
        zones = self.zones
        return (
            f"zones: {zones.reloaded} reloaded, {zones.added} added, {zones.removed} removed, "
            f"{zones.unchanged} unchanged; {zones.records} records, version {self.version}, "
            f"{self.seconds:.2f} s"
        )

    def as_json(self) -> dict[str, object]:
        """Return what the HTTP port answers."""
        return {
            "status": "refused" if self.is_refused else "ok",
            "version": self.version,
            "seconds": round(self.seconds, 3),
            "summary": str(self),
            "zones": None if self.zones is None else self.zones._asdict(),
            "faults": [{**fault._asdict(), "text": str(fault)} for fault in self.faults],
        }


def compare_zones(before: Iterable[Zone], after: Iterable[Zone]) -> tuple[ZoneChanges, list[Fault]]:
    """Return what changed between two sets of zones, and a warning for each serial that went back."""
    served: Mapping[bytes, Zone] = {zone.origin: zone for zone in before}
    warnings = []
    reloaded = added = unchanged = records = 0
    for zone in after:
        records += zone.record_count
        old = served.get(zone.origin)
        if old is None:
            added += 1
        elif old is zone:
            unchanged += 1
        else:
            reloaded += 1
            if warning := serial_warning(old, zone):
                warnings.append(warning)
    removed = len(served) - reloaded - unchanged
    return ZoneChanges(reloaded, added, removed, unchanged, records), warnings


def serial_warning(served: Zone, loaded: Zone) -> Fault | None:
    """Return a warning if a zone's serial went back: secondaries would keep the old data.

    A step of exactly 2^31 is neither up nor down (RFC 1982 §3.2), so it warns as well.
    """
    if (loaded.serial - served.serial) % (1 << 32) < _HALF:
        return None
    serials = f"from {served.serial} to {loaded.serial}"
    reason = f"serial of {format_name(loaded.origin)!r} went back {serials} (RFC 1982 §3.2)"
    return Fault(loaded.files[0] if loaded.files else "", 0, reason, is_error=False)
