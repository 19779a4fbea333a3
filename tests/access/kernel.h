/* SPDX-License-Identifier: GPL-2.0-only */
/* Thin stand-ins for what rendered access functions use of the kernel. */

#ifndef ACCESS_KERNEL_H
#define ACCESS_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef u64 phys_addr_t;
typedef unsigned long pgoff_t;
typedef struct { int counter; } atomic_t;

#define __user
#define __iomem
#define U8_MAX 0xffU
#define U16_MAX 0xffffU
#define U32_MAX 0xffffffffU
#define U64_MAX 0xffffffffffffffffULL
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK(h, l) ((~0UL << (l)) & (~0UL >> (63 - (h))))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define IS_ALIGNED(x, a) (!((x) & ((a) - 1)))
#define ALIGN(x, a) (((x) + (a) - 1) / (a) * (a))
#define struct_size(p, member, count) (offsetof(typeof(*(p)), member) + sizeof((p)->member[0]) * (count))
#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
#define IS_ERR(pointer) (!(pointer))
#define PTR_ERR(pointer) (-ENOMEM)
#define max_t(type, a, b) max((type)(a), (type)(b))
#define min_t(type, a, b) min((type)(a), (type)(b))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, value) ((x) = (value))
#define check_add_overflow(a, b, sum) __builtin_add_overflow(a, b, sum)
#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGNED(x) (!((x) & (PAGE_SIZE - 1)))
#define PFN_PHYS(pfn) ((u64)(pfn) << PAGE_SHIFT)
#define PHYS_PFN(address) ((unsigned long)((address) >> PAGE_SHIFT))
#define GFP_KERNEL_ACCOUNT 0
#define PCI_STD_NUM_BARS 6
#define VFIO_PCI_OFFSET_SHIFT 40
#define VFIO_PCI_OFFSET_TO_INDEX(off) ((u64)(off) >> VFIO_PCI_OFFSET_SHIFT)
#define VFIO_PCI_INDEX_TO_OFFSET(index) ((u64)(index) << VFIO_PCI_OFFSET_SHIFT)
#define VFIO_PCI_OFFSET_MASK (((u64)1 << VFIO_PCI_OFFSET_SHIFT) - 1)
#define CONFIG_SIZE 256

#define expect(condition)						\
	do {								\
		if (!(condition)) {					\
			printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);					\
		}							\
	} while (0)

struct device { int references; };
struct mutex { int unused; };
struct rw_semaphore { int readers; };
struct pfn_address_space { void *mapping; };
struct vfio_info_cap { void *buf; size_t size; };
enum { PCI_D0 };
struct pci_dev {
	struct device dev;
	u64 bar_size[PCI_STD_NUM_BARS];
	int cfg_size;
	int current_state;
	bool is_virtfn;
	u16 device;
	u32 saved_config_space[16];
};
struct vfio_device { int unused; };
struct vfio_pci_core_device {
	struct vfio_device vdev;
	struct pci_dev *pdev;
	struct rw_semaphore memory_lock;
	int irq_type;
	int msix_bar;
	bool bar_mmap_supported[PCI_STD_NUM_BARS];
};
typedef struct { unsigned long value; } pgprot_t;
struct vm_operations_struct { int unused; };
struct vm_area_struct {
	unsigned long vm_start, vm_end, vm_pgoff, vm_flags;
	pgprot_t vm_page_prot;
	const struct vm_operations_struct *vm_ops;
	void *vm_private_data;
};

static struct pci_dev the_pdev = { .cfg_size = CONFIG_SIZE };
/* The device's own config space, and how often each byte was written. */
static u8 config[CONFIG_SIZE];
static int config_written[CONFIG_SIZE];
/* How many readers hold the lock: none may, while memory of the user's is touched. */
static int locked;
static long accesses;

/* The user's buffer ends here: what lies behind it faults. */
static const void *user_end;

static inline bool user_faults(const void *at, size_t size)
{
	expect(!locked);
	return user_end && (const char *)at + size > (const char *)user_end;
}

#define get_user(x, p) (user_faults(p, sizeof(*(p))) ? -EFAULT : ((x) = *(p), 0))
/* Users' addresses may be unaligned. */
#define put_user(x, p)							\
	({								\
		typeof(*(p)) value_ = (x);				\
		bool faults_ = user_faults(p, sizeof(value_));		\
									\
		if (!faults_)						\
			memcpy((void *)(p), &value_, sizeof(value_));	\
		faults_ ? -EFAULT : 0;					\
	})

static inline size_t copy_to_user(void *to, const void *from, size_t size)
{
	if (user_faults(to, size))
		return size;
	memcpy(to, from, size);
	return 0;
}

static inline size_t copy_from_user(void *to, const void *from, size_t size)
{
	if (user_faults(from, size))
		return size;
	memcpy(to, from, size);
	return 0;
}

static inline void down_read(struct rw_semaphore *lock)
{
	lock->readers++;
	locked++;
}

static inline void up_read(struct rw_semaphore *lock)
{
	expect(lock->readers > 0);
	lock->readers--;
	locked--;
}

static inline int pm_runtime_resume_and_get(struct device *dev)
{
	dev->references++;
	return 0;
}

static inline void pm_runtime_put(struct device *dev)
{
	expect(dev->references > 0);
	dev->references--;
}

static inline u64 pci_resource_len(struct pci_dev *pdev, int bar)
{
	return pdev->bar_size[bar];
}

static inline int atomic_read(const atomic_t *value)
{
	return value->counter;
}

static inline u64 roundup_pow_of_two(u64 value)
{
	u64 power = 1;

	while (power < value)
		power <<= 1;
	return power;
}

static inline void *kmalloc(size_t size, int flags)
{
	return malloc(size);
}

static inline void kfree(void *memory)
{
	free(memory);
}

static inline void cond_resched(void)
{
}

/* Puts a structure of zeros behind the others, as the core does. */
static inline struct vfio_info_cap_header *vfio_info_cap_add(struct vfio_info_cap *caps, size_t size, u16 id,
							     u16 version)
{
	struct vfio_info_cap_header *header, *last;

	expect(!(size % sizeof(u64)));
	caps->buf = realloc(caps->buf, caps->size + size);
	header = memset((char *)caps->buf + caps->size, 0, size);
	header->id = id;
	header->version = version;
	for (last = caps->buf; last->next; last = (void *)((char *)caps->buf + last->next))
		;
	last->next = caps->size;
	caps->size += size;
	return header;
}

static inline void vfio_info_cap_shift(struct vfio_info_cap *caps, size_t offset)
{
	struct vfio_info_cap_header *cap;

	expect(!(offset % sizeof(u64)));
	for (cap = caps->buf; cap->next; cap = (void *)((char *)caps->buf + cap->next - offset))
		cap->next += offset;
}

static inline int vfio_info_add_capability(struct vfio_info_cap *caps, struct vfio_info_cap_header *cap, size_t size)
{
	caps->size += size;
	return 0;
}

/* What the core does with an access that the driver leaves to it; each harness has its own for BARs. */
static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write);

static inline ssize_t core_access(char *buf, size_t count, loff_t *ppos, bool write)
{
	u64 index = VFIO_PCI_OFFSET_TO_INDEX(*ppos), pos = *ppos & VFIO_PCI_OFFSET_MASK;
	ssize_t done = count;
	size_t i;

	if (!count)
		return 0;
	if (index != VFIO_PCI_CONFIG_REGION_INDEX) {
		done = core_bar(index, pos, buf, count, write);
	} else if (pos + count > CONFIG_SIZE) {
		return -EFAULT;
	} else {
		for (i = 0; i < count; i++) {
			if (user_faults(buf + i, 1))
				return -EFAULT;
			if (write)
				config[pos + i] = buf[i], config_written[pos + i]++;
			else
				buf[i] = config[pos + i];
		}
	}
	if (done > 0)
		*ppos += done;
	return done;
}

static inline ssize_t vfio_pci_core_read(struct vfio_device *vdev, char *buf, size_t count, loff_t *ppos)
{
	return core_access(buf, count, ppos, false);
}

static inline ssize_t vfio_pci_core_write(struct vfio_device *vdev, const char *buf, size_t count, loff_t *ppos)
{
	return core_access((char *)buf, count, ppos, true);
}

/* A buffer of exactly the size, so that the sanitizer sees what goes beyond it. */
static inline char *user_buffer(size_t count, int fill)
{
	char *buf = malloc(count ? count : 1);

	memset(buf, fill, count);
	accesses++;
	return buf;
}

static inline loff_t region(u64 index, u64 pos)
{
	return VFIO_PCI_INDEX_TO_OFFSET(index) + pos;
}

#endif
