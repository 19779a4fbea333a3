# SPDX-License-Identifier: GPL-2.0-only
"""The machines that QEMU emulates for the suite."""

from __future__ import annotations

from tests.lab.guest import Machine

_PORTS = (
    *("-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=4"),
    *("-device", "pcie-root-port,id=rp2,chassis=2,slot=2,addr=5"),
)

# Devices of QEMU under an emulated IOMMU, each alone in its group. What sits on the root bus can't be
# reset, so that it opens at once; the third edu sits behind a port that resets it, which takes seconds.
# With the IOMMU's extended mode a processor's timer is no memory (x2APIC). As memory, QEMU 10.0 may take it
# for another device's while BARs come and go, and the guest waits for a tick that never comes.
EMULATED = Machine(
    "emulated",
    (
        *("-device", "intel-iommu,intremap=on,eim=on", *_PORTS),
        *("-device", "edu,addr=10", "-device", "edu,addr=11", "-device", "edu,bus=rp1"),
        *("-device", "e1000e,addr=12", "-device", "e1000e,addr=13"),
        *("-device", "igb,bus=rp2"),
    ),
    interpreter=True,
)

# Room for simulated devices, without an IOMMU of QEMU's: the simulators bring their own. BARs are above what
# the kernel has, and from 0x40000000 on memory of devices. What is between lets BARs have struct pages.
SIMULATED = Machine(
    "simulated", arguments="memmap=120M%0x38000000-1 memmap=1744M%0x40000000-1", memory="2768M"
)
