/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements ddns_address.h. An address is suitable if it is reachable from the internet and will
 * last: it is global, and not temporary (RFC 8981), tentative or deprecated.
 */
#include <linux/if_addr.h>
#include <string.h>
#include "ddns/ddns_address.h"
#include "lib/memory.h"

static const struct {
	__u8 bytes[4], len;
	const char *why;
} not_global[] = {
	{ { 0 }, 8, "unspecified" },
	{ { 10 }, 8, "private" },
	{ { 100, 64 }, 10, "shared by a provider's NAT (100.64.0.0/10)" },
	{ { 127 }, 8, "loopback" },
	{ { 169, 254 }, 16, "link-local" },
	{ { 172, 16 }, 12, "private" },
	{ { 192, 0, 0 }, 24, "for DS-Lite and similar uses (192.0.0.0/24)" },
	{ { 192, 168 }, 16, "private" },
	{ { 198, 18 }, 15, "for benchmarks (198.18.0.0/15)" },
	{ { 224 }, 4, "multicast" },
	{ { 240 }, 4, "reserved" },
};

static __u32 ipv4_number(const __u8 *b)
{
	return (__u32)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

static const char *ipv4_unfit(const __u8 *b)
{
	for (size_t i = 0; i < sizeof(not_global) / sizeof(*not_global); i++)
		if (!((ipv4_number(b) ^ ipv4_number(not_global[i].bytes)) >>
		      (32 - not_global[i].len)))
			return not_global[i].why;
	return NULL;
}

static const char *ipv6_unfit(const __u8 *b)
{
	if ((b[0] & 0xfe) == 0xfc)
		return "a ULA";
	if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
		return "link-local";
	return (b[0] & 0xe0) == 0x20 ? NULL : "not global";
}

const char *ddns_unfit(const struct nl_address *a)
{
	const char *why = a->local.family == FAMILY_IPV4 ? ipv4_unfit(a->local.addr.b + 12) :
			  a->local.family == FAMILY_IPV6 ? ipv6_unfit(a->local.addr.b) :
			  "in another family";

	if (why)
		return why;
	if (a->flags & IFA_F_DADFAILED)
		return "also used by another host (duplicate)";
	/* IFA_F_TEMPORARY has the value of IFA_F_SECONDARY, which IPv4 addresses may have. */
	if (a->local.family == FAMILY_IPV6 && a->flags & IFA_F_TEMPORARY)
		return "temporary";
	if (a->flags & IFA_F_DEPRECATED)
		return "deprecated";
	return a->flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC) ? "tentative" : NULL;
}

/* Returns whether address a is better to publish than b. Stable-privacy (RFC 7217) and manual
 * addresses are best; next counts the longer preferred lifetime. */
static bool is_better(const struct nl_address *a, const struct nl_address *b)
{
	bool a_stays = a->flags & (IFA_F_STABLE_PRIVACY | IFA_F_PERMANENT),
	     b_stays = b->flags & (IFA_F_STABLE_PRIVACY | IFA_F_PERMANENT);

	return a_stays != b_stays ? a_stays : a->preferred > b->preferred;
}

static bool is_candidate(const struct nl_address *a, __u32 ifindex, __u8 family,
			 const struct address *host)
{
	return a->ifindex == ifindex && a->local.family == family && !ddns_unfit(a) &&
	       (!host->family || a->prefix_len <= 64);
}

/* Returns whether the router seems to have changed the prefix of a, because it renews the preferred
 * lifetime of `best` only. A router that changes its prefix should deprecate the former prefix (RFC
 * 9096), but a router that has restarted does not know it. */
static bool fades(const struct nl_address *a, const struct nl_address *best)
{
	return a->local.family == FAMILY_IPV6 && best->preferred != ~0U &&
	       a->preferred < best->preferred / 2 && a->local.addr.q[0] != best->local.addr.q[0];
}

void ddns_candidates(const struct nl_address *list, size_t n, __u32 ifindex, __u8 family,
		     const struct address *host, struct address **ret, size_t *ret_n)
{
	const struct nl_address **sorted = xcalloc(n + 1, sizeof(*sorted));
	struct address *out = xcalloc(n + 1, sizeof(*out)), none = { .family = 0 };
	size_t n_out = 0, at;

	if (family == FAMILY_IPV4)
		host = &none;
	for (size_t i = 0; i < n; i++) {
		if (!is_candidate(&list[i], ifindex, family, host))
			continue;
		for (at = n_out++; at && is_better(&list[i], sorted[at - 1]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &list[i];
	}
	*ret_n = 0;
	for (size_t i = 0; i < n_out; i++) {
		if (fades(sorted[i], sorted[0]))
			continue;
		out[*ret_n] = sorted[i]->local;
		if (host->family)
			out[*ret_n].addr.q[1] = host->addr.q[1];
		++*ret_n;
	}
	free(sorted);
	*ret = out;
}

const struct address *ddns_still(const struct address *list, size_t n,
				 const struct address *published, size_t n_published)
{
	for (size_t i = 0; i < n_published; i++) {
		size_t at = address_find(list, n, &published[i]);

		if (at < n)
			return &list[at];
	}
	return NULL;
}
