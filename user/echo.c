/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Probes carry their target's number as sequence, and bytes that nobody else knows: an answer counts only with these and from
 * that address.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include "echo.h"

#define NONCE 16
#ifndef ICMP_FILTER			/* linux/icmp.h, which netinet/ip_icmp.h bears not beside it */
#define ICMP_FILTER 1
#endif

struct probe {				/* the same head in both families */
	__u8 type, code;
	__be16 checksum, id, sequence;
	__u8 nonce[NONCE];
};

struct channel {			/* one a family */
	uv_poll_t poll;
	int fd;				/* -1: there is none */
	bool raw;
	struct echo *echo;
};

struct echo {
	uv_timer_t timer;
	struct channel channels[2];	/* IPv4, IPv6 */
	struct address *list;
	bool *reached;
	size_t n, waiting;
	unsigned int sent;		/* rounds */
	struct probe probe;
	echo_done *done;
	void *data;
	unsigned int open;		/* handles that are not closed yet */
};

/* ---- sending ---- */

static __be16 checksum(const struct probe *p)
{
	const __u8 *b = (const __u8 *)p;
	__u32 sum = 0;

	for (size_t i = 0; i < sizeof(*p); i += 2)
		sum += b[i] << 8 | b[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return htons(~sum);
}

static socklen_t socket_address(const struct address *a, struct sockaddr_in6 *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (a->family == FAMILY_IPV6) {
		ret->sin6_family = AF_INET6;
		memcpy(&ret->sin6_addr, a->addr.b, sizeof(ret->sin6_addr));
		return sizeof(*ret);
	}
	in->sin_family = AF_INET;
	memcpy(&in->sin_addr, a->addr.b + 12, sizeof(in->sin_addr));
	return sizeof(*in);
}

static struct channel *channel_of(struct echo *e, const struct address *a)
{
	return &e->channels[a->family == FAMILY_IPV6];
}

/* What cannot be sent is not answered */
static void send_round(struct echo *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct channel *c = channel_of(e, &e->list[i]);
		struct probe p = e->probe;
		struct sockaddr_in6 to;
		socklen_t len = socket_address(&e->list[i], &to);

		if (e->reached[i] || c->fd < 0)
			continue;
		p.type = e->list[i].family == FAMILY_IPV6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
		p.sequence = htons(i);
		p.checksum = e->list[i].family == FAMILY_IPV6 ? 0 : checksum(&p);	/* of ICMPv6 the kernel's */
		sendto(c->fd, &p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&to, len);
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
	if (c->fd < 0)
		return;
	uv_poll_stop(&c->poll);
	c->poll.data = e;
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);
	c->fd = -1;
}

void echo_cancel(struct echo *e)
{
	close_channel(e, &e->channels[0]);
	close_channel(e, &e->channels[1]);
	uv_close((uv_handle_t *)&e->timer, on_closed);
}

static void finish(struct echo *e)
{
	e->done(e->data, e->reached);
	echo_cancel(e);
}

static void on_timer(uv_timer_t *timer)
{
	struct echo *e = timer->data;

	if (e->sent == ECHO_PROBES) {
		finish(e);
		return;
	}
	send_round(e);
	uv_timer_start(timer, on_timer, e->sent < ECHO_PROBES ? ECHO_INTERVAL_MS : ECHO_TIMEOUT_MS, 0);
}

/* Of raw IPv4 the IP header is in front. NULL: none of ours */
static const struct probe *answer_in(const struct channel *c, const __u8 *packet, ssize_t n, bool ipv6)
{
	const struct echo *e = c->echo;
	const struct probe *p;
	ssize_t at = 0;

	if (c->raw && !ipv6) {
		if (n < (ssize_t)sizeof(struct iphdr))
			return NULL;
		at = (packet[0] & 0xf) * 4;
	}
	if (n - at < (ssize_t)sizeof(*p))
		return NULL;
	p = (const struct probe *)(packet + at);
	if (p->type != (ipv6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) || p->code || (c->raw && p->id != e->probe.id) ||
	    memcmp(p->nonce, e->probe.nonce, NONCE) || ntohs(p->sequence) >= e->n)
		return NULL;
	return p;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct channel *c = poll->data;
	struct echo *e = c->echo;
	bool ipv6 = c == &e->channels[1];
	__u8 packet[1500] __attribute__((aligned(4)));
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(c->fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from, &len)) >= 0 || errno == EINTR) {
		const struct probe *p = n < 0 ? NULL : answer_in(c, packet, n, ipv6);
		struct address a = { .family = 0 };

		if (p)
			a = ipv6 ? address_from_ipv6(from.sin6_addr) : address_from_ipv4(((struct sockaddr_in *)&from)->sin_addr);
		if (p && !e->reached[ntohs(p->sequence)] && address_equal(&a, &e->list[ntohs(p->sequence)])) {
			e->reached[ntohs(p->sequence)] = true;
			e->waiting--;
		}
		len = sizeof(from);
	}
	if (!e->waiting)
		finish(e);
}

/* ---- beginning ---- */

/* 0; -EAFNOSUPPORT: this kernel has no such family, which is no more than not to reach it; or another -errno */
static int open_channel(struct echo *e, struct channel *c, uv_loop_t *loop, int family)
{
	int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, type = SOCK_NONBLOCK | SOCK_CLOEXEC;
	__u32 filter4 = ~(1U << ICMP_ECHOREPLY);	/* types that are not to come: struct icmp_filter */
	struct icmp6_filter filter;

	c->echo = e;
	c->fd = socket(family, SOCK_DGRAM | type, protocol);
	if (c->fd < 0 && errno != EAFNOSUPPORT) {
		c->fd = socket(family, SOCK_RAW | type, protocol);
		c->raw = true;
	}
	if (c->fd < 0)
		return -errno;
	if (c->raw && family == AF_INET6) {
		ICMP6_FILTER_SETBLOCKALL(&filter);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
		setsockopt(c->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
	} else if (c->raw) {
		setsockopt(c->fd, SOL_RAW, ICMP_FILTER, &filter4, sizeof(filter4));
	}
	uv_poll_init(loop, &c->poll, c->fd);
	c->poll.data = c;
	uv_poll_start(&c->poll, UV_READABLE, on_readable);
	e->open++;
	return 0;
}

int echo_start(uv_loop_t *loop, const struct address *list, size_t n, echo_done *done, void *data, struct echo **ret)
{
	struct echo *e = calloc(1, sizeof(*e));
	int rc = 0;

	if (!e)
		return -ENOMEM;
	*e = (struct echo){
		.channels = { { .fd = -1 }, { .fd = -1 } }, .n = n, .waiting = n, .done = done, .data = data, .open = 1,
		.list = calloc(n ?: 1, sizeof(*list)), .reached = calloc(n ?: 1, sizeof(bool)),
	};
	uv_timer_init(loop, &e->timer);
	e->timer.data = e;
	if (!e->list || !e->reached || getrandom(&e->probe, sizeof(e->probe), 0) != sizeof(e->probe))
		rc = -ENOMEM;
	for (size_t i = 0; i < n && !rc; i++) {
		struct channel *c = channel_of(e, &list[i]);

		e->list[i] = list[i];
		if (c->fd < 0)
			rc = open_channel(e, c, loop, list[i].family == FAMILY_IPV6 ? AF_INET6 : AF_INET);
		rc = rc == -EAFNOSUPPORT ? 0 : rc;
	}
	if (rc) {
		echo_cancel(e);
		return rc;
	}
	e->probe.type = e->probe.code = 0;
	e->probe.checksum = 0;
	*ret = e;
	uv_timer_start(&e->timer, on_timer, 0, 0);
	return 0;
}
