// SPDX-License-Identifier: GPL-2.0-only

#include "kernel.h"
#include "driver.inc"

#define BAR_SIZE 64

static u8 bar[BAR_SIZE];
static u64 reached;

/* As the core: nothing begins beyond the BAR, and what goes beyond it is cut off. */
static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	expect(index == VFIO_PCI_BAR2_REGION_INDEX);
	if (pos >= BAR_SIZE)
		return -EINVAL;
	count = min(count, BAR_SIZE - pos);
	reached = max(reached, pos + count);
	memcpy(write ? (char *)bar + pos : buf, write ? buf : (char *)bar + pos, count);
	return count;
}

static void sweep(struct clip_device *clip, u64 visible)
{
	reached = 0;
	for (u64 pos = 0; pos < BAR_SIZE + 9; pos++) {
		for (size_t count = 0; count < BAR_SIZE + 9; count++) {
			for (int write = 0; write < 2; write++) {
				char *buf = user_buffer(count, 0x5a);
				loff_t ppos = region(VFIO_PCI_BAR2_REGION_INDEX, pos);
				ssize_t expected = min(count, visible - pos), done;

				if (pos >= visible)
					expected = count ? -EINVAL : 0;
				done = write ? clip_write(&clip->core_device.vdev, buf, count, &ppos) :
					       clip_read(&clip->core_device.vdev, buf, count, &ppos);
				expect(done == expected);
				free(buf);
			}
		}
	}
	expect(reached == visible);
}

static void check_info(struct clip_device *clip, u64 visible)
{
	struct vfio_region_info info = { .index = VFIO_PCI_BAR2_REGION_INDEX };
	struct vfio_info_cap caps = {};

	expect(!clip_clipped_info(clip, clip_bar2_visible(clip), &info, &caps));
	expect(info.size == visible && info.flags & VFIO_REGION_INFO_FLAG_MMAP && !caps.size);
	clip->core_device.msix_bar = 2;
	expect(!clip_clipped_info(clip, visible, &info, &caps) && caps.size);
	clip->core_device.msix_bar = 0;
	the_pdev.bar_size[2] = 0;
	expect(!clip_clipped_info(clip, clip_bar2_visible(clip), &info, &caps));
	expect(!info.size && !info.flags);
	the_pdev.bar_size[2] = BAR_SIZE;
}

int main(void)
{
	static struct clip_device clip = { .core_device.pdev = &the_pdev };

	the_pdev.bar_size[2] = BAR_SIZE;
	clip.core_device.bar_mmap_supported[2] = true;
	sweep(&clip, BAR_SIZE / 2);
	check_info(&clip, BAR_SIZE / 2);
	clip.moved = true;
	sweep(&clip, BAR_SIZE);
	check_info(&clip, BAR_SIZE);
	printf("%ld accesses\n", accesses);
	return 0;
}
