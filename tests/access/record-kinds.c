// SPDX-License-Identifier: GPL-2.0-only

#include "records.h"

#define cpu_to_le64(n) (n)
#define le16_to_cpu(n) (n)

/* The device takes what it is given, and keeps it. */
static u8 taken[1 << 16];
static size_t taken_length;

static void sg_copy_to_buffer(struct scatterlist *list, unsigned int entries, void *image, size_t size)
{
	memcpy(taken + taken_length, list->data, list->size);
	taken_length += list->size;
}

#include "driver.inc"

static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	expect(false);
}

static struct rk_device rk = { .core_device.pdev = &the_pdev, .image_size = 5000 };
static u8 stream[1 << 16];
static size_t length;

static void add(const void *bytes, size_t size)
{
	memcpy(stream + length, bytes, size);
	length += size;
}

static void header(u64 size, u32 flags, u32 tag)
{
	struct rk_record record = { size, flags, tag };

	add(&record, sizeof(record));
}

static void version(u32 magic, u16 number)
{
	struct rk_version version = { magic, number, 9 };

	header(sizeof(version), 0, 1);
	add(&version, sizeof(version));
}

static void coming(u64 bytes)
{
	header(sizeof(bytes), 1, 2);
	add(&bytes, sizeof(bytes));
}

static void state(size_t size)
{
	header(size, 0, 0);
	for (size_t i = 0; i < size; i++)
		stream[length++] = i * 7 + size;
}

/* Writes the stream in pieces to a file that is new; returns the first error, or 0. */
static long put(struct rk_migration_file *migf, size_t piece)
{
	*migf = (struct rk_migration_file){ .rk = &rk };
	taken_length = 0;
	for (size_t done = 0; done < length; done += piece) {
		size_t count = min(piece, length - done);
		ssize_t ret = rk_write_records(migf, (char *)stream + done, count);

		accesses++;
		if (ret < 0)
			return ret;
		expect((size_t)ret == count);
	}
	return 0;
}

static void refuses(long error)
{
	struct rk_migration_file migf;

	for (size_t piece = 1; piece <= length; piece++) {
		expect(put(&migf, piece) == error);
		expect(!migf.loaded && !taken_length);
		vfree(migf.data);
		expect(!memories);
	}
}

int main(void)
{
	static const u8 head[] = {
		8, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0,  1, 0, 0, 0,  'R', 'K', 'S', '1',  1, 0,  1, 0,
		8, 0, 0, 0, 0, 0, 0, 0,  1, 0, 0, 0,  2, 0, 0, 0,  0x88, 0x13, 0, 0, 0, 0, 0, 0,
	};
	struct rk_migration_file migf = { .rk = &rk };

	/* What goes ahead of the state, byte by byte. */
	expect(!rk_add_heads(&rk, &migf));
	expect(migf.length == sizeof(head) && !memcmp(migf.data, head, sizeof(head)));
	vfree(migf.data);
	expect(!memories);

	/* A stream with all kinds, and with one that nobody knows, cut at every place. */
	version(0x31534b52, 1);
	coming(3000);
	state(100);
	header(5, 1, 77);
	add("-----", 5);
	state(2900);
	for (size_t piece = 1; piece <= length; piece += piece < 64 ? 1 : 61) {
		expect(!put(&migf, piece));
		expect(migf.loaded && !migf.pos && taken_length == 3000);
		expect(!memcmp(taken + 100, stream + length - 2900, 2900));
		/* What was got ready is enough for the larger one. */
		expect(migf.capacity == 3000 && memories == 1);
		vfree(migf.data);
		expect(!memories);
	}

	/* A hint is one: less than comes, or more than there can be. */
	length = 0;
	coming(10);
	state(100);
	state(200);
	expect(!put(&migf, 7) && migf.loaded && taken_length == 300 && migf.capacity == 200);
	vfree(migf.data);
	length = 0;
	coming(U64_MAX);
	state(100);
	expect(!put(&migf, 7) && migf.loaded && migf.capacity == RK_RECORD_MOST);
	vfree(migf.data);
	expect(!memories);

	/* No kind but the state makes a stream. */
	length = 0;
	version(0x31534b52, 1);
	coming(10);
	expect(!put(&migf, 7) && !migf.loaded && !migf.pos);

	length = 0;
	version(0x31534b53, 1);
	refuses(-EINVAL);
	length = 0;
	version(0x31534b52, 2);
	refuses(-EINVAL);
	length = 0;
	header(7, 1, 2);
	refuses(-EINVAL);
	length = 0;
	header(9, 0, 1);
	refuses(-EINVAL);
	length = 0;
	header(1, 0, 3);
	refuses(-EOPNOTSUPP);
	printf("%ld accesses\n", accesses);
	return 0;
}
