// SPDX-License-Identifier: GPL-2.0-only
int plain_late(int *p);
int plain_late(int *p)
{
	kfree(p);
	return *p;
}
