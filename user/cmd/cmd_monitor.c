/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp monitor: what happens in the data path, while it looks.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "net/capture.h"
#include "cmd/command.h"
#include "lib/jiffies.h"
#include "lib/log.h"
#include "dataplane/look.h"
#include "dataplane/map_info.h"
#include "show/monitor.h"
#include "instance/running.h"
#include "instance/state.h"
#include "show/words.h"

const char monitor_help[] =
	"[--event KIND]... [FILTER]... [-n NUMBER] [-j|--json]\n"
	"       wgxdp monitor --pcap FILE [--forwarded|--dropped] [--in IF] [--address PREFIX] [-n NUMBER]\n\n"
	"Tells of what happens, a line each: packets as they are dropped, with the reason; flows made and ended; peers of this host's WireGuard\n"
	"that have another endpoint (rebinding); and where that is asked for handshakes that pass, and knocks. Drops are a sample: each CPU\n"
	"tells of a few hundred a second, and of how many it did not tell. What is passed up to the kernel is not told. Or writes packets into\n"
	"a pcap file, which tcpdump does not see where XDP takes them. Ends with Ctrl-C. One at a time for an instance; it costs nothing while\n"
	"nobody looks.\n\n"
	"  --event KIND         dropped, flow, rebinding, handshake or knock; several times: all these; default: the first three\n"
	"  --service NAME, --peer NAME  only of this one\n"
	"  --reason REASON      only what is dropped for this reason\n"
	"  --in IF              only what came by this interface\n"
	"  --address PREFIX     only from or to these addresses\n"
	"  --pcap FILE          packets themselves (-: standard output): what is forwarded, as it leaves, and what is dropped, as it came\n"
	"  --forwarded, --dropped  of --pcap: only these\n"
	"  -n, --number NUMBER  end after so many\n"
	"  -j, --json           a JSON object a line\n";

#define WATCH_SECONDS 3			/* who is killed does not look any more, and soon nothing is written for him */
#define PACKETS_A_SECOND 10000		/* of each CPU: more would cost those that are forwarded too much */

struct loop {
	struct monitor m;
	struct ring_buffer *ring;	/* of the map with this id */
	__u32 ring_map;
	struct looking *looking;	/* NULL: not wanted */
	__u64 lost;			/* by those before this one */
	const char *pcap;
	__u32 packets;			/* LOOK_FORWARDED, LOOK_DROPPED; 0: both */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signum)
{
	interrupted = 1;
}

static int on_event(void *data, void *record, size_t size)
{
	if (size >= sizeof(struct event))
		monitor_dropped(data, record);
	return 0;
}

/* ---- looking ---- */

static int watch_until(const struct monitor *m, __u64 until)
{
	__u32 zero = 0;

	return bpf_map_update_elem(m->dp->maps[MAP_event_watch], &zero, &until, BPF_ANY) ? -errno : 0;
}

/* 0 or -errno, told */
static int look_at_drops(struct loop *l)
{
	struct monitor *m = &l->m;
	__u32 id = map_info(m->dp->maps[MAP_events]).id;
	int rc;

	if (l->pcap || !monitor_wants(m, MONITOR_DROPPED))
		return 0;
	if (!l->ring || id != l->ring_map) {
		ring_buffer__free(l->ring);
		l->ring = ring_buffer__new(m->dp->maps[MAP_events], on_event, m, NULL);
		l->ring_map = id;
	}
	rc = !l->ring ? -errno : watch_until(m, jiffies_now() + WATCH_SECONDS * jiffies_a_second());
	if (rc)
		log_error("cannot look at the events of instance %s: %s", m->instance, strerror(-rc));
	return rc;
}

static __u32 kinds_of_packets(const struct loop *l)
{
	if (l->pcap)
		return l->packets ?: LOOK_FORWARDED | LOOK_DROPPED;
	return (monitor_wants(&l->m, MONITOR_HANDSHAKE) ? LOOK_HANDSHAKE : 0) | (monitor_wants(&l->m, MONITOR_KNOCK) ? LOOK_LAST_HOP : 0);
}

static int look_at_packets(struct loop *l)
{
	__u32 kinds = kinds_of_packets(l), each = PACKETS_A_SECOND / jiffies_a_second();

	if (!kinds || (l->looking && looking_is_current(l->looking, l->m.dp)))
		return 0;
	if (l->looking)
		l->lost += looking_lost(l->looking);
	looking_close(l->looking);
	l->looking = NULL;
	return looking_open(l->m.dp, kinds, each ?: 1, monitor_packet, &l->m, &l->looking);
}

/* What runs may be other maps and programs than a second ago. 0 or -errno, told. */
static int look(struct loop *l)
{
	struct monitor *m = &l->m;
	int rc;

	dataplane_close(m->dp);
	m->dp = NULL;
	rc = dataplane_open(m->instance, &m->dp);
	if (!rc && !m->dp->running) {
		running_not_up(m->instance);
		return -ENOENT;
	}
	if (!rc && m->dp->maps[MAP_events] < 0) {
		log_error("instance %s was brought up by an older version, which tells of no events: `wgxdp up`", m->instance);
		return -ENOENT;
	}
	rc = rc ?: look_at_packets(l) ?: look_at_drops(l);
	return rc ?: l->pcap ? 0 : monitor_poll(m);
}

/* What has been told so far. 0 or -errno */
static int take(struct loop *l)
{
	int rc = l->ring ? ring_buffer__consume(l->ring) : 0;

	rc = rc >= 0 && l->looking ? looking_consume(l->looking) : rc;
	if (fflush(l->pcap ? l->m.pcap : stdout))
		l->m.ends = true;	/* who read it has gone */
	return rc < 0 ? rc : 0;
}

/* For a second. 0 or -errno */
static int wait_and_take(struct loop *l)
{
	struct pollfd fds[] = { { .fd = l->ring ? ring_buffer__epoll_fd(l->ring) : -1, .events = POLLIN },
				{ .fd = l->looking ? looking_fd(l->looking) : -1, .events = POLLIN } };
	long long end = jiffies_now() + jiffies_a_second(), left;
	int rc = 0;

	while (rc >= 0 && !interrupted && !l->m.ends && (left = end - (long long)jiffies_now()) > 0) {
		rc = poll(fds, 2, left * 1000 / jiffies_a_second() + 1);
		if (rc < 0)
			return errno == EINTR ? 0 : -errno;
		rc = take(l);
	}
	return rc;
}

/* For as long as the descriptor is open; -errno, told */
static int only_one(const char *instance)
{
	char path[STATE_PATH_LEN];
	int fd;

	state_path(path, instance, "monitor");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		log_error("cannot open %s: %s", path, strerror(errno));
		return -errno;
	}
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	log_error("instance %s has a monitor already: one at a time, for what one reads another does not see", instance);
	close(fd);
	return -EBUSY;
}

/* ---- arguments ---- */

enum { OPT_EVENT = 256, OPT_SERVICE, OPT_PEER, OPT_REASON, OPT_IN, OPT_ADDRESS, OPT_PCAP, OPT_FORWARDED, OPT_DROPPED };

static int bad(const char *option, const char *wanted)
{
	log_error("monitor: %s %s: %s", option, optarg, wanted);
	return -EINVAL;
}

static bool is_reason(const char *name)
{
	for (__u16 i = 0; i < REASON_MAX; i++)
		if (reason_drops(i) && !strcmp(reason_name(i), name))
			return true;
	return false;
}

static int parse_kind(struct monitor_filter *f)
{
	for (int i = 0; i < MONITOR_KINDS; i++)
		if (!strcmp(optarg, monitor_kinds[i])) {
			f->kinds |= 1 << i;
			return 0;
		}
	return bad("--event", "dropped, flow, handshake, rebinding or knock is wanted");
}

static int parse_option(struct loop *l, int option)
{
	struct monitor_filter *f = &l->m.filter;
	char *end;

	switch (option) {
	case 'j':
		l->m.json = true;
		return 0;
	case 'n':
		l->m.left = strtoul(optarg, &end, 10);
		return *end || *optarg < '0' || *optarg > '9' || !l->m.left ? bad("-n", "a number from 1 on is wanted") : 0;
	case OPT_EVENT:
		return parse_kind(f);
	case OPT_SERVICE:
		f->service = optarg;
		return 0;
	case OPT_PEER:
		f->peer = optarg;
		return 0;
	case OPT_REASON:
		f->reason = optarg;
		return is_reason(optarg) ? 0 : bad("--reason", "a reason for which packets are dropped, as wgxdp(8) lists them, is wanted");
	case OPT_IN:
		f->interface = optarg;
		return 0;
	case OPT_ADDRESS:
		return prefix_parse(optarg, &f->address) ? bad("--address", "an address or a prefix is wanted") : 0;
	case OPT_PCAP:
		l->pcap = optarg;
		return 0;
	}
	l->packets |= option == OPT_FORWARDED ? LOOK_FORWARDED : LOOK_DROPPED;
	return 0;
}

static int check(const struct loop *l, int n, char **words)
{
	const struct monitor_filter *f = &l->m.filter;

	if (n)
		log_error("monitor: %s: it takes options alone", words[0]);
	else if (l->packets && !l->pcap)
		log_error("monitor: --forwarded, --dropped: of --pcap");
	else if (l->pcap && (f->service || f->peer || f->reason || f->kinds || l->m.json))
		log_error("monitor: --pcap: of filters only --in and --address go with it");
	else
		return 0;
	return -EINVAL;
}

static int parse(int argc, char **argv, struct loop *l)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "number", required_argument, NULL, 'n' },
		{ "event", required_argument, NULL, OPT_EVENT }, { "service", required_argument, NULL, OPT_SERVICE },
		{ "peer", required_argument, NULL, OPT_PEER }, { "reason", required_argument, NULL, OPT_REASON },
		{ "in", required_argument, NULL, OPT_IN }, { "address", required_argument, NULL, OPT_ADDRESS },
		{ "pcap", required_argument, NULL, OPT_PCAP }, { "forwarded", no_argument, NULL, OPT_FORWARDED },
		{ "dropped", no_argument, NULL, OPT_DROPPED }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":jn:", options, NULL)) != -1) {
		if (option == ':' || option == '?')
			option_error("monitor", option, argv);
		rc = option == ':' || option == '?' ? -EINVAL : parse_option(l, option);
	}
	if (!l->m.filter.kinds && !l->pcap)	/* every packet has to be looked at for the others */
		l->m.filter.kinds = 1 << MONITOR_DROPPED | 1 << MONITOR_FLOW | 1 << MONITOR_REBINDING;
	return rc ?: check(l, argc - optind, argv + optind);
}

/* ---- */

static int open_pcap(struct loop *l)
{
	int rc;

	if (!l->pcap)
		return 0;
	l->m.pcap = strcmp(l->pcap, "-") ? fopen(l->pcap, "wb") : stdout;
	rc = l->m.pcap ? capture_write_head(l->m.pcap) : -errno;
	if (!rc && fflush(l->m.pcap))
		rc = -errno;
	if (rc)
		log_error("cannot write %s: %s", l->pcap, strerror(-rc));
	return rc;
}

static void end(struct loop *l, int lock, bool done)
{
	__u64 lost = l->m.skipped + l->lost + (l->looking ? looking_lost(l->looking) : 0);

	if (l->pcap && lost)
		log_warning("%llu packets were left out: more came than are written", (unsigned long long)lost);
	if (done && l->ring)
		watch_until(&l->m, 0);
	if (l->m.pcap && l->m.pcap != stdout && fclose(l->m.pcap))
		log_error("cannot write %s: %s", l->pcap, strerror(errno));
	if (lock >= 0)
		close(lock);
	ring_buffer__free(l->ring);
	looking_close(l->looking);
	monitor_forget(&l->m);
	dataplane_close(l->m.dp);
}

int cmd_monitor(const struct global *g, int argc, char **argv)
{
	struct loop l = { .m.instance = g->instance };
	struct sigaction action = { .sa_handler = on_signal };
	int lock = -1, rc;

	if (parse(argc, argv, &l))
		return EXIT_USAGE;
	rc = dataplane_open(g->instance, &l.m.dp);
	if (!rc && !l.m.dp->running) {
		running_not_up(g->instance);
		rc = -ENOENT;
	}
	if (!rc)
		rc = lock = only_one(g->instance);
	if (lock >= 0)
		rc = open_pcap(&l);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	rc = rc ?: look(&l);
	while (!rc && !l.m.ends && !interrupted) {
		rc = wait_and_take(&l);
		if (!rc && !l.m.ends && !interrupted)
			rc = look(&l);
	}
	if (!rc && interrupted)
		take(&l);
	end(&l, lock, !rc);
	return rc ? EXIT_FAILED : EXIT_DONE;
}
