# SPDX-License-Identifier: GPL-2.0-only
"""Whether the migration data that one driver saves is loaded by another: two models to verdicts and problems.

What counts is what is in the data and what is compared before it is used. How a driver loads what it accepts
is its own affair: it does the same with data of its own. Each kind of store has a function that compares two
streams of that kind, listed in compare.STORES.
"""

from vfiogen.compat.compare import Comparison, compare
from vfiogen.compat.verdict import LOADS, MISREAD, NOTHING, PARENT, REFUSED, UNSURE

__all__ = ["LOADS", "MISREAD", "NOTHING", "PARENT", "REFUSED", "UNSURE", "Comparison", "compare"]
