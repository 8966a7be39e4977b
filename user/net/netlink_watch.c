/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements netlink_watch.h with the kernel's multicast groups.
 */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include "net/netlink_talk.h"
#include "net/netlink_watch.h"

#define BUFFER_SIZE 16384
#define READS_AT_ONCE 64 /* in a flood, messages never end: stop after so many */

int nl_watch(void)
{
	static const int groups[] = {
		RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP,
		RTNLGRP_NEIGH, RTNLGRP_TC, RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF,
	};

	return nl_open_groups(NETLINK_ROUTE, groups, sizeof(groups) / sizeof(*groups));
}

static unsigned int table_of(const struct nlmsghdr *nlh)
{
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return NL_LINKS;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return NL_ADDRESSES;
	case RTM_NEWROUTE:
	/* except cached results for one destination, such as its MTU */
	case RTM_DELROUTE:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct rtmsg) &&
		    ((struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_flags & RTM_F_CLONED)
			return 0;
		return NL_ROUTES;
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
	case RTM_NEWNETCONF:		/* the sysctl forwarding has changed */
		return NL_ROUTES;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return NL_NEIGHBOURS;
	case RTM_DELQDISC:
	case RTM_DELTFILTER:
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct tcmsg) &&
		    TC_H_MAJ(((struct tcmsg *)mnl_nlmsg_get_payload(nlh))->tcm_parent) !=
			    TC_H_MAJ(TC_H_INGRESS))
			return 0;
		return NL_QDISCS;
	}
	return 0;
}

unsigned int nl_watch_read(int fd)
{
	static char buffer[BUFFER_SIZE];
	unsigned int changes = 0;

	for (int i = 0; i < READS_AT_ONCE; i++) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
		int n = recv(fd, buffer, sizeof(buffer), MSG_TRUNC);

		if (n < 0 && errno == ENOBUFS)		/* the kernel dropped messages */
			changes = NL_ALL;
		else if (n < 0 && errno != EINTR)
			break;
		else if (n > (int)sizeof(buffer))
			changes = NL_ALL;
		else
			for (; n > 0 && mnl_nlmsg_ok(nlh, n); nlh = mnl_nlmsg_next(nlh, &n))
				changes |= table_of(nlh);
	}
	return changes;
}
