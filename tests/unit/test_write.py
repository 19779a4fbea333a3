# SPDX-License-Identifier: GPL-2.0-only
"""Rendered files on disk: only what changed, whole or not at all, and never somebody else's."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vfiogen import manifest
from vfiogen.diagnostics import Problems, VfiogenError
from vfiogen.manifest import DriverEntry, Entry, Manifest
from vfiogen.write import Changes, apply, compare, other_drivers, report_obstacles


@dataclass(frozen=True)
class File:
    path: PurePosixPath
    data: bytes
    owner: str


EDU = {"edu/main.c": "int edu;\n", "edu/Kconfig": "config EDU\n"}
QAT = {"qat/main.c": "int qat;\n", "qat/Kconfig": "config QAT\n"}
OWNERS = {"edu": "specs/edu.yaml", "qat": "specs/qat.yaml"}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests are about what is written in which order, not about the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def look(out: Path, tree: dict[str, str], owners: Collection[str] | None = None) -> Changes:
    """Compare a directory with files; the first part of a path tells the driver."""
    files = [
        File(PurePosixPath(path), text.encode(), OWNERS.get(path.split("/")[0], ""))
        for path, text in tree.items()
    ]
    names = {f.owner: f.path.parts[0] for f in files if f.owner}
    drivers = {owner: DriverEntry(name, name.upper()) for owner, name in names.items()}
    return compare(out, "out", files, drivers, owners)


def write(out: Path, tree: dict[str, str], owners: Collection[str] | None = None) -> Changes:
    changes = look(out, tree, owners)
    assert not obstacles(changes)
    apply([changes])
    return changes


def obstacles(changes: Changes, force: bool = False) -> list[str]:
    problems = Problems()
    report_obstacles(changes, problems, force)
    return [f"{p.code}: {p.message}" for p in problems]


def on_disk(out: Path) -> dict[str, str]:
    """Return all files below a directory but for the manifest."""
    return {
        str(path.relative_to(out)): path.read_text()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != manifest.NAME
    }


def stamps(out: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_ino, p.stat().st_mtime_ns) for p in sorted(out.rglob("*"))}


def code_of(action: Callable[[], Any]) -> str:
    with pytest.raises(VfiogenError) as caught:
        action()
    return caught.value.problem.code


# What a run does


def test_a_first_run_writes_everything(tmp_path: Path) -> None:
    out = tmp_path / "a" / "out"
    changes = write(out, EDU | {"Kconfig": "source edu\n"})
    assert [(c.path, c.kind) for c in changes.files] == [
        ("Kconfig", "created"),
        ("edu/Kconfig", "created"),
        ("edu/main.c", "created"),
    ]
    assert on_disk(out) == EDU | {"Kconfig": "source edu\n"}


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path, EDU)
    before = stamps(tmp_path)
    assert look(tmp_path, EDU).is_current
    write(tmp_path, EDU)
    assert stamps(tmp_path) == before


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    write(tmp_path, EDU | QAT)
    before = stamps(tmp_path)
    changes = write(tmp_path, EDU | QAT | {"edu/main.c": "int more;\n"})
    assert [c.path for c in changes.of_kind("changed")] == ["edu/main.c"]
    after = stamps(tmp_path)
    touched = {Path(p).name for p in after if before[p] != after[p]}
    assert touched == {"main.c", "edu", manifest.NAME}
    assert (tmp_path / "edu/main.c").read_text() == "int more;\n"


def test_a_removed_spec_takes_its_files_and_directory_along(tmp_path: Path) -> None:
    write(tmp_path, EDU | QAT)
    changes = write(tmp_path, EDU)
    assert [c.path for c in changes.of_kind("stale")] == ["qat/Kconfig", "qat/main.c"]
    assert on_disk(tmp_path) == EDU
    assert not (tmp_path / "qat").exists()


def test_files_of_others_stay_when_a_spec_goes(tmp_path: Path) -> None:
    write(tmp_path, EDU | QAT)
    (tmp_path / "qat/notes").write_text("mine\n")
    write(tmp_path, EDU)
    assert on_disk(tmp_path) == EDU | {"qat/notes": "mine\n"}


def test_a_run_for_one_spec_keeps_the_files_of_the_others(tmp_path: Path) -> None:
    write(tmp_path, EDU | QAT | {"Kconfig": "both\n"})
    owners = {OWNERS["qat"]}
    assert other_drivers(tmp_path, "out", owners) == {OWNERS["edu"]: DriverEntry("edu", "EDU")}
    write(tmp_path, {"qat/main.c": "int new;\n", "Kconfig": "both!\n"}, owners)
    assert on_disk(tmp_path) == EDU | {"qat/main.c": "int new;\n", "Kconfig": "both!\n"}
    known = manifest.read_manifest(tmp_path, "out")
    assert known is not None
    assert set(known.drivers) == set(OWNERS.values())
    # A spec that renders nothing for this kernel any more is gone, with its entry.
    write(tmp_path, {"Kconfig": "edu\n"}, owners)
    assert on_disk(tmp_path) == EDU | {"Kconfig": "edu\n"}
    assert set(other_drivers(tmp_path, "out", ())) == {OWNERS["edu"]}


def test_files_have_the_permissions_of_the_user(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write(tmp_path, EDU)
    finally:
        os.umask(mask)
    assert (tmp_path / "edu/main.c").stat().st_mode & 0o777 == 0o640


# Diffs


def test_the_diff_is_one_that_patch_takes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    old = {"edu/main.c": "a\nb\nc\n", "edu/gone.c": "x\n", "edu/end.c": "no newline"}
    new = {"edu/main.c": "a\nB\nc\n", "edu/new.c": "y\n", "edu/end.c": "newline\n"}
    write(out, old)
    lines = look(out, new).diff()
    assert lines[:3] == ["--- a/out/edu/end.c", "+++ b/out/edu/end.c", "@@ -1 +1 @@"]
    assert "\\ No newline at end of file" in lines
    assert "+++ /dev/null" in lines
    assert "--- /dev/null" in lines
    subprocess.run(
        ["git", "apply", "-"],
        input="\n".join(lines) + "\n",
        cwd=tmp_path,
        text=True,
        check=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
    )
    assert on_disk(out) == new


def test_what_is_current_has_no_diff(tmp_path: Path) -> None:
    write(tmp_path, EDU)
    assert look(tmp_path, EDU).diff() == []


def test_a_manifest_that_alone_differs_is_shown(tmp_path: Path) -> None:
    write(tmp_path, EDU)
    path = tmp_path / manifest.NAME
    path.write_text(path.read_text().replace('"EDU"', '"OLD"'))
    changes = look(tmp_path, EDU)
    assert not changes.is_current
    assert changes.diff()[0] == f"--- a/out/{manifest.NAME}"


# What is in the way


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/thesis.tex").write_text("mine\n")
    with pytest.raises(VfiogenError, match=r"`out` holds files .* such as `deep/thesis.tex`"):
        look(tmp_path, EDU)
    assert on_disk(tmp_path) == {"deep/thesis.tex": "mine\n"}


def test_a_directory_may_be_there_and_empty(tmp_path: Path) -> None:
    (tmp_path / "edu").mkdir()
    write(tmp_path, EDU)
    assert on_disk(tmp_path) == EDU


def test_a_foreign_file_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path, EDU)
    (tmp_path / "qat").mkdir()
    (tmp_path / "qat/main.c").write_text("mine\n")
    changes = look(tmp_path, EDU | QAT)
    expected = ["output-foreign: `out/qat/main.c` was not written by vfiogen"]
    assert obstacles(changes) == expected
    assert obstacles(changes, force=True) == expected


def test_a_foreign_file_that_is_the_same_is_adopted(tmp_path: Path) -> None:
    write(tmp_path, EDU)
    (tmp_path / "qat").mkdir()
    (tmp_path / "qat/main.c").write_text(QAT["qat/main.c"])
    write(tmp_path, EDU | QAT)
    write(tmp_path, EDU)
    assert on_disk(tmp_path) == EDU


def test_an_edited_file_is_only_overwritten_by_force(tmp_path: Path) -> None:
    write(tmp_path, EDU | QAT)
    (tmp_path / "edu/main.c").write_text("edited\n")
    (tmp_path / "qat/main.c").write_text("edited\n")
    changes = look(tmp_path, EDU)  # one would be overwritten, the other removed
    assert obstacles(changes) == [
        "output-edited: `out/edu/main.c` was edited after vfiogen wrote it",
        "output-edited: `out/qat/main.c` was edited after vfiogen wrote it",
    ]
    assert obstacles(changes, force=True) == []
    apply([changes])
    assert on_disk(tmp_path) == EDU


def test_an_edit_that_is_what_would_be_written_is_no_edit(tmp_path: Path) -> None:
    write(tmp_path, EDU)
    new = EDU | {"edu/main.c": "int merged;\n"}
    (tmp_path / "edu/main.c").write_text("int merged;\n")
    write(tmp_path, new)
    assert look(tmp_path, new).is_current


def test_a_missing_file_is_written_again(tmp_path: Path) -> None:
    write(tmp_path, EDU | QAT)
    (tmp_path / "edu/main.c").unlink()
    (tmp_path / "qat/main.c").unlink()
    write(tmp_path, EDU)
    assert on_disk(tmp_path) == EDU
    assert not (tmp_path / "qat").exists()


def test_links_and_directories_in_the_way_are_refused(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "main.c").write_text(EDU["edu/main.c"])
    write(out, {"Kconfig": "x\n"})
    (out / "edu").symlink_to(elsewhere)
    (out / "qat/main.c").mkdir(parents=True)
    (out / "qat/Kconfig").symlink_to(elsewhere / "main.c")
    assert obstacles(look(out, {"Kconfig": "x\n"} | EDU | QAT)) == [
        "output-foreign: `out/edu` is in the way of a directory",
        "output-foreign: `out/qat/Kconfig` is in the way of a file",
        "output-foreign: `out/qat/main.c` is in the way of a file",
    ]


def test_nothing_is_removed_through_a_link(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    write(out, EDU | QAT)
    (out / "qat").rename(elsewhere)
    (out / "qat").symlink_to(elsewhere)
    assert obstacles(look(out, EDU)) == ["output-foreign: `out/qat` is in the way of a directory"]
    assert set(on_disk(elsewhere)) == {"Kconfig", "main.c"}


@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/x", "", ".", ".vfiogen", "a/.vfiogen-1", "a\0b", "a//b"]
)
def test_paths_that_leave_the_directory_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="is not a path"):
        manifest.check_path(path)
    data = Manifest({}, {path: Entry("", ("0",))}).encode()
    (tmp_path / manifest.NAME).write_bytes(data)
    assert code_of(lambda: look(tmp_path, EDU)) == "output-manifest"


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b"\xff", b'{"version": 2, "drivers": {}, "files": {}}', b"[" * 100_000),
        *(b'{"version": 1}', b'{"version": 1, "drivers": {}, "files": {"x": 1}}', b"<<<<<<< HEAD\n"),
        *(b'{"version": 1, "drivers": {"x": ["y"]}, "files": {}}', b"null"),
    ],
)
def test_a_broken_manifest_is_one_clear_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / manifest.NAME).write_bytes(data)
    assert code_of(lambda: look(tmp_path, EDU)) == "output-manifest"
    assert (tmp_path / manifest.NAME).read_bytes() == data


def test_an_output_below_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert code_of(lambda: look(tmp_path / "file", EDU)) == "output-unwritable"
    assert code_of(lambda: apply([look(tmp_path / "file/out", EDU)])) == "output-unwritable"


# Interruptions

OLD = EDU | {"Makefile": "old\n", "qat/main.c": "stale\n"}
LATER = {"edu/main.c": "later\n", "edu/last.c": "last\n", "Makefile": "later\n"}
NEW = {"edu/main.c": "new\n", "edu/more.c": "more\n", "new/deep/x.c": "x\n", "Makefile": "new\n"}


class Breaker:
    """Makes the n-th call of a function of os fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException) -> None:
        self.left = -1
        self._real = getattr(os, name)
        self._error = error
        monkeypatch.setattr(os, name, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.left -= 1
        if self.left == -1:
            raise self._error
        return self._real(*args, **kwargs)


SYSTEM_CALLS = ["open", "replace", "unlink", "mkdir", "rmdir", "fsync", "fdopen"]


@pytest.mark.parametrize("name", SYSTEM_CALLS)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
@pytest.mark.parametrize(("start", "then"), [({}, NEW), (OLD, NEW), (OLD, LATER)])
def test_an_interrupted_run_leaves_old_or_new_and_the_next_completes_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: BaseException,
    start: dict[str, str],
    then: dict[str, str],
) -> None:
    breaker = Breaker(monkeypatch, name, error)
    for number in range(40):
        out = tmp_path / str(number)
        if start:
            write(out, start)
        breaker.left = number
        with suppress(KeyboardInterrupt, VfiogenError):
            apply([look(out, NEW)])
        broken, breaker.left = breaker.left < 0, -1
        for path, text in on_disk(out).items() if out.exists() else ():
            assert text in (start.get(path), NEW.get(path)), path
        write(out, then)
        assert on_disk(out) == then
        assert look(out, then).is_current
        assert not [p for p in out.rglob("*") if p.is_dir() and not any(p.iterdir())]
        if not broken:
            return
    pytest.fail("the fault never stopped striking")


@pytest.mark.parametrize("failing", range(5))
def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write(first, OLD)
    before = stamps(tmp_path)
    due = [look(first, NEW), look(second, NEW)]
    breaker = Breaker(monkeypatch, "fsync", OSError(errno.ENOSPC, "No space left on device"))
    breaker.left = failing + 4  # the first directory has six files to flush, manifests included
    with pytest.raises(VfiogenError, match="No space left on device"):
        apply(due)
    breaker.left = -1
    after = stamps(tmp_path)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert changed <= {str(first), str(first / "edu"), str(first / "new")}  # as directories only
    assert on_disk(first) == OLD
    assert not second.exists()


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / "edu").mkdir()
    for name in (".vfiogen-1-2", "edu/.vfiogen-1-3"):
        (tmp_path / name).write_text("half")
    write(tmp_path, EDU)
    assert on_disk(tmp_path) == EDU


def test_two_runs_do_not_mix(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    changes, late = look(tmp_path, NEW), look(tmp_path, EDU)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert code_of(lambda: apply([changes])) == "output-busy"
    os.close(descriptor)
    apply([changes])
    assert code_of(lambda: apply([late])) == "output-busy"  # what it saw is gone
    assert on_disk(tmp_path) == NEW


# The manifest

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
PATHS = (
    st.lists(NAMES, min_size=1, max_size=3)
    .map("/".join)
    .filter(
        lambda path: (
            str(PurePosixPath(path)) == path
            and not any(p in (".", "..") or p.startswith(manifest.NAME) for p in path.split("/"))
        )
    )
)
MANIFESTS = st.builds(
    Manifest,
    st.dictionaries(NAMES, st.builds(DriverEntry, NAMES, NAMES), max_size=3),
    st.dictionaries(
        PATHS, st.builds(Entry, NAMES, st.lists(NAMES, min_size=1, max_size=2).map(tuple)), max_size=3
    ),
)


@given(MANIFESTS)
def test_a_manifest_survives_the_disk(known: Manifest) -> None:
    assert manifest.decode(known.encode(), "x") == known


def test_a_manifest_has_a_line_for_each_file(tmp_path: Path) -> None:
    write(tmp_path, EDU | {"Kconfig": "k\n"})
    lines = (tmp_path / manifest.NAME).read_text().splitlines()
    assert [line.split(":")[0] for line in lines] == [
        *("{", '"about"', '"version"', '"drivers"', '"specs/edu.yaml"', "},", '"files"', '"Kconfig"'),
        *('"edu/Kconfig"', '"edu/main.c"', "}", "}"),
    ]


TREES = st.dictionaries(
    st.sampled_from(["Kconfig", "edu/a", "edu/b", "qat/a", "qat/x/y"]), st.sampled_from(["1\n", "2\n"])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.lists(TREES, min_size=1, max_size=5))
def test_any_course_of_runs_ends_as_the_last_alone(
    tmp_path_factory: pytest.TempPathFactory, trees: list[dict[str, str]]
) -> None:
    out = tmp_path_factory.mktemp("course")
    for tree in trees:
        write(out, tree)
    assert on_disk(out) == trees[-1]
    fresh = tmp_path_factory.mktemp("fresh")
    write(fresh, trees[-1])
    assert (out / manifest.NAME).read_bytes() == (fresh / manifest.NAME).read_bytes()
