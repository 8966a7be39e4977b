/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * faultrun [OPTION]... COMMAND [ARGUMENT]...: runs a command, and makes one of its system calls fail, or kills it instead of the call.
 * The calls of its threads and children are counted together, in the order in which they are made.
 *
 *   -s SET,...   count these calls:
 *                change   calls that change something outside the process: pins, maps, links, files, messages
 *                bpf      all calls of bpf()        open     opening files
 *                file     writing, renaming, removing, locking and syncing files
 *                socket   creating and binding sockets, sending, receiving; not for a terminal
 *                process  threads, children, events, timers, watches
 *   -n NUMBER    the number of the call (0: none); later calls succeed
 *   -f           this call and all later ones
 *   -k           kill the command instead          -e ERRNO   let it fail with this error (ENOMEM, EPERM …)
 *   -o FILE      write a line: COUNT NAME, the number of calls, and the name of the one that failed (none: -)
 *
 * It uses seccomp's notifications, so only the counted calls become slower. Exit status: the command's, or 137 if it was killed.
 */
#include <errno.h>
#include <getopt.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANGE = 1, BPF = 2, OPEN = 4, FILES = 8, SOCKET = 16, PROCESS = 32 };

static const struct {
	const char *name;
	int set;
} sets[] = {
	{ "change", CHANGE }, { "bpf", BPF }, { "open", OPEN }, { "file", FILES }, { "socket", SOCKET }, { "process", PROCESS },
};

#define CALL(name, sets) { __NR_##name, #name, sets }
static const struct call {
	int number;
	const char *name;
	int sets;
} calls[] = {
	CALL(bpf, CHANGE | BPF), CALL(openat, CHANGE | OPEN), CALL(write, CHANGE | FILES), CALL(pwrite64, CHANGE | FILES),
	CALL(writev, CHANGE | FILES), CALL(renameat2, CHANGE | FILES), CALL(renameat, CHANGE | FILES), CALL(unlinkat, CHANGE | FILES),
	CALL(mkdirat, CHANGE | FILES), CALL(ftruncate, CHANGE | FILES), CALL(fsync, CHANGE | FILES), CALL(flock, CHANGE | FILES),
	CALL(fchmod, CHANGE | FILES), CALL(fchmodat, CHANGE | FILES), CALL(fchown, CHANGE | FILES), CALL(linkat, CHANGE | FILES),
	CALL(symlinkat, CHANGE | FILES),
	CALL(sendto, CHANGE | SOCKET), CALL(sendmsg, CHANGE | SOCKET), CALL(socket, SOCKET), CALL(bind, SOCKET), CALL(connect, SOCKET),
	CALL(recvfrom, SOCKET), CALL(recvmsg, SOCKET), CALL(setsockopt, SOCKET), CALL(getsockname, SOCKET),
	CALL(perf_event_open, CHANGE | PROCESS), CALL(membarrier, CHANGE | PROCESS), CALL(clone, PROCESS), CALL(clone3, PROCESS),
	CALL(pipe2, PROCESS), CALL(eventfd2, PROCESS), CALL(epoll_create1, PROCESS), CALL(timerfd_create, PROCESS),
	CALL(inotify_init1, PROCESS), CALL(inotify_add_watch, PROCESS), CALL(signalfd4, PROCESS), CALL(dup3, PROCESS), CALL(dup, PROCESS),
#ifdef __x86_64__
	CALL(open, CHANGE | OPEN), CALL(rename, CHANGE | FILES), CALL(unlink, CHANGE | FILES), CALL(mkdir, CHANGE | FILES),
	CALL(rmdir, CHANGE | FILES), CALL(chmod, CHANGE | FILES), CALL(fork, PROCESS), CALL(vfork, PROCESS),
#endif
};
#define N_CALLS (sizeof(calls) / sizeof(*calls))

static const struct { const char *name; int number; } errors[] = {
	{ "EPERM", EPERM }, { "ENOMEM", ENOMEM }, { "EMFILE", EMFILE }, { "ENOSPC", ENOSPC }, { "ENOBUFS", ENOBUFS }, { "EIO", EIO },
	{ "EACCES", EACCES }, { "EBUSY", EBUSY }, { "EINVAL", EINVAL }, { "EAGAIN", EAGAIN }, { "ENFILE", ENFILE }, { "EROFS", EROFS },
};

static int chosen, error_number, listener = -1;
static long hurt_at, counted;
static bool and_after, kill_it;
static const char *hurt_name = "-";
static char **command;

static void die(const char *what)
{
	fprintf(stderr, "faultrun: %s: %s\n", what, strerror(errno));
	exit(125);
}

/* The command shares our memory and files until it is executed, so that we get its listener */
static int begin(void *unused)
{
	struct sock_filter filter[2 * N_CALLS + 3];
	struct sock_fprog program = { .filter = filter };
	unsigned short n = 0;

	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < N_CALLS; i++) {
		if (!(calls[i].sets & chosen))
			continue;
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = n;
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			   SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
	if (listener < 0)
		die("seccomp");
	execvp(*command, command);
	die(*command);
	return 125;
}

/* A netlink request that only reads: RTM_GET…, or one of generic netlink's */
static bool only_asks(pid_t pid, const struct seccomp_data *d)
{
	struct nlmsghdr h;
	struct iovec ours = { .iov_base = &h, .iov_len = sizeof(h) };
	struct iovec theirs = { .iov_base = (void *)(uintptr_t)d->args[1], .iov_len = sizeof(h) };

	if (d->args[2] < sizeof(h) || process_vm_readv(pid, &ours, 1, &theirs, 1, 0) != sizeof(h) || h.nlmsg_len != d->args[2])
		return false;
	return h.nlmsg_type >= RTM_BASE && (h.nlmsg_type > RTM_MAX || (h.nlmsg_type - RTM_BASE) % 4 == 2);
}

/* Calls that read, or that make what ends with the process, change nothing */
static bool changes(pid_t pid, const struct seccomp_data *d)
{
	switch (d->nr) {
	case __NR_sendto:
		return !only_asks(pid, d);
	case __NR_bpf:
		switch (d->args[0]) {
		case BPF_MAP_UPDATE_ELEM: case BPF_MAP_DELETE_ELEM: case BPF_OBJ_PIN: case BPF_PROG_ATTACH: case BPF_PROG_DETACH:
		case BPF_LINK_CREATE: case BPF_LINK_UPDATE: case BPF_LINK_DETACH: case BPF_RAW_TRACEPOINT_OPEN:
		case BPF_MAP_UPDATE_BATCH: case BPF_MAP_DELETE_BATCH: case BPF_PROG_TEST_RUN:
			return true;
		}
		return false;
	case __NR_openat:
		return d->args[2] & (O_WRONLY | O_RDWR | O_CREAT);
#ifdef __x86_64__
	case __NR_open:
		return d->args[1] & (O_WRONLY | O_RDWR | O_CREAT);
#endif
	}
	return true;
}

static bool to_the_terminal(const struct seccomp_data *d)
{
	return (d->nr == __NR_write || d->nr == __NR_writev) && d->args[0] <= STDERR_FILENO;
}

static void answer(const struct seccomp_notif *asked, pid_t child)
{
	struct seccomp_notif_resp say = { .id = asked->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };
	bool counts = !to_the_terminal(&asked->data) && (!(chosen & CHANGE) || changes(asked->pid, &asked->data));

	counted += counts;
	if (counts && (counted == hurt_at || (and_after && hurt_at && counted > hurt_at))) {
		for (size_t i = 0; counted == hurt_at && i < N_CALLS; i++)
			if (calls[i].number == asked->data.nr)
				hurt_name = calls[i].name;
		if (kill_it) {
			kill(child, SIGKILL);
			kill(asked->pid, SIGKILL);
			return;
		}
		say.flags = 0;
		say.error = -error_number;
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &say);	/* a killed command needs no answer */
}

static void supervise(pid_t child)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	struct seccomp_notif asked;

	/* POLLHUP: the last process of the command has ended */
	while (poll(&p, 1, -1) > 0 && !(p.revents & POLLHUP && !(p.revents & POLLIN))) {
		memset(&asked, 0, sizeof(asked));
		if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
			answer(&asked, child);
	}
}

static int choose(char *text)
{
	for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < sizeof(sets) / sizeof(*sets) && strcmp(sets[i].name, word))
			i++;
		if (i == sizeof(sets) / sizeof(*sets))
			return -1;
		chosen |= sets[i].set;
	}
	return 0;
}

static int error_of(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].number;
	return 0;
}

static bool parse(int argc, char **argv, const char **out)
{
	int option;

	while ((option = getopt(argc, argv, "+s:n:fke:o:")) != -1) {
		if (option == 's' && choose(optarg))
			return false;
		hurt_at = option == 'n' ? atol(optarg) : hurt_at;
		and_after |= option == 'f';
		kill_it |= option == 'k';
		error_number = option == 'e' ? error_of(optarg) : error_number;
		*out = option == 'o' ? optarg : *out;
		if (option == '?')
			return false;
	}
	command = argv + optind;
	return optind < argc && chosen && (!hurt_at || kill_it || error_number);
}

int main(int argc, char **argv)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	const char *out = NULL;
	int status = 0;
	pid_t child;
	FILE *file;

	if (!parse(argc, argv, &out)) {
		fprintf(stderr, "usage: faultrun -s SET,... [-n NUMBER] [-f] [-k | -e ERRNO] [-o FILE] COMMAND [ARGUMENT]...\n");
		return 125;
	}
	child = clone(begin, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, NULL);
	if (child < 0)
		die("clone");
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (listener >= 0)
		supervise(child);
	waitpid(child, &status, 0);
	file = out ? fopen(out, "w") : NULL;
	if (file) {
		fprintf(file, "%ld %s\n", counted, hurt_name);
		fclose(file);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
