/* SPDX-License-Identifier: GPL-2.0-only */
/* The parent's queue manager, as far as the driver knows it. */
struct hisi_qm {
	u8 *io_base;
	u32 ver, fun_type, qp_num, qp_base;
	struct pci_dev *pdev;
	struct mutex mailbox_lock;
	unsigned long misc_ctl;
};
enum { QM_HW_V3 = 0x30, QM_HW_VF = 1, QM_READY = 0, QM_NOT_READY, QM_RESETTING = 1, QM_MB_CMD_SQC_BT = 4, QM_MB_CMD_CQC_BT };
enum { QM_DOORBELL_CMD_SQ, QM_DOORBELL_CMD_CQ, QM_DOORBELL_CMD_EQ, QM_DOORBELL_CMD_AEQ };
static struct pci_driver *hisi_sec_get_pf_driver(void) { return NULL; }
static struct pci_driver *hisi_hpre_get_pf_driver(void) { return NULL; }
static struct pci_driver *hisi_zip_get_pf_driver(void) { return NULL; }
#define MACHINE_GET(handle) ({ \
	struct hisi_qm *made_ = (handle); \
	if (!IS_ERR(made_)) { \
		made_->io_base = machine_parent_registers(); \
		made_->ver = QM_HW_V3; \
	} \
	made_; \
})
