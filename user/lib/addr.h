/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Addresses, prefixes and ports: the texts that people write, and the form that the maps hold
 * (struct addr: network order, IPv4 as ::ffff:a.b.c.d). All functions return 0 or -errno and set
 * their result only on success. Every room includes it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <endian.h>
#include <netinet/in.h>
#include "abi.h"

struct address {	/* an address with FAMILY_IPV4 or FAMILY_IPV6; family 0: none */
	struct addr addr;
	__u8 family;
};

struct prefix {	/* len counts within the family: 0..32 or 0..128; host bits are zero */
	struct addr addr;
	__u8 family, len;
};

#define ADDRESS_STRLEN 64		/* room for any address or prefix with brackets and port */

/* "192.0.2.1" or "2001:db8::1"; -EINVAL for all else (brackets, a port, a zone, IPv4-mapped) */
int address_parse(const char *s, struct address *ret);
/* "10.0.0.0/8", "fd00::/8", or an address alone (/32, /128); -EINVAL also if host bits are set */
int prefix_parse(const char *s, struct prefix *ret);
/* "192.0.2.1:51820", "[2001:db8::1]:51820"; -EINVAL for all else */
int endpoint_parse(const char *s, struct address *ret_address, __be16 *ret_port);
/* 1..65535 */
int port_parse(const char *s, __be16 *ret);

const char *address_format(const struct address *a, char buf[ADDRESS_STRLEN]);
/* Returns the backend of a table entry with KEY_SERVICE, KEY_BACKEND or KEY_OLD. The backend of a
 * masquerading listener may have the other family. */
static inline struct address entry_backend(const struct table_entry *e)
{
	__u8 family = !(e->service.flags & SERVICE_MASQUERADE) ? e->key.word >> 8 & 0xff :
		      e->service.flags & SERVICE_TO_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;

	return (struct address){ .addr = e->service.to, .family = family };
}

/* "192.0.2.1:51820", "[2001:db8::1]:51820" */
const char *endpoint_format(const struct address *a, __be16 port, char buf[ADDRESS_STRLEN]);
const char *prefix_format(const struct prefix *p, char buf[ADDRESS_STRLEN]);

struct address address_from_ipv4(struct in_addr a);
struct address address_from_ipv6(struct in6_addr a);
/* Convert to and from the kernel's form. Returns its length. scope: the ifindex of a link-local
 * address, else 0. */
socklen_t address_to_socket(const struct address *a, __be16 port, __u32 scope,
			    struct sockaddr_in6 *ret);
/* From a struct sockaddr_in or sockaddr_in6; family 0 for any other. */
struct address address_from_socket(const void *sockaddr);
bool address_equal(const struct address *a, const struct address *b);
/* Returns the index of the address in the list, or n. */
size_t address_find(const struct address *list, size_t n, const struct address *a);
bool address_is_loopback(const struct address *a);
bool address_is_link_local(const struct address *a);
bool prefix_covers(const struct prefix *p, const struct address *a);	/* same family and inside */
bool prefix_within(const struct prefix *inner, const struct prefix *outer);
/* they share addresses; false for family 0 */
bool prefix_meets(const struct prefix *a, const struct prefix *b);
void prefix_clear_host(struct prefix *p);	/* zeros all bits behind its length */
/* Returns the prefix's mask in the 16-byte form; the first 96 bits of an IPv4 mask are ones. */
struct addr prefix_mask(const struct prefix *p);

/* Orders by address, of equal ones the shorter first. Inline, since it sorts a hundred thousand. */
static inline int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	for (int i = 0; i < 2; i++)
		if (a->addr.q[i] != b->addr.q[i])
			return be64toh(a->addr.q[i]) < be64toh(b->addr.q[i]) ? -1 : 1;
	return a->len - b->len;
}
/* Returns what is wrong with the address of a host, or a name if `names`, in words that follow it
 * ("is …"); NULL: nothing. Family 0: any. */
const char *address_wrong(const char *text, __u8 family, bool names);
