# SPDX-License-Identifier: GPL-2.0-only
"""The client's system calls on this machine, against objects of its own kernel."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios
from pathlib import Path

import pytest

from vfiogen.vfio.system import LocalSystem

_PAGE = 4096


@pytest.fixture
def system() -> LocalSystem:
    return LocalSystem()


@pytest.fixture
def fd(system: LocalSystem, tmp_path: Path) -> int:
    (tmp_path / "file").write_bytes(bytes(_PAGE))
    return system.open(str(tmp_path / "file"), os.O_RDWR)


def test_files_are_read_and_written(system: LocalSystem, fd: int) -> None:
    assert system.write(fd, b"abcdef") == 6
    assert system.pread(fd, 3, 2) == b"cde"
    assert system.pwrite(fd, b"XY", 0) == 2
    assert system.read(fd, 1) == b"\0"
    assert system.pread(fd, 4, 0) == b"XYcd"
    system.close(fd)
    with pytest.raises(OSError) as caught:  # noqa: PT011
        system.read(fd, 1)
    assert caught.value.errno == errno.EBADF


def test_descriptors_arent_inherited(system: LocalSystem, fd: int) -> None:
    assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_mapped_memory_is_the_file(system: LocalSystem, fd: int, width: int) -> None:
    address = system.mmap(fd, _PAGE, 0)
    value = 0x8877665544332211 & (1 << 8 * width) - 1
    system.store(address + 16, width, value)
    assert system.load(address + 16, width) == value
    assert system.pread(fd, width, 16) == value.to_bytes(width, "little")
    system.munmap(address, _PAGE)


def test_memory_without_a_file_is_zeroed(system: LocalSystem) -> None:
    address = system.mmap(-1, _PAGE, 0)
    assert system.load(address + _PAGE - 8, 8) == 0
    system.munmap(address, _PAGE)


def test_what_cant_be_mapped_is_refused(system: LocalSystem, fd: int) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011
        system.mmap(fd, _PAGE, 1)
    assert caught.value.errno == errno.EINVAL


def test_ioctls_take_and_return_bytes(system: LocalSystem) -> None:
    reader, writer = os.pipe()
    system.write(writer, b"12345")
    result, answer = system.ioctl(reader, termios.FIONREAD, bytes(4))
    assert (result, struct.unpack("<i", answer)) == (0, (5,))
    with pytest.raises(OSError) as caught:  # noqa: PT011
        system.ioctl(reader, 0x3B64)
    assert caught.value.errno == errno.ENOTTY


def test_eventfds_are_polled(system: LocalSystem) -> None:
    eventfd = system.eventfd()
    assert not system.poll(eventfd, 0)
    system.write(eventfd, (3).to_bytes(8, "little"))
    assert system.poll(eventfd, 0)
    assert int.from_bytes(system.read(eventfd, 8), "little") == 3
    with pytest.raises(BlockingIOError):
        system.read(eventfd, 8)


def test_directories_and_links_are_read(system: LocalSystem, tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    (tmp_path / "a").symlink_to("b")
    assert system.names(str(tmp_path)) == ["a", "b"]
    assert system.link(str(tmp_path / "a")) == "b"
    with pytest.raises(FileNotFoundError):
        system.names(str(tmp_path / "c"))
