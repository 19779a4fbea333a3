# SPDX-License-Identifier: GPL-2.0-only
"""What the pages take from this repository: pieces of its specs, and what they render to."""

from __future__ import annotations

import ast
import re
import tempfile
from functools import cache
from pathlib import Path

from vfiogen import pipeline
from vfiogen.compat import compare
from vfiogen.diagnostics import Problems
from vfiogen.doc.page import document
from vfiogen.kernel.target import Kernel, kernel_from_release
from vfiogen.project import SpecFile, find_project
from vfiogen.records import replace
from vfiogen.report import format_problems

ROOT = Path(__file__).resolve().parents[2]


class MissingPartError(Exception):
    """A page names a part of a spec or of the C that isn't there (any more)."""


@cache
def targets() -> tuple[str, ...]:
    """Return the releases that out/ is rendered for, oldest first."""
    return find_project(ROOT).targets


@cache
def kernel(release: str) -> Kernel:
    """Return what the table knows of a release."""
    return kernel_from_release(release)


@cache
def spec_text(driver: str) -> str:
    """Return the text of a driver's spec."""
    return (ROOT / f"specs/{driver}/{driver}.yaml").read_text(encoding="utf-8")


def file_text(path: str) -> str:
    """Return the text of a file of the repository."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingPartError(f"there is no {path}") from error


def python_function(path: str, name: str) -> list[str]:
    """Return the lines of a function of a Python file."""
    text = file_text(path)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return text.split("\n")[node.lineno - 1 : node.end_lineno]
    raise MissingPartError(f"{path} has no function {name}")


def spec_section(driver: str, key: str) -> list[str]:
    """Return the lines of a section of a spec; `commands.drain` is an entry of a section, with its key."""
    section, _, entry = key.partition(".")
    lines = _block(spec_text(driver).split("\n"), section, "")
    if entry:
        lines = [lines[0], *_block(lines[1:], entry, "  ")]
    if not lines[1:]:
        raise MissingPartError(f"specs/{driver}/{driver}.yaml has no {key}")
    return lines


def _block(lines: list[str], key: str, indent: str) -> list[str]:
    """Return a key at a depth, and the lines below it that are indented further."""
    starts = [at for at, line in enumerate(lines) if line.startswith(f"{indent}{key}:")]
    if not starts:
        return []
    end = starts[0] + 1
    while end < len(lines) and (lines[end].startswith(f"{indent} ") or not lines[end]):
        end += 1
    found = lines[starts[0] : end]
    while not found[-1]:
        found.pop()
    return found


def edited(driver: str, old: str, new: str) -> str:
    """Return a spec's text with one place changed; `\\n` in `old` and `new` is the end of a line."""
    before, after = old.replace("\\n", "\n"), new.replace("\\n", "\n")
    text = spec_text(driver)
    if text.count(before) != 1:
        raise MissingPartError(f"specs/{driver}/{driver}.yaml doesn't have {old!r} once")
    return text.replace(before, after)


@cache
def rendered(driver: str, release: str, text: str | None = None) -> dict[str, str]:
    """Return the files of a driver for a release, from its spec or from another text of it."""
    problems = Problems()
    with tempfile.TemporaryDirectory() as directory:
        specs = pipeline.load_specs([_spec_file(driver, text, Path(directory))], problems)
        present = pipeline.check_for(specs, kernel(release), problems)
        if problems:
            raise MissingPartError(format_problems(problems, "human"))
        files = pipeline.render_specs(present, kernel(release))
    return {str(file.path): file.data.decode() for file in files}


def rendered_top(release: str) -> dict[str, str]:
    """Return the Kconfig and the Makefile above the drivers of this repository."""
    problems = Problems()
    names = sorted(path.stem for path in ROOT.glob("specs/*/*.yaml"))
    specs = pipeline.load_specs([_spec_file(name, None, ROOT) for name in names], problems)
    present = pipeline.check_for(specs, kernel(release), problems)
    entries = [spec.entry for spec in present]
    return {name: data.decode() for name, data in pipeline.render_top(entries).items()}


def documented(driver: str) -> dict[str, str]:
    """Return the files of `vfiogen doc` for a driver, by their names."""
    problems = Problems()
    specs = pipeline.load_specs([_spec_file(driver, None, ROOT)], problems)
    if problems:
        raise MissingPartError(format_problems(problems, "human"))
    made = document(specs[0].model, specs[0].owner)
    return {f"{specs[0].directory}.rst": made.page, **made.pictures}


def compared(driver: str, text: str) -> str:
    """Return what `vfiogen compat` prints for another text of a spec."""
    problems, models = Problems(), []
    with tempfile.TemporaryDirectory() as directory:
        for one, name in (
            (None, f"HEAD:specs/{driver}/{driver}.yaml"),
            (text, f"specs/{driver}/{driver}.yaml"),
        ):
            file = replace(_spec_file(driver, one, Path(directory)), shown=name)
            models += [spec.model for spec in pipeline.load_specs([file], problems)]
    if problems:
        raise MissingPartError(format_problems(problems, "human"))
    return format_problems(compare(models[0], models[1]).problems, "human")


def reported(driver: str, text: str) -> str:
    """Return what `vfiogen check` prints for a text of a spec."""
    problems = Problems()
    with tempfile.TemporaryDirectory() as directory:
        specs = pipeline.load_specs([_spec_file(driver, text, Path(directory))], problems)
        for release in targets():
            pipeline.check_for(specs, kernel(release), problems)
    return format_problems(problems, "human")


def _spec_file(driver: str, text: str | None, directory: Path) -> SpecFile:
    name = f"specs/{driver}/{driver}.yaml"
    if text is None:
        return SpecFile(ROOT / name, name, name)
    path = directory / f"{driver}.yaml"
    path.write_text(text, encoding="utf-8")
    return SpecFile(path, name, name)


def definition(text: str, name: str) -> list[str]:
    """Return a function, a structure or a table of C by its name, with the comment above it."""
    lines = text.split("\n")
    head = re.compile(rf"^(?![\s#/*]).*\b{re.escape(name)}\b(?!.*;$)")
    found = [at for at, line in enumerate(lines) if head.search(line)]
    if not found:
        raise MissingPartError(f"the C has no {name}")
    start = end = found[0]
    while start and lines[start - 1]:
        start -= 1
    while not lines[end].startswith("}"):
        end += 1
    return lines[start : end + 1]
