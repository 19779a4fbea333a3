// SPDX-License-Identifier: GPL-2.0-only

#include "mlx5vf.h"

#include <linux/slab.h>

/* The owner of the physical function decides which of its functions may move. */
bool mlx5vf_can_migrate(struct mlx5_core_dev *core, u32 function)
{
	bool can = false;
	void *caps;

	if (!MLX5_CAP_GEN(core, migration) || !MLX5_CAP_GEN_2(core, migration_multi_load) ||
	    !MLX5_CAP_GEN_2(core, migration_tracking_state))
		return false;

	caps = kzalloc(MLX5_ST_SZ_BYTES(query_hca_cap_out), GFP_KERNEL);
	if (!caps)
		return false;

	if (!mlx5_vport_get_other_func_cap(core, function, caps, MLX5_CAP_GENERAL_2))
		can = MLX5_GET(query_hca_cap_out, caps, capability.cmd_hca_cap_2.migratable);
	kfree(caps);
	return can;
}
