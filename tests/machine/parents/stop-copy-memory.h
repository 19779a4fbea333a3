/* SPDX-License-Identifier: GPL-2.0-only */
#define LOAD_LENGTH 0x1000
