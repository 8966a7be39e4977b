/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether two configurations are the same, and one the same when it was written and read back. To be included after cmocka.h.
 */
#ifndef SAME_CONFIG_H
#define SAME_CONFIG_H

#include <stdio.h>
#include <stdlib.h>
#include "config/config.h"
#include "same_roaming.h"
#include "with_challenge.h"

static char *written(const struct config *c, int (*write)(const struct config *, FILE *))
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_int_equal(write(c, out), 0);
	fclose(out);
	return text;
}

static void assert_same_prefixes(const struct prefix *a, size_t n, const struct prefix *b, size_t n_b)
{
	assert_int_equal(n, n_b);
	for (size_t i = 0; i < n; i++)
		assert_true(prefix_within(&a[i], &b[i]) && prefix_within(&b[i], &a[i]));
}

static void assert_same_backend(const struct backend_config *a, const struct backend_config *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->ipv4, b->ipv4);
	assert_string_equal(a->ipv6, b->ipv6);
	assert_int_equal(a->port, b->port);
	assert_memory_equal(&a->standby, &b->standby, sizeof(a->standby));
	assert_int_equal(a->n_keys, b->n_keys);
	for (size_t i = 0; i < a->n_keys; i++)
		assert_int_equal(wg_key_compare(&a->keys[i], &b->keys[i]), 0);
}

static void assert_same_service(const struct service_config *a, const struct service_config *b)
{
	size_t i;

	assert_string_equal(a->name, b->name);
	assert_string_equal(a->listen_interface, b->listen_interface);
	assert_same_backend(&a->backend, &b->backend);
	assert_int_equal(a->n_backends, b->n_backends);
	for (i = 0; i < a->n_backends; i++)
		assert_same_backend(&a->backends[i], &b->backends[i]);
	assert_memory_equal(&a->guard, &b->guard, sizeof(a->guard));
	assert_int_equal(a->nat, b->nat);
	assert_int_equal(a->ipv6, b->ipv6);
	assert_int_equal(a->df, b->df);
	assert_int_equal(a->flows.max, b->flows.max);
	assert_int_equal(a->flows.timeout, b->flows.timeout);
	assert_int_equal(a->flows.ports.first, b->flows.ports.first);
	assert_int_equal(a->flows.ports.last, b->flows.ports.last);
	assert_int_equal(a->flows.n_sources, b->flows.n_sources);
	for (i = 0; i < a->flows.n_sources; i++)
		assert_true(address_equal(&a->flows.sources[i], &b->flows.sources[i]));
	assert_int_equal(a->n_ports, b->n_ports);
	for (i = 0; i < a->n_ports; i++)
		assert_int_equal(a->ports[i], b->ports[i]);
	assert_same_prefixes(a->allow, a->n_allow, b->allow, b->n_allow);
	assert_same_prefixes(a->deny, a->n_deny, b->deny, b->n_deny);
	assert_int_equal(a->n_listen_addresses, b->n_listen_addresses);
	for (i = 0; i < a->n_listen_addresses; i++)
		assert_true(address_equal(&a->listen_addresses[i], &b->listen_addresses[i]));
}

static void assert_same_relay(const struct config *a, const struct config *b)
{
	assert_int_equal(a->n_peers, b->n_peers);
	for (size_t i = 0; i < a->n_peers; i++) {
		assert_string_equal(a->peers[i].name, b->peers[i].name);
		assert_string_equal(a->peers[i].device, b->peers[i].device);
		assert_memory_equal(&a->peers[i].key, &b->peers[i].key, sizeof(a->peers[i].key));
		assert_same_prefixes(a->peers[i].prefixes, a->peers[i].n_prefixes, b->peers[i].prefixes, b->peers[i].n_prefixes);
	}
	assert_int_equal(a->follow.n_wireguard, b->follow.n_wireguard);
	for (size_t i = 0; i < a->follow.n_wireguard; i++)
		assert_string_equal(a->follow.wireguard[i].name, b->follow.wireguard[i].name);
	assert_int_equal(a->follow.n_tables, b->follow.n_tables);
	if (a->follow.n_tables)
		assert_memory_equal(a->follow.tables, b->follow.tables, a->follow.n_tables * sizeof(*a->follow.tables));
	assert_memory_equal(&a->announce, &b->announce, sizeof(a->announce));
	assert_same_prefixes(&a->policy.overlay, 1, &b->policy.overlay, 1);
	assert_int_equal(a->policy.icmpv6, b->policy.icmpv6);
	assert_int_equal(a->policy.reject, b->policy.reject);
	assert_int_equal(a->policy.n_udp_ports, b->policy.n_udp_ports);
	for (size_t i = 0; i < a->policy.n_udp_ports; i++)
		assert_memory_equal(&a->policy.udp_ports[i], &b->policy.udp_ports[i], sizeof(struct port_range));
}

static void assert_same_blind(const struct blind_config *a, const struct blind_config *b)
{
	assert_string_equal(a->interface, b->interface);
	assert_string_equal(a->device, b->device);
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->mtu, b->mtu);
	assert_int_equal(a->n_sites, b->n_sites);
	assert_int_equal(a->n_pairs, b->n_pairs);
	for (size_t i = 0; i < a->n_sites; i++)
		assert_string_equal(a->sites[i].name, b->sites[i].name);
	for (size_t i = 0; i < a->n_pairs; i++)
		for (int j = 0; j < 2; j++)
			assert_string_equal(a->pairs[i].name[j], b->pairs[i].name[j]);
	assert_memory_equal(&a->pair, &b->pair, sizeof(a->pair));
}

#define WITH_DDNS \
	"ddns:\n  - interface: ens18\n    names: [ a.example.net ]\n    records: [ A ]\n    ttl: 60\n" \
	"    provider: { exec: [ /usr/local/bin/update, 'with a \"space\"' ] }\n" \
	"  - interface: ens18\n    names: [ a.example.net, example.net ]\n    host: \"::a:0:0:10\"\n" \
	"    provider: { rfc2136: { server: ns.example.net, port: 5353, zone: example.net., key-file: tsig.key } }\n" \
	"  - interface: ens19\n    names: [ b.example.net ]\n    records: [ AAAA, A ]\n" \
	"    provider: { ovh: { endpoint: ovh-us, zone: example.net, credentials: /etc/wgxdp/ovh.conf } }\n" \
	"  - { interface: ens19, names: [ c.example.org ], provider: { ovh: { url: \"https://192.0.2.1/1.0/\", zone: example.org, credentials: a } } }\n"

static void assert_same_ddns(const struct ddns_config *a, const struct ddns_config *b)
{
	struct ddns_config x = *a, y = *b;

	assert_int_equal(a->n_names, b->n_names);
	assert_int_equal(a->n_command, b->n_command);
	for (size_t i = 0; i < a->n_names; i++)
		assert_string_equal(a->names[i].text, b->names[i].text);
	for (size_t i = 0; i < a->n_command; i++)
		assert_string_equal(a->command[i].text, b->command[i].text);
	x.names = y.names = x.command = y.command = NULL;
	assert_memory_equal(&x, &y, sizeof(x));
}

static void assert_same(const struct config *a, const struct config *b)
{
	size_t i;

	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->by_command, b->by_command);
	assert_int_equal(a->n_interfaces, b->n_interfaces);
	assert_int_equal(a->n_services, b->n_services);
	for (i = 0; i < a->n_interfaces; i++) {
		assert_string_equal(a->interfaces[i].name, b->interfaces[i].name);
		assert_int_equal(a->interfaces[i].role, b->interfaces[i].role);
		assert_int_equal(a->interfaces[i].mode, b->interfaces[i].mode);
		assert_int_equal(a->interfaces[i].shared, b->interfaces[i].shared);
	}
	for (i = 0; i < a->n_services; i++)
		assert_same_service(&a->services[i], &b->services[i]);
	assert_same_relay(a, b);
	assert_same_blind(&a->blind, &b->blind);
	assert_same_roaming(a, b);
	assert_int_equal(a->n_ddns, b->n_ddns);
	for (i = 0; i < a->n_ddns; i++)
		assert_same_ddns(&a->ddns[i], &b->ddns[i]);
}

static void assert_round_trip(const struct config *c)
{
	char *text = written(c, config_write);
	struct config *back = NULL;

	assert_int_equal(config_parse(text, "written", &back), 0);
	assert_same(c, back);
	config_free(back);
	free(text);
}

#endif
