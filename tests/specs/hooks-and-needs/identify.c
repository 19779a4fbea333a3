// SPDX-License-Identifier: GPL-2.0-only

#include "hooks.h"

int hooks_identify(struct hooks_device *hooks)
{
	return -EOPNOTSUPP;
}
