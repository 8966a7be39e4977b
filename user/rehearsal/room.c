/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A network namespace into which the rules of another host are loaded, with interfaces that have
 * the names of that host's interfaces.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include "rehearsal/parts.h"

int room_enter(void)
{
	static const char *const settings[][2] = {
		{ "ipv4/conf/all/forwarding", "1" }, { "ipv6/conf/all/forwarding", "1" },
		{ "ipv4/conf/all/rp_filter", "0" }, { "ipv4/conf/default/rp_filter", "0" },
	};
	int rc = stage_enter();
	char path[64];

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings) && !rc; i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/%s", settings[i][0]);
		rc = write_to(path, settings[i][1]);
	}
	return rc;
}

/* Any kind of device with Ethernet headers will do: no packet is sent in this namespace. */
int room_add_link(const char *name, __u32 *ret_index)
{
	static const char *const kinds[] = { "dummy", "bridge" };
	int rc = -EOPNOTSUPP;

	*ret_index = if_nametoindex(name);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !*ret_index &&
	     (rc == -EOPNOTSUPP || rc == -ENOENT); i++) {
		char buffer[512] = { 0 };
		struct nlmsghdr *m = request_begin(buffer, RTM_NEWLINK,
						   NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
						   sizeof(struct ifinfomsg));
		struct ifinfomsg *info = mnl_nlmsg_get_payload(m);
		struct nlattr *nest;

		info->ifi_flags = info->ifi_change = IFF_UP;
		mnl_attr_put_strz(m, IFLA_IFNAME, name);
		nest = mnl_attr_nest_start(m, IFLA_LINKINFO);
		mnl_attr_put_strz(m, IFLA_INFO_KIND, kinds[i]);
		mnl_attr_nest_end(m, nest);
		rc = dump_read(NETLINK_ROUTE, m, 0, NULL);
		*ret_index = if_nametoindex(name);
	}
	return *ret_index ? 0 : rc;
}

static void put_address(struct nlmsghdr *m, __u16 type, __u8 family, const struct addr *a)
{
	bool four = family == FAMILY_IPV4;

	mnl_attr_put(m, type, four ? 4 : 16, a->b + (four ? 12 : 0));
}

int room_add_address(__u32 index, const struct address *a, __u8 len)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *m = request_begin(buffer, RTM_NEWADDR,
					   NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK,
					   sizeof(struct ifaddrmsg));
	struct ifaddrmsg *info = mnl_nlmsg_get_payload(m);

	info->ifa_family = a->family == FAMILY_IPV4 ? AF_INET : AF_INET6;
	info->ifa_prefixlen = len;
	info->ifa_index = index;
	put_address(m, IFA_LOCAL, a->family, &a->addr);
	put_address(m, IFA_ADDRESS, a->family, &a->addr);
	mnl_attr_put_u32(m, IFA_FLAGS, IFA_F_NODAD);
	return dump_read(NETLINK_ROUTE, m, 0, NULL);
}

int room_route(__u32 index, const struct prefix *to, bool local, bool there)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *m = request_begin(buffer, there ? RTM_NEWROUTE : RTM_DELROUTE,
					   NLM_F_ACK | (there ? NLM_F_CREATE | NLM_F_REPLACE : 0),
					   sizeof(struct rtmsg));
	struct rtmsg *info = mnl_nlmsg_get_payload(m);

	info->rtm_family = to->family == FAMILY_IPV4 ? AF_INET : AF_INET6;
	info->rtm_dst_len = to->len;
	info->rtm_table = local ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	info->rtm_type = local ? RTN_LOCAL : RTN_UNICAST;
	info->rtm_scope = local ? RT_SCOPE_HOST : RT_SCOPE_LINK;
	info->rtm_protocol = RTPROT_STATIC;
	if (to->len)
		put_address(m, RTA_DST, to->family, &to->addr);
	mnl_attr_put_u32(m, RTA_OIF, index);
	return dump_read(NETLINK_ROUTE, m, 0, NULL);
}
