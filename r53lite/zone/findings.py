"""What was found wrong while a zone was built, and where is it written?

Each fault stands at the file and line of the record or policy group that offends. Of very many only the first
are kept and the rest counted: a file that was pasted twice has as many duplicates as records.
"""

from __future__ import annotations

from typing import Protocol

from r53lite.errors import Fault
from r53lite.zone.node import PolicyGroup
from r53lite.zone.records import Item, RecordTable

MAX_FAULTS = 1000  # our choice


class PolicyGroupLike(PolicyGroup, Protocol):
    """A policy group, and where it was written."""

    @property
    def file(self) -> str:
        """Return the name of the file."""
        ...

    @property
    def line(self) -> int:
        """Return the line in the file, from 1."""
        ...


Culprit = Item | PolicyGroupLike


class Findings:
    """Errors and warnings of one zone."""

    def __init__(self, table: RecordTable, files: tuple[str, ...]) -> None:
        self._table = table
        self._files = files
        self._errors: list[Fault] = []
        self._warnings: list[Fault] = []
        self._more_errors = self._more_warnings = 0

    @property
    def has_errors(self) -> bool:
        """Say whether the zone is refused."""
        return bool(self._errors)

    @property
    def is_full(self) -> bool:
        """Say whether a further warning is only counted, so that nobody need word it."""
        return len(self._warnings) >= MAX_FAULTS

    def error(self, culprit: Culprit, reason: str) -> None:
        """Note what refuses the zone."""
        if len(self._errors) >= MAX_FAULTS:
            self._more_errors += 1
        else:
            self._errors.append(Fault(*self.place_of(culprit), reason))

    def error_in_zone(self, reason: str) -> None:
        """Note an error that no line can be blamed for."""
        self._errors.append(Fault(self._files[0] if self._files else "", 0, reason))

    def warn(self, culprit: Culprit, reason: str) -> None:
        """Note what is served all the same."""
        if self.is_full:
            self._more_warnings += 1
        else:
            self._warnings.append(Fault(*self.place_of(culprit), reason, is_error=False))

    def place_of(self, culprit: Culprit) -> tuple[str, int]:
        """Return the file and line of a record or policy group."""
        if isinstance(culprit, Item):
            return self._table.file_and_line(culprit.place)
        return culprit.file, culprit.line

    def faults(self) -> list[Fault]:
        """Return the errors, or the warnings where there is none, by file and line."""
        found = sorted(self._errors or self._warnings, key=lambda fault: (fault.file, fault.line))
        more = self._more_errors if self._errors else self._more_warnings
        if more:
            kind = "errors" if self._errors else "warnings"
            found.append(found[0]._replace(line=0, reason=f"{more} more {kind} of this zone are not shown"))
        return found
