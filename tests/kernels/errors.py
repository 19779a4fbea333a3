# SPDX-License-Identifier: GPL-2.0-only
"""The errors of this package: what can't be had, and what should have worked."""

from __future__ import annotations

PASS_TREES = "pass kernel source trees instead: VFIOGEN_TREES=dir:dir in the environment, or --tree dir"


class UnavailableError(Exception):
    """What a test needs can't be had on this machine; the message says why and what to do."""


class BuildError(Exception):
    """A step of a build that should work has failed; the message ends with its output."""
