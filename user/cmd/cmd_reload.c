/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp reload: what runs is brought to what the file says, and what differs is told.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "instance/apply.h"
#include "cmd/command.h"
#include "config/config_diff.h"
#include "lib/heap.h"
#include "lib/log.h"
#include "instance/running.h"
#include "instance/state.h"
#include "instance/try.h"

const char reload_help[] =
	"[-c FILE] [--dry-run]\n\n"
	"Brings what runs to what the file says, as `up` does, and prints what differs: lines that go with -, lines that come with\n"
	"+. Services that were made or changed by hand and that the file does not have so are named. With nothing up it fails.\n\n"
	"  -c, --config FILE  default " CONFIG_DEFAULT "; - is standard input\n"
	"  --dry-run          only print\n";

struct arguments {
	const char *file;
	bool dry;
};

static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "dry-run", no_argument, NULL, 'n' }, { 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (option == 'c') {
			a->file = optarg;
		} else if (option == 'n') {
			a->dry = true;
		} else {
			option_error("reload", option, argv);
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	log_error("reload: %s: not an option; a file is named by -c", argv[optind]);
	return -EINVAL;
}

static bool same_service(const struct service_config *a, const struct service_config *b)
{
	struct service_config one = *a;
	struct config x = { .services = &one, .n_services = 1 }, y = { .services = (struct service_config *)b, .n_services = 1 };
	FILE *nowhere = fopen("/dev/null", "we");
	bool same;

	one.by_hand = b->by_hand;
	same = nowhere && !config_diff(&x, &y, nowhere);
	if (nowhere)
		fclose(nowhere);
	return same;
}

/* What somebody did by hand, and perhaps has forgotten */
static void name_handmade(const struct config *old, const struct config *new, bool dry)
{
	for (size_t i = 0; i < old->n_services; i++) {
		const struct service_config *s = &old->services[i], *now = config_service(new, s->name);

		if (s->by_hand && !now)
			log_warning("service %s was made by hand, and the file does not have it: %s", s->name,
				    dry ? "`reload` would remove it" : "removed");
		else if (s->by_hand && !same_service(s, now))
			log_warning("service %s was changed by hand, and the file has it otherwise: %s", s->name,
				    dry ? "`reload` would undo that" : "undone");
	}
}

static void tell_difference(const struct config *old, const struct config *new, bool dry)
{
	if (!config_diff(old, new, stdout))
		puts("nothing differs");
	fflush(stdout);
	name_handmade(old, new, dry);
}

/* What differs is told without the lock: a pager, which reads as its user does, would hold up every other command and the daemon */
static int reload(const char *instance, const struct arguments *a, struct config *new)
{
	struct config *old = NULL;
	int lock = state_lock(instance), rc = lock < 0 ? lock : running_read(instance, &old);

	if (!rc && new->mode == MODE_AUTO)
		new->mode = old->mode;
	if (!rc && !a->dry) {
		rc = apply(instance, new);
		if (rc)
			state_note_failure(instance);
		else
			try_keep(instance);
	}
	if (lock >= 0)
		close(lock);
	if (old && (a->dry || !rc))
		tell_difference(old, new, a->dry);
	config_free(old);
	return rc;
}

int cmd_reload(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .file = CONFIG_DEFAULT };
	struct config *new = NULL;
	int rc;

	if (parse(argc, argv, &a))
		return EXIT_USAGE;
	rc = pins_exist(g->instance);
	if (rc <= 0) {
		if (!rc)
			running_not_up(g->instance);
		return EXIT_FAILED;
	}
	heap_for_file(a.file);
	rc = config_read(a.file, &new);
	if (rc && !a.dry)
		state_note_failure(g->instance);
	if (rc)					/* before the lock is taken: standard input may be another command's output */
		return EXIT_USAGE;
	rc = reload(g->instance, &a, new);
	config_free(new);
	return rc ? EXIT_FAILED : EXIT_DONE;
}
