# SPDX-License-Identifier: GPL-2.0-only
"""The manifest of an output directory: which files vfiogen wrote there, for which driver.

It is what tells a generated file from one of somebody else, an untouched file from one that was
edited, and what lets a run for one spec list the other drivers in the Makefile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from vfiogen.diagnostics import VfiogenError, quote
from vfiogen.records import Value, field

NAME = ".vfiogen"
TEMPORARY = ".vfiogen-"  # what the names of half-written files begin with
_VERSION = 1
_ABOUT = "Written by vfiogen, which rewrites and removes only the files listed here. Do not edit."


class DriverEntry(Value):
    """What the files above a driver's directory say about it: its directory and Kconfig symbol.

    A part of the core has its object in the directory's place.
    """

    directory: str
    symbol: str

    @property
    def is_object(self) -> bool:
        """Whether it is a part of the core; no directory has a dot in its name."""
        return self.directory.endswith(".o")

    @property
    def made(self) -> str:
        """What the Makefile above has of it."""
        return self.directory if self.is_object else f"{self.directory}/"

    @property
    def kconfig(self) -> str:
        """Its Kconfig entry, as seen from above."""
        if self.is_object:
            return f"Kconfig.{self.directory.removesuffix('.o')}"
        return f"{self.directory}/Kconfig"


class Entry(Value):
    """A file: the driver that it belongs to (none if all share it), and SHA-256 sums of its bytes.

    While a run is writing there are two sums, of the old and the new bytes.
    """

    owner: str
    sums: tuple[str, ...]


class Manifest(Value):
    """The drivers and files of an output directory. Paths are relative to it, with slashes."""

    drivers: Mapping[str, DriverEntry] = field(default_factory=dict)
    files: Mapping[str, Entry] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the bytes of the manifest: JSON with a line for each driver and file, sorted."""
        drivers = {name: [d.directory, d.symbol] for name, d in self.drivers.items()}
        files = {path: [entry.owner, *entry.sums] for path, entry in self.files.items()}
        parts = (f'"about": {json.dumps(_ABOUT)}', f'"version": {_VERSION}')
        body = ",\n".join((*parts, _table("drivers", drivers), _table("files", files)))
        return f"{{\n{body}\n}}\n".encode()

    def union(self, other: Manifest) -> Manifest:
        """Return the manifest of a directory on its way from `self` to `other`."""
        files = dict(self.files)
        for path, entry in other.files.items():
            old = files.get(path, entry)
            sums = dict.fromkeys((*old.sums, *entry.sums))
            files[path] = Entry(entry.owner, tuple(sums))
        return Manifest({**self.drivers, **other.drivers}, files)


def decode(data: bytes, shown: str) -> Manifest:
    """Return a manifest from its bytes; raise VfiogenError (output-manifest) if they are none."""
    try:
        tables = json.loads(data)
        if tables["version"] != _VERSION:
            raise ValueError("another version of vfiogen wrote it")
        drivers = {str(n): DriverEntry(*_texts(row, 2)) for n, row in tables["drivers"].items()}
        files = {check_path(path): _entry(row) for path, row in tables["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise VfiogenError(
            "output-manifest",
            f"{quote(shown)} is no manifest that can be read: {error}",
            "restore it from version control, or remove the directory and generate it again",
        ) from error
    return Manifest(drivers, files)


def read_manifest(directory: Path, shown: str) -> Manifest | None:
    """Return the manifest of a directory, or nothing if it has none."""
    data = manifest_bytes(directory)
    return None if data is None else decode(data, f"{shown}/{NAME}")


def manifest_bytes(directory: Path) -> bytes | None:
    """Return the bytes of a directory's manifest, or nothing if it has none."""
    try:
        return (directory / NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise VfiogenError(
            "output-unwritable", f"{quote(str(directory / NAME))} can't be read: {error.strerror}"
        ) from error


def check_path(path: str) -> str:
    """Return a path that stays below the output directory; raise ValueError for any other."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or not pure.parts or ".." in pure.parts or str(pure) != path:
        raise ValueError(f"{path!r} is not a path below the output directory")
    if "\0" in path or any(p == NAME or p.startswith(TEMPORARY) for p in pure.parts):
        raise ValueError(f"{path!r} is not a path of a generated file")
    return path


def _table(name: str, rows: Mapping[str, list[str]]) -> str:
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(rows[key])}" for key in sorted(rows))
    return f'"{name}": {{\n{lines}\n}}' if lines else f'"{name}": {{}}'


def _texts(row: Any, count: int) -> list[str]:
    if not isinstance(row, list) or len(row) < count or not all(isinstance(x, str) for x in row):
        raise ValueError(f"{row!r} is not a list of texts")
    return row


def _entry(row: Any) -> Entry:
    owner, *sums = _texts(row, 2)
    return Entry(owner, tuple(sums))
