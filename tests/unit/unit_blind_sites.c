/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sites of the blind relay keep number and name while WireGuard's peers change, and follow what the data path reports
 * (user/daemon/blind_sites.c and blind_hear.c). There are no maps.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/blind_sites.h"
#include "dataplane/control.h"
#include "plan/site_names.h"

#define ROOM 4				/* numbers 1 to 3 */

/* There are no maps. */
void control_routing_changed(const char *instance, bool routes)
{
}

/* The last endpoint of the site A that WireGuard was told, and how many messages it should send. */
static struct {
	struct address endpoint;
	__be16 port;
	int given, nudges;
} told;

int __wrap_wg_set_endpoint(const char *device, const struct wg_key *peer, const struct address *a, __be16 port)
{
	assert_int_equal(peer->b[0], 'A');
	told.endpoint = *a;
	told.port = port;
	told.given++;
	return 0;
}

void __wrap_wg_nudge(const char *device, const struct address *inside)
{
	told.nudges++;
}

/* WireGuard's file: the name of each peer, "A-one B-two" for example, and when it changed last */
static const char *file = "";
static long long file_time;
static int file_read;			/* number of times */

long long __wrap_wg_names_time(const char *device)
{
	return file_time;
}

bool __wrap_site_names_read(const struct config *c, struct wg_names *ret)
{
	*ret = (struct wg_names){ 0 };
	for (const char *at = file; *at; at += at[strcspn(at, " ")] ? strcspn(at, " ") + 1 : strcspn(at, " ")) {
		struct wg_name n = { 0 };

		memset(&n.key, *at, sizeof(n.key));
		strncpy(n.name, at + 2, strcspn(at, " ") - 2);
		wg_names_prefer(ret, &n, 1);
	}
	file_read++;
	return ret->n;
}

static int setup(void **state)
{
	static struct config c = { .blind = { .device = "wg-none" } };
	struct sites *s = calloc(1, sizeof(*s));

	s->config = &c;
	s->instance = "none";
	s->room = ROOM;
	s->mapped = calloc(ROOM, sizeof(*s->mapped));
	memset(s->fds, -1, sizeof(s->fds));
	memset(&told, 0, sizeof(told));
	s->unused = 1;
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct sites *s = *state;

	free(s->mapped);
	free(s);
	return 0;
}

/* Makes the sites those with these keys: each a letter, which all bytes of the key have. */
static void follow(struct sites *s, const char *letters)
{
	struct wg_peer peers[ROOM] = { 0 };
	struct wg_device d = { .peers = peers, .n_peers = strlen(letters) };

	for (size_t i = 0; i < d.n_peers; i++)
		memset(&peers[i].key, letters[i], sizeof(peers[i].key));
	sites_follow_peers(s, &d);
}

static __u32 number(const struct sites *s, char letter)
{
	struct wg_key key;

	memset(&key, letter, sizeof(key));
	return sites_number(s, &key, false);
}

static void numbers(void **state)
{
	struct sites *s = *state;
	__u32 a, b;

	follow(s, "ABC");
	a = number(s, 'A');
	b = number(s, 'B');
	assert_true(a && b && a != b && a < ROOM && b < ROOM);
	follow(s, "AC");
	assert_int_equal(number(s, 'B'), ROOM);
	follow(s, "ABC");		/* a site that comes back has its number again */
	assert_int_equal(number(s, 'B'), b);
	follow(s, "AC");
	follow(s, "ADC");		/* no number is left but B's */
	assert_int_equal(number(s, 'D'), b);
	assert_int_equal(number(s, 'A'), a);
	assert_false(s->full);
	follow(s, "ABCD");		/* larger maps are needed */
	assert_true(s->full);
	follow(s, "ABC");
	assert_false(s->full);
}

static const char *name_of(const struct sites *s, char letter)
{
	return number(s, letter) < ROOM ? s->known[number(s, letter)].name : "none";
}

/* Sites get the names that the configuration or WireGuard's file gives them later. The file is not read more often than it
 * changes, and once for all sites. */
static void other_names(void **state)
{
	struct sites *s = *state;
	struct config c = *s->config;

	file = "";
	file_time = 0;
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'A'), "QUFBQUFB");
	file = "A-one B-two C-three";
	file_time = 5000;
	file_read = 0;
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'A'), "one");
	assert_string_equal(name_of(s, 'B'), "two");
	assert_string_equal(name_of(s, 'C'), "three");
	follow(s, "ABC");
	assert_int_equal(file_read, 1);
	file = "A-two B-one C-three";	/* two sites swap their names */
	file_time = sites_time();	/* the file may be incomplete */
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'A'), "one");
	s->config = &c;
	sites_list(s);			/* but a new configuration does not wait */
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'A'), "two");
	assert_string_equal(name_of(s, 'B'), "one");
	file = "";			/* another program writes the file */
	file_time = 6000;
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'A'), "two");
	free(s->listed);
}

/* With a list of sites, or of pairs, a site keeps its name while only the configuration has it. */
static void listed_names(void **state)
{
	static struct site_name listed[] = { { "one" }, { "two" } };
	static struct site_pair pairs[] = { { { "one", "two" } } };
	struct sites *s = *state;
	struct config c = *s->config;

	file = "A-two B-one C-three";
	file_time = 6000;
	s->config = &c;
	follow(s, "ABC");
	c.blind.sites = listed;
	c.blind.n_sites = 2;
	sites_list(s);
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'A'), "two");
	assert_string_equal(name_of(s, 'C'), "none");
	file = "A-two B-single C-three";
	file_time = 7000;
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'B'), "one");
	file = "A-one B-three C-two";	/* a name moves to another key */
	file_time = 8000;
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'A'), "one");
	assert_string_equal(name_of(s, 'B'), "none");
	assert_string_equal(name_of(s, 'C'), "two");

	c.blind.n_sites = 0;
	c.blind.pairs = pairs;
	c.blind.n_pairs = 1;
	sites_list(s);
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'B'), "three");
	file = "A-single B-three C-two";	/* `pairs` still has the former name */
	file_time = 9000;
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'A'), "one");
	file = "A-three B-one C-two";
	file_time = 10000;
	follow(s, "ABC");
	assert_string_equal(name_of(s, 'A'), "three");
	assert_string_equal(name_of(s, 'B'), "one");
	free(s->listed);
	file = "";
}

static bool is_heard(__u64 bytes)
{
	const struct blind_known k = { .received = 1000, .read = true };

	return site_is_heard(&k, &(struct wg_peer){ .rx_bytes = 1000 + bytes });
}

/* Only data proves that the site is where WireGuard says. */
static void heard(void **state)
{
	const struct blind_known k = { .received = 1000, .handshake = 5000, .read = true };

	assert_true(is_heard(32));		/* a keepalive */
	assert_true(is_heard(128 + 32));
	assert_true(is_heard(10 * 1452));	/* packets with the length of the MTU */
	assert_false(is_heard(0));
	for (int i = 1; i < 4; i++) {		/* initiations that somebody repeats */
		assert_false(is_heard(i * 148));
		assert_false(is_heard(i * 148 + 32));	/* while the site answers a question */
		assert_false(is_heard(i * 148 + 2 * 128));
	}
	assert_true(site_is_heard(&k, &(struct wg_peer){ .rx_bytes = 1148, .handshake = 6 }));
	assert_true(site_is_heard(&k, &(struct wg_peer){ .rx_bytes = 1092 + 32, .handshake = 6 }));
	/* a handshake, and somebody repeats an initiation */
	assert_false(site_is_heard(&k, &(struct wg_peer){ .rx_bytes = 1092 + 32 + 148, .handshake = 6 }));
	assert_false(site_is_heard(&k, &(struct wg_peer){ .rx_bytes = 1148 + 32 + 148, .handshake = 6 }));
	assert_false(site_is_heard(&k, &(struct wg_peer){ .rx_bytes = 1148, .handshake = 5 }));
}

/* The daemon reads WireGuard while the site's handshake is under way, as it does with each site that is some milliseconds
 * away. */
static void heard_after_initiation(void **state)
{
	const __u64 now = sites_clock();
	const struct blind_known k = { .received = 1148, .handshake = 5000, .begun = now, .read = true };
	const struct blind_known old = { .received = 1148, .handshake = 5000, .begun = now - 3000, .read = true };
	struct wg_peer p = { .rx_bytes = 1148 + 32, .handshake = 6 };

	assert_true(site_is_heard(&k, &p));
	assert_false(site_is_heard(&old, &p));
	p.rx_bytes += 148;		/* another initiation after the data */
	assert_false(site_is_heard(&k, &p));
	assert_true(site_is_heard(&old, &p));	/* the site has begun again */
}

static const struct address home = { .addr = { { .b = { 10, 7, 1, 2 } } }, .family = FAMILY_IPV4 };
static const struct address attacker = { .addr = { { .b = { 198, 51, 100, 66 } } }, .family = FAMILY_IPV4 };

/* A has its last endpoint at `home`, port 51820. WireGuard has it at `endpoint`, and had no handshake. */
static struct blind_known *knows_home(struct sites *s, struct wg_peer *p, const struct address *endpoint, __u64 rx_bytes)
{
	struct blind_known *k;

	follow(s, "A");
	k = &s->known[number(s, 'A')];
	k->last = home;
	k->last_port = htons(51820);
	*p = (struct wg_peer){ .endpoint = *endpoint, .endpoint_port = htons(51820), .rx_bytes = rx_bytes };
	memset(&p->key, 'A', sizeof(p->key));
	return k;
}

/* A site begins, and its handshake takes longer than the time until the daemon reads WireGuard. */
static void follows_slow_handshake(void **state)
{
	struct sites *s = *state;
	struct wg_peer p;
	const struct wg_device d = { .peers = &p, .n_peers = 1 };
	struct blind_known *k = knows_home(s, &p, &attacker, 148);

	k->last.family = 0;
	sites_follow_endpoints(s, &d, sites_clock() - 1000);
	assert_false(k->proven);
	p.rx_bytes += 32;
	p.handshake = 6;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(k->proven && address_equal(&k->last, &attacker));

	p.endpoint = home;		/* it begins again elsewhere */
	p.rx_bytes += 148;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(address_equal(&k->last, &attacker));
	p.rx_bytes += 32;
	p.handshake = 7;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(address_equal(&k->last, &home));

	p.endpoint = attacker;		/* the peer was removed, and is new */
	p.rx_bytes = 148;
	p.handshake = 0;
	sites_follow_endpoints(s, &d, sites_clock());
	p.rx_bytes += 32;
	p.handshake = 8;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(address_equal(&k->last, &attacker));

	p.endpoint = home;		/* WireGuard was last read long ago: it may have begun a handshake itself */
	p.rx_bytes += 148;
	sites_follow_endpoints(s, &d, sites_clock() - 3000);
	p.rx_bytes += 32;
	p.handshake = 9;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(address_equal(&k->last, &attacker));
}

/* The daemon has begun again. Meanwhile the site may have moved, or somebody may have repeated an initiation. */
static void first_reading(void **state)
{
	struct sites *s = *state;
	struct wg_peer p;
	const struct wg_device d = { .peers = &p, .n_peers = 1 };
	struct blind_known *k = knows_home(s, &p, &attacker, 5000);

	p.handshake = 6;
	k->proven = true;
	sites_follow_endpoints(s, &d, 0);
	assert_true(address_equal(&k->last, &home));
	assert_true(told.given == 1 && address_equal(&told.endpoint, &home));
	p.rx_bytes += 32;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(address_equal(&k->last, &attacker));
}

/* Two sites that WireGuard has read before, both at `home` */
static void two_at_home(struct sites *s, struct wg_peer peers[2], struct blind_known *k[2])
{
	follow(s, "AB");
	for (int i = 0; i < 2; i++) {
		k[i] = &s->known[number(s, "AB"[i])];
		k[i]->read = true;
		k[i]->received = 1000;
		k[i]->handshake = 5000;
		peers[i] = (struct wg_peer){ .endpoint = home, .endpoint_port = htons(51820), .rx_bytes = 1000, .handshake = 5 };
		memset(&peers[i].key, "AB"[i], sizeof(peers[i].key));
	}
}

/* A site keeps its endpoint while it is heard, whoever else sends from there. When it is silent, the other one gets it. */
static void same_endpoint(void **state)
{
	struct sites *s = *state;
	struct wg_peer peers[2];
	const struct wg_device d = { .peers = peers, .n_peers = 2 };
	struct blind_known *k[2];

	two_at_home(s, peers, k);
	k[0]->last = home;
	k[0]->last_port = htons(51820);
	k[0]->proven = true;
	k[0]->here = sites_clock();
	peers[1].rx_bytes += 32;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(k[0]->proven && !k[1]->proven);
	k[0]->here = sites_clock() - 61000;
	peers[1].rx_bytes += 32;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(!k[0]->proven && k[1]->proven && address_equal(&k[1]->last, &home));
	/* the former site cannot take it back while the other one is heard */
	peers[0].rx_bytes += 32;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(!k[0]->proven && k[1]->proven);
}

/* A site that sends from another's endpoint does not get it, although this daemon has not heard the other one yet. The
 * daemon has just begun, or the other relay of a pair has told it where that site was. */
static void owned_endpoint(void **state)
{
	struct sites *s = *state;
	struct wg_peer peers[2];
	const struct wg_device d = { .peers = peers, .n_peers = 2 };
	struct blind_known *k[2];

	two_at_home(s, peers, k);
	for (int proven = 1; proven >= 0; proven--) {
		k[0]->last = home;
		k[0]->last_port = htons(51820);
		k[0]->proven = proven;
		k[0]->owned = sites_clock();
		peers[1].rx_bytes += 32;
		sites_follow_endpoints(s, &d, sites_clock());
		assert_true(k[0]->proven == proven && !k[1]->proven && address_equal(&k[0]->last, &home));
	}
	peers[0].rx_bytes += 32;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(k[0]->proven && !k[0]->owned);
	/* without a sign of life it does not keep the endpoint */
	k[0]->here = 0;
	k[0]->owned = sites_clock() - 61000;
	peers[1].rx_bytes += 32;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_true(!k[0]->proven && k[1]->proven);
}

/* A new peer answers the relay's own handshake, and somebody repeats an initiation at the same time. */
static void first_handshake(void **state)
{
	struct sites *s = *state;
	struct wg_peer p;
	const struct wg_device d = { .peers = &p, .n_peers = 1 };
	struct blind_known *k = knows_home(s, &p, &home, 0);

	sites_follow_endpoints(s, &d, 0);
	p.handshake = 6;
	p.rx_bytes = 92 + 148;
	p.endpoint = attacker;
	sites_follow_endpoints(s, &d, sites_clock());
	assert_false(k->proven);
}

/* The maps are made again under a running daemon, with room for more sites. They contain nothing. */
static void new_maps(void **state)
{
	struct sites *s = *state;
	struct blind_site was;
	struct wg_key key;
	struct blind_known *k;

	memset(&key, 'R', sizeof(key));
	sites_take_key(s, &key);
	follow(s, "A");
	k = &s->known[number(s, 'A')];
	k->last = k->endpoint = home;
	k->last_port = k->port = htons(51820);
	k->proven = true;
	was = s->mapped[0];
	memset(s->mapped, 0, ROOM * sizeof(*s->mapped));

	sites_read_running(s);
	sites_take_key(s, &key);
	follow(s, "A");
	assert_memory_equal(s->mapped[0].mac1, was.mac1, sizeof(was.mac1));
	assert_int_equal(k->endpoint.family, 0);	/* so its place will be written */
	assert_true(address_equal(&k->last, &home));
}

static void is_told(int given, int nudges)
{
	assert_int_equal(told.given, given);
	assert_int_equal(told.nudges, nudges);
	if (given) {
		assert_true(address_equal(&told.endpoint, &home));
		assert_int_equal(ntohs(told.port), 51820);
	}
	memset(&told, 0, sizeof(told));
}

/* Somebody repeated an initiation before any handshake. WireGuard's first message goes to the site. */
static void reminds_at_home(void **state)
{
	struct sites *s = *state;
	struct wg_peer p;
	const struct wg_device d = { .peers = &p, .n_peers = 1 };
	__u8 due[ROOM] = { 0 };
	__u32 a;

	knows_home(s, &p, &attacker, 148);
	a = number(s, 'A');
	sites_remind(s, &d, NULL);
	is_told(1, 1);
	sites_remind(s, &d, due);
	assert_int_equal(due[a], DUE_ENDPOINT);
	is_told(1, 0);			/* at once, and a message in its turn */

	p.rx_bytes = 0;			/* the endpoint is from WireGuard's configuration */
	sites_remind(s, &d, NULL);
	is_told(0, 1);
	sites_remind(s, &d, due);	/* the last endpoint is still due */
	assert_int_equal(due[a], DUE_ENDPOINT);
	due[a] = DUE_NOTHING;
	sites_remind(s, &d, due);
	assert_int_equal(due[a], DUE_MESSAGE);
}

/* Somebody repeated an initiation at a relay on standby, which becomes active. */
static void gives_home(void **state)
{
	struct sites *s = *state;
	struct wg_peer p;
	const struct wg_device d = { .peers = &p, .n_peers = 1 };
	__u8 due[ROOM] = { 0 };

	knows_home(s, &p, &attacker, 148);
	sites_give_endpoints(s, &d, due);
	is_told(1, 0);
	assert_int_equal(due[number(s, 'A')], DUE_ENDPOINT);
	p.endpoint = home;
	sites_give_endpoints(s, &d, due);
	is_told(0, 0);
	p.rx_bytes += 148;
	p.endpoint_port = htons(1024);
	sites_give_endpoints(s, &d, due);
	is_told(1, 0);
	sites_give_endpoints(s, &d, due);
	is_told(0, 0);			/* no message came since then */
	p.rx_bytes += 148;
	p.endpoint.family = 0;		/* WireGuard sends nothing, and takes the endpoint in its turn */
	sites_give_endpoints(s, &d, due);
	is_told(0, 0);
}

/* A question goes to the site, wherever WireGuard has it now, unless it has just heard the site there. */
static void asks_at_home(void **state)
{
	struct sites *s = *state;
	struct blind_known *k;
	struct wg_peer p;
	__u32 a;

	k = knows_home(s, &p, &attacker, 148);
	a = number(s, 'A');
	sites_ask(s, &p, a);
	is_told(0, 1);			/* nothing proves the last endpoint */
	k->proven = true;
	sites_ask(s, &p, a);
	is_told(1, 1);
	k->received = 148;
	k->read = true;
	sites_ask(s, &p, a);
	is_told(1, 1);
	p.rx_bytes += 32;		/* the site has moved */
	sites_ask(s, &p, a);
	is_told(0, 1);
	p.rx_bytes += 148;
	sites_ask(s, &p, a);
	is_told(1, 1);
}

/* WireGuard's sessions live for three minutes. Those from before this relay of a pair was on standby do not count. */
static void has_session(void **state)
{
	struct sites *s = *state;
	__u64 now = sites_time() / 1000;
	struct wg_peer p = { .handshake = 0 };

	assert_false(sites_has_session(s, &p));
	p.handshake = now - 10;
	assert_true(sites_has_session(s, &p));
	s->active_since = (now - 12) * 1000;
	assert_true(sites_has_session(s, &p));
	s->active_since = (now - 8) * 1000;
	assert_false(sites_has_session(s, &p));
	s->active_since = 0;
	p.handshake = now - 170;
	assert_true(sites_has_session(s, &p));
	p.handshake = now - 178;
	assert_false(sites_has_session(s, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(other_names, setup, teardown),
		cmocka_unit_test_setup_teardown(listed_names, setup, teardown),
		cmocka_unit_test(heard),
		cmocka_unit_test(heard_after_initiation),
		cmocka_unit_test_setup_teardown(follows_slow_handshake, setup, teardown),
		cmocka_unit_test_setup_teardown(first_reading, setup, teardown),
		cmocka_unit_test_setup_teardown(first_handshake, setup, teardown),
		cmocka_unit_test_setup_teardown(same_endpoint, setup, teardown),
		cmocka_unit_test_setup_teardown(owned_endpoint, setup, teardown),
		cmocka_unit_test_setup_teardown(new_maps, setup, teardown),
		cmocka_unit_test_setup_teardown(reminds_at_home, setup, teardown),
		cmocka_unit_test_setup_teardown(gives_home, setup, teardown),
		cmocka_unit_test_setup_teardown(asks_at_home, setup, teardown),
		cmocka_unit_test_setup_teardown(has_session, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
