# SPDX-License-Identifier: GPL-2.0-only
"""The few system calls that the client makes: on this machine, or wherever `System` reaches."""

from __future__ import annotations

import ctypes
import mmap
import os
import select
from collections.abc import Callable
from typing import Protocol

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = (
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
)
_LIBC.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_LIBC.ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)
_UNITS: dict[int, Callable[[int], ctypes._SimpleCData[int]]] = {
    1: ctypes.c_uint8.from_address,
    2: ctypes.c_uint16.from_address,
    4: ctypes.c_uint32.from_address,
    8: ctypes.c_uint64.from_address,
}


class System(Protocol):
    """A machine with a kernel. Whatever fails raises OSError with the kernel's errno."""

    def open(self, path: str, flags: int) -> int:
        """Open a file and return its descriptor."""

    def close(self, fd: int) -> None:
        """Close a descriptor."""

    def read(self, fd: int, size: int) -> bytes:
        """Read once."""

    def write(self, fd: int, data: bytes) -> int:
        """Write once; return how many bytes went."""

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Read once at an offset."""

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """Write once at an offset; return how many bytes went."""

    def ioctl(self, fd: int, request: int, argument: int | bytes = 0) -> tuple[int, bytes]:
        """Call with a number or with a copy of bytes; return the result, and the bytes as left."""

    def mmap(self, fd: int, size: int, offset: int, *, write: bool = True) -> int:
        """Map a file, or memory for fd -1, shared; return the address."""

    def munmap(self, address: int, size: int) -> None:
        """Undo a mapping."""

    def load(self, address: int, width: int) -> int:
        """Read 1, 2, 4 or 8 bytes of mapped memory by one access."""

    def store(self, address: int, width: int, value: int) -> None:
        """Write 1, 2, 4 or 8 bytes of mapped memory by one access."""

    def eventfd(self) -> int:
        """Return a new eventfd that doesn't block."""

    def poll(self, fd: int, seconds: float) -> bool:
        """Return whether a descriptor becomes readable in time."""

    def names(self, path: str) -> list[str]:
        """Return the names in a directory, in order."""

    def link(self, path: str) -> str:
        """Return what a symbolic link points to."""


def _checked(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class LocalSystem:
    """This machine. A mapping that can't be reached kills the process, as in any program."""

    def open(self, path: str, flags: int) -> int:
        """See System."""
        return os.open(path, flags | os.O_CLOEXEC)

    def close(self, fd: int) -> None:
        """See System."""
        os.close(fd)

    def read(self, fd: int, size: int) -> bytes:
        """See System."""
        return os.read(fd, size)

    def write(self, fd: int, data: bytes) -> int:
        """See System."""
        return os.write(fd, data)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """See System."""
        return os.pread(fd, size, offset)

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """See System."""
        return os.pwrite(fd, data, offset)

    def ioctl(self, fd: int, request: int, argument: int | bytes = 0) -> tuple[int, bytes]:
        """See System."""
        if isinstance(argument, int):
            return _checked(_LIBC.ioctl(fd, request, argument)), b""
        buffer = ctypes.create_string_buffer(argument, len(argument))
        result = _checked(_LIBC.ioctl(fd, request, ctypes.cast(buffer, ctypes.c_void_p)))
        return result, buffer.raw

    def mmap(self, fd: int, size: int, offset: int, *, write: bool = True) -> int:
        """See System."""
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if write else 0)
        flags = mmap.MAP_SHARED | (mmap.MAP_ANONYMOUS if fd == -1 else 0)
        address: int = _LIBC.mmap(None, size, protection, flags, fd, offset)
        if address == ctypes.c_void_p(-1).value:
            _checked(-1)
        return address

    def munmap(self, address: int, size: int) -> None:
        """See System."""
        _checked(_LIBC.munmap(address, size))

    def load(self, address: int, width: int) -> int:
        """See System."""
        return _UNITS[width](address).value

    def store(self, address: int, width: int, value: int) -> None:
        """See System."""
        _UNITS[width](address).value = value

    def eventfd(self) -> int:
        """See System."""
        return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def poll(self, fd: int, seconds: float) -> bool:
        """See System."""
        return bool(select.select([fd], [], [], seconds)[0])

    def names(self, path: str) -> list[str]:
        """See System."""
        return sorted(os.listdir(path))  # noqa: PTH208

    def link(self, path: str) -> str:
        """See System."""
        return os.readlink(path)  # noqa: PTH115
