# SPDX-License-Identifier: GPL-2.0-only
"""The headers that a driver includes, from the names that its C uses."""

from __future__ import annotations

import re

# What each header is included for, by a pattern over the C.
HEADERS = {
    "asm/byteorder.h": r"\b(cpu_to_[lb]e|[lb]e\d+_to_cpu)",
    "linux/anon_inodes.h": r"\banon_inode_",
    "linux/atomic.h": r"\batomic_",
    "linux/bitfield.h": r"\bFIELD_(GET|PREP)\b",
    "linux/bits.h": r"\b(BIT|BIT_ULL|GENMASK|GENMASK_ULL)\(",
    "linux/build_bug.h": r"\bstatic_assert\(",
    "linux/container_of.h": r"\bcontainer_of\(",
    "linux/delay.h": r"\bfsleep\(",
    "linux/err.h": r"\b(IS_ERR|ERR_PTR|PTR_ERR|ERR_CAST)\(",
    "linux/file.h": r"\bfput\(",
    "linux/fs.h": r"\b(struct file|stream_open|get_file)\b",
    "linux/io.h": r"\b(read|write)[bwl]\(",
    "linux/io-64-nonatomic-lo-hi.h": r"\b(read|write)q\(",
    "linux/iopoll.h": r"\bread_poll_timeout\(",
    "linux/kernel.h": r"\bkasprintf\(",
    "linux/lockdep.h": r"\blockdep_",
    "linux/minmax.h": r"\b(min|max)\(",
    "linux/module.h": r"",
    "linux/mutex.h": r"\bmutex_",
    "linux/overflow.h": r"\bcheck_\w+_overflow\(",
    "linux/pci.h": r"",
    "linux/rwsem.h": r"\b(down|up)_(read|write)\(",
    "linux/slab.h": r"\b(kzalloc|kzalloc_obj|kfree)\(",
    "linux/stddef.h": r"\boffsetofend\(",
    "linux/types.h": r"\b(u8|u16|u32|u64|__[lb]e\d+|bool)\b",
    "linux/uaccess.h": r"\bcopy_(from|to)_user\(",
    "linux/vfio_pci_core.h": r"",
}


def plan_includes(
    text: str, parent_headers: tuple[str, ...], own: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], ...]:
    """Return the include groups for C `text`: the kernel's headers, the parent's, the driver's own."""
    used = [header for header, pattern in HEADERS.items() if re.search(pattern, text)]
    kernel = sorted(used, key=lambda header: (not header.startswith("linux/"), header))
    groups = (
        tuple(f"<{header}>" for header in kernel if header.startswith("linux/")),
        tuple(f"<{header}>" for header in kernel if not header.startswith("linux/")),
        tuple(f"<{header}>" for header in sorted(parent_headers)),
        tuple(f'"{header}"' for header in own),
    )
    return tuple(group for group in groups if group)
