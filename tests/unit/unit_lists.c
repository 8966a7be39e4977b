// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The longest prefix in the plan gives the same answer as a service's allow and deny, for every list of up to four
 * prefixes that contain each other, ::/0 and 0.0.0.0/0 among them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include "plan/plan_make.h"

enum { ID = 7 };

static const char *const texts[] = { "::/0", "::/1", "2001:db8::/32", "2001:db8:1::/48", "0.0.0.0/0", "192.0.2.0/24", "192.0.2.7" };
static const char *const clients[] = { "2001:db8:1::1", "2001:db8:2::1", "2001:db9::1", "fd00::1", "192.0.2.7", "192.0.2.8", "198.51.100.1" };

enum { TEXTS = sizeof(texts) / sizeof(*texts), CLIENTS = sizeof(clients) / sizeof(*clients) };

static struct prefix prefixes[TEXTS];

static bool covered(const struct prefix *list, size_t n, const struct address *a)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_covers(&list[i], a))
			return true;
	return false;
}

static bool wanted(const struct service_config *s, const struct address *a)
{
	return !covered(s->deny, s->n_deny, a) && (!s->n_allow || covered(s->allow, s->n_allow, a));
}

/* Like the kernel's LPM_TRIE */
static bool admitted(const struct plan *p, const struct address *a)
{
	const struct list_entry *longest = NULL;

	for (size_t i = 0; i < p->n_lists; i++) {
		const struct list_entry *e = &p->lists[i];
		struct prefix in_map = { .addr = e->key.addr, .family = FAMILY_IPV6, .len = e->key.prefixlen - 32 };
		struct address client = { .addr = a->addr, .family = FAMILY_IPV6 };

		assert_int_equal(ntohl(e->key.id), SERVICE_LIST | ID);
		if (!prefix_covers(&in_map, &client))
			continue;
		if (longest)
			assert_int_not_equal(longest->key.prefixlen, e->key.prefixlen);
		if (!longest || longest->key.prefixlen < e->key.prefixlen)
			longest = e;
	}
	return !longest || longest->verdict == LIST_ALLOW;
}

/* Each prefix is in no list, allowed, denied, or both */
static void try_lists(unsigned int which)
{
	struct prefix allow[TEXTS], deny[TEXTS];
	struct service_config s = { .name = "wg-end", .allow = allow, .deny = deny };
	struct plan p = { 0 };
	struct plan_builder m = { .plan = &p };

	for (size_t i = 0; i < TEXTS; i++, which /= 4) {
		if (which & 1)
			allow[s.n_allow++] = prefixes[i];
		if (which & 2)
			deny[s.n_deny++] = prefixes[i];
	}
	if (s.n_allow + s.n_deny > 4)
		return;
	plan_lists(&m, &s, ID);
	for (size_t i = 0; i < CLIENTS; i++) {
		struct address a;

		assert_int_equal(address_parse(clients[i], &a), 0);
		if (admitted(&p, &a) == wanted(&s, &a))
			continue;
		for (size_t j = 0; j < s.n_allow + s.n_deny; j++) {
			char text[ADDRESS_STRLEN];
			bool is_allow = j < s.n_allow;

			print_message("%s %s\n", is_allow ? "allow" : "deny", prefix_format(is_allow ? &allow[j] : &deny[j - s.n_allow], text));
		}
		fail_msg("%s is %s", clients[i], wanted(&s, &a) ? "kept out" : "let in");
	}
	free(p.lists);
}

static void longest_prefix_is_what_is_meant(void **state)
{
	for (size_t i = 0; i < TEXTS; i++)
		assert_int_equal(prefix_parse(texts[i], &prefixes[i]), 0);
	for (unsigned int which = 0; which < 1U << 2 * TEXTS; which++)
		try_lists(which);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(longest_prefix_is_what_is_meant) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
