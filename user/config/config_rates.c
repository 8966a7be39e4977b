/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads, checks and writes the section rates of the configuration.
 */
#include <stdlib.h>
#include <string.h>
#include "config/config_blind.h"
#include "config/config_diff.h"
#include "config/config_guard.h"
#include "config/config_pattern.h"
#include "config/config_rates.h"
#include "config/config_relay.h"

/* ---- values ---- */

static const struct unit {
	const char *name;
	__u64 bits;			/* bits per second; 0: the unit counts packets */
} units[] = {
	{ "Gbit/s", 1000000000 }, { "Mbit/s", 1000000 }, { "kbit/s", 1000 }, { "bit/s", 1 },
	{ "packets/s", 0 },
};
#define N_UNITS (sizeof(units) / sizeof(*units))
#define BITS_LEAST 1000
#define BITS_MOST 100000000000ULL
#define PACKETS_MOST 1000000000ULL

/* Reads a limit such as "100 Mbit/s". Returns what is wrong with it, or NULL. */
static const char *parse_limit(const char *text, struct rate_limits *to)
{
	unsigned long long n;
	__u64 most, *place;
	char *end;

	if (*text < '0' || *text > '9')
		return "is not a rate";
	n = strtoull(text, &end, 10);
	end += strspn(end, " ");
	for (const struct unit *u = units; u < units + N_UNITS; u++) {
		if (strcmp(end, u->name))
			continue;
		most = u->bits ? BITS_MOST / u->bits : PACKETS_MOST;
		place = u->bits ? &to->bits : &to->packets;
		if (n > most)
			return u->bits ? "is more than 100 Gbit/s, the limit" :
					 "is more than 1000000000 packets/s, the limit";
		if (u->bits ? n * u->bits < BITS_LEAST : !n)
			return u->bits ? "is less than 1 kbit/s" : "lets no packet pass";
		if (*place)
			return "is the second limit of its kind here";
		*place = n * (u->bits ?: 1);
		return NULL;
	}
	return *end ? "has another unit than bit/s, kbit/s, Mbit/s, Gbit/s and packets/s" :
		      "has no unit";
}

static void add_limit(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	struct rate_limits *to = (struct rate_limits *)((char *)object + key->offset);
	const char *text = yaml_text(y, key, value);
	const char *why = text ? parse_limit(text, to) : NULL;

	if (why)
		yaml_error(y, value, "%s: '%s' %s: write a rate such as %s", key->name, text, why,
			   key->like);
}

#define AT(f) .offset = offsetof(struct rate_config, f), \
	.size = sizeof(((struct rate_config *)NULL)->f)
#define IS_LIMIT .item = add_limit, .alone = true, \
	.pattern = "[0-9]+ *((|k|M|G)bit|packets)/s"

const struct yaml_key config_rates_keys[] = {
	{ "service", yaml_set_text, "wg-end", AT(service), .required = true, .unless = "peer",
	  .pattern = PATTERN_SERVICE },
	{ "peer", yaml_set_text, "site-a", AT(peer), .pattern = PATTERN_PEER },
	{ "from", yaml_set_list, "100 Mbit/s", AT(from), IS_LIMIT },
	{ "to", yaml_set_list, "100 Mbit/s", AT(to), IS_LIMIT },
	{},
};

const struct rate_config *config_rate(const struct config *c, const char *service,
				      const char *peer)
{
	for (size_t i = 0; i < c->n_rates; i++)
		if (!strcmp(c->rates[i].service, service) && !strcmp(c->rates[i].peer, peer))
			return &c->rates[i];
	return NULL;
}

/* ---- what is wrong ---- */

static void check_subject(struct check *k, size_t i)
{
	const struct rate_config *r = &k->c->rates[i];

	at(k, 0, "/rates/%zu/service", i);
	if (*r->service && *r->peer)
		tell(k, "service: an entry is for a service or for a peer: make two entries");
	else if (*r->service && !config_service(k->c, r->service) &&
		 !(*k->c->blind.device && !strcmp(r->service, BLIND_NAME)))
		tell(k, "service: there is no service '%s': write the name of one in `services`",
		     r->service);
	at(k, 0, "/rates/%zu/peer", i);
	if (!config_check_peer_name(k, "peer", r->peer) || !*r->peer)
		return;
	if (!config_relays(k->c))
		tell(k, "peer: this configuration has no peers: add `peers` or `follow`");
	/* A followed device may have the peer. */
	else if (!k->c->follow.n_wireguard && !config_peer(k->c, r->peer))
		tell(k, "peer: there is no peer '%s': write the name of one in `peers`", r->peer);
}

void config_check_rates(struct check *k)
{
	const struct config *c = k->c;

	at(k, 0, "/rates");
	if (c->n_rates > RATES_MAX)
		tell(k, "rates: the list has %zu entries, and the limit is %u: remove some",
		     c->n_rates, RATES_MAX);
	for (size_t i = 0; i < c->n_rates; i++) {
		const struct rate_config *r = &c->rates[i];

		check_subject(k, i);
		at(k, 0, "/rates/%zu", i);
		if (config_rate(c, r->service, r->peer) != r)
			tell(k, "rates: two entries are for '%s': make one of them",
			     *r->peer ? r->peer : r->service);
		if (!r->from.bits && !r->from.packets && !r->to.bits && !r->to.packets)
			tell(k, "rates: the entry has no limit: add `from: 100 Mbit/s` or `to`");
	}
}

/* ---- writing ---- */

const char *rate_format(const struct rate_limits *r, char text[RATE_STRLEN])
{
	const struct unit *u = units;
	int n = 0;

	*text = '\0';
	while (r->bits % u->bits)
		u++;
	if (r->bits)
		n = snprintf(text, RATE_STRLEN, "%llu %s", r->bits / u->bits, u->name);
	if (r->packets)
		snprintf(text + n, RATE_STRLEN - n, "%s%llu packets/s", n ? ", " : "", r->packets);
	return text;
}

static void put_limits(FILE *out, const char *key, const struct rate_limits *r)
{
	char text[RATE_STRLEN];

	if (r->bits || r->packets)
		fprintf(out, "    %s: [ %s ]\n", key, rate_format(r, text));
}

void config_put_rate(FILE *out, const struct rate_config *r)
{
	fputs(*r->peer ? "  - peer: " : "  - service: ", out);
	config_put_text(out, *r->peer ? r->peer : r->service);
	fputs("\n", out);
	put_limits(out, "from", &r->from);
	put_limits(out, "to", &r->to);
}

void config_put_rates(FILE *out, const struct config *c)
{
	if (c->n_rates)
		fputs("rates:\n", out);
	for (size_t i = 0; i < c->n_rates; i++)
		config_put_rate(out, &c->rates[i]);
}
