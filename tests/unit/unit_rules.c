/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Doctor finds out from `nft -j list ruleset` whether a ruleset of nftables surely drops a packet
 * (user/doctor/doctor_rule.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "doctor/doctor_rule.h"
#include "lib/yaml.h"

#define CHAIN(name, more) "{\"chain\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"" name "\"" more "}},"
#define BASE(policy) CHAIN("in", ", \"type\": \"filter\", \"hook\": \"input\", \"prio\": 0, \"policy\": \"" policy "\"")
#define RULE(chain, expr) "{\"rule\": {\"family\": \"inet\", \"table\": \"t\", \"chain\": \"" chain "\", \"expr\": [" expr "]}},"
#define MATCH(left, right) "{\"match\": {\"op\": \"==\", \"left\": " left ", \"right\": " right "}}"
#define UNLIKE(left, right) "{\"match\": {\"op\": \"!=\", \"left\": " left ", \"right\": " right "}}"
#define DPORT "{\"payload\": {\"protocol\": \"udp\", \"field\": \"dport\"}}"
#define TCP "{\"payload\": {\"protocol\": \"tcp\", \"field\": \"dport\"}}"
#define SADDR "{\"payload\": {\"protocol\": \"ip\", \"field\": \"saddr\"}}"
#define DADDR "{\"payload\": {\"protocol\": \"ip\", \"field\": \"daddr\"}}"
#define SADDR6 "{\"payload\": {\"protocol\": \"ip6\", \"field\": \"saddr\"}}"
#define IIF "{\"meta\": {\"key\": \"iifname\"}}"
#define L4 "{\"meta\": {\"key\": \"l4proto\"}}"
#define STATE "{\"match\": {\"op\": \"in\", \"left\": {\"ct\": {\"key\": \"state\"}}, \"right\": [\"established\", \"related\"]}}"
#define ACCEPT "{\"accept\": null}"
#define DROP "{\"drop\": null}"
#define SET(elements) "{\"set\": {\"family\": \"inet\", \"name\": \"s\", \"table\": \"t\", \"type\": \"inet_service\", \"elem\": [" elements "]}},"

static size_t listed;

static void count_sources(void *data, struct yaml_node *sources)
{
	listed += sources->type == YAML_LIST ? sources->n : 1;
}

/* Whether chain `in` drops an IPv4 packet from wan to port 51820; lists: continue with rules by source */
static bool run(const char *objects, bool lists)
{
	struct packet p = { .hook = "input", .in = "wan", .family = FAMILY_IPV4, .port = "51820" };
	struct yaml_node *list;
	struct yaml y = { 0 };
	bool drops = false;
	char text[4096];

	p.by_source = lists ? count_sources : NULL;
	listed = 0;
	snprintf(text, sizeof(text), "{\"nftables\": [%s {\"metainfo\": {}}]}", objects);
	assert_int_equal(yaml_open(&y, text, strlen(text), "test"), 0);
	list = yaml_by_path(yaml_root(&y), "/nftables");
	assert_non_null(list);
	for (struct yaml_node *n = list->first; n; n = n->next)
		if (chain_sees(yaml_by_path(n, "/chain"), &p))
			drops = chain_drops(list, yaml_by_path(n, "/chain"), &p);
	yaml_close(&y);
	return drops;
}

static bool drops(const char *objects)
{
	return run(objects, false);
}

static void policies(void **state)
{
	assert_false(drops(BASE("accept")));
	assert_true(drops(BASE("drop")));
	assert_true(drops(BASE("drop") RULE("in", STATE "," ACCEPT)));
	assert_false(drops(BASE("drop") RULE("in", ACCEPT)));
	assert_true(drops(BASE("accept") RULE("in", "{\"counter\": {\"packets\": 1}}," DROP)));
}

static void matches(void **state)
{
	assert_false(drops(BASE("drop") RULE("in", MATCH(DPORT, "51820") "," ACCEPT)));
	assert_true(drops(BASE("drop") RULE("in", MATCH(DPORT, "51821") "," ACCEPT)));
	assert_false(drops(BASE("drop") RULE("in", UNLIKE(DPORT, "51821") "," ACCEPT)));
	assert_false(drops(BASE("drop") RULE("in", MATCH(DPORT, "{\"range\": [51000, 52000]}") "," ACCEPT)));
	assert_false(drops(BASE("drop") RULE("in", MATCH(DPORT, "{\"set\": [53, {\"range\": [51820, 51829]}]}") "," ACCEPT)));
	assert_true(drops(BASE("drop") RULE("in", MATCH(DPORT, "{\"set\": [53, 443]}") "," ACCEPT)));
	assert_true(drops(BASE("drop") RULE("in", MATCH(TCP, "51820") "," ACCEPT)));
	assert_true(drops(BASE("drop") RULE("in", UNLIKE(TCP, "22") "," ACCEPT)));
	assert_false(drops(BASE("drop") RULE("in", MATCH(IIF, "\"wa*\"") "," ACCEPT)));
	assert_true(drops(BASE("drop") RULE("in", MATCH(IIF, "\"lan\"") "," ACCEPT)));
	assert_false(drops(BASE("drop") RULE("in", MATCH(L4, "{\"set\": [\"udp\", \"tcp\"]}") "," ACCEPT)));
	assert_true(drops(BASE("drop") RULE("in", MATCH(SADDR6, "\"2001:db8::1\"") "," ACCEPT)));
}

/* Sets by name; rules that some of these packets may pass are not reported */
static void uncertain(void **state)
{
	assert_false(drops(SET("51820, 443") BASE("drop") RULE("in", MATCH(DPORT, "\"@s\"") "," ACCEPT)));
	assert_true(drops(SET("53") BASE("drop") RULE("in", MATCH(DPORT, "\"@s\"") "," ACCEPT)));
	assert_false(drops(BASE("drop") RULE("in", MATCH(DPORT, "\"@nosuch\"") "," ACCEPT)));
	assert_false(drops(BASE("drop") RULE("in", MATCH(SADDR, "\"192.0.2.1\"") "," ACCEPT)));
	assert_false(drops(BASE("accept") RULE("in", MATCH(SADDR, "\"192.0.2.1\"") "," DROP)));
	assert_false(drops(BASE("accept") RULE("in", "{\"limit\": {\"rate\": 10, \"per\": \"second\"}}," DROP)));
	assert_false(drops(BASE("drop") RULE("in", "{\"xt\": null}," ACCEPT)));
}

static void jumps(void **state)
{
#define JUMP "{\"jump\": {\"target\": \"more\"}}"
	assert_false(drops(BASE("drop") CHAIN("more", "") RULE("in", JUMP) RULE("more", ACCEPT)));
	assert_true(drops(BASE("accept") CHAIN("more", "") RULE("in", JUMP) RULE("more", DROP)));
	assert_false(drops(BASE("accept") CHAIN("more", "") RULE("in", JUMP) RULE("in", ACCEPT) RULE("more", "{\"return\": null}")));
	assert_false(drops(BASE("accept") CHAIN("more", "") RULE("in", JUMP) RULE("more", JUMP)));	/* for ever */
	assert_false(drops(BASE("drop") RULE("in", "{\"vmap\": {\"key\": " DPORT ", \"data\": {\"set\": [[22, " ACCEPT "], [51820, " ACCEPT "]]}}}")));
	assert_true(drops(BASE("accept") RULE("in", "{\"vmap\": {\"key\": " IIF ", \"data\": {\"set\": [[\"wan\", " DROP "]]}}}")));
}

/* Rules that drop by source, which XDP bypasses. A rule that may accept, and `!=`, do not count */
static void sources(void **state)
{
	run(SET("\"192.0.2.1\", \"198.51.100.7\"") BASE("drop") RULE("in", MATCH(SADDR, "\"203.0.113.9\"") "," ACCEPT)
	    RULE("in", MATCH(IIF, "\"wan\"") "," MATCH(SADDR, "\"@s\"") "," DROP), true);
	assert_int_equal(listed, 2);
	run(BASE("drop") RULE("in", MATCH(IIF, "\"lan\"") "," MATCH(SADDR, "\"192.0.2.1\"") "," DROP), true);
	assert_int_equal(listed, 0);
	run(BASE("drop") RULE("in", UNLIKE(SADDR, "\"192.0.2.1\"") "," DROP), true);
	assert_int_equal(listed, 0);
	/* Only packets to another host, or above a rate, are dropped */
	run(BASE("accept") RULE("in", MATCH(SADDR, "\"192.0.2.1\"") "," MATCH(DADDR, "\"192.168.1.99\"") "," DROP), true);
	assert_int_equal(listed, 0);
	run(BASE("accept") RULE("in", MATCH(SADDR, "\"192.0.2.1\"") ",{\"limit\": {\"rate\": 10, \"per\": \"second\"}}," DROP), true);
	assert_int_equal(listed, 0);
	run(BASE("accept") CHAIN("more", "") RULE("in", MATCH(DADDR, "\"192.168.1.99\"") "," JUMP)
	    RULE("more", MATCH(SADDR, "\"192.0.2.1\"") "," DROP), true);
	assert_int_equal(listed, 0);
	run(BASE("accept") CHAIN("more", "") RULE("in", JUMP) RULE("more", MATCH(SADDR, "\"192.0.2.1\"") "," DROP), true);
	assert_int_equal(listed, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies), cmocka_unit_test(matches), cmocka_unit_test(uncertain), cmocka_unit_test(jumps),
		cmocka_unit_test(sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
