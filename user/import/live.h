/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Services of this host, found by a rehearsal: parts of live*.c for each other.
 */
#pragma once
#include "import/service.h"
#include "rehearsal/rehearsal.h"

struct span {				/* clients from one address to another, with one answer */
	struct address first, last;
};

struct way {				/* a port of an address that the rules forward */
	__u32 in;
	struct address local;
	__u16 port;
	unsigned int run;		/* so many ports from .port on keep their numbers */
	struct sample_answer answer;	/* for the clients that are forwarded */
	bool masquerade;
	bool direct;			/* .local is the backend's own address */
	bool base;			/* a client that no rule mentions is forwarded */
	struct span *list;		/* the clients with another answer than that one */
	size_t n_list;
	size_t *sets, n_sets;		/* the named sets that have such clients */
	size_t *without, n_without;	/* sets that refuse clients of .sets */
	struct span *except;		/* members of .sets that are refused nevertheless */
	size_t n_except;
	size_t wrong;			/* samples for which this is not what the rules do */
	struct address wrong_from;
};

struct live {
	struct import *im;
	struct rehearsal *r;
	struct way *ways;
	size_t n_ways;
	__u32 wan;			/* interface of the clients below */
	struct address *clients;	/* at edges of prefixes */
	size_t n_clients;
};

struct sample_answer live_ask(struct live *l, __u32 in, const struct address *from,
			      const struct address *to, __u16 port);
bool live_same_backend(const struct sample_answer *a, const struct sample_answer *b);
/* Returns whether the address is one of this host's. */
bool live_is_local(const struct rehearsal *r, const struct address *a);
/* Returns whether the address is one of a client: a host's, and not this one's. */
bool live_is_client(const struct rehearsal *r, const struct address *a);
/* Returns whether clients arrive on the interface, whose samples may come next. */
bool live_is_wan(const struct import *im, const struct copied_link *link);
const char *live_name(const struct rehearsal *r, __u32 index);
/* Returns the ifindex of an interface; 0: there is none with this name. */
__u32 live_index(const struct rehearsal *r, const char *name);
/* Writes the name of a set as in struct list_config. */
void live_set_name(const struct copied_set *s, char ret[LIST_NAME_LEN]);
/* Makes a service, and names the rules that it comes from. */
void live_add_service(struct live *l, struct way *w);
/* Returns the index of a rule for comments, which is added if it is new. */
size_t live_rule(struct import *im, const struct decision *d);
/* Returns whether a rule translates the destination. */
bool live_translates(const struct decision *d);
