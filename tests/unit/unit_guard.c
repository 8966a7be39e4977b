/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A service with a guard and several backends becomes the right plan, and a change of it never leaves half-written
 * keys in the kernel's maps. A plan has a service's guard and several backends behind one listener
 * (user/plan/plan_guard.c, plan_services.c). It is written into this kernel's maps: first another row of keys, then
 * the word that names it (user/dataplane/dataplane_guard.c). The latter needs root.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "blake2s.h"
#include "plan/resolved_backends.h"
#include "dataplane/dataplane.h"
#include "lib/jiffies.h"
#include "plan/plan_make.h"
#include "capture_stderr.h"
#include "with_challenge.h"

#define KEY_A "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define KEY_B "YmJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define KEY_C "Y2JjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define KEY_D "ZGJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="

enum { WAN = 7, LAN = 8 };

static struct nl_link links[] = {
	{ .ifindex = WAN, .name = "wan0", .mtu = 1500, .up = true, .ethernet = true },
	{ .ifindex = LAN, .name = "lan0", .mtu = 1500, .up = true, .ethernet = true },
};
static struct nl_address addresses[] = {
	{ .ifindex = WAN, .prefix_len = 24 }, { .ifindex = WAN, .prefix_len = 64 }, { .ifindex = LAN, .prefix_len = 24 },
};
static struct host host = { .links = links, .n_links = 2, .addresses = addresses, .n_addresses = 3 };

static struct address address(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static int set_up(void **state)
{
	addresses[0].local = address("203.0.113.1");
	addresses[1].local = address("2001:db8::1");
	addresses[2].local = address("192.168.1.1");
	return 0;
}

/* The running configuration is the last plan */
static struct plan_input in;

static struct plan *plan_of(const char *text)
{
	struct resolved_backends answers = { 0 };
	struct config *c;
	struct plan *p;
	struct captured t;

	assert_int_equal(parse_quietly(text, &c, &t), 0);
	in.config = c;
	in.host = &host;
	in.answers = &answers;
	capture_stderr(&t);
	assert_int_equal(plan_make(&in, &p), 0);
	release_stderr(&t);
	config_free(c);
	return p;
}

static void forget(void)
{
	free(in.names);
	free(in.backend_names);
	in = (struct plan_input){ 0 };
}

static void runs(const struct plan *p)
{
	forget();
	in.n_names = p->n_services;
	in.names = calloc(p->n_services, sizeof(*in.names));
	memcpy(in.names, p->services, p->n_services * sizeof(*in.names));
	in.n_backend_names = p->n_services * GUARD_BACKENDS_MAX;
	in.backend_names = calloc(in.n_backend_names, sizeof(*in.backend_names));
	for (size_t id = 0; id < p->n_services; id++)
		if (id < p->n_guards && p->guards[id].names)
			memcpy(&in.backend_names[id * GUARD_BACKENDS_MAX], p->guards[id].names, GUARD_BACKENDS_MAX * sizeof(*in.backend_names));
}

static const struct service *entry(const struct plan *p, __u32 kind, const char *text, __u16 port, __u32 ifindex)
{
	struct address a = address(text);

	for (size_t i = 0; i < p->n_entries; i++)
		if (p->entries[i].key.word == table_word(kind, a.family, htons(port), ifindex) &&
		    !memcmp(&p->entries[i].key.addr, &a.addr, sizeof(a.addr)))
			return &p->entries[i].service;
	return NULL;
}

/* Returns the number of the backend that a listener's entry of this kind leads to, or -1 */
static int leads(const struct plan *p, __u32 kind, const char *local, __u16 port, const char *to)
{
	const struct service *s = entry(p, kind, local, port, WAN);
	struct address a = address(to);

	return s && !memcmp(&s->to, &a.addr, sizeof(a.addr)) ? SERVICE_BACKEND(s->flags) : -1;
}

static int answers_as(const struct plan *p, const char *backend, __u16 port, const char *local, __u16 local_port)
{
	const struct service *s = entry(p, KEY_REPLY, backend, port, 0);
	struct address a = address(local);

	return s && !memcmp(&s->to, &a.addr, sizeof(a.addr)) && s->port == htons(local_port) ? SERVICE_BACKEND(s->flags) : -1;
}

static size_t entries_of(const struct plan *p, enum table_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_entries; i++)
		n += (p->entries[i].key.word & 0xff) == kind;
	return n;
}

#define HOSTS(rest) \
	"services:\n  - name: hosts\n    listen: { interface: wan0, ports: [ 51820, 443 ] }\n" rest "    backends:\n"
#define ALPHA "      - { name: alpha, ipv4: 192.168.1.11, port: 51820, public-key: \"" KEY_A "\" }\n"
#define BETA "      - { name: beta, ipv4: 192.168.1.12, port: 51822, public-keys: [ \"" KEY_B "\", \"" KEY_C "\" ] }\n"
#define GAMMA "      - { name: gamma, ipv4: 192.168.1.13, port: 51820, public-key: \"" KEY_D "\" }\n"
#define WAITS "      - { name: waits, ipv4: waits.example.net, port: 51820, public-key: \"" KEY_D "\" }\n"

/* ---- plans ---- */

static void no_guard(void **state)
{
	struct plan *p = plan_of("services: [ { name: a, listen: { interface: wan0, ports: [ 1 ] }, backend: { ipv4: 192.168.1.10, port: 1 },\n"
				 "  wireguard: { profile: none, public-key: \"" KEY_A "\" } } ]\n");

	assert_false(p->guarded);
	assert_int_equal(p->n_keys, 0);
	assert_int_equal(p->guards[0].guard.flags, 0);
	assert_int_equal(leads(p, KEY_SERVICE, "203.0.113.1", 1, "192.168.1.10"), 0);
	plan_free(p);
}

#define SERVICE(name, port, guard) \
	"  - { name: " name ", listen: { interface: wan0, ports: [ " port " ] }, backend: { ipv4: 192.168.1.10, port: " port " }, wireguard: { " guard " } }\n"

/* The result of OpenSSL and of Python's hashlib for 116 bytes, 0 to 115, with the key HASH("mac1----" || KEY_A) */
static void assert_mac1(const struct guard_key *k)
{
	static const __u8 expected[MAC_LEN] = { 0xac, 0x75, 0x2c, 0x62, 0x6e, 0x12, 0xde, 0xd7, 0x23, 0x0a, 0x60, 0xf1, 0x1a, 0x47, 0x06, 0xec };
	struct blake2s_work w;
	__u8 message[116];

	for (size_t i = 0; i < sizeof(message); message[i] = i, i++)
		;
	memcpy(w.h, k->mac1, sizeof(w.h));
	blake2s_block(&w, message, 64, 128, 0);
	blake2s_block(&w, message + 64, 52, 180, 1);
	for (int i = 0; i < 4; i++)
		w.h[i] = htole32(w.h[i]);
	assert_memory_equal(w.h, expected, sizeof(expected));
}

static void guards(void **state)
{
	struct plan *p = plan_of("services:\n"
				 SERVICE("a", "1", "profile: none")
				 SERVICE("b", "2", "public-keys: [ \"" KEY_A "\", \"" KEY_B "\" ], " CHALLENGE "handshakes: { per-source: 50/s }")
				 SERVICE("c", "3", "public-key: \"" KEY_C "\", strict: true, handshakes: { per-service: 10/s }, "
					 "profile: { amneziawg: { h: [ 305419896, 6, \"7-9\", 4294967295 ], s: [ 0, 40 ] } }"));
	const struct guard *b = &p->guards[1].guard, *c = &p->guards[2].guard;
	__u64 second = (__u64)jiffies_a_second() << GUARD_TICK;

	assert_true(p->guarded && p->n_keys == 3);
	assert_int_equal(p->guards[0].guard.flags, 0);
	assert_int_equal(b->flags, CHALLENGE_ABOVE ? GUARD_ON | GUARD_CHALLENGE : GUARD_ON);
	assert_true(b->challenge_each == (CHALLENGE_ABOVE ? second / 250 : 0) && b->challenge_burst == CHALLENGE_ABOVE);
	assert_int_equal(b->header[2], htole32(3));
	assert_true(b->source_each == second / 50 && b->source_burst == 100);
	assert_int_equal(b->service_each, second / 2000);
	assert_int_equal(b->service_burst, 2000);
	assert_int_equal(p->guards[1].n_keys, 2);
	assert_mac1(&p->guards[1].keys[0].key);
	assert_int_equal(c->flags, GUARD_ON | GUARD_STRICT | GUARD_JUNK);
	assert_true(c->header[0] == htole32(305419896) && c->header[2] == htole32(7) && c->header[3] == htole32(0xffffffff));
	assert_true(!b->span[2] && !c->span[0] && !c->span[1] && c->span[2] == 2 && !c->span[3]);
	assert_true(!c->junk[0] && c->junk[1] == 40 && !c->junk[2] && !c->junk[3]);
	assert_int_equal(c->source_each, second / 20);
	assert_int_equal(c->source_burst, 40);
	assert_true(c->service_each == second / 10 && c->service_burst == 20);
	plan_free(p);
}

static void two_backends(void **state)
{
	struct plan *p = plan_of(HOSTS("") ALPHA BETA);

	assert_int_equal(p->guards[0].guard.flags, GUARD_ON | GUARD_BACKENDS);
	assert_int_equal(p->guards[0].n_keys, 3);
	assert_true(!p->guards[0].keys[0].key.backend && p->guards[0].keys[2].key.backend == 1);
	for (int i = 0; i < 2; i++) {
		__u16 port = i ? 443 : 51820;

		assert_int_equal(leads(p, KEY_SERVICE, "203.0.113.1", port, "192.168.1.11"), 0);
		assert_int_equal(leads(p, KEY_BACKEND + 1, "203.0.113.1", port, "192.168.1.12"), 1);
	}
	assert_int_equal(entry(p, KEY_BACKEND + 1, "203.0.113.1", 443, WAN)->port, htons(51822));
	assert_int_equal(entries_of(p, KEY_SERVICE), 2);
	assert_int_equal(entries_of(p, KEY_BACKEND + 1), 2);
	assert_int_equal(entries_of(p, KEY_REPLY), 2);
	assert_int_equal(answers_as(p, "192.168.1.11", 51820, "203.0.113.1", 51820), 0);
	assert_int_equal(answers_as(p, "192.168.1.12", 51822, "203.0.113.1", 51820), 1);
	assert_int_not_equal(entry(p, KEY_SERVICE, "203.0.113.1", 443, WAN)->slot, entry(p, KEY_BACKEND + 1, "203.0.113.1", 443, WAN)->slot);
	assert_true(p->choices);		/* two ports: the client's choice is remembered */
	plan_free(p);
}

/* Each backend's own IPv6 address is let through, with its key and without one */
static void direct(void **state)
{
	struct plan *p = plan_of("services:\n  - name: hosts\n    listen: { interface: wan0, ports: [ 51820 ] }\n    backends:\n"
		"      - { name: alpha, ipv4: 192.168.1.11, ipv6: \"2001:db8:2::a\", port: 51820, public-key: \"" KEY_A "\" }\n"
		"      - { name: beta, ipv4: 192.168.1.12, ipv6: \"2001:db8:2::b\", port: 51822, public-key: \"" KEY_B "\" }\n");

	assert_int_equal(leads(p, KEY_SERVICE, "2001:db8:2::a", 51820, "2001:db8:2::a"), 0);
	assert_int_equal(leads(p, KEY_SERVICE, "2001:db8:2::b", 51822, "2001:db8:2::b"), 1);
	assert_int_equal(leads(p, KEY_BACKEND + 1, "2001:db8:2::b", 51822, "2001:db8:2::b"), 1);
	assert_int_equal(leads(p, KEY_BACKEND + 1, "203.0.113.1", 51820, "192.168.1.12"), 1);
	assert_int_equal(answers_as(p, "2001:db8:2::b", 51822, "2001:db8:2::b", 51822), 1);
	assert_int_equal(entries_of(p, KEY_SERVICE), 3);
	plan_free(p);
}

/* While alpha waits for its IPv6 address, IPv6 clients reach beta */
static void one_family_waits(void **state)
{
	struct plan *p = plan_of("services:\n  - name: hosts\n    listen: { interface: wan0, ports: [ 51820 ] }\n    ipv6: dnat\n    backends:\n"
		"      - { name: alpha, ipv4: 192.168.1.11, ipv6: alpha.example.net, port: 51820, public-key: \"" KEY_A "\" }\n"
		"      - { name: beta, ipv4: 192.168.1.12, ipv6: \"2001:db8:2::b\", port: 51822, public-key: \"" KEY_B "\" }\n");

	assert_int_equal(leads(p, KEY_SERVICE, "2001:db8::1", 51820, "2001:db8:2::b"), 1);
	assert_int_equal(leads(p, KEY_BACKEND + 1, "2001:db8::1", 51820, "2001:db8:2::b"), 1);
	assert_int_equal(leads(p, KEY_SERVICE, "203.0.113.1", 51820, "192.168.1.11"), 0);
	plan_free(p);
}

/* With nat: none, ipv6: off leaves the backend's IPv6 packets to the kernel */
static void none_without_ipv6(void **state)
{
	struct plan *p = plan_of("services: [ { name: a, listen: { interface: wan0 }, nat: none, ipv6: off,\n"
		"  backend: { ipv4: 192.168.1.10, ipv6: \"2001:db8:2::a\", port: 51820 } } ]\n");

	assert_int_equal(leads(p, KEY_SERVICE, "192.168.1.10", 51820, "192.168.1.10"), 0);
	assert_null(entry(p, KEY_SERVICE, "2001:db8:2::a", 51820, WAN));
	assert_null(entry(p, KEY_REPLY, "2001:db8:2::a", 51820, 0));
	plan_free(p);
}

/* No frames arrive at a dummy interface: the service listens for its address on every wan */
static void dummies(void **state)
{
	struct nl_link more[] = { links[0], links[1], { .ifindex = 9, .name = "dummy0", .kind = "dummy", .mtu = 1500, .up = true, .ethernet = true } };
	struct nl_address with[] = { addresses[0], addresses[2], { .ifindex = 9, .local = address("203.0.113.9"), .prefix_len = 32 } };
	struct host was = host;
	struct plan *p;

	host = (struct host){ .links = more, .n_links = 3, .addresses = with, .n_addresses = 3 };
	p = plan_of("interfaces: [ { name: wan0, role: wan } ]\nservices: [ { name: a, listen: { addresses: [ 203.0.113.9 ], ports: [ 1 ] },\n"
		"  backend: { ipv4: 192.168.1.10, port: 1 } } ]\n");
	assert_int_equal(leads(p, KEY_SERVICE, "203.0.113.9", 1, "192.168.1.10"), 0);
	assert_null(entry(p, KEY_SERVICE, "203.0.113.9", 1, 9));
	plan_free(p);
	host = was;
}

/* The mode of any VLAN counts for the nic below, in either order */
static void modes_of_vlans(void **state)
{
	struct nl_link more[] = {
		{ .ifindex = 20, .name = "nic", .mtu = 1500, .up = true, .ethernet = true },
		{ .ifindex = 21, .name = "nic.10", .kind = "vlan", .lower = 20, .vlan_id = 10, .vlan_protocol = 0x8100, .up = true, .ethernet = true },
		{ .ifindex = 22, .name = "nic.20", .kind = "vlan", .lower = 20, .vlan_id = 20, .vlan_protocol = 0x8100, .up = true, .ethernet = true },
	};
	struct host was = host;

	host = (struct host){ .links = more, .n_links = 3 };
	for (int swapped = 0; swapped < 2; swapped++) {
		struct plan *p = plan_of(swapped ? "interfaces: [ { name: nic.20, role: lan }, { name: nic.10, role: wan, mode: tc } ]\n" :
			"interfaces: [ { name: nic.10, role: wan, mode: tc }, { name: nic.20, role: lan } ]\n");

		assert_int_equal(p->n_nics, 1);
		assert_int_equal(p->nics[0].mode, MODE_TC);
		plan_free(p);
		p = plan_of(swapped ? "running: { mode: native }\ninterfaces: [ { name: nic.20, role: lan }, { name: nic.10, role: wan, mode: tc } ]\n" :
			"running: { mode: native }\ninterfaces: [ { name: nic.10, role: wan, mode: tc }, { name: nic.20, role: lan } ]\n");
		assert_int_equal(p->nics[0].mode, MODE_TC);
		plan_free(p);
	}
	host = was;
}

/* Clients of either family reach both backends, although one of them has only one family */
static void masquerading(void **state)
{
	struct plan *p = plan_of("services:\n  - name: hosts\n    listen: { interface: wan0, ports: [ 51820 ] }\n    nat: masquerade\n"
		"    flows: { source: [ 192.168.1.1, \"2001:db8::1\" ] }\n    backends:\n"
		"      - { name: alpha, ipv6: \"2001:db8:2::a\", port: 51820, public-key: \"" KEY_A "\" }\n"
		"      - { name: beta, ipv4: 192.168.1.12, port: 51822, public-key: \"" KEY_B "\" }\n");

	for (int i = 0; i < 2; i++) {
		const char *local = i ? "2001:db8::1" : "203.0.113.1";

		assert_int_equal(leads(p, KEY_SERVICE, local, 51820, "2001:db8:2::a"), 0);
		assert_int_equal(leads(p, KEY_BACKEND + 1, local, 51820, "192.168.1.12"), 1);
		assert_int_equal(entry(p, KEY_BACKEND + 1, local, 51820, WAN)->flags & (SERVICE_MASQUERADE | SERVICE_TO_IPV6), SERVICE_MASQUERADE);
	}
	plan_free(p);
}

/* ---- numbers ---- */

static const char *name_of(const struct plan *p, __u32 number)
{
	return p->guards[0].names[number].name;
}

static void numbers(void **state)
{
	struct plan *p = plan_of(HOSTS("") ALPHA BETA);

	assert_string_equal(name_of(p, 0), "alpha");
	assert_string_equal(name_of(p, 1), "beta");
	runs(p);
	plan_free(p);
	p = plan_of(HOSTS("") BETA ALPHA);		/* their order does not matter */
	assert_string_equal(name_of(p, 0), "alpha");
	assert_int_equal(leads(p, KEY_SERVICE, "203.0.113.1", 443, "192.168.1.11"), 0);
	plan_free(p);
	p = plan_of(HOSTS("") GAMMA BETA);		/* a new backend does not take over the old one's state */
	assert_string_equal(name_of(p, 0), "");
	assert_string_equal(name_of(p, 1), "beta");
	assert_string_equal(name_of(p, 2), "gamma");
	assert_int_equal(leads(p, KEY_SERVICE, "203.0.113.1", 443, "192.168.1.12"), 1);
	assert_int_equal(leads(p, KEY_BACKEND + 1, "203.0.113.1", 443, "192.168.1.12"), 1);
	assert_int_equal(leads(p, KEY_BACKEND + 2, "203.0.113.1", 443, "192.168.1.13"), 2);
	assert_int_equal(p->guards[0].keys[0].key.backend, 2);
	runs(p);
	plan_free(p);
	p = plan_of(HOSTS("") GAMMA BETA ALPHA);	/* only later */
	assert_string_equal(name_of(p, 0), "alpha");
	assert_string_equal(name_of(p, 2), "gamma");
	plan_free(p);
	forget();
}

/* A backend without an address has no route and no key. Its initiations go nowhere, and the other backends work */
static void waiting(void **state)
{
	struct plan *p = plan_of(HOSTS("") WAITS ALPHA);

	assert_int_equal(leads(p, KEY_SERVICE, "203.0.113.1", 443, "192.168.1.11"), 1);
	assert_int_equal(leads(p, KEY_BACKEND + 1, "203.0.113.1", 443, "192.168.1.11"), 1);
	assert_int_equal(p->guards[0].n_keys, 1);
	assert_int_equal(p->guards[0].keys[0].key.backend, 1);
	plan_free(p);
}

/* The single backend becomes number 0 of several, wherever it stands: it is not a former backend. If it is gone, no other
   one gets its number */
static void one_becomes_several(void **state)
{
	struct plan *p = plan_of("services: [ { name: hosts, listen: { interface: wan0, ports: [ 51820, 443 ] }, backend: { ipv4: 192.168.1.12, port: 51822 } } ]\n"), *q;

	runs(p);
	in.running = p->entries;
	in.n_running = p->n_entries;
	q = plan_of(HOSTS("") ALPHA BETA);
	assert_int_equal(leads(q, KEY_SERVICE, "203.0.113.1", 443, "192.168.1.12"), 0);
	assert_string_equal(name_of(q, 0), "beta");
	assert_string_equal(name_of(q, 1), "alpha");
	assert_int_equal(entries_of(q, KEY_OLD), 0);
	plan_free(q);
	q = plan_of(HOSTS("") ALPHA GAMMA);
	assert_int_equal(entries_of(q, KEY_OLD), 2);
	assert_string_equal(name_of(q, 0), "");
	assert_string_equal(name_of(q, 1), "alpha");
	plan_free(q);
	plan_free(p);
	forget();
}

#define PAIR(main, spare) \
	"services: [ { name: hosts, listen: { interface: wan0, ports: [ 51820 ] }, wireguard: { public-key: \"" KEY_A "\" },\n" \
	"  backend: { ipv4: " main ", port: 51820, standby: { ipv4: " spare " } } } ]\n"

/* The standby keeps serving, also when the configuration calls it the backend */
static void swapped(void **state)
{
	struct plan *p = plan_of(PAIR("192.168.1.11", "192.168.1.12")), *q;
	struct guard on = { .standby = 1 };
	struct config *before;
	struct captured t;

	assert_int_equal(parse_quietly(PAIR("192.168.1.11", "192.168.1.12"), &before, &t), 0);
	runs(p);
	plan_free(p);
	in.guards = &on;
	in.n_guards = 1;
	for (int is_swapped = 0; is_swapped < 2; is_swapped++) {
		in.before = before;
		q = plan_of(is_swapped ? PAIR("192.168.1.12", "192.168.1.11") : PAIR("192.168.1.11", "192.168.1.12"));
		assert_int_equal(q->guards[0].guard.standby, !is_swapped);
		assert_int_equal(leads(q, KEY_SERVICE, "203.0.113.1", 51820, "192.168.1.12"), 0);
		plan_free(q);
	}
	config_free(before);
	forget();
}

/* ---- maps ---- */

static struct dataplane dp;

static int map(size_t value, __u32 n, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "test", 4, value, n, &options);
}

/* Room for eight keys */
static bool have_maps(void)
{
	for (int i = 0; i < MAP_COUNT; i++)
		dp.maps[i] = -1;
	dp.maps[MAP_guards] = map(sizeof(struct guard), 4, BPF_F_MMAPABLE);
	dp.maps[MAP_guard_keys] = map(sizeof(struct guard_key), 8, 0);
	dp.maps[MAP_public_keys] = map(sizeof(struct public_key), 8, 0);
	dp.maps[MAP_guard_state] = map(sizeof(struct guard_state), 4, 0);
	dp.maps[MAP_health] = map(sizeof(struct health), 4 * GUARD_BACKENDS_MAX, 0);
	dp.maps[MAP_backend_names] = map(sizeof(struct backend_name), 4 * GUARD_BACKENDS_MAX, 0);
	return dp.maps[MAP_backend_names] >= 0;
}

static void drop_maps(void)
{
	for (int i = 0; i < MAP_COUNT; i++)
		if (dp.maps[i] >= 0)
			close(dp.maps[i]);
}

static int written(struct plan *p)
{
	int changes = 0, rc = dataplane_keys_write(&dp, p, &changes) ?: dataplane_guards_write(&dp, p, &changes);

	return rc ?: changes;
}

static __u32 backend_of(__u32 place, struct public_key *ret)
{
	struct guard_key key;

	assert_int_equal(bpf_map_lookup_elem(dp.maps[MAP_guard_keys], &place, &key), 0);
	assert_int_equal(bpf_map_lookup_elem(dp.maps[MAP_public_keys], &place, ret), 0);
	return key.backend;
}

static void assert_keys(__u32 id, __u32 first, const char *texts)
{
	struct guard_public *keys;
	struct guard g;
	size_t n;

	assert_true(dataplane_guard(&dp, id, &g));
	assert_int_equal(g.keys >> 8, first);
	assert_int_equal(dataplane_guard_keys(&dp, &g, &keys, &n), 0);
	assert_int_equal(n, strlen(texts));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(keys[i].key.b[0], texts[i]);	/* KEY_A to KEY_D begin with their letters */
	free(keys);
}

static void rows(void **state)
{
	struct public_key key;
	struct plan *p;

	if (!have_maps())
		skip();
	p = plan_of("services:\n" SERVICE("a", "1", "public-keys: [ \"" KEY_A "\", \"" KEY_B "\" ]"));
	assert_int_equal(written(p), 3);
	assert_keys(0, 0, "ab");
	assert_int_equal(written(p), 0);
	runs(p);
	plan_free(p);
	p = plan_of("services:\n" SERVICE("a", "1", "public-keys: [ \"" KEY_C "\", \"" KEY_A "\" ]"));
	assert_int_equal(written(p), 3);
	assert_keys(0, 2, "ca");
	assert_true(!backend_of(0, &key) && key.b[0] == 'a');	/* a reader of the former row reads it to its end */
	assert_true(!backend_of(1, &key) && key.b[0] == 'b');
	plan_free(p);
	p = plan_of("services:\n" SERVICE("a", "1", "public-keys: [ \"" KEY_C "\", \"" KEY_A "\" ], strict: true"));
	assert_int_equal(written(p), 1);		/* other limits, but the same keys */
	assert_keys(0, 2, "ca");
	plan_free(p);
	p = plan_of("services:\n" SERVICE("a", "1", "profile: none"));
	assert_int_equal(written(p), 1);
	assert_false(dataplane_guard(&dp, 0, &(struct guard){ 0 }));
	plan_free(p);
	forget();
	drop_maps();
}

/* A configuration without room changes nothing in use */
static void no_room(void **state)
{
	struct plan *p;
	struct captured t;
	int rc;

	if (!have_maps())
		skip();
	p = plan_of(HOSTS("") ALPHA BETA);
	assert_true(written(p) > 0);
	assert_keys(0, 0, "abc");
	runs(p);
	plan_free(p);
	p = plan_of(HOSTS("") ALPHA BETA GAMMA);
	assert_true(written(p) > 0);
	assert_keys(0, 3, "abcd");
	runs(p);
	plan_free(p);
	p = plan_of(HOSTS("") GAMMA BETA ALPHA);
	capture_stderr(&t);
	rc = written(p);
	release_stderr(&t);
	assert_int_equal(rc, -ENOSPC);
	assert_string_equal(t.text, "wgxdp: error: all services have 4 public keys, and the limit is 8: remove some\n");
	assert_keys(0, 3, "abcd");
	plan_free(p);
	forget();
	drop_maps();
}

/* Each number has its own health: it begins at zero for a new backend */
static void healths(void **state)
{
	struct health h = { .initiations = 7 };
	struct guard_state used = { .service_until = 7 };
	__u32 at = 1, zero = 0;
	struct plan *p;

	if (!have_maps())
		skip();
	p = plan_of(HOSTS("") ALPHA BETA);
	written(p);
	for (at = 0; at < 2; at++)
		assert_int_equal(bpf_map_update_elem(dp.maps[MAP_health], &at, &h, 0), 0);
	runs(p);
	plan_free(p);
	p = plan_of(HOSTS("") GAMMA ALPHA);
	written(p);
	assert_int_equal(dataplane_health(&dp, 0, 0, &h), 0);
	assert_int_equal(h.initiations, 7);
	assert_int_equal(dataplane_health(&dp, 0, 1, &h), 0);
	assert_int_equal(h.initiations, 0);
	bpf_map_update_elem(dp.maps[MAP_guard_state], &zero, &used, 0);
	assert_int_equal(dataplane_clear(&dp, MAP_guard_state, 0, 1), 0);
	assert_int_equal(dataplane_clear(&dp, MAP_health, 0, GUARD_BACKENDS_MAX), 0);
	assert_int_equal(dataplane_health(&dp, 0, 0, &h), 0);
	assert_int_equal(h.initiations, 0);
	bpf_map_lookup_elem(dp.maps[MAP_guard_state], &zero, &used);
	assert_int_equal(used.service_until, 0);
	plan_free(p);
	forget();
	drop_maps();
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_guard), TEST(guards), TEST(two_backends), TEST(direct), TEST(one_family_waits), TEST(none_without_ipv6), TEST(dummies), TEST(modes_of_vlans),
		TEST(masquerading), TEST(numbers), TEST(waiting),
		TEST(one_becomes_several), TEST(swapped), TEST(rows), TEST(no_room), TEST(healths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
