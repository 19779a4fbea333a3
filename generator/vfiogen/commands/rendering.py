# SPDX-License-Identifier: GPL-2.0-only
"""What generate and diff share: from arguments to what would change on disk."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from vfiogen import manifest, pipeline
from vfiogen.diagnostics import Problems
from vfiogen.pipeline import LoadedSpec, RenderedFile
from vfiogen.project import Target, find_project, find_specs, require_targets
from vfiogen.write import Changes, compare, other_drivers


def load_checked(
    arguments: Sequence[str], targets: Sequence[Target], problems: Problems, may_lack: bool = False
) -> list[LoadedSpec]:
    """Return the specs that arguments name, checked for every kernel."""
    specs = pipeline.load_specs(find_specs(find_project(Path.cwd()), arguments, may_lack), problems)
    for target in targets:
        pipeline.check_for(specs, target.kernel, problems)
    return specs


def render_changes(arguments: Namespace, problems: Problems) -> list[Changes]:
    """Return what the output directories would become, one for each kernel.

    Nothing is rendered if a spec has a problem. Uses `specs`, `kernel`, `kernel_dir` and `out`.
    """
    project = find_project(Path.cwd())
    targets = require_targets(project, arguments.kernel, arguments.kernel_dir)
    out = Path(arguments.out) if arguments.out else Path(os.path.relpath(project.root / "out"))
    # Whoever removes the last spec wants its output to go too.
    leftovers = any((out / target.directory / manifest.NAME).exists() for target in targets)
    specs = load_checked(arguments.specs, targets, problems, may_lack=leftovers)
    if problems:
        return []
    present = [pipeline.check_for(specs, target.kernel, problems) for target in targets]
    owners = {spec.owner for spec in specs} if arguments.specs else None
    return [
        changes_for(out / target.directory, target, some, owners)
        for target, some in zip(targets, present, strict=True)
    ]


def changes_for(directory: Path, target: Target, specs: list[LoadedSpec], owners: set[str] | None) -> Changes:
    """Return what the drivers of one kernel would change; other drivers stay listed."""
    shown = str(directory)
    drivers = {spec.owner: spec.entry for spec in specs}
    others = {} if owners is None else other_drivers(directory, shown, owners)
    listed = (*others.values(), *drivers.values())
    top = pipeline.render_top(listed)
    files = pipeline.render_specs(specs, target.kernel)
    files += [RenderedFile(PurePosixPath(name), data, "") for name, data in top.items()]
    return compare(directory, shown, files, drivers, owners)
