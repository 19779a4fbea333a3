# SPDX-License-Identifier: GPL-2.0-only
"""Virtual functions of virtio: sim/lab-virtio.c has them, and stands in for virtio_pci."""

from __future__ import annotations

from tests.lab.driver import Driver, Field, Header, copy_simulated
from tests.lab.machines import SIMULATED

NETWORK, OTHER = "10006:00:00.1", "10006:00:00.2"
BLOCK, WITH_BAR, MODERN = "10006:00:01.1", "10006:00:02.1", "10006:00:03.1"
NOTIFY_BAR, NOTIFY_AT = 2, 0x40
SIZE = 32

DRIVER = Driver(
    name="virtio",
    spec="virtio",
    module="virtio-vfio-pci",
    symbol="VIRTIO_VFIO_PCI",
    options=("VIRTIO_VFIO_PCI_ADMIN_LEGACY",),
    machine=SIMULATED,
    stand_in="lab-virtio",
    replaces=(("virtio_pci", "lab_virtio"),),
    devices=(NETWORK, OTHER),
    resettable=NETWORK,
    others=(BLOCK, WITH_BAR, MODERN),
    copy=copy_simulated,
    probe_commands=("notify_info",),
    mappable=(NOTIFY_BAR, 4096),
    own_regions=(0,),
    headers=(
        Header(
            "transitional",
            NETWORK,
            (
                Field(0x02, 2, 0x1000),
                Field(0x04, 2, 0, kept=1, bits=1),
                Field(0x08, 1, 0),
                Field(0x10, 4, 1, kept=-SIZE & 0xFFFFFFFF),
                Field(0x2C, 2, 0x1AF4),
                Field(0x2E, 2, 1),
            ),
        ),
    ),
)
