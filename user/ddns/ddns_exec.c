/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * For a program of the administrator, DNS has the present records: it is asked without /etc/hosts,
 * which often contains this host's name. The helpers of wgxdp (scripts/ddns/) print the records
 * themselves.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include "ddns/ddns.h"
#include "lib/file.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "net/dns.h"

/* ---- messages ---- */

static void __attribute__((format(printf, 4, 0)))
keep_message(struct ddns_run *run, enum ddns_line_level level, const char *name, const char *format,
	     va_list args)
{
	struct ddns_line *line = append(run->lines, run->n_lines);
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	/* Texts from servers may have control characters, which must not reach a terminal. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	line->level = level;
	line->text = xasprintf("%s%s%s", text, name ? " fqdn=" : "", name ?: "");
}

void ddns_say(struct ddns_run *run, const struct ddns_set *set, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	keep_message(run, DDNS_SAY, set->name, format, args);
	va_end(args);
}

void ddns_fail(struct ddns_run *run, struct ddns_set *set, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	keep_message(run, DDNS_COMPLAIN, set->name, format, args);
	va_end(args);
	set->failed = true;
}

void ddns_fail_from(struct ddns_run *run, struct ddns_set *first, const char *format, ...)
{
	va_list args;

	for (struct ddns_set *set = first; set < run->sets + run->n_sets; set++) {
		if (set->failed || (run->writing && !set->write))
			continue;
		va_start(args, format);
		keep_message(run, DDNS_COMPLAIN, set->name, format, args);
		va_end(args);
		set->failed = true;
	}
}

void ddns_warn(struct ddns_run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	keep_message(run, DDNS_WARN, NULL, format, args);
	va_end(args);
}

#define PROGRAM_MS 30000
#define LOOK_MS 10		/* time in ms between two checks whether the program has ended */
#define OUTPUT_MAX 65536	/* longest output of a helper, in bytes */
#define ARGUMENTS 4		/* a set's name, type, address and TTL */
#define INSTALLED "/../lib/wgxdp"	/* the helpers' place, from the place of this program */

enum { HELPER_FAILED_FOR_ALL = 2 };	/* exit status: other sets of records would fail too */

static const char *const ovh_urls[] = {
	[OVH_EU] = "https://eu.api.ovh.com/1.0",
	[OVH_CA] = "https://ca.api.ovh.com/1.0",
	[OVH_US] = "https://api.us.ovhcloud.com/1.0",
};

/* ---- the command line ---- */

/* Finds a helper beside this program, which runs in the build directory, or in INSTALLED. */
static int find_helper(const char *name, char path[PATH_MAX], char why[DDNS_WHY_LEN])
{
	static const char *const places[] = { "", INSTALLED };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (n > 0)
		*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && n > 0; i++)
		if (snprintf(path, PATH_MAX, "%s%s/%s", self, places[i], name) < PATH_MAX &&
		    !access(path, X_OK))
			return 0;
	snprintf(why, DDNS_WHY_LEN, "the program %s is neither beside wgxdp nor in %.200s" INSTALLED
		 ": install wgxdp again", name, self);
	return -ENOENT;
}

/* Finds a file with a secret. A name without a slash is that of a systemd credential
 * ($CREDENTIALS_DIRECTORY). */
static int find_secret(const char *key, const char *file, struct ddns_program *p,
		       char why[DDNS_WHY_LEN])
{
	const char *directory = strchr(file, '/') ? "" : getenv("CREDENTIALS_DIRECTORY");
	struct stat st;
	int fd, rc;

	if (!directory || snprintf(p->secret, SECRET_PATH_LEN, "%s%s%s", directory,
				   *directory ? "/" : "", file) >= SECRET_PATH_LEN) {
		snprintf(why, DDNS_WHY_LEN, "%s: %s names a credential of systemd, which the unit does not have: add LoadCredential= there, or for a file write ./%s",
			 key, file, file);
		return -ENOENT;
	}
	fd = open(p->secret, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	rc = fd < 0 || fstat(fd, &st) ? -errno : !S_ISREG(st.st_mode) ? -EINVAL : 0;
	fd_close(fd);
	if (rc)
		snprintf(why, DDNS_WHY_LEN, "%s: cannot read %s: %s", key, p->secret,
			 strerror(-rc));
	else
		p->secret_open = st.st_mode & S_IROTH;
	return rc;
}

int ddns_find_program(const struct ddns_config *c, const char *instance, struct ddns_program *p,
		      char why[DDNS_WHY_LEN])
{
	const char *ovh[] = { p->path, *c->url ? c->url : ovh_urls[c->endpoint], c->zone, p->secret,
			      p->state };
	const char *rfc2136[] = { p->path, c->server, p->port, c->zone, p->secret };
	const size_t settings = sizeof(ovh) / sizeof(*ovh);

	p->is_helper = c->by != DDNS_EXEC;
	p->secret_open = false;
	p->n = p->is_helper ? settings : c->n_command;
	p->words = xcalloc(p->n + ARGUMENTS + 1, sizeof(*p->words));
	for (size_t i = 0; i < p->n; i++)
		p->words[i] = c->by == DDNS_EXEC ? c->command[i].text :
			      (char *)(c->by == DDNS_OVH ? ovh : rfc2136)[i];
	if (!p->is_helper)
		return 0;
	snprintf(p->port, sizeof(p->port), "%u", c->port ? ntohs(c->port) : DDNS_PORT);
	var_state_path(p->state, instance, "");
	return find_secret(ddns_secret_key(c), c->secret, p, why) ?:
	       find_helper(c->by == DDNS_OVH ? "wgxdp-ddns-ovh" : "wgxdp-ddns-rfc2136", p->path,
			   why);
}

/* ---- running ---- */

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
 * its environment. All its output goes to the descriptor `out`. */
static int start_program(char **words, int out, pid_t *ret)
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
	     posix_spawn_file_actions_adddup2(&files, out, 1) ?:
	     posix_spawn_file_actions_adddup2(&files, 1, 2);
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

/* Runs a program. ret_output: its output, which the caller frees; NULL: the output goes to our
 * standard output, because on standard error it would look like our messages. Returns its status as
 * from waitpid(), or -errno: -ETIME if it was killed because it took too long. */
static int run_program(char **words, char **ret_output)
{
	int out = ret_output ? memfd_create("output", MFD_CLOEXEC) : 1, unread = 0, rc;
	pid_t pid;
	size_t n;

	rc = start_program(words, out, &pid) ?: wait_for_end(pid);
	if (ret_output) {
		lseek(out, 0, SEEK_SET);
		unread = file_read_fd(out, OUTPUT_MAX, ret_output, &n);
		close(out);
	}
	return rc ?: unread;
}

/* Writes to `why` why the program failed. rc: what run_program() returned, not 0. */
static void explain(int rc, const char *program, char *output, char why[DDNS_WHY_LEN])
{
	if (output && rc > 0 && WIFEXITED(rc) && *output) {
		output[strcspn(output, "\n")] = '\0';
		snprintf(why, DDNS_WHY_LEN, "%s", output);
	} else if (rc == -ETIME) {
		snprintf(why, DDNS_WHY_LEN, "exec: the program %s was killed, because it took more than %d seconds",
			 program, PROGRAM_MS / 1000);
	} else if (rc < 0) {
		snprintf(why, DDNS_WHY_LEN, "exec: cannot run %s: %s", program, strerror(-rc));
	} else if (WIFSIGNALED(rc)) {
		snprintf(why, DDNS_WHY_LEN, "exec: the program %s was ended by signal %d", program,
			 WTERMSIG(rc));
	} else {
		snprintf(why, DDNS_WHY_LEN, "exec: the program %s failed with status %d", program,
			 WEXITSTATUS(rc));
	}
}

/* Takes a helper's output for a set: its records, each as ADDRESS TTL, and warnings. */
static void take_output(struct ddns_run *run, struct ddns_set *set, char *output)
{
	char word[ADDRESS_STRLEN], *line;
	struct address a;
	unsigned int ttl;

	while ((line = strsep(&output, "\n"))) {
		if (sscanf(line, "%63s %u", word, &ttl) == 2 && !address_parse(word, &a)) {
			*append(set->there, set->n_there) = a;
			set->other_ttl |= ttl != run->config->ttl;
		} else if (*line) {
			ddns_warn(run, "%s", line);
		}
	}
}

/* Runs the program for a set, whose words it appends: to write the wanted address or, for a helper,
 * to read the records. */
static void run_for_set(struct ddns_run *run, struct ddns_set *set, struct ddns_program *p)
{
	char address[ADDRESS_STRLEN], ttl[16], *output = NULL, why[DDNS_WHY_LEN];
	char *last[] = { (char *)set->name, (char *)ddns_type(set), address, ttl };
	int rc;

	address_format(&set->wanted, address);
	snprintf(ttl, sizeof(ttl), "%u", run->config->ttl);
	if (!run->writing)
		last[2] = NULL;
	memcpy(p->words + p->n, last, sizeof(last));
	rc = run_program(p->words, p->is_helper ? &output : NULL);
	if (!rc) {
		take_output(run, set, output);
	} else {
		explain(rc, p->words[0], output, why);
		if (p->is_helper && rc > 0 && WEXITSTATUS(rc) == HELPER_FAILED_FOR_ALL)
			ddns_fail_from(run, set, "%s", why);
		else
			ddns_fail(run, set, "%s", why);
	}
	free(output);
}

/* ---- reading ---- */

struct asking {
	struct dns *dns;
	size_t open;			/* DNS questions without an answer yet */
};

struct question {
	struct asking *of;
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
			/* Its TTL says nothing: the answer may come from a cache. */
			*append(q->set->there, q->set->n_there) = a;
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

static void ask_dns(struct ddns_run *run)
{
	struct question *questions = xcalloc(run->n_sets, sizeof(*questions));
	struct asking asking = { .open = run->n_sets };
	uv_loop_t loop;

	if (uv_loop_init(&loop) || dns_open(&loop, true, on_progress, &asking, &asking.dns)) {
		ddns_fail_from(run, run->sets, "exec: cannot ask DNS: /etc/resolv.conf cannot be read");
		free(questions);
		return;
	}
	for (size_t i = 0; i < run->n_sets; i++) {
		questions[i] = (struct question){ &asking, &run->sets[i], ARES_ETIMEOUT };
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

void ddns_read(struct ddns_run *run, struct ddns_program *p)
{
	if (!p->is_helper)
		ask_dns(run);
	for (size_t i = 0; i < run->n_sets && p->is_helper; i++)
		if (!run->sets[i].failed)
			run_for_set(run, &run->sets[i], p);
}

void ddns_write(struct ddns_run *run, struct ddns_program *p)
{
	if (run->config->by == DDNS_OVH)
		var_state_prepare(run->instance);
	for (size_t i = 0; i < run->n_sets; i++)
		if (run->sets[i].write && !run->sets[i].failed)
			run_for_set(run, &run->sets[i], p);
}

int ddns_check(const struct ddns_config *c, char why[DDNS_WHY_LEN])
{
	struct ddns_program p;
	char *output = NULL;
	int rc;

	if (c->by == DDNS_EXEC || (!strchr(c->secret, '/') && !getenv("CREDENTIALS_DIRECTORY")))
		return 0;
	rc = ddns_find_program(c, INSTANCE_DEFAULT, &p, why);
	if (!rc) {
		rc = run_program(p.words, &output);	/* without a set, it checks its settings */
		if (rc)
			explain(rc, p.words[0], output, why);
		rc = rc > 0 ? -EINVAL : rc;
	}
	free(output);
	free(p.words);
	return rc;
}

int ddns_import(const char *file, struct config **ret)
{
	char why[DDNS_WHY_LEN], *output = NULL;
	struct ddns_program p;
	char *words[] = { p.path, "import", p.secret, NULL };
	int rc = find_secret("import", file, &p, why) ?: find_helper("wgxdp-ddns-ovh", p.path, why);

	if (!rc) {
		rc = run_program(words, &output);
		if (rc)
			explain(rc, p.path, output, why);
	}
	if (rc)
		log_error("%s", why);
	else
		rc = config_parse(output, file, ret);
	free(output);
	return rc > 0 ? -EINVAL : rc;
}
