// SPDX-License-Identifier: GPL-2.0-only
/* BARs that are read by values and written by blocks, at offsets that begin at bit 48. */

#include "kernel.h"

#define SHIFT 48
#define BAR_SIZE (2 * PAGE_SIZE + 24)
#define BLOCK 128
#define HANDLE 0xabcd1234U

struct zpci_dev {
	u32 fh;
	u16 maxstbl;
};

static u8 bar[BAR_SIZE];
static bool enabled = true;
static long stored;

static void check_request(u64 req, u64 offset, size_t count)
{
	expect(locked == 1 && enabled && req >> 32 == HANDLE);
	expect((req >> 16 & 0xffff) == 3 && (req & 0xffff) == count);
	expect(offset + count <= BAR_SIZE);
}

static int __zpci_load(u64 *data, u64 req, u64 offset)
{
	size_t width = req & 0xffff;

	check_request(req, offset, width);
	expect((width == 1 || width == 2 || width == 4 || width == 8) && !(offset % width));
	*data = 0;
	memcpy(data, bar + offset, width);
	return 0;
}

static int __zpci_store_block(const u64 *data, u64 req, u64 offset)
{
	size_t count = req & 0xffff;

	check_request(req, offset, count);
	expect(count && count <= BLOCK && offset / PAGE_SIZE == (offset + count - 1) / PAGE_SIZE);
	expect(!((unsigned long)data % PAGE_SIZE));
	memcpy(bar + offset, data, count);
	stored++;
	return 0;
}

static bool ism_vfio_memory_enabled(struct vfio_pci_core_device *vdev)
{
	expect(locked == 1);
	return enabled;
}

static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	expect(!"a BAR is no business of the core's");
	return -EINVAL;
}

#define __get_free_page(flags) ((unsigned long)aligned_alloc(PAGE_SIZE, PAGE_SIZE))
#define free_page(page) free((void *)(page))
#define offset_in_page(pos) ((pos) & (PAGE_SIZE - 1))
#define to_pci_dev(device) (&the_pdev)

#include "driver.inc"

static struct zpci_dev zdev = { .fh = HANDLE, .maxstbl = BLOCK };
static struct ism_vfio_device device = { .core_device.pdev = &the_pdev, .zdev = &zdev };

static ssize_t access_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	loff_t ppos = index << SHIFT | pos;
	struct vfio_device *vdev = &device.core_device.vdev;
	ssize_t done = write ? ism_vfio_write(vdev, buf, count, &ppos) : ism_vfio_read(vdev, buf, count, &ppos);

	expect(ppos == (loff_t)(index << SHIFT | (pos + max(done, 0))));
	expect(!the_pdev.dev.references && !locked);
	return done;
}

static ssize_t expected(u64 pos, size_t count, bool write)
{
	size_t left = pos < BAR_SIZE ? BAR_SIZE - pos : 0;

	if (!count)
		return 0;
	if (!left)
		return -EINVAL;
	count = min(count, left);
	if (write && (count > BLOCK || pos % PAGE_SIZE + count > PAGE_SIZE))
		return -EINVAL;
	return enabled ? count : -EIO;
}

static void try_access(u64 pos, size_t count, bool write)
{
	char *buf = user_buffer(count, 0x5a);
	u8 before[BAR_SIZE];
	ssize_t want = expected(pos, count, write), done;

	memcpy(before, bar, BAR_SIZE);
	done = access_bar(3, pos, buf, count, write);
	expect(done == want);
	if (done > 0 && !write)
		expect(!memcmp(buf, bar + pos, done));
	if (done > 0 && write) {
		expect(!memcmp(buf, bar + pos, done));
		memcpy(bar + pos, before + pos, done);
	}
	expect(!memcmp(bar, before, BAR_SIZE));
	free(buf);
}

static void try_faults(u64 pos, size_t count, bool write)
{
	size_t there;

	for (there = 0; there < count; there++) {
		char *buf = user_buffer(there, 0x5a);
		long before = stored;

		user_end = buf + there;
		expect(access_bar(3, pos, buf, count, write) == -EFAULT);
		expect(stored == before);
		user_end = NULL;
		free(buf);
	}
}

static void check_info(void)
{
	struct vfio_region_info info;
	u32 index;

	for (index = 0; index < 12; index++) {
		info = (struct vfio_region_info){ .index = index };
		if (index <= VFIO_PCI_BAR5_REGION_INDEX || index == VFIO_PCI_CONFIG_REGION_INDEX) {
			expect(!ism_vfio_region_info(&device.core_device.vdev, &info));
			expect(info.offset == (u64)index << SHIFT && !(info.flags & VFIO_REGION_INFO_FLAG_MMAP));
			expect(info.size == (index == 3 ? BAR_SIZE : index == VFIO_PCI_CONFIG_REGION_INDEX ?
					     CONFIG_SIZE : 0));
			expect(!info.flags == !info.size);
		} else {
			expect(ism_vfio_region_info(&device.core_device.vdev, &info) == -EINVAL);
		}
	}
}

int main(void)
{
	static const u64 starts[] = { 0, PAGE_SIZE - 20, 2 * PAGE_SIZE - 4, BAR_SIZE - 12 };
	char config_buf[8];
	size_t count, i;
	int write;

	for (i = 0; i < BAR_SIZE; i++)
		bar[i] = i * 7 + i / 256;
	the_pdev.bar_size[3] = BAR_SIZE;
	for (i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		for (u64 pos = starts[i]; pos < starts[i] + 20; pos++) {
			for (count = 0; count < BLOCK + 9; count++)
				for (write = 0; write < 2; write++)
					try_access(pos, count, write);
		}
	}
	try_faults(3, 21, false);
	try_faults(8, 64, true);
	enabled = false;
	try_access(0, 8, false);
	try_access(0, 8, true);
	enabled = true;
	/* What isn't config space or one of the BARs, and BARs that the device lacks. */
	expect(access_bar(VFIO_PCI_ROM_REGION_INDEX, 0, config_buf, 4, false) == -EINVAL);
	expect(access_bar(VFIO_PCI_VGA_REGION_INDEX, 0, config_buf, 4, true) == -EINVAL);
	expect(access_bar(200, 0, config_buf, 4, false) == -EINVAL);
	expect(access_bar(1, 0, config_buf, 4, false) == -EINVAL);
	/* The core sees its own offsets, and none of another region. */
	config[5] = 0x42;
	expect(access_bar(VFIO_PCI_CONFIG_REGION_INDEX, 4, config_buf, 4, false) == 4 && config_buf[1] == 0x42);
	expect(access_bar(VFIO_PCI_CONFIG_REGION_INDEX, 6, config_buf, 2, true) == 2 && config_written[7] == 1);
	expect(access_bar(VFIO_PCI_CONFIG_REGION_INDEX, 1ULL << 40, config_buf, 4, false) == -EINVAL);
	expect(access_bar(VFIO_PCI_CONFIG_REGION_INDEX, CONFIG_SIZE, config_buf, 4, false) == -EFAULT);
	check_info();
	printf("%ld accesses\n", accesses);
	return 0;
}
