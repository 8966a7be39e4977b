/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sections of the configuration that have structures of their own: endpoints, learn and rates, and
 * the lists of clients of a service. Functions that take a struct check are for files of config/.
 */
#pragma once
#include "config/config.h"
#include "lib/yaml.h"

struct check;

/* ---- endpoints: peers whose endpoint is a host name, which the daemon follows ---- */

/* How the daemon tests whether an address works: a WireGuard handshake, or an echo request. */
enum endpoint_proof { PROOF_HANDSHAKE, PROOF_ECHO };

struct peer_endpoint_config {
	char interface[IFNAMSIZ];
	struct wg_key peer;
	char host[256];			/* name or address of the peer's host */
	__be16 port;
	enum endpoint_proof by;
	/* Seconds without an answer after which the endpoint counts as dead; 0: WireGuard's own
	 * time limits decide. */
	__u32 within;
	/* The other peers of the interface that have an address of this host follow. */
	bool together;
};

extern const struct yaml_key config_endpoints_keys[];

void config_check_endpoints(struct check *k);
void config_put_endpoint(FILE *out, const struct peer_endpoint_config *e);
void config_put_endpoints(FILE *out, const struct config *c);

/* ---- learn: peers that move behind a NAT ---- */

#define KNOCK_PORT 19000		/* default of the first of the ports for knocks */

struct learn_config {
	char interface[IFNAMSIZ];
	/* Peer whose endpoint is learned; all zeros: the only peer of the interface. */
	struct wg_key peer;
	bool knock;			/* the daemon listens for knocks, from port `port` on */
	__be16 port;			/* first of KNOCK_PORTS ports */
	/* Program and arguments that a knock starts; empty: it only makes learning begin again. */
	struct ddns_text *command;
	size_t n_command;
	/* User account that runs the command; "": the default account, see wgxdp.yaml(5). */
	char user[33];
};

extern const struct yaml_key config_learn_keys[];

void config_check_learn(struct check *k);
void config_put_learn(FILE *out, const struct config *c);

/* ---- rates: the most bits and packets per second in each direction ---- */

#define RATES_MAX 1024			/* most entries of the list */

/* Limits of one direction; 0: none. */
struct rate_limits {
	__u64 bits, packets;		/* per second */
};

struct rate_config {
	/* An entry is for one of these: a service, a peer, two peers, or the clients of all
	 * services in certain prefixes. "" or no prefix: it is not for one of that kind. */
	char service[NAME_LEN], peer[NAME_LEN], pair[2][NAME_LEN];
	struct prefix *clients;
	size_t n_clients, n_pair;	/* prefixes; names in .pair, at most 2 */
	/* For packets from the clients, the peer, or the first peer of the pair, and for packets to
	 * them. */
	struct rate_limits from, to;
};

#define RATE_STRLEN 64

/* Writes the limits as text, such as "100 Mbit/s, 2000 packets/s"; "" if there are none. */
const char *rate_format(const struct rate_limits *r, char text[RATE_STRLEN]);

/* Returns the entry of a service or, if `service` is "", of a peer; NULL: there is none. */
const struct rate_config *config_rate(const struct config *c, const char *service,
				      const char *peer);
/* Removes the entries that name this service or peer; "": none. */
void config_drop_rates(struct config *c, const char *service, const char *peer);
/* Returns the first entry in c that limits the same as r, or one of the same prefixes; NULL: there
 * is none. */
const struct rate_config *config_rate_like(const struct config *c, const struct rate_config *r);

extern const struct yaml_key config_rates_keys[];

void config_check_rates(struct check *k);
void config_put_rate(FILE *out, const struct rate_config *r);
void config_put_rates(FILE *out, const struct config *c);

/* ---- allow and deny: prefixes, and lists that other programs keep ---- */

extern const struct yaml_key config_list_keys[];
/* Reads `allow` or `deny`: a list of items, or one list of another program. */
yaml_set config_set_clients;
/* Read an item: a prefix, or a list of another program. */
yaml_set config_add_allowed, config_add_denied;
yaml_set config_set_path;	/* reads a path that begins with '/' */

/* Reads a set as family, table and name. ret: gets them with one space between them. Returns false
 * if the text is something else. text: shorter than LIST_NAME_LEN. */
bool config_set_name(const char *text, char ret[LIST_NAME_LEN]);
void config_check_lists(struct check *k, size_t i);
/* Writes a list of prefixes, and of lists of other programs, in one line; none if it is empty. */
void config_put_clients(FILE *out, const char *key, const struct prefix *list, size_t n,
			const struct list_config *lists, size_t n_lists);
void config_put_lists(FILE *out, const struct service_config *s);
/* Writes a list as in the configuration, such as { file: "/etc/blocklist" }. */
void config_put_list(FILE *out, const struct list_config *l);
/* Returns the key that names a list of this source. */
const char *list_source_name(enum list_source source);
bool config_list_equal(const struct list_config *a, const struct list_config *b);
