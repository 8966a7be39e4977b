/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The manual wgxdp-topology(5) has each key of the grammar in its section, with its words and its default, and no
 * other key. Its examples are valid. The test finds one thing missing or too much.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "topologies.h"
#include "gen/topology_keys.h"

#define HOSTS "every host"		/* a section for keys in the tables of all of them */
static const char *const host_tables[] = { "relays", "edges", "servers", "gateways", "clients", "roaming", "firewalls" };
#define N_HOSTS (sizeof(host_tables) / sizeof(*host_tables))

struct row {				/* a key of the grammar, or an item of the page */
	char section[32], name[32], text[1024];
	const struct yaml_key *key;	/* in the grammar */
};

static FILE *report;		/* receives the differences; /dev/null while a test expects some */

struct rows {
	struct row row[256];
	size_t n;
};

static struct row *add(struct rows *r, const char *section, const char *name)
{
	struct row *row = &r->row[r->n++];

	assert_true(r->n < sizeof(r->row) / sizeof(*r->row));
	*row = (struct row){};
	snprintf(row->section, sizeof(row->section), "%s", section);
	snprintf(row->name, sizeof(row->name), "%s", name);
	return row;
}

static const struct row *find(const struct rows *r, const char *section, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->row[i].section, section) && !strcmp(r->row[i].name, name))
			return &r->row[i];
	return NULL;
}

/* A provider's keys are those of the configuration */
static void grammar(struct rows *r, const char *section, const struct yaml_key *keys)
{
	for (; keys->name; keys++) {
		add(r, section, keys->name)->key = keys;
		if (keys->below && strcmp(keys->name, "provider"))
			grammar(r, keys->name, keys->below);
	}
}

static void page(struct rows *r, char *text)
{
	char section[32] = "", *line;
	struct row *row = NULL;

	while ((line = strsep(&text, "\n"))) {
		if (!strncmp(line, ".Sh ", 4) || !strncmp(line, ".Ss ", 4)) {
			snprintf(section, sizeof(section), "%.*s", (int)sizeof(section) - 1, !strncmp(line, ".Ss ", 4) ? line + 4 : "");
			row = NULL;
		} else if (*section && !strncmp(line, ".It Cm ", 7)) {
			row = add(r, section, line + 7);
		} else if (row) {
			size_t n = strlen(row->text);

			snprintf(row->text + n, sizeof(row->text) - n, "%s\n", line);
		}
	}
}

/* Returns whether the page has the word as a value: .Cm word */
static bool says(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; (text = strstr(text, ".Cm ")); text += 4)
		if (!strncmp(text + 4, word, n) && (!text[4 + n] || strchr(" \n", text[4 + n])))
			return true;
	return false;
}

static unsigned int check_item(const struct row *item, const struct yaml_key *key)
{
	bool required = strstr(item->text, "This key is required.\n");
	bool has_default = strstr(item->text, "\nThe default is") || strstr(item->text, "\nBy default");
	unsigned int bad = 0;

	if (required != key->required || has_default == required) {
		fprintf(report, "%s in %s: whether it is required, or else its default\n", item->name, item->section);
		bad++;
	}
	for (size_t i = 0; key->choices && key->choices[i]; i++)
		if (*key->choices[i] && !says(item->text, key->choices[i])) {
			fprintf(report, "%s in %s: %s may be written there, says the grammar alone\n", item->name, item->section, key->choices[i]);
			bad++;
		}
	return bad;
}

static bool in_all_hosts(const struct rows *r, const char *name)
{
	for (size_t i = 0; i < N_HOSTS; i++)
		if (!find(r, host_tables[i], name))
			return false;
	return true;
}

/* Returns the number of differences */
static unsigned int differ(const struct rows *keys, const struct rows *items)
{
	unsigned int bad = 0;

	for (size_t i = 0; i < keys->n; i++) {
		const struct row *key = &keys->row[i], *item = find(items, key->section, key->name);

		for (size_t j = 0; !item && j < N_HOSTS; j++)
			if (!strcmp(host_tables[j], key->section))
				item = find(items, HOSTS, key->name);
		if (item) {
			bad += check_item(item, key->key);
			continue;
		}
		fprintf(report, "%s in %s: in the grammar alone\n", key->name, key->section);
		bad++;
	}
	for (size_t i = 0; i < items->n; i++) {
		const struct row *item = &items->row[i];

		if (strcmp(item->section, HOSTS) ? find(keys, item->section, item->name) != NULL : in_all_hosts(keys, item->name))
			continue;
		fprintf(report, "%s in %s: in the page alone\n", item->name, item->section);
		bad++;
	}
	return bad;
}

static char *read_page(void)
{
	char *text;
	size_t n;

	assert_int_equal(yaml_read("docs/wgxdp-topology.5", &text, &n), 0);
	return text;
}

static unsigned int differences(const char *from, const char *to)
{
	struct rows *keys = calloc(1, sizeof(*keys)), *items = calloc(1, sizeof(*items));
	char *text = read_page(), *place = strstr(text, from), *other;
	unsigned int bad;

	assert_non_null(place);
	assert_true(asprintf(&other, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from)) > 0);
	grammar(keys, "topology", topology_keys);
	assert_uint_in_range(keys->n, 70, 200);
	page(items, other);
	bad = differ(keys, items);
	free(text);
	free(other);
	free(keys);
	free(items);
	return bad;
}

static void same_keys(void **state)
{
	report = stdout;
	assert_int_equal(differences("", ""), 0);
}

static void found(void **state)
{
	static const char *const list[][2] = {
		{ ".It Cm overlay", "" }, { ".It Cm proxy-ndp", ".It Cm proxy" }, { ".It Cm knock", ".It Cm frob\n.It Cm knock" },
		{ ".Cm pppoe", "pppoe" }, { "The default is 58000-60000.", "" }, { ".Ss exit", ".Ss exits" }, { ".It Cm mtu", ".It Cm mru" },
		{ ".It Cm link", ".It Cm blind\nA word.\nThe default is no.\n.It Cm link" },
		{ "This key is required.", "By default there is none." },
	};

	report = fopen("/dev/null", "w");
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (!differences(list[i][0], list[i][1]))
			fail_msg("nothing is found wrong with '%s' for '%s'", list[i][1], list[i][0]);
	fclose(report);
}

/* The examples under EXAMPLES (.Bd -literal), with \(dq for quotes */
static void examples(void **state)
{
	char *text = read_page(), *at = strstr(text, ".Sh EXAMPLES"), *quote;
	unsigned int n = 0;

	while (at && (at = strstr(at, ".Bd -literal"))) {
		char *start = strchr(at, '\n') + 1, *end = strstr(start, ".Ed");
		struct topology_state s = {};

		assert_non_null(end);
		*end = '\0';
		while ((quote = strstr(start, "\\(dq"))) {
			*quote = '"';
			memmove(quote + 1, quote + 4, strlen(quote + 4) + 1);
		}
		topology_free(assigned(start, &s));
		topology_state_free(&s);
		at = end + 1;
		n++;
	}
	assert_int_equal(n, 2);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(same_keys), cmocka_unit_test(found), cmocka_unit_test(examples) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
