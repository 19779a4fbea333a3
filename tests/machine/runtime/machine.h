/* SPDX-License-Identifier: GPL-2.0-only */
/* The books of the stand-ins. */
#ifndef MACHINE_H
#define MACHINE_H

/* A command of the device's life and the one that undoes it; the last one has no name. */
struct pair { const char *name, *undo; int count; };
extern struct pair pairs[];

struct machine {
	/* The path that is played, for messages. */
	const char *line;
	/* What happens in the event at hand: which requests fail, and in or before which one a reset arrives. */
	int failing[4], failing_count, reset_at, reset_before, requests;
	bool failed, in_reset, resetting, reset_waits, memory_locked, resets_at_open;
	/* The commands that the event has run; those that others run do not count. */
	char log[4096];
	size_t logged;
	int depth;
	struct pair *last;
	int lock_rank[8], locks;
	/* How much of its state the parent has given, how much more it has, and how much it has been given. */
	size_t given, rest, taken;
	/* What has to be nothing in the end. */
	struct work_struct *work;
	int regions, mutexes, allocations, files, mappings, handles, notifier_count;
	struct notifier_block *notifiers[4];
	struct file *released;
	/* What debugfs shows, of which device. */
	const void *shown[4];
	void *shown_of;
	int shown_count;
	struct pci_dev function, parent;
	struct pci_bus bus;
};
extern struct machine machine;

void machine_release_files(void);
void machine_reset(void);
void machine_begin_reset(void);
void machine_log_failure(void);
void machine_log_reset(void);

#endif
