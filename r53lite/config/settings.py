"""What does one server process do, and with which limits?

The typed form of `r53lite.yaml`: frozen values whose defaults are those of a server without a settings file.
Units are in the names. `config.loader` makes them from a file; a flag of `serve` replaces a field. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from r53lite.config.target_settings import TargetRule

Network = IPv4Network | IPv6Network

MIN_UDP_PAYLOAD_BYTES = 512  # RFC 6891 §6.2.3
MAX_UDP_PAYLOAD_BYTES = 4096  # what Route 53 sends at most, records-and-changes.md §1.10
DEFAULT_UDP_PAYLOAD_BYTES = 1232  # DNS flag day 2020: fits IPv6's least MTU without fragments
LOG_LEVELS = ("debug", "info", "warning", "error")

MAX_CHAOS_OCTETS = 255  # RFC 1035 §3.3: one character-string
MAX_NSID_OCTETS = 128  # our choice: it fits beside the longest question and all other options in 512 octets
COOKIE_SECRET_OCTETS = 16  # RFC 9018 §4.4

MAX_PORT = 65535
_ENDPOINT = re.compile(r"(?:(?P<v4>[0-9.]+)|\[(?P<v6>[^]]+)\]):(?P<port>[0-9]{1,5})")

LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
EVERYWHERE = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


class Endpoint(NamedTuple):
    """An IP address and a port to listen on; port 0 lets the system choose."""

    address: str
    port: int

    def __str__(self) -> str:
        """Format as `127.0.0.1:5300` or `[::1]:5300`."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Turn `127.0.0.1:5300` or `[::1]:5300` into an endpoint, its address in canonical form.

    Raises:
        ValueError: anything else, a host name or a port over 65535 included.
    """
    match = _ENDPOINT.fullmatch(text)
    if match is None or int(match["port"]) > MAX_PORT:
        raise ValueError(
            f"{text!r} is not an address and a port; expected a form like 127.0.0.1:5300 or [::1]:5300"
        )
    address = IPv4Address(match["v4"]) if match["v4"] else IPv6Address(match["v6"])
    return Endpoint(str(address), int(match["port"]))


DEFAULT_LISTEN = (Endpoint("127.0.0.1", 5300), Endpoint("::1", 5300))
DEFAULT_API_LISTEN = Endpoint("127.0.0.1", 5380)


@dataclass(frozen=True, slots=True)
class RecursionSettings:
    """Who may recurse, and where upstream queries may go.

    `root_hints` is a path; None takes the built-in hints.
    """

    enabled: bool = True
    clients: tuple[Network, ...] = LOOPBACK
    root_hints: str | None = None
    upstream_port: int = 53
    upstream_networks: tuple[Network, ...] = EVERYWHERE


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """Where probes may go, and how many at once."""

    probe_networks: tuple[Network, ...] = EVERYWHERE
    max_in_flight: int = 500


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Where HTTP is served; None serves none."""

    listen: Endpoint | None = DEFAULT_API_LISTEN


@dataclass(frozen=True, slots=True)
class CookieSettings:
    """Whether clients get server cookies (RFC 7873), and whether one that sends a cookie must have a valid
    one.

    `secrets` are shared by the servers of one address; the first signs, all are accepted. None at all: one is
    drawn at start.
    """

    enabled: bool = True
    required: bool = False
    secrets: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ChaosSettings:
    """What is told in class CHAOS (RFC 4892); an empty text is not told."""

    version: str = ""
    hostname: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class TcpSettings:
    """How long and how many TCP connections may be; all of one server together, whatever it listens on.

    `idle_timeout_s` runs while nothing is asked and nothing is owed. RFC 7766 §6.2.3 asks for seconds; Knot
    takes 10, BIND 30, gdnsd 37, NSD 120.
    `message_timeout_s` is for one whole request from its first octet to its last, in however many segments.
    Knot allows 0.5; ours lets a lossy path retransmit three times.
    `write_timeout_s` is for taking every reply that waits; Knot allows 0.5 for one.
    `max_connections`: BIND allows 150, NSD 100, gdnsd 256 a thread, Knot half of its descriptors. At the
    limit the one that has not asked for longest goes for a new one, so the number decides how long an idle
    one lives, not who is answered. An idle one costs about 1 kB of ours, one that is sending its longest
    message 72 kB.
    `max_connections_per_client` is a fifth of all by default, so that one client cannot push out the rest; at
    the limit its own longest silent one goes. A client is an IPv4 address, or an IPv6 /64, since that is what
    one customer has. No peer has such a limit unless told to: RFC 7766 §6.2.2 wants one connection from a
    client, but an address may be a NAT with hundreds behind it. Loopback is exempt: every client there has
    one address, who may open sockets there could do worse, and the limit for all holds.
    `max_pending_per_connection`: questions of one connection that wait for recursion; at the limit it is not
    read from until one is answered. Our choice.
    """

    idle_timeout_s: float = 10.0
    message_timeout_s: float = 5.0
    write_timeout_s: float = 5.0
    max_connections: int = 1000
    max_connections_per_client: int = 200
    max_pending_per_connection: int = 32

    @property
    def keepalive_100ms(self) -> int:
        """Return the idle timeout as the option edns-tcp-keepalive tells it (RFC 7828 §3.1): rounded down, so
        that a client who believes it does not write to a connection we have closed.
        """
        return min(int(self.idle_timeout_s * 10), 0xFFFF)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How much is logged: one of `LOG_LEVELS`."""

    level: str = "info"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one server.

    `zones` is the directory of zone and policy files, None for a server without zones. `locations` is the
    file that says where clients are; None takes `locations.yaml` of that directory where there is one.
    `targets` say what stands in for outside names that aliases lead to. `seed` makes draws reproducible, per
    number of a query. `explain_in_answers`: answers of policies tell their reason in the text of an extended
    error (RFC 8914), and are made anew each time. `nsid` names the server to those who ask (RFC 5001); empty:
    not told.
    """

    listen: tuple[Endpoint, ...] = DEFAULT_LISTEN
    zones: str | None = "zones"
    locations: str | None = None
    seed: int | None = None
    explain_in_answers: bool = False
    minimal_responses: bool = False
    udp_payload_bytes: int = DEFAULT_UDP_PAYLOAD_BYTES
    nsid: str = ""
    cookies: CookieSettings = field(default_factory=CookieSettings)
    chaos: ChaosSettings = field(default_factory=ChaosSettings)
    recursion: RecursionSettings = field(default_factory=RecursionSettings)
    tcp: TcpSettings = field(default_factory=TcpSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    targets: tuple[TargetRule, ...] = ()
    log: LogSettings = field(default_factory=LogSettings)
