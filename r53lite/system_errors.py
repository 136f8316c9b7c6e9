"""Why did the system refuse something? In its own plain words, for messages that people read.

Python's texts have the number of the error and often the name of the file, which a fault has anyway.
"""

from __future__ import annotations

import os


def reason_of(error: OSError) -> str:
    """Word an error of the system: `no such file or directory`."""
    if (
        error.errno is not None and error.errno > 0
    ):  # those below are of name look-ups, with texts of their own
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error) or type(error).__name__).lower()
