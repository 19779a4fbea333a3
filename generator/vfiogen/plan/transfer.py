# SPDX-License-Identifier: GPL-2.0-only
"""Functions that fill and use the migration data: of a layout, and of the parent's memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.c.parse import spell
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.bounds import literal
from vfiogen.model.head import head_of
from vfiogen.model.typed import walk
from vfiogen.plan.lower import (
    PRECEDENCE,
    READS,
    TIGHT,
    UNARY,
    WRITES,
    Body,
    Lowering,
    byte_order,
    from_order,
    order_of,
    to_order,
)
from vfiogen.plan.records import plan_file, plan_records, tag_macro
from vfiogen.plan.structures import constant, is_judged, matched, older
from vfiogen.plan.view import AreaView, FileView, Function, HeadView, RecordsView, function
from vfiogen.records import Record, replace

# What stands beside a comparison or `+ migf->pos` without parentheses.
ADDITION = PRECEDENCE["+"]


class Transfer(Record):
    """The functions around the data; see MigrationView for the members that are the same there.

    `filling` are those that fill a structure, in order.
    """

    image: str
    capacity: str
    save: tuple[Function, ...]
    load: tuple[Function, ...]
    on_write: tuple[str, ...] = ()
    begin_save: tuple[str, ...] = ()
    begin_load: tuple[str, ...] = ()
    tell_load: tuple[str, ...] = ()
    end_save: tuple[str, ...] = ()
    area: AreaView | None = None
    records: RecordsView | None = None
    held: FileView | None = None
    read: str | None = None
    write: str | None = None
    filling: tuple[str, ...] = ()


def plan_transfer(lowering: Lowering, migration: m.Migration) -> Transfer:
    """Return how the stream's store is filled and used."""
    word = migration.stream.structure
    layout = lowering.spec.layout(word.text) if word else None
    if layout is not None:
        return _LayoutTransfer(lowering, migration, layout).plan()
    if migration.stream.pass_through is not None:
        return _PassThrough(lowering, migration, migration.stream.pass_through).plan()
    if migration.stream.records:
        return _RecordTransfer(lowering, migration).plan()
    if migration.stream.area is not None:
        return _AreaTransfer(lowering, migration, migration.stream.area).plan()
    return _MemoryTransfer(lowering, migration).plan()


class _Common(ABC):
    """What all stores have."""

    def __init__(self, lowering: Lowering, migration: m.Migration) -> None:
        self.lowering = lowering
        self.migration = migration
        self.stream = migration.stream
        self.names = lowering.names
        self.prefix = lowering.names.prefix

    def plan(self) -> Transfer:
        """Return the functions around the data, with what the device is told on arcs of files."""
        own = self.own()
        told, begin_load = self.on_arc("STOP", "RESUMING", "begin_loading")
        quiet = self.quiet("STOP", "RESUMING")
        told, begin_load = ((), ()) if quiet else (told, begin_load)
        end, end_save = self.on_arc("STOP_COPY", "STOP", "end_saving")
        return replace(
            own,
            save=(*own.save, *end),
            load=(*told, *own.load),
            begin_load=(*own.begin_load, *begin_load),
            tell_load=quiet,
            end_save=end_save,
        )

    @abstractmethod
    def own(self) -> Transfer:
        """Return what a store has of its own."""

    def name(self, suffix: str) -> str:
        return f"{self.prefix}_{suffix}"

    def body(self) -> Body:
        body = Body(self.lowering, self.lowering.scope.in_stream("loaded", "capacity"), self.prefix)
        body.substitutes |= {"loaded": ("migf->length", TIGHT), "capacity": self.capacity()}
        return body

    def capacity(self) -> tuple[str, int]:
        """Return how much data a file can hold, and how tightly the expression binds."""
        return "sizeof(migf->state)", TIGHT

    def file_body(self) -> Body:
        """Return a body for a function that gets a file and needs its device."""
        body = self.body()
        body.local(f"{self.names.device} *", self.prefix, f"migf->{self.prefix}")
        return body

    def save_function(self, name: str, body: Body) -> Function:
        parameters = [self.names.device_parameter, f"{self.names.file} *migf"]
        return function("int", f"{self.prefix}_{name}", parameters, body.lines)

    def file_function(self, name: str, body: Body) -> Function:
        return function("int", f"{self.prefix}_{name}", [f"{self.names.file} *migf"], body.lines)

    def check_function(self, name: str, body: Body, comment: str | None = None) -> Function:
        """Return a function that judges what a write makes of the data, before its length counts."""
        parameters = [f"{self.names.file} *migf", "size_t loaded"]
        return function("int", f"{self.prefix}_{name}", parameters, body.lines, comment)

    def load_body(self) -> Body:
        """Return a body for the function that loads what has arrived, if the file still counts."""
        body = self.file_body()
        body.attempt(f"{self.prefix}_file_error(migf)")
        return body

    def on_arc(self, source: str, target: str, name: str) -> tuple[tuple[Function, ...], tuple[str, ...]]:
        """Return the call that tells the device of an arc, if it must be told, and the function for it.

        A single command that can be called as it is needs none.
        """
        steps = self.lowering.spec.arc(source, target)
        if not steps:
            return (), ()
        body = self.body()
        _steps(body, steps)
        if not body.declarations and len(body.statements) == 1 and isinstance(body.statements[0], c.Return):
            return (), (str(body.statements[0].value),)
        made = function("int", self.name(name), [self.names.device_parameter], body.lines)
        return (made,), (f"{made.name}({self.prefix})",)

    def quiet(self, source: str, target: str) -> tuple[str, ...]:
        """Return the call that tells the device of an arc, if that is all and can't fail."""
        body = self.body()
        for step in self.lowering.spec.arc(source, target):
            body.step(step)
        if body.declarations or len(body.statements) != 1 or not isinstance(body.statements[0], c.Expr):
            return ()
        return (body.statements[0].text,)

    def begin_save(self, body: Body) -> None:
        """Append what the device is told before it is saved."""
        for step in self.lowering.spec.arc("STOP", "STOP_COPY"):
            body.step(step)

    def end_load(self) -> tuple[m.Step, ...]:
        """Return what is done with all data there."""
        return (*self.stream.end, *self.lowering.spec.arc("RESUMING", "STOP"))

    def bound(self, body: Body, formula: m.Formula) -> str:
        """Print a length that a stream may have."""
        typed = self.lowering.analysis.value(formula, body.scope)
        return body.value(typed, ADDITION) if typed else "0"

    def refuse(self, body: Body, incomplete: str) -> None:
        body.add(c.Comment("A stream that ends early is refused."))
        body.add(c.If(incomplete, body.leave("-EINVAL")), c.Blank())


class _MemoryTransfer(_Common):
    """Data in memory of the parent."""

    def own(self) -> Transfer:
        stream = self.stream
        save = [self._save("save_stop_copy", stream.stop_copy, False)]
        if self.migration.has("pre-copy"):
            save.insert(0, self._save("save_pre_copy", stream.pre_copy, True))
        checks = (self._check_write(),) if stream.each_write else ()
        return Transfer(
            image=self._in_file(stream.memory),
            capacity=self._in_file(stream.capacity),
            save=tuple(save),
            load=(*checks, self._load()),
            on_write=tuple(check.name for check in checks),
        )

    def _in_file(self, formula: m.Formula | None) -> str:
        typed = self.lowering.analysis.value(formula, self.lowering.scope)
        return self._plain_body(f"migf->{self.prefix}").value(typed, ADDITION) if typed else ""

    def _plain_body(self, device: str) -> Body:
        return Body(self.lowering, self.lowering.scope, device, core=f"{device}->core_device.pdev")

    def capacity(self) -> tuple[str, int]:
        typed = self.lowering.analysis.value(self.stream.capacity, self.lowering.scope)
        return (self._plain_body(self.prefix).value(typed, ADDITION) if typed else ""), ADDITION

    def _save(self, name: str, produce: m.Produce | None, pre_copy: bool) -> Function:
        body = self.body()
        if not pre_copy:
            self.begin_save(body)
        if produce is not None:
            _run(body, produce.do)
            self._set_length(body, produce.length)
        if self.migration.has("pre-copy"):
            body.add(c.Expr(f"migf->pre_copy = {str(pre_copy).lower()}"))
        body.finish()
        return self.save_function(name, body)

    def _set_length(self, body: Body, length: m.Formula) -> None:
        """The parent names both sizes, but a length beyond the memory would leak what lies behind it."""
        typed = self.lowering.analysis.value(length, self.lowering.scope.in_stream("loaded", "capacity"))
        if typed is None:
            return
        text = body.value(typed, ADDITION)
        if any(isinstance(part, t.Read | t.Run) for part in walk(typed)):
            name = body.fresh("u64", "produced")
            body.add(c.Expr(f"{name} = {text}"))
            text = name
        if not _same(length, self.stream.capacity) and text != self.capacity()[0]:
            body.add(c.If(f"{text} > {self.capacity()[0]}", body.leave("-EIO")), c.Blank())
        body.add(c.Expr(f"migf->length = {text}"))

    def _check_write(self) -> Function:
        body = self.file_body()
        body.substitutes["loaded"] = ("loaded", TIGHT)
        run = self.lowering.analysis.action(self.stream.each_write, body.scope)
        call = body.invocation(run) if run else "0"
        if not is_judged(self.lowering, self.stream):
            body.add(c.Expr(call))
            body.finish()
            return self.check_function("check_write", body)
        body.add(c.Comment("What is refused once is refused for good."))
        body.add(c.If("migf->error", (c.Return("migf->error"),)), c.Blank())
        if self.stream.more is None:
            body.add(c.Expr(f"migf->error = {call}"))
        else:
            ret = body.ret()
            body.add(
                c.Expr(f"{ret} = {call}"),
                c.Comment(f"-{self.stream.more} asks for more than has arrived so far."),
                c.Expr(f"migf->error = {ret} == -{self.stream.more} ? 0 : {ret}"),
            )
        body.finish(c.Return("migf->error"))
        return self.check_function("check_write", body)

    def _load(self) -> Function:
        body = self.load_body()
        lengths = self.stream.lengths or ((self.stream.capacity,) if self.stream.capacity else ())
        texts = [self.bound(body, formula) for formula in lengths]
        if is_judged(self.lowering, self.stream):
            body.add(c.If("migf->error", body.leave("migf->error")), c.Blank())
        self.refuse(body, " && ".join(f"migf->length != {text}" for text in texts))
        _steps(body, (*self.stream.begin, *self.end_load()))
        return self.file_function("load", body)


class _LayoutTransfer(_Common):
    """Data in a structure of the migration file."""

    def __init__(self, lowering: Lowering, migration: m.Migration, layout: m.Layout) -> None:
        super().__init__(lowering, migration)
        self.layout = layout
        self.matched = matched(layout)
        self.structure = lowering.names.structure(layout.name.text)
        self.head = head_of(lowering.analysis, migration, layout)

    def own(self) -> Transfer:
        identify = (self._fill("identify", self.matched, ""),) if self.matched else ()
        expect = (f"{self.name('identify')}({self.prefix}, &migf->expected)",) if self.matched else ()
        return Transfer(
            image="(u8 *)&migf->state",
            capacity="sizeof(migf->state)",
            save=(*identify, *self._save()),
            load=(*((self._check_match(),) if self.matched else ()), self._load_state(), self._load()),
            on_write=(self.name("check_match"),) if self.matched else (),
            begin_load=expect,
            filling=tuple(map(self.name, ("save_head", "save_state") if self.head else ("save_state",))),
        )

    def _save(self) -> tuple[Function, ...]:
        """Return the functions that save: with a head, which is sent first or alone, one more for that."""
        rest = [f for f in self.layout.fields if f not in self.matched]
        if self.head is None:
            return (self._fill("save_state", rest, "identify" if self.matched else ""), self._save_whole())
        end = self.layout.end(self.head)
        first = [f for f in rest if self.layout.end(f.name.text) <= end]
        functions = [
            self._fill("save_head", first, "identify" if self.matched else ""),
            self._fill("save_state", [f for f in rest if f not in first], ""),
        ]
        if self.migration.has("pre-copy"):
            functions.append(self._save_pre_copy())
        return (*functions, self._save_after_head())

    def _save_pre_copy(self) -> Function:
        body = self.body()
        _run(body, self.stream.pre_copy.do if self.stream.pre_copy else None)
        body.attempt(f"{self.name('save_head')}({self.prefix}, &migf->state)")
        body.add(c.Expr(f"migf->length = {self._head_end()}"), c.Expr("migf->pre_copy = true"))
        body.finish()
        return self.save_function("save_pre_copy", body)

    def _head_end(self) -> str:
        return f"offsetofend({self.structure}, {c_name(self.head or '')})"

    def _save_after_head(self) -> Function:
        """What has been sent already isn't saved again, and the rest only if the state is sent as a whole."""
        body, produce, pre_copy = self.image_body(), self.stream.stop_copy, self.migration.has("pre-copy")
        self.begin_save(body)
        _run(body, produce.do if produce else None)
        head = f"{self.name('save_head')}({self.prefix}, &migf->state)"
        first = body.apart(lambda: body.attempt(head))
        body.add(*((c.If("!migf->pre_copy", first), c.Blank()) if pre_copy else (*first, c.Blank())))
        typed = self.lowering.analysis.value(produce.length, body.scope) if produce else None
        length = body.value(typed) if typed else "sizeof(migf->state)"
        whole = body.apart(lambda: self._save_rest(body))
        if isinstance(typed, t.Choice):
            name = body.fresh("size_t", "produced")
            body.add(c.Expr(f"{name} = {length}"), c.If(f"{name} == sizeof(migf->state)", whole), c.Blank())
            length = name
        else:
            body.add(*whole, c.Blank())
        body.add(c.Expr(f"migf->length = {length}"))
        if pre_copy:
            body.add(c.Expr("migf->pre_copy = false"))
        body.finish()
        return self.save_function("save_stop_copy", body)

    def _save_rest(self, body: Body) -> None:
        body.attempt(f"{self.name('save_state')}({self.prefix}, &migf->state)")
        for step in self.stream.saved:
            body.step(step)

    def image_body(self) -> Body:
        """Return a body for a function that can read the data of a file."""
        return self._of_image(self.body(), "migf->state.")

    def _of_image(self, body: Body, place: str) -> Body:
        body.scope = body.scope.of_image(self.layout)
        body.substitutes["image"] = (place, TIGHT)
        return body

    def _fill(self, name: str, fields: list[m.LayoutField], before: str) -> Function:
        body = self._of_image(self.body(), "state->")
        if before:
            body.attempt(f"{self.name(before)}({self.prefix}, state)")
        values = [(field, self._value(field)) for field in fields if not field.derive]
        for field, typed in values:
            if not _reads(typed):
                self._store(body, field, typed)
        reading = [(field, typed) for field, typed in values if _reads(typed)]
        if reading:
            self._begin(body)
            body.read = _plain_read
            for field, typed in reading:
                self._store(body, field, typed)
        derived = body.apart(lambda: self._derive(body, fields))
        body.finish(*((*self._end(), *derived, c.Return("0")) if reading else (*derived, c.Return("0"))))
        comment = (
            "Fills the fields that are compared before a state is loaded." if name == "identify" else None
        )
        parameters = [self.names.device_parameter, f"{self.structure} *state"]
        return function("int", self.name(name), parameters, body.lines, comment, self.layout.name.span)

    def _derive(self, body: Body, fields: list[m.LayoutField]) -> None:
        for field in fields:
            if field.derive:
                self._store(body, field, self.lowering.analysis.value(field.derive, body.scope))

    def _value(self, field: m.LayoutField) -> t.Typed | None:
        if field.const:
            return None
        source = field.match or field.save or field.register
        return self.lowering.analysis.value(source, self.lowering.scope.of_field(field))

    def _store(self, body: Body, field: m.LayoutField, typed: t.Typed | None) -> None:
        place = f"state->{c_name(field.name.text)}"
        if field.count:
            self._store_array(body, field, typed, place)
            return
        value = constant(self.lowering, self.layout, field) if typed is None else _number(body, typed)
        body.add(c.Expr(f"{place} = {to_order(byte_order(self.layout, field), value)}"))

    def _store_array(self, body: Body, field: m.LayoutField, typed: t.Typed | None, place: str) -> None:
        assert field.count is not None
        index = body.local("int", "i")
        value = _indexed(body, typed, index) if isinstance(typed, t.Read) else "0"
        text = to_order(byte_order(self.layout, field), value)
        head = f"for ({index} = 0; {index} < {field.count.value}; {index}++)"
        body.add(c.For(head, (c.Expr(f"{place}[{index}] = {text}"),)))

    def _begin(self, body: Body) -> None:
        body.local("u16", "cmd")
        body.add(c.Blank())
        body.attempt(f"{self.prefix}_begin_access({self.prefix}, &cmd)")
        body.unwinding.append(("err_end", self._end()))

    def _end(self) -> tuple[c.Stmt, ...]:
        return (c.Expr(f"{self.prefix}_end_access({self.prefix}, cmd)"),)

    def _save_whole(self) -> Function:
        body = self.image_body()
        self.begin_save(body)
        _run(body, self.stream.stop_copy.do if self.stream.stop_copy else None)
        self._save_rest(body)
        body.add(c.Expr("migf->length = sizeof(migf->state)"))
        body.finish()
        return self.save_function("save_stop_copy", body)

    def _check_match(self) -> Function:
        body = self.body()
        for name in ("expected", "state"):
            body.local(f"const {self.structure} *", name, f"&migf->{name}")
        for fields in self.layout.compared:
            last = c_name(fields[-1].name.text)
            body.add(
                c.If(f"loaded < offsetofend({self.structure}, {last})", (c.Return("0"),)),
                c.Blank(),
                c.If(self._differ(fields), (c.Return("-EINVAL"),)),
                c.Blank(),
            )
        body.statements.pop()
        body.finish()
        return self.check_function("check_match", body)

    def _differ(self, fields: list[m.LayoutField]) -> str:
        """Return the test whether any field isn't what this device expects, or once was."""
        tests = [self._differs(field, len(fields) > 1) for field in fields]
        return " || ".join(tests)

    def _differs(self, field: m.LayoutField, beside: bool) -> str:
        name = c_name(field.name.text)
        tests = [f"state->{name} != expected->{name}"]
        tests += [f"state->{name} != {self._older(field, one)}" for one, _ in self._olders(field)]
        for other in self.layout.fields:
            for macro, old in self._olders(other):
                if any(word.text == field.name.text for word in old.lacks):
                    tests.append(f"state->{c_name(other.name.text)} != {self._older(other, macro)}")
        text = " && ".join(tests)
        return f"({text})" if beside and len(tests) > 1 else text

    def _olders(self, field: m.LayoutField) -> list[tuple[str, m.Older]]:
        return older(self.lowering, self.layout, field)

    def _older(self, field: m.LayoutField, macro: str) -> str:
        return to_order(byte_order(self.layout, field), macro)

    def _load_state(self) -> Function:
        body = self.body()
        loaded = [(f, self._destination(f)) for f in self.layout.fields]
        for field, place in loaded:
            if isinstance(place, t.Kept):
                body.add(c.Expr(f"{body.value(place)} = {self._loaded(field)}"))
        registers = [(f, p) for f, p in loaded if isinstance(p, t.Read)]
        own = any(not place.block.is_plain for _, place in registers)
        if own:
            self._begin(body)
        for field, place in registers:
            self._load_register(body, field, place)
        body.finish(*((*self._end(), c.Return("0")) if own else ()))
        parameters = [self.names.device_parameter, f"const {self.structure} *state"]
        return function("int", self.name("load_state"), parameters, body.lines)

    def _destination(self, field: m.LayoutField) -> t.Typed | None:
        return self.lowering.analysis.place(field.load or field.register, self.lowering.scope.of_field(field))

    def _loaded(self, field: m.LayoutField, index: str = "") -> str:
        order = byte_order(self.layout, field)
        value = f"state->{c_name(field.name.text)}{index}"
        return from_order(order, value)

    def _load_register(self, body: Body, field: m.LayoutField, place: t.Read) -> None:
        write = WRITES[place.register.width]
        if not field.count:
            body.add(c.Expr(f"{write}({self._loaded(field)}, {body.address(place)})"))
            return
        index = body.local("int", "i")
        address = f"{body.address(place)} + {index} * {place.register.width // 8}"
        statement = c.Expr(f"{write}({self._loaded(field, f'[{index}]')}, {address})")
        body.add(c.For(f"for ({index} = 0; {index} < {field.count.value}; {index}++)", (statement,)))

    def _load(self) -> Function:
        body = self._of_image(self.load_body(), "migf->state.")
        whole = "migf->length != sizeof(migf->state)"
        alone = self.stream.lengths and self.head is not None
        self.refuse(body, f"{whole} && migf->length != {self._head_end()}" if alone else whole)
        if alone:
            body.add(c.Comment("The head alone was compared, and nothing is loaded from it."))
            body.add(c.If(whole, (c.Return("0"),)), c.Blank())
        for step in self.stream.begin:
            body.step(step)
        if not self.end_load():
            body.finish(c.Return(f"{self.name('load_state')}({self.prefix}, &migf->state)"))
            return self.file_function("load", body)
        body.attempt(f"{self.name('load_state')}({self.prefix}, &migf->state)")
        _steps(body, self.end_load())
        return self.file_function("load", body)


class _OnArea(_Common):
    """What a stream has of an area, if it has one."""

    def view(self, area: m.Area) -> AreaView:
        """Return how the device finds the memory."""
        device, entries = self.plain(area.dma), area.list
        if entries is None:
            return AreaView(device, attach=(self._attach(area), self._detach(area)))
        return AreaView(
            device,
            address=self._entry(entries, entries.address, "sg_dma_address(sg)"),
            length=self._entry(entries, entries.length, "sg_dma_len(sg)"),
        )

    def _attach(self, area: m.Area) -> Function:
        body = Body(self.lowering, self.lowering.scope.in_attach(), self.prefix)
        _steps(body, area.attach)
        return self._of_area("int", "attach_area", body)

    def _detach(self, area: m.Area) -> Function:
        body = Body(self.lowering, self.lowering.scope.in_attach(), self.prefix)
        for step in reversed(area.attach):
            body.undo(step.undo)
        return self._of_area("void", "detach_area", body)

    def _of_area(self, kind: str, name: str, body: Body) -> Function:
        area = f"struct {self.names.own('area')} *area"
        return function(kind, self.name(name), [self.names.device_parameter, area], body.lines)

    def _entry(self, entries: m.AreaList, name: m.Word, text: str) -> str:
        field = self.lowering.analysis.field(entries.structure.text, name.text)
        return f"{name} = {to_order(order_of(field), text)}"

    def plain(self, formula: m.Formula | None) -> str:
        """Print what needs no variable."""
        typed = self.lowering.analysis.value(formula, self.lowering.scope)
        pdev = f"{self.prefix}->core_device.pdev"
        return Body(self.lowering, self.lowering.scope, self.prefix, core=pdev).value(typed) if typed else "0"


class _AreaTransfer(_OnArea):
    """Data in memory that the device reads and writes by itself."""

    def __init__(self, lowering: Lowering, migration: m.Migration, area: m.Area) -> None:
        super().__init__(lowering, migration)
        self.area = area

    def body(self) -> Body:
        body = super().body()
        body.scope = body.scope.with_area()
        return body

    def own(self) -> Transfer:
        return Transfer(
            image="migf->data",
            capacity="migf->capacity",
            save=(self._save(),),
            load=(self._load(),),
            begin_load=(f"{self.name('alloc_data')}(migf, {self._capacity()})",),
            area=self.view(self.area),
        )

    def capacity(self) -> tuple[str, int]:
        return "migf->capacity", TIGHT

    def _capacity(self) -> str:
        return self.plain(self.stream.capacity)

    def _save(self) -> Function:
        body = self.body()
        self.begin_save(body)
        produce = self.stream.stop_copy
        length = self._length(body, produce.length) if produce else "0"
        body.attempt(f"{self.name('alloc_data')}(migf, {length})")
        unmap = self._map(body, "DMA_FROM_DEVICE")
        _run(body, produce.do if produce else None)
        body.finish(*unmap, c.Expr(f"migf->length = {length}"), c.Return("0"))
        return self.save_function("save_stop_copy", body)

    def _length(self, body: Body, formula: m.Formula) -> str:
        """Ask once how much there will be: the memory is there before the data."""
        typed = self.lowering.analysis.number(formula, body.scope)
        if typed is None:
            return "0"
        text = body.value(typed, ADDITION)
        if any(isinstance(part, t.Read | t.Operation) for part in walk(typed)) and literal(typed) is None:
            name = body.fresh("u64", "produced")
            body.add(c.Expr(f"{name} = {text}"))
            text = name
        if literal(typed) is None:
            body.add(c.If(f"!{text} || {text} > {self._capacity()}", body.leave("-EIO")), c.Blank())
        return text

    def _map(self, body: Body, direction: str) -> tuple[c.Stmt, ...]:
        """Map the area for what follows; return what unmaps it."""
        body.local(f"struct {self.names.own('area')}", "area")
        body.substitutes["area"] = ("&area", UNARY)
        arguments = f"({self.prefix}, migf->data, migf->capacity, {direction}, &area)"
        body.attempt(f"{self.name('map_area')}{arguments}")
        unmap = (c.Expr(f"{self.name('unmap_area')}{arguments}"),)
        body.unwinding.append(("err_unmap", unmap))
        return unmap

    def _load(self) -> Function:
        body = self.load_body()
        lengths = [self.bound(body, formula) for formula in self.stream.lengths] or ["migf->capacity"]
        if self.stream.any_length:
            body.add(c.Comment(f"A stream may end anywhere: {self.stream.any_length.text}"))
            body.add(c.If("!migf->length", body.leave("-EINVAL")), c.Blank())
        else:
            self.refuse(body, " && ".join(f"migf->length != {text}" for text in lengths))
        unmap = self._map(body, "DMA_TO_DEVICE")
        for step in (*self.stream.begin, *self.end_load()):
            body.step(step)
        body.finish(*unmap, c.Return("0"))
        return self.file_function("load", body)


class _HeadTransfer(_LayoutTransfer):
    """The fields of a record that goes ahead of the state."""

    def view(self, head: m.HeadRecord) -> HeadView:
        name, place = c_name(head.name.text), f"migf->heads.{c_name(head.name.text)}."
        constants = [field for field in self.layout.fields if field.const]
        tests = [f"{place}{c_name(field.name.text)} != {self._constant(field)}" for field in constants]
        return HeadView(
            tag=tag_macro(self.lowering, head),
            flags=self.lowering.names.macro("record", "optional") if head.optional else "0",
            member=name,
            structure=self.structure,
            fill=self._fill(f"fill_{name}", list(self.layout.fields), ""),
            differs=" || ".join(tests) or None,
            reserve=self._reserve(head, place),
        )

    def _constant(self, field: m.LayoutField) -> str:
        return to_order(byte_order(self.layout, field), constant(self.lowering, self.layout, field))

    def _reserve(self, head: m.HeadRecord, place: str) -> str | None:
        body = self._of_image(self.file_body(), place)
        typed = self.lowering.analysis.number(head.reserve, body.scope)
        return body.value(typed) if typed else None


class _RecordTransfer(_OnArea):
    """Data in records, each in memory of its own."""

    def own(self) -> Transfer:
        stages = (("save_pre_copy", True),) if self.migration.has("pre-copy") else ()
        return Transfer(
            image="migf->data",
            capacity="",
            save=tuple(self._save(*stage) for stage in (*stages, ("save_stop_copy", False))),
            load=(self._load(),),
            area=self.view(self.stream.area) if self.stream.area else None,
            records=replace(plan_records(self.lowering, self.migration), heads=tuple(self._heads())),
            held=plan_file(self.lowering, self.stream),
            write=f"{self.name('write_records')}(migf, buf, count)",
        )

    def _heads(self) -> Iterator[HeadView]:
        for head in self.stream.heads:
            layout = self.lowering.spec.layout(head.structure.text)
            if layout is not None:
                yield _HeadTransfer(self.lowering, self.migration, layout).view(head)

    def _save(self, name: str, pre_copy: bool) -> Function:
        body = self.body()
        if not pre_copy:
            self.begin_save(body)
        stage = f", {str(pre_copy).lower()}" if self.migration.has("pre-copy") else ""
        body.finish(c.Return(f"{self.name('add_record')}({self.prefix}, migf{stage})"))
        return self.save_function(name, body)

    def _load(self) -> Function:
        """What is loaded has been as it arrived: only the end is left to look at."""
        body = self.load_body()
        body.add(c.If("migf->error", body.leave("migf->error")), c.Blank())
        self.refuse(body, "!migf->loaded || migf->pos")
        _steps(body, (*self.stream.begin, *self.end_load()))
        return self.file_function("load", body)


class _PassThrough(_Common):
    """Data that the parent moves to and from the user by itself."""

    def __init__(self, lowering: Lowering, migration: m.Migration, passing: m.PassThrough) -> None:
        super().__init__(lowering, migration)
        self.passing = passing

    def own(self) -> Transfer:
        saved, begin_save = self.on_arc("STOP", "STOP_COPY", "begin_saving")
        return Transfer(
            image="",
            capacity="",
            save=saved,
            load=(self._load(),),
            begin_save=begin_save,
            read=self._call(self.passing.read),
            write=self._call(self.passing.write),
        )

    def _call(self, formula: m.Formula) -> str:
        """Return the call that moves data; it runs with the file's lock held."""
        device = f"migf->{self.prefix}"
        scope = self.lowering.scope.in_stream("data", "count")
        body = Body(self.lowering, scope, device, core=f"{device}->core_device.pdev")
        body.substitutes |= {"data": ("buf", TIGHT), "count": ("count", TIGHT)}
        run = self.lowering.analysis.transfer(formula, scope)
        return body.invocation(run) if run else "0"

    def _load(self) -> Function:
        body = self.load_body()
        _steps(body, (*self.stream.begin, *self.end_load()))
        return self.file_function("load", body)


def _run(body: Body, formula: m.Formula | None) -> None:
    if formula is not None:
        body.step(m.Step("do", formula, formula.span))


def _steps(body: Body, steps: tuple[m.Step, ...]) -> None:
    for step in steps:
        body.step(step)
    body.finish()


def _same(one: m.Formula, other: m.Formula | None) -> bool:
    if one.tree is None or other is None or other.tree is None:
        return False
    return spell(one.tree) == spell(other.tree)


def _number(body: Body, typed: t.Typed) -> str:
    return body.truth(typed) if typed.type.kind == "bool" else body.value(typed)


def _reads(typed: t.Typed | None) -> bool:
    """Tell whether a value needs the device's registers and no command, which may take the same lock."""
    parts = list(walk(typed)) if typed is not None else []
    return any(isinstance(p, t.Read) and not p.block.is_plain for p in parts) and not any(
        isinstance(p, t.Run) for p in parts
    )


def _plain_read(body: Body, read: t.Read) -> str:
    return f"{READS[read.register.width]}({body.address(read)})"


def _indexed(body: Body, read: t.Read, index: str) -> str:
    return f"{READS[read.register.width]}({body.address(read)} + {index} * {read.register.width // 8})"
