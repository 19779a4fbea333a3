# SPDX-License-Identifier: GPL-2.0-only
"""The start of the process: the console command, and python -m vfiogen."""

import gc
import sys


def start() -> int:
    """Run the command line; a process lives too short for a search of its garbage to pay."""
    gc.disable()
    try:
        from vfiogen.cli import main

        return main()
    except KeyboardInterrupt:  # before main() can take it
        return 130


if __name__ == "__main__":
    sys.exit(start())
