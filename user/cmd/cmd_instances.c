/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp instances: prints the instances of this host.
 */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include "cmd/command.h"
#include "dataplane/dataplane.h"
#include "instance/follower.h"
#include "instance/run_state.h"
#include "lib/document.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "show/show.h"

struct name {
	char text[INSTANCE_LEN];
};

struct names {
	struct name *list;
	size_t n;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Adds the names of the instances' directories in `path`. Returns 0 or -errno (reported). */
static int add_names(struct names *names, const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (!directory && errno != ENOENT) {
		rc = -errno;
		log_error("cannot read %s: %s%s", path, strerror(-rc),
			  rc == -EACCES ? ": run as root" : "");
	}
	while (!rc && directory && (entry = readdir(directory)))
		if (instance_valid(entry->d_name))
			strcpy(append(names->list, names->n)->text, entry->d_name);
	return rc;
}

static void show_interfaces(struct node row, const struct dataplane *dp)
{
	struct node list = document_list(row, "interfaces");
	struct link *links = NULL;
	char name[IFNAMSIZ];
	size_t n = 0;

	if (!dp || dp->elsewhere || dataplane_links(dp, &links, &n))
		n = 0;
	for (size_t i = 0; i < n; i++)
		if (links[i].role && if_indextoname(links[i].ifindex, name))
			document_append(list, name);
}

/* Adds a row for an instance that is up or has a daemon, and sets *ret_any. Skips an instance of
 * which only the directory is left. Returns 0, or -errno after printing an error. */
static int show_instance(struct node list, const char *instance, bool json, bool *ret_any)
{
	bool up = pins_exist(instance) > 0;
	struct dataplane *dp = NULL;
	struct config *c = NULL;
	__s64 since;
	int rc = up ? dataplane_open(instance, &dp) : 0;

	if (!rc && (up || follower_runs(instance, &since))) {
		struct node row = document_row(list);

		*ret_any = true;
		if (run_state_read(instance, &c))
			c = NULL;
		document_text(row, "name", instance);
		document_text(row, "state", !up ? "up without a data path" : !dp->elsewhere ? "up" :
			      "up in another network namespace");
		show_interfaces(row, dp);
		document_number_if(row, "services", c, c ? c->n_services : 0);
		document_number_if(row, "peers", c, c ? c->n_peers : 0);
		show_follower(row, instance, c, json);
	}
	dataplane_close(dp);
	return rc;
}

static int run_instances(const struct global *g, int argc, char **argv)
{
	struct names names = { 0 };
	struct document *d = document_new();
	struct node list = document_list(document_root(d), "instances");
	bool json = false, any = false;
	int rc, failed = 0;	/* failed: the error of an instance; the others are printed */

	if (!options_parse(&instances_command, argc, argv, &json, NULL))
		return EXIT_USAGE;
	rc = add_names(&names, PINS_DIR) ?: add_names(&names, RUN_STATE_DIR);
	if (rc)
		return EXIT_FAILED;
	qsort(names.list, names.n, sizeof(*names.list), compare_names);
	for (size_t i = 0; i < names.n; i++)
		if (!i || strcmp(names.list[i].text, names.list[i - 1].text))
			failed = show_instance(list, names.list[i].text, json, &any) ?: failed;
	if (!failed && !json && !any)
		puts("no instance is up");
	if (json)
		document_print_json(d, stdout);
	else
		document_print(d, stdout);
	return failed ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_option options[] = {
	JSON_OPTION(0),
	{ 0 },
};

const struct command instances_command = {
	.name = "instances",
	.summary = "print the instances of this host",
	.usage = "[-j|--json]",
	.about = "Prints each instance that is up or has a daemon: its interfaces, and how many services and peers it has. It also prints whether its daemon runs, and whether the file has the running configuration.",
	.run = run_instances,
	.options = options,
	.only_prints = true,
};
