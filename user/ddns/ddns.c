/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements ddns.h. It finds the addresses to publish, lets the provider's program read the
 * present records, and lets it write those that differ.
 */
#include "ddns/ddns.h"
#include "ddns/ddns_address.h"
#include "ddns/ddns_exec.h"
#include "lib/grow.h"
#include "lib/log.h"

/* ---- messages ---- */

static void __attribute__((format(printf, 4, 0)))
keep_message(struct ddns_run *run, enum ddns_line_level level, const char *name, const char *format,
	     va_list args)
{
	struct ddns_line *line = append(run->lines, run->n_lines);
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	/* Texts from servers may have control characters, which must not reach a terminal. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	line->level = level;
	line->text = xasprintf("%s%s%s", text, name ? " fqdn=" : "", name ?: "");
}

static void __attribute__((format(printf, 3, 4)))
add_message(struct ddns_run *run, const struct ddns_set *set, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	keep_message(run, DDNS_SAY, set->name, format, args);
	va_end(args);
}

void ddns_warn(struct ddns_run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	keep_message(run, DDNS_WARN, NULL, format, args);
	va_end(args);
}

void ddns_fail(struct ddns_run *run, struct ddns_set *set, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	keep_message(run, DDNS_COMPLAIN, set->name, format, args);
	va_end(args);
	set->failed = true;
}

void ddns_fail_from(struct ddns_run *run, struct ddns_set *first, const char *format, ...)
{
	va_list args;

	for (struct ddns_set *set = first; set < run->sets + run->n_sets; set++) {
		if (set->failed || (run->writing && !set->write))
			continue;
		va_start(args, format);
		keep_message(run, DDNS_COMPLAIN, set->name, format, args);
		va_end(args);
		set->failed = true;
	}
}

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
			add_message(run, s, "%s %s written ttl=%u", ddns_type(s), text,
				    run->config->ttl);
		else if (run->dry_run && s->write)
			add_message(run, s, "DRY RUN: would write %s %s ttl=%u", ddns_type(s), text,
				    run->config->ttl);
		else if (!run->only_changes)
			add_message(run, s, "%s %s unchanged", ddns_type(s), text);
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
			ddns_fail(run, &none, "%s: interface %s has no address that can be "
				  "published: %s", ddns_type(&none), c->interface, f->why);
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
