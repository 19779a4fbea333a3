// SPDX-License-Identifier: GPL-2.0-only
void plain_nowhere(void);

int plain_calls(void);
int plain_calls(void)
{
	plain_nowhere();
	return 0;
}

void plain_dirty(struct iova_bitmap *bitmap);
void plain_dirty(struct iova_bitmap *bitmap)
{
	iova_bitmap_set(bitmap, 0, PAGE_SIZE);
}
