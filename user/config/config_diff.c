/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements config_diff.h. It matches the entries of both configurations by their names.
 * config_changes.c matches the values within an entry by their places.
 */
#include <string.h>
#include "config/config_blind.h"
#include "config/config_changes.h"
#include "config/config_endpoints.h"
#include "config/config_learn.h"
#include "config/config_rates.h"
#include "config/config_diff.h"
#include "lib/memory.h"
#include "lib/text.h"

/* Returns the text that `put` writes to `out`; "" if the entry is not `there`. */
#define ENTRY(there, put) ({ \
	char *text; \
	size_t size; \
	FILE *out = text_open(&text, &size); \
	if (there) \
		put; \
	fclose(out); \
	text; \
})

static char *interface_entry(const struct interface_config *i)
{
	return ENTRY(i, config_put_interface(out, i));
}

static char *service_entry(const struct service_config *s)
{
	return ENTRY(s, config_put_service(out, s));
}

static char *peer_entry(const struct peer_config *p)
{
	return ENTRY(p, config_put_peer(out, p));
}

static char *endpoint_entry(const struct peer_endpoint_config *p)
{
	return ENTRY(p, config_put_endpoint(out, p));
}

static char *rate_entry(const struct rate_config *r)
{
	return ENTRY(r, config_put_rate(out, r));
}

static char *ddns_entry(const struct config *c, size_t i)
{
	return ENTRY(i < c->n_ddns, config_put_ddns_one(out, &c->ddns[i]));
}

/* ---- sections that are one entry ---- */

static void put_running(FILE *out, const struct config *c)
{
	fprintf(out, "running: { mode: %s }\n", mode_name(c->mode));
}

static void put_express(FILE *out, const struct config *c)
{
	fprintf(out, "express: %s\n", express_name(c->express));
}

static void put_entries(FILE *out, const struct config *c)
{
	if (c->express_entries)
		fprintf(out, "express-entries: %u\n", c->express_entries);
}

static void (*const put_section[])(FILE *out, const struct config *c) = {
	put_running, put_express, put_entries, config_put_blind, config_put_exporter,
	config_put_learn, config_put_follow, config_put_announce, config_put_policy,
};

/* ---- differences ---- */

struct diff {
	FILE *out;
	const char *noun;		/* noun for an entry, such as "service"; NULL: a section */
	bool differs;
};

/* Frees both texts. */
static void diff_entry(struct diff *d, char *old, char *new)
{
	if (strcmp(old, new)) {
		d->differs = true;
		if (d->out)
			changes_put(d->out, d->noun, old, new);
	}
	free(old);
	free(new);
}

const struct interface_config *config_interface_entry(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_interfaces; i++)
		if (!strcmp(c->interfaces[i].name, name))
			return &c->interfaces[i];
	return NULL;
}

static bool uses_interface(const struct config *c, const char *name)
{
	enum link_role ignored;
	const char *used;
	size_t at = 0;

	while ((used = config_interface(c, &at, &ignored)))
		if (!strcmp(used, name))
			return true;
	return false;
}

static const struct peer_endpoint_config *config_endpoint(const struct config *c,
							  const struct peer_endpoint_config *like)
{
	for (size_t i = 0; i < c->n_endpoints; i++)
		if (!strcmp(c->endpoints[i].interface, like->interface) &&
		    !wg_key_compare(&c->endpoints[i].peer, &like->peer))
			return &c->endpoints[i];
	return NULL;
}

struct service_config *config_service(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_services; i++)
		if (!strcmp(c->services[i].name, name))
			return &c->services[i];
	return NULL;
}

struct peer_config *config_peer(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_peers; i++)
		if (!strcmp(c->peers[i].name, name))
			return &c->peers[i];
	return NULL;
}

/* ---- peers, of which there may be tens of thousands ---- */

static int compare_peers(const void *a, const void *b)
{
	return strcmp((*(const struct peer_config *const *)a)->name,
		      (*(const struct peer_config *const *)b)->name);
}

/* Returns the peers sorted by name, as pointers that NULL ends. */
static const struct peer_config **by_name(const struct config *c)
{
	const struct peer_config **sorted = xcalloc(c->n_peers + 1, sizeof(*sorted));

	for (size_t i = 0; i < c->n_peers; i++)
		sorted[i] = &c->peers[i];
	qsort(sorted, c->n_peers, sizeof(*sorted), compare_peers);
	return sorted;
}

static bool same_peer(const struct peer_config *a, const struct peer_config *b)
{
	bool same = !wg_key_compare(&a->key, &b->key) && !strcmp(a->device, b->device) &&
		    a->n_prefixes == b->n_prefixes;

	for (size_t i = 0; i < a->n_prefixes && same; i++)
		same = prefix_within(&a->prefixes[i], &b->prefixes[i]) &&
		       prefix_within(&b->prefixes[i], &a->prefixes[i]);
	return same;
}

static void diff_peers(struct diff *d, const struct config *old, const struct config *new)
{
	const struct peer_config **olds = by_name(old), **news = by_name(new), **o = olds,
				 **n = news;

	d->noun = "peer";
	while (*o || *n) {
		int order = !*o ? 1 : !*n ? -1 : strcmp((*o)->name, (*n)->name);

		if (order || !same_peer(*o, *n))
			diff_entry(d, peer_entry(order > 0 ? NULL : *o),
				   peer_entry(order < 0 ? NULL : *n));
		o += order <= 0;
		n += order >= 0;
	}
	free(olds);
	free(news);
}

/* Returns whether common services have another order in the new configuration. If several listeners
 * match a new client, the first service gets it. */
static bool other_order(const struct config *old, const struct config *new)
{
	size_t at = 0;

	for (size_t i = 0; i < old->n_services; i++) {
		const struct service_config *s = config_service(new, old->services[i].name);

		if (s && (size_t)(s - new->services) < at)
			return true;
		at = s ? s - new->services : at;
	}
	return false;
}

/* Prints the differences of the section interfaces, but a removal only if no other part of the new
 * configuration uses the interface. */
static void diff_interfaces(struct diff *d, const struct config *old, const struct config *new)
{
	d->noun = "interface";
	for (size_t i = 0; i < old->n_interfaces; i++) {
		const char *name = old->interfaces[i].name;
		const struct interface_config *is = config_interface_entry(new, name);

		if (!is && uses_interface(new, name))
			d->differs = true;
		else
			diff_entry(d, interface_entry(&old->interfaces[i]), interface_entry(is));
	}
	for (size_t i = 0; i < new->n_interfaces; i++)
		if (!config_interface_entry(old, new->interfaces[i].name))
			diff_entry(d, interface_entry(NULL), interface_entry(&new->interfaces[i]));
}

static void diff_configs(struct diff *d, const struct config *old, const struct config *new)
{
	for (size_t i = 0; i < sizeof(put_section) / sizeof(*put_section); i++)
		diff_entry(d, ENTRY(old, put_section[i](out, old)),
			   ENTRY(new, put_section[i](out, new)));
	diff_interfaces(d, old, new);
	d->noun = "endpoint";
	for (size_t i = 0; i < old->n_endpoints; i++)
		diff_entry(d, endpoint_entry(&old->endpoints[i]),
			   endpoint_entry(config_endpoint(new, &old->endpoints[i])));
	for (size_t i = 0; i < new->n_endpoints; i++)
		if (!config_endpoint(old, &new->endpoints[i]))
			diff_entry(d, endpoint_entry(NULL), endpoint_entry(&new->endpoints[i]));
	d->noun = "service";
	for (size_t i = 0; i < old->n_services; i++)
		diff_entry(d, service_entry(&old->services[i]),
			   service_entry(config_service(new, old->services[i].name)));
	for (size_t i = 0; i < new->n_services; i++)
		if (!config_service(old, new->services[i].name))
			diff_entry(d, service_entry(NULL), service_entry(&new->services[i]));
	if (other_order(old, new)) {
		d->differs = true;
		if (d->out)
			fputs("services: their order has changed\n", d->out);
	}
	diff_peers(d, old, new);
	d->noun = "rate";
	for (size_t i = 0; i < old->n_rates; i++)
		diff_entry(d, rate_entry(&old->rates[i]),
			   rate_entry(config_rate_like(new, &old->rates[i])));
	for (size_t i = 0; i < new->n_rates; i++)
		if (!config_rate_like(old, &new->rates[i]))
			diff_entry(d, rate_entry(NULL), rate_entry(&new->rates[i]));
	d->noun = "ddns";
	for (size_t i = 0; i < old->n_ddns || i < new->n_ddns; i++)
		diff_entry(d, ddns_entry(old, i), ddns_entry(new, i));
}

bool config_changes(const struct config *old, const struct config *new, FILE *out)
{
	struct diff d = { .out = out };

	diff_configs(&d, old, new);
	return d.differs;
}
