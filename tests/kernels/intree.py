# SPDX-License-Identifier: GPL-2.0-only
"""Rendered drivers laid into a kernel's drivers/vfio/pci, configured and built there.

The tree itself is never touched: a forest of symbolic links stands in for it, in which the
Kconfig and the Makefile of drivers/vfio/pci are files of their own.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.kernels.build import make_command, require_clean
from tests.kernels.cache import locked
from tests.kernels.config import IN_TREE, LAB, S390, Setting, built_in, configure, read_fragment
from tests.kernels.errors import UnavailableError
from tests.kernels.progress import clean_environment, run_logged, step
from tests.kernels.tools import S390_COMPILER, Tool, require_tools
from tests.kernels.trees import Tree

PARENT = "drivers/vfio/pci"
PLACE = f"{PARENT}/vfiogen"
_SYMBOL = re.compile(r"^[ \t]*(?:menu)?config[ \t]+(\w+)[ \t]*$", re.MULTILINE)
_SOURCE = re.compile(r'\s*source\s+"([^"]+)"\s*')
_GUARD = re.compile(r"\s*(?:obj|vfio-pci-core)-\$\(CONFIG_(\w+)\)\s*\+=")
_OF_CORE = re.compile(r"vfio-pci-core-.*")
_VARIANT = re.compile(r"CONFIG_\w+_VFIO_PCI")
_VALUE = re.compile(r"^(?:CONFIG_(\w+)=(.*)|# CONFIG_(\w+) is not set)$", re.MULTILINE)
_KCONFIG = re.compile(r"\bwarning:|\berror:|unmet direct dependencies|^\*\*\*", re.IGNORECASE)
_COMPILER = re.compile(r"(?:^|[\s:])(?:fatal )?(?:warning|error):", re.IGNORECASE)
_OPTION = re.compile(r"^config (\w+)\n\tbool\b", re.MULTILINE)
_Made = subprocess.CompletedProcess[str]
_STRICT = {"KCONFIG_WERROR": "1", "KCONFIG_WARN_UNKNOWN_SYMBOLS": "1"}


@dataclass(frozen=True)
class Machine:
    """What is built for: its name in the cache, its settings, what is built, and what that takes."""

    name: str
    settings: Callable[[Tree], tuple[Setting, ...]]
    goal: str
    variables: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True)
class InTreeBuild:
    """What a configuration built, as objects relative to the image: of modules and built in.

    `values` holds each symbol of the image as it came out: y, m, n or a text.
    """

    status: int
    values: Mapping[str, str]
    modules: tuple[str, ...]
    built_in: tuple[str, ...]
    kconfig: tuple[str, ...]
    compiler: tuple[str, ...]
    log: str

    @property
    def findings(self) -> tuple[str, ...]:
        """Every warning and error; a build without any that failed shows its log."""
        found = (*self.kconfig, *self.compiler)
        return found or ((self.log,) if self.status else ())


@dataclass(frozen=True)
class InTree:
    """A forest with an image laid in, and the output directory that goes with it.

    `base` is the configuration that everything but the image has: the lab's, nothing a module. `symbols` are
    the image's, `options` those of them that can't be m.
    """

    forest: Path
    out: Path
    base: tuple[str, ...]
    symbols: tuple[str, ...]
    options: tuple[str, ...]
    machine: Machine

    @property
    def drivers(self) -> tuple[str, ...]:
        """The symbols that can be m."""
        return tuple(symbol for symbol in self.symbols if symbol not in self.options)

    def configure(self, values: Mapping[str, str]) -> InTreeBuild:
        """Set symbols (without CONFIG_) to y, m, n or a text, and build nothing.

        Warnings of Kconfig are errors, unmet dependencies included.
        """
        return self._outcome(self._set(values), None)

    def build(self, values: Mapping[str, str], *variables: str) -> InTreeBuild:
        """Set symbols as `configure` does, and build; the compiler's warnings are errors as well."""
        shutil.rmtree(self.out / PLACE, ignore_errors=True)
        configured = self._set(values)
        built = self._make(self.machine.goal, *variables) if configured.returncode == 0 else None
        return self._outcome(configured, built)

    def _set(self, values: Mapping[str, str]) -> _Made:
        kept = [line for line in self.base if _symbol_of(line) not in values]
        lines = [*kept, *(_line(*one) for one in values.items())]
        (self.out / ".config").write_text("".join(f"{line}\n" for line in lines))
        return self._make("olddefconfig")

    def _outcome(self, configured: _Made, built: _Made | None) -> InTreeBuild:
        return InTreeBuild(
            (built or configured).returncode,
            self._values(),
            _objects_of_modules(self.out / PLACE) if built else (),
            _objects_built_in(self.out / PLACE) if built else (),
            _matching(configured.stdout, _KCONFIG),
            _matching(built.stdout, _COMPILER) if built else (),
            configured.stdout + (built.stdout if built else ""),
        )

    def _values(self) -> dict[str, str]:
        found = _read_values((self.out / ".config").read_text())
        return {symbol: found.get(symbol, "n") for symbol in self.symbols}

    def _make(self, goal: str, *variables: str) -> _Made:
        with step(f"making {goal}"):
            return subprocess.run(
                make_command(self.forest, self.out, *self.machine.variables, *variables, goal),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=clean_environment(_STRICT),
                check=False,
            )


@contextlib.contextmanager
def laid_in(tree: Tree, image: Path, machine: Machine | None = None) -> Iterator[InTree]:
    """Lay an image of drivers/vfio/pci into a tree as its subdirectory vfiogen/.

    The image has Kconfig and Makefile, which name what is below it. Drivers of the tree that
    define one of its symbols are left out. Parts of the core take the places of those there. One
    caller at a time holds a tree. Without a `machine` it is the lab's.

    Raises UnavailableError.
    """
    if not tree.complete or tree.ready:
        raise UnavailableError(f"{tree.source} isn't the clean and whole source of a kernel")
    require_clean(tree.source)
    machine = machine or OF_LAB
    require_tools(*machine.tools)
    settings = machine.settings(tree)
    home = tree.work / f"intree-{machine.name}{_digest(settings)}"
    with locked(f"intree-{machine.name}{tree.work.name}"):
        base = _prepare(tree, home, settings, machine)
        symbols = _symbols(image)
        _lay(tree.source, home / "source", image, frozenset(symbols))
        try:
            yield InTree(home / "source", home / "build", base, symbols, _symbols(image, _OPTION), machine)
        finally:
            # The forest is of the kernel's own sources; nobody should take the image for one of them.
            (home / "source" / PLACE).unlink(missing_ok=True)


def _settings(tree: Tree) -> tuple[Setting, ...]:
    """Return the settings without variant drivers, all built in, warnings being errors."""
    chosen = [
        replace(one, value="y") if one.symbol == "CONFIG_WERROR" else one
        for one in (*read_fragment(LAB, tree.release), *read_fragment(IN_TREE, tree.release))
        if not _VARIANT.match(one.symbol)
    ]
    return built_in(chosen)


def _settings_s390(tree: Tree) -> tuple[Setting, ...]:
    return read_fragment(S390, tree.release)


OF_LAB = Machine("", _settings, f"{PLACE}/")
OF_S390 = Machine(
    "s390-",
    _settings_s390,
    f"{PARENT}/",
    ("ARCH=s390", "CROSS_COMPILE=s390x-linux-gnu-"),
    (S390_COMPILER,),
)


def _digest(settings: Iterable[Setting]) -> str:
    return hashlib.sha256("\n".join(one.line for one in settings).encode()).hexdigest()[:10]


def _prepare(tree: Tree, home: Path, settings: tuple[Setting, ...], machine: Machine) -> tuple[str, ...]:
    """Make the forest and its output directory once; return the lines of the configuration."""
    base = home / "base.config"
    if not base.exists():
        shutil.rmtree(home, ignore_errors=True)
        _plant(tree.source, home / "source")
        out = home / "build"
        title = f"Linux {tree.release}"
        configure(home / "source", out, settings, title, home / "log", *machine.variables)
        command = make_command(home / "source", out, *machine.variables, "prepare")
        run_logged(command, f"preparing to build in Linux {tree.release}", home / "log")
        shutil.copy(out / ".config", home / "base.partial")
        (home / "base.partial").rename(base)
    return tuple(base.read_text().splitlines())


def _plant(source: Path, forest: Path, below: str = PARENT) -> None:
    """Make `forest` of links to what `source` has, with directories of its own down to `below`."""
    head, _, rest = below.partition("/")
    forest.mkdir(parents=True)
    for path in source.iterdir():
        if path.name != head:
            (forest / path.name).symlink_to(path)
    if head:
        _plant(source / head, forest / head, rest)


def _lay(source: Path, forest: Path, image: Path, symbols: frozenset[str]) -> None:
    link = forest / PLACE
    link.unlink(missing_ok=True)
    link.symlink_to(image.absolute())
    _restore(source / PARENT, forest / PARENT)
    for part in image.glob("*.c"):
        _replace(forest / PARENT / part.name, part.read_text())
    _replace(forest / PARENT / "Kconfig", _with_image(source, symbols))
    _replace(forest / PARENT / "Makefile", _with_objects(source, symbols, image))


def _restore(source: Path, forest: Path) -> None:
    """Take back what an earlier image has replaced."""
    for own in forest.iterdir():
        if own.is_file() and not own.is_symlink():
            own.unlink()
            if (source / own.name).exists():
                own.symlink_to(source / own.name)


def _replace(own: Path, text: str) -> None:
    own.unlink(missing_ok=True)
    own.write_text(text)


def _with_image(source: Path, symbols: frozenset[str]) -> str:
    """Return the Kconfig of drivers/vfio/pci with the image's after its last source line."""
    lines = _without_entries((source / PARENT / "Kconfig").read_text(), symbols).splitlines()
    kept = [line for line in lines if not symbols & _defined_by(source, line)]
    last = max(at for at, line in enumerate(lines) if _SOURCE.fullmatch(line))
    after = len(lines) - last - 1
    at = len(kept) - after
    return "\n".join([*kept[:at], "", f'source "{PLACE}/Kconfig"', *kept[at:], ""])


def _without_entries(text: str, symbols: frozenset[str]) -> str:
    """Leave out entries of a Kconfig file itself: the image has those of its parts of the core."""
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    return "".join(one for one in entries if not symbols & set(_SYMBOL.findall(one)))


def _defined_by(source: Path, line: str) -> frozenset[str]:
    match = _SOURCE.fullmatch(line)
    return frozenset(_SYMBOL.findall((source / match[1]).read_text())) if match else frozenset()


def _with_objects(source: Path, symbols: frozenset[str], image: Path) -> str:
    lines = (source / PARENT / "Makefile").read_text().splitlines()
    kept = [line for line in lines if not (match := _GUARD.match(line)) or match[1] not in symbols]
    of_core = _OF_CORE.findall((image / "Makefile").read_text())
    return "\n".join([*kept, *of_core, "obj-y += vfiogen/", ""])


def _symbols(image: Path, defined: re.Pattern[str] = _SYMBOL) -> tuple[str, ...]:
    """Return every symbol that the image's Kconfig files define, sorted."""
    texts = (path.read_text() for path in image.rglob("Kconfig*"))
    return tuple(sorted({symbol for text in texts for symbol in defined.findall(text)}))


def _line(symbol: str, value: str) -> str:
    return Setting(f"CONFIG_{symbol}", value).line


def _symbol_of(line: str) -> str:
    match = _VALUE.match(line)
    return (match[1] or match[3]) if match else ""


def _read_values(text: str) -> dict[str, str]:
    return {one[1] or one[3]: one[2] or "n" for one in _VALUE.finditer(text)}


def _matching(output: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    return tuple(line for line in output.splitlines() if pattern.search(line))


def _objects_of_modules(place: Path) -> tuple[str, ...]:
    orders = place.rglob("modules.order")
    lines = {line for order in orders for line in order.read_text().split()}
    # Older kernels name the .ko, which isn't made here; newer ones the object.
    objects = (str(Path(line).with_suffix(".o")) for line in lines)
    return tuple(sorted(path.partition(f"{PLACE}/")[2] for path in objects))


def _objects_built_in(place: Path) -> tuple[str, ...]:
    archive = place / "built-in.a"
    if not archive.exists():
        return ()
    listed = subprocess.run(["ar", "t", archive], capture_output=True, text=True, check=True).stdout.split()
    return tuple(sorted(line.partition(f"{PLACE}/")[2] or line for line in listed))
