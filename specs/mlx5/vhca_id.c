// SPDX-License-Identifier: GPL-2.0-only

#include "mlx5vf.h"

#include <linux/slab.h>

int mlx5vf_vhca_id(struct mlx5vf_device *mlx5vf, u16 *id)
{
	int ret, function = pci_iov_vf_id(mlx5vf->core_device.pdev) + 1;
	void *caps;

	caps = kzalloc(MLX5_ST_SZ_BYTES(query_hca_cap_out), GFP_KERNEL);
	if (!caps)
		return -ENOMEM;

	ret = mlx5_vport_get_other_func_cap(mlx5vf->mdev, function, caps, MLX5_CAP_GENERAL);
	if (!ret)
		*id = MLX5_GET(query_hca_cap_out, caps, capability.cmd_hca_cap.vhca_id);
	kfree(caps);
	return ret;
}
