# SPDX-License-Identifier: GPL-2.0-only
"""Kernel trees for the tests: fetched, prepared and built once, kept in a cache."""
