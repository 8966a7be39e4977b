/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * DynDNS: a section of the configuration is carried out once. It blocks, and may be done in a thread of its own: what there is to
 * say is kept until ddns_tell().
 */
#pragma once
#include "config/config.h"

enum ddns_status {			/* exit codes of `wgxdp ddns` */
	DDNS_DONE = 0,			/* written, or nothing to write */
	DDNS_FAILED = 1,
	DDNS_NO_ADDRESS = 2,		/* that may be published */
	DDNS_USAGE = 64,
};

struct ddns_set {			/* a name's records of one type */
	const char *name;
	__u8 family;
	struct address *there;		/* as the zone's own server has them */
	__u64 *ids;			/* of OVH's API, one for each of them */
	size_t n_there;
	__u32 ttl;			/* theirs; 0: it is not told */
	bool other_ttl;			/* some has another TTL than is wanted */
	struct address wanted;
	bool write;			/* there is not just what is wanted */
	bool failed;			/* told */
};

struct ddns_line {
	enum ddns_line_level { DDNS_SAY, DDNS_WARN, DDNS_COMPLAIN } level;
	char *text;
};

struct ddns_run {
	const struct ddns_config *config;
	bool dry_run, only_changes;	/* only_changes: nothing is said of what is unchanged */
	bool writing;
	struct ddns_set *sets;
	size_t n_sets;
	struct ddns_line *lines;
	size_t n_lines;
	void *data;			/* of the provider */
	enum ddns_status status;
};

/* What a provider does; what is wrong with a set it tells, and marks it as failed */
struct ddns_provider {
	void (*read)(struct ddns_run *run);	/* what is there */
	void (*write)(struct ddns_run *run);	/* where set->write, and not failed: wanted, and nothing else */
	void (*end)(struct ddns_run *run);	/* after each read */
};

extern const struct ddns_provider ddns_rfc2136, ddns_ovh, ddns_exec;

/* run has config, dry_run and only_changes, and gets the rest */
void ddns_carry_out(struct ddns_run *run);
/* Tells what there is to say */
void ddns_tell(const struct ddns_run *run);
void ddns_free(struct ddns_run *run);

/* For providers: an error of one set, or of all that have not failed yet, when it is written of those that
 * are to be; warnings. The name is added to errors. */
void ddns_fail(struct ddns_run *run, struct ddns_set *set, const char *format, ...) __attribute__((format(printf, 3, 4)));
void ddns_fail_all(struct ddns_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ddns_warn(struct ddns_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One more record that is there; -ENOMEM: the set failed */
int ddns_has(struct ddns_run *run, struct ddns_set *set, const struct address *a, __u32 ttl, __u64 id);
static inline const char *ddns_type(const struct ddns_set *set)
{
	return set->family == FAMILY_IPV4 ? "A" : "AAAA";
}
