# SPDX-License-Identifier: GPL-2.0-only
"""The guest's first file system: an archive in cpio's "newc" format, written without root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

_DIRECTORY = 0o040755
_FILE = 0o100755
_CONSOLE = 0o020600


def write_initramfs(path: Path, files: Mapping[str, Path]) -> None:
    """Write an archive with a console, and with files by their absolute names in the guest."""
    with path.open("wb") as out:  # an emulated processor would be slow to decompress it
        for number, entry in enumerate(_entries(files), start=1):
            out.write(_encode(number, *entry))


def _entries(files: Mapping[str, Path]) -> Iterator[tuple[str, int, bytes, tuple[int, int]]]:
    directories = {str(parent) for name in files for parent in Path(name).parents}
    for directory in sorted(directories | {"/dev", "/proc", "/sys"}):
        yield directory, _DIRECTORY, b"", (0, 0)
    yield "/dev/console", _CONSOLE, b"", (5, 1)
    for name, source in sorted(files.items()):
        yield name, _FILE, source.read_bytes(), (0, 0)
    yield "/TRAILER!!!", 0, b"", (0, 0)


def _encode(number: int, name: str, mode: int, data: bytes, device: tuple[int, int]) -> bytes:
    encoded = (name.lstrip("/") or ".").encode() + b"\0"
    links = 2 if mode == _DIRECTORY else 1
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return _padded(header + encoded) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
