// SPDX-License-Identifier: GPL-2.0-only
/* What stands in for the kernel, and the one that keeps its books. */
#include <stdarg.h>

#include "stand_in.h"
#include "machine.h"

struct machine machine;

void machine_fault(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "fault: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nin: %s\n", machine.line);
	exit(3);
}

bool machine_fails(const char *what)
{
	int at = machine.requests++;
	bool failing = false;

	for (int i = 0; i < machine.failing_count; i++)
		failing |= machine.failing[i] == at;
	machine.failed |= failing;
	if (machine.reset_at == at && !machine.in_reset) {
		/* A reset takes memory_lock. */
		machine.reset_waits = machine.memory_locked;
		if (!machine.memory_locked)
			machine_begin_reset();
	}
	return failing;
}

/* Counts what has to be undone in the end. */
static void count(const char *name)
{
	machine.last = NULL;
	for (struct pair *pair = pairs; pair->name; pair++) {
		if (!strcmp(name, pair->undo))
			pair->count--;
		if (strcmp(name, pair->name))
			continue;
		pair->count++;
		machine.last = pair;
	}
}

void machine_log(const char *name)
{
	if (machine.depth || machine.in_reset)
		return;
	if (machine.reset_before == machine.requests && !machine.memory_locked) {
		machine.reset_before = -1;
		machine_reset();
	}
	count(name);
	if (machine.logged + strlen(name) + 3 > sizeof(machine.log))
		return;
	machine.logged += sprintf(machine.log + machine.logged, "%s%s", machine.logged ? "," : "", name);
}

/* Notes that the last command in the log has failed. */
void machine_log_failure(void)
{
	if (machine.depth || machine.in_reset)
		return;
	if (machine.last)
		machine.last->count--;
	machine.last = NULL;
	if (machine.logged && machine.logged + 2 < sizeof(machine.log))
		machine.logged += sprintf(machine.log + machine.logged, "!");
}

/* Whatever runs, a reset is worth a word. */
void machine_log_reset(void)
{
	machine.last = NULL;
	if (machine.logged + 3 < sizeof(machine.log))
		machine.logged += sprintf(machine.log + machine.logged, "%s^", machine.logged ? "," : "");
}

int machine_errno(const char *name)
{
	machine_log(name);
	if (!machine_fails(name))
		return 0;
	machine_log_failure();
	return -EIO;
}

long machine_number(const char *name, size_t most)
{
	if (!machine.depth && !machine.in_reset)
		count(name);
	if (machine_fails(name)) {
		machine_log_failure();
		return -EIO;
	}
	return (long)min(most, (size_t)16);
}

bool machine_bool(const char *name)
{
	machine_log(name);
	return !machine_fails(name);
}

/* The parent has given part of its state, and has some more of it. */
void machine_give(size_t size, size_t rest)
{
	machine.given += size;
	machine.rest = rest;
}

size_t machine_rest(void)
{
	return machine.rest;
}

/* The parent has taken part of a state. */
void machine_take(size_t size)
{
	machine.taken += size;
}

void machine_void(const char *name)
{
	machine_log(name);
	machine_fails(name);
}

void *machine_pointer(const char *name, size_t size, bool counted)
{
	static u8 kept[8192];
	void *handle;

	machine_log(name);
	if (machine_fails(name))
		return NULL;
	if (!counted)
		return kept;
	handle = calloc(1, size);
	machine.handles++;
	return handle;
}

void machine_put(const char *name, void *handle)
{
	machine_log(name);
	machine.handles--;
	free(handle);
}

void *machine_borrow(const char *name)
{
	void *handle = machine_pointer(name, 0, false);

	machine.handles += !!handle;
	return handle;
}

void machine_return(const char *name, void *handle)
{
	machine_log(name);
	machine.handles--;
}

/* -- work ---------------------------------------------------------------------------------------- */

void machine_queue(struct work_struct *work)
{
	machine.work = work;
}

void machine_do_work(void)
{
	struct work_struct *work = machine.work;

	machine.work = NULL;
	if (work)
		work->function(work);
}

void cancel_work_sync(struct work_struct *work)
{
	if (machine.locks)
		machine_fault("work is waited for under a lock that it may want");
	machine.work = NULL;
}

/* -- locks ------------------------------------------------------------------------------------- */

void machine_mutex_init(struct mutex *lock, const char *name)
{
	if (lock->alive)
		machine_fault("%s is initialised twice", name);
	*lock = (struct mutex){ true, 0, strstr(name, "state_mutex") ? 1 : 2, name };
	machine.mutexes++;
}

void mutex_destroy(struct mutex *lock)
{
	if (!lock->alive || lock->held)
		machine_fault("%s is destroyed while it is held or gone", lock->name);
	lock->alive = false;
	machine.mutexes--;
}

void mutex_lock(struct mutex *lock)
{
	if (!lock->alive)
		machine_fault("a mutex is taken that is not initialised");
	if (lock->held)
		machine_fault("%s is taken twice", lock->name);
	if (machine.in_reset)
		machine_fault("%s is taken in a reset callback", lock->name);
	if (machine.memory_locked)
		machine_fault("%s is taken under memory_lock", lock->name);
	if (machine.locks && machine.lock_rank[machine.locks - 1] >= lock->rank)
		machine_fault("%s is taken out of order", lock->name);
	lock->held = 1;
	machine.lock_rank[machine.locks++] = lock->rank;
}

void mutex_unlock(struct mutex *lock)
{
	if (!lock->held)
		machine_fault("%s is not held", lock->name);
	lock->held = 0;
	if (machine.lock_rank[--machine.locks] != lock->rank)
		machine_fault("%s is released out of order", lock->name);
}

void machine_assert_held(struct mutex *lock)
{
	if (!lock->held)
		machine_fault("%s should be held", lock->name);
}

/* To go to sleep is what a device does when it fails. */
void down_write(struct rw_semaphore *lock)
{
	if (lock->held || machine.in_reset)
		machine_fault("memory_lock is held already");
	machine.function.current_state = machine_fails("access") ? PCI_D3hot : PCI_D0;
	lock->held = 1;
	machine.memory_locked = true;
}

void down_read(struct rw_semaphore *lock)
{
	if (lock->held || machine.in_reset)
		machine_fault("memory_lock is held already");
	lock->held = 1;
}

void up_read(struct rw_semaphore *lock)
{
	if (!lock->held)
		machine_fault("memory_lock is not held");
	lock->held = 0;
}

void up_write(struct rw_semaphore *lock)
{
	if (!lock->held)
		machine_fault("memory_lock is not held");
	lock->held = 0;
	machine.memory_locked = false;
	if (machine.reset_waits)
		machine_reset();
	machine.reset_waits = false;
}

/* -- memory ------------------------------------------------------------------------------------ */

void *machine_alloc(size_t size)
{
	if (machine_fails("memory"))
		return NULL;
	machine.allocations++;
	return calloc(1, size);
}

void machine_free(const void *memory)
{
	machine.allocations -= !!memory;
	free((void *)memory);
}

char *machine_text(const char *format, ...)
{
	char *text = machine_alloc(256);
	va_list arguments;

	va_start(arguments, format);
	if (text)
		vsnprintf(text, 256, format, arguments);
	va_end(arguments);
	return text;
}

static size_t copy(void *to, const void *from, size_t count)
{
	if (machine.memory_locked || machine.in_reset)
		machine_fault("user memory is touched under memory_lock");
	if (machine_fails("user memory"))
		return count;
	memcpy(to, from, count);
	return 0;
}

size_t copy_to_user(void *to, const void *from, size_t count)
{
	return copy(to, from, count);
}

size_t copy_from_user(void *to, const void *from, size_t count)
{
	return copy(to, from, count);
}

/* -- files ------------------------------------------------------------------------------------- */

long compat_ptr_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	return file->operations->unlocked_ioctl(file, command, argument);
}

struct file *anon_inode_getfile(const char *name, const struct file_operations *operations, void *data,
				int flags)
{
	struct file *file;

	if (machine_fails("file"))
		return ERR_PTR(-ENFILE);
	file = calloc(1, sizeof(*file));
	*file = (struct file){ .references = 1, .operations = operations, .private_data = data };
	file->f_inode = &file->inode;
	machine.files++;
	return file;
}

struct file *get_file(struct file *file)
{
	if (file->references < 1)
		machine_fault("a file is used after its last reference");
	file->references++;
	return file;
}

/* As in the kernel, the last reference is noticed on the way back to the user. */
void fput(struct file *file)
{
	if (file->references < 1)
		machine_fault("a reference of a file is put twice");
	if (--file->references)
		return;
	file->next = machine.released;
	machine.released = file;
}

void machine_release_files(void)
{
	while (machine.released) {
		struct file *file = machine.released;

		machine.released = file->next;
		file->operations->release(file->f_inode, file);
		machine.files--;
		free(file);
	}
}

int stream_open(struct inode *inode, struct file *file)
{
	file->stream = true;
	return 0;
}

/* -- devices ----------------------------------------------------------------------------------- */

int pci_read_config_word(struct pci_dev *pdev, int where, u16 *value)
{
	*value = where == PCI_COMMAND ? pdev->command : 0;
	return 0;
}

int pci_write_config_word(struct pci_dev *pdev, int where, u16 value)
{
	if (where == PCI_COMMAND)
		pdev->command = value;
	return 0;
}

int pci_request_selected_regions(struct pci_dev *pdev, int bars, const char *name)
{
	if (machine.regions & bars)
		machine_fault("a region is requested twice");
	if (machine_fails("region"))
		return -EBUSY;
	machine.regions |= bars;
	return 0;
}

void pci_release_selected_regions(struct pci_dev *pdev, int bars)
{
	if ((machine.regions & bars) != bars)
		machine_fault("a region is released that is not held");
	machine.regions &= ~bars;
}

void *pci_iomap(struct pci_dev *pdev, int bar, unsigned long length)
{
	return machine_fails("bar") ? NULL : calloc(1, MACHINE_BAR_SIZE);
}

static void check_access(void)
{
	if (!machine.memory_locked)
		machine_fault("a register is reached without memory_lock");
	if (!(machine.function.command & PCI_COMMAND_MEMORY))
		machine_fault("a register is reached while decoding is off");
	if (machine.function.current_state != PCI_D0)
		machine_fault("a register is reached while the device sleeps");
}

/* What the parent has mapped is there whatever becomes of the device. */
static u8 parent_registers[0x400000];

void *machine_parent_registers(void)
{
	return parent_registers;
}

static bool is_parents(const void *address)
{
	uintptr_t at = (uintptr_t)address, start = (uintptr_t)parent_registers;

	return at >= start && at < start + sizeof(parent_registers);
}

u64 machine_read(const void *address, int size)
{
	u64 value = 0;

	if (is_parents(address)) {
		memcpy(&value, address, size);
		return value;
	}
	check_access();
	memcpy(&value, address, size);
	return machine_fails("read") ? ~0ULL : value;
}

void machine_write(u64 value, void *address, int size)
{
	if (!is_parents(address))
		check_access();
	memcpy(address, &value, size);
}

int sg_alloc_table_from_pages(struct sg_table *table, struct page **pages, unsigned int count,
			      unsigned int offset, unsigned long size, int flags)
{
	table->sgl = machine_alloc(count * sizeof(*table->sgl));
	if (!table->sgl)
		return -ENOMEM;
	table->nents = table->orig_nents = count;
	for (unsigned int i = 0; i < count; i++)
		table->sgl[i].page = pages[i];
	return 0;
}

void sg_free_table(struct sg_table *table)
{
	machine_free(table->sgl);
	table->sgl = NULL;
}

int dma_map_sgtable(struct device *dev, struct sg_table *table, enum dma_data_direction direction,
		    unsigned long attributes)
{
	if (machine_fails("mapping"))
		return -EIO;
	machine.mappings++;
	return 0;
}

void dma_unmap_sgtable(struct device *dev, struct sg_table *table, enum dma_data_direction direction,
		       unsigned long attributes)
{
	machine.mappings--;
}

void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *address, int flags)
{
	void *memory = machine_alloc(size);

	*address = (uintptr_t)memory;
	return memory;
}

void dma_free_coherent(struct device *dev, size_t size, void *memory, dma_addr_t address)
{
	machine_free(memory);
}

int machine_register(const char *name, struct notifier_block *block)
{
	machine_log(name);
	if (machine_fails(name))
		return -EBUSY;
	machine.notifiers[machine.notifier_count++] = block;
	return 0;
}

int machine_unregister(const char *name, struct notifier_block *block)
{
	machine_log(name);
	if (!machine.notifier_count || machine.notifiers[--machine.notifier_count] != block)
		machine_fault("%s: not the last one registered", name);
	return 0;
}

/* -- the core of VFIO -------------------------------------------------------------------------- */

unsigned long machine_jiffies;

struct vfio_device *machine_alloc_device(size_t size, struct device *dev, const struct vfio_device_ops *ops)
{
	struct vfio_device *vdev = machine_alloc(size);
	int ret;

	if (!vdev)
		return ERR_PTR(-ENOMEM);
	vdev->dev = dev;
	vdev->device.references = 1;
	vdev->ops = ops;
	ret = ops->init(vdev);
	if (!ret)
		return vdev;
	machine_free(vdev);
	return ERR_PTR(ret);
}

void vfio_put_device(struct vfio_device *vdev)
{
	put_device(&vdev->device);
}

struct device *get_device(struct device *dev)
{
	dev->references++;
	return dev;
}

void put_device(struct device *dev)
{
	struct vfio_device *vdev = container_of(dev, struct vfio_device, device);
	struct vfio_pci_core_device *core = (struct vfio_pci_core_device *)vdev;

	/* The function's own lives on: its driver is bound to it. */
	if (--dev->references || dev == &machine.function.dev)
		return;
	vdev->ops->release(vdev);
	if (core->alive)
		machine_fault("the core has not released the device");
	machine_free(vdev);
}

int vfio_pci_core_register_device(struct vfio_pci_core_device *core)
{
	return machine_fails("register") ? -EBUSY : 0;
}

void vfio_pci_core_unregister_device(struct vfio_pci_core_device *core)
{
	machine.shown_count = 0;
}

struct dentry *debugfs_lookup(const char *name, void *root)
{
	struct vfio_pci_core_device *core = machine.function.data;

	return core->vdev.mig_ops ? (struct dentry *)&machine : NULL;
}

void debugfs_create_file(const char *name, int mode, struct dentry *directory, void *data,
			 const machine_show *show)
{
	if (mode & 077)
		machine_fault("others than root can read %s", name);
	machine.shown_of = data;
	machine.shown[machine.shown_count++] = show;
}

void seq_hex_dump(struct seq_file *seq, const char *prefix, int kind, int row, int group, const void *data,
		  size_t length, bool ascii)
{
	volatile u8 seen;

	for (size_t i = 0; i < length; i++)
		seen = ((const u8 *)data)[i];
	(void)seen;
}

int vfio_pci_core_init_dev(struct vfio_device *vdev)
{
	struct vfio_pci_core_device *core = (struct vfio_pci_core_device *)vdev;

	if (machine_fails("init"))
		return -ENOMEM;
	core->pdev = to_pci_dev(vdev->dev);
	core->alive = true;
	return 0;
}

void vfio_pci_core_release_dev(struct vfio_device *vdev)
{
	struct vfio_pci_core_device *core = (struct vfio_pci_core_device *)vdev;

	if (!core->alive || core->open)
		machine_fault("the core releases a device that is gone or open");
	core->alive = false;
}

/* Enabling resets the device, if it can be reset; disabling as well, but without telling. */
int vfio_pci_core_enable(struct vfio_pci_core_device *core)
{
	if (machine_fails("enable"))
		return -EBUSY;
	core->open = true;
	if (machine.resets_at_open)
		machine_reset();
	return 0;
}

void vfio_pci_core_disable(struct vfio_pci_core_device *core)
{
	if (!core->open)
		machine_fault("the core disables a device that is not enabled");
	for (int bar = 0; bar < 6; bar++) {
		if (core->barmap[bar])
			machine.regions &= ~(1 << bar);
		free(core->barmap[bar]);
		core->barmap[bar] = NULL;
	}
	if (machine.regions)
		machine_fault("a region is still held when the device is disabled");
	core->open = core->enabled = false;
}

void vfio_pci_core_finish_enable(struct vfio_pci_core_device *core)
{
	if (!core->open)
		machine_fault("the core finishes to enable a device that is not enabled");
	core->enabled = true;
}

void vfio_pci_core_close_device(struct vfio_device *vdev)
{
	struct vfio_pci_core_device *core = (struct vfio_pci_core_device *)vdev;

	if (!core->enabled)
		machine_fault("the core closes a device that is not open");
	vfio_pci_core_disable(core);
}

int vfio_pci_core_setup_barmap(struct vfio_pci_core_device *core, int bar)
{
	if (core->barmap[bar])
		return 0;
	if (machine_fails("bar"))
		return -ENOMEM;
	machine.regions |= 1 << bar;
	core->barmap[bar] = calloc(1, MACHINE_BAR_SIZE);
	return 0;
}

void *vfio_pci_core_get_iomap(struct vfio_pci_core_device *core, unsigned int bar)
{
	int ret = vfio_pci_core_setup_barmap(core, bar);

	return ret ? ERR_PTR(ret) : core->barmap[bar];
}

#ifdef VFIO_MIG_GET_PRECOPY_INFO
int vfio_check_precopy_ioctl(struct vfio_device *vdev, unsigned int command, unsigned long argument,
			     struct vfio_precopy_info *info)
{
	if (command != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	if (copy_from_user(info, (void *)argument, sizeof(*info)))
		return -EFAULT;
	return 0;
}
#endif

#define NOT_CALLED(name) typeof(name()) name(void) { machine_fault(#name " is called"); }
NOT_CALLED(vfio_pci_core_ioctl)
NOT_CALLED(vfio_pci_ioctl_get_region_info)
NOT_CALLED(vfio_pci_core_ioctl_feature)
NOT_CALLED(vfio_pci_core_read)
NOT_CALLED(vfio_pci_core_write)
NOT_CALLED(vfio_pci_core_mmap)
NOT_CALLED(vfio_info_add_capability)
NOT_CALLED(vfio_info_cap_shift)
NOT_CALLED(vfio_pci_core_request)
NOT_CALLED(vfio_pci_core_match)
NOT_CALLED(vfio_pci_core_match_token_uuid)
NOT_CALLED(vfio_iommufd_physical_bind)
NOT_CALLED(vfio_iommufd_physical_unbind)
NOT_CALLED(vfio_iommufd_physical_attach_ioas)
NOT_CALLED(vfio_iommufd_physical_detach_ioas)
NOT_CALLED(vfio_pci_core_aer_err_detected)
