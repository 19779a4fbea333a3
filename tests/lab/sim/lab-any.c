// SPDX-License-Identifier: GPL-2.0-only
/* Functions that nobody knows anything of, and one that is known to be unsafe. */
#include <linux/err.h>
#include <linux/module.h>

#include "sim.h"

#define VENDOR	0x1ace

#define PLAIN(id, ...)							\
	{								\
		.vendor = VENDOR,					\
		.device = id,						\
		.class = PCI_CLASS_SP_OTHER,				\
		.vectors = 2,						\
		.vector_table = 1,					\
		.power = true,						\
		.bars = { SZ_4K, SZ_4K },				\
		__VA_ARGS__						\
	}

static const struct lab_function functions[] = {
	PLAIN(0x0010),
	PLAIN(0x0010),
	PLAIN(0x0011, .vf_device = 0x0012, .vfs = 2, .vf_bars = { SZ_4K }),
	PLAIN(0x0013),
	{
		.vendor = PCI_VENDOR_ID_INTEL,
		.device = PCI_DEVICE_ID_INTEL_DSA_SPR0,
		.class = PCI_CLASS_SP_OTHER,
		.bars = { SZ_4K },
	},
};

static struct lab_bridge *bridge;

static int __init lab_any_init(void)
{
	bridge = lab_bridge_create(10, functions, ARRAY_SIZE(functions));
	return PTR_ERR_OR_ZERO(bridge);
}

static void __exit lab_any_exit(void)
{
	lab_bridge_destroy(bridge);
}

module_init(lab_any_init);
module_exit(lab_any_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated functions of no kind for tests");
