// SPDX-License-Identifier: GPL-2.0-only
/*
 * GPUs with memory of the machine, which the command line leaves unused:
 * memmap=1728M%0x40000000-1. Firmware's properties say where each one's is. A
 * GPU says in BAR 0 or, as a CXL device, in config space that its memory is
 * ready, and has to make it so again when it has been reset.
 *
 * In debugfs at lab_nvgrace/:
 *
 *	ready		1: memory is ready, and at once after a reset; 0: it
 *			isn't any more after the next reset; 2: nor does the
 *			GPU answer then
 */
#include <linux/bits.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/property.h>
#include <linux/sizes.h>

#include "sim.h"

#define LINK		0x1498
#define TRAINING	0x200bc
#define DONE		0xff
#define VECTOR_TABLE	0x30000

/* Extended config space: a DVSEC of the vendor's, then one of a CXL device. */
#define OWN		0x100
#define CXL		0x120
#define EXTENDED(id, next)	((id) | 1 << 16 | (next) << 20)
#define DVSEC(vendor, size)	((vendor) | (u32)(size) << 20)
#define CXL_VENDOR	0x1e98
#define CXL_SIZE_LOW	(CXL + 0x1c)
#define CXL_READY	(BIT(0) | BIT(1))

enum { NOT_READY, READY, GONE };

#define MEMORY(name, base, size)					\
	static const struct property_entry name[] = {			\
		PROPERTY_ENTRY_U64("nvidia,gpu-mem-base-pa", base),	\
		PROPERTY_ENTRY_U64("nvidia,gpu-mem-size", size),	\
		{}							\
	}

MEMORY(first, 0xa2000000, SZ_32M + SZ_16M);
MEMORY(second, 0xa6000000, SZ_32M + SZ_16M);
MEMORY(carved, 0x40000000, SZ_1G + SZ_512M + SZ_16M);
MEMORY(coherent, 0xaa000000, SZ_32M);
MEMORY(no_link, 0xaa000000, 0);
MEMORY(too_small, 0x40000000, SZ_1G + SZ_512M - SZ_4K);

static const struct lab_register cached[] = {
	{ OWN, EXTENDED(PCI_EXT_CAP_ID_DVSEC, 0) },
	{ OWN + 4, DVSEC(PCI_VENDOR_ID_NVIDIA, 0x10) },
	{ OWN + 8, 3 | BIT(0) << 16 },
	{}
};

static const struct lab_register uncached[] = {
	{ OWN, EXTENDED(PCI_EXT_CAP_ID_DVSEC, 0) },
	{ OWN + 4, DVSEC(PCI_VENDOR_ID_NVIDIA, 0x10) },
	{ OWN + 8, 3 },
	{}
};

static const struct lab_register cxl[] = {
	{ OWN, EXTENDED(PCI_EXT_CAP_ID_DVSEC, CXL) },
	{ OWN + 4, DVSEC(PCI_VENDOR_ID_NVIDIA, 0x10) },
	{ OWN + 8, 3 | BIT(0) << 16 },
	{ CXL, EXTENDED(PCI_EXT_CAP_ID_DVSEC, 0) },
	{ CXL + 4, DVSEC(CXL_VENDOR, 0x3c) },
	{ CXL + 8, 0 },
	{ CXL_SIZE_LOW, CXL_READY },
	{}
};

static void reset(unsigned int device);

#define GPU(id, ...)							\
	{								\
		.vendor = PCI_VENDOR_ID_NVIDIA,				\
		.device = id,						\
		.class = PCI_CLASS_DISPLAY_3D,				\
		.vectors = 3,						\
		.vector_table = VECTOR_TABLE,				\
		.power = true,						\
		.bars = { SZ_256K },					\
		.reset = reset,						\
		__VA_ARGS__						\
	}

static const struct lab_function functions[] = {
	GPU(0x2941, .config = cached, .properties = first),
	GPU(0x2941, .config = cached, .properties = second),
	GPU(0x2342, .properties = carved),
	GPU(0x31c2, .config = cxl, .properties = coherent),
	GPU(0x2345),
	GPU(0x2348, .config = cached, .properties = no_link),
	GPU(0x2342, .config = uncached, .properties = too_small),
};

static void __iomem *bars[ARRAY_SIZE(functions)];
static struct lab_bridge *bridge;
static u64 ready = READY;

static void tell(unsigned int device, bool is_ready)
{
	writel(is_ready ? DONE : 0, bars[device] + LINK);
	writel(is_ready ? DONE : 0, bars[device] + TRAINING);
	if (functions[device].config == cxl)
		lab_set_config(bridge, device, CXL_SIZE_LOW,
			       is_ready ? CXL_READY : ready == GONE ? ~0 : 0);
}

static void reset(unsigned int device)
{
	tell(device, ready == READY);
}

static int ready_get(void *data, u64 *value)
{
	*value = ready;
	return 0;
}

static int ready_set(void *data, u64 value)
{
	int i;

	ready = value;
	for (i = 0; ready == READY && i < ARRAY_SIZE(functions); i++)
		tell(i, true);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(ready_fops, ready_get, ready_set, "%llu\n");

static struct dentry *dir;

static void forget(void)
{
	int i;

	debugfs_remove(dir);
	lab_bridge_destroy(bridge);
	for (i = 0; i < ARRAY_SIZE(functions); i++)
		if (bars[i])
			iounmap(bars[i]);
}

static int __init lab_nvgrace_init(void)
{
	struct pci_dev *pdev;
	int i;

	bridge = lab_bridge_create(5, functions, ARRAY_SIZE(functions));
	if (IS_ERR(bridge))
		return PTR_ERR(bridge);

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		pdev = lab_get_function(bridge, i);
		bars[i] = pci_iomap(pdev, 0, 0);
		pci_dev_put(pdev);
		if (!bars[i]) {
			forget();
			return -ENOMEM;
		}
		tell(i, true);
	}
	dir = debugfs_create_dir("lab_nvgrace", NULL);
	debugfs_create_file_unsafe("ready", 0600, dir, NULL, &ready_fops);
	return 0;
}

module_init(lab_nvgrace_init);
module_exit(forget);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated GPUs with coherent memory for tests");
