// SPDX-License-Identifier: GPL-2.0-only
/*
 * GPUs on NVLink2 and a bridge: all that a VFIO driver learns of them is in
 * firmware's properties. Their memory is the machine's, which the command line
 * leaves unused, memmap=16M%0xac000000-1; of the bridge it is the doorbell's page.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/property.h>
#include <linux/sizes.h>

#include "sim.h"

#define VECTOR_TABLE	SZ_4K

static const struct property_entry first[] = {
	PROPERTY_ENTRY_U64("ibm,device-tgt-addr", 0x1000000000),
	PROPERTY_ENTRY_U64("nvidia,gpu-mem-base-pa", 0xac000000),
	PROPERTY_ENTRY_U64("nvidia,gpu-mem-size", SZ_4M + SZ_64K),
	{}
};

static const struct property_entry second[] = {
	PROPERTY_ENTRY_U64("ibm,device-tgt-addr", 0x2000000000),
	PROPERTY_ENTRY_U64("nvidia,gpu-mem-base-pa", 0xac800000),
	PROPERTY_ENTRY_U64("nvidia,gpu-mem-size", SZ_4M),
	{}
};

static const struct property_entry bridge_of_both[] = {
	PROPERTY_ENTRY_U64("ibm,device-tgt-addr", 0x3000000000),
	PROPERTY_ENTRY_U64("ibm,mmio-atsd", 0xacc00000),
	PROPERTY_ENTRY_U64("ibm,nvlink-speed", 9),
	{}
};

/* Without an address on the link there is nothing to be passed through. */
static const struct property_entry unlinked[] = {
	PROPERTY_ENTRY_U64("nvidia,gpu-mem-base-pa", 0xac000000),
	PROPERTY_ENTRY_U64("nvidia,gpu-mem-size", SZ_4M),
	{}
};

#define FUNCTION(maker, id, code, ...)					\
	{								\
		.vendor = PCI_VENDOR_ID_##maker,			\
		.device = id,						\
		.class = PCI_CLASS_##code,				\
		.vectors = 3,						\
		.vector_table = VECTOR_TABLE,				\
		.power = true,						\
		.bars = { SZ_16K },					\
		__VA_ARGS__						\
	}

static const struct lab_function functions[] = {
	FUNCTION(NVIDIA, 0x1db1, DISPLAY_3D, .properties = first),
	FUNCTION(NVIDIA, 0x1db1, DISPLAY_3D, .properties = second),
	FUNCTION(IBM, 0x04ea, SP_OTHER, .properties = bridge_of_both),
	FUNCTION(NVIDIA, 0x1db5, DISPLAY_3D, .properties = unlinked),
};

static struct lab_bridge *bridge;

static int __init lab_nvlink2_init(void)
{
	bridge = lab_bridge_create(8, functions, ARRAY_SIZE(functions));
	return PTR_ERR_OR_ZERO(bridge);
}

static void __exit lab_nvlink2_exit(void)
{
	lab_bridge_destroy(bridge);
}

module_init(lab_nvlink2_init);
module_exit(lab_nvlink2_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated GPUs on NVLink2 for tests");
