// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for the graphics driver, which is too large to be built for a
 * test: it exports what the header declares, so that modpost can judge who
 * uses it. Nothing of it is ever run.
 */

#include <linux/errno.h>
#include <linux/module.h>

#include <drm/intel/xe_sriov_vfio.h>

#define OWNER "xe-vfio-pci"

struct xe_device *xe_sriov_vfio_get_pf(struct pci_dev *pdev)
{
	return NULL;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_get_pf, OWNER);

bool xe_sriov_vfio_migration_supported(struct xe_device *xe)
{
	return false;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_migration_supported, OWNER);

#define CONTROL(name, type)						\
	type xe_sriov_vfio_##name(struct xe_device *xe, unsigned int vfid)	\
	{								\
		return -EOPNOTSUPP;					\
	}								\
	EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_##name, OWNER)

CONTROL(flr_prepare, int);
CONTROL(wait_flr_done, int);
CONTROL(suspend_device, int);
CONTROL(resume_device, int);
CONTROL(stop_copy_enter, int);
CONTROL(stop_copy_exit, int);
CONTROL(resume_data_enter, int);
CONTROL(resume_data_exit, int);
CONTROL(error, int);
CONTROL(stop_copy_size, ssize_t);

ssize_t xe_sriov_vfio_data_read(struct xe_device *xe, unsigned int vfid,
				char __user *buf, size_t len)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_data_read, OWNER);

ssize_t xe_sriov_vfio_data_write(struct xe_device *xe, unsigned int vfid,
				 const char __user *buf, size_t len)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_FOR_MODULES(xe_sriov_vfio_data_write, OWNER);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Stand-in for the Intel graphics driver");
