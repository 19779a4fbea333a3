# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen: Linux vfio-pci variant drivers from YAML descriptions of devices."""

__version__ = "0.1.0"
