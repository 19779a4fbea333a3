/* SPDX-License-Identifier: GPL-2.0-only */
/* The firmware says that its state has a size. */
#define pdsc_adminq_post(pf, request, completion, fast) ({ \
	(completion)->lm_state_size.size = cpu_to_le64(5000); \
	machine_errno("pdsc_adminq_post"); \
})
