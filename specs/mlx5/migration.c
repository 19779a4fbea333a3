// SPDX-License-Identifier: GPL-2.0-only

#include "mlx5vf.h"

bool mlx5vf_can_migrate(struct mlx5_core_dev *core, u32 function)
{
	return MLX5_CAP_GEN(core, migration);
}
