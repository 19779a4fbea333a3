/* SPDX-License-Identifier: GPL-2.0-only */
/* The state lies behind the handle, so that it goes with it. */
#define MACHINE_GET(handle) ({ \
	struct qat_mig_dev *made_ = (handle); \
	if (!IS_ERR(made_)) { \
		made_->state = (u8 *)(made_ + 1); \
		made_->setup_size = 16; \
		made_->state_size = 48; \
	} \
	made_; \
})
