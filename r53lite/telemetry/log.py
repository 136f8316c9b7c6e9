"""How does a process write its log? One line per event on standard error: time, level, logger, message.

Every module takes its own logger (`logging.getLogger("r53lite.room")`); only a command calls `setup_logging`:
importing the package changes nothing.
"""

from __future__ import annotations

import logging

LINE_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def setup_logging(level: str) -> None:
    """Send the log of the process to standard error, in place of what was set up before.

    Args:
        level: least level that is written, a name such as `info` in any letter case.

    Raises:
        ValueError: no level has this name.
    """
    logging.basicConfig(level=level.upper(), format=LINE_FORMAT, force=True)
