/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The readers of import/: each adds what a text of another program says to the rules or to the
 * WireGuard devices. They trust no text. Each returns 0, or -errno after printing an error with the
 * name and the line.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "config/config_service.h"
#include "lib/wg_key.h"

#define LIST_NAME_PART 120		/* longest name of a table or set in a configuration */

/* Kinds of texts that the green room loads. LINES: of iptables-save, or commands. */
enum import_kind { IMPORT_IPSET, IMPORT_NFT, IMPORT_NFT_JSON, IMPORT_LINES };

struct import_text {
	const char *name;		/* file, or command, for messages and comments */
	char *text;			/* ends with a NUL; a reader may change it */
	size_t n;
	enum import_kind kind;
};

/* Sentences about what import could not use, each with its file and line. */
struct import_lost {
	char **list;
	size_t n;
};

void import_lose(struct import_lost *lost, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A walk through the lines of a text. Begin with .text and .rest = text->text, and free .origin at
 * the end. */
struct import_lines {
	const struct import_text *text;
	char *rest;
	bool script;			/* joins a line that ends with a backslash with the next */
	unsigned int number, next;	/* number of the line's first part; number of the next */
	char *origin;			/* such as "rules.v4:12" */
};

/* Returns the next line that is not empty, without the blanks around it; NULL: there is none. */
char *import_next_line(struct import_lines *l);

/* The network of another host, as far as files describe it. */
struct import_network {
	struct import_address {
		char device[IFNAMSIZ];
		struct address address;	/* family 0: only the device is known */
		__u8 len;
	} *addresses;
	struct import_route {
		char device[IFNAMSIZ];
		struct prefix to;
	} *routes;
	size_t n_addresses, n_routes;
};

/* Translates what `uci show network` and `uci show firewall` print. Adds OpenWrt's interfaces, with
 * the addresses in the settings and the ways to redirected hosts, and writes the commands for
 * `nft -f` that make the rules. wan: --wan, for a zone without a known device; NULL: none. Names
 * each section that it cannot use. */
int translate_uci(struct import_network *network, FILE *nft, struct import_lost *lost,
		  const struct import_text *t, const char *wan);
/* Reads what `ip -j addr`, `ip -j route` and `ip -j -6 route` print, one of them a line. */
int read_ip(struct import_network *n, const struct import_text *t);

struct import_peer {
	char *origin;
	struct wg_key key;
	char name[NAME_LEN];
	struct prefix *allowed;
	size_t n_allowed;
	char host[256];			/* name in Endpoint; "": none, or an address */
	__be16 port;
};

/* H1 to H4 and S1 to S4 of AmneziaWG, as in struct guard_config. n_headers: 0 or all; n_junk: 0, 2
 * or all. */
struct import_amneziawg {
	__u32 headers[MESSAGES], header_ends[MESSAGES], junk[MESSAGES];
	size_t n_headers, n_junk;
};

struct import_device {
	char name[IFNAMSIZ];
	char *origin;
	__be16 port;			/* ListenPort; 0: none */
	struct import_amneziawg amneziawg;
	bool is_unknown;	/* it has a setting that may change messages in an unknown way */
	struct wg_key key;		/* its public key, if it has settings of AmneziaWG */
	bool here;			/* it is on the host that has the rules */
	struct import_peer *peers;
	size_t n_peers;
};

struct import_devices {
	struct import_device *list;
	struct import_command {		/* PreUp or PostUp of wg-quick */
		char *origin, *line, device[IFNAMSIZ];
	} *commands;
	size_t n, n_commands;
};

/* Reads a file of wg-quick(8), whose name is the interface's. Names each setting that it cannot
 * use. */
int read_wg_quick(struct import_devices *d, struct import_lost *lost, const struct import_text *t);
/* Reads what `wg show all dump` prints. */
int read_wg_dump(struct import_devices *d, const struct import_text *t);
/* Reads the WireGuard interfaces of this host. */
int read_wg_host(struct import_devices *d);
void devices_free(struct import_devices *d);
