/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each mistake in a topology is reported at its place. A complete topology gets one change at a time.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "topologies.h"

#define KEY "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define KEY2 "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTc="
#define SHORTER "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NO_KEY_AT_ALL "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"	/* 63 characters */

static const char good[] =
	"domain: example.net\n"
	"overlay: \"fd12:3456:789a::/48\"\n"
	"tunnels: \"fd12:3456:7899::/64\"\n"
	"mesh: { prefix: \"fd99:e2e::/64\", ports: 58000-60000, port: 58001 }\n"
	"preshared-keys: true\n"
	"tcp-ports: [ 22, 443 ]\n"
	"dns: [ 9.9.9.9 ]\n"
	"ddns: { ttl: 60, provider: { ovh: { zone: example.net, credentials: /etc/wgxdp/ovh.conf } } }\n"
	"relays:\n"
	"  - { name: relay, interface: eth0, addresses: [ 198.51.100.1 ], port: 51821, blind: true }\n"
	"sites:\n"
	"  - name: a\n"
	"    subnet: a\n"
	"    edges: [ { name: edge-a1, wan: wan, lan: lan } ]\n"
	"    servers:\n"
	"      - { name: server-a1, interface: eth0, token: 10, public-key: \"" KEY "\" }\n"
	"      - { name: server-a2, interface: eth0, token: 11 }\n"
	"  - { name: b, subnet: b0, public-key: \"" KEY2 "\", edges: [ { name: edge-b1, wan: wan, lan: lan, mtu: 1400 } ] }\n"
	"gateways:\n"
	"  - name: vps\n"
	"    interface: eth0\n"
	"    addresses: [ 203.0.113.1, \"2001:db8:0:1::1\" ]\n"
	"    networks: [ 10.200.200.0/24, \"fd42:42:42::/64\", \"2001:db8:abcd:1234::/64\" ]\n"
	"    exit: { ipv4: masquerade, ipv6: \"2001:db8:0:1::5\", inbound: open, proxy-ndp: true }\n"
	"    clients:\n"
	"      - { name: foo, ipv6: direct }\n"
	"      - { name: bar, ipv6: nat, split: [ 192.168.9.0/24 ] }\n"
	"  - name: wg-end\n"
	"    interface: eth0\n"
	"    lan: eth1\n"
	"    ddns: true\n"
	"    networks: [ 10.9.0.0/24, \"fd09::/64\" ]\n"
	"    home: [ 192.168.1.0/24 ]\n"
	"    roaming: [ { name: r1, wan: wan, lan: br-lan, prefix: \"2001:db8:abcd:5::/64\", openwrt: true, knock: 19000 } ]\n"
	"firewalls:\n"
	"  - { name: firewall, wan: ppp0, link: pppoe, lan: eth1, serves: wg-end, lan-address: 192.168.1.1, backend: 192.168.1.10, ddns: true }\n"
	"  - { name: entry, wan: eth0, serves: wg-end, nat: masquerade, addresses: [ 203.0.113.2 ] }\n";

struct bad {
	const char *from, *to;		/* the change to the good topology */
	const char *at;			/* place of the message: from this text in the result; with ^ in front, at or behind the change */
	const char *text;		/* the message, or its beginning; with ~ in front, any other place may have another one */
};

/* The text with the first `from` replaced */
static char *changed(const struct bad *b, size_t *ret_at)
{
	const char *place = strstr(good, b->from), *at;
	char *text;

	if (!place)
		fail_msg("'%s' is not there", b->from);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(place - good), good, b->to, place + strlen(b->from)) >= 0);
	at = *b->at == '^' ? strstr(text + (place - good), b->at + 1) : strstr(text, b->at);
	if (!at)
		fail_msg("'%s' is not there", b->at);
	*ret_at = at - text;
	return text;
}

static unsigned int errors_in(const char *said)
{
	unsigned int n = 0;

	while ((said = strstr(said, ": error: ")) && n++ < 100)
		said++;
	return n;
}

static bool is_bad(const struct bad *b)
{
	unsigned int line = 1, column = 1;
	struct topology *t;
	struct captured said;
	char *text, *wanted;
	bool right, more = *b->text == '~';
	size_t at;
	int r;

	text = changed(b, &at);
	for (size_t i = 0; i < at; i++) {
		column = text[i] == '\n' ? 1 : column + 1;
		line += text[i] == '\n';
	}
	assert_true(asprintf(&wanted, "topology.yaml:%u:%u: error: %s", line, column, b->text + more) > 0);
	capture_stderr(&said);
	r = topology_parse(text, "topology.yaml", &t);
	release_stderr(&said);
	if (!r)
		topology_free(t);
	right = r == -EINVAL && !strncmp(said.text, wanted, strlen(wanted)) && (errors_in(said.text) > 1) == more;
	if (!right)
		print_error("'%.40s' to '%.40s': %d, expected:\n%s\ngot:\n%s\n", b->from, b->to, r, wanted, said.text);
	free(text);
	free(wanted);
	return right;
}

static void all_bad(const struct bad *list, size_t n)
{
	unsigned int wrong = 0;

	for (size_t i = 0; i < n; i++)
		wrong += !is_bad(&list[i]);
	assert_int_equal(wrong, 0);
}
#define ALL_BAD(list) all_bad(list, sizeof(list) / sizeof(*(list)))

static void is_good(void **state)
{
	struct topology *t;

	assert_int_equal(topology_parse(good, "topology.yaml", &t), 0);
	topology_free(t);
}

static void whole(void **state)
{
	static const struct bad list[] = {
		{ good, "- a\n", "a\n", "the file does not begin with a section of a topology: begin with a section, such as gateways: or sites:" },
		{ good, "", "", "the file is empty: begin with a section" },
		{ good, "{}\n", "{}", "the topology has no hosts: add a section with hosts, such as gateways: or sites:" },
		{ good, "domain: example.net\n", "domain", "the topology has no hosts: add a section with hosts" },
		{ "tunnels:", "tunnel:", "tunnel:", "unknown key 'tunnel' in the topology: did you mean 'tunnels'?" },
		{ "domain:", "servers: []\ndomain:", "servers", "unknown key 'servers' in the topology: it belongs under 'sites'" },
		{ "domain:", "frobnicate: 1\ndomain:", "frob", "unknown key 'frobnicate' in the topology: remove it, or write one of domain, overlay" },
		{ "domain:", "mesh: off\ndomain:", "mesh: {", "mesh: this key is given twice in the topology" },
		{ "example.net", "exam_ple.net", "exam_", "domain: 'exam_ple.net' is neither an address nor a host name: write" },
		{ "fd12:3456:789a::/48", "fd12:3456:789a::", "^fd12", "overlay: 'fd12:3456:789a::' has no length after '/': write a prefix such as 10.0.0.0/24 or fd00::/64" },
		{ "fd12:3456:789a::/48", "fd12:3456:789a::/32", "^fd12", "overlay: 'fd12:3456:789a::/32' has bits set beyond its length" },
		{ "fd12:3456:789a::/48", "10.0.0.0/8", "^10", "overlay: '10.0.0.0/8' is an IPv4 prefix: write an IPv6 prefix, such as \"fd12:3456:789a::/48\"" },
		{ "fd12:3456:789a::/48", "fe80::/48", "^fe80", "overlay: 'fe80::/48' is a link-local prefix" },
		{ "fd12:3456:789a::/48", "ff05::/48", "^ff05", "overlay: 'ff05::/48' is a multicast prefix" },
		{ "fd12:3456:789a::/48", "::ffff:10.0.0.0/104", "^::ffff", "overlay: '::ffff:10.0.0.0/104' is an IPv4 prefix written as IPv6: write the IPv4 prefix itself" },
		{ "fd12:3456:789a::/48", "64:ff9b::/48", "^64", "overlay: '64:ff9b::/48' is neither a ULA (in fc00::/7) nor global (in 2000::/3): write one of these" },
		{ "fd12:3456:789a::/48", "fc00::/8", "^fc00", "overlay: 'fc00::/8' is too large: write /16 to /60, such as \"fd12:3456:789a::/48\"" },
		{ "fd12:3456:789a::/48", "fd12:3456:789a::/64", "^fd12", "overlay: 'fd12:3456:789a::/64' is too small: write /16 to /60, such as \"fd12:3456:789a::/48\"" },
		{ "fd12:3456:7899::/64", "fd12:3456:7899::/112", "^fd12", "tunnels: 'fd12:3456:7899::/112' is too small: write /32 to /96, such as \"fd12:3456:7899::/64\"" },
		{ "fd12:3456:7899::/64", "fd12:3456:789a:f::/64", "^fd12", "tunnels: fd12:3456:789a:f::/64 overlaps with the overlay fd12:3456:789a::/48: write a prefix of its own" },
		{ "fd99:e2e::/64", "fd12:3456::/32", "fd12:3456::/32", "~prefix: fd12:3456::/32 overlaps with the overlay fd12:3456:789a::/48: write a prefix of its own" },
		{ "fd99:e2e::/64", "fd12:3456:7899::/96", "fd12:3456:7899::/96", "prefix: fd12:3456:7899::/96 overlaps with the tunnels fd12:3456:7899::/64: write a prefix of its own" },
		{ "58000-60000", "60000-58000", "60000-58000", "ports: '60000-58000' is a range that ends before it begins: write 58000-60000" },
		{ "port: 58001", "port: 51820", "51820", "port: relays do not let port 51820 pass: write one from 58000 to 60000" },
		{ "mesh: { prefix: \"fd99:e2e::/64\", ports: 58000-60000, port: 58001 }", "mesh: on", "on", "mesh: this is a single value, and must be a mapping: write" },
		{ "mesh: { prefix: \"fd99:e2e::/64\", ports: 58000-60000, port: 58001 }", "mesh: off", KEY,
		  "public-key: with mesh: off, a server has no tunnel of its own: remove this key" },
		{ "keys: true", "keys: yes", "yes", "preshared-keys: 'yes' is unknown: write false or true" },
		{ "22, 443", "22, 0", "0 ]", "tcp-ports: '0' is not a port or a range of ports (1 to 65535): write one such as 22" },
		{ "22, 443", "22, 22", "22 ]", "tcp-ports: '22' and 22-22 have some ports in common: correct one of the two ranges" },
		{ "mesh: {", "policy: { tcp-ports: [ 22 ] }\nmesh: {", "tcp-ports: [ 22 ] }\nmesh", "policy: blind relays let through every packet between sites: remove policy" },
		{ "mesh: {", "policy: { udp-ports: [ 22 ] }\nmesh: {", "udp-ports", "unknown key 'udp-ports' in policy: did you mean 'tcp-ports'?" },
		{ "9.9.9.9", "dns.example", "dns.example", "dns: 'dns.example' is not an address: write one" },
		{ "9.9.9.9", "9.9.9.9, 9.9.9.9", "9.9.9.9 ]", "dns: 9.9.9.9 is listed twice: remove one of the two" },
		{ "ttl: 60", "ttl: 0", "0, provider", "ttl: '0' is too small: write a number from 1 to 604800" },
		{ "provider: { ovh: { zone: example.net, credentials: /etc/wgxdp/ovh.conf } }", "provider: {}", "{}", "provider: exactly one provider is needed: write rfc2136, ovh or exec" },
	};

	ALL_BAD(list);
}

static void hosts(void **state)
{
	static const struct bad list[] = {
		{ "name: relay", "name: -relay", "-relay", "name: '-relay' cannot be a name: write up to 63 letters, digits and, between them, '-', such as relay" },
		{ "name: relay", "name: relay-", "relay-", "name: 'relay-' cannot be a name: write" },
		{ "name: relay", "name: ../relay", "../", "name: '../relay' cannot be a name: write" },
		{ "name: relay", "name: r.example", "r.ex", "name: 'r.example' has a dot: write the name without its domain, r" },
		{ "name: relay", "name: a" LABEL, "a" LABEL, "name: 'a" LABEL "' cannot be a name" },
		{ "name: relay", "name: State", "State", "name: 'State' is reserved for another directory: choose another name, such as relay" },
		{ "name: relay", "name: prometheus", "prometheus", "name: 'prometheus' is reserved for another directory: choose another name, such as relay" },
		{ "name: relay", "name: rollout", "rollout, interface", "name: 'rollout' is reserved for another directory: choose another name, such as relay" },
		{ "name: relay, ", "", "interface: eth0, addr", "relays: 'name' is missing: add name: relay" },
		{ "name: foo", "name: bar", "bar, ipv6: nat", "name: the name 'bar' is also in line 26: give each host and site its own" },
		{ "name: foo", "name: Relay", "Relay", "name: the name 'Relay' is also in line 10: give each host and site its own" },
		{ "name: edge-b1", "name: b", "b, wan", "name: the name 'b' is also in line 18: give each host and site its own" },
		{ "interface: eth0", "interface: eth0;id", "eth0;id", "interface: 'eth0;id' cannot be the name of an interface: write up to 15 letters, digits, '-'," },
		{ "interface: eth0", "interface: a234567890123456", "a23", "interface: 'a234567890123456' cannot be the name of an interface: write" },
		{ "interface: eth0", "interface: wg0", "wg0", "interface: 'wg0' is the name of a tunnel that `wgxdp gen hosts` itself makes: name the network card that carries it, such as eth0" },
		{ "interface: eth0, ", "", "name: relay", "relays: 'interface' is missing: add interface: eth0" },
		{ "lan: lan", "lan: wan", "wan } ]", "lan: interface 'wan' is also given as wan: name another interface, or a VLAN on it, such as wan.10" },
		{ "    lan: eth1", "    lan: eth0", "^eth0", "lan: interface 'eth0' is also given as interface: name another interface, or a VLAN on it, such as eth0.10" },
		{ ", lan: lan }", " }", "name: edge-a1", "edges: 'lan' is missing: add lan: eth1" },
		{ "mtu: 1400", "mtu: 1279", "1279", "mtu: '1279' is too small: write a number from 1280 to 9216" },
		{ "mtu: 1400", "mtu: 9217", "9217", "mtu: '9217' is too large: write a number from 1280 to 9216" },
		{ "mtu: 1400", "mtu: 15OO", "15OO", "mtu: '15OO' has characters that are not digits: write a number from 1280 to 9216" },
		{ "link: pppoe", "link: atm", "atm", "link: 'atm' is unknown: write ethernet, pppoe or ds-lite" },
		{ "link: pppoe", "link: pppoe, mtu: 1400", "1400, lan", "mtu: link: says the MTU already: remove one of the two keys" },
		{ KEY, "YWJj", "YWJj", "public-key: 'YWJj' is not a WireGuard key (4 characters): copy all 44 characters that `wg pubkey` prints, with the '=' at their end" },
		{ KEY, NO_KEY_AT_ALL, "AAAA", "public-key: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' is all zeros, which is no key: copy what `wg pubkey` prints" },
		{ KEY, KEY2, KEY2 "\", edges", "public-key: " KEY2 " is also the key of server-a1: give each host its own" },
		{ "203.0.113.1", "203.0.113.256", "203.0.113.256", "addresses: '203.0.113.256' is not an address: write one" },
		{ "203.0.113.1", "203.0.113.1, 203.0.113.1", "203.0.113.1, \"", "addresses: 203.0.113.1 is listed twice" },
		{ "203.0.113.1", "::ffff:203.0.113.1", "::ffff", "addresses: '::ffff:203.0.113.1' is an IPv4 address written as IPv6" },
		{ "203.0.113.1", "fe80::1", "fe80::1", "addresses: 'fe80::1' is a link-local address" },
		{ "203.0.113.1", "198.51.100.1", "198.51.100.1, \"", "addresses: 198.51.100.1 is also an address of relay: give each host its own" },
		{ "port: 51821", "port: 0", "0, blind", "port: '0' is not a port: write 1 to 65535, such as 51820" },
		{ "ddns: { ttl: 60, provider: { ovh: { zone: example.net, credentials: /etc/wgxdp/ovh.conf } } }\n", "", "true\n    networks",
		  "~ddns: no provider is given that writes the names: add ddns: { provider: … } at the top of the file" },
		{ "zone: example.net", "zone: example.com", "true\n    networks", "~ddns: example.net is not in the zone example.com of provider: correct one of the two" },
		{ "domain: example.net\n", "", "true\n    networks", "~ddns: the domain for the name is missing: add domain: example.net at the top of the file" },
		{ "domain: example.net\n", "domain: " LABEL "." LABEL "." LABEL "." SHORTER "\n", "a\n    subnet", "~name: a." LABEL },
	};

	ALL_BAD(list);
}

static void sites(void **state)
{
	static const struct bad list[] = {
		{ "198.51.100.1", "198.51.100.1, 198.51.100.2", "198", "addresses: a blind relay has at most one IPv4 and one IPv6 address: remove the others" },
		{ "blind: true }", "blind: true }\n  - { name: r2, interface: eth0 }", "name: r2",
		  "relays: several relays need a common name: add relays-share: { name: … } at the top of the file" },
		{ "relays:\n  - { name: relay, interface: eth0, addresses: [ 198.51.100.1 ], port: 51821, blind: true }\n", "", "name: a\n",
		  "sites: no relay connects the sites: add relays: [ { name: relay, interface: eth0, addresses: [ 198.51.100.1 ], port: 51820 } ]" },
		{ "subnet: a", "subnet: 12345", "12345", "subnet: '12345' is not a hexadecimal number from 0 to ffff: write one such as a" },
		{ "subnet: a", "subnet: xyz", "xyz", "subnet: 'xyz' is not a hexadecimal number from 0 to ffff: write one such as a" },
		{ "subnet: a", "subnet: B0", "b0, public", "subnet: b0 is also the subnet of a: give each site its own" },
		{ "789a::/48\"", "789a::/60\"", "b0, pub", "subnet: b0 does not fit into the overlay, because a /60 has 16 subnets: write 0 to f, or a larger overlay" },
		{ "subnet: a\n", "ipv4: 192.168.1.9/24\n", "192.168.1.9", "ipv4: '192.168.1.9/24' has bits set beyond its length: write 192.168.1.0/24" },
		{ "subnet: a\n", "ipv4: 192.168.1.0\n", "192.168.1.0", "ipv4: '192.168.1.0' has no length after '/'" },
		{ "subnet: a\n", "ipv4: fd00::/64\n", "fd00::", "ipv4: 'fd00::/64' is an IPv6 prefix: write an IPv4 prefix" },
		{ "subnet: a\n", "ipv4: 192.168.1.0/31\n", "192.168.1.0", "ipv4: '192.168.1.0/31' is too small: write /30 or shorter" },
		{ "subnet: a\n", "ipv4: 127.0.0.0/8\n", "127.", "ipv4: '127.0.0.0/8' has no addresses that hosts can use" },
		{ "subnet: a\n    edges: [ { name: edge-a1, wan: wan, lan: lan } ]", "ipv4: 192.168.1.0/24\n    edges: [ { name: edge-a1, wan: wan, lan: lan }, { name: edge-a2, wan: wan, lan: lan } ]",
		  "192.168.1.0", "ipv4: site 'a' has 2 edge routers, and hosts of an IPv4 LAN know one of them: remove the others, or this key" },
		{ good, "domain: example.net\nrelays: [ { name: r, interface: eth0 } ]\n"
		  "sites: [ { name: a, ipv4: 10.1.0.0/16, edges: [ { name: e, wan: wan, lan: lan } ] } ]\n", "10.1.0.0",
		  "ipv4: only blind relays carry IPv4 between sites: remove this key, or add blind: true to the relays" },
		{ good, "domain: example.net\nrelays: [ { name: r, interface: eth0, blind: true } ]\n"
		  "sites: [ { name: a, ipv4: 10.1.0.0/16, edges: [ { name: e, wan: wan, lan: lan } ] },\n"
		  "  { name: b, ipv4: 10.1.2.0/24, edges: [ { name: f, wan: wan, lan: lan } ] } ]\n", "10.1.2.0",
		  "ipv4: 10.1.2.0/24 of site 'b' overlaps with 10.1.0.0/16 of site 'a': give one of the two LANs other addresses" },
		{ "lan: lan }", "lan: lan, addresses: [ 203.0.113.5 ], gateway: 203.0.113.1 }", "203.0.113.5", "addresses: '203.0.113.5' is not an address with the length of its prefix: write one such as 203.0.113.5/24" },
		{ "lan: lan }", "lan: lan, addresses: [ 203.0.113.5/33 ], gateway: 203.0.113.1 }", "203.0.113.5", "addresses: '203.0.113.5/33' is not an address with" },
		{ "lan: lan }", "lan: lan, addresses: [ 203.0.113.5/24, 203.0.113.6/24 ], gateway: 203.0.113.1 }", "203.0.113.6", "addresses: there are two IPv4 addresses: write one of each family" },
		{ "lan: lan }", "lan: lan, addresses: [ 203.0.113.5/24 ] }", "name: edge-a1", "gateway: IPv4 has only one of an address and the next hop of the default route: add the other one" },
		{ "lan: lan }", "lan: lan, addresses: [ 203.0.113.5/24 ], gateway: [ 203.0.113.1, 'fe80::1' ] }", "203.0.113.1, 'fe80", "gateway: IPv6 has only one of an address and the next hop of the default route: add the other one" },
		{ "lan: lan }", "lan: lan, addresses: [ 203.0.113.5/24 ], gateway: [ 203.0.113.1, 203.0.113.2 ] }", "203.0.113.1, 203", "gateway: write one for each IP version" },
		{ "wan: wan, lan: lan }", "wan: ppp0, lan: lan, addresses: [ 203.0.113.5/24 ], gateway: 203.0.113.1 }", "203.0.113.5/24 ], gateway", "addresses: pppd gives 'ppp0' its addresses: remove this key" },
		{ "edges: [ { name: edge-a1, wan: wan, lan: lan } ]", "edges: []", "name: a\n", "sites: site 'a' has no edge router: add edges: [ { name: edge-a1, wan: eth0, lan: eth1 } ]" },
		{ "token: 11", "token: 10", "10 }", "token: 10 is also the token of server-a1: give each server of a site its own" },
		{ "token: 11", "token: 0", "0 }", "token: '0' is not a hexadecimal number from 1 to ffff: write one such as 10" },
		{ "token: 11", "token: ::11", "::11", "token: '::11' is not a hexadecimal number from 1 to ffff: write one such as 10" },
	};

	ALL_BAD(list);
}

#define RELAYS(before, share, first, rest) before "relays-share: { " share " }\nrelays:\n  - { name: r1, " first " }\n  - { name: r2, " rest " }\n"
#define DOMAIN "domain: example.net\n"
#define NAMED "name: relay"
#define FIRST "interface: eth0, addresses: [ 192.0.2.1 ]"
#define SECOND "interface: eth0, addresses: [ 192.0.2.2 ]"
#define THIRD "interface: eth0, addresses: [ 192.0.2.3 ]"
#define BLIND ", blind: true"
#define FIRST6 "interface: eth0, addresses: [ 192.0.2.1, '2001:db8::1' ]"
#define SECOND6 "interface: eth0, addresses: [ 192.0.2.2, '2001:db8::2' ]"

static void relays(void **state)
{
	static const struct bad list[] = {
		{ good, RELAYS("", NAMED, FIRST, SECOND), "name: relay }", "relays-share: the domain for the name is missing: add domain: example.net at the top of the file" },
		{ good, RELAYS(DOMAIN, "", FIRST, SECOND), "{  }", "relays-share: 'name' is missing: add name: relay" },
		{ good, DOMAIN "relays-share: { " NAMED " }\n", "name: relay }", "relays-share: the list of relays is missing: add relays: [ { name: r1, interface: eth0, addresses: … }, … ]" },
		{ good, RELAYS(DOMAIN, NAMED ", keepalive: 26", FIRST, SECOND), "26", "keepalive: '26' is too large: write a number from 1 to 25" },
		{ good, RELAYS(DOMAIN, NAMED ", keepalive: 0", FIRST, SECOND), "0 }\nrelays", "keepalive: '0' is too small: write a number from 1 to 25" },
		{ good, RELAYS(DOMAIN, "name: r1", FIRST, SECOND), "r1, inter", "name: the name 'r1' is also in line 2: give each host and site its own" },
		{ good, RELAYS(DOMAIN, NAMED, FIRST, SECOND ", blind: true"), "true }", "blind: relays that share a key are all blind, or none is: write blind: false here" },
		{ good, RELAYS(DOMAIN, NAMED, FIRST BLIND, SECOND), "name: r2", "blind: relays that share a key are all blind, or none is: write blind: true here" },
		{ good, RELAYS(DOMAIN, NAMED, FIRST BLIND, "interface: eth0, addresses: [ 2001:db8::2 ]" BLIND), "name: r1", "relays: addresses: edge routers use one IP version to all blind relays: give all an IPv4 address, or all an IPv6 one" },
		{ good, RELAYS(DOMAIN, NAMED, FIRST BLIND, "interface: eth0, addresses: [ 192.0.2.2, 192.0.2.3 ]" BLIND), "192.0.2.2", "addresses: a blind relay has at most one IPv4 and one IPv6 address: remove the others" },
		{ good, RELAYS(DOMAIN, NAMED ", addresses: [ 192.0.2.9 ], gateways: [ 192.0.2.254 ]", FIRST, SECOND), NAMED, "relays-share: addresses: two blind relays can share addresses, and here are 2 relays that are not blind: remove addresses" },
		{ good, RELAYS(DOMAIN, NAMED ", addresses: [ 192.0.2.9 ], gateways: [ 192.0.2.254 ]", FIRST BLIND, SECOND BLIND " }\n  - { name: r3, " THIRD BLIND), NAMED, "relays-share: addresses: two blind relays can share addresses, and here are 3 relays: remove addresses" },
		{ good, RELAYS(DOMAIN, NAMED ", addresses: [ 192.0.2.9 ]", FIRST BLIND, SECOND BLIND), NAMED, "relays-share: gateways: the next hop of the default route over IPv4 is missing: add it" },
		{ good, RELAYS(DOMAIN, NAMED ", addresses: [ '2001:db8::9' ], gateways: [ 'fe80::1' ]", FIRST6 BLIND, SECOND6 BLIND), NAMED, "relays-share: addresses: write one IPv4 address, for which keepalived uses VRRP, and at most one IPv6 address" },
		{ good, DOMAIN "relays-share: { " NAMED ", addresses: [ 192.0.2.9 ], gateways: [ 192.0.2.254 ] }\n", "name: relay", "~relays-share: addresses: two blind relays can share addresses, and here are 0 relays that are not blind: remove addresses" },
		{ good, RELAYS(DOMAIN, NAMED ", addresses: [ 192.0.2.1 ], gateways: [ 192.0.2.254 ]", FIRST BLIND, SECOND BLIND), NAMED, "relays-share: addresses: 192.0.2.1 is also the address of r1: write another one" },
		{ good, RELAYS(DOMAIN, NAMED ", addresses: [ 192.0.2.9 ], gateways: [ 192.0.2.254, 192.0.2.253 ]", FIRST BLIND, SECOND BLIND), NAMED, "relays-share: gateways: write one for each IP version" },
		{ good, RELAYS(DOMAIN, NAMED ", gateways: [ 192.0.2.254 ]", FIRST BLIND, SECOND BLIND), NAMED, "relays-share: gateways: they belong to addresses that two blind relays share: add addresses, or remove gateways" },
		{ good, RELAYS(DOMAIN, NAMED ", addresses: [ 192.0.2.9, '2001:db8::9' ], gateways: [ 192.0.2.254, 'fe80::1' ]", FIRST6 BLIND, SECOND BLIND), "name: r2", "relays: addresses: relay 'r2' needs an IPv6 address of its own beside the shared one" },
		{ good, RELAYS(DOMAIN, NAMED, FIRST, SECOND ", public-key: \"" KEY "\""), KEY, "public-key: with relays-share, all relays have the same key: write it in relays-share" },
		{ good, RELAYS(DOMAIN, NAMED, FIRST, "interface: eth0"), "name: r2", "relays: addresses: relay 'r2' has none, and the name 'relay' leads to the addresses of all relays: add addresses" },
		{ good, RELAYS(DOMAIN, NAMED, FIRST, SECOND ", port: 51821"), "51821", "port: with relays-share, all relays have the same port: write the same port everywhere" },
		{ good, RELAYS(DOMAIN, NAMED, FIRST ", port: 65281", SECOND ", port: 65281"), "65281 }\n  -", "~port: with relays-share, the port is at most 65280, because the tunnels between relays use the next ports" },
		{ good, RELAYS(DOMAIN, NAMED, FIRST, "interface: wg-r1, addresses: [ 192.0.2.2 ]"), "wg-r1", "interface: 'wg-r1' is a tunnel between relays" },
	};

	ALL_BAD(list);
}

static void gateways(void **state)
{
	static const struct bad list[] = {
		{ "    networks: [ 10.200.200.0/24, \"fd42:42:42::/64\", \"2001:db8:abcd:1234::/64\" ]\n", "", "name: vps", "gateways: 'networks' is missing" },
		{ "[ 10.9.0.0/24, \"fd09::/64\" ]", "[]", "[]", "networks: the list has no network: add [ 10.200.200.0/24, \"fd42:42:42::/64\" ]" },
		{ "10.9.0.0/24", "10.9.0.0/31", "10.9.0.0/31", "networks: 10.9.0.0/31 is too small: write /30 or shorter" },
		{ "fd09::/64", "fd09::/113", "fd09::/113", "networks: fd09::/113 is too small: write /112 or shorter" },
		{ "10.9.0.0/24", "10.9.0.0/24, 10.10.0.0/24", "10.10", "networks: 10.10.0.0/24 is a second prefix of IPv4: write at most one IPv4 prefix, one ULA and one global IPv6 prefix" },
		{ "10.9.0.0/24", "10.9.0.0/24, 10.9.0.0/25", "10.9.0.0/25", "networks: '10.9.0.0/25' overlaps with another prefix of the list: remove one of the two" },
		{ "10.9.0.0/24", "10.9.0.0", "10.9.0.0", "networks: '10.9.0.0' has no length" },
		{ "10.9.0.0/24", "10.9.0.1/24", "10.9.0.1", "networks: '10.9.0.1/24' has bits set beyond its length" },
		{ "10.9.0.0/24", "0.0.0.0/0", "0.0.0.0/0", "networks: '0.0.0.0/0' is too large: write /8 or longer" },
		{ "10.9.0.0/24", "127.0.0.0/8", "127", "networks: '127.0.0.0/8' has no addresses that hosts can use: write a network, such as 10.200.200.0/24" },
		{ "10.9.0.0/24", "10.200.0.0/16", "10.200.0.0/16", "networks: vps already uses addresses of 10.200.0.0/16: write another prefix" },
		{ "fd09::/64", "fd12:3456:789a:9::/64", "fd12:3456:789a:9", "networks: the overlay already uses addresses of fd12:3456:789a:9::/64: write another prefix" },
		{ "fd09::/64", "fd99:e2e::/64", "^fd99", "networks: the mesh already uses addresses of fd99:e2e::/64: write another prefix" },
		{ "home: [ 192.168.1.0/24 ]", "home: [ 10.9.0.128/25 ]", "10.9.0.128", "home: 10.9.0.128/25 is part of networks, which are the tunnels' addresses: write the network behind wg-end" },
		{ "    home: [ 192.168.1.0/24 ]\n", "", "eth1\n    ddns", "lan: the network behind this interface is missing: add home: [ 192.168.1.0/24 ]" },
		{ "ipv4: masquerade", "ipv4: nat", "nat, ipv6", "ipv4: 'nat' is unknown: write masquerade, off, or the source address of outgoing packets, such as 203.0.113.1" },
		{ "ipv4: masquerade", "ipv4: \"2001:db8::1\"", "2001:db8::1\"", "ipv4: '2001:db8::1' is an IPv6 address: write an IPv4 address" },
		{ "\"2001:db8:0:1::5\"", "203.0.113.5", "203.0.113.5", "ipv6: '203.0.113.5' is an IPv4 address: write an IPv6 address" },
		{ "inbound: open", "inbound: all", "all,", "inbound: 'all' is unknown: write established or open" },
		{ "10.200.200.0/24, ", "", "masquerade,", "ipv4: networks of 'vps' lacks a prefix of IPv4, which this needs: add one" },
		{ "\"fd42:42:42::/64\", ", "", "2001:db8:0:1::5", "~ipv6: networks of 'vps' lacks a prefix that is a ULA, which this needs: add one" },
		{ ", \"2001:db8:abcd:1234::/64\"", "", "true }\n    clients", "~proxy-ndp: networks of 'vps' lacks a prefix that is global, which this needs: add one" },
		{ "ipv6: direct", "ipv6: none", "none", "ipv6: 'none' is unknown: write nat or direct" },
		{ "split: [ 192.168.9.0/24 ]", "split: []", "[] }", "split: the list is empty: write [ 192.168.1.0/24 ], or leave split out to send everything through the tunnel" },
		{ "192.168.9.0/24", "192.168.9.1/24", "192.168.9.1/24", "split: '192.168.9.1/24' has bits set beyond its length" },
		{ "prefix: \"2001:db8:abcd:5::/64\", ", "", "name: r1", "roaming: 'prefix' is missing" },
		{ "2001:db8:abcd:5::/64", "2001:db8:abcd:5::/65", "2001:db8:abcd:5::/65", "prefix: '2001:db8:abcd:5::/65' is too small: write /32 to /64, such as \"2001:db8:abcd:5::/64\"" },
		{ "2001:db8:abcd:5::/64", "192.168.5.0/24", "192.168.5", "prefix: '192.168.5.0/24' is an IPv4 prefix: write an IPv6 prefix, such as \"fd12:3456:789a::/48\"" },
		{ "2001:db8:abcd:5::/64", "2001:db8:abcd::/48", "2001:db8:abcd::/48", "prefix: vps already uses addresses of 2001:db8:abcd::/48: write another prefix" },
		{ "knock: 19000", "knock: 0", "^0 } ]", "knock: '0' is not a port: write 1 to 65535, such as 19000" },
		{ good, "gateways: [ { name: g, interface: eth0, networks: [ 10.0.0.0/24 ] } ]\n", "name: g", "gateways: clients cannot find 'g': add addresses here, or domain: example.net at the top of the file" },
		{ good, "gateways: [ { name: g, interface: eth0, addresses: [ 203.0.113.1 ], endpoint: name, networks: [ 10.0.0.0/24 ] } ]\n", "name,",
		  "endpoint: there is no name: add domain: example.net at the top of the file" },
		{ good, "gateways: [ { name: g, interface: eth0, addresses: [ 203.0.113.1 ], endpoint: ipv6, networks: [ 10.0.0.0/24 ] } ]\n", "ipv6,",
		  "endpoint: neither 'g' nor its firewall has an IPv6 address: add one to addresses" },
		{ good, "mesh: off\nrelays: [ { name: r, interface: eth0, addresses: [ 198.51.100.1 ] } ]\n"
		  "sites: [ { name: a, edges: [ { name: e, wan: wan, lan: lan } ] } ]\n", "off",
		  "mesh: no TCP would pass, because relays let only ICMPv6 pass: remove mesh: off, "
		  "or add policy: { tcp-ports: [ 22 ] }, or blind: true to the relays" },
		{ good, "relays: [ { name: r-lan, interface: eth0, addresses: [ 198.51.100.1 ] } ]\n", "r-lan",
		  "name: 'r-lan' ends in -lan, as the second names of servers in DNS: choose another name, such as relay" },
		{ good, "relays: [ { name: r, interface: eth0 } ]\n", "name: r", "relays: 'r' has no address that sites can connect to: add addresses: [ 198.51.100.1 ] here, or domain: example.net at the top of the file" },
	};

	ALL_BAD(list);
}

#define GATEWAY(rest) "gateways: [ { name: g, interface: eth0, networks: [ 10.0.0.0/24 ]" rest " } ]\n"
#define FIREWALL(rest) "firewalls: [ { name: f, wan: eth0, serves: g, " rest " } ]\n"

static void firewalls(void **state)
{
	static const struct bad list[] = {
		{ "serves: wg-end", "serves: wg-and", "wg-and", "serves: there is no gateway 'wg-and': correct the name, or add gateways: [ { name: wg-and, interface: eth0, networks: [ 10.200.200.0/24 ] } ]" },
		{ "lan: eth1, serves", "serves", "name: firewall", "firewalls: with nat: dnat, the interface to 'wg-end' is missing: add lan: eth1" },
		{ ", backend: 192.168.1.10", "", "name: firewall", "firewalls: with nat: dnat, the IPv4 address of 'wg-end' in the LAN is missing: add it, such as backend: 192.168.1.10" },
		{ "backend: 192.168.1.10", "backend: [ 192.168.1.10, 192.168.1.11 ]", "192.168.1.11", "backend: there are two IPv4 addresses: write one of each family" },
		{ "backend: 192.168.1.10", "backend: { ipv4: 192.168.1.10 }", "ipv4: 192", "backend: this is a mapping, and must be a list: write [ 192.168.1.10 ]" },
		{ "lan-address: 192.168.1.1,", "lan-address: \"fd00::1\",", "fd00", "lan-address: 'fd00::1' is an IPv6 address: write an IPv4 address" },
		{ "nat: masquerade", "nat: none", "none", "nat: 'none' is unknown: write dnat or masquerade" },
		{ "nat: masquerade", "nat: masquerade, ipv6: dnat", "dnat, addr", "ipv6: with nat: masquerade, clients of both families are served: leave ipv6 out, or write off for IPv4 only" },
		{ "nat: masquerade", "nat: masquerade, lan-address: 10.1.1.1", "10.1.1.1", "lan-address: this key is only for nat: dnat: remove it" },
		{ "backend: 192.168.1.10", "backend: 192.168.1.10, ipv6: dnat", "dnat, ddns", "ipv6: the value dnat needs an IPv6 address of 'wg-end': add one to its addresses, or to backend here" },
		{ "backend: 192.168.1.10", "backend: 192.168.1.10, port: 443", "443, ddns", "port: with ipv6: direct, clients send to the port of 'wg-end' over IPv6, which is 51820: write that port, or add ipv6: dnat or ipv6: off" },
		{ good, GATEWAY("") FIREWALL("lan: eth1, backend: 10.1.1.1, ipv6: direct, addresses: [ 192.0.2.1 ]"), "direct",
		  "ipv6: the value direct needs an IPv6 address or a name of 'g': add addresses there, backend here, or domain at the top" },
		{ good, GATEWAY("") FIREWALL("nat: masquerade, addresses: [ 192.0.2.1 ]"), "name: f", "firewalls: gateway 'g' has neither an address nor a name: add addresses to it, backend here, or domain at the top of the file" },
		{ good, GATEWAY(", addresses: [ 192.0.2.1 ]") FIREWALL("nat: masquerade"), "name: f", "firewalls: clients cannot find 'f': add addresses here, or domain: example.net at the top of the file" },
	};

	ALL_BAD(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_good), cmocka_unit_test(whole), cmocka_unit_test(hosts), cmocka_unit_test(sites), cmocka_unit_test(relays),
		cmocka_unit_test(gateways), cmocka_unit_test(firewalls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
