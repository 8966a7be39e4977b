/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds a copy of this host's network in a new namespace. Its interfaces have the same names and
 * ifindexes, so that routes and rules can be sent as the kernel dumped them.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/fib_rules.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/file.h"
#include "lib/grow.h"
#include "net/netlink_talk.h"
#include "rehearsal/parts.h"

#define LINKS_MAX 1024			/* interfaces that are copied, at most */
#define SETTLE_MS 1000			/* longest time until IPv6 addresses are complete */

/* ---- sysctls ---- */

/* Those that decide about packets. conf/all comes first, because writing it changes the others. */
static const char *const sysctl_globs[] = {
	"ipv4/conf/all/forwarding", "ipv6/conf/all/forwarding", "ipv6/conf/all/disable_ipv6",
	"ipv4/conf/*/forwarding", "ipv6/conf/*/forwarding", "ipv4/conf/*/rp_filter",
	"ipv4/conf/*/accept_local", "ipv4/conf/*/route_localnet", "ipv4/conf/*/src_valid_mark",
	"ipv6/conf/*/disable_ipv6", "ipv4/ip_nonlocal_bind", "ipv4/fib_multipath_hash_policy",
	"ipv6/fib_multipath_hash_policy", "ipv4/fwmark_reflect",
	"netfilter/nf_conntrack_checksum", "bridge/bridge-nf-*",
};

static void read_sysctl(struct stage *s, const char *path)
{
	FILE *in = fopen(path, "re");
	char text[64];

	if (in && fgets(text, sizeof(text), in))
		*append(s->sysctls, s->n_sysctls) =
			(struct sysctl_value){ xstrdup(path), xstrdup(text) };
	if (in)
		fclose(in);
}

static void read_sysctls(struct stage *s)
{
	char pattern[128];
	glob_t found;

	for (size_t i = 0; i < sizeof(sysctl_globs) / sizeof(*sysctl_globs); i++) {
		snprintf(pattern, sizeof(pattern), "/proc/sys/net/%s", sysctl_globs[i]);
		if (glob(pattern, 0, NULL, &found))
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			read_sysctl(s, found.gl_pathv[k]);
		globfree(&found);
	}
}

int write_to(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		rc = -errno;
	fd_close(fd);
	return rc;
}

static void write_sysctls(struct rehearsal *r)
{
	const struct stage *s = &r->parts->stage;

	for (size_t i = 0; i < s->n_sysctls; i++) {
		int rc = write_to(s->sysctls[i].path, s->sysctls[i].value);

		if (rc && rc != -ENOENT)
			lacks(r, "the sysctl %s: %s", s->sysctls[i].path, strerror(-rc));
	}
}

/* ---- reading ---- */

static int read_table(struct dump *d, __u16 type, size_t header)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = request_begin(buffer, type, NLM_F_DUMP, header);

	if (type == RTM_GETLINK)
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return dump_read(NETLINK_ROUTE, request, header, d);
}

static void add_link(struct rehearsal *r, struct nlmsghdr *m)
{
	const struct ifinfomsg *i = mnl_nlmsg_get_payload(m);
	struct copied_link *l = append(r->links, r->n_links);
	size_t n = r->n_links - 1;
	const struct nlattr *a, *info = NULL;
	struct stand_in *s;

	s = append(r->parts->stage.stand_ins, n);
	*l = (struct copied_link){ .index = i->ifi_index, .up = i->ifi_flags & IFF_UP,
				   .ethernet = i->ifi_type == ARPHRD_ETHER };
	s->fd = -1;
	s->message = m;
	mnl_attr_for_each(a, m, sizeof(*i))
		if (mnl_attr_get_type(a) == IFLA_IFNAME)
			attr_string(a, l->name, sizeof(l->name));
		else if (mnl_attr_get_type(a) == IFLA_MTU)
			s->mtu = attr_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_GROUP)
			s->group = attr_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_MASTER)
			l->master = attr_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_LINK)
			l->lower = attr_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_LINKINFO)
			info = a;
		else if (mnl_attr_get_type(a) == IFLA_ADDRESS && mnl_attr_get_payload_len(a) == 6)
			memcpy(s->mac, mnl_attr_get_payload(a), 6), s->has_mac = true;
	if (attr_of(m, sizeof(*i), IFLA_LINK_NETNSID))
		l->lower = 0;
	snprintf(s->kind, sizeof(s->kind), "%s", attr_text(attr_in(info, IFLA_INFO_KIND)));
	info = attr_in(attr_in(info, IFLA_INFO_DATA), IFLA_VLAN_ID);
	if (!strcmp(s->kind, "vlan") && info)
		attr_copy(info, &s->vlan_id, sizeof(s->vlan_id));
}

static void mark_gateway(struct rehearsal *r, __u32 index)
{
	for (size_t i = 0; i < r->n_links; i++)
		r->links[i].gateway |= r->links[i].index == index;
}

/* Marks the interfaces of a default route. */
static void note_gateway(struct rehearsal *r, const struct nlmsghdr *m)
{
	const struct rtmsg *i = mnl_nlmsg_get_payload(m);
	const struct nlattr *oif = attr_of(m, sizeof(*i), RTA_OIF);
	const struct nlattr *several = attr_of(m, sizeof(*i), RTA_MULTIPATH);
	const struct rtnexthop *hop = several ? mnl_attr_get_payload(several) : NULL;
	size_t left = several ? mnl_attr_get_payload_len(several) : 0;

	if (i->rtm_dst_len || i->rtm_type != RTN_UNICAST)
		return;
	if (oif)
		mark_gateway(r, attr_u32(oif));
	for (; left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left;
	     left -= NLMSG_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		mark_gateway(r, hop->rtnh_ifindex);
		if (NLMSG_ALIGN(hop->rtnh_len) > left)
			break;
	}
}

int stage_read(struct rehearsal *r)
{
	struct stage *s = &r->parts->stage;
	int rc = read_table(&s->links, RTM_GETLINK, sizeof(struct ifinfomsg)) ?:
		 read_table(&s->addresses, RTM_GETADDR, sizeof(struct ifaddrmsg)) ?:
		 read_table(&s->routes, RTM_GETROUTE, sizeof(struct rtmsg)) ?:
		 read_table(&s->rules, RTM_GETRULE, sizeof(struct fib_rule_hdr));

	if (rc)
		return rc;
	read_table(&s->nexthops, RTM_GETNEXTHOP, sizeof(struct nhmsg));	/* since 5.3 */
	for each_message(m, &s->links) {
		const struct ifinfomsg *i = mnl_nlmsg_get_payload(m);

		if (i->ifi_flags & IFF_LOOPBACK)
			continue;
		if (r->n_links < LINKS_MAX)
			add_link(r, m);
		else
			lacks(r, "interfaces: there are more than %d", LINKS_MAX);
	}
	for each_message(m, &s->routes)
		note_gateway(r, m);
	read_sysctls(s);
	return 0;
}

/* ---- building ---- */

static int enter(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (!unshare(CLONE_NEWNET))
		return 0;
	if (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -errno;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_to("/proc/self/uid_map", map);
	write_to("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_to("/proc/self/gid_map", map);
	return 0;
}

int stage_enter(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int control, rc = enter();

	if (rc)
		return rc;
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control < 0)
		return -errno;
	rc = ioctl(control, SIOCSIFFLAGS, &lo) ? -errno : 0;
	close(control);
	write_to("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
	write_to("/proc/sys/net/ipv6/conf/default/accept_ra", "0");
	return rc;
}

static void add_address(struct rehearsal *r, const struct nlmsghdr *m)
{
	const struct ifaddrmsg *i = mnl_nlmsg_get_payload(m);
	const struct nlattr *a = attr_of(m, sizeof(*i), IFA_LOCAL) ?:
				 attr_of(m, sizeof(*i), IFA_ADDRESS);

	if (a && i->ifa_scope < RT_SCOPE_LINK)
		*append(r->addresses, r->n_addresses) = (struct copied_address){
			attr_address(a, i->ifa_family), i->ifa_index, i->ifa_prefixlen };
}

static bool is_up(const struct rehearsal *r, __u32 index)
{
	for (size_t i = 0; i < r->n_links; i++)
		if (r->links[i].index == index)
			return r->links[i].up && r->parts->stage.stand_ins[i].made;
	return false;
}

__u8 route_to(const struct address *a, __u32 *ret_oif)
{
	bool four = a->family == FAMILY_IPV4;
	char buffer[256] = { 0 };
	struct nlmsghdr *q = request_begin(buffer, RTM_GETROUTE, NLM_F_ACK, sizeof(struct rtmsg));
	struct rtmsg *m = mnl_nlmsg_get_payload(q);
	const struct nlattr *oif;
	struct dump d = { 0 };
	__u8 type = RTN_UNSPEC;

	m->rtm_family = four ? AF_INET : AF_INET6;
	m->rtm_dst_len = four ? 32 : 128;
	mnl_attr_put(q, RTA_DST, m->rtm_dst_len / 8, a->addr.b + (four ? 12 : 0));
	*ret_oif = 0;
	if (!dump_read(NETLINK_ROUTE, q, sizeof(*m), &d) && d.n) {
		oif = attr_of((void *)d.data, sizeof(*m), RTA_OIF);
		*ret_oif = oif ? attr_u32(oif) : 0;
		type = ((struct rtmsg *)mnl_nlmsg_get_payload((void *)d.data))->rtm_type;
	}
	free(d.data);
	return type;
}

/* Even without duplicate address detection, the kernel completes an IPv6 address later: until then
 * it is no address of this host. */
static void wait_for_addresses(const struct rehearsal *r)
{
	__u32 oif;

	for (size_t i = 0, ms = 0; i < r->n_addresses && ms < SETTLE_MS;) {
		const struct copied_address *a = &r->addresses[i];

		if (!is_up(r, a->index) || route_to(&a->address, &oif) == RTN_LOCAL) {
			i++;
			continue;
		}
		usleep(1000);
		ms++;
	}
}

static void copy_addresses(struct rehearsal *r)
{
	struct batch b = { 0 };
	size_t n = 0;

	for each_message(m, &r->parts->stage.addresses) {
		struct nlmsghdr *q = batch_next(&b, m->nlmsg_len + 64);
		const struct nlattr *flags = attr_of(m, sizeof(struct ifaddrmsg), IFA_FLAGS);

		request_copy(q, m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE,
			     sizeof(struct ifaddrmsg), 1 << IFA_FLAGS | 1 << IFA_CACHEINFO);
		((struct ifaddrmsg *)mnl_nlmsg_get_payload(q))->ifa_flags = 0;
		mnl_attr_put_u32(q, IFA_FLAGS, IFA_F_NODAD |
				 (flags ? attr_u32(flags) & IFA_F_NOPREFIXROUTE : 0));
		batch_add(&b, q);
	}
	batch_send(&b, NETLINK_ROUTE, false);
	for each_message(m, &r->parts->stage.addresses)
		if (!b.errors[++n])
			add_address(r, m);
		else
			lacks(r, "an address of interface %u: %s",
			      ((struct ifaddrmsg *)mnl_nlmsg_get_payload(m))->ifa_index,
			      strerror(-b.errors[n]));
	batch_free(&b);
	wait_for_addresses(r);
}

/* The kernel adds some routes by itself, and dumps others that are not of the table. */
static bool is_route(const struct nlmsghdr *m)
{
	const struct rtmsg *i = mnl_nlmsg_get_payload(m);

	return i->rtm_protocol != RTPROT_KERNEL && !(i->rtm_flags & RTM_F_CLONED) &&
	       (i->rtm_family == AF_INET || i->rtm_family == AF_INET6);
}

static void put_route(struct batch *b, const struct nlmsghdr *m)
{
	struct nlmsghdr *q = batch_next(b, m->nlmsg_len + 64);
	bool by_id = attr_of(m, sizeof(struct rtmsg), RTA_NH_ID);

	if (!is_route(m)) {
		batch_skip(b);
		return;
	}
	request_copy(q, m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, sizeof(struct rtmsg),
		     1 << RTA_CACHEINFO | (by_id ? 1 << RTA_OIF | 1 << RTA_GATEWAY | 1 << RTA_VIA |
					   1 << RTA_MULTIPATH : 0));
	((struct rtmsg *)mnl_nlmsg_get_payload(q))->rtm_flags &= RTNH_F_ONLINK;
	batch_add(b, q);
}

/* A route may need another one that comes later, so refused ones are sent again. */
static void copy_routes(struct rehearsal *r)
{
	struct batch b = { 0 }, again = { 0 };
	struct stage *s = &r->parts->stage;
	size_t n = 0, k = 0;

	for each_message(m, &s->routes)
		put_route(&b, m);
	batch_send(&b, NETLINK_ROUTE, false);
	for each_message(m, &s->routes)
		if (b.errors[++n] && b.errors[n] != -EEXIST)
			put_route(&again, m);
	batch_send(&again, NETLINK_ROUTE, false);
	n = 0;
	for each_message(m, &s->routes)
		if (b.errors[++n] && b.errors[n] != -EEXIST && again.errors[++k])
			lacks(r, "a route of table %u: %s",
			      ((struct rtmsg *)mnl_nlmsg_get_payload(m))->rtm_table,
			      strerror(-again.errors[k]));
	batch_free(&again);
	batch_free(&b);
}

static void copy_all(struct rehearsal *r, const struct dump *d, __u16 type, size_t header,
		     __u64 without, const char *what)
{
	struct batch b = { 0 };

	for each_message(m, d) {
		struct nlmsghdr *q = batch_next(&b, m->nlmsg_len + 64);

		request_copy(q, m, type, NLM_F_CREATE | NLM_F_EXCL, header, without);
		if (type == RTM_NEWNEXTHOP)
			((struct nhmsg *)mnl_nlmsg_get_payload(q))->nh_flags &= RTNH_F_ONLINK;
		batch_add(&b, q);
	}
	batch_send(&b, NETLINK_ROUTE, false);
	for (size_t i = 1; i <= b.n; i++)
		if (b.errors[i] && b.errors[i] != -EEXIST)
			lacks(r, "%s: %s", what, strerror(-b.errors[i]));
	batch_free(&b);
}

/* Makes all stand-ins, those of bridges and VRFs before their ports, VLANs behind their lower
 * devices. Those that fail come once more, when others are there. */
static int make_links(struct rehearsal *r)
{
	struct stage *s = &r->parts->stage;
	size_t left = r->n_links, before = 0;
	int rc = 0;

	while (left && left != before) {
		before = left;
		left = 0;
		for (size_t i = 0; i < r->n_links; i++)
			if (!s->stand_ins[i].made) {
				rc = s->stand_ins[i].error = stand_in_make(r, i);
				s->stand_ins[i].made = !rc;
				left += !!rc;
			}
	}
	for (size_t i = 0; i < r->n_links && left; i++)
		if (!s->stand_ins[i].made)
			lacks(r, "the interface %s: %s", r->links[i].name,
			      strerror(-s->stand_ins[i].error));
	return left && left == r->n_links ? rc : 0;
}

static bool has_port(const struct rehearsal *r, __u32 bridge)
{
	for (size_t i = 0; i < r->n_links; i++)
		if (r->links[i].master == bridge && is_up(r, r->links[i].index))
			return true;
	return false;
}

static bool runs(int control, const char *name)
{
	struct ifreq q = { 0 };

	snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", name);
	return ioctl(control, SIOCGIFFLAGS, &q) || q.ifr_flags & IFF_RUNNING;
}

/* The kernel notices later that a port of a bridge, or the other end of a veth, runs. Until then it
 * drops all packets there. */
static void wait_for_links(const struct rehearsal *r)
{
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct stand_in *s = r->parts->stage.stand_ins;
	char peer[IFNAMSIZ];

	for (size_t i = 0, ms = 0; i < r->n_links && ms < SETTLE_MS;) {
		const struct copied_link *l = &r->links[i];

		stand_in_peer(i, peer);
		if (!is_up(r, l->index) || (runs(control, l->name) && runs(control, peer)) ||
		    (!strcmp(s[i].kind, "bridge") && !has_port(r, l->index))) {
			i++;
			continue;
		}
		usleep(1000);
		ms++;
	}
	close(control);
}

int stage_build(struct rehearsal *r)
{
	struct stage *s = &r->parts->stage;
	int rc;

	s->veth = access("/dev/net/tun", R_OK | W_OK);
	rc = make_links(r);
	if (rc)
		return rc;
	write_sysctls(r);
	copy_addresses(r);
	copy_all(r, &s->nexthops, RTM_NEWNEXTHOP, sizeof(struct nhmsg), 0, "a nexthop object");
	copy_routes(r);
	copy_all(r, &s->rules, RTM_NEWRULE, sizeof(struct fib_rule_hdr), 0,
		 "a rule of policy routing");
	wait_for_links(r);
	return 0;
}
