/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The provider `exec`: a program of the administrator writes the records. The present records are
 * read from DNS, without /etc/hosts, which often contains this host's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "ddns/ddns.h"
#include "net/dns.h"

#define PROGRAM_MS 30000
#define LOOK_MS 10		/* time in ms between two checks whether the program has ended */

/* ---- reading ---- */

struct asking {
	struct dns *dns;
	size_t open;			/* DNS questions without an answer yet */
};

struct question {
	struct asking *of;
	struct ddns_run *run;
	struct ddns_set *set;
	int status;
};

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question *q = data;

	q->of->open--;
	q->status = status == ARES_ENODATA || status == ARES_ENOTFOUND ? ARES_SUCCESS : status;
	for (const struct ares_addrinfo_node *node = info ? info->nodes : NULL; node;
	     node = node->ai_next) {
		struct address a = address_from_socket(node->ai_addr);

		if (a.family == q->set->family)
			/* TTL 0, unknown: the answer may come from a cache, with less than the
			 * record's TTL. */
			ddns_has(q->run, q->set, &a, 0, 0);
	}
	if (info)
		ares_freeaddrinfo(info);
}

static bool on_progress(void *data)
{
	struct asking *asking = data;

	if (asking->open)
		return true;
	dns_close(asking->dns);
	return false;
}

static void read_sets(struct ddns_run *run)
{
	struct question *questions = calloc(run->n_sets, sizeof(*questions));
	struct asking asking = { .open = run->n_sets };
	uv_loop_t loop;
	bool looped = questions && !uv_loop_init(&loop);

	if (!looped || dns_open(&loop, true, on_progress, &asking, &asking.dns)) {
		ddns_fail_all(run, "exec: cannot ask DNS: there is no memory, or /etc/resolv.conf "
				   "cannot be read");
		if (looped)
			uv_loop_close(&loop);
		free(questions);
		return;
	}
	for (size_t i = 0; i < run->n_sets; i++) {
		questions[i] = (struct question){ &asking, run, &run->sets[i], ARES_ETIMEOUT };
		dns_ask(asking.dns, run->sets[i].name,
			run->sets[i].family == FAMILY_IPV4 ? AF_INET : AF_INET6, on_answer,
			&questions[i]);
	}
	dns_go(asking.dns);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	for (size_t i = 0; i < run->n_sets; i++)
		if (questions[i].status != ARES_SUCCESS)
			ddns_warn(run, "%s: cannot ask DNS for the %s record: %s",
				  run->sets[i].name, ddns_type(&run->sets[i]),
				  ares_strerror(questions[i].status));
	free(questions);
}

/* ---- writing ---- */

/* Waits for the program to end. Returns its status as from waitpid(). Returns -ETIME after killing
 * it when PROGRAM_MS were over, or another -errno. */
static int wait_for_end(pid_t pid)
{
	struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	int status = 0;

	for (int ms = 0; ms < PROGRAM_MS; ms += LOOK_MS) {
		pid_t done = waitpid(pid, &status, WNOHANG);

		if (done)
			return done < 0 ? -errno : status;
		nanosleep(&pause, NULL);
	}
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -ETIME;
}

/* Starts the program in a process group of its own, with only the descriptors 0 to 2 and PATH in
 * its environment. Its output goes to our standard output, because on standard error it would look
 * like our messages. */
static int start_program(char **words, pid_t *ret)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = { path, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) ?:
	     posix_spawn_file_actions_adddup2(&files, 2, 1);
	posix_spawnattr_init(&how);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
					       POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &all);
	/* Only glibc has a file action that closes a range of descriptors. */
	if (!rc && syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC))
		rc = errno;
	rc = rc ?: posix_spawn(ret, words[0], &files, &how, words, environment);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return -rc;
}

static void write_set(struct ddns_run *run, struct ddns_set *set, char **words)
{
	const struct ddns_config *c = run->config;
	char address[ADDRESS_STRLEN], ttl[16];
	char *last[] = { (char *)set->name, (char *)ddns_type(set), address, ttl, NULL };
	pid_t pid;
	int rc;

	address_format(&set->wanted, address);
	snprintf(ttl, sizeof(ttl), "%u", c->ttl);
	memcpy(words + c->n_command, last, sizeof(last));
	rc = start_program(words, &pid);
	if (rc) {
		ddns_fail(run, set, "exec: cannot run %s: %s", words[0], strerror(-rc));
		return;
	}
	rc = wait_for_end(pid);
	if (rc == -ETIME)
		ddns_fail(run, set, "exec: the program %s was killed, because it took more than %d "
				    "seconds", words[0],
			  PROGRAM_MS / 1000);
	else if (rc < 0)
		ddns_fail(run, set, "exec: cannot read the exit status of %s: %s", words[0],
			  strerror(-rc));
	else if (WIFSIGNALED(rc))
		ddns_fail(run, set, "exec: the program %s was ended by signal %d",
				    words[0], WTERMSIG(rc));
	else if (WEXITSTATUS(rc))
		ddns_fail(run, set, "exec: the program %s failed with status %d",
				    words[0], WEXITSTATUS(rc));
}

static void write_sets(struct ddns_run *run)
{
	const struct ddns_config *c = run->config;
	char **words = calloc(c->n_command + 5, sizeof(*words));

	if (!words) {
		ddns_fail_all(run, "exec: no memory");
		return;
	}
	for (size_t i = 0; i < c->n_command; i++)
		words[i] = c->command[i].text;
	for (size_t i = 0; i < run->n_sets; i++)
		if (run->sets[i].write && !run->sets[i].failed)
			write_set(run, &run->sets[i], words);
	free(words);
}

const struct ddns_provider ddns_exec = { read_sets, write_sets, NULL };
