// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guard's limits, replays, answered clients and health change only by messages that are allowed to change them. The
 * test runs on the host plane under ASan and UBSan. A repeated mac1, or several initiations of one client within five
 * seconds, count once. Forged and replayed messages, and packets that XDP passes up, do not change it.
 */
#include "host/host_cookies.h"

static const enum plane planes[] = { PLANE_XDP, PLANE_TC };

static int set_up(void **state)
{
	guard_setup(0, 1);
	plane = PLANE_TC;
	return 0;
}

static int tear_down(void **state)
{
	bool held = ways_sums_hold();

	world_clear();
	guards_reset();
	return held ? 0 : -1;
}

static void everywhere(__u32 flags, void (*test)(void))
{
	for (size_t i = 0; i < GUARDED * 2; i++) {
		guard_setup(flags, 1);
		at_service = &guarded[i / 2];
		plane = planes[i % 2];
		test();
	}
}

/* ---- limits ---- */

/* An initiation with an index of its own, which the backend answers if it passes */
static int shakes_anew(void)
{
	static __u32 index = 100000;
	struct guard_message m = message(MESSAGE_INITIATION, ++index, 0), answer = message(MESSAGE_RESPONSE, index + 1, index);
	int rc = sends(&m);

	if (!rc)
		assert_true(backend_sends(0, &answer));
	return rc;
}

/* A source pays for answered initiations. Initiations forged in its name do not lock it out. */
static void source_limit_here(void)
{
	struct guard *g = guard_at(at_service->id);
	bool ipv4 = world_family(at_service->client) == FAMILY_IPV4;
	struct guard_message wrong = initiation_for(1);
	__u32 passed = 0;

	g->source_each = ((__u64)tick_rate << GUARD_TICK) / 20;
	g->source_burst = 40;
	for (int i = 0; i < 50; i++)
		assert_int_equal(sends(&wrong), -DROP_guard_mac1);
	for (__u32 i = 0; i < 1000; i++) {
		struct guard_message forged = message(MESSAGE_INITIATION, i, 0);

		assert_int_not_equal(sends(&forged), -DROP_guard_limited);
	}
	for (int i = 0; i < 45; i++)
		assert_int_equal(shakes_anew(), i < 40 ? 0 : -DROP_guard_limited);
	client_port++;
	assert_int_equal(sends_initiation(0), -DROP_guard_limited);	/* like the same source */
	client_port--;
	client_number = 1;
	assert_int_equal(sends_initiation(0), ipv4 ? 0 : -DROP_guard_limited);
	if (!ipv4) {
		struct guard_message other = initiation_for(0);

		client_comes(&other);
		in.src.b[7]++;				/* another /64 */
		assert_int_equal(becomes(), 0);
	}
	client_number = 0;
	for (__u32 i = 0; i < 10 * tick_rate; i++) {
		host_jiffies++;
		for (int j = 0; j < 2; j++)
			passed += shakes_anew() == 0;
	}
	assert_uint_in_range(passed, 190, 210);
	seconds(10);
	for (int i = 0; i < 45; i++)
		assert_int_equal(shakes_anew(), i < 40 ? 0 : -DROP_guard_limited);
	assert_int_equal(sends_data(1), 0);
}

static void source_limit(void **state)
{
	everywhere(0, source_limit_here);
}

/* An answered client passes besides, once in five seconds: a forger in its name gets no more */
static void service_limit_here(void)
{
	struct guard *g = guard_at(at_service->id);
	__u32 id = at_service->id, passed = 0, n = 0;
	struct guard_state *s = bpf_map_lookup_elem(&guard_state, &id);
	__u64 until;

	shakes(0, 1, 2);
	flows_pools(1024, 65535);
	g->service_each = ((__u64)tick_rate << GUARD_TICK) / 100;
	g->service_burst = 100;
	s->service_until = 0;
	for (int i = 0; i < 120; i++) {
		client_number = ++n;
		assert_int_equal(sends_initiation(0), i < 100 ? 0 : -DROP_guard_limited);
	}
	for (__u32 i = 0; i < 2 * tick_rate; i++) {
		host_jiffies++;
		for (int j = 0; j < 2; j++) {
			client_number = ++n;
			passed += sends_initiation(0) == 0;
		}
	}
	assert_uint_in_range(passed, 190, 210);
	until = s->service_until;
	client_number = 0;
	for (__u32 i = 0; i < 12; i++) {
		struct guard_message m = message(MESSAGE_INITIATION, 2000 + i, 0);

		s->service_until = until = (host_jiffies + 1000 * tick_rate) << GUARD_TICK;
		assert_int_equal(sends(&m), i % 5 ? -DROP_guard_limited : 0);
		assert_int_equal(s->service_until, until);
		seconds(1);
	}
	assert_int_equal(passed + 100 + 3 + 1, health_at(id, 0)->initiations);
}

static void service_limit(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		guard_setup(0, 1);
		at_service = &guarded[i / 2];
		plane = planes[i % 2];
		service_limit_here();
	}
}

/* ---- replays ---- */

static __u32 replays_held(void)
{
	__u32 held = 0;

	for (__u32 i = 0; replays.values && i < REPLAY_ROWS * REPLAYS_ROW; i++)
		held += ((struct replay *)replays.values)[i].until != 0;
	return held;
}

static void replays_here(void)
{
	struct guard_message m = initiation_for(0);
	__u64 before;

	guard_at(at_service->id)->source_burst = 4;
	guard_at(at_service->id)->source_each = (__u64)tick_rate << GUARD_TICK;
	assert_int_equal(sends(&m), 0);
	assert_int_equal(sends(&m), 0);
	before = remembered();
	client_port++;
	assert_int_equal(sends(&m), -DROP_guard_replay);
	client_port--;
	client_number = 1U << 8;
	for (int i = 0; i < 20; i++)		/* their supposed senders do not pay for these */
		assert_int_equal(sends(&m), -DROP_guard_replay);
	assert_int_equal(remembered(), before);
	assert_int_equal(sends_initiation(0), 0);
	client_number = 0;
	assert_int_equal(sends(&m), 0);
	seconds(REPLAY_SECONDS);
	host_jiffies--;
	client_number = 1;
	assert_int_equal(sends(&m), -DROP_guard_replay);
	host_jiffies++;
	assert_int_equal(sends(&m), 0);
	client_number = 0;
	assert_int_equal(sends(&m), -DROP_guard_replay);
}

static void replaying(void **state)
{
	everywhere(0, replays_here);
}

/* More than fit: the oldest are forgotten, never the newest */
static void replays_full_here(void)
{
	struct guard *g = guard_at(at_service->id);

	g->source_each = g->service_each = 0;
	for (__u32 i = 0; i < 4 * REPLAY_ROWS * REPLAYS_ROW; i++) {
		struct guard_message m = initiation_for(0);

		host_jiffies++;
		client_number = 0;
		assert_int_equal(sends(&m), 0);
		client_number = 1;
		assert_int_equal(sends(&m), -DROP_guard_replay);
	}
	assert_uint_in_range(replays_held(), REPLAY_ROWS * REPLAYS_ROW * 9 / 10, REPLAY_ROWS * REPLAYS_ROW);
	client_number = 0;
}

static void replays_full(void **state)
{
	everywhere(0, replays_full_here);
}

/* ---- cookies ---- */

static void challenge_here(void)
{
	struct guard *g = guard_at(at_service->id);
	__u32 n_challenges = host_n_challenges;
	struct cookies *c = cookies_begin(g, (__u64)tick_rate << GUARD_TICK, 2, 100);
	struct guard_message m, old;
	__u64 before;

	old = initiation_for(0);
	assert_int_equal(sends(&old), 0);
	assert_int_equal(sends_initiation(0), 0);
	before = remembered();
	m = initiation_for(0);
	assert_int_equal(sends(&m), -DROP_guard_challenged);
	assert_int_equal(host_n_challenges, n_challenges + 1);
	assert_memory_equal(host_challenge.mac1, m.bytes + 116, MAC_LEN);
	assert_int_equal(host_challenge.client_port, htons(client_port));
	assert_int_equal(remembered(), before);
	client_port++;
	assert_int_equal(sends(&old), -DROP_guard_replay);	/* without a report */
	assert_int_equal(host_n_challenges, n_challenges + 1);
	client_port--;
	m = with_cookie(2);
	assert_int_equal(sends(&m), -DROP_guard_challenged);
	for (__u32 n = 0; n < 2; n++) {
		m = with_cookie(n);
		client_port++;
		assert_int_equal(sends(&m), -DROP_guard_challenged);	/* another's */
		client_port--;
		assert_int_equal(sends(&m), 0);
		m.bytes[132 + n] ^= 1;
		assert_int_equal(sends(&m), -DROP_guard_challenged);
	}
	/* A client with the backend's cookie cannot have ours: any mac2 is accepted, but no faster than `above` */
	m = message(MESSAGE_COOKIE, 0, 1);
	assert_true(backend_sends(0, &m));
	m = initiation_for(0);
	memset(m.bytes + 132, 0, MAC_LEN);
	assert_int_equal(sends(&m), -DROP_guard_challenged);
	for (int i = 0; i < 5; i++) {
		m = initiation_for(0);
		memset(m.bytes + 132, 0x55, MAC_LEN);
		assert_int_equal(sends(&m), i < 2 ? 0 : -DROP_guard_challenged);
	}
	seconds(COOKIE_SECONDS);
	c->alive = host_jiffies + tick_rate;
	for (int i = 0; i < 3; i++)
		sends_initiation(0);
	assert_int_equal(sends_initiation(0), -DROP_guard_challenged);
	c->alive = host_jiffies;	/* no daemon: initiations up to the rate `above` pass, and no others */
	n_challenges = host_n_challenges;
	assert_int_equal(sends_initiation(0), -DROP_guard_unanswered);
	for (int i = 0; i < 3; i++) {
		seconds(1);
		c->alive = host_jiffies;
		assert_int_equal(sends_initiation(0), 0);
		assert_int_equal(sends_initiation(0), -DROP_guard_unanswered);
	}
	assert_int_equal(host_n_challenges, n_challenges);
}

static void challenge(void **state)
{
	everywhere(0, challenge_here);
}

/* ---- strict ---- */

static void strict_here(void)
{
	struct guard_message m;
	__u16 port = client_port;

	assert_int_equal(sends_data(2), -DROP_guard_stranger);
	m = message(MESSAGE_COOKIE, 0, 2);
	assert_int_equal(sends(&m), -DROP_guard_stranger);
	m = message(MESSAGE_INITIATION, 1, 0);
	assert_int_equal(sends(&m), 0);
	assert_int_equal(sends_data(2), -DROP_guard_stranger);
	for (__u32 kind = MESSAGE_COOKIE; kind <= MESSAGE_DATA; kind++) {	/* these are for any client */
		m = message(kind, 2, 1);
		assert_true(backend_sends(0, &m));
		assert_int_equal(sends_data(2), -DROP_guard_stranger);
	}
	m = message(MESSAGE_RESPONSE, 2, 1);
	assert_true(backend_sends(0, &m));
	assert_int_equal(sends_data(2), 0);
	assert_int_equal(sends_data(3), 0);
	m = message(MESSAGE_COOKIE, 0, 2);
	assert_int_equal(sends(&m), 0);
	client_port = 50000;
	assert_int_equal(sends_data(3), -DROP_guard_stranger);
	assert_int_equal(sends_data(2), 0);
	m = message(MESSAGE_COOKIE, 0, 2);
	assert_int_equal(sends(&m), 0);
	seconds(SESSION_SECONDS);
	host_jiffies--;
	assert_int_equal(sends_data(2), 0);
	client_port = port;
	assert_int_equal(sends_data(3), 0);
	host_jiffies++;
	assert_int_equal(sends_data(3), -DROP_guard_stranger);
	assert_int_equal(sends_data(2), -DROP_guard_stranger);
	assert_int_equal(sends_initiation(0), 0);
	m = message(MESSAGE_INITIATION, 77, 0);		/* the backend's own */
	assert_true(backend_sends(0, &m));
	assert_int_equal(sends_data(3), 0);
	client_port = 50001;
	assert_int_equal(sends_data(77), 0);
	assert_int_equal(sends_data(78), -DROP_guard_stranger);
}

static void strict(void **state)
{
	everywhere(GUARD_STRICT, strict_here);
}

static __u64 digest_of(struct host_map *map)
{
	__u64 h = 0;

	for (__u32 i = 0; i < map->max * map->value_size; i++)
		h = (h ^ (__u8)map->values[i]) * 0x100000001b3;
	return h;
}

/* ---- responses ---- */

/* A response passes if a backend waits for it, and does not count for a limit. So others can neither use up a limit
 * by responses, nor keep this one out */
static void responses_here(void)
{
	__u32 id = at_service->id;
	struct guard_state *s = bpf_map_lookup_elem(&guard_state, &id);
	__u64 used_up = (host_jiffies + 1000 * tick_rate) << GUARD_TICK;
	struct guard_message m;

	m = message(MESSAGE_RESPONSE, 900, 500);
	assert_int_equal(sends(&m), -DROP_guard_stranger);
	shakes(0, 1, 2);
	s->service_until = 0;
	for (__u32 i = 0; i < 20000; i++) {
		m = message(MESSAGE_RESPONSE, 900 + i, 3 + i);
		assert_int_equal(sends(&m), -DROP_guard_stranger);
	}
	m = message(MESSAGE_RESPONSE, 900, 2);
	assert_int_equal(sends(&m), -DROP_guard_stranger);	/* this is a response's index */
	assert_int_equal(s->service_until, 0);
	for (__u32 i = 500; i < 503; i++) {
		m = message(MESSAGE_INITIATION, i, 0);		/* the backend's own */
		assert_true(backend_sends(0, &m));
	}
	s->service_until = used_up;
	m = message(MESSAGE_RESPONSE, 900, 500);
	m.bytes[60] ^= 1;
	assert_int_equal(sends(&m), -DROP_guard_mac1);
	m.bytes[60] ^= 1;
	assert_int_equal(sends(&m), 0);
	for (__u32 i = 0; i < 100; i++)
		assert_int_equal(sends(&m), -DROP_guard_stranger);
	assert_int_equal(s->service_until, used_up);
	seconds(SESSION_SECONDS);
	host_jiffies--;
	m = message(MESSAGE_RESPONSE, 901, 501);
	assert_int_equal(sends(&m), 0);
	host_jiffies++;
	m = message(MESSAGE_RESPONSE, 902, 502);
	assert_int_equal(sends(&m), -DROP_guard_stranger);
}

static void responses(void **state)
{
	everywhere(0, responses_here);
}

/* Forged messages with a right mac1 and a client's own address and port only reach the backend */
static void forged_here(void)
{
	__u64 whom, which;
	struct guard_message m;
	__u16 port;

	shakes(0, 1, 2);
	port = shown_port;
	whom = digest_of(&answered);
	which = digest_of(&indices);
	seconds(3);
	for (int i = 0; i < 5; i++) {
		m = message(i % 2 ? MESSAGE_INITIATION : MESSAGE_RESPONSE, 900 + i, 2);
		assert_int_equal(sends(&m), i % 2 ? 0 : -DROP_guard_stranger);
		if (i % 2)
			assert_int_equal(shown_port, port);
		client_port++;			/* nor from another port */
		m = message(i % 2 ? MESSAGE_INITIATION : MESSAGE_RESPONSE, 950 + i, 2);
		assert_int_equal(sends(&m), i % 2 ? 0 : -DROP_guard_stranger);
		client_port--;
	}
	assert_int_equal(digest_of(&answered), whom);
	assert_int_equal(digest_of(&indices), which);
	if (at_service->flags & SERVICE_MASQUERADE) {
		assert_int_equal(flows_there(), 1);
		whole();
	}
	assert_int_equal(sends_data(2), 0);
	assert_int_equal(shown_port, port);
	client_port++;
	assert_int_equal(sends_data(1), -DROP_guard_stranger);
	assert_int_equal(sends_data(900), -DROP_guard_stranger);
}

static void forged(void **state)
{
	everywhere(GUARD_STRICT, forged_here);
}

/* A backend under load sends cookies to anyone. Only its response keeps the listener that the client uses */
static void cookies_choose_nothing(void **state)
{
	struct guard_message cookie = message(MESSAGE_COOKIE, 0, 1), response = message(MESSAGE_RESPONSE, 2, 1);
	__u32 zero = 0;
	struct learned_bucket *b;

	for (size_t i = 0; i < world_n_entries; i++)
		if (world_entries[i].service.id == at_service->id)
			world_entries[i].service.flags |= SERVICE_CHOICE;
	world_commit();
	for (int n = 0; n < 2; n++) {
		__u32 live = 0;

		assert_int_equal(sends_initiation(0), 0);
		assert_true(backend_sends(0, n ? &response : &cookie));
		b = bpf_map_lookup_elem(&choices, &zero);
		for (int i = 0; i < LEARNED_WAYS; i++)
			live += learned_word_state(b->line.word[i]) == LEARNED_LIVE;
		assert_int_equal(learned_there(&choices), 1);
		assert_int_equal(live, n);
	}
}

/* ---- packets that XDP passes up count once, when tc sends them ---- */

static void passed_up_here(void)
{
	struct guard_message m = initiation_for(0);
	__u64 before = remembered();
	__u32 len;

	for (__u32 i = 0; i < host_n_routes; i++)
		if (host_routes[i].ifindex == L0)
			host_routes[i].answer = BPF_FIB_LKUP_RET_NO_NEIGH;
	world_control()->generation++;
	plane = PLANE_XDP;
	for (int i = 0; i < 3; i++)
		assert_int_equal(sends(&m), PASSED_UP);
	assert_int_equal(remembered(), before);
	assert_int_equal(learned_there(&guard_sources), 0);
	assert_int_equal(health_at(at_service->id, 0)->initiations, 0);
	client_number = 1;
	assert_int_equal(sends(&m), PASSED_UP);		/* so it is no replay */
	client_number = 0;
	client_comes(&m);
	len = frame_build(&in, came);
	ran = way_run(PLANE_TC, W0, came, len, len, left);
	assert_int_equal(ran.verdict, HOST_SENT);
	assert_true(ran.packet.by_neighbour);
	assert_int_equal(replays_held(), 1);
	assert_int_equal(learned_there(&guard_sources), 0);
	assert_int_equal(health_at(at_service->id, 0)->initiations, 1);
	client_number = 1;
	plane = PLANE_TC;
	assert_int_equal(sends(&m), -DROP_guard_replay);
}

static void passed_up(void **state)
{
	for (size_t i = 0; i < GUARDED; i++) {
		guard_setup(0, 1);
		at_service = &guarded[i];
		passed_up_here();
	}
}

/* ---- health ---- */

/* An attacker with the public key sends initiations in the names of answered clients. A client counts once in five
 * seconds, a repeated initiation never again. Any packet of the backend to such a client clears all of it */
static void forged_health_here(struct health *h)
{
	struct guard_message answer = message(MESSAGE_RESPONSE, 1, 98), data = message(MESSAGE_DATA, 0, 98);
	__u32 index = 3000;

	guard_at(at_service->id)->health_initiations = 20;
	for (client_number = 0; client_number < 3U << 8; client_number += 1U << 8) {
		struct guard_message m = message(MESSAGE_INITIATION, index++, 0);

		assert_int_equal(sends(&m), 0);
		assert_true(backend_sends(0, &answer));
	}
	for (int second = 0; second < 6; second++) {
		for (client_number = 0; client_number < 3U << 8; client_number += 1U << 8)
			for (int i = 0; i < 10; i++) {
				struct guard_message m = message(MESSAGE_INITIATION, index + i, 0);

				assert_int_equal(sends(&m), 0);
				assert_int_equal(sends(&m), 0);
			}
		index += 10;
		assert_int_equal(h->known_unanswered, second < 5 ? 3 : 6);
		assert_int_equal(h->unanswered, (second + 1) * 30);
		seconds(1);
	}
	client_number = 2U << 8;
	assert_true(backend_sends(0, &data));
	assert_int_equal(h->unanswered | h->sources | h->known_unanswered | h->known_sources, 0);
	seconds(5);
	assert_int_equal(sends_initiation(0), 0);
	assert_int_equal(h->known_unanswered, 1);
}

/* Only answered clients, and as long as a session lives */
static void known_unanswered_here(struct health *h)
{
	struct guard_message m;

	assert_int_equal(sends_initiation(0), 0);
	assert_int_equal(h->known_unanswered, 1);
	assert_int_equal(h->known_sources, 1);
	for (client_number = 1U << 8; client_number < 4U << 8; client_number += 1U << 8)
		assert_int_equal(sends_initiation(0), 0);
	client_number = 0;
	assert_int_equal(h->unanswered, 4);
	assert_int_equal(h->known_unanswered, 1);
	assert_int_equal(h->known_sources, 1);
	host_jiffies += SESSION_SECONDS * tick_rate;
	assert_int_equal(sends_initiation(0), 0);
	assert_int_equal(h->unanswered, 5);
	assert_int_equal(h->known_unanswered, 1);
	forged_health_here(h);
	m = message(MESSAGE_RESPONSE, 1, 98);
	assert_true(backend_sends(0, &m));
	assert_int_equal(h->unanswered | h->known_unanswered | h->known_sources, 0);
}

/* Number of sources of this many clients: IPv6 clients here are of one /64 */
static __u32 sources_of(__u32 clients)
{
	return world_family(at_service->client) == FAMILY_IPV4 ? clients : 1;
}

static void health_here(void)
{
	static const __u32 jiffies[] = { 0, 1, 2, 5, 25, 250, 2500, 10000 };
	struct health *h = health_at(at_service->id, 0);
	__u64 want_buckets[HANDSHAKE_BUCKETS] = { 0 }, all = 0;
	struct guard_message m;

	flows_pool(at_service->id)->timeout = FLOW_TIMEOUT_MAX;
	for (client_number = 1U << 8; client_number < 4U << 8; client_number += 1U << 8)
		assert_int_equal(sends_initiation(0), 0);
	assert_int_equal(h->initiations, 3);
	assert_int_equal(h->unanswered, 3);
	assert_int_equal(h->sources, sources_of(3));
	assert_int_equal(h->answered, 0);
	assert_int_equal(h->known_unanswered, 0);
	client_number = 0;
	for (__u32 i = 0; i < sizeof(jiffies) / sizeof(jiffies[0]); i++) {
		__u32 ms = jiffies[i] * 4, bucket = 0;

		m = message(MESSAGE_INITIATION, 100 + i, 0);
		assert_int_equal(sends(&m), 0);
		host_jiffies += jiffies[i];
		m = message(MESSAGE_RESPONSE, 1, 99);		/* to no known initiation */
		assert_int_equal(backend_sends(0, &m), jiffies[i] < 10000 || !(at_service->flags & SERVICE_MASQUERADE) || flows_there());
		m = message(MESSAGE_RESPONSE, 1, 100 + i);
		assert_true(backend_sends(0, &m));
		assert_true(backend_sends(0, &m));
		while (bucket < HANDSHAKE_BUCKETS - 1 && ms >= 1U << bucket)
			bucket++;
		want_buckets[bucket]++;
		all += ms * 1000000ULL;
		assert_memory_equal(h->buckets, want_buckets, sizeof(want_buckets));
		assert_int_equal(h->seconds, all);
		assert_int_equal(h->unanswered, 0);
		assert_int_equal(h->sources, 0);
		assert_int_equal(h->known_unanswered, 0);
		assert_int_equal(h->known_sources, 0);
		assert_int_equal(h->answered, host_jiffies);
		assert_int_equal(h->responses, 3 * (i + 1));
	}
	known_unanswered_here(h);
	m = message(MESSAGE_INITIATION, 5, 0);
	assert_true(backend_sends(0, &m));
	assert_int_equal(h->initiations, 3 + 5 + 3 + 6 * 30 + 1 + sizeof(jiffies) / sizeof(jiffies[0]));
	assert_int_equal(h->responses, 1 + 3 + 3 * sizeof(jiffies) / sizeof(jiffies[0]));
}

static void healthy(void **state)
{
	everywhere(0, health_here);
}

/* A session that the backend began is one too: strangers' initiations must not count while it lives */
static void begun_by_backend_here(void)
{
	struct health *h = health_at(at_service->id, 0);
	struct guard_message m;

	flows_pool(at_service->id)->timeout = FLOW_TIMEOUT_MAX;
	guard_at(at_service->id)->health_initiations = 20;
	shakes(0, 1, 2);
	seconds(2 * SESSION_SECONDS);
	m = message(MESSAGE_INITIATION, 500, 0);
	assert_true(backend_sends(0, &m));
	assert_int_equal(h->answered, host_jiffies - 2 * SESSION_SECONDS * tick_rate);	/* it may not arrive */
	client_number = 1;
	assert_int_equal(sends_initiation(0), 0);
	client_number = 0;
	m = message(MESSAGE_RESPONSE, 900, 501);
	assert_int_equal(sends(&m), -DROP_guard_stranger);
	m = message(MESSAGE_RESPONSE, 900, 500);
	m.bytes[60] ^= 1;
	assert_int_equal(sends(&m), -DROP_guard_mac1);
	assert_int_equal(h->answered, host_jiffies - 2 * SESSION_SECONDS * tick_rate);
	assert_int_equal(h->unanswered, 1);
	m.bytes[60] ^= 1;
	assert_int_equal(sends(&m), 0);
	assert_int_equal(h->answered, host_jiffies);
	assert_int_equal(h->unanswered | h->sources | h->known_unanswered | h->known_sources, 0);
	assert_int_equal(h->responses, 1);
}

/* Each source counts once, whatever its hash: a backend with as many sites as health: { sources: … } must become down */
static void sources_counted_here(void)
{
	struct health *h = health_at(at_service->id, 0);

	for (__u32 round = 0; round < 20; round++) {
		h->unanswered = h->sources = 0;
		for (__u32 i = 1; i <= 20; i++) {
			client_number = i << 8 | round;
			assert_int_equal(sends_initiation(0), 0);
			assert_int_equal(sends_initiation(0), 0);
			assert_int_equal(h->sources, sources_of(i < HEALTH_SOURCES ? i : HEALTH_SOURCES));
		}
		assert_int_equal(h->unanswered, 40);
		seconds(5);
	}
	client_number = 0;
}

static void sources_counted(void **state)
{
	everywhere(0, sources_counted_here);
}

static void begun_by_backend(void **state)
{
	everywhere(0, begun_by_backend_here);
}

/* ---- rates ---- */

/* A message that the guard drops at the last step uses up no rate: otherwise a flood of copies, or of initiations
 * without a cookie, would take the rate of the service from its clients */
static void rates_here(void)
{
	__u32 place = rate_index(at_service->id, DIRECTION_ORIGINAL), id = at_service->id;
	struct guard_state *s = bpf_map_lookup_elem(&guard_state, &id);
	struct guard_message copy = initiation_for(0);
	struct rate *r;
	__u64 paid;

	host_map_reset(&rates, 2 * WORLD_SERVICES);
	r = bpf_map_lookup_elem(&rates, &place);
	*r = (struct rate){ .each = { 0, 1ULL << 32 }, .burst = { 0, 10ULL << RATE_TICK } };
	assert_int_equal(sends(&copy), 0);
	paid = r->until[RATE_PACKETS];
	assert_int_equal(paid, (host_jiffies + 1) << RATE_TICK);
	client_number = 1U << 8;
	for (int i = 0; i < 100; i++)
		assert_int_equal(sends(&copy), -DROP_guard_replay);
	s->service_until = (host_jiffies + 1000 * tick_rate) << GUARD_TICK;
	guard_at(id)->service_each = 1;
	guard_at(id)->service_burst = 1;
	for (int i = 0; i < 100; i++)
		assert_int_equal(sends_initiation(0), -DROP_guard_limited);
	assert_int_equal(r->until[RATE_PACKETS], paid);
	client_number = 0;
	assert_int_equal(sends_data(1), 0);
	assert_int_equal(r->until[RATE_PACKETS], paid + (1 << RATE_TICK));
	for (int i = 0; i < 9; i++)
		assert_int_equal(sends_data(1), 0);
	assert_int_equal(sends_data(1), -DROP_rate_limited);
}

static void rates_unspent(void **state)
{
	with_rates = true;
	everywhere(0, rates_here);
	with_rates = false;
	host_map_reset(&rates, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(source_limit), TEST(service_limit), TEST(replaying), TEST(replays_full), TEST(challenge), TEST(strict), TEST(responses), TEST(forged), TEST(cookies_choose_nothing), TEST(passed_up), TEST(healthy), TEST(begun_by_backend), TEST(sources_counted), TEST(rates_unspent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
