"""Policy files as text: read them, show what they hold, list their faults."""

from __future__ import annotations

from r53lite.config.yaml_file import parse_yaml
from r53lite.control.policy_file import PolicyFile, read_policy_file
from r53lite.dns import rrtypes
from r53lite.dns.name import format_name
from r53lite.dns.presentation import format_rdata
from r53lite.errors import Faults


def read(text: str) -> tuple[PolicyFile | None, list[str]]:
    """Read a policy file; return what it holds and its faults as `line: reason`, in the order of lines."""
    faults = Faults("example.com.yaml")
    policy_file = read_policy_file(parse_yaml(text, faults), faults)
    items = sorted(faults.items, key=lambda fault: fault.line)
    return policy_file, [f"{fault.line}: {fault.reason}" for fault in items]


def read_sound(text: str) -> PolicyFile:
    """Read a policy file that must have no fault."""
    policy_file, faults = read(text)
    assert faults == []
    assert policy_file is not None
    return policy_file


def faults_of(entry: str) -> list[str]:
    """Return the faults of one entry of `records`, which begins on line 3."""
    return read(f"zone: example.com\nrecords:\n  - {entry}\n")[1]


def shown(policy_file: PolicyFile) -> list[str]:
    """Return the plain records as `line: owner ttl type rdata`."""
    return [
        f"{record.line}: {format_name(record.owner)} {record.ttl} {rrtypes.format_rrtype(record.rrtype)}"
        f" {format_rdata(record.rrtype, record.rdata)}"
        for record in policy_file.records
    ]
