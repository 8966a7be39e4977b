/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Converts addresses, prefixes and ports between text and the form that the BPF maps hold (struct
 * addr: network order, IPv4 as ::ffff:a.b.c.d). Functions that parse return 0 or -errno and set
 * their result only on success. Every room includes it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <endian.h>
#include <netinet/in.h>
#include "abi.h"

struct address {	/* family: FAMILY_IPV4 or FAMILY_IPV6; 0: no address */
	struct addr addr;
	__u8 family;
};

struct prefix {	/* len: 0..32 for IPv4, 0..128 for IPv6. The bits behind it are zero. */
	struct addr addr;
	__u8 family, len;
};

/* Size of a buffer for any address or prefix, with brackets and port. */
#define ADDRESS_STRLEN 64

/* Parses "192.0.2.1" or "2001:db8::1". Returns -EINVAL for anything else, such as brackets, a port,
 * a zone or an IPv4-mapped address. */
int address_parse(const char *s, struct address *ret);
/* Parses "10.0.0.0/8", "fd00::/8", or an address alone (/32, /128). Returns -EINVAL if the text is
 * something else, or if a bit behind the prefix length is set. */
int prefix_parse(const char *s, struct prefix *ret);
/* Does the same, but sets the bits behind the prefix length to 0. */
int network_parse(const char *s, struct prefix *ret);
/* Parses "192.0.2.1:51820" or "[2001:db8::1]:51820". Returns -EINVAL for anything else. */
int endpoint_parse(const char *s, struct address *ret_address, __be16 *ret_port);
/* Parses a port number from 1 to 65535. */
int port_parse(const char *s, __be16 *ret);

const char *address_format(const struct address *a, char buf[ADDRESS_STRLEN]);
/* Returns the backend address of a table entry with KEY_SERVICE, KEY_BACKEND or KEY_OLD. A
 * masquerading listener may have a backend of the other family. */
static inline struct address entry_backend(const struct table_entry *e)
{
	__u8 family = !(e->service.flags & SERVICE_MASQUERADE) ? e->key.word >> 8 & 0xff :
		      e->service.flags & SERVICE_TO_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;

	return (struct address){ .addr = e->service.to, .family = family };
}

/* Writes "192.0.2.1:51820" or "[2001:db8::1]:51820" and returns buf. */
const char *endpoint_format(const struct address *a, __be16 port, char buf[ADDRESS_STRLEN]);
const char *prefix_format(const struct prefix *p, char buf[ADDRESS_STRLEN]);

struct address address_from_ipv4(struct in_addr a);
struct address address_from_ipv6(struct in6_addr a);
/* Fills a struct sockaddr_in or sockaddr_in6 and returns its length. scope: the interface index for
 * a link-local address, else 0. */
socklen_t address_to_socket(const struct address *a, __be16 port, __u32 scope,
			    struct sockaddr_in6 *ret);
/* Returns the address in a struct sockaddr_in or sockaddr_in6. Any other family gives family 0. */
struct address address_from_socket(const void *sockaddr);
bool address_equal(const struct address *a, const struct address *b);
/* Returns the index of the address in the list, or n if the list does not have it. */
size_t address_find(const struct address *list, size_t n, const struct address *a);
bool address_is_loopback(const struct address *a);
bool address_is_link_local(const struct address *a);
/* Returns the prefix that has only this address. */
struct prefix address_prefix(const struct address *a);
/* Returns whether the address is in the prefix and has the same family. */
bool prefix_covers(const struct prefix *p, const struct address *a);
bool prefix_within(const struct prefix *inner, const struct prefix *outer);
/* Returns whether the prefixes have an address in common. Returns false if a has family 0. */
bool prefix_meets(const struct prefix *a, const struct prefix *b);
void prefix_clear_host(struct prefix *p);	/* clears the bits behind the prefix length */
struct addr prefix_last(const struct prefix *p);	/* returns the prefix's last address */
/* Calls each() for the fewest prefixes that together are a range of addresses of one family, both
 * ends included. An empty range has none. Stops if each() returns something other than 0, and
 * returns that. */
typedef int prefix_each(void *data, const struct prefix *p);
int range_each(const struct address *first, const struct address *last, prefix_each *each,
	       void *data);
/* Returns the prefix's mask as 16 bytes, where an IPv4 mask begins with 96 ones. */
struct addr prefix_mask(const struct prefix *p);

/* Orders prefixes by address; for equal addresses the shorter prefix comes first. It is inline
 * because sorting 100,000 routes calls it millions of times. */
static inline int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	for (int i = 0; i < 2; i++)
		if (a->addr.q[i] != b->addr.q[i])
			return be64toh(a->addr.q[i]) < be64toh(b->addr.q[i]) ? -1 : 1;
	return a->len - b->len;
}
/* Checks the address of a host or, if allowed, its name: a host name (RFC 1123), or one with '_',
 * which DNS and WireGuard accept. family: 0 allows both. Returns what is wrong, in words that
 * follow the text ("is …"), or NULL if it is valid. */
enum address_names { NO_NAMES, HOST_NAMES, DNS_NAMES };
const char *address_wrong(const char *text, __u8 family, enum address_names names);
