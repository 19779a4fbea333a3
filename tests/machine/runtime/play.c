// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays paths through the driver, one a line: events, each with the requests in it that fail ("!3"), or in which
 * ("^3") or before whose command ("~3") a reset arrives; one that begins in a request ends when that is waited for,
 * or after the event. Answers each event with what it returned, the migration
 * state, whether a reset waits to be followed, how many requests it made and the commands that it ran. After "L",
 * work that the next event asks for is only done after the one that follows.
 */
#include "machine.h"

#define SLOTS 2
static struct file *slots[SLOTS];
static bool bound, opened, late;
static u8 user[0x140000], image[0x12000];
static size_t image_length;

#define QUIET __attribute__((no_instrument_function))

QUIET static int depth_of(void *function)
{
	for (size_t i = 0; i < ARRAY_SIZE(logged_functions); i++)
		if (logged_functions[i].function == function)
			return i + 1;
	return 0;
}

QUIET void __cyg_profile_func_enter(void *function, void *site)
{
	int known = depth_of(function);

	if (!known)
		return;
	machine_log(logged_functions[known - 1].name);
	if (!machine.depth++)
		machine.failed = false;
}

QUIET void __cyg_profile_func_exit(void *function, void *site)
{
	if (depth_of(function) && !--machine.depth && machine.failed)
		machine_log_failure();
}

QUIET static struct vfio_pci_core_device *core(void)
{
	return machine.function.data;
}

QUIET static DEVICE *device(void)
{
	return container_of(core(), DEVICE, core_device);
}

/* From sysfs a reset takes no memory_lock, so that anything may come between its beginning and its end. */
QUIET void machine_begin_reset(void)
{
	machine_log_reset();
	machine.resetting = machine.in_reset = true;
	if (machine_driver->err_handler->reset_prepare)
		machine_driver->err_handler->reset_prepare(&machine.function);
	machine.in_reset = false;
}

QUIET void machine_end_reset(void)
{
	if (!machine.resetting)
		machine_fault("nothing ends what is waited for");
	machine.in_reset = true;
	if (machine_driver->err_handler->reset_done)
		machine_driver->err_handler->reset_done(&machine.function);
	machine.resetting = machine.in_reset = false;
}

QUIET void machine_reset(void)
{
	if (machine.resetting)
		machine_end_reset();
	machine_begin_reset();
	machine_end_reset();
}

QUIET static void drop(int slot)
{
	if (slots[slot])
		fput(slots[slot]);
	slots[slot] = NULL;
}

/* Follows the data of a file: which of it is the device's, and whether it may end here. */
QUIET static void follow(struct file *file, const u8 *data, size_t size)
{
	u64 length;
	u32 tag;

	if (STATE_TAG < 0) {
		file->data.state += size;
		return;
	}
	for (; size; data++, size--) {
		if (file->data.at < sizeof(file->data.head)) {
			file->data.head[file->data.at++] = *data;
		} else {
			memcpy(&tag, file->data.head + 12, sizeof(tag));
			file->data.state += le32_to_cpu(tag) == STATE_TAG;
			file->data.at++;
		}
		memcpy(&length, file->data.head, sizeof(length));
		if (file->data.at >= sizeof(file->data.head) &&
		    file->data.at - sizeof(file->data.head) == le64_to_cpu(length))
			file->data.at = 0;
	}
}

/* A stream that ends has all that the parent has, if the parent says how much that is. */
QUIET static void check_read(struct file *file)
{
	size_t given = machine.given - file->data.before;

	if (file->data.at)
		machine_fault("a stream ends in a record");
	if (given && (file->data.state != given || machine.rest))
		machine_fault("%zu bytes are read, of %zu and %zu more", file->data.state, given, machine.rest);
}

/* A parent that has been given anything has been given all. */
QUIET static void check_loaded(struct file *file)
{
	size_t taken = machine.taken - file->data.before;

	if (taken && file->data.state != taken)
		machine_fault("%zu bytes are loaded of %zu", taken, file->data.state);
}

QUIET static bool is_loading(void)
{
	return device()->mig_state == VFIO_DEVICE_STATE_RESUMING &&
	       atomic_read(&device()->resets) == device()->resets_settled;
}

QUIET static long set_state(int target)
{
	struct file *loading = is_loading() && target != VFIO_DEVICE_STATE_RESUMING ? slots[0] : NULL;
	size_t given = machine.given, taken = machine.taken;
	struct file *file = core()->vdev.mig_ops->migration_set_state(&core()->vdev, target);

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (loading && !strchr(machine.log, '^'))
		check_loaded(loading);
	if (!file)
		return 0;
	file->data.before = file->operations->read ? given : taken;
	if (!file->stream)
		machine_fault("a stream has a position");
	drop(1);
	slots[1] = slots[0];
	slots[0] = file;
	return 1;
}

QUIET static long drain(struct file *file, size_t once, int most)
{
	long ret = -EBADF, all = 0;

	for (int i = 0; i < most && file->operations->read; i++) {
		ret = file->operations->read(file, (char *)user + all, once, NULL);
		if (ret <= 0)
			break;
		if (ret > (long)once)
			machine_fault("more is read than there is room for");
		follow(file, user + all, ret);
		all += ret;
	}
	if (!ret)
		check_read(file);
	if (most > 1 && ret == 0 && !image_length && all <= (long)sizeof(image)) {
		memcpy(image, user, all);
		image_length = all;
	}
	return ret;
}

QUIET static long fill(struct file *file, size_t end)
{
	size_t length = image_length ? image_length : LOAD_LENGTH;
	long ret = -EBADF;

	length = LOAD_LENGTH ? LOAD_LENGTH : length;
	end = min(end, length);
	if (!file->operations->write)
		return ret;
	if (file->written >= end)
		end = file->written + 1;
	ret = file->operations->write(file, (char *)image + file->written, end - file->written, NULL);
	if (ret > 0) {
		follow(file, image + file->written, ret);
		file->written += ret;
	}
	return ret;
}

QUIET static long ask(struct file *file)
{
#ifdef VFIO_MIG_GET_PRECOPY_INFO
	struct vfio_precopy_info info = { .argsz = sizeof(info) };

	if (bound)
		core()->vdev.precopy_info_v2 = 1;
	if (file->operations->unlocked_ioctl)
		return file->operations->unlocked_ioctl(file, VFIO_MIG_GET_PRECOPY_INFO, (unsigned long)&info);
#endif
	return -ENOTTY;
}

/* Whatever a user does with a file that has lost its device, it is told so. */
QUIET static long check_stale(struct file *file)
{
	if (file->operations->read && drain(file, 1, 1) != -ENODEV)
		machine_fault("a stale file can be read");
	if (file->operations->write && file->operations->write(file, (char *)image, 1, NULL) != -ENODEV)
		machine_fault("a stale file can be written");
	if (file->operations->unlocked_ioctl && ask(file) != -ENODEV)
		machine_fault("a stale file can be asked");
	return 0;
}

QUIET static long get_state(void)
{
	enum vfio_device_mig_state state;
	long ret = core()->vdev.mig_ops->migration_get_state(&core()->vdev, &state);

	return ret ? ret : (long)state;
}

QUIET static long get_size(void)
{
	unsigned long size;

	return core()->vdev.mig_ops->migration_get_data_size(&core()->vdev, &size);
}

QUIET static long show(int which)
{
	struct seq_file seq = { machine.shown_of };

	return which < machine.shown_count ? (*(const machine_show *)machine.shown[which])(&seq, NULL) : -ENOENT;
}

QUIET static long open_device(bool resets)
{
	long ret;

	machine.resets_at_open = resets;
	ret = core()->vdev.ops->open_device(&core()->vdev);
	opened = !ret;
	if (opened != core()->enabled || core()->open != opened)
		machine_fault("the core disagrees whether the device is open");
	return ret;
}

QUIET static long close_device(void)
{
	core()->vdev.ops->close_device(&core()->vdev);
	opened = false;
	if (machine.work)
		machine_fault("work goes on after the device was closed");
	return 0;
}

QUIET static long probe(void)
{
	long ret = machine_driver->probe(&machine.function, machine_driver->id_table);

	if (!ret && !core()->vdev.mig_ops) {
		/* A variant that doesn't migrate. */
		machine_driver->remove(&machine.function);
		ret = -EOPNOTSUPP;
	}
	bound = !ret;
	return ret;
}

QUIET static long unbind(void)
{
	machine_driver->remove(&machine.function);
	bound = false;
	return 0;
}

QUIET static long notify(int which)
{
	u8 data[64];

	memset(data, 1, sizeof(data));
	machine.notifiers[events[which].notifier]->notifier_call(machine.notifiers[events[which].notifier],
								 events[which].event, data);
	return 0;
}

QUIET static long play_event(char verb, int number)
{
	switch (verb) {
	case 'P': return probe();
	case 'U': return unbind();
	case 'O': return open_device(number);
	case 'C': return close_device();
	case 'S': return set_state(number);
	case 'G': return get_state();
	case 'Z': return get_size();
	case 'D': return show(number);
	case 'R': machine_reset(); return 0;
	case 'N': return notify(number);
	case 'r': return drain(slots[number], 1, 1);
	case 'E': return drain(slots[number], 4096, 300);
	case 'w': return fill(slots[number], 1);
	case 'W': return fill(slots[number], sizeof(image));
	case 'q': return ask(slots[number]);
	case 'c': drop(number); return 0;
	case 'L': late = true; return 0;
	case 'V': return slots[number]->operations->write(slots[number], (char *)image, SIZE_MAX, NULL);
	case 'x': return check_stale(slots[number]);
	}
	machine_fault("no event %c", verb);
}

/* Data that isn't there yet is neither shown nor waited for. */
QUIET static void check_pending(struct file *file)
{
	bool ready = file->operations->poll(file, NULL);
	long ret;

	file->f_flags |= O_NONBLOCK;
	ret = file->operations->read(file, (char *)user, 1, NULL);
	file->f_flags &= ~O_NONBLOCK;
	if (ret != (ready ? -ENODEV : -EAGAIN))
		machine_fault("a read before there is data returns %ld", ret);
}

/* Who waits for data is told when it is there, or never will be, but not of an end for now. */
QUIET static void check_ready(struct file *file)
{
	/* What comes later is PRE_COPY, alone or with P2P, which not every release has. */
	bool told, pre_copying = device()->mig_state > VFIO_DEVICE_STATE_RUNNING_P2P;
	long ret;

	if (!file || !file->operations->poll)
		return;
	told = file->operations->poll(file, NULL) & EPOLLIN;
	ret = file->operations->read(file, (char *)user, 0, NULL);
	if (told != (ret != -ENOMSG))
		machine_fault(told ? "there is nothing to read" : "nobody is told that there is data");
	if (pre_copying && ret && ret != -ENOMSG && ret != -ENODEV)
		machine_fault("what pre-copy lacks is told as an error, %ld", ret);
}

QUIET static void do_work(struct file *opened_now)
{
	if (!machine.work)
		return;
	if (opened_now && opened_now->operations->poll)
		check_pending(opened_now);
	machine_do_work();
	check_ready(slots[0]);
}

QUIET static void check_after(void)
{
	if (machine.locks || machine.memory_locked)
		machine_fault("a lock is still held");
	if (machine.function.command)
		machine_fault("decoding is still on");
	/* Work that hasn't begun finds its area mapped. */
	if (machine.mappings && !machine.work)
		machine_fault("an area is still mapped");
	machine_release_files();
}

QUIET static void play_token(char *token)
{
	char verb = *token++;
	int number = strtol(token, &token, 10);
	long ret;

	machine.requests = machine.failing_count = 0;
	machine.logged = machine.depth = 0;
	machine.log[0] = 0;
	machine.reset_at = machine.reset_before = -1;
	while (*token) {
		char how = *token++;
		int at = strtol(token, &token, 10);

		if (how == '!')
			machine.failing[machine.failing_count++] = at;
		else if (how == '^')
			machine.reset_at = at;
		else
			machine.reset_before = at;
	}
	ret = play_event(verb, number);
	if (machine.resetting)
		machine_end_reset();
	if (verb != 'L' && !late)
		do_work(verb == 'S' && ret > 0 ? slots[0] : NULL);
	late = verb == 'L';
	check_after();
	if (bound)
		printf("%ld/%d/%d/%d/%s ", ret, device()->mig_state,
		       atomic_read(&device()->resets) != device()->resets_settled, machine.requests, machine.log);
	else
		printf("%ld/-1/0/%d/%s ", ret, machine.requests, machine.log);
}

/* Everything ends, in the worst order for the files: they are the last to go. */
QUIET static void tear_down(void)
{
	machine.failing_count = 0;
	machine.reset_at = machine.reset_before = -1;
	if (opened)
		close_device();
	check_after();
	if (bound)
		unbind();
	for (int slot = 0; slot < SLOTS; slot++) {
		if (slots[slot])
			check_stale(slots[slot]);
		drop(slot);
	}
	check_after();
	for (struct pair *pair = pairs; pair->name; pair++)
		if (pair->count)
			machine_fault("%s and %s: %+d", pair->name, pair->undo, pair->count);
	if (machine.mutexes || machine.allocations || machine.files || machine.handles || machine.notifier_count)
		machine_fault("left over: %d mutexes, %d allocations, %d files, %d handles, %d notifiers",
			      machine.mutexes, machine.allocations, machine.files, machine.handles,
			      machine.notifier_count);
}

/* Prints which state leads to which on the way to another, by what the kernel's function says. */
QUIET static void print_table(void)
{
	for (int from = 0; from < MACHINE_STATES; from++) {
		for (int to = 0; to < MACHINE_STATES; to++) {
			struct vfio_device vdev = { .migration_flags = MIGRATION_FLAGS };
			enum vfio_device_mig_state next = 0;
			bool legal = MIGRATION_STATES & 1 << from;
			int ret = legal ? vfio_mig_get_next_state(&vdev, from, to, &next) : -1;

			printf("%d ", ret ? -1 : (int)next);
		}
	}
	printf("\n");
}

QUIET int main(void)
{
	static char line[65536], shown[65536];

	print_table();
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		strcpy(shown, line);
		machine.line = shown;
		machine.given = machine.rest = machine.taken = 0;
		machine.function = (struct pci_dev){ .bus = &machine.bus, .physfn = &machine.parent,
						     .is_virtfn = IS_VIRTUAL };
		for (char *token = strtok(line, " "); token; token = strtok(NULL, " "))
			play_token(token);
		tear_down();
		printf("\n");
	}
	return 0;
}
