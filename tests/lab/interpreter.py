# SPDX-License-Identifier: GPL-2.0-only
"""This Python and vfiogen for the guest: the modules that `vfiogen probe` imports, and the libraries."""

from __future__ import annotations

import json
import py_compile
import re
import sys
from pathlib import Path

from tests.kernels.progress import output_of

_LIST = """\
import contextlib, ctypes, io, json, sys
from vfiogen.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    main(["probe", "nothing"])
print(json.dumps([sys.path, sorted(
    module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)
)]))
"""
_RUN = "import sys; sys.path[:0] = {path!r}; from vfiogen.cli import main; sys.exit(main(sys.argv[1:]))"
_LIBRARY = re.compile(r"(/\S+) \(0x")


def program() -> Path:
    """Return the interpreter, at the path that it has in the guest as well."""
    return Path(sys.executable).resolve()


def vfiogen_words(*arguments: str) -> tuple[str, ...]:
    """Return the words that run vfiogen in the guest."""
    path, _ = _modules()
    return (str(program()), "-S", "-E", "-c", _RUN.format(path=path), *arguments)


def interpreter_files(work: Path) -> dict[str, Path]:
    """Return files by their names in the guest. Compiled modules, which go to `work`, start faster."""
    _, modules = _modules()
    files = {str(program()): program()}
    for path in map(Path, modules):
        if path.suffix == ".py":
            files[str(path.with_suffix(".pyc"))] = _compile(path, work)
        else:
            files[str(path)] = path
    binaries = [path for path in files.values() if path.suffix != ".pyc"]
    return {**files, **{name: Path(name) for name in _LIBRARY.findall(_ldd(binaries))}}


def _modules() -> tuple[list[str], list[str]]:
    path, modules = json.loads(output_of([sys.executable, "-c", _LIST]))
    return path, modules


def _compile(path: Path, work: Path) -> Path:
    target = work / "modules" / f"{'_'.join(path.with_suffix('').parts[1:])}.pyc"
    py_compile.compile(str(path), str(target), doraise=True)
    return target


def _ldd(binaries: list[Path]) -> str:
    return output_of(["ldd", *binaries])
