/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Describes the result of a trace in words.
 */
#include <bpf/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "lib/addr.h"
#include "lib/memory.h"
#include "show/packet_words.h"
#include "show/trace.h"
#include "show/words.h"

#define SENTENCE 600

static void add_owner(const struct trace *t, const struct trace_step *s, struct node row)
{
	char name[NAME_LEN];

	if (!s->ours) {
		document_null(row, "service");
		return;
	}
	name_of_id(trace_shadow(t), s->id, name);
	document_text(row, s->id & PEER_ID ? "peer" : "service",
		      s->id & PEER_ID && !*name ? NULL : name);
	if (!(s->id & PEER_ID))
		document_text(row, "direction", direction_name(s->direction));
}

static void add_guard(const struct trace *t, const struct trace_result *r,
		      const struct packet_words *in, struct node row)
{
	const struct trace_step *s = r->last;
	const char *message = message_name(in->message);
	bool decided = !s->reason || !strncmp(reason_name(s->reason), "guard_", 6);
	char text[SENTENCE];
	struct guard guard;

	if (!s->ours || s->id & PEER_ID || !decided || s->direction != DIRECTION_ORIGINAL ||
	    !dataplane_guard(trace_shadow(t), s->id, &guard) || !(guard.flags & GUARD_ON)) {
		document_null(row, "guard");
		return;
	}
	snprintf(text, sizeof(text), "%s: %s%s%s",
		 *message ? message : "this is not a message of plain WireGuard",
		 s->reason ? reason_name(s->reason) : "passes", s->reason ? ", " : "",
		 s->reason ? reason_text(s->reason) : "");
	document_text(row, "guard", text);
}

static void add_flow(const struct trace_result *r, struct node row)
{
	static const char *const words[] = {
		[TRACE_FLOW] = "existing",
		[TRACE_NEWCOMER] = "half-open: the flow waits for the backend's answer",
		[TRACE_FLOW_MADE] = "created by this answer",
	};

	document_text(row, "flow", words[r->flow]);
}

static const char *verdict_name(const struct trace_step *s)
{
	static const char *const verdicts[] = { "passed", "forwarded", "dropped", "unknown" };

	return verdicts[s->reason && reason_drops(s->reason) ? TRACE_DROPPED : s->verdict];
}

/* Adds what a plane did, such as "passed: no_neighbour, its next hop is not resolved …". */
static void add_step(const struct trace_result *r, enum plane plane, struct node row)
{
	const struct trace_step *s = &r->step[plane];
	char text[SENTENCE];

	if (plane == PLANE_TC && r->last == &r->step[PLANE_XDP])
		document_null(row, plane_name(plane));
	else if (s->verdict == TRACE_NOT_RUN)
		document_text(row, plane_name(plane),
			      s->error ? strerror(-s->error) : "not attached");
	else {
		if (s->ours && s->reason)
			snprintf(text, sizeof(text), "%s: %s, %s", verdict_name(s),
				 reason_name(s->reason), reason_text(s->reason));
		else
			snprintf(text, sizeof(text), "%s%s", verdict_name(s),
				 s->ours ? "" : ": the packet belongs to no service or peer");
		document_text(row, plane_name(plane), text);
	}
}

static struct address hop_address(const struct nexthop *hop)
{
	struct in6_addr six;

	memcpy(&six, hop->fib.ipv6_dst, sizeof(six));
	return hop->fib.family == FAMILY_IPV4 ?
	       address_from_ipv4((struct in_addr){ hop->fib.ipv4_dst }) : address_from_ipv6(six);
}

static void add_hop(const struct trace_result *r, struct node row)
{
	static const __u8 none[6];
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
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	document_text(row, "mac", memcmp(m, none, sizeof(none)) ? mac :
		      "its MAC address is unknown, and the kernel resolves it");
}

static void add_frame(const struct trace_frame *f, struct node row)
{
	char *text = xmalloc(2 * f->len + 1);

	for (__u32 i = 0; i < f->len; i++)
		sprintf(text + 2 * i, "%02x", f->bytes[i]);
	document_text(row, "frame", f->len ? text : NULL);
	free(text);
}

static void add_out(const struct trace_result *r, struct node row)
{
	char text[PACKET_WORDS + 2 * ADDRESS_STRLEN + 8], name[IF_NAMESIZE];
	struct packet_words words;

	if (!r->out.len || !r->egress) {
		document_null(row, "out");
		return;
	}
	packet_words(r->out.bytes, r->out.len, &words);
	snprintf(text, sizeof(text), "%s > %s, %s", words.from, words.to, words.what);
	document_text(row, "out", interface_name(r->egress, name));
	document_text(row, "sent", text);
	if (r->fragments > 1)
		document_number(row, "fragments", r->fragments);
}

static void format_summary(const struct trace_result *r, char text[SENTENCE])
{
	const struct trace_step *s = r->last;
	char out[IF_NAMESIZE], hop[ADDRESS_STRLEN];
	struct address a = hop_address(&r->hop);

	if (s->verdict == TRACE_NOT_RUN)
		snprintf(text, SENTENCE, "the kernel cannot run the BPF programs on this packet: "
			 "%s", strerror(-s->error));
	else if (!s->ours)
		snprintf(text, SENTENCE, "the packet belongs to no service and no peer, so it goes "
			 "up to the kernel unchanged");
	else if (s->reason && !reason_drops(s->reason))
		snprintf(text, SENTENCE, "the packet goes up to the kernel unchanged: %s",
			 reason_text(s->reason));
	else if (s->reason)
		snprintf(text, SENTENCE, "the packet is dropped: %s", reason_text(s->reason));
	else
		snprintf(text, SENTENCE, "%s sends the packet out of %s%s%s%s",
			 s == &r->step[PLANE_XDP] ? "XDP" : "tc", interface_name(r->egress, out),
			 r->has_hop ? " to " : "", r->has_hop ? address_format(&a, hop) : "",
			 r->fragments > 1 ? ", in fragments (the last one is shown)" : "");
}

void trace_describe(const struct trace *t, __u32 ifindex, const struct trace_frame *in,
		    const struct trace_result *r, bool frames, struct node list)
{
	const struct trace_step *s = r->last;
	struct node row = document_row(list);
	char text[SENTENCE], name[IF_NAMESIZE];
	struct packet_words words;

	packet_words(in->bytes, in->len, &words);
	snprintf(text, sizeof(text), "%s > %s", words.from, words.to);
	document_text(row, "name", text);
	document_text(row, "in", interface_name(ifindex, name));
	document_text(row, "packet", words.what);
	add_owner(t, s, row);
	add_guard(t, r, &words, row);
	add_flow(r, row);
	add_step(r, PLANE_XDP, row);
	add_step(r, PLANE_TC, row);
	add_hop(r, row);
	add_out(r, row);
	document_text(row, "verdict", verdict_name(s));
	document_text(row, "path", plane_name(s - r->step));
	document_text(row, "reason", s->reason ? reason_name(s->reason) : NULL);
	format_summary(r, text);
	document_text(row, "says", text);
	if (frames)
		add_frame(&r->out, row);
}
