# SPDX-License-Identifier: GPL-2.0-only
"""What the templates get: names, lines and order are settled here, nothing is left to decide."""

from __future__ import annotations

import re

from vfiogen.c import layout as c
from vfiogen.diagnostics import Span
from vfiogen.records import Record, Value


class Function(Record):
    """A whole C function. `origin` is the part of the spec that it comes from, `config` its symbol."""

    name: str
    text: str
    origin: Span | None = None
    config: str | None = None


class Member(Record):
    """A member of a structure, with an optional comment above it (indented)."""

    declaration: str
    comment: str | None = None


class Structure(Record):
    """A C structure, and lines that follow it."""

    name: str
    members: tuple[Member, ...]
    comment: str | None = None
    after: tuple[str, ...] = ()
    origin: Span | None = None


class Defines(Record):
    """A group of #define lines."""

    lines: tuple[str, ...]
    comment: str | None = None
    origin: Span | None = None


class Access(Record):
    """A function that reads or writes one register of a width."""

    name: str
    type: str
    function: str
    ones: str


class Registers(Record):
    """The access functions that the driver needs; `bracketed` if any access to a BAR has to be."""

    reads: tuple[Access, ...]
    writes: tuple[Access, ...]
    config: tuple[Access, ...]
    bracketed: bool


class ArcLabel(Record):
    """One arc, by the names of its states."""

    source: str
    target: str


class ArcCase(Record):
    """Arcs that do the same, and the lines of their case."""

    labels: tuple[ArcLabel, ...]
    lines: tuple[str, ...]
    comment: str | None = None
    origin: Span | None = None


class Operations(Record):
    """A table of device operations: its members and their values, and the symbol that it is under."""

    name: str
    members: tuple[tuple[str, str], ...]
    config: str | None = None


class AreaView(Record):
    """Memory that the device reads and writes: what is put into an entry of its list, if it has one.

    `device` is the expression of the device that it is mapped for, `attach` the functions that make it known
    there and take that back.
    """

    device: str
    address: str = ""
    length: str = ""
    attach: tuple[Function, ...] = ()


class HeadView(Record):
    """A record ahead of the state: its tag and flags, the member and type of its fields, and what fills them.

    `differs` is the test whether a constant isn't as it must be, `reserve` the room that the state will need.
    """

    tag: str
    flags: str
    member: str
    structure: str
    fill: Function
    differs: str | None
    reserve: str | None


class RecordsView(Record):
    """Records: the macros of the tag and of the largest, and what asks how much there is, fills and takes.

    `heads` are the records ahead of the state. `kinds` are the types of the results of the first two, `most`
    the text of the largest; `prefix` is the structure in front of what is loaded, with the assignments to its
    fields; `again` is in milliseconds, 0 is always. `asked` is `room` while the device runs. `follows` tells
    whether it matters that there was one before, `anew` asks whether that doesn't count any more. `running`
    tells whether the device is told that it goes on, `next` whether that says how much room the record after
    this one needs.
    """

    tag: str
    most: str
    room: str
    save: str
    load: str
    kinds: tuple[str, str]
    prefix: str | None
    values: tuple[str, ...]
    again: int | None
    asked: str
    follows: bool
    running: bool
    anew: str | None = None
    next: bool = False
    heads: tuple[HeadView, ...] = ()

    @property
    def reserves(self) -> bool:
        """Whether a record ahead says how much room there has to be."""
        return any(head.reserve for head in self.heads)


class FileView(Record):
    """What a migration file has of the parent: the calls that give it, and what takes it back."""

    save: str
    load: str
    drop: Function | None


class IdData(Record):
    """What is known of device IDs: members of a structure, an element for each ID, and the table of IDs."""

    members: tuple[str, ...]
    values: tuple[str, ...]
    table: tuple[str, ...]


class ShadowView(Record):
    """A member that keeps the user's writes to a field at a place of config space, and its size in bytes.

    `reset` is what it is before; what is `sticky` stays over a reset."""

    member: str
    at: str
    size: int
    reset: str = "0"
    sticky: bool = False


class ClipView(Record):
    """A BAR that the user sees a part of; the function returns how much."""

    bar: int
    visible: Function


class PortsView(Record):
    """A synthetic BAR of ranges; `enabled` is the condition for accesses, or else memory decoding."""

    bar: int
    size: str
    enabled: str | None
    access: Function


class MemoryView(Record):
    """A synthetic BAR that shows memory, or without a `bar` a region beside the BARs.

    `mapped` tells whether the user can map it.
    """

    bar: int | None
    name: str
    member: str
    mapped: bool
    cached: bool
    combining: bool
    respected: bool
    failure: bool
    dma_buf: int | None


class DeviceRegionView(Record):
    """A region beside the BARs: memory, the config space of the device at `slot`, or a copy of memory, which
    `copy` makes and registers if `when` holds."""

    name: str
    type: str
    subtype: str
    flags: str
    writable: bool
    mmap: bool
    memory: str | None
    slot: tuple[int, int, int, int] | None
    vendor: str
    kind: str
    copy: Function | None
    capabilities: Function | None


class EmulationView(Record):
    """What the user sees instead of the device's own config space and BARs.

    `ready` is the call that waits for the memory after a reset; `emulates` tells whether there is more than
    `regions`, which are those beside the BARs. All of it is under the symbol `config`, if there is one.
    """

    config_read: Function | None
    config_own: Function | None
    shadows: tuple[ShadowView, ...]
    memory_shadows: tuple[ShadowView, ...]
    clips: tuple[ClipView, ...]
    ports: tuple[PortsView, ...]
    memories: tuple[MemoryView, ...]
    forward_widths: tuple[int, ...]
    has_fields: bool
    ready: str | None
    memory_enabled: bool
    emulates: bool
    regions: tuple[DeviceRegionView, ...]
    config: str | None = None


class Early(Record):
    """What is done before the device can be opened, and the BARs that it takes."""

    steps: Function
    bars: tuple[int, ...]
    sizes: tuple[str, ...]


class DebugfsFile(Record):
    """A file of debugfs: its name, and the function that shows it, named after the `attribute`."""

    name: str
    attribute: str
    show: Function


class DebugfsView(Record):
    """Files in debugfs; `keeps_last` tells whether the data of the last transfer is kept for one."""

    directory: str
    files: tuple[DebugfsFile, ...]
    keeps_last: bool


class MigrationView(Record):
    """The migration part of a driver.

    `image` is the address of the data of a file `migf`, `capacity` its size; or else `read` and `write` are
    the calls that pass data through. `on_write` are functions that look at what has arrived, `begin_save` and
    `begin_load` are calls on the way to STOP_COPY and to RESUMING, `end_save` those on the way back, and
    `tell_load` is one on the way to RESUMING that can't fail.
    """

    pre_copy: bool
    flags: tuple[str, ...]
    image: str
    capacity: str
    save: tuple[Function, ...]
    load: tuple[Function, ...]
    read: str | None
    write: str | None
    on_write: tuple[str, ...]
    begin_save: tuple[str, ...]
    begin_load: tuple[str, ...]
    tell_load: tuple[str, ...]
    end_save: tuple[str, ...]
    arc_functions: tuple[Function, ...]
    arcs: tuple[ArcCase, ...]
    reset: tuple[str, ...]
    data_size: Function
    area: AreaView | None
    records: RecordsView | None
    held: FileView | None
    debugfs: DebugfsView | None = None
    background: bool = False


class Part(Value):
    """A source file beside main.c, and the symbol that it is under."""

    name: str
    config: str


class BarAccessView(Record):
    """The driver's own way to the BARs: what reads one value and writes a block, and the largest of these."""

    shift: int
    largest: str
    load: Function
    store: Function


class CapabilitiesView(Record):
    """What the driver says in device info besides; `certain` if there is always something."""

    add: Function
    certain: bool
    config: str | None


class ParameterView(Record):
    """A parameter of the module; its description is a C string."""

    name: str
    mode: str
    description: str


class DeniedView(Record):
    """The lines of the table of devices that aren't taken, unless a condition holds."""

    lines: tuple[str, ...]
    unless: str | None


class ModuleView(Record):
    """What concerns the module and the core.

    `ids` is the parameter with IDs, `latched` what each device tells the core, by member and value, `params`
    the arguments of what the core is told for all of them, `not_sriov` the condition on which there are no
    virtual functions, and `name` that of the driver, which these are bound to. `prepares` tells whether a
    device tells the core anything.
    """

    parameters: tuple[ParameterView, ...]
    ids: ParameterView | None
    latched: tuple[tuple[str, str], ...]
    params: tuple[str, ...]
    not_sriov: str | None
    name: str
    dma_buf: bool
    prepares: bool
    denied: DeniedView | None


class DriverView(Record):
    """Everything of main.c and the files beside it that isn't migration.

    `headers` are the parent's; `header` is the driver's own, which hand-written sources include, with
    `prototypes` of what they define and of what they may call.
    """

    prefix: str
    private: bool
    function: str
    headers: tuple[str, ...]
    header: str | None
    prototypes: tuple[str, ...]
    defines: tuple[Defines, ...]
    structures: tuple[Structure, ...]
    registers: Registers | None
    commands: tuple[Function, ...]
    lifecycle: tuple[Function, ...]
    operations: tuple[Operations, ...]
    choice: Function | None
    always_chosen: bool
    resets: tuple[Function, ...]
    id_table: tuple[str, ...]
    id_data: IdData | None
    module_info: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    emulation: EmulationView | None = None
    early: Early | None = None
    capabilities: CapabilitiesView | None = None
    bar_access: BarAccessView | None = None
    module: ModuleView | None = None


def function(
    return_type: str,
    name: str,
    parameters: list[str],
    body: tuple[list[c.Declaration], list[c.Stmt]],
    comment: str | None = None,
    origin: Span | None = None,
    static: bool = True,
) -> Function:
    """Return a function from its head and its body."""
    lead = c.comment(comment) + "\n" if comment else ""
    head = c.function_head(return_type, name, parameters, static)
    declarations, statements = body
    printed = c.print_body((), statements)
    declared = c.print_body(_named(declarations, printed), ())
    between = "\n\n" if declared and printed else ""
    return Function(name, f"{lead}{head}\n{{\n{declared}{between}{printed}\n}}\n", origin)


def _named(declarations: list[c.Declaration], text: str) -> list[c.Declaration]:
    """Leave out variables that neither the statements nor later variables name."""
    kept: list[c.Declaration] = []
    for declaration in reversed(declarations):
        if re.search(rf"\b{re.escape(declaration.name.partition('[')[0])}\b", text):
            kept.insert(0, declaration)
            text += f" {declaration.init or ''}"
    return kept
