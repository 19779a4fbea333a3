// SPDX-License-Identifier: GPL-2.0-only

#include <linux/string.h>

#include "ports.h"

int ports_common_read(struct ports_device *ports, u64 at, u8 *bytes, size_t length)
{
	memset(bytes, at, length);
	return 0;
}

int ports_common_write(struct ports_device *ports, u64 at, u8 *bytes, size_t length)
{
	return bytes[0] == at ? 0 : -EINVAL;
}
