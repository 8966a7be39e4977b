/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each valid address, prefix and port is read to its value, each wrong one is refused, and prefixes are computed
 * right (user/lib/addr.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "lib/addr.h"

static void addresses(void **state)
{
	static const struct {
		const char *text, *out;
		__u8 family;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", FAMILY_IPV4 },
		{ "255.255.255.255", "255.255.255.255", FAMILY_IPV4 },
		{ "2001:DB8:0::1", "2001:db8::1", FAMILY_IPV6 },
		{ "::", "::", FAMILY_IPV6 },
		{ "64:ff9b::192.0.2.1", "64:ff9b::c000:201", FAMILY_IPV6 },
	};
	static const char *const bad[] = {
		"", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ", " 192.0.2.1", "0x7f.1",
		"192.0.2.1:80", "[2001:db8::1]", "fe80::1%eth0", "::ffff:192.0.2.1", "::ffff:c000:201",
		"2001:db8::1::2", "192.0.2.1/32", "host",
	};
	char buf[ADDRESS_STRLEN];
	struct address a;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(address_parse(rows[i].text, &a), 0);
		assert_int_equal(a.family, rows[i].family);
		assert_string_equal(address_format(&a, buf), rows[i].out);
	}
	a.family = 77;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(address_parse(bad[i], &a), -EINVAL);
	assert_int_equal(a.family, 77);
}

/* RFC 5952, section 4: the longest run of two or more zero words becomes "::", the first of several of the same length. Section 5: behind
 * six zero words, and no more, an IPv4 address. */
static void as_rfc5952(const __u8 *b, char *to)
{
	int from = 8, most = 1;

	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !b[2 * (i + n)] && !b[2 * (i + n) + 1])
			n++;
		if (n > most)
			from = i, most = n;
	}
	if (!from && most == 6) {
		sprintf(to, "::%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
		return;
	}
	for (int i = 0; i < 8; i++) {
		if (i == from)
			to += sprintf(to, "::"), i += most - 1;
		else
			to += sprintf(to, "%s%x", i && i != from + most ? ":" : "", b[2 * i] << 8 | b[2 * i + 1]);
	}
}

/* Every pattern of words that are zero, short or long. glibc's inet_ntop() agrees; musl's takes the last run of the same length, and has
 * no IPv4-compatible addresses */
static void spelling(void **state)
{
	char text[ADDRESS_STRLEN], expected[INET6_ADDRSTRLEN];

	for (unsigned int zeros = 0; zeros < 256; zeros++)
		for (unsigned int digits = 0; digits < 256; digits++) {
			struct address a = { .family = FAMILY_IPV6 };

			for (unsigned int i = 0; i < 8; i++) {
				unsigned int word = zeros >> i & 1 ? 0 : (0xa0b1 + zeros) >> 4 * (digits >> i / 2 & 3);

				a.addr.b[2 * i] = word >> 8;
				a.addr.b[2 * i + 1] = word;
			}
			as_rfc5952(a.addr.b, expected);
			assert_string_equal(address_format(&a, text), expected);
#ifdef __GLIBC__
			assert_non_null(inet_ntop(AF_INET6, a.addr.b, expected, sizeof(expected)));
			assert_string_equal(text, expected);
#endif
		}
}

static void layout(void **state)
{
	static const __u8 ipv4[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	struct address a, b;

	assert_int_equal(address_parse("192.0.2.1", &a), 0);
	assert_memory_equal(a.addr.b, ipv4, 16);
	b = address_from_ipv4((struct in_addr) { htonl(0xc0000201) });
	assert_true(address_equal(&a, &b));
	b.family = FAMILY_IPV6;
	assert_false(address_equal(&a, &b));
	b = address_from_ipv6(in6addr_loopback);
	assert_int_equal(address_parse("::1", &a), 0);
	assert_true(address_equal(&a, &b));
	assert_string_equal(address_format(&(struct address) {}, (char[ADDRESS_STRLEN]) {}), "none");
}

static void prefixes(void **state)
{
	static const struct {
		const char *text, *out;
	} rows[] = {
		{ "10.0.0.0/8", "10.0.0.0/8" }, { "10.1.2.3", "10.1.2.3/32" }, { "0.0.0.0/0", "0.0.0.0/0" },
		{ "192.0.2.128/25", "192.0.2.128/25" }, { "::/0", "::/0" }, { "fd00::/8", "fd00::/8" },
		{ "2001:db8::1", "2001:db8::1/128" }, { "2001:db8:8000::/33", "2001:db8:8000::/33" },
	};
	static const char *const bad[] = {
		"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8 ",
		"10.0.0.0/-1", "10.0.0.0/8/8", "/8", "", "fd00::/129", "fd00::1/64",
		"::ffff:10.0.0.0/104", "10.0.0.0/4294967304",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8",
	};
	char buf[ADDRESS_STRLEN];
	struct prefix p;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(prefix_parse(rows[i].text, &p), 0);
		assert_string_equal(prefix_format(&p, buf), rows[i].out);
	}
	p.family = 77;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(prefix_parse(bad[i], &p), -EINVAL);
	assert_int_equal(p.family, 77);
}

static struct prefix prefix(const char *s)
{
	struct prefix p;

	assert_int_equal(prefix_parse(s, &p), 0);
	return p;
}

static bool covers(const char *p, const char *a)
{
	struct prefix parsed = prefix(p);
	struct address address;

	assert_int_equal(address_parse(a, &address), 0);
	return prefix_covers(&parsed, &address);
}

static bool within(const char *inner, const char *outer)
{
	struct prefix i = prefix(inner), o = prefix(outer);

	return prefix_within(&i, &o);
}

static void inside(void **state)
{
	assert_true(covers("10.0.0.0/8", "10.255.0.1"));
	assert_false(covers("10.0.0.0/8", "11.0.0.0"));
	assert_true(covers("0.0.0.0/0", "198.51.100.1"));
	assert_false(covers("::/0", "198.51.100.1"));
	assert_false(covers("0.0.0.0/0", "2001:db8::1"));
	assert_true(covers("192.0.2.128/25", "192.0.2.129"));
	assert_false(covers("192.0.2.128/25", "192.0.2.127"));
	assert_true(covers("2001:db8::1", "2001:db8::1"));
	assert_false(covers("2001:db8::1", "2001:db8::2"));
	assert_true(covers("fd12:3456:789a::/47", "fd12:3456:789b::1"));
	assert_true(within("10.1.0.0/16", "10.0.0.0/8"));
	assert_true(within("10.0.0.0/8", "10.0.0.0/8"));
	assert_false(within("10.0.0.0/8", "10.0.0.0/9"));
	assert_false(within("::/0", "0.0.0.0/0"));
	assert_true(within("fd00::/64", "::/0"));
}

static void masks(void **state)
{
	static const __u8 ipv4_20[16] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 240 };
	static const __u8 ipv6_33[16] = { 255, 255, 255, 255, 128 };
	struct prefix p = prefix("10.16.0.0/20");
	struct addr mask = prefix_mask(&p);

	assert_memory_equal(mask.b, ipv4_20, 16);
	p = prefix("2001:db8::/33");
	mask = prefix_mask(&p);
	assert_memory_equal(mask.b, ipv6_33, 16);
	p = prefix("2001:db8::1");
	mask = prefix_mask(&p);
	assert_true(mask.q[0] == ~0ULL && mask.q[1] == ~0ULL);
	p = prefix("::/0");
	mask = prefix_mask(&p);
	assert_true(!mask.q[0] && !mask.q[1]);
}

static void ports(void **state)
{
	static const char *const bad[] = { "", "0", "65536", "-1", "+1", " 1", "1 ", "01", "1.0", "0x10", "1e3", "99999999999999999999" };
	char buf[ADDRESS_STRLEN];
	struct address a;
	__be16 port = 77;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(port_parse(bad[i], &port), -EINVAL);
	assert_int_equal(port, 77);
	assert_int_equal(port_parse("65535", &port), 0);
	assert_int_equal(port, htons(65535));
	assert_int_equal(port_parse("51820", &port), 0);
	address_parse("192.0.2.1", &a);
	assert_string_equal(endpoint_format(&a, port, buf), "192.0.2.1:51820");
	address_parse("2001:db8::1", &a);
	assert_string_equal(endpoint_format(&a, port, buf), "[2001:db8::1]:51820");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(layout), cmocka_unit_test(spelling), cmocka_unit_test(prefixes),
		cmocka_unit_test(inside), cmocka_unit_test(masks), cmocka_unit_test(ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
