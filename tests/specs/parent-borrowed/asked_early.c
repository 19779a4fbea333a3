// SPDX-License-Identifier: GPL-2.0-only

#include "test_borrowed.h"

bool test_borrowed_can_migrate(struct mlx5_core_dev *mdev, u32 vport)
{
	return vport && MLX5_CAP_GEN(mdev, migration);
}
