// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No answer to a netlink request makes the reader crash, or yields a name, address or prefix that cannot be. An input
 * is the number of the question, then the parts that the socket returns: two bytes of length, and the bytes. In an
 * accepted answer, names end, addresses have a family, prefixes are not longer than its addresses, and there are no
 * more rows than bytes. Rules that are copied become requests that lie behind one another, whose attributes end in them.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include "fuzz_quiet.h"
#include "net/netlink.h"
#include "net/netlink_talk.h"
#include "net/nft_set.h"
#include "net/wireguard.h"
#include "rehearsal/parts.h"

enum { PARTS_MAX = 16 };
static const uint8_t *rest;
static size_t left, whole;
static unsigned int parts;
static char socket_is;			/* a socket with this address */

/* ---- replaces functions of libmnl and of the C library ---- */

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	return (struct mnl_socket *)&socket_is;
}

int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid)
{
	return 0;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *nl)
{
	return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *request, size_t n)
{
	MUST(n >= sizeof(struct nlmsghdr) && ((const struct nlmsghdr *)request)->nlmsg_len == n);
	return n;
}

int mnl_socket_close(struct mnl_socket *nl)
{
	return 0;
}

/* Returns the next part; negative: none */
static ssize_t receive(void *to, size_t room)
{
	size_t n;

	if (left < 2 || ++parts > PARTS_MAX) {
		errno = ENOBUFS;
		return -1;
	}
	n = rest[0] << 8 | rest[1];
	rest += 2;
	left -= 2;
	n = n < left ? n : left;
	memcpy(to, rest, n < room ? n : room);
	rest += n;
	left -= n;
	return n;
}

/* Sets the question's sequence numbers. Also corrects lengths from 2^31 on, which libmnl 1.0.4 takes for negative
 * ones, so that it goes back. The kernel itself guarantees both. */
static void put_right(void *messages, ssize_t n)
{
	ssize_t at = 0;

	while (n - at >= (ssize_t)sizeof(struct nlmsghdr)) {
		struct nlmsghdr *m = (struct nlmsghdr *)((char *)messages + at);

		m->nlmsg_seq = m->nlmsg_pid = 0;
		m->nlmsg_len &= 0xfffff;
		if (m->nlmsg_len < sizeof(*m))
			break;
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *to, size_t room)
{
	ssize_t n = receive(to, room);

	if (n > (ssize_t)room) {
		errno = ENOSPC;
		return -1;
	}
	put_right(to, n);
	return n;
}

ssize_t __wrap_recv(int fd, void *to, size_t n, int flags);

ssize_t __wrap_recv(int fd, void *to, size_t n, int flags)
{
	ssize_t got = receive(to, n);

	put_right(to, got < (ssize_t)n ? got : (ssize_t)n);
	return got > (ssize_t)n && !(flags & MSG_TRUNC) ? (ssize_t)n : got;
}

/* ---- the answers ---- */

static void check_address(const struct address *a, bool may_be_none)
{
	MUST(a->family == FAMILY_IPV4 || a->family == FAMILY_IPV6 || (!a->family && may_be_none));
}

static void check_prefix(const struct prefix *p)
{
	MUST(p->family == FAMILY_IPV4 ? p->len <= 32 : p->family == FAMILY_IPV6 ? p->len <= 128 : !p->family);
}

static void links(void)
{
	struct nl_link *list = NULL;
	size_t n = 0;

	if (nl_links(&list, &n))
		return;
	MUST(n * sizeof(struct nlmsghdr) <= whole);
	for (size_t i = 0; i < n; i++)
		MUST(memchr(list[i].name, 0, sizeof(list[i].name)) && memchr(list[i].kind, 0, sizeof(list[i].kind)) &&
		     memchr(list[i].qdisc, 0, sizeof(list[i].qdisc)));
	free(list);
}

static void addresses(void)
{
	struct nl_address *list = NULL;
	size_t n = 0;

	if (nl_addresses(&list, &n))
		return;
	MUST(n * sizeof(struct nlmsghdr) <= whole);
	for (size_t i = 0; i < n; i++)
		check_address(&list[i].local, true);
	free(list);
}

static void routes(void)
{
	struct nl_route *list = NULL;
	size_t n = 0;

	if (nl_routes(&list, &n))
		return;
	MUST(n * sizeof(struct rtnexthop) <= whole);
	for (size_t i = 0; i < n; i++) {
		check_prefix(&list[i].dst);
		check_address(&list[i].via, true);
	}
	free(list);
}

static void rules(void)
{
	struct nl_rule *list = NULL;
	size_t n = 0;

	if (nl_rules(&list, &n))
		return;
	MUST(n * sizeof(struct nlmsghdr) <= whole);
	for (size_t i = 0; i < n; i++) {
		check_prefix(&list[i].src);
		check_prefix(&list[i].dst);
	}
	free(list);
}

static void neighbours(void)
{
	struct nl_neighbour *list = NULL;
	size_t n = 0;

	if (nl_neighbours(&list, &n))
		return;
	MUST(n * sizeof(struct nlmsghdr) <= whole);
	for (size_t i = 0; i < n; i++)
		check_address(&list[i].address, true);
	free(list);
}

/* Answers of the kernel's WireGuard: all parts together, and each by itself */
static void wireguard(void)
{
	struct wg_device d = { 0 };
	char *buffer = malloc(65536);
	ssize_t n;

	while ((n = mnl_socket_recvfrom(NULL, buffer, 65536)) >= 0) {
		char *message = malloc(n + 1);

		memcpy(message, buffer, n);
		if (mnl_cb_run(message, n, 0, 0, wg_message, &d) < 0) {
			free(message);
			break;
		}
		free(message);
	}
	MUST(d.n_peers <= whole);
	for (size_t i = 0; i < d.n_peers; i++) {
		check_address(&d.peers[i].endpoint, true);
		MUST(d.peers[i].n_allowed <= whole);
		for (size_t j = 0; j < d.peers[i].n_allowed; j++)
			check_prefix(&d.peers[i].allowed[j]);
	}
	wg_free(&d);
	free(buffer);
}

static void others(unsigned int which)
{
	struct address to = { .family = which & 8 ? FAMILY_IPV4 : FAMILY_IPV6 };
	struct nl_filter *filters = NULL;
	__u64 features;
	__u32 oif;
	size_t n;
	bool is;

	if (which % 8 == 6 && which & 16)
		nl_route_get(&to, which >> 5 & 1, &oif);
	else if (which % 8 == 6)
		nl_xdp_features(1, &features);
	else if (which & 8)
		nl_filters(1, which & 16, &filters, &n);
	else
		(which & 16 ? nl_peer_has_xdp : nl_peer_has_vlans)(1, &is);
	free(filters);
}

/* ---- sets of nftables ---- */

static void check_keys(struct list_keys *k)
{
	MUST(k->n <= 254 * whole);
	for (size_t i = 0; i < k->n; i++)
		MUST(k->list[i].prefixlen <= 160 && k->list[i].prefixlen >= (list_key_is_ipv6(&k->list[i]) ? 32 : 128));
	list_keys_free(k);
}

static struct nft_join join;

static void join_element(void *data, const struct nft_element *e)
{
	check_address(&e->first, false);
	nft_join(&join, e, data);
}

static void watch_sets(void *data, enum nft_change change, const char *name, const struct nlattr *elements)
{
	__u32 skipped = 0;

	MUST(change == NFT_DONE || change == NFT_LOST ? !name : strlen(name) < 600);
	if (elements)
		nft_elements_each(elements, &join.kind, join_element, data, &skipped);
}

static void sets(unsigned int which)
{
	struct list_keys k = { 0 };
	struct nft_set_kind kind;
	__u32 skipped;

	join = (struct nft_join){ .kind = { which & 8 ? FAMILY_IPV4 : FAMILY_IPV6, which & 16 } };
	if (which & 32)
		nft_set_read("inet filter blocklist", &kind, &k, &skipped);
	else
		nft_watch_read(0, watch_sets, &k);
	check_keys(&k);
}

/* ---- rules that a rehearsal copies ---- */

static void check_attributes(const void *from, size_t n)
{
	const struct nlattr *a = from;

	for (size_t left = n; left >= sizeof(*a); left -= MNL_ALIGN(a->nla_len), a = mnl_attr_next(a)) {
		MUST(a->nla_len >= sizeof(*a) && a->nla_len <= left);
		if (MNL_ALIGN(a->nla_len) > left)
			return;
	}
}

static void check_batch(const struct batch *b)
{
	size_t n = 0;

	for each_message(m, &b->requests) {
		MUST(m->nlmsg_len >= NLMSG_LENGTH(GEN) && m->nlmsg_seq > n && m->nlmsg_seq <= b->n);
		MUST((char *)m + NLMSG_ALIGN(m->nlmsg_len) <= b->requests.data + b->requests.n);
		n = m->nlmsg_seq;
		check_attributes(mnl_nlmsg_get_payload_offset(m, GEN), m->nlmsg_len - NLMSG_LENGTH(GEN));
	}
}

/* Returns the dump that a message of this type belongs to. */
static struct dump *dump_of(struct rules *r, struct dump *elements, __u16 type)
{
	struct dump *dumps[] = { &r->tables, &r->chains, &r->list, &r->list, &r->sets, &r->objects, &r->flowtables, elements };

	return dumps[type % 8];
}

static void copies(void)
{
	struct rules r = { 0 };
	struct dump elements = { 0 };
	struct batch b = { 0 };
	char *buffer = malloc(65536);
	ssize_t n;

	while ((n = mnl_socket_recvfrom(NULL, buffer, 65536)) >= 0)
		for (struct nlmsghdr *m = (void *)buffer; n >= (ssize_t)NLMSG_LENGTH(GEN) && m->nlmsg_len >= NLMSG_LENGTH(GEN) &&
		     m->nlmsg_len <= n; n -= NLMSG_ALIGN(m->nlmsg_len), m = (void *)((char *)m + NLMSG_ALIGN(m->nlmsg_len))) {
			struct dump *d = dump_of(&r, &elements, m->nlmsg_type);

			d->data = realloc(d->data, d->n + NLMSG_ALIGN(m->nlmsg_len));
			memcpy(d->data + d->n, m, m->nlmsg_len);
			d->n += NLMSG_ALIGN(m->nlmsg_len);
		}
	nf_describe(&r);
	MUST(r.n_rules + r.n_named <= whole);
	MUST(nf_fill(&b, &r) <= b.n + 1);
	check_batch(&b);
	for (size_t i = 0; i < r.n_named; i++) {
		batch_begin(&b);
		r.named[i].elements = elements;
		nf_fill_elements(&b, &r.named[i]);
		check_batch(&b);
		r.named[i].elements = (struct dump){ 0 };
	}
	batch_free(&b);
	free(buffer);
	free(elements.data);
	free(r.tables.data);
	free(r.chains.data);
	free(r.list.data);
	free(r.sets.data);
	free(r.objects.data);
	free(r.flowtables.data);
	free(r.rules);
	free(r.named);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const questions[])(void) = { links, addresses, routes, rules, wireguard, neighbours };

	if (!size)
		return 0;
	rest = data + 1;
	left = whole = size - 1;
	parts = 0;
	if ((data[0] & 192) == 192)
		copies();
	else if (data[0] & 64)
		sets(data[0]);
	else if (data[0] & 128)
		MUST(!(nl_watch_read(0) & ~NL_ALL));
	else if (data[0] % 8 < sizeof(questions) / sizeof(*questions))
		questions[data[0] % 8]();
	else
		others(data[0]);
	return 0;
}
