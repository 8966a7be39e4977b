// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `import` reads the files of OpenWrt and wg-quick and scripts of iptables as their programs do, and names each line that
 * it cannot use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/log.h"
#include "import_text.h"

#define LTE(zone, network) "network.lan=interface\nnetwork.lan.device='br-lan'\nnetwork.b=interface\n" network \
	"firewall.w=zone\nfirewall.w.name='wan'\nfirewall.w.network='b'\n" zone "firewall.l=zone\nfirewall.l.name='lan'\n" \
	"firewall.l.network='lan'\n" REDIRECT

/* OpenWrt: a network of a zone whose network device the settings do not give is named. */
static void openwrt_networks(void **state)
{
	static const struct {
		const char *text, *listens, *said;	/* said: "": nothing */
	} rows[] = {
		{ LTE("firewall.w.device='eth0'\n", "network.b.proto='qmi'\nnetwork.b.device='/dev/cdc-wdm0'\n"), "interface: eth0", "uci:3: network b:" },
		{ LTE("firewall.w.device='eth0'\n", "network.b.proto='modemmanager'\nnetwork.b.device='/sys/devices/usb1'\n"), "interface: eth0",
			"uci:3: network b: uci does not give its network device" },
		{ LTE("firewall.w.device='eth0'\n", "network.b.proto='map'\n"), "interface: eth0", "uci:3: network b:" },
		{ LTE("firewall.w.device='eth0'\n", "network.b.proto='map'\nnetwork.b.device='@none'\n"), "interface: eth0", "" },
		{ LTE("firewall.w.device='eth0'\n", "network.b.device='@b'\n"), "interface: eth0", "uci:3: network b:" },
		{ LTE("", "network.b.proto='qmi'\nnetwork.b.device='wwan0'\n"), "interface: wwan0", "" },
		{ LTE("", "network.b.proto='ncm'\nnetwork.b.ifname='wwan0'\n"), "interface: wwan0", "" },
		{ LTE("", "network.b.proto='dhcpv6'\nnetwork.b.device='@c'\nnetwork.c.device='eth1'\n"), "interface: eth1", "" },
		{ LTE("", "network.b.device='@c'\nnetwork.c.device='eth1.7'\nnetwork.c.proto='pppoe'\n"), "interface: pppoe-c", "" },
		/* no rule uses the zone */
		{ LTE("firewall.w.device='eth0'\nfirewall.g=zone\nfirewall.g.name='guest'\nfirewall.g.network='c'\n",
		      "network.b.device='eth1'\nnetwork.c=interface\nnetwork.c.proto='qmi'\n"), "interface: eth0", "" },
		{ "firewall.w=zone\nfirewall.w.name='wan'\nfirewall.w.device='eth0'\nfirewall.l=zone\nfirewall.l.name='lan'\n"
		  "firewall.l.network='lan'\n" REDIRECT, "interface: eth0", "uci: the devices of the zones are missing" },
	};
	struct captured t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *out = import("uci", rows[i].text, NULL, &t), *first;

		has(out, rows[i].listens);
		has_said(&t, rows[i].said);
		first = strstr(t.text, "network b:");
		assert_true(!first || !strstr(first + 1, "network b:"));
		free(out);
	}
}

#define IPSET(options) "firewall.s=ipset\nfirewall.s.name='bad'\n" options
#define ENTRIES "firewall.s.match='src_net'\nfirewall.s.entry='198.51.100.0/24' '203.0.113.8'\n"
#define SIX "firewall.s.match='src_ip'\nfirewall.s.family='ipv6'\nfirewall.s.entry='2001:db8:5::1'\n"
#define USES(more) DROPS "firewall.b.target='DROP'\nfirewall.b.ipset='" more "'\n"
#define FOLLOWED "{ nft-set: \"inet fw4 bad\" } ]"

/* OpenWrt: a service follows the set of nftables that fw4 makes from an ipset. */
static void openwrt_ipsets(void **state)
{
	static const struct {
		const char *text, *clients, *said;	/* clients: "": neither allow nor deny; said: "": nothing */
	} rows[] = {
		{ IPSET(ENTRIES) USES("bad"), "deny: [ " FOLLOWED, "" },
		{ IPSET(ENTRIES) USES("!bad"), "allow: [ " FOLLOWED, "" },
		{ IPSET("firewall.s.match='src_ip'\n") USES("bad"), "deny: [ " FOLLOWED, "" },
		{ IPSET(ENTRIES "firewall.s.loadfile='/etc/bad'\n") USES("bad"), "deny: [ " FOLLOWED, "has not read the addresses in /etc/bad" },
		{ IPSET(ENTRIES) USES("bad' \nfirewall.b.src_ip='203.0.113.0/24"), "deny: [ 203.0.113.8/32 ]", "copies the elements" },
		{ IPSET(SIX) USES("bad"), "", "" },
		/* sets that are not of source addresses, or that import cannot read */
		{ IPSET("firewall.s.match='dest_net'\n") USES("bad"), "", LACKS },
		{ IPSET("firewall.s.match='src_ip' 'dest_port'\n") USES("bad"), "", LACKS },
		{ IPSET("firewall.s.match='src_net'\nfirewall.s.entry='bad.example.org'\n") USES("bad"), "", LACKS },
		{ IPSET(ENTRIES "firewall.s.enabled='0'\n") USES("bad"), "", LACKS },
		{ IPSET(ENTRIES) USES("other"), "", LACKS },
	};
	char text[1200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), ZONES REDIRECT "%s", rows[i].text);
		imports_service("uci", text, rows[i].clients, rows[i].said);
	}
}

/* A setting whose messages the guard does not know is named, and gives no guard. Others keep it. */
static void amneziawg_newer(void **state)
{
	static const struct {
		const char *settings, *said;	/* said: NULL: the service has a guard */
	} rows[] = {
		{ "Jc = 6\nJmin = 40\nJmax = 70\nI1 = <b 0xff>\nMTU = 1280\n", NULL },
		{ "ContentPaddingAddition = 10-100\nRekeyAfterTime = 90\nRekeyTimeout = 5\nRejectAfterTime = 180\n", NULL },
		{ "KeepaliveTimeout = 10\nMaxHandshakeAttempts = 18\nDisableCookies = on\nRandomTrailers = off\n", NULL },
		{ "#HeaderProtectionKey = " KEY "\n", NULL },
		{ "HeaderProtectionKey = " KEY "\n", "nft:5: the guard does not know the messages of a server with the setting HeaderProtectionKey" },
		{ "\nrandomtrailers = on\n", "nft:6: the guard does not know the messages of a server with the setting randomtrailers" },
		{ "Future = 1\n", "nft:5: the guard does not know the messages of a server with the setting Future" },
		{ "[Peer]\nPublicKey = " KEY "\nFuture = 1\n", "nft:7: the guard does not know the messages" },
		{ KEY "\n", "nft:5: the guard does not know the messages of a server with the setting in this line" },
	};
	struct captured t;
	char text[400], *out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "[Interface]\nPrivateKey = " KEY "\nListenPort = 51820\nH1 = 5\n%s", rows[i].settings);
		out = import_two("rules", "*nat\n" DNAT "COMMIT\n", text, NULL, &t);
		(rows[i].said ? lacks : has)(out, "amneziawg: { h: [ 5, 2, 3, 4 ] }");
		has_said(&t, rows[i].said ?: "");
		lacks(t.text, KEY);
		lacks(out, "PrivateKey");
		free(out);
	}
}

#define SCRIPT "iptables -t nat -A PREROUTING -i eth0 -p udp --dport 51820 -j DNAT --to-destination 192.168.1.10\n"

/* Continued lines of a script are one. Each line with something that import does not read is named with its number. */
static void scripts(void **state)
{
	static const struct {
		const char *text, *clients, *said;	/* "": nothing */
	} rows[] = {
		{ SCRIPT "\n# iptables -D FORWARD 1 \\\n  # more\nip6tables -P FORWARD DROP\n", "", "" },
		{ "iptables -F\nsudo iptables -t nat -F PREROUTING # none\niptables -N a; iptables -C a -j DROP\n" SCRIPT, "", "" },
		{ SCRIPT "iptables -I FORWARD \\\n\t-s 203.0.113.8 \\\r\n  -j DROP\n", "deny: [ 203.0.113.8/32 ]", "" },
		{ SCRIPT "iptables -I FORWARD -s 203.0.113.8 -j DROP \\", "deny: [ 203.0.113.8/32 ]", "" },
		{ SCRIPT "iptables -I FORWARD -s 203.0.113.8 -j DROP > /dev/null 2>&1\n", "deny: [ 203.0.113.8/32 ]", "" },
		{ SCRIPT "if true; then iptables -I FORWARD -s 203.0.113.8 -j DROP; fi\n", "", "rules:2: import has not read all commands of this line: if true" },
		{ SCRIPT "\nIPT=iptables\n", "", "rules:3: import has not read all commands of this line: IPT=iptables" },
		{ SCRIPT "$IPT -I FORWARD -s 203.0.113.8 -j DROP\n", "", "rules:2: import has not read all commands of this line: $IPT -I" },
		{ SCRIPT "iptables -I FORWARD -s $BAD -j DROP\n", "", "rules:2: import has not read all commands of this line: iptables -I FORWARD -s $BAD" },
		{ SCRIPT "iptables -I FORWARD -s `bad` -j DROP\n", "", "rules:2: import has not read" },
		{ SCRIPT "iptables -D FORWARD -s 203.0.113.8 -j DROP\n", "", "rules:2: import has not read" },
		{ SCRIPT "iptables -R FORWARD 1 -s 203.0.113.8 -j DROP\n", "", "rules:2: import has not read" },
		{ SCRIPT "iptables -AFORWARD -s 203.0.113.8 -j DROP\n", "", "rules:2: import has not read" },
		{ SCRIPT "iptables -t nat -F\n", "", "rules:2: import has not read" },
		{ SCRIPT "nft add rule ip filter forward drop\n", "", "rules:2: import has not read" },
		{ SCRIPT "iptables-restore <<E\n*filter\n-A FORWARD -s 203.0.113.8 -j DROP\nCOMMIT\nE\n", "deny: [ 203.0.113.8/32 ]",
			"rules:6: import has not read all commands of this line: E" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		imports_service("rules", rows[i].text, rows[i].clients, rows[i].said);
}

/* wg-quick's files: what cannot be used is named with its line. */
static void quick_lines(void **state)
{
	static const struct {
		const char *line, *has, *said;	/* has: NULL: no endpoint; said: "": nothing */
	} rows[] = {
		{ "Endpoint = vpn_host.example.net:51820", "host: vpn_host.example.net\n    port: 51820", "" },
		{ "Endpoint = _a.b_:51820", "host: \"_a.b_\"\n", "" },
		{ "Endpoint = vpn.example.net:https", "host: vpn.example.net\n    port: 443", "" },
		{ "Endpoint = 203.0.113.1:51820", NULL, "" }, { "Endpoint = 203.0.113.1:https", NULL, "" },
		{ "Endpoint = [2001:db8::1]:51820", NULL, "" },
		{ "Endpoint = vpn.example.net:none-such", NULL, "wg0.conf:6: import cannot use the endpoint vpn.example.net:none-such" },
		{ "Endpoint = :51820", NULL, "wg0.conf:6: import cannot use the endpoint :51820" },
		{ "Endpoint = vpn.example.net", NULL, "wg0.conf:6: import cannot use the endpoint vpn.example.net" },
		{ "Endpoint = vpn.example.net:70000", NULL, "wg0.conf:6: import cannot use" },
		{ "Endpoint = vpn.example.net/24:51820", NULL, "wg0.conf:6: import cannot use" },
		{ "Endpoint = 203.0.113.300:51820", NULL, "wg0.conf:6: import cannot use" },
		{ "AllowedIPs = 10.0.0.1/24 , 10.1.0.0/33, ::/0", NULL, "wg0.conf:6: AllowedIPs: 10.1.0.0/33 is not a prefix" },
		{ "AllowedIPs = 10.0.0.0/8x", NULL, "wg0.conf:6: AllowedIPs: 10.0.0.0/8x is not a prefix" },
		{ "AllowedIPs =\nPersistentKeepalive = 25\nPresharedKey = " KEY, NULL, "" },
		{ "PostUp = nft add rule ip nat pre dnat to 10.8.0.2 # x", NULL, "wg0.conf:6: import has not read all commands of this line: nft add rule" },
		{ "PreUp = /etc/wireguard/up.sh %i", NULL, "wg0.conf:6: import has not read all commands of this line: /etc/wireguard/up.sh %i" },
		{ "PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -A FORWARD -o %i -j ACCEPT\nPostDown = /etc/down", NULL, "" },
	};
	struct captured t;
	char text[400], *out;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "[Interface]\nPrivateKey = " KEY "\n\n[Peer]\nPublicKey = " KEY "\n%s\n", rows[i].line);
		out = import("wg0.conf", text, NULL, &t);
		(rows[i].has ? has : lacks)(out, rows[i].has ? rows[i].has : "endpoints:");
		has_said(&t, rows[i].said);
		free(out);
	}
}

int main(void)
{
	log_again(true);		/* the same warning twice is no mistake here */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openwrt_networks), cmocka_unit_test(openwrt_ipsets), cmocka_unit_test(amneziawg_newer),
		cmocka_unit_test(scripts), cmocka_unit_test(quick_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
