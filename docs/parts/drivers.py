# SPDX-License-Identifier: GPL-2.0-only
"""The page on the drivers: what each declares, and what of it was written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from parts import repository
from parts.markdown import paragraph
from vfiogen import pipeline, render
from vfiogen.diagnostics import Problems
from vfiogen.plan.core import plan_core
from vfiogen.plan.driver import hook_files, plan_driver
from vfiogen.project import find_project, find_specs

# Lines of the upstream drivers' sources and headers, in the tree of the newest target.
UPSTREAM = {
    "hisilicon": 1906,
    "igd": 456,
    "ism": 408,
    "mlx5": 3528,
    "nvgrace-gpu": 1437,
    "pds": 2159,
    "qat": 705,
    "vfio-pci": 303,
    "virtio": 2068,
    "xe": 596,
    "zdev": 221,
}
_CONTROL = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.S)


def drivers_page(intro: str) -> str:
    """Return the page; `intro` stands before the table."""
    rows = ["| Driver | Spec | Rendered C | By hand | Upstream |", "|---|---:|---:|---:|---:|"]
    rows += [_row(name) for name in drivers()]
    notes = "\n".join(_own_files())
    declared = "\n".join(
        paragraph(f"`{name}`: {', '.join(_sections(name)) or 'nothing'}.", "- ", "  ") for name in drivers()
    )
    table = "\n".join(rows)
    return f"{intro.strip()}\n\n{table}\n\n{notes}\n\nWhat each declares besides its devices:\n\n{declared}\n"


@cache
def drivers() -> tuple[str, ...]:
    """Return the drivers of the repository by the names of their specs."""
    return tuple(file.path.stem for file in find_specs(find_project(repository.ROOT), []))


def _row(name: str) -> str:
    upstream = str(UPSTREAM.get(name, "-"))
    return f"| `{name}` | {spec_lines(name)} | {rendered_lines(name)} | {hand_written(name)} | {upstream} |"


def _sections(name: str) -> list[str]:
    """Return the sections of a spec that say what the driver does, in the order of the spec."""
    sections = re.findall(r"^([a-z][a-z-]*):", repository.spec_text(name), re.M)
    return [section for section in sections if section not in ("vocabulary", "driver", "devices", "kernel")]


def spec_lines(name: str) -> int:
    """Return how many lines a spec has, blank ones and comments aside."""
    lines = map(str.strip, repository.spec_text(name).split("\n"))
    return sum(bool(line) and not line.startswith("#") for line in lines)


def rendered_lines(name: str) -> int:
    """Return how many lines the sources and headers for the newest kernel have, those by hand aside."""
    newest = repository.ROOT / "out" / repository.targets()[-1]
    if _spec(name).is_core:
        return len((newest / f"{_spec(name).model.driver.name}.c").read_text(encoding="utf-8").splitlines())
    rendered = newest / name
    sources = [path for path in rendered.glob("*.[ch]") if path.name not in _hooks(name)]
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in sources)


def hand_written(name: str) -> int:
    """Return the lines of C that were written for one driver alone: hooks, and templates of its own."""
    return sum(lines for _, lines in _written_for(name))


def _written_for(name: str) -> list[tuple[str, int]]:
    """Return the files that were written for one driver alone, each with its lines."""
    directory = repository.ROOT / "specs" / name
    hooks = [
        (hook, len((directory / hook).read_text(encoding="utf-8").splitlines())) for hook in _hooks(name)
    ]
    return hooks + [(Path(one).name, _template_lines(one)) for one in own_templates(name)]


def _hooks(name: str) -> tuple[str, ...]:
    return hook_files(_spec(name).model)


def own_templates(name: str) -> list[str]:
    """Return the templates that no other driver of the repository has."""
    others = {template for other in drivers() if other != name for template in _templates(other)}
    return sorted(_templates(name) - others)


def _own_files() -> Iterator[str]:
    for name in drivers():
        found = [f"`{file}` ({lines})" for file, lines in _written_for(name)]
        if found:
            yield paragraph(f"Of `{name}` alone: {', '.join(found)}.")


def _template_lines(template: str) -> int:
    text = _CONTROL.sub("", repository.file_text(f"templates/{template}"))
    return sum(bool(line.strip()) for line in text.splitlines())


@cache
def _spec(name: str) -> pipeline.LoadedSpec:
    files = find_specs(find_project(repository.ROOT), [name])
    return pipeline.load_specs(files, Problems())[0]


@cache
def _templates(name: str) -> frozenset[str]:
    """Return the templates that a driver's files are made of."""
    used: set[str] = set()
    environment = render.environment()
    get_template = environment.get_template

    def noting(template: Any, *arguments: Any, **named: Any) -> Any:
        used.add(str(template))
        return get_template(template, *arguments, **named)

    environment.get_template = noting  # type: ignore[method-assign]
    try:
        _render(name)
    finally:
        environment.get_template = get_template  # type: ignore[method-assign]
    return frozenset(used)


def _render(name: str) -> None:
    kernel, spec = repository.kernel(repository.targets()[-1]), _spec(name)
    if spec.is_core:
        render.render_core(plan_core(spec.model, name, kernel))
    else:
        render.render_driver(plan_driver(spec.model, name, kernel), kernel)
