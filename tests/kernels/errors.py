# SPDX-License-Identifier: GPL-2.0-only
"""The one error of this package."""

from __future__ import annotations

PASS_TREES = "pass kernel source trees instead: VFIOGEN_TREES=dir:dir in the environment, or --tree dir"


class UnavailableError(Exception):
    """What a test needs can't be had on this machine; the message says why and what to do."""
