// SPDX-License-Identifier: GPL-2.0-only

#include "kernel.h"
#include "driver.inc"

#define driver_config_read fields_config_read
#define driver_config_write fields_config_write
#define driver_reset(vdev) fields_reset_emulation(fields_from_vfio(vdev))
#include "config.h"

static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	expect(false);
}

int main(void)
{
	static struct fields_device fields = { .core_device.pdev = &the_pdev, .serial = 101 };

	model_show(PCI_DEVICE_ID, 2, 0xffff, 0x1000);
	model_show(PCI_REVISION_ID, 1, 0xff, 2);
	model_drop(PCI_REVISION_ID, 1);
	model_keep(0x40, 4, 0xffffffff, true);
	model_start(0x40, 4, 101);
	model_show(0x48, 2, 0x0ff0, 0x0120);
	model_drop(0x4a, 1);
	model_keep(0x4c, 1, 0x03, false);
	model_stick(0x4c, 1);
	sweep_config(&fields.core_device.vdev);
	printf("%ld accesses\n", accesses);
	return 0;
}
