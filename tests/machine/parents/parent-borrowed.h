/* SPDX-License-Identifier: GPL-2.0-only */
/* The parent's firmware: it finds every port as it should be. */
struct mlx5_core_dev { u32 pages; };
#define MLX5_ST_SZ_DW(structure) 64
#define MLX5_SET(structure, buffer, field, value) ((void)(buffer), (void)(value))
#define MLX5_GET(structure, buffer, field) ((void)(buffer), 0)
#define MLX5_GET64 MLX5_GET
#define MLX5_CAP_GEN(core, field) 1
enum { MLX5_PF_NOTIFY_DISABLE_VF, MLX5_PF_NOTIFY_ENABLE_VF };
enum { MLX5_CMD_OP_SUSPEND_VHCA, MLX5_CMD_OP_QUERY_ADAPTER, MLX5_CMD_OP_ALLOC_MEMIC };
enum { MLX5_CMD_OP_QUERY_VPORT_STATE, MLX5_SUSPEND_VHCA_IN_OP_MOD_SUSPEND_INITIATOR };
