// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for hisi_qm and for the drivers of the physical functions of SEC,
 * HPRE and ZIP. Registers are memory; the firmware looks at them whenever its
 * mailbox is used, and whenever somebody asks for the time, as those do who
 * wait for an answer. SEC has the registers for migration in the second half of BAR 2 of
 * its functions; ZIP has windows for them in its own BAR, which show the start
 * of BAR 2 of the functions; HPRE is too old to migrate.
 *
 * In debugfs at lab_hisi/:
 *
 *	contexts	for each virtual function what its own driver would tell
 *			it by its mailbox, a struct lab_hisi_contexts each; the
 *			number of a function stands at NUMBER of its BAR 2
 *	abnormal, core	what SEC says of its errors and of its work
 *	iso		whether SEC's functions are isolated
 *	table_stuck, caches_stuck
 *			the firmware doesn't answer for now
 *	hpre_ver	the version of HPRE's hardware
 *	reset		"1": a reset of SEC begins, and ends some time later
 */
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/hisi_acc_qm.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pci_ids.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "sim.h"

#define PARENTS		3
#define VFS		2
#define PARENT_SIZE	SZ_4M
#define VF_SIZE		SZ_64K
#define WINDOWS		0x180000
#define WINDOW_SIZE	SZ_8K
#define QUEUES		16
#define PAUSE		0xe
#define SEC		0xa255
#define HPRE		0xa258
#define ZIP		0xa250

/* Of a physical function */
#define ISO		0x30
#define ABNORMAL	0x100008
#define TABLE_GO	0x100054
#define TABLE_READ	0x100058
#define TABLE_KIND	0x10005c
#define TABLE_FUNCTION	0x100060
#define TABLE_LOW	0x100064
#define TABLE_HIGH	0x100068
#define TABLE_READY	0x10006c
#define WINDOWS_ON	0x100198

/* Of a virtual one */
#define MESSAGES	0x20
#define STATE		0x60
#define WRITE_BACK	0x204
#define WRITTEN_BACK	0x208
#define DOORBELLS	0x1000
#define EVENTS_WINDOW	0x1c00
#define NUMBER		0x7ff0
#define EVENTS		0x8000
#define ASYNC		0x20
#define WORDS		7

struct lab_hisi_contexts {
	u32 events[WORDS];
	u32 async[WORDS];
	u64 send;
	u64 completion;
};

struct lab_hisi_vf {
	void __iomem *bar;
	void __iomem *seen;	/* where a driver has to look for it */
	u64 send;
	u64 completion;
	bool paused;
	bool written_back;
};

struct lab_hisi_parent {
	struct hisi_qm qm;
	struct pci_driver *driver;
	struct page **pages;
	void *registers;
	int vfs;
	int resets;
	struct lab_hisi_vf vf[VFS];
};

static void reset_vf(unsigned int device, int number);

#define PARENT(pf, vf, number) {			\
	.vendor = PCI_VENDOR_ID_HUAWEI,			\
	.device = pf,					\
	.vf_device = vf,				\
	.class = PCI_CLASS_CRYPT_OTHER,			\
	.vfs = number,					\
	.vf_vectors = 2,				\
	.bars = { SZ_4K },				\
	.vf_bars = { [2] = VF_SIZE, [LAB_MSIX_BAR] = SZ_4K }, \
	.vf_reset = reset_vf,				\
}

static const struct lab_function functions[PARENTS] = {
	PARENT(SEC, PCI_DEVICE_ID_HUAWEI_SEC_VF, 2),
	PARENT(HPRE, PCI_DEVICE_ID_HUAWEI_HPRE_VF, 1),
	PARENT(ZIP, PCI_DEVICE_ID_HUAWEI_ZIP_VF, 2),
};

static const enum qm_hw_ver versions[PARENTS] = {
	QM_HW_V3, QM_HW_V2, QM_HW_V5,
};

static struct lab_hisi_parent parents[PARENTS];
static DEFINE_RAW_SPINLOCK(lock);	/* protects what the firmware knows */
static struct lab_bridge *bridge;
static struct dentry *dir;
static int resets_before;
static bool table_stuck;
static bool caches_stuck;

static u32 get(void *registers, u32 at)
{
	return READ_ONCE(*(u32 *)(registers + at));
}

static void set(void *registers, u32 at, u32 value)
{
	WRITE_ONCE(*(u32 *)(registers + at), value);
}

/* Bits 28 to 43 are the first queue, 45 to 54 how many follow it. */
static u64 queues_of(u32 function)
{
	return (u64)(function * QUEUES) << 28 | (u64)(QUEUES - 1) << 45;
}

static void answer_table(struct lab_hisi_parent *parent)
{
	void *registers = parent->registers;
	u32 function = get(registers, TABLE_FUNCTION);
	u64 queues = queues_of(function);

	if (!get(registers, TABLE_GO) || table_stuck)
		return;
	set(registers, TABLE_GO, 0);
	if (get(registers, TABLE_READ) != 1 || get(registers, TABLE_KIND) ||
	    !function || function > parent->vfs)
		return;
	set(registers, TABLE_LOW, queues);
	set(registers, TABLE_HIGH, queues >> 32);
	set(registers, TABLE_READY, 1);
}

static void answer_vf(struct lab_hisi_vf *vf)
{
	/* What is pending is cleared by a one. */
	if (readl(vf->bar + MESSAGES) == 1)
		writel(0, vf->bar + MESSAGES);
	if (!readl(vf->bar + WRITE_BACK) || caches_stuck)
		return;
	writel(0, vf->bar + WRITE_BACK);
	vf->written_back = true;
	writel(1, vf->bar + WRITTEN_BACK);
}

static bool is_told(struct lab_hisi_parent *parent)
{
	int i;

	for (i = 0; i < parent->vfs; i++)
		if (readl(parent->vf[i].bar + WRITE_BACK) ||
		    readl(parent->vf[i].bar + MESSAGES) == 1)
			return true;
	return get(parent->registers, TABLE_GO);
}

static void look(void)
{
	int i, j;

	for (i = 0; i < PARENTS && !is_told(&parents[i]); i++)
		;
	if (i == PARENTS)
		return;
	guard(raw_spinlock_irqsave)(&lock);
	for (i = 0; i < PARENTS; i++) {
		answer_table(&parents[i]);
		for (j = 0; j < parents[i].vfs; j++)
			answer_vf(&parents[i].vf[j]);
	}
}

static int somebody_waits(struct kprobe *probe, struct pt_regs *regs)
{
	look();
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "ktime_get",
	.pre_handler = somebody_waits,
};

static void set_contexts(struct lab_hisi_vf *vf, u32 at,
			 const struct lab_hisi_contexts *contexts)
{
	int i;

	for (i = 0; i < WORDS; i++) {
		writel(contexts->events[i], vf->bar + at + 4 * i);
		writel(contexts->async[i], vf->bar + at + ASYNC + 4 * i);
	}
	vf->send = contexts->send;
	vf->completion = contexts->completion;
}

static void get_contexts(struct lab_hisi_vf *vf, u32 at,
			 struct lab_hisi_contexts *contexts)
{
	int i;

	for (i = 0; i < WORDS; i++) {
		contexts->events[i] = readl(vf->bar + at + 4 * i);
		contexts->async[i] = readl(vf->bar + at + ASYNC + 4 * i);
	}
	contexts->send = vf->send;
	contexts->completion = vf->completion;
}

static u32 events_of(struct lab_hisi_parent *parent)
{
	return parent->qm.ver == QM_HW_V5 ? EVENTS_WINDOW : EVENTS;
}

/* It starts without anybody who knows it. */
static void reset_vf(unsigned int device, int number)
{
	static const struct lab_hisi_contexts none;
	struct lab_hisi_vf *vf = &parents[device].vf[number];

	if (!vf->bar)
		return;
	guard(raw_spinlock_irqsave)(&lock);
	memset_io(vf->bar, 0, NUMBER);
	set_contexts(vf, events_of(&parents[device]), &none);
	writel(1, vf->bar + STATE);
	vf->paused = false;
	vf->written_back = false;
	parents[device].resets++;
}

/* The mailbox */

static struct lab_hisi_vf *vf_of(struct hisi_qm *qm)
{
	struct pci_dev *pdev = qm->pdev;
	struct lab_hisi_parent *parent;
	struct lab_hisi_vf *vf;

	if (!pdev || !pdev->is_virtfn || !lab_is_simulated(pdev)) {
		lab_expect(false, "mailbox of another device");
		return NULL;
	}
	parent = &parents[PCI_SLOT(pci_physfn(pdev)->devfn)];
	vf = &parent->vf[pci_iov_vf_id(pdev)];
	lab_expect(qm->fun_type == QM_HW_VF, "kind of function");
	lab_expect(qm->ver == parent->qm.ver, "version of the hardware");
	lab_expect(!vf->seen || qm->io_base == vf->seen, "place of the registers");
	return vf;
}

int hisi_qm_wait_mb_ready(struct hisi_qm *qm)
{
	if (!vf_of(qm))
		return -EINVAL;
	return lab_injected("mailbox_ready");
}
EXPORT_SYMBOL_GPL(hisi_qm_wait_mb_ready);

static const char *name_of(u8 cmd)
{
	switch (cmd) {
	case PAUSE:
		return "pause";
	case QM_MB_CMD_SQC_BT:
		return "set_send";
	case QM_MB_CMD_CQC_BT:
		return "set_completion";
	default:
		return "unknown";
	}
}

/* A function that isn't paused keeps its queues where they are. */
static int tell(struct lab_hisi_vf *vf, u8 cmd, u64 address)
{
	guard(raw_spinlock_irqsave)(&lock);
	if (cmd == PAUSE) {
		vf->paused = true;
		vf->written_back = false;
		writel(0, vf->bar + WRITTEN_BACK);
		return 0;
	}
	if (!vf->paused)
		return -EPERM;
	if (cmd == QM_MB_CMD_SQC_BT)
		vf->send = address;
	else
		vf->completion = address;
	return 0;
}

int hisi_qm_mb(struct hisi_qm *qm, u8 cmd, dma_addr_t dma_addr, u16 queue,
	       bool op)
{
	struct lab_hisi_vf *vf = vf_of(qm);
	int ret = lab_injected(name_of(cmd));

	if (!vf)
		return -EINVAL;
	lab_expect(!op && !queue, "argument of a mailbox command");
	lab_expect(cmd == PAUSE || cmd == QM_MB_CMD_SQC_BT ||
		   cmd == QM_MB_CMD_CQC_BT, "unknown mailbox command");
	guard(mutex)(&qm->mailbox_lock);
	look();
	return ret ?: tell(vf, cmd, dma_addr);
}
EXPORT_SYMBOL_GPL(hisi_qm_mb);

/* What is asked for belongs to memory that the caches are a part of. */
static int ask(struct lab_hisi_vf *vf, int number, u8 cmd, u64 *base)
{
	guard(raw_spinlock_irqsave)(&lock);
	if (cmd == QM_MB_CMD_SQC_VFT_V2) {
		*base = queues_of(number + 1);
		return 0;
	}
	if (!vf->paused || !vf->written_back)
		return -EPERM;
	*base = cmd == QM_MB_CMD_SQC_BT ? vf->send : vf->completion;
	return 0;
}

int hisi_qm_mb_read(struct hisi_qm *qm, u64 *base, u8 cmd, u16 queue)
{
	struct lab_hisi_vf *vf = vf_of(qm);
	/* The table of queues may be had of registers too, so it isn't told. */
	int ret = cmd == QM_MB_CMD_SQC_VFT_V2 ? 0 :
		  cmd == QM_MB_CMD_SQC_BT ? lab_injected("get_send") :
		  lab_injected("get_completion");

	if (!vf)
		return -EINVAL;
	lab_expect(cmd == QM_MB_CMD_SQC_VFT_V2 || cmd == QM_MB_CMD_SQC_BT ||
		   cmd == QM_MB_CMD_CQC_BT, "unknown question to the mailbox");
	guard(mutex)(&qm->mailbox_lock);
	look();
	return ret ?: ask(vf, pci_iov_vf_id(qm->pdev), cmd, base);
}
EXPORT_SYMBOL_GPL(hisi_qm_mb_read);

/* The drivers of the physical functions */

static int lab_hisi_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct lab_hisi_parent *parent = &parents[PCI_SLOT(pdev->devfn)];

	if (!lab_is_simulated(pdev))
		return -ENODEV;
	parent->qm.pdev = pdev;
	pci_set_drvdata(pdev, &parent->qm);
	return 0;
}

#define DRIVER(kind, pf)						\
static const struct pci_device_id kind##_ids[] = {			\
	{ PCI_DEVICE(PCI_VENDOR_ID_HUAWEI, pf) },			\
	{}								\
};									\
static struct pci_driver kind##_driver = {				\
	.name = "lab-hisi-" #kind,					\
	.id_table = kind##_ids,						\
	.probe = lab_hisi_probe,					\
};									\
struct pci_driver *hisi_##kind##_get_pf_driver(void)			\
{									\
	return lab_injected("get_pf_driver") ? NULL : &kind##_driver;	\
}									\
EXPORT_SYMBOL_GPL(hisi_##kind##_get_pf_driver)

DRIVER(sec, SEC);
DRIVER(hpre, HPRE);
DRIVER(zip, ZIP);

static struct pci_driver *const drivers[PARENTS] = {
	&sec_driver, &hpre_driver, &zip_driver,
};

/* debugfs */

static struct lab_hisi_vf *find_vf(loff_t pos, struct lab_hisi_parent **parent)
{
	int i, number = pos / sizeof(struct lab_hisi_contexts);

	for (i = 0; i < PARENTS; number -= parents[i++].vfs)
		if (number < parents[i].vfs) {
			*parent = &parents[i];
			return &parents[i].vf[number];
		}
	return NULL;
}

static ssize_t read_contexts(struct file *file, char __user *buf, size_t size,
			     loff_t *pos)
{
	struct lab_hisi_contexts contexts;
	struct lab_hisi_parent *parent;
	struct lab_hisi_vf *vf = find_vf(*pos, &parent);
	loff_t start = 0;

	if (!vf)
		return 0;
	scoped_guard(raw_spinlock_irqsave, &lock)
		get_contexts(vf, events_of(parent), &contexts);
	return simple_read_from_buffer(buf, size, &start, &contexts,
				       sizeof(contexts));
}

static ssize_t write_contexts(struct file *file, const char __user *buf,
			      size_t size, loff_t *pos)
{
	struct lab_hisi_contexts contexts;
	struct lab_hisi_parent *parent;
	struct lab_hisi_vf *vf = find_vf(*pos, &parent);

	if (!vf || size != sizeof(contexts))
		return -EINVAL;
	if (copy_from_user(&contexts, buf, size))
		return -EFAULT;
	guard(raw_spinlock_irqsave)(&lock);
	set_contexts(vf, events_of(parent), &contexts);
	return size;
}

static const struct file_operations contexts_fops = {
	.owner = THIS_MODULE,
	.read = read_contexts,
	.write = write_contexts,
};

/* While the parent resets itself, no function of it may be. */
static void end_reset(struct work_struct *work)
{
	lab_expect(parents[0].resets == resets_before,
		   "a function was reset while its parent was");
	clear_bit(QM_RESETTING, &parents[0].qm.misc_ctl);
}

static DECLARE_DELAYED_WORK(ending, end_reset);

static ssize_t begin_reset(struct file *file, const char __user *text,
			   size_t size, loff_t *pos)
{
	if (test_and_set_bit(QM_RESETTING, &parents[0].qm.misc_ctl))
		return -EBUSY;
	resets_before = parents[0].resets;
	schedule_delayed_work(&ending, HZ / 10);
	return size;
}

static const struct file_operations reset_fops = {
	.owner = THIS_MODULE,
	.write = begin_reset,
};

static void make_files(void)
{
	void *sec = parents[0].registers;

	dir = debugfs_create_dir("lab_hisi", NULL);
	debugfs_create_file("contexts", 0600, dir, NULL, &contexts_fops);
	debugfs_create_file("reset", 0200, dir, NULL, &reset_fops);
	debugfs_create_u32("abnormal", 0600, dir, sec + ABNORMAL);
	debugfs_create_u32("core", 0600, dir, sec + 0x301008);
	debugfs_create_u32("iso", 0600, dir, sec + ISO);
	debugfs_create_u32("hpre_ver", 0600, dir, (u32 *)&parents[1].qm.ver);
	debugfs_create_bool("table_stuck", 0600, dir, &table_stuck);
	debugfs_create_bool("caches_stuck", 0600, dir, &caches_stuck);
	debugfs_create_ulong("resetting", 0400, dir, &parents[0].qm.misc_ctl);
}

/* Coming and going */

static unsigned long address_of(struct pci_dev *pf, int vf)
{
	return pf->resource[PCI_IOV_RESOURCES + 2].start + vf * VF_SIZE;
}

/* The pages of a physical function's registers; some are those of a BAR. */
static int fill_pages(struct lab_hisi_parent *parent, struct pci_dev *pf)
{
	unsigned long i, at, nr = PARENT_SIZE / PAGE_SIZE;
	int vf;

	parent->pages = kvcalloc(nr, sizeof(*parent->pages), GFP_KERNEL);
	if (!parent->pages)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		at = i * PAGE_SIZE - WINDOWS;
		vf = (int)(at / WINDOW_SIZE) - 1;
		if (i * PAGE_SIZE >= WINDOWS && vf >= 0 && vf < parent->vfs)
			parent->pages[i] = pfn_to_page((address_of(pf, vf) +
					at % WINDOW_SIZE) >> PAGE_SHIFT);
		else
			parent->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!parent->pages[i])
			return -ENOMEM;
	}
	parent->registers = vmap(parent->pages, nr, VM_MAP, PAGE_KERNEL);
	return parent->registers ? 0 : -ENOMEM;
}

static int set_up(int number, struct lab_hisi_parent *parent)
{
	struct pci_dev *pf = lab_get_function(bridge, number);
	struct lab_hisi_vf *vf;
	int i, ret;

	parent->vfs = functions[number].vfs;
	ret = fill_pages(parent, pf);
	for (i = 0; i < parent->vfs && !ret; i++) {
		vf = &parent->vf[i];
		vf->bar = lab_map_vf_bar(pf, i, 2);
		if (!vf->bar)
			ret = -ENOMEM;
	}
	pci_dev_put(pf);
	if (ret)
		return ret;

	parent->qm.ver = versions[number];
	parent->qm.io_base = (void __iomem __force *)parent->registers;
	set(parent->registers, ISO, 5);
	set(parent->registers, TABLE_READY, 1);
	set(parent->registers, WINDOWS_ON, parent->qm.ver == QM_HW_V5);
	for (i = 0; i < parent->vfs; i++) {
		vf = &parent->vf[i];
		writel((number ? number + 1 : 0) + i, vf->bar + NUMBER);
		if (parent->qm.ver == QM_HW_V5)
			vf->seen = parent->qm.io_base + WINDOWS +
				   (i + 1) * WINDOW_SIZE;
		reset_vf(number, i);
	}
	return 0;
}

static bool is_of_bar(struct lab_hisi_parent *parent, unsigned long page)
{
	unsigned long at = page * PAGE_SIZE;

	return at >= WINDOWS + WINDOW_SIZE &&
	       at < WINDOWS + (parent->vfs + 1) * WINDOW_SIZE;
}

static void tear_down(struct lab_hisi_parent *parent)
{
	unsigned long i;

	for (i = 0; i < VFS; i++)
		if (parent->vf[i].bar)
			iounmap(parent->vf[i].bar);
	vunmap(parent->registers);
	for (i = 0; parent->pages && i < PARENT_SIZE / PAGE_SIZE; i++)
		if (parent->pages[i] && !is_of_bar(parent, i))
			__free_page(parent->pages[i]);
	kvfree(parent->pages);
}

static int register_drivers(void)
{
	int i, ret;

	for (i = 0; i < PARENTS; i++) {
		ret = pci_register_driver(drivers[i]);
		if (ret)
			break;
	}
	while (ret && i--)
		pci_unregister_driver(drivers[i]);
	return ret;
}

static void undo(void)
{
	int i;

	for (i = 0; i < PARENTS; i++)
		tear_down(&parents[i]);
	lab_bridge_destroy(bridge);
}

static int __init lab_hisi_init(void)
{
	int i, ret = 0;

	bridge = lab_bridge_create(4, functions, ARRAY_SIZE(functions));
	if (IS_ERR(bridge))
		return PTR_ERR(bridge);
	for (i = 0; i < PARENTS && !ret; i++)
		ret = set_up(i, &parents[i]);
	if (!ret)
		ret = register_drivers();
	if (ret) {
		undo();
		return ret;
	}
	ret = register_kprobe(&probe);
	if (ret) {
		for (i = 0; i < PARENTS; i++)
			pci_unregister_driver(drivers[i]);
		undo();
		return ret;
	}
	make_files();
	return 0;
}

static void __exit lab_hisi_exit(void)
{
	int i;

	debugfs_remove(dir);
	flush_delayed_work(&ending);
	unregister_kprobe(&probe);
	for (i = 0; i < PARENTS; i++)
		pci_unregister_driver(drivers[i]);
	undo();
}

module_init(lab_hisi_init);
module_exit(lab_hisi_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated HiSilicon accelerators for tests");
