# SPDX-License-Identifier: GPL-2.0-only
"""The commands. Each module has run(arguments, console), which returns the exit status."""
