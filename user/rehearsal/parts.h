/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of a rehearsal, for each other: messages, the stage with its stand-ins, and rules. Only
 * this room and the fuzzer of netlink include it.
 */
#pragma once
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include "rehearsal/rehearsal.h"

/* ---- messages.c: netlink messages that are copied without being understood ---- */

struct dump {				/* netlink messages, one after another */
	char *data;
	size_t n, size;
};

#define each_message(m, d)                                                                        \
	(struct nlmsghdr *m = (void *)(d)->data; m && (char *)m < (d)->data + (d)->n;             \
	 m = (void *)((char *)m + NLMSG_ALIGN(m->nlmsg_len)))

/* Sends a request on a new socket, and appends the answers to d (NULL: forgets them). Answers that
 * are shorter than `header` bytes of payload are left out. */
int dump_read(int bus, struct nlmsghdr *request, size_t header, struct dump *d);
/* Begins a request: a header of the family's size, filled with zeros. */
struct nlmsghdr *request_begin(void *buffer, __u16 type, __u16 flags, size_t header);
/* Appends a copy of an attribute. */
void put_attribute(struct nlmsghdr *m, const struct nlattr *a);
/* Copies a message as a new request, without the attributes whose bits are set in `without`. */
void request_copy(struct nlmsghdr *to, const struct nlmsghdr *from, __u16 type, __u16 flags,
		  size_t header, __u64 without);

struct batch {				/* requests, which are numbered from 1 */
	struct dump requests;
	size_t n;
	int *errors;		/* [number]: -errno of an earlier try; 0: the kernel accepted it */
	size_t n_errors;	/* length of .errors */
};

/* Returns room for the next request. */
struct nlmsghdr *batch_next(struct batch *b, size_t room);
/* Adds this request, unless the kernel refused it in an earlier try. */
void batch_add(struct batch *b, struct nlmsghdr *m);
/* Counts a request that is left out. */
void batch_skip(struct batch *b);
/* Begins again; the errors of earlier tries stay. */
void batch_begin(struct batch *b);
/* Sends all requests. transaction: all or none, as nf_tables wants it. Returns how many the kernel
 * refused, which .errors has, or -errno. */
int batch_send(struct batch *b, int bus, bool transaction);
void batch_free(struct batch *b);

#define NFT(message) (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_##message)
#define GEN sizeof(struct nfgenmsg)
/* Return an attribute of a message, or of a nest, or NULL. */
const struct nlattr *attr_of(const struct nlmsghdr *m, size_t header, int type);
const struct nlattr *attr_in(const struct nlattr *nest, int type);
/* Return the attribute's text, or "", and its number in host order, or 0. */
const char *attr_text(const struct nlattr *a);
__u32 attr_number(const struct nlattr *a);
__u64 attr_number64(const struct nlattr *a);

/* ---- stage.c, stand_in.c: links, addresses, routes ---- */

struct stand_in {
	char kind[16];
	struct nlmsghdr *message;	/* from the host's dump */
	__u32 mtu, group;
	bool has_mac;
	__u8 mac[6];
	int fd;			/* its other end; -1: it is made of others, or is not there */
	bool made;
	int error;			/* -errno with which it could not be made */
	bool arp;		/* a bridge is below, so that neighbours must answer */
	__u16 vlan_id;			/* 0: none */
};

struct sysctl_value {
	char *path, *value;
};

struct stage {
	struct dump links, addresses, nexthops, routes, rules;
	struct stand_in *stand_ins;	/* in the order of rehearsal.links */
	struct sysctl_value *sysctls;
	size_t n_sysctls;
	bool veth;			/* stand-ins are veths, because /dev/net/tun is missing */
};

int stage_read(struct rehearsal *r);
/* Moves into a network namespace of its own. */
int stage_enter(void);
int write_to(const char *path, const char *value);
int stage_build(struct rehearsal *r);
/* Returns the type (RTN_*) of the kernel's route to an address, and the ifindex of its device. */
__u8 route_to(const struct address *a, __u32 *ret_oif);
/* Makes the device of link i, whose other end this process has. */
int stand_in_make(struct rehearsal *r, size_t i);
/* Writes the name that the other end of its veth has. */
void stand_in_peer(size_t i, char ret[IFNAMSIZ]);
/* Reads a frame that came out of it, with VLAN tags. Returns its length; 0: there is none. */
size_t stand_in_read(const struct stage *stage, const struct stand_in *s, __u8 *frame,
		     size_t room);

/* ---- nf_tables.c, nf_load.c ---- */

struct host_rule {			/* a rule of the host */
	__u8 family;
	const char *table, *chain;
	__u64 handle, here;		/* here: its handle in the copy; 0: it is not there */
	size_t position;		/* in its chain, from 1 */
	const char *unknown;	/* its condition that a sample cannot meet; NULL: it has none */
};

struct host_set {
	struct copied_set set;
	bool anonymous;
	struct dump elements;
	struct list_keys keys;		/* for rehearsal_has() */
};

struct legacy_table {
	__u8 family;			/* FAMILY_IPV4 or FAMILY_IPV6 */
	char name[32];
	struct ipt_replace *rules, *before;	/* those of the host; those before a sample */
};

struct ip_sets {
	struct dump sets;		/* answers to IPSET_CMD_SAVE */
};

struct rules {
	struct dump tables, chains, sets, objects, flowtables, list;
	struct host_rule *rules;	/* in the order of .list */
	struct host_set *named;		/* in the order of .sets */
	size_t n_rules, n_named, n_unknown;
	struct legacy_table *legacy;
	size_t n_legacy;
	struct ip_sets ip;
	/* Output of nft, of iptables-nft-save and ip6tables-nft-save, and of both for legacy. */
	char *text, *saved[4];
};

struct parts {
	struct stage stage;
	struct rules rules;
	int events, here[2];		/* epoll; raw sockets for IPv4 and IPv6 */
	size_t played;			/* number of samples so far */
	__u16 turn;
	struct mnl_socket *trace;
};

/* Notes a part that the copy lacks. */
void lacks(struct rehearsal *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

int nf_read(struct rehearsal *r);
/* Fills .rules, and .named without elements, from the dumps. */
void nf_describe(struct rules *r);
/* Fills a batch with tables, chains, objects, sets without their elements, and rules. Returns the
 * number of the first rule. */
size_t nf_fill(struct batch *b, const struct rules *r);
/* Fills a batch with the elements of one set. */
void nf_fill_elements(struct batch *b, const struct host_set *s);
int nf_load(struct rehearsal *r);
/* Begins a request to nf_tables with room for 512 bytes and `room` more. */
struct nlmsghdr *nf_begin(struct batch *b, __u16 type, __u16 flags, __u8 family, size_t room);
/* Sends a transaction, and frees it. Returns 0 or -errno. */
int nf_send(struct batch *b);
/* Returns the name of an expression, or of an extension of iptables. */
const char *expression_name(const struct nlattr *e);
/* Returns whether the expression chooses a number by chance or by a hash, and the type of its
 * attribute that says how many numbers there are. */
bool expression_chooses(const struct nlattr *e, __u32 *ret_modulus);
/* Returns the name of a condition that a sample cannot know, or NULL. */
const char *expression_unknown(const struct nlattr *e);
/* Returns whether an expression or extension with this name is such a condition. */
bool name_is_unknown(const char *name);
/* Returns whether the rule would change or report something outside, and decides nothing. */
bool expression_harmless(const struct nlattr *e);

void legacy_read(struct rehearsal *r);
void legacy_load(struct rehearsal *r);
void legacy_before(struct rehearsal *r);
/* Finds the rule whose counter rose since legacy_before(), and which drops. */
void legacy_after(struct rehearsal *r, struct decision *ret);
int legacy_forgive(struct rehearsal *r, const struct decision *d);

void ip_sets_read(struct rehearsal *r);
void ip_sets_load(struct rehearsal *r);
/* Calls `found` for each address and prefix in an answer to IPSET_CMD_SAVE. Returns whether the set
 * has these and no others. */
bool ip_set_each(const struct nlmsghdr *m, void (*found)(void *data, const struct prefix *p),
		 void *data);
/* Adds the prefixes in a set. -EOPNOTSUPP: it has others too. */
int ip_set_elements(const struct rules *r, const struct copied_set *s, struct list_keys *ret);
int ip_set_change(const struct copied_set *s, const struct address *a, bool add);

/* ---- the rest ---- */

int play_open(struct rehearsal *r);
void harvest_text(struct rehearsal *r, const char *text);
void harvest_element(struct rehearsal *r, const void *key, size_t n);
/* Adds the ends of a prefix. */
void harvest_prefix(struct rehearsal *r, const struct prefix *p);
void harvest_done(struct rehearsal *r);
/* Writes a rule as its own program prints it. */
void rule_print(const struct rules *r, const struct host_rule *rule, char *ret, size_t size);
/* Returns the n-th rule (from 1) of a chain in the output of iptables-save, and its length. */
const char *saved_rule(const char *saved, const char *table, const char *chain, size_t n,
		       int *ret_len);
