"""Which fixed fields and limits does a message have? (RFC 1035 §4.1)"""

from __future__ import annotations

import struct

HEADER_BYTES = 12
MAX_MESSAGE_BYTES = 65535  # RFC 1035 §4.2.2: the length field of TCP
MAX_POINTER = 0x3FFF  # RFC 1035 §4.1.4: 14 bits of offset
HEADER = struct.Struct("!HHHHHH")  # id, flags, and the counts of the four sections
FIXED = struct.Struct("!HHIH")  # of a record, after its owner: type, class, TTL, rdata length
TYPE_CLASS = struct.Struct("!HH")  # of a question, after its name
