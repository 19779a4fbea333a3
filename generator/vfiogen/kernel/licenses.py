# SPDX-License-Identifier: GPL-2.0-only
"""SPDX identifiers that a vfio-pci driver can have, and the MODULE_LICENSE that goes with them.

vfio-pci-core exports its symbols to GPL modules only, so one alternative must be compatible with GPL-2.0;
the identifiers are those of LICENSES/preferred and LICENSES/dual in the kernel, the module licenses those
of include/linux/module.h.
"""

from __future__ import annotations

GPL = ("GPL-2.0", "GPL-2.0+", "GPL-2.0-only", "GPL-2.0-or-later")
DUAL = {
    "BSD-2-Clause": "Dual BSD/GPL",
    "BSD-3-Clause": "Dual BSD/GPL",
    "Linux-OpenIB": "Dual BSD/GPL",
    "MIT": "Dual MIT/GPL",
    "MPL-1.1": "Dual MPL/GPL",
}


def module_license(identifier: str) -> str | None:
    """Return the MODULE_LICENSE for an SPDX expression (A, or A OR B), or nothing if it can't be."""
    parts = identifier.removeprefix("(").removesuffix(")").split(" OR ")
    if not any(part in GPL for part in parts):
        return None
    others = [part for part in parts if part not in GPL]
    if any(part not in DUAL for part in others):
        return None
    return DUAL[others[0]] if others else "GPL"


def allowed() -> tuple[str, ...]:
    """Return what a spec may say."""
    return (*GPL, *(f"GPL-2.0-only OR {other}" for other in DUAL))
