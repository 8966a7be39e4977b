/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which devices can transmit from XDP.
 */
#include <string.h>
#include "abi.h"
#include "transmit.h"
#include "unasked.h"

/* Drivers whose ndo_xdp_xmit works on 6.1 and 6.2 once an XDP program is attached to the device; unknown means tc. */
static const char *const known[] = {
	"atlantic", "bnxt_en", "ena", "enetc", "i40e", "ice", "igb", "igc", "ixgbe", "ixgbevf", "mlx5_core", "mtk_eth_soc",
	"mvneta", "mvpp2", "nfp", "qede", "sfc", "stmmac", "tun", "virtio_net",
};

static bool is_known(const char *driver)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i], driver))
			return true;
	return false;
}

static __u16 flags_by_driver(const struct nl_link *link, bool native)
{
	char driver[32];
	bool peer;

	if (!strcmp(link->kind, "veth"))
		return !nl_peer_has_xdp(link->ifindex, &peer) && peer ? LINK_XDP_SENDS : 0;
	return native && !nl_driver(link->name, driver) && is_known(driver) ? LINK_XDP_SENDS : 0;
}

/* What all ports of a bond can, that can the bond, if our XDP is attached to it: then the kernel knows how to choose one */
static int flags_by_ports(const struct host *h, const struct nl_link *bond, bool native)
{
	int flags = native ? LINK_XDP_SENDS | LINK_XDP_SENDS_FRAGS : 0, of_port;
	const char *hint;

	for (size_t i = 0; i < h->n_links; i++) {
		if (h->links[i].master != bond->ifindex)
			continue;
		of_port = transmit_flags(h, &h->links[i], native, &hint);
		if (of_port < 0)
			return of_port;
		flags &= of_port;
	}
	return flags;
}

int transmit_flags(const struct host *h, const struct nl_link *link, bool native, const char **ret_hint)
{
	__u64 features;
	int flags;

	*ret_hint = NULL;
	if (!link->ethernet || link->loopback)
		return 0;
	flags = nl_xdp_features(link->ifindex, &features);
	if (unasked(flags))
		return flags;
	if (flags)
		flags = !strcmp(link->kind, "bond") ? flags_by_ports(h, link, native) : flags_by_driver(link, native);
	else
		flags = (features & NL_XDP_NDO_XMIT ? LINK_XDP_SENDS : 0) |
			(features & NL_XDP_NDO_XMIT_SG ? LINK_XDP_SENDS_FRAGS : 0);
	if (!flags && !strcmp(link->kind, "veth"))
		*ret_hint = "its peer has neither an XDP program nor GRO (`ethtool -K PEER gro on` at the other end)";
	return flags;
}
