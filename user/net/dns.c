/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements dns.h: connects the sockets and the timeout of c-ares to a libuv loop.
 */
#include <errno.h>
#include <stdlib.h>
#include "net/dns.h"

#define TRY_MS 1000			/* ms that the first server gets to answer */
#define TRIES 2

struct socket {
	uv_poll_t poll;
	ares_socket_t fd;
	struct dns *dns;
	struct socket *next;
};

struct dns {
	uv_loop_t *loop;
	uv_timer_t timeout;		/* timer for the next timeout of c-ares */
	ares_channel channel;
	struct socket *sockets;
	dns_progress *progress;
	void *data;
};

static void on_timeout(uv_timer_t *timer);

static void process_sockets(struct dns *d, ares_socket_t readable, ares_socket_t writable)
{
	struct timeval most = { .tv_sec = TRY_MS / 1000 }, room, *wait;

	ares_process_fd(d->channel, readable, writable);
	if (!d->progress(d->data))
		return;
	/* The result points to `most` or `room`, so both must exist. */
	wait = ares_timeout(d->channel, &most, &room);
	uv_timer_start(&d->timeout, on_timeout, wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1, 0);
}

static void on_timeout(uv_timer_t *timer)
{
	process_sockets(timer->data, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct socket *s = poll->data;

	process_sockets(s->dns, status || events & UV_READABLE ? s->fd : ARES_SOCKET_BAD,
			status || events & UV_WRITABLE ? s->fd : ARES_SOCKET_BAD);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* Callback of c-ares when it waits for other events of a socket. If it waits for none, it will
 * close the socket. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = data;
	struct socket **at = &d->sockets, *s;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	s = *at;
	if (!readable && !writable) {
		if (!s)
			return;
		*at = s->next;
		uv_poll_stop(&s->poll);
		uv_close((uv_handle_t *)&s->poll, on_closed);
		return;
	}
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s || uv_poll_init(d->loop, &s->poll, fd)) {
			free(s);	/* without a poll, the question times out */
			return;
		}
		*s = (struct socket){ .poll = s->poll, .fd = fd, .dns = d, .next = d->sockets };
		s->poll.data = s;
		d->sockets = s;
	}
	uv_poll_start(&s->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
		      on_socket);
}

int dns_open(uv_loop_t *loop, bool alone, dns_progress *progress, void *data, struct dns **ret)
{
	struct dns *d = calloc(1, sizeof(*d));
	struct ares_options options = {
		.timeout = TRY_MS, .tries = TRIES, .sock_state_cb = on_socket_state,
		.sock_state_cb_data = d, .flags = ARES_FLAG_NOSEARCH, .lookups = "b",
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
		   (alone ? ARES_OPT_FLAGS | ARES_OPT_LOOKUPS : 0);

	if (!d || ares_library_init(ARES_LIB_INIT_ALL) ||
	    ares_init_options(&d->channel, &options, mask)) {
		free(d);
		return -ENOMEM;
	}
	d->loop = loop;
	d->progress = progress;
	d->data = data;
	uv_timer_init(loop, &d->timeout);
	d->timeout.data = d;
	*ret = d;
	return 0;
}

void dns_ask(struct dns *d, const char *name, int family, ares_addrinfo_callback callback,
	     void *data)
{
	struct ares_addrinfo_hints hints = { .ai_family = family, .ai_socktype = SOCK_DGRAM,
					     .ai_flags = ARES_AI_NOSORT };

	ares_getaddrinfo(d->channel, name, NULL, &hints, callback, data);
}

void dns_go(struct dns *d)
{
	process_sockets(d, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void dns_close(struct dns *d)
{
	/* Makes c-ares close its sockets; on_socket_state() then closes our handles. */
	ares_destroy(d->channel);
	uv_close((uv_handle_t *)&d->timeout, on_closed);
}
