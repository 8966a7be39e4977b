/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A rehearsal: this process moves into a network namespace of its own, which has copies of the
 * host's interfaces, addresses, routes and firewall rules. Samples are sent into these copies, and
 * the kernel itself shows what the rules do. Nothing leaves the namespace, and nothing of the host
 * changes. doctor/ and import/ include it. Functions return 0 or -errno, if nothing else is said.
 */
#pragma once
#include <net/if.h>
#include "lib/list_keys.h"

/* ---- what was copied ---- */

struct copied_link {
	char name[IFNAMSIZ];
	__u32 index, master, lower;	/* ifindexes as on the host; 0: none */
	bool up, ethernet;
	bool gateway;			/* a default route leads over it */
};

struct copied_address {
	struct address address;
	__u32 index;			/* ifindex of its interface */
	__u8 prefix_len;
};

struct copied_set {			/* a named set of nf_tables, or a set of ipset */
	__u8 family;			/* NFPROTO_*; 0: it is of ipset */
	const char *table, *name;
	__u8 addresses;			/* FAMILY_IPV4 or FAMILY_IPV6, which it has; 0: others */
	bool interval;
};

struct decision {			/* a rule or policy that accepted or dropped a sample */
	enum { DECIDED_BY_NONE, DECIDED_BY_RULE, DECIDED_BY_POLICY, DECIDED_BY_LEGACY } by;
	__u8 family;			/* NFPROTO_* of its table */
	char table[256], chain[256];
	__u64 handle;			/* on the host; of iptables-legacy: the rule's offset */
	size_t position;		/* in its chain, from 1 */
	bool policy;			/* for iptables-legacy: it is the chain's policy */
	char text[1024];	/* for people, such as "the rule ip filter INPUT handle 5 (…)" */
	size_t at;			/* for rehearsal_forgive() */
};

struct rehearsal {
	struct copied_link *links;
	struct copied_address *addresses;
	struct copied_set *sets;
	/* The first, last and neighbouring addresses of all prefixes in the rules, and of elements
	 * of sets; sorted, each of them once. */
	struct address *edges;
	struct address *hosts;		/* addresses that rules mention alone */
	__u16 *ports;	/* ports that rules mention, in host order, and those beside */
	size_t n_links, n_addresses, n_sets, n_edges, n_hosts, n_ports;
	bool rules;			/* the host has firewall rules */
	/* Rules that accepted, dropped or translated the latest sample of sample_decision(). */
	struct decision *way;
	size_t n_way;
	size_t n_unknown;	/* rules that were left out, as a condition is unknown */
	/* Rules of iptables-legacy with such a condition, which are in the copy. */
	char **uncertain;
	size_t n_uncertain;
	char **missing;			/* sentences about parts that the copy lacks */
	size_t n_missing;
	struct parts *parts;
};

/* Reads the host. */
int rehearsal_read(struct rehearsal *r);
/* Enters the namespace, and builds the copy. Sockets that the process has opened before still
 * belong to the host. -EPERM: the process has no right to do it. */
int rehearsal_begin(struct rehearsal *r);

/* ---- samples ---- */

struct sample {				/* a packet that begins a connection */
	__u32 in;			/* ifindex on which it arrives; 0: this host sends it */
	/* 0: UDP. IPPROTO_TCP or IPPROTO_ICMPV6: an IPv6 packet for another host; an ICMPv6 message
	 * has its type in .port, and the answer has no ports. */
	__u8 protocol;
	struct address from, to;
	__u16 port, sport;		/* in host order; sport 0: a new one for each sample */
	__u16 length;			/* bytes of payload; 0: as many as an initiation has */
	__u32 mark;			/* mark of a packet that this host sends */
};

enum sample_end {
	SAMPLE_LOST,			/* dropped */
	SAMPLE_HERE,			/* a socket of this host got it */
	SAMPLE_AWAY,			/* sent out */
};

struct sample_answer {
	enum sample_end end;
	__u32 out;			/* ifindex by which it left */
	struct address from, to;	/* its addresses and ports then */
	__u16 sport, port;
};

struct sample_answer sample_play(struct rehearsal *r, const struct sample *s);
/* Sends n samples, at most SAMPLES_MAX, to successive ports from s->port on. */
#define SAMPLES_MAX 128
void sample_play_many(struct rehearsal *r, const struct sample *s, size_t n,
		      struct sample_answer *ret);
/* Returns a client on the internet that no rule is about, as far as possible. */
struct address sample_outsider(__u8 family);
/* Returns another such client, to put it into sets. */
struct address sample_member(__u8 family);
/* Returns whether the kernel's route to the client leads over the interface: the packets of others
 * are forged there. */
bool sample_comes_from(struct rehearsal *r, __u32 in, const struct address *client);

/* ---- the rule that decides ---- */

/* Lets the kernel trace all samples, for sample_decision(), or no longer. */
int sample_trace(struct rehearsal *r, bool on);
/* Sends a sample while the kernel traces. If the answer is SAMPLE_LOST, *ret is what dropped it. */
struct sample_answer sample_decision(struct rehearsal *r, const struct sample *s,
				     struct decision *ret);
bool decision_equal(const struct decision *a, const struct decision *b);
/* Returns whether the rule is in a table with a chain at the egress of devices, which also sees
 * packets that tc sends. */
bool decision_at_egress(const struct rehearsal *r, const struct decision *d);
/* Removes this rule or policy from the copy. */
int rehearsal_forgive(struct rehearsal *r, const struct decision *d);
/* Lets the copy send each UDP packet to this address and port, before all other translations; NULL:
 * no longer. */
int rehearsal_translate(struct rehearsal *r, const struct address *to, __u16 port);
/* Puts an address into a set, or removes it. Fails if the set has it already, or cannot have it. */
int rehearsal_put(struct rehearsal *r, const struct copied_set *s, const struct address *a,
		  bool there);
/* Adds the prefixes in a set, as it was on the host. Returns -EOPNOTSUPP if it has other elements
 * too. */
int rehearsal_elements(const struct rehearsal *r, const struct copied_set *s,
		       struct list_keys *ret);
/* Returns whether the set had the address on the host. */
bool rehearsal_has(const struct rehearsal *r, const struct copied_set *s,
		   const struct address *a);
/* Removes all elements of a set of nf_tables, or puts them back. */
int rehearsal_empty(struct rehearsal *r, const struct copied_set *s);
int rehearsal_refill(struct rehearsal *r, const struct copied_set *s);
/* Adds rule i of the .n_unknown ones, as if its unknown condition held, or removes it again. Writes
 * the rule with its condition to ret. */
int rehearsal_assume(struct rehearsal *r, size_t i, bool holds, char *ret, size_t size);
/* Removes all rules of nf_tables, but no set. */
void rehearsal_remove_rules(struct rehearsal *r);
/* Forgets all connections. */
void rehearsal_forget(struct rehearsal *r);
/* Drops packets for this host itself before all rules, or no longer. */
int rehearsal_ignore_here(struct rehearsal *r, bool on);
/* Returns what a command of the shell prints, for the caller to free; NULL: nothing. */
char *output_of(const char *command);
/* Returns the name of a family of tables, such as "inet". */
const char *family_name(__u8 family);

/* ---- room.c: a namespace for the rules of another host, which is then read as if it were this
 * host ---- */

/* Moves this process into an empty network namespace, which forwards packets. */
int room_enter(void);
/* Adds an interface, unless there is one with this name. Writes its ifindex. */
int room_add_link(const char *name, __u32 *ret_index);
int room_add_address(__u32 index, const struct address *a, __u8 len);
/* Adds a route over the interface or, if not `there`, removes it. local: this host has the
 * addresses. The two work in a copy too. */
int room_route(__u32 index, const struct prefix *to, bool local, bool there);
