/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * verdict: the one exit, where a step's answer becomes counters and an action. XDP counts only what it sends or ends; what it
 * passes up is decided and counted by tc, which sees it next.
 */
#ifndef WGXDP_VERDICT_H
#define WGXDP_VERDICT_H

#include "event.h"
#include "hear.h"

/* A bit for each reason that ends the packet here */
#define REASON(kind, name, text) | (KIND_##kind == KIND_DROP ? 1ULL << kind##_##name : 0)
#define DROPS (0ULL
static const __u64 reason_drops = DROPS
#include "reasons.def"
);
#undef REASON
#undef DROPS
_Static_assert(REASON_MAX <= 64, "reasons fit one word");

INLINE bool reason_is_drop(int rc)
{
	return reason_drops >> (-rc & 63) & 1;
}

/* id: a service's, or PEER_ID | a peer's */
INLINE void count_reason(const struct pkt *p, __u32 id, int rc)
{
	struct reason_key key = {
		.id = id, .direction = p->direction, .plane = p->plane & 1, .reason = -rc,
	};
	__u64 *n = bpf_map_lookup_elem(&reasons, &key), zero = 0;

	if (!n) {
		bpf_map_update_elem(&reasons, &key, &zero, BPF_NOEXIST);
		n = bpf_map_lookup_elem(&reasons, &key);
	}
	if (n)
		*n += p->segments;
	if (reason_is_drop(rc))
		event_drop(p, id, rc);
}

INLINE void count_forwarded(const struct pkt *p, struct total *total)
{
	total->forwarded += p->segments;
	total->bytes += segments_bytes(p);
}

INLINE void count(const struct pkt *p, int rc)
{
	__u32 index = total_index(p->service->id, p->direction, p->plane & 1);
	struct total *total = bpf_map_lookup_elem(&totals, &index);

	if (!total)
		return;
	total->received += p->segments;
	if (rc) {
		count_reason(p, p->service->id, rc);
		return;
	}
	count_forwarded(p, total);
}

/* rc: what the pipeline came to; sent: the action that its send gave; pass and drop: the plane's words for these */
INLINE int verdict(const struct pkt *p, int rc, int sent, int pass, int drop)
{
	bool ends = !rc || reason_is_drop(rc);

	if (rc == NOT_OURS || !p->service) {
		hear(p);
		return pass;
	}
	if (ends || p->plane != PLANE_XDP || !(p->link->flags & LINK_TC))
		count(p, rc);
	return !rc ? sent : ends ? drop : pass;
}

/* What came from a peer, and, if it was forwarded, went to another */
INLINE void count_peers(const struct pkt *p, int rc)
{
	__u32 rx = total_index((__u32)p->peers, PEER_RX, p->plane & 1), tx = total_index(p->peers >> 32, PEER_TX, p->plane & 1);
	struct total *total = bpf_map_lookup_elem(&peer_totals, &rx);

	if (!total)
		return;
	total->received += p->segments;
	if (rc) {
		count_reason(p, PEER_ID | (__u32)p->peers, rc);
		return;
	}
	count_forwarded(p, total);
	total = bpf_map_lookup_elem(&peer_totals, &tx);
	if (total)
		count_forwarded(p, total);
}

/* As verdict() */
INLINE int relay_verdict(const struct pkt *p, int rc, int sent, int pass, int drop)
{
	bool ends = !rc || reason_is_drop(rc);

	if (!p->overlay || rc == NOT_OURS)
		return verdict(p, rc, sent, pass, drop);
	if (ends || p->plane != PLANE_XDP || !(p->link->flags & LINK_TC))
		count_peers(p, rc);
	return !rc ? sent : ends ? drop : pass;
}

#endif
