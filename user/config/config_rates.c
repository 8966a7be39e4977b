/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads, checks and writes the section rates of the configuration.
 */
#include <stdlib.h>
#include <string.h>
#include "config/config_parts.h"
#include "config/config_diff.h"
#include "config/config_sections.h"

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
	return *end ? "has another unit than bit/s, kbit/s, Mbit/s, Gbit/s and packets/s" : "has no unit";
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

/* Reads one of the two names of a pair. */
static void add_end(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		    void *object)
{
	struct rate_config *r = object;
	struct yaml_key one = *key;

	if (r->n_pair == 2) {
		yaml_error(y, value, "%s: the list has more than two peers: write %s", key->name,
			   "[ site-a, site-b ]");
		return;
	}
	one.offset = 0;
	one.size = sizeof(r->pair[0]);
	yaml_set_text(y, &one, value, r->pair[r->n_pair++]);
}

const struct yaml_key config_rates_keys[] = {
	{ "service", yaml_set_text, "wg-end", AT(service), .pattern = PATTERN_SERVICE },
	{ "clients", yaml_set_list, "198.51.100.0/24",
	  .offset = offsetof(struct rate_config, clients),
	  .count = offsetof(struct rate_config, n_clients), .item = config_add_prefix,
	  .alone = true, .pattern = PATTERN_PREFIX },
	{ "peer", yaml_set_text, "site-a", AT(peer), .pattern = PATTERN_PEER },
	{ "pair", yaml_set_list, "site-a", .item = add_end, .pattern = PATTERN_PEER },
	{ "from", yaml_set_list, "100 Mbit/s", AT(from), IS_LIMIT },
	{ "to", yaml_set_list, "100 Mbit/s", AT(to), IS_LIMIT },
	{},
};

const struct rate_config *config_rate(const struct config *c, const char *service, const char *peer)
{
	for (size_t i = 0; i < c->n_rates; i++)
		if (!strcmp(c->rates[i].service, service) && !strcmp(c->rates[i].peer, peer))
			return &c->rates[i];
	return NULL;
}

static bool names_it(const struct rate_config *r, const char *service, const char *peer)
{
	return (*service && !strcmp(r->service, service)) ||
	       (*peer && (!strcmp(r->peer, peer) || !strcmp(r->pair[0], peer) ||
			  !strcmp(r->pair[1], peer)));
}

void config_drop_rates(struct config *c, const char *service, const char *peer)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_rates; i++)
		if (names_it(&c->rates[i], service, peer))
			free(c->rates[i].clients);
		else
			c->rates[n++] = c->rates[i];
	c->n_rates = n;
}

/* Returns a prefix of clients that both entries have, or NULL. */
static const struct prefix *same_clients(const struct rate_config *a, const struct rate_config *b)
{
	for (size_t i = 0; i < a->n_clients; i++)
		for (size_t j = 0; j < b->n_clients; j++)
			if (!prefix_compare(&a->clients[i], &b->clients[j]))
				return &a->clients[i];
	return NULL;
}

static bool is_alike(const struct rate_config *a, const struct rate_config *b)
{
	if (*a->pair[0] && *b->pair[0])
		return (!strcmp(a->pair[0], b->pair[0]) && !strcmp(a->pair[1], b->pair[1])) ||
		       (!strcmp(a->pair[0], b->pair[1]) && !strcmp(a->pair[1], b->pair[0]));
	return (*a->service && !strcmp(a->service, b->service)) ||
	       (*a->peer && !strcmp(a->peer, b->peer)) || same_clients(a, b);
}

const struct rate_config *config_rate_like(const struct config *c, const struct rate_config *r)
{
	for (size_t i = 0; i < c->n_rates; i++)
		if (is_alike(&c->rates[i], r))
			return &c->rates[i];
	return NULL;
}

/* ---- what is wrong ---- */

static void check_peer(struct check *k, const char *key, const char *peer)
{
	if (!config_check_peer_name(k, key, peer) || !*peer)
		return;
	if (!config_relays(k->c))
		tell(k, "%s: this configuration has no peers: add `peers` or `follow`", key);
	/* A followed device may have the peer. */
	else if (!k->c->follow.n_wireguard && !config_peer(k->c, peer))
		tell(k, "%s: there is no peer '%s': write the name of one in `peers`", key, peer);
}

static void check_subject(struct check *k, size_t i)
{
	const struct rate_config *r = &k->c->rates[i];
	int subjects = !!*r->service + !!*r->peer + !!r->n_pair + !!r->n_clients;

	at(k, 0, "/rates/%zu", i);
	if (!subjects)
		tell(k, "rates: the entry does not say what it limits: add `service`, `clients`, `peer` or `pair`");
	else if (subjects > 1)
		tell(k, "rates: an entry is for a service, for clients, for a peer or for a pair of peers: make one entry for each");
	at(k, 0, "/rates/%zu/service", i);
	if (*r->service && !config_service(k->c, r->service) &&
	    !(*k->c->blind.device && !strcmp(r->service, BLIND_NAME)))
		tell(k, "service: there is no service '%s': write the name of one in `services`", r->service);
	at(k, 0, "/rates/%zu/peer", i);
	check_peer(k, "peer", r->peer);
	at(k, 0, "/rates/%zu/pair", i);
	if (r->n_pair == 1 || (r->n_pair == 2 && !strcmp(r->pair[0], r->pair[1])))
		tell(k, "pair: a pair needs two different peers: write [ site-a, site-b ]");
	for (size_t n = 0; n < r->n_pair; n++)
		check_peer(k, "pair", r->pair[n]);
}

/* Returns what two entries are both for. */
static const char *same_subject(const struct rate_config *a, const struct rate_config *b,
				char text[2 * NAME_LEN + 8])
{
	const struct prefix *clients = same_clients(a, b);

	if (clients)
		return prefix_format(clients, text);
	if (*a->pair[0] && *b->pair[0])
		sprintf(text, "%s, %s", a->pair[0], a->pair[1]);
	else
		strcpy(text, *a->peer ? a->peer : a->service);
	return text;
}

static void check_number(struct check *k)
{
	const struct config *c = k->c;
	size_t clients = 0;

	at(k, 0, "/rates");
	for (size_t i = 0; i < c->n_rates; i++)
		clients += !!c->rates[i].n_clients;
	if (c->n_rates > RATES_MAX)
		tell(k, "rates: the list has %zu entries, and the limit is %u: remove some", c->n_rates, RATES_MAX);
	else if (clients > RATE_CLIENTS)
		tell(k, "rates: %zu entries are for clients, and the limit is %u: remove some", clients, RATE_CLIENTS);
}

void config_check_rates(struct check *k)
{
	const struct config *c = k->c;

	check_number(k);
	for (size_t i = 0; i < c->n_rates; i++) {
		const struct rate_config *r = &c->rates[i], *first = config_rate_like(c, r);
		char text[2 * NAME_LEN + 8];

		check_subject(k, i);
		at(k, 0, "/rates/%zu", i);
		if (first && first != r)
			tell(k, "rates: two entries are for '%s': make one of them",
			     same_subject(first, r, text));
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

static void put_clients(FILE *out, const struct rate_config *r)
{
	char text[ADDRESS_STRLEN];

	fputs("clients: [", out);
	for (size_t i = 0; i < r->n_clients; i++)
		fprintf(out, "%s \"%s\"", i ? "," : "", prefix_format(&r->clients[i], text));
	fputs(" ]\n", out);
}

static void put_pair(FILE *out, const struct rate_config *r)
{
	fputs("pair: [ ", out);
	config_put_text(out, r->pair[0]);
	fputs(", ", out);
	config_put_text(out, r->pair[1]);
	fputs(" ]\n", out);
}

void config_put_rate(FILE *out, const struct rate_config *r)
{
	fputs("  - ", out);
	if (r->n_clients) {
		put_clients(out, r);
	} else if (*r->pair[0]) {
		put_pair(out, r);
	} else {
		fputs(*r->peer ? "peer: " : "service: ", out);
		config_put_text(out, *r->peer ? r->peer : r->service);
		fputs("\n", out);
	}
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
