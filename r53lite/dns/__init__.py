"""Names, records and messages: the wire protocol as pure functions on bytes (RFC 1035, 3597, 6891).

name, rrtypes ← rrset ← message, edns ← wire; `presentation` is the border between text and wire form.
Pure: no socket, clock, chance or file.
"""
