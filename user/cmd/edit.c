/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Changes the running configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "instance/apply.h"
#include "config/config_check.h"
#include "config/config_diff.h"
#include "lib/file.h"
#include "lib/log.h"
#include "cmd/command.h"
#include "config/service_args.h"
#include "instance/run_state.h"
#include "lib/text.h"

int edit_parse_prefix(const char *what, const char *text, struct prefix *ret)
{
	const char *why = prefix_wrong(text);

	if (why)
		log_error("%s: '%s' %s", what, text, why);
	return why ? -EINVAL : prefix_parse(text, ret);
}

int edit_check_options(const struct edit *e, bool given)
{
	const char *command = e->command->name;
	bool set = !strcmp(e->verb, "set");

	if (given && !set && strcmp(e->verb, "add"))
		log_error("%s %s: this command takes no options: remove them", command, e->verb);
	else if (!given && set)
		log_error("%s set %s: no change is given: add an option; `wgxdp %s --help` lists the options",
			  command, e->name, command);
	else
		return 0;
	return -EINVAL;
}

/* Reports an error in the changed configuration by the option that caused it. */
static void report_option(void *data, const struct config_place *place, const char *text)
{
	const struct edit *e = data;
	const struct edit_option *o = e->options;

	while (o && o->path && !strstr(place->path, o->path))
		o++;
	log_error("%s %s %s: %s%s", e->command->name, e->verb, e->name,
		  o && o->path ? o->option : "", without_key(text));
}

/* Applies the changed configuration, unless it is the same. *ret_text: the changes, in lines; NULL:
 * there are none. */
static int apply_changes(const struct edit *e, const struct config *before, const struct config *c,
			 const char *instance, char **ret_text)
{
	size_t n;
	FILE *out = text_open(ret_text, &n);
	bool differs = config_changes(before, c, out);
	int rc;

	fclose(out);
	log_no_info();
	rc = differs ? apply(instance, c) : 0;
	if (rc || !differs)
		*ret_text = NULL;
	return rc;
}

int edit_running(const struct global *g, struct edit *e)
{
	int lock = run_state_lock(g->instance), status = EXIT_FAILED;
	struct config *before = NULL, *c = NULL;
	char *text = NULL;

	if (lock < 0 || running_read(g->instance, &before) || running_read(g->instance, &c) ||
	    e->change(e, c, g->instance))
		goto cleanup;
	c->by_command = true;
	status = EXIT_USAGE;
	if (config_check_each(c, 0, report_option, e))
		goto cleanup;
	status = apply_changes(e, before, c, g->instance, &text) ? EXIT_FAILED : EXIT_DONE;
cleanup:
	fd_close(lock);
	/* without the lock: a pager that waits for its user would block other commands */
	if (text)
		fputs(text, stdout);
	else if (status == EXIT_DONE)
		printf("%s %s: nothing changed\n", e->command->name, e->name);
	return status;
}
