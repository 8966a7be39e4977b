// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists of clients that other programs keep are read right: lines of files, messages about sets of nftables, and the
 * ids of lists. Ranges become prefixes that cover exactly the range. A message that is cut off anywhere is read
 * without a fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <errno.h>
#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include "lib/list_keys.h"
#include "net/nft_set.h"
#include "plan/plan_make.h"

static struct address address(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

/* Returns the keys as text, sorted */
static const char *text_of(struct list_keys *k)
{
	static char text[4096];
	size_t n = 0;

	*text = 0;
	list_keys_sort(k);
	for (size_t i = 0; i < k->n; i++) {
		bool is_ipv6 = list_key_is_ipv6(&k->list[i]);
		struct prefix p = { .addr = k->list[i].addr, .family = is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4,
				    .len = k->list[i].prefixlen - 32 - (is_ipv6 ? 0 : 96) };
		char buf[ADDRESS_STRLEN];

		n += snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "", prefix_format(&p, buf));
	}
	return text;
}

static void assert_lines(const char *file, size_t size, const char *keys, size_t wrong, size_t first, const char *said)
{
	struct list_keys k = { 0 };
	struct list_wrong w;
	char *copy = malloc(size + 1);

	memcpy(copy, file, size);
	copy[size] = 0;
	list_keys_parse(&k, copy, size, &w);
	assert_string_equal(text_of(&k), keys);
	assert_int_equal(w.lines, wrong);
	assert_int_equal(w.first, first);
	assert_string_equal(w.text, said);
	list_keys_free(&k);
	free(copy);
}
#define LINES(file, ...) assert_lines(file, sizeof(file) - 1, __VA_ARGS__)

static void lines(void **state)
{
	LINES("", "", 0, 0, "");
	LINES("# nothing\n\n  ; more\n", "", 0, 0, "");
	LINES("192.0.2.1", "192.0.2.1/32", 0, 0, "");
	LINES("192.0.2.1\r\n2001:db8::/32 ; SBL1\n\t192.0.2.1/32 # twice\n", "192.0.2.1/32 2001:db8::/32", 0, 0, "");
	LINES("192.0.2.77/24\n2001:db8::1/32\n", "192.0.2.0/24 2001:db8::/32", 0, 0, "");
	LINES("0.0.0.0/0\n::/0\n", "0.0.0.0/0 ::/0", 0, 0, "");
	LINES("192.0.2.1-192.0.2.3\n 2001:db8:: - 2001:db8::1\n", "192.0.2.1/32 192.0.2.2/31 2001:db8::/127", 0, 0, "");
	LINES("192.0.2.1\nbad\n192.0.2.2\nworse\n", "192.0.2.1/32 192.0.2.2/32", 2, 2, "bad");
	LINES("192.0.2.3-192.0.2.1\n", "", 1, 1, "192.0.2.3-192.0.2.1");
	LINES("192.0.2.3-2001:db8::\n192.0.2.0/33\n192.0.2.0/\n192.0.2.0/-1\n2001:db8::/129\n/24\n192.0.2\n192.0.2.0/24/8\n"
	      "192.0.2.1 192.0.2.2\n::ffff:192.0.2.1\n192.0.2.0/0x8\n-\n192.0.2.0/ 8\n", "", 13, 1, "192.0.2.3-2001:db8::");
	LINES("192.0.2.1\0\n192.0.2.2\n", "192.0.2.2/32", 1, 1, "192.0.2.1");
	LINES("\033[31m\n", "", 1, 1, "?[31m");
}

/* Each address near the range is in exactly one prefix if it is in the range, else in none */
static void assert_range(uint32_t first, uint32_t last)
{
	struct address from = address_from_ipv4((struct in_addr){ htonl(first) }), to = address_from_ipv4((struct in_addr){ htonl(last) });
	struct list_keys k = { 0 };

	list_keys_add_range(&k, &from, &to);
	assert_true(k.n >= 1 && k.n <= 62);
	for (int64_t at = (int64_t)first - 3; at <= (int64_t)last + 3; at++) {
		size_t covers = 0;

		if (at < 0 || at > UINT32_MAX)
			continue;
		for (size_t i = 0; i < k.n; i++) {
			__u32 len = k.list[i].prefixlen - 128, mask = len ? ~0U << (32 - len) : 0;

			covers += ((uint32_t)at & mask) == ntohl(k.list[i].addr.w[3]);
		}
		assert_int_equal(covers, at >= first && at <= last);
	}
	list_keys_free(&k);
}

static void ranges(void **state)
{
	for (uint32_t first = 250; first < 260; first++)
		for (uint32_t last = first; last < 530; last++)
			assert_range(first, last);
	assert_range(0, 5);
	assert_range(UINT32_MAX - 5, UINT32_MAX);
	assert_range(UINT32_MAX, UINT32_MAX);
	LINES("0.0.0.0-255.255.255.255\n", "0.0.0.0/0", 0, 0, "");
	LINES("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n", "::/0", 0, 0, "");
	LINES("127.255.255.255-128.0.0.0\n", "127.255.255.255/32 128.0.0.0/32", 0, 0, "");
}

/* ---- nftables ---- */

static char buffer[4096];

static struct nlmsghdr *message(int type, __u8 family, const char *table, const char *set)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(memset(buffer, 0, sizeof(buffer)));
	struct nfgenmsg *header;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->nfgen_family = family;
	if (table)
		mnl_attr_put_strz(nlh, NFTA_SET_TABLE, table);
	if (set)
		mnl_attr_put_strz(nlh, NFTA_SET_NAME, set);
	return nlh;
}

static void element(struct nlmsghdr *nlh, const void *key, size_t n, __u32 flags, const void *end)
{
	struct nlattr *elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM), *nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, n, key);
	mnl_attr_nest_end(nlh, nest);
	if (flags)
		mnl_attr_put_u32(nlh, NFTA_SET_ELEM_FLAGS, htonl(flags));
	if (end) {
		nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY_END);
		mnl_attr_put(nlh, NFTA_DATA_VALUE, n, end);
		mnl_attr_nest_end(nlh, nest);
	}
	mnl_attr_nest_end(nlh, elem);
}

struct seen {
	enum nft_change change;
	char name[600];
	struct nft_join join;
	struct list_keys keys;
	__u32 skipped;
	unsigned int n;
};

static void join_one(void *data, const struct nft_element *e)
{
	struct seen *s = data;

	nft_join(&s->join, e, &s->keys);
}

static void see(void *data, enum nft_change change, const char *name, const struct nlattr *elements)
{
	struct seen *s = data;

	s->n++;
	s->change = change;
	strcpy(s->name, name ?: "");
	if (elements)
		nft_elements_each(elements, &s->join.kind, join_one, s, &s->skipped);
}

static void messages(void **state)
{
	static const __u8 four[] = { 192, 0, 2, 1 }, end[] = { 192, 0, 2, 9 };
	static const struct in6_addr six = { { { 0x20, 1, 0xd, 0xb8 } } };
	struct seen s = { .join.kind = { .family = FAMILY_IPV4 } };
	struct nlmsghdr *nlh = message(NFT_MSG_NEWSETELEM, NFPROTO_INET, "filter", "bad hosts");
	struct nlattr *list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);

	element(nlh, four, 4, 0, NULL);
	element(nlh, &six, 16, 0, NULL);				/* another family */
	element(nlh, four, 4, NFT_SET_ELEM_CATCHALL, NULL);
	element(nlh, four, 4, 0, end);
	mnl_attr_nest_end(nlh, list);
	nft_watch_message(nlh, see, &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.change, NFT_ADDED);
	assert_string_equal(s.name, "inet filter bad hosts");
	assert_int_equal(s.skipped, 2);
	assert_string_equal(text_of(&s.keys), "192.0.2.1/32 192.0.2.2/31 192.0.2.4/30 192.0.2.8/31");
	/* Cut off at every length, in memory of its own */
	for (__u32 n = sizeof(*nlh); n < nlh->nlmsg_len; n++) {
		struct nlmsghdr *cut = malloc(NLMSG_ALIGN(n));

		memcpy(cut, nlh, NLMSG_ALIGN(n));
		cut->nlmsg_len = n;
		nft_watch_message(cut, see, &s);
		free(cut);
	}
	list_keys_free(&s.keys);

	s.n = 0;
	nft_watch_message(message(NFT_MSG_NEWSET, NFPROTO_IPV6, "crowdsec6", "x"), see, &s);
	assert_string_equal(s.name, "ip6 crowdsec6 x");
	assert_int_equal(s.change, NFT_SETS);
	nft_watch_message(message(NFT_MSG_DELTABLE, NFPROTO_IPV4, "crowdsec", "is no name"), see, &s);
	assert_string_equal(s.name, "ip crowdsec ");
	nft_watch_message(message(NFT_MSG_NEWGEN, NFPROTO_UNSPEC, NULL, NULL), see, &s);
	assert_int_equal(s.change, NFT_DONE);
	assert_int_equal(s.n, 3);
	nft_watch_message(message(NFT_MSG_NEWRULE, NFPROTO_INET, "filter", "x"), see, &s);
	nft_watch_message(message(NFT_MSG_DELSETELEM, NFPROTO_INET, "filter", "no elements"), see, &s);
	nft_watch_message(message(NFT_MSG_NEWSET, NFPROTO_ARP, "filter", "another family"), see, &s);
	assert_int_equal(s.n, 3);
}

static void joins(void **state)
{
	struct nft_join j = { .kind = { .family = FAMILY_IPV4, .intervals = true } };
	struct list_keys k = { 0 };
#define FIRST(text) nft_join(&j, &(struct nft_element){ .first = address(text) }, &k)
#define END(text) nft_join(&j, &(struct nft_element){ .first = address(text), .ends = true }, &k)

	END("0.0.0.0");					/* before the first range */
	FIRST("192.0.2.0");
	END("192.0.3.0");
	FIRST("224.0.0.1");
	assert_false(j.broken);
	assert_string_equal(text_of(&k), "192.0.2.0/24");
	assert_int_equal(j.first.family, FAMILY_IPV4);
	FIRST("224.0.0.9");					/* the end of the range before is missing */
	assert_true(j.broken);
	j.broken = false;
	END("224.0.0.10");
	assert_false(j.broken);
	END("224.0.0.12");					/* the beginning is missing */
	assert_true(j.broken);
	assert_string_equal(text_of(&k), "192.0.2.0/24 224.0.0.9/32");
	list_keys_free(&k);
}

/* ---- ids ---- */

static void ids(void **state)
{
	struct list_config lists[] = { { LIST_FILE, "/a" }, { LIST_NFT_SET, "/a" }, { LIST_FILE, "/b" } };
	struct service_config s = { .deny_lists = lists, .n_deny_lists = 2, .allow_lists = lists + 2, .n_allow_lists = 1 };
	struct followed_list running[LIST_IDS] = { [0] = { "/gone", LIST_FILE }, [5] = { "/b", LIST_FILE, .prefixes = 7 } };
	struct service_lists of[2] = { 0 };
	struct plan p = { .service_lists = of };
	struct plan_input in = { .lists = running, .n_lists = LIST_IDS };
	struct plan_builder m = { .plan = &p, .in = &in };

	plan_followed(&m, &s, 0);
	plan_followed(&m, &s, 1);
	assert_int_equal(p.n_followed, 3);
	assert_int_equal(of[0].n_deny, 2);
	assert_int_equal(of[0].n, 3);
	assert_int_equal(of[0].id[0], 1);		/* 0 still has the entries of /gone */
	assert_int_equal(of[0].id[1], 2);
	assert_int_equal(of[0].id[2], 5);
	assert_memory_equal(&of[0], &of[1], sizeof(of[0]));
	assert_int_equal(p.followed_prefixes, 7);
	free(p.followed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines), cmocka_unit_test(ranges), cmocka_unit_test(messages), cmocka_unit_test(joins), cmocka_unit_test(ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
