/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp gen hosts: generates all hosts' files from a topology and from the state of earlier runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "gen/gen_files.h"
#include "gen/gen_host.h"
#include "gen/gen_keys.h"
#include "lib/log.h"
#include "lib/memory.h"

#define ASSIGNED GEN_STATE "assigned"
#define HOSTS GEN_STATE "hosts"

/* Generators that run for every host. gen_readme() lists the files of those before it. */
static gen_kind *const kinds[] = {
	gen_wireguard, gen_nft, gen_radvd, gen_keepalived, gen_networkd, gen_sysctl, gen_wgxdp,
		gen_bird, gen_units, gen_uci, gen_readme,
};

static void generate(const struct gen *g)
{
	for_each_host(h, g->t) {
		gen_warn_endpoint(g->t, h);
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			kinds[k](g, h);
	}
	gen_zone(g);
	gen_prometheus(g);
	gen_rollout(g);
}

/* Reads the numbers of earlier runs, assigns missing ones, and adds their file to the set. */
static int assign(struct topology *t, struct gen_files *f, int dir, const char *directory,
		  enum gen_how how)
{
	struct topology_state state = { 0 };
	struct tree_file is = { 0 };
	char *name = xasprintf("%s/" ASSIGNED, directory);
	int rc = gen_files_read(dir, directory, ASSIGNED, &is);

	rc = rc == -ENOENT ? 0 : rc ?: topology_state_parse(is.text, name, &state);
	rc = rc ?: topology_assign(t, &state);
	if (!rc)
		topology_state_write(&state, gen_file(f, 0600, ASSIGNED));
	if (!rc && state.made && !GEN_WRITES(how))
		log_info("overlay, tunnels and mesh are random unless the topology gives them: the "
			 "run that writes the files makes other ones, and then keeps them");
	return rc;
}

/* Reports each site whose prefix is another one than in the run before. */
static void tell_former(const struct topology *t)
{
	char text[2][ADDRESS_STRLEN];

	for_each_site(s, t)
		if (s->former.family)
			log_info("the prefix of site %s changes from %s to %s, which ends its "
				 "connections: follow 'Change a prefix' in an edge router's "
				 "README.md", s->name, prefix_format(&s->former, text[0]),
				 prefix_format(&s->prefix, text[1]));
}

static bool has_host(const struct topology *t, const char *name)
{
	for_each_host(h, t)
		if (!strcasecmp(h->name, name))
			return true;
	return false;
}

/* Writes the list of all hosts. A host that left the topology stays in it, and is reported, until
 * `rollout --remove` removes its line. */
static int list_hosts(const struct topology *t, struct gen_files *f, int dir, const char *directory)
{
	struct tree_file is = { 0 };
	int rc = gen_files_read(dir, directory, HOSTS, &is);
	FILE *out = gen_file(f, 0600, HOSTS);

	for_each_host(h, t)
		fprintf(out, "%s\n", h->name);
	for (char *at = is.text, *name; at && (name = strsep(&at, "\n"));) {
		if (!*name || has_host(t, name))
			continue;
		fprintf(out, "%s\n", name);
		log_info("%s left the topology, and may still be configured: run %s/rollout "
			 "--remove %s, or remove its line from %s/" HOSTS, name, directory, name,
			 directory);
	}
	free(is.text);
	return rc == -ENOENT ? 0 : rc;
}

static int make_hosts(struct topology *t, int dir, const char *directory, enum gen_how how,
		      size_t *ret_differs)
{
	struct gen_files *f = gen_files_new();
	struct gen g = { t, f, NULL };
	int rc = assign(t, f, dir, directory, how) ?: list_hosts(t, f, dir, directory) ?:
		 gen_keys_read(t, dir, directory, GEN_WRITES(how), &g.keys);

	if (rc)
		return rc;
	tell_former(t);
	generate(&g);
	return gen_keys_keep(g.keys, f) ?: gen_files_bring(f, dir, directory, how, ret_differs);
}

/* Opens the directory. Sets *ret to -1 if it is missing and `how` writes nothing: it then counts as
 * empty. */
static int open_directory(const char *directory, enum gen_how how, struct tree_made *made, int *ret)
{
	int rc = tree_open(directory, GEN_WRITES(how) ? made : NULL, ret);

	if (rc == -ENOENT && !GEN_WRITES(how)) {
		*ret = -1;
		return 0;
	}
	if (rc)
		log_error("cannot %s %s: %s", GEN_WRITES(how) ? "write to" : "read", directory,
			  strerror(-rc));
	else
		/* two runs at once would make two keys for a host */
		flock(*ret, LOCK_EX);
	return rc;
}

int gen_hosts(const char *topology, const char *directory, enum gen_how how)
{
	struct tree_made made = { 0 };
	struct topology *t = NULL;
	size_t differs = 0;
	int dir, rc;

	if (topology_read(topology, &t))
		return EXIT_USAGE;
	umask(0);		/* our modes apply exactly */
	rc = open_directory(directory, how, &made, &dir) ?:
	     make_hosts(t, dir, directory, how, &differs);
	tree_end(AT_FDCWD, &made, !rc);
	if (rc)
		return GEN_WRITES(how) && rc != -EINVAL ? EXIT_FAILED : EXIT_USAGE;
	if (!differs)
		log_info("%s: all files are up to date", directory);
	return !GEN_WRITES(how) && differs ? EXIT_FAILED : EXIT_DONE;
}
