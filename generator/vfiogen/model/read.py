# SPDX-License-Identifier: GPL-2.0-only
"""Nodes to the model.

The schema has reported what is structurally wrong; what is missing or of the wrong kind is read here as
empty, so that one slip doesn't hide the rest of a spec.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from vfiogen.c import parse
from vfiogen.c.syntax import Expression, SyntaxProblem
from vfiogen.diagnostics import Problems, Source, Span, listing, quote
from vfiogen.load import Mapping, Node, Scalar, Sequence
from vfiogen.model import spec as m
from vfiogen.model.header import STANDARD_HEADER
from vfiogen.records import Value, replace

T = TypeVar("T")
LARGEST_FIELD, LARGEST_ARRAY = 65536, 4096
# VFIO_PCI_OFFSET_SHIFT.
CORE_SHIFT = 40
BODIES = ("call", "post", "steps", "hook")
Parse = Callable[[str], Expression]
UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000}
VERBS: dict[str, Parse] = {
    "do": parse.parse_expression,
    "set": parse.parse_assignment,
    "write": parse.parse_assignment,
    "poll": parse.parse_expression,
    "check": parse.parse_expression,
    "finish": parse.parse_expression,
}
# A step that is written as a text, although it has a verb.
ALL_VERBS = (*VERBS, "wait", "repeat")
_VERB = re.compile(rf"({'|'.join(ALL_VERBS)}) +([a-z0-9].*)")
_MODIFIERS = "every for by error retry ignore-error into undo below steps when needs config note"
STEP_KEYS = frozenset([*ALL_VERBS, *_MODIFIERS.split()])


def read_spec(root: Node, source: Source, problems: Problems) -> m.Spec:
    """Return the model of a spec's nodes; report expressions that don't parse."""
    return _Reader(problems).spec(_View(root), source)


class _View(Value):
    """A node that may be missing, read by what is expected of it."""

    node: Node | None
    outer: Span | None = None
    key: Span | None = None

    @property
    def span(self) -> Span:
        span = self.node.span if self.node is not None else self.outer
        return span if span is not None else Span(Source(""), 1, 1, 1, 1)

    @property
    def key_span(self) -> Span:
        """The key that it is the value of, or the nearest thing to it."""
        return self.key or self.span

    def __getitem__(self, key: str) -> _View:
        entry = self.node.entry(key) if isinstance(self.node, Mapping) else None
        return _View(entry.value, self.key_span, entry.key.span) if entry else _View(None, self.key_span)

    def __bool__(self) -> bool:
        return self.node is not None

    @property
    def scalar(self) -> Scalar | None:
        return self.node if isinstance(self.node, Scalar) else None

    def word(self) -> m.Word:
        return m.Word(self.scalar.text if self.scalar else "", self.span)

    def optional(self) -> m.Word | None:
        return self.word() if self.scalar else None

    def text(self, default: str = "") -> str:
        return self.scalar.text if self.scalar else default

    def integer(self) -> m.Integer:
        return self.optional_integer() or m.Integer(0, False, self.span)

    def count(self, most: int) -> m.Integer | None:
        """Return a count that is in its range; the schema reports others."""
        found = self.optional_integer()
        return found if found and 0 < found.value <= most else None

    def optional_integer(self) -> m.Integer | None:
        value = self.scalar.value if self.scalar else None
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return m.Integer(value, self.text().lower().startswith("0x"), self.span)

    def flag(self) -> bool:
        """Tell whether it is there and true."""
        return self.scalar is not None and self.scalar.value is True

    def words(self) -> tuple[m.Word, ...]:
        return tuple(item.word() for item in self.items() if item.scalar)

    def items(self) -> Iterator[_View]:
        if isinstance(self.node, Sequence):
            return (_View(item, self.key_span) for item in self.node.items)
        return iter(())

    def entries(self) -> Iterator[tuple[m.Word, _View]]:
        if isinstance(self.node, Mapping):
            return ((m.Word(k.text, k.span), _View(v, k.span, k.span)) for k, v in self.node)
        return iter(())

    def names(self) -> list[str]:
        return [entry.key.text for entry in self.node.entries] if isinstance(self.node, Mapping) else []


class _Reader:
    """Reads the sections; each method returns the class of the model that it is named after."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def spec(self, root: _View, source: Source) -> m.Spec:
        structures = tuple(root["structures"].entries())
        return m.Spec(
            source=source,
            span=root.span,
            driver=self._driver(root["driver"]),
            devices=tuple(self._devices(item) for item in root["devices"].items()),
            features=_each(root["kernel"]["features"], _feature),
            headers=root["kernel"]["headers"].words(),
            needs=root["kernel"]["needs"].words(),
            provider=self._provider(root["provider"], root["driver"]) if root["provider"] else None,
            kernel_structures=tuple(self._kernel_structure(k, v) for k, v in structures if " " in k.text),
            layouts=tuple(self._layout(k, v) for k, v in structures if " " not in k.text),
            context=_each(root["context"], self._context),
            registers=_located(_each(root["registers"], self._block)),
            channels=_each(root["channels"], self._channel),
            commands=_each(root["commands"], self._command),
            events=_each(root["events"], self._notifier),
            variants=tuple(self._variant(item) for item in root["variants"].items()),
            init=self._steps(root["lifecycle"]["init"]),
            open=self._steps(root["lifecycle"]["open"]),
            reset_prepare=self._steps(root["lifecycle"]["reset-prepare"]),
            reset_done=self._steps(root["lifecycle"]["reset-done"]),
            migration=self._migration(root["migration"]) if root["migration"] else None,
            probe=self._steps(root["lifecycle"]["probe"]),
            config_space=_each(root["config-space"], self._config_field),
            regions=_each(root["regions"], self._region),
            capabilities=tuple(self._capability(item) for item in root["capabilities"].items()),
            device_features=_each(root["device-features"], self._device_feature),
            bar_access=self._bar_access(root["bar-access"]),
            denylist=self._denylist(root["denylist"]) if root["denylist"] else None,
            parameters=_each(root["module-parameters"], _module_parameter),
            core=self._core(root["core"]) if root["core"] else None,
        )

    def _driver(self, view: _View) -> m.Driver:
        return m.Driver(
            name=view["name"].word(),
            directory=view["directory"].word(),
            prefix=view["prefix"].word(),
            license=view["license"].word(),
            description=view["description"].word(),
            authors=view["authors"].words(),
            copyright=view["copyright"].optional(),
            name_is_abi=view["name-is-abi"].optional(),
            kconfig=self._kconfig(view["kconfig"]),
            core_object=_core_object(view["core-object"]),
        )

    def _kconfig(self, view: _View) -> m.Kconfig:
        depends = (self._formula(item, _parse_symbols) for item in view["depends"].items())
        return m.Kconfig(
            view["symbol"].word(),
            view["prompt"].word(),
            view["help"].word(),
            tuple(formula for formula in depends if formula),
            _each(view["options"], self._option),
        )

    def _option(self, symbol: m.Word, view: _View) -> m.Option:
        depends = (self._formula(item, _parse_symbols) for item in view["depends"].items())
        return m.Option(
            symbol,
            view["prompt"].word(),
            view["help"].word(),
            tuple(formula for formula in depends if formula),
            view["default"].flag(),
        )

    def _devices(self, view: _View) -> m.Devices:
        return m.Devices(
            vendor=view["vendor"].word(),
            vendor_name=view["vendor-name"].optional(),
            function=_function(view["function"].text("any")),
            ids=_each(view["ids"], self._device_id),
            header=view["header"].optional(),
            lists=_each(view["lists"], self._device_id),
            kind=view["class"].optional(),
        )

    def _denylist(self, view: _View) -> m.Denylist:
        devices = tuple(self._devices(item) for item in view["devices"].items())
        return m.Denylist(self._expression(view["unless"]), devices)

    def _core(self, view: _View) -> m.Core:
        keys = ("nointxmask", "disable-vga", "disable-idle-d3")
        found = ((m.Word(key, view[key].span), self._expression(view[key])) for key in keys)
        return m.Core(
            latched=tuple((key, formula) for key, formula in found if formula),
            params=(),
            sriov=self._expression(view["sriov"]),
            pasid=view["pasid"].flag(),
            dma_buf=view["dma-buf"].flag(),
        )

    def _device_id(self, key: m.Word, view: _View) -> m.DeviceId:
        if view.scalar:
            return m.DeviceId(key, view.word())
        columns = tuple(self._column(k, v) for k, v in view.entries() if k.text != "title")
        return m.DeviceId(key, view["title"].word(), columns)

    def _column(self, name: m.Word, view: _View) -> m.Column:
        number = view.optional_integer()
        return m.Column(name, number, None if number else self._formula(view, parse.parse_kernel_call))

    def _provider(self, view: _View, driver: _View) -> m.Provider:
        usual = "entry" if driver["core-object"] else "device"
        return m.Provider(
            handle=view["handle"].word(),
            type=view["type"].word(),
            headers=view["headers"].words(),
            namespace=view["namespace"].optional(),
            get=self._required(view["get"], parse.parse_kernel_call),
            put=self._formula(view["put"], parse.parse_kernel_call),
            hold=view["hold"].text(usual),
            usable=self._expression(view["usable"]),
            error=view["error"].optional(),
        )

    def _kernel_structure(self, name: m.Word, view: _View) -> m.KernelStructure:
        for key, value in view["fields"].entries():
            if set(value.names()) - {"type", "changes"}:
                message = f"{quote(name.text)} is the kernel's, and only the type of a field is said"
                hint = f"write `{key}: u32`, say; a layout of your own has a name such as device-state"
                self._problems.report("structure-kind", message, key.span, hint)
        if view["endian"]:
            message = f"{quote(name.text)} is the kernel's, and only a layout says its byte order"
            self._problems.report("structure-kind", message, view["endian"].key_span)
        fields = (_kernel_field(key, value) for key, value in view["fields"].entries())
        return m.KernelStructure(name, tuple(fields))

    def _layout(self, name: m.Word, view: _View) -> m.Layout:
        for key, value in view["fields"].entries():
            if value.scalar:
                message = f"{quote(name.text)} is a layout, and its fields are maps"
                hint = f"write `{key}: {{ type: u32, save: ... }}`; a structure of the kernel is `struct x`"
                self._problems.report("structure-kind", message, key.span, hint)
            elif value["changes"]:
                message = f"nobody but the driver changes {quote(key.text)}, which is a field of a layout"
                self._problems.report("structure-kind", message, value["changes"].key_span)
        fields = tuple(self._field(key, value) for key, value in view["fields"].entries())
        return m.Layout(name, view["endian"].text("little"), fields, view["note"].optional())

    def _field(self, name: m.Word, view: _View) -> m.LayoutField:
        return m.LayoutField(
            name=name,
            type=_layout_type(view["type"]),
            count=view["count"].count(LARGEST_FIELD),
            const=view["const"].integer() if view["const"] else None,
            match=self._expression(view["match"]),
            save=self._expression(view["save"]),
            load=self._expression(view["load"]),
            register=self._expression(view["register"]),
            derive=self._expression(view["derive"]),
            older=tuple(_older(key, value) for key, value in view["older"].entries()),
            note=view["note"].optional(),
        )

    def _context(self, name: m.Word, view: _View) -> m.ContextValue:
        value = self._expression(view["value"])
        at = view["at"].text("init")
        return m.ContextValue(name, view["type"].word(), value, at, view["note"].optional())

    def _block(self, name: m.Word, view: _View) -> m.RegisterBlock:
        base, position = self._expression(view["base"]), self._expression(view["config-space"])
        memory = self._expression(view["memory"])
        bar = None if base or position or memory else view["bar"].integer()
        given = [key for key in ("bar", "base", "config-space", "memory") if view[key]]
        access = "ro" if memory else "rw"
        registers = _each(view["map"], lambda key, one: _register(key, one, access))
        for beside in given[1:]:
            message = f"{quote(name.text)} has {quote(given[0])} and {quote(beside)}, and lies in one place"
            hint = "a base may name a BAR, as `bar(2)`"
            self._problems.report("register-base", message, view[beside].key_span, hint)
        note = view["note"].optional()
        return m.RegisterBlock(name, bar, base, registers, note, position=position, memory=memory)

    def _variant(self, view: _View) -> m.Variant:
        return m.Variant(
            view["name"].word(),
            self._expression(view["when"]),
            view["use"].words(),
            view["needs"].optional(),
            view["config"].optional(),
        )

    def _command(self, name: m.Word, view: _View) -> m.Command:
        bodies = tuple(self._body(item, item.span) for item in view["any-of"].items())
        for beside in (key for key in BODIES if bodies and view[key]):
            message = f"{quote(beside)} stands beside any-of, and would never be used"
            hint = "make it an item of any-of, or take any-of away"
            self._problems.report("command-body", message, view[beside].key_span, hint)
        return m.Command(
            name=name,
            params=_each(view["params"], _parameter),
            results=_each(view["results"], _parameter),
            bodies=bodies or (self._body(view, name.span if view.names() else view.span),),
            returns=view["returns"].optional(),
            uses=view["uses"].words(),
            exclusive=view["exclusive"].optional(),
            before_init=view["before-init"].optional(),
            config=view["config"].optional(),
            needs=view["needs"].optional(),
            note=view["note"].optional(),
        )

    def _body(self, view: _View, span: Span) -> m.Body:
        if view.scalar:
            return m.Body(span, call=self._formula(view, parse.parse_kernel_call))
        return m.Body(
            span,
            call=self._formula(view["call"], parse.parse_kernel_call),
            post=self._post(view),
            steps=self._steps(view["steps"]) if view["steps"] else None,
            hook=view["hook"].optional(),
            needs=view["needs"].optional(),
            note=view["note"].optional(),
        )

    def _channel(self, name: m.Word, view: _View) -> m.Channel:
        envelope = view["envelope"]
        return m.Channel(
            name=name,
            request=view["request"].optional(),
            completion=view["completion"].optional(),
            access=_access(view["access"]) if view["access"] else None,
            envelope=self._envelope(envelope) if envelope else None,
            params=_each(view["params"], _parameter),
            call=self._required(view["call"], parse.parse_kernel_call),
            note=view["note"].optional(),
        )

    def _envelope(self, view: _View) -> m.Envelope:
        return m.Envelope(view["member"].word(), view["payload"].word(), self._values(view["set"]))

    def _post(self, view: _View) -> m.Post | None:
        if not view["post"]:
            return None
        return m.Post(
            channel=self._required(view["post"], parse.parse_expression),
            values=self._values(view["set"]),
            results=self._values(view["get"]),
            span=view["post"].key_span,
        )

    def _values(self, view: _View) -> tuple[m.FieldValue, ...]:
        return tuple(
            m.FieldValue(key, self._required(value, parse.parse_expression)) for key, value in view.entries()
        )

    def _notifier(self, name: m.Word, view: _View) -> m.Notifier:
        return m.Notifier(
            name=name,
            register=self._required(view["register"], parse.parse_kernel_call),
            unregister=self._required(view["unregister"], parse.parse_kernel_call),
            data=view["data"].optional(),
            handlers=_each(view["handlers"], self._handler),
            note=view["note"].optional(),
        )

    def _handler(self, event: m.Word, view: _View) -> m.Handler:
        steps = self._steps(view["do"])
        when, always = self._expression(view["when"]), self._steps(view["always"])
        return m.Handler(event, when, steps, view["enter"].optional(), always)

    def _steps(self, view: _View) -> tuple[m.Step, ...]:
        if isinstance(view.node, Sequence):
            return tuple(self._step(item) for item in view.items())
        return (self._step(view),) if view and view.text() != "none" else ()

    def _step(self, view: _View) -> m.Step:
        if view.scalar:
            said = self._is_verb_forgotten(view)
            return m.Step("do", None if said else self._expression(view), view.span)
        verbs = [key for key in view.names() if key in ALL_VERBS]
        if len(verbs) != 1 and view.names() and not set(view.names()) - STEP_KEYS:
            self._one_verb(view, verbs)
        return self._verb_step(verbs[0] if verbs else "do", view)

    def _is_verb_forgotten(self, view: _View) -> bool:
        """Tell whether a text is a step without the key that it needs, which is reported."""
        text = view.text()
        if found := _VERB.match(text):
            hint = f"write `{found[1]}: {found[2]}`"
            self._problems.report("step-verb", f"the verb `{found[1]}` is a key", view.span, hint)
        elif _is_assignment(text):
            hint = f"write `write: {text}` for a register, or `set: {text}` for a value in memory"
            self._problems.report("step-verb", "an assignment needs a verb", view.span, hint)
        else:
            return False
        return True

    def _one_verb(self, view: _View, verbs: list[str]) -> None:
        """Report a step without a verb, or each verb but the first. The schema reports unknown keys."""
        hint = f"the verbs are {listing(ALL_VERBS, 'and')}"
        if not verbs:
            self._problems.report("step-verb", "the step does nothing: it has no verb", view.span, hint)
        for verb in verbs[1:]:
            message = f"a step does one thing, and this has {quote(verbs[0])} already"
            self._problems.report("step-verb", message, view[verb].key_span, "make it a step of its own")

    def _verb_step(self, verb: str, view: _View) -> m.Step:
        formula = self._formula(view[verb], VERBS[verb]) if verb in VERBS else self._expression(view["below"])
        return m.Step(
            verb=verb,
            formula=formula,
            span=view.span,
            wait=_duration(view["wait"]) or 0,
            every=_duration(view["every"]),
            limit=_duration(view["for"]),
            limits=tuple(_duration(item) or 0 for item in view["for"].items()),
            by=self._expression(view["by"]),
            error=view["error"].optional(),
            retry=view["retry"].optional(),
            ignore_error=view["ignore-error"].optional(),
            undo=tuple(_gated(step, view["config"].optional()) for step in self._steps(view["undo"])),
            into=self._expression(view["into"]),
            counter=_counter(view["repeat"]),
            steps=self._steps(view["steps"]),
            when=self._expression(view["when"]),
            needs=view["needs"].optional(),
            config=view["config"].optional(),
            note=view["note"].optional(),
            spans={key: view[key].span for key in view.names()},
        )

    def _config_field(self, name: m.Word, view: _View) -> m.ConfigField:
        place = view["at"]
        at, known = STANDARD_HEADER.get(place.text(), (place.integer().value, 32))
        given = view["width"].optional_integer()
        width = given.value if given and given.value in (8, 16, 32) else known
        bits = view["bits"].optional_integer()
        return m.ConfigField(
            name=name,
            at=at,
            place=place.word(),
            width=width,
            bits=bits.value if bits else (1 << width) - 1,
            reads=self._expression(view["reads"]),
            writes=view["writes"].text("forward"),
            reset=self._expression(view["reset"]),
            sticky=view["sticky"].flag(),
            note=view["note"].optional(),
            spans={key: view[key].span for key in view.names()},
        )

    def _region(self, name: m.Word, view: _View) -> m.Region:
        return m.Region(
            name=name,
            when=self._expression(view["when"]),
            visible=self._expression(view["visible"]),
            synthetic=view["synthetic"].optional(),
            size=self._expression(view["size"]),
            ranges=tuple(self._range(item) for item in view["ranges"].items()),
            physical=self._physical(view["physical"]),
            caching=view["caching"].optional(),
            memory_enable=view["memory-enable"].optional(),
            ready=self._expression(view["ready"]),
            memory_failure=bool(view["memory-failure"]),
            dma_buf=view["dma-buf"].optional_integer(),
            note=view["note"].optional(),
            vendor=view["vendor"].optional(),
            subtype=view["subtype"].optional(),
            access=view["access"].text("read"),
            mmap=bool(view["mmap"]),
            slot=_slot(view["config-space-of"]),
            copied=tuple(self._piece(item) for item in view["copy-of"].items()),
            fields=_each(view["fields"], self._copied_field),
            capabilities=tuple(self._capability(item) for item in view["capabilities"].items()),
            spans={key: view[key].key_span for key in view.names()},
        )

    def _capability(self, view: _View) -> m.Capability:
        values = (
            (key, self._required(value, parse.parse_expression)) for key, value in view["set"].entries()
        )
        return m.Capability(
            id=view["id"].word(),
            version=view["version"].integer(),
            structure=view["structure"].word(),
            values=tuple(values),
            when=self._expression(view["when"]),
            needs=view["needs"].optional(),
            note=view["note"].optional(),
        )

    def _bar_access(self, view: _View) -> m.BarAccess | None:
        if not view:
            return None
        shift = view["offset-shift"].optional_integer()
        return m.BarAccess(
            span=view.key_span,
            shift=shift.value if shift else CORE_SHIFT,
            read=self._required(view["read"], parse.parse_expression),
            write=self._required(view["write"], parse.parse_expression),
            largest=self._required(view["largest-write"], parse.parse_expression),
        )

    def _device_feature(self, name: m.Word, view: _View) -> m.DeviceFeature:
        return m.DeviceFeature(
            id=name,
            structure=view["structure"].word(),
            buffer=view["buffer"].word(),
            get=self._required(view["get"], parse.parse_expression),
            needs=view["needs"].optional(),
            note=view["note"].optional(),
        )

    def _physical(self, view: _View) -> m.Physical | None:
        if not view:
            return None
        base, length = (self._required(view[key], parse.parse_expression) for key in ("base", "length"))
        return m.Physical(base, length)

    def _piece(self, view: _View) -> m.Piece:
        base, length = (self._required(view[key], parse.parse_expression) for key in ("base", "length"))
        return m.Piece(self._expression(view["when"]), base, length)

    def _copied_field(self, name: m.Word, view: _View) -> m.CopiedField:
        width = view["width"].optional_integer()
        reads = self._required(view["reads"], parse.parse_expression)
        known = width.value if width and width.value in (8, 16, 32, 64) else 32
        return m.CopiedField(name, view["at"].integer(), known, reads, view["note"].optional())

    def _range(self, view: _View) -> m.Range:
        return m.Range(
            span=view.span,
            start=self._expression(view["from"]),
            to=self._expression(view["to"]),
            length=self._expression(view["length"]),
            read=self._expression(view["read"]),
            write=self._expression(view["write"]),
            forward=self._forward(view["forward"]),
            widths=_widths(view),
            fields=tuple(n for item in view["fields"].items() if (n := item.optional_integer())),
            note=view["note"].optional(),
        )

    def _forward(self, view: _View) -> m.Forward | None:
        if not view:
            return None
        bar, offset = (self._required(view[key], parse.parse_expression) for key in ("bar", "offset"))
        return m.Forward(bar, offset)

    def _migration(self, view: _View) -> m.Migration:
        omitted = tuple(m.Omission(key, value.word()) for key, value in view["omitted"].entries())
        return m.Migration(
            span=view["arcs"].key_span,
            features=view["features"].words(),
            optional=view["optional"].words(),
            arcs=tuple(self._arc(key, value) for key, value in view["arcs"].entries()),
            stream=self._stream(view["stream"]),
            size=self._expression(view["size"]),
            reset=self._steps(view["reset"]),
            omitted=omitted,
            debugfs=self._debugfs(view["debugfs"]),
        )

    def _debugfs(self, view: _View) -> m.Debugfs | None:
        if not view:
            return None
        files = tuple(self._debug_file(key, value) for key, value in view["files"].entries())
        return m.Debugfs(view.key_span, view["directory"].word(), view["needs"].optional(), files)

    def _debug_file(self, name: m.Word, view: _View) -> m.DebugFile:
        values = (
            m.Shown(key, self._required(value, parse.parse_expression))
            for key, value in view["show"].entries()
        )
        return m.DebugFile(name, view["dump"].optional(), tuple(values), self._expression(view["when"]))

    def _arc(self, key: m.Word, view: _View) -> m.Arc:
        source, _, target = key.text.partition(" -> ")
        return m.Arc(source, target, self._steps(view), key)

    def _stream(self, view: _View) -> m.Stream:
        load = view["load"]
        lengths = (self._expression(item) for item in load["lengths"].items())
        return m.Stream(
            span=view.key_span,
            structure=view["structure"].word() if view["structure"] else None,
            memory=self._expression(view["memory"]),
            area=self._area(view["area"]),
            capacity=self._expression(view["capacity"]),
            pass_through=self._pass_through(view["pass-through"]),
            pre_copy=self._produce(view["save"]["pre-copy"]),
            stop_copy=self._produce(view["save"]["stop-copy"]),
            saved=self._steps(view["save"]["end"]),
            each_write=self._expression(load["each-write"]["do"]),
            more=load["each-write"]["more"].optional(),
            begin=self._steps(load["begin"]),
            end=self._steps(load["end"]),
            lengths=tuple(formula for formula in lengths if formula),
            any_length=load["lengths"]["any"].optional(),
            background=view["background"].optional(),
            records=tuple(
                self._stream_record(name, one) for name, one in view["records"].entries() if one["room"]
            ),
            heads=tuple(
                self._head_record(name, one) for name, one in view["records"].entries() if one["structure"]
            ),
            files=_each(view["file"], self._file_value),
        )

    def _stream_record(self, name: m.Word, view: _View) -> m.StreamRecord:
        room, save, load = (
            self._required(view[key], parse.parse_expression) for key in ("room", "save", "load")
        )
        prefix = view["prefix"]
        return m.StreamRecord(
            name=name,
            tag=view["tag"].integer(),
            room=room,
            save=save,
            load=load,
            again=_duration(view["again"]),
            anew=self._expression(view["anew"]),
            prefix=prefix["structure"].word() if prefix else None,
            values=self._values(prefix["set"]),
            note=view["note"].optional(),
        )

    def _head_record(self, name: m.Word, view: _View) -> m.HeadRecord:
        return m.HeadRecord(
            name=name,
            tag=view["tag"].integer(),
            structure=view["structure"].word(),
            optional=bool(view["optional"]),
            reserve=self._expression(view["reserve"]),
            note=view["note"].optional(),
        )

    def _file_value(self, name: m.Word, view: _View) -> m.FileValue:
        save, load = (self._required(view[key], parse.parse_expression) for key in ("save", "load"))
        undo, note = self._expression(view["undo"]), view["note"].optional()
        return m.FileValue(name, view["type"].word(), save, load, undo, note)

    def _area(self, view: _View) -> m.Area | None:
        if not view:
            return None
        words = (view[key].word() for key in ("list", "address", "length"))
        return m.Area(
            span=view.key_span,
            dma=self._required(view["dma"], parse.parse_expression),
            list=m.AreaList(*words) if view["list"] else None,
            fields=_each(view["fields"], _parameter),
            attach=self._steps(view["attach"]),
        )

    def _pass_through(self, view: _View) -> m.PassThrough | None:
        if not view:
            return None
        read, write = (self._required(view[key], parse.parse_expression) for key in ("read", "write"))
        return m.PassThrough(view.key_span, read, write)

    def _produce(self, view: _View) -> m.Produce | None:
        if not view:
            return None
        length = self._required(view["length"], parse.parse_expression)
        return m.Produce(self._expression(view["do"]), length, view.key_span)

    def _expression(self, view: _View) -> m.Formula | None:
        return self._formula(view, parse.parse_expression)

    def _required(self, view: _View, read: Parse) -> m.Formula:
        return self._formula(view, read) or m.Formula(None, Scalar(view.span, "", ""))

    def _formula(self, view: _View, read: Parse) -> m.Formula | None:
        scalar = view.scalar
        if scalar is None:
            return None
        try:
            return m.Formula(read(scalar.text), scalar)
        except SyntaxProblem as problem:
            span = scalar.span_of(problem.start, problem.end)
            self._problems.report("expression", problem.message, span, *problem.hints)
            return m.Formula(None, scalar)


def _is_assignment(text: str) -> bool:
    try:
        parse.parse_assignment(text)
    except SyntaxProblem:
        return False
    return True


def _parse_symbols(text: str) -> Expression:
    return parse.parse_expression(text, symbols=True)


def _access(view: _View) -> m.Access:
    return m.Access(
        words=view["words"].word(),
        get=view["get"].word(),
        set=view["set"].word(),
        wide_get=view["get-64"].optional(),
        wide_set=view["set-64"].optional(),
    )


def _core_object(view: _View) -> m.CoreObject | None:
    if not view:
        return None
    names = (view[key].optional() for key in ("capabilities", "open", "close", "feature"))
    return m.CoreObject(view.key_span, *names)


def _each(view: _View, read: Callable[[m.Word, _View], T]) -> tuple[T, ...]:
    return tuple(read(key, value) for key, value in view.entries())


def _function(text: str) -> str:
    """Return the function of the devices; one that the schema has refused is no obstacle to any check."""
    return text if text in ("vf", "pf", "any") else "vf"


def _feature(name: m.Word, view: _View) -> m.KernelFeature:
    since = view["since"]
    releases = since.words() or (since.word(),)
    return m.KernelFeature(name, view["header"].word(), view["declares"].word(), releases)


def _kernel_field(key: m.Word, view: _View) -> m.KernelField:
    return m.KernelField(key, (view["type"] if view["type"] else view).word(), bool(view["changes"]))


def _layout_type(view: _View) -> m.Word:
    word = view.word()
    return word if word.text in ("u8", "u16", "u32", "u64") else m.Word("u8", word.span)


def _older(key: m.Word, view: _View) -> m.Older:
    return m.Older(m.Integer(int(key.text, 16), True, key.span), view.words())


def _gated(step: m.Step, config: m.Word | None) -> m.Step:
    """Return a step that undoes another, under the symbol of that."""
    return replace(step, config=step.config or config)


def _counter(view: _View) -> m.Parameter | None:
    return m.Parameter(view.word(), m.Word("u32", view.span)) if view else None


def _located(blocks: tuple[m.RegisterBlock, ...]) -> tuple[m.RegisterBlock, ...]:
    return tuple(block.located(blocks) for block in blocks)


def _module_parameter(name: m.Word, view: _View) -> m.ModuleParameter:
    kind = view["type"].text("bool")
    return m.ModuleParameter(name, kind, view["description"].word(), view["writable"].flag())


def _parameter(name: m.Word, view: _View) -> m.Parameter:
    return m.Parameter(name, view.word())


def _slot(view: _View) -> m.Slot | None:
    if not view:
        return None
    address = view["slot"].word()
    form = r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]"
    known = address if re.fullmatch(form, address.text) else m.Word("", address.span)
    return m.Slot(known, view["vendor"].word(), view["class"].word())


def _widths(view: _View) -> tuple[int, ...]:
    found = tuple(number.value for item in view["widths"].items() if (number := item.optional_integer()))
    return found or ((1, 2, 4) if view["forward"] else (1, 2, 4, 8))


def _register(name: m.Word, view: _View, default: str) -> m.Register:
    width = view["width"].optional_integer()
    access = view["access"].text(default)
    return m.Register(
        name=name,
        at=view["at"].integer() if isinstance(view.node, Mapping) else view.integer(),
        width=width.value if width and width.value in (8, 16, 32, 64) else 32,
        count=view["count"].count(LARGEST_ARRAY),
        access=access,
        bits=tuple(_bits(key, value, access) for key, value in view["bits"].entries()),
        transient=view["transient"].optional(),
        note=view["note"].optional(),
    )


def _bits(name: m.Word, view: _View, access: str) -> m.Bits:
    place = view["at"] if isinstance(view.node, Mapping) else view
    low, high = _bit_range(place.text())
    return m.Bits(name, low, high, view["access"].text(access), place.span, view["note"].optional())


def _bit_range(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    if not found:
        return 0, 0
    low = _short_int(found[1])
    return low, _short_int(found[2]) if found[2] else low


def _duration(view: _View) -> int | None:
    found = re.fullmatch(r"(\d+)(us|ms|s)", view.text())
    return _short_int(found[1]) * UNITS[found[2]] if found else None


def _short_int(digits: str) -> int:
    """Return a number, or one that is too large for anything: Python refuses to read thousands of digits."""
    return int(digits.lstrip("0")[:15] or "0")
