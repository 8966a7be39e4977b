/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements relay_prefix.h.
 */
#include "config/relay_prefix.h"

/* Shortest prefix length of an overlay: fc00::/7 contains all ULAs, and a shorter prefix would be a
 * large part of the internet. */
#define SHORTEST 7
#define LONGEST 112 /* longest prefix length: a longer prefix has no room for sites with hosts */

static const struct prefix link_local = {
	.addr = { .b = { 0xfe, 0x80 } }, .family = FAMILY_IPV6, .len = 10,
};
static const struct prefix multicast = {
	.addr = { .b = { 0xff } }, .family = FAMILY_IPV6, .len = 8,
};

const char *relay_overlay_wrong(const struct prefix *overlay)
{
	if (overlay->family != FAMILY_IPV6)
		return "is IPv4: write a prefix of IPv6";
	if (overlay->len < SHORTEST)
		return "is too wide: write a ULA or a global prefix of /7 or longer";
	if (prefix_meets(overlay, &link_local))
		return "is link-local, which no other link reaches: write a ULA or a global prefix";
	if (prefix_meets(overlay, &multicast))
		return "is multicast: write a ULA or a global prefix";
	return overlay->len > LONGEST ? "is too narrow to hold sites: write a ULA or a global "
					"prefix of /112 or shorter" : NULL;
}

const char *relay_prefix_wrong(const struct prefix *prefix, const struct prefix *overlay)
{
	if (prefix->family != FAMILY_IPV6)
		return "is IPv4, and only IPv6 is routed: write a prefix within the overlay";
	if (prefix_within(overlay, prefix))
		return prefix->len == overlay->len ?
		       "is the whole overlay: write a prefix within the overlay" :
		       "is wider than the overlay: write a prefix within the overlay";
	if (prefix_within(prefix, overlay))
		return NULL;
	if (prefix_meets(prefix, &link_local) || prefix_meets(prefix, &multicast))
		return "is link-local or multicast: write a prefix within the overlay";
	return prefix->len < 128 ? "lies outside the overlay, where a peer may have only its own "
				   "address, a /128: write a prefix within the overlay" : NULL;
}
