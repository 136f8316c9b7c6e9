"""`r53lite trace`: how does a name resolve, from the root down?

Walks with the resolver itself (`answering.recursive`, an empty cache) and prints every reply in the style of
`dig +trace`: its answer and authority sections, then where it came from. dnslib prints what it can read;
it refuses a whole message for one label that is not text, and such a message is printed by our own codec.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from pathlib import Path

import click
from dnslib import DNSError, DNSRecord

from r53lite.answering.recursive import Recursive, TraceEvent
from r53lite.config.text_file import read_text
from r53lite.dns.name import ROOT, format_name, parse_name
from r53lite.dns.presentation import format_rrset
from r53lite.dns.rrset import RRset
from r53lite.dns.rrtypes import NOERROR, format_rcode, format_rrtype, parse_rrtype
from r53lite.dns.wire import decode_message
from r53lite.errors import Faults, NameSyntaxError, ResolutionError, SettingsError, WireError
from r53lite.resolver.cache import Cache
from r53lite.resolver.delegation import Delegation
from r53lite.resolver.resolution import Resolved
from r53lite.resolver.root_hints import IANA_ROOT_HINTS, parse_root_hints
from r53lite.resolver.upstream import Network, Upstream

LAB_ROOT_HINTS = Path("zones/lab/root.hints")
LAB_PORT = 5300
LAB_NETWORKS = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
DNS_PORT = 53
ALL_NETWORKS = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@click.command("trace")
@click.argument("name")
@click.argument("rrtype", metavar="[TYPE]", default="A")
@click.option(
    "--root-hints",
    type=click.Path(path_type=Path),
    help=f"File with the root servers. Default: {LAB_ROOT_HINTS} where it exists, else IANA's root servers.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help=f"Port of every server; {LAB_PORT} in the lab, else 53"
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="CIDR",
    help="Where queries may go; loopback only in the lab.",
)
def trace(
    name: str, rrtype: str, root_hints: Path | None, port: int | None, networks: tuple[str, ...]
) -> None:
    """Resolve NAME from the root down and print every step.

    Exit codes: 0 an answer (or its absence) was found, 1 the resolution failed, 2 bad input.
    """
    qname, qtype = _parse_question(name, rrtype)
    is_lab = root_hints is None and LAB_ROOT_HINTS.exists()
    upstream = Upstream(
        _parse_networks(networks) or (LAB_NETWORKS if is_lab else ALL_NETWORKS),
        port or (LAB_PORT if is_lab else DNS_PORT),
    )
    hints = _load_hints(LAB_ROOT_HINTS if is_lab else root_hints)
    _print(_format_hints(hints, qname, qtype))
    try:
        resolved = asyncio.run(_walk(qname, qtype, hints, upstream))
    except ResolutionError as error:
        click.echo(f";; {format_name(qname)} {format_rrtype(qtype)} failed: {error}")
        raise SystemExit(1) from error
    _print(_format_resolved(resolved))


def _parse_question(name: str, rrtype: str) -> tuple[bytes, int]:
    """Read the question; a wrong one is a usage error."""
    try:
        return parse_name(name), parse_rrtype(rrtype.upper())
    except NameSyntaxError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from error
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="TYPE") from error


def _parse_networks(networks: tuple[str, ...]) -> tuple[Network, ...]:
    """Read the --network options."""
    try:
        return tuple(ip_network(network) for network in networks)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--network") from error


def _load_hints(path: Path | None) -> Delegation:
    """Read a hints file; without one, take the IANA root servers."""
    if path is None:
        return IANA_ROOT_HINTS
    faults = Faults(str(path))
    text = read_text(path, faults)
    hints = Delegation(ROOT, {}) if text is None else parse_root_hints(text, faults)
    for fault in faults.items:
        click.echo(fault, err=True)
    if faults.has_errors:
        raise SystemExit(SettingsError.exit_code)
    return hints


async def _walk(qname: bytes, qtype: int, hints: Delegation, upstream: Upstream) -> Resolved:
    """Resolve with an empty cache, printing as it goes."""
    recursive = Recursive(hints, upstream, cache=Cache())
    try:
        return await recursive.resolve(
            qname, qtype, on_event=lambda event: _print(format_event(event, upstream.port))
        )
    finally:
        await recursive.close()


def _print(lines: Iterable[str]) -> None:
    """Print lines and an empty one."""
    click.echo("\n".join([*lines, ""]))


def _format_hints(hints: Delegation, qname: bytes, qtype: int) -> Iterator[str]:
    """Yield what the walk starts from."""
    yield f"; <<>> r53lite trace <<>> {format_name(qname)} {format_rrtype(qtype)}"
    for name, addresses in hints.servers.items():
        yield f";; root server {format_name(name)} {' '.join(addresses)}"


def format_event(event: TraceEvent, port: int) -> list[str]:
    """Return one step of a walk as lines: the reply as `dig +trace` prints it, or why there is none.

    Args:
        event: the step.
        port: of the server.
    """
    step = event.step
    lines = []
    if step.depth:
        lines.append(f";; for a name server's address: {format_name(step.qname)} {format_rrtype(step.qtype)}")
    server = f"{step.address}#{port}"
    elapsed_ms = round(event.elapsed_s * 1000)
    if event.reply is not None:
        lines += format_reply(event.reply)
        over = " over TCP" if step.over_tcp else ""
        lines.append(f";; Received {len(event.reply)} bytes from {server} in {elapsed_ms} ms{over}")
    if event.failure:
        lines.append(f";; {server} {event.failure} ({elapsed_ms} ms)")
    return lines


def format_reply(reply: bytes) -> list[str]:
    """Return the answer and authority sections of a message, headed by what is special about it."""
    try:
        record = DNSRecord.parse(reply)
        rcode, is_truncated = int(record.header.rcode), bool(record.header.tc)
        lines = [str(rr.toZone()) for rr in (*record.rr, *record.auth)]
    except (DNSError, UnicodeError):
        try:
            message = decode_message(reply)
        except WireError as error:
            return [f";; malformed message: {error}"]
        rcode, is_truncated = message.rcode, message.is_truncated
        lines = _format_rrsets((*message.answer, *message.authority))
    if is_truncated:
        lines.insert(0, ";; truncated, asking again over TCP")
    if rcode != NOERROR:
        lines.insert(0, f";; status: {format_rcode(rcode)}")
    return lines


def _format_resolved(resolved: Resolved) -> list[str]:
    """Return the end of the walk: the whole chain, or the absence with its SOA."""
    count = sum(len(rrset.rdatas) for rrset in resolved.answer)
    head = f";; Answer: {format_rcode(resolved.rcode)}, {count} record{'' if count == 1 else 's'}"
    return [head, *_format_rrsets((*resolved.answer, *resolved.authority))]


def _format_rrsets(rrsets: Iterable[RRset]) -> list[str]:
    """Return one line for each record."""
    return [line for rrset in rrsets for line in format_rrset(rrset)]
