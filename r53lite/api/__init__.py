"""The HTTP port: what programs ask a running server. Meets the DNS side only through callables handed in."""
