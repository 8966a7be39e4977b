/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A topology gives the expected addresses and hosts, and a second run with its state assigns the same.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "topologies.h"

static void two_sites(void **state)
{
	struct topology_state s = { .random = no_random };
	struct topology *t;

	assert_int_equal(topology_read("docs/examples/topology/two-sites.yaml", &t), 0);
	assert_int_equal(topology_assign(t, &s), 0);
	assert_int_equal(t->n_sites, 2);
	assert_int_equal(t->n_hosts, 8);
	assert_has(t, "relay", tunnel, "fd12:3456:7899::1");
	assert_has(t, "edge-a1", tunnel, "fd12:3456:7899::1:a");
	assert_has(t, "edge-a2", tunnel, "fd12:3456:7899::1:a");
	assert_has(t, "edge-a1", lan6, "fd12:3456:789a:a::1");
	assert_has(t, "edge-a2", lan6, "fd12:3456:789a:a::2");
	assert_has(t, "server-a2", lan6, "fd12:3456:789a:a::11");
	assert_has(t, "server-a2", mesh, "fd99:e2e::a:11");
	assert_has(t, "server-b1", mesh, "fd99:e2e::b:10");
	assert_int_equal(host(t, "relay")->port, htons(51820));
	assert_int_equal(t->mesh_port, htons(58001));
	assert_int_equal(t->n_dns, 2);
	topology_free(t);
	topology_state_free(&s);
}

/* ---- default values ---- */

static void defaults(void **state)
{
	struct topology_state s = { .random = no_random };
	struct topology *t = assigned("domain: example.net\n"
		"gateways:\n"
		"  - { name: g, interface: eth0, addresses: [ \"2001:db8:9::10\" ], port: 443, networks: [ 10.0.0.0/24, \"fd01::/64\" ],\n"
		"      home: [ 192.168.1.0/24, \"2001:db8:9::/64\" ], clients: [ { name: c } ],\n"
		"      roaming: [ { name: r, wan: eth0, lan: eth1, prefix: \"2001:db8:5::/64\" } ] }\n"
		"  - { name: h, interface: eth0, networks: [ \"2001:db8:1::/64\" ], exit: {}, clients: [ { name: d } ] }\n"
		"firewalls:\n"
		"  - { name: f, wan: eth0, lan: eth1, serves: G, backend: 192.168.1.10 }\n"
		"  - { name: m, wan: eth0, serves: g, nat: masquerade }\n", &s);
	const struct topology_host *c = host(t, "c"), *r = host(t, "r"), *f = host(t, "f"), *m = host(t, "m");

	assert_int_equal(c->n_split, 4);	/* no exit: only the existing routes */
	assert_false(c->direct);
	assert_int_equal(c->n_inside, 2);
	assert_prefix(&r->split[0], "10.0.0.0/24");	/* IPv4 to the internet does not go through the tunnel */
	assert_prefix(&r->split[1], "192.168.1.0/24");
	assert_prefix(&r->split[2], "::/0");
	assert_int_equal(r->n_split, 3);
	assert_has(t, "r", inside[0], "10.0.0.3");
	assert_true(host(t, "d")->direct);		/* there is no other way */
	assert_int_equal(host(t, "d")->n_split, 0);
	assert_true(host(t, "h")->exit.there && !host(t, "h")->exit.masquerade4 && !host(t, "h")->exit.masquerade6);
	assert_int_equal(f->port, htons(443));
	assert_ptr_equal(&t->hosts[f->gateway], host(t, "g"));
	assert_has(t, "f", backend6, "2001:db8:9::10");
	assert_true(f->nat == NAT_DNAT && f->ipv6 == IPV6_DIRECT && !f->forward6);
	assert_true(m->nat == NAT_MASQUERADE && m->forward6 && !m->backend4.family);
	assert_has(t, "m", backend6, "2001:db8:9::10");
	assert_false(t->overlay.family || t->tunnels.family || t->mesh.family);
	assert_int_equal(t->policy.udp_ports->first, 58000);
	topology_free(t);
	topology_state_free(&s);
}

/* Permanent addresses behind different NATs may be the same; the IPv4 LANs of two sites, and the policy's ports */
static void edges(void **state)
{
	struct topology_state s = { .random = no_random };
	struct topology *t = assigned("domain: example.net\n"
		"overlay: fd01::/48\n"
		"tunnels: fd02::/64\n"
		"mesh: off\n"
		"relays: [ { name: r, interface: eth0, blind: true } ]\n"
		"sites:\n"
		"  - { name: a, ipv4: 192.168.1.0/24, edges: [ { name: e, wan: w, lan: l, addresses: [ 10.0.0.2/24, \"2001:db8::2/56\" ],\n"
		"      gateway: [ 10.0.0.1, \"fe80::1\" ] } ] }\n"
		"  - { name: b, ipv4: 192.168.2.0/24, edges: [ { name: f, wan: w, lan: l, addresses: [ 10.0.0.2/24 ], gateway: 10.0.0.1 } ] }\n", &s);

	assert_has(t, "e", addresses[1], "2001:db8::2");
	assert_true(host(t, "e")->len4 == 24 && host(t, "e")->len6 == 56 && host(t, "f")->len6 == 0);
	assert_has(t, "f", gateways[0], "10.0.0.1");
	assert_prefix(&t->sites[1].ipv4, "192.168.2.0/24");
	assert_int_equal(t->policy.n_udp_ports, 0);
	topology_free(t);
	topology_state_free(&s);
	t = assigned("domain: example.net\n"
		"overlay: fd01::/48\n"
		"tunnels: fd02::/64\n"
		"policy: { tcp-ports: [ 22, 8000-8010 ] }\n"
		"relays: [ { name: r, interface: eth0 } ]\n"
		"sites: [ { name: a, edges: [ { name: e, wan: w, lan: l } ] } ]\n", &s);
	assert_int_equal(t->policy.tcp_ports[1].last, 8010);
	assert_prefix(&t->policy.overlay, "fd01::/48");
	topology_free(t);
	topology_state_free(&s);
}

static void vps(void **state)
{
	struct topology_state s = { .random = no_random };
	const struct topology_host *foo, *bar;
	struct topology *t;

	assert_int_equal(topology_read("docs/examples/topology/vps.yaml", &t), 0);
	assert_int_equal(topology_assign(t, &s), 0);
	foo = host(t, "foo");
	bar = host(t, "bar");
	assert_has(t, "vps", inside[0], "10.200.200.1");
	assert_has(t, "vps", inside[1], "fd42:42:42::1");
	assert_has(t, "vps", inside[2], "2001:db8:abcd:1234::1");
	assert_int_equal(foo->n_inside, 2);
	assert_address(&foo->inside[0], "10.200.200.2");
	assert_address(&foo->inside[1], "2001:db8:abcd:1234::2");
	assert_int_equal(bar->n_inside, 2);
	assert_address(&bar->inside[1], "fd42:42:42::3");
	assert_int_equal(bar->n_split, 0);
	assert_true(host(t, "vps")->exit.masquerade4 && !host(t, "vps")->exit.masquerade6);
	assert_has(t, "vps", exit.snat6, "2001:db8:0:1::5");
	topology_free(t);
	topology_state_free(&s);
}

static void read_example(const char *file, struct topology **t, struct topology_state *s)
{
	assert_int_equal(topology_read(file, t), 0);
	if (topology_assign(*t, s))
		fail_msg("%s", file);
}

static void examples(void **state)
{
	glob_t files;

	assert_int_equal(glob("docs/examples/topology/*.yaml", 0, NULL, &files), 0);
	assert_true(files.gl_pathc >= 8);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct topology_state s = {}, again = {};
		struct topology *t;
		char *first, *second;

		read_example(files.gl_pathv[i], &t, &s);
		topology_free(t);
		first = text_of(&s);
		assert_int_equal(topology_state_parse(first, "state", &again), 0);
		again.random = no_random;
		read_example(files.gl_pathv[i], &t, &again);
		second = text_of(&again);
		assert_string_equal(first, second);
		topology_free(t);
		topology_state_free(&s);
		topology_state_free(&again);
		free(first);
		free(second);
	}
	globfree(&files);
}

/* ---- from run to run ---- */

#define SITES "relays: [ { name: relay, interface: eth0, addresses: [ 198.51.100.1 ] } ]\nsites:\n"
#define SITE(name) "  - { name: " name ", edges: [ { name: e-" name ", wan: wan, lan: lan } ], servers: [ { name: s-" name ", interface: eth0 } ] }\n"

static unsigned int asked;

static int counting(void *to, size_t n)
{
	memset(to, ++asked, n);
	return 0;
}

static void made_at_random(void **state)
{
	struct topology_state s = { .random = counting };
	struct topology *t;

	asked = 0;
	t = assigned(SITES SITE("a"), &s);
	assert_prefix(&t->overlay, "fd01:101:101::/48");
	assert_prefix(&t->tunnels, "fd02:202:202::/64");
	assert_prefix(&t->mesh, "fd03:303:303::/64");
	assert_has(t, "s-a", lan6, "fd01:101:101:1::10");
	assert_has(t, "s-a", mesh, "fd03:303:303::1:10");
	topology_free(t);
	t = assigned(SITES SITE("a"), &s);
	assert_int_equal(asked, 3);		/* and never again */
	assert_prefix(&t->overlay, "fd01:101:101::/48");
	topology_free(t);
	topology_state_free(&s);

	asked = 0;				/* takes no address that exists already */
	t = assigned("overlay: \"fd01::/16\"\n" SITES SITE("a"), &s);
	assert_prefix(&t->tunnels, "fd02:202:202::/64");
	topology_free(t);
	topology_state_free(&s);
	t = assigned("overlay: \"fd01::/16\"\n" "mesh: off\nrelays: [ { name: relay, interface: eth0, blind: true, addresses: [ 198.51.100.1 ] } ]\nsites:\n" SITE("a"), &s);
	assert_false(t->mesh.family || host(t, "s-a")->mesh.family);
	topology_free(t);
	topology_state_free(&s);
}

static int failing(void *to, size_t n)
{
	return -EIO;
}

static int stuck(void *to, size_t n)
{
	memset(to, 1, n);
	return 0;
}

static void no_random_numbers(void **state)
{
	struct topology_state s = { .random = failing };
	struct topology *t;
	struct captured said;

	assert_int_equal(topology_parse(SITES SITE("a"), "t.yaml", &t), 0);
	assert_int_equal(topology_assign(t, &s), -EIO);
	s.random = stuck;
	capture_stderr(&said);
	assert_int_equal(topology_assign(t, &s), -EINVAL);
	release_stderr(&said);
	assert_non_null(strstr(said.text, "t.yaml: error: found no unused ULA prefix: add overlay:, tunnels: and mesh: with prefixes of your own"));
	topology_free(t);
	topology_state_free(&s);
}

static void nobody_moves(void **state)
{
	struct topology_state s = {};
	struct topology *t = assigned(SITES SITE("a") SITE("c"), &s);

	assert_int_equal(t->sites[1].subnet, 2);
	topology_free(t);
	t = assigned(SITES SITE("a") SITE("b") SITE("c"), &s);		/* one in the middle */
	assert_int_equal(t->sites[0].subnet, 1);
	assert_int_equal(t->sites[1].subnet, 3);
	assert_int_equal(t->sites[2].subnet, 2);
	topology_free(t);
	t = assigned(SITES SITE("c") SITE("d"), &s);			/* a and b left, and keep theirs */
	assert_int_equal(t->sites[0].subnet, 2);
	assert_int_equal(t->sites[1].subnet, 4);
	topology_free(t);
	t = assigned(SITES SITE("d") SITE("B") SITE("c"), &s);		/* b is back */
	assert_int_equal(t->sites[0].subnet, 4);
	assert_int_equal(t->sites[1].subnet, 3);
	topology_free(t);
	topology_state_free(&s);
}

/* A site whose prefix changes keeps its addresses in tunnels and mesh, and its former prefix is known for one run */
static void prefix_changes(void **state)
{
	struct topology_state s = { .random = counting };
	struct topology *t;

	asked = 0;
	t = assigned(SITES SITE("a") SITE("b"), &s);
	assert_false(t->sites[0].former.family);
	topology_free(t);
	t = assigned(SITES "  - { name: a, subnet: 3, edges: [ { name: e-a, wan: wan, lan: lan } ], servers: [ { name: s-a, interface: eth0 } ] }\n"
		SITE("b"), &s);
	assert_prefix(&t->sites[0].former, "fd01:101:101:1::/64");
	assert_false(t->sites[1].former.family);
	assert_has(t, "s-a", lan6, "fd01:101:101:3::10");
	assert_has(t, "s-a", mesh, "fd03:303:303::1:10");
	assert_has(t, "e-a", tunnel, "fd02:202:202::1:1");
	topology_free(t);
	t = assigned(SITES SITE("a") "  - { name: b, subnet: 1, edges: [ { name: e-b, wan: wan, lan: lan } ] }\n", &s);
	assert_false(t->sites[0].former.family);
	assert_prefix(&t->sites[1].former, "fd01:101:101:2::/64");
	assert_has(t, "e-b", tunnel, "fd02:202:202::1:2");
	topology_free(t);
	t = assigned("overlay: \"fd09::/48\"\n" SITES SITE("a") SITE("b"), &s);
	assert_prefix(&t->sites[0].former, "fd01:101:101:3::/64");
	assert_prefix(&t->sites[1].former, "fd01:101:101:1::/64");
	topology_free(t);
	topology_state_free(&s);
}

#define AT_GATEWAY(addresses, clients) "domain: example.net\ngateways:\n  - name: vps\n    interface: eth0\n" \
	"    addresses: [ 203.0.113.1" addresses " ]\n    networks: [ 10.0.0.0/24, \"fd42::/64\", \"2001:db8:0:1::/64\" ]\n" \
	"    exit: { ipv6: \"2001:db8:0:1::4\", proxy-ndp: true }\n    clients: [ " clients " ]\n"
#define DIRECT(name) "{ name: " name ", ipv6: direct }"

/* The clients' network is the prefix of the gateway's link: no client gets an address of the gateway */
static void own_addresses(void **state)
{
	struct topology_state s = { .random = no_random };
	struct topology *t = assigned(AT_GATEWAY("", DIRECT("foo")), &s);

	assert_has(t, "foo", inside[1], "2001:db8:0:1::2");
	topology_free(t);
	t = assigned(AT_GATEWAY(", \"2001:db8:0:1::2\"", DIRECT("foo") ", " DIRECT("bar")), &s);
	assert_has(t, "foo", inside[1], "2001:db8:0:1::3");
	assert_has(t, "bar", inside[1], "2001:db8:0:1::5");
	topology_free(t);
	topology_state_free(&s);
}

#define IN_A(edges, servers) "overlay: \"fd0a::/48\"\ntunnels: \"fd0b::/64\"\nmesh: { prefix: \"fd0c::/64\" }\n" SITES \
	"  - { name: a, subnet: a, edges: [ { name: x, wan: wan, lan: lan }" edges " ], servers: [" servers " ] }\n"
#define EDGE(name) ", { name: " name ", wan: wan, lan: lan }"
#define SERVER(name) " { name: " name ", interface: eth0 },"
#define AT(name, token) " { name: " name ", interface: eth0, token: " token " },"

static void hosts_of_a_site(void **state)
{
	struct topology_state s = { .random = no_random };
	struct topology *t = assigned(IN_A(EDGE("y"), SERVER("p") AT("q", "10") SERVER("r") AT("z", "2")), &s);

	assert_has(t, "x", lan6, "fd0a:0:0:a::1");
	assert_has(t, "y", lan6, "fd0a:0:0:a::3");		/* ::2 is z's */
	assert_has(t, "q", lan6, "fd0a:0:0:a::10");
	assert_has(t, "p", lan6, "fd0a:0:0:a::11");
	assert_has(t, "r", lan6, "fd0a:0:0:a::12");
	topology_free(t);
	t = assigned(IN_A("", SERVER("n") SERVER("r") AT("q", "20") SERVER("p")), &s);		/* y and z left; the file moves q */
	assert_has(t, "n", lan6, "fd0a:0:0:a::10");
	assert_has(t, "q", lan6, "fd0a:0:0:a::20");
	assert_has(t, "p", lan6, "fd0a:0:0:a::11");
	assert_has(t, "p", mesh, "fd0c::a:11");
	assert_int_equal(host(t, "p")->number, 0x11);
	topology_free(t);
	t = assigned(IN_A("", AT("m", "3") SERVER("q")), &s);		/* the file's address overrides that of a removed one */
	assert_has(t, "m", lan6, "fd0a:0:0:a::3");
	topology_free(t);
	t = assigned(IN_A("", AT("p", "20") AT("q", "11")), &s);		/* two are exchanged */
	assert_has(t, "p", lan6, "fd0a:0:0:a::20");
	assert_has(t, "q", lan6, "fd0a:0:0:a::11");
	topology_free(t);
	topology_state_free(&s);
}

/* Two runs, of which the second one fails */
static void clashes(const char *first, const char *second, const char *wanted)
{
	struct topology_state s = {};
	struct topology *t;
	struct captured said;
	int r;

	topology_free(assigned(first, &s));
	assert_int_equal(topology_parse(second, "t.yaml", &t), 0);
	capture_stderr(&said);
	r = topology_assign(t, &s);
	release_stderr(&said);
	assert_int_equal(r, -EINVAL);
	if (!strstr(said.text, wanted))
		fail_msg("'%s' is not said, but %s", wanted, said.text);
	topology_free(t);
	topology_state_free(&s);
}

#define CLIENTS(network, clients) "gateways: [ { name: g, interface: eth0, addresses: [ 192.0.2.1 ], networks: [ " network " ], clients: [" clients " ] } ]\n"
#define CLIENT(name) " { name: " name " },"

static void clashing(void **state)
{
	clashes(IN_A("", SERVER("p")), IN_A("", SERVER("p") AT("q", "10")),
		"t.yaml:6:120: error: token: an earlier run gave 10 to p: write another number here or there");
	clashes(IN_A("", SERVER("p")), IN_A("", SERVER("p") AT("q", "1")), "error: token: an earlier run gave 1 to x");
	clashes(SITES SITE("a"), SITES SITE("a") "  - { name: b, subnet: 1, edges: [ { name: x, wan: wan, lan: lan } ] }\n",
		"t.yaml:4:13: error: subnet: an earlier run gave 1 to a");
	clashes(CLIENTS("10.0.0.0/29", CLIENT("a") CLIENT("b") CLIENT("c")), CLIENTS("10.0.0.0/30", CLIENT("c")),
		"error: clients: 'c' would have number 4, but the prefix has only 2: write a shorter prefix, or forget old hosts");
	clashes(CLIENTS("10.0.0.0/30", CLIENT("a")), CLIENTS("10.0.0.0/30", CLIENT("b")), "'b' would have number 3, but the prefix has only 2");
	clashes("overlay: \"fd0a::/48\"\n" SITES SITE("a"), "tunnels: \"fd0a:0:0:7::/64\"\n" SITES SITE("a"),
		"t.yaml:1:1: error: overlay: the tunnels' prefix overlaps with fd0a::/48 from an earlier run");
}

/* ---- several relays ---- */

#define RELAYS(share, list) "domain: example.net\noverlay: \"fd0a::/48\"\ntunnels: \"fd0b::/64\"\n" share "relays: [" list " ]\n" \
	"sites: [ { name: a, subnet: a, edges: [ { name: x, wan: wan, lan: lan } ] } ]\n"
#define RELAY(name, last) " { name: " name ", interface: eth0, addresses: [ 192.0.2." last " ] },"
#define SHARE "relays-share: { name: relay }\n"

static void assert_between(const struct topology *t, const char *one, const char *other, const char *wanted)
{
	struct address a = topology_between(t, host(t, one), host(t, other));

	assert_address(&a, wanted);
}

/* A new relay takes its place beside the present one, and no address changes when a relay leaves */
static void several_relays(void **state)
{
	struct topology_state s = { .random = no_random };
	struct topology *t = assigned(RELAYS("", RELAY("relay", "1")), &s);

	assert_has(t, "relay", tunnel, "fd0b::1");
	assert_false(host(t, "relay")->shares);
	topology_free(t);
	t = assigned(RELAYS(SHARE, RELAY("r1", "1") RELAY("r2", "2") RELAY("r3", "3")), &s);
	assert_address(&t->shared.tunnel, "fd0b::1");
	assert_has(t, "r1", tunnel, "fd0b::1");
	assert_has(t, "r3", tunnel, "fd0b::1");
	assert_has(t, "x", tunnel, "fd0b::1:a");
	assert_int_equal(host(t, "r3")->number, 3);
	assert_int_equal(t->keepalive, 25);
	assert_int_equal(ntohs(t->shared.port), 51820);
	assert_between(t, "r1", "r3", "fd0b::103:1");
	assert_between(t, "r3", "r1", "fd0b::103:3");
	assert_between(t, "r3", "r2", "fd0b::203:3");
	topology_free(t);
	t = assigned(RELAYS("relays-share: { name: relay, keepalive: 1 }\n", RELAY("r4", "4") RELAY("r3", "3")), &s);
	assert_between(t, "r4", "r3", "fd0b::304:4");
	assert_int_equal(t->keepalive, 1);
	topology_free(t);
	topology_state_free(&s);
}

/* ---- the state ---- */

static void state_text(void **state)
{
	static const char text[] = "# a comment\n\noverlay fd0a::/48\nsite a a\n  host a x 1 \r\nrelay relay 1\nhost g c 300";
	static const char *const bad[] = {
		"overlay fd0a::/48\nsite", "overlay fd0a::/64", "tunnels fd0a::", "overlay 10.0.0.0/8", "overlay", "overlay fd0a::/48 x", "site a g", "site a 10000", "site a", "site a/b 1", "host a x 0x1",
		"host a x -1", "host a x 65536", "host a x", "host a x 1 2", "host a x 1 2 3 4", "host /sites a 1", "frob a 1", "host a x 1\nhost a x 2",
		"host a x 1\nhost a y 1", "host a x 1\nhost A X 2",
	};
	struct topology_state s;
	struct captured said;
	char *written;

	assert_int_equal(topology_state_parse(text, "assigned", &s), 0);
	assert_int_equal(s.n_kept, 4);
	assert_int_equal(s.kept[0].number, 10);
	written = text_of(&s);
	assert_string_equal(strchr(written, '\n') + 1, "overlay fd0a::/48\nsite a a\nhost a x 1\nrelay relay 1\nhost g c 300\n");
	free(written);
	topology_state_free(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		capture_stderr(&said);
		if (topology_state_parse(bad[i], "assigned", &s) != -EINVAL)
			fail_msg("'%s' is read", bad[i]);
		release_stderr(&said);
		assert_non_null(strstr(said.text, strchr(bad[i], '\n') ? "assigned:2: error: '" : "assigned:1: error: '"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_sites), cmocka_unit_test(defaults), cmocka_unit_test(edges), cmocka_unit_test(vps), cmocka_unit_test(examples),
		cmocka_unit_test(made_at_random), cmocka_unit_test(no_random_numbers), cmocka_unit_test(nobody_moves), cmocka_unit_test(prefix_changes),
		cmocka_unit_test(own_addresses),
		cmocka_unit_test(hosts_of_a_site), cmocka_unit_test(clashing), cmocka_unit_test(several_relays),
		cmocka_unit_test(state_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
