"""How many files may this process have open?

Each TCP connection, probe and upstream query holds a descriptor. Systems start a process with a soft limit
of 256 (macOS) or 1024 (most Linux shells), kept that low for programs that use select(2), which we do not,
and let it raise the limit to a hard one by itself (getrlimit(2)).
"""

from __future__ import annotations

import resource

WANTED_DESCRIPTORS = (
    65536  # our choice: 1,000 connections, 2,000 upstream queries and 500 probes, many times over
)


def raise_descriptor_limit(wanted: int = WANTED_DESCRIPTORS) -> int:
    """Raise the soft limit of open files towards the hard one; never lower it.

    For a command to call once, since the limit is the process's and a process may hold several servers.

    Returns:
        The soft limit that holds now. Where the system refuses, it is the old one: a server can live with it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if target <= soft:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    except (OSError, ValueError):  # macOS: a hard limit above kern.maxfilesperproc cannot be had
        return soft
    return target
