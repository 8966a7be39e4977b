/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a ruleset of nftables does with one packet (user/doctor/doctor_rule.c): rulesets as `nft -j list ruleset` tells them.
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
#define SADDR6 "{\"payload\": {\"protocol\": \"ip6\", \"field\": \"saddr\"}}"
#define IIF "{\"meta\": {\"key\": \"iifname\"}}"
#define L4 "{\"meta\": {\"key\": \"l4proto\"}}"
#define STATE "{\"match\": {\"op\": \"in\", \"left\": {\"ct\": {\"key\": \"state\"}}, \"right\": [\"established\", \"related\"]}}"
#define ACCEPT "{\"accept\": null}"
#define DROP "{\"drop\": null}"
#define SET(elements) "{\"set\": {\"family\": \"inet\", \"name\": \"s\", \"table\": \"t\", \"type\": \"inet_service\", \"elem\": [" elements "]}},"

/* The answer of chain `in` to a packet of IPv4 by wan to port 51820 */
static enum answer_of answer(const char *objects)
{
	struct packet p = { .hook = "input", .in = "wan", .family = FAMILY_IPV4, .port = 51820 };
	enum answer_of said = IS_MAYBE;
	struct yaml y = { 0 };
	struct rules r;
	char text[4096];

	snprintf(text, sizeof(text), "{\"nftables\": [%s {\"metainfo\": {}}]}", objects);
	assert_int_equal(yaml_open(&y, text, strlen(text), "test"), 0);
	r.list = rule_value(yaml_root(&y), "nftables");
	assert_non_null(r.list);
	for (const struct yaml_node *n = r.list->first; n; n = n->next)
		if (rule_value(n, "chain") && chain_sees(rule_value(n, "chain"), &p))
			said = chain_drops(&r, rule_value(n, "chain"), &p);
	yaml_close(&y);
	return said;
}

static void policies(void **state)
{
	assert_int_equal(answer(BASE("accept")), IS_NO);
	assert_int_equal(answer(BASE("drop")), IS_YES);
	assert_int_equal(answer(BASE("drop") RULE("in", STATE "," ACCEPT)), IS_YES);
	assert_int_equal(answer(BASE("drop") RULE("in", ACCEPT)), IS_NO);
	assert_int_equal(answer(BASE("accept") RULE("in", "{\"counter\": {\"packets\": 1}}," DROP)), IS_YES);
}

static void matches(void **state)
{
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(DPORT, "51820") "," ACCEPT)), IS_NO);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(DPORT, "51821") "," ACCEPT)), IS_YES);
	assert_int_equal(answer(BASE("drop") RULE("in", UNLIKE(DPORT, "51821") "," ACCEPT)), IS_NO);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(DPORT, "{\"range\": [51000, 52000]}") "," ACCEPT)), IS_NO);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(DPORT, "{\"set\": [53, {\"range\": [51820, 51829]}]}") "," ACCEPT)), IS_NO);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(DPORT, "{\"set\": [53, 443]}") "," ACCEPT)), IS_YES);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(TCP, "51820") "," ACCEPT)), IS_YES);
	assert_int_equal(answer(BASE("drop") RULE("in", UNLIKE(TCP, "22") "," ACCEPT)), IS_YES);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(IIF, "\"wa*\"") "," ACCEPT)), IS_NO);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(IIF, "\"lan\"") "," ACCEPT)), IS_YES);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(L4, "{\"set\": [\"udp\", \"tcp\"]}") "," ACCEPT)), IS_NO);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(SADDR6, "\"2001:db8::1\"") "," ACCEPT)), IS_YES);
}

/* Sets by name; what depends on who sends is said of nobody */
static void uncertain(void **state)
{
	assert_int_equal(answer(SET("51820, 443") BASE("drop") RULE("in", MATCH(DPORT, "\"@s\"") "," ACCEPT)), IS_NO);
	assert_int_equal(answer(SET("53") BASE("drop") RULE("in", MATCH(DPORT, "\"@s\"") "," ACCEPT)), IS_YES);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(DPORT, "\"@nosuch\"") "," ACCEPT)), IS_MAYBE);
	assert_int_equal(answer(BASE("drop") RULE("in", MATCH(SADDR, "\"192.0.2.1\"") "," ACCEPT)), IS_MAYBE);
	assert_int_equal(answer(BASE("accept") RULE("in", MATCH(SADDR, "\"192.0.2.1\"") "," DROP)), IS_MAYBE);
	assert_int_equal(answer(BASE("accept") RULE("in", "{\"limit\": {\"rate\": 10, \"per\": \"second\"}}," DROP)), IS_MAYBE);
	assert_int_equal(answer(BASE("drop") RULE("in", "{\"xt\": null}," ACCEPT)), IS_MAYBE);
}

static void jumps(void **state)
{
#define JUMP "{\"jump\": {\"target\": \"more\"}}"
	assert_int_equal(answer(BASE("drop") CHAIN("more", "") RULE("in", JUMP) RULE("more", ACCEPT)), IS_NO);
	assert_int_equal(answer(BASE("accept") CHAIN("more", "") RULE("in", JUMP) RULE("more", DROP)), IS_YES);
	assert_int_equal(answer(BASE("accept") CHAIN("more", "") RULE("in", JUMP) RULE("in", ACCEPT) RULE("more", "{\"return\": null}")), IS_NO);
	assert_int_equal(answer(BASE("accept") CHAIN("more", "") RULE("in", JUMP) RULE("more", JUMP)), IS_MAYBE);	/* for ever */
	assert_int_equal(answer(BASE("drop") RULE("in", "{\"vmap\": {\"key\": " DPORT ", \"data\": {\"set\": [[22, " ACCEPT "], [51820, " ACCEPT "]]}}}")), IS_NO);
	assert_int_equal(answer(BASE("accept") RULE("in", "{\"vmap\": {\"key\": " IIF ", \"data\": {\"set\": [[\"wan\", " DROP "]]}}}")), IS_YES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies), cmocka_unit_test(matches), cmocka_unit_test(uncertain), cmocka_unit_test(jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
