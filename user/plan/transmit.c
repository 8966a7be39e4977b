/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/ethtool.h>
#include <stdlib.h>
#include <string.h>
#include "abi.h"
#include "lib/log.h"
#include "lib/text.h"
#include "plan/transmit.h"
#include "net/netlink.h"

/* Drivers, as ethtool names them, that transmit (ndo_xdp_xmit) in Linux 6.1 once an XDP program is
 * attached; for others tc sends. tests/lint/docs.py compares this list with
 * docs/reference/hardware.md. */
static const char *const known[] = {
	"atlantic", "bnxt_en", "cpsw", "cpsw-switch", "ena", "fsl_dpa", "fsl_dpaa2_eth",
	"fsl_enetc", "funeth", "hv_netvsc", "i40e", "ice", "igb", "igc", "ixgbe", "mana",
	"mlx5_core", "mtk_soc_eth", "mvneta", "mvpp2", "netsec", "qede", "rvu-nicpf", "sfc",
	"sfc_siena", "st_gmac", "st_mac100", "st_xgmac", "tun", "vif", "virtio_net",
};

bool transmit_is_known(const char *driver)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i], driver))
			return true;
	return false;
}

/* bnxt_en claims to send packets that span several buffers (NDO_XMIT_SG), but bnxt_xdp_xmit() sends
 * only the first buffer, at least up to Linux 7.2. */
__u16 transmit_by_features(__u64 features, const char *driver)
{
	__u16 flags = (features & NL_XDP_NDO_XMIT ? LINK_XDP_SENDS : 0) |
		      (features & NL_XDP_NDO_XMIT_SG ? LINK_XDP_SENDS_FRAGS : 0);

	return strcmp(driver, "bnxt_en") ? flags : flags & ~LINK_XDP_SENDS_FRAGS;
}

static __u16 flags_by_driver(const struct nl_link *link, bool native)
{
	char driver[32];
	bool peer;

	if (!strcmp(link->kind, "veth"))
		return !nl_peer_has_xdp(link->ifindex, &peer) && peer ? LINK_XDP_SENDS : 0;
	return native && !nl_driver(link->name, driver) && transmit_is_known(driver) ?
	       LINK_XDP_SENDS : 0;
}

/* Returns the flags of a bond: those that all its ports have, because the kernel chooses the port
 * for each packet that our XDP sends to the bond. */
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

/* Returns the flags that follow from xdp_features; for a bond, from those that all ports have. */
static int flags_reported(const struct host *h, const struct nl_link *link, __u64 features)
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

int transmit_flags(const struct host *h, const struct nl_link *link, bool native,
		   const char **ret_hint)
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
		flags = flags_reported(h, link, features);
	else
		flags = !strcmp(link->kind, "bond") ? flags_by_ports(h, link, native) :
			flags_by_driver(link, native);
	if (!flags && !strcmp(link->kind, "veth"))
		*ret_hint = "the other end of the veth needs GRO or an XDP program: run `ethtool -K PEER gro on` there, and then `wgxdp up` or `wgxdp reload` here";
	return flags;
}

/* ---- headroom ----
 *
 * No driver reports how much headroom it leaves. For those that may leave none, a private flag of
 * ethtool shows it. ETHTOOL_GSTRINGS returns the names of the private flags, and ETHTOOL_GPFLAGS
 * their state as bits of one word. */

/* FLAGS: bits in the word of states. NAMES: room for names, more than FLAGS, because a driver may
 * add names between the two calls. */
enum { FLAGS = 32, NAMES = 256 };

int (*headroom_ask)(const char *ifname, void *command) = nl_ethtool;

/* Returns the number of private flags; 0 if there are none or more than NAMES. */
static __u32 count_flags(const char *ifname)
{
	struct {
		struct ethtool_sset_info info;
		__u32 n;
	} count = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_PRIV_FLAGS } };

	if (headroom_ask(ifname, &count) || !(count.info.sset_mask >> ETH_SS_PRIV_FLAGS & 1) ||
	    count.n > NAMES)
		return 0;
	return count.n;
}

/* Returns the bit number of a private flag, or FLAGS if the driver does not have it. */
static __u32 flag_bit(const char *ifname, const char *name)
{
	struct {
		struct ethtool_gstrings strings;
		char of[NAMES][ETH_GSTRING_LEN];
	} names = { .strings = { .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_PRIV_FLAGS } };
	__u32 n = count_flags(ifname);

	names.strings.len = n;
	if (!n || headroom_ask(ifname, &names))
		return FLAGS;
	n = n < names.strings.len ? n : names.strings.len;
	for (__u32 bit = 0; bit < n && bit < FLAGS; bit++)
		if (!strncmp(names.of[bit], name, ETH_GSTRING_LEN))
			return bit;
	return FLAGS;
}

bool headroom_lacks(const char *ifname)
{
	struct ethtool_value flags = { .cmd = ETHTOOL_GPFLAGS };
	__u32 bit = flag_bit(ifname, "legacy-rx");

	return bit < FLAGS && !headroom_ask(ifname, &flags) && flags.data >> bit & 1;
}

static void print_headroom_hint(const char *name, const char *between, FILE *out)
{
	if (headroom_lacks(name))
		fprintf(out, "%sthe driver of %s leaves no room before packets (flag legacy-rx), so tc sends those that become longer: for XDP, run `ethtool --set-priv-flags %s legacy-rx off`",
			between, name, name);
}

void headroom_hint(const struct host *h, const struct plan_nic *nic, const char *between, FILE *out)
{
	print_headroom_hint(nic->name, between, out);
	for (size_t i = 0; i < h->n_links; i++)
		if (h->links[i].master == nic->ifindex)
			print_headroom_hint(h->links[i].name, between, out);
}

void headroom_warn(const struct plan *p, const struct host *h, const struct plan_nic *nic)
{
	bool longer = false;
	char *text;
	size_t size;
	FILE *out;

	for (size_t i = 0; i < p->n_ports; i++)
		longer |= p->ports[i].lengthens && plan_carries(h, nic, &p->ports[i]);
	if (!longer)
		return;
	out = text_open(&text, &size);
	headroom_hint(h, nic, "", out);
	fclose(out);
	if (*text)
		log_warning("interface %s: %s", nic->name, text);
	free(text);
}

/* ---- queues ----
 * ethtool does not report the traits of drivers, so this table has them, from the drivers'
 * sources. docs/reference/hardware.md describes them. */

int (*spread_ask)(const char *ifname, void *command) = nl_ethtool;

static const struct {
	const char *driver;
	unsigned int traits;
} known_traits[] = {
	{ "bnxt_en", SPREAD_HALF },
	{ "ena", SPREAD_HALF },
	{ "gve", SPREAD_HALF },
	{ "i40e", SPREAD_EVERY_CPU },
	{ "mlx5_core", SPREAD_EVERY_CPU },
	{ "nfp", SPREAD_HALF },
	{ "nicvf", SPREAD_HALF },
	{ "rvu-nicpf", SPREAD_EVERY_CPU },
	{ "sfc", SPREAD_FIXED },
	{ "sfc_siena", SPREAD_FIXED },
	{ "virtio_net", SPREAD_DETACH },
};

static unsigned int traits_of(const char *ifname)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (spread_ask(ifname, &info))
		return 0;
	for (size_t i = 0; i < sizeof(known_traits) / sizeof(*known_traits); i++)
		if (!strncmp(info.driver, known_traits[i].driver, sizeof(info.driver)))
			return known_traits[i].traits;
	return 0;
}

/* Returns whether the nic hashes UDP packets by addresses without ports. A driver that reports no
 * field is unknown, and so false. */
static bool hashes_addresses_alone(const char *ifname, __u32 flow_type)
{
	struct ethtool_rxnfc fields = { .cmd = ETHTOOL_GRXFH, .flow_type = flow_type };

	return !spread_ask(ifname, &fields) && fields.data & (RXH_IP_SRC | RXH_IP_DST) &&
	       !(fields.data & (RXH_L4_B_0_1 | RXH_L4_B_2_3));
}

/* Returns how many queues the RSS indirection table names, or 0 if the driver does not report
 * it. */
static __u32 queues_in_table(const char *ifname)
{
	enum { ENTRIES = 4096 };
	union {
		struct ethtool_rxfh_indir head;
		__u32 words[sizeof(struct ethtool_rxfh_indir) / sizeof(__u32) + ENTRIES];
	} table = { .head = { .cmd = ETHTOOL_GRXFHINDIR, .size = ENTRIES } };
	bool seen[ENTRIES] = { false };
	__u32 n = 0, queue;

	if (spread_ask(ifname, &table) || table.head.size > ENTRIES)
		return 0;
	for (__u32 i = 0; i < table.head.size; i++) {
		queue = table.head.ring_index[i];
		if (queue >= ENTRIES)
			return 0;
		n += !seen[queue];
		seen[queue] = true;
	}
	return n;
}

void spread_read(const char *ifname, struct spread *ret)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ethtool_rxnfc rings = { .cmd = ETHTOOL_GRXRINGS };

	*ret = (struct spread){ .traits = traits_of(ifname) };
	if (!spread_ask(ifname, &channels)) {
		ret->combined = channels.max_combined;
		ret->queues = channels.combined_count + channels.rx_count;
		ret->most = channels.max_combined ?: channels.max_rx;
	}
	if (!ret->queues && !spread_ask(ifname, &rings))
		ret->queues = rings.data;
	ret->table = queues_in_table(ifname);
	ret->addresses[0] = hashes_addresses_alone(ifname, UDP_V4_FLOW);
	ret->addresses[1] = hashes_addresses_alone(ifname, UDP_V6_FLOW);
}

__u32 spread_wanted(const struct spread *s, __u32 cpus, bool native)
{
	__u32 most = native && s->traits & SPREAD_HALF ? s->most / 2 ?: 1 : s->most;

	return cpus < most ? cpus : most;
}
