# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen generate: rendered drivers on disk, or whether they are there already (--check)."""

from __future__ import annotations

import shlex
from argparse import Namespace

from vfiogen.commands.rendering import render_changes
from vfiogen.console import Console
from vfiogen.diagnostics import Problems, quote
from vfiogen.write import Changes, Kind, apply, report_obstacles

_VERBS: tuple[tuple[Kind, str], ...] = (
    ("created", "created"),
    ("changed", "changed"),
    ("stale", "removed"),
)


def run(arguments: Namespace, console: Console) -> int:
    """Write what the specs render to; nothing at all if any of them has a problem."""
    problems = Problems()
    changes = render_changes(arguments, problems)
    if arguments.check and not problems:
        return _check(changes, arguments, console)
    for directory in changes:
        report_obstacles(directory, problems, arguments.force)
    if problems:
        console.show(problems)
        return 1
    apply(changes)
    for directory in changes:
        console.say(f"{directory.shown}: {_summary(directory)}")
    return 0


def _check(changes: list[Changes], arguments: Namespace, console: Console) -> int:
    """Show what is stale, and the command that renews it."""
    stale = [directory for directory in changes if not directory.is_current]
    for directory in stale:
        for line in directory.diff():
            console.say(line)
    problems = Problems()
    for directory in stale:
        message = f"{quote(directory.shown)} is not what the specs render to"
        problems.report("output-stale", message, None, f"run {quote(_command(arguments))}")
    console.show(problems)
    return 1 if stale else 0


def _command(arguments: Namespace) -> str:
    """Return the command that writes what --check looked for."""
    words = ["vfiogen", "generate", *arguments.specs]
    for release in arguments.kernel or ():
        words += ["--kernel", release]
    for option, value in (("--kernel-dir", arguments.kernel_dir), ("--out", arguments.out)):
        words += [option, value] if value is not None else []
    return shlex.join(words)


def _summary(changes: Changes) -> str:
    if changes.is_current:
        return "up to date"
    counts = [(len(changes.of_kind(kind)), verb) for kind, verb in _VERBS]
    return ", ".join(f"{count} {verb}" for count, verb in counts if count) or "manifest renewed"
