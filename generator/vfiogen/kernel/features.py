# SPDX-License-Identifier: GPL-2.0-only
"""The features of a kernel that rendered code depends on: one table, by release and by header.

Nothing else in vfiogen knows a kernel release. Each feature says since which releases a kernel has
it (mainline's first, then the stable lines that took the change as well) and which text of which
header proves it in a tree. Where no header can tell, the release decides for a tree too.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vfiogen.kernel.release import Release, Thresholds
from vfiogen.records import Value

OLDEST = Release(6, 1)
# The last release of each line that the table was held against; a later one may have changed.
EXAMINED: Mapping[tuple[int, int], Release] = MappingProxyType(
    {
        at.line: at
        for at in (
            Release(6, 1, 192),
            Release(6, 6, 87),
            Release(6, 12, 117),
            Release(6, 18, 44),
            Release(7, 1, 5),
            Release(7, 2, 13),
            Release(7, 3, 4),
        )
    }
)


class Probe(Value):
    """A header, relative to the root of a tree, and the pattern that proves a feature.

    The pattern is searched in the text without comments, and `.` matches a newline.
    """

    header: str
    pattern: str


class Feature(Value):
    """One boolean fact about a kernel.

    `gone` holds the first releases that no longer have it. Without a `probe` the release decides.
    """

    name: str
    description: str
    since: Thresholds
    gone: Thresholds | None = None
    probe: Probe | None = None

    def present(self, release: Release) -> bool:
        """Whether the table gives `release` the feature."""
        gone = self.gone is not None and self.gone.reached(release)
        return self.since.reached(release) and not gone

    def inside(self, line: tuple[int, int]) -> tuple[Release, ...]:
        """The releases within the line x.y at which the answer changes."""
        gone = self.gone.inside(line) if self.gone else ()
        return self.since.inside(line) + gone


def _feature(
    name: str,
    description: str,
    since: str,
    probe: Probe | None = None,
    *,
    gone: str | None = None,
) -> Feature:
    """Make one row; thresholds are written as releases with blanks between them."""
    until = Thresholds.of(gone.split()) if gone else None
    return Feature(name, description, Thresholds.of(since.split()), until, probe)


def _vfio(pattern: str) -> Probe:
    return Probe("include/linux/vfio.h", pattern)


def _core(pattern: str) -> Probe:
    return Probe("include/linux/vfio_pci_core.h", pattern)


def _linux(header: str, pattern: str) -> Probe:
    return Probe(f"include/linux/{header}", pattern)


def _member(struct: str, member: str) -> str:
    """Return the pattern of a member of a structure that nests no other in braces."""
    return rf"\bstruct\s+{struct}\s*\{{[^}}]*\b{member}\b"


def _device_op(member: str) -> Probe:
    return _vfio(_member("vfio_device_ops", member))


_TABLE = (
    # struct vfio_device_ops and the rest of linux/vfio.h
    _feature(
        "iommufd-ops",
        "struct vfio_device_ops has bind_iommufd, unbind_iommufd and attach_ioas",
        "6.2",
        _device_op("bind_iommufd"),
    ),
    _feature(
        "detach-ioas",
        "struct vfio_device_ops has detach_ioas",
        "6.6",
        _device_op("detach_ioas"),
    ),
    _feature(
        "match-token-uuid",
        "struct vfio_device_ops has match_token_uuid, which the core calls unconditionally",
        "6.17",
        _device_op("match_token_uuid"),
    ),
    _feature(
        "region-info-caps",
        "struct vfio_device_ops has get_region_info_caps; before it, .ioctl answers region info",
        "6.19",
        _device_op("get_region_info_caps"),
    ),
    _feature(
        "pasid-ops",
        "struct vfio_device_ops has pasid_attach_ioas and pasid_detach_ioas",
        "6.15",
        _device_op("pasid_attach_ioas"),
    ),
    _feature(
        "mig-data-size",
        "struct vfio_migration_ops has migration_get_data_size, a mandatory callback",
        "6.2",
        _vfio(_member("vfio_migration_ops", "migration_get_data_size")),
    ),
    _feature(
        "pre-copy",
        "the migration states and the ioctl of pre-copy exist",
        "6.2",
        Probe("include/uapi/linux/vfio.h", r"#\s*define\s+VFIO_MIGRATION_PRE_COPY\b"),
    ),
    _feature(
        "precopy-info-v2",
        "vfio_check_precopy_ioctl() and VFIO_PRECOPY_INFO_REINIT exist",
        "7.1",
        _vfio(r"\bvfio_check_precopy_ioctl\s*\("),
    ),
    _feature(
        "combine-ranges",
        "vfio_combine_iova_ranges() is exported",
        "6.6",
        _vfio(r"\bvfio_combine_iova_ranges\s*\("),
    ),
    _feature(
        "vfio-debugfs-root",
        "struct vfio_device has debug_root",
        "6.8",
        _vfio(_member("vfio_device", "debug_root")),
    ),
    _feature(
        "iova-bitmap-iommufd",
        "iova_bitmap_set() is built with CONFIG_IOMMUFD_DRIVER, in the namespace IOMMUFD",
        "6.7",
        _linux("iova_bitmap.h", r"\bCONFIG_IOMMUFD_DRIVER\b"),
    ),
    # linux/vfio_pci_core.h
    _feature(
        "setup-barmap",
        "vfio_pci_core_setup_barmap() maps a BAR, read from barmap[] afterwards",
        "6.8",
        _core(r"\bvfio_pci_core_setup_barmap\s*\("),
        gone="7.2",
    ),
    _feature(
        "get-iomap",
        "vfio_pci_core_get_iomap() returns the mapping of a BAR or an error pointer",
        "7.2",
        _core(r"\bvfio_pci_core_get_iomap\s*\("),
    ),
    _feature(
        "core-iorw",
        "vfio_pci_core_ioread8() and its like exist",
        "6.8",
        _core(r"\bvfio_pci_core_ioread##size\b"),
    ),
    _feature(
        "range-intersect",
        "vfio_pci_core_range_intersect_range() is exported",
        "6.9",
        _core(r"\bvfio_pci_core_range_intersect_range\s*\("),
    ),
    _feature(
        "do-io-rw",
        "vfio_pci_core_do_io_rw() is exported",
        "6.9",
        _core(r"\bvfio_pci_core_do_io_rw\s*\("),
    ),
    _feature(
        "do-io-rw-width",
        "vfio_pci_core_do_io_rw() takes the widest access as a tenth argument",
        "6.19 6.18.4 6.12.64",
        _core(r"\benum\s+vfio_pci_io_width\b"),
    ),
    _feature(
        "vmf-insert-pfn",
        "vfio_pci_vmf_insert_pfn() serves the fault handlers of drivers",
        "6.19 6.18.33",
        _core(r"\bvfio_pci_vmf_insert_pfn\s*\("),
    ),
    _feature(
        "memory-enabled",
        "__vfio_pci_memory_enabled() is exported",
        "6.19",
        _core(r"\b__vfio_pci_memory_enabled\s*\("),
    ),
    _feature(
        "dmabuf-ops",
        "struct vfio_pci_device_ops has get_dmabuf_phys",
        "6.19",
        _core(_member("vfio_pci_device_ops", "get_dmabuf_phys")),
    ),
    _feature(
        "dmabuf-phys-vec",
        "get_dmabuf_phys fills struct phys_vec, not struct dma_buf_phys_vec",
        "7.0",
        _core(r"\(\s*\*\s*get_dmabuf_phys\s*\)\s*\([^)]*\bstruct\s+phys_vec\b"),
    ),
    _feature(
        "set-params",
        "vfio_pci_core_set_params() sets parameters of the core for all devices",
        "6.1",
        _core(r"\bvfio_pci_core_set_params\s*\("),
        gone="7.2",
    ),
    _feature(
        "sriov-active",
        "struct vfio_pci_core_device has sriov_active",
        "7.1 6.18.39 6.12.96 6.1.178",
        _core(_member("vfio_pci_core_device", "sriov_active")),
    ),
    _feature(
        "zap-by-mapping",
        "the core revokes all mappings of the device, not only those that it has made itself",
        "6.10 6.9.11",
        _core(r"\A(?!.*\bvma_list\b).*\bstruct\s+vfio_pci_core_device\b"),
    ),
    # memory
    _feature(
        "huge-pfnmap",
        "huge pages can be mapped by page frame numbers, where the architecture supports it",
        "6.12",
        _linux("mm.h", r"\bCONFIG_ARCH_SUPPORTS_PMD_PFNMAP\b"),
    ),
    _feature(
        "pfn-address-space",
        "register_pfn_address_space() takes failures of memory without struct page to who maps it",
        "6.19",
        _linux("memory-failure.h", r"\bpfn_to_vma_pgoff\b"),
    ),
    _feature(
        "vm-flags-set",
        "vm_flags_set() changes the flags of a mapping",
        "6.3",
        _linux("mm.h", r"\bvm_flags_set\s*\("),
    ),
    _feature(
        "huge-fault-order",
        "huge_fault of struct vm_operations_struct takes an order",
        "6.6",
        _linux("mm.h", r"\(\s*\*\s*huge_fault\s*\)\s*\([^)]*\bunsigned\s+int\s+order\b"),
    ),
    _feature(
        "pfn-t",
        "vmf_insert_pfn_pmd() and vmf_insert_pfn_pud() take a pfn_t",
        "6.1",
        _linux("huge_mm.h", r"\bvmf_insert_pfn_pmd\s*\([^)]*\bpfn_t\b"),
        gone="6.17",
    ),
    _feature(
        "kzalloc-obj",
        "kzalloc_obj() allocates by type; checkpatch asks for it from 7.0 on",
        "7.0 6.18.44 6.12.97",
        _linux("slab.h", r"#\s*define\s+kzalloc_obj\b"),
    ),
    _feature(
        "alloc-pages-bulk-array",
        "the bulk allocator of pages is called alloc_pages_bulk_array()",
        "6.1",
        _linux("gfp.h", r"\balloc_pages_bulk_array\b"),
        gone="6.14",
    ),
    # the rest of the kernel
    _feature(
        "import-ns-string",
        "MODULE_IMPORT_NS() takes a string",
        "6.13",
        _linux(
            "module.h",
            r"#\s*define\s+MODULE_IMPORT_NS\s*\(\s*(\w+)\s*\)\s*"
            r"MODULE_INFO\s*\(\s*import_ns\s*,\s*\1\s*\)",
        ),
    ),
    _feature(
        "guard-mutex",
        "guard(mutex) and __free() exist",
        "6.5 6.1.170",
        _linux("mutex.h", r"\bDEFINE_(?:LOCK_)?GUARD(?:_1)?\s*\(\s*mutex\s*,"),
    ),
    _feature(
        "eventfd-signal-1arg",
        "eventfd_signal() takes the context alone",
        "6.8",
        _linux("eventfd.h", r"\beventfd_signal\s*\(\s*struct\s+eventfd_ctx\s*\*\s*\w+\s*\)"),
    ),
    _feature(
        "linux-unaligned-h",
        "the unaligned accessors are in linux/unaligned.h; asm/unaligned.h is gone",
        "6.12",
        _linux("unaligned.h", r"\bget_unaligned\b"),
    ),
    _feature(
        "timer-container-of",
        "from_timer() is called timer_container_of()",
        "6.16",
        _linux("timer.h", r"#\s*define\s+timer_container_of\b"),
    ),
    _feature(
        "hrtimer-setup",
        "hrtimer_setup() takes the callback",
        "6.13",
        _linux("hrtimer.h", r"\bhrtimer_setup\s*\("),
    ),
    # Kconfig; headers packages carry none of it, so the release decides
    _feature(
        "kconfig-select-core",
        "variant drivers select VFIO_PCI_CORE; before it they depend on it",
        "6.5",
    ),
)

FEATURES: Mapping[str, Feature] = MappingProxyType({row.name: row for row in _TABLE})
"""Every feature by its name."""


def features_of(release: Release) -> frozenset[str]:
    """Return the names of the features that the table gives `release`."""
    return frozenset(row.name for row in _TABLE if row.present(release))


def changes_inside(line: tuple[int, int]) -> Mapping[Release, tuple[str, ...]]:
    """Return the releases within the line x.y at which features change, with their names."""
    found: dict[Release, tuple[str, ...]] = {}
    for row in _TABLE:
        for at in row.inside(line):
            found[at] = (*found.get(at, ()), row.name)
    return dict(sorted(found.items()))
