/* SPDX-License-Identifier: GPL-2.0-only */
/* The firmware says that its state has a size. */
#define pdsc_adminq_post(pf, request, completion, fast) ({ \
	(completion)->lm_state_size.size = cpu_to_le64(5000); \
	int ret_ = machine_errno("pdsc_adminq_post"); \
	if (!ret_ && (request)->client_request.client_cmd[0] == PDS_LM_CMD_SAVE) \
		machine_give(5000, 0); \
	ret_; \
})
