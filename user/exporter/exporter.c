/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The process opens its sockets, gives up its rights, and then serves. A second process answers
 * what the kernel tells only to a process with CAP_NET_ADMIN: the peers of WireGuard.
 */
#ifdef WITH_MHD
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "config/config_diff.h"
#include "exporter/exporter.h"
#include "exporter/web.h"
#include "instance/run_state.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/notify.h"
#include "lib/text.h"
#include "net/wireguard.h"

#define BACKLOG 32
#define AGAIN_MS 1000	/* time in ms until it tries again to listen on an address */

struct exporter {
	const char *instance;
	struct config *config;
	char *section;			/* text of the section exporter in `config` */
	struct web web;
	struct web_config access;
	struct server *server;		/* NULL: the file of web-config is wrong */
	struct endpoint_config *missing;	/* addresses on which it cannot listen yet */
	size_t n_missing;
};

/* ---- sockets ---- */

/* Returns whether clients can connect to this descriptor. */
static bool is_listening(int fd)
{
	int family, type, listens;
	socklen_t n = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n) &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) &&
	       !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) && listens &&
	       (family == AF_INET || family == AF_INET6 || family == AF_UNIX) &&
	       type == SOCK_STREAM;
}

/* Opens a listening socket. Returns an fd or -errno. */
static int listening_socket(const struct endpoint_config *at)
{
	struct sockaddr_in6 address;
	socklen_t len = address_to_socket(&at->address, at->port, 0, &address);
	bool ipv6 = at->address.family == FAMILY_IPV6;
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, rc;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ipv6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	rc = bind(fd, (struct sockaddr *)&address, len) || listen(fd, BACKLOG) ? -errno : 0;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

/* A socket and its name in messages. */
struct opened {
	int fd;
	char name[ADDRESS_STRLEN];
};

struct sockets {
	struct opened *list;
	size_t n;
};

static void add_socket(struct sockets *s, int fd, const char *name)
{
	s->list[s->n].fd = fd;
	snprintf(s->list[s->n++].name, ADDRESS_STRLEN, "%s", name);
}

static void take_passed(struct sockets *s, unsigned int n, bool wanted)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < n; i++) {
		int fd = NOTIFY_FIRST_SOCKET + i;
		bool listens = is_listening(fd);

		if (!listens)
			log_warning("exporter: socket %u of systemd is ignored, because it does not listen for TCP or Unix streams: write ListenStream= and Accept=no in the unit wgxdp-exporter.socket",
				    i + 1);
		taken += listens;
		if (listens && wanted) {
			fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
			add_socket(s, fd, "a socket of systemd");
		} else {
			close(fd);
		}
	}
	if (wanted && !taken)
		log_error("exporter: systemd has passed no socket: stop wgxdp-daemon, start wgxdp-exporter.socket and then wgxdp-daemon, or write an address instead of systemd");
	else if (!wanted && taken)
		log_warning("exporter: %u sockets of systemd are not used: add systemd to exporter: { listen: [ … ] }, or stop the unit wgxdp-exporter.socket",
			    taken);
}

/* Opens all sockets. n_passed: the number of the service manager's. */
static void open_sockets(struct exporter *e, unsigned int n_passed, struct sockets *ret)
{
	const struct config *c = e->config;
	char name[ADDRESS_STRLEN];
	bool systemd = false;

	ret->list = xcalloc(c->n_exporter + n_passed, sizeof(*ret->list));
	e->missing = xcalloc(c->n_exporter, sizeof(*e->missing));
	for (size_t i = 0; i < c->n_exporter; i++) {
		const struct endpoint_config *at = &c->exporter[i];
		int fd = at->systemd ? 0 : listening_socket(at);

		systemd |= at->systemd;
		endpoint_format(&at->address, at->port, name);
		if (fd < 0) {
			log_warning("exporter: cannot listen on %s: %s", name, strerror(-fd));
			e->missing[e->n_missing++] = *at;
		} else if (!at->systemd) {
			add_socket(ret, fd, name);
		}
	}
	take_passed(ret, n_passed, systemd);
}

static void listen_again(struct exporter *e)
{
	for (size_t i = e->n_missing; i--;) {
		int fd = listening_socket(&e->missing[i]);

		if (fd >= 0 && !server_listen(e->server, fd))
			e->missing[i] = e->missing[--e->n_missing];
	}
}

/* ---- rights ---- */

static bool reads_wireguard(const struct config *c)
{
	return config_relays(c) || c->n_endpoints || *c->blind.device;
}

/* Answers questions for the peers of WireGuard until the exporter ends. title: the memory of argv,
 * which ps(1) shows. */
static void answer_wireguard(int fd, char *title, size_t size)
{
	static const char name[] = "wgxdp-wireguard";

	memset(title, 0, size);
	memcpy(title, name, size < sizeof(name) ? size - 1 : sizeof(name));
	prctl(PR_SET_NAME, name);
	if (!sandbox_keep(1ULL << CAP_NET_ADMIN))
		while (wg_answer(fd))
			;
	_exit(EXIT_DONE);
}

/* Starts the process that reads WireGuard. Returns 0 or -errno. */
static int start_reader(char *title, size_t size)
{
	int ends[2];
	pid_t child = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ? -1 : fork();

	if (child < 0)
		return -errno;
	if (!child) {
		close(ends[0]);
		answer_wireguard(ends[1], title, size);
	}
	close(ends[1]);
	wg_read_through(ends[0]);
	return 0;
}

/* Gives up all rights but reading. Returns false after printing an error. */
static bool give_up_rights(struct exporter *e, char *title, size_t size)
{
	int rc = reads_wireguard(e->config) ? start_reader(title, size) : 0;

	rc = rc ?: sandbox_keep(1ULL << CAP_BPF | 1ULL << CAP_PERFMON);
	if (rc) {
		log_error("exporter: serves nothing, because it cannot give up its rights: %s", strerror(-rc));
		return false;
	}
	rc = sandbox_read_only();
	if (rc)
		log_warning("exporter: nothing but its capabilities keeps it from writing, because the kernel refuses its filter of system calls: %s",
			    strerror(-rc));
	return true;
}

/* Returns the text of the section exporter, by which a change is noticed. */
static char *section_of(const struct config *c)
{
	char *text = NULL;
	size_t n;
	FILE *out = text_open(&text, &n);

	config_put_exporter(out, c);
	fclose(out);
	return text;
}

/* Returns whether the running configuration still has the same section. */
static bool is_as_before(const struct exporter *e)
{
	struct config *c = NULL;
	char *now;
	bool same;
	int rc;

	if (e->server)
		server_hold(e->server, true);
	rc = run_state_read(e->instance, &c);
	if (e->server)
		server_hold(e->server, false);
	now = rc ? NULL : section_of(c);
	/* While the file is being written, nothing has changed. */
	same = rc != -ENOENT && (!now || !strcmp(now, e->section));
	config_free(c);
	free(now);
	return same;
}

/* Reads the events of the instance's directory, where other files change often. Returns whether the
 * configuration may have changed. */
static bool read_events(int changes)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(changes, events, sizeof(events));
	const struct inotify_event *e;
	bool changed = false;

	for (ssize_t at = 0; at < n; at += sizeof(*e) + e->len) {
		e = (const void *)(events + at);
		/* An event without a name is about the directory, or about lost events. */
		changed |= !e->len || !strcmp(e->name, "running.yaml");
	}
	return changed;
}

/* Serves until a signal or a change of the configuration. */
static void serve(struct exporter *e, int signals, int changes)
{
	struct pollfd fds[] = { { signals, POLLIN }, { changes, POLLIN },
				{ e->server ? server_wakes(e->server) : -1, POLLIN } };
	int wait = -1;

	for (;;) {
		if (e->server && e->n_missing && (wait < 0 || wait > AGAIN_MS))
			wait = AGAIN_MS;
		poll(fds, 3, wait);
		if (fds[0].revents)
			break;
		if (fds[1].revents && read_events(changes) && !is_as_before(e))
			break;
		if (e->server) {
			wait = server_tick(e->server);
			listen_again(e);
		}
	}
	if (e->server)
		server_finish(e->server);
}

/* Opens what reports signals and changes of the configuration. Returns false after printing an
 * error. */
static bool watch(const char *instance, int *ret_signals, int *ret_changes)
{
	char path[RUN_STATE_PATH_LEN];
	sigset_t set;

	run_state_path(path, instance, "");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	*ret_signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	*ret_changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (*ret_signals >= 0 && *ret_changes >= 0 &&
	    inotify_add_watch(*ret_changes, path, IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF) >= 0)
		return true;
	log_error("exporter: cannot watch %s: %s: is the instance up?", path, strerror(errno));
	return false;
}

/* Begins to serve. Returns false after printing an error. */
static bool start(struct exporter *e, char *title, size_t size)
{
	const struct config *c = e->config;
	struct sockets sockets = { 0 };
	size_t served = 0;
	bool refused = *c->web_config && web_config_read(c->web_config, &e->access);

	e->web = (struct web){ .instance = e->instance, .page = c->page, .names = c->exporter_names,
			       .n_names = c->n_exporter_names };
	if (refused) {
		log_warning("exporter: serves nothing, because %s is wrong", c->web_config);
		return true;
	}
	e->server = server_new(&e->web, &e->access);
	if (!e->server)
		return false;
	open_sockets(e, notify_sockets(), &sockets);
	if (!give_up_rights(e, title, size))
		return false;
	for (size_t i = 0; i < sockets.n; i++) {
		int rc = server_listen(e->server, sockets.list[i].fd);

		if (rc)
			log_warning("exporter: cannot listen on %s: %s", sockets.list[i].name,
				    strerror(-rc));
		served += !rc;
	}
	log_event("exporter: serves at %zu of %zu places", served, sockets.n + e->n_missing);
	free(sockets.list);
	return true;
}

int exporter_run(const char *instance, char *title, size_t size)
{
	struct exporter e = { .instance = instance };
	int signals, changes, rc;

	prctl(PR_SET_NAME, "wgxdp");	/* the daemon has run /proc/self/exe */
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 1);	/* else each thread keeps memory of its own */
#endif
	if (!watch(instance, &signals, &changes))
		return EXIT_FAILED;
	rc = run_state_read(instance, &e.config);
	if (rc) {
		log_error("exporter: cannot read the running configuration of instance %s: %s",
			  instance, strerror(-rc));
		return EXIT_FAILED;
	}
	if (!e.config->n_exporter) {
		log_error("instance %s has no addresses for the exporter: add exporter: { listen: [ … ] } to its configuration",
			  instance);
		return EXIT_FAILED;
	}
	e.section = section_of(e.config);
	if (!start(&e, title, size))
		return EXIT_FAILED;
	serve(&e, signals, changes);
	/* Threads may still answer, so nothing is freed. */
	fflush(NULL);
	_exit(EXIT_DONE);
}
#else
#include "exporter/exporter.h"
#include "lib/log.h"

int exporter_run(const char *instance, char *title, size_t size)
{
	log_error("exporter: this program was built without libmicrohttpd and cannot serve metrics: remove the section exporter");
	return EXIT_FAILED;
}
#endif
