/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Addresses, prefixes and ports as people write them, and as the maps hold them (struct addr: network order, IPv4 as
 * ::ffff:a.b.c.d). All functions return 0 or -errno and set their result only on success.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <endian.h>
#include <netinet/in.h>
#include "abi.h"

struct address {			/* an address with its family said: FAMILY_IPV4, FAMILY_IPV6; 0: none */
	struct addr addr;
	__u8 family;
};

struct prefix {				/* len counts within the family: 0..32, 0..128; host bits are zero */
	struct addr addr;
	__u8 family, len;
};

#define ADDRESS_STRLEN 64		/* room for any address or prefix, brackets and port included */

/* "192.0.2.1" or "2001:db8::1"; -EINVAL for everything else (no brackets, no port, no zone, no IPv4-mapped) */
int address_parse(const char *s, struct address *ret);
/* "10.0.0.0/8", "fd00::/8", or an address alone (/32, /128); -EINVAL also where host bits are set */
int prefix_parse(const char *s, struct prefix *ret);
/* "192.0.2.1:51820", "[2001:db8::1]:51820"; -EINVAL for everything else */
int endpoint_parse(const char *s, struct address *ret_address, __be16 *ret_port);
/* 1..65535 */
int port_parse(const char *s, __be16 *ret);

const char *address_format(const struct address *a, char buf[ADDRESS_STRLEN]);
/* The backend of an entry of the table: of KEY_SERVICE, KEY_BACKEND or KEY_OLD. A masquerading listener's may be of the other family. */
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
/* As the kernel takes it, and back. Its length; scope: ifindex of a link-local one, else 0 */
socklen_t address_to_socket(const struct address *a, __be16 port, __u32 scope, struct sockaddr_in6 *ret);
/* Of a struct sockaddr_in or sockaddr_in6; of others' family 0 */
struct address address_from_socket(const void *sockaddr);
bool address_equal(const struct address *a, const struct address *b);
/* Its place in the list, or n */
size_t address_find(const struct address *list, size_t n, const struct address *a);
bool address_is_loopback(const struct address *a);
bool address_is_link_local(const struct address *a);
bool prefix_covers(const struct prefix *p, const struct address *a);	/* same family and inside */
bool prefix_within(const struct prefix *inner, const struct prefix *outer);
bool prefix_meets(const struct prefix *a, const struct prefix *b);	/* they have addresses in common; family 0 has none */
void prefix_clear_host(struct prefix *p);	/* what lies behind its length becomes zeros */
/* The prefix's mask in the 16-byte form; the first 96 bits of an IPv4 mask are ones. */
struct addr prefix_mask(const struct prefix *p);

/* By address, the shorter first of the same one; inline, for it sorts a hundred thousand */
static inline int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	for (int i = 0; i < 2; i++)
		if (a->addr.q[i] != b->addr.q[i])
			return be64toh(a->addr.q[i]) < be64toh(b->addr.q[i]) ? -1 : 1;
	return a->len - b->len;
}
/* What is wrong with an address of a host, or a name where names are allowed, in words that follow it ("is …"); NULL:
 * nothing. Family 0: any. */
const char *address_wrong(const char *text, __u8 family, bool names);
