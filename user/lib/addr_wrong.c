/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Explains why a text cannot be the address of a host.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "lib/addr.h"

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
	return memcmp(b, broadcast, 4) ? NULL :
	       "is the broadcast address: write the address of a host";
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
		return "is a link-local address, which other networks cannot reach: write a global "
		       "address or a ULA";
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
		return "has a zone (%), as only link-local addresses have: write a global address "
		       "or a ULA";
	if (strchr(text, '[') || (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':'))) {
		text += *text == '[';
		snprintf(alone, sizeof(alone), "has brackets or a port: write the address alone, "
			 "%.*s", (int)strcspn(text, strchr(text, ']') ? "]" : ":"), text);
		return alone;
	}
	if (!names)
		return "is not an address: write one such as 203.0.113.1 or 2001:db8::1";
	if (is_name(text, names))
		return NULL;
	if (!family)
		return "is neither an address nor a host name: write one such as 2001:db8::10 or "
		       "wg-end.example.net";
	return family == FAMILY_IPV4 ?
	       "is neither an IPv4 address nor a host name: write one such as 192.168.1.10 or "
	       "wg-end.example.net" :
	       "is neither an IPv6 address nor a host name: write one such as 2001:db8::10 or "
	       "wg-end.example.net";
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
