/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names for the contents of the maps.
 */
#include <bpf/bpf.h>
#include <stdio.h>
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
