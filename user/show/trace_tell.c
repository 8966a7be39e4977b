/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace in words.
 */
#include <bpf/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/addr.h"
#include "show/packet_words.h"
#include "show/trace_tell.h"
#include "show/words.h"

#define SENTENCE 600

static const char *link_name(__u32 ifindex, char name[IF_NAMESIZE])
{
	if (!if_indextoname(ifindex, name))
		snprintf(name, IF_NAMESIZE, "%u", ifindex);
	return name;
}

/* Of a service or peer; as struct reason_key has its id */
static void tell_whose(const struct trace *t, const struct trace_step *s, struct node row)
{
	const struct dataplane *dp = trace_shadow(t);
	struct service_name service = { 0 };
	struct peer_name peer = { 0 };
	__u32 place = s->id & ~PEER_ID;

	if (!s->ours) {
		document_null(row, "service");
		return;
	}
	if (s->id & PEER_ID) {
		bpf_map_lookup_elem(map_fd(dp, MAP_peer_names), &place, &peer);
		if (*peer.name)
			document_text(row, "peer", peer.name);
		else
			document_null(row, "peer");
		return;
	}
	bpf_map_lookup_elem(map_fd(dp, MAP_names), &place, &service);
	document_text(row, "service", service.name);
	document_text(row, "direction", direction_name(s->direction));
}

static bool is_guards(__u16 reason)
{
	return !strncmp(reason_name(reason), "guard_", 6);
}

static void tell_guard(const struct trace *t, const struct trace_result *r, const struct packet_words *in, struct node row)
{
	const struct trace_step *s = r->last;
	char text[SENTENCE];
	struct guard guard;
	bool asked = s->ours && !(s->id & PEER_ID) && (!s->reason || is_guards(s->reason));

	if (!asked || s->direction != DIRECTION_ORIGINAL || !dataplane_guard(trace_shadow(t), s->id, &guard) || !(guard.flags & GUARD_ON)) {
		document_null(row, "guard");
		return;
	}
	snprintf(text, sizeof(text), "%s: %s%s%s", *message_name(in->message) ? message_name(in->message) : "no message of plain WireGuard's",
		 s->reason ? reason_name(s->reason) : "passes", s->reason ? ", " : "", s->reason ? reason_text(s->reason) : "");
	document_text(row, "guard", text);
}

static void tell_flow(const struct trace_result *r, struct node row)
{
	static const char *const words[] = {
		[TRACE_FLOW] = "one that there is", [TRACE_NEWCOMER] = "a newcomer's, which waits for an answer of the backend",
		[TRACE_FLOW_MADE] = "this answer makes it",
	};

	if (r->flow == TRACE_NO_FLOW)
		document_null(row, "flow");
	else
		document_text(row, "flow", words[r->flow]);
}

/* "passed: no_neighbour, the neighbour is not resolved …" */
static void tell_step(const struct trace_result *r, enum plane plane, struct node row)
{
	const struct trace_step *s = &r->step[plane];
	const char *key = plane == PLANE_XDP ? "xdp" : "tc", *verdict;
	char text[SENTENCE];

	if (plane == PLANE_TC && r->last == &r->step[PLANE_XDP]) {
		document_null(row, key);
		return;
	}
	if (s->verdict == TRACE_NOT_RUN) {
		document_text(row, key, s->error ? strerror(-s->error) : "not attached");
		return;
	}
	verdict = s->reason && reason_drops(s->reason) ? "dropped" : s->verdict == TRACE_FORWARDED ? "forwarded" :
		  s->verdict == TRACE_DROPPED ? "dropped" : "passed";
	if (s->ours && s->reason)
		snprintf(text, sizeof(text), "%s: %s, %s", verdict, reason_name(s->reason), reason_text(s->reason));
	else
		snprintf(text, sizeof(text), "%s%s", verdict, s->ours ? "" : ": nobody's");
	document_text(row, key, text);
}

static struct address hop_address(const struct nexthop *hop)
{
	struct in6_addr six;

	memcpy(&six, hop->fib.ipv6_dst, sizeof(six));
	return hop->fib.family == FAMILY_IPV4 ? address_from_ipv4((struct in_addr){ hop->fib.ipv4_dst }) : address_from_ipv6(six);
}

static bool hop_is_resolved(const struct nexthop *hop)
{
	static const __u8 none[6];

	return memcmp(hop->fib.dmac, none, sizeof(none));
}

static void tell_hop(const struct trace_result *r, struct node row)
{
	char text[ADDRESS_STRLEN], mac[18];
	const __u8 *m = r->hop.fib.dmac;
	struct address a = hop_address(&r->hop);

	if (!r->has_hop || r->last->answers) {
		document_null(row, "next_hop");
		return;
	}
	document_text(row, "next_hop", address_format(&a, text));
	if (r->hop.egress & LINK_L3)
		return;
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	document_text(row, "mac", hop_is_resolved(&r->hop) ? mac : "not resolved: the kernel asks for it");
}

static void tell_frame(const struct trace_frame *f, const char *key, struct node row)
{
	char *text = malloc(2 * f->len + 1);

	for (__u32 i = 0; text && i < f->len; i++)
		sprintf(text + 2 * i, "%02x", f->bytes[i]);
	if (text && f->len)
		document_text(row, key, text);
	else
		document_null(row, key);
	free(text);
}

static void tell_out(const struct trace_result *r, struct node row)
{
	char text[PACKET_WORDS + 2 * ADDRESS_STRLEN + 8], name[IF_NAMESIZE];
	struct packet_words words;

	if (!r->out.len || !r->egress) {
		document_null(row, "out");
		return;
	}
	packet_words(r->out.bytes, r->out.len, &words);
	snprintf(text, sizeof(text), "%s > %s, %s", words.from, words.to, words.what);
	document_text(row, "out", link_name(r->egress, name));
	document_text(row, "sent", text);
	if (r->pieces > 1)
		document_number(row, "pieces", r->pieces);
}

/* What becomes of it, in a sentence */
static void say(const struct trace_result *r, char text[SENTENCE])
{
	const struct trace_step *s = r->last;
	char out[IF_NAMESIZE], hop[ADDRESS_STRLEN];
	struct address a = hop_address(&r->hop);

	if (s->verdict == TRACE_NOT_RUN)
		snprintf(text, SENTENCE, "the kernel does not run it: %s", strerror(-s->error));
	else if (!s->ours)
		snprintf(text, SENTENCE, "it is for no service, no answer of a backend, and of no peer: it goes up to the kernel, untouched");
	else if (s->reason && !reason_drops(s->reason))
		snprintf(text, SENTENCE, "it goes up to the kernel, untouched: %s", reason_text(s->reason));
	else if (s->reason)
		snprintf(text, SENTENCE, "it ends here: %s", reason_text(s->reason));
	else
		snprintf(text, SENTENCE, "%s sends it by %s%s%s%s", s == &r->step[PLANE_XDP] ? "XDP" : "tc", link_name(r->egress, out),
			 r->has_hop ? " to " : "", r->has_hop ? address_format(&a, hop) : "",
			 r->pieces > 1 ? ", in pieces, of which the last is told" : "");
}

int trace_tell(const struct trace *t, __u32 ifindex, const struct trace_frame *in, const struct trace_result *r, bool frames, struct node list)
{
	static const char *const verdicts[] = { "passed", "forwarded", "dropped", "unknown" };
	const struct trace_step *s = r->last;
	struct node row = document_row(list);
	char text[SENTENCE], name[IF_NAMESIZE];
	struct packet_words words;

	packet_words(in->bytes, in->len, &words);
	snprintf(text, sizeof(text), "%s > %s", words.from, words.to);
	document_text(row, "name", text);
	document_text(row, "in", link_name(ifindex, name));
	document_text(row, "packet", words.what);
	tell_whose(t, s, row);
	tell_guard(t, r, &words, row);
	tell_flow(r, row);
	tell_step(r, PLANE_XDP, row);
	tell_step(r, PLANE_TC, row);
	tell_hop(r, row);
	tell_out(r, row);
	document_text(row, "verdict", s->reason && reason_drops(s->reason) ? "dropped" : verdicts[s->verdict]);
	document_text(row, "path", s == &r->step[PLANE_XDP] ? "xdp" : "tc");
	if (s->reason)
		document_text(row, "reason", reason_name(s->reason));
	else
		document_null(row, "reason");
	say(r, text);
	document_text(row, "says", text);
	if (frames)
		tell_frame(&r->out, "frame", row);
	return 0;
}
