"""The five error families: each error knows its own answer, so that a boundary needs no isinstance chain.

DNS outcomes (NXDOMAIN, NODATA, a referral, truncation, an unhealthy target) are values, never exceptions.
Exceptions stand for malformed input, broken limits and bugs. What a person wrote (settings, zones, policy
files) is checked whole: every `Fault` is collected first, then one error carries them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing wrong in a file that a person wrote, printed as `file:line: reason`.

    `line` counts from 1; 0 means the fault concerns the file as a whole. `is_error` is False for a warning:
    the zone is served all the same.
    """

    file: str
    line: int
    reason: str
    is_error: bool = True

    def __str__(self) -> str:
        """Format as `file:line: reason`, warnings marked."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        reason = self.reason if self.is_error else f"warning: {self.reason}"
        return _printable(f"{place}: {reason}")


def _printable(text: str) -> str:
    """Show control characters, which a file may hold, as escapes: a message goes to a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


class Faults:
    """Collects the faults of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.items: list[Fault] = []

    def error(self, line: int, reason: str) -> None:
        """Note an error: what was written here is refused."""
        self.items.append(Fault(self.file, line, reason))

    def warning(self, line: int, reason: str) -> None:
        """Note a warning: served all the same."""
        self.items.append(Fault(self.file, line, reason, is_error=False))

    @property
    def has_errors(self) -> bool:
        """Say whether at least one of the faults is an error."""
        return any(fault.is_error for fault in self.items)


class R53Error(Exception):
    """Base of every error that r53lite raises on purpose."""


class WireError(R53Error):
    """Bytes from the network that are not a message we can answer normally.

    `rcode` is the response code to send, or None: stay silent (too short for a header, or a response).
    """

    def __init__(self, message: str, rcode: int | None = None) -> None:
        super().__init__(message)
        self.rcode = rcode


class NameSyntaxError(R53Error, ValueError):
    """Text or bytes that are not a domain name (RFC 1035 §2.3.4, §5.1)."""


class RdataSyntaxError(R53Error, ValueError):
    """Text that is not the rdata of its record type."""


class FaultyInputError(R53Error):
    """What a person wrote is wrong; carries all faults, errors and warnings, in file order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults if fault.is_error))


class ZoneDataError(FaultyInputError):
    """A zone (master file, policy file or both) was refused; the old one keeps serving."""


class SettingsError(FaultyInputError):
    """The settings file or a flag is wrong; the command ends with `exit_code`."""

    exit_code = 2


class ResolutionError(R53Error):
    """Recursion found no answer: SERVFAIL, with an Extended DNS Error where one fits (RFC 8914)."""

    def __init__(self, message: str, ede_code: int = 22) -> None:  # 22 = No Reachable Authority
        super().__init__(message)
        self.ede_code = ede_code
