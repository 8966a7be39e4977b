/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names for the contents of the maps.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "lib/addr.h"
#include "show/words.h"

static const struct {
	const char *name;
	bool drops;
	const char *text;
} reasons[REASON_MAX] = {
#define REASON(kind, name, text) [kind##_##name] = { #name, KIND_##kind == KIND_DROP, text },
#include "reasons.def"
#undef REASON
};

const char *reason_name(__u16 reason)
{
	return reason < REASON_MAX && reasons[reason].name ? reasons[reason].name : "unknown";
}

const char *reason_text(__u16 reason)
{
	return reason < REASON_MAX && reasons[reason].text ? reasons[reason].text :
	       "the reason is unknown to this version of wgxdp";
}

bool reason_drops(__u16 reason)
{
	return reason < REASON_MAX && reasons[reason].drops;
}

__u64 reasons_sum(const struct dataplane_reason *list, size_t n, __u32 id, int direction, int plane,
		  bool drops)
{
	__u64 sum = 0;

	for (size_t i = dataplane_reasons_from(list, n, id); i < n && list[i].key.id == id; i++) {
		const struct reason_key *k = &list[i].key;

		if ((direction == ANY || (int)k->direction == direction) &&
		    (plane == ANY || (int)k->plane == plane) && reason_drops(k->reason) == drops)
			sum += list[i].packets;
	}
	return sum;
}

/* The list is sorted by id, direction, reason and plane, so that the rows of a reason's two planes
 * follow each other. */
bool reasons_next(const struct dataplane_reason *list, size_t n, size_t *at,
		  struct dataplane_reason *ret)
{
	const struct reason_key *k = &ret->key, *next;

	if (*at >= n)
		return false;
	*ret = list[(*at)++];
	next = &list[*at].key;
	if (*at < n && next->id == k->id && next->direction == k->direction &&
	    next->reason == k->reason)
		ret->packets += list[(*at)++].packets;
	return true;
}

const char *direction_name(__u32 direction)
{
	return direction == DIRECTION_ORIGINAL ? "original" : "reply";
}

void name_of_id(const struct dataplane *dp, __u32 id, char ret[NAME_LEN])
{
	__u32 place = id & ~PEER_ID;
	union {
		struct service_name service;
		struct peer_name peer;
	} of = { 0 };

	bpf_map_lookup_elem(map_fd(dp, id & PEER_ID ? MAP_peer_names : MAP_names), &place, &of);
	snprintf(ret, NAME_LEN, "%s", id & PEER_ID ? of.peer.name : of.service.name);
}

const char *plane_name(__u32 plane)
{
	return plane == PLANE_XDP ? "xdp" : "tc";
}

const char *interface_name(__u32 ifindex, char buf[IF_NAMESIZE])
{
	if (!if_indextoname(ifindex, buf))
		snprintf(buf, IF_NAMESIZE, "%u", ifindex);
	return buf;
}

const char *mode_of_link(const struct link *links, size_t n, const struct link *link)
{
	__u16 flags = link->flags;

	for (size_t i = 0; i < n; i++)
		if (links[i].ifindex == link->port || links[i].above == link->ifindex)
			flags |= links[i].flags & (LINK_NATIVE | LINK_GENERIC | LINK_SHARED);
	return flags & LINK_NATIVE ? "native" : flags & LINK_GENERIC ? "generic" : "tc";
}

/* ---- packets in words ---- */

struct reader {
	const __u8 *at, *end;
	struct packet_words *to;
};

static void __attribute__((format(printf, 2, 3)))
add_words(struct reader *r, const char *format, ...)
{
	size_t n = strlen(r->to->what);
	va_list args;

	va_start(args, format);
	if (n)
		n += snprintf(r->to->what + n, PACKET_WORDS - n, ", ");
	if (n < PACKET_WORDS)
		vsnprintf(r->to->what + n, PACKET_WORDS - n, format, args);
	va_end(args);
}

static const void *pull_bytes(struct reader *r, size_t n)
{
	const void *at = r->at;

	if (r->end - r->at < (ptrdiff_t)n) {
		add_words(r, "cut off");
		r->at = r->end;
		return NULL;
	}
	r->at += n;
	return at;
}

const char *message_name(__u32 message)
{
	static const char *const names[] = { "", "initiation", "response", "cookie reply", "data" };

	return message <= MESSAGE_DATA ? names[message] : "";
}

/* Returns the type of WireGuard message that the first four bytes and the length suggest; 0: none.
 * It does not recognize messages behind junk (AmneziaWG). */
static __u32 message_of(const __u8 *at, size_t len)
{
	static const size_t lens[] = { 0, INITIATION_LEN, RESPONSE_LEN, COOKIE_LEN };

	if (len < 4 || !at[0] || at[0] > MESSAGE_DATA || at[1] || at[2] || at[3])
		return 0;
	return at[0] == MESSAGE_DATA ? (len >= DATA_LEN && !(len % 16) ? MESSAGE_DATA : 0) :
	       len == lens[at[0]] ? at[0] : 0;
}

static void set_ends(struct reader *r, const struct address addresses[2], const __u8 *ports)
{
	char *to[] = { r->to->from, r->to->to };

	for (int i = 0; i < 2; i++) {
		r->to->end[i] = addresses[i];
		if (!ports) {
			address_format(&addresses[i], to[i]);
			continue;
		}
		memcpy(&r->to->port[i], ports + 2 * i, sizeof(r->to->port[i]));
		endpoint_format(&addresses[i], r->to->port[i], to[i]);
	}
}

static void describe_udp(struct reader *r, const struct address addresses[2])
{
	const __u8 *head = pull_bytes(r, 8);
	size_t len = head ? (size_t)(head[4] << 8 | head[5]) : 0, there = r->end - r->at;

	if (!head)
		return;
	set_ends(r, addresses, head);
	r->to->udp = true;
	add_words(r, "UDP%s", head[6] || head[7] ? "" : " without a checksum");
	r->to->message = len < 8 ? 0 : message_of(r->at, len - 8 < there ? len - 8 : there);
	if (r->to->message)
		add_words(r, "WireGuard %s", message_name(r->to->message));
}

static void describe_icmp(struct reader *r, __u8 protocol, const char *name)
{
	const __u8 *head = pull_bytes(r, 8);
	struct packet_words inner = { 0 };
	struct { __u8 eth[14]; __u8 ip[200]; } quote = { 0 };
	size_t there = r->end - r->at;
	bool error;

	if (!head)
		return;
	error = protocol == IPPROTO_ICMPV6 ? head[0] < 128 : head[0] == 3 || head[0] == 4 ||
		head[0] == 5 || head[0] == 11 || head[0] == 12;
	add_words(r, "%s type %u code %u", name, head[0], head[1]);
	if (protocol == IPPROTO_ICMPV6 ? head[0] == 2 : head[0] == 3 && head[1] == 4)
		add_words(r, "MTU %u", protocol == IPPROTO_ICMPV6 ? head[4] << 24 | head[5] << 16 |
			  head[6] << 8 | head[7] : head[6] << 8 | head[7]);
	if (!error || there < 20 || (r->at[0] >> 4 != 4 && r->at[0] >> 4 != 6))
		return;
	quote.eth[12] = protocol == IPPROTO_ICMPV6 ? 0x86 : 8;
	quote.eth[13] = protocol == IPPROTO_ICMPV6 ? 0xdd : 0;
	there = there < sizeof(quote.ip) ? there : sizeof(quote.ip);
	memcpy(quote.ip, r->at, there);
	packet_words(&quote, 14 + there, &inner);
	add_words(r, "about %s > %s", inner.from, inner.to);
}

static void describe_payload(struct reader *r, __u8 protocol, const struct address addresses[2],
			     unsigned int offset)
{
	set_ends(r, addresses, NULL);
	if (offset)
		add_words(r, "protocol %u", protocol);
	else if (protocol == IPPROTO_UDP)
		describe_udp(r, addresses);
	else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		describe_icmp(r, protocol, protocol == IPPROTO_ICMP ? "ICMP" : "ICMPv6");
	else if (protocol == IPPROTO_TCP && r->end - r->at >= 4)
		set_ends(r, addresses, r->at), add_words(r, "TCP");
	else
		add_words(r, "protocol %u", protocol);
}

static void describe_ipv4(struct reader *r)
{
	struct iphdr ip;
	const void *at = pull_bytes(r, sizeof(ip));
	struct address addresses[2] = { 0 };
	unsigned int offset, more;

	if (!at)
		return;
	memcpy(&ip, at, sizeof(ip));
	addresses[0] = address_from_ipv4((struct in_addr){ ip.saddr });
	addresses[1] = address_from_ipv4((struct in_addr){ ip.daddr });
	if (ip.ihl > 5 && !pull_bytes(r, ip.ihl * 4 - 20))
		return;
	offset = (ntohs(ip.frag_off) & 0x1fff) * 8;
	more = ntohs(ip.frag_off) & IP_MF;
	describe_payload(r, ip.protocol, addresses, offset);
	if (offset || more)
		add_words(r, "%s fragment%s at %u of id %u", offset ? "a later" : "a first",
			  more ? " with more to come" : "", offset, ntohs(ip.id));
	add_words(r, "%u bytes", ntohs(ip.tot_len));
	add_words(r, "TTL %u%s", ip.ttl, ip.frag_off & htons(IP_DF) ? ", DF" : "");
}

static void describe_ipv6(struct reader *r)
{
	struct ip6_hdr ip;
	const void *at = pull_bytes(r, sizeof(ip));
	struct address addresses[2] = { 0 };
	const __u8 *head = NULL;
	unsigned int offset = 0;
	__u8 next;

	if (!at)
		return;
	memcpy(&ip, at, sizeof(ip));
	addresses[0] = address_from_ipv6(ip.ip6_src);
	addresses[1] = address_from_ipv6(ip.ip6_dst);
	next = ip.ip6_nxt;
	if (next == IPPROTO_FRAGMENT && (head = pull_bytes(r, 8))) {
		next = head[0];
		offset = (head[2] << 8 | head[3]) & 0xfff8;
	}
	describe_payload(r, next, addresses, offset);
	if (head)
		add_words(r, "%s fragment%s at %u", offset ? "a later" : "a first",
			  head[3] & 1 ? " with more to come" : "", offset);
	add_words(r, "%zu bytes", sizeof(ip) + ntohs(ip.ip6_plen));
	add_words(r, "hop limit %u", ip.ip6_hlim);
}

void packet_words(const void *frame, size_t len, struct packet_words *ret)
{
	struct reader r = { frame, (const __u8 *)frame + len, ret };
	const __u8 *type = frame;
	unsigned int protocol = 0;

	memset(ret, 0, sizeof(*ret));
	if (!pull_bytes(&r, 12))
		return;
	while ((type = pull_bytes(&r, 2))) {
		protocol = type[0] << 8 | type[1];
		if (protocol != 0x8100 && protocol != 0x88a8)
			break;
		type = pull_bytes(&r, 2);
		if (type)
			add_words(&r, "VLAN %u", (type[0] & 15) << 8 | type[1]);
	}
	if (protocol == 0x0800)
		describe_ipv4(&r);
	else if (protocol == 0x86dd)
		describe_ipv6(&r);
	else
		add_words(&r, "EtherType %#06x", protocol);
}
