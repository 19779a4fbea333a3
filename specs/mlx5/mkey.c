// SPDX-License-Identifier: GPL-2.0-only

#include "mlx5vf.h"

#include <linux/math.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>

/* Lets the firmware read and write the area by a key: a list of its pages, in pairs. */
int mlx5vf_mkey_create(struct mlx5vf_device *mlx5vf, const struct mlx5vf_area *area, u32 *number)
{
	unsigned int pairs = DIV_ROUND_UP(DIV_ROUND_UP(area->size, PAGE_SIZE), 2);
	size_t length = MLX5_ST_SZ_BYTES(create_mkey_in) + 2 * sizeof(__be64) * pairs;
	struct sg_dma_page_iter page;
	void *request, *key;
	__be64 *addresses;
	int ret, i = 0;

	request = kvzalloc(length, GFP_KERNEL_ACCOUNT);
	if (!request)
		return -ENOMEM;

	MLX5_SET(create_mkey_in, request, translations_octword_actual_size, pairs);
	addresses = MLX5_ADDR_OF(create_mkey_in, request, klm_pas_mtt);
	for_each_sgtable_dma_page(&area->sgt, &page, 0)
		addresses[i++] = cpu_to_be64(sg_page_iter_dma_address(&page));

	key = MLX5_ADDR_OF(create_mkey_in, request, memory_key_mkey_entry);
	MLX5_SET(mkc, key, access_mode_1_0, MLX5_MKC_ACCESS_MODE_MTT);
	MLX5_SET(mkc, key, lr, 1);
	MLX5_SET(mkc, key, lw, 1);
	MLX5_SET(mkc, key, rr, 1);
	MLX5_SET(mkc, key, rw, 1);
	MLX5_SET(mkc, key, qpn, 0xffffff);
	MLX5_SET(mkc, key, pd, area->pd);
	MLX5_SET(mkc, key, log_page_size, PAGE_SHIFT);
	MLX5_SET(mkc, key, translations_octword_size, pairs);
	MLX5_SET64(mkc, key, len, PAGE_ALIGN(area->size));

	ret = mlx5_core_create_mkey(mlx5vf->mdev, number, request, length);
	kvfree(request);
	return ret;
}
