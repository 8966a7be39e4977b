/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Peers that move, in a configuration, and whether two configurations say the same of them. To be included after cmocka.h.
 */
#ifndef SAME_ROAMING_H
#define SAME_ROAMING_H

#include "config/config.h"
#include "config/config_sections.h"

#define WITH_ROAMING \
	"endpoints:\n  - { interface: wg0, peer: \"YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\", host: vpn.example.net., port: 51820 }\n" \
	"  - { interface: wg0, peer: \"YmJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\", host: \"2001:db8::1\", port: 443, by: echo }\n" \
	"learn:\n  - { interface: wg1, peer: \"YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=\", knock: { port: 65436, command: [ /bin/echo, 'a \"b\"' ], user: daemon } }\n" \
	"  - { interface: wg2, knock: {} }\n  - { interface: wg3 }\n"

/* Endpoints that are names, and those that are learnt */
static void assert_same_roaming(const struct config *a, const struct config *b)
{
	assert_int_equal(a->n_endpoints, b->n_endpoints);
	for (size_t i = 0; i < a->n_endpoints; i++) {
		assert_string_equal(a->endpoints[i].interface, b->endpoints[i].interface);
		assert_string_equal(a->endpoints[i].host, b->endpoints[i].host);
		assert_int_equal(wg_key_compare(&a->endpoints[i].peer, &b->endpoints[i].peer), 0);
		assert_true(a->endpoints[i].port == b->endpoints[i].port && a->endpoints[i].by == b->endpoints[i].by);
		assert_int_equal(a->endpoints[i].within, b->endpoints[i].within);
		assert_int_equal(a->endpoints[i].together, b->endpoints[i].together);
	}
	assert_int_equal(a->n_learn, b->n_learn);
	for (size_t i = 0; i < a->n_learn; i++) {
		const struct learn_config *l = &a->learn[i], *m = &b->learn[i];

		assert_string_equal(l->interface, m->interface);
		assert_string_equal(l->user, m->user);
		assert_int_equal(wg_key_compare(&l->peer, &m->peer), 0);
		assert_true(l->knock == m->knock && l->port == m->port);
		assert_int_equal(l->n_command, m->n_command);
		for (size_t j = 0; j < l->n_command; j++)
			assert_string_equal(l->command[j].text, m->command[j].text);
	}
}

#endif
