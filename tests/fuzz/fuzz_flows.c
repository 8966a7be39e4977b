// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No packet makes a masquerading service crash, send to a wrong address, or damage the table of flows. The services
 * run on the host plane. An input is four bytes of state, then steps (fuzz_steps.h): nine bytes of options, then the
 * bytes of a frame. Their addresses, ports and lengths are mostly made right, so that newcomers are answered, flows
 * are used, fragments follow, and errors are about sent packets. Each frame must be unchanged unless sent or dropped.
 * A sent one goes to the backend from a pool address, which stays the same for a flow, or to the right client, in
 * either family. Its TTL is one less; the payload and a right checksum stay. It counts once, and after it all flows
 * are whole (host_flows.h).
 */
#include "fuzz_steps.h"
#include "fuzz_gone.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

/* ---- who was given what: read off what leaves, not asked of the data path ---- */

static struct given {
	const struct masq *m;
	struct addr client, ours, backend;
	__u16 client_port, ours_port;
	bool live;			/* flows had it before this frame */
	__u64 until;			/* end of the half-open flow */
	bool gives_way;			/* it is SPARE: another newcomer may get its port */
} given[2 * STEPS_MAX];
static __u32 n_given;

static bool is_client(const struct given *g, const struct masq *m, const struct addr *client, __u16 port)
{
	return g->m == m && g->client_port == port && addr_same(&g->client, client);
}

/* Returns the last client that was given this port; the backend's answer goes to it */
static struct given *given_as(const struct addr *ours, __u16 ours_port, const struct addr *backend, __u16 backend_port)
{
	for (__u32 i = n_given; i--;)
		if (given[i].ours_port == ours_port && given[i].m->backend_port == backend_port && addr_same(&given[i].ours, ours) &&
		    addr_same(&given[i].backend, backend))
			return &given[i];
	return NULL;
}

static void given_lives(void)
{
	for (__u32 i = 0; i < n_given; i++) {
		struct given *g = &given[i];
		struct flow_key key = { .src = g->client, .dst = world_addr(g->m->local), .sport = htons(g->client_port),
					.dport = htons(g->m->port), .family = world_family(g->m->client),
					.direction = DIRECTION_ORIGINAL };
		__u64 word;

		g->live = false;
		for (__u32 place = 0; place < flow_table.max * LEARNED_WAYS && !g->live; place++) {
			const struct flow *f = flow_at(place, &word);
			struct flow_key is = f ? flow_key_of(f, DIRECTION_ORIGINAL) : (struct flow_key){ 0 };

			g->gives_way = learned_word_state(word) == LEARNED_SPARE;
			g->live = f && !memcmp(&is, &key, sizeof(key)) && learned_word_state(word) != LEARNED_HALF &&
				  learned_left(word, flows_units()) && addr_same(&f->own, &g->ours) &&
				  ntohs(f->own_port) == g->ours_port && addr_same(&f->backend, &g->backend);
		}
	}
}

/* An original of this client left so */
static void give(const struct masq *m, const struct seen *b, const struct seen *a)
{
	const struct pool *pool = flows_pool(m->id);
	bool ipv4 = a->family == FAMILY_IPV4;
	const struct addr *own = ipv4 ? pool->own4 : pool->own6;
	const struct given *other = given_as(&a->src, a->sport, &a->dst, a->dport);
	struct addr backend = step_backend(m);

	MUST(addr_same(&a->dst, &backend) && a->dport == m->backend_port);
	MUST(addr_same(&a->src, &own[0]) || ((ipv4 ? pool->n4 : pool->n6) > 1 && addr_same(&a->src, &own[1])));
	MUST(a->sport >= pool->first && a->sport <= pool->last);
	MUST(!other || !other->live || other->gives_way || is_client(other, m, &b->src, b->sport));
	for (__u32 i = 0; i < n_given; i++)
		MUST(!given[i].live || !is_client(&given[i], m, &b->src, b->sport) || !addr_same(&given[i].backend, &backend) ||
		     (addr_same(&given[i].ours, &a->src) && given[i].ours_port == a->sport));
	MUST(n_given < sizeof(given) / sizeof(given[0]));
	given[n_given++] = (struct given){ m, b->src, a->src, backend, b->sport, a->sport, false, host_jiffies + HALF_OPEN_SECONDS * tick_rate };
}

/* Returns the client that a sent reply belongs to: it was given that port, and has a flow or may still be answered.
 * NULL: the reply belongs to no flow, but to the other service of that backend */
static const struct given *taken(const struct addr *src, __u16 sport, const struct addr *dst, __u16 dport)
{
	const struct given *g = given_as(dst, dport, src, sport);
	struct addr dnat = world_addr("192.168.1.40"), backend;

	g = g && (g->live || host_jiffies < g->until) ? g : NULL;
	MUST(g || (addr_same(src, &dnat) && sport == 51820));
	if (!g)
		return NULL;
	backend = step_backend(g->m);
	MUST(addr_same(&backend, src));
	return g;
}

/* Returns the service that an original is for, or NULL for the one that does not masquerade */
static const struct masq *listener(__u32 link, const struct addr *local, __u16 port)
{
	for (size_t i = 0; i < MASQS; i++) {
		struct addr a = world_addr(masqs[i].local);

		if (masqs[i].in == link && masqs[i].port == port && addr_same(&a, local))
			return &masqs[i];
	}
	MUST(link == W0 && port == 54000);
	return NULL;
}

/* ---- what leaves is whose it should be ---- */

static struct {				/* ports of first fragments that were sent */
	__u32 link;
	struct seen seen;
} firsts[STEPS_MAX];
static __u32 n_firsts;

/* Returns the addresses and ports with which the last packet leaves, or NULL if it has no flow */
static const struct flow_way *way_taken(void)
{
	const struct pkt_state *s = state_find();

	return s->has_way ? &s->flow.way : NULL;
}

/* The ports of a later fragment are those of its first, and its pool port is not in it */
static void ports_of_fragment(__u32 link, struct seen *b, struct seen *a)
{
	const struct flow_way *way = way_taken();
	__u32 i = n_firsts;

	while (i && !(firsts[i - 1].link == link && firsts[i - 1].seen.id == b->id && firsts[i - 1].seen.family == b->family &&
		      addr_same(&firsts[i - 1].seen.src, &b->src) && addr_same(&firsts[i - 1].seen.dst, &b->dst)))
		i--;
	MUST(i);
	b->sport = firsts[i - 1].seen.sport;
	b->dport = firsts[i - 1].seen.dport;
	a->sport = way ? ntohs(way->sport) : 0;
	a->dport = way ? ntohs(way->dport) : 0;
}

static void check_tuple(__u32 link, enum direction direction, struct seen *b, struct seen *a)
{
	const struct masq *m;
	const struct given *g;

	if (b->later)
		ports_of_fragment(link, b, a);
	else if (b->more && n_firsts < STEPS_MAX)
		firsts[n_firsts].link = link, firsts[n_firsts++].seen = *b;
	if (direction == DIRECTION_ORIGINAL) {
		m = listener(link, &b->dst, b->dport);
		if (m)
			give(m, b, a);
		return;
	}
	g = taken(&b->src, b->sport, &b->dst, b->dport);
	if (g) {
		struct addr local = world_addr(g->m->local);

		MUST(addr_same(&a->src, &local) && addr_same(&a->dst, &g->client));
		MUST(b->later || (a->sport == g->m->port && a->dport == g->client_port));
	}
}

/* An error to the client is about an original that it sent to the listener. An error to the backend is about a reply
 * that it sent to us */
static void check_error(__u32 link, enum direction direction, const __u8 *before, __u32 len, const __u8 *after, __u32 after_len)
{
	struct seen_error b, a;
	struct addr local, backend;
	const struct given *g = NULL;

	check_gone_error(before, len, after, after_len, &b, &a);
	if (direction == DIRECTION_REPLY) {
		g = taken(&b.dst, b.dport, &b.src, b.sport);
		if (!g)
			return;
		local = world_addr(g->m->local);
		MUST(addr_same(&a.from, &local) && addr_same(&a.to, &g->client) && addr_same(&a.src, &g->client) && addr_same(&a.dst, &local));
		MUST(a.sport == g->client_port && a.dport == g->m->port);
		return;
	}
	if (!listener(link, &b.src, b.sport))
		return;
	for (__u32 i = 0; i < n_given && !(g && g->live); i++)
		if (is_client(&given[i], listener(link, &b.src, b.sport), &b.dst, b.dport))
			g = &given[i];
	MUST(g && g->live);
	backend = step_backend(g->m);
	MUST(addr_same(&a.from, &g->ours) && addr_same(&a.to, &backend) && addr_same(&a.src, &backend) && addr_same(&a.dst, &g->ours));
	MUST(a.sport == g->m->backend_port && a.dport == g->ours_port);
}

/* ---- a step ---- */

/* A sum over everything in the maps of flows */
static UNWATCHED __u64 digest(void)
{
	struct host_map *maps[] = { &flow_table, &flow_index, &flow_shares };
	__u64 h = 0;

	for (int i = 0; i < 3; i++)
		h = host_map_sum(h, maps[i]);
	return h;
}

static __u32 segments(const struct host_packet *packet)
{
	return packet->gso_size && packet->len > 42 ? (packet->len - 42 + packet->gso_size - 1) / packet->gso_size : 1;
}

static void sent(const struct step *s, enum direction direction, const __u8 *before, __u32 len, const struct host_packet *packet)
{
	__u32 link = step_link(s);
	struct seen b;

	MUST(!host_send_fails && packet->egress && !memcmp(before, &link_find(link)->macs[0], ETH_ALEN));
	MUST(s->how & ON_TC || !packet->by_neighbour);
	if (is_error(before)) {
		check_error(link, direction, before, len, packet->data, packet->len);
		return;
	}
	goes(packet, packet->egress);
	check_gone(before, len, &b);
	check_tuple(link, direction, &b, &gone.first);
	if (last.any && s->time & 8)
		return;
	last.any = !gone.seen.later && packet->len <= sizeof(last.frame);
	if (!last.any)
		return;
	memcpy(last.frame, packet->data, packet->len);
	last.len = packet->len;
	last.link = packet->egress;
	last.seen = gone.seen;
}

static void check(const struct step *s, const __u8 *before, __u32 len, int verdict, const struct host_packet *packet, bool changed)
{
	enum plane plane = s->how & ON_TC ? PLANE_TC : PLANE_XDP;
	__u64 received;
	enum direction direction = way_counted(&received);
	bool same = packet->len == len && !memcmp(before, packet->data, len);
	const struct flow_way *way = way_taken();
	const char *complaint = flows_complaint();

	if (complaint)
		fprintf(stderr, "%s\n", complaint);
	MUST(!complaint && ways_sums_hold());
	MUST(received <= segments(&(struct host_packet){ .len = len, .gso_size = packet->gso_size }));
	if (verdict == HOST_SENT) {
		MUST(received && (!changed || !is_error(before)));
		sent(s, direction, before, len, packet);
	} else if (verdict == HOST_PASS) {
		MUST(same && !packet->egress && !changed);
		MUST(!received || plane == PLANE_TC);
	} else {
		MUST(received && !packet->egress);
		MUST(same || host_send_fails || (way && (way->family == FAMILY_IPV4) != (before[12] == 8)));
	}
}

static void reset_counts(void)
{
	__u32 zero = 0;

	memset(bpf_map_lookup_elem(&totals, &zero), 0, totals.max * totals.value_size);
	host_map_reset(&reasons, reasons.max);
	memset(&gone, 0, offsetof(typeof(gone), data));
}

static void time_passes(const struct step *s)
{
	const __u32 jiffies[] = { 0, 0, 1, tick_rate, 2 * tick_rate, 14 * tick_rate, 16 * tick_rate, 40 * tick_rate };

	host_jiffies += jiffies[s->time & 7];
	if (s->time >> 7) {
		moved = moved ? NULL : step_masq(s);
		flows_listen(moved);
		world_control()->generation++;
	}
	given_lives();
}

static void run_step(const struct step *s, const __u8 *bytes, __u32 n)
{
	static __u8 frame[FRAME_MAX];
	struct host_packet packet = { 0 };
	__u32 len = step_frame(s, frame, bytes, n), link = step_link(s);
	__u8 *memory = malloc(len + 2 + HOST_ROOM);
	enum plane plane = s->how & ON_TC ? PLANE_TC : PLANE_XDP;
	__u64 before;
	int verdict;

	time_passes(s);
	reset_counts();
	memcpy(memory + 2, frame, len);
	packet.data = memory + 2;
	packet.len = len;
	packet.linear = s->linear == 255 || s->linear > len ? len : s->linear;
	if (plane == PLANE_TC && s->gso && len > 42) {
		packet.gso_size = s->gso * 16;
		packet.gso_segs = segments(&packet);
	}
	ASAN_POISON_MEMORY_REGION(memory + 2 + len, HOST_ROOM);
	before = digest();
	verdict = world_run(plane, link, &packet);
	check(s, frame, len, verdict, &packet, digest() != before);
	free(memory);
}

/* ---- an input ---- */

static void reset(const struct state *s)
{
	static bool ready;
	__u32 zero = 0;

	if (!ready)
		flows_setup();
	ready = true;
	if (moved)
		flows_listen(NULL);
	world_control()->generation++;	/* the memo may have flows of the former input */
	moved = NULL;
	last.any = false;
	n_given = n_firsts = 0;
	memset(bpf_map_lookup_elem(&nexthops, &zero), 0, nexthops.max * nexthops.value_size);
	if (!(s->kernel & PROBES))
		flows_no_probes();
	world_control()->flags = s->kernel & ASKS_ALWAYS ? CONTROL_ASK_ALWAYS : 0;
	host_send_fails = s->kernel & SEND_FAILS;
	host_map_reset(&frags, frags.max);
	flows_room(1 << s->buckets % 4);
	flows_pools(CLIENT_PORT, CLIENT_PORT + s->ports % 64);
	for (__u32 id = 0; id < WORLD_SERVICES; id++)
		flows_pool(id)->share = s->share % 4;
	for (__u32 cell = 0; s->kernel & SHARE_USED && cell < flow_shares.max; cell++)
		((struct flow_share *)bpf_map_lookup_elem(&flow_shares, &cell))->half = host_jiffies + (HALF_OPEN_SHARE - 2) * HALF_OPEN_EACH;
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct state state;

	if (size < sizeof(state))
		return 0;
	memcpy(&state, data, sizeof(state));
	data += sizeof(state);
	size -= sizeof(state);
	reset(&state);
	host_cloned = goes;
	for (int i = 0; i < STEPS_MAX && size >= sizeof(struct step); i++) {
		struct step step;
		__u32 n;

		memcpy(&step, data, sizeof(step));
		data += sizeof(step);
		size -= sizeof(step);
		n = get16(step.len) % FRAME_MAX;
		n = n < BYTES_MAX ? n : BYTES_MAX;
		n = n < size ? n : size;
		run_step(&step, data, n);
		data += n;
		size -= n;
	}
	return 0;
}
