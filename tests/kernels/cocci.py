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

from tests.kernels.build import jobs
from tests.kernels.errors import UnavailableError
from tests.kernels.progress import clean_environment, step
from tests.kernels.trees import Tree

_OPTIONS = re.compile(r"^//[#/ ]*Options:(.*)$", re.MULTILINE)
_REPORT = re.compile(r"^virtual\s.*\breport\b", re.MULTILINE)
_PLACE = re.compile(r"^\S+:\d+(?::[\d-]+)?: ")
_INCLUDES = ("arch/x86/include", "include", "arch/x86/include/uapi", "include/uapi")
_FORCED = ("compiler-version.h", "kconfig.h")


@dataclass(frozen=True)
class _Outcome:
    status: int
    findings: tuple[str, ...]


def check_semantics(newest: Tree, directory: Path) -> tuple[str, ...]:
    """Return what the semantic patches of a tree report over the C files below `directory`.

    Raises UnavailableError without spatch, or where it can't run most of them.
    """
    if not shutil.which("spatch"):
        raise UnavailableError("no spatch on this machine: install coccinelle")
    patches = _reporting(newest.source)
    with step(f"{len(patches)} semantic patches"), ThreadPoolExecutor(jobs()) as pool:
        outcomes = list(pool.map(lambda patch: _apply(patch, newest.source, directory), patches))
    ran = sum(one.status == 0 for one in outcomes)
    if ran * 2 <= len(outcomes):
        raise UnavailableError(f"spatch can run {ran} of the {len(outcomes)} semantic patches only")
    return tuple(dict.fromkeys(line for one in outcomes for line in one.findings))


def _reporting(source: Path) -> list[Path]:
    every = sorted((source / "scripts/coccinelle").rglob("*.cocci"))
    return [path for path in every if _REPORT.search(path.read_text())]


def _apply(patch: Path, source: Path, directory: Path) -> _Outcome:
    own = " ".join(_OPTIONS.findall(patch.read_text())).split()
    result = subprocess.run(
        [
            *("spatch", "-D", "report", "--no-show-diff", "--very-quiet"),
            *("--cocci-file", patch, *own, "--dir", directory, *_includes(source)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=clean_environment(),
        check=False,
    )
    found = tuple(line for line in result.stdout.splitlines() if _PLACE.match(line))
    return _Outcome(result.returncode, found)


def _includes(source: Path) -> list[str | Path]:
    searched = [part for place in _INCLUDES for part in ("-I", source / place)]
    forced = [part for name in _FORCED for part in ("--include", source / "include/linux" / name)]
    return [*searched, *forced]
