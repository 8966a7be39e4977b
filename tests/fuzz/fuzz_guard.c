// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No message passes a service's guard that is malformed, has a wrong mac1, is replayed, or is for another backend.
 * The services run on the host plane. An input is three bytes of state, then steps of eight bytes: clients and
 * backends whose messages have a right mac1 until the step changes a byte, replays, fragments and GSO packets. A
 * packet to a backend must have a message's shape and a right mac1, be for the backend with that key or index, and
 * for a strict service come from an answered client. No replay passes, nor a response that no backend waits for.
 * Dropped packets, and those that XDP passes up, change nothing remembered. Flows are whole.
 */
#define WGXDP_HOST
#include "host/host_lists.h"
#include "pipeline.h"
/* As in fuzz_pipeline.c: no part of the data path, and not to be explored */
#pragma clang attribute push(__attribute__((no_sanitize("address", "undefined", "coverage"))), apply_to = function)
#include "fuzz_must.h"
#include "host/host_guarded.h"
#include "host/host_see.h"
#include "fuzz_changed.h"

#define STEPS_MAX 40
#define PAYLOAD_MAX 4096

struct state {
	__u8 flags;			/* strict (1), backends (2), AmneziaWG (4), its junk (8), limits are near (16), little time (32),
					 * unresolved neighbours (64), AmneziaWG's ranges (128, with 4) */
	__u8 keys;
	__u8 rotate;			/* the first key is removed at this step */
};

struct step {
	__u8 kind;			/* enum step_kind (3 bits), tc (1), more of linear (2), fragment (1), GSO (1) */
	__u8 who;			/* service (3 bits), client (2), its port (1), backend, or the backend of the index (2) */
	__u8 what;			/* 3 bits: key; 5: index */
	__u8 time;
	__u8 at, with;			/* a byte of the payload that is changed; with 0: none */
	__u8 len;			/* length of data, in 16 bytes; for other kinds added to the right length, if odd */
	__u8 junk;
};
enum step_kind { RAW, INITIATION, RESPONSE, COOKIE, DATA, BACKEND, REPLAY, LATER };

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

static const struct guarded *service;
static struct state now_is;
static __u32 first_key, n_keys;
static __u8 payload[PAYLOAD_MAX], last[PAYLOAD_MAX];
static __u32 last_len;
static struct seen gone;			/* the last packet that left for a backend */

/* ---- the model ---- */

struct known { __u16 id; struct addr addr; __u16 port; __u32 index, backend; __u64 until; bool waits; };
static struct known knows[STEPS_MAX];
static __u32 n_knows;
static struct { __u16 id; __u8 mac1[16]; struct addr addr; __u16 port; __u64 until; } initiations[STEPS_MAX];
static __u32 n_initiations;
static struct { struct addr src; __u16 id; __u32 backend; } firsts[STEPS_MAX];	/* first fragments that left for a backend */
static __u32 n_firsts;

static bool fits(__u32 key, const __u8 *m, __u32 covered)
{
	__u8 label[40] = "mac1----", k[32], mac[16];

	key_bytes(key, label + 8);
	blake2s(k, 32, NULL, 0, label, sizeof(label));
	blake2s(mac, 16, k, 32, m, covered);
	return !memcmp(mac, m + covered, 16);
}

static __u32 le32(const __u8 *b)
{
	return b[0] | b[1] << 8 | b[2] << 16 | (__u32)b[3] << 24;
}

/* Returns the kind of the message that fills n bytes, and its offset; 0: none */
static __u32 kind_of(const __u8 *b, __u32 n, __u32 *ret_at)
{
	const struct guard *g = guard_at(service->id);

	for (__u32 kind = 1; kind <= 4; kind++) {
		__u32 junk = g->junk[kind - 1], len = n - junk;

		if (n < junk + 8 || le32(b + junk) < le32((const __u8 *)&g->header[kind - 1]) ||
		    le32(b + junk) - le32((const __u8 *)&g->header[kind - 1]) > g->span[kind - 1])
			continue;
		*ret_at = junk;
		if (kind == 4 ? len >= 32 : len == (__u32[]){ 148, 92, 64 }[kind - 1])
			return kind;
	}
	return 0;
}

static struct known *by_index(__u32 index)
{
	for (__u32 i = n_knows; i--;)
		if (knows[i].id == service->id && knows[i].index == index)
			return host_jiffies < knows[i].until ? &knows[i] : NULL;
	return NULL;
}

static const struct known *by_client(void)
{
	for (__u32 i = n_knows; i--;)
		if (knows[i].id == service->id && addr_same(&knows[i].addr, &in.src) && knows[i].port == in.sport)
			return host_jiffies < knows[i].until ? &knows[i] : NULL;
	return NULL;
}

/* Tests have few rows (REPLAY_ROWS): five initiations may share one, and then the oldest gives way. In that case the
 * row of this one is full of others that are valid as long or longer. */
static bool made_room(const __u8 *mac1)
{
	for (__u32 row = 0; row < REPLAY_ROWS; row++) {
		const struct replay *all = ((const struct replays *)replays.values)[row].replay;
		__u32 good = 0;
		bool here = false;

		for (__u32 i = 0; i < REPLAYS_ROW; i++) {
			here |= all[i].id == service->id && !memcmp(all[i].mac1, mac1, 16);
			good += all[i].until - (__u32)host_jiffies - 1 < REPLAY_SECONDS * tick_rate;
		}
		if (here && good == REPLAYS_ROW)
			return true;
	}
	return false;
}

/* Checks an initiation or response that left for a backend */
static void check_handshake(const __u8 *m, __u32 kind, __u32 backend)
{
	bool any = false;

	for (__u32 k = first_key; k < n_keys; k++)
		any |= fits(k, m, kind == 1 ? 116 : 60) && (!(now_is.flags & 2) || k == backend);
	MUST(any);
	if (kind != 1) {
		struct known *asks = by_index(le32(m + 8));

		MUST(asks && asks->waits);	/* a backend, for this response */
		asks->waits = false;
		return;
	}
	for (__u32 i = n_initiations; i--;)
		if (initiations[i].id == service->id && !memcmp(initiations[i].mac1, m + 116, 16)) {
			MUST(host_jiffies >= initiations[i].until ||
			     (addr_same(&initiations[i].addr, &in.src) && initiations[i].port == in.sport) || made_room(m + 116));
			break;
		}
	memcpy(initiations[n_initiations].mac1, m + 116, 16);
	initiations[n_initiations].addr = in.src;
	initiations[n_initiations].port = in.sport;
	initiations[n_initiations].id = service->id;
	initiations[n_initiations++].until = host_jiffies + REPLAY_SECONDS * tick_rate;
}

/* A later fragment has no ports: it follows the first one, from any sender with the same address */
static bool follows(__u32 backend)
{
	for (__u32 i = n_firsts; i--;)
		if (firsts[i].id == in.id && addr_same(&firsts[i].src, &in.src))
			return firsts[i].backend == backend;
	return false;
}

static void check_sent(const struct step *s, bool gso, __u32 size)
{
	bool many = now_is.flags & 2, strict = now_is.flags & 1;
	__u32 at = 0, kind = kind_of(payload, gso ? size : in.payload + in.udp_len, &at), backend = 0;
	__u32 first = le32(payload + at + 4);
	const struct known *index = by_index(first), *client = by_client();

	while (backend < BACKENDS) {
		struct addr a = nth_backend(service, backend);

		if (addr_same(&a, &gone.dst))
			break;
		backend++;
	}
	MUST(backend < BACKENDS && gone.dport == 51820 && (many || !backend));
	if (s->kind % 8 == LATER) {
		MUST(!many || follows(backend) || (client && client->backend == backend));
		return;
	}
	if (in.frag_off) {
		firsts[n_firsts].src = in.src;
		firsts[n_firsts].id = in.id;
		firsts[n_firsts++].backend = backend;
	}
	MUST(kind);
	if (gso) {
		MUST(kind == 4);
		for (__u32 i = 0; i < in.payload; i += size) {
			__u32 n = in.payload - i < size ? in.payload - i : size;

			MUST(kind_of(payload + i, n, &at) == 4);
			if (le32(payload + i + at + 4) != first)
				index = NULL;
		}
	}
	if (kind <= 2) {
		check_handshake(payload + at, kind, backend);
		return;
	}
	MUST(!(strict || many) || index || client);
	MUST(!many || (index ?: client)->backend == backend);
}

/* ---- steps ---- */

static void put_le32(__u8 *to, __u32 x)
{
	for (int i = 0; i < 4; i++)
		to[i] = x >> 8 * i;
}

static void put_mac1(__u32 key, __u8 *m, __u32 covered)
{
	__u8 label[40] = "mac1----", k[32];

	key_bytes(key, label + 8);
	blake2s(k, 32, NULL, 0, label, sizeof(label));
	blake2s(m + covered, 16, k, 32, m, covered);
}

static __u32 message_put(const struct step *s, __u32 kind)
{
	const struct guard *g = guard_at(service->id);
	__u32 junk = g->junk[kind - 1], len = kind == 4 ? (s->len % 32) * 16 : (__u32[]){ 148, 92, 64 }[kind - 1];
	__u32 index = (s->who >> 6) << 8 | s->what >> 3;
	__u8 *m = payload + junk;

	memset(payload, s->junk, sizeof(payload));
	put_le32(m, le32((const __u8 *)&g->header[kind - 1]) + s->len % (g->span[kind - 1] + 1));
	put_le32(m + 4, index);
	if (kind == 2)
		put_le32(m + 8, index);
	if (kind <= 2)
		put_mac1(s->what & 7, m, kind == 1 ? 116 : 60);
	if (s->len & 1)
		len += s->len / 2 % 16 - 8;
	return junk + len;
}

static struct addr step_client(const struct step *s)
{
	struct addr a = world_addr(service->client);

	a.b[15] += s->who >> 3 & 3;
	return a;
}

static __u32 step_payload(const struct step *s)
{
	__u32 kind = s->kind % 8, n;

	if (kind == REPLAY && last_len) {
		memcpy(payload, last, sizeof(payload));
		n = last_len;
	} else if (kind == RAW || kind == LATER) {
		memset(payload, s->junk, sizeof(payload));
		put_le32(payload, s->what & 7);
		n = s->len;
	} else if (kind == BACKEND) {
		n = message_put(s, 1 + (s->what & 3));
	} else {
		n = message_put(s, kind == REPLAY ? 1 : kind);
	}
	if (s->with)
		payload[s->at] ^= s->with;
	memcpy(last, payload, sizeof(last));
	last_len = n;
	return n;
}

/* Writes the frame's bytes; *ret_size: payload of a segment, 0: no GSO */
static __u32 step_frame(const struct step *s, __u32 *ret_size)
{
	bool backend = s->kind % 8 == BACKEND;
	__u32 n = step_payload(s), size = n;

	memset(&in, 0, sizeof(in));
	world_mac(in.dmac, backend ? L0 : W0, 1);
	world_mac(in.smac, backend ? L0 : W0, 0xee);
	in.family = world_family(backend ? service->backend : service->client);
	in.ttl = 64;
	in.bytes = payload;
	in.payload = n;
	in.src = backend ? nth_backend(service, (s->who >> 6) % BACKENDS) : step_client(s);
	in.dst = backend ? service->flags & SERVICE_MASQUERADE ? gone.src : step_client(s) : world_addr(service->local);
	in.sport = backend ? 51820 : 40000 + (s->who >> 5 & 1);
	in.dport = backend ? service->flags & SERVICE_MASQUERADE ? gone.sport : 40000 + (s->who >> 5 & 1) : service->port;
	*ret_size = 0;
	if (!backend && s->kind & 64 && in.family == FAMILY_IPV4 && s->kind % 8 != LATER) {
		in.frag_off = 0x2000;
		in.id = s->time | service->id << 8;	/* a later fragment has no ports */
		in.payload = n / 16 * 8;
		in.udp_len = n - in.payload;
		in.padding = s->junk % 64;
	} else if (!backend && s->kind % 8 == LATER) {
		in.frag_off = 8 + s->len;
		in.id = s->time | service->id << 8;	/* a later fragment has no ports */
	} else if (!backend && s->kind & 128 && n > 16 && n <= 512 && s->kind & 8) {
		for (__u32 i = 1; i < 4; i++)
			memcpy(payload + i * n, payload, n);
		in.payload = 3 * n + (s->junk % 8 < 4 ? s->junk % 8 * 16 : n);
		if (s->what & 4)
			payload[2 * n + s->at % 8] ^= s->with;
		*ret_size = size;
	}
	return frame_build(&in, came);
}

static void remember_reply(const struct step *s, const __u8 *frame, __u32 len)
{
	__u32 at = 0, kind = kind_of(payload, in.payload, &at);
	struct seen a;

	MUST(see(frame, len, &a));
	if (kind != 1 && kind != 2)
		return;
	knows[n_knows++] = (struct known){ service->id, a.dst, a.dport, le32(payload + at + 4), (s->who >> 6) % BACKENDS,
					   host_jiffies + SESSION_SECONDS * tick_rate, kind == 1 };
}

static __u64 guard_drops(void)
{
	__u64 n = 0;

	for (int r = DROP_guard_shape; r < REASON_MAX; r++)
		for (int i = 0; i < 2; i++)
			n += way_reason(service->id, DIRECTION_ORIGINAL, i, r);
	return n;
}

static void run_step(const struct step *s)
{
	enum plane plane = s->kind & 8 ? PLANE_TC : PLANE_XDP;
	__u32 size, len = step_frame(s, &size), link = s->kind % 8 == BACKEND ? L0 : W0;
	__u8 *memory = malloc(len + 2 + HOST_ROOM);
	struct host_packet packet = { .data = memory + 2, .len = len, .linear = s->kind & 16 ? 62 + s->junk : len };
	__u64 before = digest(service->id), drops = guard_drops();
	const char *complaint;
	int verdict;

	packet.linear = packet.linear < len ? packet.linear : len;
	packet.gso_size = size;
	packet.gso_segs = size && s->kind & 32 ? (in.payload + size - 1) / size : 0;
	memcpy(packet.data, came, len);
	ASAN_POISON_MEMORY_REGION(memory + 2 + len, HOST_ROOM);
	verdict = world_run(plane, link, &packet);
	complaint = flows_complaint();
	MUST(!complaint && ways_sums_hold());
	if (verdict == HOST_PASS)
		MUST(!memcmp(packet.data, came, len) && digest(service->id) == before);
	if (verdict == HOST_DROP && guard_drops() != drops)
		MUST(digest(service->id) == before);
	if (verdict == HOST_SENT && link == L0) {
		remember_reply(s, packet.data, packet.len);
	} else if (verdict == HOST_SENT) {
		MUST(see(packet.data, packet.len, &gone));
		if (s->kind % 8 == LATER)
			gone.dport = 51820;
		check_sent(s, size && in.payload > size, size);
	}
	free(memory);
}

/* ---- an input ---- */

static void reset(const struct state *s)
{
	__u32 zero = 0;

	now_is = *s;
	n_knows = n_initiations = n_firsts = last_len = 0;
	memset(&gone, 0, sizeof(gone));
	first_key = 0;
	n_keys = s->flags & 2 ? BACKENDS : 1 + s->keys % 8;
	memset(bpf_map_lookup_elem(&totals, &zero), 0, totals.max * totals.value_size);
	put_back();
	guards_ask((s->flags & 1 ? GUARD_STRICT : 0) | (s->flags & 2 ? GUARD_BACKENDS : 0), n_keys);
	for (__u32 id = 0; id < GUARDED; id++) {
		struct guard *g = guard_at(id);

		for (__u32 i = 0; s->flags & 4 && i < MESSAGES; i++)
			g->header[i] = htole32(0x1234567 * (i + 1));
		for (__u32 i = 0; (s->flags & 132) == 132 && i < MESSAGES; i++)
			g->span[i] = (__u32[]){ 0, 7, 0x1234566, 0x1ff }[i];
		for (__u32 i = 0; s->flags & 8 && i < MESSAGES; i++)
			g->junk[i] = (__u32[]){ 15, 0, 33, 8 }[i];
		if (s->flags & 8)
			g->flags |= GUARD_JUNK;
		if (s->flags & 16) {
			g->source_each = g->service_each = (__u64)tick_rate << GUARD_TICK;
			g->source_burst = 3;
			g->service_burst = 4;
		}
	}
	for (__u32 i = 0; i < host_n_routes; i++)
		if (host_routes[i].ifindex == L0)
			host_routes[i].answer = s->flags & 64 ? BPF_FIB_LKUP_RET_NO_NEIGH : 0;
	world_control()->generation++;
}

static void rotate(void)
{
	for (__u32 id = 0; id < GUARDED && n_keys > 1; id++)
		guard_at(id)->keys = GUARD_KEYS_WORD(17, n_keys - 1);
	first_key = n_keys > 1;
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static bool ready;
	struct state state;
	struct step step;
	__u32 zero = 0;

	if (size < sizeof(state))
		return 0;
	memcpy(&state, data, sizeof(state));
	data += sizeof(state);
	size -= sizeof(state);
	if (!ready) {
		guarded_setup(0, 1);
		watch();
	}
	ready = true;
	reset(&state);
	for (int i = 0; i < STEPS_MAX && size >= sizeof(step); i++, data += sizeof(step), size -= sizeof(step)) {
		const __u32 jiffies[] = { 0, 0, 1, tick_rate, 60 * tick_rate, 180 * tick_rate, 199 * tick_rate, 200 * tick_rate };
		struct guard_budget *budget = bpf_map_lookup_elem(&budgets, &zero);

		memcpy(&step, data, sizeof(step));
		service = &guarded[(step.who & 7) % GUARDED];
		host_jiffies += jiffies[step.time & 7];
		if (state.flags & 32 && step.time & 8)
			*budget = (struct guard_budget){ .since = host_jiffies, .left = { step.time >> 4, step.time >> 5 } };
		if (state.rotate == i + 1)
			rotate();
		run_step(&step);
	}
	return 0;
}
#pragma clang attribute pop
