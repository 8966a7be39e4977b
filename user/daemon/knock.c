/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The effects of a knock: writes the file, and runs the program.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include "daemon/tasks.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/timer.h"
#include "net/netlink.h"
#include "lib/paths.h"

struct run {
	uv_process_t process;
	uv_timer_t limit;
	char program[sizeof(((struct ddns_text *)NULL)->text)];
	int open;			/* number of open handles */
	char *words[];			/* the program and its arguments, ended by NULL */
};

static struct run *running;		/* the running program; NULL: none */

/* Reads this host's addresses at most once a second, because anyone can send knocks. */
bool knock_is_for_us(const struct address *to, uint64_t now_ms)
{
	static struct nl_address *list;
	static uint64_t asked;
	static size_t n;
	bool ours = false;

	if (!asked || now_ms - asked >= 1000) {
		free(list);
		list = NULL;
		asked = now_ms;
		if (nl_addresses(&list, &n))
			n = 0;
	}
	for (size_t i = 0; i < n; i++)
		ours |= address_equal(&list[i].local, to);
	return ours;
}

void knock_note(const char *instance, const struct address *from, __be16 port)
{
	char path[RUN_STATE_PATH_LEN], text[ADDRESS_STRLEN];
	FILE *out;

	run_state_path(path, instance, "knocked");
	out = fopen(path, "we");
	if (!out || fprintf(out, "%s %u\n", address_format(from, text), ntohs(port)) < 0 ||
	    fflush(out))
		log_warning("cannot write %s: %s", path, strerror(errno));
	if (out)
		fclose(out);
}

static void on_closed(uv_handle_t *handle)
{
	struct run *r = handle->data;

	if (!--r->open)
		free(r);
}

static void close_run(struct run *r)
{
	running = NULL;
	uv_close((uv_handle_t *)&r->process, on_closed);
	uv_close((uv_handle_t *)&r->limit, on_closed);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
	struct run *r = process->data;

	if (signal)
		log_event("knock: the command %s was ended by signal %d", r->program, signal);
	else if (status)
		log_event("knock: the command %s ended with status %d", r->program, (int)status);
	close_run(r);
}

static void on_limit(uv_timer_t *timer)
{
	struct run *r = timer->data;

	log_event("knock: the command %s was killed, because it ran for %d s", r->program, KNOCK_SECONDS);
	kill(-r->process.pid, SIGKILL);		/* the signal also ends its children */
}

static int spawn_program(uv_loop_t *loop, const struct learn_config *c, const struct passwd *user,
			 struct run *r)
{
	static char *environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	uv_process_options_t options = {
		.exit_cb = on_exit_of, .file = c->command[0].text, .env = environment, .cwd = "/",
		.flags = UV_PROCESS_SETUID | UV_PROCESS_SETGID | UV_PROCESS_DETACHED,
		.uid = user->pw_uid, .gid = user->pw_gid,
	};

	for (size_t i = 0; i < c->n_command; i++)
		r->words[i] = (char *)c->command[i].text;
	options.args = r->words;
	/* All three standard descriptors are /dev/null. */
	return uv_spawn(loop, &r->process, &options);
}

void knock_run(uv_loop_t *loop, const struct learn_config *c)
{
	const char *name = *c->user ? c->user : KNOCK_USER;
	const struct passwd *user = getpwnam(name);
	size_t size = sizeof(struct run) + (c->n_command + 1) * sizeof(char *);
	struct run *r;
	int rc;

	if (running || !user) {
		log_event("knock: the command %s is not run: %s", c->command[0].text,
			  running ? "the last program still runs" :
			  "its user does not exist: correct user");
		return;
	}
	r = xcalloc(1, size);
	strcpy(r->program, c->command[0].text);
	timer_init(loop, &r->limit, r);
	r->process.data = r;
	r->open = 2;
	rc = spawn_program(loop, c, user, r);
	if (rc) {
		log_error("knock: cannot run the command %s as user %s: %s%s",
			  r->program, name, uv_strerror(rc),
			  rc != UV_EPERM ? "" : ": under systemd, use wgxdp-knock.path instead of `command:`");
		close_run(r);
		return;
	}
	running = r;
	uv_timer_start(&r->limit, on_limit, KNOCK_SECONDS * 1000, 0);
}
