# SPDX-License-Identifier: GPL-2.0-only
"""Packages of Debian's archive: from the machine's own lists, or from another suite.

Another suite is read through a private apt configuration in the cache, at the addresses that the
machine's own configuration has. No address is written here, and nothing needs root.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.kernels.cache import cache_root, locked
from tests.kernels.errors import BuildError, UnavailableError
from tests.kernels.progress import output_of, run_logged, step
from vfiogen.diagnostics import VfiogenError
from vfiogen.kernel.release import Release

_CODENAMES = ("bookworm", "trixie", "forky", "sid")
_ALIASES = ("oldoldstable", "oldstable", "stable", "testing", "unstable")
_NEVER = ("experimental", "rc-buggy")
_KEYRINGS = tuple(Path(f"/usr/share/keyrings/debian-archive-keyring.{kind}") for kind in ("pgp", "gpg"))


@dataclass(frozen=True)
class Candidate:
    """A version of a package that a suite offers."""

    package: str
    version: str
    suite: str

    @property
    def release(self) -> Release | None:
        """The kernel release that the version names, or nothing."""
        try:
            return Release.parse(self.version)
        except VfiogenError:
            return None

    @property
    def final(self) -> bool:
        """Whether this is neither a release candidate nor from an experimental suite."""
        return "~rc" not in self.version and self.suite not in _NEVER


@dataclass(frozen=True)
class Apt:
    """An apt configuration: the machine's own, or a private one given by options."""

    options: tuple[str, ...] = ()

    def names(self, prefix: str) -> list[str]:
        """Return the packages that begin with `prefix`, in order."""
        return sorted(output_of(["apt-cache", *self.options, "pkgnames", prefix]).split())

    def candidates(self, package: str) -> list[Candidate]:
        """Return the final versions of a package, the highest first."""
        found = map(_candidate, output_of(_madison(self.options, package)).splitlines())
        return [candidate for candidate in found if candidate and candidate.final]

    def download(self, wanted: Candidate, directory: Path) -> Path:
        """Download a package into `directory` and return its file."""
        directory.mkdir(parents=True, exist_ok=True)
        what = f"{wanted.package}={wanted.version}"
        self._get(["download", what], f"downloading {wanted.package} {wanted.version}", directory)
        return next(directory.glob(f"{wanted.package}_*.deb"))

    def download_source(self, package: str, directory: Path) -> Path:
        """Download the newest sources of a package and return the upstream archive."""
        what = ["source", "--download-only", package]
        self._get(what, f"downloading the sources of {package}", directory)
        return next(directory.glob(f"{package}_*.orig.tar.*"))

    def _get(self, arguments: list[str], title: str, directory: Path) -> None:
        """Run apt-get in a directory; raises UnavailableError with what apt said last."""
        command = ["apt-get", *self.options, *_UNSANDBOXED, *arguments]
        log = directory / "download.log"
        try:
            run_logged(command, title, log, detail=lambda: f"{_size(directory) >> 20} MiB", cwd=directory)
        except BuildError as error:
            raise UnavailableError(str(error).splitlines()[-1]) from error


_UNSANDBOXED = ("-o", "APT::Sandbox::User=root")


@dataclass(frozen=True)
class Mirror:
    """Where the machine reads Debian's packages and its security updates, empty if nowhere."""

    main: str
    security: str

    def address(self, suite: str) -> str:
        """Return the address of a suite, or nothing."""
        return self.security if suite.endswith("-security") else self.main


def require_apt() -> None:
    """Raise UnavailableError on a machine without apt."""
    missing = [tool for tool in ("apt-get", "apt-cache", "dpkg-deb") if not shutil.which(tool)]
    if missing:
        raise UnavailableError(f"no {missing[0]} on this machine to fetch packages with")


def find_mirror() -> Mirror:
    """Return the addresses in the machine's own apt configuration."""
    format_ = "$(RELEASE) $(COMPONENT) $(REPO_URI)"
    lines = output_of(
        [
            "apt-get",
            "indextargets",
            "--no-release-info",
            "--format",
            format_,
            "Created-By: Packages",
        ]
    )
    entries = [line.split() for line in lines.splitlines()]
    debian = [(suite, uri) for suite, part, uri in entries if part == "main" and _is_debian(suite)]
    security = next((uri for suite, uri in debian if suite.endswith("-security")), "")
    main = next((uri for suite, uri in debian if not suite.endswith("-security")), "")
    if not main:
        raise UnavailableError("this machine's apt has no archive of Debian")
    return Mirror(main, security)


def derive_apt(suites: Sequence[str], kind: str = "deb") -> Apt:
    """Return a private apt configuration that knows `suites`, its lists freshly read.

    A suite that the mirror lacks is left out. `kind` is deb, or deb-src for sources.
    """
    mirror = find_mirror()
    home = cache_root() / "apt" / "-".join([kind, *suites])
    for place in ("lists/partial", "cache/archives/partial"):
        (home / place).mkdir(parents=True, exist_ok=True)
    apt = Apt(_private_options(home))
    lines = [_source_line(kind, mirror.address(suite), suite) for suite in suites if mirror.address(suite)]
    (home / "sources.list").write_text("".join(lines))
    with locked("apt"):
        _update(apt, home, suites)
    return apt


def extract(package: Path, directory: Path) -> None:
    """Unpack the files of a package into `directory`."""
    with step(f"unpacking {package.name}", lambda: f"{_size(directory) >> 20} MiB"):
        output_of(["dpkg-deb", "-x", package, directory])


def _update(apt: Apt, home: Path, suites: Sequence[str]) -> None:
    """Read the lists anew; what apt says matters only when no list is there afterwards."""
    log = home / "update.log"
    log.unlink(missing_ok=True)
    with contextlib.suppress(BuildError):
        run_logged(["apt-get", *apt.options, *_UNSANDBOXED, "update"], "reading lists of packages", log)
    if not list((home / "lists").glob("*_main_*")):
        raise UnavailableError(f"no list of the packages of {' or '.join(suites)} could be read")


def _private_options(home: Path) -> tuple[str, ...]:
    settings = {
        "Dir::Etc::sourcelist": home / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferences": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State::lists": home / "lists",
        "Dir::Cache": home / "cache",
        "Acquire::Languages": "none",
    }
    return tuple(part for key, value in settings.items() for part in ("-o", f"{key}={value}"))


def _source_line(kind: str, address: str, suite: str) -> str:
    keyring = next((path for path in _KEYRINGS if path.exists()), None)
    signed = f"[signed-by={keyring}] " if keyring else ""
    return f"{kind} {signed}{address} {suite} main\n"


def _is_debian(suite: str) -> bool:
    return suite.split("-")[0] in (*_CODENAMES, *_ALIASES)


def _madison(options: tuple[str, ...], package: str) -> list[str]:
    return ["apt-cache", *options, "madison", package]


_MADISON = re.compile(r"\s*(\S+)\s*\|\s*(\S+)\s*\|\s*\S+\s+([^\s/]+)/\S+\s+\S+\s+Packages")


def _candidate(line: str) -> Candidate | None:
    match = _MADISON.match(line)
    return Candidate(*match.groups()) if match else None


def _size(directory: Path) -> int:
    return sum(_sizes(directory))


def _sizes(directory: Path) -> Iterator[int]:
    for path in directory.rglob("*"):
        try:
            yield path.lstat().st_size
        except OSError:
            continue
