/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * With a ping socket the kernel sets the id and filters the answers by it. With a raw socket this
 * file does both, and an IPv4 answer arrives with its IP header. In a round of probes, a probe's
 * sequence number is the index of its target, and an answer counts only if it comes from that
 * address.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/random.h>
#include "lib/file.h"
#include "lib/memory.h"
#include "net/echo.h"
#include "net/packet_make.h"

/* ---- the socket ---- */

#ifndef ICMP_FILTER /* from linux/icmp.h, which conflicts with netinet/ip_icmp.h */
#define ICMP_FILTER 1
#endif

struct request {	/* ICMP and ICMPv6 echo requests begin alike */
	__u8 type, code;
	__be16 checksum, id, sequence;
	__u8 nonce[ECHO_NONCE];
};

int echo_socket_open(__u8 family, struct echo_socket *ret)
{
	bool ipv6 = family == FAMILY_IPV6;
	int domain = ipv6 ? AF_INET6 : AF_INET, type = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int protocol = ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	/* A set bit: the socket drops this type (struct icmp_filter). */
	__u32 filter4 = ~(1U << ICMP_ECHOREPLY);
	struct echo_socket s = { .family = family };
	struct icmp6_filter filter;

	s.fd = socket(domain, SOCK_DGRAM | type, protocol);
	if (s.fd < 0 && errno != EAFNOSUPPORT) {
		s.fd = socket(domain, SOCK_RAW | type, protocol);
		s.raw = true;
	}
	if (s.fd < 0)
		return -errno;
	if (s.raw && ipv6) {
		ICMP6_FILTER_SETBLOCKALL(&filter);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
		setsockopt(s.fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
	} else if (s.raw) {
		setsockopt(s.fd, SOL_RAW, ICMP_FILTER, &filter4, sizeof(filter4));
	}
	if (getrandom(&s.id, sizeof(s.id), 0) != sizeof(s.id) ||
	    getrandom(s.nonce, sizeof(s.nonce), 0) != sizeof(s.nonce)) {
		close(s.fd);
		return -EIO;
	}
	*ret = s;
	return 0;
}

void echo_socket_close(struct echo_socket *s)
{
	fd_close(s->fd);
	s->fd = -1;
}

int echo_socket_send(const struct echo_socket *s, const struct address *to, __u32 scope,
		     __u16 sequence, unsigned int length)
{
	bool ipv6 = s->family == FAMILY_IPV6;
	struct request r = { .type = ipv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO, .id = s->id,
			     .sequence = htons(sequence) };
	struct sockaddr_in6 address;
	socklen_t len = address_to_socket(to, 0, scope, &address);
	__u8 message[length];

	memcpy(r.nonce, s->nonce, sizeof(r.nonce));
	/* the kernel computes ICMPv6 checksums; zeros behind do not change an ICMP one */
	if (!ipv6)
		r.checksum = checksum_fold(checksum_add(0, &r, sizeof(r)));
	memset(message, 0, length);
	memcpy(message, &r, sizeof(r));
	return sendto(s->fd, message, length, MSG_DONTWAIT, (struct sockaddr *)&address,
		      len) < 0 ? -errno : 0;
}

static bool is_ours(const struct echo_socket *s, const struct request *r, __u8 type)
{
	return r->type == type && !r->code && (!s->raw || r->id == s->id);
}

int echo_socket_receive(const struct echo_socket *s, struct address *ret_from, __u16 *ret_sequence)
{
	/* Only the header is needed, so longer messages may be cut off. */
	__u8 packet[128] __attribute__((aligned(4)));
	struct sockaddr_in6 from = { 0 };
	socklen_t len = sizeof(from);
	const struct request *r;
	ssize_t n, at = 0;

	n = recvfrom(s->fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	if (n < 0)
		return errno == EINTR ? -ENOMSG : -errno;
	if (s->raw && s->family == FAMILY_IPV4) /* a raw IPv4 socket passes the IP header too */
		at = n < (ssize_t)sizeof(struct iphdr) ? n : (packet[0] & 0xf) * 4;
	r = (const struct request *)(packet + at);
	if (n - at < (ssize_t)sizeof(*r) ||
	    !is_ours(s, r, s->family == FAMILY_IPV6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) ||
	    memcmp(r->nonce, s->nonce, sizeof(r->nonce)))
		return -ENOMSG;
	*ret_from = address_from_socket(&from);
	*ret_sequence = ntohs(r->sequence);
	return 0;
}

/* Does not compare the nonce, because an ICMP error may quote as few as eight bytes. */
bool echo_socket_quoted(const struct echo_socket *s, const void *quoted, size_t n,
			__u16 *ret_sequence)
{
	struct request r = { 0 };

	memcpy(&r, quoted, n < sizeof(r) ? n : sizeof(r));
	if (n < offsetof(struct request, nonce) ||
	    !is_ours(s, &r, s->family == FAMILY_IPV6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO))
		return false;
	*ret_sequence = ntohs(r.sequence);
	return true;
}

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
