# SPDX-License-Identifier: GPL-2.0-only
"""python -m vfiogen."""

import sys

from vfiogen.cli import main

sys.exit(main())
