# SPDX-License-Identifier: GPL-2.0-only
"""The emulator as a process: no guest runs."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from tests.kernels.errors import UnavailableError
from tests.lab.emulator import find_emulator

# Starts QEMU without a machine, says which process that is, and waits.
_PARENT = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); sys.stdin.read()"
_IDLE = ("-machine", "none", "-nodefaults", "-display", "none", "-qmp", "stdio")


def test_it_dies_with_who_started_it() -> None:
    try:
        command = [*find_emulator().command(), *_IDLE]
    except UnavailableError as reason:
        pytest.skip(f"no QEMU: {reason}")
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        emulator = os.pidfd_open(int(parent.stdout.readline()))
        assert "QMP" in parent.stdout.readline()
        parent.kill()
        assert _has_ended(emulator, 10.0)
    os.close(emulator)


def _has_ended(process: int, seconds: float) -> bool:
    return bool(select.select([process], [], [], seconds)[0])
