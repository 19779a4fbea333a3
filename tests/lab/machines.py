# SPDX-License-Identifier: GPL-2.0-only
"""The machines that QEMU emulates for the suite."""

from __future__ import annotations

from tests.lab.guest import Machine


def _port(number: int) -> tuple[str, ...]:
    return ("-device", f"pcie-root-port,id=port{number},chassis={number},slot={number},addr={number + 3:#x}")


def _on_ports(*devices: str) -> tuple[str, ...]:
    """Put each device behind a root port of its own: bus 1, 2, ..."""
    parts = ((*_port(at), "-device", f"{device},bus=port{at}") for at, device in enumerate(devices, start=1))
    return tuple(part for one in parts for part in one)


# Devices of QEMU behind an emulated IOMMU. Each is alone in its group and can be reset by its port.
EMULATED = Machine(
    "emulated",
    ("-device", "intel-iommu,intremap=on", *_on_ports("edu", "edu", "e1000e", "e1000e")),
)

# Room for simulated devices, without an IOMMU of QEMU's: the simulators bring their own.
SIMULATED = Machine("simulated", arguments="memmap=64M%0x38000000-1")
