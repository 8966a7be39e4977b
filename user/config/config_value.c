/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parses and checks single values of the configuration: ports, names and prefixes.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/config_check.h"

static int number_parse(const char *s, const char *end, unsigned int *ret)
{
	char text[6];
	__be16 port;

	if ((size_t)(end - s) >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, end - s);
	text[end - s] = '\0';
	if (port_parse(text, &port))
		return -EINVAL;
	*ret = ntohs(port);
	return 0;
}

int ports_parse(const char *text, unsigned int *ret_first, unsigned int *ret_last)
{
	const char *end = text + strlen(text), *dash = strchr(text, '-');
	unsigned int first, last;

	if (number_parse(text, dash ?: end, &first) ||
	    number_parse(dash ? dash + 1 : text, end, &last) || last < first)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	return 0;
}

const char *ports_wrong(const char *text, const char *like)
{
	static char why[128];
	unsigned int first, last;
	char more;

	if (sscanf(text, "%5u-%5u%c", &first, &last, &more) == 2 && first > last && last &&
	    first <= 65535)
		snprintf(why, sizeof(why), "is a range that ends before it begins: write %u-%u",
					   last, first);
	else if (sscanf(text, "%5u:%5u%c", &first, &last, &more) == 2 && first <= last)
		snprintf(why, sizeof(why), "has a ':': write a range with '-', %u-%u", first, last);
	else if (sscanf(text, "%5u/%c", &first, &more) == 2 && first <= 65535)
		snprintf(why, sizeof(why), "has other text after the number: write %u", first);
	else
		snprintf(why, sizeof(why), "is not a port or a range of ports (1 to 65535): write "
					   "one such as %s", like);
	return why;
}

bool is_interface_name(const char *s)
{
	const char *c;

	for (c = s; *c; c++)
		if (!isascii(*c) || !isgraph(*c) || *c == '/' || *c == ':')
			return false;
	return c != s && c - s < IFNAMSIZ && strcmp(s, ".") && strcmp(s, "..");
}

bool is_service_name(const char *s)
{
	const char *c;

	for (c = s; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && (c == s || !strchr("-_.", *c))))
			return false;
	return c != s;
}

bool is_peer_name(const char *s)
{
	const char *c;

	for (c = s; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && !strchr(c == s ? "+/" : "-_.+/", *c)))
			return false;
	return c != s;
}

const char *prefix_wrong(const char *text)
{
	const char *slash = strchr(text, '/');
	struct in6_addr mapped;
	struct prefix p;
	struct address a;
	char host[ADDRESS_STRLEN];
	static char why[ADDRESS_STRLEN + 64];

	if (!prefix_parse(text, &p))
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(slash ? slash - text : strlen(text)), text);
	if (slash && address_parse(host, &a) && inet_pton(AF_INET6, host, &mapped) == 1)
		return "is an IPv4 prefix written as IPv6: write the IPv4 prefix itself";
	slash = strchr(text, '-');
	if (slash && snprintf(host, sizeof(host), "%.*s", (int)(slash - text), text) &&
	    !address_parse(host, &a) && !address_parse(slash + 1, &a))
		return "is a range: write it as prefixes, each such as 10.1.2.0/24";
	slash = strchr(text, '/');
	if (!slash || address_parse(host, &a))
		return "is not a prefix: write one such as 192.0.2.0/24 or 2001:db8::/32";
	if (!slash[1] || slash[1 + strspn(slash + 1, "0123456789")] || strlen(slash) > 4 ||
	    atoi(slash + 1) > (a.family == FAMILY_IPV4 ? 32 : 128) || (slash[1] == '0' && slash[2]))
		return a.family == FAMILY_IPV4 ?
			"needs a length from 0 to 32 after '/': write a prefix such as "
			"192.0.2.0/24" :
			"needs a length from 0 to 128 after '/': write a prefix such as "
			"2001:db8::/32";
	p = (struct prefix){ .addr = a.addr, .family = a.family, .len = atoi(slash + 1) };
	p.addr.q[0] &= prefix_mask(&p).q[0];
	p.addr.q[1] &= prefix_mask(&p).q[1];
	snprintf(why, sizeof(why), "has bits set beyond its length: write %s",
				   prefix_format(&p, host));
	return why;
}

const char *config_key_wrong(const char *text)
{
	static char wrong[160];
	size_t n = 0;
	struct wg_key key;

	while (isalnum((unsigned char)text[n]) || (text[n] && strchr("+/", text[n])))
		n++;
	if (!wg_key_parse(text, &key))
		return "is all zeros, which is no key: copy what `wg pubkey` prints";
	if (strlen(text) == WG_KEY_STRLEN - 1 && n < WG_KEY_STRLEN - 2)
		snprintf(wrong, sizeof(wrong), "has the character '%c' in place %zu, which no key "
			 "has: copy the key again", text[n], n + 1);
	else
		snprintf(wrong, sizeof(wrong), "is not a WireGuard key (%zu characters): copy all "
			 "44 characters that `wg pubkey` prints, with the '=' at their end",
			 strlen(text));
	return wrong;
}
