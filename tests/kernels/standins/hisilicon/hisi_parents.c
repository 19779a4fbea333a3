// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for the drivers of HiSilicon's accelerators where a kernel was
 * built without them: it exports what their header declares, so that modpost
 * can judge who uses it. Nothing of it is ever run.
 */

#include <linux/errno.h>
#include <linux/hisi_acc_qm.h>
#include <linux/module.h>

int hisi_qm_wait_mb_ready(struct hisi_qm *qm)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(hisi_qm_wait_mb_ready);

int hisi_qm_mb(struct hisi_qm *qm, u8 cmd, dma_addr_t dma_addr, u16 queue,
	       bool op)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(hisi_qm_mb);

#define PF_DRIVER(name)						\
	struct pci_driver *hisi_##name##_get_pf_driver(void)	\
	{							\
		return NULL;					\
	}							\
	EXPORT_SYMBOL_GPL(hisi_##name##_get_pf_driver)

PF_DRIVER(hpre);
PF_DRIVER(sec);
PF_DRIVER(zip);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Stand-in for the drivers of HiSilicon's accelerators");
