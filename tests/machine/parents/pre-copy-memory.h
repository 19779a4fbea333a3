/* SPDX-License-Identifier: GPL-2.0-only */
/* What is saved is shorter than any stream that is taken. */
#define LOAD_LENGTH 0x10000
