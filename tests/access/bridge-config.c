// SPDX-License-Identifier: GPL-2.0-only

#include "kernel.h"

struct vfio_pci_region { void *data; };

/* The bridge; reads of the last byte fail, as they do on a bus that has lost it. */
#define LOST (CONFIG_SIZE - 1)

static int pci_user_read_config_byte(struct pci_dev *other, int pos, u8 *value)
{
	expect(other == &the_pdev && pos >= 0 && pos < CONFIG_SIZE);
	*value = config[pos];
	return pos == LOST ? -EINVAL : 0;
}

#define vfio_pci_core_device bridge_core_device
struct bridge_core_device { struct vfio_pci_region *region; struct vfio_device vdev; };
#include "driver.inc"

static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	expect(false);
}

int main(void)
{
	struct vfio_pci_region regions[] = { { NULL }, { &the_pdev } };
	struct bridge_core_device vdev = { .region = regions };
	u64 index = VFIO_PCI_NUM_REGIONS + 1;

	for (int i = 0; i < CONFIG_SIZE; i++)
		config[i] = i * 11 + 5;
	for (int pos = 0; pos < CONFIG_SIZE + 4; pos++) {
		for (int count = 1; count < 40; count++) {
			char *buf = user_buffer(count, 0);
			int end = min(pos + count, CONFIG_SIZE);
			loff_t ppos = region(index, pos);
			ssize_t done = bridges_other_config_rw(&vdev, buf, count, &ppos, false);

			if (pos >= CONFIG_SIZE || end == CONFIG_SIZE) {
				expect(done == -EINVAL && ppos == region(index, pos));
			} else {
				expect(done == count && ppos == region(index, pos + count));
				expect(!memcmp(buf, config + pos, count));
			}
			ppos = region(index, pos);
			expect(bridges_other_config_rw(&vdev, buf, count, &ppos, true) == -EINVAL);
			user_end = buf + count - 1;
			expect(bridges_other_config_rw(&vdev, buf, count, &ppos, false) < 0);
			user_end = NULL;
			free(buf);
		}
	}
	printf("%ld accesses\n", accesses);
	return 0;
}
