# SPDX-License-Identifier: GPL-2.0-only
"""Specs to files in memory, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import unified_diff
from pathlib import Path

from vfiogen import pipeline
from vfiogen.diagnostics import Problems
from vfiogen.kernel.target import Kernel
from vfiogen.model.walk import names
from vfiogen.project import SpecFile, find_project, find_specs
from vfiogen.report import format_problems

ROOT = Path(__file__).parents[2]


def project_specs() -> list[SpecFile]:
    """The specs of this repository."""
    return find_specs(find_project(ROOT), [])


def combination_specs() -> list[SpecFile]:
    """The specs of tests/specs, each a combination that no driver has."""
    return find_specs(find_project(ROOT / "tests"), [])


def foreign_specs() -> list[SpecFile]:
    """The specs of this repository whose C is for s390 alone."""
    return [spec.file for spec in load(project_specs()) if is_foreign(spec)]


def is_foreign(spec: pipeline.LoadedSpec) -> bool:
    """Tell whether the C of a spec is for s390 alone."""
    return "S390" in names(spec.model.driver.kconfig.depends)


def load(files: Iterable[SpecFile]) -> list[pipeline.LoadedSpec]:
    """Load specs that must have no problem."""
    problems = Problems()
    specs = pipeline.load_specs(files, problems)
    assert not problems, format_problems(problems, "human")
    return specs


def render(files: Iterable[SpecFile], kernel: Kernel) -> dict[str, str]:
    """Render the specs that exist on a kernel, path to text, with the top Kconfig and Makefile."""
    problems = Problems()
    present = pipeline.check_for(load(files), kernel, problems)
    assert not problems, format_problems(problems, "human")
    rendered = {str(file.path): file.data.decode() for file in pipeline.render_specs(present, kernel)}
    entries = [spec.entry for spec in present]
    return rendered | {name: data.decode() for name, data in pipeline.render_top(entries).items()}


def write(files: dict[str, str], directory: Path) -> Path:
    """Write rendered files below a directory."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def diff(before: dict[str, str], after: dict[str, str]) -> str:
    """Return the unified diff of two renderings."""
    lines: list[str] = []
    for name in sorted(before | after):
        old, new = (side.get(name, "").splitlines(keepends=True) for side in (before, after))
        lines += unified_diff(old, new, f"a/{name}", f"b/{name}")
    return "".join(lines)
