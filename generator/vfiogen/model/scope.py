# SPDX-License-Identifier: GPL-2.0-only
"""The words of the language, and what names mean in one place of a spec."""

from __future__ import annotations

from vfiogen.model import spec as m
from vfiogen.model import types
from vfiogen.model.types import PCI_DEVICE, Type
from vfiogen.records import Value, replace

BUILTINS: dict[str, Type] = {
    "device": PCI_DEVICE,
    "parent": PCI_DEVICE,
    "vf-id": types.integer(32),
    "domain": types.integer(32),
    "pci-id": types.integer(16),
    "is-vf": types.BOOL,
}
STREAM_NAMES: dict[str, Type] = {
    "loaded": types.integer(64),
    "capacity": types.integer(64),
    "data": types.USER_DATA,
    "count": types.SIZE,
}
BOOLEANS = ("false", "true")
FUNCTIONS = ("end", "found", "join", "max", "min", "size")
WORDS = frozenset([*BUILTINS, *STREAM_NAMES, *BOOLEANS, *FUNCTIONS, "none"])


class Scope(Value):
    """What names mean in one place: a command adds its parameters and results, a stream its own names.

    `inside` tells whether it is a command, `mapped` whether registers can be reached, in `resetting` they
    can't because of a reset; `held` whether the parent's handle is there, `arrays` whether a register with a
    count stands for all of its elements.
    """

    spec: m.Spec
    locals: tuple[tuple[m.Parameter, bool], ...] = ()
    stream: frozenset[str] = frozenset()
    inside: bool = False
    mapped: bool = True
    resetting: bool = False
    held: bool = True
    arrays: bool = False

    def within(self, command: m.Command) -> Scope:
        """Return the scope inside a command.

        One that is a single call becomes that call where it is run, and so has the stream's names.
        """
        found = [(p, False) for p in command.params] + [(r, True) for r in command.results]
        stream = frozenset(STREAM_NAMES) if is_single_call(command) else frozenset()
        return replace(self, locals=tuple(found), stream=stream, inside=True, held=True)

    def in_stream(self, *names: str) -> Scope:
        """Return the scope of a place in the migration stream, with some names of its own."""
        return replace(self, stream=frozenset(names))

    def before_open(self) -> Scope:
        """Return the scope of what is done while no BAR is mapped."""
        return replace(self, mapped=False)

    def in_reset(self) -> Scope:
        """Return the scope of what is done around a reset, when the core may hold the lock of the BARs."""
        return replace(self, mapped=False, resetting=True)

    def without_handle(self) -> Scope:
        """Return the scope of what is done while the parent's handle isn't there."""
        return replace(self, held=False)

    def of_field(self, field: m.LayoutField) -> Scope:
        """Return the scope of what a field is saved from and loaded into."""
        return replace(self, arrays=field.count is not None)


def is_single_call(command: m.Command) -> bool:
    """Tell whether a command is a call and nothing else, on every kernel."""
    return not command.results and all(body.call is not None for body in command.bodies)
