# SPDX-License-Identifier: GPL-2.0-only
"""The arcs of the migration state machine, those of vfio_mig_get_next_state() in drivers/vfio/vfio_main.c."""

from __future__ import annotations

STATES = (
    "ERROR",
    "STOP",
    "RUNNING",
    "STOP_COPY",
    "RESUMING",
    "RUNNING_P2P",
    "PRE_COPY",
    "PRE_COPY_P2P",
)

# PRE_COPY states do to the device what their twins do.
TWINS = {
    ("RUNNING", "RUNNING_P2P"): ("PRE_COPY", "PRE_COPY_P2P"),
    ("RUNNING_P2P", "RUNNING"): ("PRE_COPY_P2P", "PRE_COPY"),
}

FILE_ARCS = frozenset(
    {
        ("STOP", "STOP_COPY"),
        ("STOP_COPY", "STOP"),
        ("STOP", "RESUMING"),
        ("RESUMING", "STOP"),
    }
)


def device_arcs(p2p: bool) -> tuple[tuple[str, str], ...]:
    """Return the arcs that a spec must write: those among RUNNING, RUNNING_P2P and STOP."""
    if not p2p:
        return (("RUNNING", "STOP"), ("STOP", "RUNNING"))
    return (
        ("RUNNING", "RUNNING_P2P"),
        ("RUNNING_P2P", "RUNNING"),
        ("RUNNING_P2P", "STOP"),
        ("STOP", "RUNNING_P2P"),
    )


def pre_copy_arcs(p2p: bool) -> tuple[tuple[str, str], ...]:
    """Return the arcs that pre-copy adds; they follow from the device's own."""
    arcs = (("RUNNING", "PRE_COPY"), ("PRE_COPY", "RUNNING"))
    if not p2p:
        return (*arcs, ("PRE_COPY", "STOP_COPY"))
    return (
        *arcs,
        ("PRE_COPY", "PRE_COPY_P2P"),
        ("PRE_COPY_P2P", "PRE_COPY"),
        ("RUNNING_P2P", "PRE_COPY_P2P"),
        ("PRE_COPY_P2P", "RUNNING_P2P"),
        ("PRE_COPY_P2P", "STOP_COPY"),
    )
