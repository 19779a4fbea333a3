# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen explain: what a code means, with a wrong and a right example."""

from __future__ import annotations

from argparse import Namespace

from vfiogen.codes import codes, explain
from vfiogen.console import Console
from vfiogen.report import palette


def run(arguments: Namespace, console: Console) -> int:
    """Print one explanation, or the list of all codes."""
    if arguments.code is None:
        _list_all(console)
        return 0
    colours = palette(console.out, console.environment)
    explanation = explain(arguments.code)
    head = f"{colours.error}error[{explanation.code}]:{colours.reset}"
    console.say(f"{head} {colours.bold}{explanation.title}{colours.reset}\n")
    console.out.write(explanation.plain())
    return 0


def _list_all(console: Console) -> None:
    known = codes()
    width = max(map(len, known))
    for code in known:
        console.say(f"{code:{width}}  {explain(code).title}")
