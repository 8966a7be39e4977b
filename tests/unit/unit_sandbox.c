// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In the exporter's sandbox a process reads maps and files, but changes neither, and reaches no other process. Each
 * attempt is made in a child after sandbox_read_only(), and works before it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "exporter/exporter.h"

static char directory[] = "/tmp/unit_sandbox.XXXXXX", file[64], other[64];
static int map, shared;

static int file_is_read(void)
{
	int fd = open(file, O_RDONLY);
	char c;

	return fd < 0 || read(fd, &c, 1) != 1;
}

static int map_is_read(void)
{
	__u32 key = 0, value;

	return bpf_map_lookup_elem(map, &key, &value);
}

static int map_is_mapped(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_SHARED, shared, 0) == MAP_FAILED;
}

static int memory_is_given(void)
{
	char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED || (*p = 1) != 1;
}

static int map_is_updated(void)
{
	__u32 zero = 0;

	return bpf_map_update_elem(map, &zero, &zero, BPF_ANY);
}

static int map_is_written_by_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0) == MAP_FAILED;
}

static int map_is_created(void)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "unit", 4, 4, 1, NULL) < 0;
}

static int file_is_written(void)
{
	return open(file, O_WRONLY) < 0;
}

static int file_is_made(void)
{
	snprintf(other, sizeof(other), "%s/%d", directory, getpid());
	return open(other, O_RDONLY | O_CREAT, 0600) < 0;
}

static int file_is_emptied(void)
{
	return open(file, O_RDONLY | O_TRUNC) < 0 || truncate(file, 1);
}

static int mode_is_changed(void)
{
	return chmod(file, 0600);
}

static int file_is_renamed(void)
{
	return rename(file, file);
}

static int file_is_linked(void)
{
	snprintf(other, sizeof(other), "%s/%d", directory, getpid());
	return link(file, other);
}

static int directory_is_made(void)
{
	snprintf(other, sizeof(other), "%s/%d", directory, getpid());
	return mkdir(other, 0700);
}

static int parent_is_signalled(void)
{
	return kill(getppid(), 0);
}

static int process_is_moved(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static int program_is_run(void)
{
	execl("/bin/sh", "sh", "-c", "exit 0", NULL);
	return -1;
}

static int socket_is_connected(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int listens = socket(AF_UNIX, SOCK_STREAM, 0), asks = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, "unit_sandbox.%d", getpid());
	return bind(listens, (struct sockaddr *)&to, sizeof(to)) || listen(listens, 1) ||
	       connect(asks, (struct sockaddr *)&to, sizeof(to));
}

static int namespace_is_made(void)
{
	return unshare(CLONE_NEWNS);
}

/* Returns 0 if the attempt works in a child */
static int in_child(int (*attempt)(void), bool sandbox)
{
	pid_t child = fork();
	int how = -1;

	if (!child) {
		if (sandbox && (sandbox_keep(1ULL << CAP_BPF | 1ULL << CAP_PERFMON) || sandbox_read_only()))
			_exit(2);
		_exit(attempt() ? 1 : 0);
	}
	waitpid(child, &how, 0);
	return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

static void reads(void **state)
{
	static int (*const list[])(void) = { file_is_read, map_is_read, map_is_mapped, memory_is_given };

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		assert_int_equal(in_child(list[i], true), 0);
}

static void changes_nothing(void **state)
{
	static const struct {
		const char *what;
		int (*attempt)(void);
	} list[] = {
		{ "a map is updated", map_is_updated }, { "a map is written in memory", map_is_written_by_memory },
		{ "a map is created", map_is_created }, { "a file is written", file_is_written },
		{ "a file is made", file_is_made }, { "a file is emptied", file_is_emptied },
		{ "a mode is changed", mode_is_changed }, { "a file is renamed", file_is_renamed },
		{ "a file is linked", file_is_linked }, { "a directory is made", directory_is_made },
		{ "the parent gets a signal", parent_is_signalled }, { "a process is moved", process_is_moved },
		{ "a program is run", program_is_run }, { "a socket is connected", socket_is_connected },
		{ "a namespace is made", namespace_is_made },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		if (in_child(list[i].attempt, false))
			fail_msg("%s: not even without the sandbox", list[i].what);
		if (in_child(list[i].attempt, true) != 1)
			fail_msg("%s in the sandbox", list[i].what);
	}
}

static int capabilities_are_gone(void)
{
	char line[256];
	FILE *in = fopen("/proc/self/status", "r");
	unsigned long long some = 0, value;

	while (in && fgets(line, sizeof(line), in))
		if (sscanf(line, "CapInh: %llx", &value) == 1 || sscanf(line, "CapPrm: %llx", &value) == 1 ||
		    sscanf(line, "CapEff: %llx", &value) == 1 || sscanf(line, "CapBnd: %llx", &value) == 1 ||
		    sscanf(line, "CapAmb: %llx", &value) == 1)
			some |= value;
	return !in || some & ~(1ULL << CAP_BPF | 1ULL << CAP_PERFMON) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static void capabilities(void **state)
{
	assert_int_equal(in_child(capabilities_are_gone, true), 0);
	assert_int_equal(in_child(capabilities_are_gone, false), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads), cmocka_unit_test(changes_nothing), cmocka_unit_test(capabilities) };
	LIBBPF_OPTS(bpf_map_create_opts, mappable, .map_flags = BPF_F_MMAPABLE);
	char command[96];
	int r, fd;

	if (!mkdtemp(directory))
		return 1;
	snprintf(file, sizeof(file), "%s/file", directory);
	fd = open(file, O_WRONLY | O_CREAT, 0600);
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unit", 4, 4, 1, NULL);
	shared = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unit", 4, 4096, 1, &mappable);
	if (fd < 0 || write(fd, "text", 4) != 4 || map < 0 || shared < 0)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command) ? 1 : r;
}
