// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for xe: what it exports to a VFIO driver of its virtual functions,
 * over simulated firmware. The stream is one of packets: what device it comes
 * from, the registers at the start of BAR 0, the memory at the start of BAR 2
 * in two parts, and an end without which nothing is loaded.
 */
#include <linux/cleanup.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <drm/intel/xe_sriov_vfio.h>

#include "sim.h"

#define MODULE_OF_DRIVER	"xe-vfio-pci"
#define VFS			2
#define REGISTERS		256
#define MEMORY			1024
#define VERSION			1

enum lab_xe_kind {
	ORIGIN = 1,
	END,
	REGISTER_FILE,
	VIDEO_MEMORY = 6,
};

struct lab_xe_head {
	u8 version;
	u8 kind;
	u8 tile;
	u8 gt;
	__le32 flags;
	__le64 offset;
	__le64 size;
} __packed;

struct lab_xe_origin {
	struct lab_xe_head head;
	__le32 device;
} __packed;

struct lab_xe_registers {
	struct lab_xe_head head;
	u8 data[REGISTERS];
} __packed;

struct lab_xe_memory {
	struct lab_xe_head head;
	u8 data[MEMORY];
} __packed;

struct lab_xe_stream {
	struct lab_xe_origin origin;
	struct lab_xe_registers registers;
	struct lab_xe_memory memory[2];
	struct lab_xe_head end;
} __packed;

enum lab_xe_state {
	RUNNING,
	PAUSED,
	SAVING,
	RESTORING,
	FAILED,
};

struct lab_xe_vf {
	enum lab_xe_state state;	/* under the device's lock */
	bool reset_announced;		/* likewise */
	void __iomem *registers;
	void __iomem *memory;
	struct mutex lock;	/* protects what follows, over user copies */
	struct lab_xe_stream stream;
	size_t position;
};

struct xe_device {
	spinlock_t lock;
	struct lab_xe_vf vfs[VFS];
	struct pci_dev *pdev;
};

static struct xe_device device = {
	.lock = __SPIN_LOCK_UNLOCKED(device.lock),
};
static struct lab_bridge *bridge;

/* The hardware tells the firmware, whoever announced it. */
static void reset_vf(unsigned int number, int vf)
{
	guard(spinlock_irqsave)(&device.lock);
	device.vfs[vf].state = RUNNING;
	device.vfs[vf].reset_announced = false;
}

static const struct lab_function functions[] = {
	{
		.vendor = PCI_VENDOR_ID_INTEL,
		.device = 0xe20b,
		.vf_device = 0xe20b,
		.class = PCI_CLASS_DISPLAY_OTHER,
		.vfs = VFS,
		.vf_vectors = 2,
		.bars = { SZ_4K },
		.vf_bars = {
			[0] = SZ_4K,
			[2] = SZ_16K,
			[LAB_MSIX_BAR] = SZ_4K,
		},
		.vf_reset = reset_vf,
	},
	/* One that has no virtual functions. */
	{
		.vendor = PCI_VENDOR_ID_INTEL,
		.device = 0xb080,
		.class = PCI_CLASS_DISPLAY_OTHER,
		.bars = { SZ_4K },
	},
};

/* Numbers start at 1: 0 is the physical function. */
static struct lab_xe_vf *vf_of(struct xe_device *xe, unsigned int vfid)
{
	lab_expect(xe == &device, "another device");
	lab_expect(vfid && vfid <= VFS, "number of the function");
	return vfid && vfid <= VFS ? &xe->vfs[vfid - 1] : NULL;
}

static bool is_in(struct xe_device *xe, struct lab_xe_vf *vf,
		  enum lab_xe_state state)
{
	guard(spinlock_irqsave)(&xe->lock);
	return vf->state == state;
}

static int move(struct xe_device *xe, unsigned int vfid, const char *command,
		enum lab_xe_state from, enum lab_xe_state to)
{
	struct lab_xe_vf *vf = vf_of(xe, vfid);
	int ret = lab_injected(command);

	if (!vf)
		return -EINVAL;
	if (ret)
		return ret;
	guard(spinlock_irqsave)(&xe->lock);
	if (vf->state != from)
		return -EPERM;
	vf->state = to;
	return 0;
}

struct xe_device *xe_sriov_vfio_get_pf(struct pci_dev *pdev)
{
	if (!pdev->is_virtfn || !lab_is_simulated(pdev) || lab_injected("get_pf"))
		return NULL;
	return &device;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_get_pf, MODULE_OF_DRIVER);

bool xe_sriov_vfio_migration_supported(struct xe_device *xe)
{
	return !lab_injected("migration_supported");
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_migration_supported, MODULE_OF_DRIVER);

int xe_sriov_vfio_flr_prepare(struct xe_device *xe, unsigned int vfid)
{
	struct lab_xe_vf *vf = vf_of(xe, vfid);
	int ret = lab_injected("flr_prepare");

	if (!vf)
		return -EINVAL;
	if (ret)
		return ret;
	guard(spinlock_irqsave)(&xe->lock);
	if (vf->reset_announced)
		return -EALREADY;
	vf->reset_announced = true;
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_flr_prepare, MODULE_OF_DRIVER);

int xe_sriov_vfio_wait_flr_done(struct xe_device *xe, unsigned int vfid)
{
	struct lab_xe_vf *vf = vf_of(xe, vfid);
	int ret = lab_injected("wait_flr_done");

	if (!vf)
		return -EINVAL;
	if (ret)
		return ret;
	guard(spinlock_irqsave)(&xe->lock);
	return vf->reset_announced ? -ETIMEDOUT : 0;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_wait_flr_done, MODULE_OF_DRIVER);

int xe_sriov_vfio_suspend_device(struct xe_device *xe, unsigned int vfid)
{
	return move(xe, vfid, "suspend_device", RUNNING, PAUSED);
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_suspend_device, MODULE_OF_DRIVER);

int xe_sriov_vfio_resume_device(struct xe_device *xe, unsigned int vfid)
{
	return move(xe, vfid, "resume_device", PAUSED, RUNNING);
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_resume_device, MODULE_OF_DRIVER);

static void set_head(struct lab_xe_head *head, enum lab_xe_kind kind,
		     u64 offset, u64 size)
{
	head->version = VERSION;
	head->kind = kind;
	head->offset = cpu_to_le64(offset);
	head->size = cpu_to_le64(size);
}

static void describe(struct xe_device *xe, struct lab_xe_stream *stream)
{
	int i;

	memset(stream, 0, sizeof(*stream));
	set_head(&stream->origin.head, ORIGIN, 0, sizeof(stream->origin.device));
	stream->origin.device = cpu_to_le32(xe->pdev->device);
	set_head(&stream->registers.head, REGISTER_FILE, 0, REGISTERS);
	for (i = 0; i < ARRAY_SIZE(stream->memory); i++)
		set_head(&stream->memory[i].head, VIDEO_MEMORY, i * MEMORY, MEMORY);
	set_head(&stream->end, END, 0, 0);
}

static void transfer(struct lab_xe_vf *vf, bool save)
{
	struct lab_xe_stream *stream = &vf->stream;
	int i;

	if (save)
		memcpy_fromio(stream->registers.data, vf->registers, REGISTERS);
	else
		memcpy_toio(vf->registers, stream->registers.data, REGISTERS);
	for (i = 0; i < ARRAY_SIZE(stream->memory); i++)
		if (save)
			memcpy_fromio(stream->memory[i].data,
				      vf->memory + i * MEMORY, MEMORY);
		else
			memcpy_toio(vf->memory + i * MEMORY,
				    stream->memory[i].data, MEMORY);
}

int xe_sriov_vfio_stop_copy_enter(struct xe_device *xe, unsigned int vfid)
{
	int ret = move(xe, vfid, "stop_copy_enter", PAUSED, SAVING);
	struct lab_xe_vf *vf = vf_of(xe, vfid);

	if (ret)
		return ret;
	guard(mutex)(&vf->lock);
	describe(xe, &vf->stream);
	vf->position = 0;
	transfer(vf, true);
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_stop_copy_enter, MODULE_OF_DRIVER);

int xe_sriov_vfio_stop_copy_exit(struct xe_device *xe, unsigned int vfid)
{
	return move(xe, vfid, "stop_copy_exit", SAVING, PAUSED);
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_stop_copy_exit, MODULE_OF_DRIVER);

int xe_sriov_vfio_resume_data_enter(struct xe_device *xe, unsigned int vfid)
{
	int ret = move(xe, vfid, "resume_data_enter", PAUSED, RESTORING);
	struct lab_xe_vf *vf = vf_of(xe, vfid);

	if (ret)
		return ret;
	guard(mutex)(&vf->lock);
	vf->position = 0;
	return 0;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_resume_data_enter, MODULE_OF_DRIVER);

/* The firmware waits for the end, though not for ever. */
int xe_sriov_vfio_resume_data_exit(struct xe_device *xe, unsigned int vfid)
{
	struct lab_xe_vf *vf = vf_of(xe, vfid);

	if (!vf)
		return -EINVAL;
	if (is_in(xe, vf, FAILED))
		return -EIO;
	scoped_guard(mutex, &vf->lock)
		if (is_in(xe, vf, RESTORING) &&
		    vf->position < sizeof(vf->stream))
			return -ETIMEDOUT;
	return move(xe, vfid, "resume_data_exit", RESTORING, PAUSED);
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_resume_data_exit, MODULE_OF_DRIVER);

int xe_sriov_vfio_error(struct xe_device *xe, unsigned int vfid)
{
	lab_expect(false, "put into an error state");
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_error, MODULE_OF_DRIVER);

ssize_t xe_sriov_vfio_data_read(struct xe_device *xe, unsigned int vfid,
				char __user *buf, size_t len)
{
	struct lab_xe_vf *vf = vf_of(xe, vfid);
	int ret = lab_injected("data_read");

	if (!vf)
		return -EINVAL;
	if (ret)
		return ret;
	guard(mutex)(&vf->lock);
	if (!is_in(xe, vf, SAVING))
		return -EPERM;
	len = min(len, sizeof(vf->stream) - vf->position);
	if (copy_to_user(buf, (u8 *)&vf->stream + vf->position, len))
		return -EFAULT;
	vf->position += len;
	return len;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_data_read, MODULE_OF_DRIVER);

/* Checks the heads that have arrived, and where the device is known, that. */
static int check(struct xe_device *xe, const struct lab_xe_vf *vf,
		 const struct lab_xe_stream *expected)
{
	static const struct {
		size_t at;
		size_t size;
		int error;
	} parts[] = {
		{ offsetof(struct lab_xe_stream, origin.head),
		  sizeof(struct lab_xe_head), -EINVAL },
		{ offsetof(struct lab_xe_stream, origin.device),
		  sizeof(__le32), -ENODEV },
		{ offsetof(struct lab_xe_stream, registers.head),
		  sizeof(struct lab_xe_head), -EINVAL },
		{ offsetof(struct lab_xe_stream, memory[0].head),
		  sizeof(struct lab_xe_head), -EINVAL },
		{ offsetof(struct lab_xe_stream, memory[1].head),
		  sizeof(struct lab_xe_head), -EINVAL },
		{ offsetof(struct lab_xe_stream, end),
		  sizeof(struct lab_xe_head), -EINVAL },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (vf->position >= parts[i].at + parts[i].size &&
		    memcmp((u8 *)&vf->stream + parts[i].at,
			   (u8 *)expected + parts[i].at, parts[i].size))
			return parts[i].error;
	return 0;
}

static void fail(struct xe_device *xe, struct lab_xe_vf *vf)
{
	guard(spinlock_irqsave)(&xe->lock);
	if (vf->state == RESTORING)
		vf->state = FAILED;
}

static ssize_t take(struct xe_device *xe, struct lab_xe_vf *vf,
		    const char __user *buf, size_t len)
{
	struct lab_xe_stream *expected __free(kfree) =
		kmalloc(sizeof(*expected), GFP_KERNEL);
	size_t left = sizeof(vf->stream) - vf->position;
	int ret;

	if (!expected)
		return -ENOMEM;
	if (!is_in(xe, vf, RESTORING) || len > left)
		return is_in(xe, vf, RESTORING) ? -EINVAL : -EPERM;
	if (copy_from_user((u8 *)&vf->stream + vf->position, buf, len))
		return -EFAULT;
	vf->position += len;
	describe(xe, expected);
	ret = check(xe, vf, expected);
	if (ret)
		fail(xe, vf);
	else if (len && len == left)
		transfer(vf, false);
	return ret ?: len;
}

ssize_t xe_sriov_vfio_data_write(struct xe_device *xe, unsigned int vfid,
				 const char __user *buf, size_t len)
{
	struct lab_xe_vf *vf = vf_of(xe, vfid);
	int ret = lab_injected("data_write");

	if (!vf)
		return -EINVAL;
	if (ret)
		return ret;
	guard(mutex)(&vf->lock);
	return take(xe, vf, buf, len);
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_data_write, MODULE_OF_DRIVER);

ssize_t xe_sriov_vfio_stop_copy_size(struct xe_device *xe, unsigned int vfid)
{
	int ret = lab_injected("stop_copy_size");

	if (!vf_of(xe, vfid))
		return -EINVAL;
	return ret ?: sizeof(struct lab_xe_stream);
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_stop_copy_size, MODULE_OF_DRIVER);

static void unmap(void)
{
	int i;

	for (i = 0; i < VFS; i++) {
		if (device.vfs[i].registers)
			iounmap(device.vfs[i].registers);
		if (device.vfs[i].memory)
			iounmap(device.vfs[i].memory);
	}
	pci_dev_put(device.pdev);
}

static int map(void)
{
	struct lab_xe_vf *vf;
	int i;

	device.pdev = lab_get_function(bridge, 0);
	for (i = 0; i < VFS; i++) {
		vf = &device.vfs[i];
		mutex_init(&vf->lock);
		vf->registers = lab_map_vf_bar(device.pdev, i, 0);
		vf->memory = lab_map_vf_bar(device.pdev, i, 2);
		if (!vf->registers || !vf->memory)
			return -ENOMEM;
	}
	return 0;
}

static int __init lab_xe_init(void)
{
	int ret;

	bridge = lab_bridge_create(3, functions, ARRAY_SIZE(functions));
	if (IS_ERR(bridge))
		return PTR_ERR(bridge);
	ret = map();
	if (ret) {
		unmap();
		lab_bridge_destroy(bridge);
	}
	return ret;
}

static void __exit lab_xe_exit(void)
{
	unmap();
	lab_bridge_destroy(bridge);
}

module_init(lab_xe_init);
module_exit(lab_xe_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated Intel graphics for tests");
