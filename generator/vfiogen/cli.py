# SPDX-License-Identifier: GPL-2.0-only
"""The command line: arguments, exit status, and what becomes of errors.

Everything else is imported when it is needed: `--help` should cost what argparse costs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import NamedTuple, NoReturn

from vfiogen import __version__

DONE, WRONG, USAGE, FAULT, INTERRUPTED = 0, 1, 2, 70, 130

_DESCRIPTION = """\
Renders Linux vfio-pci variant drivers (C, Kconfig, Makefile) from YAML descriptions of devices.
"""

_EPILOG = """\
exit status:
  0   done
  1   a spec or the output is wrong; standard error says where
  2   wrong usage
  70  a fault of vfiogen itself

`vfiogen COMMAND --help` has examples.
"""

_SPECS_HELP = "a spec file, a directory of specs, or a driver's name (default: specs/*/*.yaml)"


class _Command(NamedTuple):
    """A command: its module is vfiogen.commands.<name>."""

    name: str
    summary: str
    description: str
    examples: str
    add_arguments: Callable[[argparse.ArgumentParser], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; never raises for what a person did."""
    _make_streams_safe()
    try:
        arguments = _parser().parse_args(argv)
        status = _run(arguments)
        sys.stdout.flush()
    except SystemExit as stop:  # from argparse, after --help or wrong usage
        return stop.code if isinstance(stop.code, int) else USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return WRONG
    except Exception as error:
        # While a class is made, Python 3.11 wraps what stops it.
        return INTERRUPTED if isinstance(error.__cause__, KeyboardInterrupt) else _internal_error(error)
    return status


def _run(arguments: argparse.Namespace) -> int:
    from vfiogen.console import Console
    from vfiogen.diagnostics import VfiogenError

    console = Console(sys.stdout, sys.stderr, os.environ)
    try:
        command = import_module(f"vfiogen.commands.{arguments.command}")
        status: int = command.run(arguments, console)
    except VfiogenError as error:
        console.show([error.problem], getattr(arguments, "format", "human"))
        status = error.status
    return status


def _drop_output() -> None:
    """Point standard output, which nobody reads any more, to where flushing it can't fail."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = None


def _make_streams_safe() -> None:
    """Let a terminal that can't show a character show an escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


def _internal_error(error: Exception) -> int:
    if os.environ.get("VFIOGEN_DEBUG") == "1":
        import traceback

        traceback.print_exc()
    text = " ".join(str(error).split())
    print(
        f"vfiogen: internal error: {type(error).__name__}: {text}; please report it"
        " (VFIOGEN_DEBUG=1 shows where)",
        file=sys.stderr,
    )
    return FAULT


class _Parser(argparse.ArgumentParser):
    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End after --help, --version or an error; what was printed is out before that."""
        sys.stdout.flush()
        super().exit(status, message)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and where help is, in two lines."""
        self.exit(USAGE, f"{self.prog}: {message}\ntry `{self.prog} --help`\n")


@cache
def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="vfiogen",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"vfiogen {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        sub = commands.add_parser(
            command.name,
            help=command.summary,
            description=command.description,
            epilog=f"examples:\n{command.examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(sub)
    return parser


def _add_specs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("specs", nargs="*", metavar="SPEC", help=_SPECS_HELP)


def _add_kernel(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--kernel",
        action="append",
        metavar="REL",
        help="a kernel release such as 6.12.95; may be given several times"
        " (default: targets in pyproject.toml, under [tool.vfiogen])",
    )
    group.add_argument(
        "--kernel-dir",
        metavar="DIR",
        help="a kernel source tree, an output directory or a headers package,"
        " which is probed for what it offers",
    )


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", help="write DIR/<kernel>/ instead of out/<kernel>/")


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("human", "json", "github"),
        default="human",
        help="how problems are printed (default: human)",
    )


def _add_check_arguments(parser: argparse.ArgumentParser) -> None:
    _add_specs(parser)
    _add_kernel(parser)
    _add_format(parser)


def _add_generate_arguments(parser: argparse.ArgumentParser) -> None:
    _add_specs(parser)
    _add_kernel(parser)
    _add_out(parser)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; show a diff and exit with 1 if the output is stale",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite generated files that were edited by hand"
    )


def _add_diff_arguments(parser: argparse.ArgumentParser) -> None:
    _add_specs(parser)
    _add_kernel(parser)
    _add_out(parser)


def _add_build_arguments(parser: argparse.ArgumentParser) -> None:
    _add_specs(parser)
    parser.add_argument(
        "--kernel-dir",
        metavar="DIR",
        help="a prepared kernel source tree, an output directory or a headers package"
        " (default: the newest headers on the machine)",
    )
    parser.add_argument("--out", metavar="DIR", help="build in DIR/<kernel>/ instead of build/<kernel>/")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="how many files to compile at a time")


def _add_new_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the driver is called, such as acme")
    parser.add_argument("--id", action="append", metavar="VENDOR:DEVICE", help="a PCI ID; may be repeated")
    parser.add_argument("--title", metavar="TEXT", help="what the device is, in a few words")
    parser.add_argument("--author", metavar="TEXT", help="MODULE_AUTHOR (default: who git knows you as)")
    parser.add_argument("--vf", action="store_true", help="the device is a virtual function")
    parser.add_argument("--migration", action="store_true", help="begin with a migration of registers")
    parser.add_argument("--hooks", action="store_true", help="write the hook sources that a spec lacks")


def _add_compat_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", help="the spec of the old driver; with --git, of both")
    parser.add_argument("new", metavar="NEW", nargs="?", help="the spec of the new driver")
    parser.add_argument(
        "--git",
        metavar="REV",
        help="compare one spec at a git revision with its file, or at the two of REV..REV",
    )
    _add_format(parser)


def _add_doc_arguments(parser: argparse.ArgumentParser) -> None:
    _add_specs(parser)
    parser.add_argument("--out", metavar="DIR", help="write the pages and their pictures there")


def _add_explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "code", nargs="?", metavar="CODE", help="what a message has in brackets (default: list all)"
    )


def _add_probe_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device", metavar="BDF", help="the PCI address of the device, such as 0000:03:00.0")


_COMMANDS = (
    _Command(
        "check",
        "report all problems of specs",
        "Reports all problems of specs, each with its place, what is allowed, and what was\n"
        "probably meant. Writes nothing.",
        "  vfiogen check\n"
        "  vfiogen check specs/edu/edu.yaml --kernel 6.12.95\n"
        "  vfiogen check edu --kernel-dir /lib/modules/$(uname -r)/build\n"
        "  vfiogen check --format github",
        _add_check_arguments,
    ),
    _Command(
        "generate",
        "write the drivers that specs describe",
        "Writes the drivers that specs describe to out/<kernel>/, an image of\n"
        "drivers/vfio/pci. Only files that change are written; files of specs that are gone\n"
        "are removed, files of others are never touched. If a spec has a problem, nothing is\n"
        "written at all.",
        "  vfiogen generate\n"
        "  vfiogen generate edu --kernel 6.12.95 --kernel 7.1.2\n"
        "  vfiogen generate --kernel-dir ~/linux --out /tmp/drivers\n"
        "  vfiogen generate --check",
        _add_generate_arguments,
    ),
    _Command(
        "diff",
        "show what generate would change",
        "Shows a unified diff from the files on disk to what generate would write. Exits\n"
        "with 1 if there is a difference.",
        "  vfiogen diff\n  vfiogen diff edu --kernel 6.12.95",
        _add_diff_arguments,
    ),
    _Command(
        "build",
        "render for a kernel and compile the modules",
        "Renders drivers for a kernel, runs kbuild in build/<kernel>/ and lists the modules.\n"
        "Drivers that the kernel can't have are left out, with the reason.",
        "  vfiogen build\n"
        "  vfiogen build edu --kernel-dir /usr/src/linux-headers-6.12.95-amd64\n"
        "  vfiogen build --kernel-dir ~/linux --out /tmp/modules",
        _add_build_arguments,
    ),
    _Command(
        "new",
        "write a first spec, or stubs of its hooks",
        "Writes specs/NAME/NAME.yaml, commented and ready for `vfiogen check`. Asks for what\n"
        "isn't given, if a person is there to answer. With --hooks it writes a first version\n"
        "of every hand-written source that the spec NAME names and that isn't there.",
        "  vfiogen new acme --id 1234:11e8 --title 'ACME accelerator'\n"
        "  vfiogen new acme --id 1234:11e8 --id 1234:11e9 --vf --migration\n"
        "  vfiogen new acme --hooks",
        _add_new_arguments,
    ),
    _Command(
        "probe",
        "say what a VFIO user sees of a device",
        "Opens a device that is bound to a VFIO driver and lists its regions with their\n"
        "capabilities, its interrupts, the features that it supports, and the state of its\n"
        "migration. Nothing of the device is changed, but opening and closing it may reset\n"
        "it, as with any user.",
        "  vfiogen probe 0000:03:00.0",
        _add_probe_arguments,
    ),
    _Command(
        "compat",
        "say whether migration data survives a change of a spec",
        "Says whether a migration stream that the driver of one spec saved loads in that of\n"
        "another, and the other way round, and which change breaks it. Exits with 1 if it is\n"
        "refused or misread either way. What only the parent understands is the parent's to\n"
        "keep compatible.",
        "  vfiogen compat old/edu.yaml specs/edu/edu.yaml\n"
        "  vfiogen compat --git HEAD~1 edu\n"
        "  vfiogen compat --git v1.0..v2.0 specs/edu/edu.yaml --format json",
        _add_compat_arguments,
    ),
    _Command(
        "doc",
        "document the migration of drivers for reviewers",
        "Says in reStructuredText how the state of a device is composed, consumed and\n"
        "validated, what isn't migrated and why, and what is done on each arc of the state\n"
        "machine. With --out also as pictures beside the pages, for the kernel's\n"
        "documentation.",
        "  vfiogen doc edu\n  vfiogen doc edu qat --out Documentation/driver-api/migration",
        _add_doc_arguments,
    ),
    _Command(
        "explain",
        "say what an error means",
        "Says what the code of an error means, why it is an error, and how to write it right.",
        "  vfiogen explain arc-missing\n  vfiogen explain",
        _add_explain_arguments,
    ),
)


if __name__ == "__main__":
    sys.exit(main())
