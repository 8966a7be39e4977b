/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Connects the sockets and the timeout of c-ares to a libuv loop.
 */
#include <errno.h>
#include <string.h>
#include "lib/grow.h"
#include "lib/memory.h"
#include "net/dns.h"

#define TRY_MS 1000			/* ms that the first server gets to answer */
#define TRIES 2

struct socket {
	uv_poll_t poll;
	ares_socket_t fd;
	struct dns *dns;
	struct socket *next;
};

/* EXACT asks for exactly the given names. SEARCH appends the domains of resolv.conf. */
enum { EXACT, SEARCH, CHANNELS };

struct dns {
	uv_loop_t *loop;
	uv_timer_t timeout;		/* timer for the next timeout of c-ares */
	ares_channel channels[CHANNELS];
	bool alone;
	struct socket *sockets;
	dns_progress *progress;
	void *data;
};

static void on_timeout(uv_timer_t *timer);

static void process_sockets(struct dns *d, ares_socket_t readable, ares_socket_t writable)
{
	struct timeval most = { .tv_sec = TRY_MS / 1000 }, room[CHANNELS], *wait = &most;

	for (int i = 0; i < CHANNELS; i++)
		ares_process_fd(d->channels[i], readable, writable);
	if (!d->progress(d->data))
		return;
	/* The result points to `most` or into `room`, so both must exist. */
	for (int i = 0; i < CHANNELS; i++)
		wait = ares_timeout(d->channels[i], wait, &room[i]);
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
		s = xcalloc(1, sizeof(*s));
		if (uv_poll_init(d->loop, &s->poll, fd)) {
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

static int open_channel(struct dns *d, int which)
{
	/* Older versions of c-ares heed the number of domains, and newer ones the flag. */
	struct ares_options options = {
		.timeout = TRY_MS, .tries = TRIES, .sock_state_cb = on_socket_state,
		.sock_state_cb_data = d, .flags = ARES_FLAG_NOSEARCH, .ndomains = 0, .lookups = "b",
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
		   (which == EXACT ? ARES_OPT_FLAGS | ARES_OPT_DOMAINS : 0) |
		   (d->alone ? ARES_OPT_LOOKUPS : 0);

	return ares_init_options(&d->channels[which], &options, mask);
}

int dns_open(uv_loop_t *loop, bool alone, dns_progress *progress, void *data, struct dns **ret)
{
	struct dns *d = xcalloc(1, sizeof(*d));

	d->alone = alone;
	if (ares_library_init(ARES_LIB_INIT_ALL) || open_channel(d, EXACT) ||
	    open_channel(d, SEARCH)) {
		if (d->channels[EXACT])
			ares_destroy(d->channels[EXACT]);
		free(d);
		return -EIO;
	}
	d->loop = loop;
	d->progress = progress;
	d->data = data;
	uv_timer_init(loop, &d->timeout);
	d->timeout.data = d;
	*ret = d;
	return 0;
}

struct question {
	struct dns *dns;
	int family;
	ares_addrinfo_callback callback;
	void *data;
	char name[];
};

static void ask(struct question *q, int which, ares_addrinfo_callback callback)
{
	struct ares_addrinfo_hints hints = { .ai_family = q->family, .ai_socktype = SOCK_DGRAM,
					     .ai_flags = ARES_AI_NOSORT };

	ares_getaddrinfo(q->dns->channels[which], q->name, NULL, &hints, callback, q);
}

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question *q = data;

	/* "search ." in resolv.conf makes a name of c-ares that is none. */
	q->callback(q->data, status == ARES_EBADNAME ? ARES_ENOTFOUND : status, timeouts, info);
	free(q);
}

/* A name that exists, with or without addresses, is not searched in other domains: there, another
 * host may have an address of the family that this one lacks. */
static void on_exact_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question *q = data;

	if (status == ARES_ENOTFOUND && !q->dns->alone)
		ask(q, SEARCH, on_answer);
	else
		on_answer(data, status, timeouts, info);
}

void dns_ask(struct dns *d, const char *name, int family, ares_addrinfo_callback callback,
	     void *data)
{
	struct question *q = xcalloc(1, sizeof(*q) + strlen(name) + 1);

	*q = (struct question){ .dns = d, .family = family, .callback = callback, .data = data };
	strcpy(q->name, name);
	if (d->alone || strchr(name, '.'))
		ask(q, EXACT, on_exact_answer);
	else
		ask(q, SEARCH, on_answer);
}

void dns_go(struct dns *d)
{
	process_sockets(d, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void dns_close(struct dns *d)
{
	/* Makes c-ares close its sockets; on_socket_state() then closes our handles. */
	for (int i = 0; i < CHANNELS; i++)
		ares_destroy(d->channels[i]);
	uv_close((uv_handle_t *)&d->timeout, on_closed);
}

bool dns_take(const struct ares_addrinfo_node *node, int family, struct address *ret,
	      char why[DNS_WHY_LEN])
{
	char text[ADDRESS_STRLEN];

	if (node->ai_family != family)
		return false;
	*ret = address_from_socket(node->ai_addr);
	if (!address_wrong(address_format(ret, text), ret->family, NO_NAMES))
		return true;
	snprintf(why, DNS_WHY_LEN, "the answer is %s, which wgxdp cannot use", text);
	return false;
}

/* ---- all addresses of a name ---- */

struct lookup {
	struct dns *dns;
	lookup_done *done;
	void *data;
	struct half {			/* answer for one family, IPv6 or IPv4 */
		struct lookup *lookup;
		struct address *list;
		size_t n;
		unsigned int ttl;
		const char *failed;
		char why[DNS_WHY_LEN];	/* from dns_take() */
	} halves[2];
	unsigned int open;
};

static const int families[2] = { AF_INET6, AF_INET };

static void add_node(struct half *h, const struct ares_addrinfo_node *node)
{
	struct address a;

	if (!dns_take(node, families[h - h->lookup->halves], &a, h->why) ||
	    address_find(h->list, h->n, &a) < h->n)
		return;
	*append(h->list, h->n) = a;
	h->ttl = node->ai_ttl < h->ttl ? node->ai_ttl : h->ttl;
}

static void on_half(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	struct half *h = data;

	h->lookup->open--;
	h->ttl = LOOKUP_TTL_MAX;
	if (status == ARES_SUCCESS) {
		for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
			h->ttl = c->ttl < h->ttl ? c->ttl : h->ttl;
		for (const struct ares_addrinfo_node *a = info->nodes; a; a = a->ai_next)
			add_node(h, a);
		h->failed = !h->n && *h->why ? h->why : NULL;
	} else if (status != ARES_ENODATA && status != ARES_ENOTFOUND) {
		h->failed = ares_strerror(status);
	}
	if (info)
		ares_freeaddrinfo(info);
}

static void free_lookup(struct lookup *l)
{
	free(l->halves[0].list);
	free(l->halves[1].list);
	free(l);
}

static bool on_progress(void *data)
{
	struct lookup *l = data;
	struct lookup_answer answer = { .ttl = LOOKUP_TTL_MAX };

	if (l->open)
		return true;
	dns_close(l->dns);
	for (int i = 0; i < 2; i++) {
		const struct half *h = &l->halves[i];

		for (size_t j = 0; j < h->n; j++)
			*append(answer.list, answer.n) = h->list[j];
		answer.failed[i] = h->failed;
		answer.ttl = h->ttl < answer.ttl ? h->ttl : answer.ttl;
	}
	answer.ttl = answer.ttl ?: LOOKUP_TTL_HOSTS;
	l->done(l->data, &answer);
	free(answer.list);
	free_lookup(l);
	return false;
}

int lookup_start(uv_loop_t *loop, const char *name, lookup_done *done, void *data,
		 struct lookup **ret)
{
	struct lookup *l = xcalloc(1, sizeof(*l));
	struct address literal;
	int only = address_parse(name, &literal) ? AF_UNSPEC :
		   literal.family == FAMILY_IPV4 ? AF_INET : AF_INET6;
	int rc = dns_open(loop, false, on_progress, l, &l->dns);

	if (rc) {
		free(l);
		return rc;
	}
	*ret = l;			/* set it before done() can be called */
	l->done = done;
	l->data = data;
	for (int i = 0; i < 2; i++) {
		l->halves[i].lookup = l;
		l->halves[i].ttl = LOOKUP_TTL_MAX;
		if (only && only != families[i])
			continue;
		l->open++;
		dns_ask(l->dns, name, families[i], on_half, &l->halves[i]);
	}
	dns_go(l->dns);
	return 0;
}

void lookup_cancel(struct lookup *l)
{
	dns_close(l->dns);
	free_lookup(l);
}
