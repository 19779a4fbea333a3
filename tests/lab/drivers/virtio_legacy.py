# SPDX-License-Identifier: GPL-2.0-only
"""Network functions of virtio with nothing but the legacy interface: their parent knows no device parts."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.drivers import virtio
from vfiogen.vfio.uapi import Migration

_VFS = ("10006:00:04.1", "10006:00:04.2")

DRIVER = replace(
    virtio.DRIVER,
    name="virtio-legacy",
    devices=_VFS,
    resettable=_VFS[0],
    headers=(virtio.transitional(_VFS[0]),),
    migration=Migration(0),
    mutations=(),
    commands=(),
    upstream="",
    full=True,
)
