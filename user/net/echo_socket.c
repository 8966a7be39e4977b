/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements echo_socket.h. With a ping socket the kernel sets the id and filters the answers by
 * it. With a raw socket this file does both, and an IPv4 answer arrives with its IP header.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/random.h>
#include "lib/checksum.h"
#include "lib/fd.h"
#include "net/echo_socket.h"

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
