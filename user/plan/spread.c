/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements spread.h. ethtool does not report the traits of drivers, so this file has a table of
 * them, taken from the drivers' sources. docs/reference/hardware.md describes them.
 */
#include <linux/ethtool.h>
#include <string.h>
#include "net/netlink.h"
#include "plan/spread.h"

int (*spread_ask)(const char *ifname, void *command) = nl_ethtool;

static const struct {
	const char *driver;
	unsigned int traits;
} known[] = {
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
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strncmp(info.driver, known[i].driver, sizeof(info.driver)))
			return known[i].traits;
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
