# SPDX-License-Identifier: GPL-2.0-only
"""python -m tests.kernels: kernel trees for the tests and for `make`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence

from tests.kernels import build, tools, trees
from tests.kernels.cache import cache_root
from tests.kernels.errors import BuildError, UnavailableError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 1 when something can't be had, or 130 when it was stopped."""
    options = _parser().parse_args(arguments)
    if options.tree:
        os.environ["VFIOGEN_TREES"] = ":".join(options.tree)
    command: Callable[[argparse.Namespace], None] = options.run
    try:
        command(options)
    except (BuildError, UnavailableError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:  # of the cache: no space, no permission
        sys.stderr.write(f"{error.filename or cache_root()}: {error.strerror or error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.kernels", description=__doc__)
    parser.add_argument("--tree", action="append", metavar="DIR", help="use this tree, fetch none")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, text in _COMMANDS:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("names", nargs="*", metavar="TREE", help=", ".join(trees.NAMES))
        command.set_defaults(run=run)
    return parser


def _each(options: argparse.Namespace, work: Callable[[str], Iterable[object]]) -> None:
    """Do the work for each named tree, or for all; of all, those that can't be had are left out."""
    known = [*trees.NAMES, *trees.further_names()]
    unknown = [name for name in options.names if name not in known]
    if unknown:
        raise UnavailableError(f"no tree is called {', '.join(unknown)}; there are {', '.join(known)}")
    for name in options.names or known:
        try:
            for line in work(name):
                print(line, flush=True)
        except UnavailableError as reason:
            if options.names:
                raise
            sys.stderr.write(f"{name} is left out: {reason}\n")


def _install(_options: argparse.Namespace) -> None:
    tools.install_tools()


def _fetch(options: argparse.Namespace) -> None:
    _each(options, lambda name: [_told(name, "prepared", build.prepare(trees.find_tree(name)))])


def _refresh(options: argparse.Namespace) -> None:
    _each(options, lambda name: [f"{name}: Linux {trees.refresh_tree(name).release}"])


def _build(options: argparse.Namespace) -> None:
    _each(options, lambda name: [_told(name, "built", build.build(trees.find_tree(name)))])


def _path(options: argparse.Namespace) -> None:
    _each(options, lambda name: [build.prepare(trees.find_tree(name)).directory])


def _prune(options: argparse.Namespace) -> None:
    _each(options, lambda name: [f"removed {path}" for path in build.remove_others(trees.find_tree(name))])


def _told(name: str, what: str, prepared: build.Prepared) -> str:
    return f"{name}: Linux {prepared.tree.release}, {what} in {prepared.directory}"


_COMMANDS: tuple[tuple[str, Callable[[argparse.Namespace], None], str], ...] = (
    ("install", _install, "install the tools that are missing"),
    ("fetch", _fetch, "fetch the trees and prepare them for modules"),
    ("refresh", _refresh, "fetch newer versions of the trees"),
    ("build", _build, "build the kernels that modules are checked against"),
    ("path", _path, "print the directories that modules are built against"),
    ("prune", _prune, "remove builds for other configurations and compilers"),
)

if __name__ == "__main__":
    sys.exit(main())
