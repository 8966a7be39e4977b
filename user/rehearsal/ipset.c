/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Copies sets of ipset by netlink. Rules of iptables contain the indexes of sets, so each set gets
 * its index again: sets without elements fill the gaps.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/grow.h"
#include "net/netlink_talk.h"
#include "rehearsal/parts.h"

#define IPSET(command) (NFNL_SUBSYS_IPSET << 8 | IPSET_CMD_##command)
#define INDEX_MAX 1024			/* indexes that are filled, at most */

static struct nlmsghdr *begin(void *buffer, __u16 type, __u16 flags, const char *name)
{
	struct nlmsghdr *m = request_begin(buffer, type, flags, GEN);

	((struct nfgenmsg *)mnl_nlmsg_get_payload(m))->nfgen_family = AF_INET;
	mnl_attr_put_u8(m, IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL);
	if (name)
		mnl_attr_put_strz(m, IPSET_ATTR_SETNAME, name);
	return m;
}

static const char *name_of(const struct nlmsghdr *m)
{
	return attr_text(attr_of(m, GEN, IPSET_ATTR_SETNAME));
}

static void put_nest(struct nlmsghdr *m, __u16 type, const struct nlattr *nest, int end)
{
	struct nlattr *own = mnl_attr_nest_start(m, type);
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
		if (mnl_attr_get_type(a) < end)
			put_attribute(m, a);
	mnl_attr_nest_end(m, own);
}

/* A type like hash:ip, or hash:net, has addresses and nothing else. */
static void note_set(struct rehearsal *r, const struct nlmsghdr *m)
{
	static const char *const types[] = { "hash:ip", "hash:net" };
	const char *type = attr_text(attr_of(m, GEN, IPSET_ATTR_TYPENAME));
	const struct nlattr *family = attr_of(m, GEN, IPSET_ATTR_FAMILY);
	struct copied_set *s = append(r->sets, r->n_sets);

	s->name = name_of(m);
	for (int i = 0; i < 2; i++)
		if (!strcmp(type, types[i]) && family && mnl_attr_get_payload_len(family))
			s->addresses = mnl_attr_get_u8(family) == NFPROTO_IPV4 ? FAMILY_IPV4 :
				       FAMILY_IPV6;
}

void ip_sets_read(struct rehearsal *r)
{
	char buffer[256] = { 0 };
	struct dump *d = &r->parts->rules.ip.sets;

	if (dump_read(NETLINK_NETFILTER, begin(buffer, IPSET(SAVE), NLM_F_DUMP, NULL), GEN, d))
		d->n = 0;			/* no sets, or a kernel without them */
	for each_message(m, d)
		if (attr_of(m, GEN, IPSET_ATTR_TYPENAME))
			note_set(r, m);
}

/* ---- loading ---- */

static void put_create(struct batch *b, const struct nlmsghdr *from)
{
	struct nlmsghdr *m = batch_next(b, from->nlmsg_len + 256);
	const struct nlattr *a;

	begin(m, IPSET(CREATE), NLM_F_CREATE | NLM_F_EXCL, name_of(from));
	mnl_attr_for_each(a, from, GEN) {
		int type = mnl_attr_get_type(a);

		if (type == IPSET_ATTR_TYPENAME || type == IPSET_ATTR_REVISION ||
		    type == IPSET_ATTR_FAMILY) {
			put_attribute(m, a);
		} else if (type == IPSET_ATTR_DATA) {
			put_nest(m, IPSET_ATTR_DATA, a, IPSET_ATTR_ELEMENTS);
		}
	}
	batch_add(b, m);
}

static void put_gap(struct batch *b, size_t index)
{
	struct nlmsghdr *m = batch_next(b, 256);
	char name[IPSET_MAXNAMELEN];
	struct nlattr *nest;

	snprintf(name, sizeof(name), "wgxdp-%zu", index);
	begin(m, IPSET(CREATE), NLM_F_CREATE | NLM_F_EXCL, name);
	mnl_attr_put_strz(m, IPSET_ATTR_TYPENAME, "hash:ip");
	mnl_attr_put_u8(m, IPSET_ATTR_REVISION, 0);
	mnl_attr_put_u8(m, IPSET_ATTR_FAMILY, NFPROTO_IPV4);
	nest = mnl_attr_nest_start(m, IPSET_ATTR_DATA);
	mnl_attr_nest_end(m, nest);
	batch_add(b, m);
}

/* The kernel dumps addresses without the flag with which it wants them. */
static void flag_addresses(struct nlattr *element)
{
	struct nlattr *a, *ip;

	mnl_attr_for_each_nested(a, element) {
		int type = mnl_attr_get_type(a);

		if (type != IPSET_ATTR_IP && type != IPSET_ATTR_IP_TO && type != IPSET_ATTR_IP2 &&
		    type != IPSET_ATTR_IP2_TO)
			continue;
		mnl_attr_for_each_nested(ip, a)
			ip->nla_type |= NLA_F_NET_BYTEORDER;
	}
}

static void put_elements(struct batch *b, const struct nlmsghdr *from)
{
	const struct nlattr *adt = attr_of(from, GEN, IPSET_ATTR_ADT);
	struct nlmsghdr *m = batch_next(b, from->nlmsg_len + 256);
	struct nlattr *own, *e;

	if (!adt || !mnl_attr_get_payload_len(adt))
		return;
	begin(m, IPSET(ADD), 0, name_of(from));
	mnl_attr_put_u32(m, IPSET_ATTR_LINENO, 0);
	own = mnl_nlmsg_get_payload_tail(m);
	put_nest(m, IPSET_ATTR_ADT, adt, 1 << 16);
	mnl_attr_for_each_nested(e, own)
		flag_addresses(e);
	batch_add(b, m);
}

/* The kernel dumps sets in the order of their indexes. */
void ip_sets_load(struct rehearsal *r)
{
	const struct dump *d = &r->parts->rules.ip.sets;
	struct batch b = { 0 };
	size_t next = 0, failed = 0;
	int rc;

	for each_message(m, d) {
		const struct nlattr *a = attr_of(m, GEN, IPSET_ATTR_INDEX);
		size_t index = next;

		if (!attr_of(m, GEN, IPSET_ATTR_TYPENAME))
			continue;
		if (a && mnl_attr_get_payload_len(a) >= 2)
			index = ntohs(mnl_attr_get_u16(a));
		while (next < index && next < INDEX_MAX)
			put_gap(&b, next++);
		put_create(&b, m);
		next++;
	}
	for each_message(m, d)
		put_elements(&b, m);
	rc = batch_send(&b, NETLINK_NETFILTER, false);
	for (size_t i = 1; i <= b.n; i++)
		failed += !!b.errors[i];
	if (rc || failed)
		lacks(r, "the sets of ipset: %s", rc < 0 ? strerror(-rc) : "the kernel refuses "
		      "some of them here");
	batch_free(&b);
}

/* ---- elements ---- */

bool ip_set_each(const struct nlmsghdr *m, void (*found)(void *data, const struct prefix *p),
		 void *data)
{
	const struct nlattr *adt = attr_of(m, GEN, IPSET_ATTR_ADT), *e;
	bool all = !attr_in(attr_of(m, GEN, IPSET_ATTR_DATA), IPSET_ATTR_NETMASK);

	if (!adt)
		return all;
	mnl_attr_for_each_nested(e, adt) {
		const struct nlattr *ip = attr_in(e, IPSET_ATTR_IP);
		const struct nlattr *four = attr_in(ip, IPSET_ATTR_IPADDR_IPV4);
		const struct nlattr *six = attr_in(ip, IPSET_ATTR_IPADDR_IPV6);
		const struct nlattr *cidr = attr_in(e, IPSET_ATTR_CIDR);
		struct address a = attr_address(four ?: six, four ? AF_INET : AF_INET6);
		struct prefix p = { a.addr, a.family, four ? 32 : 128 };

		all &= (four || six) && !attr_in(e, IPSET_ATTR_CADT_FLAGS);
		if (!four && !six)
			continue;
		if (cidr && mnl_attr_get_payload_len(cidr) && mnl_attr_get_u8(cidr) < p.len)
			p.len = mnl_attr_get_u8(cidr);
		prefix_clear_host(&p);
		found(data, &p);
	}
	return all;
}

static void add_key(void *data, const struct prefix *p)
{
	list_keys_add(data, p);
}

int ip_set_elements(const struct rules *r, const struct copied_set *s, struct list_keys *ret)
{
	bool all = s->addresses;

	for each_message(m, &r->ip.sets)
		if (!strcmp(name_of(m), s->name))
			all &= ip_set_each(m, add_key, ret);
	list_keys_sort(ret);
	return all ? 0 : -EOPNOTSUPP;
}

int ip_set_change(const struct copied_set *s, const struct address *a, bool add)
{
	bool four = a->family == FAMILY_IPV4;
	char buffer[512] = { 0 };
	struct nlmsghdr *m = begin(buffer, add ? IPSET(ADD) : IPSET(DEL),
				   NLM_F_ACK | (add ? NLM_F_EXCL : 0), s->name);
	struct nlattr *data = mnl_attr_nest_start(m, IPSET_ATTR_DATA);
	struct nlattr *ip = mnl_attr_nest_start(m, IPSET_ATTR_IP);

	mnl_attr_put(m, (four ? IPSET_ATTR_IPADDR_IPV4 : IPSET_ATTR_IPADDR_IPV6) |
		     NLA_F_NET_BYTEORDER, four ? 4 : 16, a->addr.b + (four ? 12 : 0));
	mnl_attr_nest_end(m, ip);
	mnl_attr_nest_end(m, data);
	return dump_read(NETLINK_NETFILTER, m, GEN, NULL);
}
