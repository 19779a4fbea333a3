// SPDX-License-Identifier: GPL-2.0-only

#include "mlx5vf.h"

bool mlx5vf_tells_states(struct mlx5vf_device *mlx5vf)
{
	return MLX5_CAP_GEN_2(mlx5vf->mdev, migration_state);
}
