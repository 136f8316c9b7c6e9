"""The mini-internet: root, TLD and authoritative servers, a resolver and web backends in one process."""
