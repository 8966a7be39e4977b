/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends samples into stand-ins, and reads where they leave. Packets for this host itself arrive at
 * raw sockets, behind the last rule.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/memory.h"
#include "net/netlink_talk.h"
#include "net/packet_make.h"
#include "rehearsal/parts.h"

#define TOKEN 0x72686561	/* begins the numbers of samples, which their payloads have */
#define AT_NUMBER 4	/* its offset in headers of TCP and ICMPv6: the sequence number */
#define FORGET_AFTER 8192	/* samples after which connections are forgotten */
#define FIRST_PORT 40001	/* source ports: no connection is met twice */
#define PORTS 20000
#define VETH_MS 20		/* longest time of a packet through veths */
#define LENGTH_MAX 1400			/* longest payload of a sample */
#define FRAME_MAX 65536

static const __u8 neighbour[6] = { 2, 'w', 'g', 'x', 'd', 'p' };	/* all hosts outside */

static void watch(struct rehearsal *r, int fd, __u64 what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = what };

	epoll_ctl(r->parts->events, EPOLL_CTL_ADD, fd, &e);
}

int play_open(struct rehearsal *r)
{
	int on = 1, size = 1 << 20, *here = r->parts->here;

	r->parts->events = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		here[i] = socket(i ? AF_INET6 : AF_INET,
				 SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
		if (here[i] < 0 && i && errno == EAFNOSUPPORT)
			continue;
		if (here[i] < 0)
			return -errno;
		setsockopt(here[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
		watch(r, here[i], r->n_links + i);
	}
	setsockopt(here[1], IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	for (size_t i = 0; i < r->n_links; i++)
		if (r->parts->stage.stand_ins[i].fd >= 0)
			watch(r, r->parts->stage.stand_ins[i].fd, i);
	return 0;
}

void rehearsal_forget(struct rehearsal *r)
{
	char buffer[256] = { 0 };

	dump_read(NETLINK_NETFILTER, request_begin(buffer, NFNL_SUBSYS_CTNETLINK << 8 |
						   IPCTNL_MSG_CT_DELETE, NLM_F_ACK, GEN), 0, NULL);
}

/* ---- answers ---- */

struct waiting {			/* samples that were sent together */
	__u32 number;			/* number of the first one */
	size_t n;
	struct sample_answer *ret;
	size_t answered;
};

/* Takes the answer whose UDP header and payload these are, or another header with the number at
 * AT_NUMBER. */
static void take(struct waiting *w, const __u8 *at, size_t n, __u8 protocol,
		 struct sample_answer *a)
{
	struct udphdr udp;
	__u32 number;

	if (n < sizeof(udp) + 4 + sizeof(number))
		return;
	memcpy(&udp, at, sizeof(udp));
	memcpy(&number, at + (protocol == IPPROTO_UDP ? sizeof(udp) + 4 : AT_NUMBER),
	       sizeof(number));
	a->sport = ntohs(udp.source);
	a->port = ntohs(udp.dest);
	number = (ntohl(number) ^ TOKEN) - w->number;
	if (number >= w->n)
		return;
	w->answered += w->ret[number].end == SAMPLE_LOST;
	w->ret[number] = *a;
}

static void take_packet(struct waiting *w, const __u8 *at, size_t n, struct sample_answer *a)
{
	__u8 protocol = IPPROTO_UDP;
	size_t header;

	if (n > 20 && at[0] >> 4 == 4 && at[9] == IPPROTO_UDP) {
		header = (at[0] & 15) * 4;
		a->from = address_from_ipv4(*(const struct in_addr *)(at + 12));
		a->to = address_from_ipv4(*(const struct in_addr *)(at + 16));
	} else if (n > 40 && at[0] >> 4 == 6) {
		header = 40;
		protocol = at[6];
		a->from = address_from_ipv6(*(const struct in6_addr *)(at + 8));
		a->to = address_from_ipv6(*(const struct in6_addr *)(at + 24));
	} else {
		return;
	}
	if (n > header)
		take(w, at + header, n - header, protocol, a);
}

static void take_here(struct rehearsal *r, int which, struct waiting *w)
{
	__u8 bytes[2048] __attribute__((aligned(4))), control[256];
	struct sockaddr_in6 from;
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov,
			    .msg_iovlen = 1, .msg_control = control };
	ssize_t n;

	for (;;) {
		struct sample_answer a = { .end = SAMPLE_HERE };

		m.msg_controllen = sizeof(control);
		n = recvmsg(r->parts->here[which], &m, 0);
		if (n < 0)
			return;
		if (!which) {
			take_packet(w, bytes, n, &a);
			continue;
		}
		a.from = address_from_socket(&from);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
			if (c->cmsg_type == IPV6_PKTINFO)
				a.to = address_from_ipv6(
					((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr);
		take(w, bytes, n, IPPROTO_UDP, &a);
	}
}

/* ---- neighbours of devices above a bridge ---- */

/* Returns the address that an ARP request or a neighbour solicitation asks for; family 0: the
 * packet is something else. */
static struct address asked_for(const __u8 *packet, size_t n, __be16 type)
{
	const struct ip6_hdr *ip = (const void *)packet;
	const struct nd_neighbor_solicit *nd = (const void *)(ip + 1);

	if (type == htons(ETH_P_ARP) && n >= 28 && packet[7] == ARPOP_REQUEST)
		return address_from_ipv4(*(const struct in_addr *)(packet + 24));
	if (type != htons(ETH_P_IPV6) || n < sizeof(*ip) + sizeof(*nd) ||
	    ip->ip6_nxt != IPPROTO_ICMPV6 || nd->nd_ns_type != ND_NEIGHBOR_SOLICIT)
		return (struct address){ .family = 0 };
	return address_from_ipv6(nd->nd_ns_target);
}

/* An answer from outside would have to pass the rules, and the copy may lack the one that accepts
 * it. */
static void add_neighbour(__u32 index, const struct address *a)
{
	bool four = a->family == FAMILY_IPV4;
	char buffer[256] = { 0 };
	struct nlmsghdr *m = request_begin(buffer, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE |
					   NLM_F_ACK, sizeof(struct ndmsg));
	struct ndmsg *entry = mnl_nlmsg_get_payload(m);

	entry->ndm_family = four ? AF_INET : AF_INET6;
	entry->ndm_ifindex = index;
	entry->ndm_state = NUD_PERMANENT;
	mnl_attr_put(m, NDA_DST, four ? 4 : 16, a->addr.b + (four ? 12 : 0));
	mnl_attr_put(m, NDA_LLADDR, sizeof(neighbour), neighbour);
	dump_read(NETLINK_ROUTE, m, 0, NULL);
}

/* ---- interfaces ---- */

/* Finds the interface of a frame that left by stand-in i with this VLAN tag: the VLAN or bridge
 * above. */
static __u32 interface_above(const struct rehearsal *r, size_t i, const __u16 *tags, size_t n)
{
	const struct stand_in *s = r->parts->stage.stand_ins;

	for (size_t k = 0; k < r->n_links; k++)
		if (s[k].made && r->links[k].index == r->links[i].master &&
		    !strcmp(s[k].kind, "bridge") && s[k].arp)
			return interface_above(r, k, tags, n);
	for (size_t k = 0; k < r->n_links && n; k++)
		if (s[k].vlan_id == *tags && r->links[k].lower == r->links[i].index)
			return interface_above(r, k, tags + 1, n - 1);
	return r->links[i].index;
}

static void take_away(struct rehearsal *r, size_t i, struct waiting *w)
{
	const struct stage *stage = &r->parts->stage;
	bool ethernet = r->links[i].ethernet || stage->veth;
	static __u8 buffer[FRAME_MAX] __attribute__((aligned(4)));
	__u8 *frame = buffer + (ethernet ? 2 : 0);	/* aligns the IP header */
	size_t n;

	while ((n = stand_in_read(stage, &stage->stand_ins[i], frame, sizeof(buffer) - 2))) {
		struct sample_answer a = { .end = SAMPLE_AWAY };
		size_t head = ethernet ? ETH_HLEN : 0, n_tags = 0;
		struct address asked;
		__u16 tags[4];
		__be16 type = 0;

		for (; ethernet && head + 4 <= n; head += 4) {
			memcpy(&type, frame + head - 2, 2);
			if ((type != htons(ETH_P_8021Q) && type != htons(ETH_P_8021AD)) ||
			    n_tags == 4)
				break;
			tags[n_tags++] = (frame[head] << 8 | frame[head + 1]) & 0xfff;
		}
		if (n < head + 20)
			continue;
		a.out = interface_above(r, i, tags, n_tags);
		asked = asked_for(frame + head, n - head, type);
		if (asked.family)
			add_neighbour(a.out, &asked);
		else
			take_packet(w, frame + head, n - head, &a);
	}
}

/* Finds the stand-in by whose other end a packet gets to the interface, and its VLAN tags. Returns
 * its number, or the number of links. */
static size_t way_in(const struct rehearsal *r, __u32 index, struct packet_wish *w)
{
	const struct stand_in *s = r->parts->stage.stand_ins;
	size_t i = 0, next = r->n_links;

	while (i < r->n_links && r->links[i].index != index)
		i++;
	if (i == r->n_links || s[i].fd >= 0 || !s[i].made)
		return i < r->n_links && s[i].made ? i : r->n_links;
	if (s[i].vlan_id && w->n_vlans < 2) {
		w->vlan[w->n_vlans++] = s[i].vlan_id;
		return way_in(r, r->links[i].lower, w);
	}
	for (size_t k = 0; k < r->n_links && !strcmp(s[i].kind, "bridge"); k++)
		if (r->links[k].master == index && s[k].made && r->links[k].up)
			next = way_in(r, r->links[k].index, w);
	return next;
}

/* ---- samples ---- */

static void send_away(struct rehearsal *r, const struct packet_wish *w, const __u8 *packet,
		      size_t n, __u32 mark)
{
	int four = w->to.family == FAMILY_IPV4, on = 1;
	int fd = socket(four ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct sockaddr_in6 to;
	socklen_t len = address_to_socket(&w->to, 0, 0, &to);

	if (fd < 0)
		return;
	if (!four)
		setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	if (sendto(fd, packet, n, 0, (struct sockaddr *)&to, len) < 0)
		r->parts->turn++;	/* refused by a rule: the answer is that it is lost */
	close(fd);
}

/* Turns the UDP datagram into a TCP segment that begins a connection, or an ICMPv6 message. */
static void set_protocol(__u8 *at, size_t n, const struct sample *s, __u32 number)
{
	bool tcp = s->protocol == IPPROTO_TCP;
	__u32 sum;
	__be16 check;

	at[6 - 40] = s->protocol;
	memcpy(at + AT_NUMBER, &number, sizeof(number));
	if (tcp)
		memcpy(at + 8, (__u8[12]){ [4] = 0x50, 2, 0xff, 0xff }, 12);
	else
		memcpy(at, (__u8[4]){ s->port }, 4);
	sum = checksum_add(checksum_add(s->protocol + n, &s->from.addr, 16), &s->to.addr, 16);
	check = checksum_fold(checksum_add(sum, at, n));
	memcpy(at + (tcp ? 16 : 2), &check, sizeof(check));
}

static void send_one(struct rehearsal *r, const struct sample *s, size_t i)
{
	__u8 payload[LENGTH_MAX] = { 1 };	/* an initiation; its sender index is the number */
	__u8 frame[LENGTH_MAX + UDP_FRAME_HEADERS + 8];
	__u32 number = htonl(TOKEN ^ (__u32)(r->parts->played + i));
	struct packet_wish w = { .from = s->from, .to = s->to, .dport = htons(s->port + i),
				 .payload = payload,
				 .n_payload = s->protocol ? 12 : s->length ?: 148, .ttl = 60,
				 .df = true };
	const struct stand_in *in;
	size_t link, skip;
	int n;

	memcpy(payload + 4, &number, sizeof(number));
	memcpy(w.mac[1], neighbour, 6);
	w.sport = htons(s->sport ?: FIRST_PORT + r->parts->turn++ % PORTS);
	link = s->in ? way_in(r, s->in, &w) : r->n_links;
	if (!s->in) {
		n = packet_make(&w, frame, sizeof(frame));
		if (n > 0)
			send_away(r, &w, frame + ETH_HLEN, n - ETH_HLEN, s->mark);
		return;
	}
	if (link == r->n_links)
		return;
	in = &r->parts->stage.stand_ins[link];
	for (size_t k = 0; k < r->n_links; k++)
		if (r->links[k].index == s->in)
			memcpy(w.mac[0], r->parts->stage.stand_ins[k].mac, 6);
	skip = r->links[link].ethernet || r->parts->stage.veth ? 0 : ETH_HLEN;
	n = packet_make(&w, frame, sizeof(frame));
	if (n > 0 && s->protocol)
		set_protocol(frame + n - 20, 20, s, number);
	if (n > 0 && write(in->fd, frame + skip, n - skip) < 0)
		return;			/* the interface is down: the sample is lost */
}

void sample_play_many(struct rehearsal *r, const struct sample *s, size_t n,
		      struct sample_answer *ret)
{
	struct waiting w = { .number = r->parts->played, .n = n, .ret = ret };
	struct epoll_event found[16];
	int got;

	if (r->parts->played / FORGET_AFTER != (r->parts->played + n) / FORGET_AFTER)
		rehearsal_forget(r);
	memset(ret, 0, n * sizeof(*ret));
	for (size_t i = 0; i < n; i++)
		send_one(r, s, i);
	while ((got = epoll_wait(r->parts->events, found, 16,
				 r->parts->stage.veth && w.answered < n ? VETH_MS : 0)) > 0)
		for (int i = 0; i < got; i++)
			if (found[i].data.u64 >= r->n_links)
				take_here(r, found[i].data.u64 - r->n_links, &w);
			else
				take_away(r, found[i].data.u64, &w);
	r->parts->played += n;
}

struct sample_answer sample_play(struct rehearsal *r, const struct sample *s)
{
	struct sample_answer a;

	sample_play_many(r, s, 1, &a);
	return a;
}

struct address sample_outsider(__u8 family)
{
	struct address a;

	address_parse(family == FAMILY_IPV4 ? "93.184.215.14" : "2606:2800:21f::14", &a);
	return a;
}

/* The addresses are those of benchmarks (RFC 2544, RFC 5180), which are routed like any host on the
 * internet. */
struct address sample_member(__u8 family)
{
	struct address a;

	address_parse(family == FAMILY_IPV4 ? "198.19.77.9" : "2001:2:0:77::9", &a);
	return a;
}

bool sample_comes_from(struct rehearsal *r, __u32 in, const struct address *client)
{
	__u32 oif;

	return route_to(client, &oif) == RTN_UNICAST && oif == in;
}
