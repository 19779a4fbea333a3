# SPDX-License-Identifier: GPL-2.0-only
"""A guest: booted from a built kernel, served by the agent, its log watched."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.kernels.build import Prepared, find_module
from tests.kernels.cache import cache_root, locked
from tests.kernels.errors import UnavailableError
from tests.kernels.modinfo import read_modinfo
from tests.kernels.progress import output_of
from tests.lab.accelerator import PROCESSOR, find_accelerator
from tests.lab.emulator import Emulator
from tests.lab.errors import GuestGoneError
from tests.lab.initramfs import write_initramfs
from tests.lab.interpreter import interpreter_files
from tests.lab.kernel_log import find_reports, name_leaks
from tests.lab.remote import RemoteSystem, Wire

HERE = Path(__file__).parent
_BOOT = 240.0
_ANSWER = 40.0
_SCAN = 180.0
_HUNG = 15
_SHARED = 64 << 20
# kmemleak's MSECS_MIN_AGE, and a jiffy or two.
_LEAK_AGE = 5.1
_ARGUMENTS = (
    "console=ttyS0 loglevel=7 printk.devkmsg=on no_timer_check tsc=reliable maxcpus=1 panic=-1 intel_iommu=on"
)


@dataclass(frozen=True)
class Machine:
    """What is emulated: devices of QEMU by its options, and more of the kernel's command line.

    With an interpreter `vfiogen` itself can run in the guest. `memory` is how much the machine has; what the
    guest never touches takes none of the host's.
    """

    name: str
    options: tuple[str, ...] = ()
    arguments: str = ""
    interpreter: bool = False
    memory: str = "1G"


@dataclass
class Guest:
    """A running guest. `system` reaches it; `log_path` is what its console shows."""

    process: subprocess.Popen[bytes]
    connection: socket.socket
    system: RemoteSystem
    log_path: Path
    modules: Mapping[str, Path]
    tainted: bool = False
    replaced: dict[str, str] = field(default_factory=dict)
    _marks: int = 0
    _log: int | None = None
    _loaded: list[str] = field(default_factory=list)

    # Modules

    def load(self, name: str, parameters: str = "") -> None:
        """Load a module and first what it needs, by the names of files without .ko."""
        key = self.replaced.get(_module_key(name), _module_key(name))
        if key in self._loaded:
            return
        for needed in read_modinfo(self.modules[key]).depends:
            # A module that isn't there is built in, or else its symbols will be missed.
            if self.replaced.get(_module_key(needed), _module_key(needed)) in self.modules:
                self.load(needed)
        self.system.insert_module(f"/modules/{key}.ko", parameters)
        self._loaded.append(key)

    def unload(self, name: str) -> None:
        """Unload a module; what it needed stays."""
        key = _module_key(name)
        self.system.remove_module(key)
        self._loaded.remove(key)

    def users_of(self, name: str) -> int:
        """Return how many references keep a module from being unloaded."""
        return int(self.system.read_file(f"/sys/module/{_module_key(name)}/refcnt"))

    def bind(self, bdf: str, driver: str) -> None:
        """Bind a PCI device to a driver, from whatever has it."""
        place = f"/sys/bus/pci/devices/{bdf}"
        self.unbind(bdf)
        self.system.write_file(f"{place}/driver_override", driver)
        self.system.write_file("/sys/bus/pci/drivers_probe", bdf)
        bound = self.driver_of(bdf)
        assert bound == driver, f"{bdf} isn't bound to {driver} but to {bound or 'none'}"

    def driver_of(self, bdf: str) -> str:
        """Return the driver that a PCI device is bound to, or nothing."""
        try:
            return self.system.link(f"/sys/bus/pci/devices/{bdf}/driver").rpartition("/")[2]
        except FileNotFoundError:
            return ""

    def devices_of(self, driver: str) -> list[str]:
        """Return the PCI devices that a driver is bound to, by address."""
        return sorted(name for name in self.system.names(f"/sys/bus/pci/drivers/{driver}") if ":" in name)

    def keep_enabled(self, bdf: str) -> None:
        """Have a device enabled before any driver comes.

        Each time that a device is first enabled and last disabled ACPI looks for its interrupt, which
        takes half a second in this kernel.
        """
        self.unbind(bdf)
        self.system.write_file(f"/sys/bus/pci/devices/{bdf}/enable", "1")

    def unbind(self, bdf: str) -> None:
        """Unbind a PCI device from its driver if it has one, which won't have it when it is loaded anew."""
        place = f"/sys/bus/pci/devices/{bdf}"
        if self.system.exists(f"{place}/driver/unbind"):
            self.system.write_file(f"{place}/driver/unbind", bdf)
        self.system.write_file(f"{place}/driver_override", "\n")

    # The log

    def mark(self, text: str) -> int:
        """Write a line into the kernel's log; return where in the log it ends."""
        self._marks += 1
        line = f"lab mark {self._marks}: {text}"
        self.system.write(self._log_fd(), f"<5>{line}\n".encode())
        return self._wait_for(line.encode())

    def reports_since(self, position: int) -> list[str]:
        """Return the reports of faults in the log after a position; they taint the guest."""
        with contextlib.suppress(GuestGoneError, OSError):
            self.mark("end")
        reports = find_reports(self.log_after(position))
        self.tainted |= bool(reports)
        return reports

    def log_after(self, position: int) -> str:
        """Return the log after a position."""
        return self.log_path.read_bytes()[position:].decode(errors="replace")

    def _log_fd(self) -> int:
        """Return the descriptor of the log, the lowest one that isn't the agent's own."""
        if self._log is None:
            self._log = self.system.open("/dev/kmsg", os.O_WRONLY)
        return self._log

    def close_all(self) -> None:
        """Close and unmap whatever tests have left."""
        self.system.unmap_all()
        self.system.call("close_range", self._log_fd() + 1, 0xFFFFFFFF, 0)

    def _wait_for(self, text: bytes) -> int:
        deadline = time.monotonic() + _ANSWER
        while time.monotonic() < deadline:
            data = self.log_path.read_bytes()
            at = data.find(text + b"\r\n")
            if at >= 0:
                return at + len(text) + 2
            time.sleep(0.005)
        raise GuestGoneError(f"the console doesn't show {text.decode()}")

    # Memory

    def watch_memory(self, books: str, modules: Sequence[str]) -> None:
        """Have a module, memory/lab-memory.c, keep the books of what others allocate that come later."""
        self.load(books, f"watched={','.join(modules)}")

    def allocated(self) -> Counter[str]:
        """Return what watched modules have allocated and not freed: its size and from where."""
        return Counter(self.system.read_file("/sys/kernel/debug/lab_memory").decode().splitlines())

    def find_leaks(self) -> list[str]:
        """Return what kmemleak finds, each with the test that ran when it was allocated.

        It scans until a second scan has begun that takes what was allocated last for old enough.
        """
        place = "/sys/kernel/debug/kmemleak"
        self.system.wire.seconds = _SCAN
        enough = self._uptime() + _LEAK_AGE
        self.system.write_file(place, "scan")
        begun = 0.0
        while begun <= enough:
            begun = self._uptime()
            self.system.write_file(place, "scan")
        self.system.wire.seconds = _ANSWER
        return name_leaks(self.system.read_file(place).decode(errors="replace"), self.log_after(0))

    def _uptime(self) -> float:
        return float(self.system.read_file("/proc/uptime").split()[0])

    # The end

    @property
    def usable(self) -> bool:
        """Whether tests can go on with it: it answers, and no report has turned a checker off."""
        return not (self.tainted or self.system.wire.is_gone) and self.process.poll() is None

    def stop(self) -> None:
        """Power off, or kill it."""
        with contextlib.suppress(GuestGoneError, OSError):
            self.system.wire.seconds = 5
            self.system.power_off()
        self.connection.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def boot(
    emulator: Emulator, kernel: Prepared, machine: Machine, modules: Sequence[Path], work: Path
) -> Guest:
    """Boot a kernel with modules of its own and further ones at hand; `work` gets log and archive."""
    work.mkdir(parents=True, exist_ok=True)
    at_hand = _collect(kernel, modules)
    archive = work / "initramfs.cpio"
    files = {f"/modules/{name}.ko": path for name, path in at_hand.items()}
    if machine.interpreter:
        files |= interpreter_files(work)
    write_initramfs(archive, {"/init": build_agent(), **files})
    log = work / "console.log"
    ours, theirs = socket.socketpair()
    memory = _shared_memory(work / "port")
    with theirs:
        process = _start(emulator, kernel, machine, archive, log, theirs)
    wire = Wire(ours, memory, _ANSWER)
    guest = Guest(process, ours, RemoteSystem(wire), log, at_hand)
    _greet(guest)
    (work / "port").unlink()
    return guest


def _shared_memory(path: Path) -> mmap.mmap:
    """Make the memory that guest and host have in common, in a sparse file for the emulator."""
    with path.open("wb+") as file:
        file.truncate(_SHARED)
        return mmap.mmap(file.fileno(), _SHARED)


def _start(
    emulator: Emulator, kernel: Prepared, machine: Machine, archive: Path, log: Path, port: socket.socket
) -> subprocess.Popen[bytes]:
    command = [
        *emulator.command(),
        *("-machine", find_accelerator(emulator, kernel.image).machine),
        *("-cpu", PROCESSOR, "-smp", "2", "-m", machine.memory),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-chardev", f"file,id=log,path={log}", "-serial", "chardev:log"),
        *("-chardev", f"socket,id=port,fd={port.fileno()}", "-serial", "chardev:port"),
        *("-object", f"memory-backend-file,id=shared,share=on,mem-path={log.parent}/port,size={_SHARED}"),
        *("-device", "ivshmem-plain,memdev=shared,addr=1e"),
        *("-kernel", str(kernel.image), "-initrd", str(archive)),
        *("-append", f"{_ARGUMENTS} {machine.arguments}"),
        *machine.options,
    ]
    err = log.with_suffix(".qemu")
    with err.open("wb") as out:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=[port.fileno()]
        )


def _greet(guest: Guest) -> None:
    guest.connection.settimeout(_BOOT)
    try:
        guest.system.wire.greet()
    except GuestGoneError as error:
        guest.stop()
        said = guest.log_path.with_suffix(".qemu").read_text(errors="replace")
        tail = guest.log_path.read_text(errors="replace")[-2000:] if guest.log_path.exists() else ""
        raise GuestGoneError(f"the guest didn't boot: {error}\n{said}{tail}") from error
    hung = "/proc/sys/kernel/hung_task_timeout_secs"
    if guest.system.exists(hung):
        guest.system.write_file(hung, str(_HUNG))


_ALWAYS = ("vfio", "vfio_iommu_type1", "vfio-pci-core", "vfio-pci", "iommufd", "irqbypass", "pci-pf-stub")


def _collect(kernel: Prepared, modules: Sequence[Path]) -> dict[str, Path]:
    """Return modules by name: the given ones, what they need, and what every guest has."""
    found = {_module_key(path.stem): path for path in modules}
    wanted = [*_ALWAYS, *(need for path in modules for need in read_modinfo(path).depends)]
    while wanted:
        key = _module_key(wanted.pop())
        path = None if key in found else find_module(kernel, key)
        if path:
            found[key] = path
            wanted += read_modinfo(path).depends
    return found


def _module_key(name: str) -> str:
    return name.replace("-", "_")


def build_agent() -> Path:
    """Return the guest's only program, compiled once."""
    source = HERE / "guest/agent.c"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:10]
    program = cache_root() / "lab" / f"agent-{digest}"
    with locked("lab-agent"):
        if not program.exists():
            program.parent.mkdir(parents=True, exist_ok=True)
            partial = program.with_suffix(".partial")
            flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"]
            try:
                output_of(["gcc", *flags, "-o", partial, source])
            except UnavailableError as error:
                raise UnavailableError(f"the guest's agent can't be compiled: {error}") from error
            for old in set(program.parent.glob("agent-*")) - {partial}:
                old.unlink()
            os.replace(partial, program)  # noqa: PTH105
    return program
