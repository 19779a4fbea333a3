# SPDX-License-Identifier: GPL-2.0-only
"""From a checked model and a kernel to the views that the templates get."""
