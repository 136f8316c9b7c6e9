"""Which health checks does a policy file define?

Reads its `health_checks` mapping, id to check, into `HealthCheck` values, and notes every fault with its
line. Only checks of type HTTP exist in this version; a type or key of Route 53 that is not there yet is
refused by name rather than ignored. Pure.

Source: docs/route53/health-checks.md §4.1 (types), §4.2 (fields); design of the file format: our choice.
"""

from __future__ import annotations

import re

from r53lite.config.document import Reader
from r53lite.dns.name import parse_name
from r53lite.errors import NameSyntaxError
from r53lite.health.model import DEFAULT_FAILURE_THRESHOLD, DEFAULT_INTERVAL_S, HealthCheck

TYPES = (
    "HTTP",
    "HTTPS",
    "HTTP_STR_MATCH",
    "HTTPS_STR_MATCH",
    "TCP",
    "CALCULATED",
    "CLOUDWATCH_METRIC",
    "RECOVERY_CONTROL",
)
SUPPORTED_TYPES = ("HTTP",)
UNSUPPORTED_KEYS = (
    "search_string",
    "sni",
    "measure_latency",
    "checkers",
    "children",
    "health_threshold",
    "insufficient_data",
)
MAX_INTERVAL_S = 300  # design of the file format; the API has 10 and 30 only (§4.2)
MAX_FAILURE_THRESHOLD = 10  # §4.2
MAX_TEXT_LENGTH = 255  # §4.2: FullyQualifiedDomainName and ResourcePath

# What may stand in a Host field and a request line as it is; white space would end either (RFC 9112 §3).
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_PATH = re.compile(r"[!-~]+")


def read_health_checks(root: Reader) -> tuple[tuple[HealthCheck, int], ...]:
    """Read the health checks of a policy file.

    Args:
        root: the whole document; its `faults` take every fault with its line.

    Returns:
        The checks, each with the line of its id. One that has a fault is there too: a record set that names
        it is not wrong.
    """
    return tuple(
        (_read_check(check_id, Reader(node, f"health_checks.{check_id}", root.faults)), line)
        for check_id, line, node in root.children("health_checks")
    )


def _read_check(check_id: str, reader: Reader) -> HealthCheck:
    faults = reader.faults
    if not reader.line:
        return HealthCheck(check_id)  # no mapping: the reader has noted it
    check_type = reader.choice("type", TYPES, required=True)
    if check_type and check_type not in SUPPORTED_TYPES:
        # Its other keys have other rules: nothing more can be said about them.
        reason = f"{reader.path}: health checks of type {check_type} are not supported yet by this version"
        faults.error(reader.line_of("type"), reason)
        return HealthCheck(check_id)
    for key in UNSUPPORTED_KEYS:
        if reader.has(key):
            faults.error(reader.line_of(key), f"{reader.at(key)!r} is not supported yet by this version")
    address = reader.address("ip")
    host = _read_host(reader)
    if reader.node("ip") is None and not host:
        faults.error(reader.line, f"{reader.path} has neither 'ip' nor 'host'; expected at least one")
    check = HealthCheck(
        check_id,
        "HTTP",
        str(address) if address is not None else None,
        host,
        reader.integer("port", 80, minimum=1, maximum=65535),
        _read_path(reader),
        reader.integer("interval", DEFAULT_INTERVAL_S, minimum=1, maximum=MAX_INTERVAL_S),
        reader.integer(
            "failure_threshold", DEFAULT_FAILURE_THRESHOLD, minimum=1, maximum=MAX_FAILURE_THRESHOLD
        ),
        reader.flag("inverted"),
        reader.flag("disabled"),
    )
    reader.finish()
    return check


def _read_host(reader: Reader) -> str | None:
    host = reader.text("host")
    if not host:
        return None
    try:
        parse_name(host)
        is_name = _HOST.fullmatch(host) is not None and len(host) <= MAX_TEXT_LENGTH
    except NameSyntaxError:
        is_name = False
    if not is_name:
        expected = "expected a domain name of letters, digits, hyphens and dots"
        reader.faults.error(reader.line_of("host"), f"{reader.at('host')} is {host!r}; {expected}")
    return host


def _read_path(reader: Reader) -> str:
    """Return the path of the request; a missing leading slash is added, as Route 53 does (§4.2)."""
    path = reader.text("path", "/")
    if not path.startswith("/"):
        path = f"/{path}"
    if _PATH.fullmatch(path) is None or len(path) > MAX_TEXT_LENGTH:
        expected = f"expected up to {MAX_TEXT_LENGTH} printable ASCII characters, others as %XX"
        reader.faults.error(reader.line_of("path"), f"{reader.at('path')} is {path!r}; {expected}")
    return path
