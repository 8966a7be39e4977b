/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements relay_prefix.h.
 */
#include "config/relay_prefix.h"

/* Shortest prefix length of an overlay: fc00::/7 has all ULAs; a shorter one contains a large part
 * of the internet. */
#define SHORTEST 7
#define LONGEST 112 /* a longer prefix has no room for sites with hosts */

static const struct prefix link_local = {
	.addr = { .b = { 0xfe, 0x80 } }, .family = FAMILY_IPV6, .len = 10,
};
static const struct prefix multicast = {
	.addr = { .b = { 0xff } }, .family = FAMILY_IPV6, .len = 8,
};

const char *relay_overlay_wrong(const struct prefix *overlay)
{
	if (overlay->family != FAMILY_IPV6)
		return "is an IPv4 prefix: write an IPv6 prefix";
	if (overlay->len < SHORTEST)
		return "is too large: write a ULA or a global prefix of /7 or longer";
	if (prefix_meets(overlay, &link_local))
		return "is a link-local prefix, which is not routed: write a ULA or a global "
		       "prefix";
	if (prefix_meets(overlay, &multicast))
		return "is a multicast prefix: write a ULA or a global prefix";
	return overlay->len > LONGEST ? "is too small for the prefixes of sites: write a ULA or a "
					"global prefix of /112 or shorter" : NULL;
}

const char *relay_prefix_wrong(const struct prefix *prefix, const struct prefix *overlay)
{
	if (prefix->family != FAMILY_IPV6)
		return "is an IPv4 prefix, and only IPv6 is routed: write a prefix within the "
		       "overlay";
	if (prefix_within(overlay, prefix))
		return prefix->len == overlay->len ?
		       "is the whole overlay: write a smaller prefix within the overlay" :
		       "is larger than the overlay: write a prefix within the overlay";
	if (prefix_within(prefix, overlay))
		return NULL;
	if (prefix_meets(prefix, &link_local) || prefix_meets(prefix, &multicast))
		return "is a link-local or multicast prefix: write a prefix within the overlay";
	return prefix->len < 128 ? "is outside the overlay, where a peer may have only single "
				   "addresses (/128): write a prefix within the overlay" : NULL;
}
