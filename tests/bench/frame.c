// SPDX-License-Identifier: GPL-2.0-or-later
/* A packet of the bench from a request's words: Ethernet, IPv4 or IPv6, UDP with a right checksum, and a payload
 * that begins like WireGuard data. The same words also give the sender's and the sink's orders. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include "bench.h"

struct ends {
	__u8 src[16], dst[16];
	__be16 sport, dport;
};

static __u32 sum_words(const void *from, size_t n, __u32 sum)
{
	const __u8 *b = from;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += b[i] << 8 | b[i + 1];
	return n & 1 ? sum + (b[n - 1] << 8) : sum;
}

static __be16 finish(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static int parse_mac(const char *text, __u8 *mac)
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) == 6 ?
	       0 : -EINVAL;
}

static void put_ipv4(__u8 *l3, const struct ends *e, size_t udp_len)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .id = htons(1) };

	ip.tot_len = htons(sizeof(ip) + udp_len);
	memcpy(&ip.saddr, e->src, 4);
	memcpy(&ip.daddr, e->dst, 4);
	ip.check = finish(sum_words(&ip, sizeof(ip), 0));
	memcpy(l3, &ip, sizeof(ip));
}

static void put_ipv6(__u8 *l3, const struct ends *e, size_t udp_len)
{
	struct ipv6hdr ip = { .version = 6, .hop_limit = 64, .nexthdr = IPPROTO_UDP };

	ip.payload_len = htons(udp_len);
	memcpy(&ip.saddr, e->src, 16);
	memcpy(&ip.daddr, e->dst, 16);
	memcpy(l3, &ip, sizeof(ip));
}

/* Replaces the payload by these hexadecimal bytes */
static int put_payload(const char *hex, __u8 *to, size_t len)
{
	if (strlen(hex) != 2 * len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (sscanf(hex + 2 * i, "%2hhx", to + i) != 1)
			return -EINVAL;
	return 0;
}

static int put_udp(const struct request *r, __u8 *l4, const struct ends *e, size_t udp_len, size_t address)
{
	struct udphdr udp = { .source = e->sport, .dest = e->dport, .len = htons(udp_len) };
	const __u64 mark = MARK;
	const char *payload = arg(r, "payload", NULL);
	__u32 sum;

	memcpy(l4, &udp, sizeof(udp));
	memcpy(l4 + sizeof(udp), &mark, sizeof(mark));
	for (size_t i = sizeof(udp) + sizeof(mark); i < udp_len; i++)
		l4[i] = i;
	if (payload && put_payload(payload, l4 + sizeof(udp), udp_len - sizeof(udp)))
		return -EINVAL;
	sum = sum_words(e->src, address, IPPROTO_UDP + udp_len);
	sum = sum_words(e->dst, address, sum);
	udp.check = finish(sum_words(l4, udp_len, sum)) ?: 0xffff;
	memcpy(l4, &udp, sizeof(udp));
	return 0;
}

static int parse_ends(const struct request *r, int family, struct ends *ret_ends)
{
	int af = family == 4 ? AF_INET : AF_INET6;

	ret_ends->sport = htons(arg_number(r, "sport", 0));
	ret_ends->dport = htons(arg_number(r, "dport", 0));
	return inet_pton(af, arg(r, "src", ""), ret_ends->src) == 1 &&
	       inet_pton(af, arg(r, "dst", ""), ret_ends->dst) == 1 ? 0 : -EINVAL;
}

/* A client is the source of an original and the destination of a reply. The path leaves its mark at the other
 * address, or at the source if an answer arrives. Four bytes of the client's address, from `vary` on, name the
 * client. */
static int give_orders(const struct request *r, const __u8 *frame, int family, struct bench_job *job)
{
	bool reply = arg_number(r, "reply", 0), source = arg_number(r, "expect-source", reply);
	int arrives = arg_number(r, "arrives", family);
	__u32 src = ETH_HLEN + (family == 4 ? offsetof(struct iphdr, saddr) : offsetof(struct ipv6hdr, saddr));
	__u32 dst = src + (family == 4 ? 4 : 16);
	__u32 l4 = ETH_HLEN + (arrives == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__u32 from = ETH_HLEN + (arrives == 4 ? offsetof(struct iphdr, saddr) : offsetof(struct ipv6hdr, saddr));
	__be32 base;

	memcpy(job->head, frame, HEAD);
	job->family = family;
	job->port = arg_number(r, "slot", 0);
	job->vary = (reply ? dst : src) + arg_number(r, "vary", family == 4 ? 0 : 12);
	job->index_varies = job->vary >= ETH_HLEN + (family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) + sizeof(struct udphdr);
	memcpy(&base, frame + job->vary, 4);
	job->base = ntohl(base);
	job->clients = arg_number(r, "clients", 1);
	job->stride = 7919 % job->clients;	/* a prime: visits every client once in `clients` packets, and no two neighbours in a row */
	job->arrives = arrives;
	job->expect_at = source ? from : from + (arrives == 4 ? 4 : 16);
	job->expect_port_at = source ? l4 : l4 + 2;
	job->expect_port = htons(arg_number(r, "expect-port", 0));
	job->expect_ttl = arg_number(r, "expect-ttl", 63);
	return inet_pton(arrives == 4 ? AF_INET : AF_INET6, arg(r, "expect", ""), job->expect) == 1 ? 0 : -EINVAL;
}

/* Returns the length of the frame, or -errno. */
int frame_build(const struct request *r, __u8 *frame, size_t room, struct bench_job *ret_job)
{
	int family = arg_number(r, "family", 4), err;
	size_t header = family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	size_t udp_len = sizeof(struct udphdr) + arg_number(r, "size", 144);
	struct bench_job job = { 0 };
	struct ends e = { 0 };

	if (udp_len < HEAD || ETH_HLEN + header + udp_len > room || arg_number(r, "clients", 1) < 1)
		return -EINVAL;
	err = parse_ends(r, family, &e) ?: parse_mac(arg(r, "dmac", ""), frame) ?:
	      parse_mac(arg(r, "smac", ""), frame + ETH_ALEN);
	if (err)
		return err;
	frame[12] = family == 4 ? 0x08 : 0x86;
	frame[13] = family == 4 ? 0x00 : 0xdd;
	if (family == 4)
		put_ipv4(frame + ETH_HLEN, &e, udp_len);
	else
		put_ipv6(frame + ETH_HLEN, &e, udp_len);
	err = put_udp(r, frame + ETH_HLEN + header, &e, udp_len, family == 4 ? 4 : 16) ?: give_orders(r, frame, family, &job);
	if (err)
		return err;
	*ret_job = job;
	return ETH_HLEN + header + udp_len;
}
