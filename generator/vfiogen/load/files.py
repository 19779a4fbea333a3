# SPDX-License-Identifier: GPL-2.0-only
"""Spec files to text: what can't be read as UTF-8 text of a sensible size is one clear problem."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from vfiogen.diagnostics import Problems, Source, did_you_mean, quote

LARGEST_FILE = 1024 * 1024

_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\xef\xbb\xbf", "UTF-8 with a byte order mark"),
)


def read_source(path: Path, shown: str, problems: Problems) -> Source | None:
    """Return the text of a file that is called `shown` in messages; report why it can't be read.

    Lines end with a newline in the text, whatever ends them in the file.
    """
    data = _read(path, shown, problems)
    return None if data is None else _decode(data, shown, problems)


def _read(path: Path, shown: str, problems: Problems) -> bytes | None:
    try:
        data = _read_regular(path)
    except FileNotFoundError:
        hint = did_you_mean(shown, _neighbours(path, shown))
        problems.report("file-missing", f"there is no file {quote(shown)}", None, hint)
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problems.report("file-unreadable", f"{quote(shown)} can't be read: {reason}", None)
        return None
    if len(data) > LARGEST_FILE:
        problems.report("file-size", f"{quote(shown)} is larger than 1 MiB", None)
        return None
    return data


def _read_regular(path: Path) -> bytes:
    """Return at most one byte more than the limit of a regular file."""
    # O_NONBLOCK: a FIFO that nobody writes to is refused instead of waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(LARGEST_FILE + 1)
    finally:
        os.close(descriptor)


def _neighbours(path: Path, shown: str) -> list[str]:
    """Return the files beside `path`, named as `shown` names it."""
    directory = shown[: -len(path.name)] if path.name and shown.endswith(path.name) else ""
    try:
        names = sorted(entry.name for entry in os.scandir(path.parent) if entry.is_file())
        return [directory + name for name in names]
    except (OSError, ValueError):
        return []


def _decode(data: bytes, shown: str, problems: Problems) -> Source | None:
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            hint = "save it as UTF-8, without a byte order mark"
            problems.report("file-encoding", f"{quote(shown)} is written in {name}", None, hint)
            return None
    try:
        return Source(shown, _newlines(data.decode()))
    except UnicodeDecodeError as error:
        _report_byte(data, error.start, shown, problems)
        return None


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _report_byte(data: bytes, at: int, shown: str, problems: Problems) -> None:
    source = Source(shown, _newlines(data.decode(errors="replace")))
    start = len(_newlines(data[:at].decode()))
    problems.report(
        "file-encoding",
        f"the byte 0x{data[at]:02x} is not UTF-8 here",
        source.span(start, start + 1),
        "save the file as UTF-8",
    )
