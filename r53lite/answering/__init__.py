"""From a request's bytes to the reply's bytes.

    server.udp / server.tcp → dispatch.answer → wire.decode_query → access → catalog → zone.lookup →
    routing.select server.udp / server.tcp ← reply bytes     ← wire.encode_response ← authoritative.respond or
    recursive.resolve

`dispatch` is the one door for every transport; `authoritative` and `access` are pure, `recursive` awaits.
"""
