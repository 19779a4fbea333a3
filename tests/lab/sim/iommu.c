// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOMMU in software, for simulated functions alone: each has a group of its
 * own, and the pages of a domain are an xarray from IOVA to physical address.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "sim.h"

struct lab_domain {
	struct iommu_domain domain;
	struct xarray pages;
};

static struct iommu_device lab_iommu;

static struct lab_domain *to_lab(struct iommu_domain *domain)
{
	return container_of(domain, struct lab_domain, domain);
}

static int lab_attach(struct iommu_domain *domain, struct device *dev,
		      struct iommu_domain *old)
{
	return 0;
}

static int lab_map(struct iommu_domain *domain, unsigned long iova,
		   phys_addr_t phys, size_t size, size_t count, int prot,
		   gfp_t gfp, size_t *mapped)
{
	struct lab_domain *lab = to_lab(domain);
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = xa_insert(&lab->pages, iova / SZ_4K + i,
				xa_mk_value(phys / SZ_4K + i), gfp);
		if (ret)
			return ret;
		*mapped += size;
	}
	return 0;
}

static size_t lab_unmap(struct iommu_domain *domain, unsigned long iova,
			size_t size, size_t count,
			struct iommu_iotlb_gather *gather)
{
	struct lab_domain *lab = to_lab(domain);
	size_t i;

	for (i = 0; i < count; i++)
		if (!xa_erase(&lab->pages, iova / SZ_4K + i))
			break;
	return i * size;
}

static phys_addr_t lab_resolve(struct iommu_domain *domain, dma_addr_t iova)
{
	void *page = xa_load(&to_lab(domain)->pages, iova / SZ_4K);

	return page ? xa_to_value(page) * SZ_4K + iova % SZ_4K : 0;
}

static void lab_free(struct iommu_domain *domain)
{
	xa_destroy(&to_lab(domain)->pages);
	kfree(to_lab(domain));
}

static struct iommu_domain *lab_alloc(struct device *dev)
{
	struct lab_domain *lab = kzalloc(sizeof(*lab), GFP_KERNEL);

	if (!lab)
		return ERR_PTR(-ENOMEM);
	xa_init(&lab->pages);
	lab->domain.pgsize_bitmap = SZ_4K;
	lab->domain.geometry.aperture_end = DMA_BIT_MASK(48);
	lab->domain.geometry.force_aperture = true;
	return &lab->domain;
}

static struct iommu_device *lab_probe(struct device *dev)
{
	if (!dev_is_pci(dev) || !lab_is_simulated(to_pci_dev(dev)))
		return ERR_PTR(-ENODEV);
	return &lab_iommu;
}

static bool lab_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY;
}

static const struct iommu_ops lab_iommu_ops = {
	.owner = THIS_MODULE,
	.capable = lab_capable,
	.domain_alloc_paging = lab_alloc,
	.probe_device = lab_probe,
	.device_group = generic_device_group,
	.default_domain_ops = &(const struct iommu_domain_ops) {
		.attach_dev = lab_attach,
		.map_pages = lab_map,
		.unmap_pages = lab_unmap,
		.iova_to_phys = lab_resolve,
		.free = lab_free,
	},
};

static int transfer(struct pci_dev *pdev, u64 iova, u8 *data, size_t size,
		    bool write)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&pdev->dev);
	phys_addr_t phys;
	size_t part;

	for (; size; iova += part, data += part, size -= part) {
		part = min(size, SZ_4K - iova % SZ_4K);
		phys = domain ? iommu_iova_to_phys(domain, iova) : 0;
		if (!phys)
			return -EFAULT;
		if (write)
			memcpy(phys_to_virt(phys), data, part);
		else
			memcpy(data, phys_to_virt(phys), part);
	}
	return 0;
}

int lab_dma_read(struct pci_dev *pdev, u64 iova, void *to, size_t size)
{
	return transfer(pdev, iova, to, size, false);
}
EXPORT_SYMBOL_GPL(lab_dma_read);

int lab_dma_write(struct pci_dev *pdev, u64 iova, const void *from, size_t size)
{
	return transfer(pdev, iova, (void *)from, size, true);
}
EXPORT_SYMBOL_GPL(lab_dma_write);

int lab_iommu_init(void)
{
	int ret = iommu_device_sysfs_add(&lab_iommu, NULL, NULL, "lab-iommu");

	if (ret)
		return ret;
	/* Without firmware's description it is asked about every device. */
	ret = iommu_device_register(&lab_iommu, &lab_iommu_ops, NULL);
	if (ret)
		iommu_device_sysfs_remove(&lab_iommu);
	return ret;
}

void lab_iommu_exit(void)
{
	iommu_device_unregister(&lab_iommu);
	iommu_device_sysfs_remove(&lab_iommu);
}
