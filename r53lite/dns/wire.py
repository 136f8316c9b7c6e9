"""The codec's front: how messages become bytes, and bytes messages.

Our own code, on bytes. Three users: the server (`decode_query`, `encode_response` and its parts,
`encode_error` and `read_edns`), the resolver (`encode_query`, `decode_message`), and tools and tests
(`encode_message`).
"""

from r53lite.dns.error_reply import encode_error, read_edns
from r53lite.dns.wire_layout import MAX_MESSAGE_BYTES
from r53lite.dns.wire_reader import decode_message, decode_query
from r53lite.dns.wire_writer import (
    Encoded,
    encode_message,
    encode_query,
    encode_reply_opt,
    encode_response,
    encode_sections,
)

__all__ = [
    "MAX_MESSAGE_BYTES",
    "Encoded",
    "decode_message",
    "decode_query",
    "encode_error",
    "encode_message",
    "encode_query",
    "encode_reply_opt",
    "encode_response",
    "encode_sections",
    "read_edns",
]
