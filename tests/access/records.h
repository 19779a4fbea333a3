/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for records: what is had and not given back is counted, and a list of pages is one piece. */
#include "kernel.h"

#define __GFP_ZERO 0
#define GFP_KERNEL 0
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define size_add(a, b) ((a) + (b))
#define le64_to_cpu(n) (n)
#define le32_to_cpu(n) (n)
#define cpu_to_le32(n) (n)
#define cpu_to_le16(n) (n)

struct page;
struct scatterlist { u8 *data; size_t size; };
struct sg_table { struct scatterlist *sgl, one; };
static int memories;

static void *memory_of(size_t size)
{
	void *memory = calloc(1, size);

	memories += !!memory;
	return memory;
}

static void vfree(void *memory)
{
	memories -= !!memory;
	free(memory);
}

#define __vmalloc(size, flags) memory_of(size)
#define kvmalloc_objs(object, n) memory_of((n) * sizeof(object))
#define kvmalloc_array(n, size, flags) memory_of((n) * (size))
#define kvfree vfree
#define vmalloc_to_page(address) ((struct page *)(address))
#define flush_kernel_vmap_range(address, size) ((void)(address))
#define sg_free_table(table) ((void)(table))

static int sg_alloc_table_from_pages(struct sg_table *table, struct page **pages, unsigned int count,
				     unsigned int offset, size_t size, int flags)
{
	table->one = (struct scatterlist){ (u8 *)pages[0], size };
	table->sgl = &table->one;
	return 0;
}
