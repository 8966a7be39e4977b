/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A relay's section of the configuration becomes the right values, has the documented defaults, and two that differ
 * are told apart.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "same_config.h"
#include "config/config_diff.h"

#define KEY "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="

static const char *const good =
	"peers:\n"
	"  - { name: site-a, public-key: \"" KEY "\", device: wgvpnr01, prefixes: [ \"fd12:3456:789a:a::/64\", \"fd12:3456:7899::a\" ] }\n"
	"  - { name: \"+ab/cd12\", device: eth2.7, prefixes: [ \"fd12:3456:789a:b00::/56\", \"fd12:3456:789a:a::7\" ] }\n"
	"  - { name: waits, device: wgvpnr02 }\n"
	"follow: { wireguard: [ wgvpnr01, wgvpnr03 ] }\n"
	"policy:\n"
	"  overlay: \"fd12:3456:789a::/48\"\n"
	"  udp-ports: [ 58000-60000, 443 ]\n"
	"  icmpv6: [ echo-request, nd-neighbor-advert ]\n"
	"  reject: drop\n";

static void values(void **state)
{
	static const char *const little = "peers: [ { name: a, device: wg0 } ]\npolicy: { overlay: \"2001:db8::/32\" }\n";
	char text[WG_KEY_STRLEN];
	struct config *c;

	assert_int_equal(config_parse(good, "good.yaml", &c), 0);
	assert_int_equal(c->n_peers, 3);
	assert_string_equal(wg_key_format(&c->peers[0].key, text), KEY);
	assert_true(wg_key_is_none(&c->peers[1].key));
	assert_int_equal(c->peers[0].n_prefixes, 2);
	assert_int_equal(c->peers[0].prefixes[1].len, 128);
	assert_string_equal(c->peers[1].device, "eth2.7");
	assert_string_equal(c->follow.wireguard[1].name, "wgvpnr03");
	assert_int_equal(c->policy.overlay.len, 48);
	assert_int_equal(c->policy.n_udp_ports, 2);
	assert_int_equal(c->policy.udp_ports[1].first, 443);
	assert_int_equal(c->policy.icmpv6, 1 << 0 | 1 << 8);
	assert_int_equal(c->policy.reject, REJECT_SILENTLY);
	assert_true(config_relays(c));
	config_free(c);
	assert_int_equal(config_parse(little, "little.yaml", &c), 0);	/* scenario S's rules */
	assert_int_equal(c->policy.n_udp_ports, 1);
	assert_int_equal(c->policy.udp_ports[0].first, 58000);
	assert_int_equal(c->policy.udp_ports[0].last, 60000);
	assert_int_equal(c->policy.icmpv6, 0x1ff);
	assert_int_equal(c->policy.reject, REJECT_PROHIBITED);
	assert_round_trip(c);
	config_free(c);
	assert_int_equal(config_parse("policy: { overlay: \"fd00::/8\", udp-ports: [ ], icmpv6: [ ] }", "none.yaml", &c), 0);
	assert_int_equal(c->policy.n_udp_ports, 0);
	assert_int_equal(c->policy.icmpv6, 0);
	assert_false(config_relays(c));
	assert_round_trip(c);
	config_free(c);
}

/* Returns the differences between good and good with one change */
static char *diff_of(void (*change)(struct config *c), bool *ret_differs)
{
	struct config *old, *new;
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_int_equal(config_parse(good, "old", &old), 0);
	assert_int_equal(config_parse(good, "new", &new), 0);
	change(new);
	*ret_differs = config_changes(old, new, out);
	fclose(out);
	config_free(old);
	config_free(new);
	return text;
}

static void nothing(struct config *c)
{
	struct peer_config first = c->peers[0];		/* their order means nothing */

	c->peers[0] = c->peers[2];
	c->peers[2] = first;
}

static void other_prefix(struct config *c)
{
	c->peers[0].prefixes[1].addr.b[15] = 0xb;
}

static void other_order(struct config *c)
{
	struct prefix first = c->peers[0].prefixes[0];

	c->peers[0].prefixes[0] = c->peers[0].prefixes[1];
	c->peers[0].prefixes[1] = first;
}

static void other_name(struct config *c)
{
	strcpy(c->peers[1].name, "site-b");
}

static void other_policy(struct config *c)
{
	c->policy.reject = REJECT_PROHIBITED;
}

static void less_followed(struct config *c)
{
	c->follow.n_wireguard--;
}

static void differences(void **state)
{
	static const struct {
		void (*change)(struct config *c);
		const char *text;
	} cases[] = {
		{ nothing, "" },
		{ other_prefix, "peer site-a: prefixes fd12:3456:7899::a/128 removed\n"
		  "peer site-a: prefixes fd12:3456:7899::b/128 added\n" },
		{ other_order, "peer site-a: the order of values has changed\n" },
		{ other_name, "peer +ab/cd12: removed\npeer site-b: added\n" },
		{ other_policy, "policy reject admin-prohibited, was drop\n" },
		{ less_followed, "follow wireguard wgvpnr03 removed\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool differs;
		char *text = diff_of(cases[i].change, &differs);

		assert_string_equal(text, cases[i].text);
		assert_int_equal(differs, *cases[i].text != '\0');
		free(text);
	}
}

static const char *const blinds[] = {
	"blind: { listen: { interface: eth0, port: 51820 }, device: wgvpnr01 }\n",
	"blind:\n  listen: { interface: eth0.7, port: 443 }\n  device: wgvpnr01\n  sites: [ site-a, site-b, \"+ab/cd12\" ]\n"
	"  pairs: [ [ site-a, site-b ], [ site-b, \"+ab/cd12\" ] ]\n  mtu: 1380\n",
	"blind: { listen: { interface: eth0, port: 51820 }, device: wgvpnr01, sites: all, pairs: all, mtu: 1420 }\n",
};

/* Reads it, reads its output again, and compares two configurations */
static void blind(void **state)
{
	struct config *c[3];
	size_t size;
	char *text;
	FILE *out;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(config_parse(blinds[i], "blind.yaml", &c[i]), 0);
		assert_round_trip(c[i]);
	}
	assert_string_equal(c[1]->blind.interface, "eth0.7");
	assert_string_equal(c[1]->blind.device, "wgvpnr01");
	assert_int_equal(c[1]->blind.port, htons(443));
	assert_int_equal(c[1]->blind.n_sites, 3);
	assert_string_equal(c[1]->blind.pairs[1].name[1], "+ab/cd12");
	assert_int_equal(c[1]->blind.mtu, 1380);
	assert_int_equal(c[0]->blind.n_sites + c[0]->blind.n_pairs + c[0]->blind.mtu, 0);
	out = open_memstream(&text, &size);
	assert_true(config_changes(c[0], c[2], out));
	fclose(out);
	assert_string_equal(text, "blind mtu 1420 added\n");
	free(text);
	for (int i = 0; i < 3; i++)
		config_free(c[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(values), cmocka_unit_test(differences), cmocka_unit_test(blind) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
