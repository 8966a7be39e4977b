/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A raw socket for TCP. The caller knows a segment by 16 bits. These are the upper half of its
 * sequence number, plus the key: an answer acknowledges no more than the length behind it.
 */
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "lib/checksum.h"
#include "net/syn_socket.h"

/* Our ports, used in turn, so that no connection is like the one before. */
#define SYN_PORTS 4096

int syn_socket_open(__u8 family, struct syn_socket *ret)
{
	int checksum_at = offsetof(struct tcphdr, th_sum), random;
	struct syn_socket s = { .family = family };

	s.fd = socket(family == FAMILY_IPV6 ? AF_INET6 : AF_INET,
		      SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (s.fd < 0)
		return -errno;
	random = getrandom(&s.port, sizeof(s.port), 0) == sizeof(s.port) &&
		 getrandom(&s.key, sizeof(s.key), 0) == sizeof(s.key);
	if (!random || (family == FAMILY_IPV6 && setsockopt(s.fd, IPPROTO_IPV6, IPV6_CHECKSUM,
							    &checksum_at, sizeof(checksum_at)))) {
		int rc = random ? -errno : -EIO;

		close(s.fd);
		return rc;
	}
	s.port = 32768 + s.port % (65536 - 32768 - SYN_PORTS);
	*ret = s;
	return 0;
}

void syn_socket_close(struct syn_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* The kernel fills in IPv6's. Zeros behind the header add nothing but their length. */
static __be16 checksum4(int fd, const struct address *to, const struct tcphdr *tcp,
			unsigned int length)
{
	struct sockaddr_in from = { 0 };
	socklen_t n = sizeof(from);
	__u32 sum = IPPROTO_TCP + length;

	getsockname(fd, (struct sockaddr *)&from, &n);
	sum = checksum_add(sum, &from.sin_addr, sizeof(from.sin_addr));
	sum = checksum_add(sum, to->addr.b + 12, sizeof(from.sin_addr));
	return checksum_fold(checksum_add(sum, tcp, sizeof(*tcp)));
}

int syn_socket_send(const struct syn_socket *s, const struct address *to, __be16 port,
		    __u16 sequence, unsigned int length)
{
	struct tcphdr tcp = {
		.th_sport = htons(s->port + sequence % SYN_PORTS), .th_dport = port,
		.th_seq = htonl(s->key + ((__u32)sequence << 16)), .th_off = sizeof(tcp) / 4,
		.th_flags = TH_SYN, .th_win = htons(1024),
	};
	__u8 segment[length];

	if (s->family == FAMILY_IPV4)
		tcp.th_sum = checksum4(s->fd, to, &tcp, length);
	memset(segment, 0, length);
	memcpy(segment, &tcp, sizeof(tcp));
	return send(s->fd, segment, length, MSG_DONTWAIT) < 0 ? -errno : 0;
}

int syn_socket_receive(const struct syn_socket *s, __u16 *ret_sequence, __be16 *ret_port)
{
	/* a longer one is cut: its header is enough */
	__u8 packet[128] __attribute__((aligned(4)));
	ssize_t n = recv(s->fd, packet, sizeof(packet), MSG_DONTWAIT), at = 0;
	const struct tcphdr *tcp;
	__u16 sequence;

	if (n < 0)
		return errno == EINTR ? -ENOMSG : -errno;
	if (s->family == FAMILY_IPV4) /* the kernel leaves the IP header in front */
		at = n < (ssize_t)sizeof(struct iphdr) ? n : (packet[0] & 0xf) * 4;
	tcp = (const struct tcphdr *)(packet + at);
	if (n - at < (ssize_t)sizeof(*tcp) || !(tcp->th_flags & TH_ACK) ||
	    !(tcp->th_flags & (TH_SYN | TH_RST)))
		return -ENOMSG;
	sequence = (ntohl(tcp->th_ack) - 1 - s->key) >> 16;
	if (ntohs(tcp->th_dport) != s->port + sequence % SYN_PORTS)
		return -ENOMSG;
	*ret_sequence = sequence;
	*ret_port = tcp->th_sport;
	return 0;
}

/* The error may quote no more than eight bytes: the ports and the sequence number. */
bool syn_socket_quoted(const struct syn_socket *s, const void *quoted, size_t n,
		       __u16 *ret_sequence)
{
	struct tcphdr tcp = { 0 };
	__u16 sequence;

	memcpy(&tcp, quoted, n < sizeof(tcp) ? n : sizeof(tcp));
	sequence = (ntohl(tcp.th_seq) - s->key) >> 16;
	if (n < 8 || (ntohl(tcp.th_seq) - s->key) & 0xffff ||
	    ntohs(tcp.th_sport) != s->port + sequence % SYN_PORTS)
		return false;
	*ret_sequence = sequence;
	return true;
}
