# SPDX-License-Identifier: GPL-2.0-only
"""The drivers that the suite knows: each module here has a DRIVER."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from tests.lab.driver import Driver


@cache
def known_drivers() -> tuple[Driver, ...]:
    """Return every driver, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").DRIVER for name in names)
