/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the addresses to publish, lets the provider's program read the present records, and lets
 * it write those that differ.
 */
#include <linux/if_addr.h>
#include <string.h>
#include "ddns/ddns.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/memory.h"

/* ---- messages ---- */

void ddns_tell(const struct ddns_run *run)
{
	for (size_t i = 0; i < run->n_lines; i++) {
		const struct ddns_line *l = &run->lines[i];

		if (!*l->text)	/* the daemon emptied a message that it has logged before */
			continue;
		if (l->level == DDNS_COMPLAIN)
			log_error("%s", l->text);
		else if (l->level == DDNS_WARN)
			log_warning("%s", l->text);
		else
			log_event("%s", l->text);
	}
}

void ddns_free(struct ddns_run *run)
{
	for (size_t i = 0; i < run->n_lines; i++)
		free(run->lines[i].text);
	for (size_t i = 0; i < run->n_sets; i++)
		free(run->sets[i].there);
	free(run->lines);
	free(run->sets);
	run->lines = NULL;
	run->sets = NULL;
	run->n_lines = run->n_sets = 0;
}

/* ---- this host's addresses ---- */

struct found {
	struct address *list;	/* addresses that may be published, the best first */
	size_t n;
	char why[512];			/* reason why `list` is empty */
};

/* Writes to f->why why each address of the interface must not be published. */
static void tell_unfit(struct found *f, const struct nl_address *list, size_t n, __u32 ifindex,
		       __u8 family)
{
	size_t used = 0, seen = 0;
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < n && used < sizeof(f->why); i++) {
		if (list[i].ifindex != ifindex || list[i].local.family != family)
			continue;
		used += snprintf(f->why + used, sizeof(f->why) - used, "%s%s is %s",
				 seen++ ? ", " : "", address_format(&list[i].local, text),
				 ddns_unfit(&list[i]) ?: "not in a prefix of 64 bits or fewer");
	}
	if (!seen)
		snprintf(f->why, sizeof(f->why), "the interface has none");
}

static int find_addresses(const struct ddns_config *c, __u8 family, struct found *ret)
{
	__u32 ifindex = if_nametoindex(c->interface);
	struct nl_address *list = NULL;
	size_t n = 0;
	int rc = nl_addresses(&list, &n);

	*ret = (struct found){ .list = NULL };
	if (rc)
		return rc;
	ddns_candidates(list, n, ifindex, family, &c->host, &ret->list, &ret->n);
	if (!ifindex)
		snprintf(ret->why, sizeof(ret->why), "this interface does not exist");
	else if (!ret->n)
		tell_unfit(ret, list, n, ifindex, family);
	free(list);
	return 0;
}

/* ---- the run ---- */

/* Chooses one address for all names: preferably one that is in a record already, else the best. */
static void choose_address(struct ddns_run *run, __u8 family, const struct found *f)
{
	const struct address *wanted = NULL;

	for (size_t i = 0; i < run->n_sets && !wanted; i++)
		if (run->sets[i].family == family)
			wanted = ddns_still(f->list, f->n, run->sets[i].there,
					    run->sets[i].n_there);
	wanted = wanted ?: f->list;
	for (size_t i = 0; i < run->n_sets; i++) {
		struct ddns_set *s = &run->sets[i];

		if (s->family != family)
			continue;
		s->wanted = *wanted;
		s->write = s->n_there != 1 || s->other_ttl || !address_equal(&s->there[0], wanted);
	}
}

static void report(struct ddns_run *run)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < run->n_sets; i++) {
		const struct ddns_set *s = &run->sets[i];

		address_format(&s->wanted, text);
		if (s->failed)
			run->status = DDNS_FAILED;
		else if (run->writing && s->write)
			ddns_say(run, s, "%s %s written ttl=%u", ddns_type(s), text,
				    run->config->ttl);
		else if (run->dry_run && s->write)
			ddns_say(run, s, "DRY RUN: would write %s %s ttl=%u", ddns_type(s), text,
				    run->config->ttl);
		else if (!run->only_changes)
			ddns_say(run, s, "%s %s unchanged", ddns_type(s), text);
	}
}

static void publish(struct ddns_run *run, const struct found *ipv6, const struct found *ipv4)
{
	const struct ddns_config *c = run->config;
	char why[DDNS_WHY_LEN];
	struct ddns_program p;
	bool write = false;

	if (ddns_find_program(c, run->instance, &p, why))
		ddns_fail_from(run, run->sets, "%s", why);
	else if (p.secret_open)
		ddns_warn(run, "%s %s: other users may read this secret: run chmod 600 on it",
			  ddns_secret_key(c), p.secret);
	ddns_read(run, &p);
	if (ipv6->n)
		choose_address(run, FAMILY_IPV6, ipv6);
	if (ipv4->n)
		choose_address(run, FAMILY_IPV4, ipv4);
	for (size_t i = 0; i < run->n_sets; i++)
		write |= run->sets[i].write && !run->sets[i].failed;
	run->writing = write && !run->dry_run;
	if (run->writing)
		ddns_write(run, &p);
	report(run);
	free(p.words);
}

/* Adds a set for each name, or an error if no address may be published. */
static int add_family(struct ddns_run *run, __u8 family, struct found *f)
{
	const struct ddns_config *c = run->config;
	struct ddns_set none = { .family = family };
	int rc = find_addresses(c, family, f);

	if (rc)
		return rc;
	if (!f->n)
		run->status = DDNS_NO_ADDRESS;
	for (size_t i = 0; i < c->n_names; i++) {
		none.name = c->names[i].text;
		if (f->n)
			*append(run->sets, run->n_sets) = none;
		else
			ddns_fail(run, &none, "%s: interface %s has no address that can be published: %s",
				  ddns_type(&none), c->interface, f->why);
	}
	return 0;
}

void ddns_carry_out(struct ddns_run *run)
{
	const struct ddns_config *c = run->config;
	struct found ipv6 = { .n = 0 }, ipv4 = { .n = 0 };
	int rc = 0;

	run->status = DDNS_DONE;
	if (c->ipv6)
		rc = add_family(run, FAMILY_IPV6, &ipv6);
	if (c->ipv4 && !rc)
		rc = add_family(run, FAMILY_IPV4, &ipv4);
	if (rc) {
		ddns_warn(run, "ddns: cannot read this host's addresses: %s", strerror(-rc));
		run->status = DDNS_FAILED;
	} else if (run->n_sets) {
		publish(run, &ipv6, &ipv4);
	}
	free(ipv6.list);
	free(ipv4.list);
}

/* ---- the addresses to publish ----
 * An address is suitable if it is reachable from the internet and will last: it is global, and
 * not temporary (RFC 8981), tentative or deprecated. */

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
