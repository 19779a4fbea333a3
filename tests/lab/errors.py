# SPDX-License-Identifier: GPL-2.0-only
"""The errors of the lab."""

from __future__ import annotations


class GuestGoneError(Exception):
    """The guest has crashed, hangs or has powered off."""
