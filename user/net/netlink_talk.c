/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/grow.h"
#include "net/netlink_talk.h"
#include "net/netlink.h"

#define BUFFER_SIZE 32768		/* largest part of a dump that the kernel sends, in bytes */
#define ERRNO_MAX 4095			/* largest errno (the kernel's MAX_ERRNO) */

void *list_add(struct list *l)
{
	return grow(&l->rows, &l->n, l->size);
}

int nl_open(int bus, struct mnl_socket **ret)
{
	struct mnl_socket *sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	int r;

	if (!sock)
		return -errno;
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		mnl_socket_close(sock);
		return r;
	}
	*ret = sock;
	return 0;
}

/* Returns the error with which the kernel ended a dump, as -errno, or 0. NLMSG_DONE has it, and
 * libmnl ignores it there. Without it, a list that vanishes while it is read would seem shorter. */
static int dump_error(const void *buffer, int n, unsigned int seq)
{
	int rc;

	for (const struct nlmsghdr *nlh = buffer; mnl_nlmsg_ok(nlh, n);
	     nlh = mnl_nlmsg_next(nlh, &n)) {
		if (nlh->nlmsg_type != NLMSG_DONE || nlh->nlmsg_seq != seq ||
		    mnl_nlmsg_get_payload_len(nlh) < sizeof(rc))
			continue;
		memcpy(&rc, mnl_nlmsg_get_payload(nlh), sizeof(rc));
		return rc < 0 ? rc : 0;
	}
	return 0;
}

int nl_talk(struct mnl_socket *sock, struct nlmsghdr *request, mnl_cb_t row, void *data)
{
	static unsigned int last;	/* sequence number of the last request of this process */
	unsigned int seq = request->nlmsg_seq = ++last, port = mnl_socket_get_portid(sock);
	ssize_t n = 0;
	char *buffer;
	int r;

	buffer = xmalloc(BUFFER_SIZE);
	r = mnl_socket_sendto(sock, request, request->nlmsg_len) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
	while (r > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(sock, buffer, BUFFER_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? MNL_CB_ERROR : mnl_cb_run(buffer, n, seq, port, row, data);
	}
	if (r == MNL_CB_ERROR)
		r = errno > 0 && errno <= ERRNO_MAX ? -errno : -EPROTO;
	else
		r = dump_error(buffer, n, seq);
	free(buffer);
	return r;
}

/* All requests use one socket. After an error it is closed, because parts of the answer may still
 * be queued on it, such as the rest of an interrupted dump. A child opens a socket of its own. */
int nl_ask(struct nlmsghdr *request, mnl_cb_t row, void *data)
{
	static struct mnl_socket *sock;
	static pid_t owner;
	int r;

	if (owner != getpid())
		sock = NULL;	/* not closed: the child may use its descriptor for another file */
	r = sock ? 0 : nl_open(NETLINK_ROUTE, &sock);
	if (r)
		return r;
	owner = getpid();
	r = nl_talk(sock, request, row, data);
	if (r) {
		mnl_socket_close(sock);
		sock = NULL;
	}
	return r;
}

/* Reads a table, in several attempts if necessary. If the table changes during a dump, the kernel
 * marks the dump as interrupted, and libmnl returns EINTR. */
int nl_dump(__u16 type, const void *header, size_t size, mnl_cb_t row, size_t row_size, void *ret,
	    size_t *ret_n)
{
	struct list l = { .size = row_size };
	int tries, r = -EINTR;

	for (tries = 0; tries < DUMP_TRIES && r == -EINTR; tries++) {
		char buffer[128] = {};
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		void *to = mnl_nlmsg_put_extra_header(request, size);

		request->nlmsg_type = type;
		request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		if (header)
			memcpy(to, header, size);
		if (type == RTM_GETLINK)
			mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		l.n = 0;
		r = nl_ask(request, row, &l);
	}
	if (r) {
		free(l.rows);
		return r;
	}
	*(void **)ret = l.rows;
	*ret_n = l.n;
	return 0;
}

int nl_open_groups(int bus, const int *groups, size_t n)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, bus), rc = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		rc = -errno;
	for (size_t i = 0; i < n && !rc; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])))
			rc = -errno;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

struct nlmsghdr *nl_genl_request(char *buffer, __u16 id, __u8 command, __u8 version)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl;

	request->nlmsg_type = id;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl = mnl_nlmsg_put_extra_header(request, sizeof(*genl));
	genl->cmd = command;
	genl->version = version;
	return request;
}

static int family_row(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID)
			attr_copy(a, data, sizeof(__u16));
	return MNL_CB_OK;
}

static int find_family(struct mnl_socket *sock, const char *name, __u16 *ret)
{
	char buffer[128] = {};
	struct nlmsghdr *request = nl_genl_request(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	__u16 id = 0;
	int r;

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, name);
	r = nl_talk(sock, request, family_row, &id);
	if (r == -ENOENT || (!r && !id))
		return -EOPNOTSUPP;
	if (!r)
		*ret = id;
	return r;
}

int nl_genl_open(const char *name, struct mnl_socket **ret, __u16 *ret_family)
{
	struct mnl_socket *sock;
	int r = nl_open(NETLINK_GENERIC, &sock);

	if (r)
		return r;
	r = find_family(sock, name, ret_family);
	if (r)
		mnl_socket_close(sock);
	else
		*ret = sock;
	return r;
}

__u32 attr_u32(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) >= sizeof(__u32) ? mnl_attr_get_u32(a) : 0;
}

void attr_copy(const struct nlattr *a, void *to, size_t size)
{
	if (mnl_attr_get_payload_len(a) == size)
		memcpy(to, mnl_attr_get_payload(a), size);
}

void attr_string(const struct nlattr *a, char *to, size_t size)
{
	size_t n = strnlen(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));

	if (n >= size)
		n = size - 1;
	memcpy(to, mnl_attr_get_payload(a), n);
	to[n] = '\0';
}

struct address attr_address(const struct nlattr *a, int family)
{
	struct in6_addr a6 = {};
	struct in_addr a4 = {};

	if (family == AF_INET) {
		if (a)
			attr_copy(a, &a4, sizeof(a4));
		return address_from_ipv4(a4);
	}
	if (family != AF_INET6)
		return (struct address) {};
	if (a)
		attr_copy(a, &a6, sizeof(a6));
	return address_from_ipv6(a6);
}

struct prefix attr_prefix(const struct nlattr *a, int family, __u8 len)
{
	struct address address = attr_address(a, family);

	if (len > (family == AF_INET ? 32 : 128))
		return (struct prefix) {};
	return (struct prefix) { .addr = address.addr, .family = address.family, .len = len };
}

/* ---- changes ---- */

#define CHANGES_SIZE 16384
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
	static char buffer[CHANGES_SIZE];
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
