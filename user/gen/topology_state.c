/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and writes the assignments of a topology as text, which later runs read again. Each line
 * has one assignment, in this order:
 *
 *	overlay fd12:3456:789a::/48	given or made. So are tunnels and mesh.
 *	site a a			The subnet is hexadecimal, as in the address.
 *	end a a				number in tunnels and mesh: the site's first subnet
 *	relay relay 1			number of the relay.
 *	host a edge-a1 1		The number of a host counts in its site, or behind its
 *					gateway. That of a server is its token: ::10 is 16.
 *
 * A host that left the topology stays here: no other host gets its number, and it gets the same
 * when it is back. Remove its line to forget it. Lines that begin with # are ignored.
 */
#include <errno.h>
#include <string.h>
#include "lib/grow.h"
#include "gen/topology_state.h"

#define WORDS_MAX 4
#define LINE_MAX_TOLD 60

static const char head[] = "# The numbers and prefixes that `wgxdp gen hosts` assigned. Keep this "
	"file: without it, all addresses would change. See wgxdp-topology(5).\n";

/* ---- from text ---- */

static struct prefix *prefix_named(struct topology_state *s, const char *word)
{
	return !strcmp(word, "overlay") ? &s->overlay : !strcmp(word, "tunnels") ? &s->tunnels :
	       !strcmp(word, "mesh") ? &s->mesh : NULL;
}

static int number_parse(const char *text, int base, unsigned int *ret)
{
	if (!*text || strlen(text) > 5 ||
	    strspn(text, base == 16 ? "0123456789abcdef" : "0123456789") != strlen(text))
		return -EINVAL;
	*ret = strtoul(text, NULL, base);
	return *ret <= TOPOLOGY_NUMBER_MAX ? 0 : -EINVAL;
}

/* Parses one line of the state, split into n words. Returns 0, or -EINVAL if it is malformed. */
static int parse_line(struct topology_state *s, char *words[], size_t n)
{
	struct prefix *prefix = prefix_named(s, words[0]), p;
	bool site = !strcmp(words[0], "site"), end = !strcmp(words[0], "end");
	bool relay = !strcmp(words[0], "relay");
	const char *scope = site ? SCOPE_SITES : end ? SCOPE_ENDS : relay ? SCOPE_RELAYS : words[1];
	unsigned int number;

	if (prefix) {
		if (n != 2 || prefix_parse(words[1], &p) || p.family != FAMILY_IPV6 ||
		    p.len > (prefix == &s->overlay ? OVERLAY_LONGEST : ENDS_LONGEST))
			return -EINVAL;
		*prefix = p;
		return 0;
	}
	if (n != (site || end || relay ? 3 : 4) || (n == 4 && strcmp(words[0], "host")) ||
	    number_parse(words[n - 1], site || end ? 16 : 10, &number) || strchr(words[1], '/') ||
	    strchr(words[n - 2], '/') || strlen(words[1]) >= TOPOLOGY_NAME ||
	    strlen(words[n - 2]) >= TOPOLOGY_NAME || topology_kept(s, scope, words[n - 2]) ||
	    topology_keeper(s, scope, number))
		return -EINVAL;
	topology_keep(s, scope, words[n - 2], number);
	return 0;
}

int topology_state_parse(const char *text, const char *name, struct topology_state *ret)
{
	struct topology_state s = {};
	unsigned int line = 0;
	int r = 0;

	while (*text && !r) {
		size_t n = strcspn(text, "\n"), n_words = 0;
		char *copy = xstrndup(text, n), *rest = copy, *words[WORDS_MAX + 1], *word;

		line++;
		while (n_words <= WORDS_MAX && (word = strsep(&rest, " \t\r")))
			if (*word)
				words[n_words++] = word;
		if (n_words && *words[0] != '#')
			r = parse_line(&s, words, n_words);
		if (r)
			fprintf(stderr, "%s:%u: error: '%.*s' is not a valid line, or is there "
				"twice: restore the file, or write a line such as `site a a` or "
				"`host a edge-a1 1`\n", name, line,
				n < LINE_MAX_TOLD ? (int)n : LINE_MAX_TOLD, text);
		free(copy);
		text += n + (text[n] == '\n');
	}
	if (r)
		topology_state_free(&s);
	else
		*ret = s;
	return r;
}

/* ---- to text ---- */

static void put_prefix(FILE *out, const char *name, const struct prefix *p)
{
	char text[ADDRESS_STRLEN];

	if (p->family)
		fprintf(out, "%s %s\n", name, prefix_format(p, text));
}

void topology_state_write(const struct topology_state *s, FILE *out)
{
	fputs(head, out);
	put_prefix(out, "overlay", &s->overlay);
	put_prefix(out, "tunnels", &s->tunnels);
	put_prefix(out, "mesh", &s->mesh);
	for (size_t i = 0; i < s->n_kept; i++) {
		const struct topology_kept *k = &s->kept[i];

		if (!strcmp(k->scope, SCOPE_SITES))
			fprintf(out, "site %s %x\n", k->name, k->number);
		else if (!strcmp(k->scope, SCOPE_ENDS))
			fprintf(out, "end %s %x\n", k->name, k->number);
		else if (!strcmp(k->scope, SCOPE_RELAYS))
			fprintf(out, "relay %s %u\n", k->name, k->number);
		else
			fprintf(out, "host %s %s %u\n", k->scope, k->name, k->number);
	}
}

void topology_state_free(struct topology_state *s)
{
	free(s->kept);
	*s = (struct topology_state){ .random = s->random };
}

/* ---- what is kept ---- */

struct topology_kept *topology_kept(const struct topology_state *s, const char *scope,
				    const char *name)
{
	for (size_t i = 0; i < s->n_kept; i++)
		if (!strcasecmp(s->kept[i].name, name) && !strcasecmp(s->kept[i].scope, scope))
			return &s->kept[i];
	return NULL;
}

struct topology_kept *topology_keeper(const struct topology_state *s, const char *scope,
				      unsigned int number)
{
	for (size_t i = 0; i < s->n_kept; i++)
		if (s->kept[i].number == number && !strcasecmp(s->kept[i].scope, scope))
			return &s->kept[i];
	return NULL;
}

void topology_keep(struct topology_state *s, const char *scope, const char *name,
		   unsigned int number)
{
	struct topology_kept *k = append(s->kept, s->n_kept);

	strcpy(k->scope, scope);
	strcpy(k->name, name);
	k->number = number;
}

void topology_forget(struct topology_state *s, struct topology_kept *k)
{
	memmove(k, k + 1, (char *)(s->kept + --s->n_kept) - (char *)k);
}
