/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Dynamic DNS: applies one section `ddns` of the configuration once, for `wgxdp ddns` and the
 * daemon. It blocks and may run in a thread: ddns_tell() logs its messages afterwards.
 */
#pragma once
#include "config/config.h"

enum ddns_status {			/* exit codes of `wgxdp ddns` */
	DDNS_DONE = 0,			/* written, or nothing to write */
	DDNS_FAILED = 1,
	DDNS_NO_ADDRESS = 2,		/* no address is fit for publishing */
	DDNS_USAGE = 64,
};

/* A name's records of one type */
struct ddns_set {
	const char *name;
	__u8 family;
	struct address *there;		/* the records of the zone's server */
	__u64 *ids;			/* the id of each in OVH's API */
	size_t n_there;
	__u32 ttl;			/* of the last record; 0: unknown */
	bool other_ttl;			/* some record's TTL is not the configured one */
	struct address wanted;
	bool write;			/* the records differ from `wanted` */
	bool failed;			/* and an error was added */
};

struct ddns_line {
	enum ddns_line_level { DDNS_SAY, DDNS_WARN, DDNS_COMPLAIN } level;
	char *text;
};

struct ddns_run {
	const struct ddns_config *config;
	bool dry_run;
	bool only_changes;		/* adds no message for unchanged records */
	bool writing;
	struct ddns_set *sets;
	size_t n_sets;
	struct ddns_line *lines;
	size_t n_lines;
	void *data;			/* for the provider */
	enum ddns_status status;
};

/* A provider reports an error of a set with ddns_fail(), which marks the set as failed */
struct ddns_provider {
	void (*read)(struct ddns_run *run);	/* the records that exist */
	/* Replaces the records of sets with `write` that have not failed by `wanted` */
	void (*write)(struct ddns_run *run);
	/* Releases what run->data refers to, which ddns.c frees then; or NULL */
	void (*end)(struct ddns_run *run);
};

extern const struct ddns_provider ddns_rfc2136, ddns_ovh, ddns_exec;

/* The caller sets config, dry_run and only_changes; this sets the rest */
void ddns_carry_out(struct ddns_run *run);
/* Logs the messages of a run */
void ddns_tell(const struct ddns_run *run);
void ddns_free(struct ddns_run *run);

/* For providers: add an error for one set, or for all that have not failed yet (while writing: that
 * are to be written), or a warning. Errors get the name appended. */
void ddns_fail(struct ddns_run *run, struct ddns_set *set, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void ddns_fail_all(struct ddns_run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void ddns_warn(struct ddns_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reads the provider's file with a secret, for secret_free(), and warns if others may read it.
 * what: its key in the configuration. NULL: it has added the error */
char *ddns_secret(struct ddns_run *run, const char *what);
/* Adds a record that exists. -ENOMEM: the set failed */
int ddns_has(struct ddns_run *run, struct ddns_set *set, const struct address *a, __u32 ttl,
	     __u64 id);
static inline const char *ddns_type(const struct ddns_set *set)
{
	return set->family == FAMILY_IPV4 ? "A" : "AAAA";
}
