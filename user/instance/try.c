/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * During a trial the file /run/wgxdp/INSTANCE/trying exists, and the child holds a lock on it. A
 * command that ends the trial writes the reason to the file and removes it. The command and its
 * child have a socket pair: the child reads one letter from it, APPLIED or KEPT; end of file means
 * that the command was killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include "instance/apply.h"
#include "dataplane/control.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "plan/resolved_backends.h"
#include "instance/run_state.h"
#include "instance/try.h"

#define MARKER "trying"

enum { APPLIED = 'a', KEPT = 'k', ROLLED_BACK = 'r', FAILED = 'f' };

struct try {
	char instance[INSTANCE_LEN];
	unsigned int seconds;
	/* The configuration to restore, and the addresses of its backends; NULL: the instance was
	 * not up. */
	struct config *before;
	struct resolved_backends answers;
	__u32 text;			/* config_text_id() while the trial runs */
	int marker;			/* fd of the file `trying` */
	int child;			/* socket that connects the command to the child */
};

static bool is_ours(const struct try *t)
{
	char path[RUN_STATE_PATH_LEN];
	struct stat there, ours;

	run_state_path(path, t->instance, MARKER);
	return !stat(path, &there) && !fstat(t->marker, &ours) && there.st_ino == ours.st_ino &&
	       there.st_dev == ours.st_dev;
}

static int marker_open(const char *instance, int flags)
{
	char path[RUN_STATE_PATH_LEN];

	run_state_path(path, instance, MARKER);
	return open(path, flags | O_CLOEXEC, 0600);
}

/* Returns whether the child holds the lock on the file. If it does not, the child was killed. */
static bool is_held(int fd)
{
	return flock(fd, LOCK_SH | LOCK_NB);
}

bool try_runs(const char *instance)
{
	int fd = marker_open(instance, O_RDONLY);
	bool runs = fd >= 0 && is_held(fd);

	fd_close(fd);
	return runs;
}

/* Removes the file `trying` without a message: the configuration on trial no longer runs, or never
 * did. */
static void forget_trial(const char *instance)
{
	char path[RUN_STATE_PATH_LEN];

	run_state_path(path, instance, MARKER);
	unlink(path);
}

bool try_end(const char *instance, enum try_end why)
{
	const char letter = why;
	int fd = marker_open(instance, O_WRONLY);
	bool waits;

	if (fd < 0)
		return false;
	waits = is_held(fd) && write(fd, &letter, 1) == 1;
	forget_trial(instance);
	close(fd);
	return waits;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* ---- the child ---- */

/* Restores the former configuration, unless someone has kept the change meanwhile (checked with the
 * lock held). Returns the letter that tells the command how the trial ended. */
static char roll_back(const struct try *t)
{
	int lock = run_state_lock(t->instance), rc = lock < 0 ? lock : 0;
	struct config *running = NULL;

	if (!rc && !is_ours(t)) {
		close(lock);
		return KEPT;
	}
	if (!rc && run_state_read(t->instance, &running))
		running = NULL;
	if (!rc && t->before) {
		/* The change may have cut DNS off, and its names have replaced these. */
		resolved_backends_write(t->instance, &t->answers, true);
		rc = apply(t->instance, t->before);
	} else if (!rc) {
		rc = dataplane_down(t->instance);
		if (!rc)
			run_state_remove(t->instance);
	}
	if (rc)
		log_error("instance %s: cannot restore the former configuration: run `wgxdp up` with its file",
			  t->instance);
	else if (t->before)
		undone_report(running, t->before, true);
	config_free(running);
	forget_trial(t->instance);
	fd_close(lock);
	return rc ? FAILED : ROLLED_BACK;
}

/* Waits in the child for the end of the trial. Returns true if the time is over or the command was
 * killed: roll back; false if the change was kept. */
static bool child_waits(const struct try *t, int command)
{
	char path[RUN_STATE_PATH_LEN], events[4096], letter;
	int seen = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd fds[] = { { .fd = command, .events = POLLIN },
				{ .fd = seen, .events = POLLIN } };
	long long end = 0, left;

	run_state_path(path, t->instance, MARKER);
	inotify_add_watch(seen, path, IN_ATTRIB | IN_DELETE_SELF);
	while (is_ours(t)) {
		left = end ? end - now_ms() : -1;
		if (end && left <= 0)
			return true;
		if (poll(fds, 2, left < 0 ? -1 : (int)left) < 0 && errno != EINTR)
			return true;
		if (fds[1].revents && read(seen, events, sizeof(events)) < 0 && errno != EAGAIN)
			return true;
		if (!fds[0].revents)
			continue;
		if (read(command, &letter, 1) != 1)
			return true;
		if (letter == KEPT)
			return false;
		end = now_ms() + t->seconds * 1000LL;
	}
	return false;
}

static void run_child(const struct try *t, int command)
{
	static const int ignored[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTTOU, SIGTTIN,
	};
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	char answer = KEPT;

	setsid();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	dup2(nowhere, 0);
	dup2(nowhere, 1);
	if (chdir("/"))
		nowhere = -1;
	if (child_waits(t, command))
		answer = roll_back(t);
	_exit(write(command, &answer, 1) != 1);
}

/* ---- the command ---- */

#define COMMAND_LEN 80
static const char *keeping_command(const char *instance, char ret[COMMAND_LEN])
{
	bool named = strcmp(instance, INSTANCE_DEFAULT);

	snprintf(ret, COMMAND_LEN, "wgxdp %s%s%sup --keep", named ? "--instance " : "",
		 named ? instance : "", named ? " " : "");
	return ret;
}

static int make_marker(const char *instance)
{
	char command[COMMAND_LEN];
	int fd;

	if (try_runs(instance)) {
		log_error("instance %s: another change is on trial: keep that one first with `%s`",
			  instance, keeping_command(instance, command));
		return -EBUSY;
	}
	forget_trial(instance);		/* left by a trial whose child was killed */
	fd = marker_open(instance, O_RDWR | O_CREAT | O_EXCL);
	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	log_error("cannot make " RUN_STATE_DIR "/%s/" MARKER ": %s", instance, strerror(errno));
	return -EIO;
}

int try_begin(const char *instance, unsigned int seconds, int lock, struct try **ret)
{
	int rc, pair[2], marker = make_marker(instance);
	struct try *t;
	pid_t pid;

	if (marker < 0)
		return marker;
	t = xcalloc(1, sizeof(*t));
	strcpy(t->instance, instance);
	t->seconds = seconds;
	t->marker = marker;
	rc = running_read_quietly(instance, &t->before);
	if (rc == -ENOENT) {
		t->before = running_control(instance);
	} else if (rc) {
		forget_trial(instance);
		return rc;
	}
	resolved_backends_read(instance, &t->answers);
	fflush(NULL);
	pid = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ? -1 : fork();
	if (!pid) {
		close(lock);
		close(pair[0]);
		run_child(t, pair[1]);
	}
	if (pid < 0) {
		log_error("cannot start the process that rolls the change back: %s", strerror(errno));
		forget_trial(instance);
		return -EAGAIN;
	}
	close(pair[1]);
	t->child = pair[0];
	*ret = t;
	return 0;
}

void try_abandon(struct try *t)
{
	forget_trial(t->instance);
}

static volatile sig_atomic_t ended;

static void on_signal(int signal)
{
	ended = signal;
}

/* Returns 1 if the user pressed Enter, 0 if not yet, -1 if the terminal was closed. */
static int read_terminal(int terminal)
{
	char text[256];
	ssize_t n = read(terminal, text, sizeof(text));

	return n > 0 ? memchr(text, '\n', n) != NULL : -1;
}

static void keep_change(struct try *t)
{
	int lock = run_state_lock(t->instance);
	const char letter = KEPT;

	/* If the file is not ours, the child has just rolled back, and will report that. */
	if (is_ours(t))
		try_end(t->instance, TRY_KEPT);
	if (write(t->child, &letter, 1) != 1)
		log_warning("the process that rolls the change back has ended");
	fd_close(lock);
}

/* Waits until the child says how the trial ended. Signals are let in only by ppoll(), so that none
 * is missed; but ppoll() ignores signals while an fd is ready, so it polls the terminal only while
 * this command is in the foreground. After a signal, the child rolls back at once. */
static char wait_for_answer(struct try *t, int terminal, const sigset_t *let_in)
{
	const struct timespec soon = { .tv_nsec = 200000000 };
	struct pollfd fds[] = { { .fd = t->child, .events = POLLIN }, { .events = POLLIN } };
	bool shut = false;
	char answer = FAILED;

	for (;;) {
		pid_t foreground = terminal >= 0 ? tcgetpgrp(terminal) : 0;

		if (foreground < 0)
			on_signal(SIGHUP);
		if (ended && !shut) {
			shutdown(t->child, SHUT_WR);
			shut = true;
			terminal = foreground = -1;
		}
		fds[1].fd = foreground == getpgrp() ? terminal : -1;
		if (ppoll(fds, 2, terminal < 0 || fds[1].fd >= 0 ? NULL : &soon, let_in) <= 0)
			continue;
		if (fds[0].revents)
			return read(t->child, &answer, 1) == 1 ? answer : FAILED;
		switch (read_terminal(terminal)) {
		case 1:
			keep_change(t);
			terminal = -1;
			break;
		case -1:
			on_signal(SIGHUP);
		}
	}
}

void try_applied(struct try *t)
{
	t->text = config_text_id(t->instance);
}

/* Prints how the trial ended. Returns 0 if the change is kept, else -ECANCELED. */
static int report_end(const struct try *t, char answer)
{
	char why = 0;

	if (answer == ROLLED_BACK) {
		log_error("the change was rolled back: %s runs as before",
			  t->before ? "the instance" : "nothing");
	} else if (answer != KEPT) {
		log_error("the change was neither kept nor rolled back: `wgxdp save` prints the running configuration");
	} else if (pread(t->marker, &why, 1, 0) == 1 && why == TRY_DOWN) {
		log_error("the trial ended, because `wgxdp down` took the instance down");
	} else if (why != TRY_KEPT && config_text_id(t->instance) != t->text) {
		log_error("the trial ended, because another command loaded a configuration: `wgxdp save` prints it");
	} else {
		puts("kept");
		return 0;
	}
	return -ECANCELED;
}

int try_wait(struct try *t)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction action = { .sa_handler = on_signal };
	int terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC);
	const char letter = APPLIED;
	sigset_t blocked, open_set;
	char command[COMMAND_LEN];

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		sigaddset(&blocked, ends[i]);
		sigaction(ends[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, &open_set);
	if (write(t->child, &letter, 1) != 1)
		log_warning("the process that rolls the change back has ended");
	printf("the change is on trial for %u seconds: %s`%s` keeps it\n", t->seconds,
	       terminal >= 0 ? "Enter or " : "", keeping_command(t->instance, command));
	fflush(stdout);
	return report_end(t, wait_for_answer(t, terminal, &open_set));
}
