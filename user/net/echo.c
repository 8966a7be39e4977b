/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements echo.h. The sequence number of a probe is the index of its target, and an answer
 * counts only if it comes from that address.
 */
#include <errno.h>
#include "lib/memory.h"
#include "net/echo.h"
#include "net/echo_socket.h"

struct channel {			/* socket for one family */
	uv_poll_t poll;
	struct echo_socket socket;
	struct echo *echo;
};

struct echo {
	uv_timer_t timer;
	struct channel channels[2];	/* IPv4, IPv6 */
	struct address *list;
	bool *reached;
	size_t n, waiting;
	unsigned int sent;		/* rounds of probes so far */
	echo_done *done;
	void *data;
	unsigned int open;		/* libuv handles that are still open */
};

/* ---- sending ---- */

static struct channel *channel_of(struct echo *e, const struct address *a)
{
	return &e->channels[a->family == FAMILY_IPV6];
}

/* Sends a probe to each address that has not answered. A probe that cannot be sent counts as
 * unanswered. */
static void send_round(struct echo *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct channel *c = channel_of(e, &e->list[i]);

		if (!e->reached[i] && c->socket.fd >= 0)
			echo_socket_send(&c->socket, &e->list[i], 0, i, ECHO_LEN);
	}
	e->sent++;
}

/* ---- receiving ---- */

static void on_closed(uv_handle_t *handle)
{
	struct echo *e = handle->data;

	if (!--e->open) {
		free(e->list);
		free(e->reached);
		free(e);
	}
}

static void close_channel(struct echo *e, struct channel *c)
{
	if (c->socket.fd < 0)
		return;
	uv_poll_stop(&c->poll);
	c->poll.data = e;
	uv_close((uv_handle_t *)&c->poll, on_closed);
	echo_socket_close(&c->socket);
}

void echo_cancel(struct echo *e)
{
	close_channel(e, &e->channels[0]);
	close_channel(e, &e->channels[1]);
	uv_close((uv_handle_t *)&e->timer, on_closed);
}

static void finish_probing(struct echo *e)
{
	e->done(e->data, e->reached);
	echo_cancel(e);
}

static void on_timer(uv_timer_t *timer)
{
	struct echo *e = timer->data;

	if (e->sent == ECHO_PROBES) {
		finish_probing(e);
		return;
	}
	send_round(e);
	uv_timer_start(timer, on_timer,
		       e->sent < ECHO_PROBES ? ECHO_INTERVAL_MS : ECHO_TIMEOUT_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct channel *c = poll->data;
	struct echo *e = c->echo;
	struct address from;
	__u16 i;
	int rc;

	while (!(rc = echo_socket_receive(&c->socket, &from, &i)) || rc == -ENOMSG)
		if (!rc && i < e->n && !e->reached[i] && address_equal(&from, &e->list[i])) {
			e->reached[i] = true;
			e->waiting--;
		}
	if (!e->waiting)
		finish_probing(e);
}

/* ---- start ---- */

/* Opens the socket of a family. Returns 0 or -errno. If the kernel lacks the family, it returns 0,
 * and the addresses of that family count as unanswered. */
static int open_channel(struct echo *e, struct channel *c, uv_loop_t *loop, __u8 family)
{
	int rc = echo_socket_open(family, &c->socket);

	if (rc)
		return rc == -EAFNOSUPPORT ? 0 : rc;
	c->echo = e;
	uv_poll_init(loop, &c->poll, c->socket.fd);
	c->poll.data = c;
	uv_poll_start(&c->poll, UV_READABLE, on_readable);
	e->open++;
	return 0;
}

int echo_start(uv_loop_t *loop, const struct address *list, size_t n, echo_done *done, void *data,
	       struct echo **ret)
{
	struct echo *e = xcalloc(1, sizeof(*e));
	int rc = 0;

	*e = (struct echo){
		.channels = { { .socket.fd = -1 }, { .socket.fd = -1 } }, .n = n, .waiting = n,
		.done = done, .data = data, .open = 1,
		.list = xcalloc(n, sizeof(*list)), .reached = xcalloc(n, sizeof(bool)),
	};
	uv_timer_init(loop, &e->timer);
	e->timer.data = e;
	for (size_t i = 0; i < n && !rc; i++) {
		struct channel *c = channel_of(e, &list[i]);

		e->list[i] = list[i];
		if (c->socket.fd < 0)
			rc = open_channel(e, c, loop, list[i].family);
	}
	if (rc) {
		echo_cancel(e);
		return rc;
	}
	*ret = e;
	uv_timer_start(&e->timer, on_timer, 0, 0);
	return 0;
}
