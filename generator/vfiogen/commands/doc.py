# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen doc: what a reviewer wants to know of a driver's migration, with pictures."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from vfiogen import pipeline
from vfiogen.console import Console
from vfiogen.diagnostics import Problems, VfiogenError, quote
from vfiogen.doc.page import document
from vfiogen.pipeline import LoadedSpec
from vfiogen.project import find_project, find_specs


def run(arguments: Namespace, console: Console) -> int:
    """Print the pages, or write them with their pictures; nothing if a spec has a problem."""
    problems = Problems()
    specs = pipeline.load_specs(find_specs(find_project(Path.cwd()), arguments.specs), problems)
    if problems:
        console.show(problems)
        return 1
    if arguments.out is None:
        pages = [document(spec.model, spec.owner, illustrated=False).page for spec in specs]
        console.out.write("\n".join(pages))
        return 0
    for spec in specs:
        for path in _write(spec, Path(arguments.out)):
            console.say(str(path))
    return 0


def _write(spec: LoadedSpec, directory: Path) -> list[Path]:
    """Write a page and its pictures; return their paths."""
    made = document(spec.model, spec.owner)
    files = {f"{spec.directory}.rst": made.page, **made.pictures}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{quote(str(directory))} can't be written: {error.strerror}"
        raise VfiogenError("output-unwritable", message) from error
    return [directory / name for name in files]
