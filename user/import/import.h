/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a configuration from the firewall rules and the WireGuard settings of a host. cmd/ includes
 * it.
 */
#pragma once
#include "config/config.h"
#include "import/read.h"

struct import_rule {			/* a rule that services come from, for comments */
	char *origin;			/* such as "ip nat PREROUTING handle 3" */
	char *text;
	char comment[64];
	bool drops;
};

struct import_service {			/* an entry of config.services that is being made */
	struct service_config s;
	__u8 family;			/* family of its rules; 0: both */
	char in[IFNAMSIZ];		/* interface on which clients arrive */
	size_t *rules;			/* indexes of the rules that say the same */
	size_t n_rules;
	const struct import_device *server;	/* its AmneziaWG gave the guard; NULL: none */
	bool narrows;			/* other clients reached this host itself before */
};

struct rehearsal;

struct import {
	/* Options: the interface on which clients arrive (NULL: find out), the overlay (family 0:
	 * none), and whether the rules are those of this host now. */
	const char *wan;
	struct prefix overlay;
	bool live;
	struct rehearsal *rehearsal;	/* the copy of the host; NULL: none has begun */
	struct import_text *texts;	/* rules of another host */
	size_t n_texts;
	struct import_network network;	/* the network of that host */
	char *assumed;			/* a sentence about what files do not say; NULL: nothing */
	struct import_rule *rules;
	size_t n_rules;
	struct import_devices devices;
	struct import_service *services;
	size_t n_services;
	struct config *config;		/* its services are shallow copies of those above */
	struct import_lost lost;
	size_t *policy_rules;		/* rules that the policy says too */
	size_t n_policy_rules;
};

/* Reads a file ("-": standard input), whose kind its text tells. Returns 0, or -errno after
 * printing an error. */
int import_file(struct import *im, const char *name);
/* Reads the WireGuard interfaces of this host. */
int import_host(struct import *im);
/* Reads a text, as import_file() does, and takes it: import_free() frees it. */
int import_text(struct import *im, struct import_text *t);
/* Makes the configuration. Returns 0, or -errno after printing an error. */
int import_make(struct import *im);
/* Begins the rehearsal of this host, or of the one whose rules the files have. Part of
 * import_make(), for a configuration that exists. Returns 0, or -errno after printing an error. */
int import_begin(struct import *im);
/* Writes the configuration as YAML, with the origin of each entry as a comment. Returns 0 or
 * -errno. */
int import_write(const struct import *im, FILE *out);
/* Writes what import assumed. before: what the line begins with. */
void import_write_assumed(const struct import *im, const char *before, FILE *out);
/* Returns whether nothing became a part of the configuration. Then import_write() writes comments
 * only, which no command loads: loading an empty configuration would remove everything. */
bool import_is_empty(const struct import *im);
/* Compares what the rules do to samples with what the real program does with the configuration.
 * Call it once, after import_make() or import_begin(). all: also prints samples that agree. Returns
 * 0 or, if samples differ, 1, or -errno after printing an error. */
int import_compare(struct import *im, const struct config *config, bool all, bool json, FILE *out);
/* Warns about what the configuration lacks. Returns the number of warnings. */
size_t import_warn(const struct import *im);
void import_free(struct import *im);

/* ---- parts of import_make(), for each other ---- */

/* Copies the namespace of this process, and enters the copy. */
int import_rehearse(struct import *im);
/* Says which rights are missing, and returns rc. */
int import_lacks_rights(int rc);
int import_green(struct import *im);		/* green.c: begins a rehearsal of the files */
/* Routes all clients over this interface, if the network is assumed. */
void green_face(const struct import *im, __u32 wan);
/* Returns whether the address was given to an interface whose addresses no file has. */
bool green_is_assumed(const struct import *im, const struct address *a);
void import_live(struct import *im);		/* live.c: services */
void import_amneziawg(struct import *im);	/* amneziawg.c: guards of services */
void import_relay(struct import *im);		/* relay.c: peers, policy, endpoints */
/* Adds a rule to a list of indexes, unless it is there. */
void rules_list_add(size_t **list, size_t *n, size_t rule);
