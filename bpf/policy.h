/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whether a packet may pass between sites. Plain UDP is decided here, by its destination port or as a reply; all else by
 * judge.h. What cannot be read is dropped, never passed up: the host's rules may be none.
 */
#ifndef WGXDP_POLICY_H
#define WGXDP_POLICY_H

#include "judge.h"
#include "parse.h"

/* 0, with the tag to be remembered, or DROP_refused */
INLINE int policy_ports(struct pkt *p)
{
	__u32 zero = 0, port = bpf_ntohs(p->dport);
	const struct policy *rules = bpf_map_lookup_elem(&policy, &zero);
	bool listed;

	if (!rules)
		return -DROP_refused;
	opaque(port);			/* 6.1 takes the result of a byte swap for unbounded, and clang would save the mask */
	listed = rules->ports[port >> 6 & 1023] >> (port & 63) & 1;
	if (listed && !p->outside) {
		p->tag = allowed_tag(rules, p->src, p->dst, p->sport, p->dport, IPPROTO_UDP);
		return 0;
	}
	p->tag = allowed_tag(rules, p->dst, p->src, p->dport, p->sport, IPPROTO_UDP);
	return allowed_known(p->tag) ? 0 : -DROP_refused;
}

/* The header behind extension headers or of another protocol: p->l4 and all that UDP's would tell. An enum judgement or a reason */
INLINE int policy_judge(struct pkt *p)
{
	int rc = plane(p, judge);
	__u32 zero = 0;
	struct judged *j = bpf_map_lookup_elem(&judged, &zero);

	if (!j)
		return -DROP_invalid;
	p->l4 = p->l3 + (j->l4 & 0x7ff);
	p->fragment = j->fragment;
	p->sport = j->sport;
	p->dport = j->dport;
	p->tag = j->tag;
	p->checksum = j->checksum;
	p->partial = j->partial;
	p->check_at = j->check_at;
	p->silent = j->silent;
	if (rc >= 0 && (plane(p, reach) || pull_fragment(p)))
		return -DROP_invalid;
	return rc;
}

/* A later fragment goes like its first. Where that one was tc's to send, XDP may see this one before: then it is tc's as well. */
INLINE int policy_later(struct pkt *p)
{
	if (!fragment_find(p))
		return 0;
	return p->plane == PLANE_XDP && p->link->flags & LINK_TC ? -PASS_fragment : -DROP_invalid;
}

/* 0 or a reason, blurred: what follows is the same for all */
INLINE int policy_admits(struct pkt *p)
{
	int rc = JUDGED_UDP;

	p->l4 = p->l3 + sizeof(struct ipv6hdr);
	p->segment_len = p->len;
	p->check_at = offsetof(struct udphdr, check);
	if (p->next != IPPROTO_UDP)
		rc = policy_judge(p);
	p->l4 = p->l3 + (blur(p, p->l4 - p->l3) & 0x7ff);
	if (rc == JUDGED_UDP)
		rc = pull_udp(p) ? -DROP_invalid : policy_ports(p);
	else if (rc == JUDGED_LATER)
		rc = policy_later(p);
	if (plane(p, whole))
		return p->held ? -DROP_invalid : rc;
	p->silent = true;		/* the kernel would not even look at it */
	return -DROP_invalid;
}

#endif
