# SPDX-License-Identifier: GPL-2.0-only
"""Rendered files to disk: what changed and nothing else, whole files or none.

`compare` looks without touching anything, `report_obstacles` says what forbids writing, `apply`
writes. All new bytes are on disk beside the old files before the first file is replaced, and the
manifest then names old and new files until the last one is in place. So a full disk changes
nothing, an interrupted run leaves old or new files, and the next run completes it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import Thread
from typing import Literal, Protocol

from vfiogen import manifest
from vfiogen.diagnostics import Problems, VfiogenError, quote
from vfiogen.manifest import DriverEntry, Entry, Manifest
from vfiogen.records import Value

Kind = Literal["created", "changed", "unchanged", "stale"]


class RenderedFile(Protocol):
    """A file to write, by its path in the output directory.

    `owner` names the driver whose file it is; it is empty for a file that all drivers share.
    """

    @property
    def path(self) -> PurePosixPath: ...  # noqa: D102
    @property
    def data(self) -> bytes: ...  # noqa: D102
    @property
    def owner(self) -> str: ...  # noqa: D102


class Change(Value):
    """One file, before (`old`) and after (`new`) a run. A stale file is removed."""

    path: str
    kind: Kind
    old: bytes | None
    new: bytes | None

    def diff(self, directory: str) -> list[str]:
        """Return the lines of a unified diff; `directory` is what the output is called in it."""
        if self.old == self.new:
            return []
        from difflib import unified_diff

        name = f"{directory}/{self.path}"
        before = "/dev/null" if self.old is None else f"a/{name}"
        after = "/dev/null" if self.new is None else f"b/{name}"
        lines = unified_diff(_lines(self.old), _lines(self.new), before, after, lineterm="")
        return [line for text in lines for line in text.split("\n")]


class Obstacle(Value):
    """A file that forbids writing: somebody else's, or ours but edited by hand."""

    path: str
    edited: bool
    why: str


class Changes(Value, dict=True):
    """What a run would do to one output directory."""

    directory: Path
    shown: str
    files: tuple[Change, ...]
    obstacles: tuple[Obstacle, ...]
    before: Manifest
    after: Manifest
    found: bytes | None  # the bytes of the manifest on disk

    @cached_property
    def is_current(self) -> bool:
        """Whether the directory is already as it should be."""
        current = all(change.kind == "unchanged" for change in self.files)
        return current and self.found == self.after.encode()

    def of_kind(self, *kinds: Kind) -> list[Change]:
        """Return the changes of some kinds; files that are listed but missing are none."""
        return [c for c in self.files if c.kind in kinds and not (c.old is None and c.new is None)]

    def diff(self) -> list[str]:
        """Return the lines of a unified diff; of the manifest too, if nothing else differs."""
        lines = [line for change in self.files for line in change.diff(self.shown)]
        if lines or self.is_current:
            return lines
        return Change(manifest.NAME, "changed", self.found, self.after.encode()).diff(self.shown)


def other_drivers(directory: Path, shown: str, owners: Collection[str]) -> dict[str, DriverEntry]:
    """Return the drivers in an output directory that a run for some `owners` must keep."""
    known = manifest.read_manifest(directory, shown) or Manifest()
    return {name: driver for name, driver in known.drivers.items() if name not in owners}


def compare(
    directory: Path,
    shown: str,
    files: Iterable[RenderedFile],
    drivers: Mapping[str, DriverEntry],
    owners: Collection[str] | None = None,
) -> Changes:
    """Return what writing `files` would change; touch nothing.

    `drivers` are those that the files belong to. With `owners` the run is about these drivers
    alone, and the files of others stay; without, everything else is stale. `shown` is what the
    directory is called in messages. Raises VfiogenError: output-foreign for a directory that holds
    files and no manifest, output-manifest, output-unwritable.
    """
    found = manifest.manifest_bytes(directory)
    if found is None:
        _check_unclaimed(directory, shown)
    before = Manifest() if found is None else manifest.decode(found, f"{shown}/{manifest.NAME}")
    rendered = {manifest.check_path(str(file.path)): file for file in files}
    kept = {
        path: entry
        for path, entry in before.files.items()
        if path not in rendered and owners is not None and entry.owner not in {"", *owners}
    }
    stale = [path for path in before.files if path not in rendered and path not in kept]
    looker = _Looker(directory, before)
    changes = [looker.look(path, file.data) for path, file in rendered.items()]
    changes += [looker.look(path, None) for path in stale]
    entries = {path: Entry(file.owner, (_sum(file.data),)) for path, file in rendered.items()}
    kept_drivers = other_drivers(directory, shown, owners) if owners is not None else {}
    return Changes(
        directory,
        shown,
        tuple(sorted(changes, key=lambda change: change.path)),
        tuple(looker.obstacles),
        before,
        Manifest({**kept_drivers, **drivers}, {**kept, **entries}),
        found,
    )


def report_obstacles(changes: Changes, problems: Problems, force: bool = False) -> None:
    """Report files that can't be overwritten; `force` gives up edits of generated files."""
    foreign = [o for o in changes.obstacles if not o.edited]
    edited = [o for o in changes.obstacles if o.edited and not force]
    for obstacle in foreign:
        problems.report(
            "output-foreign",
            f"{quote(f'{changes.shown}/{obstacle.path}')} {obstacle.why}",
            None,
            "move it away, or write to another directory with --out",
        )
    for obstacle in edited:
        problems.report(
            "output-edited",
            f"{quote(f'{changes.shown}/{obstacle.path}')} {obstacle.why}",
            None,
            "`vfiogen diff` shows the edits; `vfiogen generate --force` gives them up",
        )


def apply(all_changes: Sequence[Changes]) -> None:
    """Write the changes of all directories.

    Until the first file is replaced any failure leaves everything as it was; from then on each file
    is old or new. Raises VfiogenError: output-unwritable, output-busy.
    """
    due = [changes for changes in all_changes if not changes.is_current]
    with ExitStack() as stack:
        writers = [stack.enter_context(_open_writer(changes)) for changes in due]
        for writer in writers:
            writer.stage()
        for writer in writers:
            writer.commit()


# Looking


class _Looker:
    """Compares single files of a directory with what they should be."""

    def __init__(self, directory: Path, before: Manifest) -> None:
        self._directory = directory
        self._before = before
        self._parents: dict[PurePosixPath, str] = {}
        self.obstacles: list[Obstacle] = []

    def look(self, path: str, new: bytes | None) -> Change:
        """Return the change of one file; note an obstacle."""
        in_the_way = self._in_the_way(path)
        if in_the_way:
            self.obstacles.append(Obstacle(in_the_way, False, "is in the way of a directory"))
            return Change(path, "created" if new is not None else "unchanged", None, new)
        old = self._read(path)
        if old == new and new is not None:
            return Change(path, "unchanged", old, new)
        if old is not None:
            self._note_edit(path, old)
        if new is None:
            return Change(path, "stale", old, None)
        return Change(path, "created" if old is None else "changed", old, new)

    def _note_edit(self, path: str, old: bytes) -> None:
        listed = self._before.files.get(path)
        if listed is None:
            self.obstacles.append(Obstacle(path, False, "was not written by vfiogen"))
        elif _sum(old) not in listed.sums:
            self.obstacles.append(Obstacle(path, True, "was edited after vfiogen wrote it"))

    def _read(self, path: str) -> bytes | None:
        """Return the bytes of a regular file; anything else in its place is an obstacle."""
        place = self._directory / path
        try:
            if not stat.S_ISREG(place.lstat().st_mode):
                self.obstacles.append(Obstacle(path, False, "is in the way of a file"))
                return None
            return place.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(place, "read", error) from error

    def _in_the_way(self, path: str) -> str:
        """Return what stands where a directory above `path` should be: a file, a symbolic link."""
        parents = list(PurePosixPath(path).parents)[:-1]
        return next((bad for p in reversed(parents) if (bad := self._bad_parent(p))), "")

    def _bad_parent(self, parent: PurePosixPath) -> str:
        if parent not in self._parents:
            try:
                mode = (self._directory / parent).lstat().st_mode
                self._parents[parent] = "" if stat.S_ISDIR(mode) else str(parent)
            except OSError:
                self._parents[parent] = ""
        return self._parents[parent]


def _check_unclaimed(directory: Path, shown: str) -> None:
    """Refuse a directory that holds files of others, before anything of ours is in it."""
    try:
        foreign = next(_files_below(directory), None)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _failed(directory, "read", error) from error
    if foreign is not None:
        raise VfiogenError(
            "output-foreign",
            f"{quote(shown)} holds files that vfiogen did not write, such as {quote(foreign)}",
            "write to another directory with --out, or move these files away",
        )


def _files_below(directory: Path) -> Iterator[str]:
    """Yield what is in a directory, but for what an interrupted run may have left."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from (f"{entry.name}/{name}" for name in _files_below(Path(entry.path)))
            elif not entry.name.startswith(manifest.TEMPORARY):
                yield entry.name


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _lines(data: bytes | None) -> list[str]:
    """Return lines for a diff, with a mark at the end of a last line that isn't ended."""
    if not data:
        return []
    text = data.decode(errors="replace")
    if text.endswith("\n"):
        return text[:-1].split("\n")
    lines = text.split("\n")
    return [*lines[:-1], lines[-1] + "\n\\ No newline at end of file"]


def _failed(path: Path, verb: str, error: OSError) -> VfiogenError:
    reason = error.strerror or str(error)
    return VfiogenError("output-unwritable", f"{quote(str(path))} can't be {verb}: {reason}")


# Writing


@contextmanager
def _open_writer(changes: Changes) -> Iterator[_Writer]:
    """Lock an output directory while it is written, and clean up behind a failure."""
    writer = _Writer(changes)
    try:
        with writer.locked():
            yield writer
    finally:
        writer.clean_up()


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    """Turn errors of the system into one that a person can act on."""
    try:
        yield
    except OSError as error:
        path = Path(error.filename or directory)
        if path.name.startswith(manifest.TEMPORARY):
            path = path.parent
        raise _failed(path, "written", error) from error


class _Writer:
    """Writes the changes of one directory, in two steps."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._root = changes.directory
        self._made: list[Path] = []  # directories that weren't there
        self._temporary: list[Path] = []
        self._files: list[tuple[Path, Path]] = []  # new bytes, and the file that they will be
        self._manifests: list[Path] = []  # for while files are replaced, and for afterwards

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold a lock on the directory, which is made if need be."""
        with _told(self._root):
            self._make_directory(self._root)
            descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _lock(descriptor, self._changes.shown)
            if manifest.manifest_bytes(self._root) != self._changes.found:
                raise _busy(self._changes.shown)
            yield
        finally:
            os.close(descriptor)

    def stage(self) -> None:
        """Put all new bytes on the disk, beside the files that they will be."""
        before, after = self._changes.before, self._changes.after
        new = {c.path: c.new for c in self._changes.of_kind("created", "changed")}
        with _told(self._root):
            for parent in sorted({(self._root / path).parent for path in new} | {self._root}):
                self._make_directory(parent)
                _sweep(parent)
            for path, data in new.items():
                target = self._root / path
                self._files.append((self._write(target.parent, data or b""), target))
            for content in (before.union(after), after):
                self._manifests.append(self._write(self._root, content.encode()))
            _flush(self._temporary)

    def commit(self) -> None:
        """Replace files, remove stale ones, and write down what is there now."""
        passing, final = self._manifests
        with _told(self._root):
            # The bytes are on the disk; file systems keep the order of the renames themselves.
            passing.replace(self._root / manifest.NAME)
            for temporary, target in self._files:
                temporary.replace(target)
            self._remove_stale()
            final.replace(self._root / manifest.NAME)

    def clean_up(self) -> None:
        """Remove what was staged and isn't in place, and directories that are not needed."""
        for temporary in self._temporary:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        for directory in reversed(self._made):
            with suppress(OSError):
                directory.rmdir()

    def _make_directory(self, directory: Path) -> None:
        missing = []
        while not directory.is_dir():
            missing.append(directory)
            directory = directory.parent
        for path in reversed(missing):
            self._made.append(path)
            path.mkdir()

    def _write(self, directory: Path, data: bytes) -> Path:
        """Write a temporary file, which clean_up() knows before it exists."""
        path = directory / f"{manifest.TEMPORARY}{os.getpid()}-{len(self._temporary)}"
        self._temporary.append(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return path

    def _remove_stale(self) -> None:
        stale = [self._root / c.path for c in self._changes.files if c.kind == "stale"]
        for path in stale:
            path.unlink(missing_ok=True)
        for directory in sorted({path.parent for path in stale}, reverse=True):
            self._remove_if_empty(directory)

    def _remove_if_empty(self, directory: Path) -> None:
        """Remove a directory below the root, and those above it, as far as they are empty."""
        while directory != self._root:
            try:
                directory.rmdir()
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    return
                raise
            directory = directory.parent


def _lock(descriptor: int, shown: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some file systems can't lock a directory; they do without.
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise _busy(shown) from error


def _busy(shown: str) -> VfiogenError:
    return VfiogenError(
        "output-busy", f"another vfiogen is writing to {quote(shown)}", "run again when it is done"
    )


def _sweep(directory: Path) -> None:
    """Remove half-written files that a killed run left behind."""
    for path in directory.glob(manifest.TEMPORARY + "*"):
        path.unlink(missing_ok=True)


def _flush(paths: Collection[Path]) -> None:
    """Wait until files are on the disk, all at once: a file system then commits them together."""
    left = list(paths)
    errors: list[BaseException] = []

    def work() -> None:
        with suppress(IndexError):  # another one took the last
            while not errors:
                path = left.pop()
                try:
                    _flush_one(path)
                except BaseException as error:
                    errors.append(error)

    workers = [Thread(target=work) for _ in range(min(16, len(paths)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]


def _flush_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
