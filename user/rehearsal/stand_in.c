/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stand-in of an interface. VLANs, bridges and VRFs are real devices. All others are TAPs, or
 * TUNs without Ethernet headers: while write() runs, the kernel forwards the packet, so that
 * nothing has to wait for a packet that was dropped. Without /dev/net/tun they are veths.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lib/grow.h"
#include "net/netlink_talk.h"
#include "rehearsal/parts.h"

#define PEER_INDEX (1 << 30)	/* ifindexes of the other ends of veths, which no host has */

static size_t link_at(const struct rehearsal *r, __u32 index)
{
	size_t i = 0;

	while (i < r->n_links && r->links[i].index != index)
		i++;
	return i;
}

static bool is_kind(const struct rehearsal *r, __u32 index, const char *kind)
{
	size_t i = link_at(r, index);

	return i < r->n_links && !strcmp(r->parts->stage.stand_ins[i].kind, kind);
}

/* A bridge without ports, and a VLAN whose lower device is in another namespace, have no other
 * device by which a packet could come: they become TAPs. */
static bool is_real(const struct rehearsal *r, size_t i)
{
	const char *kind = r->parts->stage.stand_ins[i].kind;

	if (!strcmp(kind, "vlan"))
		return link_at(r, r->links[i].lower) < r->n_links;
	for (size_t k = 0; k < r->n_links && !strcmp(kind, "bridge"); k++)
		if (r->links[k].master == r->links[i].index)
			return true;
	return !strcmp(kind, "vrf");
}

/* ---- netlink ---- */

static struct ifinfomsg *info_of(struct nlmsghdr *m)
{
	return mnl_nlmsg_get_payload(m);
}

static struct nlmsghdr *begin(void *buffer, __u32 index, __u16 flags)
{
	struct nlmsghdr *m = request_begin(buffer, RTM_NEWLINK, flags | NLM_F_ACK,
					   sizeof(struct ifinfomsg));

	info_of(m)->ifi_index = index;
	return m;
}

static void put_common(struct nlmsghdr *m, const struct copied_link *l, const struct stand_in *s)
{
	mnl_attr_put_strz(m, IFLA_IFNAME, l->name);
	if (s->mtu)
		mnl_attr_put_u32(m, IFLA_MTU, s->mtu);
	if (s->has_mac)
		mnl_attr_put(m, IFLA_ADDRESS, 6, s->mac);
}

static int ask(struct nlmsghdr *m)
{
	return dump_read(NETLINK_ROUTE, m, 0, NULL);
}

/* NOARP: the kernel sends to every next hop at once. Only devices above bridges ask for neighbours,
 * because a bridge sends no frame to its own address. */
static int set_up(const struct rehearsal *r, size_t i)
{
	const struct copied_link *l = &r->links[i];
	struct stand_in *s = &r->parts->stage.stand_ins[i];
	size_t lower = link_at(r, l->lower);
	char buffer[512] = { 0 };
	struct nlmsghdr *m = begin(buffer, l->index, 0);
	struct ifinfomsg *info = info_of(m);

	s->arp = (!strcmp(s->kind, "bridge") && is_real(r, i)) ||
		 (s->vlan_id && lower < r->n_links && r->parts->stage.stand_ins[lower].arp);
	info->ifi_change = IFF_NOARP | IFF_UP;
	info->ifi_flags = (s->arp ? 0 : IFF_NOARP) | (l->up ? IFF_UP : 0);
	if (!strcmp(s->kind, "vrf"))
		info->ifi_change = IFF_UP;
	mnl_attr_put_u32(m, IFLA_GROUP, s->group);
	if (is_kind(r, l->master, "bridge") || is_kind(r, l->master, "vrf"))
		mnl_attr_put_u32(m, IFLA_MASTER, l->master);
	return ask(m);
}

/* A VLAN and a VRF are made as the host describes them, a bridge with its defaults. */
static int make_real(const struct rehearsal *r, size_t i)
{
	const struct stand_in *s = &r->parts->stage.stand_ins[i];
	const struct nlattr *info = attr_of(s->message, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	const struct nlattr *data = attr_in(info, IFLA_INFO_DATA);
	struct nlmsghdr *m;
	struct nlattr *nest;
	char *buffer = xcalloc(1, s->message->nlmsg_len + 512);
	int rc;

	m = begin(buffer, r->links[i].index, NLM_F_CREATE | NLM_F_EXCL);
	put_common(m, &r->links[i], s);
	if (s->vlan_id)
		mnl_attr_put_u32(m, IFLA_LINK, r->links[i].lower);
	nest = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, s->kind);
	if (data && strcmp(s->kind, "bridge"))
		mnl_attr_put(m, IFLA_INFO_DATA | NLA_F_NESTED, mnl_attr_get_payload_len(data),
			     mnl_attr_get_payload(data));
	mnl_attr_nest_end(m, nest);
	rc = ask(m);
	free(buffer);
	return rc;
}

/* ---- TAPs, and veths instead ---- */

static int make_tap(const struct copied_link *l, struct stand_in *s)
{
	struct ifreq q = { .ifr_flags = (l->ethernet ? IFF_TAP : IFF_TUN) | IFF_NO_PI };
	char buffer[512] = { 0 };
	struct nlmsghdr *m;

	memcpy(q.ifr_name, l->name, sizeof(q.ifr_name));
	s->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (s->fd < 0 || ioctl(s->fd, TUNSETIFINDEX, &l->index) || ioctl(s->fd, TUNSETIFF, &q))
		return -errno;
	m = begin(buffer, l->index, 0);
	if (s->mtu)
		mnl_attr_put_u32(m, IFLA_MTU, s->mtu);
	if (s->has_mac && l->ethernet)
		mnl_attr_put(m, IFLA_ADDRESS, 6, s->mac);
	return ask(m);
}

void stand_in_peer(size_t i, char ret[IFNAMSIZ])
{
	snprintf(ret, IFNAMSIZ, "wgxdp.%zu", i);
}

static int make_veth(const struct rehearsal *r, size_t i)
{
	const struct copied_link *l = &r->links[i];
	struct stand_in *s = &r->parts->stage.stand_ins[i];
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	char buffer[1024] = { 0 }, name[IFNAMSIZ];
	struct nlmsghdr *m = begin(buffer, l->index, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data, *peer;
	struct ifinfomsg *head;
	int on = 1, rc;

	at.sll_ifindex = PEER_INDEX + i;
	stand_in_peer(i, name);
	put_common(m, l, s);
	info = mnl_attr_nest_start(m, IFLA_LINKINFO);
	mnl_attr_put_strz(m, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(m, VETH_INFO_PEER);
	head = mnl_nlmsg_put_extra_header(m, sizeof(*head));
	head->ifi_index = at.sll_ifindex;
	mnl_attr_put_strz(m, IFLA_IFNAME, name);
	mnl_attr_put_u32(m, IFLA_MTU, 65535);
	mnl_attr_nest_end(m, peer);
	mnl_attr_nest_end(m, data);
	mnl_attr_nest_end(m, info);
	rc = ask(m);
	m = begin(buffer, at.sll_ifindex, 0);
	info_of(m)->ifi_flags = info_of(m)->ifi_change = IFF_UP | IFF_NOARP;
	rc = rc ?: ask(m);
	s->fd = rc ? -1 : socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return rc ?: -errno;
	setsockopt(s->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	setsockopt(s->fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
	return bind(s->fd, (struct sockaddr *)&at, sizeof(at)) ? -errno : 0;
}

int stand_in_make(struct rehearsal *r, size_t i)
{
	struct stand_in *s = &r->parts->stage.stand_ins[i];
	size_t lower = link_at(r, r->links[i].lower), master = link_at(r, r->links[i].master);
	int rc;

	if (is_real(r, i)) {
		if (s->vlan_id && !r->parts->stage.stand_ins[lower].made)
			return -EAGAIN;
		rc = make_real(r, i);
		if (rc != -EOPNOTSUPP && rc != -ENOENT)
			return rc ?: set_up(r, i);
		*s->kind = '\0';		/* this kernel lacks the kind of device */
		s->vlan_id = 0;
	}
	if (master < r->n_links && is_real(r, master) && !r->parts->stage.stand_ins[master].made)
		return -EAGAIN;
	rc = r->parts->stage.veth ? make_veth(r, i) : make_tap(&r->links[i], s);
	return rc ?: set_up(r, i);
}

/* An AF_PACKET socket gets a VLAN tag beside the frame. */
static size_t put_tag(__u8 *frame, size_t n, const struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)m, c)) {
		struct tpacket_auxdata aux;
		__be16 tag[2];

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || n < ETH_HLEN)
			continue;
		memmove(frame + 16, frame + 12, n - 12);
		tag[0] = htons(ETH_P_8021Q);
		tag[1] = htons(aux.tp_vlan_tci);
		memcpy(frame + 12, tag, sizeof(tag));
		n += 4;
	}
	return n;
}

size_t stand_in_read(const struct stage *stage, const struct stand_in *s, __u8 *frame,
		     size_t room)
{
	char control[256];
	struct iovec iov = { frame, room - 4 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = stage->veth ? recvmsg(s->fd, &m, 0) : read(s->fd, frame, room);

	return n <= 0 ? 0 : stage->veth ? put_tag(frame, n, &m) : n;
}
