// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for pds_core: its firmware knows drivers of virtual functions as
 * clients, and moves the start of their BAR 0 by DMA of the physical function.
 * In debugfs at lab_pds/ is how many clients there are; a write to recover
 * tells the drivers that the firmware has been reset.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/crc32.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <linux/pds/pds_common.h>
#include <linux/pds/pds_core_if.h>
#include <linux/pds/pds_adminq.h>

#include "sim.h"

#define PENSANDO	0x1dd8
#define CLIENTS		16
#define NAME_SIZE	32
#define VFS		2
#define MAGIC		0x53445042
#define BODY		256

static const struct lab_function functions[] = {
	{
		.vendor = PENSANDO,
		.device = 0x100c,
		.vf_device = 0x1003,
		.class = PCI_CLASS_NETWORK_ETHERNET,
		.vfs = VFS,
		.vf_vectors = 2,
		.bars = { SZ_4K },
		.vf_bars = { [0] = SZ_16K, [LAB_MSIX_BAR] = SZ_4K },
	},
};

/* Larger than a page, so that it takes more than one piece of memory. */
struct lab_pds_state {
	__le32 magic;
	__le32 crc;
	u8 body[BODY];
	u8 padding[6000];
} __packed;

struct lab_pds_vf {
	bool peers_stopped;
	bool stopped;
	bool busy;		/* the next SUSPEND_STATUS says so */
};

struct pdsc {
	struct mutex lock;	/* protects the names and the functions */
	char names[CLIENTS][NAME_SIZE];
	atomic_t clients;
	struct lab_pds_vf vfs[VFS];
	struct pci_dev *pdev;
	struct blocking_notifier_head listeners;
};

static struct pdsc core = {
	.lock = __MUTEX_INITIALIZER(core.lock),
	.listeners = BLOCKING_NOTIFIER_INIT(core.listeners),
};
static struct lab_bridge *bridge;
static struct dentry *dir;

void *pdsc_get_pf_struct(struct pci_dev *vf)
{
	int ret = lab_injected("get_pf");

	if (ret)
		return ERR_PTR(ret);
	if (!vf->is_virtfn || !lab_is_simulated(vf))
		return ERR_PTR(-EINVAL);
	core.pdev = pci_physfn(vf);
	return &core;
}
EXPORT_SYMBOL_GPL(pdsc_get_pf_struct);

int pdsc_register_notify(struct notifier_block *nb)
{
	int ret = lab_injected("register_notify");

	return ret ?: blocking_notifier_chain_register(&core.listeners, nb);
}
EXPORT_SYMBOL_GPL(pdsc_register_notify);

void pdsc_unregister_notify(struct notifier_block *nb)
{
	lab_told("unregister_notify");
	blocking_notifier_chain_unregister(&core.listeners, nb);
}
EXPORT_SYMBOL_GPL(pdsc_unregister_notify);

static int find_name(struct pdsc *pf, const char *name)
{
	int id;

	for (id = 1; id < CLIENTS; id++)
		if (!strcmp(pf->names[id], name))
			return id;
	return 0;
}

int pds_client_register(struct pdsc *pf, char *name)
{
	int ret = lab_injected("client_register");
	int id;

	if (ret)
		return ret;
	guard(mutex)(&pf->lock);
	lab_expect(strstarts(name, PDS_VFIO_LM_DEV_NAME "."), "client's name");
	lab_expect(strlen(name) < NAME_SIZE, "length of the client's name");
	lab_expect(!find_name(pf, name), "client registered twice");
	id = find_name(pf, "");
	if (!id)
		return -ENOSPC;
	strscpy(pf->names[id], name);
	atomic_inc(&pf->clients);
	lab_hold(1);
	return id;
}
EXPORT_SYMBOL_GPL(pds_client_register);

int pds_client_unregister(struct pdsc *pf, u16 id)
{
	lab_told("client_unregister");
	guard(mutex)(&pf->lock);
	lab_expect(id && id < CLIENTS && pf->names[id][0], "unknown client");
	if (id >= CLIENTS || !pf->names[id][0])
		return -EINVAL;
	pf->names[id][0] = 0;
	atomic_dec(&pf->clients);
	lab_hold(-1);
	return 0;
}
EXPORT_SYMBOL_GPL(pds_client_unregister);

/* Moves a state to or from where a list of addresses says. */
static int move(struct pdsc *pf, u64 list, u32 entries, void *state, bool write)
{
	size_t left = sizeof(struct lab_pds_state);
	struct pds_lm_sg_elem entry;
	int ret = 0;
	size_t part;

	for (; entries && left && !ret; entries--, list += sizeof(entry)) {
		ret = lab_dma_read(pf->pdev, list, &entry, sizeof(entry));
		if (ret)
			break;
		part = min_t(size_t, le32_to_cpu(entry.len), left);
		if (write)
			ret = lab_dma_write(pf->pdev, le64_to_cpu(entry.addr),
					    state, part);
		else
			ret = lab_dma_read(pf->pdev, le64_to_cpu(entry.addr),
					   state, part);
		state += part;
		left -= part;
	}
	return left ? -EINVAL : ret;
}

/* Whatever of the state doesn't arrive, is zero then. */
static u32 checksum(const struct lab_pds_state *state)
{
	return crc32_le(~0, state->body, sizeof(*state) -
			offsetof(struct lab_pds_state, body));
}

static int transfer(struct pdsc *pf, int vf, u64 list, u32 entries, bool save)
{
	struct lab_pds_state *state;
	void __iomem *bar;
	int ret = -ENOMEM;

	bar = lab_map_vf_bar(pf->pdev, vf, 0);
	state = kzalloc(sizeof(*state), GFP_KERNEL);
	if (!bar || !state)
		goto out;

	if (save) {
		state->magic = cpu_to_le32(MAGIC);
		memcpy_fromio(state->body, bar, BODY);
		memset(state->padding, 0x5a, sizeof(state->padding));
		state->crc = cpu_to_le32(checksum(state));
		ret = move(pf, list, entries, state, true);
		goto out;
	}

	ret = move(pf, list, entries, state, false);
	if (ret)
		goto out;
	if (state->magic != cpu_to_le32(MAGIC) ||
	    state->crc != cpu_to_le32(checksum(state)))
		ret = -EINVAL;
	else
		memcpy_toio(bar, state->body, BODY);
out:
	if (bar)
		iounmap(bar);
	kfree(state);
	return ret;
}

static int suspend(struct lab_pds_vf *vf, u8 type)
{
	int ret = lab_injected("suspend");

	lab_expect(type == PDS_LM_SUSPEND_RESUME_TYPE_P2P || vf->peers_stopped,
		   "suspended while its peers are reached");
	lab_told("type %u", type);
	if (ret)
		return ret;
	vf->busy = true;
	if (type == PDS_LM_SUSPEND_RESUME_TYPE_P2P)
		vf->peers_stopped = true;
	else
		vf->stopped = true;
	return 0;
}

static int suspend_status(struct lab_pds_vf *vf)
{
	int ret = lab_injected("suspend_status");

	if (ret)
		return ret;
	if (!vf->busy)
		return 0;
	vf->busy = false;
	return -EAGAIN;
}

static int resume(struct lab_pds_vf *vf, u8 type)
{
	int ret = lab_injected("resume");

	lab_told("type %u", type);
	if (ret)
		return ret;
	vf->stopped = false;
	if (type == PDS_LM_SUSPEND_RESUME_TYPE_FULL)
		vf->peers_stopped = false;
	return 0;
}

/* @cmd is shorter than the union: the envelope holds only that much. */
static int migrate(struct pdsc *pf, const union pds_core_adminq_cmd *cmd,
		   union pds_core_adminq_comp *comp)
{
	int number = le16_to_cpu(cmd->lm_suspend.vf_id);
	struct lab_pds_vf *vf = &pf->vfs[number];
	int ret;

	lab_expect(number < VFS, "number of the function");
	if (number >= VFS)
		return -EINVAL;

	switch (cmd->opcode) {
	case PDS_LM_CMD_HOST_VF_STATUS:
		lab_expect(cmd->lm_host_vf_status.status < PDS_LM_STA_MAX,
			   "status of the host");
		ret = lab_injected("host_status");
		lab_told("status %u", cmd->lm_host_vf_status.status);
		return ret;
	case PDS_LM_CMD_STATE_SIZE:
		comp->lm_state_size.size =
			cpu_to_le64(sizeof(struct lab_pds_state));
		return lab_injected("state_size");
	case PDS_LM_CMD_SUSPEND:
		return suspend(vf, cmd->lm_suspend.type);
	case PDS_LM_CMD_SUSPEND_STATUS:
		return suspend_status(vf);
	case PDS_LM_CMD_RESUME:
		return resume(vf, cmd->lm_resume.type);
	case PDS_LM_CMD_SAVE:
		lab_expect(vf->stopped, "saved while it runs");
		ret = lab_injected("save");
		return ret ?: transfer(pf, number,
				       le64_to_cpu(cmd->lm_save.sgl_addr),
				       le32_to_cpu(cmd->lm_save.num_sge), true);
	case PDS_LM_CMD_RESTORE:
		lab_expect(vf->stopped, "restored while it runs");
		ret = lab_injected("restore");
		return ret ?: transfer(pf, number,
				       le64_to_cpu(cmd->lm_restore.sgl_addr),
				       le32_to_cpu(cmd->lm_restore.num_sge),
				       false);
	default:
		lab_expect(false, "unknown command");
		return -EINVAL;
	}
}

int pdsc_adminq_post(struct pdsc *pf, union pds_core_adminq_cmd *cmd,
		     union pds_core_adminq_comp *comp, bool fast_poll)
{
	union pds_core_adminq_cmd inner = {};
	u16 id = le16_to_cpu(cmd->client_request.client_id);

	lab_expect(cmd->opcode == PDS_AQ_CMD_CLIENT_CMD, "envelope");
	guard(mutex)(&pf->lock);
	lab_expect(id && id < CLIENTS && pf->names[id][0], "command's client");
	memcpy(&inner, cmd->client_request.client_cmd,
	       sizeof(cmd->client_request.client_cmd));
	return migrate(pf, &inner, comp);
}
EXPORT_SYMBOL_GPL(pdsc_adminq_post);

static ssize_t recover(struct file *file, const char __user *text, size_t size,
		       loff_t *pos)
{
	union pds_core_notifyq_comp event = { .reset = { .state = 1 } };

	blocking_notifier_call_chain(&core.listeners, PDS_EVENT_RESET, &event);
	return size;
}

static const struct file_operations recover_fops = {
	.owner = THIS_MODULE,
	.write = recover,
};

static int __init lab_pds_init(void)
{
	bridge = lab_bridge_create(1, functions, ARRAY_SIZE(functions));
	if (IS_ERR(bridge))
		return PTR_ERR(bridge);
	dir = debugfs_create_dir("lab_pds", NULL);
	debugfs_create_atomic_t("clients", 0400, dir, &core.clients);
	debugfs_create_file("recover", 0200, dir, NULL, &recover_fops);
	return 0;
}

static void __exit lab_pds_exit(void)
{
	debugfs_remove(dir);
	lab_bridge_destroy(bridge);
}

module_init(lab_pds_init);
module_exit(lab_pds_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated PDS for tests");
