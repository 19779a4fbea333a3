// SPDX-License-Identifier: GPL-2.0-only

#include "gated.h"

int gated_light(struct gated_device *gated, bool bright)
{
	return bright ? gated_enable(gated) : 0;
}
