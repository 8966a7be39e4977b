/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parses and formats addresses, prefixes and ports. Parsers are strict: an accepted text is written
 * back the same, except for the spelling of IPv6.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "lib/addr.h"

#define IPV4_OFFSET 12		/* offset of an IPv4 address in the 16 bytes of struct addr */

/* Parses a decimal number, at most max, without sign or leading zero. Returns 0 or -EINVAL. */
static int number_parse(const char *s, unsigned int max, unsigned int *ret)
{
	unsigned int n = 0;

	if (!*s || (*s == '0' && s[1]))
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		n = n * 10 + (*s - '0');
		if (n > max)
			return -EINVAL;
	}
	*ret = n;
	return 0;
}

static unsigned int family_bits(__u8 family)
{
	return family == FAMILY_IPV4 ? 32 : 128;
}

struct prefix address_prefix(const struct address *a)
{
	return (struct prefix){ a->addr, a->family, family_bits(a->family) };
}

/* Returns whether the first n bits of a and b are equal. */
static bool same_bits(const struct addr *a, const struct addr *b, unsigned int n)
{
	unsigned int rest = n % 8;

	if (memcmp(a->b, b->b, n / 8))
		return false;
	return !rest || !((a->b[n / 8] ^ b->b[n / 8]) >> (8 - rest));
}

struct address address_from_ipv4(struct in_addr a)
{
	struct address r = { .family = FAMILY_IPV4 };

	r.addr.b[10] = r.addr.b[11] = 0xff;
	memcpy(r.addr.b + IPV4_OFFSET, &a, sizeof(a));
	return r;
}

struct address address_from_ipv6(struct in6_addr a)
{
	struct address r = { .family = FAMILY_IPV6 };

	memcpy(r.addr.b, &a, sizeof(a));
	return r;
}

int address_parse(const char *s, struct address *ret)
{
	struct in6_addr a6;
	struct in_addr a4;

	if (inet_pton(AF_INET, s, &a4) == 1) {
		*ret = address_from_ipv4(a4);
		return 0;
	}
	if (inet_pton(AF_INET6, s, &a6) != 1 || IN6_IS_ADDR_V4MAPPED(&a6))
		return -EINVAL;
	*ret = address_from_ipv6(a6);
	return 0;
}

/* Parses an address with or without a length, and keeps the bits behind the length. */
static int parse_with_length(const char *s, struct prefix *ret)
{
	const char *slash = strchr(s, '/');
	char text[INET6_ADDRSTRLEN];
	struct address a;
	unsigned int len;

	if (slash && slash - s >= (ptrdiff_t)sizeof(text))
		return -EINVAL;
	if (slash) {
		memcpy(text, s, slash - s);
		text[slash - s] = '\0';
		s = text;
	}
	if (address_parse(s, &a))
		return -EINVAL;
	len = family_bits(a.family);
	if (slash && number_parse(slash + 1, len, &len))
		return -EINVAL;
	*ret = (struct prefix){ .addr = a.addr, .family = a.family, .len = len };
	return 0;
}

int prefix_parse(const char *s, struct prefix *ret)
{
	struct prefix p, cleared;

	if (parse_with_length(s, &p) || network_parse(s, &cleared) || prefix_compare(&p, &cleared))
		return -EINVAL;
	*ret = p;
	return 0;
}

int network_parse(const char *s, struct prefix *ret)
{
	if (parse_with_length(s, ret))
		return -EINVAL;
	prefix_clear_host(ret);
	return 0;
}

int port_parse(const char *s, __be16 *ret)
{
	unsigned int n;

	if (number_parse(s, 65535, &n) || !n)
		return -EINVAL;
	*ret = htons(n);
	return 0;
}

int endpoint_parse(const char *s, struct address *ret_address, __be16 *ret_port)
{
	const char *colon = strrchr(s, ':');
	size_t n = colon ? colon - s : 0;
	bool brackets = n >= 2 && *s == '[' && s[n - 1] == ']';
	char host[ADDRESS_STRLEN];
	struct address a;
	__be16 port;

	if (!n || n >= sizeof(host))
		return -EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)n - 2 * brackets, s + brackets);
	if (address_parse(host, &a) || (a.family == FAMILY_IPV6) != brackets ||
	    port_parse(colon + 1, &port))
		return -EINVAL;
	*ret_address = a;
	*ret_port = port;
	return 0;
}

/* Writes an address in the same form as inet_ntop() (RFC 5952), which takes three times as long;
 * large configurations are written often. Returns the end of the text. */
static char *ipv6_format(const struct addr *a, char *to)
{
	static const char digits[] = "0123456789abcdef";
	/* Position and length of the longest run of zeros, at least two. */
	int zeros = 8, n_zeros = 1, n = 0;

	for (int i = 0; i < 8; i++) {
		n = a->b[2 * i] | a->b[2 * i + 1] ? 0 : n + 1;
		if (n > n_zeros) {
			n_zeros = n;
			zeros = i + 1 - n;
		}
	}
	for (int i = 0; i < 8; i++) {
		unsigned int word = a->b[2 * i] << 8 | a->b[2 * i + 1];

		if (i == zeros) {
			*to++ = ':';
			i += n_zeros - 1;
			if (i == 7)
				*to++ = ':';
			continue;
		}
		if (i)
			*to++ = ':';
		for (int shift = word >> 12 ? 12 : word >> 8 ? 8 : word >> 4 ? 4 : 0; shift >= 0;
		     shift -= 4)
			*to++ = digits[word >> shift & 15];
	}
	*to = '\0';
	return to;
}

/* Returns the text before the IPv4 address in an IPv6 address that ends in one, such as "::" or
 * "::ffff:"; NULL: it does not. glibc's inet_ntop() writes both forms, musl's only the second. */
static const char *before_ipv4(const struct addr *a)
{
	if (a->q[0] || a->b[8] | a->b[9])
		return NULL;
	if (!(a->b[10] | a->b[11]))
		/* With zeros there, it is an address such as ::1 or ::1234. */
		return a->b[12] | a->b[13] ? "::" : NULL;
	return (a->b[10] & a->b[11]) == 0xff ? "::ffff:" : NULL;
}

const char *address_format(const struct address *a, char buf[ADDRESS_STRLEN])
{
	const char *prefix;
	size_t n;

	if (a->family == FAMILY_IPV4)
		return inet_ntop(AF_INET, a->addr.b + IPV4_OFFSET, buf, ADDRESS_STRLEN);
	if (a->family != FAMILY_IPV6)
		return strcpy(buf, "none");
	prefix = before_ipv4(&a->addr);
	if (!prefix) {
		ipv6_format(&a->addr, buf);
		return buf;
	}
	n = strlen(prefix);
	memcpy(buf, prefix, n);
	inet_ntop(AF_INET, a->addr.b + 12, buf + n, ADDRESS_STRLEN - n);
	return buf;
}

const char *endpoint_format(const struct address *a, __be16 port, char buf[ADDRESS_STRLEN])
{
	char text[ADDRESS_STRLEN];
	bool ipv6 = a->family == FAMILY_IPV6;

	address_format(a, text);
	snprintf(buf, ADDRESS_STRLEN, "%s%.*s%s:%u", ipv6 ? "[" : "", INET6_ADDRSTRLEN, text,
		 ipv6 ? "]" : "", ntohs(port));
	return buf;
}

const char *prefix_format(const struct prefix *p, char buf[ADDRESS_STRLEN])
{
	struct address a = { .addr = p->addr, .family = p->family };
	size_t n = strlen(address_format(&a, buf));

	snprintf(buf + n, ADDRESS_STRLEN - n, "/%u", p->len);
	return buf;
}

socklen_t address_to_socket(const struct address *a, __be16 port, __u32 scope,
			    struct sockaddr_in6 *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (a->family == FAMILY_IPV6) {
		ret->sin6_family = AF_INET6;
		ret->sin6_port = port;
		ret->sin6_scope_id = scope;
		memcpy(&ret->sin6_addr, a->addr.b, sizeof(ret->sin6_addr));
		return sizeof(*ret);
	}
	in->sin_family = AF_INET;
	in->sin_port = port;
	memcpy(&in->sin_addr, a->addr.b + 12, sizeof(in->sin_addr));
	return sizeof(*in);
}

struct address address_from_socket(const void *sockaddr)
{
	const struct sockaddr_in6 *in6 = sockaddr;
	const struct sockaddr_in *in = sockaddr;

	if (in->sin_family == AF_INET)
		return address_from_ipv4(in->sin_addr);
	return in6->sin6_family == AF_INET6 ? address_from_ipv6(in6->sin6_addr)
					    : (struct address){ .family = 0 };
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->addr.q[0] == b->addr.q[0] &&
	       a->addr.q[1] == b->addr.q[1];
}

/* Returns how many bits of struct addr (16 bytes) the prefix determines. */
static unsigned int fixed_bits(const struct prefix *p)
{
	return 128 - family_bits(p->family) + p->len;
}

bool prefix_covers(const struct prefix *p, const struct address *a)
{
	return p->family == a->family && same_bits(&p->addr, &a->addr, fixed_bits(p));
}

bool prefix_within(const struct prefix *inner, const struct prefix *outer)
{
	return inner->family == outer->family && inner->len >= outer->len &&
	       same_bits(&inner->addr, &outer->addr, fixed_bits(outer));
}

bool prefix_meets(const struct prefix *a, const struct prefix *b)
{
	return a->family && (prefix_within(a, b) || prefix_within(b, a));
}

struct addr prefix_mask(const struct prefix *p)
{
	unsigned int bits = fixed_bits(p);
	struct addr mask = {};

	memset(mask.b, 0xff, bits / 8);
	if (bits % 8)
		mask.b[bits / 8] = 0xff << (8 - bits % 8);
	return mask;
}

void prefix_clear_host(struct prefix *p)
{
	struct addr mask = prefix_mask(p);

	p->addr.q[0] &= mask.q[0];
	p->addr.q[1] &= mask.q[1];
}

struct addr prefix_last(const struct prefix *p)
{
	struct addr mask = prefix_mask(p);

	return (struct addr){ .q = { p->addr.q[0] | ~mask.q[0], p->addr.q[1] | ~mask.q[1] } };
}

/* Returns how many of the last bits of an address are 0. */
static unsigned int zeros_at_end(const struct addr *a)
{
	unsigned int n = 0;

	while (n < 128 && !(a->b[15 - n / 8] >> n % 8 & 1))
		n++;
	return n;
}

/* Adds 1. Returns false if the result is 0. */
static bool increment(struct addr *a)
{
	for (int i = 15; i >= 0; i--)
		if (++a->b[i])
			return true;
	return false;
}

int range_each(const struct address *first, const struct address *last, prefix_each *each,
	       void *data)
{
	unsigned int all = first->family == FAMILY_IPV4 ? 32 : 128, zeros;
	struct prefix p = { .addr = first->addr, .family = first->family };
	bool more = true;
	struct addr end;
	int rc = 0;

	while (!rc && more && memcmp(&p.addr, &last->addr, sizeof(p.addr)) <= 0) {
		/* the largest prefix that begins here and ends within the range */
		zeros = zeros_at_end(&p.addr);
		p.len = zeros < all ? all - zeros : 0;
		while (end = prefix_last(&p), memcmp(&end, &last->addr, sizeof(end)) > 0)
			p.len++;
		rc = each(data, &p);
		p.addr = end;
		more = increment(&p.addr);
	}
	return rc;
}

size_t address_find(const struct address *list, size_t n, const struct address *a)
{
	size_t i = 0;

	while (i < n && !address_equal(&list[i], a))
		i++;
	return i;
}

bool address_is_loopback(const struct address *a)
{
	static const struct addr one = { .b[15] = 1 };

	return a->family == FAMILY_IPV4 ? a->addr.b[12] == 127 :
	       a->family == FAMILY_IPV6 && !memcmp(&a->addr, &one, sizeof(one));
}

bool address_is_link_local(const struct address *a)
{
	return a->family == FAMILY_IPV6 && a->addr.b[0] == 0xfe && (a->addr.b[1] & 0xc0) == 0x80;
}

/* ---- addresses that no host can have ---- */

/* Returns whether a text is a name of this kind. Its last label must not be a number, or else
 * mistyped addresses would pass for names. */
static bool is_name(const char *s, enum address_names names)
{
	bool digits = true;
	size_t label = 0, n;

	for (n = 0; s[n]; n++) {
		if (s[n] == '.') {
			if (!label || s[n - 1] == '-')
				return false;
			label = 0;
			if (s[n + 1])
				digits = true;
			continue;
		}
		if (!isascii(s[n]) || ++label > 63 ||
		    (!isalnum(s[n]) && (s[n] != '-' || label == 1) &&
		     (s[n] != '_' || names != DNS_NAMES)))
			return false;
		digits &= isdigit(s[n]) != 0;
	}
	return n && n <= 253 && s[n - 1] != '-' && !digits;
}

static const char *ipv4_wrong(const __u8 *b)
{
	static const __u8 broadcast[4] = { 255, 255, 255, 255 };

	if (!b[0])
		return "is unspecified (0.0.0.0/8): write the address of a host";
	if (b[0] == 127)
		return "is a loopback address: write the address of a host";
	if ((b[0] & 0xf0) == 224)
		return "is a multicast address: write the address of a host";
	return memcmp(b, broadcast, 4) ? NULL : "is the broadcast address: write the address of a host";
}

static const char *ipv6_wrong(const __u8 *b)
{
	const struct in6_addr *a = (const void *)b;

	if (IN6_IS_ADDR_UNSPECIFIED(a))
		return "is unspecified: write the address of a host";
	if (IN6_IS_ADDR_LOOPBACK(a))
		return "is a loopback address: write the address of a host";
	if (IN6_IS_ADDR_MULTICAST(a))
		return "is a multicast address: write the address of a host";
	if (IN6_IS_ADDR_LINKLOCAL(a))
		return "is a link-local address, which other networks cannot reach: write a global address or a ULA";
	/* IN6_IS_ADDR_V4COMPAT() of musl does not match ::203.0.113.1. */
	return !(a->s6_addr32[0] | a->s6_addr32[1] | a->s6_addr32[2]) ?
	       "is in ::/96 (IPv4-compatible), which no host uses: write the host's address" : NULL;
}

/* Returns what is wrong with a text that is not an address. */
static const char *text_wrong(const char *text, __u8 family, enum address_names names)
{
	static char alone[128];
	struct in6_addr mapped;

	if (inet_pton(AF_INET6, text, &mapped) == 1)
		return "is an IPv4 address written as IPv6: write the IPv4 address itself";
	if (strstr(text, "://"))
		return "is a URL: write the address or the name of a host alone";
	if (strchr(text, '/'))
		return "is a prefix: write the address of a host, without '/'";
	if (strchr(text, '%'))
		return "has a zone (%), as only link-local addresses have: write a global address or a ULA";
	if (strchr(text, '[') || (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':'))) {
		text += *text == '[';
		snprintf(alone, sizeof(alone), "has brackets or a port: write the address alone, %.*s",
			 (int)strcspn(text, strchr(text, ']') ? "]" : ":"), text);
		return alone;
	}
	if (!names)
		return "is not an address: write one such as 203.0.113.1 or 2001:db8::1";
	if (is_name(text, names))
		return NULL;
	if (!family)
		return "is neither an address nor a host name: write one such as 2001:db8::10 or wg-end.example.net";
	return family == FAMILY_IPV4 ? "is neither an IPv4 address nor a host name: write one such as 192.168.1.10 or wg-end.example.net"
				     : "is neither an IPv6 address nor a host name: write one such as 2001:db8::10 or wg-end.example.net";
}

const char *address_wrong(const char *text, __u8 family, enum address_names names)
{
	struct address a;

	if (address_parse(text, &a))
		return text_wrong(text, family, names);
	if (family && a.family != family)
		return family == FAMILY_IPV4 ? "is an IPv6 address: write it under 'ipv6'"
					     : "is an IPv4 address: write it under 'ipv4'";
	return a.family == FAMILY_IPV4 ? ipv4_wrong(a.addr.b + 12) : ipv6_wrong(a.addr.b);
}
