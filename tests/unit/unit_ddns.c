/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `wgxdp ddns` publishes only fit addresses, and the section ddns reads back as it is written.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ddns/ddns.h"
#include "same_config.h"
#include "capture_stderr.h"

/* ---- addresses ---- */

enum { IFINDEX = 7 };

static struct nl_address address(const char *text, __u32 flags, __u32 preferred)
{
	struct nl_address a = { .ifindex = IFINDEX, .flags = flags, .preferred = preferred };

	assert_int_equal(address_parse(text, &a.local), 0);
	a.prefix_len = a.local.family == FAMILY_IPV6 ? 64 : 24;
	return a;
}

static void unfit(void **state)
{
	static const struct {
		const char *text;
		__u32 flags;
		const char *why;	/* NULL: it may be published */
	} cases[] = {
		{ "2001:db8::1", IFA_F_PERMANENT, NULL }, { "2003:e1::1", IFA_F_STABLE_PRIVACY, NULL },
		{ "2001:db8::1", IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE, NULL }, { "3fff::1", 0, NULL },
		{ "2001:db8::1", IFA_F_TEMPORARY, "temporary" }, { "2001:db8::1", IFA_F_DEPRECATED, "deprecated" },
		{ "2001:db8::1", IFA_F_TENTATIVE, "tentative" }, { "2001:db8::1", IFA_F_TENTATIVE | IFA_F_OPTIMISTIC, "tentative" },
		{ "2001:db8::1", IFA_F_OPTIMISTIC, "tentative" }, { "2001:db8::1", IFA_F_DADFAILED | IFA_F_TENTATIVE, "also used by another host" },
		{ "fd00::1", IFA_F_PERMANENT, "ULA" }, { "fc00::1", 0, "ULA" }, { "fe80::1", 0, "link-local" }, { "::1", 0, "not global" },
		{ "febf::1", 0, "link-local" }, { "ff02::1", 0, "not global" }, { "4000::1", 0, "not global" }, { "64:ff9b::1", 0, "not global" },
		{ "203.0.113.1", IFA_F_PERMANENT, NULL }, { "203.0.113.1", IFA_F_SECONDARY, NULL }, { "8.8.8.8", 0, NULL },
		{ "10.255.255.255", 0, "private" }, { "11.0.0.0", 0, NULL }, { "172.15.255.255", 0, NULL }, { "172.16.0.1", 0, "private" },
		{ "172.31.255.255", 0, "private" }, { "172.32.0.0", 0, NULL }, { "192.168.0.1", 0, "private" }, { "192.169.0.1", 0, NULL },
		{ "100.63.255.255", 0, NULL }, { "100.64.0.1", 0, "NAT" }, { "100.127.255.255", 0, "NAT" }, { "100.128.0.0", 0, NULL },
		{ "169.254.1.1", 0, "link-local" }, { "127.0.0.1", 0, "loopback" }, { "0.1.2.3", 0, "unspecified" }, { "224.0.0.1", 0, "multicast" },
		{ "255.255.255.255", 0, "reserved" }, { "192.0.0.1", 0, "DS-Lite" }, { "192.0.1.1", 0, NULL }, { "198.17.255.255", 0, NULL },
		{ "198.18.0.1", 0, "benchmarks" }, { "198.19.255.255", 0, "benchmarks" }, { "198.20.0.0", 0, NULL },
		{ "203.0.113.1", IFA_F_DEPRECATED, "deprecated" }, { "203.0.113.1", IFA_F_TENTATIVE, "tentative" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct nl_address a = address(cases[i].text, cases[i].flags, ~0U);
		const char *why = ddns_unfit(&a);

		if (!why != !cases[i].why || (why && !strstr(why, cases[i].why)))
			fail_msg("%s, flags %#x: %s, expected %s", cases[i].text, cases[i].flags, why, cases[i].why);
	}
}

static void assert_candidates(const struct nl_address *list, size_t n, __u8 family, const char *host, const char *expected)
{
	struct address suffix = { .family = 0 }, *found = NULL;
	char text[ADDRESS_STRLEN], all[512] = "";
	size_t n_found = 0;

	if (host)
		assert_int_equal(address_parse(host, &suffix), 0);
	ddns_candidates(list, n, IFINDEX, family, &suffix, &found, &n_found);
	for (size_t i = 0; i < n_found; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "", address_format(&found[i], text));
	assert_string_equal(all, expected);
	free(found);
}

/* The order: permanent addresses, then those that stay preferred for longer, then the kernel's order. Other
 * interfaces' and unfit addresses are left out */
static void candidates(void **state)
{
	struct nl_address list[] = {
		address("2001:db8:1::7", IFA_F_TEMPORARY, 86400), address("2001:db8:1::1", IFA_F_MANAGETEMPADDR, 3600),
		address("2001:db8:1::2", IFA_F_MANAGETEMPADDR, 7200), address("fd00::1", IFA_F_PERMANENT, ~0U),
		address("2001:db8:1::3", IFA_F_STABLE_PRIVACY, 3600), address("2001:db8:2::3", IFA_F_STABLE_PRIVACY, 3600),
		address("2001:db8:1::4", IFA_F_PERMANENT, ~0U), address("203.0.113.2", IFA_F_PERMANENT, ~0U),
		address("2001:db8:1::5", IFA_F_PERMANENT, ~0U), address("2001:db8:1::6", IFA_F_DEPRECATED, 0),
		address("203.0.113.1", IFA_F_PERMANENT, ~0U), address("100.64.0.1", IFA_F_PERMANENT, ~0U),
	};
	size_t n = sizeof(list) / sizeof(*list);

	list[8].ifindex = 8;
	assert_candidates(list, n, FAMILY_IPV6, NULL, "2001:db8:1::4 2001:db8:1::3 2001:db8:2::3 2001:db8:1::2 2001:db8:1::1");
	assert_candidates(list, n, FAMILY_IPV4, NULL, "203.0.113.2 203.0.113.1");
	assert_candidates(list, n, FAMILY_IPV4, "::10", "203.0.113.2 203.0.113.1");
	list[6].prefix_len = 128;
	assert_candidates(list, n, FAMILY_IPV6, "::a:0:0:10", "2001:db8:1:0:a::10 2001:db8:2:0:a::10 2001:db8:1:0:a::10 2001:db8:1:0:a::10");
	assert_candidates(list, 1, FAMILY_IPV6, NULL, "");
	assert_candidates(NULL, 0, FAMILY_IPV6, "::10", "");
}

/* A router that restarted with another prefix did not deprecate the former one, and renews only the new one */
static void faded_prefix(void **state)
{
	struct nl_address list[] = {
		address("2001:db8:1::1", IFA_F_MANAGETEMPADDR, 1700), address("2001:db8:2::1", IFA_F_MANAGETEMPADDR, 14400),
		address("2001:db8:2::2", IFA_F_MANAGETEMPADDR, 1700), address("203.0.113.2", 0, 10), address("203.0.113.9", 0, 3600),
	};

	assert_candidates(list, 5, FAMILY_IPV6, NULL, "2001:db8:2::1 2001:db8:2::2");
	assert_candidates(list, 5, FAMILY_IPV4, NULL, "203.0.113.9 203.0.113.2");
	list[0].preferred = 7200;	/* two prefixes that are renewed */
	assert_candidates(list, 2, FAMILY_IPV6, NULL, "2001:db8:2::1 2001:db8:1::1");
	list[1].preferred = ~0U;	/* a manual address says nothing about a router */
	list[0].preferred = 10;
	assert_candidates(list, 2, FAMILY_IPV6, NULL, "2001:db8:2::1 2001:db8:1::1");
}

static void still(void **state)
{
	struct address list[3], published[2];

	address_parse("2001:db8::1", &list[0]);
	address_parse("2001:db8::2", &list[1]);
	address_parse("2001:db8::3", &list[2]);
	address_parse("2001:db8::9", &published[0]);
	published[1] = list[1];
	assert_ptr_equal(ddns_still(list, 3, published, 2), &list[1]);
	assert_null(ddns_still(list, 3, published, 1));
	assert_null(ddns_still(list, 0, published, 2));
	assert_null(ddns_still(list, 3, NULL, 0));
}

/* ---- the section ---- */

static void section(void **state)
{
	const struct ddns_config *d;
	struct config *c;
	struct captured t;

	assert_int_equal(parse_quietly("ddns:\n  interface: ens18\n  names: [ a.example.net, b.example.net. ]\n  provider: { exec: [ /x ] }\n", &c, &t), 0);
	assert_int_equal(c->n_ddns, 1);
	d = c->ddns;
	assert_true(d->ipv6 && !d->ipv4 && d->ttl == DDNS_TTL && d->by == DDNS_EXEC && !d->host.family);
	assert_string_equal(d->names[1].text, "b.example.net");
	config_free(c);
	assert_int_equal(parse_quietly(WITH_DDNS, &c, &t), 0);
	assert_int_equal(c->n_ddns, 4);
	d = &c->ddns[0];
	assert_true(d->ipv4 && !d->ipv6 && d->ttl == 60 && d->n_command == 2);
	assert_string_equal(d->command[1].text, "with a \"space\"");
	assert_round_trip(c);
	config_free(c);
	assert_int_equal(parse_quietly("ddns: { interface: a, names: [ b ], records: [ ], provider: { exec: [ /x ] } }\n", &c, &t), -EINVAL);
	assert_non_null(strstr(t.text, "records: the list is empty"));
	assert_int_equal(parse_quietly("ddns: [ ]\n", &c, &t), 0);
	assert_int_equal(c->n_ddns, 0);
	config_free(c);
}

static void zones(void **state)
{
	assert_true(ddns_in_zone("a.example.net", "example.net") && ddns_in_zone("Example.NET", "example.net"));
	assert_true(ddns_in_zone("a.b.example.net", "example.net"));
	assert_false(ddns_in_zone("aexample.net", "example.net") || ddns_in_zone("net", "example.net") || ddns_in_zone("a.example.org", "example.net"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unfit), cmocka_unit_test(candidates), cmocka_unit_test(faded_prefix), cmocka_unit_test(still), cmocka_unit_test(section),
		cmocka_unit_test(zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
