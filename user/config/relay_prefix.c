/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks of the overlay, and of prefixes in it.
 */
#include "config/relay_prefix.h"

/* fc00::/7 holds every ULA; a wider prefix is a good part of the internet */
#define SHORTEST 7
#define LONGEST 112			/* an overlay holds sites, and sites hold hosts */

static const struct prefix link_local = {
	.addr = { .b = { 0xfe, 0x80 } }, .family = FAMILY_IPV6, .len = 10,
};
static const struct prefix multicast = {
	.addr = { .b = { 0xff } }, .family = FAMILY_IPV6, .len = 8,
};

const char *relay_overlay_wrong(const struct prefix *overlay)
{
	if (overlay->family != FAMILY_IPV6)
		return "is IPv4: an overlay is of IPv6";
	if (overlay->len < SHORTEST)
		return "is too wide: a ULA or a global prefix of /7 or longer is wanted";
	if (prefix_meets(overlay, &link_local))
		return "is link-local, which no other link reaches: a ULA or a global prefix is "
		       "wanted";
	if (prefix_meets(overlay, &multicast))
		return "is multicast: a ULA or a global prefix is wanted";
	return overlay->len > LONGEST ? "is too narrow to hold sites: a ULA or a global prefix of "
					"/112 or shorter is wanted" : NULL;
}

const char *relay_prefix_wrong(const struct prefix *prefix, const struct prefix *overlay)
{
	if (prefix->family != FAMILY_IPV6)
		return "is IPv4: a site's prefix is one of the overlay's";
	if (prefix_within(overlay, prefix))
		return prefix->len == overlay->len ?
		       "is all of the overlay: a site's prefix is a part of it" :
		       "holds the overlay: a site's prefix is a part of it";
	if (prefix_within(prefix, overlay))
		return NULL;
	if (prefix_meets(prefix, &link_local) || prefix_meets(prefix, &multicast))
		return "is link-local or multicast: a site's prefix is one of the overlay's";
	return prefix->len < 128 ? "lies outside of the overlay: only an address alone may, a "
				   "peer's own in its tunnel" : NULL;
}
