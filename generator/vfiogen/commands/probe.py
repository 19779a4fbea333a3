# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen probe: what a VFIO user would see of a device that is bound to a VFIO driver."""

from __future__ import annotations

import errno
import re
from argparse import Namespace

from vfiogen.console import Console
from vfiogen.diagnostics import VfiogenError, quote
from vfiogen.vfio.device import driver_of, sysfs
from vfiogen.vfio.probe import describe
from vfiogen.vfio.system import LocalSystem, System

_ADDRESS = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7])", re.IGNORECASE)
_WHY = {
    errno.EACCES: "this needs the right to open it: run as root, or as the owner of its node in /dev/vfio",
    errno.EPERM: "this needs the right to open it: run as root, or as the owner of its node in /dev/vfio",
    errno.EBUSY: "another program has it open",
    errno.ENOENT: "its driver offers no node in /dev/vfio: is there an IOMMU, and is it switched on?",
    errno.ENODEV: "its driver doesn't answer: see dmesg",
    errno.EINVAL: "another program may have it or its group open: see dmesg",
}


def run(arguments: Namespace, console: Console) -> int:
    """Describe a device of this machine; nothing of it is changed."""
    system = LocalSystem()
    bdf = _read_address(arguments.device)
    _require_bound(system, bdf)
    try:
        lines = list(describe(system, bdf))
    except OSError as error:
        reason = error.strerror or str(error)
        hint = _WHY.get(error.errno or 0, "see dmesg")
        raise VfiogenError("vfio-device", f"can't open {quote(bdf)}: {reason}", hint) from error
    for line in lines:
        console.say(line)
    return 0


def _read_address(text: str) -> str:
    """Return a PCI address with its domain, which may be left out where it is 0."""
    match = _ADDRESS.fullmatch(text)
    if not match:
        hint = "write it as `lspci -D` does, `0000:03:00.0`"
        raise VfiogenError("vfio-device", f"{quote(text)} isn't the address of a PCI device", hint)
    return f"{match[1] or '0000'}:{match[2]}".lower()


def _require_bound(system: System, bdf: str) -> None:
    if bdf not in _names(system, "/sys/bus/pci/devices"):
        message = f"this machine has no PCI device {quote(bdf)}"
        raise VfiogenError("vfio-device", message, "`lspci -D` lists the devices")
    if _names(system, f"{sysfs(bdf)}/vfio-dev"):
        return
    driver = driver_of(system, bdf)
    raise VfiogenError(
        "vfio-device",
        f"{quote(bdf)} is bound to {f'{quote(driver)}, which is no VFIO driver' if driver else 'no driver'}",
        f"write the driver's name into {sysfs(bdf)}/driver_override, unbind the device, and write"
        f" {bdf} into /sys/bus/pci/drivers_probe",
    )


def _names(system: System, path: str) -> list[str]:
    try:
        return system.names(path)
    except FileNotFoundError:
        return []
