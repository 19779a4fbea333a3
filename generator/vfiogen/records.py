# SPDX-License-Identifier: GPL-2.0-only
"""What the records of every room are made of: immutable, with named fields, and cheap to declare.

The tool starts for every build, and declares over a hundred of them each time.
"""

from __future__ import annotations

from typing import dataclass_transform

from msgspec import Struct, field
from msgspec.structs import astuple, replace

__all__ = ["Record", "Value", "astuple", "field", "replace"]


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
class Record(Struct, frozen=True, eq=False):
    """A thing with an identity: equal to itself alone, whatever its fields hold."""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(Struct, frozen=True):
    """A thing that is what its fields hold: equal to any other with the same."""
