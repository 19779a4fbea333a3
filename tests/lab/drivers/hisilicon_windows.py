# SPDX-License-Identifier: GPL-2.0-only
"""The same driver where the registers for migration are in windows of the parent."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.drivers import hisilicon

DRIVER = replace(
    hisilicon.DRIVER,
    name="hisilicon-windows",
    devices=hisilicon.ZIP_VFS,
    resettable=hisilicon.ZIP_VFS[0],
    own_regions=(),
    upstream="",
    full=True,
)
