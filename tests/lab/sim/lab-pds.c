// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for pds_core: its firmware knows drivers of virtual functions as
 * clients. How many there are is in debugfs at lab_pds/clients.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/string.h>

#include <linux/pds/pds_common.h>

#include "sim.h"

#define PENSANDO	0x1dd8
#define CLIENTS		16
#define NAME_SIZE	32

static const struct lab_function functions[] = {
	{
		.vendor = PENSANDO,
		.device = 0x100c,
		.vf_device = 0x1003,
		.class = PCI_CLASS_NETWORK_ETHERNET,
		.vfs = 2,
		.vf_vectors = 2,
		.bars = { SZ_4K },
		.vf_bars = { [0] = SZ_16K, [LAB_MSIX_BAR] = SZ_4K },
	},
};

struct pdsc {
	struct mutex lock;	/* protects the names */
	char names[CLIENTS][NAME_SIZE];
	atomic_t clients;
};

static struct pdsc core = { .lock = __MUTEX_INITIALIZER(core.lock) };
static struct lab_bridge *bridge;
static struct dentry *dir;

void *pdsc_get_pf_struct(struct pci_dev *vf)
{
	int ret = lab_injected("get_pf");

	if (ret)
		return ERR_PTR(ret);
	if (!vf->is_virtfn || !lab_is_simulated(vf))
		return ERR_PTR(-EINVAL);
	return &core;
}
EXPORT_SYMBOL_GPL(pdsc_get_pf_struct);

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
	return id;
}
EXPORT_SYMBOL_GPL(pds_client_register);

int pds_client_unregister(struct pdsc *pf, u16 id)
{
	guard(mutex)(&pf->lock);
	lab_expect(id && id < CLIENTS && pf->names[id][0], "unknown client");
	if (id >= CLIENTS || !pf->names[id][0])
		return -EINVAL;
	pf->names[id][0] = 0;
	atomic_dec(&pf->clients);
	return 0;
}
EXPORT_SYMBOL_GPL(pds_client_unregister);

static int __init lab_pds_init(void)
{
	bridge = lab_bridge_create(1, functions, ARRAY_SIZE(functions));
	if (IS_ERR(bridge))
		return PTR_ERR(bridge);
	dir = debugfs_create_dir("lab_pds", NULL);
	debugfs_create_atomic_t("clients", 0400, dir, &core.clients);
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
