/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Dynamic DNS: carries out one section ddns of the configuration once. This blocks and may run in a
 * thread, so messages are collected, and ddns_tell() prints them afterwards. cmd/ (for `wgxdp
 * ddns`) and daemon/ include it.
 */
#pragma once
#include <limits.h>
#include "config/config.h"
#include "lib/paths.h"
#include "net/netlink.h"

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

/* They append the set's host name to messages. ddns_say() adds a message, and ddns_fail() an error,
 * for one set. ddns_fail_from() adds it for this set and all later ones that have not failed yet
 * (while writing, only for sets with `write`). ddns_warn() adds a warning. */
void ddns_say(struct ddns_run *run, const struct ddns_set *set, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
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

/* Returns why an address must not be published, in words that follow "ADDRESS is"; NULL: it may
 * be. */
const char *ddns_unfit(const struct nl_address *a);
/* Finds the addresses of an interface that may be published, the best first. Leaves out those in
 * prefixes that no router renews any more. host: its last 64 bits replace those of IPv6 addresses;
 * family 0: none. The caller frees *ret. */
void ddns_candidates(const struct nl_address *list, size_t n, __u32 ifindex, __u8 family,
		     const struct address *host, struct address **ret, size_t *ret_n);
/* Returns the first address of `list` that is published already, or NULL. */
const struct address *ddns_still(const struct address *list, size_t n,
				 const struct address *published, size_t n_published);

/* ---- programs that write the records ----
 * Each provider is such a program: that of the administrator (`exec`), or a helper of wgxdp
 * (scripts/ddns/). */

#define DDNS_WHY_LEN (PATH_MAX + 256)
#define SECRET_PATH_LEN 384

struct ddns_program {
	char **words;	/* the path and the first arguments, with room for the set's words */
	size_t n;
	bool is_helper; /* it also reads records, and its output has errors and warnings */
	bool secret_open;	/* users other than its owner and group may read the secret */
	/* storage for some of `words` */
	char path[PATH_MAX], secret[SECRET_PATH_LEN], state[VAR_STATE_PATH_LEN], port[8];
};

/* Finds the provider's program, and its file with the key or credentials. Returns 0, or -errno with
 * the error in `why`. The caller frees ret->words in every case. */
int ddns_find_program(const struct ddns_config *c, const char *instance, struct ddns_program *ret,
		      char why[DDNS_WHY_LEN]);
/* Reads the present records of each set. */
void ddns_read(struct ddns_run *run, struct ddns_program *p);
/* For each set with .write that has not failed: replaces its records by one with .wanted. */
void ddns_write(struct ddns_run *run, struct ddns_program *p);
/* Checks that a run could use the provider's key or credentials. Returns 0, or -errno with the
 * error in `why`. The provider exec needs none (0), and a systemd credential that only the daemon
 * has is not checked (0). */
int ddns_check(const struct ddns_config *c, char why[DDNS_WHY_LEN]);
/* Converts a shell file of settings to a configuration with one section ddns, which takes its
 * credentials from the same file. The file is never run. Returns 0, or -errno after printing an
 * error. */
int ddns_import(const char *file, struct config **ret);
