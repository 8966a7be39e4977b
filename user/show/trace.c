/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * trace: runs one packet through both planes of the shadow, then reads its counters, next hops and
 * flows.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include "dataplane/tracing.h"
#include "lib/addr.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "show/trace.h"
#include "show/words.h"

struct trace {
	struct dataplane *shadow;
	struct link *links;
	size_t n_links, n_table;
	struct table_entry *table;
	__u32 uniform_slots;
};

static int pin_to_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

int trace_begin(const struct dataplane *dp, struct trace **ret)
{
	struct trace *t = xcalloc(1, sizeof(*t));
	int rc = pin_to_cpu();

	rc = rc ?: dataplane_shadow(dp, &t->shadow) ?:
	     dataplane_links(t->shadow, &t->links, &t->n_links) ?:
	     dataplane_table(t->shadow, &t->table, &t->n_table);
	if (rc)
		return rc;
	t->uniform_slots = dataplane_shadow_slots(t->shadow);
	*ret = t;
	return 0;
}

const struct dataplane *trace_shadow(const struct trace *t)
{
	return t->shadow;
}

/* ---- ingress ---- */

static const struct link *link_of(const struct trace *t, __u32 ifindex)
{
	return dataplane_link_of(t->links, t->n_links, ifindex);
}

struct tags {
	__u16 protocol;			/* EtherType of the outer tag, in host order */
	__be16 id[2];			/* VLAN ids, the outer one first; 0: no tag */
	__u32 len;
};

static bool is_tag(const __u8 *type)
{
	return (type[0] == 0x81 && !type[1]) || (type[0] == 0x88 && type[1] == 0xa8);
}

static struct tags tags_of(const struct trace_frame *f)
{
	struct tags tags = { 0 };

	for (int i = 0; i < 2 && f->len >= 18 + tags.len && is_tag(f->bytes + 12 + tags.len); i++) {
		const __u8 *tag = f->bytes + 12 + tags.len;

		if (!i)
			tags.protocol = tag[0] << 8 | tag[1];
		tags.id[i] = htons((tag[2] & 15) << 8 | tag[3]);
		tags.len += 4;
	}
	return tags;
}

/* Returns the ifindex of the VLAN that gets a nic's frames with these tags; 0: wgxdp has none. */
static __u32 vlan_link(const struct trace *t, __u32 nic, const struct tags *tags)
{
	__u64 key = vlan_key(tags->protocol, tags->id[0], tags->id[1]);

	for (size_t i = 0; i < t->n_table; i++)
		if (t->table[i].key.word == table_word(KEY_VLAN, 0, 0, nic) &&
		    t->table[i].key.addr.q[0] == key)
			return t->table[i].vlan.ifindex;
	return 0;
}

static __u32 logical_link(const struct trace *t, __u32 nic, const struct tags *tags)
{
	const struct link *link = link_of(t, nic);

	if (tags->len)
		return vlan_link(t, nic, tags);
	return link && link->above ? link->above : nic;
}

int trace_mac(const struct trace *t, __u32 ifindex, __u8 ret[6])
{
	const struct link *link = link_of(t, ifindex);
	const struct link *above = link && link->above ? link_of(t, link->above) : NULL;

	link = above ?: link;
	if (!link)
		return -ENODEV;
	memset(ret, 0, 6);
	if (!(link->flags & LINK_L3) && link->macs[0] != LINK_NO_MAC)
		memcpy(ret, &link->macs[0], 6);
	return 0;
}

/* Inserts a VLAN tag before the present tags of the frame. */
static void put_tag(struct trace_frame *f, __u16 protocol, __be16 id)
{
	__u8 *at = f->bytes + 12;

	memmove(at + 4, at, f->len - 12);
	at[0] = protocol >> 8;
	at[1] = protocol & 0xff;
	memcpy(at + 2, &id, sizeof(id));
	f->len += 4;
}

__u32 trace_nic(const struct trace *t, __u32 ifindex, struct trace_frame *f)
{
	const struct link *link = link_of(t, ifindex);

	if (link && link->port && f->len + 8 <= sizeof(f->bytes)) {
		if (link->tags[1])
			put_tag(f, ETH_P_8021Q, link->tags[1]);
		put_tag(f, link->flags & LINK_OUTER_AD ? ETH_P_8021AD : ETH_P_8021Q, link->tags[0]);
		return link->port;
	}
	for (size_t i = 0; i < t->n_links; i++)
		if (t->links[i].above == ifindex &&
		    t->links[i].flags & (LINK_NATIVE | LINK_GENERIC))
			return t->links[i].ifindex;
	return ifindex;
}

/* ---- a program and its counters ---- */

static void run_program(struct trace *t, enum plane plane, const struct trace_frame *in,
			struct trace_step *step, struct trace_frame *out)
{
	struct xdp_md xdp = { .data_end = in->len, .ingress_ifindex = step->ifindex };
	struct __sk_buff skb = { .ifindex = step->ifindex };
	bool tc = plane == PLANE_TC;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = in->len,
		    .data_out = out->bytes, .data_size_out = sizeof(out->bytes), .repeat = 1,
		    .ctx_in = tc ? (void *)&skb : &xdp,
		    .ctx_size_in = tc ? sizeof(skb) : sizeof(xdp));
	int program = program_fd(t->shadow, tc ? PROGRAM_wgxdp_tc : PROGRAM_wgxdp_xdp);

	step->verdict = TRACE_NOT_RUN;
	step->error = bpf_prog_test_run_opts(program, &opts);
	if (step->error)
		return;
	out->len = opts.data_size_out;
	if (opts.retval == (tc ? TC_ACT_REDIRECT : XDP_REDIRECT))
		step->verdict = TRACE_FORWARDED;
	else if (tc ? opts.retval == TC_ACT_SHOT : opts.retval != XDP_PASS)
		step->verdict = TRACE_DROPPED;
	else
		step->verdict = TRACE_PASSED;
}

static void set_owner(struct trace_step *step, __u32 id, __u32 direction, __u16 reason)
{
	step->ours = true;
	step->id = id;
	step->direction = direction;
	step->reason = reason;
}

static int read_services(const struct trace *t, enum plane plane, struct trace_step *step)
{
	__u32 n = dataplane_entries(t->shadow, MAP_names);
	struct total total;
	int rc = 0;

	for (__u32 i = 0; i < 2 * n && !rc; i++) {
		rc = dataplane_total(t->shadow, i / 2, i & 1, plane, &total);
		if (!rc && total_received(&total))
			set_owner(step, i / 2, i & 1, 0);
	}
	return rc;
}

static int read_peers(const struct trace *t, enum plane plane, struct trace_step *step,
		      struct trace_result *ret)
{
	size_t n = dataplane_entries(t->shadow, MAP_peers);
	struct total *totals = NULL;
	struct peer peer;
	int rc = n > 1 ? dataplane_peer_totals(t->shadow, n, &totals) : 0;

	for (__u32 i = 0; totals && i < n; i++) {
		if (total_received(&totals[total_index(i, PEER_RX, plane)]))
			set_owner(step, PEER_ID | i, PEER_RX, 0);
		if (totals[total_index(i, PEER_TX, plane)].forwarded &&
		    !bpf_map_lookup_elem(map_fd(t->shadow, MAP_peers), &i, &peer))
			ret->egress = peer.ifindex;
	}
	free(totals);
	return rc;
}

/* Reads from the counters of the shadow what the last run of a plane did. */
static int read_counters(struct trace *t, enum plane plane, struct trace_step *step,
			 struct trace_result *ret)
{
	struct dataplane_reason *reasons = NULL;
	size_t n = 0;
	int rc = read_services(t, plane, step) ?: read_peers(t, plane, step, ret);

	dataplane_reasons(t->shadow, &reasons, &n);
	for (size_t i = 0; i < n; i++)
		set_owner(step, reasons[i].key.id, reasons[i].key.direction, reasons[i].key.reason);
	free(reasons);
	return rc;
}

/* ---- the result ---- */

static bool is_egress(const struct trace_step *step, const struct trace *t, __u32 slot)
{
	return step->id & PEER_ID || step->direction == DIRECTION_ORIGINAL ||
	       slot >= t->uniform_slots || slot & 1;
}

/* Reads this CPU's value from a per-CPU map; the thread is pinned to the CPU. Returns 0 or
 * -errno. */
static int read_here(const struct trace *t, enum dataplane_map map, __u32 key, void *ret,
		     size_t size)
{
	char *all = xcalloc(libbpf_num_possible_cpus(), size);
	int rc = bpf_map_lookup_elem(map_fd(t->shadow, map), &key, all) ? -errno : 0;

	if (!rc)
		memcpy(ret, all + sched_getcpu() * size, size);
	free(all);
	return rc;
}

static int read_hop(struct trace *t, const struct trace_step *step, struct trace_result *ret)
{
	__u32 n = dataplane_entries(t->shadow, MAP_nexthops);
	struct nexthop hop;
	int rc = 0;

	for (__u32 i = 0; i < n && !rc; i++) {
		rc = read_here(t, MAP_nexthops, i, &hop, sizeof(hop));
		if (rc || !hop.fib.family || !is_egress(step, t, i))
			continue;
		ret->has_hop = true;
		ret->hop = hop;
	}
	return rc;
}

static int read_fragments(struct trace *t, struct trace_result *ret)
{
	struct fragment_area area;
	int rc = read_here(t, MAP_fragment_area, 0, &area, sizeof(area));

	if (!rc && area.step && !area.first_alone && ret->last->verdict == TRACE_FORWARDED)
		ret->fragments = (area.len + area.step - 1) / area.step;
	return rc;
}

static int read_result(struct trace *t, struct trace_result *ret)
{
	struct trace_step *step = (struct trace_step *)ret->last;
	int rc;

	if (step->verdict == TRACE_FORWARDED && step->reason && reason_drops(step->reason))
		step->answers = step->reason != DROP_fragments_unresolved;
	rc = step->ours ? read_hop(t, step, ret) ?: read_fragments(t, ret) : 0;
	if (step->verdict != TRACE_FORWARDED)
		ret->egress = ret->out.len = 0;
	else if (step->answers)
		ret->egress = ret->link;
	else if (ret->has_hop && !ret->egress)
		ret->egress = ret->hop.fib.ifindex;
	return rc;
}

/* ---- the planes ---- */

/* Finds XDP's reason for a packet that it leaves to tc. XDP counts a reason only if no tc program
 * follows, so this runs it again as if there were none. */
static int ask_why(struct trace *t, __u32 link, const struct trace_frame *in,
		   struct trace_step *step, struct trace_result *ret)
{
	__u32 place = link % LINKS;
	struct trace_step again = { .ifindex = step->ifindex };
	static struct trace_frame nowhere;
	struct link was, alone;
	int rc = bpf_map_lookup_elem(map_fd(t->shadow, MAP_links), &place, &was) ? -errno : 0;

	if (rc || !(was.flags & LINK_TC))
		return rc;
	alone = was;
	alone.flags &= ~LINK_TC;
	rc = bpf_map_update_elem(map_fd(t->shadow, MAP_links), &place, &alone, BPF_ANY) ?
	     -errno : 0;
	if (!rc)
		run_program(t, PLANE_XDP, in, &again, &nowhere);
	rc = rc ?: read_counters(t, PLANE_XDP, &again, ret) ?: dataplane_shadow_clear(t->shadow);
	bpf_map_update_elem(map_fd(t->shadow, MAP_links), &place, &was, BPF_ANY);
	if (again.ours)
		set_owner(step, again.id, again.direction, again.reason);
	return rc;
}

static int run_xdp(struct trace *t, __u32 nic, const struct trace_frame *in,
		   struct trace_result *ret)
{
	struct trace_step *step = &ret->step[PLANE_XDP];
	const struct link *link = link_of(t, nic);
	int rc;

	step->ifindex = nic;
	step->verdict = TRACE_NOT_RUN;
	if (!link || !(link->flags & (LINK_NATIVE | LINK_GENERIC)))
		return 0;
	ret->last = step;
	run_program(t, PLANE_XDP, in, step, &ret->out);
	rc = read_counters(t, PLANE_XDP, step, ret);
	if (!rc && step->verdict == TRACE_PASSED && !step->ours)
		rc = ask_why(t, ret->link, in, step, ret);
	return rc;
}

static int run_tc(struct trace *t, const struct trace_frame *in, __u32 tags,
		  struct trace_result *ret)
{
	struct trace_step *step = &ret->step[PLANE_TC];
	const struct link *link = link_of(t, ret->link);
	static struct trace_frame untagged;

	step->ifindex = ret->link;
	step->verdict = TRACE_NOT_RUN;
	if (!link || !(link->flags & LINK_TC))
		return 0;
	untagged.len = in->len - tags;
	memcpy(untagged.bytes, in->bytes, 12);
	memcpy(untagged.bytes + 12, in->bytes + 12 + tags, in->len - 12 - tags);
	ret->last = step;
	ret->has_hop = false;
	ret->egress = 0;
	run_program(t, PLANE_TC, &untagged, step, &ret->out);
	return read_counters(t, PLANE_TC, step, ret);
}

/* ---- flows ---- */

static bool frame_flow_key(const struct trace_frame *f, __u32 direction, struct flow_key *ret)
{
	struct packet_words w;

	packet_words(f->bytes, f->len, &w);
	*ret = (struct flow_key){ .src = w.end[0].addr, .dst = w.end[1].addr, .sport = w.port[0],
				  .dport = w.port[1], .family = w.end[0].family,
				  .direction = direction };
	return w.udp;
}

struct flow_wanted {
	const struct flow_key *key;
	bool half_open;		/* search for a flow that the backend has not answered yet */
};

static int compare_flow(void *data, const struct flow_entry *e)
{
	const struct flow_wanted *w = data;
	struct flow_key key = flow_key_of(&e->flow, w->key->direction);

	key.backend = w->key->backend;	/* before it is known, any backend matches */
	return !memcmp(&key, w->key, sizeof(key)) && learned_left(e->word, learned_now()) &&
	       flow_entry_is_flow(e, learned_now()) == !w->half_open;
}

static bool flow_is_there(const struct trace *t, const struct flow_key *key, bool half_open)
{
	struct flow_wanted w = { key, half_open };

	return dataplane_flow_entries(t->shadow, compare_flow, &w) > 0;
}

/* Returns what became of the packet's flow. was: the flow existed before the packet. */
static enum trace_flow flow_now(const struct trace *t, const struct flow_key *key, bool was)
{
	if (was)
		return TRACE_FLOW;
	if (key->direction == DIRECTION_REPLY)
		return flow_is_there(t, key, false) ? TRACE_FLOW_MADE : TRACE_NO_FLOW;
	return flow_is_there(t, key, true) ? TRACE_NEWCOMER : TRACE_NO_FLOW;
}

static int run_planes(struct trace *t, __u32 ifindex, const struct trace_frame *in,
		      const struct tags *tags, struct trace_result *ret)
{
	int rc = dataplane_shadow_clear(t->shadow) ?: run_xdp(t, ifindex, in, ret);

	if (!rc && (!ret->last || ret->last->verdict == TRACE_PASSED ||
		    ret->last->verdict == TRACE_NOT_RUN))
		rc = dataplane_shadow_clear(t->shadow) ?: run_tc(t, in, tags->len, ret);
	if (rc) {
		log_error("cannot read the copy of the instance's programs and maps: %s", strerror(-rc));
		return rc;
	}
	if (!ret->last) {
		log_error("wgxdp is attached neither to this interface nor to one above it, so it does not see the packet: name another --in");
		return -ENODEV;
	}
	return read_result(t, ret);
}

int trace_packet(struct trace *t, __u32 ifindex, const struct trace_frame *in,
		 struct trace_result *ret)
{
	struct flow_key keys[2];
	bool there[2], has_key;
	struct tags tags;
	int rc;

	if (in->len < TRACE_FRAME_MIN)
		return -EINVAL;
	tags = tags_of(in);
	memset(ret, 0, offsetof(struct trace_result, out) + sizeof(ret->out.len));
	ret->link = logical_link(t, ifindex, &tags);
	has_key = frame_flow_key(in, DIRECTION_ORIGINAL, &keys[0]) &&
		  frame_flow_key(in, DIRECTION_REPLY, &keys[1]);
	for (int i = 0; i < 2 && has_key; i++)
		there[i] = flow_is_there(t, &keys[i], false);
	rc = run_planes(t, ifindex, in, &tags, ret);
	if (!rc && has_key && ret->last->ours && !(ret->last->id & PEER_ID) &&
	    ret->last->verdict == TRACE_FORWARDED && !ret->last->answers)
		ret->flow = flow_now(t, &keys[ret->last->direction & 1],
				     there[ret->last->direction & 1]);
	return rc;
}

/* ---- describing ---- */

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
		snprintf(text, SENTENCE, "the kernel cannot run the BPF programs on this packet: %s",
			 strerror(-s->error));
	else if (!s->ours)
		snprintf(text, SENTENCE, "the packet belongs to no service and no peer, so it goes up to the kernel unchanged");
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
