# SPDX-License-Identifier: GPL-2.0-only
"""The tools that kernels and their checks need: what is missing, and how to get it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from tests.kernels.cache import cache_root
from tests.kernels.errors import BuildError, UnavailableError
from tests.kernels.progress import clean_environment, run_logged


@dataclass(frozen=True)
class Tool:
    """A command, or a header when it ends in .h, and the package that has it."""

    what: str
    package: str

    @property
    def present(self) -> bool:
        """Whether the machine has it."""
        if self.what.endswith(".h"):
            return _compiles(self.what)
        return shutil.which(self.what) is not None


NEEDED = (
    Tool("gcc", "gcc"),
    Tool("make", "make"),
    Tool("objcopy", "binutils"),
    Tool("flex", "flex"),
    Tool("bison", "bison"),
    Tool("bc", "bc"),
    Tool("perl", "perl"),
    Tool("cpio", "cpio"),
    Tool("xz", "xz-utils"),
    Tool("zstd", "zstd"),
    Tool("depmod", "kmod"),
    Tool("sparse", "sparse"),
    Tool("gelf.h", "libelf-dev"),
    Tool("openssl/opensslv.h", "libssl-dev"),
)
S390_COMPILER = Tool("s390x-linux-gnu-gcc", "gcc-s390x-linux-gnu")
OPTIONAL = (Tool("spatch", "coccinelle"), S390_COMPILER)


def missing_tools(tools: tuple[Tool, ...] = NEEDED) -> list[Tool]:
    """Return the tools that the machine lacks."""
    return [tool for tool in tools if not tool.present]


def require_tools(*more: Tool) -> None:
    """Raise UnavailableError, with the command that helps, when a needed tool is missing."""
    missing = missing_tools((*NEEDED, *more))
    if missing:
        names = ", ".join(tool.what for tool in missing)
        raise UnavailableError(f"missing: {names}; run `{' '.join(install_command(missing))}`")


def install_command(tools: list[Tool]) -> list[str]:
    """Return the command that installs tools, as a person types it."""
    packages = sorted({tool.package for tool in tools})
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    return [*sudo, "apt-get", "install", "-y", "--no-install-recommends", *packages]


def install_tools() -> None:
    """Install what is missing, as root or with a sudo that asks for a password at a terminal alone.

    The optional tools are tried as well. Raises UnavailableError when a needed one stays missing.
    """
    for group in (list(missing_tools()), list(missing_tools(OPTIONAL))):
        if group and _may_install():
            _try_install(group)
    require_tools()


def _try_install(tools: list[Tool]) -> None:
    log = cache_root() / "tools.log"
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    install = install_command(tools)
    title = f"installing {', '.join(sorted({tool.package for tool in tools}))}"
    try:
        run_logged(install, title, log, env)
    except BuildError:
        # The lists of packages may be empty or old.
        update = [*install[: install.index("apt-get")], "apt-get", "update"]
        for command, what in ((update, "reading lists of packages"), (install, title)):
            with contextlib.suppress(BuildError):
                run_logged(command, what, log, env)


def _may_install() -> bool:
    if not shutil.which("apt-get"):
        return False
    if os.geteuid() == 0:
        return True
    if not shutil.which("sudo"):
        return False
    return _succeeds(["sudo", "-n", "true"]) or _asked_for_password()


def _asked_for_password() -> bool:
    """Have sudo ask a person, if one is there; what it asks is remembered for a while."""
    return sys.stdin.isatty() and subprocess.run(["sudo", "-v"], check=False).returncode == 0


def _compiles(header: str) -> bool:
    return shutil.which("gcc") is not None and _succeeds(
        ["gcc", "-E", "-xc", "-", "-o", os.devnull], f"#include <{header}>\n"
    )


def _succeeds(command: list[str], text: str = "") -> bool:
    result = subprocess.run(
        command, input=text, text=True, capture_output=True, env=clean_environment(), check=False
    )
    return result.returncode == 0
