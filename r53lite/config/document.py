"""What did a person write in a YAML file, and on which line?

`Scalar`, `Sequence` and `Mapping` are a YAML document as values that keep their line. `Reader` takes typed
values out of a mapping and collects a `Fault` for everything that is not as expected: wrong kind, out of
range, unknown key (with the nearest right one), repeated key. Nothing here raises for what a person wrote;
the caller asks the collector at the end.

Pure: `config.yaml_file` makes these values from a file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeVar

from r53lite.errors import Faults

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
T = TypeVar("T")

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?")
_FLAG = re.compile("true|false", re.IGNORECASE)


class Scalar:
    """A plain value: None, bool, int, float or str as YAML resolved it, and its source text."""

    __slots__ = ("line", "text", "value")

    def __init__(self, line: int, value: object, text: str) -> None:
        self.line = line
        self.value = value
        self.text = text


class Sequence:
    """A list of nodes."""

    __slots__ = ("items", "line")

    def __init__(self, line: int, items: list[Node]) -> None:
        self.line = line
        self.items = items


class Mapping:
    """Keys (text) to nodes; `key_lines` has the line of each key, `repeated` the keys that came again."""

    __slots__ = ("entries", "key_lines", "line", "repeated")

    def __init__(self, line: int) -> None:
        self.line = line
        self.entries: dict[str, Node] = {}
        self.key_lines: dict[str, int] = {}
        self.repeated: list[tuple[str, int]] = []


Node = Scalar | Sequence | Mapping


def kind_of(node: Node) -> str:
    """Name a node's kind in words a user knows, for messages."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar():
            return f"{node.text!r}"


class Reader:
    """Takes typed values out of one mapping; `path` names it in messages (`records[2].sets[0]`).

    Every getter returns the value, or `default` after noting a fault. `finish` notes unknown and repeated
    keys: call it once after the last getter. What is no mapping is one fault, and none of its keys is missed.

    Args:
        node: the mapping; None reads as empty.
        path: see above; empty for the whole document.
        faults: takes every fault.
        line: where the mapping would stand, for the faults of one that is not there.
    """

    def __init__(self, node: Node | None, path: str, faults: Faults, line: int = 0) -> None:
        self.path = path
        self.faults = faults
        self._known: set[str] = set()
        self._is_refused = node is not None and not isinstance(node, Mapping)
        if node is not None and not isinstance(node, Mapping):
            faults.error(node.line, f"{path or 'the document'} is {kind_of(node)}; expected a mapping")
            node = None
        self.mapping = node if node is not None else Mapping(0)
        self.line = self.mapping.line
        self._place = self.line or line

    def at(self, key: str) -> str:
        """Return the path of a key in this mapping."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Say whether the key was written (and mark it as known)."""
        self._known.add(key)
        return key in self.mapping.entries

    def line_of(self, key: str) -> int:
        """Return the line of a key, or of the mapping where the key is missing."""
        return self.mapping.key_lines.get(key, self._place)

    def node(self, key: str, *, required: bool = False) -> Node | None:
        """Return the node of a key; a missing or null one is None, and a fault when it is required."""
        self._known.add(key)
        node = self.mapping.entries.get(key)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            if required and not self._is_refused:
                self.faults.error(self.line_of(key), f"{self.path or 'the document'} has no {key!r}")
            return None
        return node

    def _take(
        self,
        key: str,
        required: bool,
        default: T,
        expected: str,
        convert: Callable[[Node], T | None],
        explain: Callable[[str], str] = lambda _text: "",
    ) -> T:
        """Return a converted value; `explain` may add to the fault what would have been right."""
        node = self.node(key, required=required)
        if node is None:
            return default
        try:
            value = convert(node)
        except ValueError:
            value = None
        if value is None:
            hint = explain(node.value) if isinstance(node, Scalar) and isinstance(node.value, str) else ""
            self.faults.error(node.line, f"{self.at(key)} is {kind_of(node)}; expected {expected}{hint}")
            return default
        return value

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """Return text; numbers and booleans count as their source text."""
        return self._take(
            key, required, default, "text", lambda node: node.text if isinstance(node, Scalar) else None
        )

    def choice(self, key: str, choices: tuple[str, ...], default: str = "", *, required: bool = False) -> str:
        """Return text that is one of `choices`."""
        return self._take(
            key,
            required,
            default,
            f"one of {', '.join(choices)}",
            lambda node: node.text if isinstance(node, Scalar) and node.text in choices else None,
            lambda text: _nearest(text, choices),
        )

    def integer(
        self,
        key: str,
        default: int = 0,
        *,
        minimum: int = 0,
        maximum: int = 2**31 - 1,
        required: bool = False,
    ) -> int:
        """Return a whole number within the limits (booleans are not numbers)."""

        def convert(node: Node) -> int | None:
            value = node.value if isinstance(node, Scalar) else None
            is_fine = isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum
            return value if is_fine else None  # type: ignore[return-value]  # is_fine implies int

        expected = f"a whole number from {minimum} to {maximum}"
        return self._take(key, required, default, expected, convert, _unquoting(_WHOLE))

    def number(self, key: str, default: float = 0.0, *, minimum: float, maximum: float) -> float:
        """Return a number within the limits."""

        def convert(node: Node) -> float | None:
            value = node.value if isinstance(node, Scalar) else None
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            return float(value) if minimum <= value <= maximum else None

        expected = f"a number from {minimum:g} to {maximum:g}"
        return self._take(key, False, default, expected, convert, _unquoting(_NUMBER))

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""

        def convert(node: Node) -> bool | None:
            return node.value if isinstance(node, Scalar) and isinstance(node.value, bool) else None

        return self._take(key, False, default, "true or false", convert, _unquoting(_FLAG))

    def address(self, key: str, *, required: bool = False) -> Address | None:
        """Return an IP address."""
        return self._take(key, required, None, "an IP address", lambda node: ip_address(_scalar_text(node)))

    def items(self, key: str, *, required: bool = False) -> list[Node]:
        """Return the nodes of a list; a missing one is empty."""
        node = self.node(key, required=required)
        if node is None:
            return []
        if not isinstance(node, Sequence):
            self.faults.error(node.line, f"{self.at(key)} is {kind_of(node)}; expected a list")
            return []
        return node.items

    def texts(self, key: str, *, required: bool = False) -> list[Scalar]:
        """Return a list of scalars (each keeps its line)."""
        found = []
        for index, node in enumerate(self.items(key, required=required)):
            if isinstance(node, Scalar) and node.value is not None:
                found.append(node)
            else:
                self.faults.error(node.line, f"{self.at(key)}[{index}] is {kind_of(node)}; expected text")
        return found

    def networks(self, key: str, default: tuple[Network, ...] = ()) -> tuple[Network, ...]:
        """Return a list of networks in CIDR form."""
        if self.node(key) is None:
            return default
        found: list[Network] = []
        for scalar in self.texts(key):
            try:
                found.append(ip_network(scalar.text))
            except ValueError as error:
                self.faults.error(
                    scalar.line, f"{self.at(key)} holds {scalar.text!r}; expected a network ({error})"
                )
        return tuple(found)

    def child(self, key: str) -> Reader:
        """Return a reader for a mapping inside this one; a missing one reads as empty."""
        return Reader(self.node(key), self.at(key), self.faults, self.line_of(key))

    def children(self, key: str) -> Iterator[tuple[str, int, Node]]:
        """Yield (key, line, node) of a mapping inside this one, for mappings whose keys are the user's own
        names.
        """
        node = self.node(key)
        if node is None:
            return
        if not isinstance(node, Mapping):
            self.faults.error(node.line, f"{self.at(key)} is {kind_of(node)}; expected a mapping")
            return
        for name, line in node.repeated:
            self.faults.error(line, f"{self.at(key)} has {name!r} twice")
        for name, child in node.entries.items():
            yield name, node.key_lines[name], child

    def finish(self) -> None:
        """Note unknown keys (with the nearest known one) and repeated keys."""
        for key, line in self.mapping.key_lines.items():
            if key not in self._known:
                near = difflib.get_close_matches(key, sorted(self._known), 1, 0.5)
                hint = (
                    f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(self._known))}"
                )
                self.faults.error(line, f"unknown key {self.at(key)!r}{hint}")
        for key, line in self.mapping.repeated:
            self.faults.error(line, f"{self.at(key)!r} is written twice")


def _nearest(text: str, choices: tuple[str, ...]) -> str:
    """Return a hint at what was probably meant, in whichever letters; empty where nothing is near."""
    by_small_letters = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(text.lower(), by_small_letters, 1, 0.7)
    return f"; did you mean {by_small_letters[near[0]]!r}?" if near else ""


def _unquoting(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """Return what explains that text would be a value of another kind if it were not in quotes."""
    return lambda text: ", got text; leave the quotes out" if pattern.fullmatch(text) else ""


def _scalar_text(node: Node) -> str:
    """Return a scalar's text, or text that no parser accepts."""
    return node.text if isinstance(node, Scalar) else ""
