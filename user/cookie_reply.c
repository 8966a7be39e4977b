/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A cookie reply, from its Ethernet header on: type, the initiation's sender index, nonce, and the cookie encrypted for who knows the
 * initiation's mac1 and the responder's public key.
 */
#include <endian.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include "blake2s.h"
#include "cookie_reply.h"

#define TTL 64
#define NONCE_LEN 24
#define JUNK_MAX (COOKIE_FRAME_MAX - sizeof(struct ether_header) - sizeof(struct ip6_hdr) - sizeof(struct udphdr) - COOKIE_LEN)

struct cookie_message {			/* whitepaper, 5.4.7 */
	__le32 type, receiver;
	__u8 nonce[NONCE_LEN], cookie[2 * MAC_LEN];
};
_Static_assert(sizeof(struct cookie_message) == COOKIE_LEN, "a cookie reply is 64 bytes");

static int fill_random(void *to, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = getrandom((__u8 *)to + done, n - done, 0);

		if (got < 0 && errno != EINTR)
			return -errno;
		done += got < 0 ? 0 : got;
	}
	return 0;
}

int cookie_secret(struct cookie_key *ret)
{
	__u8 secret[32];
	int rc = fill_random(secret, sizeof(secret));

	if (!rc)
		blake2s_key(ret->h, secret, sizeof(secret), MAC_LEN);
	explicit_bzero(secret, sizeof(secret));
	return rc;
}

void cookie_of(const struct challenge *c, const struct cookie_key *secret, __u8 ret[MAC_LEN])
{
	struct blake2s_work w;
	struct {
		struct addr addr;
		__le32 port;
	} input = { c->client, htole32(ntohs(c->client_port)) };

	memcpy(w.h, secret->h, sizeof(w.h));
	blake2s_block(&w, &input, COOKIE_INPUT, BLAKE2S_BLOCK + COOKIE_INPUT, 1);
	for (int i = 0; i < 4; i++)
		w.h[i] = htole32(w.h[i]);
	memcpy(ret, w.h, MAC_LEN);
}

/* ---- the message ---- */

#ifdef WITH_SODIUM
#include <sodium.h>

static int encrypt(struct cookie_message *m, const __u8 cookie[MAC_LEN], const struct challenge *c, const struct public_key *public)
{
	__u8 key[32];

	blake2s_label(key, "cookie--", public->b);
	return crypto_aead_xchacha20poly1305_ietf_encrypt(m->cookie, NULL, cookie, MAC_LEN, c->mac1, MAC_LEN, NULL, m->nonce, key) ?
	       -EINVAL : 0;
}
#else
static int encrypt(struct cookie_message *m, const __u8 cookie[MAC_LEN], const struct challenge *c, const struct public_key *public)
{
	return -EOPNOTSUPP;		/* config_check_guard() lets nobody ask for it */
}
#endif

static int make_message(struct cookie_message *m, const struct challenge *c, const struct guard *g, const struct public_key *key,
			const struct cookie_key *secret)
{
	__u8 cookie[MAC_LEN];
	int rc;

	cookie_of(c, secret, cookie);
	m->type = g->header[MESSAGE_COOKIE - 1];
	m->receiver = c->index;
	rc = fill_random(m->nonce, sizeof(m->nonce));
	return rc ?: encrypt(m, cookie, c, key);
}

/* ---- headers ---- */

static __u32 sum(const void *data, size_t n, __u32 before)
{
	const __u8 *b = data;

	for (size_t i = 0; i < n; i++)
		before += i & 1 ? b[i] : b[i] << 8;
	return before;
}

static __be16 folded(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static bool is_ipv4(const struct addr *a)
{
	return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)a->b);
}

/* Addresses sum to the same with ::ffff: in front of both, or without */
static void put_udp(struct udphdr *udp, const struct challenge *c, size_t len)
{
	__u32 s = IPPROTO_UDP + len;

	udp->source = c->local_port;
	udp->dest = c->client_port;
	udp->len = htons(len);
	udp->check = 0;
	s = sum(&c->client, sizeof(c->client), sum(&c->local, sizeof(c->local), s));
	udp->check = folded(sum(udp, len, s)) ?: 0xffff;
}

static size_t put_ipv4(__u8 *at, const struct challenge *c, size_t len)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .tot_len = htons(sizeof(ip) + len), .frag_off = htons(IP_DF), .ttl = TTL,
			    .protocol = IPPROTO_UDP };

	memcpy(&ip.saddr, c->local.b + 12, sizeof(ip.saddr));
	memcpy(&ip.daddr, c->client.b + 12, sizeof(ip.daddr));
	ip.check = folded(sum(&ip, sizeof(ip), 0));
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t put_ipv6(__u8 *at, const struct challenge *c, size_t len)
{
	struct ip6_hdr ip = { .ip6_flow = htonl(6 << 28), .ip6_plen = htons(len), .ip6_nxt = IPPROTO_UDP, .ip6_hlim = TTL };

	memcpy(&ip.ip6_src, c->local.b, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, c->client.b, sizeof(ip.ip6_dst));
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

int cookie_reply(const struct challenge *c, const struct guard *g, const struct public_key *key, const struct cookie_key *secret,
		 __u8 frame[COOKIE_FRAME_MAX])
{
	struct ether_header eth = { .ether_type = htons(is_ipv4(&c->client) ? ETHERTYPE_IP : ETHERTYPE_IPV6) };
	size_t junk = g->junk[MESSAGE_COOKIE - 1], len = sizeof(struct udphdr) + junk + COOKIE_LEN;
	__u8 *at = frame + sizeof(eth);
	struct cookie_message m;
	int rc;

	if (junk > JUNK_MAX || junk + COOKIE_LEN > g->junk[MESSAGE_INITIATION - 1] + INITIATION_LEN)
		return -EMSGSIZE;
	rc = make_message(&m, c, g, key, secret);
	if (rc)
		return rc;
	memcpy(frame, &eth, sizeof(eth));
	at += is_ipv4(&c->client) ? put_ipv4(at, c, len) : put_ipv6(at, c, len);
	rc = fill_random(at + sizeof(struct udphdr), junk);
	memcpy(at + sizeof(struct udphdr) + junk, &m, sizeof(m));
	put_udp((struct udphdr *)at, c, len);
	return rc ?: at + len - frame;
}
