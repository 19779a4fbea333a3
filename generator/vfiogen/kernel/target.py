# SPDX-License-Identifier: GPL-2.0-only
"""The kernel that is rendered for: from a release by the table, or from a tree by its headers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Literal

from vfiogen.diagnostics import VfiogenError, listing, quote
from vfiogen.kernel.features import FEATURES, OLDEST, Feature, changes_inside, features_of
from vfiogen.kernel.release import Release, Thresholds, states_patch_level
from vfiogen.records import Value

_PASS_INSTEAD = "pass a kernel source tree, a kernel's output directory or a headers package's directory"
_MAKE_INCLUDE = re.compile(r"^-?include\s+(?!\$)(\S+)/Makefile\s*$", re.MULTILINE)
_MAKE_VERSION = re.compile(r"^(VERSION|PATCHLEVEL|SUBLEVEL)\s*=\s*(\d+)\s*$", re.MULTILINE)
_UTS_RELEASE = re.compile(r'#define\s+UTS_RELEASE\s+"([^"]+)"')
# A string or character literal is kept, a comment becomes a blank.
_COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.DOTALL)


def strip_comments(text: str) -> str:
    """Return C text with a blank in the place of each comment; literals stay."""
    return _COMMENT.sub(lambda match: match.group(1) or " ", text)


class Headers(Value, dict=True):
    """The headers below a root that has include/, read once each, without comments."""

    root: Path

    def text(self, path: str) -> str:
        """Return the header `path` (from the root) without its comments, empty if absent."""
        if path not in self._read:
            self._read[path] = _read_header(self.root / path)
        return self._read[path]

    def proves(self, feature: Feature) -> bool:
        """Whether the headers show a feature that has a probe."""
        assert feature.probe is not None
        text = self.text(feature.probe.header)
        return re.search(feature.probe.pattern, text, re.DOTALL) is not None

    def mentions(self, header: str, identifier: str) -> bool:
        """Whether a header, named as C includes it, has the identifier as a whole word."""
        word = re.compile(rf"(?<!\w){re.escape(identifier)}(?!\w)")
        places = (f"include/{header}", f"include/uapi/{header}")
        return any(word.search(self.text(place)) for place in places)

    @cached_property
    def _read(self) -> dict[str, str]:
        return {}


class Kernel(Value, dict=True):
    """What is known of the kernel that is rendered for.

    `origin` says how: "table" by the release alone, "probe" by the headers of `tree`, the
    directory that has include/. A probed kernel whose release can't be read has none.
    """

    release: Release | None
    features: frozenset[str]
    origin: Literal["table", "probe"]
    tree: Path | None = None

    def has(self, name: str) -> bool:
        """Whether the kernel has a feature of the table; an unknown name is a fault (KeyError)."""
        if name not in FEATURES:
            raise KeyError(f"no kernel feature is called {name!r}")
        return name in self.features

    def declares(self, header: str, identifier: str, since: str | Iterable[str]) -> bool:
        """Whether `header` ("linux/x.h") has `identifier`, a feature that a spec defines itself.

        A tree is searched; without one the thresholds decide, as in Thresholds.
        """
        if self.tree is not None:
            return self._headers.mentions(header, identifier)
        return self.release is not None and Thresholds.of(since).reached(self.release)

    @cached_property
    def _headers(self) -> Headers:
        assert self.tree is not None
        return Headers(self.tree)


def kernel_from_release(text: str) -> Kernel:
    """Return what the table knows of a release.

    Releases later than the table's newest are taken as that one is. Raises VfiogenError:
    kernel-release (unreadable), kernel-unsupported (too old), kernel-ambiguous (the patch level
    is missing and matters).
    """
    release = Release.parse(text)
    _require_supported(release, text)
    if not states_patch_level(text):
        _require_unambiguous(release, text)
    return Kernel(release, features_of(release), "table")


def kernel_from_tree(path: Path) -> Kernel:
    """Return what the headers of a tree show.

    `path` is a source tree, an output directory (O=), a directory of a headers package or a
    module directory's `build`. Raises VfiogenError: kernel-dir, kernel-unsupported.
    """
    root = find_headers_root(path)
    release = read_release(path, root)
    if release is not None:
        _require_supported(release, str(path))
    headers = Headers(root)
    found = frozenset(row.name for row in FEATURES.values() if _shown(row, headers, release))
    return Kernel(release, found, "probe", root)


def find_headers_root(path: Path) -> Path:
    """Return the directory that holds include/linux/vfio.h for a tree of any form.

    Raises VfiogenError (kernel-dir) with what is wrong with `path`.
    """
    if not path.is_dir():
        what = "isn't a directory" if path.exists() else "doesn't exist"
        raise VfiogenError("kernel-dir", f"the kernel directory `{path}` {what}", _PASS_INSTEAD)
    for root in _candidates(path):
        if (root / "include/linux/vfio.h").is_file():
            return root.resolve()
    raise VfiogenError(
        "kernel-dir",
        f"`{path}` has no kernel headers: neither it nor the source that it names has `include/linux/vfio.h`",
        _PASS_INSTEAD,
    )


def read_release(path: Path, root: Path) -> Release | None:
    """Return the release of a tree: from its source's Makefile, or from what a build recorded.

    The Makefile comes first, since a distribution's kernel.release may hold an ABI number in the
    place of the patch level.
    """
    from_makefile = _release_of_makefile(root / "Makefile")
    if from_makefile is not None:
        return from_makefile
    recorded = (_recorded_release(base) for base in dict.fromkeys((path, root)))
    return next((release for release in recorded if release is not None), None)


def _candidates(path: Path) -> Iterable[Path]:
    yield path
    yield path / "source"
    yield path.parent / "source"
    for named in _MAKE_INCLUDE.findall(_read_text(path / "Makefile")):
        yield path / named
        # A package unpacked elsewhere names a place where nothing is: its sibling has the headers.
        yield path.resolve().parent / Path(named).name


def _shown(feature: Feature, headers: Headers, release: Release | None) -> bool:
    if feature.probe is not None:
        return headers.proves(feature)
    return release is None or feature.present(release)


def _release_of_makefile(makefile: Path) -> Release | None:
    numbers = dict(_MAKE_VERSION.findall(_read_text(makefile)))
    if not {"VERSION", "PATCHLEVEL", "SUBLEVEL"} <= numbers.keys():
        return None
    return Release(*(int(numbers[key]) for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL")))


def _recorded_release(base: Path) -> Release | None:
    text = _read_text(base / "include/config/kernel.release")
    if not text:
        match = _UTS_RELEASE.search(_read_text(base / "include/generated/utsrelease.h"))
        text = match.group(1) if match else ""
    try:
        return Release.parse(text)
    except VfiogenError:
        return None


def _read_header(path: Path) -> str:
    return strip_comments(_read_text(path))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _require_supported(release: Release, text: str) -> None:
    if release < OLDEST:
        raise VfiogenError(
            "kernel-unsupported",
            f"kernel {quote(text)} is too old",
            f"releases from `{OLDEST.major}.{OLDEST.minor}` on are supported",
        )


def _require_unambiguous(release: Release, text: str) -> None:
    changes = changes_inside(release.line)
    if not changes:
        return
    line = f"{release.major}.{release.minor}"
    raise VfiogenError(
        "kernel-ambiguous",
        f"kernel {quote(text)} isn't precise enough: the API changed between the releases of {line}",
        f"name the full release, such as `{max(changes)}`, or pass `--kernel-dir`",
        *(f"{at} changed {listing(names, 'and')}" for at, names in changes.items()),
    )
