# SPDX-License-Identifier: GPL-2.0-only
"""modpost for a kernel that isn't built: what it exports is read from its sources.

That a symbol is exported is known, and how; whether the code around it is configured isn't.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.kernels.intree import PLACE, InTree
from tests.kernels.trees import Tree

# Where in a kernel what a driver of vfio's may use is exported.
DIRECTORIES = (
    *("arch/s390", "drivers/base", "drivers/iommu", "drivers/pci", "drivers/vfio"),
    *("fs", "kernel", "lib", "mm", "virt"),
)
_EXPORT = re.compile(
    r'^EXPORT_SYMBOL(?P<namespace>_NS)?(?P<gpl>_GPL)?\(\s*(?P<name>\w+)(?:,\s*"?(?P<of>\w+)"?)?\s*\)', re.M
)


def exports_of(tree: Tree) -> dict[str, str]:
    """Return the lines of a Module.symvers by the symbols that they are of."""
    found = {}
    for path in _sources(tree.source):
        for one in _EXPORT.finditer(path.read_text(encoding="utf-8", errors="replace")):
            kind = "EXPORT_SYMBOL_GPL" if one["gpl"] else "EXPORT_SYMBOL"
            found[one["name"]] = f"0x00000000\t{one['name']}\tvmlinux\t{kind}\t{one['of'] or ''}\n"
    return found


def _sources(tree: Path) -> Iterable[Path]:
    command = ["grep", "-rlE", "--include=*.[cS]", "^EXPORT_SYMBOL", *DIRECTORIES]
    listed = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
    return (tree / line for line in sorted(listed.stdout.splitlines()))


def judge_modules(kernel: InTree, objects: Iterable[str], exports: Iterable[str]) -> tuple[str, ...]:
    """Return what modpost says of modules of the image, given what the kernel exports."""
    known, order = kernel.out / "exports.symvers", kernel.out / "judged.order"
    known.write_text("".join(exports))
    order.write_text("".join(f"{PLACE}/{name}\n" for name in objects))
    options = ["-i", known, "-o", "judged.symvers", "-T", order]
    # Since 6.2 it has to be told that there are modules.
    if re.search(r'getopt\(argc, argv, "\S*M', (kernel.forest / "scripts/mod/modpost.c").read_text()):
        options.append("-M")
    result = subprocess.run(
        [kernel.out / "scripts/mod/modpost", *options],
        cwd=kernel.out,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (*result.stdout.splitlines(), *result.stderr.splitlines())
    assert lines or not result.returncode
    return lines
