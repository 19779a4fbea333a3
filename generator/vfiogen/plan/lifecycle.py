# SPDX-License-Identifier: GPL-2.0-only
"""init and release, open and close: sequences that unwind themselves, and their opposites."""

from __future__ import annotations

from itertools import pairwise

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.c.text import c_string
from vfiogen.check.kernel import symbol_of_section
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.plan.emulation import (
    close_regions,
    emulates,
    find_structures,
    has_emulated_reset,
    has_region_close,
    open_regions,
    ready_command,
    release_memories,
    release_structures,
    set_memories,
)
from vfiogen.plan.events import register_events, unregister_events
from vfiogen.plan.lower import Body, Lowering, can_fail, is_enabled, nested
from vfiogen.plan.module import prepares_core
from vfiogen.plan.registers import bar_sizes
from vfiogen.plan.settle import settle_at_open
from vfiogen.plan.view import Function, function
from vfiogen.records import Value

CORE_VDEV = "struct vfio_device *core_vdev"


class _Made(Value):
    """A function before its name has a prefix."""

    kind: str
    name: str
    lines: tuple[list[c.Declaration], list[c.Stmt]]


def plan_lifecycle(
    lowering: Lowering, kernel: Kernel, flags: tuple[str, ...], prefix: str
) -> tuple[Function, ...]:
    """Return the functions of the device's life that aren't the core's own; their names have the prefix."""
    wanted = [_open(lowering, kernel)]
    if has_init(lowering.spec):
        release = _release(lowering)
        alone = len(release.lines[1]) == 1
        wanted = [_init(lowering, kernel, flags), *(() if alone else (release,)), *wanted]
    if has_close(lowering.spec):
        wanted.append(_close(lowering, kernel))
    return tuple(function(one.kind, f"{prefix}_{one.name}", [CORE_VDEV], one.lines) for one in wanted)


def plan_resets(lowering: Lowering, tables: tuple[str, ...]) -> tuple[Function, ...]:
    """Return the handlers of the PCI core's resets."""
    spec = lowering.spec
    found = []
    if spec.reset_prepare or spec.migration:
        body = _reset_body(lowering)
        if spec.migration:
            body.add(c.Comment(_BEGUN), c.Expr(f"atomic_inc(&{body.device}->resets)"), c.Blank())
        if spec.reset_prepare:
            _guard(body, tables)
            _reset_steps(body, spec.reset_prepare)
        found.append(_reset_function(body, "reset_prepare"))
    if spec.migration or spec.reset_done or keeps_prepared(spec) or has_emulated_reset(spec):
        body = _reset_body(lowering)
        if has_emulated_reset(spec):
            body.add(_reset_emulation(body), c.Blank())
        counts = bool(spec.migration or ready_command(spec))
        last = spec.reset_done and all(
            v.uses("lifecycle") for v in spec.variants if v.uses("migration") or v.uses("regions")
        )
        if counts and not last:
            _count(body)
        _undo_prepared(body)
        if spec.reset_done:
            _guard(body, tables)
            _reset_steps(body, spec.reset_done)
        if counts and last:
            _count(body)
        found.append(_reset_function(body, "reset_done"))
    return tuple(found)


def _reset_emulation(body: Body) -> c.Stmt:
    call = c.Expr(f"{body.names.prefix}_reset_emulation({body.device})")
    config = symbol_of_section(body.lowering.spec, "config-space", "regions")
    return c.If(is_enabled(config), (call,)) if config else call


_BEGUN = "The count is odd until the reset is done: who wants to know of the state waits for that."
_COUNTED = (
    "This runs under memory_lock, which a page fault takes while a user copy holds the driver's mutexes. "
    "So the reset is only counted here."
)


def _count(body: Body) -> None:
    """Append what counts a reset: last, since what is done before it is over may be lost."""
    body.add(c.Comment(_COUNTED), c.Expr(f"atomic_inc(&{body.device}->resets)"))
    if body.lowering.spec.migration:
        body.add(
            c.Comment("Who goes to sleep now sees the count."),
            c.Expr("smp_mb__after_atomic()"),
            c.Expr(f"wake_up_var(&{body.device}->resets)"),
        )
    body.add(c.Blank())


def _reset_body(lowering: Lowering) -> Body:
    prefix = lowering.names.prefix
    body = Body(lowering, lowering.scope.in_reset(), prefix, core="pdev", silent=True)
    body.local(f"{lowering.names.device} *", prefix, f"{prefix}_from_pci(pdev)")
    return body


def _guard(body: Body, tables: tuple[str, ...]) -> None:
    """Leave devices alone whose variant doesn't use the lifecycle."""
    variants = body.lowering.spec.variants
    pairs = zip(variants, tables, strict=True) if variants else ()
    living = [(variant, table) for variant, table in pairs if variant.uses("lifecycle")]
    if len(living) < len(variants):
        tests = (_is_other(body, variant, table) for variant, table in living)
        body.add(c.If(" && ".join(tests), (c.Return(),)), c.Blank())


def _is_other(body: Body, variant: m.Variant, table: str) -> str:
    """Return the test that a device isn't of a variant, whose table may be under a symbol."""
    test = f"{body.device}->core_device.vdev.ops != &{table}"
    return f"(!{is_enabled(variant.config.text)} || {test})" if variant.config else test


def _reset_steps(body: Body, steps: tuple[m.Step, ...]) -> None:
    """Append what nobody hears the errors of but the reader of the kernel's log."""
    for step in steps:
        run = body.lowering.analysis.action(step.formula, body.scope) if step.verb == "do" else None
        if step.note:
            body.add(c.Comment(step.note.text))
        if step.verb == "poll":
            _reset_poll(body, step)
            continue
        if run is None or not can_fail(run.command):
            body.undo([step])
            continue
        said = c_string(f"{run.command.name} failed: %d\n")
        body.add(
            c.Expr(f"{body.ret()} = {body.invocation(run)}"),
            c.If("ret", (c.Expr(f"pci_err(pdev, {said}, ret)"),)),
            c.Blank(),
        )


def _reset_poll(body: Body, step: m.Step) -> None:
    """Append a wait; what it has achieved is undone after the reset, and nothing if it was in vain."""
    typed = body.lowering.analysis.condition(step.formula, body.scope)
    if typed is None:
        return
    said = c_string("the reset isn't prepared, and goes on\n")
    call = body.poll_call(typed, step.every or 0, str(step.limit or 0))
    body.add(c.If(call, (c.Expr(f"pci_err(pdev, {said})"), c.Return())), c.Blank())
    if step.undo:
        body.add(c.Expr(f"{body.device}->reset_prepared = true"))


def _undo_prepared(body: Body) -> None:
    """Append what takes back a wait of reset-prepare that wasn't in vain."""
    undo = [one for step in body.lowering.spec.reset_prepare for one in step.undo]
    if undo:
        flag = f"{body.device}->reset_prepared"
        inner = body.apart(lambda: body.undo(undo))
        body.add(c.If(flag, (*inner, c.Expr(f"{flag} = false"))), c.Blank())


def _reset_function(body: Body, name: str) -> Function:
    return function("void", f"{body.names.prefix}_{name}", ["struct pci_dev *pdev"], body.lines)


def has_init(spec: m.Spec) -> bool:
    """Tell whether the device's init and release do more than the core's."""
    valued = any(kept.value and kept.at == "init" for kept in spec.context)
    return bool(
        spec.migration
        or spec.init
        or spec.events
        or spec.probe
        or valued
        or spec.config_blocks
        or spec.memory_blocks
        or spec.memories
        or prepares_core(spec)
        or (spec.provider and spec.provider.is_kept)
    )


def has_close(spec: m.Spec) -> bool:
    """Tell whether closing does more than the core's close."""
    return bool(spec.migration or any(step.undo for step in spec.open) or has_region_close(spec))


def _set_pci_ops(body: Body, kernel: Kernel) -> None:
    """The core exports BARs as dma-bufs only with these."""
    if any(region.dma_buf for region in body.lowering.spec.memories) and kernel.has("dmabuf-ops"):
        body.add(c.Expr(f"{body.device}->core_device.pci_ops = &{body.names.prefix}_pci_ops"))


def _init(lowering: Lowering, kernel: Kernel, flags: tuple[str, ...]) -> _Made:
    body = _body(lowering)
    # The core sets core_device.pdev only in its own init, which comes after the declarations.
    body.pdev_source = "to_pci_dev(core_vdev->dev)"
    if prepares_core(lowering.spec):
        body.add(c.Expr(f"{body.names.prefix}_prepare_core(&{body.device}->core_device)"))
    body.attempt("vfio_pci_core_init_dev(core_vdev)")
    body.unwinding.append(("err_core", (c.Expr("vfio_pci_core_release_dev(core_vdev)"),)))
    _get_provider(body)
    find_structures(body)
    _set_context(body)
    body.add(c.Blank())
    for step in lowering.spec.init:
        body.step(step)
        body.add(c.Blank())
    if lowering.spec.probe:
        body.attempt(f"{body.names.prefix}_probe_device({body.device})")
    set_memories(body)
    _set_pci_ops(body, kernel)
    if flags:
        _arm_migration(body, flags)
    body.add(c.Blank())
    register_events(body)
    body.finish(*_give_back(body))
    return _Made("int", "init", body.lines)


def _get_provider(body: Body) -> None:
    provider = body.lowering.spec.provider
    if provider is None or not provider.is_kept:
        return
    analysis, scope = body.lowering.analysis, body.lowering.scope
    call = analysis.call(provider.get, scope)
    if call is None:
        return
    name = c_name(provider.handle.text)
    body.local(call.type.c, name)
    body.checked_call(call, name)
    body.add(c.Expr(f"{body.device}->{name} = {name}"))
    put = analysis.call(provider.put, scope)
    if put is not None:
        body.unwinding.append(("err_put", (c.Expr(body.kernel_call(put)),)))


def _give_back(body: Body) -> tuple[c.Stmt, ...]:
    """Return the end of init where the parent's handle is only borrowed for it."""
    provider = body.lowering.spec.provider
    if provider is None or provider.hold != "init":
        return ()
    put = body.lowering.analysis.call(provider.put, body.lowering.scope)
    return (c.Expr(body.kernel_call(put)), c.Return("0")) if put is not None else ()


def _set_context(body: Body) -> None:
    valued = [kept for kept in body.lowering.spec.context if kept.value and kept.at == "init"]
    for kept in valued:
        typed = body.lowering.analysis.value(kept.value, body.scope)
        if typed is not None:
            body.add(c.Expr(f"{body.device}->{c_name(kept.name.text)} = {body.value(typed)}"))


def _arm_migration(body: Body, flags: tuple[str, ...]) -> None:
    device = body.device
    body.add(
        c.Expr(f"mutex_init(&{device}->state_mutex)"),
        c.Expr(f"{device}->mig_state = VFIO_DEVICE_STATE_RUNNING"),
        c.Expr(f"core_vdev->migration_flags = {' | '.join(flags)}"),
        c.Expr(f"core_vdev->mig_ops = &{device}_migration_ops"),
    )
    if body.lowering.spec.migration and body.lowering.spec.migration.stream.background:
        body.add(c.Expr(f"INIT_WORK(&{device}->save_work, {device}_save_work)"))
    body.unwinding.append(("err_mutex", (c.Expr(f"mutex_destroy(&{device}->state_mutex)"),)))


def _release(lowering: Lowering) -> _Made:
    spec = lowering.spec
    body = _body(lowering)
    unregister_events(body)
    release_memories(body)
    for step in reversed(spec.init):
        body.take_back(step)
    release_structures(body)
    if spec.provider and spec.provider.hold == "device":
        put = lowering.analysis.call(spec.provider.put, lowering.scope)
        if put is not None:
            body.add(c.Expr(body.kernel_call(put)))
    if spec.migration:
        body.add(c.Expr(f"mutex_destroy(&{body.device}->state_mutex)"))
    body.add(c.Expr("vfio_pci_core_release_dev(core_vdev)"))
    return _Made("void", "release", body.lines)


def _open(lowering: Lowering, kernel: Kernel) -> _Made:
    body = _body(lowering) if is_private(lowering.spec) else _plain_body(lowering)
    core = f"&{body.device}->core_device" if is_private(lowering.spec) else "vdev"
    body.attempt(f"vfio_pci_core_enable({core})")
    body.unwinding.append(("err_disable", (c.Expr(f"vfio_pci_core_disable({core})"),)))
    for bar in bar_sizes(lowering):
        _map_bar(body, bar, kernel)
    settle_at_open(body)
    if lowering.spec.migration:
        _enter_running(body)
    open_regions(body, kernel)
    for step, following in pairwise((*lowering.spec.open, None)):
        if step is not None:
            body.step(step)
        if not (step and following and step.verb == following.verb == "set"):
            body.add(c.Blank())
    if reads_debugfs(lowering.spec):
        lock, unlock = (f"mutex_{verb}(&{body.device}->state_mutex)" for verb in ("lock", "unlock"))
        body.add(c.Expr(lock), c.Expr(f"{body.device}->opened = true"), c.Expr(unlock), c.Blank())
    body.add(c.Expr(f"vfio_pci_core_finish_enable({core})"))
    body.unwinding = body.unwinding if body.fails and _has_goto(body) else []
    body.finish()
    return _Made("int", "open_device", body.lines)


def _has_goto(body: Body) -> bool:
    return any(isinstance(statement, c.Goto) for statement in nested(body.statements))


def _enter_running(body: Body) -> None:
    device = body.device
    body.add(
        c.Expr(f"{device}_lock_state({device})"),
        c.Expr(f"{device}->mig_state = VFIO_DEVICE_STATE_RUNNING"),
        c.Expr(f"mutex_unlock(&{device}->state_mutex)"),
        c.Blank(),
    )


def _close(lowering: Lowering, kernel: Kernel) -> _Made:
    body = _body(lowering)
    device = body.device
    if lowering.spec.migration:
        body.add(
            c.Expr(f"{device}_lock_state({device})"),
            c.Expr(f"{device}_put_files({device})"),
            *((c.Expr(f"{device}->opened = false"),) if reads_debugfs(lowering.spec) else ()),
            c.Expr(f"mutex_unlock(&{device}->state_mutex)"),
            *_end_work(body, lowering.spec.migration),
            c.Blank(),
        )
    for step in reversed(lowering.spec.open):
        body.take_back(step)
    close_regions(body, kernel)
    body.add(c.Expr("vfio_pci_core_close_device(core_vdev)"))
    return _Made("void", "close_device", body.lines)


def _end_work(body: Body, migration: m.Migration) -> tuple[c.Stmt, ...]:
    """Return what waits for work that finds no file any more; it takes the state's lock itself."""
    work = c.Expr(f"cancel_work_sync(&{body.device}->save_work)")
    return (work,) if migration.stream.background else ()


def _map_bar(body: Body, bar: int, kernel: Kernel) -> None:
    device = body.device
    member = f"{device}->{body.names.bar(bar)}"
    size = bar_sizes(body.lowering)[bar]
    pdev = body.pdev()
    other = f"!(pci_resource_flags({pdev}, {bar}) & IORESOURCE_MEM)"
    short = f"pci_resource_len({pdev}, {bar}) < {size}"
    body.add(c.If(f"{other} || {short}", body.leave("-ENODEV")), c.Blank())
    if kernel.has("get-iomap"):
        body.add(c.Expr(f"{member} = vfio_pci_core_get_iomap(&{device}->core_device, {bar})"))
        body.add(c.If(f"IS_ERR({member})", body.leave(f"PTR_ERR({member})")), c.Blank())
        return
    if kernel.has("setup-barmap"):
        body.attempt(f"vfio_pci_core_setup_barmap(&{device}->core_device, {bar})")
    else:
        _map_by_hand(body, bar)
    body.add(c.Expr(f"{member} = {device}->core_device.barmap[{bar}]"), c.Blank())


def _map_by_hand(body: Body, bar: int) -> None:
    """The core unmaps and releases what it finds in barmap[] when it disables the device."""
    barmap = f"{body.device}->core_device.barmap[{bar}]"
    pdev = body.pdev()
    body.attempt(f"pci_request_selected_regions({pdev}, BIT({bar}), KBUILD_MODNAME)")
    release = c.Expr(f"pci_release_selected_regions({pdev}, BIT({bar}))")
    body.add(
        c.Comment("The core unmaps and releases what is in barmap[]."),
        c.Expr(f"{barmap} = pci_iomap({pdev}, {bar}, 0)"),
        c.If(f"!{barmap}", (release, *body.leave("-ENOMEM"))),
        c.Blank(),
    )


def is_private(spec: m.Spec) -> bool:
    """Tell whether the driver keeps anything of its own for each device."""
    return bool(
        spec.migration
        or spec.context
        or spec.registers
        or has_init(spec)
        or spec.open
        or has_resets(spec)
        or emulates(spec)
        or spec.regions
        or spec.capabilities
        or spec.device_features
        or spec.bar_access
    )


def reads_debugfs(spec: m.Spec) -> bool:
    """Tell whether a file in debugfs reads the device, which must be open then."""
    return bool(spec.migration and spec.migration.debugfs and spec.migration.debugfs.reads_device)


def keeps_prepared(spec: m.Spec) -> bool:
    """Tell whether the driver must know if a reset was prepared."""
    return any(step.undo for step in spec.reset_prepare)


def has_resets(spec: m.Spec) -> bool:
    """Tell whether the driver has handlers of resets of its own."""
    return bool(spec.migration or spec.reset_prepare or spec.reset_done or has_emulated_reset(spec))


def _body(lowering: Lowering) -> Body:
    prefix = lowering.names.prefix
    body = Body(lowering, lowering.scope, prefix)
    body.local(f"{lowering.names.device} *", prefix, f"{prefix}_from_vfio(core_vdev)")
    return body


def _plain_body(lowering: Lowering) -> Body:
    body = Body(lowering, lowering.scope, "vdev")
    init = "container_of(core_vdev, struct vfio_pci_core_device, vdev)"
    body.local("struct vfio_pci_core_device *", "vdev", init)
    return body
