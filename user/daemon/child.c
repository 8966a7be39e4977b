/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements child.h. Only the child holds the writing end of a pipe, so the pipe's end shows that
 * the child has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "daemon/child.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/memory.h"

struct child {
	child_ended *ended;
	void *data;
	uv_poll_t poll;			/* handle that polls the pipe */
	int pipe;
	pid_t process;
};

static pid_t daemon_process;		/* the daemon, which has called child_fork() */
static int writing_end;			/* in a child: its end of the pipe */
static int closed = -1;			/* descriptor of child_closes(); -1: none */

void child_closes(int fd)
{
	closed = fd;
}

void child_yields(void)
{
	setpriority(PRIO_PROCESS, 0, 10);
	fd_close(closed);
}

static void work_as_child(child_work *work, void *data)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != daemon_process)
		_exit(EXIT_FAILURE);	/* the daemon has ended before the call */
	signal(SIGALRM, SIG_DFL);
	alarm(CHILD_SECONDS);
	_exit(work(data) ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* Waits for the end of the child, and frees it. */
static void end(struct child *c)
{
	int how = -1;

	uv_poll_stop(&c->poll);
	close(c->pipe);
	while (c->process > 0 && waitpid(c->process, &how, 0) < 0 && errno == EINTR)
		;
	c->ended(c->data, !how);
	uv_close((uv_handle_t *)&c->poll, on_closed);
}

static void on_end(uv_poll_t *poll, int status, int events)
{
	end(poll->data);
}

void child_signal(struct child *c, int signal)
{
	if (c->process > 0)
		kill(c->process, signal);
}

void child_lasts(int signal_at_end)
{
	prctl(PR_SET_PDEATHSIG, signal_at_end);
	alarm(0);
	fcntl(writing_end, F_SETFD, 0);
}

void child_stop(struct child *c)
{
	child_signal(c, SIGKILL);
	end(c);
}

pid_t child_fork(void)
{
	sigset_t before, set;
	pid_t process;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &before);
	daemon_process = getpid();
	process = fork();
	if (process)
		sigprocmask(SIG_SETMASK, &before, NULL);
	return process;
}

struct child *child_run(uv_loop_t *loop, child_work *work, child_ended *ended, void *data)
{
	struct child *c = xmalloc(sizeof(*c));
	int ends[2];

	*c = (struct child){ .ended = ended, .data = data, .poll.data = c };
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		log_error("cannot make a pipe: %s", strerror(errno));
		exit(EXIT_FAILURE);
	}
	c->pipe = ends[0];
	uv_poll_init(loop, &c->poll, c->pipe);
	c->process = child_fork();
	writing_end = ends[1];
	if (!c->process)
		work_as_child(work, data);
	if (c->process < 0)
		log_warning("cannot start a child process: %s", strerror(errno));
	close(ends[1]);
	uv_poll_start(&c->poll, UV_READABLE | UV_DISCONNECT, on_end);
	return c;
}
