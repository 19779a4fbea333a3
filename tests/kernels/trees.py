# SPDX-License-Identifier: GPL-2.0-only
"""The kernel sources that the tests use: fetched and unpacked once, or given by the person.

The cache holds, per source package, trees/<package>-<version>/ with about.json, source/ (never
modified) and the output directories that `tests.kernels.build` makes beside it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.kernels.cache import appearing, cache_root, locked
from tests.kernels.errors import PASS_TREES, UnavailableError
from tests.kernels.packages import Apt, Candidate, derive_apt, extract, require_apt
from tests.kernels.progress import run_logged
from vfiogen.diagnostics import VfiogenError
from vfiogen.kernel.release import Release
from vfiogen.kernel.target import find_headers_root, read_release

_MODERN = Release(7, 0)


@dataclass(frozen=True)
class Want:
    """A tree that the tests want: its name, its packages, the suites to look in, best first."""

    name: str
    package: re.Pattern[str]
    suites: tuple[tuple[str, ...], ...]
    backports_only: bool = False

    @property
    def prefix(self) -> str:
        """What the names of its packages begin with."""
        return "linux-source-"

    def takes(self, candidate: Candidate) -> bool:
        """Whether a version in the machine's own lists will do without asking further suites."""
        return not self.backports_only or "-backports" in candidate.suite


WANTS = (
    Want("6.1", re.compile(r"linux-source-6\.1"), (("bookworm-security", "bookworm"),)),
    Want(
        "6.12",
        re.compile(r"linux-source-6\.12"),
        (("trixie-security", "trixie"), ("bookworm-security", "bookworm-backports")),
    ),
    Want(
        "newest",
        re.compile(r"linux-source-(?:[7-9]|\d\d+)\.\d+"),
        (("trixie-backports", "forky-backports"), ("forky",)),
        backports_only=True,
    ),
)
NAMES = tuple(want.name for want in WANTS)


@dataclass(frozen=True)
class Tree:
    """Kernel sources: `source` is read only, output directories go below `work`.

    `given` says that the person named it, so that nothing is fetched for it. `ready` is set when
    it is configured already: modules are built against it, and `source` may be headers alone.
    """

    name: str
    release: Release
    source: Path
    work: Path
    ready: Path | None = None
    given: bool = False

    @property
    def complete(self) -> bool:
        """Whether the whole source is there, not headers alone."""
        return (self.source / "drivers/vfio/pci/Kconfig").is_file()


def find_tree(name: str) -> Tree:
    """Return the tree "6.1", "6.12", "newest" or one of further_names(), fetched if need be.

    Where VFIOGEN_TREES is set, only what it names is used. Raises UnavailableError.
    """
    given = given_trees()
    if given:
        return _among(given, name)
    want = next(want for want in WANTS if want.name == name)
    with locked(f"fetch-{name}"):
        return _cached(want) or _fetch(want)


def further_names() -> list[str]:
    """Return the names of the given trees that serve as none of NAMES: their full releases."""
    try:
        return [tree.name for tree in given_trees() if tree.name not in NAMES]
    except UnavailableError:
        return []


def refresh_tree(name: str) -> Tree:
    """Fetch a newer version of a tree if there is one, and remove the older."""
    want = next(want for want in WANTS if want.name == name)
    with locked(f"fetch-{name}"):
        tree = _fetch(want)
        for other in _versions(want):
            if other.work != tree.work:
                shutil.rmtree(other.work)
        return tree


def given_trees() -> list[Tree]:
    """Return the trees named by VFIOGEN_TREES, directories with colons between them."""
    paths = [Path(part) for part in os.environ.get("VFIOGEN_TREES", "").split(":") if part]
    trees = [_given(path.absolute()) for path in paths]
    modern = [tree.release for tree in trees if tree.release >= _MODERN]
    return [_named(tree, max(modern, default=None)) for tree in trees]


def _among(given: list[Tree], name: str) -> Tree:
    for tree in given:
        if tree.name == name:
            return tree
    raise UnavailableError(f"VFIOGEN_TREES names no tree that serves as {name}")


def _given(path: Path) -> Tree:
    try:
        source = find_headers_root(path)
        release = read_release(path, source)
    except VfiogenError as error:
        raise UnavailableError(f"VFIOGEN_TREES: {error}") from error
    if release is None:
        raise UnavailableError(f"VFIOGEN_TREES: {path} doesn't say which release it is")
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    work = cache_root() / "given" / f"{path.name}-{release}-{digest}"
    configured = (path / "include/generated/autoconf.h").is_file()
    return Tree(str(release), release, source, work, path if configured else None, given=True)


def _named(tree: Tree, newest: Release | None) -> Tree:
    line = ".".join(map(str, tree.release.line))
    name = "newest" if tree.release == newest else line if line in NAMES else tree.name
    return replace(tree, name=name)


def _cached(want: Want) -> Tree | None:
    return max(_versions(want), key=lambda tree: tree.release, default=None)


def _versions(want: Want) -> Iterator[Tree]:
    for about in sorted((cache_root() / "trees").glob("*/about.json")):
        facts = json.loads(about.read_text())
        if want.package.fullmatch(facts["package"]):
            release = Release.parse(facts["version"])
            yield Tree(want.name, release, about.parent / "source", about.parent)


def _fetch(want: Want) -> Tree:
    """Fetch the best version from the first suites that have it and can deliver it."""
    reasons: list[str] = []
    for apt_of in _places(want):
        try:
            require_apt()
            apt = apt_of()
            candidate = choose(apt, want, everywhere=bool(apt.options))
            if candidate:
                return _unpack(want, apt, candidate)
        except UnavailableError as reason:
            reasons.append(str(reason))
    because = reasons[-1] if reasons else "no suite has a package of them"
    raise UnavailableError(f"no kernel sources for {want.name}: {because}; {PASS_TREES}")


def _places(want: Want) -> Iterator[Callable[[], Apt]]:
    yield Apt
    for suites in want.suites:
        yield lambda suites=suites: derive_apt(suites)  # type: ignore[misc]


def choose(apt: Apt, want: Want, *, everywhere: bool) -> Candidate | None:
    """Return the highest version that serves a want, from every suite or from fitting ones alone."""
    names = [name for name in apt.names(want.prefix) if want.package.fullmatch(name)]
    found = [
        candidate
        for name in names
        for candidate in apt.candidates(name)
        if candidate.release and (everywhere or want.takes(candidate))
    ]
    return max(found, key=lambda candidate: candidate.release or _MODERN, default=None)


def _unpack(want: Want, apt: Apt, candidate: Candidate) -> Tree:
    version = re.sub(r"[^\w.-]", "-", candidate.version)
    target = cache_root() / "trees" / f"{candidate.package}-{version}"
    release = Release.parse(candidate.version)
    if not target.exists():
        with appearing(target) as partial:
            _unpack_into(partial, apt, candidate)
    return Tree(want.name, release, target / "source", target)


def _unpack_into(partial: Path, apt: Apt, candidate: Candidate) -> None:
    package = apt.download(candidate, partial / "download")
    extract(package, partial / "package")
    package.unlink()
    (archive,) = (partial / "package/usr/src").glob("linux-source-*.tar.*")
    source = partial / "source"
    source.mkdir()
    run_logged(
        ["tar", "-C", source, "--strip-components=1", "-xf", archive],
        f"unpacking {archive.name}",
        partial / "unpack.log",
        detail=lambda: "",
    )
    for debris in ("download", "package"):
        shutil.rmtree(partial / debris)
    facts = {"package": candidate.package, "version": candidate.version, "suite": candidate.suite}
    (partial / "about.json").write_text(json.dumps(facts, indent=1) + "\n")
