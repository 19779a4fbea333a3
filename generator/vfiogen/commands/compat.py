# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen compat: whether migration data of one driver loads in another."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path

from vfiogen import pipeline
from vfiogen.compat import LOADS, MISREAD, NOTHING, PARENT, REFUSED, UNSURE, Comparison, compare
from vfiogen.console import Console
from vfiogen.diagnostics import Problems, VfiogenError, quote
from vfiogen.model import spec as m
from vfiogen.project import SpecFile, find_project, find_specs
from vfiogen.report import json_text

_SAID = {
    LOADS: "loads",
    PARENT: "loads, if the parent takes it: it alone knows what is in the data",
    NOTHING: "no stream is saved",
    REFUSED: "refused",
    UNSURE: "taken, and the parent may misread it",
    MISREAD: "taken, and misread",
}


def run(arguments: Namespace, console: Console) -> int:
    """Compare two specs; 1 if a stream breaks either way, or a spec has a problem."""
    problems = Problems()
    with tempfile.TemporaryDirectory() as directory:
        old, new = _files(arguments, Path(directory))
        models = [_load(file, problems) for file in (old, new)]
    if problems or models[0] is None or models[1] is None:
        console.show(problems, arguments.format)
        return 1
    found = compare(models[0], models[1])
    _show(found, old.shown, new.shown, arguments.format, console)
    return 0 if found.compatible else 1


def _files(arguments: Namespace, directory: Path) -> tuple[SpecFile, SpecFile]:
    """Return the two specs to compare; those of a revision are written to a directory of ours."""
    if (arguments.new is None) == (arguments.git is None):
        raise VfiogenError(
            "compat-arguments",
            "`--git` compares one spec with itself" if arguments.git else "compat compares two specs",
            "write `vfiogen compat OLD NEW`, or `vfiogen compat --git REV SPEC`",
            status=2,
        )
    if arguments.git is None:
        return _spec(arguments.old), _spec(arguments.new)
    from vfiogen.revision import check_out

    before, dots, after = arguments.git.partition("..")
    file = _spec(arguments.old)
    old = check_out(file, before, directory)
    return old, check_out(file, after or "HEAD", directory) if dots else file


def _spec(argument: str) -> SpecFile:
    found = find_specs(find_project(Path.cwd()), [argument])
    if len(found) != 1:
        message = f"{quote(argument)} holds {len(found)} specs, and compat compares two"
        raise VfiogenError("compat-arguments", message, "name the file of one spec", status=2)
    return found[0]


def _load(file: SpecFile, problems: Problems) -> m.Spec | None:
    """Load one spec by itself: both describe the same driver, so neither takes the other's names."""
    loaded = pipeline.load_specs([file], problems)
    return loaded[0].model if loaded else None


def _show(found: Comparison, old: str, new: str, form: str, console: Console) -> None:
    both = found.both
    if form == "json":
        verdicts = {"forward": both.forward, "backward": both.backward}
        console.out.write(json_text(found.problems, {"verdicts": verdicts}))
        return
    console.show(found.problems, form)
    if form == "human":
        console.say(f"{old} -> {new}: {_SAID[both.forward]}")
        console.say(f"{new} -> {old}: {_SAID[both.backward]}")
