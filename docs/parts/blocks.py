# SPDX-License-Identifier: GPL-2.0-only
"""Blocks in hand-written pages that are kept as the repository is.

A comment `<!-- generated: KIND ARGUMENTS -->` stands above such a block and `<!-- end -->` below it. What
lies between is rewritten. Arguments are words as a shell takes them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from difflib import unified_diff

from parts import repository
from parts.markdown import capital, fenced, item, paragraph
from parts.repository import MissingPartError
from vfiogen.c import syntax
from vfiogen.diagnostics import VfiogenError
from vfiogen.kernel.features import EXAMINED, FEATURES, OLDEST, Feature
from vfiogen.kernel.licenses import allowed, module_license
from vfiogen.kernel.target import kernel_from_release
from vfiogen.report import format_problems
from vfiogen.write import Change

_BLOCK = re.compile(r"(<!-- generated: (.*?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def refresh(text: str) -> str:
    """Return a page with every block rewritten; raise MissingPartError for what there is no block of."""
    return _BLOCK.sub(lambda found: f"{found[1]}{_block(found[2])}\n{found[4]}", text)


def _block(command: str) -> str:
    kind, *arguments = shlex.split(command)
    if kind not in KINDS:
        raise MissingPartError(f"there is no block {kind}")
    return KINDS[kind](*arguments)


def _spec(driver: str, key: str) -> str:
    """Return a section of a spec."""
    return fenced("yaml", repository.spec_section(driver, key))


def _whole_spec(driver: str) -> str:
    return fenced("yaml", repository.spec_text(driver).rstrip("\n").split("\n"))


def _c(driver: str, *names: str) -> str:
    """Return definitions of a driver's main.c, rendered for the newest target."""
    text = repository.rendered(driver, repository.targets()[-1])[f"{driver}/main.c"]
    found = [repository.definition(text, name) for name in names]
    return fenced("c", [line for at, lines in enumerate(found) for line in ([""] if at else []) + lines])


def _output(driver: str, name: str) -> str:
    """Return a whole rendered file."""
    text = repository.rendered(driver, repository.targets()[-1])[f"{driver}/{name}"]
    return fenced("make" if name == "Makefile" else "kconfig", text.rstrip("\n").split("\n"))


def _top(name: str) -> str:
    """Return the Kconfig or the Makefile above the drivers."""
    text = repository.rendered_top(repository.targets()[-1])[name]
    return fenced("make" if name == "Makefile" else "kconfig", text.rstrip("\n").split("\n"))


def _diff(driver: str, old: str, new: str) -> str:
    """Return what `vfiogen diff` shows after an edit of a spec, for the newest target."""
    release = repository.targets()[-1]
    before = repository.rendered(driver, release)
    after = repository.rendered(driver, release, repository.edited(driver, old, new))
    changes = [
        Change(name, "changed", before[name].encode(), after[name].encode()) for name in sorted(before)
    ]
    return fenced("diff", [line for change in changes for line in change.diff(f"out/{release}")])


def _between(driver: str) -> str:
    """Return the difference of main.c between the oldest and the newest target."""
    name = f"{driver}/main.c"
    old, new = repository.targets()[0], repository.targets()[-1]
    before, after = (repository.rendered(driver, release)[name].split("\n") for release in (old, new))
    shown = unified_diff(before, after, f"out/{old}/{name}", f"out/{new}/{name}", lineterm="")
    return fenced("diff", shown)


def _problem(driver: str, old: str, new: str) -> str:
    """Return what `vfiogen check` says of an edited spec."""
    shown = repository.reported(driver, repository.edited(driver, old, new))
    return fenced("console", ["$ vfiogen check", *shown.rstrip("\n").split("\n")])


def _compat(driver: str, old: str, new: str) -> str:
    """Return what `vfiogen compat` says of an edited spec."""
    shown = repository.compared(driver, repository.edited(driver, old, new))
    name = f"specs/{driver}/{driver}.yaml"
    return fenced("console", [f"$ vfiogen compat --git HEAD {name}", *shown.rstrip("\n").split("\n")])


def _features() -> str:
    rows = (f"**`{row.name}`**: {row.description}. {_when(row)}" for row in FEATURES.values())
    return "\n".join(map(item, rows))


def _when(row: Feature) -> str:
    """Say which releases have a feature, and how a tree shows it."""
    mainline, *stable = row.since.releases
    since = "all supported releases" if mainline <= OLDEST else f"{_line(mainline)} and later"
    parts = [since, *(f"{at.major}.{at.minor} from {at} on" for at in stable)]
    if row.gone is not None:
        parts.append(f"gone in {_line(row.gone.releases[0])}")
    shown = f"`{row.probe.header}`" if row.probe else "the release alone"
    return capital(f"{'; '.join(parts)}. Shown by {shown}.")


def _line(release: object) -> str:
    return str(release).removesuffix(".0")


def _refused(release: str) -> str:
    """Return what is said of a release that isn't precise enough."""
    try:
        kernel_from_release(release)
    except VfiogenError as error:
        shown = format_problems([error.problem], "human").rstrip("\n").split("\n")
        return fenced("console", [f"$ vfiogen check --kernel {release}", *shown])
    raise MissingPartError(f"the release {release} is taken")


def _file(path: str) -> str:
    """Return a whole file of the repository."""
    lines = repository.file_text(path).rstrip("\n").split("\n")
    return fenced(_LANGUAGES[path.rpartition(".")[2]], lines)


def _function(path: str, *names: str) -> str:
    """Return functions of a Python file."""
    found = [repository.python_function(path, name) for name in names]
    return fenced(
        "python", [line for at, lines in enumerate(found) for line in (["", ""] if at else []) + lines]
    )


def _grammar() -> str:
    """Return the grammar of expressions, as the parser's tree states it."""
    _, _, rules = str(syntax.__doc__).partition("\n\n")
    return fenced("text", rules.strip("\n").split("\n"))


def _releases() -> str:
    lines = (f"{at.major}.{at.minor} up to {at}" for at in EXAMINED.values())
    return paragraph(f"{', '.join(lines)}.")


def _targets() -> str:
    return paragraph(f"`{'` and `'.join(repository.targets())}`")


def _licenses() -> str:
    rows = (f'`{name}`, which gives `MODULE_LICENSE("{module_license(name)}")`' for name in allowed())
    return "\n".join(map(item, rows))


def _commands() -> str:
    return "\n".join(item(f"`vfiogen {name}`: {summary}") for name, summary in _summaries())


def _summaries() -> Iterator[tuple[str, str]]:
    from vfiogen.cli import _COMMANDS

    return ((command.name, command.summary) for command in _COMMANDS)


_LANGUAGES = {"c": "c", "py": "python", "yaml": "yaml"}

KINDS: dict[str, Callable[..., str]] = {
    "spec": _spec,
    "whole-spec": _whole_spec,
    "c": _c,
    "output": _output,
    "top": _top,
    "diff": _diff,
    "between": _between,
    "problem": _problem,
    "compat": _compat,
    "features": _features,
    "refused": _refused,
    "file": _file,
    "function": _function,
    "grammar": _grammar,
    "releases": _releases,
    "targets": _targets,
    "licenses": _licenses,
    "commands": _commands,
}
