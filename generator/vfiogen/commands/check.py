# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen check: all problems of the specs, for the kernels that they are rendered for."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from vfiogen import pipeline
from vfiogen.console import Console
from vfiogen.diagnostics import Problems
from vfiogen.project import find_project, find_specs, find_targets


def run(arguments: Namespace, console: Console) -> int:
    """Check specs without writing anything."""
    project = find_project(Path.cwd())
    targets = find_targets(project, arguments.kernel, arguments.kernel_dir)
    files = find_specs(project, arguments.specs)
    problems = Problems()
    specs = pipeline.load_specs(files, problems)
    for target in targets:
        pipeline.check_for(specs, target.kernel, problems)
    if problems or arguments.format != "human":
        console.show(problems, arguments.format)
    else:
        kernels = "".join(f", {target.directory}" for target in targets).removeprefix(", ")
        number = f"{len(specs)} spec{'s' if len(specs) != 1 else ''}"
        console.say(f"{number}, no problems" + (f" ({kernels})" if kernels else ""))
    return 1 if problems else 0
