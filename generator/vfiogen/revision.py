# SPDX-License-Identifier: GPL-2.0-only
"""A spec as it was at a revision of git, with the hand-written sources beside it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from vfiogen.diagnostics import VfiogenError, quote
from vfiogen.project import SpecFile


def check_out(file: SpecFile, revision: str, directory: Path) -> SpecFile:
    """Write a spec's directory, as it was at a revision, below a directory of ours; return the spec there.

    Raises VfiogenError: git-revision, missing-tool.
    """
    commit = _commit(revision, file.path.parent)
    beside = os.path.relpath(file.path.parent)
    target = directory / commit
    target.mkdir(exist_ok=True)
    for name in _names(commit, beside):
        (target / name).write_bytes(_git("cat-file", "blob", f"{commit}:./{beside}/{name}"))
    if not (target / file.path.name).exists():
        message = f"{quote(file.shown)} isn't in the revision {quote(revision)}"
        raise VfiogenError("git-revision", message, "git follows no renames here: compare two files instead")
    return SpecFile(target / file.path.name, f"{revision}:{file.shown}", file.name)


def _commit(revision: str, directory: Path) -> str:
    """Return the hash of the commit that a revision names."""
    try:
        return _git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().split("\n")[0]
        if "not a git repository" in said:
            message = f"{quote(os.path.relpath(directory))} isn't in a git repository"
            raise VfiogenError("git-revision", message, "compare two files instead") from error
        hint = "name a commit, a branch or a tag; `REV..REV` compares two"
        raise VfiogenError("git-revision", f"{quote(revision)} is no revision of git", hint) from error


def _names(commit: str, beside: str) -> list[str]:
    """Return the files of a directory at a commit."""
    rows = _git("ls-tree", "-z", commit, f"./{beside}/").decode(errors="surrogateescape").split("\0")
    entries = (row.partition("\t") for row in rows if row)
    return [Path(path).name for about, _, path in entries if about.split()[1] == "blob"]


def _git(*arguments: str) -> bytes:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=True, env=environment)
    except FileNotFoundError as error:
        raise VfiogenError("missing-tool", "`git` can't be found", "install the package git") from error
    return done.stdout
