# SPDX-License-Identifier: GPL-2.0-only
"""Regions and config space: what the user sees must be a device that can exist."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from vfiogen.check.capabilities import check_capabilities
from vfiogen.diagnostics import Problems, Span, quote
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.bounds import literal
from vfiogen.model.typed import walk
from vfiogen.model.types import integer, read_type

CONFIG_SIZE = 4096
COMMAND, COMMAND_IO = 0x04, 0x1
BAR0, LAST_BAR = 0x10, 5
# The smallest BARs that there can be, and the largest that VFIO has offsets for: PCI Local Bus
# Specification 3.0, section 6.2.5.1, and VFIO_PCI_OFFSET_SHIFT.
SMALLEST = {"io": 4}
SMALLEST_MEMORY = 16
LARGEST = {"io": 256, "mem32": 1 << 31}
LARGEST_REGION = 1 << 40
# What expressions are made of that neither ask the device nor can fail.
SETTLED = (t.Literal, t.Constant, t.Setting, t.Kept, t.Operation, t.Prefix, t.OneOf, t.Choice)
ARITHMETIC = ("+", "-", "*", "/", "%", "<<")
OF_BARS = ("visible", "synthetic", "size", "ranges", "dma-buf")
OF_COPIES = ("copy-of", "fields")
OF_REGIONS = ("vendor", "subtype", "access", "mmap", *OF_COPIES, "config-space-of", "capabilities")
OF_MEMORY = ("caching", "memory-enable", "ready", "memory-failure", "dma-buf", "when")


def check_regions(spec: m.Spec, analysis: Analysis, scope: Scope) -> None:
    """Report fields and BARs that can't be, or that contradict each other."""
    problems = analysis.problems
    for field in spec.config_space:
        _check_field(field, analysis, scope)
    _check_overlap(spec, problems)
    for region in spec.bars:
        _check_kind(region, problems)
        _check_bar(spec, region, problems)
        _check_values(region, analysis, scope)
        _Ranges(region, analysis, scope).check()
    for region in spec.device_regions:
        _check_beside(spec, region, problems)
        _check_values(region, analysis, scope)
        _check_copy(region, analysis, scope.before_open())
        check_capabilities(spec, region.capabilities, analysis, scope)
    _check_ready(spec, problems)
    for block in spec.config_blocks:
        analysis.number(block.position, scope.before_open())
    for block in spec.memory_blocks:
        _check_memory_block(block, analysis, scope)


def _check_memory_block(block: m.RegisterBlock, analysis: Analysis, scope: Scope) -> None:
    """Memory is mapped before anything else is known of the device."""
    phys = read_type("phys")
    typed = analysis.fitting(block.memory, phys, scope.before_open()) if phys else None
    for part in walk(typed) if typed is not None else ():
        if isinstance(part, t.Kept | t.Read) and block.memory:
            name = part.name if isinstance(part, t.Kept) else part.block.name.text
            message = f"{quote(name)} isn't known yet where {quote(block.name.text)} is mapped"
            problems = analysis.problems
            problems.report("register-base", message, block.memory.span, "`config32()` and `property()` are")


def check_probe(spec: m.Spec, problems: Problems) -> None:
    """Nothing of what is done while the device is bound lasts: its opposite would never come."""
    for step in spec.probe:
        if step.undo:
            message = "what is done in probe is over with it, and isn't undone"
            problems.report(
                "undo-step", message, step.span_of("undo"), "do it in init, which is undone at release"
            )


# -- config space -----------------------------------------------------------------------------------


def _check_field(field: m.ConfigField, analysis: Analysis, scope: Scope) -> None:
    problems, span_of = analysis.problems, field.spans.get
    whole = (1 << field.width) - 1
    if field.at + field.size > CONFIG_SIZE:
        problems.report("config-field", "config space ends at 0x1000", field.place.span)
    if field.bits > whole:
        message = f"{quote(field.name.text)} has {field.width} bits, and the mask is wider"
        problems.report("config-field", message, span_of("bits") or field.name.span)
    if field.reads is None and field.writes == "forward":
        message = f"{quote(field.name.text)} is the device's own for reads and for writes"
        hint = "say what it `reads` as, or what becomes of `writes`"
        problems.report("config-field", message, field.name.span, hint)
    if field.reads is not None and field.writes == "shadow":
        message = "a shadow reads as what was written, so nothing else can be said"
        hint = "write `reset` for what it is before, or `writes: drop`"
        problems.report("config-field", message, span_of("reads") or field.name.span, hint)
    if field.writes == "drop" and field.bits != whole:
        message = "what is written to a part of a field can't be dropped without the rest"
        hint = "take `bits` away, or leave the writes to the device"
        problems.report("config-field", message, span_of("writes") or field.name.span, hint)
    if field.sticky and field.writes != "shadow":
        message = f"{quote(field.name.text)} keeps nothing that could outlive a reset"
        span = span_of("sticky") or field.name.span
        problems.report("config-field", message, span, "write `writes: shadow`")
    analysis.fitting(field.reads, integer(field.width), scope)
    if field.reset:
        _check_reset(field, field.reset, analysis, scope)


def _check_reset(field: m.ConfigField, reset: m.Formula, analysis: Analysis, scope: Scope) -> None:
    """A reset sets it under the lock of the BARs: nothing is asked then that takes time or can fail."""
    if field.writes != "shadow":
        message = f"{quote(field.name.text)} keeps nothing that a reset could change"
        analysis.problems.report("config-field", message, reset.span, "write `writes: shadow`")
    typed = analysis.fitting(reset, integer(field.width), scope.in_reset())
    for part in walk(typed) if typed is not None else ():
        if not isinstance(part, SETTLED) or (isinstance(part, t.Operation) and part.operator in ARITHMETIC):
            message = f"what {quote(field.name.text)} is after a reset has to be known before"
            hint = "keep it in `context`, and choose among numbers and what is there"
            analysis.problems.report("config-field", message, reset.span, hint)
            return


def _check_overlap(spec: m.Spec, problems: Problems) -> None:
    """Fields are held against each other and against what BARs have in config space."""
    seen: list[tuple[int, str, Span]] = []
    for field in spec.config_space:
        mask, name = field.bits << field.at * 8, quote(field.name.text)
        _report_overlap(seen, mask, name, field.place.span, problems)
        seen.append((mask, name, field.place.span))
    for occupied in _occupied(spec):
        _report_overlap(seen, *occupied, problems)


def _report_overlap(
    seen: list[tuple[int, str, Span]], mask: int, name: str, span: Span, problems: Problems
) -> None:
    for other, first, place in seen:
        if mask & other:
            message = f"{name} and {first} have bits of config space in common"
            problems.report("config-overlap", message, span, related=((place, "the other one"),))


def _occupied(spec: m.Spec) -> Iterator[tuple[int, str, Span]]:
    """Yield the bits of config space that BARs are about, as one large number each."""
    for region in spec.bars:
        if region.synthetic:
            bits = (1 << region.register_size * 8) - 1
            name = f"the register of {quote(region.name.text)}"
            yield bits << (BAR0 + 4 * region.bar) * 8, name, region.name.span
    ports = [region for region in spec.bars if region.is_io]
    if ports:
        yield COMMAND_IO << COMMAND * 8, "the I/O bit of the command register", ports[0].name.span


# -- BARs -------------------------------------------------------------------------------------------


def _check_kind(region: m.Region, problems: Problems) -> None:
    """A region is clipped, or made of ranges, or shows memory."""
    name, keys = quote(region.name.text), region.spans
    for key in (key for key in OF_REGIONS if key in keys):
        message = f"{name} is a BAR, and only a region beside the BARs has `{key}`"
        problems.report("region-kind", message, keys[key])
    if (region.visible is None) == (region.synthetic is None):
        message = f"{name} is either the device's, of which a part is `visible`, or `synthetic`"
        problems.report("region-kind", message, region.name.span)
        return
    backed = [key for key in ("ranges", "physical") if key in keys]
    if region.visible is not None:
        for key in (key for key in ("size", *backed, *OF_MEMORY) if key in keys):
            problems.report("region-kind", f"a clipped BAR has no `{key}`", keys[key])
        return
    if len(backed) != 1:
        message = f"{name} is synthetic, so it has either `ranges` or `physical` memory"
        problems.report("region-kind", message, region.name.span)
    if region.physical is None:
        for key in (key for key in OF_MEMORY if key in keys):
            message = f"{name} shows no memory, which alone has `{key}`"
            problems.report("region-kind", message, keys[key], "it is `physical` that names memory")
    elif not region.is_wide:
        message = f"memory is shown by a BAR of 64 bits, and {name} is {region.synthetic}"
        hint = "write `synthetic: mem64-prefetch`"
        problems.report("region-kind", message, region.synthetic.span if region.synthetic else None, hint)
    if region.physical is not None and "size" in keys:
        message = f"the size of {name} follows from that of the memory"
        problems.report("region-kind", message, keys["size"], "take it away")


def _check_beside(spec: m.Spec, region: m.Region, problems: Problems) -> None:
    """A region beside the BARs has a type, and shows memory or another device's config space."""
    name, keys = quote(region.name.text), region.spans
    for key in (key for key in OF_BARS if key in keys):
        hint = "BARs are called bar0 to bar5"
        problems.report("region-kind", f"{name} isn't a BAR, which alone has `{key}`", keys[key], hint)
    missing = [key for key in ("vendor", "subtype") if key not in keys]
    if missing or sum(key in keys for key in ("physical", "config-space-of", "copy-of")) != 1:
        message = f"{name} has a vendor and a subtype, and shows `physical` memory, or is a `copy-of` it"
        hint = "or it is `config-space-of` another device"
        problems.report("region-kind", message, region.name.span, hint)
    if region.slot is not None:
        for key in (key for key in ("mmap", *OF_MEMORY) if key in keys):
            problems.report("region-kind", f"config space has no `{key}`", keys[key])
    if region.copied:
        for key in (key for key in ("mmap", *OF_MEMORY) if key in keys and key != "when"):
            problems.report("region-kind", f"a copy has no `{key}`", keys[key])
    elif region.fields:
        message = "only a copy has fields of its own"
        problems.report("region-kind", message, keys["fields"], "write `copy-of`")
    if region.physical is None and region.access != "read":
        shown = "a copy" if region.copied else "the config space of another device"
        problems.report("region-kind", f"{shown} is read only", keys["access"])
    if region.memory_failure and not region.mmap:
        message = "nobody has the memory mapped, so nobody needs to hear of its failures"
        problems.report("region-kind", message, keys["memory-failure"], "write `mmap: true`, or take it away")
    bars = [bar for bar in spec.memories if bar.is_bar]
    if region.physical is not None and bars:
        message = "memory is shown by BARs or beside them, not by both"
        related = ((bars[0].name.span, "a BAR"),)
        problems.report("region-kind", message, region.name.span, related=related)


def _check_copy(region: m.Region, analysis: Analysis, scope: Scope) -> None:
    """A copy has an end, and its fields are in what is there in any case; no two have bytes in common."""
    phys = read_type("phys")
    known = 0
    for piece in region.copied:
        analysis.condition(piece.when, scope)
        if phys:
            analysis.fitting(piece.base, phys, scope)
        length = analysis.fitting(piece.length, integer(64), scope)
        exact = literal(length) if length is not None else None
        known += exact or 0 if piece.when is None else 0
    last: m.CopiedField | None = None
    for field in sorted(region.fields, key=lambda field: field.at.value):
        analysis.fitting(field.reads, integer(field.width), scope)
        if region.copied and field.end > known:
            message = (
                f"{quote(field.name.text)} ends at {field.end:#x}, and {known:#x} bytes are always there"
            )
            analysis.problems.report("region-range", message, field.at.span)
        if last is not None and field.at.value < last.end:
            message = f"{quote(field.name.text)} and {quote(last.name.text)} have bytes in common"
            related = ((last.at.span, "the other one"),)
            analysis.problems.report("region-range", message, field.at.span, related=related)
        last = field


def _check_bar(spec: m.Spec, region: m.Region, problems: Problems) -> None:
    name = quote(region.name.text)
    if region.is_wide and region.bar == LAST_BAR:
        message = f"a BAR of 64 bits takes the next one too, and {name} is the last one"
        problems.report("bar-conflict", message, region.name.span, "the last place for it is bar4")
    for other in spec.bars:
        if region.is_wide and other.bar == region.bar + 1:
            message = f"{quote(other.name.text)} is the upper half of {name}, which has 64 bits"
            related = ((region.name.span, "the lower half"),)
            problems.report("bar-conflict", message, other.name.span, related=related)
    taken = {region.bar, region.bar + 1} if region.is_wide else {region.bar}
    for block in spec.bar_blocks:
        # What is only sometimes synthetic may well have registers at other times.
        for bar in sorted(taken & set(block.bars)) if region.synthetic and region.when is None else ():
            message = f"the device has no BAR {bar}: {name} is made up"
            related = ((region.name.span, "here"),)
            at = block.bar.span if block.bar else block.name.span
            problems.report("bar-conflict", message, at, related=related)


def _check_values(region: m.Region, analysis: Analysis, scope: Scope) -> None:
    phys = read_type("phys")
    analysis.condition(region.when, scope.before_open())
    analysis.number(region.visible, scope)
    analysis.action(region.ready, scope)
    if region.physical and phys:
        analysis.fitting(region.physical.base, phys, scope.before_open())
        analysis.fitting(region.physical.length, integer(64), scope.before_open())


def _check_ready(spec: m.Spec, problems: Problems) -> None:
    first: m.Formula | None = None
    for region in spec.memories:
        if region.ready is None:
            continue
        first = first or region.ready
        if region.ready.scalar.text != first.scalar.text:
            message = "one command makes all of the memory ready"
            related = ((first.span, "the other one"),)
            problems.report("region-kind", message, region.ready.span, related=related)


class _Ranges:
    """Checks the ranges of one region."""

    def __init__(self, region: m.Region, analysis: Analysis, scope: Scope) -> None:
        self._region = region
        self._analysis = analysis
        self._problems = analysis.problems
        self._scope = scope
        self._size: int | None = None

    def check(self) -> None:
        region = self._region
        if not region.ranges:
            return
        self._size = self._check_size()
        begin: int | None = 0
        seen: list[tuple[int, int, m.Range]] = []
        for one in region.ranges:
            self._check_body(one)
            start = self._known(one.start) if one.start else begin
            begin = self._end(one, start)
            if start is not None and begin is not None and self._check_place(one, start, begin, seen):
                seen.append((start, begin, one))

    def _check_size(self) -> int | None:
        region = self._region
        if region.size is None:
            message = f"the size of {quote(region.name.text)} isn't said"
            self._problems.report("region-size", message, region.name.span, "write `size: 32`, say")
            return None
        size = self._known(region.size, constant=True)
        if size is None:
            if region.size.tree is not None:
                self._problems.report("region-size", "the size isn't a number", region.size.span)
            return None
        kind = region.synthetic.text if region.synthetic else ""
        least, most = SMALLEST.get(kind, SMALLEST_MEMORY), LARGEST.get(kind, LARGEST_REGION)
        if size & (size - 1) or not size:
            lower, upper = 1 << size.bit_length() - 1 if size else least, 1 << size.bit_length()
            message = f"the size of a BAR is a power of two, and {size:#x} is none"
            hint = f"{lower:#x} and {upper:#x} are the nearest"
            self._problems.report("region-size", message, region.size.span, hint)
        elif not least <= size <= most:
            message = f"a BAR of the kind {quote(kind)} has {least:#x} to {most:#x} bytes"
            self._problems.report("region-size", message, region.size.span)
        return size

    def _known(self, formula: m.Formula | None, constant: bool = False) -> int | None:
        typed = self._analysis.number(formula, self._scope.before_open() if constant else self._scope)
        return literal(typed) if typed is not None else None

    def _end(self, one: m.Range, start: int | None) -> int | None:
        if one.to and one.length:
            message = "a range ends in one place"
            self._problems.report("region-range", message, one.length.span, "take `to` or `length` away")
        if one.to:
            return self._known(one.to)
        if one.length:
            length = self._known(one.length)
            return start + length if start is not None and length is not None else None
        return self._size

    def _check_place(self, one: m.Range, start: int, end: int, seen: list[tuple[int, int, m.Range]]) -> bool:
        """Tell whether a range has a place in the region; report it otherwise."""
        place = one.to or one.length or one.start
        span = place.span if place else one.span
        hiding = next((other for first, last, other in seen if first <= start and end <= last), None)
        cutting = next((other for first, last, other in seen if _cut(start, end, first, last)), None)
        if start >= end:
            self._problems.report("region-range", f"the range from {start:#x} to {end:#x} is empty", span)
        elif self._size is not None and end > self._size:
            message = f"the range ends at {end:#x}, and the region at {self._size:#x}"
            self._problems.report("region-range", message, span)
        elif hiding is not None:
            message = "no access comes to this range: an earlier one takes them all"
            self._problems.report("region-range", message, one.span, related=((hiding.span, "that one"),))
        elif cutting is not None:
            message = "the range lies in part in an earlier one"
            hint = "let it begin or end where that one does"
            related = ((cutting.span, "that one"),)
            self._problems.report("region-range", message, one.span, hint, related=related)
        else:
            return True
        return False

    def _check_body(self, one: m.Range) -> None:
        commands = [formula for formula in (one.read, one.write) if formula]
        if bool(commands) == bool(one.forward):
            message = "a range either has commands, `read` and `write`, or is forwarded"
            self._problems.report("region-range", message, one.span)
        self._check_fields(one)
        scope = self._scope.in_stream("offset", "count", "data")
        for formula in commands:
            self._analysis.action(formula, scope)
        if one.forward:
            self._check_forward(one, one.forward)

    def _check_fields(self, one: m.Range) -> None:
        for before, field in pairwise(one.fields):
            if field.value <= before.value:
                message = f"the field before it ends at {before.value:#x}, after {field.value:#x}"
                self._problems.report("region-range", message, field.span)

    def _check_forward(self, one: m.Range, forward: m.Forward) -> None:
        if one.length is None:
            message = "a range that is forwarded has a `length`, which must be there in the device's BAR"
            self._problems.report("region-range", message, one.span)
        if 8 in one.widths:
            message = "what is forwarded has 1, 2 or 4 bytes at once"
            self._problems.report("region-range", message, one.span)
        bar = self._analysis.number(forward.bar, self._scope)
        known = literal(bar) if isinstance(bar, t.Typed) else None
        if known is not None and (known in self._made_up() or known > LAST_BAR):
            message = f"BAR {known} isn't one of the device's"
            self._problems.report("bar-conflict", message, forward.bar.span)
        self._analysis.number(forward.offset, self._scope)
        self._analysis.number(one.length, self._scope.before_open())

    def _made_up(self) -> set[int]:
        """Return the BARs that are never the device's."""
        made_up = [region for region in self._scope.spec.bars if region.synthetic and region.when is None]
        return {bar for region in made_up for bar in (region.bar, region.bar + region.is_wide)}


def _cut(start: int, end: int, first: int, last: int) -> bool:
    """Tell whether two ranges have a part in common, and neither has the other in it."""
    return first < start < last < end or start < first < end < last
