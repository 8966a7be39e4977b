/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "daemon/child.h"
#include "daemon/tasks.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/notify.h"
#include "lib/timer.h"

/* A child that ends is started again after AGAIN_MS. If it has not run for STEADY_MS, the wait is
 * twice the last one, up to AGAIN_MAX_MS. */
#define AGAIN_MS 100
#define AGAIN_MAX_MS 600000
#define STEADY_MS 10000

#define NICE 5		/* the exporter's priority is lower than that of the daemon's loop */

struct exporter {
	const char *instance;
	unsigned int n_sockets;
	uv_loop_t *loop;
	uv_timer_t again;
	struct child *child;		/* NULL: none runs */
	uint64_t since;			/* clock_ms() of its start */
	uint64_t wait;			/* the last time that was waited, in ms */
	bool wanted, asked;		/* asked: we have told this child to end */
};

/* Runs in the child: replaces the copy of the daemon by the exporter. */
static int become_exporter(void *data)
{
	const struct exporter *e = data;
	char number[16];

	child_lasts(SIGTERM);
	setpriority(PRIO_PROCESS, 0, NICE);
	/* notify_sockets() has closed these at execve(2). */
	for (unsigned int i = 0; i < e->n_sockets; i++)
		fcntl(NOTIFY_FIRST_SOCKET + i, F_SETFD, 0);
	if (e->n_sockets) {
		snprintf(number, sizeof(number), "%u", e->n_sockets);
		setenv("LISTEN_FDS", number, true);
		snprintf(number, sizeof(number), "%d", getpid());
		setenv("LISTEN_PID", number, true);
	}
	unsetenv("NOTIFY_SOCKET");
	execl("/proc/self/exe", "wgxdp", "--instance", e->instance, "exporter", NULL);
	log_error("exporter: cannot run /proc/self/exe: %s", strerror(errno));
	return -errno;
}

static void on_again(uv_timer_t *timer);

/* Starts the child again, later if it ended early. */
static void on_ended(void *data, bool done)
{
	struct exporter *e = data;
	bool steady = e->asked || clock_ms() - e->since >= STEADY_MS;

	if (e->wanted && !done && !e->asked)
		log_warning("exporter: its process ended, and another one begins");
	e->child = NULL;
	e->wait = next_wait(steady ? 0 : e->wait, AGAIN_MS, AGAIN_MAX_MS);
	if (e->wanted)
		uv_timer_start(&e->again, on_again, e->asked ? 0 : e->wait, 0);
}

static void start(struct exporter *e)
{
	uv_timer_stop(&e->again);
	if (e->child || !e->wanted)
		return;
	e->asked = false;
	e->since = clock_ms();
	e->child = child_run(e->loop, become_exporter, on_ended, e);
}

static void on_again(uv_timer_t *timer)
{
	start(timer->data);
}

struct exporter *exporter_new(uv_loop_t *loop, const char *instance, unsigned int n_sockets)
{
	struct exporter *e = xcalloc(1, sizeof(*e));

	*e = (struct exporter){ .instance = instance, .n_sockets = n_sockets, .loop = loop };
	timer_init(loop, &e->again, e);
	return e;
}

static void tell(struct exporter *e, int signal)
{
	if (e->child)
		child_signal(e->child, signal);
	e->asked = true;
}

void exporter_reconfigure(struct exporter *e, const struct config *c)
{
	e->wanted = c->n_exporter;
	if (!e->wanted)
		tell(e, SIGTERM);
	else if (!timer_runs(&e->again))
		start(e);
}

void exporter_reload(struct exporter *e)
{
	tell(e, SIGHUP);
	start(e);
}
