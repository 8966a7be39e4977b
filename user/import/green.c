/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Loads the rules of another host into a network namespace, the green room, by the programs that
 * wrote them. A rehearsal then copies the namespace as if it were this host.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "config/config_check.h"
#include "import/green.h"
#include "lib/gen_run.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/text.h"
#include "rehearsal/rehearsal.h"

#define LEFT_OUT_MAX 64			/* lines that a program refuses, at most */
#define LINKS_MAX 64			/* interfaces that are made, at most */

/* ---- names of interfaces ---- */

/* Adds a name. A name with a wildcard becomes one that the wildcard stands for. */
static void add_name(struct green *g, const char *text, size_t n)
{
	char name[IFNAMSIZ];

	if (!n || n >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)n, text);
	if (strchr("*+", name[n - 1]))
		name[n - 1] = '0';
	if (!is_interface_name(name) || !strcmp(name, "lo") || g->n_names >= LINKS_MAX)
		return;
	for (size_t i = 0; i < g->n_names; i++)
		if (!strcmp(g->names[i], name))
			return;
	strcpy(*append(g->names, g->n_names), name);
}

static bool is_word(const char *text, size_t n, const char *list)
{
	for (size_t len; *list; list += len, list += strspn(list, " ")) {
		len = strcspn(list, " ");
		if (len == n && !memcmp(list, text, n))
			return true;
	}
	return false;
}

void green_find_names(struct green *g, const char *s, const char *keywords, bool quoted)
{
	static const char filler[] = "key left right op set = == != in meta prefix addr";
	enum { NO, WANTED, IN_BRACKETS } state = NO;
	bool separated = true, set = false;

	while (*s) {
		bool mark = *s == '"';
		size_t n = mark ? strcspn(++s, "\"") : strcspn(s, " \t\r\n\"{}[](),;:");

		if (!n && !mark) {
			if (state == WANTED && strchr("{[", *s))
				state = IN_BRACKETS;
			else if ((state == IN_BRACKETS && strchr("}]", *s)) ||
				 (state == WANTED && quoted && *s == '\n' && !set))
				state = NO;
			separated |= strchr("{[,", *s) != NULL;
			s++;
			continue;
		}
		if (is_word(s, n, keywords)) {
			set = is_word(s, n, "ifname");
			state = WANTED;
		} else if (state == WANTED && !is_word(s, n, filler) && mark >= quoted) {
			add_name(g, s, n);
			state = NO;
		} else if (state == IN_BRACKETS && separated && mark >= quoted &&
			   !is_word(s, n, filler)) {
			add_name(g, s, n);
		}
		separated = is_word(s, n, ".");
		s += n + (mark && s[n]);
	}
}

/* Finds the interfaces that must exist before the rules can be loaded. */
static void names_before(struct green *g)
{
	for (size_t i = 0; i < g->im->n_texts; i++)
		green_find_names(g, g->im->texts[i].text, "iif oif device devices dev", false);
}

/* Finds all interfaces that the loaded rules name. */
static void names_after(struct green *g)
{
	static const struct {
		const char *command, *keywords;
		bool quoted;
	} lists[] = {
		{ "nft -s -t list ruleset 2> /dev/null", "iif iifname oif oifname device devices", true },
		{ "nft -s list sets 2> /dev/null", "ifname", true },
		{ "nft -s list maps 2> /dev/null", "ifname", true },
		{ "iptables-legacy-save 2> /dev/null", "-i -o", false },
		{ "ip6tables-legacy-save 2> /dev/null", "-i -o", false },
	};
	size_t n;
	FILE *all = text_open(&g->text, &n);

	g->n_names = 0;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		bool asks = i < 3 ? !i || strstr(g->text, "type ifname") :
				    !access("/proc/net/ip_tables_names", F_OK);
		char *text = asks ? output_of(lists[i].command) : NULL;

		if (text)
			green_find_names(g, text, lists[i].keywords, lists[i].quoted);
		fputs(i == 1 || i == 2 || !text ? "" : text, all);
		fflush(all);
		free(text);
	}
	fclose(all);
}

/* ---- loading ---- */

/* Returns the number behind the word "line" in an error. */
static size_t line_of(const char *said)
{
	const char *at = strstr(said, "line");

	return at ? strtoul(at + 4 + strspn(at + 4, ": "), NULL, 10) : 0;
}

static char *find_line(char *text, size_t number)
{
	while (--number && (text = strchr(text, '\n')))
		text++;
	return text;
}

/* Loads a text whose lines have the numbers of the file. A line that the program refuses is left
 * out, and named. */
static int restore(struct green *g, char **words, char *text, const char *file)
{
	char *said, *line;
	int rc = 1;

	for (int tries = 0; rc > 0 && tries < LEFT_OUT_MAX; tries++) {
		size_t number;

		rc = green_program(words, text, strlen(text), &said);
		number = rc > 0 ? line_of(said) : 0;
		line = number ? find_line(text, number) : NULL;
		if (rc > 0 && (!line || !strchr("-:ac[", *line) || tries + 1 == LEFT_OUT_MAX)) {
			log_error("%s: %s cannot load these rules: %.*s", file, words[0],
				  (int)strcspn(said, "\n"), said);
			rc = -EINVAL;
		} else if (rc > 0) {
			import_lose(&g->im->lost, "%s:%zu: import has left out this line: %.*s: "
				    "%.*s", file, number, (int)strcspn(line, "\n"), line,
				    (int)strcspn(said, "\n"), said);
			*line = '#';
		}
		free(said);
	}
	return rc;
}

/* ---- iptables, scripts ---- */

struct section {			/* the lines of a table, between "*TABLE" and "COMMIT" */
	char program[32], *text;
	size_t n;
	FILE *out;			/* NULL: no table is open */
	unsigned int lines;		/* lines in .out */
};

/* Returns whether text without the head of iptables-save is of ip6tables: the file's name says so,
 * or it has the address of an IPv6 host. */
static bool is_ipv6(const struct import_text *t)
{
	return strstr(t->name, "ip6tables") || strstr(t->name, "v6") ||
	       strstr(t->text, "-p ipv6-icmp") || strstr(t->text, "::/");
}

/* Chooses the program by the comment that each variant of iptables-save writes. Another comment
 * stands in place of a table that iptables cannot write. */
static void read_comment(struct green *g, struct section *s, const char *line)
{
	const char *head = strstr(line, "Generated by ip");
	bool has_nft = false;

	for (size_t i = 0; i < g->im->n_texts; i++)
		has_nft |= g->im->texts[i].kind == IMPORT_NFT_JSON ||
			   g->im->texts[i].kind == IMPORT_NFT;
	if (strstr(line, "is incompatible") && !has_nft)
		import_lose(&g->im->lost, "iptables-save left out a table that iptables cannot "
			    "write: give import the output of `nft list ruleset`, too");

	if (head)
		snprintf(s->program, sizeof(s->program), "ip%s%s-restore",
			 !strncmp(head + 15, "6tables", 7) ? "6tables" : "tables",
			 strstr(head, "(nf_tables)") ? "-nft" : "-legacy");
}

static void put_line(struct section *s, const char *line, unsigned int number)
{
	for (; s->lines + 1 < number; s->lines++)
		fputc('\n', s->out);
	fprintf(s->out, "%s\n", line);
	s->lines++;
}

static int end_section(struct green *g, struct section *s, const char *file)
{
	int rc = 0;

	if (!s->out)
		return 0;
	fputs("COMMIT\n", s->out);
	fclose(s->out);
	s->out = NULL;
	rc = restore(g, (char *[]){ s->program, "--noflush", NULL }, s->text, file);
	free(s->text);
	return rc;
}

static int read_line(struct green *g, struct section *s, const struct import_lines *l, char *line)
{
	if (*line == '#') {
		read_comment(g, s, line);
	} else if (*line == '*' && islower(line[1])) {
		end_section(g, s, l->text->name);
		s->out = text_open(&s->text, &s->n);
		s->lines = 0;
		put_line(s, line, l->number);
	} else if (!strcmp(line, "COMMIT")) {
		return end_section(g, s, l->text->name);
	} else if (!s->out) {
		return green_line(g, line, "", l->origin);
	} else if (*line != ':' && green_is_unsafe(s->program, line)) {
		import_lose(&g->im->lost, "%s: import has left out this line, which may change "
			    "more than rules: %s", l->origin, line);
	} else {
		put_line(s, line, l->number);
	}
	return 0;
}

static int load_lines(struct green *g, struct import_text *t)
{
	struct import_lines lines = { .text = t, .rest = t->text, .script = true };
	struct section s = { .out = NULL };
	char *line;
	int rc = 0;

	snprintf(s.program, sizeof(s.program), "ip%stables-restore", is_ipv6(t) ? "6" : "");
	while (rc >= 0 && (line = import_next_line(&lines))) {
		rc = read_line(g, &s, &lines, line);
		lines.script = !s.out;
	}
	free(lines.origin);
	return rc < 0 ? rc : end_section(g, &s, t->name);
}

/* ---- nft, ipset ---- */

static int load_ipset(struct green *g, struct import_text *t)
{
	struct import_lines lines = { .text = t, .rest = t->text };
	struct section s = { .out = NULL };
	char *line;
	int rc;

	s.out = text_open(&s.text, &s.n);
	while ((line = import_next_line(&lines)))
		if (*line != '#' && green_is_unsafe("ipset", line))
			import_lose(&g->im->lost, "%s: this is not a line of `ipset save`: %s",
				    lines.origin, line);
		else
			put_line(&s, line, lines.number);
	fclose(s.out);
	free(lines.origin);
	rc = restore(g, (char *[]){ "ipset", "restore", NULL }, s.text, t->name);
	free(s.text);
	return rc;
}

/* Returns whether a save of iptables has the table. Then a ruleset of nft has it too, and nft
 * cannot load it. */
static bool is_saved(const struct import *im, bool six, const char *table)
{
	char head[40];

	snprintf(head, sizeof(head), "*%.30s\n", table);
	for (size_t i = 0; i < im->n_texts; i++) {
		const struct import_text *t = &im->texts[i];
		bool headed = strstr(t->text, "Generated by ip");

		if (t->kind == IMPORT_LINES && strstr(t->text, head) &&
		    (headed ? strstr(t->text, six ? "by ip6tables" : "by iptables") != NULL :
			      is_ipv6(t) == six))
			return true;
	}
	return false;
}

/* Returns whether JSON has this key with this value. */
static bool json_has(const char *s, size_t n, const char *key, const char *value)
{
	size_t len = strlen(key);

	for (const char *end = s + n; (s = memmem(s, end - s, key, len)); s++) {
		const char *v = s + len;

		if (s[-1] == '"' && *v == '"' && (v += 1 + strspn(v + 1, " \n\t:"), *v == '"') &&
		    !strncmp(v + 1, value, strlen(value)) && v[1 + strlen(value)] == '"')
			return true;
	}
	return false;
}

void green_remove_saved(const struct import *im, struct import_text *t)
{
	static const char *const tables[] = { "filter", "nat", "mangle", "raw", "security" };
	bool json = t->kind == IMPORT_NFT_JSON;
	char *s = json ? strchr(t->text, '[') : t->text, head[40];

	for (int i = 0; i < 10; i++) {
		const char *table = tables[i / 2], *family = i % 2 ? "ip6" : "ip";
		char *at, *end;

		if (json || !is_saved(im, i % 2, table))
			continue;
		snprintf(head, sizeof(head), "table %s %s {", family, table);
		at = strstr(t->text, head);
		end = at ? strstr(at, "\n}") : NULL;
		if (end)
			memset(at, ' ', end + 2 - at);
	}
	while (json && s && (s = strpbrk(s, "{]")) && *s == '{') {
		unsigned int depth = 0;
		char *begin = s;
		bool gone = false;

		do {
			if (*s == '"')
				for (s++; *s && *s != '"'; s++)
					s += *s == '\\' && s[1];
			depth += *s == '{' ? 1 : *s == '}' ? -1 : 0;
		} while (*s && (s++, depth));
		for (int i = 0; i < 10 && !gone; i++)
			gone = is_saved(im, i % 2, tables[i / 2]) &&
			       json_has(begin, s - begin, "family", i % 2 ? "ip6" : "ip") &&
			       (json_has(begin, s - begin, "table", tables[i / 2]) ||
				(json_has(begin, s - begin, "name", tables[i / 2]) &&
				 strstr(begin, "\"table\"") < s));
		if (gone)
			memset(begin, ' ', s - begin);
		for (; gone && *s && strchr(" \n\t,", *s); s++)
			*s = ' ';
	}
	if (json && s && *s == ']')	/* the comma before the last objects, if they are gone */
		for (s--; s > t->text && strchr(" ,", *s); s--)
			*s = ' ';
}

static int load_nft(struct green *g, struct import_text *t)
{
	bool json = t->kind == IMPORT_NFT_JSON;
	char *said, *words[] = { "nft", json ? "-j" : "-f", json ? "-f" : "-", json ? "-" : NULL,
				 NULL };
	const char *include = json ? NULL : strstr(t->text, "include ");
	int rc;

	if (include && (include == t->text || strchr("\n\t ;", include[-1]))) {
		log_error("%s: this ruleset includes other files: write the output of "
			  "`nft list ruleset`", t->name);
		return -EINVAL;
	}
	green_remove_saved(g->im, t);
	rc = green_program(words, t->text, strlen(t->text), &said);
	if (rc)
		log_error("%s: nft cannot load these rules: %.*s%s", t->name,
			  (int)strcspn(said, "\n"), said,
			  strstr(t->text, json ? "\"xt\"" : "xt ") ?
			  ": add the output of iptables-save, which wrote some of them" :
			  json ? ": import the output of `nft list ruleset` instead" : "");
	free(said);
	return rc > 0 ? -EINVAL : rc;
}

static int load_text(struct green *g, struct import_text *t)
{
	return t->kind == IMPORT_LINES ? load_lines(g, t) :
	       t->kind == IMPORT_IPSET ? load_ipset(g, t) : load_nft(g, t);
}

static int load(struct green *g)
{
	static const enum import_kind order[] = {
		IMPORT_IPSET, IMPORT_NFT, IMPORT_NFT_JSON, IMPORT_LINES,
	};
	const struct import_devices *d = &g->im->devices;
	int rc = 0;

	for (size_t k = 0; k < sizeof(order) / sizeof(*order); k++)
		for (size_t i = 0; i < g->im->n_texts && rc >= 0; i++)
			if (g->im->texts[i].kind == order[k])
				rc = load_text(g, &g->im->texts[i]);
	for (size_t i = 0; i < d->n_commands && rc >= 0; i++)
		rc = green_line(g, d->commands[i].line, d->commands[i].device,
				d->commands[i].origin);
	return rc < 0 ? rc : 0;
}

/* ---- the network ---- */

static __u32 make_link(struct green *g, const char *name)
{
	__u32 index;
	int rc = room_add_link(name, &index);

	if (rc)
		import_lose(&g->im->lost, "the interface %s cannot be made: %s", name,
			    strerror(-rc));
	return rc ? 0 : index;
}

/* Makes the interfaces, addresses and routes that files name. */
static void make_network(struct green *g)
{
	const struct import_network *n = &g->im->network;
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < n->n_addresses; i++) {
		__u32 index = make_link(g, n->addresses[i].device);

		if (index && n->addresses[i].address.family &&
		    room_add_address(index, &n->addresses[i].address, n->addresses[i].len))
			import_lose(&g->im->lost, "the address %s of %s cannot be made",
				    address_format(&n->addresses[i].address, text),
				    n->addresses[i].device);
	}
	for (size_t i = 0; i < n->n_routes; i++) {
		__u32 index = make_link(g, n->routes[i].device);

		if (index && room_route(index, &n->routes[i].to, false, true))
			import_lose(&g->im->lost, "the route to %s cannot be made",
				    prefix_format(&n->routes[i].to, text));
	}
}

/* Routes the AllowedIPs of this host's WireGuard interfaces. */
static void make_tunnels(struct green *g)
{
	const struct import_devices *d = &g->im->devices;

	for (size_t i = 0; i < d->n; i++) {
		__u32 index = d->list[i].here ? make_link(g, d->list[i].name) :
						if_nametoindex(d->list[i].name);

		for (size_t k = 0; k < d->list[i].n_peers && index; k++)
			for (size_t j = 0; j < d->list[i].peers[k].n_allowed; j++)
				if (d->list[i].peers[k].allowed[j].len)
					room_route(index, &d->list[i].peers[k].allowed[j], false,
						   true);
	}
}

int import_green(struct import *im)
{
	struct green g = { .im = im };
	int rc = room_enter();

	if (rc)
		return import_lacks_rights(rc);
	names_before(&g);
	for (size_t i = 0; i < g.n_names; i++)
		make_link(&g, g.names[i]);
	rc = load(&g);
	if (!rc) {
		names_after(&g);
		if (im->wan)
			add_name(&g, im->wan, strlen(im->wan));
		make_network(&g);
		for (size_t i = 0; i < g.n_names; i++)
			make_link(&g, g.names[i]);
		make_tunnels(&g);
		green_add_addresses(&g);
	}
	rc = rc ?: import_rehearse(im);
	if (!rc && !green_knows_wan(im))
		green_assume(&g);
	for (size_t i = 0; i < g.n_variables; i++) {
		free(g.variables[i].name);
		free(g.variables[i].value);
	}
	free(g.variables);
	free(g.names);
	free(g.text);
	return rc;
}
