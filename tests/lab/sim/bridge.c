// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI host bridges in software. Config space is an array of values beside an
 * array of write masks; a BAR is RAM of the window that the command line
 * leaves unused: memmap=120M%0x38000000-1. Each bridge has a part of it. The
 * kernel has struct pages for it as for the memory behind it, up to 0x40000000.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/pci.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "sim.h"

#define WINDOW_START	0x38000000
#define PART_SIZE	SZ_8M
#define PARTS		15
#define FIRST_DOMAIN	0x10000
#define EXPRESS		0x40
#define MSIX		0x80
#define POWER		0x90
#define PENDING		0x800
#define SRIOV		0x100
#define SPACE		4096

struct lab_space {
	u8 values[SPACE];
	u8 masks[SPACE];
};

struct lab_bridge {
	struct pci_sysdata sysdata;
	struct resource window;
	struct pci_bus *bus;
	raw_spinlock_t lock;	/* protects the spaces */
	struct lab_space *spaces[256];
	const struct lab_function *functions;
};

static void set8(struct lab_space *space, int at, u8 value, u8 mask)
{
	space->values[at] = value;
	space->masks[at] = mask;
}

static void set16(struct lab_space *space, int at, u16 value, u16 mask)
{
	set8(space, at, value, mask);
	set8(space, at + 1, value >> 8, mask >> 8);
}

static void set32(struct lab_space *space, int at, u32 value, u32 mask)
{
	set16(space, at, value, mask);
	set16(space, at + 2, value >> 16, mask >> 16);
}

static void set_bars(struct lab_space *space, int at, const u32 *sizes)
{
	int i;

	for (i = 0; i < LAB_BARS; i++)
		if (sizes[i])
			set32(space, at + 4 * i, 0, ~(sizes[i] - 1));
}

/* Puts a capability at the end of the list. */
static void add_capability(struct lab_space *space, u8 at, u8 id)
{
	u8 pointer = PCI_CAPABILITY_LIST;

	while (space->values[pointer])
		pointer = space->values[pointer] + PCI_CAP_LIST_NEXT;
	set8(space, pointer, at, 0);
	set8(space, at, id, 0);
}

static void set_express(struct lab_space *space, u16 type)
{
	/* Ready at once: without that a reset takes a tenth of a second. */
	set16(space, PCI_STATUS, PCI_STATUS_CAP_LIST | PCI_STATUS_IMM_READY, 0);
	add_capability(space, EXPRESS, PCI_CAP_ID_EXP);
	set16(space, EXPRESS + PCI_EXP_FLAGS, 2 | type << 4, 0);
	set32(space, EXPRESS + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR, 0);
	set16(space, EXPRESS + PCI_EXP_DEVCTL, 0, 0x7fff);
}

static void set_msix(struct lab_space *space, unsigned int vectors, u32 table)
{
	add_capability(space, MSIX, PCI_CAP_ID_MSIX);
	set16(space, MSIX + PCI_MSIX_FLAGS, vectors - 1,
	      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	set32(space, MSIX + PCI_MSIX_TABLE, table, 0);
	set32(space, MSIX + PCI_MSIX_PBA, table + PENDING, 0);
}

static void set_power(struct lab_space *space)
{
	add_capability(space, POWER, PCI_CAP_ID_PM);
	set16(space, POWER + PCI_PM_PMC, 3, 0);
	set16(space, POWER + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET,
	      PCI_PM_CTRL_STATE_MASK);
}

static void set_sriov(struct lab_space *space,
		      const struct lab_function *function)
{
	set32(space, SRIOV, PCI_EXT_CAP_ID_SRIOV | 1 << 16, 0);
	set16(space, SRIOV + PCI_SRIOV_CTRL, 0,
	      PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	set16(space, SRIOV + PCI_SRIOV_INITIAL_VF, function->vfs, 0);
	set16(space, SRIOV + PCI_SRIOV_TOTAL_VF, function->vfs, 0);
	set16(space, SRIOV + PCI_SRIOV_NUM_VF, 0, 0xffff);
	set16(space, SRIOV + PCI_SRIOV_VF_OFFSET, 1, 0);
	set16(space, SRIOV + PCI_SRIOV_VF_STRIDE, 1, 0);
	set16(space, SRIOV + PCI_SRIOV_VF_DID, function->vf_device, 0);
	set32(space, SRIOV + PCI_SRIOV_SUP_PGSIZE, 1, 0);
	set32(space, SRIOV + PCI_SRIOV_SYS_PGSIZE, 1, 1);
	set_bars(space, SRIOV + PCI_SRIOV_BAR, function->vf_bars);
}

static void set_common(struct lab_space *space,
		       const struct lab_function *function)
{
	set16(space, PCI_COMMAND, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
	      PCI_COMMAND_INTX_DISABLE);
	set32(space, PCI_CLASS_REVISION, function->class << 16, 0);
}

static void set_physical(struct lab_space *space,
			 const struct lab_function *function)
{
	const struct lab_register *more;

	set_common(space, function);
	set16(space, PCI_VENDOR_ID, function->vendor, 0);
	set16(space, PCI_DEVICE_ID, function->device, 0);
	set8(space, PCI_INTERRUPT_LINE, 0, 0xff);
	set_bars(space, PCI_BASE_ADDRESS_0, function->bars);
	set_express(space, PCI_EXP_TYPE_RC_END);
	if (function->vectors)
		set_msix(space, function->vectors, function->vector_table);
	if (function->power)
		set_power(space);
	if (function->vfs)
		set_sriov(space, function);
	for (more = function->config; more && more->at; more++)
		set32(space, more->at, more->value, more->mask);
}

static void set_virtual(struct lab_space *space,
			const struct lab_function *function)
{
	set_common(space, function);
	set16(space, PCI_COMMAND, 0, PCI_COMMAND_MASTER);
	set32(space, PCI_VENDOR_ID, 0xffffffff, 0);
	set_express(space, PCI_EXP_TYPE_RC_END);
	if (function->vf_vectors)
		set_msix(space, function->vf_vectors, LAB_MSIX_BAR);
}

/* A virtual function is there while its physical function says so. */
static struct lab_space *find_space(struct lab_bridge *bridge,
					unsigned int devfn)
{
	struct lab_space *physical = bridge->spaces[devfn & ~7];
	unsigned int number = PCI_FUNC(devfn);
	u8 *values;

	if (!physical || !number)
		return physical;

	values = physical->values + SRIOV;
	if (!(values[PCI_SRIOV_CTRL] & PCI_SRIOV_CTRL_VFE) ||
	    number > values[PCI_SRIOV_NUM_VF])
		return NULL;
	return bridge->spaces[devfn];
}

static struct lab_bridge *bridge_of(struct pci_bus *bus)
{
	return container_of(bus->sysdata, struct lab_bridge, sysdata);
}

static int lab_pci_read(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 *value)
{
	struct lab_bridge *bridge = bridge_of(bus);
	struct lab_space *space;
	int i;

	guard(raw_spinlock_irqsave)(&bridge->lock);
	space = find_space(bridge, devfn);
	if (!space || where + size > SPACE) {
		*value = ~0;
		return PCIBIOS_DEVICE_NOT_FOUND;
	}

	*value = 0;
	for (i = 0; i < size; i++)
		*value |= (u32)space->values[where + i] << 8 * i;
	return PCIBIOS_SUCCESSFUL;
}

static void reset_function(struct lab_bridge *bridge, unsigned int devfn)
{
	const struct lab_function *function =
		&bridge->functions[PCI_SLOT(devfn)];

	if (PCI_FUNC(devfn) && function->vf_reset)
		function->vf_reset(PCI_SLOT(devfn), PCI_FUNC(devfn) - 1);
	if (!PCI_FUNC(devfn) && function->reset)
		function->reset(PCI_SLOT(devfn));
}

static int lab_pci_write(struct pci_bus *bus, unsigned int devfn, int where,
			 int size, u32 value)
{
	struct lab_bridge *bridge = bridge_of(bus);
	struct lab_space *space;
	u8 mask;
	int i;

	if (where == EXPRESS + PCI_EXP_DEVCTL &&
	    (value & PCI_EXP_DEVCTL_BCR_FLR))
		reset_function(bridge, devfn);

	guard(raw_spinlock_irqsave)(&bridge->lock);
	space = find_space(bridge, devfn);
	if (!space || where + size > SPACE)
		return PCIBIOS_DEVICE_NOT_FOUND;

	for (i = 0; i < size; i++, value >>= 8) {
		mask = space->masks[where + i];
		space->values[where + i] &= ~mask;
		space->values[where + i] |= value & mask;
	}
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops lab_pci_ops = {
	.read = lab_pci_read,
	.write = lab_pci_write,
};

static void free_bridge(struct lab_bridge *bridge)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bridge->spaces); i++)
		kfree(bridge->spaces[i]);
	kfree(bridge);
}

static int add_function(struct lab_bridge *bridge, unsigned int devfn,
			const struct lab_function *function)
{
	struct lab_space *space;
	int i;

	for (i = 0; i <= function->vfs; i++) {
		space = kzalloc(sizeof(*space), GFP_KERNEL);
		if (!space)
			return -ENOMEM;
		if (i)
			set_virtual(space, function);
		else
			set_physical(space, function);
		bridge->spaces[devfn + i] = space;
	}
	return 0;
}

struct pci_dev *lab_get_function(struct lab_bridge *bridge, unsigned int number)
{
	return pci_get_slot(bridge->bus, PCI_DEVFN(number, 0));
}
EXPORT_SYMBOL_GPL(lab_get_function);

static int enable_functions(struct lab_bridge *bridge,
			    const struct lab_function *functions,
			    unsigned int nr)
{
	struct pci_dev *pdev;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		pdev = lab_get_function(bridge, i);
		if (!pdev)
			return -ENODEV;
		if (functions[i].properties)
			ret = device_create_managed_software_node(&pdev->dev,
								  functions[i].properties,
								  NULL);
		if (!ret)
			ret = pci_enable_device(pdev);
		if (!ret && functions[i].vfs)
			ret = pci_enable_sriov(pdev, functions[i].vfs);
		pci_dev_put(pdev);
	}
	return ret;
}

static int scan(struct lab_bridge *bridge, unsigned int number)
{
	LIST_HEAD(resources);
	int domain;

	bridge->window.name = "lab PCI window";
	bridge->window.flags = IORESOURCE_MEM;
	bridge->window.start = WINDOW_START + number * PART_SIZE;
	bridge->window.end = bridge->window.start + PART_SIZE - 1;
	if (insert_resource(&iomem_resource, &bridge->window))
		return -EBUSY;

	domain = pci_bus_find_emul_domain_nr(0, FIRST_DOMAIN + number,
					     FIRST_DOMAIN + number);
	if (domain < 0) {
		pr_err("lab: there is a bridge %u already\n", number);
		remove_resource(&bridge->window);
		return domain;
	}

	bridge->sysdata.node = NUMA_NO_NODE;
	bridge->sysdata.domain = domain;
	pci_add_resource(&resources, &bridge->window);
	pci_lock_rescan_remove();
	bridge->bus = pci_create_root_bus(NULL, 0, &lab_pci_ops,
					  &bridge->sysdata, &resources);
	if (!bridge->bus) {
		pci_unlock_rescan_remove();
		pci_free_resource_list(&resources);
		pci_bus_release_emul_domain_nr(domain);
		remove_resource(&bridge->window);
		return -ENOMEM;
	}

	pci_scan_child_bus(bridge->bus);
	pci_bus_size_bridges(bridge->bus);
	pci_bus_assign_resources(bridge->bus);
	pci_bus_add_devices(bridge->bus);
	pci_unlock_rescan_remove();
	return 0;
}

struct lab_bridge *lab_bridge_create(unsigned int number,
				     const struct lab_function *functions,
				     unsigned int nr)
{
	struct lab_bridge *bridge;
	unsigned int i;
	int ret = 0;

	if (number >= PARTS)
		return ERR_PTR(-EINVAL);
	bridge = kzalloc(sizeof(*bridge), GFP_KERNEL);
	if (!bridge)
		return ERR_PTR(-ENOMEM);

	raw_spin_lock_init(&bridge->lock);
	bridge->functions = functions;
	for (i = 0; i < nr && !ret; i++)
		ret = add_function(bridge, PCI_DEVFN(i, 0), &functions[i]);
	if (!ret)
		ret = scan(bridge, number);
	if (ret) {
		free_bridge(bridge);
		return ERR_PTR(ret);
	}

	ret = enable_functions(bridge, functions, nr);
	if (ret) {
		lab_bridge_destroy(bridge);
		return ERR_PTR(ret);
	}
	return bridge;
}
EXPORT_SYMBOL_GPL(lab_bridge_create);

void lab_bridge_destroy(struct lab_bridge *bridge)
{
	struct pci_dev *pdev;
	int domain = bridge->sysdata.domain;

	list_for_each_entry(pdev, &bridge->bus->devices, bus_list)
		if (pdev->is_physfn)
			pci_disable_sriov(pdev);

	pci_lock_rescan_remove();
	pci_stop_root_bus(bridge->bus);
	pci_remove_root_bus(bridge->bus);
	pci_unlock_rescan_remove();
	pci_bus_release_emul_domain_nr(domain);
	remove_resource(&bridge->window);
	free_bridge(bridge);
}
EXPORT_SYMBOL_GPL(lab_bridge_destroy);

void lab_set_config(struct lab_bridge *bridge, unsigned int number, int at,
		    u32 value)
{
	struct lab_space *space = bridge->spaces[PCI_DEVFN(number, 0)];
	int i;

	guard(raw_spinlock_irqsave)(&bridge->lock);
	for (i = 0; i < 4; i++)
		space->values[at + i] = value >> 8 * i;
}
EXPORT_SYMBOL_GPL(lab_set_config);

bool lab_is_simulated(struct pci_dev *pdev)
{
	return pdev->bus->ops == &lab_pci_ops;
}
EXPORT_SYMBOL_GPL(lab_is_simulated);

void __iomem *lab_map_vf_bar(struct pci_dev *pf, int vf, int bar)
{
	struct resource *res = &pf->resource[PCI_IOV_RESOURCES + bar];
	resource_size_t size = resource_size(res) / pci_sriov_get_totalvfs(pf);

	return ioremap(res->start + vf * size, size);
}
EXPORT_SYMBOL_GPL(lab_map_vf_bar);

static int __init lab_sim_init(void)
{
	int ret = lab_iommu_init();

	if (ret)
		return ret;
	ret = lab_control_init();
	if (ret)
		lab_iommu_exit();
	return ret;
}

static void __exit lab_sim_exit(void)
{
	lab_control_exit();
	lab_iommu_exit();
}

module_init(lab_sim_init);
module_exit(lab_sim_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What simulated PCI functions are made from, for tests");
