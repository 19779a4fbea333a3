// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for intel_qat: the exports that a VFIO driver of its virtual
 * functions uses, over simulated firmware. The state of a virtual function is
 * the start of its BAR 0. Written into debugfs, "inject" makes the next call of
 * a name fail ("save_state -5"); "violations" tells of calls out of order.
 */
#include <linux/crc32.h>
#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <linux/qat/qat_mig_dev.h>

#include "pci.h"

#define LAB_QAT_MAGIC	0x5451424c
#define LAB_QAT_VERSION	2
#define LAB_QAT_BODY	256

static const struct lab_pci_function functions[] = {
	{
		.vendor = PCI_VENDOR_ID_INTEL,
		.device = 0x4940,
		.vf_device = 0x4941,
		.class = PCI_CLASS_CRYPT_OTHER << 8,
		.vfs = 2,
		.bars = { SZ_4K },
		.vf_bars = { SZ_4K },
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
	bool suspended;
};

static struct lab_pci_bridge *bridge;
static struct dentry *debug_dir;
static DEFINE_MUTEX(control);	/* protects the two below */
static char injected[32];
static int injected_error;
static char violations[1024];

static struct lab_qat_vf *vf_of(struct qat_mig_dev *mdev)
{
	return container_of(mdev, struct lab_qat_vf, mdev);
}

static void expect(bool fine, const char *what)
{
	size_t used;

	if (fine)
		return;
	guard(mutex)(&control);
	used = strlen(violations);
	scnprintf(violations + used, sizeof(violations) - used, "%s\n", what);
}

/* Returns what the call is to fail with, once. */
static int injected_into(const char *name)
{
	guard(mutex)(&control);
	if (strcmp(injected, name))
		return 0;
	injected[0] = 0;
	return injected_error;
}

struct qat_mig_dev *qat_vfmig_create(struct pci_dev *pdev, int vf_id)
{
	int ret = injected_into("create");
	struct lab_qat_vf *vf;

	if (ret)
		return ERR_PTR(ret);
	vf = kzalloc(sizeof(*vf), GFP_KERNEL);
	if (!vf)
		return ERR_PTR(-ENOMEM);

	vf->pf = pci_dev_get(pdev);
	vf->mdev.vf_id = vf_id;
	return &vf->mdev;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_create, "CRYPTO_QAT");

int qat_vfmig_init(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	struct resource *res = &vf->pf->resource[PCI_IOV_RESOURCES];
	int ret = injected_into("init");

	expect(!vf->ready, "init twice");
	if (ret)
		return ret;
	mdev->state = kzalloc(sizeof(struct lab_qat_stream), GFP_KERNEL);
	if (!mdev->state)
		return -ENOMEM;

	vf->bar = ioremap(res->start + mdev->vf_id * SZ_4K, SZ_4K);
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

	expect(vf->ready, "cleanup before init");
	expect(!vf->open, "cleanup while open");
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

	expect(vf->ready, "reset before init");
	mdev->setup_size = 0;
	mdev->remote_setup_size = 0;
	vf->suspended = false;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_reset, "CRYPTO_QAT");

int qat_vfmig_open(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = injected_into("open");

	expect(vf->ready, "open before init");
	expect(!vf->open, "open twice");
	if (ret)
		return ret;
	vf->open = true;
	vf->suspended = false;
	mdev->setup_size = 0;
	mdev->remote_setup_size = 0;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_open, "CRYPTO_QAT");

void qat_vfmig_close(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);

	expect(vf->open, "close before open");
	vf->open = false;
	vf->suspended = false;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_close, "CRYPTO_QAT");

int qat_vfmig_suspend(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = injected_into("suspend");

	expect(vf->open, "suspend while closed");
	expect(!vf->suspended, "suspend twice");
	if (ret)
		return ret;
	vf->suspended = true;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_suspend, "CRYPTO_QAT");

int qat_vfmig_resume(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = injected_into("resume");

	expect(vf->open, "resume while closed");
	expect(vf->suspended, "resume while it runs");
	if (ret)
		return ret;
	vf->suspended = false;
	mdev->setup_size = 0;
	mdev->remote_setup_size = 0;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_resume, "CRYPTO_QAT");

static void put_setup(struct qat_mig_dev *mdev)
{
	struct lab_qat_stream *stream = (struct lab_qat_stream *)mdev->state;

	stream->magic = cpu_to_le32(LAB_QAT_MAGIC);
	stream->version = cpu_to_le32(LAB_QAT_VERSION);
	stream->size = cpu_to_le32(sizeof(*stream));
	stream->capabilities = cpu_to_le32(0x1f);
	mdev->setup_size = offsetof(struct lab_qat_stream, body);
}

int qat_vfmig_save_setup(struct qat_mig_dev *mdev)
{
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = injected_into("save_setup");

	expect(vf->open, "save_setup while closed");
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
	int ret = injected_into("save_state");

	expect(vf->open, "save_state while closed");
	expect(vf->suspended, "save_state while it runs");
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
	int ret = injected_into("load_setup");

	expect(vf->open, "load_setup while closed");
	expect(vf->suspended, "load_setup while it runs");
	if (ret)
		return ret;
	if (size < offsetof(struct lab_qat_stream, body))
		return -EAGAIN;
	if (stream->magic != cpu_to_le32(LAB_QAT_MAGIC) ||
	    stream->version != cpu_to_le32(LAB_QAT_VERSION) ||
	    stream->size != cpu_to_le32(sizeof(*stream)) ||
	    stream->capabilities != cpu_to_le32(0x1f))
		return -EINVAL;
	mdev->remote_setup_size = offsetof(struct lab_qat_stream, body);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_load_setup, "CRYPTO_QAT");

int qat_vfmig_load_state(struct qat_mig_dev *mdev)
{
	struct lab_qat_stream *stream = (struct lab_qat_stream *)mdev->state;
	struct lab_qat_vf *vf = vf_of(mdev);
	int ret = injected_into("load_state");

	expect(vf->open, "load_state while closed");
	expect(vf->suspended, "load_state while it runs");
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

	expect(!vf->ready, "destroy before cleanup");
	pci_dev_put(vf->pf);
	kfree(vf);
}
EXPORT_SYMBOL_NS_GPL(qat_vfmig_destroy, "CRYPTO_QAT");

static ssize_t inject_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *ppos)
{
	char text[64] = {};

	if (count >= sizeof(text) || copy_from_user(text, buf, count))
		return -EINVAL;
	guard(mutex)(&control);
	if (sscanf(text, "%31s %d", injected, &injected_error) == 2)
		return count;
	injected[0] = 0;
	return count;
}

static ssize_t inject_read(struct file *file, char __user *buf, size_t count,
			   loff_t *ppos)
{
	guard(mutex)(&control);
	return simple_read_from_buffer(buf, count, ppos, injected,
				       strlen(injected));
}

static const struct file_operations inject_fops = {
	.owner = THIS_MODULE,
	.read = inject_read,
	.write = inject_write,
};

static ssize_t violations_read(struct file *file, char __user *buf,
			       size_t count, loff_t *ppos)
{
	guard(mutex)(&control);
	return simple_read_from_buffer(buf, count, ppos, violations,
				       strlen(violations));
}

static ssize_t violations_write(struct file *file, const char __user *buf,
				size_t count, loff_t *ppos)
{
	guard(mutex)(&control);
	violations[0] = 0;
	return count;
}

static const struct file_operations violations_fops = {
	.owner = THIS_MODULE,
	.read = violations_read,
	.write = violations_write,
};

static int __init lab_qat_init(void)
{
	bridge = lab_pci_create(functions, ARRAY_SIZE(functions));
	if (IS_ERR(bridge))
		return PTR_ERR(bridge);
	debug_dir = debugfs_create_dir("lab_qat", NULL);
	debugfs_create_file("inject", 0600, debug_dir, NULL, &inject_fops);
	debugfs_create_file("violations", 0600, debug_dir, NULL,
			    &violations_fops);
	return 0;
}

static void __exit lab_qat_exit(void)
{
	debugfs_remove(debug_dir);
	lab_pci_destroy(bridge);
}

module_init(lab_qat_init);
module_exit(lab_qat_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated QAT for tests");
