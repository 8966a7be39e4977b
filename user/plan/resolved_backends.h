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
	char text[256];			/* name or address in the configuration */
	__u8 family;
	struct address address;		/* present address; family 0: still unknown */
	/* For names: time of the latest answer of DNS, in seconds since 1970; 0: never. */
	__s64 resolved;
	/* For addresses: name of the interface whose prefix contained the address. */
	char interface[IFNAMSIZ];
	__u8 len;	/* length of that prefix in bits; 0: no prefix ever contained the address */
};

struct resolved_backends {
	struct resolved_backend *list;
	size_t n;
};

bool resolved_backend_is_name(const struct resolved_backend *a);
/* Reads the addresses stored for an instance. The list is empty if there is no file. */
void resolved_backends_read(const char *instance, struct resolved_backends *ret);
/* Writes the file in /run. If `moved` is true (some address changed since the last write), it also
 * writes the file that survives reboots. Returns 0, or -errno after printing a warning. */
int resolved_backends_write(const char *instance, const struct resolved_backends *a, bool moved);
void resolved_backends_free(struct resolved_backends *a);
/* Makes the list contain exactly the names and addresses that c needs, and keeps their known
 * addresses. Returns 0 or -errno. */
int resolved_backends_match(struct resolved_backends *a, const struct config *c);
/* Reads the files again and takes over newer addresses that other processes wrote. */
void resolved_backends_merge(struct resolved_backends *a, const char *instance);
const struct resolved_backend *resolved_backends_find(const struct resolved_backends *a,
						      const char *text, __u8 family);
/* Sets *ret to the address that a text of the configuration stands for now: the address itself, or
 * its new address after its prefix changed, or the address of the name. Returns false and sets
 * family 0 if there is none, also for "". */
bool resolved_backends_address(const struct resolved_backends *a, const char *text, __u8 family,
			       struct address *ret);

/* Updates backends whose address is in a prefix of one of our interfaces. If the interface now has
 * another prefix instead, the backend gets an address in the new prefix with the same host part.
 * Returns whether anything changed. */
bool resolved_backends_follow_prefixes(struct resolved_backends *a, const struct host *h);
