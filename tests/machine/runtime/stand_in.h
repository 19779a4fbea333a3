/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of the kernel as a rendered driver sees, for one thread in user space. What the driver asks of it is
 * counted, can be made to fail, and has to balance. Every header of the kernel leads here.
 */
#ifndef MACHINE_KERNEL_H
#define MACHINE_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef uint8_t u8, __u8;
typedef uint16_t u16, __u16, __le16, __be16;
typedef uint32_t u32, __u32, __le32, __be32;
typedef uint64_t __le64, __be64;
typedef unsigned long long u64, __u64;
typedef int8_t s8, __s8;
typedef int16_t s16, __s16;
typedef int32_t s32, __s32;
typedef int64_t s64, __s64;
typedef u64 dma_addr_t, phys_addr_t;
typedef u8 guid_t[16], uuid_t[16];
#define __aligned_u64 u64 __attribute__((aligned(8)))

#define __user
#define __iomem
#define __packed __attribute__((packed))
#define __bitwise
#define __counted_by(member)
#define __counted_by_le(member)
#define __counted_by_be(member)
#define struct_group(name, ...) union { struct { __VA_ARGS__ }; struct { __VA_ARGS__ } name; }
#define _IO(type, number) ((type) << 8 | (number))

#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK(high, low) (((~0UL) << (low)) & (~0UL >> (63 - (high))))
#define GENMASK_ULL GENMASK
#define FIELD_GET(mask, value) (((value) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, value) (((u64)(value) << __builtin_ctzll(mask)) & (mask))
#define U8_MAX UINT8_MAX
#define U16_MAX UINT16_MAX
#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define size_add(a, b) ((size_t)(a) + (size_t)(b))
#define array_size(n, size) ((size_t)(n) * (size))
#define static_assert _Static_assert
#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))
#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
#define check_add_overflow __builtin_add_overflow
#define check_sub_overflow __builtin_sub_overflow
#define check_mul_overflow __builtin_mul_overflow
#define min(a, b) ({ __auto_type a_ = (a); __auto_type b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b) ({ __auto_type a_ = (a); __auto_type b_ = (b); a_ > b_ ? a_ : b_; })
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define upper_32_bits(n) ((u32)((u64)(n) >> 32))
#define lower_32_bits(n) ((u32)(n))

#define cpu_to_le16(n) (n)
#define cpu_to_le32(n) (n)
#define cpu_to_le64(n) (n)
#define le16_to_cpu(n) (n)
#define le32_to_cpu(n) (n)
#define le64_to_cpu(n) (n)
#define cpu_to_be16 __builtin_bswap16
#define cpu_to_be32 __builtin_bswap32
#define cpu_to_be64 __builtin_bswap64
#define be16_to_cpu __builtin_bswap16
#define be32_to_cpu __builtin_bswap32
#define be64_to_cpu __builtin_bswap64

/* No part of a driver that can be left out is there. */
#define IS_ENABLED(option) 0

#define IS_ERR(pointer) ((uintptr_t)(pointer) >= (uintptr_t)-4095)
#define IS_ERR_OR_NULL(pointer) (!(pointer) || IS_ERR(pointer))
#define ERR_PTR(error) ((void *)(intptr_t)(error))
#define PTR_ERR(pointer) ((intptr_t)(pointer))
#define ERR_CAST(pointer) ((void *)(pointer))

/* Faults, and what is asked of the world. */
__attribute__((noreturn, format(printf, 1, 2))) void machine_fault(const char *format, ...);
/* Tells whether this request of the driver has to fail. A reset may arrive in it as well. */
bool machine_fails(const char *what);
void machine_log(const char *name);
int machine_errno(const char *name);
long machine_number(const char *name, size_t most);
bool machine_bool(const char *name);
void machine_void(const char *name);
void machine_give(size_t size, size_t rest);
size_t machine_rest(void);
void machine_take(size_t size);
void *machine_pointer(const char *name, size_t size, bool counted);
void machine_put(const char *name, void *handle);
/* A handle that is given back and can be used all the same. */
void *machine_borrow(const char *name);
void machine_return(const char *name, void *handle);
#define WARN_ON(condition) ({ \
	bool warned_ = (condition); \
	if (warned_) \
		machine_fault("WARN_ON(%s) in %s", #condition, __func__); \
	warned_; \
})

/* Locks: each has its place in the one order in which they are taken. */
struct mutex { bool alive; int held; int rank; const char *name; };
struct rw_semaphore { int held; };
#define DEFINE_MUTEX(lock) struct mutex lock = { true, 0, 3, #lock }
void machine_mutex_init(struct mutex *lock, const char *name);
#define mutex_init(lock) machine_mutex_init(lock, #lock)
void mutex_destroy(struct mutex *lock);
void mutex_lock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);
void machine_assert_held(struct mutex *lock);
#define lockdep_assert_held(lock) machine_assert_held(lock)
void machine_end_reset(void);
/* What is waited for is the end of a reset. */
#define wait_var_event(variable, condition) do { } while (!(condition) && (machine_end_reset(), true))
#define wake_up_var(variable) ((void)(variable))
#define smp_mb__after_atomic() ((void)0)
void down_read(struct rw_semaphore *lock);
void up_read(struct rw_semaphore *lock);
void down_write(struct rw_semaphore *lock);
void up_write(struct rw_semaphore *lock);

typedef struct { int counter; } atomic_t;
static inline int atomic_read(const atomic_t *value) { return value->counter; }
static inline void atomic_inc(atomic_t *value) { value->counter++; }

/* Memory */
#define GFP_KERNEL 0
#define GFP_KERNEL_ACCOUNT 0
#define __GFP_ZERO 0
#define PAGE_SIZE 4096UL
#define ALIGN(size, to) (DIV_ROUND_UP(size, to) * (to))
#define PAGE_ALIGN(size) ALIGN(size, PAGE_SIZE)
/* A time that has come whenever somebody looks. */
extern unsigned long machine_jiffies;
#define jiffies (machine_jiffies += 1000)
#define msecs_to_jiffies(milliseconds) (milliseconds)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
void *machine_alloc(size_t size);
void machine_free(const void *memory);
#define kzalloc(size, flags) machine_alloc(size)
#define kvzalloc(size, flags) machine_alloc(size)
#define __vmalloc(size, flags) machine_alloc(size)
#define kvmalloc_array(n, size, flags) machine_alloc(array_size(n, size))
#define kzalloc_obj(object, ...) machine_alloc(sizeof(object))
#define kvmalloc_objs(object, n, ...) machine_alloc(array_size(n, sizeof(object)))
#define kfree machine_free
#define kvfree machine_free
#define vfree machine_free
char *machine_text(const char *format, ...);
#define kasprintf(flags, ...) machine_text(__VA_ARGS__)
size_t copy_to_user(void *to, const void *from, size_t count);
size_t copy_from_user(void *to, const void *from, size_t count);

/* Files */
struct inode { int unused; };
struct module;
#define THIS_MODULE NULL
struct file {
	int references;
	const struct file_operations *operations;
	void *private_data;
	struct inode *f_inode;
	struct inode inode;
	bool stream;
	unsigned int f_flags;
	size_t written;
	/* How far into a record its data has come, how much of that is the device's, and what there was before. */
	struct { u8 head[16]; size_t at, state, before; } data;
	struct file *next;
};
/* Nobody waits here: what is waited for has happened, or never will. */
typedef unsigned int __poll_t;
struct poll_table_struct;
typedef struct { int waiting; } wait_queue_head_t;
enum { EPOLLIN = 1, EPOLLERR = 8, EPOLLRDNORM = 64 };
#define init_waitqueue_head(queue) ((void)((queue)->waiting = 0))
#define wake_up_interruptible_all(queue) ((void)(queue)->waiting)
#define poll_wait(file, queue, table) ((void)(queue)->waiting)
#define READ_ONCE(value) (value)
void machine_do_work(void);
#define wait_event_interruptible(queue, condition) ({ \
	if (!(condition)) \
		machine_do_work(); \
	if (!(condition)) \
		machine_fault("a reader waits for ever"); \
	0; \
})
/* Work is done at the end of the event that asks for it. */
struct work_struct { void (*function)(struct work_struct *work); };
#define INIT_WORK(work, does) ((work)->function = (does))
#define system_long_wq NULL
#define queue_work(queue, work) machine_queue(work)
void machine_queue(struct work_struct *work);
void cancel_work_sync(struct work_struct *work);
struct file_operations {
	struct module *owner;
	ssize_t (*read)(struct file *file, char *buffer, size_t count, loff_t *position);
	ssize_t (*write)(struct file *file, const char *buffer, size_t count, loff_t *position);
	__poll_t (*poll)(struct file *file, struct poll_table_struct *table);
	long (*unlocked_ioctl)(struct file *file, unsigned int command, unsigned long argument);
	long (*compat_ioctl)(struct file *file, unsigned int command, unsigned long argument);
	int (*release)(struct inode *inode, struct file *file);
};
long compat_ptr_ioctl(struct file *file, unsigned int command, unsigned long argument);
struct file *anon_inode_getfile(const char *name, const struct file_operations *operations, void *data,
				int flags);
struct file *get_file(struct file *file);
void fput(struct file *file);
int stream_open(struct inode *inode, struct file *file);

/* Devices */
struct device { struct device *parent; u32 id; int references; };
struct device *get_device(struct device *dev);
void put_device(struct device *dev);
struct pci_bus { struct pci_dev *self; };
enum { PCI_D0, PCI_D3hot = 3 };
struct pci_dev {
	struct device dev;
	struct pci_bus *bus;
	struct pci_dev *physfn;
	void *data;
	bool is_virtfn;
	int current_state;
	u16 vendor, device, command;
	u8 revision;
	u32 devfn;
};
typedef unsigned long kernel_ulong_t;
struct pci_device_id { u32 vendor, device; kernel_ulong_t driver_data; };
#define pci_match_id(table, pdev) ((void)(pdev), &(table)[0])
struct pci_error_handlers {
	void (*reset_prepare)(struct pci_dev *pdev);
	void (*reset_done)(struct pci_dev *pdev);
	void *error_detected;
};
struct pci_driver {
	const char *name;
	const struct pci_device_id *id_table;
	int (*probe)(struct pci_dev *pdev, const struct pci_device_id *id);
	void (*remove)(struct pci_dev *pdev);
	const struct pci_error_handlers *err_handler;
	bool driver_managed_dma;
};
#define to_pci_dev(pointer) container_of(pointer, struct pci_dev, dev)
#define pci_get_drvdata(pdev) ((pdev)->data)
#define pci_set_drvdata(pdev, value) ((pdev)->data = (value))
#define pci_physfn(pdev) ((pdev)->physfn)
#define pci_iov_vf_id(pdev) 1
#define pci_domain_nr(bus) ((void)(bus), 0)
#define pci_dev_id(pdev) ((u16)(pdev)->devfn)
#define pci_resource_flags(pdev, bar) IORESOURCE_MEM
#define pci_resource_len(pdev, bar) MACHINE_BAR_SIZE
#define pci_err(pdev, ...) ((void)(pdev))
#define pci_dbg(pdev, ...) ((void)(pdev))
#define pci_restore_state(pdev) machine_void("pci_restore_state")
#define PCI_COMMAND 4
#define PCI_COMMAND_MEMORY 2
#define IORESOURCE_MEM 1
#define PCI_VENDOR_ID_INTEL 0x8086
#define PCI_VENDOR_ID_MELLANOX 0x15b3
#define PCI_VENDOR_ID_HUAWEI 0x19e5
#define PCI_DEVICE_ID_HUAWEI_ZIP_VF 0xa251
#define PCI_DEVICE_ID_HUAWEI_SEC_VF 0xa256
#define PCI_DEVICE_ID_HUAWEI_HPRE_VF 0xa259
#define PCI_DRIVER_OVERRIDE_DEVICE_VFIO(vendor, device) vendor, device
#define MODULE_DEVICE_TABLE(type, table)
#define MODULE_LICENSE(text)
#define MODULE_AUTHOR(text)
#define MODULE_DESCRIPTION(text)
#define MODULE_IMPORT_NS(text)
#define KBUILD_MODNAME "machine"
extern struct pci_driver *machine_driver;
#define module_pci_driver(driver) struct pci_driver *machine_driver = &driver
int pci_read_config_word(struct pci_dev *pdev, int where, u16 *value);
int pci_request_selected_regions(struct pci_dev *pdev, int bars, const char *name);
void pci_release_selected_regions(struct pci_dev *pdev, int bars);
void *pci_iomap(struct pci_dev *pdev, int bar, unsigned long length);
int pci_write_config_word(struct pci_dev *pdev, int where, u16 value);

/* Registers: of a BAR that is there while the device is open, with memory_lock held and decoding on. */
#define MACHINE_BAR_SIZE 0x20000UL
u64 machine_read(const void *address, int size);
void machine_write(u64 value, void *address, int size);
#define readb(address) ((u8)machine_read(address, 1))
#define readw(address) ((u16)machine_read(address, 2))
#define readl(address) ((u32)machine_read(address, 4))
#define readq(address) machine_read(address, 8)
#define writeb(value, address) machine_write(value, address, 1)
#define writew(value, address) machine_write(value, address, 2)
#define writel(value, address) machine_write(value, address, 4)
#define writeq(value, address) machine_write(value, address, 8)
#define fsleep(microseconds) ((void)(microseconds))
/* The device does what is waited for, unless it is made to be late. */
#define read_poll_timeout(read, value, condition, every, limit, before, ...) ({ \
	machine_log("poll"); \
	(value) = read(__VA_ARGS__); \
	bool late_ = machine_fails("poll"); \
	(void)(condition); \
	late_ ? -ETIMEDOUT : 0; \
})

#define readl_poll_timeout(address, value, condition, every, limit) \
	read_poll_timeout(readl, value, condition, every, limit, false, address)
void *machine_parent_registers(void);

/* DMA */
enum dma_data_direction { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE };
struct page;
struct scatterlist { struct page *page; };
struct sg_table { struct scatterlist *sgl; unsigned int nents, orig_nents; };
#define vmalloc_to_page(address) ((struct page *)(address))
int sg_alloc_table_from_pages(struct sg_table *table, struct page **pages, unsigned int count,
			      unsigned int offset, unsigned long size, int flags);
void sg_free_table(struct sg_table *table);
int dma_map_sgtable(struct device *dev, struct sg_table *table, enum dma_data_direction direction,
		    unsigned long attributes);
void dma_unmap_sgtable(struct device *dev, struct sg_table *table, enum dma_data_direction direction,
		       unsigned long attributes);
void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *address, int flags);
void dma_free_coherent(struct device *dev, size_t size, void *memory, dma_addr_t address);
#define flush_kernel_vmap_range(address, size) ((void)(address))
#define invalidate_kernel_vmap_range(address, size) ((void)(address))
#define for_each_sgtable_dma_sg(table, sg, i) \
	for (i = 0, sg = (table)->sgl; i < (int)(table)->nents; i++, sg++)
#define sg_dma_address(sg) ((dma_addr_t)(uintptr_t)(sg)->page)
#define sg_dma_len(sg) ((u32)PAGE_SIZE)
struct sg_dma_page_iter { const struct scatterlist *sg; unsigned int at; };
#define for_each_sgtable_dma_page(table, page, skipped) \
	for (*(page) = (struct sg_dma_page_iter){ (table)->sgl, 0 }; (page)->at < (table)->nents; (page)->at++)
#define sg_page_iter_dma_address(page) sg_dma_address(&(page)->sg[(page)->at])

/* Events */
struct notifier_block {
	int (*notifier_call)(struct notifier_block *block, unsigned long event, void *data);
};
#define NOTIFY_DONE 0
int machine_register(const char *name, struct notifier_block *block);
int machine_unregister(const char *name, struct notifier_block *block);
enum { SYS_RESTART = 1, SYS_HALT, MODULE_STATE_LIVE = 0 };
struct module { u32 num_kp; };

/* Files of debugfs, which the core makes a directory for */
#define CONFIG_VFIO_DEBUGFS
#define DUMP_PREFIX_OFFSET 0
struct dentry;
struct seq_file { void *private; };
typedef int (*machine_show)(struct seq_file *seq, void *unused);
#define DEFINE_SHOW_ATTRIBUTE(name) static const machine_show name##_fops = name##_show
struct dentry *debugfs_lookup(const char *name, void *root);
#define debugfs_create_dir(name, parent) (parent)
void debugfs_create_file(const char *name, int mode, struct dentry *directory, void *data,
			 const machine_show *show);
#define dput(dentry) ((void)(dentry))
#define seq_printf(seq, ...) machine_free(machine_text(__VA_ARGS__))
void seq_hex_dump(struct seq_file *seq, const char *prefix, int kind, int row, int group, const void *data,
		  size_t length, bool ascii);

/* The core of VFIO */
#include "uapi-vfio.h"
#define MACHINE_STATES 8
struct vfio_device;
struct vfio_device_ops {
	const char *name;
	int (*init)(struct vfio_device *vdev);
	void (*release)(struct vfio_device *vdev);
	int (*open_device)(struct vfio_device *vdev);
	void (*close_device)(struct vfio_device *vdev);
	void *ioctl, *get_region_info_caps, *device_feature, *read, *write, *mmap, *request, *match;
	void *match_token_uuid, *bind_iommufd, *unbind_iommufd, *attach_ioas, *detach_ioas;
};
struct vfio_migration_ops {
	struct file *(*migration_set_state)(struct vfio_device *vdev, enum vfio_device_mig_state state);
	int (*migration_get_state)(struct vfio_device *vdev, enum vfio_device_mig_state *state);
	int (*migration_get_data_size)(struct vfio_device *vdev, unsigned long *length);
};
struct vfio_device {
	struct device *dev;
	struct device device;
	const struct vfio_device_ops *ops;
	const struct vfio_migration_ops *mig_ops;
	u32 migration_flags;
	void *debug_root;
	u8 precopy_info_v2;
};
struct vfio_pci_core_device {
	struct vfio_device vdev;
	struct pci_dev *pdev;
	void *barmap[6];
	struct rw_semaphore memory_lock;
	bool bar_mmap_supported[6];
	int msix_bar;
	bool alive, open, enabled;
};
int vfio_mig_get_next_state(struct vfio_device *device, enum vfio_device_mig_state cur_fsm,
			    enum vfio_device_mig_state new_fsm, enum vfio_device_mig_state *next_fsm);
struct vfio_device *machine_alloc_device(size_t size, struct device *dev, const struct vfio_device_ops *ops);
#define vfio_alloc_device(structure, member, dev, ops) \
	((struct structure *)machine_alloc_device(sizeof(struct structure), dev, ops))
void vfio_put_device(struct vfio_device *vdev);
int vfio_pci_core_register_device(struct vfio_pci_core_device *core);
void vfio_pci_core_unregister_device(struct vfio_pci_core_device *core);
int vfio_pci_core_init_dev(struct vfio_device *vdev);
void vfio_pci_core_release_dev(struct vfio_device *vdev);
int vfio_pci_core_enable(struct vfio_pci_core_device *core);
void vfio_pci_core_disable(struct vfio_pci_core_device *core);
void vfio_pci_core_finish_enable(struct vfio_pci_core_device *core);
void vfio_pci_core_close_device(struct vfio_device *vdev);
void *vfio_pci_core_get_iomap(struct vfio_pci_core_device *core, unsigned int bar);
int vfio_pci_core_setup_barmap(struct vfio_pci_core_device *core, int bar);
struct vfio_precopy_info;
int vfio_check_precopy_ioctl(struct vfio_device *vdev, unsigned int command, unsigned long argument,
			     struct vfio_precopy_info *info);
/* Nobody accesses the device's regions here. */
#define PAGE_SHIFT 12
#define VFIO_PCI_OFFSET_SHIFT 40
#define VFIO_PCI_OFFSET_MASK (((u64)1 << VFIO_PCI_OFFSET_SHIFT) - 1)
#define VFIO_PCI_OFFSET_TO_INDEX(offset) ((offset) >> VFIO_PCI_OFFSET_SHIFT)
#define VFIO_PCI_INDEX_TO_OFFSET(index) ((u64)(index) << VFIO_PCI_OFFSET_SHIFT)
struct vm_area_struct { unsigned long vm_start, vm_end, vm_pgoff; };
struct vfio_info_cap { void *buf; size_t size; };
#define vma_pages(vma) (((vma)->vm_end - (vma)->vm_start) >> PAGE_SHIFT)
long vfio_pci_core_ioctl();
void vfio_pci_core_ioctl_feature(void);
ssize_t vfio_pci_core_read(), vfio_pci_core_write();
int vfio_pci_core_mmap(), vfio_pci_ioctl_get_region_info(), vfio_info_add_capability(), vfio_info_cap_shift();
void vfio_pci_core_request(void), vfio_pci_core_match(void), vfio_pci_core_match_token_uuid(void);
void vfio_iommufd_physical_bind(void), vfio_iommufd_physical_unbind(void);
void vfio_iommufd_physical_attach_ioas(void), vfio_iommufd_physical_detach_ioas(void);
void vfio_pci_core_aer_err_detected(void);

#endif
