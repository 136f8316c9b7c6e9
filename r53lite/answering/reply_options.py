"""Which options does a reply's OPT record hold because of who asks and how, whatever the answer is?

Cookie, NSID and TCP keepalive: none of them changes an answer, so none has a part in looking one up. Only a
server that demands cookies answers otherwise for lack of one: BADCOOKIE, with a good one, over UDP.

Carries out: RFC 5001 §2.2 (NSID if asked for and configured), RFC 7828 §3.3.2 (keepalive over TCP alone),
RFC 7873 §5.2 and §5.4, RFC 9018. Pure: the time is given.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from r53lite.dns import edns, rrtypes
from r53lite.dns.cookies import SERVER_COOKIE_BYTES, ServerCookies
from r53lite.dns.edns import CLIENT_COOKIE_BYTES, Edns
from r53lite.dns.message import Query
from r53lite.dns.wire_layout import HEADER_BYTES

COOKIE_REPLY_BYTES = CLIENT_COOKIE_BYTES + SERVER_COOKIE_BYTES
_CLIENT_COOKIE_HEAD = struct.pack("!HH", edns.OPTION_COOKIE, CLIENT_COOKIE_BYTES)
_WHOLE_COOKIE_HEAD = struct.pack("!HH", edns.OPTION_COOKIE, COOKIE_REPLY_BYTES)
_OPTION_HEAD_BYTES = 4
_COOKIE_OPTION_BYTES = _OPTION_HEAD_BYTES + COOKIE_REPLY_BYTES


class ClientOptions(NamedTuple):
    """What a server says of itself and of the client's cookie.

    `nsid` b"" stays unsaid; `cookies` None takes no notice of cookies; `is_cookie_required` demands a valid
    one of those who send one over UDP. `keepalive_100ms` is how long an idle TCP connection is kept.
    """

    nsid: bytes = b""
    cookies: ServerCookies | None = None
    is_cookie_required: bool = False
    keepalive_100ms: int = 100

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
        return Query(*query[:8], options, is_demanded)  # `_replace` costs twice as much

    def judge(self, cookie: bytes, address: str, *, is_stream: bool, now: int) -> bytes | None:
        """Return the content of the reply's COOKIE option; None where it decides what is answered."""
        if self.cookies is None:
            return None
        judgement = self.cookies.judge(cookie, address, now)
        is_fine = judgement.is_valid or is_stream or not self.is_cookie_required
        return judgement.reply if is_fine else None

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
            options += edns.encode_keepalive(self.keepalive_100ms)
        return options, has_valid_cookie


# --- requests that end in a cookie --------------------------------------------------------------------------


def cookie_tail(request: bytes) -> int:
    """Return how many octets at the end of a request look like a COOKIE option's content; 0 for none.

    `dig`, BIND and most resolvers end their requests in an OPT record with a cookie alone, so requests of one
    question differ in these octets, and replies in the cookie that ends them. Only what `ends_in_cookie`
    has confirmed for one request is kept for others with the same octets before the cookie.
    """
    if request[-12:-8] == _CLIENT_COOKIE_HEAD:
        return CLIENT_COOKIE_BYTES
    return COOKIE_REPLY_BYTES if request[-28:-24] == _WHOLE_COOKIE_HEAD else 0


def ends_in_cookie(query: Query, request: bytes) -> bool:
    """Say whether an OPT record with a cookie alone is all behind the question, and in the reply too."""
    tail = cookie_tail(request)
    whole_bytes = HEADER_BYTES + len(query.question) + edns.OPT_BYTES + _OPTION_HEAD_BYTES + tail
    return tail > 0 and len(request) == whole_bytes and len(query.reply_options) == _COOKIE_OPTION_BYTES
