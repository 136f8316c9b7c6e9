"""Does an HTTP endpoint answer with a status from 200 to 399? (docs/route53/health-checks.md §4.1 to §4.5)

One probe is one new connection with one GET: no redirect is followed, no proxy or cookie used, nothing
repeated, and the body is not read. Two limits hold, whatever the endpoint sends or withholds:
`CONNECT_LIMIT_S` until the connection stands, then `RESPONSE_LIMIT_S` until the whole header is here. aiohttp
shows the status line only with the header, so the second limit includes the header, where Route 53's own is
for the status line alone.

Always true: nothing is sent to an address outside `networks`; a probe says what happened and never raises for
what an endpoint does. String matching and HTTPS are not here yet.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from types import SimpleNamespace
from urllib.parse import quote

import aiohttp
from yarl import URL

from r53lite.dns.address import Address, unmapped
from r53lite.health.model import CONNECT_LIMIT_S, RESPONSE_LIMIT_S, HealthCheck, ProbeResult

MAX_HEADER_BYTES = 16_384  # §4.1: status line and header fields together
MAX_HEADER_FIELDS = 512  # our choice: times MAX_HEADER_BYTES is the most an endpoint makes us hold, 8 MB
MAX_TEXT_LENGTH = 100  # our choice: how much of an endpoint's reason phrase a status text repeats
DEFAULT_PORT = 80
USER_AGENT = "Amazon-Route53-Health-Check-Service (r53lite)"  # §4.3: what it starts with
# Everything printable in ASCII but space and "#": a path is sent as written, never normalized.
PATH_SAFE = "!\"$%&'()*+,/:;<=>?@[\\]^_`{|}~"

NOT_CONNECTED = (  # §4.5, without the address of Route 53's own help page
    "Failure: Connection timed out. The endpoint or the internet connection is down, or requests are being"
    " blocked by your firewall"
)
NO_RESPONSE = "Failure: The endpoint accepted the connection but its response did not arrive in time"
NO_ADDRESS = "Failure: DNS resolution failed"
BAD_RESPONSE = f"Failure: The response is not valid HTTP or its header is over {MAX_HEADER_BYTES} bytes"
BAD_REQUEST = "Failure: The host or the path of the check cannot stand in an HTTP request"
BROKEN = "Failure: The endpoint closed the connection without a response"


async def resolve_ipv4(host: str) -> Sequence[str]:
    """Ask the machine's resolver for the IPv4 addresses of a host (§4.3: a check by name uses IPv4 only).

    Raises:
        OSError: the host has none, or no resolver answered.
    """
    found = await asyncio.get_running_loop().getaddrinfo(
        host, None, family=socket.AF_INET, type=socket.SOCK_STREAM
    )
    return [str(sockaddr[0]) for *_, sockaddr in found]


class _NoTargetError(Exception):
    """There is no address to probe; the text is the status text of the failure."""


class HttpProbe:
    """Probes HTTP endpoints.

    Args:
        networks: where probes may go; any other address fails at once.
        connect_limit_s: until the connection stands; finding the address of a host has the same limit.
        response_limit_s: from then until the header of the response is complete.
        resolve: finds the IPv4 addresses of a host, in the order to try them; OSError when there are none.
    """

    def __init__(
        self,
        networks: tuple[IPv4Network | IPv6Network, ...],
        *,
        connect_limit_s: float = CONNECT_LIMIT_S,
        response_limit_s: float = RESPONSE_LIMIT_S,
        resolve: Callable[[str], Awaitable[Sequence[str]]] = resolve_ipv4,
    ) -> None:
        self._networks = networks
        self._connect_limit_s = connect_limit_s
        self._response_limit_s = response_limit_s
        self._resolve = resolve
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, check: HealthCheck) -> ProbeResult:
        """Probe the endpoint of a check once and say what came of it; raises only when cancelled."""
        try:
            address = await self._find_address(check)
        except _NoTargetError as error:
            return ProbeResult(is_success=False, reason=str(error))
        result = await self._probe(check, address)
        if check.ip is None:
            return result._replace(reason=f"{result.reason}. Resolved IP: {address}")
        return result

    async def close(self) -> None:
        """Close every connection; the next probe would open a new session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _find_address(self, check: HealthCheck) -> Address:
        """Return the permitted address to connect to, or raise `_NoTargetError`."""
        try:
            async with asyncio.timeout(self._connect_limit_s):
                texts = [check.ip] if check.ip is not None else await self._resolve(check.host or "")
            addresses = [ip_address(text) for text in texts]
        except (OSError, ValueError) as error:
            # ValueError: text that is no address, or a label over 63 octets (Python's idna codec)
            raise _NoTargetError(NO_ADDRESS) from error
        if not addresses:
            raise _NoTargetError(NO_ADDRESS)
        for address in addresses:
            if self._is_permitted(address):
                return address
        raise _NoTargetError(f"Failure: {', '.join(texts)} is outside the networks that probes may enter")

    def _is_permitted(self, address: Address) -> bool:
        host = unmapped(address)
        return any(host in network for network in self._networks)

    async def _probe(self, check: HealthCheck, address: Address) -> ProbeResult:
        limit = asyncio.timeout(self._connect_limit_s)
        request_context = _RequestContext(limit, self._response_limit_s)
        try:
            async with limit:
                response = await self._open_session().get(
                    target_url(check, address),
                    headers={"Host": host_header(check, address), "User-Agent": USER_AGENT},
                    allow_redirects=False,
                    trace_request_ctx=request_context,
                )
        except TimeoutError:
            return ProbeResult(False, NO_RESPONSE if request_context.is_connected else NOT_CONNECTED)
        except aiohttp.ClientConnectorError as error:
            return ProbeResult(False, f"Failure: Connection failed: {os_error_text(error)}")
        except aiohttp.ClientConnectionError:
            return ProbeResult(False, BROKEN)
        except ValueError:
            return ProbeResult(False, BAD_REQUEST)
        except aiohttp.ClientError:
            return ProbeResult(False, BAD_RESPONSE)
        response.close()  # the body is of no interest; closing drops the connection with whatever still comes
        return judge(response)

    def _open_session(self) -> aiohttp.ClientSession:
        """Return the session, made at the first probe because it needs the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0),  # the scheduler bounds concurrency
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # _probe holds the limits
                auto_decompress=False,
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
                max_headers=MAX_HEADER_FIELDS,
                trace_configs=[_connection_trace()],
                middlewares=[_never_repeat],
            )
        return self._session


class _RequestContext:
    """Carries one probe's limit to the moment its connection stands."""

    def __init__(self, limit: asyncio.Timeout, response_limit_s: float) -> None:
        self.is_connected = False
        self._limit = limit
        self._response_limit_s = response_limit_s

    def mark_connected(self) -> None:
        """Let the limit of the response begin."""
        self.is_connected = True
        self._limit.reschedule(asyncio.get_running_loop().time() + self._response_limit_s)


def _connection_trace() -> aiohttp.TraceConfig:
    # Not ClientTimeout(sock_read=…): it begins anew with every byte, so a dripping endpoint beats it.
    async def on_connected(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _params: aiohttp.TraceConnectionCreateEndParams,
    ) -> None:
        context.trace_request_ctx.mark_connected()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(on_connected)
    return trace


async def _never_repeat(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a GET whose connection broke: that would be a second probe."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (OSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def target_url(check: HealthCheck, address: Address) -> URL:
    """Return the URL to ask: an address, never a name, and the path as written.

    Only what cannot stand in a request line (space, control, `#`, not ASCII) is percent-encoded; a missing
    leading `/` is added (§4.2 ResourcePath).
    """
    host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    path = check.path if check.path.startswith("/") else f"/{check.path}"
    return URL(f"http://{host}:{check.port}{quote(path, safe=PATH_SAFE)}", encoded=True)


def host_header(check: HealthCheck, address: Address) -> str:
    """Return the Host header: the name, else the address; with the port unless it is HTTP's own (§4.3)."""
    bare = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    host = check.host or bare
    return host if check.port == DEFAULT_PORT else f"{host}:{check.port}"


def judge(response: aiohttp.ClientResponse) -> ProbeResult:
    """Say whether a response is a success (200 to 399, header within its limit), in the words of §4.5."""
    header_bytes = sum(len(name) + len(value) + 4 for name, value in response.raw_headers)
    status_line = f"HTTP/1.1 {response.status} {response.reason}\r\n"
    if len(status_line) + header_bytes + len("\r\n") > MAX_HEADER_BYTES:
        return ProbeResult(False, BAD_RESPONSE)
    is_success = 200 <= response.status <= 399
    phrase = printable(response.reason or "")
    text = f"HTTP Status Code {response.status}" + (f", {phrase}" if phrase else "")
    return ProbeResult(is_success, f"{'Success' if is_success else 'Failure'}: {text}")


def printable(text: str) -> str:
    """Return an endpoint's text fit for a log line: short, without control characters or broken UTF-8."""
    return "".join(char if char.isprintable() else "?" for char in text[:MAX_TEXT_LENGTH]).strip()


def os_error_text(error: aiohttp.ClientConnectorError) -> str:
    """Return the system's words for a failed connection, without the address that asyncio adds."""
    return os.strerror(error.errno) if error.errno else printable(str(error.os_error))
