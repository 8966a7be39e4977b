/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of netlink.h about routes, rules, neighbours, and the next hop to a
 * destination.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include "net/netlink.h"
#include "net/netlink_talk.h"

/* Attributes FRA_DSCP and the masks, which the headers of kernel 6.1 lack. */
enum { DSCP = 25, SPORT_MASK = 28, DPORT_MASK = 29, DSCP_MASK = 30 };

static bool is_gateway(const struct nlattr *a)
{
	return mnl_attr_get_type(a) == RTA_GATEWAY || mnl_attr_get_type(a) == RTA_VIA;
}

static void via_attr(const struct nlattr *a, struct nl_route *route)
{
	if (mnl_attr_get_type(a) == RTA_GATEWAY)
		route->via = attr_address(a, route->dst.family);
	route->gateway |= is_gateway(a);
	route->conditional |= mnl_attr_get_type(a) == RTA_ENCAP;
}

/* Adds a copy of `route` for each next hop of a multipath route, with this next hop. */
static void multipath_rows(struct list *l, struct nl_route route, const struct nlattr *multipath)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	int left = mnl_attr_get_payload_len(multipath);
	const struct nlattr *attr;
	struct nl_route *row;

	route.several = left > RTNH_ALIGN(hop->rtnh_len);
	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		row = list_add(l);
		route.oif = hop->rtnh_ifindex;
		*row = route;
		row->conditional |= !!(hop->rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN));
		mnl_attr_for_each_payload((void *)RTNH_DATA(hop), hop->rtnh_len - RTNH_LENGTH(0))
			via_attr(attr, row);
	}
}

static __u32 locked_mtu(const struct nlattr *metrics)
{
	const struct nlattr *a;
	bool locked = false;
	__u32 mtu = 0;

	mnl_attr_for_each_nested(a, metrics) {
		if (mnl_attr_get_type(a) == RTAX_LOCK)
			locked = attr_u32(a) & 1 << RTAX_MTU;
		else if (mnl_attr_get_type(a) == RTAX_MTU)
			mtu = attr_u32(a);
	}
	return locked ? mtu : 0;
}

static int route_row(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a, *dst = NULL, *multipath = NULL;
	bool by_object = false;		/* it refers to an object of `ip nexthop` */
	struct nl_route route = {
		.dst.family = rt->rtm_family, .table = rt->rtm_table, .type = rt->rtm_type,
		.protocol = rt->rtm_protocol, .tos = rt->rtm_tos,
		.from = rt->rtm_src_len,
		.conditional = rt->rtm_tos || rt->rtm_src_len ||
			       rt->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN),
	};

	if (nlh->nlmsg_type != RTM_NEWROUTE || rt->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	mnl_attr_for_each(a, nlh, sizeof(*rt)) {
		switch (mnl_attr_get_type(a)) {
		case RTA_DST:
			dst = a;
			break;
		case RTA_OIF:
			route.oif = attr_u32(a);
			break;
		case RTA_TABLE:
			route.table = attr_u32(a);
			break;
		case RTA_MULTIPATH:
			multipath = a;
			break;
		case RTA_PRIORITY:
			route.metric = attr_u32(a);
			break;
		case RTA_NH_ID:
			by_object = true;
			break;
		case RTA_METRICS:
			route.locked_mtu = locked_mtu(a);
			break;
		}
		via_attr(a, &route);
	}
	route.dst = attr_prefix(dst, rt->rtm_family, rt->rtm_dst_len);
	if (!route.dst.family)		/* skip multicast routing and MPLS */
		return MNL_CB_OK;
	/* If net.ipv4.nexthop_compat_mode is 0, the kernel does not describe the nexthop object. */
	route.several = by_object && !route.oif && route.type == RTN_UNICAST;
	if (multipath)
		multipath_rows(data, route, multipath);
	else
		*(struct nl_route *)list_add(data) = route;
	return MNL_CB_OK;
}

int nl_routes(struct nl_route **ret, size_t *ret_n)
{
	return nl_dump(RTM_GETROUTE, NULL, sizeof(struct rtmsg), route_row, sizeof(**ret), ret,
		       ret_n);
}

int nl_route_set(const struct nl_route *r, bool there)
{
	char buffer[256] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	bool ipv4 = r->dst.family == FAMILY_IPV4;
	struct rtmsg *rt;
	int rc;

	request->nlmsg_type = there ? RTM_NEWROUTE : RTM_DELROUTE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
			       (there ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	rt = mnl_nlmsg_put_extra_header(request, sizeof(*rt));
	rt->rtm_family = r->dst.family;
	rt->rtm_dst_len = r->dst.len;
	rt->rtm_table = RT_TABLE_UNSPEC;
	rt->rtm_protocol = r->protocol;
	rt->rtm_scope = ipv4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	rt->rtm_type = RTN_UNICAST;
	mnl_attr_put(request, RTA_DST, ipv4 ? 4 : 16, ipv4 ? &r->dst.addr.w[3] : &r->dst.addr.w[0]);
	mnl_attr_put_u32(request, RTA_TABLE, r->table);
	mnl_attr_put_u32(request, RTA_OIF, r->oif);
	mnl_attr_put_u32(request, RTA_PRIORITY, r->metric);
	rc = nl_ask(request, NULL, NULL);
	return !there && (rc == -ESRCH || rc == -ENODEV) ? 0 : rc;
}

static void rule_attr(const struct nlattr *a, const struct fib_rule_hdr *hdr, struct nl_rule *rule)
{
	switch (mnl_attr_get_type(a)) {
	case FRA_SRC:
		rule->src = attr_prefix(a, hdr->family, hdr->src_len);
		break;
	case FRA_DST:
		rule->dst = attr_prefix(a, hdr->family, hdr->dst_len);
		break;
	case FRA_FWMARK: /* a mark of 0 with a mask is a selector too; then there is a FRA_FWMASK */
	case FRA_FWMASK:
		rule->mark |= attr_u32(a);
		if (mnl_attr_get_type(a) == FRA_FWMARK)
			rule->fwmark = attr_u32(a);
		break;
	case FRA_IIFNAME:
		rule->iif = true;
		break;
	case FRA_OIFNAME:
		rule->oif = true;
		break;
	case FRA_DPORT_RANGE:
		rule->dport = true;
		break;
	case FRA_SPORT_RANGE:
		rule->sport = true;
		break;
	case FRA_IP_PROTO:
	case FRA_UID_RANGE:
	case FRA_TUN_ID:
		rule->other = true;
		break;
	case FRA_L3MDEV:
		rule->other |= mnl_attr_get_payload_len(a) && mnl_attr_get_u8(a);
		break;
	case FRA_SUPPRESS_IFGROUP:	/* the kernel always sends both; ~0 means none */
	case FRA_SUPPRESS_PREFIXLEN:
		rule->other |= attr_u32(a) != ~0U;
		break;
	case FRA_TABLE:
		rule->table = attr_u32(a);
		break;
	case FRA_PRIORITY:
		rule->priority = attr_u32(a);
		break;
	case DSCP:
		rule->tos = true;
		break;
	case DPORT_MASK:		/* a mask comes with its selector, which is read above */
	case SPORT_MASK:
	case DSCP_MASK:
		break;
	default:			/* the flow label, and selectors of later kernels */
		rule->unknown |= mnl_attr_get_type(a) > FRA_DPORT_RANGE;
	}
}

static int rule_row(const struct nlmsghdr *nlh, void *data)
{
	const struct fib_rule_hdr *hdr = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a;
	struct nl_rule *rule;

	if (nlh->nlmsg_type != RTM_NEWRULE || (hdr->family != AF_INET && hdr->family != AF_INET6))
		return MNL_CB_OK;
	rule = list_add(data);
	rule->family = hdr->family;
	rule->tos = hdr->tos;
	rule->table = hdr->table;
	rule->action = hdr->action;
	rule->other = hdr->flags & FIB_RULE_INVERT;
	mnl_attr_for_each(a, nlh, sizeof(*hdr))
		rule_attr(a, hdr, rule);
	return MNL_CB_OK;
}

int nl_rules(struct nl_rule **ret, size_t *ret_n)
{
	return nl_dump(RTM_GETRULE, NULL, sizeof(struct fib_rule_hdr), rule_row, sizeof(**ret), ret,
		       ret_n);
}

/* ---- next hops ---- */

static int way_row(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a;
	struct nl_way *way = data;

	/* An address with a broadcast route is no host's, so no way leads to it. */
	if (rt->rtm_type == RTN_BROADCAST)
		return MNL_CB_OK;
	mnl_attr_for_each(a, nlh, sizeof(*rt)) {
		if (mnl_attr_get_type(a) == RTA_OIF)
			way->oif = attr_u32(a);
		else if (mnl_attr_get_type(a) == RTA_GATEWAY)
			way->via = attr_address(a, rt->rtm_family);
		else if (mnl_attr_get_type(a) == RTA_PREFSRC)
			way->src = attr_address(a, rt->rtm_family);
	}
	return MNL_CB_OK;
}

static void put_address(struct nlmsghdr *request, __u16 type, const struct address *a)
{
	if (a->family == FAMILY_IPV4)
		mnl_attr_put(request, type, 4, &a->addr.w[3]);
	else
		mnl_attr_put(request, type, 16, &a->addr.w[0]);
}

int nl_way(const struct address *dst, const struct address *src, __u32 vrf, __u32 mark,
	   struct nl_way *ret)
{
	char buffer[256] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	__u8 bits = dst->family == FAMILY_IPV4 ? 32 : 128;
	struct nl_way way = {};
	struct rtmsg *rt;
	int r;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	rt = mnl_nlmsg_put_extra_header(request, sizeof(*rt));
	rt->rtm_family = dst->family;
	rt->rtm_dst_len = bits;
	put_address(request, RTA_DST, dst);
	if (src) {
		rt->rtm_src_len = bits;
		put_address(request, RTA_SRC, src);
	}
	if (vrf)
		mnl_attr_put_u32(request, RTA_OIF, vrf);
	if (mark)
		mnl_attr_put_u32(request, RTA_MARK, mark);
	r = nl_ask(request, way_row, &way);
	if (!r && !way.oif)
		r = -ENETUNREACH;
	if (!r)
		*ret = way;
	return r;
}

int nl_route_get(const struct address *dst, __u32 vrf, __u32 *ret_oif)
{
	struct nl_way way;
	int r = nl_way(dst, NULL, vrf, 0, &way);

	if (!r)
		*ret_oif = way.oif;
	return r;
}

static int neighbour_row(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	struct nl_neighbour *row;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWNEIGH ||
	    (nd->ndm_family != AF_INET && nd->ndm_family != AF_INET6))
		return MNL_CB_OK;
	row = list_add(data);
	row->ifindex = nd->ndm_ifindex;
	row->state = nd->ndm_state;
	mnl_attr_for_each(a, nlh, sizeof(*nd))
		if (mnl_attr_get_type(a) == NDA_DST)
			row->address = attr_address(a, nd->ndm_family);
	return MNL_CB_OK;
}

int nl_neighbours(struct nl_neighbour **ret, size_t *ret_n)
{
	return nl_dump(RTM_GETNEIGH, NULL, sizeof(struct ndmsg), neighbour_row, sizeof(**ret), ret,
		       ret_n);
}

__u16 nl_neighbour_state(const struct nl_neighbour *list, size_t n, const struct nl_way *way,
			 const struct address *dst)
{
	const struct address *next = way->via.family ? &way->via : dst;

	for (size_t i = 0; i < n; i++)
		if (list[i].ifindex == way->oif && address_equal(&list[i].address, next))
			return list[i].state;
	return 0;
}
