# SPDX-License-Identifier: GPL-2.0-only
"""Names: each means one thing in the spec, and what becomes of it in C is free there.

What C has besides the spec's names is known here by lists; a test holds them against rendered drivers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfiogen.c import syntax as s
from vfiogen.c.names import c_name, is_c_identifier, reserved_reason
from vfiogen.c.syntax import KEYWORDS
from vfiogen.diagnostics import Problems, quote
from vfiogen.model import spec as m
from vfiogen.model.arcs import device_arcs
from vfiogen.model.scope import is_single_call, words
from vfiogen.model.types import read_type
from vfiogen.model.walk import formulas, names


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What the templates call functions and tables, without the prefix.
_TEMPLATES = """
    add_head add_heads add_ids add_record alloc_data attach_area begin_access begin_loading begin_record
    check_match check_write choose_ops close_device continue_saving create_debugfs denied_table
    detach_area driver drop_file end_access end_draft end_record end_saving err_handlers fail file_error
    finish_loading finish_saving from_pci from_vfio get_data_size get_state give_up_saving id identify ids
    init is_denied list_pages load load_state lock_state map_area migration_ops module_exit module_init
    open_device open_file ops precopy_ioctl prepare_core prepare_record probe put_file put_files read16
    read32 read64 read8 read_config16 read_config32 read_config8 release release_file remove reset_done
    reset_prepare resume_fops resume_write save_fops save_head save_pending save_poll save_pre_copy
    save_read save_state save_stop_copy save_work set_state settle_reset sriov_configure start_loading
    start_saving step stop_and_save table unmap_area write16 write32 write64 write8 write_records
"""
# Likewise, where something is emulated or done early, or registers are in config space.
_EMULATION = _words("""
    access_width clipped_info config_is_own config_read config_write copy_memory copy_piece fault
    find_page forward get_dmabuf_phys get_region_info huge_fault insert_pfn ioctl keep_field lock_memory
    map_forward map_memory memory memory_enabled memory_info memory_mmap memory_rw mmap
    other_config_regops other_config_release other_config_rw pci_ops probe_device probe_steps read
    register_memory register_one register_regions reset_emulation set_memory show_field unmap_memory
    unregister_memory vm_ops vma_index vma_page write
""") | {f"bar{number}_{name}" for number in range(6) for name in ("access", "rw", "visible")}
_BAR_ACCESS = _words("""
    bar_load bar_read bar_rw bar_store bar_write get_region_info ioctl memory_enabled read region_info rw
    write
""")
_ARCS = {arc for p2p in (False, True) for arc in device_arcs(p2p)}
OWN_FUNCTIONS = _words(_TEMPLATES) | {f"{a}_to_{b}".lower() for a, b in _ARCS}
_OF_FILES = ("fops", "open", "show")
_OF_VARIANTS = ("init", "release", "open_device", "close_device", "ops")
OWN_STRUCTURES = ("area", "device", "id", "memory", "migration_file", "record")
# Members of the driver's own structure.
DEVICE_MEMBERS = _words("""
    command core_device last_data last_length map_lock mig_state opened reset_prepared resets
    resets_ready resets_settled resuming save_work saving state_mutex
""") | {
    f"bar{number}{kind}"
    for number in range(6)
    for kind in ("", "_register", "_memory", "_forward", *(f"_forward{count}" for count in range(10)))
}
# Variables of functions that take a command's parameters too.
COMMAND_LOCALS = _words("pdev ret timeout")
# Variables beside the one that is called like the prefix, and members of the migration file beside it.
PREFIX_LOCALS = COMMAND_LOCALS | _words("""
    addr ahead anew area arg argsz ask_at asleep at bar border buf byte cap capacity caps class
    class_mask cmd comp completion core_device core_pos core_vdev count data dev device dir disabled
    done end envelope error event expected filp first flags follows fops front header held i id index
    info initial inode io kept last left length limit limits loaded lock memory migf migration minsz
    msix name nb needed next one ops other own pages pending pfn pfns pos ppos pre_copy prefix record
    records region request resets rest room seq sg sgt size sparse start state subdevice subvendor
    target to unused value vdev vendor visible vma wanted width
""")
# What rendered code calls: a variable of the name would hide it.
CALLED = _words("""
    anon_inode_getfile array_size atomic_inc atomic_read cancel_work_sync check_add_overflow
    check_mul_overflow check_sub_overflow clear_user cond_resched container_of copy_from_user
    copy_to_user debugfs_create_dir debugfs_create_file debugfs_lookup dma_alloc_coherent
    dma_free_coherent dma_map_sgtable dma_unmap_sgtable down_read down_write dput
    flush_kernel_vmap_range fput free_page fsleep get_device get_file get_user
    invalidate_kernel_vmap_range ioremap ioremap_wc iounmap kasprintf kfree kmalloc kvfree kvmalloc_array
    kvmalloc_objs kvzalloc kzalloc kzalloc_obj lockdep_assert_held memcpy memcpy_fromio memcpy_toio
    memremap memunmap module_pci_driver msecs_to_jiffies mutex_destroy mutex_init mutex_lock mutex_unlock
    offset_in_page pci_dev_id pci_domain_nr pci_err pci_iov_vf_id pci_match_id pci_physfn pgprot_noncached
    pm_runtime_put poll_wait pr_warn put_device put_user queue_work read_poll_timeout readb
    readb_poll_timeout readl readl_poll_timeout readq readq_poll_timeout readw readw_poll_timeout
    seq_hex_dump seq_printf sg_alloc_table_from_pages sg_dma_address sg_dma_len sg_free_table size_add
    sscanf static_assert stream_open strsep struct_size time_after_eq to_pci_dev u64_to_user_ptr up_read
    up_write vfree vm_flags_set vma_pages vmalloc_to_page vmf_insert_pfn wait_var_event wake_up_var writeb
    writel writeq writew
""")
# Prefixes with which the kernel's headers declare something that a driver declares too, such as vfio_device
# or pci_save_state.
KERNEL_PREFIXES = _words("""
    alarm cdev cpu cr4 cred dev device devres driver file files fork fwnode hrtimer hrtimers ida idr
    initmem inode iommu kasan kcsan kernfs key klist kobject kref kset lock lockdep lockref lruvec mas mem
    mm mmap module mt mtree mutex node paging pat pci pci_dev pgtable pmd poking poll profile ptlock pud
    pv random rcu rcuref rcuwait rhashtable rhltable seal sema signals smp softirq sparse srcu syscall
    sysfs tasklet tile time timekeeping timerqueue timers tsc uprobes utf8 vfio vfio_check vfio_device
    vfio_pci vfio_pci_core vma vmalloc workqueue x86 xa xas zswap
""")

_ANOTHER = "choose another name"


def check_names(spec: m.Spec, problems: Problems) -> None:
    """Report names that mean two things, in the spec or in C."""
    _Names(spec, problems).run()


class _Names:
    def __init__(self, spec: m.Spec, problems: Problems) -> None:
        self._spec = spec
        self._problems = problems
        self._prefix = spec.driver.prefix.text

        self._hooked = {used.text for command in spec.commands for used in command.uses}
        self._formulas = list(formulas(spec))
        self._called = set(_kernel_functions(self._formulas))
        self._own_functions = own_functions(spec)
        self._words = words(spec)

    def run(self) -> None:
        self._check_meanings()
        self._check_prefix()
        self._check_members()
        self._check_kernel_fields()
        for command in self._spec.commands:
            self._check_locals(command)
        for layout in self._spec.layouts:
            self._check_group(layout.name, [field.name for field in layout.fields])
        self._check_variants()
        self._check_parameters()
        self._check_regions()
        self._check_functions()
        self._check_structures()
        self._check_macros()

    def _own(self, name: str) -> str:
        return own_name(self._prefix, name)

    def _clash(self, message: str, word: m.Word, *related: tuple[m.Word, str], hint: str = _ANOTHER) -> None:
        spans = tuple((other.span, text) for other, text in related)
        self._problems.report("c-name-clash", message, word.span, hint, related=spans)

    def _reserved(self, message: str, word: m.Word) -> None:
        self._problems.report("reserved-name", message, word.span, _ANOTHER)

    # -- the spec -------------------------------------------------------------------------------------

    def _check_meanings(self) -> None:
        """What an expression can begin with is called differently."""
        seen: dict[str, tuple[str, m.Word]] = {}
        for kind, word in self._beginnings():
            self._check_word(word)
            first, other = seen.setdefault(word.text, (kind, word))
            if other is not word:
                self._shadowed(word, f"{first} is called {quote(word.text)} already", other)
        for command in self._spec.commands:
            for parameter in (*command.params, *command.results):
                self._check_word(parameter.name)
                if parameter.name.text in seen:
                    first, other = seen[parameter.name.text]
                    message = f"{quote(parameter.name.text)} hides {first} of this name"
                    self._shadowed(parameter.name, message, other)

    def _beginnings(self) -> Iterator[tuple[str, m.Word]]:
        spec = self._spec
        if spec.provider:
            yield "the parent's handle", spec.provider.handle
        yield from (("a value of the context", kept.name) for kept in spec.context)
        yield from (("a block of registers", block.name) for block in spec.registers)
        yield from (("a layout", layout.name) for layout in spec.layouts)
        yield from (("a channel", channel.name) for channel in spec.channels)
        yield from (("a command", command.name) for command in spec.commands)
        yield from (("a parameter of the module", one.name) for one in spec.parameters)

    def _check_word(self, word: m.Word) -> None:
        if word.text in self._words or word.text in KEYWORDS:
            self._shadowed(word, f"{quote(word.text)} is a word of the vocabulary")

    def _shadowed(self, word: m.Word, message: str, *others: m.Word) -> None:
        related = tuple((other.span, "here") for other in others)
        self._problems.report("shadowed-name", message, word.span, _ANOTHER, related=related)

    # -- variables and members ------------------------------------------------------------------------

    def _check_prefix(self) -> None:
        word, prefix = self._spec.driver.prefix, self._prefix
        reason = reserved_reason(prefix)
        if reason:
            self._reserved(f"{quote(prefix)} is {reason}", word)
        elif prefix in PREFIX_LOCALS:
            self._reserved(f"{quote(prefix)} is a variable of the driver's functions", word)
        elif prefix in CALLED:
            self._reserved(f"{quote(prefix)} is a function of the kernel", word)
        elif prefix in KERNEL_PREFIXES:
            self._reserved(f"names of the kernel begin with {quote(prefix + '_')}", word)

    def _check_members(self) -> None:
        handle = [self._spec.provider.handle] if self._spec.provider else []
        for word in handle:
            self._check_variable(word)
        notifiers = [one.name for one in self._spec.events]
        kept = [one.name for one in self._spec.context]
        windows = [block.name for block in self._spec.registers if block.base]
        for word in (*handle, *notifiers, *kept, *windows):
            if c_name(word.text) in DEVICE_MEMBERS:
                self._clash(f"the driver's structure has a member {quote(c_name(word.text))} already", word)
        placed = [block.name for block in self._spec.registers if block.is_early]
        placed += [field.name for field in self._spec.config_space]
        for word in placed:
            if c_name(word.text) in DEVICE_MEMBERS:
                self._clash(f"the driver's structure has a member {quote(c_name(word.text))} already", word)
        self._check_group(None, [*handle, *notifiers, *kept, *windows, *placed])

    def _check_kernel_fields(self) -> None:
        for structure in self._spec.kernel_structures:
            for field in structure.fields:
                if not is_c_identifier(field.name.text):
                    message = (
                        f"no field of {quote(structure.name.text)} can be called {quote(field.name.text)}"
                    )
                    hint = "fields of the kernel are spelled as in C"
                    self._problems.report("kernel-name", message, field.name.span, hint)

    def _check_locals(self, command: m.Command) -> None:
        words = [parameter.name for parameter in (*command.params, *command.results)]
        for word in words:
            self._check_variable(word)
            if c_name(word.text) in self._called:
                self._clash(f"{quote(c_name(word.text))} is a function that the driver calls", word)
        self._check_group(None, words)

    def _check_variable(self, word: m.Word) -> None:
        name = c_name(word.text)
        reason = reserved_reason(name)
        if reason:
            self._reserved(f"{quote(name)} is {reason}", word)
        elif name in COMMAND_LOCALS or name == self._prefix:
            self._reserved(f"{quote(name)} is a variable of the driver's functions", word)
        elif name in CALLED:
            self._reserved(f"{quote(name)} is a function of the kernel", word)

    def _check_group(self, owner: m.Word | None, words: Iterable[m.Word]) -> None:
        """Members of one structure, or variables of one function: no macros, and all different."""
        seen: dict[str, m.Word] = {}
        for word in words:
            name = c_name(word.text)
            reason = reserved_reason(name, member=True)
            if reason:
                self._reserved(f"{quote(name)} is {reason}", word)
            first = seen.setdefault(name, word)
            if first is not word and first.text != word.text:
                self._clash(_both(word, first, name), word, (first, "the first one"))

    # -- functions, structures, macros ----------------------------------------------------------------

    def _check_variants(self) -> None:
        for variant in self._spec.variants:
            suffix = variant_suffix(self._spec, variant)
            for name in _OF_VARIANTS:
                if suffix and f"{suffix}_{name}" in OWN_FUNCTIONS:
                    message = f"the driver has {quote(self._own(f'{suffix}_{name}'))} already"
                    self._clash(message, variant.name)

    def _check_parameters(self) -> None:
        """A parameter is a variable that functions see, and its own name in sysfs."""
        words = [one.name for one in self._spec.parameters]
        for word in words:
            name = c_name(word.text)
            if name in PREFIX_LOCALS:
                self._reserved(f"{quote(name)} is a variable of the driver's functions", word)
            else:
                self._check_variable(word)
        self._check_group(None, words)

    def _check_regions(self) -> None:
        seen: dict[str, m.Word] = {}
        for region in self._spec.device_regions:
            first = seen.setdefault(c_name(region.name.text), region.name)
            clashing = sorted(_of_region(region) & (OWN_FUNCTIONS | _EMULATION))
            if clashing:
                message = f"the driver has a function {quote(self._own(clashing[0]))} of its own"
                self._clash(message, region.name)
            elif first is not region.name:
                self._clash(
                    _both(region.name, first, c_name(first.text)), region.name, (first, "the first one")
                )

    def _check_functions(self) -> None:
        seen: dict[str, m.Word] = {}
        for word, has_function in self._functions():
            name = self._own(word.text)
            first = seen.setdefault(name, word)
            if first is not word:
                self._clash(_both(word, first, name), word, (first, "the first one"))
            elif has_function:
                self._check_function(word, name)

    def _functions(self) -> Iterator[tuple[m.Word, bool]]:
        """Yield what becomes a function, and whether it does in any case."""
        yield from ((channel.name, True) for channel in self._spec.channels)
        yield from ((m.Word(f"handle-{one.name}", one.name.span), True) for one in self._spec.events)
        yield from ((command.name, self._has_function(command)) for command in self._spec.commands)

    def _has_function(self, command: m.Command) -> bool:
        """A command that is a single call has none, but where the parent is looked up or hooks run it."""
        provider = self._spec.provider
        texts = any(_has_text(formula) for formula in formulas(command))
        calls = (body.call.tree for body in command.bodies if body.call)
        pointed = any(isinstance(x, s.KernelCall) and isinstance(x.call.function, s.Member) for x in calls)
        apart = pointed or command.config is not None or (provider is not None and provider.is_seen_to)
        return not is_single_call(command) or command.name.text in self._hooked or apart or texts

    def _check_function(self, word: m.Word, name: str) -> None:
        if name == self._prefix:
            self._clash(f"{quote(name)} is a variable of the driver's functions", word)
        elif name.removeprefix(f"{self._prefix}_") in self._own_functions:
            self._clash(f"the driver has a function {quote(name)} of its own", word)
        elif name in self._called:
            message = (
                f"this becomes the function {quote(name)}, which is one of the kernel that the spec calls"
            )
            self._clash(message, word, hint="choose another name, or another prefix for the driver")

    def _check_structures(self) -> None:
        own = {f"{self._prefix}_{name}" for name in OWN_STRUCTURES}
        targets: dict[str, m.Word] = {}
        for word in _kernel_types(self._spec):
            kind = read_type(word.text)
            target = kind.target if kind else ""
            if kind and targets.setdefault(target, word) is word and target.removeprefix("struct ") in own:
                self._clash(f"the driver has a {quote(kind.target)} of its own", word, *self._prefix_note())
        seen: dict[str, m.Word] = {}
        for layout in self._spec.layouts:
            name = self._own(layout.name.text)
            first = seen.setdefault(name, layout.name)
            if first is not layout.name:
                self._clash(
                    _both(layout.name, first, f"struct {name}"), layout.name, (first, "the first one")
                )
            elif name in own:
                self._clash(f"the driver has a {quote(f'struct {name}')} of its own", layout.name)

    def _prefix_note(self) -> list[tuple[m.Word, str]]:
        return [(self._spec.driver.prefix, "it begins with the driver's prefix")]

    def _check_macros(self) -> None:
        seen: dict[str, m.Word] = {}
        constants = {name for name in names(self._formulas) if name.isupper()}
        own = {self._own("h").upper(), *(self._own(f"bar{n}_size").upper() for n in range(6)), "ARC"}
        if self._spec.migration and self._spec.migration.stream.records:
            own |= {self._own(f"record_{name}").upper() for name in ("most", "optional")}
        for macro, word in self._macros():
            first = seen.setdefault(macro, word)
            if first is not word:
                self._clash(_both(word, first, macro), word, (first, "the first one"))
            elif macro in own:
                self._clash(f"the driver has a macro {quote(macro)} of its own", word)
            elif macro in constants:
                self._clash(f"{quote(macro)} is a constant of the kernel that the spec uses", word)

    def _macros(self) -> Iterator[tuple[str, m.Word]]:
        for block in self._spec.registers:
            for register in block.registers:
                path = f"{block.name}_{register.name}"
                yield self._own(path).upper(), register.name
                yield from ((self._own(f"{path}_{bits.name}").upper(), bits.name) for bits in register.bits)
        for layout in self._spec.layouts:
            for field in layout.fields:
                if field.const:
                    yield self._own(f"{layout.name}_{field.name}").upper(), field.name
        stream = self._spec.migration.stream if self._spec.migration else None
        for record in stream.kinds if stream else ():
            yield self._own(f"record_{record.name}").upper(), record.name


def own_name(prefix: str, name: str) -> str:
    """Return the C name of a thing of the spec: it begins with the prefix, but doesn't say it twice."""
    name = c_name(name)
    return name if name == prefix or name.startswith(f"{prefix}_") else f"{prefix}_{name}"


def variant_suffix(spec: m.Spec, variant: m.Variant) -> str:
    """Return what C names of a variant have behind the prefix: what its name adds to the driver's."""
    name = c_name(variant.name.text)
    for known in (c_name(spec.driver.name.text), spec.driver.prefix.text):
        if name == known or name.startswith(f"{known}_"):
            return name.removeprefix(known).removeprefix("_")
    return name


def own_functions(spec: m.Spec) -> frozenset[str]:
    """Return what the driver calls functions and tables of its own, without the prefix."""
    suffixes = [variant_suffix(spec, variant) for variant in spec.variants]
    beside = frozenset(name for region in spec.device_regions for name in _of_region(region))
    if spec.capabilities:
        beside |= {"add_capabilities", "core_info", "get_info", "ioctl"}
    if spec.bar_access:
        beside |= _BAR_ACCESS
    if spec.device_features:
        beside |= {"device_feature", *(feature_name(feature) for feature in spec.device_features)}
    if spec.driver.core_object:
        prefix = f"{spec.driver.prefix}_"
        beside |= {word.text.removeprefix(prefix) for word in spec.driver.core_object.entries}
    early = any(block.is_early for block in spec.registers)
    emulates = spec.regions or spec.config_space or spec.probe or early
    own = OWN_FUNCTIONS | beside | (_EMULATION if emulates else frozenset())
    locks = {c_name(f"{command.name}-lock") for command in spec.commands if command.exclusive}
    of_variants = {f"{suffix}_{name}" for suffix in suffixes for name in _OF_VARIANTS}
    shown = {f"debug_{file.name}_{part}" for file in spec.debug_files for part in _OF_FILES}
    heads = spec.migration.stream.heads if spec.migration else ()
    shown |= {f"fill_{c_name(head.name.text)}" for head in heads}
    return own | locks | shown | of_variants | {condition_name(spec, variant) for variant in spec.variants}


def feature_name(feature: m.DeviceFeature) -> str:
    """Return what the function of a feature is called, without the prefix."""
    return feature.id.text.removeprefix("VFIO_DEVICE_").lower()


def condition_name(spec: m.Spec, variant: m.Variant) -> str:
    """Return what the condition of a variant is called if it is a function, without the prefix."""
    return f"is_{variant_suffix(spec, variant) or 'own'}"


def _of_region(region: m.Region) -> frozenset[str]:
    """Return the functions of a region beside the BARs."""
    name = c_name(region.name.text)
    of_operations = ("add_capability", "mmap", "regops", "release", "rw")
    return frozenset([*(f"{name}_{one}" for one in of_operations), f"register_{name}"])


def _both(word: m.Word, other: m.Word, name: str) -> str:
    return f"{quote(word.text)} and {quote(other.text)} both become {quote(name)}"


def _has_text(formula: m.Formula) -> bool:
    return formula.tree is not None and any(isinstance(node, s.Text) for node in s.walk(formula.tree))


def _kernel_functions(found: Iterable[m.Formula]) -> Iterator[str]:
    for formula in found:
        call = formula.tree.call if isinstance(formula.tree, s.KernelCall) else None
        if call and isinstance(call.function, s.Name):
            yield call.function.name


def _kernel_types(spec: m.Spec) -> Iterator[m.Word]:
    """Yield the words of the spec that name structures of the kernel."""
    if spec.provider:
        yield spec.provider.type
    yield from (structure.name for structure in spec.kernel_structures)
    yield from (field.type for structure in spec.kernel_structures for field in structure.fields)
    yield from (kept.type for kept in spec.context)
    yield from (p.type for command in spec.commands for p in (*command.params, *command.results))
