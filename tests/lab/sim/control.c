// SPDX-License-Identifier: GPL-2.0-only
/*
 * How tests talk to simulators, in debugfs at lab/:
 *
 *	inject		"COMMAND ERRNO": the next such command fails, once;
 *			anything else takes that back; reading gives what is
 *			still to fail
 *	violations	what the firmware was told that it must not be, a line
 *			each; writing forgets it
 *	told		what the firmware was told, in order, a line each;
 *			writing forgets it
 *	held		how many references to their parents drivers hold
 *	copy		"DOMAIN:BUS:DEVICE.FUNCTION FROM TO SIZE": the function
 *			copies memory by DMA
 *	raise		"DOMAIN:BUS:DEVICE.FUNCTION VECTOR": it raises an
 *			interrupt
 */
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sim.h"

#define MSIX_ENTRY	16

static struct dentry *dir;
static atomic_t held;
static DEFINE_MUTEX(lock);	/* protects all that follows */
static char injected[32];
static int injected_error;
static char violations[1024];
static char told[SZ_32K];
static size_t told_size;

void lab_told(const char *format, ...)
{
	va_list arguments;

	guard(mutex)(&lock);
	va_start(arguments, format);
	told_size += vscnprintf(told + told_size, sizeof(told) - told_size,
				format, arguments);
	va_end(arguments);
	told_size += scnprintf(told + told_size, sizeof(told) - told_size,
			       "\n");
}
EXPORT_SYMBOL_GPL(lab_told);

void lab_expect(bool fine, const char *what)
{
	size_t used;

	if (fine)
		return;
	guard(mutex)(&lock);
	used = strlen(violations);
	scnprintf(violations + used, sizeof(violations) - used, "%s\n", what);
}
EXPORT_SYMBOL_GPL(lab_expect);

int lab_injected(const char *command)
{
	lab_told("%s", command);
	guard(mutex)(&lock);
	if (strcmp(injected, command))
		return 0;
	injected[0] = 0;
	return injected_error;
}
EXPORT_SYMBOL_GPL(lab_injected);

void lab_hold(int change)
{
	atomic_add(change, &held);
}
EXPORT_SYMBOL_GPL(lab_hold);

static int inject(char *text)
{
	guard(mutex)(&lock);
	if (sscanf(text, "%31s %d", injected, &injected_error) != 2)
		injected[0] = 0;
	return 0;
}

static int forget_violations(char *text)
{
	guard(mutex)(&lock);
	violations[0] = 0;
	return 0;
}

static int forget_told(char *text)
{
	guard(mutex)(&lock);
	told[0] = 0;
	told_size = 0;
	return 0;
}

static struct pci_dev *find_function(const char *text, int *end)
{
	unsigned int domain, bus, device, function;
	struct pci_dev *pdev;

	if (sscanf(text, "%x:%x:%x.%x%n", &domain, &bus, &device, &function,
		   end) != 4)
		return NULL;
	pdev = pci_get_domain_bus_and_slot(domain, bus,
					   PCI_DEVFN(device, function));
	if (pdev && !lab_is_simulated(pdev)) {
		pci_dev_put(pdev);
		return NULL;
	}
	return pdev;
}

static int copy_for(struct pci_dev *pdev, const char *text)
{
	unsigned long from, to, size;
	u16 command;
	void *data;
	int ret;

	if (sscanf(text, "%lx %lx %lx", &from, &to, &size) != 3 || size > SZ_1M)
		return -EINVAL;
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (!(command & PCI_COMMAND_MASTER))
		return -EPERM;

	data = kvmalloc(size, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	ret = lab_dma_read(pdev, from, data, size);
	if (!ret)
		ret = lab_dma_write(pdev, to, data, size);
	kvfree(data);
	return ret;
}

/* Does what a write to the address of the vector's entry does on a bus. */
static int raise_for(struct pci_dev *pdev, const char *text)
{
	void __iomem *table, *entry, *message;
	unsigned int vector;
	u32 place;
	u16 flags;
	int ret = 0;

	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	if (!pdev->msix_cap || sscanf(text, "%u", &vector) != 1 ||
	    vector > (flags & PCI_MSIX_FLAGS_QSIZE))
		return -EINVAL;
	if (!(flags & PCI_MSIX_FLAGS_ENABLE) || flags & PCI_MSIX_FLAGS_MASKALL)
		return -EAGAIN;

	pci_read_config_dword(pdev, pdev->msix_cap + PCI_MSIX_TABLE, &place);
	table = pci_iomap(pdev, place & PCI_MSIX_TABLE_BIR, 0);
	if (!table)
		return -ENOMEM;
	entry = table + (place & PCI_MSIX_TABLE_OFFSET) + vector * MSIX_ENTRY;
	if (readl(entry + PCI_MSIX_ENTRY_VECTOR_CTRL) &
	    PCI_MSIX_ENTRY_CTRL_MASKBIT) {
		ret = -EAGAIN;
		goto out;
	}
	message = ioremap(readl(entry + PCI_MSIX_ENTRY_LOWER_ADDR), 4);
	if (!message) {
		ret = -ENOMEM;
		goto out;
	}
	writel(readl(entry + PCI_MSIX_ENTRY_DATA), message);
	iounmap(message);
out:
	pci_iounmap(pdev, table);
	return ret;
}

static int do_for(char *text, int (*work)(struct pci_dev *, const char *))
{
	struct pci_dev *pdev;
	int end, ret;

	pdev = find_function(text, &end);
	if (!pdev)
		return -ENODEV;
	ret = work(pdev, text + end);
	pci_dev_put(pdev);
	return ret;
}

static int copy(char *text)
{
	return do_for(text, copy_for);
}

static int raise(char *text)
{
	return do_for(text, raise_for);
}

static ssize_t control_write(struct file *file, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	int (*act)(char *text) = file->private_data;
	char text[128] = {};
	int ret;

	if (count >= sizeof(text) || copy_from_user(text, buf, count))
		return -EINVAL;
	ret = act(text);
	return ret ?: count;
}

static const char *text_of(void *act)
{
	if (act == inject)
		return injected;
	return act == forget_told ? told : violations;
}

/* Drivers take the lock wherever they are: neither allocate nor fault in it. */
static ssize_t control_read(struct file *file, char __user *buf, size_t count,
			    loff_t *ppos)
{
	char *text __free(kfree) = kmalloc(sizeof(told), GFP_KERNEL);

	if (!text)
		return -ENOMEM;
	scoped_guard(mutex, &lock)
		strscpy(text, text_of(file->private_data), sizeof(told));
	return simple_read_from_buffer(buf, count, ppos, text, strlen(text));
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = control_read,
	.write = control_write,
};

int lab_control_init(void)
{
	dir = debugfs_create_dir("lab", NULL);
	debugfs_create_file("inject", 0600, dir, inject, &control_fops);
	debugfs_create_file("violations", 0600, dir, forget_violations,
			    &control_fops);
	debugfs_create_file("told", 0600, dir, forget_told, &control_fops);
	debugfs_create_atomic_t("held", 0400, dir, &held);
	debugfs_create_file("copy", 0600, dir, copy, &control_fops);
	debugfs_create_file("raise", 0600, dir, raise, &control_fops);
	return 0;
}

void lab_control_exit(void)
{
	debugfs_remove(dir);
}
