/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp trace: prints the decision about a packet, without sending it.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include "net/capture.h"
#include "cmd/command.h"
#include "lib/log.h"
#include "net/host.h"
#include "net/packet_make.h"
#include "instance/run_state.h"
#include "show/trace.h"
#include "lib/wg_key.h"

#define DEFAULT_WISH ((struct packet_wish){ .ttl = 64, .message = MESSAGE_DATA, .index = 1 })

enum { FROM, TO, INDEX, SIZE, TTL };	/* .id of struct command_option */

struct arguments {
	struct packet_wish wish;
	const char *in, *file;
	bool json, mac;			/* mac: --mac was given */
	struct trace *trace;
	__u32 ifindex;			/* ifindex of the interface `in`; 0: not given */
};

/* ---- arguments ---- */

static int parse_u32(void *member, const struct command_option *o, char *value)
{
	static const struct { unsigned long least, most; } range[] = {
		[INDEX] = { 0, ~0U }, [SIZE] = { 28, CAPTURE_MAX - 32 }, [TTL] = { 0, 255 },
	};
	unsigned long number;
	int rc = option_number(o, value, range[o->id].least, range[o->id].most, &number);

	if (!rc)
		*(__u32 *)member = number;
	return rc;
}

/* Parses a fragment's OFFSET, with "+" behind it if more fragments follow. */
static int parse_fragment(void *member, const struct command_option *o, char *value)
{
	struct packet_wish *w = member;
	size_t n = strlen(value);
	unsigned long offset;

	w->fragment = true;
	w->more = n && value[n - 1] == '+';
	if (w->more)
		value[n - 1] = '\0';
	if (option_number(o, value, 0, 65528, &offset))
		return -EINVAL;
	w->offset = offset;
	return offset % 8 ? option_wrong(o, value, "this is not a multiple of 8: write one") : 0;
}

static int parse_mac(void *arguments, const struct command_option *o, char *value)
{
	struct arguments *a = arguments;
	unsigned int m[6];
	int n = 0;

	if (sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%n",
		   m, m + 1, m + 2, m + 3, m + 4, m + 5, &n) != 6 || value[n])
		return option_wrong(o, value, "this is not a MAC address: write one such as 02:00:00:00:00:01");
	for (int i = 0; i < 6; i++)
		a->wish.mac[0][i] = m[i];
	a->mac = true;
	return 0;
}

static int parse_end(void *member, const struct command_option *o, char *value)
{
	struct packet_wish *w = member;
	bool from = o->id == FROM;

	return endpoint_parse(value, from ? &w->from : &w->to, from ? &w->sport : &w->dport) ?
		option_wrong(o, value, "this is not an address and a port: write both, 198.51.100.7:4711 or [2001:db8::7]:4711") : 0;
}

static int parse_vlan(void *member, const struct command_option *o, char *value)
{
	struct packet_wish *w = member;
	unsigned long id;

	if (w->n_vlans == 2)
		return option_wrong(o, value, "a packet has at most two VLAN tags: remove some");
	if (option_number(o, value, 1, 4094, &id))
		return -EINVAL;
	w->vlan[w->n_vlans++] = id;
	return 0;
}

static int parse_key(void *member, const struct command_option *o, char *value)
{
	struct packet_wish *w = member;
	struct wg_key key;

	if (wg_key_parse(value, &key))
		return option_wrong(o, value, "this is not a WireGuard public key: copy all 44 characters that `wg pubkey` prints");
	w->has_key = true;
	memcpy(w->key, key.b, sizeof(w->key));
	return 0;
}

/* Returns whether an option describes the packet. Such an option is an error if the packets come
 * from a file. */
static bool describes_packet(const struct packet_wish *w, bool mac)
{
	struct packet_wish usual = { .ttl = w->ttl, .message = w->message, .index = w->index };

	return mac || w->ttl != DEFAULT_WISH.ttl || w->message != DEFAULT_WISH.message ||
	       w->index != DEFAULT_WISH.index || memcmp(w, &usual, sizeof(usual));
}

static int check_arguments(struct arguments *a, int n, char **words)
{
	a->file = n ? words[0] : NULL;
	if (n > 1)
		log_error("trace: %s: only one file can be read: remove the others", words[1]);
	else if (a->file && describes_packet(&a->wish, a->mac))
		log_error("trace: %s: options that describe a packet cannot be used with a file: leave out all except --in and --json",
			  a->file);
	else if (!a->file && (!a->in || !a->wish.from.family || !a->wish.to.family))
		log_error("trace: the packet is missing: write `wgxdp trace --in eth0 --from 198.51.100.7:4711 --to 198.51.100.1:51820`, or name a capture: `wgxdp trace FILE.pcap`");
	else if (!a->file && a->wish.from.family != a->wish.to.family)
		log_error("trace: --from and --to have different families: write two IPv4 or two IPv6 addresses");
	else
		return 0;
	return -EINVAL;
}

/* ---- packets ---- */

/* Finds the public key for the mac1 of a handshake message if --public-key is not given: the first
 * key of the service that gets the packet. */
static void find_key(const struct dataplane *dp, struct packet_wish *w)
{
	struct table_entry *table = NULL;
	struct guard_public *keys;
	size_t n = 0, n_keys;
	struct guard guard;

	if (w->has_key || dataplane_table(dp, &table, &n))
		return;
	for (size_t i = 0; i < n && !w->has_key; i++) {
		const struct table_entry *e = &table[i];

		if ((e->key.word & ~table_word(0, 0, 0, ~0U)) !=
			    table_word(KEY_SERVICE, w->to.family, w->dport, 0) ||
		    memcmp(&e->key.addr, &w->to.addr, sizeof(e->key.addr)) ||
		    !dataplane_guard(dp, e->service.id, &guard) ||
		    dataplane_guard_keys(dp, &guard, &keys, &n_keys))
			continue;
		w->has_key = n_keys;
		if (n_keys)
			memcpy(w->key, keys[0].key.b, sizeof(w->key));
	}
}

static int trace_frame(const struct arguments *a, __u32 ifindex, struct trace_frame *frame,
		       struct node list)
{
	static struct trace_result result;
	__u32 nic = trace_nic(a->trace, ifindex, frame);
	int rc = trace_packet(a->trace, nic, frame, &result);

	if (!rc)
		trace_describe(a->trace, ifindex, frame, &result, a->json, list);
	return rc;
}

static int trace_described(struct arguments *a, struct node list)
{
	static struct trace_frame frame;
	struct packet_wish *w = &a->wish;
	int len;

	if (w->message == MESSAGE_INITIATION || w->message == MESSAGE_RESPONSE)
		find_key(trace_shadow(a->trace), w);
	if (!a->mac && trace_mac(a->trace, a->ifindex, w->mac[0])) {
		log_error("trace: --in %s: the instance does not use this interface: `wgxdp show interfaces` lists its interfaces",
			  a->in);
		return -ENODEV;
	}
	memcpy(w->mac[1], (__u8[]){ 2, 0, 0, 0, 0, 1 }, 6);
	len = packet_make(w, frame.bytes, sizeof(frame.bytes));
	if (len < 0) {
		log_error("trace: --size %u: this is too short for the packet's headers, or for a fragment at this offset: write more",
			  w->size);
		return len;
	}
	frame.len = len;
	return trace_frame(a, a->ifindex, &frame, list);
}

static int trace_file(struct arguments *a, struct node list)
{
	static struct capture_frame captured;
	static struct trace_frame frame;
	struct capture *c;
	unsigned long n = 0;
	int rc = capture_open(a->file, &c);

	if (rc)
		return rc;
	while ((rc = capture_next(c, &captured)) > 0) {
		__u32 ifindex = a->ifindex ?: if_nametoindex(captured.interface);

		if (!ifindex) {
			log_error("%s: the file names no interface of this host: add --in IF%s%s",
				  a->file, *captured.interface ? ", but " : "", captured.interface);
			rc = -ENODEV;
			break;
		}
		n++;
		if (captured.len < captured.whole) {
			log_warning("%s: packet %lu is left out: the file has only %u of its %u bytes: capture whole packets (tcpdump -s 0)",
				    a->file, n, captured.len, captured.whole);
			continue;
		}
		if (captured.len < TRACE_FRAME_MIN) {
			log_warning("%s: packet %lu is left out: its %u bytes are too short for an Ethernet frame",
				    a->file, n, captured.len);
			continue;
		}
		if (captured.len > CAPTURE_MAX) {
			log_warning("%s: packet %lu is left out: its %u bytes are more than %u, the limit",
				    a->file, n, captured.len, CAPTURE_MAX);
			continue;
		}
		frame.len = captured.len;
		memcpy(frame.bytes, captured.bytes, captured.len);
		rc = trace_frame(a, ifindex, &frame, list);
		if (rc)
			break;
	}
	return rc;
}

/* ---- the command ---- */

static int trace_all(struct arguments *a, const char *instance, const struct dataplane *dp)
{
	struct document *d = document_new();
	int rc = trace_begin(dp, &a->trace);
	struct node list;

	if (rc)
		return rc;
	if (a->json) {
		document_text(document_root(d), "version", VERSION);
		document_text(document_root(d), "instance", instance);
	}
	list = document_list(document_root(d), "packets");
	rc = a->file ? trace_file(a, list) : trace_described(a, list);
	/* If a file ends in the middle of a packet, those before it are reported. */
	if (!rc || a->file) {
		if (a->json)
			document_print_json(d, stdout);
		else
			document_print(d, stdout);
	}
	return rc;
}

static int run_trace(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .wish = DEFAULT_WISH };
	struct dataplane *dp = NULL;
	char there[HOST_NAMES_LEN];
	int n;
	char **words = options_parse(&trace_command, argc, argv, &a, &n);

	if (!words || check_arguments(&a, n, words))
		return EXIT_USAGE;
	a.ifindex = a.in ? if_nametoindex(a.in) : 0;
	if (a.in && !a.ifindex) {
		log_error("trace: --in %s: this host has no such interface: name one of %s", a.in,
			  host_names_now(a.in, there));
		return EXIT_FAILED;
	}
	if (running_open(g->instance, &dp))
		return EXIT_FAILED;
	if (!dp->elsewhere)
		return trace_all(&a, g->instance, dp) ? EXIT_FAILED : EXIT_DONE;
	log_error("instance %s is up in another network namespace: run this command there", g->instance);
	return EXIT_FAILED;
}

#define WISH(member) offsetof(struct arguments, wish.member)
static const struct command_option options[] = {
	{ 0, "in", "IF", offsetof(struct arguments, in),
	  "the interface on which the packet arrives; for a pcapng file, in place of the interface in the file",
	  .values = "@interface" },
	{ 0, "from", "ADDRESS:PORT", offsetof(struct arguments, wish),
	  "the source of the packet; put IPv6 in brackets", parse_end, FROM },
	{ 0, "to", "ADDRESS:PORT", offsetof(struct arguments, wish),
	  "the destination of the packet; put IPv6 in brackets", parse_end, TO },
	{ 0, "message", "TYPE", WISH(message),
	  "the WireGuard message: initiation, response, cookie, data (default) or none",
	  parse_choice, .values = "none initiation response cookie data" },
	{ 0, "public-key", "KEY", offsetof(struct arguments, wish),
	  "the receiver's key, for the mac1 of an initiation or response (default: the service's first key)",
	  parse_key },
	{ 0, "index", "NUMBER", WISH(index),
	  "the sender index of an initiation or response, or the receiver index of another message (default: 1)",
	  parse_u32, INDEX },
	{ 0, "size", "BYTES", WISH(size), "the length of the IP packet", parse_u32, SIZE },
	{ 0, "ttl", "NUMBER", WISH(ttl), "TTL or hop limit (default: 64)", parse_u32, TTL },
	{ 0, "df", NULL, WISH(df), "IPv4: must not be fragmented" },
	{ 0, "fragment", "OFFSET[+]", offsetof(struct arguments, wish),
	  "the packet is the fragment at this offset; with + more fragments follow",
	  parse_fragment },
	{ 0, "vlan", "ID", offsetof(struct arguments, wish),
	  "the packet's VLAN tag; if given twice, the outer tag first", parse_vlan },
	{ 0, "mac", "MAC", 0,
	  "the destination MAC address (default: that of the interface)", parse_mac },
	{ 'j', "json", NULL, offsetof(struct arguments, json),
	  "print JSON, with the bytes of the packet that leaves" },
	{ 0 },
};

const struct command trace_command = {
	.name = "trace",
	.summary = "show what wgxdp would do with a packet, without sending it",
	.usage = "--in IF --from ADDRESS:PORT --to ADDRESS:PORT [OPTION]... [-j|--json]\n"
		 "[--in IF] FILE [-j|--json]",
	.about = "Shows what wgxdp would do with a UDP packet, or with each packet of a pcap or pcapng file (-: standard input). It prints the service or peer, the guard's decision, the next hop, the packet that would leave, and the verdict with its reason. The same BPF programs process the packet, on copies of the maps. Nothing is sent, counted or remembered.",
	.run = run_trace,
	.options = options,
	.operand = "@file",
	.only_prints = true,
};
