# SPDX-License-Identifier: GPL-2.0-only
"""Rendered drivers as programs of user space: the C as it is, what it includes, stubs of what it calls."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.golden.rendering import load, render
from vfiogen.check.channels import channel_scope
from vfiogen.check.events import notifier_scope
from vfiogen.diagnostics import Problems
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis
from vfiogen.plan.driver import DriverPlan, plan_driver
from vfiogen.plan.lower import Lowering
from vfiogen.plan.names import Names
from vfiogen.plan.specialise import specialise
from vfiogen.project import SpecFile
from vfiogen.records import Record

HERE = Path(__file__).parent
RUNTIME = HERE / "runtime"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
FLAGS = ("-std=gnu11", "-g1", "-O0", "-w", *SANITIZERS)
# Headers of parents, which are taken from the tree.
FOREIGN = re.compile(r"linux/(qat|pds)/|drm/|linux/nvme\.h")
INCLUDE = re.compile(r"^#\s*include <([^>]+)>", re.MULTILINE)


@dataclass(frozen=True)
class Driver:
    """A spec that migrates, for one kernel: its plan, what it is lowered with, and the rendered files."""

    name: str
    spec: m.Spec
    lowering: Lowering
    plan: DriverPlan
    files: dict[str, str]

    @property
    def main(self) -> str:
        """The text of main.c."""
        return self.files["main.c"]


def plan(file: SpecFile, kernel: Kernel) -> Driver | None:
    """Return the driver of a spec, or nothing if it doesn't migrate or not exist for the kernel."""
    [loaded] = load([file])
    files = render([file], kernel)
    directory = f"{loaded.directory}/"
    own = {name.removeprefix(directory): text for name, text in files.items() if name.startswith(directory)}
    if "main.c" not in own:
        return None
    spec = specialise(loaded.model, kernel)
    if spec.migration is None:
        return None
    lowering = Lowering(spec, Names(spec.driver.prefix.text), Analysis(spec, Problems()))
    return Driver(file.path.stem, spec, lowering, plan_driver(loaded.model, loaded.owner, kernel), own)


class Sound(Record):
    """What to listen to: functions whose calls count, and commands that have to be undone by others."""

    heard: frozenset[str]
    pairs: tuple[tuple[str, str], ...]


def build(driver: Driver, tree: Path, directory: Path, sound: Sound) -> Path:
    """Compile a driver with the stand-ins; return the program."""
    directory.mkdir(parents=True)
    for name, text in driver.files.items():
        (directory / name).write_text(text)
    _write_headers(driver, tree, directory / "include")
    unit = directory / "unit.c"
    unit.write_text(_unit(driver, sound))
    oracle = directory / "oracle.c"
    oracle.write_text(f'#include "stand_in.h"\n{next_state(tree)}\n')
    include = ("-I", directory / "include", "-I", RUNTIME, "-I", directory)
    program = directory / "play"
    hooks = [directory / hook for hook in driver.plan.hooks]
    plain = [RUNTIME / "stand_in.c", oracle, *hooks]
    objects = [_compile(source, directory, include) for source in plain]
    objects.append(_compile(unit, directory, (*include, "-finstrument-functions")))
    _run("gcc", *SANITIZERS, "-o", program, *objects)
    return program


def next_state(tree: Path) -> str:
    """Return the kernel's own vfio_mig_get_next_state()."""
    text = (tree / "drivers/vfio/vfio_main.c").read_text()
    found = re.search(r"^int vfio_mig_get_next_state\(.*?^}", text, re.MULTILINE | re.DOTALL)
    assert found, "the tree's vfio_main.c has no vfio_mig_get_next_state()"
    return found.group()


def _compile(source: Path, directory: Path, flags: tuple[object, ...]) -> Path:
    made = directory / f"{source.stem}.o"
    _run("gcc", *FLAGS, *flags, "-c", "-o", made, source)
    return made


def _run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _write_headers(driver: Driver, tree: Path, include: Path) -> None:
    """Make every header lead to the stand-ins, but the parent's."""
    include.mkdir()
    (include / "uapi-vfio.h").write_text((tree / "include/uapi/linux/vfio.h").read_text())
    texts = "\n".join([*driver.files.values(), "#include <linux/ioctl.h>"])
    waiting = set(INCLUDE.findall(texts))
    while waiting:
        name = waiting.pop()
        path = include / name
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if FOREIGN.match(name):
            path.write_text((tree / "include" / name).read_text())
            waiting |= set(INCLUDE.findall(path.read_text()))
        elif name in driver.plan.driver.headers:
            path.write_text(f'#include "stand_in.h"\n{_parent(driver)}\n')
        else:
            path.write_text('#include "stand_in.h"\n')


def _parent(driver: Driver) -> str:
    """Return the lines that include what a driver's parent is made of, once."""
    extra = HERE / "parents" / f"{driver.name}.h"
    lines = f'#ifndef MACHINE_PARENT\n#define MACHINE_PARENT\n#include "{extra}"\n#endif'
    return lines if extra.exists() else ""


def _unit(driver: Driver, sound: Sound) -> str:
    """Return the program: the parent, the driver and what plays paths through it."""
    prefix = driver.spec.driver.prefix.text
    migration = driver.plan.migration
    assert migration is not None
    commands = {function.name for function in driver.plan.driver.commands}
    functions = sorted(name for name in sound.heard | commands if _defines(driver, name))
    listed = "".join(f'\t{{ (void *){name}, "{name}" }},\n' for name in functions)
    heads = dict.fromkeys([*driver.plan.driver.headers])
    events = [
        f"\t{{ {at}, {handler.event.text} }},"
        for at, notifier in enumerate(driver.spec.events)
        for handler in notifier.handlers
    ]
    known = _known()
    pairs = [pair for pair in sound.pairs if not known & set(pair)]
    states = sum(1 << number for number in _states(driver))
    return "\n".join(
        [
            '#include "stand_in.h"',
            *(f"#include <{head}>" for head in heads if FOREIGN.match(head)),
            _parent(driver),
            "#ifndef LOAD_LENGTH\n#define LOAD_LENGTH 0\n#endif",
            "#ifndef MACHINE_GET\n#define MACHINE_GET(handle) (handle)\n#endif",
            *_stubs(driver),
            '#include "main.c"',
            f"#define DEVICE struct {prefix}_device",
            f"#define MIGRATION_FLAGS ({' | '.join(migration.flags)})",
            f"#define MIGRATION_STATES {states:#x}",
            f"#define STATE_TAG {_tag(driver.spec)}",
            f"#define IS_VIRTUAL {int(driver.plan.driver.function != 'pf')}",
            "static const struct { void *function; const char *name; } logged_functions[] = {",
            f"{listed}\t{{ NULL, NULL }},\n}};",
            "static const struct { int notifier; unsigned long event; } events[] = {",
            *events,
            "\t{ 0, 0 },\n};",
            '#include "play.c"',
            "struct pair pairs[] = {",
            *(f'\t{{ "{name}", "{undo}", 0 }},' for name, undo in pairs),
            "\t{ NULL, NULL, 0 },\n};",
            "",
        ]
    )


def _tag(spec: m.Spec) -> int:
    """Return the tag of the records that have the device's state, or a negative number without records."""
    records = spec.migration.stream.records if spec.migration else ()
    return records[0].tag.value if records else -1


def _defines(driver: Driver, name: str) -> bool:
    return bool(re.search(rf"^(static )?\w[^;\n]*\b{name}\(", driver.main, re.MULTILINE))


def _states(driver: Driver) -> Iterator[int]:
    """Yield the numbers of the states that a device with its features has."""
    migration = driver.spec.migration
    assert migration is not None
    p2p, pre_copy = migration.has("p2p"), migration.has("pre-copy")
    yield from (1, 2, 3, 4)
    if p2p:
        yield 5
    if pre_copy:
        yield 6
    if p2p and pre_copy:
        yield 7


def _stubs(driver: Driver) -> Iterator[str]:
    """Yield a macro for each function of the kernel that the spec calls and the stand-ins don't have."""
    known = _known()
    for call, role in kernel_calls(driver):
        if call.function not in known:
            known.add(call.function)
            yield f"#ifndef {call.function}\n{_stub(driver, call, role)}\n#endif"


def _known() -> set[str]:
    """Return the functions that the stand-ins have."""
    return set(re.findall(r"\b(\w+)\(", (RUNTIME / "stand_in.h").read_text()))


def kernel_calls(driver: Driver) -> Iterator[tuple[t.KernelFunction, str]]:
    """Yield the calls of a spec, and what each is for."""
    spec, lowering = driver.spec, driver.lowering
    analysis, scope = lowering.analysis, lowering.scope
    found: list[tuple[t.KernelFunction | None, str]] = []
    if spec.provider:
        found.append((analysis.call(spec.provider.get, scope), "get"))
        if spec.provider.put:
            found.append((analysis.call(spec.provider.put, scope), "put"))
    for notifier in spec.events:
        inner = notifier_scope(spec, notifier)
        found.append((analysis.call(notifier.register, inner), "register"))
        found.append((analysis.call(notifier.unregister, inner), "unregister"))
    for command in spec.commands:
        if command.bodies[0].call:
            found.append((analysis.call(command.bodies[0].call, scope.within(command)), "command"))
    for channel in spec.channels:
        found.append((analysis.call(channel.call, channel_scope(spec, channel)), "channel"))
    yield from ((call, role) for call, role in found if call)


def _stub(driver: Driver, call: t.KernelFunction, role: str) -> str:
    name = call.function
    names = [f"a{at}" for at in range(len(call.arguments))]
    head = f"#define {name}({', '.join(names)})"
    if role in ("register", "unregister"):
        pairs = zip(names, call.arguments, strict=True)
        notifier = next(n for n, a in pairs if getattr(a, "name", "") == "notifier")
        return f'{head} machine_{role}("{name}", {notifier})'
    provider = driver.spec.provider
    borrowed = provider is not None and provider.hold == "init"
    if role == "put" and borrowed:
        return f'{head} machine_return("{name}", (void *)({names[0]}))'
    if role == "put":
        return f'{head} machine_put("{name}", (void *)({names[0]}))'
    if role == "get" and borrowed:
        return f'{head} (({call.type.c})machine_borrow("{name}"))'
    held = provider is not None and provider.put is not None and not borrowed
    handles = [n for n, a in zip(names, call.arguments, strict=True) if isinstance(a, t.Handle)]
    touched = [f"*(volatile char *)({handle})" for handle in handles]
    used = "".join(f"{text}, " for text in [*(f"(void)({n})" for n in names), *(touched if held else [])])
    return f"{head} ({used}{_answer(call, role, held, names)})"


def _answer(call: t.KernelFunction, role: str, held: bool, names: list[str]) -> str:
    name, kind = f'"{call.function}"', call.type.c
    if kind.endswith("*"):
        handle = f"({kind})machine_pointer({name}, 8192, {int(held and role == 'get')})"
        handle = f"({handle} ?: ({kind})ERR_PTR(-EIO))" if call.failure == "errno" else handle
        return f"MACHINE_GET({handle})" if role == "get" else handle
    if kind == "void":
        return f"machine_errno({name})" if call.failure == "errno" else f"machine_void({name})"
    if kind == "bool":
        return f"machine_bool({name})"
    most = (n for n, a in zip(names, call.arguments, strict=True) if getattr(a, "name", "") == "count")
    return f"machine_number({name}, {next(most, 16)})"
