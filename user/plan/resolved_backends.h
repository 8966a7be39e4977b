/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Current addresses of the backends whose address the configuration alone does not fix: host names,
 * as DNS answered last, and addresses in a prefix of this host, which the provider may renumber.
 * Stored in /run/wgxdp/INSTANCE/names and, to survive a reboot, in /var/lib/wgxdp (or
 * $STATE_DIRECTORY). Included by plan, instance, daemon, doctor, gen and cmd.
 */
#pragma once
#include "config/config.h"
#include "plan/plan.h"

struct resolved_backend {
	char text[256];			/* the name or address, as in the configuration */
	__u8 family;
	struct address address;		/* family 0: not known yet */
	__s64 resolved;		/* names: when DNS answered, in seconds since 1970; 0: never */
	char interface[IFNAMSIZ];	/* addresses: the interface whose prefix covered it */
	__u8 len;			/* length of that prefix; 0: no prefix ever covered it */
};

struct resolved_backends {
	struct resolved_backend *list;
	size_t n;
};

bool resolved_backend_is_name(const struct resolved_backend *a);
/* Reads what is known about an instance. The list is empty if there is no file. */
void resolved_backends_read(const char *instance, struct resolved_backends *ret);
/* moved: an address changed since the last write, so the copy that survives reboots is written too.
 * Returns 0 or -errno, after logging it. */
int resolved_backends_write(const char *instance, const struct resolved_backends *a, bool moved);
void resolved_backends_free(struct resolved_backends *a);
/* Reduces or extends the list to exactly what c needs and keeps what is known. Returns 0 or
 * -errno. */
int resolved_backends_match(struct resolved_backends *a, const struct config *c);
/* Takes over what other processes wrote for the same names, unless it is older. */
void resolved_backends_merge(struct resolved_backends *a, const char *instance);
const struct resolved_backend *resolved_backends_find(const struct resolved_backends *a,
						      const char *text, __u8 family);
/* Sets ret to the address that text stands for: a literal, its new place if its prefix moved, or a
 * resolved name. text may be "". Returns false and sets family 0 if there is no address (yet). */
bool resolved_backends_address(const struct resolved_backends *a, const char *text, __u8 family,
			       struct address *ret);

/* Follows backends in prefixes of our interfaces: if an interface has another prefix instead of
 * theirs, they are there now, with the same host part. Returns whether anything changed. */
bool resolved_backends_follow_prefixes(struct resolved_backends *a, const struct host *h);
