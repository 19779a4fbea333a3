# SPDX-License-Identifier: GPL-2.0-only
"""What a driver may do, event by event, as far as its spec and its plan say it.

The model knows no C: an arc is a sequence of acts (commands that the spec names for it), the states lead to
each other as the kernel's own function says, and the rest is what the text above
struct vfio_device_feature_mig_state demands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from tests.machine.build import Driver
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.arcs import STATES, TWINS
from vfiogen.model.head import head_of
from vfiogen.model.walk import names
from vfiogen.plan.lower import can_fail
from vfiogen.plan.records import goes_on

# What comes next on the way from one state to another; nothing where there is no way.
Table = dict[tuple[str, str], str | None]

SAVING = ("PRE_COPY", "PRE_COPY_P2P", "STOP_COPY")
PRE_COPYING = ("PRE_COPY", "PRE_COPY_P2P")
# What the device does in a state.
LEVEL = {
    "STOP_COPY": "STOP",
    "RESUMING": "STOP",
    "PRE_COPY": "RUNNING",
    "PRE_COPY_P2P": "RUNNING_P2P",
}
OPENING = {
    ("STOP", "STOP_COPY"): "save",
    ("STOP", "RESUMING"): "load",
    ("RUNNING", "PRE_COPY"): "save",
    ("RUNNING_P2P", "PRE_COPY_P2P"): "save",
}
CLOSING = frozenset(
    {("STOP_COPY", "STOP"), ("RESUMING", "STOP"), ("PRE_COPY", "RUNNING"), ("PRE_COPY_P2P", "RUNNING_P2P")}
)


def level(state: str) -> str:
    """Return which of RUNNING, RUNNING_P2P and STOP the device is like in a state."""
    return LEVEL.get(state, state)


@dataclass(frozen=True)
class Act:
    """Something that is done on an arc: the calls that can be heard of it, and whether it fails.

    `fails` is must (the tests have to make it), may (its values decide) or no; `fatal` says that nothing is
    known of the device if this fails while something is undone; `ends` that it may be the last.
    """

    calls: tuple[str, ...] = ()
    fails: str = "may"
    undo: tuple[Act, ...] = ()
    fatal: bool = False
    ends: bool = False


@dataclass(frozen=True)
class Ran:
    """How a sequence of acts has gone."""

    calls: tuple[str, ...]
    failed: bool = False
    lost: bool = False
    must: bool = True


def run(acts: tuple[Act, ...]) -> Iterator[Ran]:
    """Yield each way in which acts can go: all well; or one fails and what was before it is undone."""
    calls: tuple[str, ...] = ()
    certain = True
    for at, act in enumerate(acts):
        calls += act.calls
        if act.fails != "no":
            undo = tuple(back for before in reversed(acts[:at]) for back in before.undo)
            yield from _undone(calls, undo, certain and act.fails == "must")
        certain = certain and not act.ends
        if act.ends:
            yield Ran(calls, must=False)
    yield Ran(calls, must=certain)


def _undone(calls: tuple[str, ...], undo: tuple[Act, ...], must: bool) -> Iterator[Ran]:
    said = calls + tuple(call for act in undo for call in act.calls)
    yield Ran(said, failed=True, must=must)
    for act in undo:
        if act.fatal and act.fails != "no":
            yield Ran(said, failed=True, lost=True, must=must and act.fails == "must")


@dataclass(frozen=True)
class State:
    """Where a device is.

    `state` is the driver's own idea of it, which `pending` says a reset has overtaken; `level` is what the
    device really does, as far as it is known. `held` is the kind of the file that the device has, `data` how
    much has been written into it: none, part, full or over, or early if it was begun while the device ran,
    and read once all of that was; `gone` tells that the parent can't be asked, `broken` that the data of the
    file couldn't be produced. Of what the user keeps open, `first` is live, dead-save or dead-load, and
    `second` whether there is an older.
    """

    bound: bool = False
    opened: bool = False
    state: str = "RUNNING"
    pending: bool = False
    level: str | None = None
    held: str | None = None
    data: str = "none"
    first: str | None = None
    second: bool = False
    gone: bool = False
    broken: bool = False


@dataclass(frozen=True)
class Outcome:
    """What can come of an event: what it returns, the calls where they count, and the state after it.

    `fault` says that something has to fail for it; `must` that the tests have to see it.
    """

    returns: str
    after: State
    calls: tuple[str, ...] | None = None
    fault: bool = False
    must: bool = True

    @property
    def lost(self) -> bool:
        """Whether something failed that was to undo what had been done."""
        return self.returns == "error" and self.after.state == "ERROR"


class Machine:
    """The state machine of one driver."""

    def __init__(self, driver: Driver, table: Table) -> None:
        self.driver = driver
        self.table = table
        self.spec = driver.spec
        assert self.spec.migration is not None
        self.migration = self.spec.migration
        self.stream = self.migration.stream
        self.acts = Acts(driver)
        self.states = [name for name in STATES if table[name, name] or name == "ERROR"]

        self._known: dict[tuple[State, str], tuple[Outcome, ...]] = {}

    # -- events ---------------------------------------------------------------------------------

    def events(self, at: State) -> Iterator[str]:
        """Yield the events that can come in a state."""
        if not at.bound:
            yield "P"
        if at.bound and not at.opened:
            yield from ("O0", "O1", "U")
        if at.opened:
            yield from ("C", "G")
            if ".migration_get_data_size" in self.driver.main:
                yield "Z"
            yield from (f"S{STATES.index(name)}" for name in STATES)
        if at.bound:
            yield "R"
            yield from (f"D{at}" for at, _ in enumerate(self.spec.debug_files))
            yield from (f"N{at}" for at, _ in enumerate(self._handlers()))
        yield from self._file_events(at)

    def _file_events(self, at: State) -> Iterator[str]:
        if at.first:
            saving = at.held == "save" if at.first == "live" else at.first == "dead-save"
            ask = ("q0",) if self.migration.has("pre-copy") else ()
            yield from ("r0", "E0", *ask) if saving else self._writes()
            yield "c0"
        if at.second:
            yield from ("x1", "c1")

    def _writes(self) -> tuple[str, ...]:
        """What a parent does with more than there is room for is its own business; records have no end."""
        unbounded = self.stream.pass_through or self.stream.records
        return ("w0", "W0") if unbounded else ("w0", "W0", "V0")

    def outcomes(self, at: State, event: str) -> tuple[Outcome, ...]:
        """Return what can come of an event."""
        if (at, event) not in self._known:
            self._known[at, event] = tuple(self._outcomes(at, event))
        return self._known[at, event]

    def _outcomes(self, at: State, event: str) -> Iterator[Outcome]:
        verb, number = event[0], int(event[1:] or 0)
        yield from {
            "P": self._probe,
            "U": self._unbind,
            "O": self._open,
            "C": self._close,
            "S": self._set_state,
            "G": self._get_state,
            "Z": self._get_size,
            "D": self._show,
            "R": self._reset,
            "N": self._notify,
            "r": self._read,
            "E": self._read,
            "q": self._ask,
            "w": self._write,
            "W": self._write,
            "V": self._flood,
            "c": self._drop,
            "x": self._stale,
        }[verb](at, event, number)

    def _probe(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        yield Outcome("0", replace(at, bound=True, state="RUNNING", pending=False, level="RUNNING"))
        yield Outcome("error", at, fault=True)

    def _unbind(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        yield Outcome("0", replace(at, bound=False, state="RUNNING", pending=False, level=None, gone=False))

    def _open(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        running = replace(at, opened=True, state="RUNNING", pending=False, level="RUNNING")
        yield Outcome("0", running)
        # One of its steps may have failed before or after the driver has entered RUNNING.
        for failed in (at, self.settled(replace(at, pending=True)), replace(running, opened=False)):
            yield Outcome("error", failed, fault=True, must=False)
        yield Outcome("error", replace(at, pending=at.pending or bool(number)), fault=True, must=False)

    def _close(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        settled = self.settled(at)
        yield Outcome("0", replace(self._file_gone(settled), opened=False, level="RUNNING"))

    def _get_state(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        after = self.settled(at)
        yield Outcome(str(STATES.index(after.state)), after, self._settling(at))

    def _get_size(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        asks = self.migration.size is not None
        after = self.settled(at) if asks else at
        if not (at.gone and asks):
            yield Outcome("0", after)
        yield Outcome("error", after, fault=not (at.gone and asks), must=False)

    def _show(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        """A device is read only while it is open, and its state only while it is stopped."""
        file, after = self.spec.debug_files[number], self.settled(at)
        if file.dump is not None and file.dump.text == "stream":
            yield from (Outcome(returns, after, must=False) for returns in ("0", "-ENODATA"))
            return
        if not at.opened:
            yield Outcome("-ENODEV", after)
        elif file.dump is not None and after.state not in ("STOP", "STOP_COPY"):
            yield Outcome("-EBUSY", after)
        else:
            yield Outcome("0", after)
            yield Outcome("error", after, fault=file.when is None, must=False)

    def _reset(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        yield Outcome("0", self.reset(at))

    def _notify(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        """Whether an event counts is for its condition to say."""
        handler = self._handlers()[number]
        told = replace(self.settled(at), gone=self._gone(at, handler))
        yield Outcome("0", told, must=False)
        if handler.enter:
            yield Outcome("0", replace(self._file_gone(told), state="ERROR", level=None), must=False)

    def _gone(self, at: State, handler: m.Handler) -> bool:
        """Tell whether the parent can't be asked after an event: `usable` is a context value, or not that."""
        usable = self.spec.provider.usable if self.spec.provider else None
        for step in (*handler.steps, *handler.always):
            name, _, value = step.formula.scalar.text.partition(" = ") if step.formula else ("", "", "")
            if usable and name in names([usable]):
                return (value == "true") == usable.scalar.text.startswith("not ")
        return at.gone

    def _handlers(self) -> list[m.Handler]:
        return [handler for notifier in self.spec.events for handler in notifier.handlers]

    # -- files ----------------------------------------------------------------------------------

    def _read(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        if at.first != "live":
            yield Outcome("-ENODEV", at)
            return
        if at.broken:
            yield Outcome("error", at)
            return
        end = "-ENOMSG" if at.state in PRE_COPYING else "0"
        drained = event[0] == "E" and not self._endless()
        read = replace(at, data="read") if drained and at.state in PRE_COPYING else at
        yield Outcome(end, read, must=drained)
        if not drained:
            yield Outcome("data", at, must=False)
        if self.goes_on and at.state == "STOP_COPY":
            yield Outcome("-EFAULT", at, fault=True, must=False)
            yield Outcome("error", replace(at, broken=True), fault=True, must=False)
        yield Outcome("error", at, fault=True, must=False)

    @cached_property
    def goes_on(self) -> bool:
        """Whether the rest of a state is produced once the first part has been read."""
        return any(goes_on(self.driver.lowering, record) for record in self.stream.records)

    def _endless(self) -> bool:
        """Tell whether the end isn't reached by as many reads as the tests make."""
        return self.stream.pass_through is not None

    def _ask(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        if at.first != "live":
            yield Outcome("-ENODEV", at)
        elif at.state in PRE_COPYING:
            yield Outcome("0", at)
            yield Outcome("error", at, fault=True, must=False)
        else:
            yield Outcome("-EINVAL", at)
            yield Outcome("error", at, fault=True, must=False)

    def _write(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        if at.first != "live":
            yield Outcome("-ENODEV", at)
            return
        more = {"none": "part", "part": "part", "full": "over", "over": "over"}[at.data]
        written = ("full" if at.data in ("none", "part") else "over") if event[0] == "W" else more
        if written != "over" or self.stream.structure is None:
            yield Outcome("data", replace(at, data=written), must=written == "full")
        yield Outcome("error", at, fault=written != "over", must=False)

    def _flood(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        """Nothing has room for all the memory that there is."""
        yield Outcome("error" if at.first == "live" else "-ENODEV", at)

    def _drop(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        yield Outcome("0", replace(at, first=None) if number == 0 else replace(at, second=False))

    def _stale(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        yield Outcome("0", at)

    # -- resets ---------------------------------------------------------------------------------

    def reset(self, at: State) -> State:
        """Return where a device is that has been reset: the driver hears of it, and follows later."""
        gone = self._file_gone(at)
        return replace(gone, pending=True, level="RUNNING")

    def overtaken(self, at: State, event: str) -> Iterator[Outcome]:
        """Yield what comes of a reset in the middle of an event: nobody knows which came last."""
        start = self.settled(at).state
        if at.opened and event[0] == "S" and start not in ("ERROR", STATES[int(event[1:])]):
            lost = replace(self._file_gone(at), state="ERROR", pending=False, level=None)
            yield Outcome("-EIO", lost)

    def settled(self, at: State) -> State:
        """Return the state that any entry first brings the driver into."""
        return replace(self._file_gone(at), state="RUNNING", pending=False) if at.pending else at

    def _settling(self, at: State) -> tuple[str, ...]:
        return tuple(call for act in self.acts.reset for call in act.calls) if at.pending else ()

    def _file_gone(self, at: State) -> State:
        dead = f"dead-{at.held}" if at.first == "live" else at.first
        return replace(at, held=None, data="none", first=dead, broken=False)

    # -- arcs -----------------------------------------------------------------------------------

    def _set_state(self, at: State, event: str, number: int) -> Iterator[Outcome]:
        start = self.settled(at)
        yield from self._walk(start, STATES[number], Outcome("0", start, self._settling(at)))

    def _walk(self, at: State, target: str, so_far: Outcome) -> Iterator[Outcome]:
        calls = so_far.calls or ()
        if at.state == target:
            yield replace(so_far, after=at)
            return
        nearer = self.table[at.state, target] if at.state != "ERROR" else None
        if nearer is None:
            yield Outcome("error", at, calls, must=so_far.must)
            return
        asks = at.gone and self.acts.asks(at.state, nearer)
        for ran in self.arc(at, nearer):
            said = calls + ran.calls
            if asks and (ran.lost or not ran.failed):
                continue
            if ran.failed:
                lost = replace(self._file_gone(at), state="ERROR", level=None)
                after = lost if ran.lost else at
                fault = not self._refused(at, nearer) or self._verdict(at.data) == "loads"
                yield Outcome("error", after, said, fault and not asks, so_far.must and ran.must and not asks)
            else:
                after = self._arrive(at, nearer)
                returns = "file" if (at.state, nearer) in OPENING else "0"
                so_far_too = Outcome(returns, after, said, must=so_far.must and ran.must)
                goes_on = returns == "file" or (at.state in PRE_COPYING and nearer == "STOP_COPY")
                for outcome in self._walk(after, target, so_far_too):
                    yield from self._worked(outcome) if goes_on else (outcome,)

    def _worked(self, outcome: Outcome) -> Iterator[Outcome]:
        """Yield what comes of work that goes on after a change of state: it fails alone."""
        if outcome.after.state != "STOP_COPY" or not self.stream.background:
            yield outcome
            return
        gone = outcome.after.gone
        for ran in run(self.acts.saving()):
            if ran.failed or not gone:
                after = replace(outcome.after, broken=ran.failed)
                must = outcome.must and ran.must and not gone
                calls = (*(outcome.calls or ()), *ran.calls)
                yield replace(outcome, after=after, calls=calls, fault=ran.failed and not gone, must=must)

    def _refused(self, at: State, target: str) -> bool:
        """Tell whether an arc may fail by itself: the data that was written decides."""
        return (at.state, target) == ("RESUMING", "STOP")

    def _arrive(self, at: State, target: str) -> State:
        arc = (at.state, target)
        after = replace(at, state=target, level=level(target))
        if arc in CLOSING:
            after = self._file_gone(after)
        if arc in OPENING:
            older = after.first is not None
            data = "early" if target in PRE_COPYING else "none"
            after = replace(after, held=OPENING[arc], data=data, first="live", second=older)
        return after

    def arc(self, at: State, target: str) -> Iterator[Ran]:
        """Yield the ways in which one arc can go; bad data is refused before anything is tried."""
        if not self._refused(at, target):
            yield from self.acts.runs(at.state, target)
            return
        verdict = self._verdict(at.data)
        if verdict != "loads":
            yield Ran((), failed=True, must=False)
        if verdict != "refused":
            runs = self.acts.runs(at.state, target)
            yield from (replace(ran, must=ran.must and verdict == "loads") for ran in runs)

    def _verdict(self, data: str) -> str:
        """Tell what becomes of the data that was written: loads, refused, or either."""
        if self.stream.pass_through is not None or data == "full":
            return "loads"
        if self.stream.any_length is not None:
            return "refused" if data == "none" else "loads"
        return "either" if data == "over" or self._asks else "refused"

    @cached_property
    def _asks(self) -> bool:
        """Whether the device says how long a stream may be."""
        scope = self.driver.lowering.scope.in_stream("loaded", "capacity")
        lengths = [self.driver.lowering.analysis.value(one, scope) for one in self.stream.lengths]
        return any(isinstance(part, t.Read | t.Run) for one in lengths if one for part in t.walk(one))


class Acts:
    """The acts of each arc."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.spec, self.lowering = driver.spec, driver.lowering
        assert self.spec.migration is not None
        self.migration = self.spec.migration
        self.reset = self._steps(self.migration.reset)
        self._known: dict[tuple[str, str], tuple[Ran, ...]] = {}

    def runs(self, source: str, target: str) -> tuple[Ran, ...]:
        """Return the ways in which an arc can go."""
        if (source, target) not in self._known:
            stops = source in PRE_COPYING and target == "STOP_COPY"
            runs = (
                self.stopping(source.replace("PRE_COPY", "RUNNING"))
                if stops
                else run(self.of(source, target))
            )
            self._known[source, target] = tuple(runs)
        return self._known[source, target]

    def asks(self, source: str, target: str) -> bool:
        """Tell whether anything is asked of the parent on an arc, if only how much there is to save."""
        saves = OPENING.get((source, target)) == "save"
        if saves and self.migration.stream.background:
            return True
        return any(ran.calls for ran in self.runs(source, target))

    def of(self, source: str, target: str) -> tuple[Act, ...]:
        """Return what is done on an arc."""
        stream = self.migration.stream
        opens = (Act(fails="may"),)
        match source, target:
            case ("STOP", "STOP_COPY"):
                return opens if stream.background else (*opens, *self.saving())
            case ("RUNNING", "PRE_COPY") | ("RUNNING_P2P", "PRE_COPY_P2P"):
                return opens if stream.background else (*opens, *self._produce(stream.pre_copy))
            case ("STOP", "RESUMING"):
                return (*opens, *self._quiet(source, target))
            case ("RESUMING", "STOP"):
                end = (*self._quiet_steps(stream.end), *self._quiet(source, target))
                head = (Act(fails="no", ends=True),) if self._head() else ()
                return (Act(), *head, *self._quiet_steps(stream.begin), Act(), *end)
            case ("STOP_COPY", "STOP"):
                return self._quiet(source, target)
            case ("PRE_COPY", "RUNNING") | ("PRE_COPY_P2P", "RUNNING_P2P"):
                return (Act(),) if self._is_told() else ()
        own = next((arc for arc, twin in TWINS.items() if twin == (source, target)), (source, target))
        return self._steps(self.spec.arc(*own))

    def saving(self) -> tuple[Act, ...]:
        """Return what is done to produce the data, with the device stopped."""
        produced = self._produce(self.migration.stream.stop_copy)
        return (*self._quiet("STOP", "STOP_COPY"), *produced, *self._saved())

    def stopping(self, running: str) -> Iterator[Ran]:
        """Yield how stopping and saving goes: the arc back undoes the one that stops, if it does anything."""
        stop, back = self._steps(self.spec.arc(running, "STOP")), self._steps(self.spec.arc("STOP", running))
        if self.migration.stream.background:
            yield from run(tuple(replace(act, undo=()) for act in stop))
            return
        save = (Act(), *self._quiet("STOP", "STOP_COPY"), *self._produce(self.migration.stream.stop_copy))
        save += self._saved()
        if not stop or not back:
            yield from run((*stop, *save))
            return
        yield from (ran for ran in run(stop) if ran.failed)
        undo = tuple(replace(act, undo=(), fatal=act.fails != "no") for act in back)
        whole = Act(tuple(call for act in stop for call in act.calls), "no", undo)
        yield from run((whole, *save))

    def _is_told(self) -> bool:
        """Whether the device knows that it is saved while it runs, so that it must hear of the end."""
        return any("running" in names([record.save]) for record in self.migration.stream.records)

    def _head(self) -> str | None:
        layout = self._layout
        return head_of(self.lowering.analysis, self.migration, layout) if layout else None

    @property
    def _layout(self) -> m.Layout | None:
        word = self.migration.stream.structure
        return self.spec.layout(word.text) if word else None

    def _saved(self) -> tuple[Act, ...]:
        """Return what is done once a structure is saved, unless its head goes alone."""
        acts = self._quiet_steps(self.migration.stream.saved)
        return ((Act(fails="may", ends=True), *acts) if self._head() else acts) if acts else ()

    def _quiet(self, source: str, target: str) -> tuple[Act, ...]:
        return self._quiet_steps(self.spec.arc(source, target))

    def _quiet_steps(self, steps: tuple[m.Step, ...]) -> tuple[Act, ...]:
        """Return acts of functions of files, in which nothing is lost if an undo fails."""
        acts = self._steps(steps)
        return tuple(
            replace(act, undo=tuple(replace(back, fatal=False) for back in act.undo)) for act in acts
        )

    def _produce(self, produce: m.Produce | None) -> tuple[Act, ...]:
        formula = produce.do if produce else None
        if formula is None:
            return (Act(),)
        scope = self.lowering.scope.in_stream("loaded", "capacity").with_area()
        typed = self.lowering.analysis.action(formula, scope)
        return (Act(), self._command(typed), Act()) if typed else (Act(),)

    def _steps(self, steps: tuple[m.Step, ...]) -> tuple[Act, ...]:
        return tuple(self._step(step) for step in steps)

    def _step(self, step: m.Step) -> Act:
        act = self._bare(step)
        undo = tuple(self._undoing(back, step) for back in step.undo)
        if step.ignore_error:
            act = replace(act, fails="no")
        return replace(act, undo=undo)

    def _undoing(self, back: m.Step, step: m.Step) -> Act:
        act = self._bare(back)
        return replace(act, fatal=back.verb == "do" and act.fails != "no" and not step.ignore_error)

    def _bare(self, step: m.Step) -> Act:
        analysis = self.lowering.analysis
        scope = self.lowering.scope.in_stream("loaded", "capacity").with_area().of_image(self._layout)
        if step.verb == "finish":
            return Act((), "no", ends=True)
        if step.verb == "do":
            typed = analysis.action(step.formula, scope)
            assert typed is not None
            act = self._command(typed)
            return replace(act, calls=("poll", *act.calls)) if step.retry else act
        assign = analysis.assignment(step.formula, scope) if step.verb == "set" else None
        if assign and isinstance(assign.value, t.Run):
            return self._command(assign.value)
        if step.verb == "poll":
            return Act(("poll",), "must")
        if step.verb == "write":
            typed_write = analysis.assignment(step.formula, scope)
            assert typed_write is not None
            place = typed_write.place
            read = place.read if isinstance(place, t.ReadBits) else place
            assert isinstance(read, t.Read)
            if read.block.is_plain:
                return Act((), "no")
            return Act((f"{self.lowering.names.prefix}_write{read.register.width}",), "must")
        return Act((), "no" if step.verb == "wait" else "may")

    def _command(self, run_: t.Run) -> Act:
        command = run_.command
        return Act((self.symbol(command),), self._failing(command))

    def symbol(self, command: m.Command) -> str:
        """Return the function that a command is in the C."""
        body = command.bodies[0]
        if self.lowering.is_inline(command) and body.call is not None:
            call = self.lowering.analysis.call(body.call, self.lowering.scope.within(command))
            assert call is not None
            return call.function
        return self.lowering.names.own(command.name.text)

    def _failing(self, command: m.Command) -> str:
        """Tell whether a command fails for certain if what it asks for does."""
        if not can_fail(command):
            return "no"
        body = command.bodies[0]
        if body.call or body.post:
            return "must"
        steps = body.steps or ()
        if any(step.verb == "finish" for step in steps):
            return "may"
        asks = (step.verb in ("poll", "write") and not step.into for step in steps)
        return "must" if any(asks) else "may"

    def depth(self, stop: str) -> dict[str | None, int]:
        """Return how often a command has stopped the device, by what the device is like."""
        down = [("RUNNING", "RUNNING_P2P"), ("RUNNING_P2P", "STOP")]
        down = down if self.migration.has("p2p") else [("RUNNING", "STOP")]
        found: dict[str | None, int] = {"RUNNING": 0}
        for source, target in down:
            calls = [call for act in self.of(source, target) for call in act.calls]
            found[target] = found[source] + calls.count(stop)
        return found

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the commands of the device's life that have to be undone, and what undoes them."""
        heard = self.heard()
        found = []
        for step in (*self.spec.init, *self.spec.open):
            done, undone = self._named(step), [self._named(back) for back in step.undo]
            pair = (done, undone[0]) if done and undone else None
            if pair and pair[1] and not heard & set(pair):
                found.append((pair[0], pair[1]))
        return tuple(found)

    def _named(self, step: m.Step) -> str | None:
        analysis, scope = self.lowering.analysis, self.lowering.scope
        if step.verb == "do":
            run_ = analysis.action(step.formula, scope)
            return self.symbol(run_.command) if run_ else None
        assign = analysis.assignment(step.formula, scope) if step.verb == "set" else None
        return self.symbol(assign.value.command) if assign and isinstance(assign.value, t.Run) else None

    def heard(self) -> frozenset[str]:
        """Return the functions whose calls count: those of arcs, of producing and loading, and of resets."""
        pairs = [(a, b) for a in STATES for b in STATES]
        acts = [act for pair in pairs for act in self.of(*pair)] + list(self.saving())
        found = [call for act in (*acts, *self.reset) for one in (act, *act.undo) for call in one.calls]
        return frozenset(found)
