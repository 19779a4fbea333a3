// SPDX-License-Identifier: GPL-2.0-only

#include "kernel.h"

#define OPREGION 0x10000
#define SIZE 0x2000
#define MEMREMAP_WB 0
/* The kernel's own shifts a bit into the sign. */
#undef VFIO_REGION_TYPE_PCI_VENDOR_TYPE
#define VFIO_REGION_TYPE_PCI_VENDOR_TYPE (1U << 31)
#define PCI_VENDOR_ID_INTEL 0x8086

/* The memory of the machine, and how much of it is mapped. */
static u8 machine[0x40000];
static int mapped, failing;

static void *memremap(phys_addr_t base, size_t length, int flags)
{
	if (failing && !--failing)
		return NULL;
	expect(base + length <= sizeof(machine));
	mapped++;
	return machine + base;
}

static void memunmap(void *memory)
{
	expect(mapped > 0);
	mapped--;
}

static u64 get_le(const u8 *at, int size)
{
	u64 value = 0;

	while (size--)
		value = value << 8 | at[size];
	return value;
}

static void put_le(u64 value, u8 *at, int size)
{
	for (int i = 0; i < size; i++)
		at[i] = value >> i * 8;
}

#define get_unaligned_le16(p) ((u16)get_le(p, 2))
#define get_unaligned_le32(p) ((u32)get_le(p, 4))
#define get_unaligned_le64(p) get_le(p, 8)
#define put_unaligned_le16(value, p) put_le(value, p, 2)
#define put_unaligned_le64(value, p) put_le(value, p, 8)

static void *kvzalloc(size_t size, int flags)
{
	return failing && !--failing ? NULL : calloc(1, size);
}

static void kvfree(const void *memory)
{
	free((void *)memory);
}

static ssize_t simple_read_from_buffer(char *to, size_t count, loff_t *ppos, const void *from, size_t size)
{
	count = min(count, size - *ppos);
	if (copy_to_user(to, (const char *)from + *ppos, count))
		return -EFAULT;
	*ppos += count;
	return count;
}

/* The core's device, with a region beside the BARs. */
struct vfio_pci_region { void *data; size_t size; };
struct vfio_pci_regops { int unused; };
static struct vfio_pci_region the_region;
struct core_device { struct vfio_device vdev; struct pci_dev *pdev; struct vfio_pci_region *region; };
#define vfio_pci_core_device core_device
#define dev unused
#define to_pci_dev(ignored) (&the_pdev)
static const struct vfio_pci_regops igd_opregion_regops;

static int pci_read_config_dword(struct pci_dev *pdev, int pos, u32 *value)
{
	*value = get_le(config + pos, 4);
	return 0;
}

static int vfio_pci_core_init_dev(struct vfio_device *vdev)
{
	return 0;
}

static void vfio_pci_core_release_dev(struct vfio_device *vdev)
{
}

static int vfio_pci_core_register_dev_region(struct core_device *vdev, unsigned int type, unsigned int subtype,
					     const struct vfio_pci_regops *ops, size_t size, u32 flags, void *data)
{
	if (failing && !--failing)
		return -ENOMEM;
	expect(type == (VFIO_REGION_TYPE_PCI_VENDOR_TYPE | PCI_VENDOR_ID_INTEL) && subtype == 1);
	expect(flags == VFIO_REGION_INFO_FLAG_READ);
	the_region = (struct vfio_pci_region){ data, size };
	return 0;
}

#include "driver.inc"

#define driver_config_read igd_config_read
#define driver_config_write igd_config_write
/* It keeps nothing that a reset changes. */
#define driver_reset(vdev) ((void)(vdev))
#include "config.h"

static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	expect(false);
}

static u8 shown[SIZE + 0x200000];

static void read_region(struct core_device *vdev, size_t size, int pos, int count)
{
	loff_t at = region(VFIO_PCI_NUM_REGIONS, pos), ppos = at;
	char *buf = user_buffer(count, 0xa5);
	ssize_t done = igd_opregion_rw(vdev, buf, count, &ppos, false);

	if (pos >= size) {
		expect(done == -EINVAL && ppos == at);
	} else {
		expect(done == min(count, size - pos) && ppos == at + done);
		expect(!memcmp(buf, shown + pos, done));
	}
	ppos = at;
	expect(igd_opregion_rw(vdev, buf, count, &ppos, true) == -EINVAL && ppos == at);
	free(buf);
}

/* What the user sees of an OpRegion: its VBT follows it, and is where version 2.1 has it. */
static void try_region(u16 version, u64 rvda, u32 rvds, u64 vbt, bool sound)
{
	static struct igd_device zero;
	struct igd_device igd = zero;
	struct vfio_device *vdev = &igd.core_device.vdev;
	size_t size = SIZE + (vbt ? rvds : 0);
	u8 *at = machine + OPREGION;

	for (int i = 0; i < sizeof(machine); i++)
		machine[i] = i * 13 + (i >> 8);
	memcpy(at, sound ? "IntelGraphicsMem" : "IntelGraphicsMen", 16);
	put_le(8, at + 0x10, 4);
	put_le(version, at + 0x16, 2);
	put_le(rvda, at + 0x3ba, 8);
	put_le(rvds, at + 0x3c2, 4);
	memcpy(shown, at, SIZE);
	memcpy(shown + SIZE, machine + vbt, vbt ? rvds : 0);
	put_le(vbt && version == 0x200 ? 0x201 : version, shown + 0x16, 2);
	put_le(vbt ? SIZE : 0, shown + 0x3ba, 8);

	igd.core_device.pdev = &the_pdev;
	igd.core_device.region = &the_region;
	put_le(OPREGION, config + 0xfc, 4);
	expect(!igd_init(vdev) && mapped == 1);
	expect(igd_find_opregion(&igd) == (sound ? 0 : -EINVAL));
	the_region = (struct vfio_pci_region){};
	expect(!igd_register_opregion(&igd) && mapped == 1);
	expect(!!the_region.data == sound);
	if (sound) {
		expect(the_region.size == size);
		for (int pos = 0; pos < size + 4; pos += pos < 0x40 || (pos > 0x3a0 && pos < 0x3e0) ||
							 pos > SIZE - 20 ? 1 : 61)
			for (int count = 1; count < 20; count++)
				read_region(&igd.core_device, size, pos, count);
		read_region(&igd.core_device, size, 0, size + 10);
		igd_opregion_release(&igd.core_device, &the_region);
		/* Each allocation, mapping and registration fails once. */
		for (int i = 1; i <= 3 + !!vbt; i++) {
			failing = i;
			expect(igd_register_opregion(&igd) == -ENOMEM && !failing && mapped == 1);
		}
	}
	memset(model, 0, sizeof(model));
	model_keep(0xfc, 4, 0xffffffff, true);
	model_start(0xfc, 4, OPREGION);
	model_stick(0xfc, 4);
	igd.config_asls = igd.asls;
	sweep_config(vdev);
	igd_release(vdev);
	expect(!mapped);
}

int main(void)
{
	try_region(0x100, 0, 0, 0, true);
	try_region(0x200, 0, 100, 0, true);
	try_region(0x200, 0x5008, 300, 0x5008, true);
	try_region(0x200, 0x5008, 0, 0, true);
	try_region(0x201, SIZE, 300, OPREGION + SIZE, true);
	try_region(0x202, 0x4001, 299, OPREGION + 0x4001, true);
	try_region(0x201, SIZE, 0x100001, 0, true);
	try_region(0x201, SIZE, 300, 0, false);
	printf("%ld accesses\n", accesses);
	return 0;
}
