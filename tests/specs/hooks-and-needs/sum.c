// SPDX-License-Identifier: GPL-2.0-only

#include "hooks.h"

int hooks_sum(struct hooks_device *hooks, u32 seed, u8 rounds, u32 *checksum_of)
{
	u32 sum = seed;
	u16 value;
	int ret;
	u8 i;

	for (i = 0; i < rounds; i++) {
		ret = hooks_element(hooks, i, &value);
		if (ret)
			return ret;

		sum = sum * 31 + value;
		hooks_trace(hooks, sum);
	}
	*checksum_of = sum;
	return 0;
}

void hooks_trace(struct hooks_device *hooks, u32 what)
{
	pci_dbg(hooks->core_device.pdev, "%u\n", what);
}
