// SPDX-License-Identifier: GPL-2.0-only
/* Stands in for acme_core: its firmware pauses and resumes functions. */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/module.h>

#include <linux/acme.h>

#include "sim.h"

#define VFS	2

static const struct lab_function functions[] = {
	{
		.vendor = 0x1ace,
		.device = 0x0001,
		.vf_device = 0x0002,
		.class = PCI_CLASS_SP_OTHER,
		.vfs = VFS,
		.vf_vectors = 2,
		.bars = { SZ_4K },
		.vf_bars = { [0] = SZ_4K, [LAB_MSIX_BAR] = SZ_4K },
	},
};

struct acme_core {
	atomic_t users;
	bool paused[VFS];
};

static struct acme_core core;
static struct lab_bridge *bridge;

struct acme_core *acme_core_get(struct pci_dev *pf)
{
	int ret = lab_injected("core_get");

	if (ret)
		return ERR_PTR(ret);
	lab_expect(pf->is_physfn, "core_get of another function");
	atomic_inc(&core.users);
	lab_hold(1);
	return &core;
}
EXPORT_SYMBOL_GPL(acme_core_get);

void acme_core_put(struct acme_core *core)
{
	lab_expect(atomic_dec_return(&core->users) >= 0, "core_put twice");
	lab_hold(-1);
}
EXPORT_SYMBOL_GPL(acme_core_put);

int acme_pause(struct acme_core *core, int vf)
{
	int ret = lab_injected("pause");

	lab_expect(!core->paused[vf], "pause twice");
	if (!ret)
		core->paused[vf] = true;
	return ret;
}
EXPORT_SYMBOL_GPL(acme_pause);

int acme_resume(struct acme_core *core, int vf)
{
	int ret = lab_injected("resume");

	lab_expect(core->paused[vf], "resume while it runs");
	if (!ret)
		core->paused[vf] = false;
	return ret;
}
EXPORT_SYMBOL_GPL(acme_resume);

void acme_reset(struct acme_core *core, int vf)
{
	core->paused[vf] = false;
}
EXPORT_SYMBOL_GPL(acme_reset);

static int __init lab_acme_init(void)
{
	bridge = lab_bridge_create(2, functions, ARRAY_SIZE(functions));
	return PTR_ERR_OR_ZERO(bridge);
}

static void __exit lab_acme_exit(void)
{
	lab_expect(!atomic_read(&core.users), "core_put forgotten");
	lab_bridge_destroy(bridge);
}

module_init(lab_acme_init);
module_exit(lab_acme_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated ACME accelerator for tests");
