"""How do the lab's zones look on another network? The same files, every address moved (for the compose file).

`DIR/SERVER/` gets a settings file `r53lite.yaml`, the zone files under `zones/`, and the locations and root
hints where the server has them. An address keeps its place in the network: 127.53.0.3 becomes 10.53.0.3.
Only two forms are moved, in contents and in file names: dotted addresses inside the lab's network, and its
reverse zone's name.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from r53lite.control.listing import LOCATIONS_NAME, SETTINGS_NAME, list_zone_files
from r53lite.errors import Fault, SettingsError
from r53lite.lab.plan import LabPlan, LabServer

DNS_PORT = 53
_ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")


def write_lab(plan: LabPlan, target: Path, network: IPv4Network) -> list[Path]:
    """Write every server's files below `target`; files of an earlier run are overwritten.

    Args:
        plan: the lab.
        target: the directory, made where it is missing.
        network: where the lab goes; its prefix length must be the lab's.

    Returns:
        The paths written.

    Raises:
        SettingsError: another prefix length, or a prefix that is not whole octets (the reverse zone needs
        them).
    """
    if network.prefixlen != plan.network.prefixlen or network.prefixlen % 8:
        reason = (
            f"network {str(network)!r} does not fit; expected a /{plan.network.prefixlen}, as {plan.network}"
        )
        raise SettingsError([Fault("--network", 0, reason)])
    written: list[Path] = []
    for server in plan.servers:
        directory = target / server.name
        (directory / "zones").mkdir(parents=True, exist_ok=True)
        written.append(_write(directory / SETTINGS_NAME, _settings_text(server, network)))
        copies = [
            (path, directory / "zones" / moved(path.name, plan, network)) for path in _zone_files(server)
        ]
        if server.locations is not None:
            copies.append((server.locations, directory / LOCATIONS_NAME))
        if server.root_hints is not None:
            copies.append((server.root_hints, directory / "root.hints"))
        for source, copy in copies:
            written.append(_write(copy, moved(source.read_text(encoding="utf-8"), plan, network)))
    return written


def _zone_files(server: LabServer) -> list[Path]:
    return list_zone_files(server.zones)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def moved(text: str, plan: LabPlan, network: IPv4Network) -> str:
    """Return text with the addresses and the reverse zone of the lab's network moved to another."""

    def move(match: re.Match[str]) -> str:
        try:
            address = IPv4Address(match[0])
        except ValueError:
            return match[0]
        if address not in plan.network:
            return match[0]
        offset = int(address) - int(plan.network.network_address)
        return str(IPv4Address(int(network.network_address) + offset))

    return _ADDRESS.sub(move, text).replace(_reverse(plan.network), _reverse(network))


def _reverse(network: IPv4Network) -> str:
    """Return the name of a network's reverse zone: `53.127.in-addr.arpa` (RFC 1035 §3.5)."""
    octets = str(network.network_address).split(".")[: network.prefixlen // 8]
    return ".".join([*reversed(octets), "in-addr.arpa"])


def _settings_text(server: LabServer, network: IPv4Network) -> str:
    """Return the settings file of one server: port 53, probes and queries inside the network only."""
    lines = [
        f"# The lab's server {server.name!r} on {network}; written by `r53lite lab --write`.",
        f'listen: ["0.0.0.0:{DNS_PORT}"]',
        "zones: zones/",
    ]
    if server.locations is not None:
        lines.append("locations: locations.yaml")
    if server.root_hints is None:
        lines.append("recursion: {enabled: false}")
    else:
        lines += [
            "recursion:",
            "  enabled: true",
            f'  clients: [127.0.0.0/8, "::1/128", {network}]',
            "  root_hints: root.hints",
            f"  upstream_port: {DNS_PORT}",
            f"  upstream_networks: [{network}]",
        ]
    lines.append(f"health: {{probe_networks: [{network}]}}")
    return "\n".join(lines) + "\n"
