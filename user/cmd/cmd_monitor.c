/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp monitor: prints the events of the data path while it runs.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "cmd/command.h"
#include "lib/jiffies.h"
#include "lib/log.h"
#include "net/host.h"
#include "dataplane/tracing.h"
#include "dataplane/map_info.h"
#include "show/monitor.h"
#include "instance/run_state.h"
#include "lib/paths.h"
#include "show/words.h"

/* Seconds for which the data path still writes events after a monitor was killed. */
#define WATCH_SECONDS 3
/* Packets that each CPU copies per second, at most: more would slow down forwarding. */
#define PACKETS_A_SECOND 10000

struct loop {
	struct monitor m;
	struct ring_buffer *ring;	/* reader of the map `events` with this id */
	__u32 ring_map;
	struct tracer *tracer;	/* NULL: no packets are copied */
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

/* ---- the data path ---- */

static int watch_until(const struct monitor *m, __u64 until)
{
	__u32 zero = 0;

	return bpf_map_update_elem(map_fd(m->dp, MAP_event_watch), &zero, &until, BPF_ANY) ?
	       -errno : 0;
}

/* Makes the data path write events of drops for a while. Returns 0 or -errno (reported). */
static int watch_drops(struct loop *l)
{
	struct monitor *m = &l->m;
	__u32 id = map_info(map_fd(m->dp, MAP_events)).id;
	int rc;

	if (!monitor_wants(m, MONITOR_DROPPED))
		return 0;
	if (!l->ring || id != l->ring_map) {
		ring_buffer__free(l->ring);
		l->ring = ring_buffer__new(map_fd(m->dp, MAP_events), on_event, m, NULL);
		l->ring_map = id;
	}
	rc = !l->ring ? -errno : watch_until(m, jiffies_now() + WATCH_SECONDS * jiffies_a_second());
	if (rc)
		log_error("cannot read the events of instance %s: %s", m->instance, strerror(-rc));
	return rc;
}

static int watch_packets(struct loop *l)
{
	__u32 kinds = (monitor_wants(&l->m, MONITOR_HANDSHAKE) ? TRACING_HANDSHAKE : 0) |
		      (monitor_wants(&l->m, MONITOR_KNOCK) ? TRACING_LAST_HOP : 0);
	__u32 each = PACKETS_A_SECOND / jiffies_a_second();

	if (!kinds || (l->tracer && tracer_is_current(l->tracer, l->m.dp)))
		return 0;
	tracer_close(l->tracer);
	l->tracer = NULL;
	return tracer_open(l->m.dp, kinds, each ?: 1, monitor_packet, &l->m, &l->tracer);
}

/* Opens the running data path again, because its maps and programs may have been replaced. Returns
 * 0, or -errno after printing an error. */
static int reopen(struct loop *l)
{
	struct monitor *m = &l->m;
	int rc;

	dataplane_close(m->dp);
	m->dp = NULL;
	rc = running_open(m->instance, &m->dp);
	rc = rc ?: watch_packets(l) ?: watch_drops(l);
	return rc ?: monitor_poll(m);
}

/* Prints the events that have come so far. Returns 0 or -errno. */
static int print_events(struct loop *l)
{
	int rc = l->ring ? ring_buffer__consume(l->ring) : 0;

	rc = rc >= 0 && l->tracer ? tracer_consume(l->tracer) : rc;
	if (fflush(stdout))
		monitor_cannot_write(&l->m);
	return rc < 0 ? rc : -l->m.error;
}

/* Prints events for a second. Returns 0 or -errno. */
static int print_for_a_second(struct loop *l)
{
	struct pollfd fds[] = {
		{ .fd = l->ring ? ring_buffer__epoll_fd(l->ring) : -1, .events = POLLIN },
		{ .fd = l->tracer ? tracer_fd(l->tracer) : -1, .events = POLLIN },
	};
	long long end = jiffies_now() + jiffies_a_second(), left;
	int rc = 0;

	while (rc >= 0 && !interrupted && !l->m.ends &&
	       (left = end - (long long)jiffies_now()) > 0) {
		rc = poll(fds, 2, left * 1000 / jiffies_a_second() + 1);
		if (rc < 0)
			return errno == EINTR ? 0 : -errno;
		rc = print_events(l);
	}
	return rc;
}

/* Takes the lock that allows one monitor at a time. Returns the file that holds it while open, or
 * -errno after printing an error. */
static int lock_monitor(const char *instance)
{
	char path[RUN_STATE_PATH_LEN];
	int fd;

	run_state_path(path, instance, "monitor");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		log_error("cannot open %s: %s", path, strerror(errno));
		return -errno;
	}
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	log_error("instance %s already has a monitor: stop that one first", instance);
	close(fd);
	return -EBUSY;
}

/* ---- arguments ---- */

static bool is_reason(const char *name)
{
	for (__u16 i = 0; i < REASON_MAX; i++)
		if (reason_drops(i) && !strcmp(reason_name(i), name))
			return true;
	return false;
}

static int parse_event(void *member, const struct command_option *o, char *value)
{
	int kind = option_choice(o, value);

	if (kind < 0)
		return kind;
	*(unsigned int *)member |= 1 << kind;
	return 0;
}

static int parse_reason(void *member, const struct command_option *o, char *value)
{
	struct nearest n = { .word = value };

	*(const char **)member = value;

	if (is_reason(value))
		return 0;
	for (__u16 i = 0; i < REASON_MAX; i++)
		if (reason_drops(i))
			nearest_try(&n, reason_name(i));
	return n.best ? option_wrong(o, value, "this is not a reason for drops: did you mean %s?", n.best)
		      : option_wrong(o, value, "this is not a reason for drops: reasons.md of the documents lists them");
}

static int parse_address(void *member, const struct command_option *o, char *value)
{
	return prefix_parse(value, member) ?
	       option_wrong(o, value, "this is neither an address nor a prefix: write 192.0.2.7 or 2001:db8::/32") : 0;
}

/* ---- the command ---- */

/* Warns if the filter names a service or peer that does not exist. It is no error: it may be added
 * later. */
static void warn_unknown(struct dataplane *dp, const struct monitor_filter *f)
{
	struct service_name *services = NULL;
	struct relay_peer *peers = NULL;
	size_t n = 0;
	bool there = !f->service || dataplane_names(dp, &services, &n);

	for (size_t i = 0; i < n; i++)
		there |= !strcmp(services[i].name, f->service);
	if (!there)
		log_warning("monitor: there is no service '%s' yet, and monitor waits for it: `wgxdp show services` lists the services",
			    f->service);
	n = 0;
	there = !f->peer || dataplane_peers(dp, &peers, &n);
	for (size_t i = 0; i < n; i++)
		there |= !strcmp(peers[i].name.name, f->peer);
	if (!there)
		log_warning("monitor: --peer %s: there is no such peer yet, and monitor waits for it: `wgxdp show peers` lists the peers",
			    f->peer);
}

/* Warns if the filter names an interface that does not exist. It may be created later. */
static void warn_interface(const char *name)
{
	char there[HOST_NAMES_LEN];

	if (name && !if_nametoindex(name))
		log_warning("monitor: --in %s: this host has no such interface yet, and monitor waits for it: there is %s",
			    name, host_names_now(name, there));
}

static int run_monitor(const struct global *g, int argc, char **argv)
{
	struct loop l = { .m.instance = g->instance };
	struct sigaction action = { .sa_handler = on_signal };
	int lock = -1, rc;

	if (!options_parse(&monitor_command, argc, argv, &l, NULL))
		return EXIT_USAGE;
	if (!l.m.filter.kinds)	/* the other kinds inspect every packet */
		l.m.filter.kinds = 1 << MONITOR_DROPPED | 1 << MONITOR_FLOW |
				   1 << MONITOR_REBINDING;
	warn_interface(l.m.filter.interface);
	rc = running_open(g->instance, &l.m.dp);
	if (!rc)
		warn_unknown(l.m.dp, &l.m.filter);
	if (!rc)
		rc = lock = lock_monitor(g->instance);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	rc = lock < 0 ? rc : reopen(&l);
	while (!rc && !l.m.ends && !interrupted) {
		rc = print_for_a_second(&l);
		if (!rc && !l.m.ends && !interrupted)
			rc = reopen(&l);
	}
	if (!rc && interrupted)
		print_events(&l);
	if (!rc && l.ring)
		watch_until(&l.m, 0);
	if (l.m.error)
		log_error("monitor: cannot write to standard output: %s", strerror(l.m.error));
	return rc || l.m.error ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_option options[] = {
	{ 0, "event", "KIND", offsetof(struct loop, m.filter.kinds),
	  "print only this kind: dropped, flow, rebinding, handshake or knock (default: the first three); may be repeated",
	  parse_event, .values = "dropped flow handshake rebinding knock" },
	{ 0, "service", "NAME", offsetof(struct loop, m.filter.service),
	  "only events of this service", .values = "@service" },
	{ 0, "peer", "NAME", offsetof(struct loop, m.filter.peer),
	  "only events of this peer", .values = "@peer" },
	{ 0, "reason", "REASON", offsetof(struct loop, m.filter.reason),
	  "only packets dropped for this reason", parse_reason, .values = "@reason" },
	{ 0, "in", "IF", offsetof(struct loop, m.filter.interface),
	  "only packets that arrived on this interface", .values = "@interface" },
	{ 0, "address", "PREFIX", offsetof(struct loop, m.filter.address),
	  "only packets from or to these addresses", parse_address },
	{ 'n', "number", "NUMBER", offsetof(struct loop, m.left),
	  "end after this many events", parse_number },
	{ 'j', "json", NULL, offsetof(struct loop, m.json), "print one JSON object per line" },
	{ 0 },
};

const struct command monitor_command = {
	.name = "monitor",
	.summary = "print drops, flows, handshakes and knocks as they happen",
	.usage = "[--event KIND]... [FILTER]... [-n NUMBER] [-j|--json]",
	.about = "Prints a line for each event: a drop with its reason, the begin or end of a flow, or a WireGuard peer's new endpoint (rebinding). With --event it also prints handshakes that pass, and knocks. Each CPU reports a few hundred drops per second, and how many more there were. Packets that are passed up to the kernel are not reported. Stop it with Ctrl-C. An instance has one monitor at a time. Without a monitor, events cost nothing. tcpdump does not see packets that XDP forwards; xdpdump of xdp-tools does.",
	.run = run_monitor,
	.options = options,
};
