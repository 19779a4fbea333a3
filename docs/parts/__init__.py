# SPDX-License-Identifier: GPL-2.0-only
"""What the generated pages are made of."""
