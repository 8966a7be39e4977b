/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Only the child holds the writing end of a pipe, so the pipe's end shows that the child has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "daemon/child.h"
#include "lib/file.h"
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

/* ---- a worker ----
 * The daemon and the worker share a pair of sockets, whose end shows that the worker has ended. */

/* Time in ms after work before memory is freed that only more work soon would use. */
#define FORGET_MS 5000
#define WORK_SECONDS 60			/* work that takes longer is killed */
enum { SOCKET = 3, SAID = 4 };		/* the worker's descriptors */

struct worker {
	uv_loop_t *loop;
	worker_work *work;
	worker_done *done;
	void *data;
	uv_poll_t *poll;		/* handle of the socket; NULL: there is no worker */
	int socket, said;		/* said: file with the texts that the worker has printed */
	pid_t process;
	bool busy;
};

struct answer {
	int rc;
	int64_t used;
};

static int64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Waits for a question. Returns false when the daemon has ended. */
static bool hear(void)
{
	struct pollfd p = { .fd = SOCKET, .events = POLLIN };
	char question;

	if (!poll(&p, 1, FORGET_MS))
		memory_give_back();
	return read(SOCKET, &question, 1) == 1;
}

static void serve(const struct worker *w, int socket)
{
	dup2(w->said, SAID);
	dup2(socket, SOCKET);
	syscall(SYS_close_range, SAID + 1, ~0U, 0);	/* musl has no function for it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	log_store(SAID);
	while (hear()) {
		struct answer a = { .used = -cpu_ms() };

		alarm(WORK_SECONDS);
		log_round(true);
		a.rc = w->work(w->data);
		log_round(false);
		alarm(0);
		a.used += cpu_ms();
		if (write(SOCKET, &a, sizeof(a)) != sizeof(a))
			break;
	}
	_exit(EXIT_SUCCESS);
}

static void on_socket_closed(uv_handle_t *handle)
{
	free(handle);
}

static void end_worker(struct worker *w)
{
	uv_close((uv_handle_t *)w->poll, on_socket_closed);
	w->poll = NULL;
	close(w->socket);
	close(w->said);
	kill(w->process, SIGKILL);
	while (waitpid(w->process, NULL, 0) < 0 && errno == EINTR)
		;
}

static void on_answer(uv_poll_t *poll, int status, int events)
{
	struct worker *w = poll->data;
	struct answer a = { .rc = -ECHILD };
	bool was_busy = w->busy;

	if (read(w->socket, &a, sizeof(a)) != sizeof(a))
		end_worker(w);
	else
		log_take(w->said);
	w->busy = false;
	if (was_busy)
		w->done(w->data, a.rc, a.used);
}

struct worker *worker_new(uv_loop_t *loop, worker_work *work, worker_done *done, void *data)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	*w = (struct worker){ .loop = loop, .work = work, .done = done, .data = data };
	return w;
}

int worker_fork(struct worker *w)
{
	int ends[2], rc;

	if (w->poll)
		end_worker(w);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	w->socket = ends[0];
	w->said = memfd_create("wgxdp-log", MFD_CLOEXEC);
	w->process = child_fork();
	if (!w->process)
		serve(w, ends[1]);
	rc = w->process < 0 ? -errno : 0;
	close(ends[1]);
	if (rc) {
		close(w->socket);
		close(w->said);
		return rc;
	}
	w->poll = xcalloc(1, sizeof(*w->poll));
	uv_poll_init(w->loop, w->poll, w->socket);
	w->poll->data = w;
	uv_poll_start(w->poll, UV_READABLE | UV_DISCONNECT, on_answer);
	return 0;
}

bool worker_runs(const struct worker *w)
{
	return w->poll;
}

void worker_ask(struct worker *w)
{
	w->busy = true;
	if (write(w->socket, "", 1) != 1)
		log_warning("the daemon's worker has ended");	/* on_answer() follows */
}
