/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp schema: prints the grammar of the configuration or of topologies as JSON Schema, for
 * editors.
 */
#include "cmd/command.h"
#include "lib/log.h"

#ifdef WITH_GEN
#include <string.h>
#include "config/config.h"
#include "gen/topology_keys.h"
#include "lib/yaml.h"

struct key_about {
	const char *section, *key, *text;
};

#include "keys.h"

/* The pages have a section of the root in front of the sections within it, and several of these may
 * have the same name. */
static const char *find(const struct key_about *list, size_t n, const char *section,
			const char *key)
{
	static size_t root;	/* row of the section of the root that was asked for last */

	for (size_t i = 0; i < n; i++) {
		const struct key_about *a = &list[(root + i) % n];

		if (strcmp(a->section, section) || strcmp(a->key, key))
			continue;
		if (!*section)
			root = a - list;
		return a->text;
	}
	return NULL;
}

#define FIND(list, section, key) find(list, sizeof(list) / sizeof(*list), section, key)

/* The section "lists" describes mappings that are entries of several keys. */
static const char *about_config(const char *section, const char *key)
{
	return FIND(config_keys_about, section, key) ?: FIND(config_keys_about, "lists", key);
}

/* A topology has some sections of the configuration, such as those of DNS providers. */
static const char *about_topology(const char *section, const char *key)
{
	return FIND(topology_keys_about, *section ? section : "topology", key) ?:
	       FIND(topology_keys_about, "every host", key) ?: about_config(section, key);
}

static int run_schema(const struct global *g, int argc, char **argv)
{
	int n;
	char **words = options_parse(&schema_command, argc, argv, NULL, &n);
	const char *what = words && n ? command_word(&schema_command, words) : "config";

	if (!words || !what)
		return EXIT_USAGE;
	if (n > 1) {
		log_error("schema: %s: no word is expected here: remove it", words[1]);
		return EXIT_USAGE;
	}
	if (!strcmp(what, "topology"))
		yaml_write_schema(stdout, topology_keys, "topology of wgxdp", about_topology);
	else
		yaml_write_schema(stdout, config_grammar(), "configuration of wgxdp", about_config);
	return EXIT_DONE;
}

const struct command schema_command = {
	.name = "schema",
	.summary = "print the keys of the configuration as JSON Schema, for an editor",
	.usage = "[config | topology]",
	.about = "Prints the grammar of the configuration, or of topologies, as JSON Schema (draft-07). An editor with yaml-language-server completes keys with it, shows what they mean, and marks mistakes. It does not find contradictions between keys: `wgxdp check` does.",
	.run = run_schema,
	.words = (const struct command_word[]){ { "config" }, { "topology" }, { 0 } },
	.only_prints = true,
};
#else
static int run_schema(const struct global *g, int argc, char **argv)
{
	log_error("schema: this program was built without the generator (WITH_GEN=0): print the schema on another host");
	return EXIT_USAGE;
}

const struct command schema_command = {
	.name = "schema",
	.summary = "not available: this program was built without the generator (WITH_GEN=0)",
	.usage = "",
	.about = "This program was built without the generator (WITH_GEN=0): print the schema on another host.",
	.run = run_schema,
};
#endif
