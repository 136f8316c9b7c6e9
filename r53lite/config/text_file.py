"""What does a text file say, or why can nobody read it?

What the system or the codec says is put in words of ours, with the line where there is one: Python's own
texts name error numbers and byte positions, which are nothing to a person with an editor.
"""

from __future__ import annotations

from pathlib import Path

from r53lite.errors import Faults
from r53lite.system_errors import reason_of


def read_text(path: Path, faults: Faults) -> str | None:
    """Read a text file; None where that is impossible (then noted in `faults`)."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        faults.error(0, f"cannot read: {reason_of(error)}")
        return None
    return decode_text(octets, faults)


def decode_text(octets: bytes, faults: Faults) -> str | None:
    """Decode the octets of a text file; None, and a fault with its line, where they are not UTF-8."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = len((octets[: error.start] + b".").splitlines())
        faults.error(line, f"cannot read: octet 0x{octets[error.start]:02x} is not UTF-8 text")
        return None
