/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp trace: what becomes of a packet, without sending it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include "net/capture.h"
#include "cmd/command.h"
#include "lib/log.h"
#include "net/packet_make.h"
#include "instance/running.h"
#include "show/trace_tell.h"
#include "lib/wg_key.h"

const char trace_help[] =
	"--in IF --from ADDRESS:PORT --to ADDRESS:PORT [OPTION]... [-j|--json]\n"
	"       wgxdp trace [--in IF] FILE [-j|--json]\n\n"
	"Tells what becomes of a UDP packet, or of those of a pcap or pcapng file (-: standard input), one after another: whose it is, what the\n"
	"guard says, the next hop, what leaves where, and the verdict with its reason. The running programs run once more for it, on copies of\n"
	"what they write: nothing is sent, counted or remembered, and flows stay as they are.\n\n"
	"  --in IF            by which interface it comes; of a pcapng file the name that stands there, unless this says another\n"
	"  --from ADDRESS:PORT, --to ADDRESS:PORT  its source and destination; IPv6 in brackets\n"
	"  --message TYPE     what of WireGuard's it is: initiation, response, cookie, data (default) or none\n"
	"  --public-key KEY   for whom an initiation or response is, by its mac1; default: the service's first key\n"
	"  --index NUMBER     the sender's in those, the receiver's in others; default 1\n"
	"  --size BYTES       how long the IP packet is\n"
	"  --ttl NUMBER       TTL or hop limit; default 64\n"
	"  --df               IPv4: not to be fragmented\n"
	"  --fragment OFFSET[+]  the piece of it at this offset; +: with more to come\n"
	"  --vlan ID          tagged; twice: the outer tag first\n"
	"  --mac MAC          of the destination; default: the interface's own\n"
	"  -j, --json         JSON, with the bytes of what leaves\n";

enum { OPT_IN = 256, OPT_FROM, OPT_TO, OPT_MESSAGE, OPT_KEY, OPT_INDEX, OPT_SIZE, OPT_TTL, OPT_DF, OPT_FRAGMENT, OPT_VLAN, OPT_MAC };

struct arguments {
	struct packet_wish wish;
	const char *in, *file;
	bool json, from, to, mac;
	bool odd;			/* an option that says something of the packet */
	struct trace *trace;
	__u32 ifindex;			/* 0: not said */
};

/* ---- arguments ---- */

static int bad(const char *option, const char *value, const char *wanted)
{
	log_error("trace: %s %s: %s", option, value, wanted);
	return -EINVAL;
}

/* Decimal, from least to most */
static int number(const char *option, const char *text, __u32 least, __u32 most, __u32 *ret)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < least || value > most) {
		log_error("trace: %s %s: a number from %u to %u is wanted", option, text, least, most);
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

static int parse_message(const char *text, __u32 *ret)
{
	static const char *const names[] = { "none", "initiation", "response", "cookie", "data" };

	for (__u32 i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(text, names[i])) {
			*ret = i;
			return 0;
		}
	return bad("--message", text, "initiation, response, cookie, data or none is wanted");
}

static int parse_fragment(struct packet_wish *w, char *text)
{
	size_t n = strlen(text);

	w->fragment = true;
	w->more = n && text[n - 1] == '+';
	if (w->more)
		text[n - 1] = '\0';
	if (number("--fragment", text, 0, 65528, &w->offset))
		return -EINVAL;
	return w->offset % 8 ? bad("--fragment", text, "a multiple of 8 is wanted") : 0;
}

static int parse_mac(const char *text, __u8 ret[6])
{
	unsigned int m[6];
	int n = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", m, m + 1, m + 2, m + 3, m + 4, m + 5, &n) != 6 || text[n])
		return bad("--mac", text, "a MAC address as 02:00:00:00:00:01 is wanted");
	for (int i = 0; i < 6; i++)
		ret[i] = m[i];
	return 0;
}

static int parse_end(const char *option, const char *text, struct address *address, __be16 *port)
{
	return endpoint_parse(text, address, port) ? bad(option, text, "an address and port as 198.51.100.7:4711 or [2001:db8::7]:4711 are wanted") : 0;
}

static int parse_vlan(struct packet_wish *w, const char *text)
{
	__u32 id;

	if (w->n_vlans == 2)
		return bad("--vlan", text, "there are two already");
	if (number("--vlan", text, 1, 4094, &id))
		return -EINVAL;
	w->vlan[w->n_vlans++] = id;
	return 0;
}

static int parse_key(struct packet_wish *w, const char *text)
{
	struct wg_key key;

	if (wg_key_parse(text, &key))
		return bad("--public-key", text, "a public key of WireGuard's, 44 characters of base64, is wanted");
	w->has_key = true;
	memcpy(w->key, key.b, sizeof(w->key));
	return 0;
}

static int parse_option(struct arguments *a, int option)
{
	struct packet_wish *w = &a->wish;
	__u32 ttl = w->ttl;
	int rc = 0;

	a->odd = a->odd || (option != 'j' && option != OPT_IN);
	switch (option) {
	case 'j':
		a->json = true;
		return 0;
	case OPT_IN:
		a->in = optarg;
		return 0;
	case OPT_FROM:
		a->from = true;
		return parse_end("--from", optarg, &w->from, &w->sport);
	case OPT_TO:
		a->to = true;
		return parse_end("--to", optarg, &w->to, &w->dport);
	case OPT_MESSAGE:
		return parse_message(optarg, &w->message);
	case OPT_KEY:
		return parse_key(w, optarg);
	case OPT_INDEX:
		return number("--index", optarg, 0, ~0U, &w->index);
	case OPT_SIZE:
		return number("--size", optarg, 28, CAPTURE_MAX - 32, &w->size);
	case OPT_TTL:
		rc = number("--ttl", optarg, 0, 255, &ttl);
		w->ttl = ttl;
		return rc;
	case OPT_DF:
		w->df = true;
		return 0;
	case OPT_FRAGMENT:
		return parse_fragment(w, optarg);
	case OPT_VLAN:
		return parse_vlan(w, optarg);
	case OPT_MAC:
		a->mac = true;
		return parse_mac(optarg, w->mac[0]);
	}
	return -EINVAL;
}

static int check(struct arguments *a, int n, char **words)
{
	a->file = n ? words[0] : NULL;
	if (n > 1)
		return bad(words[1], "", "one file is enough");
	if (a->file && a->odd)
		return bad(a->file, "", "packets of a file are as they are: of options only --in and --json go with one");
	if (!a->file && (!a->in || !a->from || !a->to)) {
		log_error("trace: --in, --from and --to are wanted, or a file");
		return -EINVAL;
	}
	if (a->file || a->wish.from.family == a->wish.to.family)
		return 0;
	log_error("trace: --from and --to are of different families");
	return -EINVAL;
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "in", required_argument, NULL, OPT_IN }, { "from", required_argument, NULL, OPT_FROM },
		{ "to", required_argument, NULL, OPT_TO }, { "message", required_argument, NULL, OPT_MESSAGE },
		{ "public-key", required_argument, NULL, OPT_KEY }, { "index", required_argument, NULL, OPT_INDEX },
		{ "size", required_argument, NULL, OPT_SIZE }, { "ttl", required_argument, NULL, OPT_TTL },
		{ "df", no_argument, NULL, OPT_DF }, { "fragment", required_argument, NULL, OPT_FRAGMENT },
		{ "vlan", required_argument, NULL, OPT_VLAN }, { "mac", required_argument, NULL, OPT_MAC },
		{ "json", no_argument, NULL, 'j' }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":j", options, NULL)) != -1) {
		if (option == ':' || option == '?')
			option_error("trace", option, argv);
		rc = option == ':' || option == '?' ? -EINVAL : parse_option(a, option);
	}
	return rc ?: check(a, argc - optind, argv + optind);
}

/* ---- packets ---- */

/* The first key of the service that listens there, for whom nothing else is said */
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

		if ((e->key.word & ~table_word(0, 0, 0, ~0U)) != table_word(KEY_SERVICE, w->to.family, w->dport, 0) ||
		    memcmp(&e->key.addr, &w->to.addr, sizeof(e->key.addr)) || !dataplane_guard(dp, e->service.id, &guard) ||
		    dataplane_guard_keys(dp, &guard, &keys, &n_keys))
			continue;
		w->has_key = n_keys;
		if (n_keys)
			memcpy(w->key, keys[0].key.b, sizeof(w->key));
		free(keys);
	}
	free(table);
}

static int tell(const struct arguments *a, __u32 ifindex, struct trace_frame *frame, struct node list)
{
	static struct trace_result result;
	__u32 nic = trace_nic(a->trace, ifindex, frame);
	int rc = trace_packet(a->trace, nic, frame, &result);

	return rc ?: trace_tell(a->trace, ifindex, frame, &result, a->json, list);
}

static int one(struct arguments *a, struct node list)
{
	static struct trace_frame frame;
	struct packet_wish *w = &a->wish;
	int len;

	if (w->message == MESSAGE_INITIATION || w->message == MESSAGE_RESPONSE)
		find_key(trace_shadow(a->trace), w);
	if (!a->mac && trace_mac(a->trace, a->ifindex, w->mac[0])) {
		log_error("trace: --in %s: no interface that this instance knows: `wgxdp show interfaces` lists those that it carries", a->in);
		return -ENODEV;
	}
	memcpy(w->mac[1], (__u8[]){ 2, 0, 0, 0, 0, 1 }, 6);
	len = packet_make(w, frame.bytes, sizeof(frame.bytes));
	if (len < 0) {
		log_error("trace: --size %u has no room for the headers, or not so many bytes that there is something at this offset", w->size);
		return len;
	}
	frame.len = len;
	return tell(a, a->ifindex, &frame, list);
}

static int all_of_file(struct arguments *a, struct node list)
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
			log_error("%s: --in is wanted: it does not say by which of this host's interfaces a packet came%s%s", a->file,
				  *captured.interface ? ", but by " : "", captured.interface);
			rc = -ENODEV;
			break;
		}
		n++;
		if (captured.len < TRACE_FRAME_MIN) {
			log_warning("%s: packet %lu is left out: %u bytes are no Ethernet frame", a->file, n, captured.len);
			continue;
		}
		frame.len = captured.len;
		memcpy(frame.bytes, captured.bytes, captured.len);
		rc = tell(a, ifindex, &frame, list);
		if (rc)
			break;
	}
	capture_close(c);
	return rc;
}

/* ---- */

static int open_instance(const char *instance, struct dataplane **ret)
{
	int rc = dataplane_open(instance, ret);

	if (rc)
		return rc;
	if (!(*ret)->running) {
		running_not_up(instance);
		return -ENOENT;
	}
	if ((*ret)->elsewhere) {
		log_error("instance %s is up in another network namespace", instance);
		return -ENOENT;
	}
	return 0;
}

static int run(struct arguments *a, const char *instance, const struct dataplane *dp)
{
	struct document *d = document_new();
	int rc = d ? trace_begin(dp, &a->trace) : -ENOMEM;

	if (!rc && a->json)
		document_text(document_root(d), "version", VERSION);
	if (!rc && a->json)
		document_text(document_root(d), "instance", instance);
	if (!rc) {
		struct node list = document_list(document_root(d), "packets");

		rc = a->file ? all_of_file(a, list) : one(a, list);
	}
	if (!rc)
		rc = a->json ? document_print_json(d, stdout) : document_print(d, stdout);
	trace_end(a->trace);
	document_free(d);
	return rc;
}

int cmd_trace(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .wish = { .ttl = 64, .message = MESSAGE_DATA, .index = 1 } };
	struct dataplane *dp = NULL;
	int rc;

	if (parse(&a, argc, argv))
		return EXIT_USAGE;
	a.ifindex = a.in ? if_nametoindex(a.in) : 0;
	if (a.in && !a.ifindex) {
		log_error("trace: --in %s: no interface of this host", a.in);
		return EXIT_FAILED;
	}
	rc = open_instance(g->instance, &dp);
	if (!rc)
		rc = run(&a, g->instance, dp);
	dataplane_close(dp);
	return rc ? EXIT_FAILED : EXIT_DONE;
}
