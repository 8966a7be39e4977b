/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names to addresses. What is asked at the same time is a round, with a channel of its own, so that each reads
 * /etc/resolv.conf as it is then and nothing stays open between.
 */
#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "config_check.h"
#include "grow.h"
#include "log.h"
#include "resolver.h"

#define TRY_MS 1000			/* for an answer of a server, at the first of */
#define TRIES 2
#define TTL_MIN 1			/* seconds */
#define TTL_MAX 86400
#define TTL_HOSTS 30			/* of /etc/hosts, and of a TTL of 0 */
#define RETRY_MIN 1			/* after a failure, doubled up to */
#define RETRY_MAX 60
#define TOGETHER_MS 1000		/* what is due within this is asked for in one round */

struct name {				/* one of answers, by text and family */
	char text[sizeof(((struct answer *)NULL)->text)];
	__u8 family;
	uint64_t due;			/* of the loop's time, ms */
	unsigned int retry;		/* seconds, of the last failure; 0: it did not fail */
	struct resolver *resolver;
};

struct socket {
	uv_poll_t poll;
	ares_socket_t fd;
	struct resolver *resolver;
	struct socket *next;
};

struct resolver {
	uv_loop_t *loop;
	struct answers *answers;
	resolver_done *done;
	void *data;
	struct name *names;
	size_t n_names;
	ares_channel channel;		/* NULL: no round now */
	struct socket *sockets;
	unsigned int open;		/* questions */
	bool moved, renew;		/* in this round; after it */
	uv_timer_t due, timeout;	/* of the next round; of c-ares in this one */
};

static void on_due(uv_timer_t *timer);
static void on_timeout(uv_timer_t *timer);
static void start_round(struct resolver *r);

static __s64 now_s(void)
{
	return time(NULL);
}

static struct answer *answer_of(const struct name *n)
{
	return (struct answer *)answers_find(n->resolver->answers, n->text, n->family);
}

/* ---- rounds ---- */

static void schedule(struct resolver *r)
{
	uint64_t first = UINT64_MAX, now = uv_now(r->loop);

	for (size_t i = 0; i < r->n_names; i++)
		first = r->names[i].due < first ? r->names[i].due : first;
	uv_timer_stop(&r->due);
	if (first != UINT64_MAX)
		uv_timer_start(&r->due, on_due, first > now ? first - now : 0, 0);
}

static void on_due(uv_timer_t *timer)
{
	start_round(timer->data);
}

static void end_round(struct resolver *r)
{
	ares_channel channel = r->channel;
	bool moved = r->moved;

	r->channel = NULL;
	uv_timer_stop(&r->timeout);
	ares_destroy(channel);			/* closes its sockets: on_socket_state() */
	r->moved = false;
	if (r->renew)
		resolver_renew(r);
	else
		schedule(r);
	r->done(r->data, moved);
}

static void process(struct resolver *r, ares_socket_t readable, ares_socket_t writable)
{
	struct timeval most = { .tv_sec = TRY_MS / 1000 }, t;

	ares_process_fd(r->channel, readable, writable);
	if (!r->open) {
		end_round(r);
		return;
	}
	ares_timeout(r->channel, &most, &t);
	uv_timer_start(&r->timeout, on_timeout, t.tv_sec * 1000 + t.tv_usec / 1000 + 1, 0);
}

static void on_timeout(uv_timer_t *timer)
{
	process(timer->data, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct socket *s = poll->data;

	process(s->resolver, status || events & UV_READABLE ? s->fd : ARES_SOCKET_BAD,
		status || events & UV_WRITABLE ? s->fd : ARES_SOCKET_BAD);
}

static void on_socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* c-ares says what it waits for on a socket; nothing: it closes it */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = data;
	struct socket **at = &r->sockets, *s;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	s = *at;
	if (!readable && !writable) {
		if (!s)
			return;
		*at = s->next;
		uv_poll_stop(&s->poll);
		uv_close((uv_handle_t *)&s->poll, on_socket_closed);
		return;
	}
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s || uv_poll_init(r->loop, &s->poll, fd)) {
			free(s);		/* the time-out ends it */
			return;
		}
		*s = (struct socket){ .poll = s->poll, .fd = fd, .resolver = r, .next = r->sockets };
		s->poll.data = s;
		r->sockets = s;
	}
	uv_poll_start(&s->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_socket);
}

/* ---- answers ---- */

static void tell_move(const struct answer *a, const struct address *to)
{
	char was[ADDRESS_STRLEN], is[ADDRESS_STRLEN];

	if (a->address.family)
		log_info("%s is %s now, no longer %s", a->text, address_format(to, is), address_format(&a->address, was));
	else
		log_info("%s is %s", a->text, address_format(to, is));
}

static bool take_address(const struct ares_addrinfo_node *node, struct address *ret)
{
	char text[ADDRESS_STRLEN];

	*ret = node->ai_family == AF_INET ? address_from_ipv4(((struct sockaddr_in *)node->ai_addr)->sin_addr)
					  : address_from_ipv6(((struct sockaddr_in6 *)node->ai_addr)->sin6_addr);
	return !address_wrong(address_format(ret, text), ret->family, false);
}

/* The address that it has, if that is among the answers, else the first one. Seconds until it is to be asked again; 0: none
 * of the answers is the address of a host. */
static unsigned int take_answers(struct answer *a, const struct ares_addrinfo *info, bool *moved)
{
	struct address first = { .family = 0 }, one;
	int ttl = TTL_MAX;
	bool kept = false;

	for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
		ttl = c->ttl < ttl ? c->ttl : ttl;
	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
		if (node->ai_family != a->family || !take_address(node, &one))
			continue;
		ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
		first = first.family ? first : one;
		kept |= address_equal(&one, &a->address);
	}
	if (!first.family)
		return 0;
	if (!kept) {
		tell_move(a, &first);
		a->address = first;
		*moved = true;
	}
	a->resolved = now_s();
	return ttl <= 0 ? TTL_HOSTS : ttl < TTL_MIN ? TTL_MIN : ttl;
}

static void tell_failure(const struct answer *a, int status)
{
	char text[ADDRESS_STRLEN];

	if (a->address.family)		/* else who needs it says that it waits */
		log_warning("%s: no %s address now: %s; going on with %s", a->text, a->family == FAMILY_IPV4 ? "IPv4" : "IPv6",
			    status ? ares_strerror(status) : "no address of a host", address_format(&a->address, text));
}

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	struct name *n = data;
	struct resolver *r = n->resolver;
	struct answer *a = answer_of(n);
	unsigned int again = 0;

	r->open--;
	if (a && status == ARES_SUCCESS)
		again = take_answers(a, info, &r->moved);
	if (info)
		ares_freeaddrinfo(info);
	if (again) {
		n->retry = 0;
	} else {
		if (a && !n->retry && status != ARES_EDESTRUCTION)
			tell_failure(a, status);
		again = n->retry = !n->retry ? RETRY_MIN : n->retry * 2 < RETRY_MAX ? n->retry * 2 : RETRY_MAX;
	}
	n->due = uv_now(r->loop) + again * 1000ULL;
}

static void ask(struct resolver *r, struct name *n)
{
	struct ares_addrinfo_hints hints = { .ai_family = n->family, .ai_socktype = SOCK_DGRAM, .ai_flags = ARES_AI_NOSORT };

	r->open++;
	ares_getaddrinfo(r->channel, n->text, NULL, &hints, on_answer, n);
}

static void start_round(struct resolver *r)
{
	struct ares_options options = {
		.timeout = TRY_MS, .tries = TRIES, .sock_state_cb = on_socket_state, .sock_state_cb_data = r,
	};
	uint64_t until;

	uv_update_time(r->loop);
	until = uv_now(r->loop) + TOGETHER_MS;
	if (ares_init_options(&r->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB)) {
		r->channel = NULL;
		uv_timer_start(&r->due, on_due, RETRY_MAX * 1000, 0);
		return;
	}
	r->open++;			/* ours: some answers come at once */
	for (size_t i = 0; i < r->n_names; i++)
		if (r->names[i].due <= until)
			ask(r, &r->names[i]);
	r->open--;
	process(r, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* ---- from outside ---- */

int resolver_new(uv_loop_t *loop, struct answers *answers, resolver_done *done, void *data, struct resolver **ret)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r || ares_library_init(ARES_LIB_INIT_ALL)) {
		free(r);
		return -ENOMEM;
	}
	*r = (struct resolver){ .loop = loop, .answers = answers, .done = done, .data = data };
	uv_timer_init(loop, &r->due);
	uv_timer_init(loop, &r->timeout);
	r->due.data = r->timeout.data = r;
	*ret = r;
	return 0;
}

void resolver_renew(struct resolver *r)
{
	struct name *old = r->names, *n;
	size_t n_old = r->n_names;

	r->renew = r->channel;		/* whose questions are about the old ones */
	if (r->renew)
		return;
	r->names = NULL;
	r->n_names = 0;
	for (size_t i = 0; i < r->answers->n; i++) {
		const struct answer *a = &r->answers->list[i];
		size_t j;

		if (!answer_is_name(a) || !(n = append(r->names, r->n_names)))
			continue;
		*n = (struct name){ .family = a->family, .due = uv_now(r->loop), .resolver = r };
		strcpy(n->text, a->text);
		for (j = 0; j < n_old && (old[j].family != n->family || strcmp(old[j].text, n->text)); j++)
			;
		if (j < n_old)
			*n = old[j];
	}
	free(old);
	schedule(r);
}

void resolver_hope(struct resolver *r)
{
	for (size_t i = 0; i < r->n_names && !r->channel; i++)
		if (r->names[i].retry > RETRY_MIN) {
			r->names[i].retry = RETRY_MIN;
			r->names[i].due = uv_now(r->loop) + RETRY_MIN * 1000ULL;
		}
	if (!r->channel)
		schedule(r);
}

struct once {
	uv_loop_t loop;
	bool moved;
};

/* The loop ends at once, not when it next has something to do */
static void on_once(void *data, bool moved)
{
	struct once *once = data;

	once->moved = moved;
	uv_stop(&once->loop);
}

static void on_enough(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

bool resolver_once(struct answers *answers, bool missing, unsigned int ms)
{
	struct once once = { .moved = false };
	struct resolver *r;
	uv_timer_t deadline;
	bool any = false;

	for (size_t i = 0; i < answers->n; i++)
		any |= answer_is_name(&answers->list[i]) && !(missing && answers->list[i].address.family);
	if (!any || uv_loop_init(&once.loop))
		return false;
	uv_timer_init(&once.loop, &deadline);
	uv_timer_start(&deadline, on_enough, ms, 0);
	if (resolver_new(&once.loop, answers, on_once, &once, &r))
		return false;
	resolver_renew(r);
	uv_run(&once.loop, UV_RUN_DEFAULT);
	if (r->channel)
		end_round(r);
	uv_close((uv_handle_t *)&deadline, NULL);
	uv_close((uv_handle_t *)&r->due, NULL);
	uv_close((uv_handle_t *)&r->timeout, NULL);
	while (uv_run(&once.loop, UV_RUN_DEFAULT))
		;
	uv_loop_close(&once.loop);
	free(r->names);
	free(r);
	return once.moved;
}
