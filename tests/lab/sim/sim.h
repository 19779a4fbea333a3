/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What simulators are made from. A family is one module: a table of physical
 * functions, given to lab_bridge_create(), and the exports of the parent that
 * it stands in for, with firmware behind them.
 */
#ifndef LAB_SIM_H
#define LAB_SIM_H

#include <linux/pci.h>
#include <linux/property.h>
#include <linux/types.h>

#define LAB_BARS	6
/* Where a virtual function with vectors has its MSI-X table. */
#define LAB_MSIX_BAR	4

/* 32 bits of config space: what they hold, and which of them can be written. */
struct lab_register {
	u16 at;
	u32 value;
	u32 mask;
};

/* A physical function and its virtual ones. BARs are RAM. */
struct lab_function {
	u16 vendor;
	u16 device;
	u16 vf_device;
	u32 class;			/* PCI_CLASS_* */
	u8 vfs;				/* at most seven */
	u8 vf_vectors;			/* of MSI-X; needs LAB_MSIX_BAR */
	u32 bars[LAB_BARS];		/* sizes, powers of two from 4K, or 0 */
	u32 vf_bars[LAB_BARS];
	/* A virtual function of a device was reset; mustn't sleep, may be absent. */
	void (*vf_reset)(unsigned int device, int vf);
	u8 vectors;			/* of the physical function */
	u32 vector_table;		/* its place and its BAR, as MSI-X has it */
	bool power;			/* can be put into D3hot */
	const struct lab_register *config;	/* more of it, up to one at 0 */
	const struct property_entry *properties;	/* of its firmware */
	/* The physical function is reset: called with interrupts off. */
	void (*reset)(unsigned int device);
};

struct lab_bridge;

/*
 * Makes a PCI domain of its own, 0x10000 and @number, with its functions at
 * 00.0, 01.0 and so on, each in an IOMMU group of its own and enabled.
 */
struct lab_bridge *lab_bridge_create(unsigned int number,
				     const struct lab_function *functions,
				     unsigned int nr);
void lab_bridge_destroy(struct lab_bridge *bridge);
/* Returns the physical function of a number, with a reference. */
struct pci_dev *lab_get_function(struct lab_bridge *bridge, unsigned int number);

/* Changes 32 bits of its config space. */
void lab_set_config(struct lab_bridge *bridge, unsigned int number, int at,
		    u32 value);

bool lab_is_simulated(struct pci_dev *pdev);

/* Maps a BAR of a virtual function, as the firmware sees it. */
void __iomem *lab_map_vf_bar(struct pci_dev *pf, int vf, int bar);

/* DMA of a function, translated; -EFAULT where nothing is mapped. */
int lab_dma_read(struct pci_dev *pdev, u64 iova, void *to, size_t size);
int lab_dma_write(struct pci_dev *pdev, u64 iova, const void *from,
		  size_t size);

/*
 * Remembers that the firmware was told a command; returns what the command is
 * to fail with, once, or 0.
 */
int lab_injected(const char *command);

/* Remembers a command that can't fail, or more about one. */
__printf(1, 2) void lab_told(const char *format, ...);

/* Remembers that the firmware was told what it must not be. */
void lab_expect(bool fine, const char *what);

/* Counts what drivers hold of their parents: 1 for a reference got, -1 for one put. */
void lab_hold(int change);

int lab_control_init(void);
void lab_control_exit(void);
int lab_iommu_init(void);
void lab_iommu_exit(void);

#endif
