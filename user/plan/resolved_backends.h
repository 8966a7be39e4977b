/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stores the current address of each backend that the configuration gives as a host name, or as an
 * IPv6 address in a prefix of this host, which the provider may renumber. The addresses are in
 * /run/wgxdp/INSTANCE/names and, to survive a reboot, in /var/lib/wgxdp (or $STATE_DIRECTORY).
 * plan/, instance/, daemon/, doctor/, gen/, show/ and cmd/ include it.
 */
#pragma once
#include "config/config.h"
#include "plan/plan.h"

struct resolved_backend {
	char text[256];			/* as the configuration has it */
	__u8 family;
	struct address address;		/* present address; family 0: not known yet */
	/* If `text` is a name: time of the latest answer, in seconds since 1970; 0: never. */
	__s64 resolved;
	/* If `text` is an address: interface with a prefix that contains it; "": none yet. */
	char interface[IFNAMSIZ];
	__u8 len;	/* length of that prefix; 0: none yet */
};

struct resolved_backends {
	struct resolved_backend *list;
	size_t n;
};

bool resolved_backend_is_name(const struct resolved_backend *a);
/* Reads the addresses that a process stored for the instance; none if there is no file. */
void resolved_backends_read(const char *instance, struct resolved_backends *ret);
/* Writes the file in /run. moved: an address has changed since the last write, so it also writes
 * the file that survives reboots. Returns 0, or -errno after printing a warning. */
int resolved_backends_write(const char *instance, const struct resolved_backends *a, bool moved);
void resolved_backends_free(struct resolved_backends *a);
/* Returns a list of exactly the names and addresses that c needs. Those in `known` have the
 * addresses that they have there. The caller frees the list. */
struct resolved_backends resolved_backends_of(const struct resolved_backends *known,
					      const struct config *c);
/* Makes the list contain exactly the names and addresses that c needs. Entries that stay keep their
 * addresses. */
void resolved_backends_match(struct resolved_backends *a, const struct config *c);
/* Adds a host name that is no backend's, so that it is resolved too. */
void resolved_backends_add(struct resolved_backends *a, const char *name);
/* Takes over addresses that are newer in the files, because another process wrote them. */
void resolved_backends_merge(struct resolved_backends *a, const char *instance);
const struct resolved_backend *resolved_backends_find(const struct resolved_backends *a,
						      const char *text, __u8 family);
/* Sets *ret to the address that a text of the configuration stands for now: that of the name, the
 * address itself, or the address under its new prefix. Returns false and sets family 0 if there is
 * none, also for "". */
bool resolved_backends_address(const struct resolved_backends *a, const char *text, __u8 family,
			       struct address *ret);

/* Finds backends whose address was in a prefix of one of our interfaces that is replaced by another
 * prefix. Such a backend gets the address with the same host part under the new prefix. Returns
 * whether any address changed. */
bool resolved_backends_follow_prefixes(struct resolved_backends *a, const struct host *h);
