/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each finding of findings.def: which consumers get it, and its text for each. The facts are data,
 * and what the probes ask the host is wrapped, so that the test needs no network.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "config/config_sections.h"
#include "ddns/ddns.h"
#include "findings/facts.h"
#include "lib/library.h"
#include "plan/lists.h"

/* ---- answers of this host to the probes ---- */

static bool forwards;			/* the sysctl forwarding of all interfaces */
static int read_error;			/* for each library, secret and list */

bool shared_is_dispatcher(__u32 program_id)
{
	return false;
}

bool __wrap_pins_owner(__u32 program, const char *except, char owner[INSTANCE_LEN]);
bool __wrap_pins_owner(__u32 program, const char *except, char owner[INSTANCE_LEN])
{
	return false;
}

uid_t __wrap_geteuid(void);
uid_t __wrap_geteuid(void)
{
	return 0;
}

bool __wrap_host_forwards(const char *name, bool ipv6);
bool __wrap_host_forwards(const char *name, bool ipv6)
{
	return forwards;
}

bool __wrap_pppoe_device(const char *name, char ret[IFNAMSIZ]);
bool __wrap_pppoe_device(const char *name, char ret[IFNAMSIZ])
{
	return true;
}

int __wrap_nl_way(const struct address *to, const struct address *from, __u32 vrf, __u32 mark,
		  struct nl_way *ret);
int __wrap_nl_way(const struct address *to, const struct address *from, __u32 vrf, __u32 mark,
		  struct nl_way *ret)
{
	*ret = (struct nl_way){ .oif = 3 };
	return 0;
}

int __wrap_library_open(const struct library *l, const struct library_function *list, size_t n,
			void *pointers, char why[LIBRARY_WHY_LEN]);
int __wrap_library_open(const struct library *l, const struct library_function *list, size_t n,
			void *pointers, char why[LIBRARY_WHY_LEN])
{
	strcpy(why, "libexample.so: not there: install it");
	return read_error;
}

int __wrap_ddns_check(const struct ddns_config *c, char why[DDNS_WHY_LEN]);
int __wrap_ddns_check(const struct ddns_config *c, char why[DDNS_WHY_LEN])
{
	strcpy(why, "key-file: cannot read /k");
	return read_error;
}

int __wrap_list_read(const struct list_config *from, struct list_content *ret,
		     struct nft_set_kind *ret_kind);
int __wrap_list_read(const struct list_config *from, struct list_content *ret,
		     struct nft_set_kind *ret_kind)
{
	*ret = (struct list_content){ 0 };
	return read_error;
}

/* ---- a host on which nothing is wrong ---- */

enum { LO, WAN, LAN, WG, OTHER };
static struct nl_link links[5];
static struct nl_address addresses[2];
static struct nl_rule rule;
static struct host host;
static struct service_config service;
static struct config config;
static struct resolved_backends answers;
static struct interface_fact interface;
static struct backend_fact backend;
static struct device_fact device;
static struct wg_peer peer;
static struct facts facts;

static struct address ipv4(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static int healthy(void **state)
{
	static const struct nl_link all[] = {
		{ .ifindex = 1, .name = "lo", .up = true, .loopback = true },
		{ .ifindex = 2, .name = "wan", .up = true, .ethernet = true },
		{ .ifindex = 3, .name = "lan", .up = true, .ethernet = true },
		{ .ifindex = 4, .name = "wg0", .up = true, .kind = "wireguard" },
		{ .ifindex = 5, .name = "br0", .up = true, .kind = "bridge" },
	};

	memcpy(links, all, sizeof(links));
	addresses[0] = (struct nl_address){ .ifindex = 2, .local = ipv4("198.51.100.1"),
					    .prefix_len = 24 };
	addresses[1] = (struct nl_address){ .ifindex = 3, .local = ipv4("192.168.1.1"),
					    .prefix_len = 24 };
	host = (struct host){ .links = links, .n_links = 5, .addresses = addresses,
			      .n_addresses = 2 };
	service = (struct service_config){
		.name = "wg-end", .listen_interface = "wan", .backend.ipv4 = "192.168.1.10",
		.backend.port = htons(51820),
	};
	config = (struct config){ .services = &service, .n_services = 1 };
	interface = (struct interface_fact){
		.about = { .name = "lan", .ifindex = 3, .path = "/interfaces/0/name" },
		.link = &links[LAN], .port = true, .forwards = { true, true },
	};
	backend = (struct backend_fact){
		.about = { .kind = "backend ", .name = "192.168.1.10", .service = &service,
			   .path = "/services/0/backend/ipv4", .backend = ipv4("192.168.1.10") },
		.text = "192.168.1.10", .family = FAMILY_IPV4, .reach = REACH_ROUTED, .way.oif = 3,
		.address = ipv4("192.168.1.10"),
	};
	memset(peer.key.b, 7, sizeof(peer.key.b));
	device = (struct device_fact){ .name = "wg0", .wg = { .peers = &peer, .n_peers = 1 } };
	facts = (struct facts){
		.config = &config, .host = &host, .answers = &answers, .instance = "default",
		.interfaces = &interface, .n_interfaces = 1, .backends = &backend, .n_backends = 1,
		.devices = &device, .n_devices = 1,
	};
	forwards = true;
	read_error = 0;
	return 0;
}

/* ---- texts ---- */

static bool seen[FINDING_IDS];
static enum finding_id beside = FINDING_none;	/* another finding that the facts imply */

/* Checks the one finding of each consumer; NULL: it gets none. */
static void says(enum finding_id id, const char *check, const char *up, const char *health,
		 const char *doctor)
{
	const char *const words[] = { check, up, health, doctor };

	seen[id] = true;
	for (int i = 0; i < 4; i++) {
		struct findings l = { 0 };
		char text[FINDING_LEN];
		size_t n = 0;

		findings_make(&facts, 1 << i, &l);
		for (size_t j = 0; j < l.n; j++) {
			const struct finding *x = &l.list[j];

			if (x->id == id && ++n) {
				i ? finding_print(x, i == 1 ? FINDING_LINE : i == 2 ? FINDING_KIND :
						  FINDING_IT, i != 2, text) :
					finding_print_at(x, text);
				assert_string_equal(text, words[i] ?: "nothing");
			} else if (x->id != beside) {
				assert_int_equal(x->state, STATE_OK);
			}
		}
		assert_int_equal(n, !!words[i]);
		assert_int_equal(finding_is_for(id, 1 << i), !!words[i]);
		findings_free(&l);
	}
	beside = FINDING_none;
}

static void nothing(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct findings l = { 0 };

		findings_make(&facts, 1 << i, &l);
		for (size_t j = 0; j < l.n; j++)
			assert_int_equal(l.list[j].state, STATE_OK);
		findings_free(&l);
	}
	says(FINDING_route, NULL, NULL, NULL, "over lan");
}

static void interfaces(void **state)
{
	interface.link = NULL;
	strcpy(interface.about.name, "lam");
	says(FINDING_missing, "name: lam does not exist: this host has lan, wan, br0, wg0: "
	     "correct the name, or create the interface",
	     "interface lam: it does not exist: this host has lan, wan, br0, wg0: correct the "
	     "name, or create the interface", "lam does not exist",
	     "it does not exist: this host has lan, wan, br0, wg0: correct the name, or create "
	     "the interface");
	interface.link = &links[LO];
	strcpy(interface.about.name, "lo");
	says(FINDING_loopback, "name: lo is the loopback, which other hosts cannot reach: name the "
	     "interface to the clients or to the backend",
	     "interface lo: it is the loopback, which other hosts cannot reach: name the interface "
	     "to the clients or to the backend", NULL,
	     "it is the loopback, which other hosts cannot reach: name the interface to the clients "
	     "or to the backend");
	healthy(NULL);
	links[LAN].up = false;
	says(FINDING_down, NULL, NULL, "lan is down", "it is down");
	healthy(NULL);
	links[LAN].noarp = true;
	says(FINDING_noarp, NULL, NULL, NULL, "it does not resolve MAC addresses (NOARP), so it "
	     "reaches no neighbour: turn ARP on");
	healthy(NULL);
	links[LAN].master = 5;
	says(FINDING_bridge_port, NULL, NULL, NULL,
	     "it is a port of the bridge br0: write br0 instead");
	healthy(NULL);
	strcpy(links[OTHER].name, "ppp0");
	host.n_addresses = 1;
	says(FINDING_pppoe, NULL, NULL, NULL,
	     "it carries the PPPoE session of ppp0: write ppp0 instead");
	healthy(NULL);
	links[LAN].xdp_prog_id = 7;
	says(FINDING_program, "name: lan has an XDP program that is not ours (id 7): remove it, or "
	     "use mode: tc", NULL, NULL, NULL);
}

static void forwarding(void **state)
{
	interface.needs[0] = true;
	says(FINDING_forwarding_on, NULL, NULL, NULL, "IPv4 is on");
	interface.forwards[0] = false;
#define PASSING " (until the next boot)"
#define OFF "has IPv4 forwarding off, so wgxdp forwards no packets that arrive "
	says(FINDING_forwarding, "name: lan " OFF "on it: run `sysctl -w "
	     "net.ipv4.conf.lan.forwarding=1`" PASSING, "interface lan: it " OFF "on it: run "
	     "`sysctl -w net.ipv4.conf.lan.forwarding=1`" PASSING, "lan " OFF "on it", "it " OFF "on it");
	forwards = false;
	says(FINDING_forwarding, "name: this host " OFF "here: run `sysctl -w "
	     "net.ipv4.ip_forward=1`" PASSING, "this host " OFF "here: run `sysctl -w "
	     "net.ipv4.ip_forward=1`" PASSING, "this host " OFF "here", "it " OFF "here");
}

static void addresses_of(void **state)
{
	struct address far = ipv4("203.0.113.1");

	addresses[0] = addresses[1];
	says(FINDING_no_address, "interface: wan has no IPv4 address to listen on: give it one, or "
	     "name another interface", "service wg-end: wan has no IPv4 address to listen on: give "
	     "it one, or name another interface", "wan has no IPv4 address to listen on", NULL);
	healthy(NULL);
	*service.listen_interface = '\0';
	service.listen_addresses = &far;
	service.n_listen_addresses = 1;
#define CORRECT ": correct it; if it is only routed to this host, name its interface: interfaces: [ " \
	"{ name: eth0, role: wan } ]"
	says(FINDING_no_wan, "addresses: 203.0.113.1 is on no wan of this host" CORRECT,
	     "service wg-end: 203.0.113.1 is on no wan of this host" CORRECT,
	     "203.0.113.1 is on no wan of this host", NULL);
	healthy(NULL);
	service.flows.sources = &far;
	service.flows.n_sources = 1;
	says(FINDING_source, "source: 203.0.113.1 is no address of this host: write one that it "
	     "has, as answers come there", NULL, NULL, "it is no address of this host: write one "
	     "that it has, as answers come there");
}

static void backends(void **state)
{
	backend.address = (struct address){ 0 };
	backend.about.backend = backend.address;
	strcpy(backend.about.name, "nosuch");
#define CORRECT_NAME ": correct the name, or see /etc/resolv.conf"
	says(FINDING_unresolved, "ipv4: nosuch has no IPv4 address" CORRECT_NAME,
	     "service wg-end: backend nosuch has no IPv4 address" CORRECT_NAME,
	     "backend nosuch has no IPv4 address", "it has no IPv4 address" CORRECT_NAME);
	healthy(NULL);
	backend.address = backend.about.backend = ipv4("192.168.1.255");
#define BROADCAST " is the broadcast address of a network of this host"
#define ONE_HOST ": write the address of one host in it"
	says(FINDING_broadcast, "ipv4: 192.168.1.10" BROADCAST ONE_HOST,
	     "service wg-end: backend 192.168.1.10" BROADCAST ONE_HOST,
	     "backend 192.168.1.10" BROADCAST, "it" BROADCAST ONE_HOST);
	healthy(NULL);
	backend.reach = REACH_SELF;
#define BEHIND ": write the address of the WireGuard host behind it"
	says(FINDING_own_address, "ipv4: 192.168.1.10 is an address of this host" BEHIND,
	     "service wg-end: backend 192.168.1.10 is an address of this host" BEHIND,
	     "backend 192.168.1.10 is an address of this host",
	     "it is an address of this host" BEHIND);
}

static void ways(void **state)
{
	backend.reach = REACH_NONE;
	backend.way.oif = 0;
#define NO_ROUTE " has no route on this host"
#define ADD ": add a route, or correct the address"
	says(FINDING_no_route, "ipv4: 192.168.1.10" NO_ROUTE ADD,
	     "service wg-end: backend 192.168.1.10" NO_ROUTE ADD, "backend 192.168.1.10" NO_ROUTE,
	     "it" NO_ROUTE ADD);
	backend.down = &links[LAN];
	beside = FINDING_no_route;	/* for others than doctor */
	says(FINDING_behind_down, NULL, NULL, NULL, "it is down");
	backend.down = NULL;
	rule = (struct nl_rule){ .family = FAMILY_IPV4, .fwmark = 1, .priority = 9, .table = 5,
				 .action = FR_ACT_TO_TBL };
	host.rules = &rule;
	host.n_rules = 1;
	beside = FINDING_no_route;
	says(FINDING_marked, NULL, NULL, NULL, "it has a route over lan only for packets with mark "
	     "0x1 (rule 9); XDP sees no marks, and gets no route: add a rule without a mark");
	healthy(NULL);
	backend.reach = REACH_WAN;
	backend.way = (struct nl_way){ .oif = 2, .via = ipv4("198.51.100.9") };
#define BY_WAN " is reached by wan, where service wg-end listens for clients"
#define LISTEN ": add a route, write nat: masquerade, so that replies come back here, or correct " \
	"`listen`, if no client is there"
	says(FINDING_wan_route, "ipv4: 192.168.1.10" BY_WAN LISTEN,
	     "service wg-end: backend 192.168.1.10" BY_WAN LISTEN, "backend 192.168.1.10" BY_WAN,
	     "it" BY_WAN LISTEN);
	backend.way.via.family = 0;
	beside = FINDING_wan_route;
	says(FINDING_side, "interface: wan also leads to the backend 192.168.1.10: if wan does not "
	     "lead to the internet, write the other interface", NULL, NULL, NULL);
	healthy(NULL);
	backend.reach = REACH_UNKNOWN;
#define MAYBE " may have a route: the kernel lacked the memory to say"
	says(FINDING_unknown_route, "ipv4: 192.168.1.10" MAYBE,
	     "service wg-end: backend 192.168.1.10" MAYBE, "backend 192.168.1.10" MAYBE, "it" MAYBE);
}

static void neighbours(void **state)
{
	struct nl_neighbour failed = { .ifindex = 3, .address = backend.address,
				       .state = NUD_FAILED };

	facts.neighbours = &failed;
	facts.n_neighbours = 1;
	says(FINDING_neighbour, NULL, NULL, "backend 192.168.1.10 is not reached: 192.168.1.10 does "
	     "not resolve on lan", NULL);
}

static void mtu(void **state)
{
	links[WAN].mtu = links[LAN].mtu = 1500;
	says(FINDING_mtu_fits, NULL, NULL, NULL, "the MTU 1500 is enough for the packets of up to "
	     "1480 bytes that arrive on wan");
	links[LAN].mtu = 1400;
#define SMALL "has the MTU 1400, but packets of up to 1480 bytes for hosts behind it arrive on wan: " \
	"long ones are fragmented or refused"
	says(FINDING_mtu, NULL, NULL, "lan " SMALL, "it " SMALL);
}

/* An interface that only the daemon used becomes one of the data path. */
static void followed(void **state)
{
	const struct interface_fact *i;

	facts.interfaces = NULL;
	facts.n_interfaces = 0;
	assert_false(facts_add_interface(&facts, "lan", ROLE_NONE, false)->forwards[0]);
	i = facts_add_interface(&facts, "lan", ROLE_LAN, true);
	assert_true(i->port && i->role == ROLE_LAN && i->forwards[0] && facts.n_interfaces == 1);
	free(facts.interfaces);
}

/* `up` looks at the standby that serves, and `check` at both. */
static void standbys(void **state)
{
	struct service_name name = { .name = "wg-end" };
	struct guard guard = { .standby = 1 };
	const struct plan_input in = { .names = &name, .n_names = 1, .guards = &guard,
				       .n_guards = 1, .answers = &answers };

	strcpy(service.backend.standby.ipv4, "192.168.1.11");
	facts.backends = NULL;
	facts.n_backends = 0;
	facts.plan = &in;
	facts_backends(&facts, false);
	assert_int_equal(facts.n_backends, 1);
	assert_string_equal(facts.backends->about.name, "192.168.1.11");
	assert_string_equal(facts.backends->about.path, "/services/0/backend/standby/ipv4");
	facts_backends(&facts, true);
	assert_int_equal(facts.n_backends, 3);
	free(facts.backends);
}

static void relay(void **state)
{
	struct site_name site = { "site-b" };

	strcpy(config.blind.device, "wg0");
	config.blind.port = htons(51820);
#define PORTS "listens on UDP port 0, but the blind relay on 51820"
#define BOTH ": give both the port that the sites have in Endpoint"
	says(FINDING_relay_port, "port: wg0 " PORTS BOTH, NULL, "wg0 " PORTS, "it " PORTS BOTH);
	device.wg.port = config.blind.port;
	config.blind.sites = &site;
	config.blind.n_sites = 1;
#define NO_PEER "is no peer of WireGuard on wg0: write one of BwcHBwcH, or name the peer in `peers` " \
	"or in a comment of /etc/wireguard/wg0.conf"
	says(FINDING_relay_site, "sites: site-b " NO_PEER, NULL, NULL, "it " NO_PEER);
	device.error = -EOPNOTSUPP;
#define NOT_WG " is not a WireGuard interface, or its wireguard-go has no socket in " WG_SOCKET_DIR \
	": name a WireGuard interface"
	says(FINDING_not_wireguard, "device: wg0" NOT_WG, "interface wg0: it" NOT_WG, NULL,
	     "it" NOT_WG);
}

static void peers(void **state)
{
	struct peer_config p = { .name = "site-a", .device = "wg0" };
	struct learn_config learn = { .interface = "wg0" };
	struct peer_endpoint_config e = { .interface = "wg0", .host = "nosuch", .peer = peer.key };

	config.peers = &p;
	config.n_peers = 1;
#define NO_KEY "has no public-key, and WireGuard on wg0 knows a peer only by its key: add it"
	says(FINDING_keyless, "peers: site-a " NO_KEY, NULL, NULL, "it " NO_KEY);
	p.key.b[0] = 1;
#define UNKNOWN "WireGuard on wg0 has no peer with this public key: correct the key, or add the peer"
	says(FINDING_unknown_peer, "public-key: " UNKNOWN, NULL, NULL, UNKNOWN);
	config.n_peers = 0;
	config.learn = &learn;
	config.n_learn = 1;
	device.wg.n_peers = 0;
	says(FINDING_learned_peer, "learn: WireGuard on wg0 has no peer: add the one that moves",
	     NULL, NULL, "WireGuard on wg0 has no peer: add the one that moves");
	device.wg.n_peers = 1;
	config.n_learn = 0;
	config.endpoints = &e;
	config.n_endpoints = 1;
	says(FINDING_endpoint_name, "host: nosuch has no address" CORRECT_NAME, NULL, NULL, NULL);
}

static void files(void **state)
{
	struct ddns_config ddns = { .by = DDNS_RFC2136, .secret = "/k" };
	struct list_config list = { .source = LIST_FILE, .name = "/l" };

	read_error = -ENOENT;
	config.n_exporter = 1;
	says(FINDING_library, "exporter: libexample.so: not there: install it", NULL, NULL,
	     "libexample.so: not there: install it");
	config.n_exporter = 0;
	config.ddns = &ddns;
	config.n_ddns = 1;
	says(FINDING_secret, "key-file: cannot read /k", NULL, NULL, "key-file: cannot read /k");
	config.n_ddns = 0;
	service.deny_lists = &list;
	service.n_deny_lists = 1;
	facts.unfollowed = "standby";
	beside = FINDING_list;
#define NO_DAEMON "no daemon runs, and standby needs one: start it (`wgxdp daemon`)"
	says(FINDING_daemon, NULL, "instance default: " NO_DAEMON, NULL, NO_DAEMON);
	facts.unfollowed = NULL;
	says(FINDING_list, "deny: /l cannot be read: there is no such file: write it", NULL, NULL,
	     "it cannot be read: there is no such file: write it");
}

/* fix_lasts() knows the commands whose effect ends with the boot. fix_file() overwrites no file. */
static void fixes(void **state)
{
	char *change = fix_file("/f", "wgxdp save");

	assert_string_equal(change, "t=$(mktemp /f.XXXX) && cp -p /f $t && wgxdp save > $t && "
			    "mv --backup=t $t /f");
	assert_true(fix_lasts(change));
	assert_true(fix_lasts("systemctl enable --now wgxdp-daemon.service"));
	assert_true(fix_lasts("wgxdp reload -c /etc/wgxdp/wgxdp.yaml"));
	assert_true(fix_lasts("wgxdp service set zip --listen eth0-up && mv --backup=t $t /f"));
	assert_false(fix_lasts("sysctl -w net.ipv4.ip_forward=1"));
	assert_false(fix_lasts("ip link set dev lan mtu 1500"));
	assert_false(fix_lasts("wg-quick up wg0 && wgxdp reload -c /f"));
	assert_false(fix_lasts("bash -c 'wg addconf wg0 <(wg-quick strip wg0)'"));
	assert_false(fix_lasts("setsid -f wgxdp daemon -c /f"));
	assert_false(fix_lasts("wgxdp --instance home up"));
	assert_false(fix_lasts("ssh 10.0.0.1 'wg-quick down \"$f\"; wg-quick up \"$f\"'"));
	free(change);
}

/* Each finding has a case above. */
static void all(void **state)
{
	for (int id = 1; id < FINDING_IDS; id++)
		if (!seen[id])
			fail_msg("no case has the finding of row %d in findings.def", id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing, healthy), cmocka_unit_test_setup(interfaces, healthy),
		cmocka_unit_test_setup(forwarding, healthy),
		cmocka_unit_test_setup(addresses_of, healthy),
		cmocka_unit_test_setup(backends, healthy), cmocka_unit_test_setup(ways, healthy),
		cmocka_unit_test_setup(neighbours, healthy), cmocka_unit_test_setup(mtu, healthy),
		cmocka_unit_test_setup(followed, healthy), cmocka_unit_test_setup(standbys, healthy),
		cmocka_unit_test_setup(relay, healthy),
		cmocka_unit_test_setup(peers, healthy), cmocka_unit_test_setup(files, healthy),
		cmocka_unit_test(fixes), cmocka_unit_test(all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
