# SPDX-License-Identifier: GPL-2.0-only
"""Boxes, arrows and words as SVG. The same input gives the same bytes. A leaf: imports nothing of the rooms.

Boxes are light with dark words in any mode; lines and words outside of boxes follow the reader's mode.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from vfiogen.records import Value

STYLE = """
text { font-family: sans-serif; font-size: 12px; fill: #1f2328; text-anchor: middle }
.name { font-family: monospace; font-size: 13px }
.word { font-size: 13px; font-weight: bold }
.small { fill: #59636e }
.outside { fill: #59636e }
rect { fill: #ffffff; stroke: #59636e; stroke-width: 1.2 }
.input { fill: #ddf4ff; stroke: #0969da }
.output { fill: #dafbe1; stroke: #1a7f37 }
.problem { fill: #ffebe9; stroke: #cf222e }
.optional { stroke-dasharray: 5 3 }
.frame { fill: none; stroke: #848d97; stroke-width: 1 }
path { fill: none; stroke: #6e7781; stroke-width: 1.4 }
.head { fill: #6e7781; stroke: none }
@media (prefers-color-scheme: dark) {
.outside { fill: #b1bac4 }
path { stroke: #b1bac4 }
.head { fill: #b1bac4 }
}
""".strip()

# How wide a character is at the most: of a name; of any other text, and a wide one of it.
NAME_WIDTH, TEXT_WIDTH, _WIDE = 8.0, 6.6, 8.6


def text_width(text: str) -> int:
    """Return how wide a text is at the most that isn't a name."""
    return int(sum(_WIDE if char.isupper() or char in "mw=~%…" else TEXT_WIDTH for char in text)) + 1


class Box(Value):
    """A box with one line or more in it; the first is its name, `kind` the class of its colours."""

    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]
    kind: str = ""
    name: str = "name"

    @property
    def center(self) -> tuple[int, int]:
        """The middle of the box."""
        return self.x + self.width // 2, self.y + self.height // 2


class Arrow(Value):
    """A line along points, with a head at its last one; the last stretch runs along an axis."""

    points: tuple[tuple[int, int], ...]
    kind: str = ""


class Label(Value):
    """Words outside of boxes; `anchor` is the end of them that is at `x`: start, middle or end."""

    x: int
    y: int
    text: str
    anchor: str = "middle"


def draw(size: tuple[int, int], title: str, parts: Iterable[str], more_style: str = "") -> str:
    """Return a picture of parts, one over the other; `title` says what it shows to those who don't see it."""
    width, height = size
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="img" aria-labelledby="title">',
        f'<title id="title">{escape(title)}</title>',
        f"<style>\n{STYLE}\n{more_style}</style>",
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def draw_box(box: Box) -> str:
    """Return a box with its lines."""
    x, middle = box.center
    first = middle + 5 - 9 * (len(box.lines) - 1)
    kind = f' class="{box.kind}"' if box.kind else ""
    out = [f'<rect{kind} x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="5"/>']
    for at, line in enumerate(box.lines):
        style = "small" if at else box.name
        out.append(f'<text class="{style}" x="{x}" y="{first + 18 * at}">{escape(line)}</text>')
    return "\n".join(out)


def draw_label(label: Label) -> str:
    """Return words outside of boxes."""
    anchor = "" if label.anchor == "middle" else f' style="text-anchor: {label.anchor}"'
    return f'<text class="outside" x="{label.x}" y="{label.y}"{anchor}>{escape(label.text)}</text>'


def draw_arrow(arrow: Arrow) -> str:
    """Return a line and its head."""
    points = " L ".join(f"{x} {y}" for x, y in arrow.points)
    kind = f' class="{arrow.kind}"' if arrow.kind else ""
    return f'<path{kind} d="M {points}"/>\n{_head(*arrow.points[-2:])}'


def _head(before: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), size = end, 4
    along = (_sign(x - before[0]), _sign(y - before[1]))
    back = (x - 2 * size * along[0], y - 2 * size * along[1])
    side = (size * along[1], size * along[0])
    corners = (end, (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1]))
    return f'<polygon class="head" points="{" ".join(f"{a},{b}" for a, b in corners)}"/>'


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
