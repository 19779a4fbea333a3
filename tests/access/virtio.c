// SPDX-License-Identifier: GPL-2.0-only

#include "kernel.h"
#include <linux/virtio_ids.h>

#define VIRTIO_TRANS_ID_NET 0x1000
#define PCI_VENDOR_ID_REDHAT_QUMRANET 0x1af4
#define QUEUE_NOTIFY 16

/* The device by itself: what all devices have, what a network device has, and where queues are notified. */
static u8 common[24], own[12], bell[2];
static int rings;

/* The parent's commands are about one field each. */
static const u8 common_ends[] = { 4, 8, 12, 14, 16, 18, 19, 20, 22, 24 };
static const u8 device_ends[] = { 6, 8, 12 };

static bool is_one_field(const u8 *ends, u8 at, u8 size)
{
	while (at >= *ends)
		ends++;
	return at + size <= *ends;
}

#define ADMIN(name, memory)							\
static int virtio_pci_admin_legacy_##name##_io_read(struct pci_dev *pdev, u8 at, u8 size, u8 *buf) \
{									\
	expect(at + size <= sizeof(memory) && pdev->dev.references);	\
	expect(is_one_field(name##_ends, at, size));			\
	memcpy(buf, memory + at, size);					\
	return 0;							\
}									\
static int virtio_pci_admin_legacy_##name##_io_write(struct pci_dev *pdev, u8 at, u8 size, u8 *buf) \
{									\
	expect(at + size <= sizeof(memory) && pdev->dev.references);	\
	expect(is_one_field(name##_ends, at, size));			\
	memcpy(memory + at, buf, size);					\
	return 0;							\
}

ADMIN(common, common)
ADMIN(device, own)

static int vfio_pci_core_iowrite16(struct vfio_pci_core_device *vdev, bool test, u16 value, void *io)
{
	expect(test && io == bell);
	memcpy(bell, &value, 2);
	rings++;
	return 0;
}

static int vfio_pci_core_ioread16(struct vfio_pci_core_device *vdev, bool test, u16 *value, void *io)
{
	expect(test && io == bell);
	memcpy(value, bell, 2);
	return 0;
}

#include "driver.inc"

#define driver_config_read virtiovf_config_read
#define driver_config_write virtiovf_config_write
#define driver_reset(vdev) virtiovf_reset_emulation(virtiovf_from_vfio(vdev))
#include "config.h"

static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	expect(false);
}

/* Where a byte of the legacy interface lives. */
static u8 *place(int pos, int border)
{
	if (pos >= QUEUE_NOTIFY && pos < QUEUE_NOTIFY + 2)
		return &bell[pos - QUEUE_NOTIFY];
	return pos < border ? &common[pos] : &own[pos - border];
}

/* Only whole notifications are taken: whoever asks for half of one gets an error. */
static bool is_refused(int pos, int end)
{
	bool low = pos <= QUEUE_NOTIFY && end > QUEUE_NOTIFY;
	bool high = pos <= QUEUE_NOTIFY + 1 && end > QUEUE_NOTIFY + 1;

	return low != high;
}

static void sweep(struct virtiovf_device *virtiovf, int border)
{
	for (int pos = 0; pos < 40; pos++) {
		for (int count = 0; count <= 40; count++) {
			for (int write = 0; write < 2; write++) {
				char *buf = user_buffer(count, 0);
				loff_t ppos = region(VFIO_PCI_BAR0_REGION_INDEX, pos);
				int end = min(pos + count, 32), before = rings;
				ssize_t done;

				for (int i = 0; i < count; i++)
					buf[i] = pos * 3 + i * 5 + count;
				done = write ? virtiovf_write(&virtiovf->core_device.vdev, buf, count, &ppos) :
					       virtiovf_read(&virtiovf->core_device.vdev, buf, count, &ppos);
				expect(!the_pdev.dev.references && !locked);
				if (!count) {
					expect(!done);
				} else if (pos >= 32 || is_refused(pos, end)) {
					expect(done == -EINVAL);
					expect(ppos == region(VFIO_PCI_BAR0_REGION_INDEX, pos));
				} else {
					expect(done == end - pos);
					for (int i = 0; i < done; i++)
						expect((u8)buf[i] == *place(pos + i, border));
					expect(rings - before == (write && pos <= 16 && end >= 18));
				}
				free(buf);
			}
		}
	}
}

int main(void)
{
	static struct virtiovf_device virtiovf = { .core_device.pdev = &the_pdev };
	struct vfio_device *vdev = &virtiovf.core_device.vdev;
	loff_t ppos = region(VFIO_PCI_BAR0_REGION_INDEX, 0);
	char byte = PCI_COMMAND_IO;

	model_show(PCI_DEVICE_ID, 2, 0xffff, VIRTIO_TRANS_ID_NET);
	model_show(PCI_REVISION_ID, 1, 0xff, 0);
	model_show(PCI_SUBSYSTEM_VENDOR_ID, 2, 0xffff, PCI_VENDOR_ID_REDHAT_QUMRANET);
	model_show(PCI_SUBSYSTEM_ID, 2, 0xffff, VIRTIO_ID_NET);
	model_bar(PCI_BASE_ADDRESS_0, 4, 32, PCI_BASE_ADDRESS_SPACE_IO);
	model_keep(PCI_COMMAND, 2, PCI_COMMAND_IO, false);
	sweep_config(vdev);

	/* Nobody answers before I/O decoding is on. */
	virtiovf.bar0_forward = bell;
	expect(virtiovf_read(vdev, &byte, 1, &ppos) == -EIO);
	expect(!the_pdev.dev.references);
	ppos = region(VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND);
	expect(virtiovf_write(vdev, &byte, 1, &ppos) == 1);
	sweep(&virtiovf, 20);
	virtiovf.core_device.irq_type = VFIO_PCI_MSIX_IRQ_INDEX;
	sweep(&virtiovf, 24);
	virtiovf_reset_emulation(&virtiovf);
	ppos = region(VFIO_PCI_BAR0_REGION_INDEX, 0);
	expect(virtiovf_read(vdev, &byte, 1, &ppos) == -EIO);
	printf("%ld accesses\n", accesses);
	return 0;
}
