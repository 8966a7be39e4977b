/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A blind relay tells two others what they must know about its sites, and accepts from them only what is newer and
 * theirs (user/daemon/blind_relays.c). There are no maps and no connections. Each site is a letter, which all bytes
 * of its key have.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/blind_relays.h"
#include "dataplane/control.h"
#include "instance/run_counters.h"

#define ROOM 4				/* A to C have the numbers 1 to 3 */
#define OTHERS 2
#define START 1000000			/* the clock when the test begins, in ms */

static __u64 now;			/* time that sites_clock() returns, in ms */
static __u64 cost;			/* ms that writing the maps takes */
static int placed, written, sessions;	/* calls of functions that write maps */
static __u32 asked;			/* the site about which another relay asked last */
static struct relay_config others[OTHERS];
static struct relay_link links[OTHERS];
static char said[OTHERS][1024];		/* lines that the links took, in short */
static size_t capacity;			/* lines that a message may have */
static size_t n_said;
static struct blind_bucket bucket;
static struct config config;
static struct sites *sites;
static struct relays *relays;
static struct run_counters *counters;	/* those of the relay, when it wrote them */

__u64 __wrap_sites_clock(void)
{
	return now;
}

bool __wrap_sites_place(struct sites *s)
{
	placed++;
	now += cost;
	return true;
}

void __wrap_sites_write_endpoints(struct sites *s)
{
	written++;
}

/* ---- links without connections ---- */

struct relay_link *relay_link_new(struct relay_links *all, const struct relay_link_ops *ops, void *owner,
				  const struct stream_config *config)
{
	size_t i = config->peer.addr.b[15] - 1;

	assert_true(i < OTHERS);
	assert_null(links[i].owner);
	links[i] = (struct relay_link){ .ops = ops, .owner = owner, .config = *config };
	ops->begin(&links[i]);
	return &links[i];
}

void relay_link_free(struct relay_link *l, const char *why)
{
	l->owner = NULL;
}

/* Adds the line to what was said, with the key's letter in place of the key. */
bool relay_link_add(struct relay_link *l, const struct blind_line *line)
{
	char *text = said[l - links], endpoint[ADDRESS_STRLEN];
	size_t n = strlen(text), room = sizeof(*said) - n;
	char site = line->user.b[0];

	if (n_said == capacity)
		return false;
	n_said++;
	switch (line->word) {
	case BLIND_WORD_ACTIVE:
		snprintf(text + n, room, "active;");
		break;
	case BLIND_WORD_PORT:
		snprintf(text + n, room, "port %c %u;", site, ntohs(line->port));
		break;
	case BLIND_WORD_HERE:
		snprintf(text + n, room, "here %c %lld;", site, (long long)line->number);
		break;
	case BLIND_WORD_SITE:
		snprintf(text + n, room, "site %c %s;", site, endpoint_format(&line->endpoint, line->port, endpoint));
		break;
	case BLIND_WORD_ASK:
		snprintf(text + n, room, "ask %c;", site);
		break;
	case BLIND_WORD_SESSION:
		snprintf(text + n, room, "session %c %c %x;", site, line->origin.b[0], line->index);
		break;
	default:
		fail_msg("word %d", line->word);
	}
	return true;
}

void relay_link_restart(struct relay_link *l)
{
	l->ops->begin(l);
}

void relay_link_send(struct relay_link *l)
{
}

/* ---- files and maps that do not exist ---- */

bool blind_line_of(const struct blind_known *known, const struct blind_session *e, struct blind_line *ret)
{
	*ret = (struct blind_line){ .word = BLIND_WORD_SESSION, .index = e->key, .user = known[BLIND_USER(e->key)].key,
				    .origin = known[BLIND_ORIGIN(e->value)].key };
	return e->key;
}

bool sites_add_session(struct sites *s, const struct blind_line *l)
{
	sessions++;
	return true;
}

void sites_write_sessions(struct sites *s)
{
}

void __wrap_run_counters_write(const struct run_counters *n)
{
	counters = (struct run_counters *)n;
}

int control_routing_changed(const char *instance, bool routes)
{
	return 0;
}

/* ---- the relay ---- */

static void on_asked(void *data, __u32 number)
{
	asked = number;
}

static struct address address4(__u8 last)
{
	struct address a;

	assert_int_equal(address_parse("192.0.2.0", &a), 0);
	a.addr.b[15] = last;
	return a;
}

static struct blind_known *known(char letter)
{
	return &sites->known[letter - 'A' + 1];
}

static int setup(void **state)
{
	struct wg_peer peers[ROOM - 1] = { 0 };

	now = START;
	cost = placed = written = sessions = asked = n_said = 0;
	capacity = SIZE_MAX;
	memset(links, 0, sizeof(links));
	memset(said, 0, sizeof(said));
	memset(&bucket, 0, sizeof(bucket));
	for (size_t i = 0; i < OTHERS; i++) {
		others[i].address = address4(i + 1);
		others[i].stream.peer = address4(i + 1);
	}
	config = (struct config){ .blind = { .device = "wg-none", .relays = others, .n_relays = OTHERS } };
	sites = calloc(1, sizeof(*sites));
	sites->config = &config;
	sites->instance = "none";
	sites->room = ROOM;
	sites->mapped = calloc(ROOM, sizeof(*sites->mapped));
	sites->buckets = &bucket;
	sites->n_buckets = 1;
	memset(sites->fds, -1, sizeof(sites->fds));
	sites->unused = 1;
	for (int i = 0; i < ROOM - 1; i++) {
		memset(&peers[i].key, 'A' + i, sizeof(peers[i].key));
		sites->mapped[i + 1].other_port = htons(1025 + i);
	}
	sites_follow_peers(sites, &(struct wg_device){ .peers = peers, .n_peers = ROOM - 1 });
	relays = relays_new(NULL, sites, on_asked, NULL);
	relays_reconfigure(relays);
	return 0;
}

static int teardown(void **state)
{
	config.blind.n_relays = 0;
	relays_reconfigure(relays);
	if (counters)
		run_counters_free(counters);
	counters = NULL;
	for (size_t r = 0; r < sites->n_ports; r++)
		free(sites->ports[r]);
	free(sites->mapped);
	free(sites);
	free(relays);
	return 0;
}

/* The site's WireGuard sends to this relay. */
static void is_at_endpoint(char letter, __u8 last, __u64 here)
{
	known(letter)->endpoint = address4(last);
	known(letter)->port = htons(51820);
	known(letter)->here = here;
}

/* Returns the next message to a relay, 1 or 2, which may have at most `lines` lines. */
static const char *message(size_t relay, size_t lines)
{
	n_said = 0;
	capacity = lines;
	*said[relay - 1] = '\0';
	links[relay - 1].ops->fill(&links[relay - 1], false);
	return said[relay - 1];
}

static void receive(size_t relay, const struct blind_line *line)
{
	links[relay - 1].ops->line(&links[relay - 1], line);
	links[relay - 1].ops->after(&links[relay - 1]);
}

static struct blind_line line_of(enum blind_word word, char letter)
{
	struct blind_line line = { .word = word };

	memset(&line.user, letter, sizeof(line.user));
	return line;
}

/* The relay says that it heard the site `age` ms ago. */
static void receive_here(size_t relay, char letter, __u64 age)
{
	struct blind_line line = line_of(BLIND_WORD_HERE, letter);

	line.number = age;
	receive(relay, &line);
}

static void receive_endpoint(size_t relay, char letter, const struct address *a, __u16 port)
{
	struct blind_line line = line_of(BLIND_WORD_SITE, letter);

	line.endpoint = *a;
	line.port = htons(port);
	receive(relay, &line);
}

static void receive_site(size_t relay, char letter, const struct address *a)
{
	receive_endpoint(relay, letter, a, 7);
}

static bool is_at_relay(char letter, __u8 relay)
{
	const struct blind_known *k = known(letter);
	struct address a = address4(relay);

	return site_is_remote(k) && address_equal(&k->relay, &a);
}

/* ---- sending ---- */

/* A relay says the ports of all sites, and the endpoints of its own, once. */
static void says_what_it_has(void **state)
{
	assert_string_equal(message(1, 99), "port A 1025;port B 1026;port C 1027;");
	assert_string_equal(message(1, 99), "");
	is_at_endpoint('B', 77, START - 1500);
	assert_string_equal(message(1, 99), "here B 1500;site B 192.0.2.77:51820;");
	assert_string_equal(message(1, 99), "");
	assert_string_equal(message(2, 99), "port A 1025;port B 1026;here B 1500;site B 192.0.2.77:51820;port C 1027;");
	relays_restart(relays);
	assert_string_equal(message(1, 99), "port A 1025;port B 1026;here B 1500;site B 192.0.2.77:51820;port C 1027;");
}

/* The next message has what the last one had no room for, and nothing comes twice. */
static void says_all_in_small_messages(void **state)
{
	char all[1024] = "";

	is_at_endpoint('A', 77, START);
	is_at_endpoint('C', 79, START);
	known('B')->relay = address4(1);
	known('B')->there = START;
	relays_ask(relays, 2);
	for (int i = 0; i < 8; i++)
		strcat(all, message(1, 1));
	assert_string_equal(all, "port A 1025;here A 0;site A 192.0.2.77:51820;port B 1026;port C 1027;here C 0;"
			    "site C 192.0.2.79:51820;ask B;");
	assert_string_equal(message(1, 1), "");
}

/* A site that still sends is said again after five seconds, with its endpoint, and at once when another relay asks. */
static void says_again(void **state)
{
	is_at_endpoint('A', 77, START);
	message(1, 99);
	known('A')->here = now = START + 4999;
	assert_string_equal(message(1, 99), "");
	known('A')->here = now = START + 5000;
	assert_string_equal(message(1, 99), "here A 0;site A 192.0.2.77:51820;");
	known('A')->here = now = START + 5001;
	assert_string_equal(message(1, 99), "");
	relays_say_here(relays, 1);
	assert_string_equal(message(1, 99), "here A 0;site A 192.0.2.77:51820;");
	known('A')->port = htons(9);
	assert_string_equal(message(1, 99), "site A 192.0.2.77:9;");
}

/* A site was at another relay for two seconds. */
static void says_at_once_who_is_back(void **state)
{
	is_at_endpoint('A', 77, START);
	message(1, 99);
	now = START + 1000;
	receive_here(2, 'A', 0);
	assert_string_equal(message(1, 99), "");
	known('A')->here = now = START + 3000;
	assert_string_equal(message(1, 99), "here A 0;site A 192.0.2.77:51820;");
	assert_string_equal(message(1, 99), "");
}

/* A site that moved to another relay may still send here: that it was heard is said, but no endpoint. */
static void says_nothing_for_another_relay(void **state)
{
	is_at_endpoint('A', 77, START);
	receive_here(2, 'A', 0);
	assert_string_equal(message(1, 99), "port A 1025;here A 0;port B 1026;port C 1027;");
}

/* Only the relay at which a site is gets the question. */
static void asks_the_right_relay(void **state)
{
	receive_here(2, 'A', 0);
	message(1, 99);
	message(2, 99);
	relays_ask(relays, 1);
	assert_string_equal(message(1, 99), "");
	assert_string_equal(message(2, 99), "ask A;");
	assert_string_equal(message(2, 99), "");
}

/* A relay needs the confirmed indices of the sites that are here, and of those that are there. */
static void says_sessions(void **state)
{
	struct blind_session *way = bucket.way;

	way[0] = (struct blind_session){ BLIND_KEY(1, 0xa), BLIND_VALUE(1, 2, BLIND_CONFIRMED) };
	way[1] = (struct blind_session){ BLIND_KEY(2, 0xb), BLIND_VALUE(1, 1, BLIND_CONFIRMED) };
	message(1, 99);
	is_at_endpoint('A', 77, START);
	assert_string_equal(message(1, 99), "here A 0;site A 192.0.2.77:51820;session A B a;");
	assert_string_equal(message(2, 99), "port A 1025;here A 0;site A 192.0.2.77:51820;port B 1026;port C 1027;"
			    "session A B a;");
	receive_here(2, 'B', 0);
	assert_string_equal(message(1, 99), "");
	assert_string_equal(message(2, 99), "session B A b;");
	way[0].value &= ~(__u64)BLIND_CONFIRMED;
	assert_string_equal(message(2, 99), "");
	way[0].value = BLIND_VALUE(1, 3, BLIND_CONFIRMED);
	assert_string_equal(message(2, 99), "session A C a;");
}

/* ---- receiving ---- */

/* A site is at the relay that heard it last. */
static void heard_last(void **state)
{
	receive_here(1, 'A', 1000);
	assert_true(is_at_relay('A', 1));
	receive_here(2, 'A', 1001);
	assert_true(is_at_relay('A', 1));
	receive_here(2, 'A', 1000);
	assert_true(is_at_relay('A', 1));
	receive_here(2, 'A', 999);
	assert_true(is_at_relay('A', 2));
	is_at_endpoint('A', 77, START - 998);
	assert_false(site_is_remote(known('A')));
	receive_here(1, 'A', INT64_MAX);
	assert_false(site_is_remote(known('A')));
	receive_here(1, 'A', 0);
	assert_true(is_at_relay('A', 1));
	assert_int_equal(known('B')->relay.family, 0);
}

/* The endpoint of a site counts if the relay that has the site says it, and if it can be one. */
static void endpoint_there(void **state)
{
	struct address a = address4(77), b = address4(78), relay = address4(2), wrong;
	const struct address *there = &known('A')->there_endpoint;

	receive_site(1, 'A', &a);
	assert_int_equal(there->family, 0);
	receive_here(1, 'A', 1000);
	receive_site(1, 'A', &a);
	assert_true(address_equal(there, &a));
	assert_int_equal(written, 1);
	receive_site(1, 'A', &a);
	assert_int_equal(written, 1);
	receive_endpoint(1, 'A', &a, 8);
	assert_int_equal(written, 2);
	receive_site(2, 'A', &b);
	receive_site(1, 'A', &relay);
	assert_int_equal(address_parse("127.0.0.1", &wrong), 0);
	receive_site(1, 'A', &wrong);
	assert_int_equal(address_parse("224.0.0.1", &wrong), 0);
	receive_site(1, 'A', &wrong);
	assert_true(address_equal(there, &a));
	receive_here(1, 'A', 0);	/* the same relay: the endpoint stays */
	assert_true(address_equal(there, &a));
	now++;
	receive_here(2, 'A', 0);
	assert_int_equal(there->family, 0);
	receive_site(2, 'A', &b);
	assert_true(address_equal(there, &b));
}

static void port_there(void **state)
{
	struct blind_line line = line_of(BLIND_WORD_PORT, 'C');

	line.port = htons(2000);
	receive(2, &line);
	assert_int_equal(sites->n_ports, 1);
	assert_true(address_equal(&sites->ports[0]->relay, &others[1].address));
	assert_int_equal(ntohs(sites->ports[0]->port[3]), 2000);
	assert_int_equal(written, 1);
	receive(2, &line);
	assert_int_equal(written, 1);
}

/* Another relay asks only about sites that are here. */
static void question(void **state)
{
	struct blind_line line = line_of(BLIND_WORD_ASK, 'B');

	receive(1, &line);
	assert_int_equal(asked, 0);
	is_at_endpoint('B', 77, START);
	receive(1, &line);
	assert_int_equal(asked, 2);
	asked = 0;
	receive_here(2, 'B', 0);
	receive(1, &line);
	assert_int_equal(asked, 0);
}

/* A site that this relay does not have changes nothing. */
static void unknown_site(void **state)
{
	static struct blind_known before[ROOM];
	struct address a = address4(77);
	struct blind_line port = line_of(BLIND_WORD_PORT, 'X'), ask = line_of(BLIND_WORD_ASK, 'X');

	memcpy(before, sites->known, sizeof(before));
	port.port = htons(2000);
	receive(1, &port);
	receive(1, &ask);
	receive_here(1, 'X', 0);
	receive_site(1, 'X', &a);
	assert_memory_equal(before, sites->known, sizeof(before));
	assert_int_equal(sites->n_ports + placed + written + asked, 0);
}

/* Each index that came is counted, for the relay that said it. */
static void counts_sessions(void **state)
{
	struct blind_line line = line_of(BLIND_WORD_SESSION, 'A');

	receive(1, &line);
	receive(1, &line);
	receive(2, &line);
	assert_int_equal(sessions, 3);
	links[0].ops->second(&links[0]);
	assert_int_equal(run_counters_value(counters, "received/192.0.2.1"), 2);
	assert_int_equal(run_counters_value(counters, "received/192.0.2.2"), 1);
}

/* Writing the maps takes at most a tenth of the time. */
static void share_of_time(void **state)
{
	cost = 10;
	receive_here(1, 'A', 0);
	assert_int_equal(placed, 1);
	receive_here(1, 'B', 0);
	assert_int_equal(placed, 1);
	now += 89;
	message(1, 99);
	assert_int_equal(placed, 1);
	now += 1;
	message(1, 99);
	assert_int_equal(placed, 2);
	message(1, 99);
	assert_int_equal(placed, 2);
}

/* ---- configuration ---- */

/* This host calls saved sites when all relays have spoken, or have had five seconds. */
static void all_have_spoken(void **state)
{
	assert_false(relays_have_spoken(relays));
	receive_here(1, 'A', 0);
	assert_false(relays_have_spoken(relays));
	now = START + 5000;
	assert_false(relays_have_spoken(relays));
	now = START + 5001;
	assert_true(relays_have_spoken(relays));
	now = START + 5000;
	receive_here(2, 'A', 0);
	assert_true(relays_have_spoken(relays));
	/* there are sites only now */
	now = START + 9000;
	relays_restart(relays);
	assert_false(relays_have_spoken(relays));
	now = START + 14001;
	assert_true(relays_have_spoken(relays));
}

/* A relay that leaves the configuration is forgotten, with what it said. The link to another one continues. */
static void relay_leaves(void **state)
{
	struct blind_line port = line_of(BLIND_WORD_PORT, 'A');
	void *owner = links[1].owner;

	port.port = htons(2000);
	receive(1, &port);
	receive_here(1, 'A', 0);
	receive_here(2, 'B', 0);
	config.blind.relays = &others[1];
	config.blind.n_relays = 1;
	relays_reconfigure(relays);
	assert_null(links[0].owner);
	assert_ptr_equal(links[1].owner, owner);
	assert_false(site_is_remote(known('A')));
	assert_true(is_at_relay('B', 2));
	assert_int_equal(sites->n_ports, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(says_what_it_has), TEST(says_all_in_small_messages), TEST(says_again), TEST(says_at_once_who_is_back),
		TEST(says_nothing_for_another_relay), TEST(asks_the_right_relay), TEST(says_sessions),
		TEST(heard_last), TEST(endpoint_there), TEST(port_there), TEST(question), TEST(unknown_site),
		TEST(counts_sessions), TEST(share_of_time), TEST(all_have_spoken), TEST(relay_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
