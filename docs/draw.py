# SPDX-License-Identifier: GPL-2.0-only
"""Draws docs/path.svg: the way from a spec to a module. The same input gives the same bytes.

Boxes are light with dark words in any mode; lines and words outside of boxes follow the reader's mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 960, 324

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


@dataclass(frozen=True)
class Box:
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


@dataclass(frozen=True)
class Arrow:
    """A line along points, with a head at its last one."""

    points: tuple[tuple[int, int], ...]
    kind: str = ""


STAGES = tuple(
    Box(239 + 70 * at, 99, 60, 40, (word,), name="word")
    for at, word in enumerate(("load", "model", "check", "plan", "render", "write"))
)
BOXES = (
    Box(16, 20, 176, 54, ("specs/edu/*.c", "hand-written C, if any"), "input optional"),
    Box(16, 92, 176, 54, ("specs/edu/edu.yaml", "what the device is"), "input"),
    *STAGES,
    Box(239, 160, 60, 30, ("schema",)),
    Box(509, 160, 80, 30, ("templates",)),
    Box(232, 250, 168, 54, ("problems", "with place and hint"), "problem", "word"),
    Box(412, 250, 196, 54, ("kernel", "a release, or a tree's headers"), "input", "word"),
    Box(
        696,
        76,
        248,
        86,
        ("out/<kernel>/edu/", "main.c, Kconfig, Makefile", "committed, reviewed as a diff"),
        "output",
    ),
    Box(696, 250, 80, 54, ("kbuild",), name="word"),
    Box(808, 250, 136, 54, ("edu-vfio-pci.ko",), "output"),
)
ARROWS = (
    Arrow(((192, 47), (619, 47), (619, 99)), "optional"),
    Arrow(((192, 119), (239, 119))),
    *(Arrow(((one.x + 60, 119), (one.x + 70, 119))) for one in STAGES[:-1]),
    Arrow(((269, 160), (269, 139))),
    Arrow(((549, 160), (549, 139))),
    Arrow(((392, 139), (392, 226), (316, 226), (316, 250))),
    Arrow(((426, 250), (426, 139))),
    Arrow(((479, 250), (479, 139))),
    Arrow(((649, 119), (696, 119))),
    Arrow(((736, 162), (736, 250))),
    Arrow(((608, 277), (696, 277))),
    Arrow(((776, 277), (808, 277))),
)
LABELS = ((268, 38, "vfiogen"), (652, 270, "headers"), (506, 236, "its API"))


def draw_path() -> str:
    """Return the picture as SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title">',
        '<title id="title">From a spec through vfiogen to C that is reviewed and a kernel module</title>',
        f"<style>\n{STYLE}\n</style>",
        '<rect class="frame" x="230" y="20" width="430" height="186" rx="8"/>',
        *(_arrow(arrow) for arrow in ARROWS),
        *(_box(box) for box in BOXES),
        *(f'<text class="outside" x="{x}" y="{y}">{escape(text)}</text>' for x, y, text in LABELS),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _box(box: Box) -> str:
    x, middle = box.center
    first = middle + 5 - 9 * (len(box.lines) - 1)
    kind = f' class="{box.kind}"' if box.kind else ""
    out = [f'<rect{kind} x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="5"/>']
    for at, line in enumerate(box.lines):
        style = "small" if at else box.name
        out.append(f'<text class="{style}" x="{x}" y="{first + 18 * at}">{escape(line)}</text>')
    return "\n".join(out)


def _arrow(arrow: Arrow) -> str:
    points = " L ".join(f"{x} {y}" for x, y in arrow.points)
    kind = f' class="{arrow.kind}"' if arrow.kind else ""
    return f'<path{kind} d="M {points}"/>\n{_head(*arrow.points[-2:])}'


def _head(before: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the head of an arrow that runs along an axis."""
    (x, y), size = end, 4
    along = (_sign(x - before[0]), _sign(y - before[1]))
    back = (x - 2 * size * along[0], y - 2 * size * along[1])
    side = (size * along[1], size * along[0])
    corners = (end, (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1]))
    return f'<polygon class="head" points="{" ".join(f"{a},{b}" for a, b in corners)}"/>'


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


if __name__ == "__main__":
    Path(__file__).with_name("path.svg").write_text(draw_path(), encoding="utf-8")
