/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a configuration from the firewall rules and the WireGuard settings of a host. cmd/ includes
 * it.
 */
#pragma once
#include "config/config.h"
#include "import/evaluate.h"
#include "import/read.h"

struct import_service {			/* an entry of config.services that is being made */
	struct service_config s;
	__u8 family;			/* family of its rules; 0: both */
	char in[IFNAMSIZ];		/* interface on which clients arrive; "": unknown */
	struct source_set clients[2];	/* IPv4, IPv6 */
	/* If s has lists: the clients that it has without those that the lists refuse. */
	struct source_set base;
	size_t *rules;			/* rules that say the same */
	size_t n_rules;
	const struct import_device *server;	/* its AmneziaWG gave the guard; NULL: none */
	bool ready;			/* its lists are in s; .clients and .base are unused */
	bool narrows;			/* other clients reached this host itself before */
};

struct rehearsal;

struct import {
	/* Options: the interface of rules that name none (NULL: none), the overlay (family 0:
	 * none), and whether the rules are those of this host now. */
	const char *wan;
	const char **lans;		/* interfaces that lead to backends */
	size_t n_lans;
	bool later;			/* second round, for interfaces that lead to backends */
	bool wan_given;			/* `wan` is an option, not found in the rules */
	struct prefix overlay;
	bool live;
	struct rehearsal *rehearsal;	/* the copy of this host; NULL: none has begun */
	struct rules rules;
	struct import_devices devices;
	struct import_service *services;
	size_t n_services;
	struct config *config;		/* its services are shallow copies of those above */
	struct source_work work;
	size_t work_max;		/* 0: the default */
	struct import_text *nft;	/* rulesets that are read last */
	size_t n_nft;
	bool iptables;			/* rules of iptables were read */
	struct import_lost lost;
	size_t *policy_rules;		/* rules that the policy says too */
	size_t n_policy_rules;
};

/* Reads a file ("-": standard input), whose kind its text tells. Returns 0, or -errno after
 * printing an error. */
int import_file(struct import *im, const char *name);
/* Reads the WireGuard interfaces of this host and, for --compare and policies, its rules. */
int import_host(struct import *im);
/* Reads a text, as import_file() does, and takes it: import_free() frees it. */
int import_text(struct import *im, struct import_text *t);
/* Makes the configuration. Returns 0, or -errno after printing an error. */
int import_make(struct import *im);
/* Reads the rulesets that are read last, and links the rules. Part of import_make(), for a
 * configuration that exists. Returns 0, or -errno after printing an error. */
int import_rules(struct import *im);
/* Writes the configuration as YAML, with the origin of each entry as a comment. Returns 0 or
 * -errno. */
int import_write(const struct import *im, FILE *out);
/* Returns whether nothing became a part of the configuration. Then import_write() writes comments
 * only, which no command loads: loading an empty configuration would remove everything. */
bool import_is_empty(const struct import *im);
/* Begins the rehearsal of this host. Returns 0, or -errno after printing an error. */
int import_rehearse(struct import *im);
/* Compares what this host's rules do to samples with what the real program does with the
 * configuration. Call it once, after import_make() or import_rehearse(). all: also prints samples
 * that agree. Returns 0 or, if samples differ, 1, or -errno after printing an error. */
int import_compare_live(struct import *im, const struct config *config, bool all, bool json,
			FILE *out);
/* Warns about each rule without a counterpart and about .lost, or only about .lost. Returns the
 * number of warnings. */
size_t import_warn(const struct import *im);
size_t import_warn_lost(const struct import *im);
void import_free(struct import *im);

/* ---- parts of import_make() and of compare.h, for each other ---- */

/* Limits the work from here on. */
void import_allow_work(struct import *im);
/* Finds .lans, and .wan if no option gives it. */
void import_find_interfaces(struct import *im);

void import_services(struct import *im);	/* services.c */
int import_live(struct import *im);		/* live.c: services of this host */
void import_amneziawg(struct import *im);	/* amneziawg.c: guards of services */
void import_relay(struct import *im);		/* relay.c: peers, policy, endpoints */
