# SPDX-License-Identifier: GPL-2.0-only
"""C structures: the layouts that are transferred, the device's own and the migration file's."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.model import spec as m
from vfiogen.model.types import read_type
from vfiogen.model.walk import names
from vfiogen.plan.emulation import io_members, is_cached, memory_member, ready_command, shadows
from vfiogen.plan.lifecycle import is_private, keeps_prepared
from vfiogen.plan.lower import Lowering, byte_order, can_fail
from vfiogen.plan.records import asked_type, begins_anew, goes_on, saved_type
from vfiogen.plan.registers import bar_sizes, define
from vfiogen.plan.view import Defines, Member, Structure


def plan_structures(lowering: Lowering) -> tuple[Structure, ...]:
    """Return the structures in the order of their use."""
    found = [_layout(lowering, layout) for layout in lowering.spec.layouts]
    if lowering.spec.migration and lowering.spec.migration.stream.area:
        found.append(_area(lowering, lowering.spec.migration.stream.area))
    if lowering.spec.migration and lowering.spec.migration.stream.records:
        found.append(_record(lowering))
    if lowering.spec.memories:
        found.append(_memory_structure(lowering))
    if is_private(lowering.spec):
        found.append(_device(lowering))
    if lowering.spec.migration:
        found.append(_file(lowering))
    return tuple(found)


def plan_constants(lowering: Lowering, words: frozenset[str]) -> tuple[Defines, ...]:
    """Return the macros of the constant fields of layouts."""
    groups = []
    for layout in lowering.spec.layouts:
        found = [(constant(lowering, layout, f), f.const) for f in layout.fields if f.const]
        found += [(o[0], o[1].value) for f in layout.fields for o in older(lowering, layout, f)]
        lines = tuple(_constant_define(name, value) for name, value in found if name in words)
        if lines:
            groups.append(Defines(lines, None, layout.name.span))
    return tuple(groups)


def constant(lowering: Lowering, layout: m.Layout, field: m.LayoutField) -> str:
    """Return the macro of a constant field."""
    return lowering.names.macro(layout.name.text, field.name.text)


def older(lowering: Lowering, layout: m.Layout, field: m.LayoutField) -> list[tuple[str, m.Older]]:
    """Return the earlier values of a constant, each with its macro."""
    name = constant(lowering, layout, field)
    return [(f"{name}_OLD{at or ''}", one) for at, one in enumerate(field.older)]


def _constant_define(name: str, const: m.Integer) -> str:
    value = f"{const.value:#x}" if const.hexadecimal else str(const.value)
    return define(name, value + ("ULL" if const.value > 0xFFFFFFFF else ""))


def _layout(lowering: Lowering, layout: m.Layout) -> Structure:
    name = lowering.names.structure(layout.name.text)
    migration = lowering.spec.migration
    role = "The state of the device, as it is transferred."
    transferred = (
        migration and migration.stream.structure and migration.stream.structure.text == layout.name.text
    )
    note = layout.note.text if layout.note else (role if transferred else "")
    members = tuple(_layout_member(layout, field) for field in layout.fields)
    after = (f"static_assert(sizeof({name}) == {layout.size});",)
    comment = _with_omissions(note, migration if transferred else None)
    return Structure(name.removeprefix("struct "), members, c.comment(comment) if comment else None, after)


def _with_omissions(note: str, migration: m.Migration | None) -> str:
    if migration is None or not migration.omitted:
        return note
    lines = [f"- {o.name.text.replace('-', ' ')}: {o.reason.text}" for o in migration.omitted]
    return "\n".join([note, "", "What isn't in it:", *lines])


def _layout_member(layout: m.Layout, field: m.LayoutField) -> Member:
    order = byte_order(layout, field)
    bounds = f"[{field.count.value}]" if field.count else ""
    kind = f"__{order}" if order else "u8"
    comment = c.comment(field.note.text, 1) if field.note else None
    return Member(f"{kind} {c_name(field.name.text)}{bounds}", comment)


def _device(lowering: Lowering) -> Structure:
    names, spec = lowering.names, lowering.spec
    members = [Member("struct vfio_pci_core_device core_device")]
    if spec.provider and spec.provider.is_kept:
        members.append(_typed(spec.provider.type, spec.provider.handle, None))
    members += [Member(f"void __iomem *{names.bar(bar)}") for bar in bar_sizes(lowering)]
    members += [Member(f"void __iomem *{names.window(block)}") for block in spec.registers if block.base]
    if keeps_prepared(spec):
        members.append(Member("bool reset_prepared"))
    members += [Member(f"struct notifier_block {c_name(one.name.text)}") for one in spec.events]
    members += [Member(f"u16 {c_name(block.name.text)}") for block in spec.config_blocks]
    members += [Member(f"void *{c_name(block.name.text)}") for block in spec.memory_blocks]
    members += [_typed(kept.type, kept.name, kept.note) for kept in spec.context]
    members += _emulation_members(lowering)
    if spec.migration:
        members += _migration_members(names.file)
        members += _debugfs_members(lowering, spec.migration)
        if spec.migration.stream.background:
            said = "Produces the data of `saving`."
            members.append(Member("struct work_struct save_work", c.comment(said, 1)))
    elif ready_command(spec):
        members.append(Member("atomic_t resets", c.comment("Counts the resets.", 1)))
    return Structure(f"{names.prefix}_device", tuple(members))


def _emulation_members(lowering: Lowering) -> list[Member]:
    spec = lowering.spec
    members = [Member(f"void __iomem *{name}") for name in io_members(spec)]
    kept = [Member(f"u64 {shadow.member}") for shadow in shadows(spec)]
    if kept:
        said = "What the user has written to config space since the last reset."
        members += [Member(kept[0].declaration, c.comment(said, 1)), *kept[1:]]
    structure = f"struct {lowering.names.prefix}_memory"
    members += [Member(f"{structure} {memory_member(region)}") for region in spec.memories]
    if spec.memories:
        said = "Protects the kernel's mappings of the memory while they are made."
        members.append(Member("struct mutex map_lock", c.comment(said, 1)))
    if ready_command(spec):
        said = "Up to which reset the memory is known to be ready."
        members.append(Member("int resets_ready", c.comment(said, 1)))
    return members


def _memory_structure(lowering: Lowering) -> Structure:
    spec = lowering.spec
    cached = {is_cached(region) for region in spec.memories}
    members = [
        Member("phys_addr_t base"),
        Member("u64 length"),
        Member("u64 size", c.comment("The size of the region, for a BAR a power of two.", 1)),
    ]
    if any(region.is_bar for region in spec.memories):
        written = c.comment("What the user has written to the BAR since the last reset.", 1)
        members.append(Member("u64 bar", written))
    else:
        members.append(Member("unsigned int index"))
    members += [Member("void *cached")] if True in cached else []
    members += [Member("void __iomem *uncached")] if False in cached else []
    if any(region.memory_failure for region in spec.memories) and lowering.has("pfn-address-space"):
        members.append(Member("struct pfn_address_space pfns"))
    said = "Memory of the machine behind a region; its length is 0 if the device has none."
    return Structure(f"{lowering.names.prefix}_memory", tuple(members), c.comment(said))


def _typed(kind: m.Word, name: m.Word, note: m.Word | None) -> Member:
    found = read_type(kind.text)
    spelling = found.c if found else kind.text
    return Member(c.declare(spelling, c_name(name.text)), c.comment(note.text, 1) if note else None)


def _migration_members(file: str) -> list[Member]:
    lock = "Protects the migration state and the two files; taken before a file's lock."
    resets = "Counts the beginnings and ends of resets, and up to which one the state has followed."
    return [
        Member("struct mutex state_mutex", c.comment(lock, 1)),
        Member("enum vfio_device_mig_state mig_state"),
        Member(f"{file} *saving"),
        Member(f"{file} *resuming"),
        Member("atomic_t resets", c.comment(resets, 1)),
        Member("int resets_settled"),
    ]


def _debugfs_members(lowering: Lowering, migration: m.Migration) -> list[Member]:
    """What debugfs shows, and whether it may; protected by state_mutex as well."""
    debugfs, word = migration.debugfs, migration.stream.structure
    members = []
    if debugfs and debugfs.reads_device:
        members.append(Member("bool opened"))
    if debugfs and debugfs.dumps("stream") and word:
        said = c.comment("The data of the last transfer, and how much of it there is.", 1)
        members += [
            Member(f"{lowering.names.structure(word.text)} last_data", said),
            Member("size_t last_length"),
        ]
    return members


def _file(lowering: Lowering) -> Structure:
    names, migration = lowering.names, lowering.spec.migration
    assert migration is not None
    lock = "Protects all that follows; held over user copies."
    members = [
        Member("struct file *filp"),
        Member(f"{names.device} *{names.prefix}"),
        Member("int resets"),
        Member("struct mutex lock", c.comment(lock, 1)),
        Member("bool disabled"),
    ]
    if migration.stream.background:
        said = (
            "The data is still being produced; who reads waits for that, or gets the error that it ended in."
        )
        members += [Member("bool pending", c.comment(said, 1)), Member("int error")]
        members.append(Member("wait_queue_head_t wait"))
    if migration.has("pre-copy"):
        members.append(Member("bool pre_copy"))
    if not migration.stream.pass_through:
        said = "How much data there is, and how much of it has been read."
        members += [Member("size_t length", c.comment(said, 1)), Member("size_t pos")]
    if is_judged(lowering, migration.stream):
        said = "Why the data is refused, if it is."
        members.append(Member("int error", c.comment(said, 1)))
    return Structure(f"{names.prefix}_migration_file", (*members, *_data_members(lowering)))


def is_judged(lowering: Lowering, stream: m.Stream) -> bool:
    """Tell whether a command that may fail looks at what each write makes of the data."""
    scope = lowering.scope.in_stream("loaded", "capacity")
    run = lowering.analysis.action(stream.each_write, scope)
    return run is not None and can_fail(run.command)


def _area(lowering: Lowering, area: m.Area) -> Structure:
    if area.list is None:
        return _attached(lowering, area)
    role = "Where the device finds the data of a file: a list of addresses and lengths."
    members = (
        Member("struct sg_table sgt"),
        Member(f"{area.list.structure} *entry"),
        Member("dma_addr_t list"),
        Member("unsigned int entries"),
    )
    return Structure(lowering.names.own("area"), members, c.comment(role), origin=area.span)


def _attached(lowering: Lowering, area: m.Area) -> Structure:
    role = "Memory while the device knows it: where it is, and its size."
    members = (
        Member("struct sg_table sgt"),
        Member("u32 size"),
        *(_typed(field.type, field.name, None) for field in area.fields),
    )
    return Structure(lowering.names.own("area"), members, c.comment(role), origin=area.span)


def _record(lowering: Lowering) -> Structure:
    name = lowering.names.own("record")
    members = (Member("__le64 length"), Member("__le32 flags"), Member("__le32 tag"))
    after = (f"static_assert(sizeof(struct {name}) == 16);",)
    return Structure(name, members, c.comment("What stands before each record in the stream."), after)


def _initial_members(lowering: Lowering, migration: m.Migration) -> list[Member]:
    if not migration.has("pre-copy"):
        return []
    said = "How much of what is to be read is initial data."
    found = [Member("size_t initial", c.comment(said, 1))]
    if begins_anew(lowering, migration):
        again = "Whether the next record is initial data again."
        found.append(Member("bool anew", c.comment(again, 1)))
    return found


def _record_members(lowering: Lowering, migration: m.Migration) -> list[Member]:
    stream = migration.stream
    early = [word for record in stream.records for word in names((record.room, record.save))]
    told = "Whether the device was told that it is followed."
    follows = "Whether the device knows what was saved before, and what has changed since."
    coming = (
        "The record that is coming in, how much of its data is still to come, where that goes, and how much"
        " `data` has room for."
    )
    after = "How much room the rest of the state needs, or 0."
    found = [_typed(value.type, value.name, value.note) for value in stream.files]
    return [
        *found,
        *([Member("bool held", c.comment("Whether the parent knows of the file.", 1))] if found else []),
        Member("void *data", c.comment("What is to be read, or the data of a record that is coming in.", 1)),
        *_draft_members(lowering, stream),
        *_initial_members(lowering, migration),
        *(
            [Member("bool follows", c.comment(follows, 1))]
            if migration.has("pre-copy") and "follows" in early
            else []
        ),
        *(
            [Member("bool told", c.comment(told, 1))]
            if migration.has("pre-copy") and "running" in early
            else []
        ),
        *[
            Member(f"{saved_type(lowering, record)} next", c.comment(after, 1))
            for record in stream.records
            if goes_on(lowering, record)
        ],
        *([Member("unsigned long ask_at")] if any(record.again for record in stream.records) else []),
        Member(f"struct {lowering.names.own('record')} record", c.comment(coming, 1)),
        Member("u64 left"),
        Member("void *to"),
        Member("size_t capacity"),
        *_head_members(lowering, stream),
        Member("bool loaded"),
        *([] if stream.background else [Member("int error")]),
    ]


def _draft_members(lowering: Lowering, stream: m.Stream) -> list[Member]:
    """Return what is known of a record that is to be saved in the background."""
    if not stream.background:
        return []
    where = f"struct {lowering.names.own('area')} area" if stream.area else "struct sg_table sgt"
    room = f"{asked_type(lowering, stream.records[0])} room"
    fields = [f"\t\t{one};" for one in ("void *data", "size_t front", room, "bool first", where)]
    said = "What the next record is saved to, known to the parent: its data begins at `front`."
    return [Member("\n".join(["struct {", *fields, "\t} draft"]), c.comment(said, 1))]


def _head_members(lowering: Lowering, stream: m.Stream) -> list[Member]:
    """Return where records ahead of the state go, and what they say of its size."""
    if not stream.heads:
        return []
    own = lowering.names.structure
    fields = [f"\t\t{own(head.structure.text)} {c_name(head.name.text)};" for head in stream.heads]
    said = "Records ahead of the state."
    members = [Member("\n".join(["struct {", *fields, "\t} heads"]), c.comment(said, 1))]
    return members + (
        [Member("size_t reserve", c.comment("The room that the state is said to need.", 1))]
        if any(head.reserve for head in stream.heads)
        else []
    )


def _data_members(lowering: Lowering) -> list[Member]:
    migration = lowering.spec.migration
    assert migration is not None
    if migration.stream.records:
        return _record_members(lowering, migration)
    if migration.stream.area:
        return [Member("void *data"), Member("size_t capacity")]
    word = migration.stream.structure
    layout = lowering.spec.layout(word.text) if word else None
    if layout is None:
        return []
    name = lowering.names.structure(layout.name.text)
    members = [Member(f"{name} state")]
    if matched(layout):
        members.append(
            Member(
                f"{name} expected",
                c.comment("What this device asks of the fields that must match.", 1),
            )
        )
    return members


def matched(layout: m.Layout) -> list[m.LayoutField]:
    """Return the fields that are compared before anything is loaded."""
    return [field for field in layout.fields if field.const or field.match]
