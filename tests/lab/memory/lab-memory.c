// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the books of what some modules have allocated and not freed: objects,
 * virtual areas (vmalloc, ioremap) and pages, by themselves or by a function of
 * the kernel that they call. In debugfs at lab_memory is a line for each: its
 * size, the place in the module that it was allocated from, and by way of what.
 */
#include <linux/debugfs.h>
#include <linux/hashtable.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#define WATCHED		16
#define ENTRIES		4096
/*
 * How near the module has to be: what is allocated further down belongs to the
 * caches of whatever the kernel does there, ACPI for example.
 */
#define DEPTH		10
/* Those of the tracepoint. */
#define OWN_FRAMES	2

static char *watched[WATCHED];
static int nr_watched;
module_param_array(watched, charp, &nr_watched, 0400);
MODULE_PARM_DESC(watched, "Names of modules, to be loaded later");

struct text {
	unsigned long start;
	unsigned long end;
};

struct entry {
	struct hlist_node node;
	unsigned long address;
	unsigned long size;
	unsigned int depth;
	unsigned long frames[DEPTH];
};

static DEFINE_RAW_SPINLOCK(lock);	/* protects all that follows */
static struct text ranges[WATCHED];
static struct entry entries[ENTRIES];
static HLIST_HEAD(unused);
static DEFINE_HASHTABLE(used, 10);
static unsigned int lost;

static struct dentry *file;

static bool in_watched(unsigned long address)
{
	int i;

	for (i = 0; i < nr_watched; i++)
		if (address >= ranges[i].start && address < ranges[i].end)
			return true;
	return false;
}

/* Takes the frames down to a watched module's; their number, 0 without one. */
static unsigned int save_frames(unsigned long *frames)
{
	unsigned int i, nr;

	if (!in_task())
		return 0;
	nr = stack_trace_save(frames, DEPTH, 0);
	for (i = 0; i < nr; i++)
		if (in_watched(frames[i]))
			return i + 1;
	return 0;
}

static void enter(unsigned long address, unsigned long size,
		  const unsigned long *frames, unsigned int depth)
{
	struct entry *entry;
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	entry = hlist_entry_safe(unused.first, struct entry, node);
	if (entry) {
		hlist_del(&entry->node);
		entry->address = address;
		entry->size = size;
		entry->depth = depth;
		memcpy(entry->frames, frames, depth * sizeof(*frames));
		hash_add(used, &entry->node, address);
	} else {
		lost++;
	}
	raw_spin_unlock_irqrestore(&lock, flags);
}

/* The kernel tells of a large object twice, and once that it is freed. */
static void strike(unsigned long address)
{
	struct hlist_node *next;
	struct entry *entry;
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	hash_for_each_possible_safe(used, entry, next, node, address) {
		if (entry->address == address) {
			hash_del(&entry->node);
			hlist_add_head(&entry->node, &unused);
		}
	}
	raw_spin_unlock_irqrestore(&lock, flags);
}

/*
 * Whether something is kept for later by whoever the module called: the slab
 * allocator's own, and types of mappings, of which it isn't told which goes
 * first where a range is mapped twice.
 */
static bool of_others(unsigned long caller)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, caller);
	return strstarts(name, "__pcs_") || strstr(name, "sheaf") ||
	       !strcmp(name, "memtype_reserve");
}

static void on_kmalloc(void *data, unsigned long caller, const void *object,
		       size_t size, size_t room, gfp_t gfp, int node)
{
	unsigned long frames[DEPTH];
	unsigned int depth;

	depth = save_frames(frames);
	if (object && depth && !of_others(caller))
		enter((unsigned long)object, size, frames, depth);
}

/* The caches of others hold what lives on, or what a fault brings. */
static void on_cache_alloc(void *data, unsigned long caller, const void *object,
			   struct kmem_cache *cache, gfp_t gfp, int node)
{
	if (in_watched(caller))
		enter((unsigned long)object, kmem_cache_size(cache), &caller, 1);
}

static void on_kfree(void *data, unsigned long caller, const void *object)
{
	strike((unsigned long)object);
}

static void on_cache_free(void *data, unsigned long caller, const void *object,
			  const struct kmem_cache *cache)
{
	strike((unsigned long)object);
}

static void on_area_alloc(void *data, unsigned long address, unsigned long size,
			  unsigned long align, unsigned long start,
			  unsigned long end, int failed)
{
	unsigned long frames[DEPTH];
	unsigned int depth;

	depth = save_frames(frames);
	if (!failed && depth)
		enter(address, size, frames, depth);
}

static void on_area_free(void *data, unsigned long start, unsigned long nr,
			 unsigned long max)
{
	strike(start);
}

/* Whether a frame is the page allocator's own: others allocate to keep. */
static bool of_page_allocator(unsigned long address)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, address);
	return strstr(name, "alloc_pages") || strstr(name, "alloc_frozen_pages") ||
	       strstr(name, "get_free_page") || strstr(name, "get_zeroed_page") ||
	       strstr(name, "mm_page_alloc") || strstr(name, "on_page_alloc");
}

static void on_page_alloc(void *data, struct page *page, unsigned int order,
			  gfp_t gfp, int type)
{
	unsigned long frames[DEPTH];
	unsigned int depth, i;

	depth = save_frames(frames);
	if (!page || !depth)
		return;
	for (i = 0; i < depth - 1; i++)
		if (!of_page_allocator(frames[i]))
			return;
	enter((unsigned long)page, PAGE_SIZE << order, frames, depth);
}

static void on_page_free(void *data, struct page *page, unsigned int order)
{
	strike((unsigned long)page);
}

static void on_page_free_batched(void *data, struct page *page)
{
	strike((unsigned long)page);
}

static struct {
	const char *name;
	void *probe;
	struct tracepoint *point;
} probes[] = {
	{ "kmalloc", on_kmalloc },
	{ "kmem_cache_alloc", on_cache_alloc },
	{ "kfree", on_kfree },
	{ "kmem_cache_free", on_cache_free },
	{ "alloc_vmap_area", on_area_alloc },
	{ "free_vmap_area_noflush", on_area_free },
	{ "mm_page_alloc", on_page_alloc },
	{ "mm_page_free", on_page_free },
	{ "mm_page_free_batched", on_page_free_batched },
};

static void find_point(struct tracepoint *point, void *data)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(probes[i].name, point->name))
			probes[i].point = point;
}

static void unregister_probes(int nr)
{
	while (nr--)
		tracepoint_probe_unregister(probes[nr].point, probes[nr].probe,
					    NULL);
	tracepoint_synchronize_unregister();
}

static int register_probes(void)
{
	int i, ret;

	for_each_kernel_tracepoint(find_point, NULL);
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		ret = -ENOENT;
		if (probes[i].point)
			ret = tracepoint_probe_register(probes[i].point,
							probes[i].probe, NULL);
		if (ret) {
			pr_err("no probe at %s\n", probes[i].name);
			unregister_probes(i);
			return ret;
		}
	}
	return 0;
}

/* A module that goes leaves its ranges, whose frames nothing has then. */
static int module_changed(struct notifier_block *nb, unsigned long action,
			  void *data)
{
	struct module *module = data;
	const struct module_memory *text = &module->mem[MOD_TEXT];
	int i;

	if (action != MODULE_STATE_COMING)
		return NOTIFY_DONE;
	for (i = 0; i < nr_watched; i++) {
		if (!strcmp(watched[i], module->name)) {
			ranges[i].start = (unsigned long)text->base;
			ranges[i].end = ranges[i].start + text->size;
		}
	}
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = module_changed };

/* The module's frame, and what it called. */
static void show(struct seq_file *seq, const struct entry *entry)
{
	unsigned int i = entry->depth - 1;

	seq_printf(seq, "%lu bytes by %pS", entry->size,
		   (void *)entry->frames[i]);
	while (i > OWN_FRAMES)
		seq_printf(seq, ", %ps", (void *)entry->frames[--i]);
	seq_putc(seq, '\n');
}

static int live_show(struct seq_file *seq, void *unused_data)
{
	struct entry *entry;
	unsigned long flags;
	int bucket;

	/* What waits for readers is freed. */
	rcu_barrier();
	raw_spin_lock_irqsave(&lock, flags);
	hash_for_each(used, bucket, entry, node)
		show(seq, entry);
	if (lost)
		seq_printf(seq, "%u more\n", lost);
	raw_spin_unlock_irqrestore(&lock, flags);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(live);

static int __init lab_memory_init(void)
{
	int i, ret;

	for (i = 0; i < ENTRIES; i++)
		hlist_add_head(&entries[i].node, &unused);
	ret = register_module_notifier(&notifier);
	if (ret)
		return ret;
	ret = register_probes();
	if (ret) {
		unregister_module_notifier(&notifier);
		return ret;
	}
	file = debugfs_create_file("lab_memory", 0400, NULL, NULL, &live_fops);
	return 0;
}

static void __exit lab_memory_exit(void)
{
	debugfs_remove(file);
	unregister_probes(ARRAY_SIZE(probes));
	unregister_module_notifier(&notifier);
}

module_init(lab_memory_init);
module_exit(lab_memory_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Books of what modules allocate, for tests");
