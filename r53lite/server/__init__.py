"""Sockets and life cycle: bytes in, bytes out, start and stop."""
