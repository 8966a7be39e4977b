/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads rules of iptables and ip6tables: the lines of iptables-save(8), and commands of scripts.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "import/read.h"
#include "lib/log.h"
#include "lib/memory.h"

#define WORDS_MAX 256			/* most words of a line */
#define LINE_LEN 4096			/* longest line, in bytes with the NUL */

struct line {
	char text[LINE_LEN];		/* the words, each with a NUL behind it */
	char *words[WORDS_MAX + 1];
	size_t n;
	char device[IFNAMSIZ];		/* for %i */
};

/* Splits a line into words, with quotes and escapes as in a shell. Stops at ; | & and comments.
 * Returns the rest behind a command's end, NULL at the end of the line, or sets l->n to 0 if it is
 * too long. */
static const char *split(struct line *l, const char *s)
{
	size_t used = 0;

	l->n = 0;
	for (;;) {
		char quote = 0;

		s += strspn(s, " \t\r");
		if (!*s || *s == '#')
			return NULL;
		if (strchr(";|&", *s))
			return s + strspn(s, ";|& \t");
		if (l->n == WORDS_MAX)
			break;
		l->words[l->n++] = l->text + used;
		for (; *s && (quote || !strchr(" \t\r;|&", *s) || !strncmp(s - 1, ">&", 2)); s++) {
			const char *put = s, *end = s + 1;

			if (used + IFNAMSIZ + 1 >= LINE_LEN)
				goto too_long;
			if (!quote && (*s == '"' || *s == '\'')) {
				quote = *s;
				continue;
			}
			if (quote && *s == quote) {
				quote = 0;
				continue;
			}
			if (*s == '\\' && s[1] && quote != '\'')
				put = ++s, end = s + 1;
			if (*put == '%' && put[1] == 'i' && *l->device)
				put = l->device, end = put + strlen(put), s++;
			while (put < end)
				l->text[used++] = *put++;
		}
		l->text[used++] = '\0';
		l->words[l->n] = NULL;
	}
too_long:
	l->n = 0;
	return NULL;
}

/* ---- a rule ---- */

struct reader {
	struct rule rule;
	bool unlike;
	char **at;			/* the word that is read */
};

static bool is(const char *word, const char *names)
{
	size_t n = strlen(word);

	for (const char *s = names; *s; s += strcspn(s, " "), s += strspn(s, " "))
		if (strcspn(s, " ") == n && !strncmp(s, word, n))
			return true;
	return false;
}

static const char *argument(struct reader *r)
{
	return r->at[1] ? *++r->at : "";
}

/* Adds a condition whose argument is a list with commas. If it cannot be read, marks the rule as
 * unknown instead. */
static void add_list(struct reader *r, enum rule_field field, char *list)
{
	struct rule_match *m = rule_add_match(&r->rule, field, r->unlike);
	bool good = true;
	char *word;

	while (good && (word = strsep(&list, ","))) {
		size_t n = strlen(word);

		if (field == FIELD_IN || field == FIELD_OUT) {
			if (n && word[n - 1] == '+')
				word[n - 1] = '*';
			good = rule_add_name(m, word);
		} else {
			good = field == FIELD_PORT ? rule_add_ports(m, word) :
			       rule_add_address(m, word);
		}
	}
	if (!good)
		rule_drop_match(&r->rule);
	r->unlike = false;
}

static void read_protocol(struct reader *r)
{
	const char *name = argument(r);
	bool udp = is(name, "udp 17 all 0");

	r->rule.never |= udp == r->unlike && !is(name, "all 0");
	r->unlike = false;
}

static void read_states(struct reader *r)
{
	bool new = false, translated = false;
	char *list = *argument(r) ? *r->at : (char[]){ "" }, *word;

	while ((word = strsep(&list, ","))) {
		new |= !strcasecmp(word, "NEW");
		translated |= !strcasecmp(word, "DNAT");
	}
	if (translated && !new)
		rule_add_match(&r->rule, FIELD_TRANSLATED, r->unlike);
	else
		r->rule.never |= new == r->unlike;
	r->unlike = false;
}

static void read_local(struct reader *r)
{
	if (strcmp(argument(r), "LOCAL"))
		r->rule.unknown = true;
	else
		rule_add_match(&r->rule, FIELD_LOCAL, r->unlike);
	r->unlike = false;
}

static void skip_arguments(struct reader *r)
{
	while (r->at[1] && *r->at[1] != '-' && strcmp(r->at[1], "!"))
		r->at++;
}

/* Reads an option of a condition. Returns false if it is unknown. */
static bool read_match(struct reader *r, const char *word)
{
	char none[] = "", *list = r->at[1] ?: none;

	if (is(word, "-m --match")) {
		argument(r);
	} else if (is(word, "-p --protocol --proto")) {
		read_protocol(r);
	} else if (is(word, "-s --source --src -d --destination --dst")) {
		r->at += r->at[1] != NULL;
		add_list(r, strchr("s", word[1 + (word[1] == '-')]) ? FIELD_SOURCE : FIELD_TO,
			 list);
	} else if (is(word, "--src-range --dst-range")) {
		r->at += r->at[1] != NULL;
		add_list(r, word[2] == 's' ? FIELD_SOURCE : FIELD_TO, list);
	} else if (is(word, "-i --in-interface -o --out-interface")) {
		r->at += r->at[1] != NULL;
		add_list(r, is(word, "-i --in-interface") ? FIELD_IN : FIELD_OUT, list);
	} else if (is(word, "--dport --dports --destination-port --destination-ports")) {
		r->at += r->at[1] != NULL;
		add_list(r, FIELD_PORT, list);
	} else if (is(word, "--state --ctstate")) {
		read_states(r);
	} else if (!strcmp(word, "--dst-type")) {
		read_local(r);
	} else if (!strcmp(word, "--ctdir")) {
		r->rule.never |= (strcasecmp(argument(r), "ORIGINAL") != 0) != r->unlike;
		r->unlike = false;
	} else if (!strcmp(word, "--comment")) {
		snprintf(r->rule.comment, sizeof(r->rule.comment), "%s", argument(r));
	} else {
		return false;
	}
	return true;
}

static void read_verdict(struct reader *r, enum rule_verdict chain)
{
	static const struct {
		const char *name;
		enum rule_verdict verdict;
	} known[] = {
		{ "ACCEPT", RULE_ACCEPT }, { "DROP", RULE_DROP }, { "REJECT", RULE_DROP },
		{ "RETURN", RULE_RETURN }, { "DNAT", RULE_DNAT }, { "SNAT", RULE_SNAT },
		{ "MASQUERADE", RULE_SNAT }, { "REDIRECT", RULE_REDIRECT },
		{ "NETMAP", RULE_OTHER }, { "TPROXY", RULE_OTHER }, { "QUEUE", RULE_OTHER },
		{ "NFQUEUE", RULE_OTHER }, { "BALANCE", RULE_OTHER }, { "SAME", RULE_OTHER },
		{ "STEAL", RULE_DROP }, { "TARPIT", RULE_DROP },
	};
	static const char logs[] = "LOG NFLOG ULOG AUDIT TRACE TEE RATEEST IDLETIMER LED SET";
	static const char changes[] = "MARK CONNMARK TCPMSS CT NOTRACK DSCP TOS TTL HL CONNSECMARK "
				      "SECMARK CLASSIFY CHECKSUM TCPOPTSTRIP FLOWOFFLOAD SYNPROXY";
	const char *name = argument(r);

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(name, known[i].name)) {
			r->rule.verdict = known[i].verdict;
			return;
		}
	if (is(name, logs) || is(name, changes))
		return;
	r->rule.verdict = chain;
	snprintf(r->rule.target, sizeof(r->rule.target), "%s", name);
}

/* Reads an option behind the target. */
static void read_target(struct reader *r, const char *word)
{
	if (is(word, "--to-destination --to-source --to --to-dest")) {
		if (!rule_parse_target(&r->rule, argument(r)))
			r->rule.verdict = RULE_OTHER;
	} else if (!strcmp(word, "--to-ports")) {
		if (!rule_parse_ports(argument(r), &r->rule.ports))
			r->rule.verdict = RULE_OTHER;
	} else {
		skip_arguments(r);
	}
}

static void read_words(struct reader *r, char **words)
{
	bool has_target = false;

	for (r->at = words; *r->at; r->at++) {
		const char *word = *r->at;

		if (!strcmp(word, "!")) {
			r->unlike = true;
		} else if (is(word, "-j --jump -g --goto")) {
			read_verdict(r, is(word, "-g --goto") ? RULE_GOTO : RULE_JUMP);
			has_target = true;
		} else if (is(word, "-t --table") || is(word, "-c --set-counters")) {
			skip_arguments(r);
		} else if (r->at[1] && !strcmp(r->at[1], "!") && *word == '-') {
			/* the old order: -s ! 192.0.2.1 */
			r->unlike = true;
			r->at[1] = r->at[0];
		} else if (!read_match(r, word)) {
			if (!has_target)
				r->rule.unknown = true;
			read_target(r, word);
			r->unlike = false;
		}
	}
}

/* ---- chains ---- */

struct place {
	char table[64];			/* such as "iptables nat" */
	bool ipv6;
};

static size_t find_chain(struct rules *r, const struct place *p, const char *name)
{
	static const struct {
		const char *name;
		enum rule_hook hook;
	} hooks[] = {
		{ "PREROUTING", HOOK_PREROUTING }, { "INPUT", HOOK_INPUT },
		{ "FORWARD", HOOK_FORWARD }, { "OUTPUT", HOOK_OUTPUT },
		{ "POSTROUTING", HOOK_POSTROUTING },
	};
	static const struct {
		const char *name;
		int priority;
	} tables[] = { { "raw", -300 }, { "mangle", -150 }, { "nat", -100 }, { "filter", 0 } };
	const char *table = strchr(p->table, ' ') + 1;
	size_t chain = rules_chain(r, p->table, name, p->ipv6 ? RULE_IPV6 : RULE_IPV4);
	struct rule_chain *c = chain == NONE ? NULL : &r->chains[chain];

	for (size_t i = 0; c && i < sizeof(hooks) / sizeof(*hooks); i++)
		if (!strcmp(name, hooks[i].name)) {
			c->is_base = true;
			c->hook = hooks[i].hook;
			c->nat = !strcmp(table, "nat");
		}
	for (size_t i = 0; c && i < sizeof(tables) / sizeof(*tables); i++)
		if (!strcmp(table, tables[i].name))
			c->priority = tables[i].priority;
	return chain;
}

static void set_policy(struct rules *r, const struct place *p, const char *chain,
		       const char *policy)
{
	size_t i = find_chain(r, p, chain);

	if (i != NONE && r->chains[i].is_base && policy)
		r->chains[i].drops = !strcmp(policy, "DROP");
}

/* Adds the rule of a line whose words are its options, such as -A PREROUTING … */
static void add_rule(struct rules *r, const struct place *p, struct line *l, size_t first,
		     const char *text, const char *origin)
{
	struct reader reader = { .unlike = false };
	char **words = &l->words[first];
	bool insert = is(*words, "-I --insert");
	size_t position = insert, skip = 2;

	if (is(*words, "-P --policy") && words[1])
		set_policy(r, p, words[1], words[2]);
	if (!is(*words, "-A --append -I --insert") || !words[1])
		return;
	if (insert && words[2] && *words[2] >= '0' && *words[2] <= '9') {
		position = strtoul(words[2], NULL, 10);
		skip++;
	}
	reader.rule = (struct rule){
		.chain = find_chain(r, p, words[1]), .families = p->ipv6 ? RULE_IPV6 : RULE_IPV4,
		.origin = xstrdup(origin), .text = xstrdup(text),
	};
	read_words(&reader, words + skip);
	rules_add(r, &reader.rule, position);
}

static bool is_iptables(const char *word, bool *ret_ipv6)
{
	const char *name = strrchr(word, '/');

	name = name ? name + 1 : word;
	*ret_ipv6 = !strncmp(name, "ip6tables", 9);
	name += *ret_ipv6 ? 9 : strncmp(name, "iptables", 8) ? 0 : 8;
	return name != word && name[-1] == 's' && (!*name || !strcmp(name, "-nft") ||
						   !strcmp(name, "-legacy"));
}

static bool has_rules(const struct rules *r, const char *table)
{
	for (size_t i = 0; i < r->n_chains; i++)
		if (r->chains[i].first != NONE && !strcmp(r->chains[i].table, table))
			return true;
	return false;
}

/* Reads the command whose words are in *l. Returns false if import cannot: if it is not of
 * iptables, has a variable of the shell, or removes or replaces rules. *is_any: becomes true if it
 * is of iptables. */
static bool read_command(struct rules *r, struct line *l, const char *text, const char *origin,
			 bool *is_any)
{
	struct place p = { 0 };
	const char *table = "filter";
	size_t at = l->n && !strcmp(l->words[0], "sudo"), first = 0;
	bool flushes = false, changes_none = false;

	if (at >= l->n || !is_iptables(l->words[at], &p.ipv6))
		return false;
	*is_any = true;
	for (size_t i = at + 1; i < l->n; i++) {
		const char *word = l->words[i];

		if (strpbrk(word, "$`") || is(word, "-D --delete -R --replace -E --rename-chain"))
			return false;
		if (is(word, "-t --table") && i + 1 < l->n)
			table = l->words[i + 1];
		if (is(word, "-A --append -I --insert -P --policy") && !first)
			first = i;
		flushes |= is(word, "-F --flush");
		changes_none |= is(word, "-N --new-chain -X --delete-chain -Z --zero -C --check "
					 "-L --list -S --list-rules");
	}
	snprintf(p.table, sizeof(p.table), "%s %s", p.ipv6 ? "ip6tables" : "iptables", table);
	if (first)
		add_rule(r, &p, l, first, text, origin);
	return flushes ? !has_rules(r, p.table) : first || changes_none;
}

bool read_commands(struct rules *r, struct import_lost *lost, const char *line, const char *device,
		   const char *origin)
{
	struct line l = { 0 };
	bool any = false, all = true;

	snprintf(l.device, sizeof(l.device), "%s", device);
	for (const char *start = line, *next; start && *start && *start != '#'; start = next) {
		size_t n;
		char *text;

		next = split(&l, start);
		n = next ? (size_t)(next - start) : strlen(start);
		while (n && strchr(" \t;|&", start[n - 1]))
			n--;
		text = xstrndup(start, n);
		all &= read_command(r, &l, text, origin, &any);
		free(text);
	}
	if (!all)
		import_lose(lost, "%s: import has not read all commands of this line: %s", origin,
			    line);
	return any;
}

/* ---- iptables-save ---- */

/* Returns whether text without the head of iptables-save is of ip6tables: the file's name says so,
 * or it has the address of an IPv6 host. */
static bool is_ipv6(const struct import_text *t)
{
	return strstr(t->name, "ip6tables") || strstr(t->name, "v6") ||
	       strstr(t->text, "-p ipv6-icmp") || strstr(t->text, "::/");
}

/* Declares a chain with its policy. Returns false if it is declared already. */
static bool declare(struct rules *r, const struct place *p, const char *name, const char *policy)
{
	size_t i = find_chain(r, p, name);

	if (i != NONE && r->chains[i].declared)
		return false;
	if (i != NONE)
		r->chains[i].declared = true;
	set_policy(r, p, name, policy);
	return true;
}

/* Reads a line between "*TABLE" and "COMMIT". Returns NULL, or what is wrong with it. */
static const char *read_line(struct rules *r, const struct place *p, struct line *l,
			     const char *text, const char *origin)
{
	size_t first;

	split(l, *text == ':' ? text + 1 : text);
	first = l->n && *l->words[0] == '[';	/* counters */
	if (*text == ':' && l->n > 1 && !declare(r, p, l->words[0], l->words[1]))
		return "this table has this chain already: write the output of iptables-save and "
		       "that of ip6tables-save to a file each";
	if (*text == ':' && l->n > 1)
		return NULL;
	if (l->n <= first || *l->words[first] != '-')
		return "this is not a line of iptables-save: remove it";
	add_rule(r, p, l, first, text, origin);
	return NULL;
}

/* Reads a comment. iptables-save and ip6tables-save begin with a comment, and write one in place of
 * a table that they cannot write. */
static void read_comment(struct rules *r, struct place *p, const char *text)
{
	const char *head = strstr(text, "Generated by ip");

	if (head)
		p->ipv6 = !strncmp(head + 15, "6tables", 7);
	r->lacks_tables |= strstr(text, "# Table `") && strstr(text, "is incompatible");
}

int read_iptables(struct rules *r, struct import_lost *lost, const struct import_text *t)
{
	struct place p = { .ipv6 = is_ipv6(t) };
	struct import_lines lines = { .text = t, .rest = t->text, .script = true };
	struct line l = { 0 };
	const char *problem = NULL;
	char *text;

	while (!problem && (text = import_next_line(&lines))) {
		if (*text == '*' && islower(text[1]))
			snprintf(p.table, sizeof(p.table), "%s %.40s",
				 p.ipv6 ? "ip6tables" : "iptables", text + 1);
		else if (*text == '#')
			read_comment(r, &p, text);
		else if (!strcmp(text, "COMMIT"))
			*p.table = '\0';
		else if (*p.table)
			problem = read_line(r, &p, &l, text, lines.origin);
		else
			read_commands(r, lost, text, "", lines.origin);
		lines.script = !*p.table;
	}
	if (problem)
		log_error("%s: %s", lines.origin, problem);
	free(lines.origin);
	return problem ? -EINVAL : 0;
}
