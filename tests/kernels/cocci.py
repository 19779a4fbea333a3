# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's semantic patches in report mode over a directory, as coccicheck runs them.

coccicheck itself stops at the first semantic patch that the installed spatch can't run (those in
OCaml need its compiler), so each is run by itself here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.kernels.build import Prepared, jobs
from tests.kernels.errors import UnavailableError
from tests.kernels.progress import clean_environment, step

_OPTIONS = re.compile(r"^//[#/ ]*Options:(.*)$", re.MULTILINE)
_REPORT = re.compile(r"^virtual\s.*\breport\b", re.MULTILINE)
_PLACE = re.compile(r"^\S+:\d+(?::[\d-]+)?: ")
_INCLUDES = ("arch/x86/include", "include", "arch/x86/include/uapi", "include/uapi")
_GENERATED = ("arch/x86/include/generated", "include", "include/generated/uapi")
_FORCED = ("compiler-version.h", "kconfig.h")


@dataclass(frozen=True)
class SemanticReport:
    """What the semantic patches found, how many ran, and which couldn't."""

    findings: tuple[str, ...]
    ran: int
    failed: tuple[str, ...]


@dataclass(frozen=True)
class _Outcome:
    patch: Path
    status: int
    findings: tuple[str, ...]


def check_semantics(newest: Prepared, directory: Path) -> SemanticReport:
    """Run every semantic patch of a tree that reports over the C files below `directory`.

    Raises UnavailableError without spatch, or where none of them runs.
    """
    if not shutil.which("spatch"):
        raise UnavailableError("no spatch on this machine: install coccinelle")
    patches = _reporting(newest.tree.source)
    with step(f"{len(patches)} semantic patches"), ThreadPoolExecutor(jobs()) as pool:
        outcomes = list(pool.map(lambda patch: _apply(patch, newest, directory), patches))
    failed = tuple(one.patch.name for one in outcomes if one.status)
    if len(failed) == len(outcomes):
        raise UnavailableError(f"spatch can run none of the semantic patches of {newest.tree.source}")
    findings = tuple(dict.fromkeys(line for one in outcomes for line in one.findings))
    return SemanticReport(findings, len(outcomes) - len(failed), failed)


def _reporting(source: Path) -> list[Path]:
    every = sorted((source / "scripts/coccinelle").rglob("*.cocci"))
    return [path for path in every if _REPORT.search(path.read_text())]


def _apply(patch: Path, newest: Prepared, directory: Path) -> _Outcome:
    own = " ".join(_OPTIONS.findall(patch.read_text())).split()
    result = subprocess.run(
        [
            *("spatch", "-D", "report", "--no-show-diff", "--very-quiet"),
            *("--cocci-file", patch, *own, "--dir", directory, *_includes(newest)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=clean_environment(),
        check=False,
    )
    found = tuple(line for line in result.stdout.splitlines() if _PLACE.match(line))
    return _Outcome(patch, result.returncode, found)


def _includes(newest: Prepared) -> list[str | Path]:
    source, build = newest.tree.source, newest.directory
    places = [*(source / at for at in _INCLUDES), *(build / at for at in _GENERATED)]
    options: list[str | Path] = []
    for place in places:
        options += ["-I", place]
    for header in _FORCED:
        options += ["--include", source / "include/linux" / header]
    return options
