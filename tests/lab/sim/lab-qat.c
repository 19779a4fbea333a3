// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for intel_qat: the exports that a VFIO driver of its virtual
 * functions uses, over simulated firmware. The state of a virtual function is
 * the start of its BAR 0.
 */
#include <linux/crc32.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <linux/qat/qat_mig_dev.h>

#include "sim.h"

#define LAB_QAT_MAGIC	0x5451424c
#define LAB_QAT_VERSION	2
#define LAB_QAT_BODY	256

#define VFS		2

/*
 * A function runs again after its reset, which the parent hears of later. What
 * meets the reset is no fault of the driver's: it may have come before it.
 */
static bool suspended[VFS];
static bool was_reset[VFS];

static void reset_vf(unsigned int device, int vf)
{
	/* Who was let in before the first of two resets may come after both. */
	was_reset[vf] |= suspended[vf];
	suspended[vf] = false;
}

static bool may_be_suspended(int vf)
{
	return suspended[vf] || was_reset[vf];
}

static void set_suspended(int vf, bool now)
{
	suspended[vf] = now;
	was_reset[vf] = false;
}

static const struct lab_function functions[] = {
	{
		.vendor = PCI_VENDOR_ID_INTEL,
		.device = 0x4940,
		.vf_device = 0x4941,
		.class = PCI_CLASS_CRYPT_OTHER,
		.vfs = VFS,
		.vf_vectors = 4,
		.bars = { SZ_4K },
		.vf_bars = { [0] = SZ_4K, [LAB_MSIX_BAR] = SZ_4K },
		.vf_reset = reset_vf,
	},
};

/* The setup section ends before the body. */
struct lab_qat_stream {
	__le32 magic;
	__le32 version;
	__le32 size;
	__le32 capabilities;
	u8 body[LAB_QAT_BODY];
	__le32 crc;
} __packed;

struct lab_qat_vf {
	struct qat_mig_dev mdev;
	struct pci_dev *pf;
	void __iomem *bar;
	bool ready;
	bool open;
};

static struct lab_bridge *bridge;

static struct lab_qat_vf *vf_of(struct qat_mig_dev *mdev)
{
	return container_of(mdev, struct lab_qat_vf, mdev);
}

struct qat_mig_dev *qat_vfmig_create(struct pci_dev *pdev, int vf_id)
{
	int ret = lab_injected("create");
	struct lab_qat_vf *vf;

	if (ret)
		return ERR_PTR(ret);
	vf = kzalloc(sizeof(*vf), GFP_KERNEL);
	if (!vf)
		return ERR_PTR(-ENOMEM);

	vf->pf = pci_dev_get(pdev);
	vf->mdev.vf_id = vf_id;
	lab_hold(1);
	return &vf->mdev;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_create, "CRYPTO_QAT");

int qat_vfmig_init(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = lab_injected("init");

	lab_expect(!vf->ready, "init twice");
	if (ret)
		return ret;
	mdev->state = kzalloc(sizeof(struct lab_qat_stream), GFP_KERNEL);
	if (!mdev->state)
		return -ENOMEM;

	vf->bar = lab_map_vf_bar(vf->pf, mdev->vf_id, 0);
	if (!vf->bar) {
		kfree(mdev->state);
		return -ENOMEM;
	}
	mdev->state_size = sizeof(struct lab_qat_stream);
	vf->ready = true;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_init, "CRYPTO_QAT");

void qat_vfmig_cleanup(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);

	lab_told("cleanup");
	lab_expect(vf->ready, "cleanup before init");
	lab_expect(!vf->open, "cleanup while open");
	iounmap(vf->bar);
	kfree(mdev->state);
	mdev->state = NULL;
	mdev->state_size = 0;
	vf->ready = false;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_cleanup, "CRYPTO_QAT");

void qat_vfmig_reset(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);

	lab_told("reset");
	lab_expect(vf->ready, "reset before init");
	mdev->setup_size = 0;
	mdev->remote_setup_size = 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_reset, "CRYPTO_QAT");

int qat_vfmig_open(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = lab_injected("open");

	lab_expect(vf->ready, "open before init");
	lab_expect(!vf->open, "open twice");
	if (ret)
		return ret;
	vf->open = true;
	set_suspended(mdev->vf_id, false);
	mdev->setup_size = 0;
	mdev->remote_setup_size = 0;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_open, "CRYPTO_QAT");

void qat_vfmig_close(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);

	lab_told("close");
	lab_expect(vf->open, "close before open");
	vf->open = false;
	set_suspended(mdev->vf_id, false);
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_close, "CRYPTO_QAT");

int qat_vfmig_suspend(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = lab_injected("suspend");

	lab_expect(vf->open, "suspend while closed");
	lab_expect(!suspended[mdev->vf_id], "suspend twice");
	if (ret)
		return ret;
	set_suspended(mdev->vf_id, true);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_suspend, "CRYPTO_QAT");

int qat_vfmig_resume(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = lab_injected("resume");

	lab_expect(vf->open, "resume while closed");
	lab_expect(may_be_suspended(mdev->vf_id), "resume while it runs");
	if (ret)
		return ret;
	set_suspended(mdev->vf_id, false);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_resume, "CRYPTO_QAT");

/* As the real parent does, it puts a setup section and looks at one but once. */
static void put_setup(struct qat_mig_dev *mdev)
{
	struct lab_qat_stream *stream = (struct lab_qat_stream *)mdev->state;

	if (mdev->setup_size)
		return;
	stream->magic = cpu_to_le32(LAB_QAT_MAGIC);
	stream->version = cpu_to_le32(LAB_QAT_VERSION);
	stream->size = cpu_to_le32(sizeof(*stream));
	stream->capabilities = cpu_to_le32(0x1f);
	mdev->setup_size = offsetof(struct lab_qat_stream, body);
}

int qat_vfmig_save_setup(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = lab_injected("save_setup");

	lab_expect(vf->open, "save_setup while closed");
	if (ret)
		return ret;
	put_setup(mdev);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_save_setup, "CRYPTO_QAT");

int qat_vfmig_save_state(struct qat_mig_dev *mdev)
{
	struct lab_qat_stream *stream = (struct lab_qat_stream *)mdev->state;
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = lab_injected("save_state");

	lab_expect(vf->open, "save_state while closed");
	lab_expect(may_be_suspended(mdev->vf_id), "save_state while it runs");
	if (ret)
		return ret;
	put_setup(mdev);
	memcpy_fromio(stream->body, vf->bar, LAB_QAT_BODY);
	stream->crc = cpu_to_le32(crc32_le(~0, stream->body, LAB_QAT_BODY));
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_save_state, "CRYPTO_QAT");

int qat_vfmig_load_setup(struct qat_mig_dev *mdev, int size)
{
	struct lab_qat_stream *stream = (struct lab_qat_stream *)mdev->state;
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = lab_injected("load_setup");

	lab_told("%d bytes", size);
	lab_expect(vf->open, "load_setup while closed");
	lab_expect(may_be_suspended(mdev->vf_id), "load_setup while it runs");
	if (ret)
		return ret;
	if (mdev->remote_setup_size)
		return 0;
	if (size < offsetof(struct lab_qat_stream, body))
		return -EAGAIN;
	if (stream->magic != cpu_to_le32(LAB_QAT_MAGIC) ||
	    stream->version != cpu_to_le32(LAB_QAT_VERSION) ||
	    stream->size != cpu_to_le32(sizeof(*stream)))
		return -EINVAL;
	mdev->remote_setup_size = offsetof(struct lab_qat_stream, body);
	return stream->capabilities == cpu_to_le32(0x1f) ? 0 : -EINVAL;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_load_setup, "CRYPTO_QAT");

int qat_vfmig_load_state(struct qat_mig_dev *mdev)
{
	struct lab_qat_stream *stream = (struct lab_qat_stream *)mdev->state;
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = lab_injected("load_state");

	lab_expect(vf->open, "load_state while closed");
	lab_expect(may_be_suspended(mdev->vf_id), "load_state while it runs");
	if (ret)
		return ret;
	if (!mdev->remote_setup_size ||
	    stream->crc != cpu_to_le32(crc32_le(~0, stream->body, LAB_QAT_BODY)))
		return -EINVAL;
	memcpy_toio(vf->bar, stream->body, LAB_QAT_BODY);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_load_state, "CRYPTO_QAT");

void qat_vfmig_destroy(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);

	lab_told("destroy");
	lab_expect(!vf->ready, "destroy before cleanup");
	lab_hold(-1);
	pci_dev_put(vf->pf);
	kfree(vf);
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_destroy, "CRYPTO_QAT");

static int __init lab_qat_init(void)
{
	bridge = lab_bridge_create(0, functions, ARRAY_SIZE(functions));
	if (IS_ERR(bridge))
		return PTR_ERR(bridge);
	return 0;
}

static void __exit lab_qat_exit(void)
{
	lab_bridge_destroy(bridge);
}

module_init(lab_qat_init);
module_exit(lab_qat_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated QAT for tests");
