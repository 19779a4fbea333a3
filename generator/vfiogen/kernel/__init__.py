# SPDX-License-Identifier: GPL-2.0-only
"""What API a target kernel has: by its release from a table, or by the headers of its tree."""
