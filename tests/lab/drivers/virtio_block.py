# SPDX-License-Identifier: GPL-2.0-only
"""Block functions of virtio, which migrate, and have no legacy interface."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.drivers import virtio

_VFS = (virtio.BLOCK, "10006:00:01.2")

DRIVER = replace(
    virtio.DRIVER,
    name="virtio-block",
    devices=_VFS,
    resettable=_VFS[0],
    others=(),
    probe_commands=(),
    own_regions=(),
    headers=(),
    scenes=(),
    upstream="",
    full=True,
)
