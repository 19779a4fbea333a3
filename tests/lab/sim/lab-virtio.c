// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for virtio_pci: what it exports to a VFIO driver of virtual
 * functions. Of network functions the firmware has a legacy interface (virtio
 * 1.3, 4.1.4.10), which it offers by commands to their physical function; each
 * command is about one field (2.12.1.2). Functions that can be migrated have
 * device parts (1.4, 2.12.1.3), in BAR 2: the common configuration at the start,
 * two queues, and memory of their own.
 */
#include <linux/cleanup.h>
#include <linux/etherdevice.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_pci_admin.h>

#include "sim.h"

#define VFS		2
#define QUEUES		3
#define QUEUE_SIZE	256
#define FEATURES	0x30010021
#define NOTIFY_BAR	2
#define NOTIFY_AT	0x40
#define CONFIG_SIZE	8	/* mac and status of virtio_net_config */
#define OBJECTS		4
#define VIRTIO_VENDOR	PCI_VENDOR_ID_REDHAT_QUMRANET

static void vf_reset(unsigned int device, int vf);

#define NETWORK(id, ...)						\
	{								\
		.vendor = VIRTIO_VENDOR,				\
		.device = id,						\
		.vf_device = id,					\
		.class = PCI_CLASS_NETWORK_ETHERNET,			\
		.vfs = VFS,						\
		.vf_vectors = 3,					\
		.bars = { SZ_4K },					\
		.vf_reset = vf_reset,					\
		.vf_bars = {						\
			[NOTIFY_BAR] = SZ_16K,				\
			[LAB_MSIX_BAR] = SZ_4K,				\
			__VA_ARGS__					\
		},							\
	}

/*
 * Network, block, network with a BAR 0 of its own; network whose physical
 * function has no commands at all, and such with those for the legacy interface
 * alone.
 */
#define BARE	3
#define LEGACY	4

static const struct lab_function functions[] = {
	NETWORK(0x1041),
	NETWORK(0x1042),
	NETWORK(0x1041, [0] = SZ_4K),
	[BARE] = NETWORK(0x1041),
	[LEGACY] = NETWORK(0x1041),
};

/* The device parts, in their order. */
#define PART_COMMON	0x102
#define PART_QUEUE	0x104
#define PART_OWN	0x200

static const struct lab_virtio_part {
	u16 type;
	u16 queue;
	u32 at;
	u32 size;
} parts[] = {
	{ PART_COMMON, 0, 0x0, 64 },
	{ PART_QUEUE, 0, 0x100, 32 },
	{ PART_QUEUE, 1, 0x120, 32 },
	{ PART_OWN, 0, 0x1000, 6000 },
};

struct lab_virtio_object {
	struct pci_dev *vf;	/* or NULL */
	u8 type;
};

/* Where the fields of the legacy interface end. */
static const u8 common_ends[] = { 4, 8, 12, 14, 16, 18, 19, 20, 22, 24 };
static const u8 device_ends[] = { ETH_ALEN, CONFIG_SIZE };

struct lab_virtio_vf {
	__le32 guest_features;
	__le32 queue_pfn[QUEUES];
	__le16 queue_vector[QUEUES];
	__le16 config_vector;
	__le16 queue;
	u8 status;
	u8 interrupts;
	u8 config[CONFIG_SIZE];		/* survives when the driver stops it */
	void __iomem *bar;
	bool stopped;
};

static struct lab_virtio_vf vfs[ARRAY_SIZE(functions)][VFS];
static DEFINE_RAW_SPINLOCK(lock);	/* protects them */
static DEFINE_MUTEX(objects_lock);	/* protects the objects */
static struct lab_virtio_object objects[OBJECTS];
static struct lab_bridge *bridge;

static void stop(struct lab_virtio_vf *vf)
{
	memset(vf, 0, offsetof(struct lab_virtio_vf, config));
	memset(vf->queue_vector, 0xff, sizeof(vf->queue_vector));
	vf->config_vector = cpu_to_le16(VIRTIO_MSI_NO_VECTOR);
}

static void set_up(struct lab_virtio_vf *vf, unsigned int device, int number)
{
	const u8 config[CONFIG_SIZE] = { 2, 0, 0, 0, device, number, 1 };

	stop(vf);
	vf->interrupts = VIRTIO_PCI_ISR_CONFIG;
	memcpy(vf->config, config, CONFIG_SIZE);
}

static void vf_reset(unsigned int device, int number)
{
	struct lab_virtio_vf *vf = &vfs[device][number];

	guard(raw_spinlock_irqsave)(&lock);
	set_up(vf, device, number);
	WRITE_ONCE(vf->stopped, false);
	if (vf->bar)
		memset_io(vf->bar, 0, SZ_16K);
}

static unsigned int slot_of(struct pci_dev *vf)
{
	return PCI_SLOT(pci_physfn(vf)->devfn);
}

static struct lab_virtio_vf *find(struct pci_dev *pdev)
{
	if (!pdev->is_virtfn || !lab_is_simulated(pdev))
		return NULL;
	return &vfs[slot_of(pdev)][pci_iov_vf_id(pdev)];
}

/* Carries out what is written to the common part; the rest can only be read. */
static void write_common(struct lab_virtio_vf *vf, u8 at, u8 size, const u8 *data)
{
	unsigned int queue = le16_to_cpu(vf->queue);
	void *field = NULL;
	u8 start = 0;

	if (at == VIRTIO_PCI_STATUS && !*data) {
		stop(vf);
		return;
	}

	if (at < VIRTIO_PCI_GUEST_FEATURES) {
		return;
	} else if (at < VIRTIO_PCI_QUEUE_PFN) {
		field = &vf->guest_features;
		start = VIRTIO_PCI_GUEST_FEATURES;
	} else if (at < VIRTIO_PCI_QUEUE_NUM) {
		field = queue < QUEUES ? &vf->queue_pfn[queue] : NULL;
		start = VIRTIO_PCI_QUEUE_PFN;
	} else if (at >= VIRTIO_PCI_QUEUE_SEL && at < VIRTIO_PCI_QUEUE_NOTIFY) {
		field = &vf->queue;
		start = VIRTIO_PCI_QUEUE_SEL;
	} else if (at == VIRTIO_PCI_STATUS) {
		field = &vf->status;
		start = VIRTIO_PCI_STATUS;
	} else if (at >= VIRTIO_MSI_QUEUE_VECTOR) {
		field = queue < QUEUES ? &vf->queue_vector[queue] : NULL;
		start = VIRTIO_MSI_QUEUE_VECTOR;
	} else if (at >= VIRTIO_MSI_CONFIG_VECTOR) {
		field = &vf->config_vector;
		start = VIRTIO_MSI_CONFIG_VECTOR;
	}
	if (field)
		memcpy(field + at - start, data, size);
}

static void read_common(struct lab_virtio_vf *vf, u8 at, u8 size, u8 *data)
{
	unsigned int queue = le16_to_cpu(vf->queue);
	struct {
		__le32 host_features;
		__le32 guest_features;
		__le32 queue_pfn;
		__le16 queue_size;
		__le16 queue;
		__le16 notify;
		u8 status;
		u8 interrupts;
		__le16 config_vector;
		__le16 queue_vector;
	} __packed all = {
		.host_features = cpu_to_le32(FEATURES),
		.guest_features = vf->guest_features,
		.queue = vf->queue,
		.status = vf->status,
		.interrupts = vf->interrupts,
		.config_vector = vf->config_vector,
		.queue_vector = cpu_to_le16(VIRTIO_MSI_NO_VECTOR),
	};

	if (queue < QUEUES) {
		all.queue_pfn = vf->queue_pfn[queue];
		all.queue_size = cpu_to_le16(QUEUE_SIZE);
		all.queue_vector = vf->queue_vector[queue];
	}
	memcpy(data, (u8 *)&all + at, size);
	if (at == VIRTIO_PCI_ISR)
		vf->interrupts = 0;
}

/* Whether an access has a place; it is the driver's fault if that is two. */
static bool is_one_field(const u8 *ends, size_t nr, u8 at, u8 size)
{
	size_t i;

	for (i = 0; i < nr && at >= ends[i]; i++)
		;
	if (i == nr)
		return false;
	lab_expect(size && at + size <= ends[i],
		   "legacy access to several fields");
	return size && at + size <= ends[i];
}

static int common_io(struct pci_dev *pdev, u8 at, u8 size, u8 *buf, bool write)
{
	struct lab_virtio_vf *vf = find(pdev);
	int ret = lab_injected(write ? "common_write" : "common_read");
	bool fine = is_one_field(common_ends, ARRAY_SIZE(common_ends), at, size);

	lab_expect(vf, "legacy access to another function");
	lab_expect(at < VIRTIO_PCI_QUEUE_NOTIFY || at >= VIRTIO_PCI_STATUS,
		   "notified by a command");
	if (ret || !vf || !fine)
		return ret ?: -EINVAL;

	guard(raw_spinlock_irqsave)(&lock);
	if (write)
		write_common(vf, at, size, buf);
	else
		read_common(vf, at, size, buf);
	return 0;
}

static int device_io(struct pci_dev *pdev, u8 at, u8 size, u8 *buf, bool write)
{
	struct lab_virtio_vf *vf = find(pdev);
	int ret = lab_injected(write ? "device_write" : "device_read");
	bool fine = is_one_field(device_ends, ARRAY_SIZE(device_ends), at, size);

	lab_expect(vf, "legacy access to another function");
	if (ret || !vf || !fine)
		return ret ?: -EINVAL;

	guard(raw_spinlock_irqsave)(&lock);
	if (!write)
		memcpy(buf, vf->config + at, size);
	else if (at < ETH_ALEN)
		memcpy(vf->config + at, buf, size);
	return 0;
}

bool virtio_pci_admin_has_legacy_io(struct pci_dev *pdev)
{
	return find(pdev) && slot_of(pdev) != BARE;
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_has_legacy_io);

int virtio_pci_admin_legacy_common_io_write(struct pci_dev *pdev, u8 offset,
					    u8 size, u8 *buf)
{
	return common_io(pdev, offset, size, buf, true);
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_legacy_common_io_write);

int virtio_pci_admin_legacy_common_io_read(struct pci_dev *pdev, u8 offset,
					   u8 size, u8 *buf)
{
	return common_io(pdev, offset, size, buf, false);
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_legacy_common_io_read);

int virtio_pci_admin_legacy_device_io_write(struct pci_dev *pdev, u8 offset,
					    u8 size, u8 *buf)
{
	return device_io(pdev, offset, size, buf, true);
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_legacy_device_io_write);

int virtio_pci_admin_legacy_device_io_read(struct pci_dev *pdev, u8 offset,
					   u8 size, u8 *buf)
{
	return device_io(pdev, offset, size, buf, false);
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_legacy_device_io_read);

int virtio_pci_admin_legacy_io_notify_info(struct pci_dev *pdev,
					   u8 req_bar_flags, u8 *bar,
					   u64 *bar_offset)
{
	int ret = lab_injected("notify_info");

	if (ret)
		return ret;
	if (req_bar_flags != VIRTIO_ADMIN_CMD_NOTIFY_INFO_FLAGS_OWNER_MEM)
		return -ENOENT;
	*bar = NOTIFY_BAR;
	*bar_offset = NOTIFY_AT;
	return 0;
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_legacy_io_notify_info);

/* The modes of functions, and the objects for their parts */

bool virtio_pci_admin_has_dev_parts(struct pci_dev *pdev)
{
	return find(pdev) && slot_of(pdev) < BARE;
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_has_dev_parts);

int virtio_pci_admin_mode_set(struct pci_dev *pdev, u8 flags)
{
	struct lab_virtio_vf *vf = find(pdev);
	int ret = lab_injected("mode_set");

	lab_expect(!(flags & ~BIT(VIRTIO_ADMIN_CMD_DEV_MODE_F_STOPPED)),
		   "unknown mode");
	if (!vf)
		return -ENODEV;
	if (!ret)
		WRITE_ONCE(vf->stopped, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_mode_set);

int virtio_pci_admin_obj_create(struct pci_dev *pdev, u16 obj_type,
				u8 operation_type, u32 *obj_id)
{
	int ret = lab_injected("obj_create");
	int i;

	lab_expect(obj_type == VIRTIO_RESOURCE_OBJ_DEV_PARTS, "kind of object");
	if (!find(pdev))
		return -ENODEV;
	if (ret)
		return ret;
	guard(mutex)(&objects_lock);
	for (i = 0; i < OBJECTS; i++)
		if (!objects[i].vf) {
			objects[i].vf = pdev;
			objects[i].type = operation_type;
			*obj_id = i;
			lab_hold(1);
			return 0;
		}
	return -ENOSPC;
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_obj_create);

int virtio_pci_admin_obj_destroy(struct pci_dev *pdev, u16 obj_type, u32 id)
{
	int ret = lab_injected("obj_destroy");

	guard(mutex)(&objects_lock);
	lab_expect(id < OBJECTS && objects[id].vf == pdev, "unknown object");
	if (ret || id >= OBJECTS || objects[id].vf != pdev)
		return ret ?: -EINVAL;
	objects[id].vf = NULL;
	lab_hold(-1);
	return 0;
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_obj_destroy);

static bool has_object(struct pci_dev *pdev, u32 id, u8 type)
{
	guard(mutex)(&objects_lock);
	return id < OBJECTS && objects[id].vf == pdev &&
	       objects[id].type == type;
}

/* Device parts */

static size_t size_of_parts(void)
{
	size_t size = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		size += sizeof(struct virtio_dev_part_hdr) + parts[i].size;
	return size;
}

static void describe(const struct lab_virtio_part *part,
		     struct virtio_dev_part_hdr *head)
{
	memset(head, 0, sizeof(*head));
	head->part_type = cpu_to_le16(part->type);
	if (part->type == PART_QUEUE)
		head->selector.vq_index.index = cpu_to_le16(part->queue);
	head->length = cpu_to_le32(part->size);
}

static void get_parts(struct lab_virtio_vf *vf, u8 *data)
{
	struct virtio_dev_part_hdr head;
	int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		describe(&parts[i], &head);
		memcpy(data, &head, sizeof(head));
		memcpy_fromio(data + sizeof(head), vf->bar + parts[i].at,
			      parts[i].size);
		data += sizeof(head) + parts[i].size;
	}
}

/* All of the parts are there, and nothing else, or none is set. */
static int check_parts(const u8 *data, size_t size)
{
	struct virtio_dev_part_hdr head;
	int i;

	if (size != size_of_parts())
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		describe(&parts[i], &head);
		if (memcmp(data, &head, sizeof(head)))
			return -EINVAL;
		data += sizeof(head) + parts[i].size;
	}
	return 0;
}

static void set_parts(struct lab_virtio_vf *vf, const u8 *data)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		data += sizeof(struct virtio_dev_part_hdr);
		memcpy_toio(vf->bar + parts[i].at, data, parts[i].size);
		data += parts[i].size;
	}
}

static size_t length_of(struct scatterlist *list)
{
	size_t length = 0;

	for (; list; list = sg_next(list))
		length += list->length;
	return length;
}

int virtio_pci_admin_dev_parts_metadata_get(struct pci_dev *pdev, u16 obj_type,
					    u32 id, u8 metadata_type, u32 *out)
{
	int ret = lab_injected("metadata_get");

	lab_expect(metadata_type == VIRTIO_ADMIN_CMD_DEV_PARTS_METADATA_TYPE_SIZE,
		   "kind of metadata");
	lab_expect(has_object(pdev, id, VIRTIO_RESOURCE_OBJ_DEV_PARTS_TYPE_GET),
		   "metadata of another object");
	if (!ret)
		*out = size_of_parts();
	return ret;
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_dev_parts_metadata_get);

int virtio_pci_admin_dev_parts_get(struct pci_dev *pdev, u16 obj_type, u32 id,
				   u8 get_type, struct scatterlist *res_sg,
				   u32 *res_size)
{
	size_t size = size_of_parts();
	u8 *data __free(kvfree) = kvmalloc(size, GFP_KERNEL);
	struct lab_virtio_vf *vf = find(pdev);
	int ret = lab_injected("parts_get");

	lab_expect(get_type == VIRTIO_ADMIN_CMD_DEV_PARTS_GET_TYPE_ALL,
		   "selection of parts");
	lab_expect(has_object(pdev, id, VIRTIO_RESOURCE_OBJ_DEV_PARTS_TYPE_GET),
		   "parts of another object");
	if (!vf)
		return -ENODEV;
	if (!data)
		return -ENOMEM;
	if (ret)
		return ret;
	if (length_of(res_sg) < size)
		return -EINVAL;
	get_parts(vf, data);
	*res_size = sg_copy_from_buffer(res_sg, sg_nents(res_sg), data, size);
	return 0;
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_dev_parts_get);

int virtio_pci_admin_dev_parts_set(struct pci_dev *pdev,
				   struct scatterlist *data_sg)
{
	size_t size = length_of(data_sg);
	u8 *data __free(kvfree) = kvmalloc(size, GFP_KERNEL);
	struct virtio_admin_cmd_resource_obj_cmd_hdr *head = (void *)data;
	struct lab_virtio_vf *vf = find(pdev);
	int ret = lab_injected("parts_set");

	if (!vf)
		return -ENODEV;
	if (!data)
		return -ENOMEM;
	if (ret)
		return ret;
	sg_copy_to_buffer(data_sg, sg_nents(data_sg), data, size);
	if (size < sizeof(*head))
		return -EINVAL;
	lab_expect(le16_to_cpu(head->type) == VIRTIO_RESOURCE_OBJ_DEV_PARTS,
		   "kind of object");
	lab_expect(has_object(pdev, le32_to_cpu(head->id),
			      VIRTIO_RESOURCE_OBJ_DEV_PARTS_TYPE_SET),
		   "parts for another object");
	if (!READ_ONCE(vf->stopped))
		return -EPERM;
	ret = check_parts(data + sizeof(*head), size - sizeof(*head));
	if (!ret)
		set_parts(vf, data + sizeof(*head));
	return ret;
}
EXPORT_SYMBOL_GPL(virtio_pci_admin_dev_parts_set);

static void unmap(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(functions) * VFS; i++)
		if (vfs[i / VFS][i % VFS].bar)
			iounmap(vfs[i / VFS][i % VFS].bar);
}

static int map(unsigned int device)
{
	struct pci_dev *pf = lab_get_function(bridge, device);
	int i, ret = 0;

	for (i = 0; i < VFS; i++) {
		vfs[device][i].bar = lab_map_vf_bar(pf, i, NOTIFY_BAR);
		if (!vfs[device][i].bar)
			ret = -ENOMEM;
	}
	pci_dev_put(pf);
	return ret;
}

static int __init lab_virtio_init(void)
{
	int i, j, ret = 0;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		for (j = 0; j < VFS; j++)
			set_up(&vfs[i][j], i, j);
	bridge = lab_bridge_create(6, functions, ARRAY_SIZE(functions));
	if (IS_ERR(bridge))
		return PTR_ERR(bridge);
	for (i = 0; i < ARRAY_SIZE(functions) && !ret; i++)
		ret = map(i);
	if (ret) {
		unmap();
		lab_bridge_destroy(bridge);
	}
	return ret;
}

static void __exit lab_virtio_exit(void)
{
	int i;

	for (i = 0; i < OBJECTS; i++)
		lab_expect(!objects[i].vf, "obj_destroy forgotten");
	unmap();
	lab_bridge_destroy(bridge);
}

module_init(lab_virtio_init);
module_exit(lab_virtio_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated virtio functions for tests");
