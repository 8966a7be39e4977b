/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A valid configuration reads back as written, and each wrong one is refused with its message (user/config/config*.c,
 * user/lib/yaml.c).
 * timeout: 300
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "few.h"
#include "config/config_diff.h"
#include "same_config.h"
#include "capture_stderr.h"

#define KEY "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define KEY2 "YmJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define KEY3 "Y2JjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="

static const char *const good =
	"interfaces:            # a comment\n"
	"  - { name: eth0, role: wan }\n"
	"  - { name: br-lan, role: lan, mode: native, shared: true }\n"
	"  - name: wgvpnr01\n"
	"    role: tunnel\n"
	"    mode: tc\n"
	"services:\n"
	"  - name: wg-end\n"
	"    listen: { interface: eth0, ports: [ 51820, 443, 20000-20010 ] }\n"
	"    backend: &host { ipv4: 192.168.1.10, ipv6: wg-end.example.net, port: 51820 }\n"
	"    nat: dnat\n"
	"    ipv6: direct\n"
	"    allow: [ 192.0.2.0/24, \"2001:db8::/32\" ]\n"
	"    deny: [ 192.0.2.7 ]\n"
	"    df: fragment\n"
	"  - name: \"static.2\"\n"
	"    listen:\n"
	"      addresses:\n"
	"        - 203.0.113.1\n"
	"        - 2001:db8::1\n"
	"      ports: [ '51820' ]\n"
	"    backend: { ipv4: fw.example.net., ipv6: \"2001:db8::9\", port: 443 }\n"
	"    ipv6: dnat\n"
	"    df: report\n"
	"    hairpin: true\n"
	"    flows: { timeout: 60s }\n"
	"  - { name: through, nat: none, backend: *host, ipv6: off, listen: { interface: ppp0 } }\n"
	"  - { name: 3, nat: none, backend: { ipv6: \"fd00::1\", port: 1 } }\n"
	"  - name: all\n"
	"    listen: { addresses: [ 203.0.113.9, \"2001:db8::9\" ], ports: [ 51820 ] }\n"
	"    backend: { ipv6: wg-end.example.net, port: 51820 }\n"
	"    nat: masquerade\n"
	"    flows: { max: 1000000, share: 500, timeout: 600s, ports: 1024-65535, source: [ \"2001:db8:0::1\", \"fd00::1\" ] }\n"
	"  - { name: more, listen: { interface: eth1, ports: [ 1 ] }, backend: *host, nat: masquerade, flows: { ports: 443 } }\n"
	"  - name: guarded\n    listen: { interface: eth2, ports: [ 51820 ] }\n    backend: *host\n"
	"    wireguard: { public-keys: [ " KEY ", \"" KEY2 "\" ], handshakes: { per-source: 50/s }, " CHALLENGE "strict: true, health: { sources: 1 } }\n"
	"  - { name: unasked, listen: { interface: eth2, ports: [ 2 ] }, backend: *host, wireguard: { profile: none } }\n"
	"  - name: several\n    listen: { interface: eth2, ports: [ 1 ] }\n    backends:\n"
	"      - { name: alpha, ipv6: \"2001:db8::a\", port: 51820, public-key: \"" KEY "\", standby: { ipv6: \"2001:db8::b\", port: 443 } }\n"
	"      - { name: 8, ipv4: beta.example.net, port: 51821, public-keys: [ \"" KEY2 "\", \"" KEY3 "\" ] }\n"
	"    nat: masquerade\n    wireguard: { profile: { amneziawg: { h: [ 4294967295, 6, 1-5, \"8-4294967294\" ], s: [ 0, 1280, 3 ] } }, handshakes: { per-source: 1/s,\n"
	"      per-service: 1000000/s } }\n"
	"  - { name: two, listen: { interface: eth2, ports: [ 3 ] }, backend: { ipv4: 192.168.1.20, port: 1, standby: { ipv4: host.example.net } },"
	" wireguard: { public-key: " KEY3 ", health: { initiations: 6, sources: 16 } } }\n"
	"peers:\n"
	"  - { name: site-a, public-key: \"" KEY "\", device: wgvpnr01, prefixes: [ \"fd12:3456:789a:a::/64\", \"fd12:3456:7899::a\" ] }\n"
	"  - { name: \"+ab/cd12\", device: eth2.7, prefixes: [ \"fd12:3456:789a:b00::/56\", \"fd12:3456:789a:a::7\" ] }\n"
	"  - { name: waits, device: wgvpnr02 }\n"
	"follow: { wireguard: [ wgvpnr01, wgvpnr03 ] }\n"
	"policy:\n"
	"  overlay: \"fd12:3456:789a::/48\"\n"
	"  udp-ports: [ 58000-60000, 443 ]\n"
	"  icmpv6: [ echo-request, nd-neighbor-advert ]\n"
	"  reject: drop\n"
	"exporter: { listen: [ \"127.0.0.1:9851\", systemd, '[::1]:9851' ], page: everywhere }\n" WITH_ROAMING WITH_DDNS;

/* Collects the first lines of errors, FILE:LINE:COLUMN: error: text, one per line. */
static void first_lines(const char *text, const char *name, char *out, size_t size)
{
	unsigned int line, column;
	size_t n = strlen(name), len, used = 0;

	*out = '\0';
	for (; *text; text += len) {
		int at = 0;

		len = strcspn(text, "\n");
		len += text[len] == '\n';
		if (strncmp(text, name, n) || sscanf(text + n, ":%u:%u: error: %n", &line, &column, &at) != 2 || !at)
			continue;
		assert_true(used + len < size && line && column);
		memcpy(out + used, text, len);
		used += len;
		out[used] = '\0';
	}
}

/* ---- tests ---- */

static void assert_flows(const struct config *c)
{
	const struct service_config *s = &c->services[4];
	struct address a;

	assert_true(c->services[1].hairpin && c->services[1].flows.timeout == 60);
	assert_true(!c->services[0].hairpin && !s->hairpin);
	assert_int_equal(s->nat, NAT_MASQUERADE);
	assert_int_equal(s->flows.max, 1000000);
	assert_int_equal(s->flows.share, 500);
	assert_int_equal(s->flows.timeout, 600);
	assert_true(s->flows.ports.first == 1024 && s->flows.ports.last == 65535);
	assert_int_equal(s->flows.n_sources, 2);
	address_parse("2001:db8::1", &a);
	assert_true(address_equal(&s->flows.sources[0], &a));
	s++;
	assert_true(!s->flows.max && !s->flows.timeout && !s->flows.n_sources);
	assert_true(s->flows.ports.first == 443 && s->flows.ports.last == 443);
}

static void assert_guards(const struct config *c)
{
	const struct service_config *s = &c->services[6];
	struct wg_key key;

	assert_false(service_has_guard(&c->services[0]));
	assert_true(service_has_guard(s) && s->guard.strict && s->guard.profile == PROFILE_WIREGUARD);
	assert_int_equal(s->backend.n_keys, 2);
	wg_key_parse(KEY2, &key);
	assert_int_equal(wg_key_compare(&s->backend.keys[1], &key), 0);
	assert_true(s->guard.per_source == 50 && !s->guard.per_service && s->guard.challenge_above == CHALLENGE_ABOVE);
	assert_true(s[1].guard.on && s[1].guard.profile == PROFILE_NONE && !service_has_guard(&s[1]));
	s += 2;
	assert_true(service_has_guard(s) && !s->guard.strict && s->guard.profile == PROFILE_AMNEZIAWG);
	assert_int_equal(s->n_backends, 2);
	assert_true(!strcmp(backend_at(s, 1)->name, "8") && !strcmp(backend_at(s, 1)->ipv4, "beta.example.net"));
	assert_true(s->backends[1].port == htons(51821) && s->backends[1].n_keys == 2);
	assert_true(service_has_family(s, FAMILY_IPV4) && service_has_family(s, FAMILY_IPV6));
	assert_true(s->guard.n_headers == 4 && s->guard.headers[0] == 0xffffffff && s->guard.header_ends[0] == 0xffffffff && s->guard.headers[3] == 8 && s->guard.n_junk == 3 && !s->guard.junk[0] && s->guard.junk[1] == 1280);
	assert_true(s->guard.headers[2] == 1 && s->guard.header_ends[2] == 5 && s->guard.header_ends[3] == 0xfffffffe);
	assert_true(s->guard.per_source == 1 && s->guard.per_service == 1000000);
	assert_true(s[1].guard.health_initiations == 6 && s[1].guard.health_sources == 16 && backend_has_standby(&s[1].backend));
}

static void good_file(void **state)
{
	struct address a;
	struct config *c;

	assert_int_equal(config_parse(good, "good.yaml", &c), 0);
	assert_int_equal(c->n_interfaces, 3);
	assert_string_equal(c->interfaces[1].name, "br-lan");
	assert_int_equal(c->interfaces[1].role, ROLE_LAN);
	assert_int_equal(c->interfaces[1].mode, MODE_NATIVE);
	assert_true(c->interfaces[1].shared && !c->interfaces[0].shared && c->interfaces[0].mode == MODE_AUTO);
	assert_int_equal(c->interfaces[2].mode, MODE_TC);
	assert_int_equal(c->mode, MODE_AUTO);
	assert_int_equal(c->n_services, 10);
	assert_string_equal(c->services[0].listen_interface, "eth0");
	assert_int_equal(c->services[0].n_ports, 13);
	assert_true(c->services[0].ports[1] == htons(443) && c->services[0].ports[12] == htons(20010));
	assert_string_equal(c->services[0].backend.ipv6, "wg-end.example.net");
	assert_int_equal(c->services[0].ipv6, IPV6_DIRECT);
	assert_int_equal(c->services[0].n_allow, 2);
	assert_int_equal(c->services[0].allow[1].len, 32);
	assert_int_equal(c->services[0].deny[0].len, 32);
	assert_int_equal(c->services[1].n_listen_addresses, 2);
	address_parse("2001:db8::1", &a);
	assert_true(address_equal(&c->services[1].listen_addresses[1], &a));
	assert_int_equal(c->services[1].backend.port, htons(443));
	assert_int_equal(c->services[1].ipv6, IPV6_DNAT);
	assert_int_equal(c->services[0].df, DF_FRAGMENT);
	assert_int_equal(c->services[1].df, DF_REPORT);
	assert_int_equal(c->services[2].df, DF_FRAGMENT);
	assert_int_equal(c->services[2].nat, NAT_NONE);
	assert_string_equal(c->services[2].backend.ipv4, "192.168.1.10");
	assert_int_equal(c->services[2].ipv6, IPV6_OFF);
	assert_string_equal(c->services[3].name, "3");
	assert_flows(c);
	assert_guards(c);
	assert_false(c->by_command);
	assert_round_trip(c);
	config_free(c);
}

static void nothing_in_it(void **state)
{
	static const char *const texts[] = {
		"", "\n", "# only a comment", "---\n", "---\n...\n", "{}", "services: [ ]\n", "\xef\xbb\xbf",
	};
	struct config *c;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(config_parse(texts[i], "empty.yaml", &c), 0);
		assert_true(!c->n_services && !c->n_interfaces);
		assert_round_trip(c);
		config_free(c);
	}
}

/* Words of a command may have line breaks and other control characters */
static void control_characters(void **state)
{
	struct config *c;

	assert_int_equal(config_parse("interfaces: [ { name: wan, role: wan } ]\nlearn:\n  - interface: wg0\n    knock: { port: 19000, "
				      "command: [ /bin/sh, \"-c\", \"a\\n\\tb \\x1b \\\"q\\\" \\\\\" ] }\n", "words.yaml", &c), 0);
	assert_string_equal(c->learn[0].command[2].text, "a\n\tb \x1b \"q\" \\");
	assert_round_trip(c);
	config_free(c);
}

static void running(void **state)
{
	struct captured t;
	struct config *c;
	char *text;

	assert_int_equal(config_parse(good, "good.yaml", &c), 0);
	c->mode = MODE_TC;
	c->by_command = true;
	assert_round_trip(c);
	text = written(c, config_write);
	assert_non_null(strstr(text, "running: { mode: tc, by-command: true }\n"));
	free(text);
	text = written(c, config_save);
	assert_round_trip(c);
	config_free(c);
	assert_int_equal(strncmp(text, "running: { mode: tc }\n", 22), 0);
	assert_int_equal(parse_quietly(text, &c, &t), 0);
	assert_false(c->by_command);
	free(text);
	c->mode = MODE_AUTO;
	text = written(c, config_save);		/* as a person would write it */
	assert_null(strstr(text, "running"));
	assert_null(strstr(text, "origin"));
	config_free(c);
	free(text);
}

static void written_names(void **state)
{
	struct interface_config interfaces[] = {
		{ .name = "-", .role = ROLE_WAN }, { .name = "~", .role = ROLE_LAN }, { .name = "a\"b\\c", .role = ROLE_LAN },
		{ .name = "#x", .role = ROLE_LAN }, { .name = "null", .role = ROLE_LAN }, { .name = "{a,b}", .role = ROLE_LAN },
		{ .name = "*a", .role = ROLE_LAN }, { .name = "1e3", .role = ROLE_LAN }, { .name = "eth0.7@x", .role = ROLE_LAN },
	};
	struct config c = { .interfaces = interfaces, .n_interfaces = sizeof(interfaces) / sizeof(interfaces[0]) };

	assert_int_equal(config_check(&c, "test"), 0);
	assert_round_trip(&c);
}

/* A configuration from the command line has no lines: its messages are the same without them */
static void without_lines(void **state)
{
	__be16 ports[] = { htons(51820), htons(443) };
	struct address local = {};
	struct service_config s = {
		.name = "wg-end", .listen_interface = "eth0", .ports = ports, .n_ports = 2,
		.backend = { .ipv4 = "192.168.1.10", .port = htons(51820) },
	};
	struct config c = { .services = &s, .n_services = 1 };
	struct captured t;

	assert_int_equal(config_check(&c, "wgxdp"), 0);
	capture_stderr(&t);
	s.n_ports = 0;
	assert_int_equal(config_check(&c, "wgxdp"), -EINVAL);
	s.n_ports = 2;
	strcpy(s.backend.ipv4, "127.0.0.1");
	assert_int_equal(config_check(&c, "wgxdp"), -EINVAL);
	strcpy(s.backend.ipv4, "203.0.113.1");
	s.listen_interface[0] = '\0';
	address_parse("203.0.113.1", &local);
	s.listen_addresses = &local;
	s.n_listen_addresses = 1;
	assert_int_equal(config_check(&c, "wgxdp"), -EINVAL);
	assert_string_equal(release_stderr(&t),
		"wgxdp: error: listen: ports are missing: add ports: [ 51820 ]\n"
		"wgxdp: error: ipv4: '127.0.0.1' is a loopback address: write the address of a host\n"
		"wgxdp: error: ipv4: the service itself listens on 203.0.113.1:51820: write the address of the WireGuard host behind "
		"this one, or nat: none\n");
}

/* Pairs of services that seem to conflict but do not */
static void no_contradiction(void **state)
{
	static const char *const texts[] = {
		/* the same interface and port, but different families */
		"services:\n"
		"  - { name: a, listen: { interface: eth0, ports: [ 443 ] }, backend: { ipv4: 192.168.1.10, port: 51820 } }\n"
		"  - { name: b, listen: { interface: eth0, ports: [ 443 ] }, ipv6: dnat, backend: { ipv6: \"fd00::1\", port: 51820 } }\n",
		/* one backend address and port for two services */
		"services:\n"
		"  - { name: a, listen: { interface: eth0, ports: [ 443 ] }, backend: { ipv4: 192.168.1.10, port: 51820 } }\n"
		"  - { name: b, listen: { interface: eth1, ports: [ 443 ] }, backend: { ipv4: 192.168.1.10, port: 51820 } }\n",
		/* neighbouring ranges */
		"services:\n"
		"  - { name: a, listen: { interface: eth0, ports: [ 1-10 ] }, backend: { ipv4: 192.168.1.10, port: 51820 } }\n"
		"  - { name: b, listen: { interface: eth0, ports: [ 11-1034 ] }, backend: { ipv4: 192.168.1.10, port: 51820 } }\n",
		/* none names its own port, and two names may differ */
		"services:\n"
		"  - { name: a, listen: { interface: eth0, ports: [ 51820 ] }, nat: none, backend: { ipv4: a.example, port: 51820 } }\n"
		"  - { name: b, listen: { interface: eth0, ports: [ 51820 ] }, nat: none, backend: { ipv4: b.example, port: 51820 } }\n",
		/* masquerading for the family that the backend lacks */
		"services:\n"
		"  - { name: a, listen: { addresses: [ 203.0.113.1, \"2001:db8::1\" ], ports: [ 1-9 ] }, nat: masquerade, ipv6: direct,\n"
		"      backend: { ipv4: 192.168.1.10, port: 9 }, flows: { } }\n"
		"  - { name: b, listen: { interface: eth1, ports: [ 1-9 ] }, nat: masquerade, backend: { ipv6: \"fd00::1\", port: 9 },\n"
		"      flows: { source: [ ] } }\n"
		"  - { name: c, listen: { interface: eth2, ports: [ 1 ] }, nat: masquerade, backend: { ipv6: \"fd00::1\", port: 9 }, ipv6: off }\n",
	};
	struct config *c;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(config_parse(texts[i], "fine.yaml", &c), 0);
		assert_round_trip(c);
		config_free(c);
	}
}

static void files(void **state)
{
	char name[] = "/tmp/unit_config.XXXXXX";
	struct config *c;
	struct captured t;
	int fd;

	capture_stderr(&t);
	assert_int_equal(config_read("/nonexistent/wgxdp.yaml", &c), -ENOENT);
	assert_int_equal(config_read("/", &c), -EISDIR);
	assert_string_equal(release_stderr(&t),
			    "wgxdp: error: cannot read /nonexistent/wgxdp.yaml: No such file or directory: correct the name of the file\n"
				       "wgxdp: error: cannot read /: Is a directory: name a file in this directory\n");
	fd = mkstemp(name);
	assert_int_equal(write(fd, good, strlen(good)), strlen(good));
	assert_int_equal(config_read(name, &c), 0);
	assert_int_equal(c->n_services, 10);
	config_free(c);
	lseek(fd, 0, SEEK_SET);
	dup2(fd, 0);
	assert_int_equal(config_read("-", &c), 0);
	assert_int_equal(c->n_services, 10);
	config_free(c);
	unlink(name);
	close(fd);
}

static void assert_changes(const char *from, const char *to, const char *said)
{
	struct config *old, *new;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_int_equal(config_parse(from, "old.yaml", &old), 0);
	assert_int_equal(config_parse(to, "new.yaml", &new), 0);
	assert_int_equal(config_changes(old, new, out), *said != 0);
	fclose(out);
	assert_string_equal(text, said);
	free(text);
	config_free(old);
	config_free(new);
}

/* Each changed value is reported in a sentence of its own */
static void changes(void **state)
{
#define SERVICE(more) "services:\n  - name: wg-end\n    listen: { interface: eth0, ports: [ 51820 ] }\n" more
#define BACKEND(more) "    backend: { ipv4: 192.168.1.10, port: 51820" more " }\n"
	assert_changes(good, good, "");
	assert_changes("{}", SERVICE(BACKEND("")), "service wg-end: added\n");
	assert_changes(SERVICE(BACKEND("")), "services: [ ]", "service wg-end: removed\n");
	/* the service still uses eth0 */
	assert_changes("interfaces: [ { name: eth0, role: wan }, { name: eth1, role: lan } ]\n" SERVICE(BACKEND("")),
		       SERVICE("    backend: { ipv4: 192.168.1.10, port: 443 }\n"),
		       "interface eth1: removed\nservice wg-end: backend port 443, was 51820\n");
	assert_changes(SERVICE(BACKEND("")), SERVICE(BACKEND(", ipv6: \"2001:db8::a\"")), "service wg-end: backend ipv6 2001:db8::a added\n");
	assert_changes(SERVICE(BACKEND("")), SERVICE("    backend: { ipv4: 192.168.1.99, port: 443 }\n    deny: [ 192.0.2.0/24 ]\n"),
		       "service wg-end: backend ipv4 192.168.1.99, was 192.168.1.10\nservice wg-end: backend port 443, was 51820\n"
		       "service wg-end: deny 192.0.2.0/24 added\n");
	assert_changes(SERVICE(BACKEND("")), "running: { mode: tc }\n" SERVICE(BACKEND("")), "running mode tc, was auto\n");
	assert_changes("peers:\n  - { name: a, device: eth1, prefixes: [ \"fd12:3456:789a:a::/64\", \"fd12:3456:789a:b::/64\" ] }\n"
		       "policy: { overlay: \"fd12:3456:789a::/48\" }\n",
		       "peers:\n  - { name: a, device: eth1, prefixes: [ \"fd12:3456:789a:c::/64\", \"fd12:3456:789a:b::/64\" ] }\n"
		       "policy: { overlay: \"fd12:3456:789a::/48\", udp-ports: [ 53 ] }\n",
		       "policy udp-ports 53, was 58000-60000\npeer a: prefixes fd12:3456:789a:a::/64 removed\npeer a: prefixes fd12:3456:789a:c::/64 added\n");
#define PAIRS(pairs) "blind: { listen: { interface: eth0, port: 51820 }, device: wgvpnr01, pairs: [ " pairs " ] }\n"
	assert_changes(PAIRS("[ hub, a ], [ hub, b ]"), PAIRS("[ hub, a ], [ a, b ]"), "blind pairs hub b removed\nblind pairs a b added\n");
	assert_changes(PAIRS("[ a, b ], [ c, d ]"), PAIRS("[ a, c ], [ b, d ]"),
		       "blind pairs c d removed\nblind pairs a c, was b\nblind pairs b d added\n");
}

/* Long files are read to their end, but the number of reported errors is limited. */
static void many(void **state)
{
	struct config *c = NULL;
	struct captured t;
	size_t n, i;
	char *text;
	FILE *out;

	out = open_memstream(&text, &n);
	fputs("services:\n", out);
	for (i = 1; i <= 5000; i++)
		fprintf(out, "  - { name: s%zu, listen: { interface: eth0, ports: [ %zu ] }, backend: { ipv4: 10.0.0.1, port: 1 } }\n",
			i, i);
	fclose(out);
	assert_int_equal(config_parse(text, "many.yaml", &c), 0);
	assert_int_equal(c->n_services, 5000);
	config_free(c);
	for (i = 0; i < n; i++)
		if (!strncmp(text + i, "ports", 5))
			text[i] = 'q';
	assert_int_equal(parse_quietly(text, &c, &t), -EINVAL);
	assert_non_null(strstr(t.text, "test.yaml:51:45: error: unknown key 'qorts' in listen: did you mean 'ports'?\n"));
	assert_non_null(strstr(t.text, "test.yaml: 4950 more errors\n"));
	free(text);
}

/* Any file is read, or refused with a message. A configuration that was read round-trips */
static void assert_told(const char *text)
{
	char lines[16384];
	struct config *c;
	struct captured t;
	int r = parse_quietly(text, &c, &t);

	first_lines(t.text, "test.yaml", lines, sizeof(lines));
	if (r) {
		assert_int_equal(r, -EINVAL);
		if (!*lines)
			print_error("refused without a message:\n%s\n%s\n", text, t.text);
		assert_true(*lines);
		return;
	}
	assert_string_equal(t.text, "");
	assert_round_trip(c);
	config_free(c);
}

static void mutations(void **state)
{
	static const char *const pieces[] = {
		"", ":", "-", "[", "]", "{", "}", "\"", "'", "&a ", "*host", "\n", "\t", "\xff", "? ", "|", "!!int ", "%", "0", "---\n", ", ",
		" #", "null", "~",
	};
	size_t n = strlen(good), at, i;
	char *text = malloc(n + 32);

	for (at = 0; at <= n; at++) {
		memcpy(text, good, at);
		text[at] = '\0';
		assert_told(text);
		if (at % 6 || (takes_few() && at % 12))
			continue;		/* fuzz_config has time for every byte and piece */
		for (i = at / 6 % 3; i < sizeof(pieces) / sizeof(pieces[0]); i += 3) {	/* in turns */
			sprintf(text + at, "%s%s", pieces[i], good + at);		/* one piece more */
			assert_told(text);
			sprintf(text + at, "%s%s", pieces[i], good + at + (at < n));	/* instead of a byte */
			assert_told(text);
		}
	}
	free(text);
}

/* ---- tests/config/bad ---- */

static void read_expected(const char *file, char *out, size_t size)
{
	FILE *in = fopen(file, "r");
	char line[1024];

	*out = '\0';
	if (!in)
		fail_msg("%s is missing", file);
	while (fgets(line, sizeof(line), in)) {
		assert_true(strlen(out) + strlen(line) < size);
		if (*line != '#')
			strcat(out, line);
	}
	fclose(in);
}

static int is_yaml(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && !strcmp(dot, ".yaml");
}

static void bad_files(void **state)
{
	char expected[16384], lines[16384], file[512];
	struct dirent **names;
	struct config *c;
	int n, i, bad = 0;
	struct captured t;

	assert_int_equal(chdir("tests/config/bad"), 0);
	n = scandir(".", &names, is_yaml, alphasort);
	for (i = 0; i < n; i++) {
		int r;

		snprintf(file, sizeof(file), "%s.expect", names[i]->d_name);
		read_expected(file, expected, sizeof(expected));
		capture_stderr(&t);
		r = config_read(names[i]->d_name, &c);
		first_lines(release_stderr(&t), names[i]->d_name, lines, sizeof(lines));
		drop_lines_of_lacking_parts(lines);
		if (r != -EINVAL || !*expected || strcmp(lines, expected)) {
			print_error("%s: %d, expected:\n%sgot:\n%s\n", names[i]->d_name, r, expected, t.text);
			bad++;
		}
		free(names[i]);
	}
	free(names);
	assert_int_equal(chdir("../../.."), 0);
	assert_true(n >= 190);
	assert_int_equal(bad, 0);
	printf("%d bad files\n", n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_file), cmocka_unit_test(nothing_in_it), cmocka_unit_test(control_characters), cmocka_unit_test(running),
		cmocka_unit_test(written_names), cmocka_unit_test(without_lines), cmocka_unit_test(no_contradiction),
		cmocka_unit_test(files), cmocka_unit_test(changes), cmocka_unit_test(many), cmocka_unit_test(mutations), cmocka_unit_test(bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
