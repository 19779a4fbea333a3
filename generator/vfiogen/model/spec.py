# SPDX-License-Identifier: GPL-2.0-only
"""The classes of the model, one for each thing that a spec can say.

Every value keeps the span that it came from. Maps are tuples in the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import groupby

from vfiogen.c.syntax import Argument, Binary, Call, Conditional, Expression, Name, Number
from vfiogen.diagnostics import Source, Span
from vfiogen.load import Scalar
from vfiogen.records import Record, field, replace

BARS = ("bar0", "bar1", "bar2", "bar3", "bar4", "bar5")


class Word(Record):
    """A text of the spec and where it stands."""

    text: str
    span: Span

    def __str__(self) -> str:
        return self.text


class Integer(Record):
    """A number of the spec; `hexadecimal` as it was written."""

    value: int
    hexadecimal: bool
    span: Span


class Formula(Record):
    """An expression, call or assignment; `tree` is missing if it doesn't parse."""

    tree: Expression | None
    scalar: Scalar

    @property
    def span(self) -> Span:
        """The whole text."""
        return self.scalar.span

    def span_of(self, node: Expression) -> Span:
        """Return where a part of the tree stands."""
        return self.scalar.span_of(node.start, node.end)


class Option(Record):
    """The symbol of a part of the driver: y or n."""

    symbol: Word
    prompt: Word
    help: Word
    depends: tuple[Formula, ...]
    default: bool


class Kconfig(Record):
    """The driver's entry in Kconfig, and those of its parts."""

    symbol: Word
    prompt: Word
    help: Word
    depends: tuple[Formula, ...]
    options: tuple[Option, ...] = ()

    @property
    def symbols(self) -> tuple[Word, ...]:
        """The symbols that the entries define."""
        return (self.symbol, *(option.symbol for option in self.options))

    def file_of(self, option: Option) -> str:
        """Return the source file of what is under an option: what its symbol adds to the driver's."""
        return f"{option.symbol.text.removeprefix(f'{self.symbol}_').lower()}.c"


class CoreObject(Record):
    """The functions by which the core calls a part of it, as far as there are any."""

    span: Span
    capabilities: Word | None
    open: Word | None
    close: Word | None
    feature: Word | None

    @property
    def entries(self) -> tuple[Word, ...]:
        """The functions that there are."""
        return tuple(word for word in (self.capabilities, self.open, self.close, self.feature) if word)


class Driver(Record):
    """What the driver is called and who wrote it; a part of the core has no directory and no authors."""

    name: Word
    directory: Word
    prefix: Word
    license: Word
    description: Word
    authors: tuple[Word, ...]
    copyright: Word | None
    name_is_abi: Word | None
    kconfig: Kconfig
    core_object: CoreObject | None = None

    @property
    def own_files(self) -> tuple[str, ...]:
        """The source files that every driver has, and those that kbuild makes."""
        return ("main.c", f"{self.name}.c", f"{self.name}.mod.c")


class Column(Record):
    """What is known of one device ID: a number, or a call of the kernel."""

    name: Word
    number: Integer | None
    call: Formula | None


class DeviceId(Record):
    """One device ID, what it is, and what is known of it."""

    id: Word
    title: Word
    columns: tuple[Column, ...] = ()

    def column(self, name: str) -> Column | None:
        """Return what is known of the ID by a name."""
        return next((x for x in self.columns if x.name.text == name), None)


class Devices(Record):
    """Functions of one vendor; `function` is vf, pf or any, `kind` their class.

    `lists` are macros of `header`, each of which applies another to IDs; the `id` of one is its name.
    """

    vendor: Word
    vendor_name: Word | None
    function: str
    ids: tuple[DeviceId, ...]
    header: Word | None
    lists: tuple[DeviceId, ...]
    kind: Word | None = None


class Denylist(Record):
    """Devices that aren't taken, unless a condition holds."""

    unless: Formula | None
    devices: tuple[Devices, ...]


class ModuleParameter(Record):
    """A parameter of the module; `type` is bool or device-ids."""

    name: Word
    type: str
    description: Word
    writable: bool


class Core(Record):
    """What the core is told; `latched` is set in each device, `params` in the module for all of them.

    A spec has it all in `latched`: which of the two it is, the kernel decides.
    """

    latched: tuple[tuple[Word, Formula], ...]
    params: tuple[tuple[Word, Formula], ...]
    sriov: Formula | None
    pasid: bool
    dma_buf: bool


class KernelFeature(Record):
    """A feature of the parent's interface, proven by an identifier in a header."""

    name: Word
    header: Word
    declares: Word
    since: tuple[Word, ...]


class Provider(Record):
    """The parent and its handle; `hold` is device, init or call; for a part of the core it is entry.

    A handle that is kept may be `usable` at times only; otherwise commands end in `error`.
    """

    handle: Word
    type: Word
    headers: tuple[Word, ...]
    namespace: Word | None
    get: Formula
    put: Formula | None
    hold: str
    usable: Formula | None = None
    error: Word | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the device has the handle, and commands don't look it up."""
        return self.hold != "call"

    @property
    def is_seen_to(self) -> bool:
        """Whether each command looks the handle up or tests it, so that it can fail by itself."""
        return not self.is_kept or self.usable is not None


class KernelField(Record):
    """A field of a kernel structure and its type; it may change while it is looked at."""

    name: Word
    type: Word
    changes: bool = False


class KernelStructure(Record):
    """A structure of the kernel, by the fields that are used; `name` is `struct x`, or `bits x`."""

    name: Word
    fields: tuple[KernelField, ...]

    @property
    def is_bits(self) -> bool:
        """Whether only macros know where its fields are."""
        return self.name.text.startswith("bits ")


class Older(Record):
    """An earlier value of a constant, and the fields that a stream with it doesn't have."""

    value: Integer
    lacks: tuple[Word, ...]


class LayoutField(Record):
    """A field of a layout. Exactly one role is set: const (with older values), match, register, derive, or
    save (with load)."""

    name: Word
    type: Word
    count: Integer | None
    const: Integer | None
    match: Formula | None
    save: Formula | None
    load: Formula | None
    register: Formula | None
    derive: Formula | None
    older: tuple[Older, ...]
    note: Word | None

    @property
    def bits(self) -> int:
        """The width of one element."""
        return int(self.type.text[1:])

    @property
    def size(self) -> int:
        """The size of the field in bytes."""
        return self.bits // 8 * (self.count.value if self.count else 1)


class Layout(Record):
    """A layout of the device's state as it is transferred; `endian` is little or big."""

    name: Word
    endian: str
    fields: tuple[LayoutField, ...]
    note: Word | None

    @property
    def size(self) -> int:
        """The size in bytes; fields follow each other without holes."""
        return sum(field.size for field in self.fields)

    @property
    def compared(self) -> list[list[LayoutField]]:
        """Fields that must match; those that follow each other are compared when the last has arrived."""
        runs = groupby(self.fields, lambda field: bool(field.const or field.match))
        return [list(fields) for compared, fields in runs if compared]

    def field(self, name: str) -> LayoutField | None:
        """Return a field by its name."""
        return next((x for x in self.fields if x.name.text == name), None)

    def end(self, name: str) -> int:
        """Return the first byte behind a field."""
        at = [x.name.text for x in self.fields].index(name)
        return sum(x.size for x in self.fields[: at + 1])


class ContextValue(Record):
    """A value that the driver keeps for each device; `value` is what it has from init or from open on."""

    name: Word
    type: Word
    value: Formula | None
    at: str
    note: Word | None


class Bits(Record):
    """Named bits `low`..`high` of a register."""

    name: Word
    low: int
    high: int
    access: str
    span: Span
    note: Word | None


class Register(Record):
    """A register; `width` in bits, `access` rw, ro or wo."""

    name: Word
    at: Integer
    width: int
    count: Integer | None
    access: str
    bits: tuple[Bits, ...]
    transient: Word | None
    note: Word | None

    @property
    def size(self) -> int:
        """The bytes that it covers."""
        return self.width // 8 * (self.count.value if self.count else 1)


class RegisterBlock(Record):
    """Registers that lie together: at the beginning of a BAR, or at a `base` that is settled at open, or in
    a structure at `position` in config space, which may be missing, or in `memory` of the machine.

    `bars` has the BARs of the device that it may lie in, and the offset in each as far as it is a number.
    """

    name: Word
    bar: Integer | None
    base: Formula | None
    registers: tuple[Register, ...]
    note: Word | None
    position: Formula | None = None
    bars: Mapping[int, int] = field(default_factory=dict)
    memory: Formula | None = None

    @property
    def is_early(self) -> bool:
        """Whether it can be read as soon as the driver is bound."""
        return self.position is not None or self.memory is not None

    @property
    def is_plain(self) -> bool:
        """Whether only the parent has it mapped, so that what the user does to the device is no obstacle."""
        return self.base is not None and not self.bars

    @property
    def end(self) -> int:
        """The first byte behind the last register."""
        return max((register.at.value + register.size for register in self.registers), default=0)

    def located(self, blocks: tuple[RegisterBlock, ...]) -> RegisterBlock:
        """Return the block with the BARs that it may lie in, by a base that may take other blocks."""
        found: dict[int, int] = {}
        for bar, offset in _bars(self, {block.name.text: block for block in blocks}, frozenset()):
            found[bar] = max(offset, found.get(bar, 0))
        return replace(self, bars=found)


class ConfigField(Record):
    """A field of config space; `place` is how `at` was written, `bits` a mask, `width` in bits.

    `writes` is forward, drop or shadow, and `reset` what a shadow is before it is written; a `sticky` one
    outlives resets.
    """

    name: Word
    at: int
    place: Word
    width: int
    bits: int
    reads: Formula | None
    writes: str
    reset: Formula | None
    sticky: bool
    note: Word | None
    spans: Mapping[str, Span] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes that it covers."""
        return self.width // 8


class Forward(Record):
    """A place in one of the device's BARs."""

    bar: Formula
    offset: Formula


class Range(Record):
    """A part of a synthetic BAR; `widths` in bytes, `fields` the offsets in it at which one ends."""

    span: Span
    start: Formula | None
    to: Formula | None
    length: Formula | None
    read: Formula | None
    write: Formula | None
    forward: Forward | None
    widths: tuple[int, ...]
    fields: tuple[Integer, ...]
    note: Word | None


class Physical(Record):
    """Memory of the machine."""

    base: Formula
    length: Formula


class Piece(Record):
    """A piece of memory of the machine that is copied, if `when` holds."""

    when: Formula | None
    base: Formula
    length: Formula


class CopiedField(Record):
    """A number in a copy, `width` bits of little endian, that isn't the memory's."""

    name: Word
    at: Integer
    width: int
    reads: Formula
    note: Word | None

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.at.value + self.width // 8


class Slot(Record):
    """A PCI device: its address as written, and what it must be."""

    address: Word
    vendor: Word
    kind: Word

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """Domain, bus, device and function."""
        domain, bus, rest = (self.address.text or "0:0:0.0").split(":")
        device, function = rest.split(".")
        return int(domain, 16), int(bus, 16), int(device, 16), int(function)


class Capability(Record):
    """What device info or region info says besides, in a structure of the kernel."""

    id: Word
    version: Integer
    structure: Word
    values: tuple[tuple[Word, Formula], ...]
    when: Formula | None = None
    needs: Word | None = None
    note: Word | None = None


class BarAccess(Record):
    """How BARs are read and written; the number of a region is in an offset from the bit `shift` on."""

    span: Span
    shift: int
    read: Formula
    write: Formula
    largest: Formula


class DeviceFeature(Record):
    """A feature that the user asks for: what a command gets goes to the buffer that the structure names."""

    id: Word
    structure: Word
    buffer: Word
    get: Formula
    needs: Word | None
    note: Word | None


class Region(Record):
    """A BAR that differs from the device's; it is clipped, made of ranges, or shows memory."""

    name: Word
    when: Formula | None
    visible: Formula | None
    synthetic: Word | None
    size: Formula | None
    ranges: tuple[Range, ...]
    physical: Physical | None
    caching: Word | None
    memory_enable: Word | None
    ready: Formula | None
    memory_failure: bool
    dma_buf: Integer | None
    note: Word | None
    vendor: Word | None = None
    subtype: Word | None = None
    access: str = "read"
    mmap: bool = False
    slot: Slot | None = None
    copied: tuple[Piece, ...] = ()
    fields: tuple[CopiedField, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    spans: Mapping[str, Span] = field(default_factory=dict)

    @property
    def is_bar(self) -> bool:
        """Whether it is a BAR, and not a region beside them."""
        return self.name.text in BARS

    @property
    def bar(self) -> int:
        """The number of the BAR."""
        return BARS.index(self.name.text)

    @property
    def is_wide(self) -> bool:
        """Whether it takes the next BAR too."""
        return self.synthetic is not None and self.synthetic.text.startswith("mem64")

    @property
    def is_io(self) -> bool:
        """Whether it is a BAR of ports."""
        return self.synthetic is not None and self.synthetic.text == "io"

    @property
    def register_size(self) -> int:
        """The size of its registers in config space."""
        return 8 if self.is_wide else 4


class Parameter(Record):
    """A parameter or a result of a command."""

    name: Word
    type: Word


class Step(Record):
    """One step: `verb` is do, set, write, poll, check, wait, finish or repeat, with its modifiers.

    Durations are in microseconds. `spans` are those of the values of its keys. `steps` are repeated with
    `counter` below what `formula` is; `into` is where the outcome of a poll goes.
    """

    verb: str
    formula: Formula | None
    span: Span
    wait: int = 0
    every: int | None = None
    limit: int | None = None
    limits: tuple[int, ...] = ()
    by: Formula | None = None
    error: Word | None = None
    retry: Word | None = None
    ignore_error: Word | None = None
    undo: tuple[Step, ...] = ()
    into: Formula | None = None
    counter: Parameter | None = None
    steps: tuple[Step, ...] = ()
    when: Formula | None = None
    needs: Word | None = None
    config: Word | None = None
    note: Word | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)

    def span_of(self, *keys: str) -> Span:
        """Return where the first of some keys that is there stands, or the whole step."""
        return next((self.spans[key] for key in keys if key in self.spans), self.span)


class FieldValue(Record):
    """What a field of a request is set to; of one that is a structure, `path` leads to a field of it."""

    path: Word
    value: Formula


class Envelope(Record):
    """A request that others are sent in: its member, the field that holds them, and its other fields."""

    member: Word
    payload: Word
    values: tuple[FieldValue, ...]


class Access(Record):
    """Macros of the kernel by which the fields of `bits` structures are set and read."""

    words: Word
    get: Word
    set: Word
    wide_get: Word | None
    wide_set: Word | None


class Channel(Record):
    """A way to send structures to the parent, and get structures back.

    With `access`, each command names the structures; without, all have `request`, which is there then.
    """

    name: Word
    request: Word | None
    completion: Word | None
    access: Access | None
    envelope: Envelope | None
    params: tuple[Parameter, ...]
    call: Formula
    note: Word | None


class Post(Record):
    """A request that is sent by a channel: what is filled in, and which results the completion has."""

    channel: Formula
    values: tuple[FieldValue, ...]
    results: tuple[FieldValue, ...]
    span: Span

    @property
    def names(self) -> tuple[str, str]:
        """The channel and the member of its request, as far as they can be read."""
        tree = self.channel.tree
        if not isinstance(tree, Call) or not isinstance(tree.function, Name):
            return "", ""
        first = tree.arguments[0].value if tree.arguments else None
        return tree.function.name, first.name if isinstance(first, Name) else ""


class Body(Record):
    """How a command is carried out: one of `call`, `post`, `steps` and `hook`."""

    span: Span
    call: Formula | None = None
    post: Post | None = None
    steps: tuple[Step, ...] | None = None
    hook: Word | None = None
    needs: Word | None = None
    note: Word | None = None


class Command(Record):
    """A named operation; more than one body means: the first whose need is met."""

    name: Word
    params: tuple[Parameter, ...]
    results: tuple[Parameter, ...]
    bodies: tuple[Body, ...]
    returns: Word | None
    uses: tuple[Word, ...]
    needs: Word | None
    note: Word | None
    exclusive: Word | None = None
    before_init: Word | None = None
    config: Word | None = None


class Arc(Record):
    """What is done on the way from one migration state to another."""

    source: str
    target: str
    steps: tuple[Step, ...]
    key: Word


class Produce(Record):
    """A point where data is produced: the command, and how long the data is. `saved` of a stream follows."""

    do: Formula | None
    length: Formula
    span: Span


class PassThrough(Record):
    """Data that the parent moves to and from the user by itself."""

    span: Span
    read: Formula
    write: Formula


class AreaList(Record):
    """A list of addresses and lengths: the structure of an entry, and its fields."""

    structure: Word
    address: Word
    length: Word


class Area(Record):
    """Memory that the device reads and writes.

    It is mapped for `dma`, a PCI device. That finds it by a list, if there is one, or by what the steps of
    `attach` tell it; `fields` are what the driver keeps meanwhile.
    """

    span: Span
    dma: Formula
    list: AreaList | None
    fields: tuple[Parameter, ...] = ()
    attach: tuple[Step, ...] = ()


class FileValue(Record):
    """What a migration file has of the parent: commands that give it, and one that takes it back."""

    name: Word
    type: Word
    save: Formula
    load: Formula
    undo: Formula | None
    note: Word | None


class StreamRecord(Record):
    """A kind of record: how much memory it needs, what fills and what takes that; `again` in microseconds.

    In front of the memory that is loaded is a structure of the kernel, if there is a `prefix`.
    """

    name: Word
    tag: Integer
    room: Formula
    save: Formula
    load: Formula
    again: int | None
    anew: Formula | None
    prefix: Word | None
    values: tuple[FieldValue, ...]
    note: Word | None


class HeadRecord(Record):
    """A kind of record ahead of the state: the fields of a layout. `reserve` is the room to get ready."""

    name: Word
    tag: Integer
    structure: Word
    optional: bool
    reserve: Formula | None
    note: Word | None


class Stream(Record):
    """The migration data: one store and its use.

    A store is a `structure`, `memory` or an `area` with its `capacity`, `records`, or none where the parent
    passes data through. `any_length` says why a stream may end anywhere. In the `background`, the data is
    produced after the change of state that asks for it.
    """

    span: Span
    structure: Word | None
    memory: Formula | None
    area: Area | None
    capacity: Formula | None
    pass_through: PassThrough | None
    pre_copy: Produce | None
    stop_copy: Produce | None
    saved: tuple[Step, ...]
    each_write: Formula | None
    more: Word | None
    begin: tuple[Step, ...]
    end: tuple[Step, ...]
    lengths: tuple[Formula, ...]
    any_length: Word | None
    background: Word | None = None
    records: tuple[StreamRecord, ...] = ()
    heads: tuple[HeadRecord, ...] = ()
    files: tuple[FileValue, ...] = ()

    @property
    def kinds(self) -> tuple[HeadRecord | StreamRecord, ...]:
        """All kinds of records, in the order in which a stream begins with them."""
        return (*self.heads, *self.records)


class Omission(Record):
    """State that isn't migrated, and why."""

    name: Word
    reason: Word


class Shown(Record):
    """A value in a file of debugfs."""

    name: Word
    value: Formula


class DebugFile(Record):
    """A file of debugfs: a dump of the device or of the last stream, or values; nothing unless `when`."""

    name: Word
    dump: Word | None
    values: tuple[Shown, ...]
    when: Formula | None


class Debugfs(Record):
    """Files for who looks into a migration."""

    span: Span
    directory: Word
    needs: Word | None
    files: tuple[DebugFile, ...]

    def dumps(self, source: str) -> bool:
        """Tell whether a file shows the `device` or the last `stream`."""
        return any(file.dump is not None and file.dump.text == source for file in self.files)

    @property
    def reads_device(self) -> bool:
        """Whether a file shows anything but the last stream."""
        return any(file.dump is None or file.dump.text == "device" for file in self.files)


class Migration(Record):
    """Live migration."""

    span: Span
    features: tuple[Word, ...]
    optional: tuple[Word, ...]
    arcs: tuple[Arc, ...]
    stream: Stream
    size: Formula | None
    reset: tuple[Step, ...]
    omitted: tuple[Omission, ...]
    debugfs: Debugfs | None = None

    def has(self, feature: str) -> bool:
        """Tell whether `p2p` or `pre-copy` is declared."""
        return any(f.text == feature for f in self.features)


class Handler(Record):
    """What one event does: steps and a migration state that the device enters, `when`; others `always`."""

    event: Word
    when: Formula | None
    steps: tuple[Step, ...]
    enter: Word | None
    always: tuple[Step, ...] = ()


class Notifier(Record):
    """Events of the parent: how they are asked for, what comes with one, and what is done."""

    name: Word
    register: Formula
    unregister: Formula
    data: Word | None
    handlers: tuple[Handler, ...]
    note: Word | None


class Variant(Record):
    """How the driver appears on devices for which `when` holds, with the sections in `use`."""

    name: Word
    when: Formula | None
    use: tuple[Word, ...]
    needs: Word | None = None
    config: Word | None = None

    def uses(self, section: str) -> bool:
        """Tell whether a section applies."""
        return any(word.text == section for word in self.use)


class Spec(Record, dict=True):
    """A whole spec. `path` is shown in rendered files and messages."""

    source: Source
    span: Span
    driver: Driver
    devices: tuple[Devices, ...]
    features: tuple[KernelFeature, ...]
    needs: tuple[Word, ...]
    provider: Provider | None
    kernel_structures: tuple[KernelStructure, ...]
    layouts: tuple[Layout, ...]
    context: tuple[ContextValue, ...]
    registers: tuple[RegisterBlock, ...]
    channels: tuple[Channel, ...]
    commands: tuple[Command, ...]
    events: tuple[Notifier, ...]
    variants: tuple[Variant, ...]
    init: tuple[Step, ...]
    open: tuple[Step, ...]
    reset_prepare: tuple[Step, ...]
    reset_done: tuple[Step, ...]
    migration: Migration | None
    headers: tuple[Word, ...] = ()
    probe: tuple[Step, ...] = ()
    config_space: tuple[ConfigField, ...] = ()
    regions: tuple[Region, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    device_features: tuple[DeviceFeature, ...] = ()
    bar_access: BarAccess | None = None
    denylist: Denylist | None = None
    parameters: tuple[ModuleParameter, ...] = ()
    core: Core | None = None

    @property
    def path(self) -> str:
        """The spec's path as it is shown."""
        return self.source.path

    @property
    def lifecycle(self) -> tuple[Step, ...]:
        """What is done at any point of the device's life."""
        return (*self.init, *self.probe, *self.open, *self.reset_prepare, *self.reset_done)

    @property
    def bar_blocks(self) -> tuple[RegisterBlock, ...]:
        """The blocks of registers that are in BARs."""
        return tuple(block for block in self.registers if not block.is_early)

    @property
    def config_blocks(self) -> tuple[RegisterBlock, ...]:
        """The blocks of registers that are in config space."""
        return tuple(block for block in self.registers if block.position is not None)

    @property
    def memory_blocks(self) -> tuple[RegisterBlock, ...]:
        """The blocks of registers that are in memory of the machine."""
        return tuple(block for block in self.registers if block.memory is not None)

    @property
    def bars(self) -> tuple[Region, ...]:
        """The regions that are BARs."""
        return tuple(region for region in self.regions if region.is_bar)

    @property
    def debug_files(self) -> tuple[DebugFile, ...]:
        """The files in debugfs."""
        return self.migration.debugfs.files if self.migration and self.migration.debugfs else ()

    @property
    def device_regions(self) -> tuple[Region, ...]:
        """The regions beside the BARs."""
        return tuple(region for region in self.regions if not region.is_bar)

    @property
    def memories(self) -> tuple[Region, ...]:
        """The regions that show memory of the machine."""
        return tuple(region for region in self.regions if region.physical)

    @property
    def every_capability(self) -> tuple[Capability, ...]:
        """What is said of the device and of its regions besides."""
        return (*self.capabilities, *(one for region in self.regions for one in region.capabilities))

    @property
    def id_parameter(self) -> ModuleParameter | None:
        """The parameter with IDs that the driver takes besides its own."""
        return next((one for one in self.parameters if one.type == "device-ids"), None)

    @property
    def ids(self) -> tuple[DeviceId, ...]:
        """The device IDs of all vendors."""
        return tuple(one for devices in self.devices for one in devices.ids)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What is known of device IDs, as the first that has it says it."""
        found = {x.name.text: x for one in reversed(self.ids) for x in reversed(one.columns)}
        return tuple(reversed(found.values()))

    @property
    def is_virtual(self) -> bool:
        """Whether whatever is done, is done with virtual functions alone."""
        using = [variant for variant in self.variants if variant.use]
        return all(d.function == "vf" for d in self.devices) or (
            bool(using) and all(requires(variant.when, "is-vf") for variant in using)
        )

    def command(self, name: str) -> Command | None:
        """Return a command by its name."""
        return self._commands.get(name)

    @cached_property
    def _commands(self) -> dict[str, Command]:
        return {command.name.text: command for command in reversed(self.commands)}

    def arc(self, source: str, target: str) -> tuple[Step, ...]:
        """Return what is done on an arc; nothing for one that isn't written."""
        arcs = self.migration.arcs if self.migration else ()
        return next((arc.steps for arc in arcs if (arc.source, arc.target) == (source, target)), ())

    @property
    def posts(self) -> tuple[Post, ...]:
        """What commands post to channels."""
        return tuple(body.post for command in self.commands for body in command.bodies if body.post)

    def channel(self, name: str) -> Channel | None:
        """Return a channel by its name."""
        return next((x for x in self.channels if x.name.text == name), None)

    def kernel_field(self, structure: str, field: str) -> KernelField | None:
        """Return a field of a structure of the kernel, if the spec names it."""
        found = next((x for x in self.kernel_structures if x.name.text == structure), None)
        return next((f for f in found.fields if f.name.text == field), None) if found else None

    def layout(self, name: str) -> Layout | None:
        """Return a layout by its name."""
        return next((x for x in self.layouts if x.name.text == name), None)


def _bars(
    block: RegisterBlock, known: Mapping[str, RegisterBlock], seen: frozenset[str]
) -> Iterator[tuple[int, int]]:
    """Yield the BARs that a block may lie in, with offsets."""
    if block.bar is not None:
        yield block.bar.value, 0
    elif block.base and block.base.tree and block.name.text not in seen:
        yield from _bars_of(block.base.tree, known, seen | {block.name.text})


def _bars_of(
    tree: Expression, known: Mapping[str, RegisterBlock], seen: frozenset[str]
) -> Iterator[tuple[int, int]]:
    match tree:
        case Call(function=Name(name="bar"), arguments=[Argument(value=Number(value=number))]):
            yield number, 0
        case Name(name=name) if name in known:
            yield from _bars(known[name], known, seen)
        case Binary():
            added = tree.right.value if isinstance(tree.right, Number) else 0
            yield from ((bar, offset + added) for bar, offset in _bars_of(tree.left, known, seen))
        case Conditional():
            yield from _bars_of(tree.value, known, seen)
            yield from _bars_of(tree.otherwise, known, seen)


def requires(condition: Formula | None, name: str) -> bool:
    """Tell whether a condition can hold only if one that is named does."""
    waiting = [condition.tree] if condition else []
    while waiting:
        tree = waiting.pop()
        if isinstance(tree, Name) and tree.name == name:
            return True
        if isinstance(tree, Binary) and tree.operator == "and":
            waiting += [tree.left, tree.right]
    return False
