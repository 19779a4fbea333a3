# SPDX-License-Identifier: GPL-2.0-only
"""Names: their forms, and that what is a C identifier compiles as one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vfiogen.c import names


@pytest.mark.parametrize("text", ["a", "edu", "dma-src", "bar2", "a-2b", "x1-y2-z3"])
def test_names_of_the_spec(text: str) -> None:
    assert names.is_name(text)


@pytest.mark.parametrize(
    "text", ["", "A", "a_b", "-a", "a-", "a--b", "2a", "a b", "a\n", "é", "not", "struct", "if"]
)
def test_no_names_of_the_spec(text: str) -> None:
    assert not names.is_name(text)


def test_names_become_c() -> None:
    assert names.c_name("dma-src") == "dma_src"
    assert names.macro_name("edu", "dma-src") == "EDU_DMA_SRC"
    assert names.macro_name("qat_vf", "a", "b-c") == "QAT_VF_A_B_C"


@pytest.mark.parametrize(
    ("identifier", "reason", "member_reason"),
    [
        ("status", None, None),
        ("register", "a keyword of C", "a keyword of C"),
        ("bool", "a keyword of C", "a keyword of C"),
        ("linux", "a macro of the compiler", "a macro of the compiler"),
        ("current", "a macro of the kernel", "a macro of the kernel"),
        ("NULL", "a macro of the kernel", "a macro of the kernel"),
        ("min", "a function or macro of the kernel", None),
        ("u32", "a type of the kernel", None),
    ],
)
def test_reserved_words(identifier: str, reason: str | None, member_reason: str | None) -> None:
    assert names.reserved_reason(identifier) == reason
    assert names.reserved_reason(identifier, member=True) == member_reason


def test_keywords_are_no_identifiers() -> None:
    assert not names.is_c_identifier("register")
    assert not names.is_c_identifier("2a")
    assert not names.is_c_identifier("a\n")
    assert names.is_c_identifier("_a2")


def test_every_macro_of_the_compiler_is_known() -> None:
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    command = ["gcc", "-std=gnu11", "-dM", "-E", "-x", "c", "/dev/null"]
    macros = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = [line.split()[1] for line in macros.splitlines()]
    plain = [word for word in words if word.islower() and not word.startswith("_")]
    assert {"linux", "unix"} <= set(plain)
    assert all(map(names.reserved_reason, plain))


@pytest.mark.parametrize("word", ["asm", "typeof", "inline", "linux", "register", "signed"])
def test_the_compiler_refuses_what_is_reserved(word: str) -> None:
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    command = ["gcc", "-std=gnu11", "-fsyntax-only", "-x", "c", "-"]
    text = f"struct s {{ struct {{ int i; }} {word}; }};\n"
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert names.reserved_reason(word, member=True)


@pytest.mark.parametrize(
    ("text", "constant", "symbol"),
    [
        ("PCI_VENDOR_ID_INTEL", True, True),
        ("X", True, True),
        ("64BIT", False, True),
        ("CRYPTO_DEV_QAT_DH895xCC", False, True),
        ("CONFIG_PCI", True, False),
        ("_A", False, True),
        ("A-B", False, False),
        ("64", False, False),
        ("pci", False, False),
        ("", False, False),
        ("A\n", False, False),
    ],
)
def test_constants_and_symbols(text: str, constant: bool, symbol: bool) -> None:
    assert names.is_kernel_constant(text) == constant
    assert names.is_kconfig_symbol(text) == symbol


@pytest.mark.parametrize("text", ["a", "main.c", "edu-vfio-pci.h", "_x", "A.B-c_1", "9p"])
def test_file_names(text: str) -> None:
    assert names.is_file_name(text)
    assert names.is_safe_relative_path(text)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "-a", ".a", "a.", "a b", "a\n", "a$b", "a:b", "é", "a" * 101, "a\\b"]
)
def test_no_file_names(text: str) -> None:
    assert not names.is_file_name(text)
    assert not names.is_safe_relative_path(text)


@pytest.mark.parametrize(
    "text", ["/a", "a/", "a//b", "../a", "a/../b", "a/.", "./a", "~/a", "a/-b", "a/" * 150 + "b"]
)
def test_unsafe_paths(text: str) -> None:
    assert not names.is_safe_relative_path(text)


@given(st.text(alphabet="ab./-_ ~", max_size=12))
def test_safe_paths_stay_below(text: str) -> None:
    if names.is_safe_relative_path(text):
        path = PurePosixPath(text)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert str(path) == text
