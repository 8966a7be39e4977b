/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * No driver reports how much headroom it leaves. For those that may leave none, a private flag
 * tells. ETHTOOL_GSTRINGS lists the names of private flags, and ETHTOOL_GPFLAGS has their state in
 * one word.
 */
#include <linux/ethtool.h>
#include <stdlib.h>
#include <string.h>
#include "plan/headroom.h"
#include "lib/log.h"
#include "lib/text.h"

/* FLAGS: bits in that word. NAMES: room for names, as the driver may add some between two calls */
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

/* Returns the flag's bit; FLAGS if the driver has no such flag. */
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

static void hint(const char *name, const char *between, FILE *out)
{
	if (headroom_lacks(name))
		fprintf(out, "%sthe driver of %s leaves no room in front of packets (its private "
			"flag legacy-rx is on), so tc sends what becomes IPv6: `ethtool "
			"--set-priv-flags %s legacy-rx off` would let XDP", between, name, name);
}

void headroom_hint(const struct host *h, const struct plan_nic *nic, const char *between, FILE *out)
{
	hint(nic->name, between, out);
	for (size_t i = 0; i < h->n_links; i++)
		if (h->links[i].master == nic->ifindex)
			hint(h->links[i].name, between, out);
}

void headroom_warn(const struct plan *p, const struct host *h, const struct plan_nic *nic)
{
	bool longer = false;
	char *text = NULL;
	size_t size;
	FILE *out;

	for (size_t i = 0; i < p->n_ports; i++)
		longer |= p->ports[i].lengthens && plan_carries(h, nic, &p->ports[i]);
	out = longer ? text_open(&text, &size) : NULL;
	if (!out)
		return;
	headroom_hint(h, nic, "", out);
	if (!fclose(out) && *text)
		log_warning("interface %s: %s", nic->name, text);
	free(text);
}
