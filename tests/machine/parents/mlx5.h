/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parent's firmware: it says what its state needs, and that it has saved a little less. What isn't tracked has
 * a second part, if the driver knows of parts.
 */
struct mlx5_core_dev { u32 pages; };
#define MLX5_ST_SZ_DW(structure) 64
#define MLX5_ST_SZ_BYTES(structure) 256
#define MLX5_ADDR_OF(structure, buffer, field) ((void *)((u8 *)(buffer) + 64))
static bool machine_parts, machine_goes_on;

static inline void machine_set(const char *structure, const char *field, u64 value)
{
	if (!strcmp(field, "opcode"))
		machine_parts = machine_goes_on = false;
	if (!strcmp(field, "incremental"))
		machine_goes_on = value && machine_rest();
	if (!strcmp(field, "set_track"))
		machine_parts = !value;
	if (!strcmp(structure, "load_vhca_state_in") && !strcmp(field, "size"))
		machine_take(value);
}

static inline u32 machine_get(const char *field, u32 value)
{
	if (!strcmp(field, "actual_image_size"))
		machine_give(value, machine_parts && !machine_goes_on ? value : 0);
	return strcmp(field, "next_required_umem_size") ? value : machine_rest() ? 6000 : 0;
}

#define MLX5_SET(structure, buffer, field, value) ((void)(buffer), machine_set(#structure, #field, value))
#define MLX5_SET64 MLX5_SET
#define MLX5_GET64 MLX5_GET
#define MLX5_GET(structure, buffer, field) \
	((void)(buffer), machine_get(#field, MACHINE_##structure))
#define MLX5_CAP_GEN(core, field) 1
#define MLX5_CAP_GEN_2(core, field) 1
enum { MLX5_CAP_GENERAL, MLX5_CAP_GENERAL_2, MLX5_MKC_ACCESS_MODE_MTT };
enum { MACHINE_query_hca_cap_out = 1, MACHINE_query_vhca_migration_state_out = 9000, MACHINE_save_vhca_state_out = 5000 };
/* Whatever has changed makes it begin anew. */
enum { MLX5_QUERY_VHCA_MIG_STATE_OPER_MIGRATION_INIT = (u8)MACHINE_query_vhca_migration_state_out };
enum { MLX5_PF_NOTIFY_DISABLE_VF, MLX5_PF_NOTIFY_ENABLE_VF };
enum { MLX5_CMD_OP_SUSPEND_VHCA, MLX5_CMD_OP_RESUME_VHCA, MLX5_CMD_OP_QUERY_VHCA_MIGRATION_STATE };
enum { MLX5_CMD_OP_SAVE_VHCA_STATE, MLX5_CMD_OP_LOAD_VHCA_STATE };
enum { MLX5_SUSPEND_VHCA_IN_OP_MOD_SUSPEND_INITIATOR, MLX5_SUSPEND_VHCA_IN_OP_MOD_SUSPEND_RESPONDER };
enum { MLX5_RESUME_VHCA_IN_OP_MOD_RESUME_INITIATOR, MLX5_RESUME_VHCA_IN_OP_MOD_RESUME_RESPONDER };
#define mlx5_vport_get_other_func_cap(core, function, caps, kind) machine_errno("mlx5_vport_get_other_func_cap")
#define mlx5_core_create_mkey(core, key, request, length) (*(key) = 1, machine_errno("mlx5_core_create_mkey"))
