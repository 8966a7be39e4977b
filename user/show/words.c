/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names for what the maps hold.
 */
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
	       "for a reason that this version does not know";
}

bool reason_drops(__u16 reason)
{
	return reason < REASON_MAX && reasons[reason].drops;
}

const char *direction_name(__u32 direction)
{
	return direction == DIRECTION_ORIGINAL ? "original" : "reply";
}

const char *mode_of_link(const struct link *links, size_t n, const struct link *link)
{
	__u16 flags = link->flags;

	for (size_t i = 0; i < n; i++)
		if (links[i].ifindex == link->port || links[i].above == link->ifindex)
			flags |= links[i].flags & (LINK_NATIVE | LINK_GENERIC | LINK_SHARED);
	return flags & LINK_NATIVE ? "native" : flags & LINK_GENERIC ? "generic" : "tc";
}
