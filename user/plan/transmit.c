/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which devices can transmit from XDP.
 */
#include <string.h>
#include "abi.h"
#include "plan/transmit.h"
#include "lib/resource_error.h"

/* The drivers of Linux 6.1 whose ndo_xdp_xmit works once an XDP program is attached, by the names that ethtool has for them. An
 * unknown driver gets tc. docs/hardware.md has the same list, and tests/lint/docs.sh compares the two. */
static const char *const known[] = {
	"atlantic", "bnxt_en", "cpsw", "cpsw-switch", "ena", "fsl_dpa", "fsl_dpaa2_eth", "fsl_enetc", "funeth", "hv_netvsc", "i40e",
	"ice", "igb", "igc", "ixgbe", "mana", "mlx5_core", "mtk_soc_eth", "mvneta", "mvpp2", "netsec", "qede", "rvu-nicpf", "sfc",
	"sfc_siena", "st_gmac", "st_mac100", "st_xgmac", "tun", "vif", "virtio_net",
};

bool transmit_is_known(const char *driver)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i], driver))
			return true;
	return false;
}

/* bnxt_en says that it sends packets in several buffers, and sends the first buffer alone: bnxt_xdp_xmit(), up to 7.2 at least */
__u16 transmit_by_features(__u64 features, const char *driver)
{
	__u16 flags = (features & NL_XDP_NDO_XMIT ? LINK_XDP_SENDS : 0) | (features & NL_XDP_NDO_XMIT_SG ? LINK_XDP_SENDS_FRAGS : 0);

	return strcmp(driver, "bnxt_en") ? flags : flags & ~LINK_XDP_SENDS_FRAGS;
}

static __u16 flags_by_driver(const struct nl_link *link, bool native)
{
	char driver[32];
	bool peer;

	if (!strcmp(link->kind, "veth"))
		return !nl_peer_has_xdp(link->ifindex, &peer) && peer ? LINK_XDP_SENDS : 0;
	return native && !nl_driver(link->name, driver) && transmit_is_known(driver) ? LINK_XDP_SENDS : 0;
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

/* A bond's features are those that all its ports claim */
static int flags_told(const struct host *h, const struct nl_link *link, __u64 features)
{
	char driver[32] = "";
	int r;

	if (!strcmp(link->kind, "bond")) {
		r = flags_by_ports(h, link, true);
		return r < 0 ? r : transmit_by_features(features, "") & (r | ~LINK_XDP_SENDS_FRAGS);
	}
	r = *link->kind || !(features & NL_XDP_NDO_XMIT_SG) ? 0 : nl_driver(link->name, driver);
	return is_resource_error(r) ? r : transmit_by_features(features, driver);
}

int transmit_flags(const struct host *h, const struct nl_link *link, bool native, const char **ret_hint)
{
	__u64 features;
	int flags;

	*ret_hint = NULL;
	if (!link->ethernet || link->loopback)
		return 0;
	flags = nl_xdp_features(link->ifindex, &features);
	if (is_resource_error(flags))
		return flags;
	if (!flags)
		flags = flags_told(h, link, features);
	else
		flags = !strcmp(link->kind, "bond") ? flags_by_ports(h, link, native) : flags_by_driver(link, native);
	if (!flags && !strcmp(link->kind, "veth"))
		*ret_hint = "its peer has neither an XDP program nor GRO (`ethtool -K PEER gro on` at the other end)";
	return flags;
}
