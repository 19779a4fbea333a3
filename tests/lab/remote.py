# SPDX-License-Identifier: GPL-2.0-only
"""System calls in the guest: the host's end of guest/agent.c, where the protocol is described."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import socket
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.lab.errors import GuestGoneError

_IMMEDIATE, _BUFFER, _RESULT, _LOADED, _ROOM = range(5)
_SYSCALL, _LOAD, _STORE, _RUN = range(4)
_OTHER = {"load": _LOAD, "store": _STORE, "run": _RUN}
_AT_FDCWD = -100 & (1 << 64) - 1
_PAGE = 4096
# An emulated processor that idles costs the other one half as much again, so it is there when it is needed.
_SECOND_PROCESSOR = "/sys/devices/system/cpu/cpu1/online"

_NUMBERS = {
    "read": 0,
    "write": 1,
    "close": 3,
    "poll": 7,
    "lseek": 8,
    "mmap": 9,
    "mprotect": 10,
    "munmap": 11,
    "ioctl": 16,
    "pread64": 17,
    "pwrite64": 18,
    "nanosleep": 35,
    "mkdir": 83,
    "readlink": 89,
    "reboot": 169,
    "delete_module": 176,
    "getdents64": 217,
    "openat": 257,
    "eventfd2": 290,
    "finit_module": 313,
    "close_range": 436,
}


@dataclass(frozen=True)
class ResultOf:
    """An argument: the result of an earlier call of the same thread."""

    call: int


@dataclass(frozen=True)
class LoadedFrom:
    """An argument: a 32-bit number in a buffer as an earlier call of the same thread left it."""

    call: int
    argument: int
    offset: int


@dataclass(frozen=True)
class Room:
    """An argument: the address of so many zeroes, for the kernel to write to."""

    size: int


Argument = int | bytes | Room | ResultOf | LoadedFrom


@dataclass(frozen=True)
class Call:
    """A system call by name."""

    name: str
    arguments: tuple[Argument, ...]


def call(name: str, *arguments: Argument) -> Call:
    """Return a call; bytes stand for the address of a copy of them."""
    return Call(name, arguments)


@dataclass(frozen=True)
class Thread:
    """Calls made in turn, and that again and again."""

    calls: tuple[Call, ...]
    repeat: int = 1


@dataclass(frozen=True)
class Outcome:
    """What came of a call: its last result, its buffers, and how often it ended how (0 or an errno)."""

    result: int
    buffers: tuple[bytes, ...]
    counts: Counter[int]


class Wire:
    """The connection to the agent. Every failure is a GuestGoneError, and so is all that comes after.

    What is said is in memory that both have; a byte over the connection says that it is there.
    """

    def __init__(self, connection: socket.socket, memory: mmap.mmap, seconds: float) -> None:
        self._socket = connection
        self._memory = memory
        self._gone = ""
        self.seconds = seconds

    @property
    def is_gone(self) -> bool:
        """Whether a failure has ended it."""
        return bool(self._gone)

    def greet(self) -> None:
        """Wait for the agent to start."""
        self._wait()

    def run(self, threads: Sequence[Thread], seconds: float | None = None) -> list[list[Outcome]]:
        """Run threads at the same time; return the outcomes of each one's calls."""
        if self._gone:
            raise GuestGoneError(self._gone)
        request = bytes([len(threads)]) + b"".join(map(_encode_thread, threads))
        self._memory[: 4 + len(request)] = struct.pack("<I", len(request)) + request
        self._socket.settimeout(seconds or self.seconds)
        try:
            self._socket.sendall(b"\1")
        except OSError as error:
            raise self._end(f"the guest is gone: {error}") from error
        self._wait()
        return list(_decode(self._answer(), threads))

    def _answer(self) -> bytes:
        start = len(self._memory) // 2 + 4
        (size,) = struct.unpack_from("<I", self._memory, start - 4)
        return self._memory[start : start + size]

    def _wait(self) -> None:
        try:
            said = self._socket.recv(1)
        except TimeoutError as error:
            raise self._end("the guest doesn't answer: it hangs") from error
        except OSError as error:
            raise self._end(f"the guest is gone: {error}") from error
        if not said:
            raise self._end("the guest is gone: it has crashed or powered off")

    def _end(self, reason: str) -> GuestGoneError:
        self._gone = reason
        return GuestGoneError(reason)


def _encode_thread(thread: Thread) -> bytes:
    head = struct.pack("<IH", thread.repeat, len(thread.calls))
    return head + b"".join(map(_encode_call, thread.calls))


def _encode_call(one: Call) -> bytes:
    operation, number = _SYSCALL, _NUMBERS.get(one.name, 0)
    arguments = one.arguments
    if one.name in _OTHER:
        first, *rest = arguments
        assert isinstance(first, int)
        operation, number, arguments = _OTHER[one.name], first, tuple(rest)
    else:
        assert one.name in _NUMBERS, one.name
    head = struct.pack("<BIB", operation, number, len(arguments))
    return head + b"".join(map(_encode_argument, arguments))


def _encode_argument(argument: Argument) -> bytes:
    match argument:
        case bytes():
            return struct.pack("<BI", _BUFFER, len(argument)) + argument
        case Room(size):
            return struct.pack("<BI", _ROOM, size)
        case ResultOf(earlier):
            return struct.pack("<BH", _RESULT, earlier)
        case LoadedFrom(earlier, position, offset):
            return struct.pack("<BHBI", _LOADED, earlier, position, offset)
        case _:
            return struct.pack("<BQ", _IMMEDIATE, argument & (1 << 64) - 1)


def _decode(answer: bytes, threads: Sequence[Thread]) -> Iterator[list[Outcome]]:
    at = 0
    for thread in threads:
        outcomes = []
        for one in thread.calls:
            outcome, at = _decode_call(answer, at, one)
            outcomes.append(outcome)
        yield outcomes


def _decode_call(answer: bytes, at: int, one: Call) -> tuple[Outcome, int]:
    result, different = struct.unpack_from("<qH", answer, at)
    at += 10
    counts: Counter[int] = Counter()
    for _ in range(different):
        error, count = struct.unpack_from("<iI", answer, at)
        counts[-error] += count
        at += 8
    buffers = []
    for argument in one.arguments:
        if isinstance(argument, bytes | Room):
            size = len(argument) if isinstance(argument, bytes) else argument.size
            (used,) = struct.unpack_from("<I", answer, at)
            buffers.append(answer[at + 4 : at + 4 + used].ljust(size, b"\0"))
            at += 4 + used
    return Outcome(result, tuple(buffers), counts), at


class RemoteSystem:
    """The guest, as vfiogen.vfio.system.System says, and the few calls more that a test needs."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._mappings: dict[int, int] = {}

    def call(self, name: str, *arguments: Argument) -> tuple[int, tuple[bytes, ...]]:
        """Make one call; return its result and its buffers. Raises OSError."""
        (outcome,) = self.in_turn(Call(name, arguments))
        return outcome.result, outcome.buffers

    def in_turn(self, *calls: Call) -> list[Outcome]:
        """Make calls one after the other; return what came of each. Raises OSError for the first failure."""
        (outcomes,) = self.wire.run([Thread(calls)])
        for one, outcome in zip(calls, outcomes, strict=True):
            if outcome.result < 0:
                raise OSError(-outcome.result, os.strerror(-outcome.result), f"{one.name} in the guest")
        return outcomes

    def parallel(self, *threads: Thread, seconds: float = 60) -> list[list[Outcome]]:
        """Run threads at the same time, on two processors; return the outcomes of each one's calls."""
        if len(threads) == 1:
            return self.wire.run(threads, seconds)
        self.write_file(_SECOND_PROCESSOR, "1")
        outcomes = self.wire.run(threads, seconds)
        self.write_file(_SECOND_PROCESSOR, "0")
        return outcomes

    # System

    def open(self, path: str, flags: int) -> int:
        """See System."""
        return self.in_turn(_opening(path, flags))[0].result

    def close(self, fd: int) -> None:
        """See System."""
        self.call("close", fd)

    def read(self, fd: int, size: int) -> bytes:
        """See System."""
        got, (data,) = self.call("read", fd, Room(size), size)
        return data[:got]

    def write(self, fd: int, data: bytes) -> int:
        """See System."""
        return self.call("write", fd, data, len(data))[0]

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """See System."""
        got, (data,) = self.call("pread64", fd, Room(size), size, offset)
        return data[:got]

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        """See System."""
        return self.call("pwrite64", fd, data, len(data), offset)[0]

    def ioctl(self, fd: int, request: int, argument: int | bytes = 0) -> tuple[int, bytes]:
        """See System."""
        result, buffers = self.call("ioctl", fd, request, argument)
        return result, buffers[0] if buffers else b""

    def mmap(self, fd: int, size: int, offset: int, *, write: bool = True) -> int:
        """See System."""
        anonymous = 0x20 if fd == -1 else 0
        address, _ = self.call("mmap", 0, size, 3 if write else 1, 1 | anonymous, fd, offset)
        self._mappings[address] = size
        return address

    def munmap(self, address: int, size: int) -> None:
        """See System."""
        self.call("munmap", address, size)
        self._mappings.pop(address, None)

    def unmap_all(self) -> None:
        """Undo every mapping that is left."""
        for address, size in list(self._mappings.items()):
            self.munmap(address, size)

    def load(self, address: int, width: int) -> int:
        """See System; memory that can't be reached is an OSError here."""
        return int.from_bytes(self.call("load", width, address, Room(width))[1][0], "little")

    def store(self, address: int, width: int, value: int) -> None:
        """See System; memory that can't be reached is an OSError here."""
        self.call("store", width, address, value.to_bytes(width, "little"))

    def eventfd(self) -> int:
        """See System."""
        return self.call("eventfd2", 0, os.O_NONBLOCK | os.O_CLOEXEC)[0]

    def poll(self, fd: int, seconds: float) -> bool:
        """See System."""
        return self.call("poll", struct.pack("<ihh", fd, 1, 0), 1, int(seconds * 1000))[0] > 0

    def names(self, path: str) -> list[str]:
        """See System."""
        parts = self._parts_of(path, "getdents64", os.O_DIRECTORY)
        return sorted({name for part in parts for name in _entries(part)} - {".", ".."})

    def link(self, path: str) -> str:
        """See System."""
        size, (_, target) = self.call("readlink", _text(path), Room(_PAGE), _PAGE)
        return target[:size].decode()

    # More than a client needs

    def read_file(self, path: str) -> bytes:
        """Return what a file has."""
        return b"".join(self._parts_of(path, "read"))

    def _parts_of(self, path: str, how: str, flags: int = 0, rounds: int = 3) -> list[bytes]:
        """Open, read and close at once; what is longer than that is read anew, in more rounds."""
        reading = Call(how, (ResultOf(0), Room(_PAGE), _PAGE))
        _, *read, _ = self.in_turn(_opening(path, flags), *[reading] * rounds, _CLOSING)
        if read[-1].result:
            return self._parts_of(path, how, flags, rounds * 8)
        return [one.buffers[0][: one.result] for one in read]

    def write_file(self, path: str, text: str) -> None:
        """Write text into a file by one call."""
        data = text.encode()
        self.in_turn(_opening(path, os.O_WRONLY), Call("write", (ResultOf(0), data, len(data))), _CLOSING)

    def exists(self, path: str) -> bool:
        """Whether a path is there."""
        try:
            self.in_turn(_opening(path, os.O_RDONLY), _CLOSING)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return False
        return True

    def insert_module(self, path: str, parameters: str = "") -> None:
        """Load a module; one that is loaded already is left."""
        loading = Call("finit_module", (ResultOf(0), _text(parameters), 0))
        with contextlib.suppress(FileExistsError):
            self.in_turn(_opening(path, os.O_RDONLY), loading, _CLOSING)

    def remove_module(self, name: str) -> None:
        """Unload a module."""
        self.call("delete_module", _text(name), os.O_NONBLOCK)

    def run_program(self, *words: str) -> tuple[int, str]:
        """Run a program; return its exit status and what it said."""
        output = "/said"
        status, _ = self.call("run", len(words), b"".join(map(_text, words)), _text(output))
        return status, self.read_file(output).decode()

    def power_off(self) -> None:
        """Power off; the connection ends."""
        with_magic = (0xFEE1DEAD, 0x28121969, 0x4321FEDC)
        try:
            self.call("reboot", *with_magic, 0)
        except GuestGoneError:
            return


_CLOSING = Call("close", (ResultOf(0),))


def _opening(path: str, flags: int) -> Call:
    return Call("openat", (_AT_FDCWD, _text(path), flags | os.O_CLOEXEC, 0))


def _entries(part: bytes) -> Iterator[str]:
    """Yield the names in an array of struct linux_dirent64."""
    at = 0
    while at < len(part):
        (length,) = struct.unpack_from("<H", part, at + 16)
        yield part[at + 19 : at + length].split(b"\0")[0].decode()
        at += length


def _text(text: str) -> bytes:
    return text.encode() + b"\0"
