/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Messages of host_blind.h's sites and of strangers, with mac1 by OpenSSL's BLAKE2s, and their results. A packet that
 * leaves is compared completely. A packet that does not leave must have the right reason.
 */
#ifndef HOST_BLIND_TALK_H
#define HOST_BLIND_TALK_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include "host_blind.h"
#include "host_see.h"
#include <cmocka.h>

#define UP (-1000)			/* to the kernel, unchanged and not counted */

static enum plane plane;		/* all later packets use it */
static struct ran ran;
static struct host_packet how;		/* a packet's .linear, .gso_segs and .gso_size; 0: it is plain */
static __u8 next_message[64000];

/* ---- messages ---- */

static void openssl_mac1(__u32 n, const __u8 *covered, size_t len, __u8 mac[MAC_LEN])
{
	size_t size = MAC_LEN, written;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end() };
	__u8 label[40] = "mac1----", key[32];
	static EVP_MAC_CTX *ctx;
	unsigned int hashed;

	public_key(n, label + 8);
	assert_int_equal(EVP_Digest(label, sizeof(label), key, &hashed, EVP_blake2s256(), NULL), 1);
	if (!ctx)
		ctx = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL));
	assert_int_equal(EVP_MAC_init(ctx, key, sizeof(key), params), 1);
	assert_int_equal(EVP_MAC_update(ctx, covered, len), 1);
	assert_int_equal(EVP_MAC_final(ctx, mac, &written, MAC_LEN), 1);
}

static void put_le32(__u8 *to, __u32 x)
{
	x = htole32(x);
	memcpy(to, &x, sizeof(x));
}

/* Fills next_message with kind, then one or two indices; key: the receiver's. Returns its length */
static __u32 tells(__u32 kind, __u32 key, __u32 first, __u32 second)
{
	static const __u32 lens[] = { 0, INITIATION_LEN, RESPONSE_LEN, COOKIE_LEN, DATA_LEN };
	static __u32 seed;
	__u32 covered = kind == MESSAGE_INITIATION ? 116 : 60;

	for (__u32 i = 0; i < lens[kind]; i++)
		next_message[i] = (seed = seed * 1103515245 + 12345) >> 16;
	put_le32(next_message, kind);
	put_le32(next_message + 4, first);
	if (kind == MESSAGE_RESPONSE)
		put_le32(next_message + 8, second);
	if (kind == MESSAGE_INITIATION || kind == MESSAGE_RESPONSE)
		openssl_mac1(key, next_message, covered, next_message + covered);
	return lens[kind];
}

/* ---- frames, as they arrive and as they must leave ---- */

static void comes(__u32 who, __u32 len)
{
	in = (struct frame){ .family = family_of(who), .ttl = 64, .tos = 0x48, .payload = len, .bytes = next_message };
	how = (struct host_packet){ 0 };
	world_mac(in.dmac, W0, 1);
	world_mac(in.smac, W0, 0xee);
	in.src = world_addr(people[who].addr);
	in.sport = people[who].port;
	in.dst = relay_addr(in.family);
	in.dport = BLIND_LISTENS;
}

static void leaves(__u32 to)
{
	out = in;
	world_mac(out.dmac, W0, hop_of(to));
	world_mac(out.smac, W0, 1);
	out.family = family_of(to);
	out.ttl--;
	out.src = relay_addr(out.family);
	out.sport = BLIND_LISTENS;
	out.dst = world_addr(people[to].addr);
	out.dport = people[to].port;
	if (out.family == in.family)
		return;
	out.n_extra = 0;
	out.flow = 0;
	if (out.family == FAMILY_IPV6 && out.checksum == ZERO)
		out.checksum = FULL;
	if (out.family == FAMILY_IPV6)
		out.id = out.frag_off = 0;
	else if (out.payload > 1232)		/* RFC 7915 5.1: 1,260 bytes */
		out.frag_off = 0x4000;
	else
		out.id = htons(bpf_get_prandom_u32());
}

/* Runs the first len bytes of `came` */
static void runs(__u32 len)
{
	__u8 *memory = malloc(len + 2 + HOST_ROOM);
	struct host_packet packet = { .data = memory + 2, .len = len, .linear = how.linear ?: len,
				      .gso_segs = how.gso_segs, .gso_size = how.gso_size };

	memcpy(memory + 2, came, len);
	ASAN_POISON_MEMORY_REGION(memory + 2 + len, HOST_ROOM);
	ran.verdict = world_run(plane, W0, &packet);
	ran.packet = packet;
	ran.touched = memcmp(memory + 2, came, len);
	memcpy(left, memory + 2, packet.len);
	free(memory);
}

static void reasons_now(__u64 counts[REASON_MAX])
{
	memset(counts, 0, REASON_MAX * sizeof(*counts));
	for (__u32 i = 0; i < reasons.n; i++)
		counts[((struct reason_key *)reasons.entries[i].key)->reason] += *(__u64 *)reasons.entries[i].value;
}

static __u32 got_by(void)
{
	struct seen s;
	__u32 n;

	assert_true(see(left, ran.packet.len, &s));
	for (n = 1; n < PEOPLE; n++) {
		struct addr a = world_addr(people[n].addr);

		if (addr_same(&a, &s.dst) && people[n].port == s.dport)
			break;
	}
	assert_uint_in_range(n, 1, PEOPLE - 1);
	return n;
}

/* Runs `came`; `in` is its description. Returns the receiver, if everything is right, or UP, or the negative reason for
 * which it was dropped or counted and passed */
static int came_becomes(__u32 len)
{
	__u64 before[REASON_MAX], after[REASON_MAX], forwarded = way_total(BLIND_ID, DIRECTION_ORIGINAL, plane).forwarded;
	__u32 segments = how.gso_segs ?: 1, n;

	reasons_now(before);
	runs(len);
	reasons_now(after);
	forwarded = way_total(BLIND_ID, DIRECTION_ORIGINAL, plane).forwarded - forwarded;
	if (ran.verdict == HOST_SENT) {
		n = got_by();
		leaves(n);
		len = frame_build(&out, want);
		assert_int_equal(ran.packet.len, len);
		assert_memory_equal(left, want, len);
		assert_int_equal(ran.packet.egress, W0);
		assert_int_equal(forwarded, segments);
		assert_memory_equal(before, after, sizeof(before));
		return n;
	}
	assert_false(ran.touched && ran.verdict == HOST_PASS);	/* a dropped packet may already have room for the other family's header */
	assert_int_equal(ran.packet.egress, 0);
	assert_int_equal(forwarded, 0);
	for (int r = 0; r < REASON_MAX; r++)
		if (after[r] != before[r]) {
			assert_int_equal(ran.verdict, reason_is_drop(-r) ? HOST_DROP : HOST_PASS);
			assert_int_equal(after[r], before[r] + segments);
			return -r;
		}
	assert_int_equal(ran.verdict, HOST_PASS);
	return UP;
}

/* Runs `in`. Its checksum must not happen to be that of its pseudo header, because tc handles those. The last byte
 * is not read. */
static int becomes(void)
{
	__u32 len = frame_build(&in, came);
	struct frame partial = in;

	partial.checksum = PARTIAL;
	if (in.payload < 32 || frame_build(&partial, want) != len || memcmp(came, want, len))
		return came_becomes(len);
	next_message[in.payload - 1] ^= 1;
	return came_becomes(frame_build(&in, came));
}

#endif
