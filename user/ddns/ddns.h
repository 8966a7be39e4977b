/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Dynamic DNS: carries out one section ddns of the configuration once. This blocks and may run in a
 * thread, so messages are collected, and ddns_tell() prints them afterwards. cmd/ (for `wgxdp
 * ddns`) and daemon/ include it.
 */
#pragma once
#include "config/config.h"

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
	size_t n_there;
	bool other_ttl;		/* a record has another TTL than the configured one */
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
	const char *instance;		/* a program may keep files for it */
	bool dry_run;
	bool only_changes;		/* add no messages about unchanged records */
	bool writing;
	struct ddns_set *sets;
	size_t n_sets;
	struct ddns_line *lines;
	size_t n_lines;
	enum ddns_status status;
};

/* Carries out a run. The caller sets config, instance, dry_run and only_changes; this sets the
 * rest. */
void ddns_carry_out(struct ddns_run *run);
/* Prints the messages that a run has collected. */
void ddns_tell(const struct ddns_run *run);
void ddns_free(struct ddns_run *run);

/* For ddns_exec.c; they append the set's host name to errors. ddns_fail() adds an error for one
 * set. ddns_fail_from() adds it for this set and all later ones that have not failed yet (while
 * writing, only for sets with `write`). ddns_warn() adds a warning. */
void ddns_fail(struct ddns_run *run, struct ddns_set *set, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void ddns_fail_from(struct ddns_run *run, struct ddns_set *first, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void ddns_warn(struct ddns_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline const char *ddns_type(const struct ddns_set *set)
{
	return set->family == FAMILY_IPV4 ? "A" : "AAAA";
}
/* The key of the configuration that names the provider's file with the key or credentials */
static inline const char *ddns_secret_key(const struct ddns_config *c)
{
	return c->by == DDNS_OVH ? "credentials" : "key-file";
}
