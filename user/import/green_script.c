/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs the commands of scripts that change rules, in the green room. No shell reads a script: a
 * command of another program is not run, and its line is named.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "import/green.h"
#include "lib/gen_run.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/text.h"

#define WORDS_MAX 256			/* most words of a command */
#define LINE_LEN 8192			/* longest command, in bytes with the NUL */
#define BLANKS " \t\r"

struct command {
	char text[LINE_LEN];		/* the words, each with a NUL behind it */
	char *words[WORDS_MAX + 1];
	size_t n;
	/* It is too long, reads a file, or has something that only a shell can replace. */
	bool odd;
};

/* ---- words ---- */

/* Skips a redirection, such as "> /dev/null". */
static const char *skip_redirection(struct command *c, const char *s)
{
	c->odd |= *s == '<';
	s += strspn(s, "<>");
	s += *s == '&';
	s += strspn(s, BLANKS);
	return s + strcspn(s, BLANKS ";|&");
}

/* Copies a word without its quotes, and returns the rest. */
static const char *copy_word(struct command *c, const char *s, size_t *used, const char *device)
{
	char quote = 0;

	for (; *s && (quote || !strchr(BLANKS ";|&<>", *s)); s++) {
		const char *put = s;
		size_t n = 1;

		if (!quote && (*s == '"' || *s == '\'')) {
			quote = *s;
			continue;
		}
		if (quote && *s == quote) {
			quote = 0;
			continue;
		}
		c->odd |= quote != '\'' && (*s == '$' || *s == '`');
		if (*s == '\\' && s[1] && quote != '\'')
			put = ++s;
		else if (*device && !strncmp(s, "%i", 2))
			put = device, n = strlen(device), s++;
		if (*used + n + 1 >= LINE_LEN) {
			c->odd = true;
			break;
		}
		memcpy(c->text + *used, put, n);
		*used += n;
	}
	c->text[(*used)++] = '\0';
	return s;
}

/* Splits the first command of a line into words, with quotes and escapes as in a shell. Returns the
 * rest behind its end; NULL: it is the last one. */
static const char *split(struct command *c, const char *s, const char *device)
{
	size_t used = 0;

	c->n = 0;
	c->words[0] = NULL;
	c->odd = false;
	for (;;) {
		size_t n;

		s += strspn(s, BLANKS);
		n = strspn(s, "0123456789&");
		if (s[n] == '<' || s[n] == '>') {
			s = skip_redirection(c, s + n);
			continue;
		}
		if (!*s || *s == '#')
			return NULL;
		if (strchr(";|&", *s))
			return s + strspn(s, ";|& \t");
		if (c->n == WORDS_MAX || used + 1 >= LINE_LEN) {
			c->odd = true;
			return NULL;
		}
		c->words[c->n++] = c->text + used;
		c->words[c->n] = NULL;
		s = copy_word(c, s, &used, device);
	}
}

/* ---- variables ---- */

static const char *value_of(const struct green *g, const char *name, size_t n)
{
	for (size_t i = g->n_variables; i-- > 0;)
		if (strlen(g->variables[i].name) == n && !memcmp(g->variables[i].name, name, n))
			return g->variables[i].value;
	return NULL;
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return isdigit((unsigned char)*s) ? 0 : n;
}

/* Replaces variables that the script has assigned. Returns the text for the caller to free. */
static char *expand(const struct green *g, const char *line)
{
	char *ret = NULL;
	size_t size;
	FILE *out = text_open(&ret, &size);
	bool quoted = false;

	for (const char *s = line; *s; s++) {
		bool brace = s[0] == '$' && s[1] == '{';
		size_t n = *s == '$' && !quoted ? name_length(s + 1 + brace) : 0;
		const char *value = n ? value_of(g, s + 1 + brace, n) : NULL;

		quoted ^= *s == '\'';
		if (!value || (brace && s[2 + n] != '}')) {
			fputc(*s, out);
			continue;
		}
		fputs(value, out);
		s += n + 2 * brace;
	}
	fclose(out);
	return ret;
}

/* Returns whether the command only assigns a value to a variable, which it then has. */
static bool assign(struct green *g, const struct command *c)
{
	size_t at = c->n == 2 && !strcmp(c->words[0], "export"), n;
	const char *word = c->n == at + 1 ? c->words[at] : "";
	struct variable *v;

	n = name_length(word);
	if (!n || word[n] != '=' || c->odd)
		return false;
	v = append(g->variables, g->n_variables);
	v->name = xstrndup(word, n);
	v->value = xstrdup(word + n + 1);
	return true;
}

/* ---- programs ---- */

/* Returns the Debian package of a program that changes rules; NULL: it is another program. */
static const char *package_of(const char *program)
{
	size_t n = !strncmp(program, "ip6tables", 9) ? 9 : !strncmp(program, "iptables", 8) ? 8 : 0;

	if (!strcmp(program, "nft"))
		return "nftables";
	if (!strcmp(program, "ipset"))
		return "ipset";
	if (n && !strncmp(program + n, "-nft", 4))
		n += 4;
	else if (n && !strncmp(program + n, "-legacy", 7))
		n += 7;
	return n && (!program[n] || !strcmp(program + n, "-restore")) ? "iptables" : NULL;
}

int green_program(char **words, const char *input, size_t n, char **ret_said)
{
	int in = run_text(input, n), err = run_text("", 0);
	int rc = run_program(words, in, err, err);
	char said[4096];
	ssize_t got = pread(err, said, sizeof(said) - 1, 0);

	said[got > 0 ? got : 0] = '\0';
	*ret_said = xstrdup(said);
	close(in);
	close(err);
	if (rc == -ENOENT)
		log_error("import: the rules are for this program: install the package %s",
			  package_of(words[0]));
	return rc > 0 ? 1 : rc;
}

/* Returns whether a word names one of the targets of iptables whose state is not of a namespace. */
static bool is_global_target(const char *word)
{
	static const char *const targets[] = { "LED", "IDLETIMER", "AUDIT" };

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		size_t n = strlen(word), len = strlen(targets[i]);

		if (n >= len && !strcmp(word + n - len, targets[i]) &&
		    (n == len || strchr("jg=", word[n - len - 1])))
			return true;
	}
	return false;
}

/* words: the arguments of the program. */
static bool is_unsafe(const char *program, char **words)
{
	static const char *const changes[] = {
		"create", "add", "del", "flush", "destroy", "-N", "-A",
	};
	bool found = false;

	if (!strcmp(program, "nft")) {
		for (size_t i = 0; words[i]; i++)
			found |= strstr(words[i], "include") != NULL;
		return found || !*words || **words == '-';
	}
	if (!strcmp(program, "ipset")) {
		for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
			found |= *words && !strcmp(*words, changes[i]);
		for (size_t i = 0; words[i]; i++)
			found &= strncmp(words[i], "-f", 2) && strncmp(words[i], "--f", 3);
		return !found;
	}
	for (; *words && !found; words++) {	/* -M and --modprobe name a program to run */
		const char *word = *words;
		size_t n = strcspn(word, "=");

		found = (n > 3 && !strncmp(word, "--modprobe", n)) || is_global_target(word) ||
			(*word == '-' && word[1 + strspn(word + 1, "vnxfhwb46")] == 'M');
	}
	return found;
}

bool green_is_unsafe(const char *program, const char *line)
{
	struct command c;

	return split(&c, line, "") || c.odd || is_unsafe(program, c.words);
}

/* Returns whether the command only removes or asks: in an empty namespace, it may fail. */
static bool may_fail(const struct command *c)
{
	static const char *const words[] = {
		"-D", "--delete", "-C", "--check", "-F", "--flush", "-X", "--delete-chain",
		"delete", "destroy", "flush", "-N", "--new-chain",
	};

	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
			if (!strcmp(c->words[i], words[k]))
				return true;
	return false;
}

/* Returns whether the command lets the host forward packets, as the green room does anyway. */
static bool forwards(const struct command *c)
{
	bool found = false;

	if (!c->n || (strcmp(c->words[0], "sysctl") && strcmp(c->words[0], "echo")))
		return false;
	for (size_t i = 1; i < c->n; i++)
		found |= strstr(c->words[i], "forward") && strstr(c->words[i], "=1");
	return found || (c->n == 2 && !strcmp(c->words[1], "1"));
}

/* Runs one command. Returns 0, 1 if it was not run, or -errno after printing an error. */
static int run_command(struct green *g, struct command *c, const char *origin)
{
	size_t at = c->n && !strcmp(c->words[0], "sudo");
	char *name = at < c->n ? c->words[at] : "", *said;
	int rc;

	if (!c->n || assign(g, c) || forwards(c))
		return 0;
	name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	if (c->odd || !package_of(name) || strstr(name, "-restore") ||
	    is_unsafe(name, c->words + at + 1))
		return 1;
	c->words[at] = name;
	rc = green_program(c->words + at, "", 0, &said);
	if (rc > 0 && may_fail(c))
		rc = 0;
	else if (rc > 0)
		import_lose(&g->im->lost, "%s: %.*s", origin, (int)strcspn(said, "\n"), said);
	free(said);
	return rc;
}

int green_line(struct green *g, const char *line, const char *device, const char *origin)
{
	struct command *c = xcalloc(1, sizeof(*c));
	char *text = expand(g, line);
	bool all = true;
	int rc = 0;

	for (const char *rest = text; rest && rc >= 0; all &= !rc) {
		rest = split(c, rest, device);
		rc = run_command(g, c, origin);
	}
	if (rc >= 0 && !all)
		import_lose(&g->im->lost, "%s: import has not run all commands of this line: %s",
			    origin, line);
	free(text);
	free(c);
	return rc < 0 ? rc : 0;
}
