// SPDX-License-Identifier: GPL-2.0-only
int plain_loose(int count);
int plain_loose(int count)
{
	int unused;

	unused = count;
	return 0;
}
