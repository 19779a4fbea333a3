/* SPDX-License-Identifier: GPL-2.0-only */
/* A byte-wise model of config space: each byte's bits are shown, kept, dropped or the device's. */

#ifndef ACCESS_CONFIG_H
#define ACCESS_CONFIG_H

struct model_byte {
	u8 shown_bits, shown;	/* constants */
	u8 kept_bits, kept;	/* what was written last */
	u8 start;		/* what is kept before */
	u8 fixed_bits, fixed;	/* bits of a kept byte that can't be set */
	bool own;		/* writes don't reach the device */
	bool sticky;		/* what is kept outlives a reset */
};

static struct model_byte model[CONFIG_SIZE];

static void model_show(int at, int size, u64 bits, u64 value)
{
	for (int i = 0; i < size; i++) {
		model[at + i].shown_bits |= bits >> i * 8;
		model[at + i].shown |= (value & bits) >> i * 8;
	}
}

static void model_keep(int at, int size, u64 bits, bool own)
{
	for (int i = 0; i < size; i++) {
		model[at + i].kept_bits |= bits >> i * 8;
		model[at + i].own = own;
	}
}

static void model_start(int at, int size, u64 value)
{
	for (int i = 0; i < size; i++)
		model[at + i].kept = model[at + i].start = value >> i * 8;
}

static void model_stick(int at, int size)
{
	for (int i = 0; i < size; i++)
		model[at + i].sticky = true;
}

static void model_drop(int at, int size)
{
	for (int i = 0; i < size; i++)
		model[at + i].own = true;
}

/* A BAR's register: the bits below the size can't be set, and some of them tell its kind. */
static void model_bar(int at, int size, u64 length, u64 flags)
{
	model_keep(at, size, ~(length - 1), true);
	model_show(at, size, length - 1, flags);
}

static u8 model_read(int pos)
{
	struct model_byte *byte = &model[pos];
	u8 mine = byte->shown_bits | byte->kept_bits;

	return (config[pos] & ~mine) | byte->shown | (byte->kept & byte->kept_bits);
}

static void check_reads(struct vfio_device *vdev, int pos, int count)
{
	char *buf = user_buffer(count, 0xa5);
	loff_t ppos = region(VFIO_PCI_CONFIG_REGION_INDEX, pos);
	ssize_t done = driver_config_read(vdev, buf, count, &ppos);

	if (pos + count > CONFIG_SIZE) {
		expect(done == -EFAULT);
		expect(ppos == region(VFIO_PCI_CONFIG_REGION_INDEX, pos));
	} else {
		expect(done == count);
		expect(ppos == region(VFIO_PCI_CONFIG_REGION_INDEX, pos + count));
		for (int i = 0; i < count; i++)
			expect((u8)buf[i] == model_read(pos + i));
	}
	free(buf);
}

static void check_writes(struct vfio_device *vdev, int pos, int count, int seed)
{
	char *buf = user_buffer(count, 0);
	loff_t ppos = region(VFIO_PCI_CONFIG_REGION_INDEX, pos);
	u8 before[CONFIG_SIZE];
	ssize_t done;

	for (int i = 0; i < count; i++)
		buf[i] = seed * 37 + i * 101;
	memcpy(before, config, sizeof(before));
	memset(config_written, 0, sizeof(config_written));
	done = driver_config_write(vdev, buf, count, &ppos);
	if (pos + count > CONFIG_SIZE) {
		expect(done == -EFAULT);
		expect(!memcmp(before, config, sizeof(before)));
		free(buf);
		return;
	}
	expect(done == count);
	expect(ppos == region(VFIO_PCI_CONFIG_REGION_INDEX, pos + count));
	for (int i = 0; i < CONFIG_SIZE; i++) {
		bool meant = i >= pos && i < pos + count;

		expect(config_written[i] == (meant && !model[i].own));
		if (meant && !model[i].own)
			expect(config[i] == (u8)buf[i - pos]);
		else
			expect(config[i] == before[i]);
		if (meant)
			model[i].kept = buf[i - pos];
	}
	free(buf);
}

static void reset_config(struct vfio_device *vdev)
{
	driver_reset(vdev);
	for (int i = 0; i < CONFIG_SIZE; i++)
		if (!model[i].sticky)
			model[i].kept = model[i].start;
}

static void sweep_config(struct vfio_device *vdev)
{
	reset_config(vdev);
	for (int i = 0; i < CONFIG_SIZE; i++)
		config[i] = i * 7 + 3;
	for (int pos = 0; pos < CONFIG_SIZE; pos++)
		for (int count = 1; count <= 24; count++)
			check_reads(vdev, pos, count);
	for (int pos = 0; pos < CONFIG_SIZE; pos++) {
		for (int count = 1; count <= 24; count++) {
			check_writes(vdev, pos, count, pos + count);
			check_reads(vdev, pos > 8 ? pos - 8 : 0, 32 < CONFIG_SIZE - pos ? 32 : 1);
		}
	}
	check_reads(vdev, 0, CONFIG_SIZE);
	check_writes(vdev, 0, CONFIG_SIZE, 9);
	check_reads(vdev, 0, CONFIG_SIZE);
	check_writes(vdev, 0, CONFIG_SIZE + 1, 9);

	reset_config(vdev);
	check_reads(vdev, 0, CONFIG_SIZE);

	/* A buffer that ends early: an error, and the position where it was. */
	for (int size = 0; size < CONFIG_SIZE; size++) {
		char *buf = user_buffer(CONFIG_SIZE, 0);
		loff_t ppos = region(VFIO_PCI_CONFIG_REGION_INDEX, 0);

		user_end = buf + size;
		expect(driver_config_read(vdev, buf, CONFIG_SIZE, &ppos) == -EFAULT);
		expect(ppos == region(VFIO_PCI_CONFIG_REGION_INDEX, 0));
		user_end = NULL;
		free(buf);
	}
}

#endif
