// SPDX-License-Identifier: GPL-2.0-only

#include "records.h"

#define VIRTIO_RESOURCE_OBJ_DEV_PARTS 0

struct virtio_admin_cmd_resource_obj_cmd_hdr { __le16 type; u8 reserved[2]; __le32 id; };

/* The device takes what it is given, and keeps it. */
static u8 taken[1 << 16];
static size_t taken_length;
static int refusal;

static int virtio_pci_admin_dev_parts_set(struct pci_dev *pdev, struct scatterlist *list)
{
	const struct virtio_admin_cmd_resource_obj_cmd_hdr *prefix = (void *)list->data;

	expect(prefix->type == 0 && prefix->id == 5);
	memcpy(taken + taken_length, prefix + 1, list->size - sizeof(*prefix));
	taken_length += list->size - sizeof(*prefix);
	return refusal;
}

#include "driver.inc"

static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	expect(false);
}

static u8 stream[1 << 16];
static size_t length;

static void record(u64 size, u32 flags, u32 tag)
{
	struct virtiovf_record header = { size, flags, tag };

	memcpy(stream + length, &header, sizeof(header));
	length += sizeof(header);
	for (u64 i = 0; i < size && i < 8192; i++)
		stream[length++] = i * 7 + tag;
}

static void start(struct virtiovf_migration_file *migf)
{
	static struct virtiovf_device virtiovf = { .core_device.pdev = &the_pdev };

	*migf = (struct virtiovf_migration_file){ .virtiovf = &virtiovf, .object = 5 };
	taken_length = 0;
	refusal = 0;
	user_end = NULL;
}

/* Writes the stream in pieces; returns the first error, or how much was taken. */
static long put(struct virtiovf_migration_file *migf, size_t piece)
{
	for (size_t done = 0; done < length; done += piece) {
		size_t count = min(piece, length - done);
		ssize_t ret = virtiovf_write_records(migf, (char *)stream + done, count);

		accesses++;
		if (ret < 0)
			return ret;
		expect((size_t)ret == count);
	}
	return length;
}

static bool is_whole(const struct virtiovf_migration_file *migf)
{
	return migf->loaded && !migf->pos && !migf->error;
}

static void refuses(u64 size, u32 flags, u32 tag, int error)
{
	struct virtiovf_migration_file migf;

	for (size_t piece = 1; piece < 40; piece++) {
		start(&migf);
		length = 0;
		record(size, flags, tag);
		expect(put(&migf, piece) == error);
		/* Nothing is taken any more. */
		expect(virtiovf_write_records(&migf, (char *)stream, 1) == error);
		expect(!taken_length && !migf.loaded);
		vfree(migf.data);
		expect(!memories);
	}
}

int main(void)
{
	struct virtiovf_migration_file migf;

	/* Two records, with others between them that nobody knows, cut at every place. */
	length = 0;
	record(300, 1, 7);
	record(4000, 0, 0);
	record(0, 1, 8);
	record(5000, 1, 0xffffffff);
	record(100, 0, 0);
	for (size_t piece = 1; piece <= length; piece += piece < 64 ? 1 : 61) {
		start(&migf);
		expect(put(&migf, piece) == (long)length);
		/* The next record may go where this one was. */
		expect(is_whole(&migf) && memories == 1);
		vfree(migf.data);
		expect(!memories);
		expect(taken_length == 4100 && !memcmp(taken, stream + 16 + 300 + 16, 4000));
		expect(!memcmp(taken + 4000, stream + length - 100, 100));
	}

	/* A stream that ends early isn't whole, wherever it ends. */
	length = 0;
	record(50, 0, 0);
	for (size_t end = 0; end < 66; end++) {
		start(&migf);
		length = end;
		expect(put(&migf, 9) == (long)end && !is_whole(&migf));
		vfree(migf.data);
	}
	length = 0;
	record(50, 1, 3);
	start(&migf);
	expect(put(&migf, 9) == 66 && !is_whole(&migf));

	refuses(10, 0, 1, -EOPNOTSUPP);
	refuses(10, 2, 1, -EOPNOTSUPP);
	refuses(0, 0, 0, -EINVAL);
	refuses(VIRTIOVF_RECORD_MOST + 1ULL, 0, 0, -ENOMEM);
	refuses(U64_MAX, 1, 0, -ENOMEM);

	/* What the device refuses is an error of the write, and of the stream. */
	start(&migf);
	length = 0;
	record(50, 0, 0);
	refusal = -EIO;
	expect(put(&migf, 64) == -EIO && migf.error == -EIO);
	vfree(migf.data);
	expect(!memories);

	/* A length that nobody has room for can be skipped, as far as it goes. */
	start(&migf);
	length = 0;
	record(U64_MAX, 1, 9);
	expect(put(&migf, 100) == (long)length && migf.left == U64_MAX - 8192 && !is_whole(&migf));

	/* What faults is written again. */
	start(&migf);
	length = 0;
	record(50, 0, 0);
	user_end = stream + 20;
	expect(virtiovf_write_records(&migf, (char *)stream, length) == 16);
	expect(virtiovf_write_records(&migf, (char *)stream + 16, length - 16) == -EFAULT);
	user_end = NULL;
	expect(virtiovf_write_records(&migf, (char *)stream + 16, length - 16) == 50 && is_whole(&migf));
	vfree(migf.data);
	expect(!memories);
	printf("%ld accesses\n", accesses);
	return 0;
}
