// SPDX-License-Identifier: GPL-2.0-only
static int *plain_new(void)
{
	int *p;

	p = kzalloc(sizeof(*p), GFP_KERNEL);
	return p;
}
