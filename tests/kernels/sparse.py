# SPDX-License-Identifier: GPL-2.0-only
"""A sparse that a kernel takes.

Newer kernels skip a sparse that they find too old, with a mere notice, so that nothing would be
checked. Where the machine's own is too old, one is built from the sources of a later suite.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.kernels.build import make_arguments
from tests.kernels.cache import appearing, cache_root, locked
from tests.kernels.errors import UnavailableError
from tests.kernels.packages import derive_apt, require_apt
from tests.kernels.progress import clean_environment, run_logged
from tests.kernels.trees import Tree

_SUITES = ("forky",)


def find_sparse(tree: Tree) -> Path:
    """Return a sparse that the tree's own check accepts; raises UnavailableError."""
    own = shutil.which("sparse")
    if own and _accepted(Path(own), tree):
        return Path(own)
    with locked("sparse"):
        built = cache_root() / "sparse/sparse"
        if not built.exists():
            _build(built.parent)
    if not _accepted(built, tree):
        raise UnavailableError(f"{built} is too old for Linux {tree.release}: remove it for a new one")
    return built


def _accepted(sparse: Path, tree: Tree) -> bool:
    """Whether a tree takes it; one without a check of its own takes any."""
    script = tree.source / "scripts/checker-valid.sh"
    if not script.exists():
        return True
    command: list[str | Path] = ["sh", script, sparse, "-m64"]
    result = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), check=False)
    return result.stdout.strip() == "1"


def _build(target: Path) -> None:
    require_apt()
    apt = derive_apt(_SUITES, kind="deb-src")
    with appearing(target) as partial:
        archive = apt.download_source("sparse", partial)
        log = partial / "build.log"
        source = partial / "source"
        source.mkdir()
        unpack: list[str | Path] = ["tar", "-C", source, "--strip-components=1", "-xf", archive]
        run_logged(unpack, "unpacking sparse", log)
        run_logged(["make", "-C", source, *make_arguments(), "sparse"], "building sparse", log)
        shutil.copy(source / "sparse", partial)
        shutil.rmtree(source)
