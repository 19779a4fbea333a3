# SPDX-License-Identifier: GPL-2.0-only
"""Names: what the spec, C, Kconfig and the file system take, and how one becomes the other."""

from __future__ import annotations

import re

from vfiogen.c.syntax import KEYWORDS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# C11 as gcc reads it with -std=gnu11, which the kernel uses, and C23 for the day it moves on.
_C_KEYWORDS = _words("""
    asm auto break case char const continue default do double else enum extern float for goto if
    inline int long register restrict return short signed sizeof static struct switch typedef
    typeof union unsigned void volatile while
    alignas alignof bool constexpr false nullptr static_assert thread_local true typeof_unqual
""")
# Macros that gcc defines without being asked, on one architecture of the kernel or another.
_PREDEFINED = _words("arc hppa i386 linux mips sparc sun unix")
# Macros without arguments in headers that a driver includes, on one architecture or another: they
# are replaced wherever the word stands, behind a `.` too.
_OBJECT_MACROS = _words("""
    NULL alt_rlen alt_slen asmlinkage at_least current d_iname d_lock err_chunk fallthrough hash_64
    idr_null inb inl inw ir_num ir_state noinline noinstr notrace outb outl outw pci_xen prof_on
    rcu_head readq rt0_type rt2_type si_addr si_arch si_band si_fd si_int si_lower si_overrun
    si_pid si_ptr si_status si_uid si_upper si_value sk_family sk_flags sk_hash sk_num sk_state
    swab swab16 swab32 swab64 tc_gen tw_num tw_state unrolled vmemmap writeq
""")
# Functions and macros that rendered code may call: a variable of the name would hide them.
_CALLED = _words("""
    abs clamp container_of guard likely max max_t memcmp memcpy memset min min_t offsetof
    offsetofend readb readl readw scoped_guard sizeof_field strlen swap unlikely writeb writel
    writew
""")
_TYPES = _words("""
    dma_addr_t gfp_t loff_t phys_addr_t pgoff_t pgprot_t resource_size_t s8 s16 s32 s64 size_t
    ssize_t u8 u16 u32 u64 uintptr_t
""")
_TAKEN = {
    **dict.fromkeys(_PREDEFINED, "a macro of the compiler"),
    **dict.fromkeys(_OBJECT_MACROS, "a macro of the kernel"),
    **dict.fromkeys(_C_KEYWORDS, "a keyword of C"),
}
_HIDING = {
    **dict.fromkeys(_TYPES, "a type of the kernel"),
    **dict.fromkeys(_CALLED, "a function or macro of the kernel"),
}

_KEBAB = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")
_SYMBOL = re.compile(r"(?=.*[A-Z])[A-Za-z0-9_]+")
_FILE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_])?")

_LONGEST_PATH = 200


def is_name(text: str) -> bool:
    """Tell whether `text` can name a thing of the spec: kebab-case, no word of the expressions."""
    return _KEBAB.fullmatch(text) is not None and text not in KEYWORDS


def is_c_identifier(text: str) -> bool:
    """Tell whether C takes `text` as an identifier; `reserved_reason` tells whether it should."""
    return _IDENTIFIER.fullmatch(text) is not None and text not in _C_KEYWORDS


def reserved_reason(identifier: str, *, member: bool = False) -> str | None:
    """Return what else an identifier is in the kernel's C, or None where it is free.

    A member of a structure, other than a variable or parameter, may be called like a function.
    """
    hiding = None if member else _HIDING.get(identifier)
    return _TAKEN.get(identifier) or hiding


def is_kernel_constant(text: str) -> bool:
    """Tell whether `text` has the form of a constant: capitals, digits and underscores."""
    return _CONSTANT.fullmatch(text) is not None


def is_kconfig_symbol(text: str) -> bool:
    """Tell whether `text` can be a symbol, without CONFIG_; some start with a digit (64BIT)."""
    return _SYMBOL.fullmatch(text) is not None and not text.startswith("CONFIG_")


def is_file_name(text: str) -> bool:
    """Tell whether any file system and tool takes `text`: ASCII, without `-` or `.` at the ends."""
    return _FILE.fullmatch(text) is not None


def is_safe_relative_path(text: str) -> bool:
    """Tell whether `text` is a path below the directory that it is relative to."""
    return len(text) <= _LONGEST_PATH and all(map(is_file_name, text.split("/")))


def c_name(name: str) -> str:
    """Return a name of the spec as C spells it."""
    return name.replace("-", "_")


def macro_name(prefix: str, *names: str) -> str:
    """Return the macro for a thing of the spec: `edu` and `dma-src` give EDU_DMA_SRC."""
    return c_name("_".join([prefix, *names])).upper()
