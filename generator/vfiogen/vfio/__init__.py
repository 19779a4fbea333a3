# SPDX-License-Identifier: GPL-2.0-only
"""A client of the VFIO user interface: devices opened, asked and driven as a user's program would."""
