# SPDX-License-Identifier: GPL-2.0-only
"""How the guest's processors are run: by KVM where that works, else in software."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.lab.emulator import Emulator

PROCESSOR = "max,la57=off"
_DEVICE = Path("/dev/kvm")
_ALIVE = b"Linux version"
_PATIENCE = 15.0


@dataclass(frozen=True)
class Accelerator:
    """Options of QEMU, and why it isn't KVM if it isn't."""

    machine: str
    reason: str = ""


_SOFTWARE = "q35,accel=tcg"
# Interrupts are remapped by the emulated IOMMU, which the kernel's own controller knows nothing of.
_KVM = "q35,accel=kvm,kernel-irqchip=split"


@cache
def find_accelerator(emulator: Emulator, image: Path) -> Accelerator:
    """Return KVM if a kernel says its first words under it, which some machines promise and don't hold."""
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return Accelerator(_SOFTWARE, f"{_DEVICE} is missing or not for this user")
    with tempfile.TemporaryDirectory() as place:
        reason = _try_kvm(emulator, image, Path(place) / "console.log")
    return Accelerator(_SOFTWARE, reason) if reason else Accelerator(_KVM)


def _try_kvm(emulator: Emulator, image: Path, log: Path) -> str:
    """Boot a kernel until it says something. Return why it doesn't, or nothing."""
    command = [
        *emulator.command(),
        *("-machine", _KVM, "-cpu", PROCESSOR, "-smp", "2", "-m", "512M"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *(
            "-serial",
            f"file:{log}",
            "-kernel",
            str(image),
            "-append",
            "console=ttyS0 earlyprintk=serial panic=-1",
        ),
    ]
    said = log.with_suffix(".qemu")
    with said.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        return "" if _speaks(process, log) else _why(process, said)
    finally:
        process.kill()
        process.wait()


def _speaks(process: subprocess.Popen[bytes], log: Path) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        if log.exists() and _ALIVE in log.read_bytes():
            return True
        if ended:
            return False
        time.sleep(0.05)
    return False


def _why(process: subprocess.Popen[bytes], said: Path) -> str:
    lines = said.read_text(errors="replace").splitlines()
    if process.poll() is None:
        return f"a kernel says nothing under KVM within {_PATIENCE:.0f} s"
    return f"KVM fails: {lines[0].partition(': ')[2] if lines else f'status {process.returncode}'}"
