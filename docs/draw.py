# SPDX-License-Identifier: GPL-2.0-only
"""Draws docs/path.svg: the way from a spec to a module. The same input gives the same bytes.

What the boxes and arrows look like is vfiogen's own, which draws the pictures of `vfiogen doc` with it.
"""

from __future__ import annotations

from pathlib import Path

from vfiogen.doc.svg import Arrow, Box, Label, draw, draw_arrow, draw_box, draw_label

WIDTH, HEIGHT = 960, 324

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
LABELS = (Label(268, 38, "vfiogen"), Label(652, 270, "headers"), Label(506, 236, "its API"))


def draw_path() -> str:
    """Return the picture as SVG."""
    parts = [
        '<rect class="frame" x="230" y="20" width="430" height="186" rx="8"/>',
        *map(draw_arrow, ARROWS),
        *map(draw_box, BOXES),
        *map(draw_label, LABELS),
    ]
    title = "From a spec through vfiogen to C that is reviewed and a kernel module"
    return draw((WIDTH, HEIGHT), title, parts)


if __name__ == "__main__":
    Path(__file__).with_name("path.svg").write_text(draw_path(), encoding="utf-8")
