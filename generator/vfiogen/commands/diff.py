# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen diff: what `vfiogen generate` would change."""

from __future__ import annotations

from argparse import Namespace

from vfiogen.commands.rendering import render_changes
from vfiogen.console import Console
from vfiogen.diagnostics import Problems
from vfiogen.report import Palette, palette


def run(arguments: Namespace, console: Console) -> int:
    """Print a unified diff from what is on disk to what would be written; 1 if there is any."""
    problems = Problems()
    changes = render_changes(arguments, problems)
    if problems:
        console.show(problems)
        return 1
    colours = palette(console.out, console.environment)
    lines = [line for directory in changes for line in directory.diff()]
    for line in lines:
        console.say(_coloured(line, colours))
    return 1 if lines else 0


def _coloured(line: str, colours: Palette) -> str:
    if line.startswith(("--- ", "+++ ")):
        colour = colours.bold
    elif line.startswith("@@"):
        colour = colours.hunk
    else:
        colour = {"+": colours.added, "-": colours.removed}.get(line[:1], "")
    return f"{colour}{line}{colours.reset}" if colour else line
