/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp monitor: samples of what the data path drops, while it looks.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "command.h"
#include "dataplane.h"
#include "jiffies.h"
#include "log.h"
#include "running.h"
#include "state.h"
#include "words.h"

const char monitor_help[] =
	"[-n NUMBER] [-j|--json]\n\n"
	"Tells of packets as they are dropped: when, why, whose, from where to where, and by which interface they came. A sample:\n"
	"each CPU tells of a few hundred a second, and of how many it did not tell. What is passed up to the kernel is not told.\n"
	"Ends with Ctrl-C. One at a time for an instance; it costs nothing while nobody looks.\n\n"
	"  -n, --number NUMBER  end after so many\n"
	"  -j, --json           a JSON object a line\n";

#define WATCH_SECONDS 3			/* who is killed does not look any more, and soon nothing is written for him */

struct monitor {
	const char *instance;
	struct dataplane *dp;
	struct ring_buffer *ring;	/* of the map with this id */
	__u32 ring_map;
	unsigned long left;		/* events to tell of; 0: without end */
	bool json, ends;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signum)
{
	interrupted = 1;
}

/* ---- an event in words ---- */

static void name_of(const struct monitor *m, __u32 id, char name[NAME_LEN])
{
	struct service_name service = { 0 };
	struct peer_name peer = { 0 };
	__u32 place = id & ~PEER_ID;

	if (id & PEER_ID)
		bpf_map_lookup_elem(m->dp->maps[MAP_peer_names], &place, &peer);
	else
		bpf_map_lookup_elem(m->dp->maps[MAP_names], &place, &service);
	snprintf(name, NAME_LEN, "%s", id & PEER_ID ? peer.name : service.name);
}

static const char *link_name(__u32 ifindex, char name[IF_NAMESIZE])
{
	if (!if_indextoname(ifindex, name))
		snprintf(name, IF_NAMESIZE, "%u", ifindex);
	return name;
}

/* 2026-11-20T22:00:00.123Z */
static void now_format(char text[32])
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, 32 - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static void tell(const struct monitor *m, const struct event *e)
{
	struct address src = { e->src, e->family }, dst = { e->dst, e->family };
	char when[32], name[NAME_LEN], from[ADDRESS_STRLEN], to[ADDRESS_STRLEN], link[IF_NAMESIZE];
	const char *kind = e->id & PEER_ID ? "peer" : "service", *direction = e->id & PEER_ID ? "rx" : direction_name(e->direction);

	now_format(when);
	name_of(m, e->id, name);
	endpoint_format(&src, e->sport, from);
	endpoint_format(&dst, e->dport, to);
	link_name(e->ifindex, link);
	if (m->json)
		printf("{\"time\": \"%s\", \"event\": \"dropped\", \"reason\": \"%s\", \"%s\": \"%s\", \"direction\": \"%s\", \"path\": \"%s\", "
		       "\"interface\": \"%s\", \"source\": \"%s\", \"destination\": \"%s\", \"bytes\": %u, \"packets\": %u, \"skipped\": %llu}\n",
		       when, reason_name(e->reason), kind, name, direction, e->plane == PLANE_XDP ? "xdp" : "tc", link, from, to,
		       e->len, e->segments, e->skipped);
	else
		printf("%s dropped %s %s %s %s %s: %s > %s, %u bytes%s", when, reason_name(e->reason), kind, name, direction,
		       link, from, to, e->len, e->skipped ? "" : "\n");
	if (!m->json && e->skipped)
		printf(", and %llu others since the last\n", e->skipped);
}

static int on_event(void *data, void *record, size_t size)
{
	struct monitor *m = data;

	if (size < sizeof(struct event) || m->ends)
		return 0;
	tell(m, record);
	m->ends = m->left && !--m->left;
	return 0;
}

/* ---- looking ---- */

static int watch_until(const struct monitor *m, __u64 until)
{
	__u32 zero = 0;

	return bpf_map_update_elem(m->dp->maps[MAP_event_watch], &zero, &until, BPF_ANY) ? -errno : 0;
}

/* What runs may be other maps than a second ago. 0 or -errno, told. */
static int look(struct monitor *m)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
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
	if (rc)
		return rc;
	bpf_obj_get_info_by_fd(m->dp->maps[MAP_events], &info, &len);
	if (!m->ring || info.id != m->ring_map) {
		ring_buffer__free(m->ring);
		m->ring = ring_buffer__new(m->dp->maps[MAP_events], on_event, m, NULL);
		m->ring_map = info.id;
	}
	rc = !m->ring ? -errno : watch_until(m, jiffies_now() + WATCH_SECONDS * jiffies_a_second());
	if (rc)
		log_error("cannot look at the events of instance %s: %s", m->instance, strerror(-rc));
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

static int parse(int argc, char **argv, struct monitor *m)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { "number", required_argument, NULL, 'n' }, { 0 } };
	int option;
	char *end;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":jn:", options, NULL)) != -1) {
		if (option == 'j') {
			m->json = true;
		} else if (option == 'n') {
			m->left = strtoul(optarg, &end, 10);
			if (*end || *optarg < '0' || *optarg > '9' || !m->left) {
				log_error("monitor: -n %s: a number from 1 on is wanted", optarg);
				return -1;
			}
		} else {
			option_error("monitor", option, argv);
			return -1;
		}
	}
	if (optind == argc)
		return 0;
	log_error("monitor: %s: it takes options alone", argv[optind]);
	return -1;
}

int cmd_monitor(const struct global *g, int argc, char **argv)
{
	struct monitor m = { .instance = g->instance };
	struct sigaction action = { .sa_handler = on_signal };
	int lock, rc;

	if (parse(argc, argv, &m))
		return EXIT_USAGE;
	rc = look(&m);
	lock = rc ? rc : only_one(g->instance);
	if (lock < 0)
		rc = lock;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (!rc && !m.ends && !interrupted) {
		rc = ring_buffer__poll(m.ring, 1000);
		rc = rc == -EINTR || rc >= 0 ? 0 : rc;
		if (fflush(stdout))
			break;			/* who read it has gone */
		rc = rc ?: look(&m);
	}
	if (!rc)
		watch_until(&m, 0);
	if (lock >= 0)
		close(lock);
	ring_buffer__free(m.ring);
	dataplane_close(m.dp);
	return rc ? EXIT_FAILED : EXIT_DONE;
}
