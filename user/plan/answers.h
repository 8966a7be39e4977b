/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where backends are now, of those whose address is not simply what the configuration says: names, as DNS answered last, and
 * addresses of our own prefix, which the provider may renumber. Kept in /run/wgxdp/INSTANCE/names, and, for the time after a
 * boot, in /var/lib/wgxdp (or $STATE_DIRECTORY).
 */
#pragma once
#include "config/config.h"
#include "plan/plan.h"

struct answer {
	char text[256];			/* as the configuration says it */
	__u8 family;
	struct address address;		/* family 0: none yet */
	__s64 resolved;			/* of a name: when, in seconds since 1970; 0: never */
	char interface[IFNAMSIZ];	/* of an address: where its prefix was on link, */
	__u8 len;			/* and how long it was; 0: it never was */
};

struct answers {
	struct answer *list;
	size_t n;
};

bool answer_is_name(const struct answer *a);
/* What is known of an instance; where nothing is, none */
void answers_read(const char *instance, struct answers *ret);
/* moved: some address is another than at the last write. 0 or -errno, told. */
int answers_write(const char *instance, const struct answers *a, bool moved);
void answers_free(struct answers *a);
/* Exactly what the configuration asks for, with what is known of that. 0 or -errno. */
int answers_for(struct answers *a, const struct config *c);
/* What others have learnt of the same names since, as they wrote it: where that is no older, it is ours too */
void answers_learn(struct answers *a, const char *instance);
const struct answer *answers_find(const struct answers *a, const char *text, __u8 family);
/* An address as it is, or where its prefix has moved; a name's, if there is one yet. False (ret->family 0): none. text may be "". */
bool answers_address(const struct answers *a, const char *text, __u8 family, struct address *ret);

/* Backends in prefixes of our interfaces: where an interface has another prefix in the place of theirs, they have moved there,
 * with the same host part. Whether any has. */
bool answers_follow_prefixes(struct answers *a, const struct host *h);
