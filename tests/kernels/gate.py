# SPDX-License-Identifier: GPL-2.0-only
"""The gate that rendered code passes: kbuild with W=1, sparse, modpost, checkpatch."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.kernels.build import Prepared, jobs
from tests.kernels.errors import UnavailableError
from tests.kernels.progress import clean_environment, step
from tests.kernels.sparse import find_sparse
from tests.kernels.trees import Tree

_MODPOST = re.compile(r"^(?:ERROR|WARNING): (?:modpost:|\S*Module\.symvers|Symbol version dump)")
_UNRESOLVED = re.compile(r"undefined!|unresolved symbol|Module\.symvers|Symbol version dump")
_FINDING = re.compile(r"(?:^|[\s:])(?:fatal )?(?:warning|error|note): ", re.IGNORECASE)
_MAKE = re.compile(r"^(?:make(?:\[\d+\])?: |\s*(?:CHECK|CC|LD|MODPOST|AR) )")
_CHECKED = re.compile(r"^ +CHECK ", re.MULTILINE)
_COMPILER_DIFFERS = re.compile(r"^warning: the compiler differs")
_TOTAL = re.compile(r"^total: (\d+) errors, (\d+) warnings, (?:(\d+) checks, )?", re.MULTILINE)


_STAND_INS = Path(__file__).with_name("standins")
# Each with its header, and a symbol that it exports.
_PARENTS = {
    "xe": ("drm/intel/xe_sriov_vfio.h", "xe_sriov_vfio_get_pf"),
    "hisilicon": ("linux/hisi_acc_qm.h", "hisi_qm_mb"),
}


@dataclass(frozen=True)
class ModuleBuild:
    """The outcome of kbuild over a directory: what was built, and what each tool found."""

    status: int
    modules: tuple[Path, ...]
    compiler: tuple[str, ...]
    sparse: tuple[str, ...]
    modpost: tuple[str, ...]
    log: str

    @property
    def findings(self) -> tuple[str, ...]:
        """Everything that any tool found; a build without any that failed shows its log."""
        found = (*self.compiler, *self.sparse, *self.modpost)
        return found or ((self.log,) if self.status else ())


@dataclass(frozen=True)
class StyleReport:
    """What checkpatch counted, and its text where it found something."""

    errors: int
    warnings: int
    checks: int
    text: str

    @property
    def clean(self) -> bool:
        """Whether it found nothing at all."""
        return not (self.errors or self.warnings or self.checks)


@dataclass(frozen=True)
class _Run:
    status: int
    output: str


def build_modules(
    prepared: Prepared,
    sources: Path,
    work: Path,
    symbols: Mapping[str, str] | None = None,
    *,
    sparse: bool = True,
) -> ModuleBuild:
    """Copy `sources` to `work` and build it against `prepared` with W=1, -Werror and sparse.

    `symbols` are Kconfig symbols without CONFIG_, set to y, m or n for the build, as a
    configuration would. Parents that `prepared` lacks have stand-ins, built along. Where it isn't
    linkable, unresolved symbols are no finding.
    Raises UnavailableError where no sparse can be had that the kernel takes.
    """
    shutil.copytree(sources, work, dirs_exist_ok=True)
    _add_stand_ins(prepared, work)
    header = work / "vfiogen-symbols.h"
    header.write_text("".join(_define(*one) for one in (symbols or {}).items()))
    command = _module_command(prepared, work, symbols or {}, header)
    checker = find_sparse(prepared.tree) if sparse else None
    built = _run(command, f"building {work.name} for {prepared.tree.release}")
    checked = _sparse(command, checker) if checker and built.status == 0 else _Run(0, "")
    return ModuleBuild(
        built.status or checked.status,
        tuple(sorted(path for path in work.rglob("*.ko") if _STAND_INS.name not in path.parts)),
        tuple(line for line in _findings(built.output) if not _MODPOST.match(line)),
        tuple(line for line in _findings(checked.output) if not _MODPOST.match(line)),
        _modpost(prepared, built.output),
        built.output + checked.output,
    )


def _add_stand_ins(prepared: Prepared, work: Path) -> None:
    """Add modules for parents that the kernel was built without, where it has their headers."""
    symbols = prepared.directory / "Module.symvers"
    exported = symbols.read_text() if symbols.is_file() else ""
    for name, (header, symbol) in _PARENTS.items():
        if (prepared.tree.source / "include" / header).exists() and f"\t{symbol}\t" not in exported:
            shutil.copytree(_STAND_INS / name, work / _STAND_INS.name / name)
            with (work / "Makefile").open("a") as makefile:
                makefile.write(f"obj-m += {_STAND_INS.name}/{name}/\n")


def check_style(newest: Tree, files: Iterable[Path], ignore: Sequence[str] = ()) -> StyleReport:
    """Run checkpatch.pl --strict of a tree over files.

    `ignore` are types of findings, such as ALLOC_WITH_SIZEOF.
    """
    command: list[str | Path] = ["perl", _script(newest, "checkpatch.pl"), "--strict"]
    command += ["--no-tree", "--show-types", "--color=never"]
    command += ["--ignore", ",".join(ignore)] if ignore else []
    result = _run([*command, "-f", *files], "checkpatch")
    totals = _TOTAL.findall(result.output)
    if not totals:
        raise UnavailableError(f"checkpatch said nothing of use:\n{result.output}")
    errors, warnings, checks = (sum(int(one[at] or 0) for one in totals) for at in range(3))
    clean = not (errors or warnings or checks)
    return StyleReport(errors, warnings, checks, "" if clean else result.output)


def check_documentation(newest: Tree, files: Iterable[Path]) -> tuple[str, ...]:
    """Return what kernel-doc of a tree says of the comments that it would take, missing ones aside."""
    result = _run([_script(newest, "kernel-doc"), "-none", *files], "kernel-doc")
    return tuple(line for line in result.output.splitlines() if _FINDING.search(line))


def _script(tree: Tree, name: str) -> Path:
    script = tree.source / "scripts" / name
    if not script.exists():
        raise UnavailableError(f"{tree.source} has no scripts/{name}: it isn't a whole kernel source")
    return script


def _module_command(
    prepared: Prepared, work: Path, symbols: Mapping[str, str], header: Path
) -> list[str | Path]:
    flags = f"-Werror -include {header.absolute()}"
    assignments = [f"CONFIG_{name}={value}" for name, value in symbols.items()]
    tolerant = [] if prepared.linkable else ["KBUILD_MODPOST_WARN=1"]
    parallel = f"-j{jobs()}"
    return [*_kbuild(prepared, work), parallel, "W=1", f"KCFLAGS={flags}", *assignments, *tolerant]


def _kbuild(prepared: Prepared, directory: Path) -> list[str | Path]:
    return ["make", "-C", prepared.directory, f"M={directory.absolute()}"]


def _define(name: str, value: str) -> str:
    """Return the lines that show a symbol to C as `value`, whatever the tree has it at."""
    undone = f"#undef CONFIG_{name}\n#undef CONFIG_{name}_MODULE\n"
    done = {"y": f"#define CONFIG_{name} 1\n", "m": f"#define CONFIG_{name}_MODULE 1\n"}
    return undone + done.get(value, "")


def _sparse(command: Sequence[str | Path], sparse: Path) -> _Run:
    """Check every source; objects are there by now, so that all output is of sparse."""
    run = _run([*command, "C=2", f"CHECK={sparse}"], "sparse")
    if not _CHECKED.search(run.output):
        raise UnavailableError(f"kbuild ran no sparse:\n{run.output}")
    return run


def _modpost(prepared: Prepared, output: str) -> tuple[str, ...]:
    lines = [line for line in output.splitlines() if _MODPOST.match(line)]
    if prepared.linkable:
        return tuple(lines)
    return tuple(line for line in lines if not _UNRESOLVED.search(line))


def _findings(output: str) -> list[str]:
    return [line for line in output.splitlines() if _is_finding(line)]


def _is_finding(line: str) -> bool:
    if _MAKE.match(line) or _COMPILER_DIFFERS.match(line):
        return False
    return _FINDING.search(line) is not None


def _run(command: Sequence[str | Path], title: str) -> _Run:
    with step(title):
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=clean_environment(),
            check=False,
        )
    return _Run(result.returncode, result.stdout)
