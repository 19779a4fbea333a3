// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integrated graphics, whose firmware has left an OpRegion in memory that the
 * command line leaves unused: memmap=1M%0xacd00000-1. A VBT that is too long
 * for it lies elsewhere, where the OpRegion says. The bridges are QEMU's.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "sim.h"

#define MEMORY		0xacd00000
#define MEMORY_SIZE	SZ_1M
#define OPREGION_SIZE	SZ_8K
#define ASLS		0xfc
#define VECTOR_TABLE	SZ_4K

static const struct {
	const char *signature;
	u16 version;
	u32 place;		/* from MEMORY on */
	u32 vbt;		/* likewise */
	u32 vbt_size;
	u32 kilobytes;		/* that it says it has, if they aren't 8 */
} opregions[] = {
	{ "IntelGraphicsMem", 0x200, 0 },
	{ "IntelGraphicsMem", 0x200, 0x10000, 0x18000, 5000 },
	{ "IntelGraphicsMem", 0x201, 0x20000, 0x24000, 3000 },
	{ "IntelGraphicsMen", 0x200, 0x30000 },
	{ "IntelGraphicsMem", 0x200, 0x40000, .kilobytes = 16 },
};

#define POINTER(name, place)						\
	static const struct lab_register name[] = {			\
		{ ASLS, MEMORY + (place), 0xffffffff },			\
		{}							\
	}

POINTER(inside, 0);
POINTER(absolute, 0x10000);
POINTER(relative, 0x20000);
POINTER(broken, 0x30000);
POINTER(longer, 0x40000);

#define GRAPHICS(registers)						\
	{								\
		.vendor = PCI_VENDOR_ID_INTEL,				\
		.device = 0x9a49,					\
		.class = PCI_CLASS_DISPLAY_OTHER,			\
		.vectors = 3,						\
		.vector_table = VECTOR_TABLE,				\
		.bars = { SZ_16K },					\
		.config = registers,					\
	}

static const struct lab_function functions[] = {
	GRAPHICS(inside),
	GRAPHICS(absolute),
	GRAPHICS(relative),
	GRAPHICS(broken),
	GRAPHICS(NULL),
	GRAPHICS(longer),
};

static struct lab_bridge *bridge;

static void fill(u8 *at, size_t size, u8 first)
{
	size_t i;

	for (i = 0; i < size; i++)
		at[i] = first + i % 251;
}

static void write_opregion(u8 *memory, int i)
{
	bool is_relative = opregions[i].version > 0x200;
	u32 place = opregions[i].place, vbt = opregions[i].vbt;
	u8 *at = memory + place;

	fill(at, OPREGION_SIZE, i);
	memcpy(at, opregions[i].signature, 16);
	put_unaligned_le32(opregions[i].kilobytes ?: OPREGION_SIZE / SZ_1K,
			   at + 0x10);
	put_unaligned_le16(opregions[i].version, at + 0x16);
	put_unaligned_le64(!vbt ? 0 : is_relative ? vbt - place : MEMORY + vbt,
			   at + 0x3ba);
	put_unaligned_le32(opregions[i].vbt_size, at + 0x3c2);
	fill(memory + vbt, vbt ? opregions[i].vbt_size : 0, 0x80 + i);
}

static int __init lab_igd_init(void)
{
	void *memory = memremap(MEMORY, MEMORY_SIZE, MEMREMAP_WB);
	int i;

	if (!memory)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(opregions); i++)
		write_opregion(memory, i);
	memunmap(memory);

	bridge = lab_bridge_create(9, functions, ARRAY_SIZE(functions));
	return PTR_ERR_OR_ZERO(bridge);
}

static void __exit lab_igd_exit(void)
{
	lab_bridge_destroy(bridge);
}

module_init(lab_igd_init);
module_exit(lab_igd_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated integrated graphics for tests");
