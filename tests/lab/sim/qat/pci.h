/* SPDX-License-Identifier: GPL-2.0-only */
/* A PCI host bridge in software, with physical functions from a table. */
#ifndef LAB_PCI_H
#define LAB_PCI_H

#include <linux/types.h>

#define LAB_PCI_BARS	6

struct lab_pci_function {
	u16 vendor;
	u16 device;
	u16 vf_device;
	u32 class;
	u8 vfs;				/* at most seven */
	u32 bars[LAB_PCI_BARS];		/* sizes, powers of two, or zero */
	u32 vf_bars[LAB_PCI_BARS];
};

struct lab_pci_bridge;

struct lab_pci_bridge *lab_pci_create(const struct lab_pci_function *functions,
				      unsigned int nr);
void lab_pci_destroy(struct lab_pci_bridge *bridge);

#endif
