/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon: a libuv loop. A notification of the kernel only reports that something changed. A
 * pass then reads everything and applies the configuration as `up` does, which writes only what
 * differs. Passes run in a child, the worker, because netlink waits for a lock. Other programs hold
 * this lock for long when they create and delete interfaces.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include "daemon/tasks.h"
#include "daemon/child.h"
#include "daemon/daemon.h"
#include "daemon/endpoints.h"
#include "daemon/standby.h"
#include "dataplane/control.h"
#include "dataplane/dataplane.h"
#include "dataplane/pins.h"
#include "dataplane/ring.h"
#include "instance/apply.h"
#include "instance/follower.h"
#include "instance/resolver.h"
#include "instance/run_state.h"
#include "instance/source.h"
#include "instance/try.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/notify.h"
#include "lib/timer.h"
#include "net/netlink.h"

/* Time in ms from a change until the pass: changes come in bursts, which one pass then handles. */
#define SETTLE_MS 2
#define CREDIT_MS 1000			/* CPU time that passes may use at once, in ms */
#define SHARE 4 /* while changes do not end, passes use at most 1/SHARE of a CPU */
/* Time in ms before the daemon adds its qdisc again: the program that removed it may be about to
 * add its own. */
#define QDISC_MS 1000
/* Interval in ms of asking WireGuard for new peers, which it does not report. */
#define FOLLOW_MS 300
/* Time in ms after a change before states are logged: neighbour discovery has then ended. */
#define STATES_MS 1000
/* Interval in ms of reading WireGuard's peers, whose changes the kernel does not report. */
#define POLL_STATES_MS 30000
/* Time in ms after a failed pass until the next one; doubled up to RETRY_MAX_MS. */
#define RETRY_MS 1000
#define RETRY_MAX_MS 60000

struct daemon {
	uv_loop_t loop;
	uv_poll_t netlink;
	struct ring signals;		/* signals from the data path */
	/* Hash of the contents that the map `uniform` needs, in memory that the worker and a reload
	 * share with the daemon. */
	__u64 *uniform;
	struct uniform_filler *filler;
	bool passed;			/* the last pass has succeeded */
	bool vouched; /* the map uniform agrees with the routes that were read last */
	uv_timer_t settle, retry, former, watchdog, follow, states, poll_states, old_flows;
	uv_timer_t resolved;		/* runs while another process has the lock */
	struct logged_states logged;
	__u64 followed;			/* followed_devices_hash() at the last reading */
	uv_fs_event_t directory;
	struct pins_watch pins;
	uv_signal_t hangup, terminate, interrupt;
	struct daemon_state state;
	struct resolved_backends answers;	/* addresses of the names in state.config */
	struct resolver *resolver;
	struct exporter *exporter;
	unsigned int n_sockets;	/* number of sockets that the service manager has opened */
	struct cookie *cookie;
	struct standby *standby;
	struct blind *blind;
	struct ddns *ddns;
	struct endpoints *endpoints;
	struct learn *learn;
	struct lists *lists;
	struct announce *announce;
	ino_t watched;			/* inode of the directory of running.yaml */
	struct worker *worker;		/* it runs passes */
	struct daemon_state worker_state;	/* `state` when the worker was forked */
	bool busy;			/* the worker runs a pass, or a child a reload */
	int said;			/* file with the texts that the reload has printed */
	bool hung_up;			/* SIGHUP came meanwhile */
	bool reloaded;			/* the file was applied, and no pass followed yet */
	const char *ending;		/* why the daemon ends after that; NULL: it goes on */
	unsigned int changes;		/* enum nl_change: bits that no pass has handled yet */
	int64_t credit;		/* CPU time in ms that passes may use, as of credit_at */
	uint64_t credit_at, retry_ms;
	bool names_moved;		/* on_resolved() has yet to store changed addresses */
	int status;
};

static void settle_soon(struct daemon *d, unsigned int changes);
static void on_states(uv_timer_t *timer);
static void read_changes(struct daemon *d, bool all);
static void watch_data_path(struct daemon *d);
static void on_due(uv_timer_t *timer);
static void start_reload(struct daemon *d);

static void end_loop(struct daemon *d, int status, const char *why)
{
	log_event("instance %s: the daemon ends: %s", d->state.instance, why);
	d->status = status;
	uv_stop(&d->loop);
}

/* ---- passes ---- */

/* Returns whether the configuration needs no data path and none is loaded: the daemon needs no
 * BPF. */
static bool is_apart(const struct daemon *d, const struct config *c)
{
	return c && config_is_control(c) && pins_exist(d->state.instance) <= 0;
}

static void on_directory(uv_fs_event_t *handle, const char *name, int events, int status)
{
	struct daemon *d = handle->data;

	if (is_apart(d, d->state.config) && daemon_state_dropped(&d->state))
		end_loop(d, EXIT_DONE, "the instance was taken down");
	else if (daemon_state_changed(&d->state))
		settle_soon(d, NL_ALL);
}

/* Watches the directory of running.yaml, again if it was removed and made again. */
static void watch_directory(struct daemon *d)
{
	char path[RUN_STATE_PATH_LEN];

	run_state_path(path, d->state.instance, "");
	d->watched = d->state.directory;
	uv_fs_event_stop(&d->directory);
	if (uv_fs_event_start(&d->directory, on_directory, path, 0))
		log_warning("cannot watch the directory %s: the daemon notices changes by other commands late", path);
	else
		/* Handle changes that were made before the watch began. */
		on_directory(&d->directory, NULL, 0, 0);
}

/* Reads the running configuration, and the addresses for its names that the command which applied
 * it has stored. Returns the result of daemon_state_read(). */
static int read_running(struct daemon *d)
{
	const struct config *before = d->state.config;
	int rc = daemon_state_read(&d->state);

	if (rc <= 0)
		return rc;
	resolved_backends_match(&d->answers, d->state.config);
	if (d->state.config != before) {
		resolved_backends_merge(&d->answers, d->state.instance);
		resolved_backends_write(d->state.instance, &d->answers, true);
	}
	return 1;
}

/* Starts a pass if the peers of followed devices have changed. Changes between this reading and the
 * pass make the next call start another pass. */
static void on_follow(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	__u64 now = d->state.config ? followed_devices_hash(d->state.config) : 0;

	if (now != d->followed)
		settle_soon(d, NL_ALL);
	d->followed = now;
}

/* Passes the configuration to the parts of the daemon. Each part runs timers only if it has
 * something to do. */
static void reconfigure_parts(struct daemon *d)
{
	resolver_reconfigure(d->resolver);
	if (!d->state.config)
		return;
	exporter_reconfigure(d->exporter, d->state.config);
	cookie_reconfigure(d->cookie, d->state.config);
	standby_reconfigure(d->standby, d->state.config);
	blind_reconfigure(d->blind, d->state.config);
	ddns_reconfigure(d->ddns, d->state.config);
	endpoints_reconfigure(d->endpoints, d->state.config);
	learn_reconfigure(d->learn, d->state.config);
	lists_reconfigure(d->lists, d->state.config);
	announce_reconfigure(d->announce, d->state.config);
	timer_repeat(&d->poll_states,
		     config_relays(d->state.config) || *d->state.config->blind.device,
		     on_states, POLL_STATES_MS, POLL_STATES_MS);
	timer_repeat(&d->follow, d->state.config->follow.n_wireguard, on_follow, FOLLOW_MS,
		     FOLLOW_MS);
}

static void take_configuration(struct daemon *d)
{
	reconfigure_parts(d);
	if (d->watched != d->state.directory)
		watch_directory(d);
}

/* Starts the timer for the pass that removes the entries for replies of former backends. */
static void schedule_former_backends(struct daemon *d)
{
	unsigned int due = apply_due(d->state.instance);

	if (due)
		uv_timer_start(&d->former, on_due, due * 1000ULL, 0);
	else
		uv_timer_stop(&d->former);
}

static void on_states(uv_timer_t *timer)
{
	struct daemon *d = timer->data;

	if (!log_states_later(&d->logged, &d->loop, d->state.instance))
		timer_repeat(&d->states, true, on_states, STATES_MS, 0);
}

/* Vouches for the map `uniform` if it is as the last pass needs it. */
static void vouch(void *data)
{
	struct daemon *d = data;

	d->vouched = d->passed && !d->changes && uniform_filler_has(d->filler);
}

/* Runs in the worker. Returns -ESTALE if a command has changed the configuration meanwhile. */
static int pass(void *data)
{
	struct daemon *d = data;
	int lock = run_state_lock(d->state.instance), rc;

	if (lock < 0)
		return lock;
	rc = daemon_state_changed(&d->state) ? -ESTALE :
	     apply_follow(d->state.instance, d->state.config, &d->answers, d->uniform);
	close(lock);
	return rc;
}

/* rc: 1, 0 if the instance does not run any more, or -errno. */
static void end_pass(struct daemon *d, int rc)
{
	__s64 since;

	take_configuration(d);
	d->passed = rc > 0;
	read_changes(d, false);
	uniform_filler_need(d->filler, d->passed ? *d->uniform : 0);
	vouch(d);
	if (d->reloaded) {
		if (rc > 0)
			log_event("%s was applied", d->state.file);
		notify_ready();
		d->reloaded = false;
	}
	if (!rc) {
		if (!follower_runs(d->state.instance, &since))
			announce_clear(d->state.config ? d->state.config->announce.table : 0);
		end_loop(d, EXIT_DONE, "the instance was taken down");
	} else if (rc < 0) {
		d->retry_ms = next_wait(d->retry_ms, RETRY_MS, RETRY_MAX_MS);
		uv_timer_start(&d->retry, on_due, d->retry_ms, 0);
	} else {
		d->retry_ms = 0;
		standby_applied(d->standby);
		if (is_apart(d, d->state.config))
			return;
		schedule_former_backends(d);
		watch_data_path(d);
		timer_repeat(&d->states, true, on_states, STATES_MS, 0);
	}
}

/* Does what came while the worker or a reload was at work. */
static void after_work(struct daemon *d)
{
	d->busy = false;
	if (d->ending)
		end_loop(d, EXIT_DONE, d->ending);
	else if (d->hung_up)
		start_reload(d);
	else
		settle_soon(d, 0);
}

/* Makes the worker a copy of this daemon, unless it is one. Returns 0 or -errno. */
static int renew_worker(struct daemon *d)
{
	int rc = worker_runs(d->worker) && !memcmp(&d->state, &d->worker_state, sizeof(d->state)) ?
		 0 : worker_fork(d->worker);

	if (rc)
		log_error("instance %s: cannot start the daemon's worker: %s", d->state.instance,
			  strerror(-rc));
	else
		memcpy(&d->worker_state, &d->state, sizeof(d->state));
	return rc;
}

static void on_passed(void *data, int rc, int64_t used)
{
	struct daemon *d = data;

	d->credit -= used;
	if (rc == -ECHILD)
		log_error("instance %s: the daemon's worker was killed: the daemon tries again", d->state.instance);
	/* A prefix of this host may have changed, and so addresses of backends. */
	resolved_backends_merge(&d->answers, d->state.instance);
	if (rc == -ESTALE)
		d->changes |= NL_ALL;
	else
		end_pass(d, rc ?: 1);
	after_work(d);
	if (!d->busy)
		renew_worker(d);
}

/* Lets the worker apply the running configuration to the host as it is now. lock: from
 * run_state_try_lock(); the worker takes it again. */
static void run_pass(struct daemon *d, int lock)
{
	int rc = lock < 0 ? lock : read_running(d);
	bool asks = rc > 0 && !is_apart(d, d->state.config);

	fd_close(lock);
	/* Until the pass ends, the data path asks the FIB instead of using the map uniform. */
	control_routing_changed(d->state.instance, true);
	d->vouched = false;
	uv_timer_stop(&d->retry);
	if (asks)
		rc = renew_worker(d);
	d->busy = asks && !rc;
	if (d->busy)
		worker_ask(d->worker);
	else
		end_pass(d, rc);
}

static void on_settled(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	uint64_t now = uv_now(&d->loop);
	int lock;

	d->credit += (now - d->credit_at) / SHARE;
	d->credit = d->credit < CREDIT_MS ? d->credit : CREDIT_MS;
	d->credit_at = now;
	if (d->busy)
		return;			/* after_work() starts a pass */
	if (d->changes && d->credit < 0 && !d->reloaded) {
		uv_timer_start(&d->settle, on_settled, -d->credit * SHARE, 0);
	} else if (d->changes) {
		lock = run_state_try_lock(d->state.instance);
		if (lock == -EAGAIN) {
			uv_timer_start(&d->settle, on_settled, LOCKED_MS, 0);
			return;
		}
		d->changes = 0;
		resolver_retry_soon(d->resolver);
		endpoints_hope(d->endpoints);
		log_round(true);
		run_pass(d, lock);
		log_round(false);
	}
}

static void settle_soon(struct daemon *d, unsigned int changes)
{
	/* Changed neighbours only invalidate next hops, and qdiscs have their own timer. */
	d->changes |= changes & ~(NL_NEIGHBOURS | NL_QDISCS);
	if (d->changes)
		timer_repeat(&d->settle, true, on_settled, SETTLE_MS, 0);
}

static void on_due(uv_timer_t *timer)
{
	settle_soon(timer->data, NL_ALL);
}

/* Starts a pass after a backend and its standby have changed places, after pins were removed, or
 * when the blind relay needs larger maps. */
static void on_other(void *data)
{
	settle_soon(data, NL_ALL);
}

/* Stores the addresses that DNS has answered, as soon as no other process has the lock. */
static void on_addresses(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	int lock = run_state_try_lock(d->state.instance);
	bool moved = d->names_moved, changed;

	if (lock == -EAGAIN) {
		uv_timer_start(timer, on_addresses, LOCKED_MS, 0);
		return;
	}
	d->names_moved = false;
	if (moved)
		d->worker_state.instance = NULL;	/* the worker has former addresses */
	/* If a command changed the configuration, the addresses that it stored are newer than ours:
	 * do not overwrite them. */
	changed = daemon_state_changed(&d->state);
	if (!changed)
		resolved_backends_write(d->state.instance, &d->answers, moved);
	if (changed || moved)
		settle_soon(d, NL_ALL);
	fd_close(lock);
}

static void on_resolved(void *data, bool moved)
{
	struct daemon *d = data;

	d->names_moved |= moved;
	on_addresses(&d->resolved);
}

/* Reads the kernel's notifications; all: assumes all changes. Next hops become invalid at once. */
static void read_changes(struct daemon *d, bool all)
{
	unsigned int changes = all ? NL_ALL : 0;
	uv_os_fd_t fd;

	if (!uv_fileno((uv_handle_t *)&d->netlink, &fd))
		changes |= nl_watch_read(fd);
	if (!changes)
		return;
	if (changes & (NL_ADDRESSES | NL_LINKS))
		ddns_changed(d->ddns);
	if (changes & ~NL_QDISCS) {
		d->vouched &= !(changes & ~(NL_NEIGHBOURS | NL_QDISCS));
		control_routing_changed(d->state.instance, !d->vouched);
	}
	if (changes & NL_QDISCS)
		timer_repeat(&d->retry, true, on_due, QDISC_MS, 0);
	if (changes & NL_NEIGHBOURS && d->state.config && d->state.config->n_services)
		timer_repeat(&d->states, true, on_states, STATES_MS, 0);
	settle_soon(d, changes);
}

static void on_netlink(uv_poll_t *poll, int status, int events)
{
	/* libuv stops polling after an error of the socket, such as an overrun: start it again. */
	if (status)
		uv_poll_start(poll, UV_READABLE, on_netlink);
	read_changes(poll->data, status != 0);
}

/* Handles a signal of the data path. SIGNAL_HEARTBEAT asks whether a daemon still keeps the map
 * uniform up to date. */
static int on_signal(void *data, void *record, size_t size)
{
	const struct signal *signal = record;
	struct daemon *d = data;

	if (size < sizeof(*signal))
		return 0;
	if (signal->kind != SIGNAL_HEARTBEAT) {
		blind_signal(d->blind, signal);
		return 0;
	}
	read_changes(d, false);
	if (d->vouched)
		control_heartbeat(d->state.instance, signal);
	return 0;
}

static void watch_data_path(struct daemon *d)
{
	if (ring_listen(&d->signals, &d->loop, d->state.instance, "signals", on_signal, d))
		log_warning("cannot read the signals of the BPF programs, so forwarding replies costs more CPU time");
	if (pins_watch(&d->pins, &d->loop, d->state.instance, on_other, d))
		log_warning("cannot watch /sys/fs/bpf: the daemon notices removed pins late");
}

/* ---- beginning, reading the file again, ending ---- */

/* Applies the whole file or nothing, as `wgxdp up` does. lock: of the instance; this function
 * closes it. time: source_time() of the file before it was read. Returns 0, -ESHUTDOWN if the
 * instance was taken down, or -errno after an error. */
static int apply_file(struct daemon *d, int lock, struct config *c, long long time)
{
	int rc = lock < 0 ? lock : 0;
	const struct config *before;
	struct resolved_backends answers = { 0 };
	struct config *running = NULL;
	bool apart = is_apart(d, c);

	/* The daemon may not have noticed another command's change yet. After `down` it does not
	 * bring the instance up again. */
	if (!rc && d->state.config && !apart && !read_running(d))
		rc = -ESHUTDOWN;
	before = d->state.config;
	/* A daemon that begins has not read what runs. */
	if (!rc && !before && config_text_id(d->state.instance) &&
	    !run_state_read(d->state.instance, &running))
		before = running;
	if (before && c->mode == MODE_AUTO)
		c->mode = before->mode;
	answers = resolved_backends_of(&d->answers, c);
	if (!rc)
		rc = apart ? run_state_write(d->state.instance, c) :
		     apply_followed(d->state.instance, c, &answers, d->uniform);
	if (rc) {
		config_free(c);
		resolved_backends_free(&answers);
	} else {
		undone_report(before, c, true);
		run_state_clear_failed(d->state.instance);
		daemon_state_take(&d->state, c);
		source_note(d->state.instance, d->state.file, time);
		try_end(d->state.instance, TRY_REPLACED);
		resolved_backends_free(&d->answers);
		d->answers = answers;
	}
	config_free(running);
	fd_close(lock);
	return rc;
}

/* Reads the configuration file and its lists and applies them, in a child. Returns 0 also after
 * `down`: the next pass then ends the daemon. */
static int apply_again(void *data)
{
	struct daemon *d = data;
	long long time = source_time(d->state.file);
	struct config *c;
	int rc, lock;

	alarm(0);		/* `wgxdp up` has no limit either */
	log_store(d->said);
	log_again(true);
	log_round(true);
	rc = config_read(d->state.file, &c);
	if (rc)
		return rc;
	while ((lock = run_state_try_lock(d->state.instance)) == -EAGAIN)
		usleep(LOCKED_MS * 1000);
	rc = apply_file(d, lock, c, time);
	return rc == -ESHUTDOWN ? 0 : rc;
}

static void on_applied(void *data, bool done)
{
	struct daemon *d = data;

	log_take(d->said);
	close(d->said);
	exporter_reload(d->exporter);
	d->reloaded |= done;
	if (!done) {
		run_state_set_failed(d->state.instance);
		log_again(true);
		log_error("%s was not applied, and the old configuration still runs: the errors above say why",
			  d->state.file);
		log_again(false);
	}
	if (!done && !d->hung_up)
		notify_ready();
	read_changes(d, done);		/* starts a pass, which reads what the child has applied */
	after_work(d);
}

static void start_reload(struct daemon *d)
{
	d->hung_up = false;
	d->busy = true;
	d->said = memfd_create("wgxdp-log", MFD_CLOEXEC);
	child_run(&d->loop, apply_again, on_applied, d);
}

static void on_hangup(uv_signal_t *handle, int signum)
{
	struct daemon *d = handle->data;

	if (!d->state.file) {
		log_error("there is no file to read again, because the running configuration was not read from one");
		return;
	}
	notify_reloading();
	if (d->busy)
		d->hung_up = true;
	else
		start_reload(d);
}

/* A change that is being made ends first: otherwise half of it would run. */
static void on_end(uv_signal_t *handle, int signum)
{
	struct daemon *d = handle->data;
	const char *why = signum == SIGTERM ? "SIGTERM; forwarding continues" :
					      "SIGINT; forwarding continues";

	if (d->busy)
		d->ending = why;
	else
		end_loop(d, EXIT_DONE, why);
}

#define OLD_FLOWS_MS (4 * 3600 * 1000)

static void on_old_flows(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	struct dataplane *dp = NULL;
	bool more = !dataplane_open(d->state.instance, &dp) && dataplane_flows_end_old(dp);

	dataplane_close(dp);
	uv_timer_start(timer, on_old_flows, more ? 1000 : OLD_FLOWS_MS, 0);
}

static void on_watchdog(uv_timer_t *timer)
{
	notify_alive();
}

/* again false: applies the configuration file. again true: a daemon with the same file left the
 * instance running, so it continues with that. Returns an exit code. */
static int begin_running(struct daemon *d, bool again)
{
	struct config *c;
	long long time;
	int rc, lock;

	if (again || !d->state.file) {
		lock = run_state_lock(d->state.instance);
		rc = lock < 0 ? lock : read_running(d);
		if (rc > 0 && !is_apart(d, d->state.config))
			rc = apply_follow(d->state.instance, d->state.config, &d->answers,
					  d->uniform) ?: 1;
		fd_close(lock);
		take_configuration(d);
		if (rc > 0 || !d->state.file)
			return rc < 0 ? EXIT_FAILED : EXIT_DONE;
	}
	time = source_time(d->state.file);
	rc = config_read(d->state.file, &c);
	if (rc)
		return EXIT_USAGE;
	if (apply_file(d, run_state_lock(d->state.instance), c, time))
		return EXIT_FAILED;
	reconfigure_parts(d);
	if (!is_apart(d, d->state.config))
		schedule_former_backends(d);
	return EXIT_DONE;
}

static void make_parts(struct daemon *d)
{
	const char *instance = d->state.instance;

	d->resolver = resolver_new(&d->loop, &d->answers, on_resolved, d);
	d->exporter = exporter_new(&d->loop, instance, d->n_sockets);
	d->cookie = cookie_new(&d->loop, instance);
	d->standby = standby_new(&d->loop, instance, &d->answers, on_other, d);
	d->blind = blind_new(&d->loop, instance, on_other, d);
	d->ddns = ddns_new(&d->loop, instance);
	d->endpoints = endpoints_new(&d->loop, instance);
	d->learn = learn_new(&d->loop, instance);
	d->lists = lists_new(&d->loop, instance, on_other, d);
	d->announce = announce_new(&d->loop, instance);
	d->worker = worker_new(&d->loop, pass, on_passed, d);
	d->filler = uniform_filler_new(&d->loop, instance, vouch, d);
}

static void watch_signal(struct daemon *d, uv_signal_t *handle, int signum, uv_signal_cb callback)
{
	uv_signal_init(&d->loop, handle);
	handle->data = d;
	uv_signal_start(handle, callback, signum);
}

/* Subscribes to all events. This comes before anything is read, so that no change is missed.
 * Returns 0, or -errno after printing an error. */
static int watch_everything(struct daemon *d)
{
	int fd = nl_watch(), rc = uv_loop_init(&d->loop);

	if (fd < 0 || rc) {
		log_error("cannot follow the kernel's changes: %s", strerror(fd < 0 ? -fd : -rc));
		return fd < 0 ? fd : rc;
	}
	timer_init(&d->loop, &d->settle, d);
	timer_init(&d->loop, &d->retry, d);
	timer_init(&d->loop, &d->former, d);
	timer_init(&d->loop, &d->watchdog, d);
	timer_init(&d->loop, &d->follow, d);
	timer_init(&d->loop, &d->states, d);
	timer_init(&d->loop, &d->poll_states, d);
	timer_init(&d->loop, &d->old_flows, d);
	timer_init(&d->loop, &d->resolved, d);
	watch_signal(d, &d->hangup, SIGHUP, on_hangup);
	watch_signal(d, &d->terminate, SIGTERM, on_end);
	watch_signal(d, &d->interrupt, SIGINT, on_end);
	signal(SIGPIPE, SIG_IGN); /* the process that reads the log may end before this one */
	uv_fs_event_init(&d->loop, &d->directory);
	d->directory.data = d;
	uv_poll_init(&d->loop, &d->netlink, fd);
	d->netlink.data = d;
	uv_poll_start(&d->netlink, UV_READABLE, on_netlink);
	make_parts(d);
	return 0;
}

int daemon_run(const char *instance, const char *file)
{
	struct daemon d = {
		.state = { .instance = instance, .file = file, .lock_fd = -1 },
		.status = -1, .credit = CREDIT_MS, .n_sockets = notify_sockets(),
		.uniform = mmap(NULL, sizeof(*d.uniform), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0),
	};
	uint64_t period = notify_period();
	bool again;

	if (d.uniform == MAP_FAILED || daemon_state_hold(&d.state, &again) || watch_everything(&d))
		return EXIT_FAILED;
	resolved_backends_read(instance, &d.answers);
	log_no_waiting();
	log_round(true);
	d.status = begin_running(&d, again);
	log_round(false);
	if (d.status != EXIT_DONE)
		return d.status;
	memory_give_back();
	d.passed = true;
	if (!is_apart(&d, d.state.config))
		renew_worker(&d);
	uniform_filler_need(d.filler, *d.uniform);
	vouch(&d);
	read_changes(&d, false);
	if (!is_apart(&d, d.state.config)) {
		watch_data_path(&d);
		log_states(&d.logged, instance);
	}
	if (!d.watched)
		watch_directory(&d);
	uv_timer_start(&d.old_flows, on_old_flows, 1000, 0);
	if (period)
		uv_timer_start(&d.watchdog, on_watchdog, period / 2, period / 2);
	notify_ready();
	log_info(is_apart(&d, d.state.config) ?
		 "instance %s is up, without a data path, and the daemon follows changes" :
		 "instance %s is up, and the daemon follows changes", instance);
	uv_run(&d.loop, UV_RUN_DEFAULT);
	notify_stopping();
	cookie_end(d.cookie);
	blind_end(d.blind);
	learn_end(d.learn);
	follower_leave(d.state.lock_fd);
	if (ddns_busy(d.ddns)) {
		fflush(NULL);
		_exit(d.status);
	}
	return d.status;
}
