# SPDX-License-Identifier: GPL-2.0-only
"""How long the tool takes, as ratios to what it is measured against: `make bench`.

Each figure is a median over several runs, the two sides of a ratio taken in turn, so that a machine whose
speed drifts still gives the same ratios. Nothing here passes or fails.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.kernels.errors import UnavailableError
from tests.kernels.trees import find_tree

ROOT = Path(__file__).parents[2]
RUNS = 9
MANY = 100
TOOL = [sys.executable, "-m", "vfiogen"]
BARE = [sys.executable, "-c", "pass"]
GENERATE = [*TOOL, "generate", "--kernel", "7.3.4"]

Run = Callable[[], float]


def main() -> None:
    """Print the table."""
    print(f"medians of {RUNS} runs; Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        bare = _runner(BARE, work)
        _row("vfiogen --help", _runner([*TOOL, "--help"], work), "a bare Python", bare)
        one, many = _project(work / "one", 1), _project(work / "many", MANY)
        _row("one spec from cold", _fresh(one), "a bare Python", bare)
        _row(f"{MANY} specs in one process", _fresh(many), "one spec", _fresh(one))
        subprocess.run(GENERATE, cwd=many, check=True, capture_output=True)
        _row(f"{MANY} specs, nothing changed", _runner(GENERATE, many), "all written", _fresh(many))
        _ynl(one)


def _row(title: str, one: Run, other_title: str, other: Run) -> None:
    ours, theirs = _pairs(one, other)
    print(f"{title:28} {ours:8.1f} ms   {ours / theirs:7.2f} x {other_title} ({theirs:.1f} ms)")


def _pairs(one: Run, other: Run) -> tuple[float, float]:
    one(), other()
    pairs = [(one(), other()) for _ in range(RUNS)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def _runner(command: list[str], directory: Path) -> Run:
    """Return what runs a command in a directory, and returns the milliseconds."""

    def run() -> float:
        start = time.perf_counter()
        subprocess.run(command, cwd=directory, check=True, capture_output=True)
        return (time.perf_counter() - start) * 1000

    return run


def _fresh(project: Path) -> Run:
    """Return what renders a project as if for the first time."""
    generate = _runner(GENERATE, project)

    def run() -> float:
        shutil.rmtree(project / "out", ignore_errors=True)
        return generate()

    return run


def _project(directory: Path, count: int) -> Path:
    """Make a project of copies of the edu spec, each a driver of its own."""
    for number in range(count):
        text = (ROOT / "specs/edu/edu.yaml").read_text(encoding="utf-8")
        name = f"dev{number:03}"
        path = directory / "specs" / name / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        for old, new in (
            ("EDU_VFIO_PCI", f"{name.upper()}_VFIO_PCI"),
            ("edu-vfio-pci", f"{name}-vfio-pci"),
            ("directory: edu", f"directory: {name}"),
            ("prefix: edu", f"prefix: {name}"),
        ):
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    return directory


def _ynl(project: Path) -> None:
    """The kernel's own generator of C from YAML, on one of its specs."""
    try:
        source = find_tree("newest").source
    except UnavailableError as reason:
        print(f"YNL is left out: {reason}")
        return
    script = next(source.glob("tools/net/ynl/**/ynl_gen_c.py"))
    spec = source / "Documentation/netlink/specs/fou.yaml"
    command = [
        sys.executable,
        str(script),
        "--mode",
        "kernel",
        "--source",
        "--spec",
        str(spec),
        "-o",
        "/dev/null",
    ]
    _row("one spec from cold", _fresh(project), "YNL on fou.yaml", _runner(command, project))


if __name__ == "__main__":
    main()
