# SPDX-License-Identifier: GPL-2.0-only
"""Expressions after their names have been resolved: what the checks accept and C is printed from."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.model.spec import Bits, Channel, Command, Layout, LayoutField, Register, RegisterBlock
from vfiogen.model.types import Type
from vfiogen.records import Record, astuple


class Typed(Record):
    """Any typed expression."""

    type: Type


class Literal(Typed):
    """A number, written in hex or decimal."""

    value: int
    hexadecimal: bool


class Constant(Typed):
    """A constant of the kernel."""

    name: str


class Setting(Typed):
    """A parameter of the module."""

    name: str


class Builtin(Typed):
    """A name that every spec has: device, parent, vf-id, loaded, ..."""

    name: str


class OfArea(Typed):
    """What is known of an area while it is mapped; `kept` if a step of its own has found it out."""

    name: str
    kept: bool


class Handle(Typed):
    """The parent's handle."""


class Found(Typed):
    """Whether the parent's handle is there."""


class Located(Typed):
    """Whether the device has a structure in config space."""

    block: RegisterBlock


class Property(Typed):
    """A property that the firmware gives the device; with the type bool, whether there is one."""

    key: str


class BarSize(Typed):
    """The size of one of the device's BARs."""

    bar: int


class Config(Typed):
    """A number in the device's config space."""

    offset: Typed


class Lookup(Typed):
    """Where a structure is in config space, by a function of the kernel."""

    function: str
    arguments: tuple[Typed, ...]


class Aligned(Typed):
    """A number brought to a multiple by a macro of the kernel."""

    macro: str
    value: Typed
    step: Typed


class Field(Typed):
    """A field of a kernel structure; `order` is its byte order as in le16, if it has one of its own.

    One that `changes` while it is looked at is read once.
    """

    base: Typed
    name: str
    order: str = ""
    changes: bool = False


class Kept(Typed):
    """A value of the context."""

    name: str


class Local(Typed):
    """A parameter of the command, or (with `result`) one of its results."""

    name: str
    result: bool = False


class Read(Typed):
    """A register; `index` for one of several."""

    block: RegisterBlock
    register: Register
    index: Typed | None = None


class Arrived(Typed):
    """A field of a layout as it is transferred; `index` for an element of an array."""

    layout: Layout
    field: LayoutField
    index: int | None = None


class OfFile(Typed):
    """What a migration file has of the parent."""

    name: str


class OfId(Typed):
    """What is known of the device's ID; `called` if it is what a function of the kernel returns."""

    name: str
    called: bool


class Window(Typed):
    """Where a block of registers lies."""

    block: RegisterBlock


class Bar(Typed):
    """A BAR of the device, as far as a base of registers names it."""

    number: int


class ReadBits(Typed):
    """Named bits of a register."""

    read: Read
    bits: Bits


class Run(Typed):
    """A command that is run; its type is that of the result `chosen`, the first unless the spec names one."""

    command: Command
    arguments: tuple[Typed, ...]
    chosen: int = 0


class Extent(Typed):
    """`size(x)`, or `end(x.field)` with a field."""

    structure: str
    field: str | None = None


class SizeOf(Typed):
    """`size(struct x)` of a structure of the kernel, or with `field` that of bytes in one."""

    structure: str
    field: Typed | None = None


class Function(Typed):
    """A function of the language: min, max, join."""

    name: str
    arguments: tuple[Typed, ...]


class Operation(Typed):
    """Two operands; the operator as the spec spells it."""

    operator: str
    left: Typed
    right: Typed


class Prefix(Typed):
    """`not`, `~`, `ref` or `out` and an operand."""

    operator: str
    operand: Typed


class OneOf(Typed):
    """`value in (items)`."""

    value: Typed
    items: tuple[Typed, ...]
    negated: bool


class Choice(Typed):
    """`if condition then value else otherwise`."""

    condition: Typed
    value: Typed
    otherwise: Typed


class Format(Typed):
    """A text with values in it."""

    parts: tuple[str | Typed, ...]


class KernelFunction(Typed):
    """A call of a kernel function; `failure` says how it reports one: errno, null or nothing.

    The type void with `errno` is a function that returns 0 or a negative errno. One that is called through a
    `pointer` may be missing.
    """

    function: str
    arguments: tuple[Typed, ...]
    failure: str | None
    pointer: bool = False


class Posted(Record):
    """A request that goes out on a channel: its structure, and the completion's if one comes back.

    `member` is that of the channel's request which it is, or nothing where it is a whole one.
    """

    channel: Channel
    member: str
    structure: str
    completion: str | None
    arguments: tuple[Typed, ...]


class Assign(Typed):
    """`place = value`; the place is a Kept, a Local, a Read or ReadBits."""

    place: Typed
    value: Typed


def walk(node: Typed) -> Iterator[Typed]:
    """Yield a tree's nodes, outermost first."""
    yield node
    for value in astuple(node):
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Typed):
                yield from walk(part)
