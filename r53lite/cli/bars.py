"""How do shares look as a picture? Bars in SVG, written by ourselves: text and rectangles are all it takes.

The picture is readable without colour, in light and dark surroundings, and the same for the same shares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, BAR_WIDTH, LEFT = 760, 400, 24
ROW, TOP, HEADING = 46, 62, 34
MAX_BARS = 100  # our choice: a page
MAX_LABEL = 96
_STYLE = (
    "text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#1f2328}"
    ".title{font-size:15px;font-weight:600}.heading{font-weight:600}.track{fill:#d8dee4}.bar{fill:#2f6fb7}.page{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.track{fill:#30363d}.bar{fill:#6aa5e8}.page{fill:#0d1117}}"
)


# What an XML document cannot hold, not even escaped (XML 1.0 §2.2).
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Bar(NamedTuple):
    """One share: what it is of, how many percent, and the same as a fraction."""

    label: str
    percent: float
    fraction: str


class Section(NamedTuple):
    """Shares that belong together, below a heading; the first section of a picture needs none."""

    heading: str
    bars: Sequence[Bar]


def draw_bars(title: str, sections: Sequence[Section]) -> str:
    """Return an SVG document with one bar for each share, in the order given."""
    parts: list[str] = []
    y, room = TOP, MAX_BARS
    for section in sections:
        if section.heading and room:
            parts.append(f'<text class="heading" x="{LEFT}" y="{y + 18}">{_text(section.heading)}</text>')
            y += HEADING
        for bar in section.bars[:room]:
            parts += _draw_bar(bar, y)
            y += ROW
        room -= len(section.bars[:room])
    left_out = sum(len(section.bars) for section in sections) - (MAX_BARS - room)
    if left_out:
        y += 24
        parts.append(f'<text x="{LEFT}" y="{y - 10}">and {left_out} more</text>')
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">',
        f"<title>{_escaped(title)}</title><style>{_STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{y}"/>',
        f'<text class="title" x="{LEFT}" y="32">{_text(title)}</text>',
    ]
    return "\n".join([*head, *parts, "</svg>", ""])


def _draw_bar(bar: Bar, y: int) -> list[str]:
    """Return the label, the track and the bar of one share."""
    width = BAR_WIDTH * min(max(bar.percent, 0.0), 100.0) / 100
    share = f"{bar.percent:.2f} %  {bar.fraction}"
    return [
        f'<text x="{LEFT}" y="{y + 12}">{_text(bar.label)}</text>',
        f'<rect class="track" x="{LEFT}" y="{y + 18}" width="{BAR_WIDTH}" height="14" rx="3"/>',
        f'<rect class="bar" x="{LEFT}" y="{y + 18}" width="{width:.2f}" height="14" rx="3"/>',
        f'<text x="{LEFT + BAR_WIDTH + 14}" y="{y + 30}">{_escaped(share)}</text>',
    ]


def _text(text: str) -> str:
    """Return text that fits on a line."""
    return _escaped(text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…")


def _escaped(text: str) -> str:
    """Return text as XML holds it; what it cannot hold becomes the replacement character."""
    return escape(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))
