// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only process of the guest: carries out system calls that the host asks
 * for, and says what came of them.
 *
 * Requests and answers are in memory that is shared with the host, the BAR of
 * a device: a request at its start, the answer in its second half. A byte over
 * the second serial port, which would be slow for more, says that one is there.
 *
 * A request is a length (u32) and a program: the number of threads (u8), and
 * for each how often it runs (u32), the number of its calls (u16), and the
 * calls. A call is an operation (u8), a number (u32), the number of arguments
 * (u8) and the arguments. The number is that of a system call, or the width of
 * a load or a store, or how many words there are to run as a program. Each
 * argument is a kind (u8) and a value:
 *
 *	IMMEDIATE	u64
 *	BUFFER		u32 length and so many bytes; the call gets their address
 *	RESULT		u16: the result of an earlier call of the thread
 *	LOADED		u16 call, u8 argument, u32 offset: a u32 in its buffer
 *	ROOM		u32 length: a buffer of so many zeroes
 *
 * A call one of whose arguments refers to a call that failed fails as that one
 * did. The threads run at the same time. The answer is a length (u32) and, for
 * each call of each thread: the last result or negative errno (s64), the number
 * of different outcomes (u16), each an outcome (s32, 0 for success) and how
 * often (u32), and each buffer as the last call left it: a length (u32) and so
 * many bytes, the zeroes at the end left out. Everything is little endian.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PORT		"/dev/ttyS1"
#define PORT_TRIGGER	"/sys/class/tty/ttyS1/rx_trig_bytes"
#define DEVICE		"/sys/bus/pci/devices/0000:00:1e.0"
#define MAX_ARGS	6
#define MAX_OUTCOMES	16
#define MAX_WORDS	16

enum operation { SYSCALL, LOAD, STORE, RUN };
enum kind { IMMEDIATE, BUFFER, RESULT, LOADED, ROOM };

struct arg {
	enum kind kind;
	uint64_t value;		/* or the length of a buffer, or the offset */
	uint16_t call;
	uint8_t arg;
	const uint8_t *initial;
	uint8_t *buffer;
};

struct outcome {
	int32_t error;
	uint32_t count;
};

struct call {
	enum operation operation;
	uint32_t number;
	uint8_t nr_args;
	struct arg args[MAX_ARGS];
	int64_t result;
	uint16_t nr_outcomes;
	struct outcome outcomes[MAX_OUTCOMES];
};

struct thread {
	pthread_t id;
	uint32_t repeat;
	uint16_t nr_calls;
	struct call *calls;
};

struct bytes {
	uint8_t *at;
	uint8_t *end;
};

struct shared {
	uint8_t *at;
	size_t size;
};

static pthread_barrier_t start;
static __thread sigjmp_buf fault;
static __thread volatile sig_atomic_t guarded;

static void die(const char *what)
{
	fprintf(stderr, "lab agent: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void take(struct bytes *from, void *to, size_t size)
{
	if ((size_t)(from->end - from->at) < size)
		die("short request");
	memcpy(to, from->at, size);
	from->at += size;
}

static uint64_t take_number(struct bytes *from, size_t size)
{
	uint64_t value = 0;

	take(from, &value, size);
	return value;
}

static void put(struct bytes *to, const void *from, size_t size)
{
	memcpy(to->at, from, size);
	to->at += size;
}

static void on_fault(int signal)
{
	if (!guarded) {
		errno = signal;
		die("fault");
	}
	siglongjmp(fault, 1);
}

static void copy_unit(uint32_t width, void *to, const void *from)
{
	switch (width) {
	case 1:
		*(volatile uint8_t *)to = *(const volatile uint8_t *)from;
		break;
	case 2:
		*(volatile uint16_t *)to = *(const volatile uint16_t *)from;
		break;
	case 4:
		*(volatile uint32_t *)to = *(const volatile uint32_t *)from;
		break;
	default:
		*(volatile uint64_t *)to = *(const volatile uint64_t *)from;
		break;
	}
}

static void copy_units(uint32_t width, void *to, const void *from, size_t size)
{
	size_t at;

	for (at = 0; at < size; at += width)
		copy_unit(width, (uint8_t *)to + at, (const uint8_t *)from + at);
}

/* Copies memory in units of `width`; -EFAULT where it can't be reached. */
static int64_t copy_guarded(uint32_t width, void *to, const void *from,
			    size_t size)
{
	if (sigsetjmp(fault, 1)) {
		guarded = 0;
		return -EFAULT;
	}

	guarded = 1;
	copy_units(width, to, from, size);
	guarded = 0;
	return 0;
}

/* Runs a program with words one after the other; what it says goes to a file. */
static int64_t run_program(uint32_t count, const char *words, const char *out)
{
	char *argv[MAX_WORDS + 1] = {};
	int status, fd;
	uint32_t i;
	pid_t pid;

	if (count > MAX_WORDS)
		return -E2BIG;
	for (i = 0; i < count; i++, words += strlen(words) + 1)
		argv[i] = (char *)words;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		execv(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static int64_t evaluate(struct thread *thread, struct arg *arg, long *value)
{
	struct call *earlier = &thread->calls[arg->call];
	uint32_t loaded;

	switch (arg->kind) {
	case BUFFER:
		memcpy(arg->buffer, arg->initial, arg->value);
		*value = (long)arg->buffer;
		return 0;
	case ROOM:
		memset(arg->buffer, 0, arg->value);
		*value = (long)arg->buffer;
		return 0;
	case RESULT:
		*value = earlier->result;
		return earlier->result < 0 ? earlier->result : 0;
	case LOADED:
		memcpy(&loaded, earlier->args[arg->arg].buffer + arg->value, 4);
		*value = loaded;
		return earlier->result < 0 ? earlier->result : 0;
	default:
		*value = arg->value;
		return 0;
	}
}

static int64_t carry_out(struct thread *thread, struct call *call)
{
	long values[MAX_ARGS] = {};
	int64_t ret;
	int i;

	for (i = 0; i < call->nr_args; i++) {
		ret = evaluate(thread, &call->args[i], &values[i]);
		if (ret < 0)
			return ret;
	}

	if (call->operation == LOAD)
		return copy_guarded(call->number, (void *)values[1],
				    (void *)values[0], call->args[1].value);
	if (call->operation == STORE)
		return copy_guarded(call->number, (void *)values[0],
				    (void *)values[1], call->args[1].value);

	if (call->operation == RUN)
		return run_program(call->number, (char *)values[0],
				   (char *)values[1]);

	ret = syscall(call->number, values[0], values[1], values[2], values[3],
		      values[4], values[5]);
	return ret == -1 ? -errno : ret;
}

static void count(struct call *call)
{
	int32_t error = call->result < 0 ? call->result : 0;
	int i;

	for (i = 0; i < call->nr_outcomes; i++) {
		if (call->outcomes[i].error == error) {
			call->outcomes[i].count++;
			return;
		}
	}
	if (call->nr_outcomes < MAX_OUTCOMES)
		call->outcomes[call->nr_outcomes++] = (struct outcome){ error, 1 };
}

static void *run(void *data)
{
	struct thread *thread = data;
	uint32_t round;
	int i;

	pthread_barrier_wait(&start);
	for (round = 0; round < thread->repeat; round++) {
		for (i = 0; i < thread->nr_calls; i++) {
			thread->calls[i].result = carry_out(thread, &thread->calls[i]);
			count(&thread->calls[i]);
		}
	}
	return NULL;
}

static void parse_arg(struct bytes *from, struct arg *arg)
{
	arg->kind = take_number(from, 1);
	switch (arg->kind) {
	case BUFFER:
		arg->value = take_number(from, 4);
		arg->initial = from->at;
		arg->buffer = malloc(arg->value + 1);
		from->at += arg->value;
		break;
	case ROOM:
		arg->value = take_number(from, 4);
		arg->buffer = malloc(arg->value + 1);
		break;
	case RESULT:
		arg->call = take_number(from, 2);
		break;
	case LOADED:
		arg->call = take_number(from, 2);
		arg->arg = take_number(from, 1);
		arg->value = take_number(from, 4);
		break;
	default:
		arg->value = take_number(from, 8);
		break;
	}
}

static void parse_thread(struct bytes *from, struct thread *thread)
{
	struct call *call;
	int i, k;

	thread->repeat = take_number(from, 4);
	thread->nr_calls = take_number(from, 2);
	thread->calls = calloc(thread->nr_calls, sizeof(*thread->calls));
	for (i = 0; i < thread->nr_calls; i++) {
		call = &thread->calls[i];
		call->operation = take_number(from, 1);
		call->number = take_number(from, 4);
		call->nr_args = take_number(from, 1);
		if (call->nr_args > MAX_ARGS)
			die("too many arguments");
		for (k = 0; k < call->nr_args; k++)
			parse_arg(from, &call->args[k]);
	}
}

static uint32_t used(const struct arg *arg)
{
	uint32_t size = arg->value;

	while (size && !arg->buffer[size - 1])
		size--;
	return size;
}

static size_t answer_size(const struct call *call)
{
	size_t size = 10 + call->nr_outcomes * sizeof(struct outcome);
	int i;

	for (i = 0; i < call->nr_args; i++)
		if (call->args[i].buffer)
			size += 4 + used(&call->args[i]);
	return size;
}

static void put_answer(struct bytes *to, struct call *call)
{
	uint32_t size;
	int i;

	put(to, &call->result, 8);
	put(to, &call->nr_outcomes, 2);
	put(to, call->outcomes, call->nr_outcomes * sizeof(struct outcome));
	for (i = 0; i < call->nr_args; i++) {
		if (!call->args[i].buffer)
			continue;
		size = used(&call->args[i]);
		put(to, &size, 4);
		put(to, call->args[i].buffer, size);
		free(call->args[i].buffer);
	}
}

static void wait_for_request(int port)
{
	uint8_t byte;

	if (read(port, &byte, 1) != 1)
		die("serial port");
}

static void say_answered(int port)
{
	uint8_t byte = 1;

	if (write(port, &byte, 1) != 1)
		die("serial port");
}

static void answer(struct shared *shared, struct thread *threads, int n)
{
	uint8_t *data = shared->at + shared->size / 2;
	struct bytes to;
	size_t size = 0;
	uint32_t length;
	int i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < threads[i].nr_calls; k++)
			size += answer_size(&threads[i].calls[k]);
	if (size > shared->size / 2 - sizeof(length))
		die("long answer");

	length = size;
	to = (struct bytes){ data, data + sizeof(length) + size };
	put(&to, &length, sizeof(length));
	for (i = 0; i < n; i++) {
		for (k = 0; k < threads[i].nr_calls; k++)
			put_answer(&to, &threads[i].calls[k]);
		free(threads[i].calls);
	}
}

static void serve(struct shared *shared)
{
	struct thread *threads;
	struct bytes from;
	uint8_t *data;
	uint32_t size;
	int i, n;

	/* A copy: what the calls get is aligned, and stays. */
	memcpy(&size, shared->at, sizeof(size));
	data = malloc(size);
	memcpy(data, shared->at + sizeof(size), size);

	from = (struct bytes){ data, data + size };
	n = take_number(&from, 1);
	threads = calloc(n, sizeof(*threads));
	for (i = 0; i < n; i++)
		parse_thread(&from, &threads[i]);

	pthread_barrier_init(&start, NULL, n);
	for (i = 1; i < n; i++)
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]))
			die("thread");
	run(&threads[0]);
	for (i = 1; i < n; i++)
		pthread_join(threads[i].id, NULL);
	pthread_barrier_destroy(&start);

	answer(shared, threads, n);
	free(threads);
	free(data);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static int open_port(void)
{
	struct termios settings;
	int port = open(PORT, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (port < 0 || tcgetattr(port, &settings))
		die(PORT);
	cfmakeraw(&settings);
	settings.c_cflag |= CLOCAL;
	cfsetspeed(&settings, B115200);
	if (tcsetattr(port, TCSANOW, &settings))
		die(PORT);
	/* Each byte by itself, without a wait for more. */
	write_text(PORT_TRIGGER, "1");
	return port;
}

static struct shared share_memory(void)
{
	struct shared shared = {};
	struct stat status;
	int fd;

	write_text(DEVICE "/enable", "1");
	fd = open(DEVICE "/resource2", O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status))
		die(DEVICE);
	shared.size = status.st_size;
	shared.at = mmap(NULL, shared.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	if (shared.at == MAP_FAILED)
		die(DEVICE);
	close(fd);
	return shared;
}

static void mount_all(void)
{
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mkdir("/sys", 0755);
	mount("sys", "/sys", "sysfs", 0, NULL);
	mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_fault };
	struct shared shared;
	int port;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	mount_all();
	shared = share_memory();
	port = open_port();
	say_answered(port);
	for (;;) {
		wait_for_request(port);
		serve(&shared);
		say_answered(port);
	}
}
