# SPDX-License-Identifier: GPL-2.0-only
"""A spec as frozen values that keep their positions. Nothing here knows a kernel or prints C."""
