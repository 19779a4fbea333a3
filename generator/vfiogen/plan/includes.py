# SPDX-License-Identifier: GPL-2.0-only
"""The headers that a driver includes, from the names that its C uses."""

from __future__ import annotations

import re
from bisect import bisect_left

# A comment or a string.
_PROSE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
_NO_WORD = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
# What each header is included for; a star stands for any end of a word.
HEADERS = {
    "asm/byteorder.h": "cpu_to_* le16_to_* le32_to_cpu le64_to_cpu be16_to_cpu be32_to_cpu be64_to_cpu",
    "linux/align.h": "ALIGN ALIGN_DOWN IS_ALIGNED",
    "linux/anon_inodes.h": "anon_inode_*",
    "linux/atomic.h": "atomic_*",
    "linux/bitfield.h": "FIELD_GET FIELD_PREP",
    "linux/bits.h": "BIT BIT_ULL GENMASK GENMASK_ULL",
    "linux/build_bug.h": "static_assert",
    "linux/compiler.h": "READ_ONCE",
    "linux/container_of.h": "container_of",
    "linux/dcache.h": "dput",
    "linux/debugfs.h": "debugfs_create_file",
    "linux/delay.h": "fsleep",
    "linux/device.h": "get_device put_device",
    "linux/dma-mapping.h": "dma_map_sgtable dma_alloc_coherent",
    "linux/err.h": "IS_ERR ERR_PTR PTR_ERR ERR_CAST",
    "linux/file.h": "fput",
    "linux/fs.h": "simple_read_from_buffer stream_open get_file file_operations",
    "linux/gfp.h": "__get_free_page",
    "linux/highmem.h": "flush_kernel_vmap_range",
    "linux/io-64-nonatomic-lo-hi.h": "readq writeq",
    "linux/io.h": "readb readw readl writeb writew writel ioremap_wc memremap memcpy_toio memcpy_fromio",
    "linux/iopoll.h": "read_poll_timeout readb_poll_timeout readl_poll_timeout readq_poll_timeout"
    " readw_poll_timeout",
    "linux/jiffies.h": "jiffies",
    "linux/kernel.h": "kasprintf sscanf ARRAY_SIZE",
    "linux/lockdep.h": "lockdep_*",
    "linux/log2.h": "roundup_pow_of_two",
    "linux/math.h": "DIV_ROUND_UP",
    "linux/memory-failure.h": "pfn_address_space register_pfn_address_space",
    "linux/minmax.h": "max max_t min min_t",
    "linux/mm.h": "offset_in_page vm_area_struct vm_fault vm_flags_set vmf_insert_pfn",
    "linux/module.h": "module_pci_driver module_init module_param",
    "linux/mutex.h": "mutex_* mutex DEFINE_MUTEX",
    "linux/notifier.h": "notifier_block",
    "linux/overflow.h": "check_add_overflow check_sub_overflow check_mul_overflow array_size size_add"
    " struct_size",
    "linux/pci.h": "pci_dev",
    "linux/pci-p2pdma.h": "pcim_p2pdma_provider",
    "linux/pfn_t.h": "__pfn_to_pfn_t",
    "linux/pm_runtime.h": "pm_runtime_*",
    "linux/poll.h": "poll_wait poll_table_struct",
    "linux/printk.h": "pr_warn",
    "linux/property.h": "device_property_*",
    "linux/rwsem.h": "down_write up_write down_read up_read",
    "linux/scatterlist.h": "sg_table scatterlist",
    "linux/sched/signal.h": "fatal_signal_pending",
    "linux/seq_file.h": "seq_file",
    "linux/slab.h": "kmalloc kzalloc kzalloc_obj kfree kvfree kvmalloc_array kvmalloc_objs kvzalloc",
    "linux/stddef.h": "offsetofend",
    "linux/string.h": "memcpy memset strsep",
    "linux/types.h": "u8 u16 u32 u64 bool __le16 __le32 __le64 __be16 __be32 __be64",
    "linux/unaligned.h": "get_unaligned_* put_unaligned_*",
    "linux/uaccess.h": "clear_user copy_from_user copy_to_user get_user put_user",
    "linux/vfio_pci_core.h": "vfio_*",
    "linux/vmalloc.h": "vfree __vmalloc",
    "linux/wait.h": "wait_queue_head_t wait_event_interruptible wake_up_interruptible_all",
    "linux/wait_bit.h": "wait_var_event wake_up_var",
    "linux/workqueue.h": "work_struct INIT_WORK queue_work cancel_work_sync",
}


def plan_includes(
    text: str, parent_headers: tuple[str, ...], own: tuple[str, ...], unaligned: bool
) -> tuple[tuple[str, ...], ...]:
    """Return the include groups for C `text`: the kernel's headers, the parent's, the driver's own.

    `unaligned` tells whether linux/unaligned.h is where the unaligned accessors are.
    """
    words = words_of(text)
    ordered = sorted(words)
    used = [header for header, names in HEADERS.items() if _uses(words, ordered, names)]
    if not unaligned:
        used = [header.replace("linux/unaligned.h", "asm/unaligned.h") for header in used]
    groups = (
        tuple(f"<{header}>" for header in used if header.startswith("linux/")),
        tuple(f"<{header}>" for header in used if not header.startswith("linux/")),
        tuple(f"<{header}>" for header in sorted(set(parent_headers) - set(used), key=_by_place)),
        tuple(f'"{header}"' for header in own),
    )
    return tuple(group for group in groups if group)


def _by_place(header: str) -> tuple[bool, str]:
    """Put what the architecture has behind what all have."""
    return header.startswith("asm/"), header


def words_of(text: str) -> frozenset[str]:
    """Return the identifiers of C, and its numbers; what a person writes in comments and strings is none."""
    return frozenset(_PROSE.sub(" ", text).translate(_NO_WORD).split())


def _uses(words: frozenset[str], ordered: list[str], names: str) -> bool:
    """Whether one of the names is among the words, which are given in order too."""
    for name in names.split():
        if name in words:
            return True
        if name.endswith("*"):
            at = bisect_left(ordered, name[:-1])
            if at < len(ordered) and ordered[at].startswith(name[:-1]):
                return True
    return False
