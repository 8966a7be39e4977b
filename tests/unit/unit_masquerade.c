// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of flows on the host plane, under ASan and UBSan: from a newcomer's embryo and the backend's answer to the end; clocks and
 * timers; what is full, what is a source's share, what is another backend's; and after each step both directions are there or neither.
 */
#include "host/host_clients.h"
#include "host/host_flow_ends.h"

static const enum plane planes[] = { PLANE_XDP, PLANE_TC };

static int set_up(void **state)
{
	flows_setup();
	plane = PLANE_TC;
	return 0;
}

static int tear_down(void **state)
{
	bool held = ways_sums_hold();

	world_clear();
	return held ? 0 : -1;
}

static void seconds(__u32 n)
{
	host_jiffies += n * tick_rate;
}

static __u64 refused(const struct masq *m, enum direction direction, enum reason reason)
{
	return way_reason(m->id, direction, plane, reason);
}

/* ---- from the newcomer to the end ---- */

static void a_life(const struct masq *m)
{
	const struct flow_total *total = flows_total(m->id);
	__u64 created = total->created, expired = total->expired;
	__u16 port = client_sends(m, 0, 40000);

	assert_int_equal(port, 40000);
	assert_int_equal(flows.n, 0);
	assert_int_equal(embryos.n, 1);
	assert_int_equal(client_sends(m, 0, 40000), port);	/* he tries again */
	assert_int_equal(embryos.n, 1);
	assert_true(backend_answers(m, port, 0, 40000));
	assert_int_equal(flows.n, 2);
	assert_int_equal(embryos.n, 0);
	assert_int_equal(total->created, created + 1);
	assert_true(flow_of(m, 0, 40000)->armed);
	whole();
	assert_int_equal(client_sends(m, 0, 40000), port);
	assert_true(backend_answers(m, port, 0, 40000));
	assert_false(backend_answers(m, port + 1, 0, 40000));
	assert_int_equal(ran.verdict, HOST_PASS);
	seconds(flows_pool(m->id)->timeout);
	flows_timers();
	assert_int_equal(flows.n, 0);
	assert_int_equal(total->expired, expired + 1);
	assert_false(backend_answers(m, port, 0, 40000));
	whole();
}

static void life(void **state)
{
	for (size_t i = 0; i < MASQS * 2; i++) {
		plane = masqs[i / 2].out == M0 ? PLANE_TC : planes[i % 2];
		a_life(&masqs[i / 2]);
	}
}

/* ... of all that a packet may be: sizes, TTLs, checksums */
static void shapes(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS * 2; i++) {
		const struct masq *m = &masqs[i / 2];
		bool from4 = world_family(m->client) == FAMILY_IPV4, to4 = world_family(m->backend) == FAMILY_IPV4;
		__u16 port;

		plane = planes[i % 2];
		port = flow_made(m, 0, 40000);
		for (__u32 j = 0; j < 64; j++) {
			comes(m, false, nth_client(m, 0), 40000, world_addr(m->local), m->port);
			in.payload = (__u32[]){ 0, 1, 31, 1232, 1233, 1404 }[j % 6];
			in.ttl = j % 5 ? 255 : 2;
			in.tos = j * 7;
			in.seed = j;
			in.checksum = from4 && j % 3 == 0 ? ZERO : FULL;
			in.padding = j % 4;
			assert_true(runs(m->in));
			leaves(m, false, ours, port, backend_of(m), m->backend_port);
			if (in.checksum == ZERO && !to4)
				out.checksum = FULL;
			sent_rightly(m->out);
		}
	}
}

/* ---- clocks and timers ---- */

static void clocks(void **state)
{
	const struct masq *m = masq_named("46");
	__u16 port = flow_made(m, 0, 40000);
	struct flow *f = flow_of(m, 0, 40000), *r = reply_of(m, 0, 40000);
	__u64 then = host_jiffies;

	host_jiffies += tick_rate - 1;
	assert_int_equal(client_sends(m, 0, 40000), port);
	assert_int_equal(f->seen, then);
	host_jiffies++;
	assert_int_equal(client_sends(m, 0, 40000), port);
	assert_int_equal(f->seen, host_jiffies);
	assert_int_equal(r->seen, then);
	seconds(2);
	assert_true(backend_answers(m, port, 0, 40000));
	assert_int_equal(r->seen, host_jiffies);
	assert_int_equal(f->since, then);
	assert_int_equal(f->packets, 2);
	assert_int_equal(r->packets, 1);
}

/* Whichever direction was seen last, and no longer than that */
static void timers(void **state)
{
	const struct masq *m = masq_named("64");
	__u32 timeout = flows_pool(m->id)->timeout;
	__u16 port = flow_made(m, 0, 40000);

	for (int i = 0; i < 2; i++) {
		seconds(timeout - 1);
		assert_true(i ? client_sends(m, 0, 40000) == port : backend_answers(m, port, 0, 40000));
		seconds(2);
		flows_timers();
		assert_int_equal(flows.n, 2);
		assert_int_equal(host_timer_after, (timeout - 2) * NANOSECONDS);
	}
	seconds(timeout - 2);
	host_jiffies--;
	flows_timers();
	assert_int_equal(flows.n, 2);
	host_jiffies++;
	flows_timers();
	assert_int_equal(flows.n, 0);
	assert_int_equal(flows_total(m->id)->expired, 1);
	whole();
}

/* No memory for a timer, and nobody sends anything more: who asks for one ends the flow when its time is over, and not before */
static void no_timer_and_silence(void **state)
{
	const struct masq *m = masq_named("64");
	__u32 timeout = flows_pool(m->id)->timeout;
	__u16 port;

	host_timer_fails = true;
	port = flow_made(m, 0, 40000);
	seconds(timeout - 1);
	assert_int_equal(flows_sweep(), 1);
	assert_int_equal(flows.n, 2);
	assert_true(backend_answers(m, port, 0, 40000));
	seconds(timeout - 1);
	assert_int_equal(flows_sweep(), 1);
	assert_int_equal(flows.n, 2);
	seconds(1);
	assert_int_equal(flows_sweep(), 0);
	assert_int_equal(flows.n, 0);
	assert_int_equal(flows_total(m->id)->expired, 1);
	whole();

	flow_made(m, 0, 40000);
	host_timer_fails = false;
	assert_int_equal(flows_sweep(), 0);
	assert_true(flow_of(m, 0, 40000)->armed);
	assert_int_equal(host_timer_after, NANOSECONDS);
}

/* No memory for a timer: the flow is there all the same, and either direction's next packet, a second later, asks for one */
static void no_timer(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS * 2; i++) {
		const struct masq *m = &masqs[i / 2];
		__u16 port;

		plane = planes[i / 2 % 2];
		host_timer_fails = true;
		port = flow_made(m, 0, 40000);
		assert_false(flow_of(m, 0, 40000)->armed);
		seconds(1);
		assert_true(backend_answers(m, port, 0, 40000));
		assert_int_equal(client_sends(m, 0, 40000), port);
		assert_false(flow_of(m, 0, 40000)->armed);
		assert_false(reply_of(m, 0, 40000)->armed);
		host_timer_fails = false;
		assert_true(i % 2 ? client_sends(m, 0, 40000) == port : backend_answers(m, port, 0, 40000));
		assert_false(flow_of(m, 0, 40000)->armed);
		seconds(1);
		assert_true(i % 2 ? client_sends(m, 0, 40000) == port : backend_answers(m, port, 0, 40000));
		assert_true(flow_of(m, 0, 40000)->armed);
		assert_int_equal(host_timer_after, NANOSECONDS);
		seconds(60);
		flows_timers();
		assert_int_equal(flows.n, 0);
	}
	whole();
}

/* Nobody answers, and an answer after that is nobody's; then the port is another client's */
static void embryos_end(void **state)
{
	const struct masq *m = masq_named("66");
	__u16 port = client_sends(m, 0, 40000);
	struct addr his = ours;

	seconds(EMBRYO_SECONDS);
	host_jiffies--;
	assert_int_not_equal(client_sends(m, 1, 40000), port);
	ours = his;
	host_jiffies++;
	assert_false(backend_answers(m, port, 0, 40000));
	assert_int_equal(ran.verdict, HOST_PASS);
	assert_int_equal(refused(m, DIRECTION_REPLY, PASS_no_flow), 1);
	assert_int_equal(flows.n, 0);
	flows_room(64, 64);
	assert_int_equal(client_sends(m, 0, 40000), port);
	seconds(EMBRYO_SECONDS);
	for (__u32 n = 1; n < 40; n++)		/* one of them starts with the same address */
		if (client_sends(m, n, 40000) == port && addr_same(&ours, &his)) {
			assert_true(backend_answers(m, port, n, 40000));
			whole();
			return;
		}
	fail();
}

/* ---- what is full ---- */

/* Room for two flows and, in turn, nothing or half of one more */
static void full(void **state)
{
	for (__u32 i = 0; i < MASQ_PAIRS * 2; i++) {
		const struct masq *m = &masqs[i / 2];
		__u64 before = refused(m, DIRECTION_REPLY, DROP_flows_full);
		__u16 ports[3];
		struct addr theirs[3];

		flows_room(4 + i % 2, 8);
		for (__u32 n = 0; n < 3; n++) {
			ports[n] = client_sends(m, n, 40010 + n);
			assert_int_not_equal(ports[n], GONE);
			theirs[n] = ours;
			assert_int_equal(backend_answers(m, ports[n], n, 40010 + n), n < 2);
			whole();
		}
		assert_int_equal(ran.verdict, HOST_DROP);
		assert_int_equal(refused(m, DIRECTION_REPLY, DROP_flows_full), before + 1);
		assert_int_equal(flows.n, 4);
		for (__u32 n = 0; n < 2; n++) {
			assert_int_equal(client_sends(m, n, 40010 + n), ports[n]);
			assert_true(backend_answers(m, ports[n], n, 40010 + n));
		}
		seconds(12);
		assert_int_equal(client_sends(m, 2, 40012), ports[2]);	/* he is still an embryo */
		seconds(12);
		assert_int_equal(client_sends(m, 1, 40011), ports[1]);
		seconds(20);
		flows_timers();
		assert_int_equal(flows.n, 2);
		assert_int_equal(client_sends(m, 2, 40012), ports[2]);
		ours = theirs[2];
		assert_true(backend_answers(m, ports[2], 2, 40012));
		whole();
	}
}

/* All ports have somebody: nobody's is given away, and who has one goes on */
static void no_port(void **state)
{
	const struct masq *m = masq_named("64");
	__u64 before = refused(m, DIRECTION_ORIGINAL, DROP_ports_exhausted);
	bool has[8] = { false };

	flows_pools(40000, 40007);
	for (__u32 n = 0; n < 8; n++) {
		__u16 port = n % 2 ? flow_made(m, n, 40000) : client_sends(m, n, 40000);

		assert_uint_in_range(port, 40000, 40007);
		assert_false(has[port - 40000]);
		has[port - 40000] = true;
	}
	for (__u32 n = 0; n < 16; n++)
		assert_int_equal(!client_sends(m, n, 40000), n >= 8);
	assert_int_equal(refused(m, DIRECTION_ORIGINAL, DROP_ports_exhausted), before + 8);
	assert_int_equal(embryos.n, 4);
	assert_int_equal(flows.n, 8);
	seconds(EMBRYO_SECONDS);
	for (__u32 n = 8; n < 12; n++)
		assert_int_not_equal(client_sends(m, n, 40000), GONE);
	assert_int_equal(client_sends(m, 12, 40000), GONE);
	whole();
}

/* A pool that lost its last address, or whose ports are none, gives nothing */
static void no_pool(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS; i++) {
		const struct masq *m = &masqs[i];
		struct pool *pool = flows_pool(m->id);

		pool->n4 = pool->n6 = 0;
		assert_int_equal(client_sends(m, 0, 40000), GONE);
		pool->n4 = pool->n6 = 1;
		pool->last = pool->first - 1;
		assert_int_equal(client_sends(m, 0, 40000), GONE);
		assert_int_equal(refused(m, DIRECTION_ORIGINAL, DROP_ports_exhausted), 2);
	}
	assert_int_equal(embryos.n, 0);
}

/* As many newcomers as a source may have, in one host or in a /64; who tries again costs nothing, and who is answered is given back */
static void share(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS; i++) {
		const struct masq *m = &masqs[i];
		bool ipv4 = world_family(m->client) == FAMILY_IPV4;
		__u16 first = GONE;
		struct addr his;

		flows_room(64, 2 * EMBRYO_SHARE);
		flows_pools(1024, 65535);
		for (__u32 n = 0; n < EMBRYO_SHARE; n++) {
			assert_int_not_equal(client_sends(m, ipv4 ? 0 : n, 2000 + n), GONE);
			his = n ? his : ours;
			first = first ?: out.sport;
		}
		assert_int_equal(client_sends(m, 0, 1999), GONE);
		assert_int_equal(ran.verdict, HOST_DROP);
		assert_int_equal(refused(m, DIRECTION_ORIGINAL, DROP_newcomer_limited), 1);
		assert_int_equal(client_sends(m, 0, 2000), first);
		ours = his;
		assert_true(backend_answers(m, first, 0, 2000));
		assert_int_not_equal(client_sends(m, 0, 1999), GONE);
		assert_int_equal(client_sends(m, 0, 1998), GONE);
		if (ipv4)
			assert_int_not_equal(client_sends(m, 1, 1998), GONE);
		host_jiffies += EMBRYO_EACH;
		assert_int_not_equal(client_sends(m, 0, 1997), GONE);
		assert_int_equal(client_sends(m, 0, 1996), GONE);
		whole();
	}
}

/* ---- whose backend is another ---- */

static void moved(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS * 2; i++) {
		const struct masq *m = &masqs[i / 2];
		const struct flow_total *total = flows_total(m->id);
		__u64 before = total->moved, created = total->created;
		__u16 port, old;

		plane = planes[i % 2];
		moving = NULL;
		flows_listen(NULL);
		old = flow_made(m, 0, 40000);
		flows_listen(m);
		moving = m;
		world_control()->generation++;
		moving = NULL;
		assert_false(backend_answers(m, old, 0, 40000));	/* the former one has nothing to say any more */
		moving = m;
		port = client_sends(m, 0, 40000);
		assert_int_not_equal(port, GONE);
		assert_int_equal(total->moved, before + 1);
		assert_int_equal(flows.n, 0);
		assert_true(backend_answers(m, port, 0, 40000));
		assert_int_equal(total->created, created + 2);
		whole();
		seconds(60);
		flows_timers();
	}
	moving = NULL;
}

/* The listener is another service's now: what ends was counted for the former one */
static void moved_to_another_service(void **state)
{
	const struct masq *m = masq_named("44, small MTU");

	flow_made(m, 0, 40000);
	flows_listen(m);
	for (size_t i = 0; i < world_n_entries; i++)
		if (world_entries[i].service.id == m->id)
			world_entries[i].service.id = 9;
	*flows_pool(9) = *flows_pool(m->id);
	world_commit();
	moving = m;
	assert_int_not_equal(client_sends(m, 0, 40000), GONE);
	moving = NULL;
	assert_int_equal(flows_total(m->id)->moved, 1);
	assert_int_equal(flows_total(9)->moved, 0);
	assert_int_equal(flows.n, 0);
}

/* ---- who is who ---- */

/* Several addresses of ours: all are used, and the same port at each is another client's */
static void own_addresses(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		const struct masq *m = &masqs[i];
		__u32 n_first = 0;

		flows_room(256, 64);
		for (__u32 n = 0; n < 100; n++) {
			assert_uint_in_range(flow_made(m, n, 40000 + n % 8), 40000, 40063);
			n_first += addr_same(&ours, m->id ? &flows_pool(m->id)->own6[0] : &flows_pool(m->id)->own4[0]);
		}
		assert_uint_in_range(n_first, 37, 63);	/* of 2 × 64 there are */
		assert_int_equal(flows.n, 200);
	}
}

/* The same client's same port at two listeners of a backend: two flows, each answered as it was asked */
static void two_listeners(void **state)
{
	const struct masq *a = masq_named("44"), *b = masq_named("44, another wan");
	struct addr of_a, of_b;
	__u16 at_a, at_b;

	flows_pool(0)->n4 = 1;
	at_a = client_sends(a, 0, 40000);
	of_a = ours;
	at_b = client_sends(b, 0, 40000);
	of_b = ours;
	assert_int_equal(at_a, 40000);
	assert_int_not_equal(at_b, at_a);
	for (int i = 0; i < 3; i++) {
		ours = of_a;
		assert_true(backend_answers(a, at_a, 0, 40000));
		ours = of_b;
		assert_true(backend_answers(b, at_b, 0, 40000));
		whole();
		assert_int_equal(client_sends(a, 0, 40000), at_a);
		assert_int_equal(client_sends(b, 0, 40000), at_b);
	}
	assert_int_equal(flows.n, 4);
}

/* Who has two embryos, because his own port became free meanwhile, and is answered at both, has one flow, and is counted once; the
 * other answer comes to him all the same */
static void two_embryos(void **state)
{
	const struct masq *m = masq_named("64");
	__u16 port, other;

	flow_made(m, 1, 40000);
	other = client_sends(m, 0, 40000);
	assert_int_not_equal(other, 40000);
	host_map_reset(&flows, 64);			/* a command deletes it */
	flows_total(m->id)->created = 0;
	port = client_sends(m, 0, 40000);
	assert_int_equal(port, 40000);
	assert_int_equal(embryos.n, 2);
	assert_true(backend_answers(m, port, 0, 40000));
	assert_true(backend_answers(m, other, 0, 40000));
	assert_int_equal(flows.n, 2);
	assert_int_equal(embryos.n, 0);
	whole();
	assert_int_equal(client_sends(m, 0, 40000), port);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(life), TEST(shapes), TEST(clocks), TEST(timers), TEST(no_timer), TEST(no_timer_and_silence), TEST(embryos_end), TEST(full), TEST(no_port), TEST(no_pool),
		TEST(share), TEST(moved), TEST(moved_to_another_service), TEST(own_addresses), TEST(two_listeners), TEST(two_embryos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
