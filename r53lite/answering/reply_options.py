"""Which options does a reply's OPT record hold because of who asks and how, whatever the answer is?

Cookie, NSID and TCP keepalive: none of them changes an answer, so none has a part in looking one up. Only a
server that demands cookies answers otherwise for lack of one: BADCOOKIE, with a good one, over UDP.

Carries out: RFC 5001 §2.2 (NSID if asked for and configured), RFC 7828 §3.3.2 (keepalive over TCP alone),
RFC 7873 §5.2 and §5.4, RFC 9018. Pure: the time is given.
"""

from __future__ import annotations

from typing import NamedTuple

from r53lite.dns import edns, rrtypes
from r53lite.dns.cookies import ServerCookies
from r53lite.dns.edns import Edns
from r53lite.dns.message import Query

IDLE_TIMEOUT_S = 10.0  # what `server.tcp` does unless told otherwise


class ClientOptions(NamedTuple):
    """What a server says of itself and of the client's cookie.

    `nsid` b"" stays unsaid; `cookies` None takes no notice of cookies; `is_cookie_required` demands a valid
    one of those who send one over UDP.
    """

    nsid: bytes = b""
    cookies: ServerCookies | None = None
    is_cookie_required: bool = False
    tcp_idle_timeout_s: float = IDLE_TIMEOUT_S

    def admit(self, query: Query, address: str, *, is_stream: bool, now: int) -> Query:
        """Return a query with what its reply's OPT record says beside the answer.

        Args:
            query: one with an OPT record.
            address: the client's address as text.
            is_stream: True for TCP.
            now: seconds since 1970.
        """
        assert query.edns is not None
        options, has_valid_cookie = self._encode(query.edns, address, is_stream=is_stream, now=now)
        is_demanded = (
            self.is_cookie_required
            and self.cookies is not None
            and bool(query.edns.cookie)
            and not has_valid_cookie
            and not is_stream
        )
        return query._replace(reply_options=options, is_cookie_demanded=is_demanded)

    def answer_cookie_query(self, asked: Edns | None, address: str, *, now: int) -> tuple[int, bytes]:
        """Return response code and options for a query without a question (RFC 7873 §5.4)."""
        if self.cookies is None or asked is None or not asked.cookie:
            return rrtypes.FORMERR, b""
        options, is_valid = self._encode(asked, address, is_stream=False, now=now)
        has_server_part = len(asked.cookie) > edns.CLIENT_COOKIE_BYTES
        return rrtypes.BADCOOKIE if has_server_part and not is_valid else rrtypes.NOERROR, options

    def _encode(self, asked: Edns, address: str, *, is_stream: bool, now: int) -> tuple[bytes, bool]:
        """Write the options; say whether the query's cookie is one of ours."""
        options, has_valid_cookie = b"", False
        if asked.cookie and self.cookies is not None:
            judgement = self.cookies.judge(asked.cookie, address, now)
            options = edns.encode_option(edns.OPTION_COOKIE, judgement.reply)
            has_valid_cookie = judgement.is_valid
        if asked.is_nsid_asked and self.nsid:
            options += edns.encode_option(edns.OPTION_NSID, self.nsid)
        if asked.is_keepalive_asked and is_stream:
            options += edns.encode_keepalive(self.tcp_idle_timeout_s)
        return options, has_valid_cookie
