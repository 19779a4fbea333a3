// SPDX-License-Identifier: GPL-2.0-only

#include "hooks.h"

int hooks_look_at(struct hooks_device *hooks)
{
	return -EOPNOTSUPP;
}
