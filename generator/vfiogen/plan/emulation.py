# SPDX-License-Identifier: GPL-2.0-only
"""What the user sees instead of the device's own config space and BARs."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.check.kernel import symbol_of_section
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.bounds import literal
from vfiogen.model.header import STANDARD_HEADER
from vfiogen.model.walk import formulas, names
from vfiogen.plan.capabilities import add_capabilities
from vfiogen.plan.lower import PRECEDENCE, TIGHT, Body, Lowering
from vfiogen.plan.view import (
    ClipView,
    DeviceRegionView,
    EmulationView,
    Function,
    MemoryView,
    PortsView,
    ShadowView,
    function,
)
from vfiogen.records import Value, replace

MEMORY_FLAGS = {
    "mem32": "PCI_BASE_ADDRESS_SPACE_MEMORY",
    "mem64": "PCI_BASE_ADDRESS_MEM_TYPE_64",
    "mem64-prefetch": "PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH",
    "io": "PCI_BASE_ADDRESS_SPACE_IO",
}
ALL_BITS = {1: "U8_MAX", 2: "U16_MAX", 4: "U32_MAX", 8: "U64_MAX"}
COMMAND_SHADOW = "command"


def emulates(spec: m.Spec) -> bool:
    """Tell whether the user sees anything else than the device."""
    return bool(spec.bars or spec.config_space)


def has_config(spec: m.Spec) -> bool:
    """Tell whether some of config space is emulated."""
    return bool(spec.config_space) or any(region.synthetic for region in spec.regions)


def ready_command(spec: m.Spec) -> m.Formula | None:
    """Return what waits for the memory after a reset; it is the same for all regions."""
    return next((region.ready for region in spec.memories if region.ready), None)


def has_emulated_reset(spec: m.Spec) -> bool:
    """Tell whether a reset changes what is emulated."""
    kept = [shadow for shadow in shadows(spec) if not shadow.sticky]
    return bool(kept or any(region.is_bar for region in spec.memories))


def shadows(spec: m.Spec) -> list[ShadowView]:
    """Return what is kept of the user's writes outside of the memory's own structures."""
    found = [
        ShadowView(_shadow_member(field), place(field), field.size, sticky=field.sticky)
        for field in spec.config_space
        if field.writes == "shadow"
    ]
    for region in _ported(spec):
        found.append(ShadowView(_register(region), f"PCI_BASE_ADDRESS_{region.bar}", region.register_size))
    if any(region.is_io for region in spec.regions):
        found.append(ShadowView(COMMAND_SHADOW, "PCI_COMMAND", 2))
    return found


def io_members(spec: m.Spec) -> list[str]:
    """Return the members that hold where ranges are forwarded to."""
    return [_io(region, one) for region in spec.regions for one in region.ranges if one.forward]


def _shadow_member(field: m.ConfigField) -> str:
    return c_name(f"config-{field.name}")


def place(field: m.ConfigField) -> str:
    """Return where a field is, as C says it."""
    return field.place.text if field.place.text in STANDARD_HEADER else f"{field.at:#x}"


def _ported(spec: m.Spec) -> list[m.Region]:
    return [region for region in spec.regions if region.ranges]


def _register(region: m.Region) -> str:
    return f"bar{region.bar}_register"


def memory_member(region: m.Region) -> str:
    """Return the member that describes the memory behind a BAR."""
    return f"{c_name(region.name.text)}_memory"


def _io(region: m.Region, one: m.Range) -> str:
    forwarded = [x for x in region.ranges if x.forward]
    number = str(forwarded.index(one)) if forwarded[1:] else ""
    return f"bar{region.bar}_forward{number}"


def plan_emulation(lowering: Lowering, kernel: Kernel) -> EmulationView | None:
    """Return the functions of regions and config space, if the spec has any."""
    spec = lowering.spec
    if not (emulates(spec) or spec.regions):
        return None
    ready = lowering.analysis.action(ready_command(spec), lowering.scope)
    return EmulationView(
        config_read=_config_read(lowering) if has_config(spec) else None,
        config_own=_config_own(lowering) if _own_ranges(lowering) else None,
        shadows=tuple(_shadow_reset(lowering, one) for one in shadows(spec)),
        memory_shadows=tuple(_memory_shadow(region) for region in spec.memories if region.is_bar),
        clips=tuple(_clip(lowering, region) for region in spec.regions if region.visible),
        ports=tuple(_ports(lowering, region) for region in _ported(spec)),
        memories=tuple(_memory(region) for region in spec.memories),
        forward_widths=tuple(sorted({w for r in _ranges(spec) if r.forward for w in r.widths})),
        has_fields=any(one.fields for one in _ranges(spec)),
        ready=_body(lowering).invocation(ready) if ready else None,
        memory_enabled=_needs_memory_enabled(spec),
        emulates=emulates(spec),
        regions=tuple(_device_region(lowering, region) for region in spec.device_regions),
        config=symbol_of_section(spec, "config-space", "regions"),
    )


def _ranges(spec: m.Spec) -> Iterator[m.Range]:
    return (one for region in spec.regions for one in region.ranges)


def _needs_memory_enabled(spec: m.Spec) -> bool:
    respected = (r for r in spec.memories if not r.memory_enable or r.memory_enable.text == "respected")
    return any(True for _ in respected) or any(not region.is_io for region in _ported(spec))


def _body(lowering: Lowering) -> Body:
    return Body(lowering, lowering.scope, lowering.names.prefix)


# -- config space ---------------------------------------------------------------------------------


def _config_read(lowering: Lowering) -> Function:
    prefix = lowering.names.prefix
    body = _body(lowering)
    body.local(f"{lowering.names.device} *", prefix, f"{prefix}_from_vfio(core_vdev)")
    body.local("u64", "pos", "*ppos & VFIO_PCI_OFFSET_MASK")
    body.local("ssize_t", "done")
    body.local("int", "ret")
    body.add(
        c.Expr("done = vfio_pci_core_read(core_vdev, buf, count, ppos)"),
        c.If("done <= 0", (c.Return("done"),)),
        c.Blank(),
    )
    body.unwinding.append(("err_position", (c.Expr("*ppos -= done"),)))
    for shown in _shown(lowering, body):
        body.add(*shown, c.Blank())
    body.finish(c.Return("done"))
    parameters = ["struct vfio_device *core_vdev", "char __user *buf", "size_t count", "loff_t *ppos"]
    return function("ssize_t", f"{prefix}_config_read", parameters, body.lines)


def _shown(lowering: Lowering, body: Body) -> Iterator[list[c.Stmt]]:
    spec, device = lowering.spec, body.device
    for field in spec.config_space:
        value = _field_value(lowering, field, body)
        if value is not None:
            note = [c.Comment(field.note.text)] if field.note else []
            yield [*note, *_show(body, place(field), field.size, _field_bits(field), value)]
    for region in spec.regions:
        if region.synthetic is None:
            continue
        at = f"PCI_BASE_ADDRESS_{region.bar}"
        flags = MEMORY_FLAGS[region.synthetic.text]
        if region.physical:
            yield [_show_memory(body, region, at, flags)]
        else:
            value = f"({device}->{_register(region)} & ~({_size(lowering, region)} - 1ULL)) | {flags}"
            yield _show(body, at, region.register_size, ALL_BITS[region.register_size], value)
    if any(region.is_io for region in spec.regions):
        yield _show(body, "PCI_COMMAND", 2, "PCI_COMMAND_IO", f"{device}->{COMMAND_SHADOW}")


def _show(body: Body, at: str, size: int, bits: str, value: str) -> list[c.Stmt]:
    call = f"{body.names.prefix}_show_field(buf, pos, done, {at}, {size}, {bits}, {value})"
    body.fails = True
    return [c.Expr(f"ret = {call}"), c.If("ret", (c.Goto("err_position"),))]


def _show_memory(body: Body, region: m.Region, at: str, flags: str) -> c.Stmt:
    memory = f"{body.device}->{memory_member(region)}"
    value = f"({memory}.bar & ~({memory}.size - 1)) | {flags}"
    size = region.register_size
    inner = _show(body, at, size, ALL_BITS[size], value)
    return c.If(f"{memory}.length", tuple(inner))


def _field_bits(field: m.ConfigField) -> str:
    return ALL_BITS[field.size] if field.bits == (1 << field.width) - 1 else f"{field.bits:#x}"


def _field_value(lowering: Lowering, field: m.ConfigField, body: Body) -> str | None:
    if field.writes == "shadow":
        return f"{body.device}->{_shadow_member(field)}"
    typed = lowering.analysis.number(field.reads, body.scope)
    return body.value(typed) if typed is not None else None


def _own_ranges(lowering: Lowering) -> list[tuple[str, int, str]]:
    """Return where writes don't reach the device: place, size, and on what it depends."""
    spec, prefix = lowering.spec, lowering.names.prefix
    found = [
        (place(field), field.size, "")
        for field in spec.config_space
        if field.writes in ("drop", "shadow") and field.bits == (1 << field.width) - 1
    ]
    for region in spec.regions:
        if region.synthetic:
            depends = f"{prefix}->{memory_member(region)}.length" if region.physical and region.when else ""
            found.append((f"PCI_BASE_ADDRESS_{region.bar}", region.register_size, depends))
    return found


def _config_own(lowering: Lowering) -> Function:
    arms: dict[str, list[str]] = {}
    for at, size, depends in _own_ranges(lowering):
        end = f"{at} + {size - 1}" if at.startswith("PCI_") else f"{int(at, 16) + size - 1:#x}"
        arms.setdefault(depends, []).append(f"{at} ... {end}" if size > 1 else at)
    cases = [c.Case(tuple(labels), (c.Return(d or "true"),)) for d, labels in arms.items()]
    cases.append(c.Case((), (c.Return("false"),)))
    prefix = lowering.names.prefix
    parameters = [lowering.names.device_parameter, "u64 pos"]
    return function("bool", f"{prefix}_config_is_own", parameters, ([], [c.Switch("pos", tuple(cases))]))


def _shadow_reset(lowering: Lowering, shadow: ShadowView) -> ShadowView:
    """Return a shadow with what it is before it is written."""
    field = next((x for x in lowering.spec.config_space if _shadow_member(x) == shadow.member), None)
    body = _body(lowering)
    typed = lowering.analysis.number(field.reset, body.scope) if field else None
    return replace(shadow, reset=body.value(typed)) if typed is not None else shadow


def _memory_shadow(region: m.Region) -> ShadowView:
    return ShadowView(f"{memory_member(region)}.bar", f"PCI_BASE_ADDRESS_{region.bar}", region.register_size)


# -- BARs -----------------------------------------------------------------------------------------


def _clip(lowering: Lowering, region: m.Region) -> ClipView:
    body = _body(lowering)
    typed = lowering.analysis.number(region.visible, body.scope)
    if typed is not None:
        body.add(c.Return(body.value(typed)))
    name = f"{lowering.names.prefix}_bar{region.bar}_visible"
    comment = region.note.text if region.note else "How much of the BAR is there for the user, or an error."
    made = function("s64", name, [lowering.names.device_parameter], body.lines, comment, region.name.span)
    return ClipView(region.bar, made)


def _memory(region: m.Region) -> MemoryView:
    return MemoryView(
        bar=region.bar if region.is_bar else None,
        name=c_name(region.name.text),
        member=memory_member(region),
        mapped=region.is_bar or region.mmap,
        cached=is_cached(region),
        combining=region.caching is not None and region.caching.text == "write-combining",
        respected=region.memory_enable is None or region.memory_enable.text == "respected",
        failure=region.memory_failure,
        dma_buf=region.dma_buf.value if region.dma_buf else None,
    )


def is_cached(region: m.Region) -> bool:
    """Tell whether memory is mapped as memory of the CPU is."""
    return region.caching is None or region.caching.text == "cached"


def _device_region(lowering: Lowering, region: m.Region) -> DeviceRegionView:
    flags = ["VFIO_REGION_INFO_FLAG_READ"]
    flags += ["VFIO_REGION_INFO_FLAG_WRITE"] if region.access == "read-write" else []
    flags += ["VFIO_REGION_INFO_FLAG_MMAP"] if region.mmap else []
    return DeviceRegionView(
        name=c_name(region.name.text),
        type=_region_type(region),
        subtype=str(region.subtype),
        flags=" | ".join(flags),
        writable=region.access == "read-write",
        mmap=region.mmap,
        memory=memory_member(region) if region.physical else None,
        slot=region.slot.numbers if region.slot else None,
        vendor=str(region.slot.vendor) if region.slot else "",
        kind=str(region.slot.kind) if region.slot else "",
        copy=_copy(lowering, region, " | ".join(flags)) if region.copied else None,
        capabilities=_add_capability(lowering, region) if region.capabilities else None,
    )


def _region_type(region: m.Region) -> str:
    return f"VFIO_REGION_TYPE_PCI_VENDOR_TYPE | {region.vendor}"


def _copy(lowering: Lowering, region: m.Region, flags: str) -> Function:
    """Return the function that copies the pieces of a region, puts its fields there and registers it."""
    body = _body(lowering)
    prefix, name = lowering.names.prefix, c_name(region.name.text)
    condition = lowering.analysis.condition(region.when, body.scope)
    if condition is not None:
        body.add(c.If(body.negated(condition), (c.Return("0"),)), c.Blank())
    sizes = _sizes(body, region)
    at, data = body.local("u8 *", "at"), body.local("u8 *", "data")
    body.add(
        c.Expr(f"{data} = kvzalloc(length, GFP_KERNEL_ACCOUNT)"),
        c.If(f"!{data}", body.leave("-ENOMEM")),
        c.Blank(),
        c.Expr(f"{at} = {data}"),
    )
    body.unwinding.append(("err_free", (c.Expr(f"kvfree({data})"),)))
    for piece, size in zip(region.copied, sizes, strict=True):
        body.add(*_piece_copied(body, piece, size), c.Blank())
    for field in region.fields:
        body.add(*_copied_field(body, field))
    arguments = [_region_type(region), str(region.subtype), f"&{prefix}_{name}_regops", "length", flags, data]
    call = f"vfio_pci_core_register_dev_region(&{body.device}->core_device, {', '.join(arguments)})"
    body.add(c.Blank())
    body.attempt(call)
    body.finish()
    return function("int", f"{prefix}_register_{name}", [lowering.names.device_parameter], body.lines)


def _sizes(body: Body, region: m.Region) -> list[str]:
    """Append what adds up the length of a copy, and return how long each piece is: a missing one has 0."""
    found = []
    known = 0
    for piece in region.copied:
        typed = body.lowering.analysis.number(piece.length, body.scope)
        exact = literal(typed) if typed is not None else None
        if exact is not None and piece.when is None:
            known += exact
            found.append(f"{exact:#x}")
        elif typed is not None:
            found.append(_size_of_piece(body, piece, typed))
    body.local("u64", "length", f"{known:#x}")
    body.add(*(c.Expr(f"length += {size}") for size in found if size.isidentifier()), c.Blank())
    return found


def _size_of_piece(body: Body, piece: m.Piece, typed: t.Typed) -> str:
    """Append what settles the length of a piece, which memory may tell otherwise the next time."""
    size = body.fresh("u64", "size")
    body.declarations[size] = c.Declaration("u64", size, "0")
    condition = body.lowering.analysis.condition(piece.when, body.scope)
    inner = body.apart(lambda: body.add(c.Expr(f"{size} = {body.value(typed)}")))
    body.add(*(inner if condition is None else (c.If(body.value(condition), inner),)))
    return size


def _piece_copied(body: Body, piece: m.Piece, size: str) -> tuple[c.Stmt, ...]:
    """Return what copies a piece, if it is there."""
    base = body.lowering.analysis.number(piece.base, body.scope)
    if base is None:
        return ()
    call = f"{body.names.prefix}_copy_piece"
    inner = body.apart(lambda: body.attempt(f"{call}(&at, {body.value(base)}, {size})"))
    return inner if piece.when is None else (c.If(size, inner),)


def _copied_field(body: Body, field: m.CopiedField) -> Iterator[c.Stmt]:
    typed = body.lowering.analysis.number(field.reads, body.scope)
    if typed is None:
        return
    if field.note:
        yield c.Comment(field.note.text)
    place = f"data + {field.at.value:#x}"
    value = body.value(typed)
    if field.width == 8:
        yield c.Expr(f"data[{field.at.value:#x}] = {value}")
    else:
        yield c.Expr(f"put_unaligned_le{field.width}({value}, {place})")


def _add_capability(lowering: Lowering, region: m.Region) -> Function:
    """Return the function that puts a region's capabilities behind its info."""
    body = _body(lowering)
    prefix = lowering.names.prefix
    init = f"container_of(vdev, {lowering.names.device}, core_device)"
    body.local(f"{lowering.names.device} *", prefix, init)
    add_capabilities(body, region.capabilities)
    core = "struct vfio_pci_core_device *vdev"
    parameters = [core, "struct vfio_pci_region *region", "struct vfio_info_cap *caps"]
    return function("int", f"{prefix}_{c_name(region.name.text)}_add_capability", parameters, body.lines)


def _size(lowering: Lowering, region: m.Region) -> str:
    return lowering.names.macro(f"bar{region.bar}", "size")


def size_of(lowering: Lowering, region: m.Region) -> int:
    """Return the size of a BAR that is made of ranges."""
    typed = lowering.analysis.number(region.size, lowering.scope.before_open())
    return (literal(typed) if typed is not None else None) or 0


def _ports(lowering: Lowering, region: m.Region) -> PortsView:
    enabled = f"{lowering.names.prefix}->{COMMAND_SHADOW} & PCI_COMMAND_IO" if region.is_io else None
    return PortsView(region.bar, _size(lowering, region), enabled, _access(lowering, region))


def _access(lowering: Lowering, region: m.Region) -> Function:
    body = _body(lowering)
    body.scope = lowering.scope.in_stream("offset", "count", "data")
    body.substitutes = {
        "offset": ("pos - start", PRECEDENCE["-"]),
        "count": ("width", TIGHT),
        "data": ("data", TIGHT),
    }
    body.local("size_t", "width")
    earlier: list[tuple[_Border, _Border]] = []
    end = _Border("0", 0)
    for one in region.ranges:
        start, end = _bounds(lowering, body, region, one, end)
        _add_range(lowering, body, region, one, (start, end), earlier)
        earlier.append((start, end))
    if not isinstance(body.statements[-1], c.Return):
        body.add(c.Return("-EINVAL"))
    comment = "Carries out the beginning of an access, and returns how many bytes that were, or an error."
    parameters = [lowering.names.device_parameter, "u64 pos", "size_t count", "u8 *data", "bool write"]
    name = f"{lowering.names.prefix}_bar{region.bar}_access"
    return function("ssize_t", name, parameters, body.lines, comment, region.name.span)


class _Border(Value):
    """Where a range begins or ends, and the least that this can be."""

    text: str
    least: int


def _bounds(
    lowering: Lowering, body: Body, region: m.Region, one: m.Range, before: _Border
) -> tuple[_Border, _Border]:
    """Return where a range begins and ends; what isn't constant is calculated once for an access."""
    analysis, scope = lowering.analysis, lowering.scope
    start_typed = analysis.number(one.start, scope)
    start = _bound(body, start_typed) if start_typed is not None else before
    if one.length is not None:
        length = analysis.number(one.length, scope)
        known = literal(length) if length is not None else None
        if known is not None and start.text.isdigit():
            return start, _Border(str(start.least + known), start.least + known)
        size = body.value(length, PRECEDENCE["+"]) if length is not None else "0"
        return start, _Border(_kept(body, f"{start.text} + {size}"), start.least)
    end_typed = analysis.number(one.to, scope)
    whole = _Border(_size(lowering, region), start.least)
    return start, _bound(body, end_typed) if end_typed is not None else whole


def _bound(body: Body, typed: t.Typed) -> _Border:
    known = literal(typed)
    text = str(known) if known is not None else _kept(body, body.value(typed))
    return _Border(text, _least(typed))


def _least(typed: t.Typed) -> int:
    """Return what a number is at least."""
    if isinstance(typed, t.Choice):
        return min(_least(typed.value), _least(typed.otherwise))
    return max(literal(typed) or 0, 0)


def _kept(body: Body, text: str) -> str:
    name = body.fresh("u64", "border")
    body.add(c.Expr(f"{name} = {text}"))
    return name


def _add_range(
    lowering: Lowering,
    body: Body,
    region: m.Region,
    one: m.Range,
    bounds: tuple[_Border, _Border],
    earlier: list[tuple[_Border, _Border]],
) -> None:
    start, end = (bound.text for bound in bounds)
    outer, body.statements = body.statements, []
    if one.note:
        body.add(c.Comment(one.note.text))
    for before, _ in earlier:
        if not (before.text.isdigit() and before.least <= bounds[0].least):
            cut = c.Expr(f"count = min_t(u64, count, {before.text} - pos)")
            body.add(c.If(f"pos < {before.text}", (cut,)))
    body.add(c.Expr(f"count = min_t(u64, count, {end} - pos)"))
    offset = "pos" if start == "0" else f"pos - {start}"
    if one.fields:
        ends = ", ".join(str(field.value) for field in one.fields)
        array = body.array("static const u32", "fields", f"{{ {ends} }}")
        rest = f"{lowering.names.prefix}_in_field({array}, ARRAY_SIZE({array}), {offset}, count)"
        body.add(c.Expr(f"count = {rest}"))
    allowed = " | ".join(str(width) for width in one.widths)
    call = f"{lowering.names.prefix}_access_width(pos, count, {allowed})"
    body.add(c.Expr(f"width = {call}"), c.If("!width", (c.Return("-EINVAL"),)), c.Blank())
    body.substitutes["offset"] = (offset, TIGHT if start == "0" else PRECEDENCE["-"])
    _carry_out(lowering, body, region, one)
    inner, body.statements = tuple(body.statements), outer
    # All that lies ahead of a range that follows one at 0 has been dealt with.
    follows = any(before.text == "0" and after.text == start for before, after in earlier)
    tests = [] if start == "0" or follows else [f"pos >= {start}"]
    if one.to or one.length:
        tests.append(f"pos < {end}")
    body.add(*((c.If(" && ".join(tests), inner), c.Blank()) if tests else inner))


def _carry_out(lowering: Lowering, body: Body, region: m.Region, one: m.Range) -> None:
    if one.forward:
        core, io = f"&{body.device}->core_device", f"{body.device}->{_io(region, one)}"
        call = f"{lowering.names.prefix}_forward({core}, {io}, width, data, write)"
        offset = body.substitutes["offset"][0]
        body.add(c.Return(call.replace(f"{io},", f"{io} + {offset},")))
        return
    write, read = (_direction(lowering, body, formula) for formula in (one.write, one.read))
    otherwise = (c.Expr("memset(data, 0xff, width)"),)
    if write:
        body.add(c.If("write", write, read or otherwise))
    else:
        body.add(c.If("!write", read or otherwise))
    if write or read:
        body.add(c.If("ret", (c.Return("ret"),)))
    if not (write and read):
        body.declarations["ret"] = c.Declaration("int", "ret", "0")
    body.add(c.Blank(), c.Return("width"))


def _direction(lowering: Lowering, body: Body, formula: m.Formula | None) -> tuple[c.Stmt, ...]:
    run = lowering.analysis.action(formula, body.scope)
    if run is None:
        return ()
    outer, body.statements = body.statements, []
    body.local("int", "ret")
    body.add(c.Expr(f"ret = {body.invocation(run)}"))
    inner, body.statements = tuple(body.statements), outer
    return inner


# -- the device's life ------------------------------------------------------------------------------


def find_structures(body: Body) -> None:
    """Append the search for structures in config space, and the mappings of those in memory."""
    for block in body.lowering.spec.config_blocks:
        typed = body.lowering.analysis.number(block.position, body.scope)
        if typed is not None:
            body.add(c.Expr(f"{body.device}->{c_name(block.name.text)} = {body.value(typed)}"))
    if body.lowering.spec.config_blocks:
        body.add(c.Blank())
    for block in body.lowering.spec.memory_blocks:
        typed = body.lowering.analysis.number(block.memory, body.scope)
        if typed is not None:
            name = c_name(block.name.text)
            member = f"{body.device}->{name}"
            body.add(
                c.Expr(f"{member} = memremap({body.value(typed)}, {block.end:#x}, MEMREMAP_WB)"),
                c.If(f"!{member}", body.leave("-ENOMEM")),
                c.Blank(),
            )
            body.unwinding.append((f"err_{name}", (c.Expr(f"memunmap({member})"),)))


def release_structures(body: Body) -> None:
    """Append the opposite of find_structures()."""
    for block in reversed(body.lowering.spec.memory_blocks):
        body.add(c.Expr(f"memunmap({body.device}->{c_name(block.name.text)})"))


def set_memories(body: Body) -> None:
    """Append where the memory behind BARs is."""
    for region in body.lowering.spec.memories:
        assert region.physical is not None
        condition = body.lowering.analysis.condition(region.when, body.scope)
        test = body.value(condition) if condition is not None else ""
        outer, body.statements = body.statements, []
        if region.note:
            body.add(c.Comment(region.note.text))
        base = body.lowering.analysis.number(region.physical.base, body.scope)
        length = body.lowering.analysis.number(region.physical.length, body.scope)
        if base is not None and length is not None:
            member = f"&{body.device}->{memory_member(region)}"
            values = f"{body.value(base)}, {body.value(length)}"
            body.attempt(f"{body.names.prefix}_set_memory({member}, {values})")
            if not region.is_bar:
                place = f"{body.device}->{memory_member(region)}"
                body.add(c.Expr(f"{place}.size = {place}.length"))
        inner, body.statements = tuple(body.statements), outer
        body.add(*((c.If(test, inner),) if test else inner), c.Blank())
    if body.lowering.spec.memories:
        body.add(c.Expr(f"mutex_init(&{body.device}->map_lock)"))


def release_memories(body: Body) -> None:
    """Append the end of what set_memories() began."""
    if body.lowering.spec.memories:
        body.add(c.Expr(f"mutex_destroy(&{body.device}->map_lock)"))


def open_regions(body: Body, kernel: Kernel) -> None:
    """Append what regions need while the device is open."""
    spec, device, prefix = body.lowering.spec, body.device, body.names.prefix
    if emulates(spec) and has_emulated_reset(spec):
        body.add(c.Expr(f"{prefix}_reset_emulation({device})"))
    for shadow in shadows(spec):
        if shadow.sticky:
            begun = _shadow_reset(body.lowering, shadow).reset
            body.add(c.Expr(f"{device}->{shadow.member} = {begun}"))
    for region in spec.regions:
        for one in region.ranges:
            if one.forward:
                _open_forward(body, region, one, kernel)
    if spec.device_regions:
        body.attempt(f"{prefix}_register_regions({device})")
    if any(region.memory_failure for region in spec.memories) and kernel.has("pfn-address-space"):
        body.attempt(f"{prefix}_register_memory({device})")
        body.unwinding.append(("err_memory", (c.Expr(f"{prefix}_unregister_memory({device})"),)))


def _open_forward(body: Body, region: m.Region, one: m.Range, kernel: Kernel) -> None:
    assert one.forward is not None
    analysis = body.lowering.analysis
    bar, offset = (analysis.number(x, body.scope) for x in (one.forward.bar, one.forward.offset))
    length = analysis.number(one.length, body.scope)
    if bar is None or offset is None or length is None:
        return
    values = ", ".join(body.value(x) for x in (bar, offset, length))
    member = f"{body.device}->{_io(region, one)}"
    body.add(
        c.Expr(f"{member} = {body.names.prefix}_map_forward({body.device}, {values})"),
        c.If(f"IS_ERR({member})", body.leave(f"PTR_ERR({member})")),
        c.Blank(),
    )


def has_region_close(spec: m.Spec) -> bool:
    """Tell whether something of the regions must be undone when the device is closed."""
    return bool(spec.memories)


def close_regions(body: Body, kernel: Kernel) -> None:
    """Append the opposite of open_regions()."""
    spec, device, prefix = body.lowering.spec, body.device, body.names.prefix
    if any(region.memory_failure for region in spec.memories) and kernel.has("pfn-address-space"):
        body.add(c.Expr(f"{prefix}_unregister_memory({device})"))
    if spec.memories:
        body.add(c.Expr(f"{prefix}_unmap_memory({device})"))


def operations(lowering: Lowering, kernel: Kernel) -> dict[str, str]:
    """Return the members of the table of operations that regions and config space replace."""
    spec, prefix = lowering.spec, lowering.names.prefix
    answers = {"ioctl": f"{prefix}_ioctl"} if spec.capabilities else {}
    if spec.bar_access:
        answers = {name: f"{prefix}_{name}" for name in ("ioctl", "read", "write")}
        if kernel.has("region-info-caps"):
            answers["get_region_info_caps"] = f"{prefix}_get_region_info"
    if not emulates(spec):
        return answers
    found = answers | {"read": f"{prefix}_read", "write": f"{prefix}_write"}
    if spec.bars:
        found |= {"ioctl": f"{prefix}_ioctl", "mmap": f"{prefix}_mmap"}
        if kernel.has("region-info-caps"):
            found["get_region_info_caps"] = f"{prefix}_get_region_info"
    return found


def sections(spec: m.Spec) -> frozenset[str]:
    """Return which of the two sections there are."""
    found = {"regions"} if spec.regions else set()
    return frozenset(found | ({"config-space"} if spec.config_space else set()))


def mentioned(spec: m.Spec) -> set[str]:
    """Return the names that the sections of a variant mention, themselves or through commands and context."""
    parts: tuple[object, ...] = (spec.provider, spec.lifecycle, spec.migration, spec.layouts)
    parts = (
        *parts,
        spec.config_space,
        spec.regions,
        spec.capabilities,
        spec.device_features,
        spec.bar_access,
    )
    waiting = list(names(formulas((*parts, spec.events))))
    commands: dict[str, object] = {command.name.text: command for command in spec.commands}
    inner = commands | {kept.name.text: kept for kept in spec.context}
    inner |= {block.name.text: block for block in spec.registers if block.base}
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen and name in inner:
            waiting += names(formulas(inner[name]))
        seen.add(name)
    return seen
