# SPDX-License-Identifier: GPL-2.0-only
"""The documentation of a driver's migration for its reviewers: a model to reStructuredText and pictures.

It answers what Documentation/driver-api/vfio-pci-device-specific-driver-acceptance.rst of the kernel asks:
how the state is composed and consumed, what of it isn't otherwise available to the user, how it is validated,
and how the driver deals with its parent.
"""
