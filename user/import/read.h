/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The readers of import/: each adds what a text of another program says to the rules or to the
 * WireGuard devices. They trust no text. Each returns 0, or -errno after printing an error with the
 * name and the line.
 */
#pragma once
#include "import/rules.h"
#include "lib/wg_key.h"

struct import_text {
	const char *name;		/* file, or command, for messages and comments */
	char *text;			/* ends with a NUL; a reader may change it */
	size_t n;
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

/* Reads what `nft -j list ruleset` prints. If `iptables_too`, the same host's iptables-save was
 * read, and chains that iptables-nft made are skipped. */
int read_nft(struct rules *r, const struct import_text *t, bool iptables_too);
/* Reads what iptables-save or ip6tables-save prints, or a script of iptables commands. */
int read_iptables(struct rules *r, struct import_lost *lost, const struct import_text *t);
/* Reads the commands of a line of a script, such as "iptables -t nat -A PREROUTING …". device: name
 * for %i. Names the line if import cannot read all its commands. Returns whether one of them is
 * of iptables. */
bool read_commands(struct rules *r, struct import_lost *lost, const char *line, const char *device,
		   const char *origin);
#define UCI_TABLE "uci firewall"		/* table of all chains of OpenWrt */
/* Reads what `uci show firewall` and `uci show network` print. */
int read_uci(struct rules *r, struct import_lost *lost, const struct import_text *t);

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
	bool has_commands;	/* the file has commands of iptables, so it is this host's */
	struct import_peer *peers;
	size_t n_peers;
};

struct import_devices {
	struct import_device *list;
	size_t n;
};

/* Reads a file of wg-quick(8), whose name is the interface's, and the iptables commands in its
 * PreUp and PostUp. Names each other setting that it cannot use. */
int read_wg_quick(struct import_devices *d, struct rules *r, struct import_lost *lost,
		  const struct import_text *t);
/* Reads what `wg show all dump` prints. */
int read_wg_dump(struct import_devices *d, const struct import_text *t);
/* Reads the WireGuard interfaces of this host. */
int read_wg_host(struct import_devices *d);
void devices_free(struct import_devices *d);
