/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Dynamic DNS: carries out one section ddns of the configuration once. This blocks and may run in a
 * thread, so messages are collected, and ddns_tell() prints them afterwards. cmd/ (for `wgxdp
 * ddns`) and daemon/ include it.
 */
#pragma once
#include "config/config.h"
#include "ddns/ddns_secret.h"

enum ddns_status {			/* exit codes of `wgxdp ddns` */
	DDNS_DONE = 0,		/* the records were written, or there was nothing to write */
	DDNS_FAILED = 1,
	DDNS_NO_ADDRESS = 2,		/* no address of the interface is suitable for publishing */
	DDNS_USAGE = 64,
};

/* The records of one type (A or AAAA) of a name. */
struct ddns_set {
	const char *name;
	__u8 family;
	struct address *there;		/* addresses in the records that the DNS has now */
	__u64 *ids;			/* ids of these records in OVH's API */
	size_t n_there;
	__u32 ttl;	/* TTL in seconds of the last record that was read; 0: unknown */
	bool other_ttl;		/* a record has another TTL than the configured one */
	bool unpublished; /* the name servers may lack this record, so it counts as another one */
	struct address wanted;
	bool write;	/* the records differ from `wanted`, so they must be written */
	bool failed;	/* reading or writing failed; ddns_fail() has added an error */
};

struct ddns_line {
	enum ddns_line_level { DDNS_SAY, DDNS_WARN, DDNS_COMPLAIN } level;
	char *text;
};

struct ddns_run {
	const struct ddns_config *config;
	const char *instance;		/* providers may keep files for it */
	bool dry_run;
	bool only_changes;		/* add no messages about unchanged records */
	bool writing;
	struct ddns_set *sets;
	size_t n_sets;
	struct ddns_line *lines;
	size_t n_lines;
	void *data;			/* allocated and used by the provider alone */
	enum ddns_status status;
};

/* A provider reads and writes records with one protocol. Errors go to ddns_fail(), which marks the
 * set of records as failed. */
struct ddns_provider {
	void (*read)(struct ddns_run *run);
	/* For each set with .write that has not failed: replaces its records by one with
	 * .wanted. */
	void (*write)(struct ddns_run *run);
	/* Frees what run->data points to, but not run->data itself, which ddns.c frees. NULL: there
	 * is nothing to free. */
	void (*end)(struct ddns_run *run);
};

extern const struct ddns_provider ddns_rfc2136, ddns_ovh, ddns_exec;

/* Carries out a run. The caller sets config, instance, dry_run and only_changes; this sets the
 * rest. */
void ddns_carry_out(struct ddns_run *run);
/* Prints the messages that a run has collected. */
void ddns_tell(const struct ddns_run *run);
void ddns_free(struct ddns_run *run);

/* For providers; they append the set's host name to errors. ddns_fail() adds an error for one set.
 * ddns_fail_all() adds it for all sets that have not failed yet (while writing, only for sets with
 * `write`). ddns_warn() adds a warning. */
void ddns_fail(struct ddns_run *run, struct ddns_set *set, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void ddns_fail_all(struct ddns_run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void ddns_warn(struct ddns_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reads the provider's file with the key or credentials, and warns if others may read it. what: its
 * key in the configuration. Returns a text for secret_free(), or NULL after adding an error. */
char *ddns_secret(struct ddns_run *run, const char *what);
/* Checks that a run could read the provider's key or credentials. Returns 0, or -errno with the
 * error in `why`. The provider exec needs none (0), and a systemd credential that only the daemon
 * has is not checked (0). */
int ddns_check_secret(const struct ddns_config *c, char why[SECRET_WHY_LEN]);
/* Adds a record of the DNS to the set. Returns 0, or -ENOMEM after marking the set as failed. */
int ddns_has(struct ddns_run *run, struct ddns_set *set, const struct address *a, __u32 ttl,
	     __u64 id);
static inline const char *ddns_type(const struct ddns_set *set)
{
	return set->family == FAMILY_IPV4 ? "A" : "AAAA";
}
