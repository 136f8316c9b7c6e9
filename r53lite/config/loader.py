"""What does the settings file say?

Reads `r53lite.yaml` into `Settings`: every key is optional, every fault is collected, with its line, before
one error carries them all. Paths are relative to the directory of the file.

A key whose feature this version does not have is refused unless its value is the one that turns the feature
off: a setting that does nothing would promise what does not happen.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from r53lite.config.document import Node, Reader, Scalar, Sequence
from r53lite.config.settings import (
    COOKIE_SECRET_OCTETS,
    DEFAULT_API_LISTEN,
    LOG_LEVELS,
    MAX_CHAOS_OCTETS,
    MAX_NSID_OCTETS,
    MAX_PORT,
    MAX_UDP_PAYLOAD_BYTES,
    MIN_UDP_PAYLOAD_BYTES,
    ApiSettings,
    ChaosSettings,
    CookieSettings,
    Endpoint,
    HealthSettings,
    LogSettings,
    RecursionSettings,
    Settings,
    TcpSettings,
    parse_endpoint,
)
from r53lite.config.target_settings import read_targets
from r53lite.config.yaml_file import read_yaml
from r53lite.errors import Faults, SettingsError

T = TypeVar("T")

MAX_PROBES_IN_FLIGHT = 10_000  # our choice: each holds a socket
MIN_TCP_TIMEOUT_S, MAX_TCP_TIMEOUT_S = (
    0.1,
    6553.5,
)  # what edns-tcp-keepalive can tell (RFC 7828 §3.1), 0 aside
MAX_TCP_CONNECTIONS = 100_000  # our choice: each holds a socket


def load_settings(path: Path) -> Settings:
    """Read a settings file.

    Returns:
        The settings; paths in them are absolute. An empty file gives the defaults.

    Raises:
        SettingsError: all faults of the file, each with its line.
    """
    faults = Faults(str(path))
    node = read_yaml(path, faults)
    settings = _read_settings(Reader(node, "", faults), path.absolute().parent)
    if faults.has_errors:
        raise SettingsError(sorted(faults.items, key=lambda fault: fault.line))
    return settings


def _read_settings(reader: Reader, directory: Path) -> Settings:
    default = Settings()
    seed = reader.integer("seed", -1, maximum=2**64 - 1)
    settings = Settings(
        listen=_read_listen(reader, default.listen),
        zones=_unless_null(reader, "zones", lambda: _path(reader, "zones", directory, default.zones)),
        locations=_path(reader, "locations", directory),
        seed=None if seed < 0 else seed,
        explain_in_answers=reader.flag("explain_in_answers", default.explain_in_answers),
        minimal_responses=reader.flag("minimal_responses", default.minimal_responses),
        udp_payload_bytes=reader.integer(
            "udp_payload_bytes",
            default.udp_payload_bytes,
            minimum=MIN_UDP_PAYLOAD_BYTES,
            maximum=MAX_UDP_PAYLOAD_BYTES,
        ),
        nsid=_short_text(reader, "nsid", MAX_NSID_OCTETS),
        cookies=_read_cookies(reader.child("cookies")),
        chaos=_read_chaos(reader.child("chaos")),
        recursion=_read_recursion(reader.child("recursion"), directory),
        tcp=_read_tcp(reader.child("tcp")),
        health=_read_health(reader.child("health")),
        api=_read_api(reader.child("api")),
        targets=read_targets(reader),
        log=_read_log(reader.child("log")),
    )
    _refuse(reader, "store")
    reader.finish()
    return settings


def _read_listen(reader: Reader, default: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    node = reader.node("listen")
    if node is None:
        return default
    if isinstance(node, Sequence) and not node.items:
        reader.faults.error(node.line, "listen is empty; expected at least one address and port")
    found = [_endpoint(reader, "listen", scalar.line, scalar.text) for scalar in reader.texts("listen")]
    return tuple(endpoint for endpoint in found if endpoint is not None)


def _read_cookies(reader: Reader) -> CookieSettings:
    default = CookieSettings()
    settings = CookieSettings(
        enabled=reader.flag("enabled", default.enabled),
        required=reader.flag("required", default.required),
        secrets=tuple(_secret(reader, scalar) for scalar in reader.texts("secrets")),
    )
    if settings.required and not settings.enabled:
        reader.faults.error(reader.line_of("required"), "cookies are required but not enabled")
    reader.finish()
    return settings


def _read_chaos(reader: Reader) -> ChaosSettings:
    version, hostname, identity = (
        _short_text(reader, key, MAX_CHAOS_OCTETS) for key in ("version", "hostname", "id")
    )
    reader.finish()
    return ChaosSettings(version, hostname, identity)


def _read_recursion(reader: Reader, directory: Path) -> RecursionSettings:
    default = RecursionSettings()
    settings = RecursionSettings(
        enabled=reader.flag("enabled", default.enabled),
        clients=reader.networks("clients", default.clients),
        root_hints=_path(reader, "root_hints", directory),
        upstream_port=reader.integer("upstream_port", default.upstream_port, minimum=1, maximum=MAX_PORT),
        upstream_networks=reader.networks("upstream_networks", default.upstream_networks),
    )
    reader.finish()
    return settings


def _read_tcp(reader: Reader) -> TcpSettings:
    def seconds(key: str, default: float) -> float:
        return reader.number(key, default, minimum=MIN_TCP_TIMEOUT_S, maximum=MAX_TCP_TIMEOUT_S)

    def count(key: str, default: int) -> int:
        return reader.integer(key, default, minimum=1, maximum=MAX_TCP_CONNECTIONS)

    default = TcpSettings()
    settings = TcpSettings(
        idle_timeout_s=seconds("idle_timeout_s", default.idle_timeout_s),
        message_timeout_s=seconds("message_timeout_s", default.message_timeout_s),
        write_timeout_s=seconds("write_timeout_s", default.write_timeout_s),
        max_connections=count("max_connections", default.max_connections),
        max_connections_per_client=count("max_connections_per_client", default.max_connections_per_client),
        max_pending_per_connection=count("max_pending_per_connection", default.max_pending_per_connection),
    )
    reader.finish()
    return settings


def _read_health(reader: Reader) -> HealthSettings:
    default = HealthSettings()
    settings = HealthSettings(
        probe_networks=reader.networks("probe_networks", default.probe_networks),
        max_in_flight=reader.integer(
            "max_in_flight", default.max_in_flight, minimum=1, maximum=MAX_PROBES_IN_FLIGHT
        ),
    )
    reader.finish()
    return settings


def _read_api(reader: Reader) -> ApiSettings:
    def listen() -> Endpoint | None:
        text = reader.text("listen", str(DEFAULT_API_LISTEN))
        return _endpoint(reader, "listen", reader.line_of("listen"), text)

    settings = ApiSettings(listen=_unless_null(reader, "listen", listen))
    _refuse(reader, "credentials", "insync_delay_s", "strict_addresses")
    reader.finish()
    return settings


def _read_log(reader: Reader) -> LogSettings:
    settings = LogSettings(level=reader.choice("level", LOG_LEVELS, LogSettings().level))
    _refuse(reader, "queries")
    reader.finish()
    return settings


# --- values -------------------------------------------------------------------------------------------------


def _unless_null(reader: Reader, key: str, read: Callable[[], T | None]) -> T | None:
    """Return None where the key is written as null, which turns something off; else what `read` returns."""
    return None if reader.has(key) and reader.node(key) is None else read()


def _path(reader: Reader, key: str, directory: Path, default: str | None = None) -> str | None:
    """Return a path as absolute text, relative to the directory of the settings file."""
    text = reader.text(key, default or "")
    return str(directory / text) if text else None


def _short_text(reader: Reader, key: str, limit_octets: int) -> str:
    """Return text that goes into a message as it is."""
    text = reader.text(key)
    octets = len(text.encode("utf-8", "surrogatepass"))
    if octets > limit_octets:
        reader.faults.error(
            reader.line_of(key), f"{reader.at(key)} has {octets} octets; the limit is {limit_octets}"
        )
    return text


def _secret(reader: Reader, scalar: Scalar) -> bytes:
    """Return a secret written as hex digits; the message about a wrong one does not show it."""
    try:
        secret = bytes.fromhex(scalar.text)
    except ValueError:
        secret = b""
    if len(secret) != COOKIE_SECRET_OCTETS:
        reader.faults.error(
            scalar.line,
            f"{reader.at('secrets')} holds no {2 * COOKIE_SECRET_OCTETS} hex digits",
        )
    return secret


def _endpoint(reader: Reader, key: str, line: int, text: str) -> Endpoint | None:
    try:
        return parse_endpoint(text)
    except ValueError as error:
        reader.faults.error(line, f"{reader.at(key)}: {error}")
        return None


def _refuse(reader: Reader, *keys: str) -> None:
    """Note keys of features that this version does not have, unless their value turns the feature off."""
    for key in keys:
        node = reader.node(key)
        if node is not None and not _is_off(node):
            reader.faults.error(
                reader.line_of(key), f"{reader.at(key)!r} is not supported yet by this version"
            )


def _is_off(node: Node) -> bool:
    """Say whether a value is false, 0 or empty."""
    if isinstance(node, Scalar):
        return not node.value
    return not (node.items if isinstance(node, Sequence) else node.entries)
