"""What stands in for the names outside a zone that aliases lead to, such as load balancers and buckets?

Reads `targets`: a pattern of names to an address, a name, or a list of them. `*` in a pattern stands for any
run of characters, dots too, so that `*.elb.amazonaws.com` is for every load balancer in every region. Of
several patterns that match, the one with the most characters besides `*` counts, and of equals the first. As
a name, `*` stands for the outside name itself: the server then resolves what the alias says. Pure.

Source: docs/route53/alias-trees.md §3.1 `[INF]`; the form is our choice.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple

from r53lite.config.document import Node, Reader, Scalar, Sequence
from r53lite.dns.name import format_name, parse_name
from r53lite.dns.rrtypes import ADDRESS_OCTETS
from r53lite.errors import NameSyntaxError

ITSELF = "*"
_PATTERN = re.compile(r"[A-Za-z0-9_*.-]+")
_HOST = re.compile(r"[A-Za-z0-9_.-]+")


class TargetRule(NamedTuple):
    """One entry of `targets`.

    `pattern` is in lower case without a final dot; `addresses` are packed, 4 or 16 octets; `names` are wire
    names, an empty one is the outside name itself.
    """

    pattern: str
    addresses: tuple[bytes, ...] = ()
    names: tuple[bytes, ...] = ()

    def addresses_of(self, rrtype: int) -> tuple[bytes, ...]:
        """Return the addresses of one type, A or AAAA."""
        octets = ADDRESS_OCTETS[rrtype]
        return tuple(address for address in self.addresses if len(address) == octets)


def rule_for(rules: tuple[TargetRule, ...], owner: bytes) -> TargetRule | None:
    """Return the rule that is for an outside name, or None."""
    text = format_name(owner).rstrip(".").lower()
    matching = [rule for rule in rules if _matches(rule.pattern, text)]
    return max(matching, key=lambda rule: len(rule.pattern.replace("*", "")), default=None)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def read_targets(root: Reader) -> tuple[TargetRule, ...]:
    """Read the key `targets` of a settings file; its `faults` take every fault with its line."""
    rules: dict[str, TargetRule] = {}
    for key, line, node in root.children("targets"):
        pattern = key.rstrip(".").lower()
        if _PATTERN.fullmatch(pattern) is None:
            expected = "expected a name in which '*' stands for any characters"
            root.faults.error(line, f"{root.at('targets')} has {key!r}; {expected}")
        elif pattern in rules:
            root.faults.error(line, f"{root.at('targets')} has {key!r} twice")
        rules[pattern] = _read_rule(root, pattern, node)
    return tuple(rules.values())


def _read_rule(root: Reader, pattern: str, node: Node) -> TargetRule:
    where = f"{root.at('targets')}.{pattern}"
    items = node.items if isinstance(node, Sequence) else [node]
    if not items:
        root.faults.error(node.line, f"{where} is empty; expected addresses or names")
    addresses: list[bytes] = []
    names: list[bytes] = []
    for item in items:
        if not isinstance(item, Scalar) or not item.text:
            root.faults.error(item.line, f"{where}: expected an address or a name, or a list of them")
            continue
        try:
            addresses.append(ip_address(item.text).packed)
        except ValueError:
            try:
                names.append(b"" if item.text == ITSELF else _read_name(item.text))
            except NameSyntaxError as error:
                root.faults.error(item.line, f"{where}: {error}")
    return TargetRule(pattern, tuple(addresses), tuple(names))


def _read_name(text: str) -> bytes:
    """Return the name that stands in for another.

    Raises:
        NameSyntaxError: it is no name of a host, as a mistyped address is none (RFC 1123 §2.1).
    """
    name = parse_name(text)
    if _HOST.fullmatch(text) is None or text.rstrip(".").rpartition(".")[2].isdigit():
        raise NameSyntaxError(f"{text!r} is neither an address nor the name of a host")
    return name
