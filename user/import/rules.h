/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Firewall rules in one form, read from nftables, iptables and OpenWrt. A rule has what decides
 * about the first UDP packet of a client: its other packets, and other protocols, do not matter
 * here. Files of import/ include it.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "config/config_service.h"

#define RULES_MAX 100000		/* most rules that are read */
#define RULE_SOURCES 8			/* most addresses of a rule that translates sources */

enum rule_hook {
	HOOK_INGRESS, HOOK_PREROUTING, HOOK_INPUT, HOOK_FORWARD, HOOK_OUTPUT, HOOK_POSTROUTING,
	HOOKS
};

enum rule_field {
	FIELD_IN, FIELD_OUT,	/* names of interfaces; a '*' at the end stands for any text */
	FIELD_SOURCE, FIELD_TO,		/* prefixes */
	FIELD_PORT,			/* ranges of the destination port */
	/* the destination address and port before translation */
	FIELD_FIRST_TO, FIELD_FIRST_PORT,
	/* The destination is an address of this host, or of the interface of arrival */
	FIELD_LOCAL, FIELD_LOCAL_IN,
	FIELD_TRANSLATED,		/* the destination has been translated */
};

struct rule_value {
	union {
		char name[IFNAMSIZ];
		struct prefix prefix;
		struct port_range ports;
	};
};

/* A named set of addresses of nftables. */
struct rule_set {
	char name[LIST_NAME_LEN];	/* family, table and set, as in struct list_config */
	__u8 family;
	struct prefix *list;		/* its elements now */
	size_t n;
	/* Lets evaluate_chain() find out what the rules do if the set has other elements. */
	enum { SET_AS_IT_IS, SET_EMPTY, SET_FULL } assumed;
};

/* Holds for a packet if one of the values does or, with `unlike`, if none does. */
struct rule_match {
	enum rule_field field;
	bool unlike;
	struct rule_value *values;
	size_t n;
	/* FIELD_SOURCE: index of the named set that has the values, counted from 1; 0: none. */
	size_t set;
};

enum rule_verdict {
	RULE_CONTINUES, RULE_ACCEPT, RULE_DROP, RULE_RETURN, RULE_JUMP, RULE_GOTO,
	RULE_DNAT, RULE_SNAT,
	RULE_REDIRECT,			/* to this host itself */
	RULE_OTHER,			/* decides in a way that is not known here */
};

enum rule_fate {
	RULE_STAYS,			/* the kernel still carries it out */
	RULE_USED,			/* a part of the configuration says the same */
	RULE_NAMED,			/* it has no counterpart, and `why` says the reason */
};

#define RULE_IPV4 1
#define RULE_IPV6 2

struct rule {
	size_t chain, next;		/* indexes; next: NONE at the end of the chain */
	char *origin;			/* such as "rules.v4:12" or "ip nat output handle 3" */
	char *text;
	char comment[64];
	unsigned int families;		/* RULE_IPV4, RULE_IPV6, or both */
	bool never;			/* matches no UDP packet that begins a connection */
	bool unknown;			/* has a condition that is not known here */
	bool checks_source;		/* drops forged sources, as wgxdp does by itself */
	bool hairpin;			/* clients in the LAN are masqueraded */
	struct rule_match *matches;
	size_t n;
	enum rule_verdict verdict;
	char target[128];		/* name of the chain of a jump */
	size_t to_chain;		/* its index, after rules_link(); NONE: no such chain */
	/* DNAT and SNAT: the new address and port. Family 0: none; ports.first 0: the same port. */
	struct address to;
	struct port_range ports;
	struct address sources[RULE_SOURCES];	/* SNAT: all new addresses; none: masquerade */
	size_t n_sources;
	enum rule_fate fate;
	char *why;
};

struct rule_chain {
	char table[128], name[128];	/* table: with its program or family, such as "inet nat" */
	bool is_base, nat, drops;	/* drops: its policy */
	bool declared;			/* iptables-save has named it */
	enum rule_hook hook;
	int priority;
	unsigned int families;
	char device[IFNAMSIZ];		/* device of HOOK_INGRESS */
	size_t first, last;		/* rules; NONE: it has none */
	unsigned int hooks;		/* hooks from which rules lead here, one bit each */
};

#define NONE ((size_t)-1)

struct rules {
	struct rule_chain *chains;
	struct rule *list;
	size_t n_chains, n;
	struct rule_set *sets;
	size_t n_sets;
	size_t latest;			/* chain that was looked up last */
	size_t lookups;			/* steps of all searches; see rules_search() */
	bool lacks_tables;		/* iptables-save left out tables */
	bool too_many;
};

/* Counts the steps of a search. Returns false, and sets .too_many, if there were too many. */
bool rules_search(struct rules *r, size_t steps);
/* Returns the index of the chain, which is added if it does not exist; NONE: there are
 * too many. */
size_t rules_chain(struct rules *r, const char *table, const char *name, unsigned int families);
/* Adds a rule, whose members the rules then own, at this position of its chain, counted from 1; 0:
 * at its end. Frees it if there are too many. */
void rules_add(struct rules *r, const struct rule *rule, size_t position);
/* Finds the chains of all jumps, and sets .hooks of all chains. Call it after the last rule. */
void rules_link(struct rules *r);
void rules_free(struct rules *r);

/* Returns the set with this name; NULL: the rules use no such set. */
struct rule_set *rules_set(struct rules *r, const char *name);
/* Adds a named set, whose elements are the prefixes of a condition that have its family. */
struct rule_set *rules_add_set(struct rules *r, const char *name, __u8 family,
			       const struct rule_match *elements);
#define LIST_NAME_PART 120		/* longest name of a table or set in a configuration */

/* A list of rules, by their indexes. _add: adds the rule, unless the list has it. */
bool rules_list_has(const size_t *list, size_t n, size_t rule);
void rules_list_add(size_t **list, size_t *n, size_t rule);

void rule_free(struct rule *rule);

/* Adds a condition to a rule and returns it. */
struct rule_match *rule_add_match(struct rule *rule, enum rule_field field, bool unlike);
/* Removes the last condition of a rule, which has a value that cannot be read, and marks the rule
 * as unknown. A condition without its values would hold for no packet. */
void rule_drop_match(struct rule *rule);
/* Adds values from text to a condition. Returns false if it cannot read the text. _address:
 * "192.0.2.1", "192.0.2.0/24", "192.0.2.0/255.255.255.0" or "192.0.2.1-192.0.2.9". _ports: "80",
 * "80-90" or "80:90". */
bool rule_add_name(struct rule_match *m, const char *text);
bool rule_add_address(struct rule_match *m, const char *text);
bool rule_add_ports(struct rule_match *m, const char *text);
bool rule_parse_ports(const char *text, struct port_range *ret);
/* Reads "192.0.2.1", "192.0.2.1:51820", "[2001:db8::1]:51820", "192.0.2.1-192.0.2.4:1-9" or ":9"
 * as the target of a translation. Returns false if it cannot. */
bool rule_parse_target(struct rule *rule, const char *text);

/* Notes that a rule has no counterpart, and why. A rule that is used stays used. */
void rule_name(struct rules *r, size_t rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
