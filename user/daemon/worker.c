/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements worker.h. The daemon and the worker share a pair of sockets, whose end shows that the
 * worker has ended.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "daemon/child.h"
#include "daemon/worker.h"
#include "lib/log.h"
#include "lib/memory.h"

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

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void end(struct worker *w)
{
	uv_close((uv_handle_t *)w->poll, on_closed);
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
		end(w);
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
		end(w);
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
