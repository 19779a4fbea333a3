# SPDX-License-Identifier: GPL-2.0-only
"""C: names, the expression language, escaping and layout. A leaf."""
