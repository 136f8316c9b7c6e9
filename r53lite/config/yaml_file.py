"""How is a YAML file read so that each value keeps its line?

pyyaml's safe C loader composes the node graph (marks included); this module turns it into `config.document`
values with the standard safe constructors for scalars. Anchors and merge keys are refused: a file that a
person diagnoses by line must not have values that come from elsewhere, and an alias bomb must not expand (our
choice).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import yaml

from r53lite.config.document import Mapping, Node, Scalar, Sequence
from r53lite.config.text_file import read_text
from r53lite.errors import Faults

_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
# What libyaml refuses without telling the line (YAML 1.1 §5.1): control characters.
_NOT_YAML = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Item = TypeVar("Item")
MAX_DEPTH = 32  # our choice: the deepest file format nests 6 levels


def read_yaml(path: Path, faults: Faults) -> Node | None:
    """Read one YAML document; None when it is empty or has faults (then noted in `faults`)."""
    text = read_text(path, faults)
    return None if text is None else parse_yaml(text, faults)


def parse_yaml(text: str, faults: Faults) -> Node | None:
    """Parse one YAML document from text; None when it is empty or has faults (then noted in `faults`)."""
    if (fault := _structural_fault(text)) is not None:
        faults.error(*fault)
        return None
    loader = yaml.CSafeLoader(text)
    try:
        root = loader.get_single_node()
        return None if root is None else _convert(root, loader, faults, 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        faults.error(mark.line + 1 if mark else 0, f"not valid YAML: {error.problem or error.context}")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        faults.error(*_unmarked_fault(text, error))
    finally:
        loader.dispose()
    return None


def _structural_fault(text: str) -> tuple[int, str] | None:
    """Return line and reason if the text has an alias, or collections in each other deeper than any of our
    formats has them, for which libyaml would run out of the process's stack.

    The parser's events come one by one, whatever the depth; a fault of syntax is left to the reading proper.
    """
    depth = 0
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    return _line_of(event), f"not valid YAML: nested deeper than {MAX_DEPTH} levels"
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.AliasEvent):
                return _line_of(event), f"alias '*{event.anchor}' is not supported; write its value out"
    except (yaml.YAMLError, ValueError):
        return None
    finally:
        loader.dispose()
    return None


def _line_of(event: yaml.Event) -> int:
    return 0 if event.start_mark is None else event.start_mark.line + 1


def _unmarked_fault(text: str, error: Exception) -> tuple[int, str]:
    """Return line and reason of an error that does not say where it is: as far as known, a character's."""
    found = _NOT_YAML.search(text)
    if found is not None:
        line = len((text[: found.start()] + ".").splitlines())
        return line, f"not valid YAML: character U+{ord(found[0]):04X} cannot stand in a YAML file"
    return 0, f"not valid YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}"


def _convert(node: yaml.Node, loader: yaml.CSafeLoader, faults: Faults, depth: int) -> Node:
    line = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels (or an anchor that holds itself)")
    if isinstance(node, yaml.SequenceNode):
        return Sequence(line, [_convert(item, loader, faults, depth + 1) for item in _taken(node.value)])
    if isinstance(node, yaml.MappingNode):
        mapping = Mapping(line)
        for key_node, value_node in _taken(node.value):
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                faults.error(key_line, "a key must be plain text")
                continue
            key = key_node.value
            if key in mapping.entries:
                mapping.repeated.append((key, key_line))
                continue
            mapping.entries[key] = _convert(value_node, loader, faults, depth + 1)
            mapping.key_lines[key] = key_line
        return mapping
    try:
        value = loader.construct_object(node)
        loader.constructed_objects.clear()  # meant for aliases; it would keep every node
    except (yaml.YAMLError, ValueError, AttributeError, KeyError, TypeError):  # a tag on what does not fit it
        faults.error(line, f"cannot read the value {node.value!r}")
        value = node.value
    if isinstance(value, int) and not isinstance(value, bool) and not _DECIMAL.fullmatch(node.value):
        value = node.value  # YAML 1.1 reads 010 as 8, 1:30 as 90 and 1_0 as 10: nobody means that here
    return Scalar(line, value, node.value)


def _taken(items: list[Item]) -> Iterator[Item]:
    """Yield the items of a list from the front and let go of each: a graph of nodes that is freed in one go
    holds every other thread up, for 120 ms with 20,000 record sets. No node comes twice: aliases are refused.
    """
    items.reverse()
    while items:
        yield items.pop()
