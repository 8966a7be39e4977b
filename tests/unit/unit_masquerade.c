// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A flow of a masquerading service lives from the client's first packet over the backend's answer to its end, as the
 * design says. The test runs on the host plane, under ASan and UBSan. One source cannot keep another out, however
 * many flows it makes. Clocks, full tables, the share of a source, other backends. After each step the table is
 * whole.
 */
#include "host/host_clients.h"

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

	client_subnet = 0;
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

/* ---- from a new client to the end ---- */

static void a_life(const struct masq *m)
{
	const struct flow_total *total = flows_total(m->id);
	__u64 created = total->created;
	__u16 port = client_sends(m, 0, 40000);

	assert_int_equal(port, 40000);
	assert_int_equal(flows_there(), 0);
	assert_int_equal(half_open_there(), 1);
	assert_int_equal(client_sends(m, 0, 40000), port);	/* the client tries again */
	assert_int_equal(half_open_there(), 1);
	assert_true(backend_answers(m, port, 0, 40000));
	assert_int_equal(flows_there(), 1);
	assert_int_equal(half_open_there(), 0);
	assert_int_equal(total->created, created + 1);
	whole();
	assert_int_equal(client_sends(m, 0, 40000), port);
	assert_true(backend_answers(m, port, 0, 40000));
	assert_false(backend_answers(m, port + 1, 0, 40000));
	assert_int_equal(ran.verdict, HOST_PASS);
	seconds(flows_pool(m->id)->timeout);
	assert_int_equal(flows_there(), 0);
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

/* ... for all sizes, TTLs and checksums */
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

/* ---- clocks ---- */

static __u32 left_of(const struct masq *m)
{
	return learned_left(word_of(m, 0, 40000), flows_units());
}

/* The time is renewed after a sixteenth of it, and not before */
static void clocks(void **state)
{
	const struct masq *m = masq_named("46");
	__u16 port = flow_made(m, 0, 40000);
	__u32 timeout = learned_units(flows_pool(m->id)->timeout);
	struct flow *f = flow_of(m, 0, 40000);
	__u32 step = timeout / 16;
	__u64 then = flows_units();

	assert_int_equal(left_of(m), timeout);
	host_jiffies += (__u64)(step - 1) << tick_shift;
	assert_int_equal(client_sends(m, 0, 40000), port);
	assert_int_equal(left_of(m), timeout - step + 1);
	host_jiffies += 1 << tick_shift;
	assert_int_equal(client_sends(m, 0, 40000), port);
	assert_int_equal(left_of(m), timeout);
	seconds(2);
	assert_true(backend_answers(m, port, 0, 40000));
	assert_int_equal(left_of(m), timeout);
	assert_int_equal(f->since, then);
	assert_int_equal(f->packets[DIRECTION_ORIGINAL], 3);
	assert_int_equal(f->packets[DIRECTION_REPLY], 2);
	assert_int_equal(f->bytes[DIRECTION_REPLY], 2 * (32 + (world_family(m->backend) == FAMILY_IPV4 ? 28 : 48)));
}

/* After the last packet in either direction, and no later; also if the time-out is shorter than two seconds */
static void ends(void **state)
{
	const struct masq *m = masq_named("64");
	const __u32 timeouts[] = { 30, 2, 1, FLOW_TIMEOUT_MAX };

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(*timeouts); i++) {
		__u32 units, third;
		__u16 port;

		flows_pool(m->id)->timeout = flows_pool(m->id)->epoch = timeouts[i];
		port = flow_made(m, 0, 40000);
		units = learned_units(timeouts[i]);
		third = 2 * units / 3;
		for (int j = 0; j < 4; j++) {
			host_jiffies += (__u64)third << tick_shift;
			assert_true(j % 2 ? client_sends(m, 0, 40000) == port : backend_answers(m, port, 0, 40000));
			assert_int_equal(left_of(m), units);
		}
		host_jiffies += (__u64)(units - 1) << tick_shift;
		assert_int_equal(flows_there(), 1);
		host_jiffies += 1 << tick_shift;
		assert_int_equal(flows_there(), 0);
		assert_false(backend_answers(m, port, 0, 40000));
		whole();
	}
}

/* A shorter time-out applies from the flow's next packet on */
static void shorter(void **state)
{
	const struct masq *m = masq_named("44");
	__u16 port = flow_made(m, 0, 40000);

	flows_pool(m->id)->timeout = 10;
	assert_int_equal(client_sends(m, 0, 40000), port);
	assert_int_equal(left_of(m), learned_units(10));
}

/* A client that comes back after the end starts again, and counts as another one */
static void again(void **state)
{
	const struct masq *m = masq_named("66");

	for (int i = 1; i <= 3; i++) {
		assert_int_equal(flow_made(m, 0, 40000), 40000);
		assert_int_equal(flows_total(m->id)->created, i);
		assert_int_equal(flow_of(m, 0, 40000)->packets[DIRECTION_ORIGINAL], 1);
		seconds(31);
		assert_int_equal(flows_there(), 0);
	}
}

/* Without an answer the half-open flow ends, and a late answer is dropped. Then another client may have the port */
static void half_open_expires(void **state)
{
	const struct masq *m = masq_named("66");
	__u16 port;
	struct addr his;

	flows_pool(m->id)->n6 = 1;
	port = client_sends(m, 0, 40000);
	his = ours;

	seconds(HALF_OPEN_SECONDS);
	host_jiffies -= 1 << tick_shift;
	assert_int_not_equal(client_sends(m, 1, 40000), port);
	ours = his;
	host_jiffies += 1 << tick_shift;
	assert_false(backend_answers(m, port, 0, 40000));
	assert_int_equal(ran.verdict, HOST_PASS);
	assert_int_equal(refused(m, DIRECTION_REPLY, PASS_no_flow), 1);
	assert_int_equal(flows_there(), 0);
	flows_room(32);
	assert_int_equal(client_sends(m, 0, 40000), port);
	his = ours;
	seconds(HALF_OPEN_SECONDS);
	for (__u32 n = 1; n < 40; n++)		/* one of them starts with the same address */
		if (client_sends(m, n, 40000) == port && addr_same(&ours, &his)) {
			assert_true(backend_answers(m, port, n, 40000));
			whole();
			return;
		}
	fail();
}

/* ---- full tables ---- */

/* One bucket, with a flow in each place: newcomers get none until a flow expires */
static void full(void **state)
{
	for (__u32 i = 0; i < MASQ_PAIRS; i++) {
		const struct masq *m = &masqs[i];
		__u64 before = refused(m, DIRECTION_ORIGINAL, DROP_flows_full);
		__u16 ports[LEARNED_WAYS];
		struct addr theirs[LEARNED_WAYS];

		flows_room(1);
		for (__u32 n = 0; n < LEARNED_WAYS; n++) {
			ports[n] = flow_made(m, n, 40010 + n);
			theirs[n] = ours;
		}
		assert_int_equal(client_sends(m, 8, 40018), GONE);
		assert_int_equal(ran.verdict, HOST_DROP);
		assert_int_equal(refused(m, DIRECTION_ORIGINAL, DROP_flows_full), before + 1);
		seconds(20);
		for (__u32 n = 0; n < LEARNED_WAYS; n++) {
			ours = theirs[n];
			assert_true(n == 3 || backend_answers(m, ports[n], n, 40010 + n));
		}
		assert_int_equal(client_sends(m, 8, 40018), GONE);
		seconds(10);
		flow_made(m, 8, 40018);
		assert_int_equal(flows_there(), LEARNED_WAYS);
		assert_null(flow_of(m, 3, 40013));
	}
}

/* One bucket full of half-open flows: the oldest one gives way, but never a flow */
static void half_open_gives_way(void **state)
{
	const struct masq *m = masq_named("44");
	__u16 port = flow_made(m, 0, 40000);
	struct addr his = ours;

	flows_room(1);
	port = flow_made(m, 0, 40000);
	his = ours;
	for (__u32 n = 1; n < 40; n++) {
		assert_int_not_equal(client_sends(m, n, 40000), GONE);
		assert_non_null(flow_of(m, n, 40000));
		assert_int_equal(half_open_there(), n < 7 ? n : 7);
		if (n > 7)
			assert_null(flow_of(m, n - 7, 40000));
		host_jiffies += 1 << tick_shift;
		whole();
	}
	ours = his;
	assert_true(backend_answers(m, port, 0, 40000));
}

/* All ports have a flow: none is given away, and each client continues. A half-open flow gives its port away */
static void no_port(void **state)
{
	const struct masq *m = masq_named("64");
	__u64 before = refused(m, DIRECTION_ORIGINAL, DROP_ports_exhausted);
	bool has[8] = { false };

	flows_pools(40000, 40007);
	for (__u32 n = 0; n < 8; n++) {
		__u16 port = flow_made(m, n, 40000);

		assert_uint_in_range(port, 40000, 40007);
		assert_false(has[port - 40000]);
		has[port - 40000] = true;
	}
	for (__u32 n = 0; n < 16; n++)
		assert_int_equal(!client_sends(m, n, 40000), n >= 8);
	assert_int_equal(refused(m, DIRECTION_ORIGINAL, DROP_ports_exhausted), before + 8);
	assert_int_equal(flows_there(), 8);
	seconds(31);
	for (__u32 n = 8; n < 16; n++)
		flow_made(m, n, 40000);
	assert_int_equal(client_sends(m, 16, 40000), GONE);
	whole();
}

/* A pool without addresses or ports gives nothing */
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
	assert_int_equal(half_open_there(), 0);
}

/* If all candidates are in use, the port of the oldest half-open flow is given away */
static void ports_give_way(void **state)
{
	const struct masq *m = masq_named("64");

	flows_pools(40000, 40003);
	for (__u32 n = 0; n < 3; n++)
		flow_made(m, n, 40000);
	for (__u32 n = 3; n < 9; n++) {
		assert_int_not_equal(client_sends(m, n, 40000), GONE);
		assert_int_equal(half_open_there(), 1);
		assert_non_null(flow_of(m, n, 40000));
		host_jiffies += 1 << tick_shift;
		whole();
	}
	assert_int_equal(flows_there(), 3);
}

/* A pool with 90 % in use still has a port for every client */
static void ports_found(void **state)
{
	const struct masq *m = masq_named("44");
	__u32 n_ports = 2000, n;

	flows_room(1024);
	flows_pools(1024, 1024 + n_ports - 1);
	flows_pool(m->id)->n4 = 1;
	for (n = 0; n < n_ports * 9 / 10; n++) {
		assert_int_not_equal(client_sends(m, n, 999), GONE);
		assert_true(backend_answers(m, ntohs(flow_of(m, n, 999)->own_port), n, 999));
	}
	whole();
	assert_int_equal(flows_there(), n_ports * 9 / 10);
}

/* Returns whether the new client gets a flow as within the share of its source. Otherwise its flow is brief */
static bool within_share(const struct masq *m, __u32 n, __u16 port)
{
	__u32 left;

	assert_int_not_equal(client_sends(m, n, port), GONE);
	left = learned_left(word_of(m, n, port), flows_units());
	assert_true(left == learned_units(HALF_OPEN_SECONDS) || left == learned_units(HALF_OPEN_BRIEF));
	return left == learned_units(HALF_OPEN_SECONDS);
}

/* As many new clients as a source may have, in one host or in a /64. A retry costs nothing, and an answer gives the
 * attempt back. More clients get a flow that is brief */
static void share(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS; i++) {
		const struct masq *m = &masqs[i];
		bool ipv4 = world_family(m->client) == FAMILY_IPV4;
		__u16 first = GONE;
		struct addr his;

		flows_room(256);
		flows_pools(1024, 65535);
		for (__u32 n = 0; n < HALF_OPEN_SHARE; n++) {
			assert_int_not_equal(client_sends(m, ipv4 ? 0 : n, 2000 + n), GONE);
			his = n ? his : ours;
			first = first ?: out.sport;
		}
		assert_false(within_share(m, 0, 1999));
		assert_int_equal(client_sends(m, 0, 2000), first);
		ours = his;
		assert_true(backend_answers(m, first, 0, 2000));
		assert_true(within_share(m, 0, 1998));
		assert_false(within_share(m, 0, 1997));
		if (ipv4)
			assert_true(within_share(m, 1, 1998));
		ours = flow_of(m, 0, 1997)->own;	/* it was not charged, so its answer gives nothing back */
		assert_true(backend_answers(m, ntohs(flow_of(m, 0, 1997)->own_port), 0, 1997));
		assert_false(within_share(m, 0, 1994));
		host_jiffies += HALF_OPEN_EACH;
		assert_true(within_share(m, 0, 1996));
		assert_false(within_share(m, 0, 1995));
		whole();
	}
}

/* In one bucket, a source beyond its share displaces only its own flows, and finds no port if all are in use */
static void brief_gives_way(void **state)
{
	const struct masq *m = masq_named("44");

	flows_room(1);
	flows_pools(1024, 65535);
	for (__u32 n = 0; n < HALF_OPEN_SHARE; n++)
		assert_int_not_equal(client_sends(m, 0, 2000 + n), GONE);
	host_jiffies += 1 << tick_shift;
	assert_true(within_share(m, 1, 40000));
	for (__u32 n = 0; n < 20; n++)
		assert_false(within_share(m, 0, 3000 + n));
	assert_non_null(flow_of(m, 1, 40000));
	whole();
	flows_room(32);
	flows_pools(40000, 40007);
	flows_pool(m->id)->n4 = 1;
	for (__u32 n = 0; n < 8; n++)
		flow_made(m, 1 + n, 40000);
	for (__u32 cell = 0; cell < flow_shares.max; cell++)
		((struct flow_share *)bpf_map_lookup_elem(&flow_shares, &cell))->half = host_jiffies + HALF_OPEN_SHARE * HALF_OPEN_EACH;
	assert_int_equal(client_sends(m, 9, 40000), GONE);
	assert_int_equal(refused(m, DIRECTION_ORIGINAL, DROP_newcomer_limited), 1);
}

static __u32 in_state(enum learned_state wanted)
{
	__u32 n = 0;
	__u64 word;

	for (__u32 i = 0; i < flow_table.max * LEARNED_WAYS; i++)
		n += flow_at(i, &word) && learned_left(word, flows_units()) && learned_word_state(word) == wanted;
	return n;
}

/* LIVE flows of a source: those beyond its share are served too, but give way first. Idle ones leave room in the
 * share */
static void live_share(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS; i++) {
		const struct masq *m = &masqs[i];
		bool ipv4 = world_family(m->client) == FAMILY_IPV4;
		struct addr spares;

		flows_room(64);
		flows_all_share_cells();
		flows_pools(1024, 65535);
		flows_pool(m->id)->share = 10;
		for (__u32 n = 0; n < 40; n++)
			flow_made(m, ipv4 ? 0 : n, 2000 + n);
		assert_int_equal(in_state(LEARNED_LIVE), 10);
		assert_int_equal(in_state(LEARNED_SPARE), 30);
		assert_int_equal(flows_total(m->id)->created, 40);
		seconds(20);
		assert_int_not_equal(client_sends(m, ipv4 ? 0 : 39, 2039), GONE);
		spares = ours;
		seconds(20);			/* the others have expired */
		assert_int_equal(in_state(LEARNED_LIVE) + in_state(LEARNED_SPARE), 1);
		seconds(8);
		ours = spares;
		assert_int_not_equal(client_sends(m, ipv4 ? 0 : 39, 2039), GONE);
		seconds(25);
		assert_int_not_equal(client_sends(m, ipv4 ? 0 : 39, 2039), GONE);
		assert_int_equal(in_state(LEARNED_LIVE), 1);
		whole();
	}
}

/* Sends from 16 /64s of each of 4 /56s of one /48, at 4 ports each, and the backend answers all. Returns how many
 * flows are LIVE. */
static __u32 live_of_site(const struct masq *m)
{
	for (__u32 n = 0; n < 64; n++)
		for (__u16 to, port = 2000; port < 2004; port++) {
			client_subnet = n / 16 << 8 | n % 16;
			to = client_sends(m, 0, port);
			assert_int_not_equal(to, GONE);
			assert_true(backend_answers(m, to, 0, port));
		}
	client_subnet = 0;
	return in_state(LEARNED_LIVE);
}

/* An IPv6 source is a /64, a /56 and a /48: a client with many /64s keeps no more flows than one with a single
 * address, and another site has a share of its own. Each service counts for itself. */
static void wide_share(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS; i++) {
		const struct masq *m = &masqs[i];

		if (world_family(m->client) == FAMILY_IPV4)
			continue;
		flows_room(256);
		flows_all_share_cells();
		flows_pools(1024, 65535);
		flows_pool(m->id)->share = 10;
		assert_int_equal(live_of_site(m), 10);
		client_subnet = 1 << 16;
		flow_made(m, 0, 3000);
		assert_int_equal(in_state(LEARNED_LIVE), 11);
		whole();
	}
}

/* More half-open flows from the /64s of one /48 than a source may have are brief */
static void wide_half_open(void **state)
{
	const struct masq *m = masq_named("66");
	__u32 within = 0;

	flows_room(256);
	flows_all_share_cells();
	flows_pools(1024, 65535);
	for (__u32 n = 0; n < 2 * HALF_OPEN_SHARE; n++) {
		client_subnet = n;
		within += within_share(m, 0, 2000);
	}
	assert_int_equal(within, HALF_OPEN_SHARE);
	client_subnet = 1 << 16;
	assert_true(within_share(m, 0, 2000));
}

/* One source fills as much as it can: another source's newcomers get in, and their flows stay */
static void others_come_in(void **state)
{
	const struct masq *m = masq_named("44");

	flows_room(4);
	flows_pool(m->id)->share = 8;
	for (__u32 n = 0; n < 40; n++) {
		client_sends(m, 0, 2000 + n);
		if (flow_of(m, 0, 2000 + n))
			backend_answers(m, ntohs(flow_of(m, 0, 2000 + n)->own_port), 0, 2000 + n);
	}
	assert_int_equal(in_state(LEARNED_LIVE), 8);
	for (__u32 n = 1; n <= 8; n++) {
		for (__u32 k = 0; k < 10; k++)
			client_sends(m, 0, 3000 + 10 * n + k);
		flow_made(m, n, 40000);
	}
	for (__u32 n = 1; n <= 8; n++)
		assert_non_null(flow_of(m, n, 40000));
	assert_int_equal(in_state(LEARNED_LIVE), 16);
	whole();
}

/* Many sources ask for more than their share: each has exactly its share LIVE, and the rest is SPARE */
static void many_shares(void **state)
{
	const struct masq *m = masq_named("44");

	flows_room(8192);
	flows_all_share_cells();
	flows_pools(1024, 65535);
	flows_pool(m->id)->share = 100;
	for (__u32 n = 0; n < 80 * 256; n++) {
		__u16 to = client_sends(m, n % 80, 2000 + n / 80);

		assert_true(backend_answers(m, to, n % 80, 2000 + n / 80));
	}
	assert_int_equal(in_state(LEARNED_LIVE), 80 * 100);
	assert_int_equal(in_state(LEARNED_SPARE), 80 * 156);
	whole();
}

/* ---- moved backends ---- */

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
		assert_false(backend_answers(m, old, 0, 40000));	/* answers of the former backend are dropped */
		moving = m;
		port = client_sends(m, 0, 40000);
		assert_int_not_equal(port, GONE);
		assert_int_equal(total->moved, before + 1);
		assert_int_equal(flows_there(), 0);
		assert_true(backend_answers(m, port, 0, 40000));
		assert_int_equal(total->created, created + 2);
		whole();
		seconds(60);
	}
	moving = NULL;
}

/* The listener belongs to another service now: expired flows count for the former one */
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
	assert_int_equal(flows_there(), 0);
}

/* The wan is dialled again: the listener's address is on a device with another number. The client's flow stays, and
 * answers reach the client after its next packet; the former number is not asked again */
static void another_number(void **state)
{
	for (int i = 0; i < 4; i++) {
		const struct masq *m = masq_named(i / 2 ? "66" : "44");
		struct masq again = *m;
		__u16 port;

		plane = planes[i % 2];
		flows_listen(NULL);
		port = flow_made(m, 0, 40000);
		again.in = X0;
		for (size_t j = 0; j < world_n_entries; j++) {
			struct table_entry *e = &world_entries[j];

			if (e->service.id != m->id || e->service.ifindex != W0)
				continue;
			e->service.ifindex = X0;
			if ((e->key.word & 0xff) == KEY_SERVICE)
				e->key.word = table_word(KEY_SERVICE, world_family(m->local), htons(m->port), X0);
		}
		world_commit();
		world_control()->generation++;
		assert_true(backend_answers(m, port, 0, 40000));	/* before the client sends */
		assert_int_equal(client_sends(&again, 0, 40000), port);
		assert_true(backend_answers(m, port, 0, 40000));
		assert_int_equal(client_sends(&again, 0, 40000), port);
		assert_int_equal(flows_there(), 1);
		whole();
		flows_delete_all();
		world_control()->generation++;
	}
}

/* ---- ambiguous clients ---- */

/* Several pool addresses: all are used, and the same port at each belongs to another client */
static void own_addresses(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		const struct masq *m = &masqs[i];
		__u32 n_first = 0;

		flows_room(32);
		for (__u32 n = 0; n < 100; n++) {
			assert_uint_in_range(flow_made(m, n, 40000 + n % 8), 40000, 40063);
			n_first += addr_same(&ours, m->id ? &flows_pool(m->id)->own6[0] : &flows_pool(m->id)->own4[0]);
		}
		assert_uint_in_range(n_first, 37, 63);	/* out of 2 × 64 */
		assert_int_equal(flows_there(), 100);
	}
}

/* A listener or this host's WireGuard has a port of the pool: no client gets it, not even one with this port */
static void ports_of_ours(void **state)
{
	const struct masq *m = masq_named("44");
	struct pool *pool = flows_pool(m->id);

	pool->n4 = 1;
	pool->first = 40000;
	pool->last = 40003;
	for (__u16 port = 40000; port < 40003; port++)
		world_entries[world_n_entries++] = (struct table_entry){
			.key = { pool->own4[0], table_word(KEY_OWN_PORT, FAMILY_IPV4, htons(port), 0) },
		};
	world_commit();
	world_control()->generation++;
	assert_int_equal(client_sends(m, 0, 40000), 40003);
	assert_true(backend_answers(m, 40003, 0, 40000));
	assert_int_equal(client_sends(m, 1, 40001), 0);
	assert_int_equal(refused(m, DIRECTION_ORIGINAL, DROP_ports_exhausted), 1);
	whole();
}

/* One client's port at two listeners of a backend: two flows, each with answers from its listener */
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
	assert_int_equal(flows_there(), 2);
}

/* Another CPU takes the client's place, or its port, while this one makes the flow: then it makes none, and leaves
 * nothing behind */
static void contended(void **state)
{
	const struct masq *m = masq_named("66");
	struct flow_key key = key_of(m, 0, 40000);
	__u64 hash = learned_hash((const __u64 *)&key, &learned_secret), other = learned_second(hash, &learned_secret);
	struct flow_bucket *b;

	for (int i = 0; i < 2; i++) {
		__u32 home = (i ? other : hash) & flow_mask;

		flows_room(32);
		home &= flow_mask;
		b = bpf_map_lookup_elem(&flow_table, &home);
		b->line.word[5] = learned_word(learned_tag(i ? other : hash), LEARNED_BUSY, 0, 0);
		assert_int_equal(client_sends(m, 0, 40000), GONE);
		assert_int_equal(ran.verdict, HOST_DROP);
		assert_int_equal(refused(m, DIRECTION_ORIGINAL, DROP_flow_contended), i + 1);
		assert_int_equal(half_open_there(), 0);
		b->line.word[5] = 0;
		whole();
		assert_int_equal(client_sends(m, 0, 40000), 40000);
	}
}

/* The hashes follow from the secret: with another secret, the same client has another place */
static void secret(void **state)
{
	const struct masq *m = masq_named("44");
	struct learned_secret was = learned_secret;
	__u32 places[2] = { 0 };
	__u16 ports[2];

	for (int i = 0; i < 2; i++) {
		__u64 word;

		flows_room(32);
		ports[i] = client_sends(m, 0, 999);
		while (!flow_at(places[i], &word))
			places[i]++;
		for (int j = 0; j < 10; j++)
			learned_secret.key[j] = 0x9e3779b9U * (j + 1);
	}
	learned_secret = was;
	assert_int_not_equal(places[0], places[1]);
	assert_int_not_equal(ports[0], ports[1]);
}

/* With any secret, as many clients find a port as there are ports */
static void any_secret(void **state)
{
	const __u64 factors[] = { 1, 1ULL << 63 | 1, 1ULL << 62 | 1, 3ULL << 61 | 1, ~0ULL };
	const struct masq *m = masq_named("64");
	struct learned_secret was = learned_secret;

	for (size_t i = 0; i < sizeof(factors) / sizeof(*factors); i++) {
		learned_secret.factor[1] = factors[i];
		flows_room(32);
		flows_pools(40000, 40007);
		for (__u32 n = 0; n < 8; n++)
			flow_made(m, n, 40000);
		assert_int_equal(flows_there(), 8);
	}
	learned_secret = was;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(life), TEST(shapes), TEST(clocks), TEST(ends), TEST(shorter), TEST(again),
		TEST(half_open_expires), TEST(full), TEST(half_open_gives_way), TEST(no_port), TEST(no_pool),
		TEST(ports_give_way), TEST(ports_found), TEST(share), TEST(brief_gives_way), TEST(live_share),
		TEST(wide_share), TEST(wide_half_open), TEST(others_come_in), TEST(many_shares), TEST(moved),
		TEST(moved_to_another_service), TEST(another_number), TEST(own_addresses), TEST(ports_of_ours),
		TEST(two_listeners), TEST(contended), TEST(secret), TEST(any_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
