// SPDX-License-Identifier: GPL-2.0-only
static __le32 plain_wire;

int plain_wrong_endian(void);
int plain_wrong_endian(void)
{
	return plain_wire;
}
