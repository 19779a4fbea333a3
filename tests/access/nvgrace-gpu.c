// SPDX-License-Identifier: GPL-2.0-only

#include "kernel.h"

#undef PAGE_SHIFT
#define PAGE_SHIFT 4	/* small pages make for a sweep over all of the edges */
#define VM_SHARED 1UL
#define VM_IO 2UL
#define VM_PFNMAP 4UL
#define VM_DONTEXPAND 8UL
#define VM_DONTDUMP 16UL
#define VM_ALLOW_ANY_UNCACHED 32UL
#define LENGTH 40
#define BAR_SIZE 64

static int readies, racing;
struct nvgrace_gpu_device;
static int nvgrace_gpu_memory_ready(struct nvgrace_gpu_device *gpu);
static const struct vm_operations_struct nvgrace_gpu_vm_ops;

static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline pgprot_t pgprot_writecombine(pgprot_t prot)
{
	return (pgprot_t){ prot.value | 1 };
}

static inline void memcpy_toio(void *to, const void *from, size_t count)
{
	memcpy(to, from, count);
}

static inline void memcpy_fromio(void *to, const void *from, size_t count)
{
	memcpy(to, from, count);
}

struct nvgrace_gpu_memory;
static int nvgrace_gpu_map_memory(struct nvgrace_gpu_device *gpu, struct nvgrace_gpu_memory *memory);

#include "driver.inc"

#define driver_config_read nvgrace_gpu_config_read
#define driver_config_write nvgrace_gpu_config_write
#define driver_reset(vdev) nvgrace_gpu_reset_emulation(nvgrace_gpu_from_vfio(vdev))
#include "config.h"

static u8 *memory;

static ssize_t core_bar(u64 index, u64 pos, char *buf, size_t count, bool write)
{
	expect(index == VFIO_PCI_BAR0_REGION_INDEX);
	return count;
}

/* The first time around, another reset comes before the memory is ready. */
static int nvgrace_gpu_memory_ready(struct nvgrace_gpu_device *gpu)
{
	expect(!locked);
	readies++;
	if (racing-- > 0)
		gpu->resets.counter++;
	return 0;
}

static int nvgrace_gpu_map_memory(struct nvgrace_gpu_device *gpu, struct nvgrace_gpu_memory *one)
{
	expect(gpu->core_device.pdev->dev.references);
	if (one == &gpu->bar2_memory)
		one->uncached = memory;
	else
		one->cached = memory;
	return 0;
}

static void sweep(struct nvgrace_gpu_device *gpu, u64 index)
{
	struct vfio_device *vdev = &gpu->core_device.vdev;

	for (u64 pos = 0; pos < BAR_SIZE + 8; pos++) {
		for (size_t count = 1; count < BAR_SIZE + 8; count++) {
			for (int write = 0; write < 2; write++) {
				char *buf = user_buffer(count, count ^ pos);
				loff_t ppos = region(index, pos);
				u8 before[LENGTH];
				ssize_t done;

				memcpy(before, memory, LENGTH);
				done = write ? nvgrace_gpu_write(vdev, buf, count, &ppos) :
					       nvgrace_gpu_read(vdev, buf, count, &ppos);
				expect(!the_pdev.dev.references && !locked);
				if (pos >= BAR_SIZE) {
					expect(done == -EINVAL);
					free(buf);
					continue;
				}
				expect(done == min(count, BAR_SIZE - pos));
				expect(ppos == region(index, pos + done));
				for (u64 i = 0; i < LENGTH; i++)
					if (!write || i < pos || i >= pos + done)
						expect(memory[i] == before[i]);
				for (u64 i = pos; i < pos + done; i++)
					expect((u8)buf[i - pos] == (i < LENGTH ? memory[i] : write ? (u8)(count ^ pos) : 0xff));
				free(buf);
			}
		}
	}
}

/* Only pages that are wholly there can be mapped, and only shared. */
static void sweep_mmap(struct nvgrace_gpu_device *gpu, struct nvgrace_gpu_memory *one, bool combining)
{
	for (unsigned long first = 0; first < 8; first++) {
		for (unsigned long pages = 1; pages < 8; pages++) {
			for (unsigned long shared = 0; shared < 2; shared++) {
				struct vm_area_struct vma = {
					.vm_start = 0x1000,
					.vm_end = 0x1000 + pages * PAGE_SIZE,
					.vm_pgoff = first + (4UL << (VFIO_PCI_OFFSET_SHIFT - PAGE_SHIFT)),
					.vm_flags = shared ? VM_SHARED : 0,
				};
				int ret = nvgrace_gpu_memory_mmap(gpu, one, &vma);

				expect(ret == (shared && (first + pages) * PAGE_SIZE <= LENGTH ? 0 : -EINVAL));
				expect(ret || vma.vm_page_prot.value == combining);
				accesses++;
			}
		}
	}
}

int main(void)
{
	static struct nvgrace_gpu_device gpu = { .core_device.pdev = &the_pdev };
	struct vfio_device *vdev = &gpu.core_device.vdev;

	expect(nvgrace_gpu_set_memory(&gpu.bar4_memory, 0x1000, 0) == -EINVAL);
	expect(nvgrace_gpu_set_memory(&gpu.bar4_memory, 0x1001, LENGTH) == -EINVAL);
	expect(nvgrace_gpu_set_memory(&gpu.bar4_memory, 0x1000, (1ULL << 40) + 1) == -EINVAL);
	expect(nvgrace_gpu_set_memory(&gpu.bar4_memory, ~15ULL, LENGTH) == -EINVAL);
	expect(!nvgrace_gpu_set_memory(&gpu.bar4_memory, 0x1000, LENGTH));
	expect(gpu.bar4_memory.size == BAR_SIZE);

	/* With one BAR of memory the other is the device's own; and with both. */
	model_bar(PCI_BASE_ADDRESS_4, 8, BAR_SIZE, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	sweep_config(vdev);
	expect(!nvgrace_gpu_set_memory(&gpu.bar2_memory, 0x2000, LENGTH));
	model_bar(PCI_BASE_ADDRESS_2, 8, BAR_SIZE, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	sweep_config(vdev);

	memory = malloc(LENGTH);
	memset(memory, 0x11, LENGTH);
	sweep(&gpu, VFIO_PCI_BAR2_REGION_INDEX);
	sweep(&gpu, VFIO_PCI_BAR4_REGION_INDEX);
	expect(!readies);
	gpu.resets.counter = 1;
	racing = 1;
	sweep(&gpu, VFIO_PCI_BAR4_REGION_INDEX);
	expect(readies == 2 && gpu.resets_ready == 2);
	sweep_mmap(&gpu, &gpu.bar4_memory, false);
	sweep_mmap(&gpu, &gpu.bar2_memory, true);
	free(memory);
	printf("%ld accesses\n", accesses);
	return 0;
}
