/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements ddns_import.h. It parses the assignments NAME=word and NAME=( word… ) with quotes,
 * comments and `export`.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/config_check.h"
#include "ddns/ddns_import.h"
#include "ddns/ddns_secret.h"
#include "lib/grow.h"
#include "lib/log.h"

#define NAMES_MAX 256

static const char needs_shell[] = "this needs a shell, but the file is only read: write a plain "
				  "value";

struct reader {
	const char *at;
	unsigned int line;
	const char *wrong;		/* the error in line `line`; NULL: none */
};

struct variable {
	const char *name;
	char (*words)[256];		/* words of the value: several if it is a shell array */
	size_t n;
	unsigned int line; /* line of its assignment, from 1 on; 0: it is not assigned */
};

enum { ENDPOINT, KEY, SECRET, CONSUMER, ZONE, TTL, NAMES, IFACE, VARIABLES };
static const char *const variable_names[] = {
	"OVH_ENDPOINT", "OVH_APP_KEY", "OVH_APP_SECRET", "OVH_CONSUMER_KEY",
	"OVH_ZONE", "TTL", "RECORD_FQDNS", "IFACE",
};

/* ---- reading ---- */

static char next_char(struct reader *r)
{
	r->line += *r->at == '\n';
	return *r->at++;
}

static void skip_blanks(struct reader *r, bool lines)
{
	for (;;) {
		if (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' ||
		    (lines && (*r->at == '\n' || *r->at == ';')))
			next_char(r);
		else if (*r->at == '\\' && r->at[1] == '\n')
			next_char(r), next_char(r);
		else if (*r->at == '#')
			r->at += strcspn(r->at, "\n");
		else
			return;
	}
}

/* Appends the part of a word between two quotes to `word`, of which n bytes are in use. */
static void read_quoted(struct reader *r, char word[256], size_t *n)
{
	char quote = next_char(r);

	while (*r->at != quote && !r->wrong) {
		if (!*r->at || *r->at == '\n') {
			r->wrong = "the quotes are not closed on this line: close them";
			return;
		}
		if (quote == '"' && *r->at == '\\' && r->at[1] && strchr("\"\\$`", r->at[1]))
			r->at++;
		else if (quote == '"' && strchr("$`", *r->at))
			r->wrong = needs_shell;
		if (*n >= 255)
			r->wrong = "the value is longer than 255 bytes: shorten it";
		else
			word[(*n)++] = next_char(r);
	}
	if (!r->wrong)
		r->at++;
}

static void read_word(struct reader *r, char word[256])
{
	size_t n = 0;

	while (!r->wrong && *r->at && !strchr(" \t\r\n;)", *r->at)) {
		if (*r->at == '\'' || *r->at == '"') {
			read_quoted(r, word, &n);
		} else if (strchr("$`~*?[]{}!&|<>(", *r->at)) {
			r->wrong = needs_shell;
		} else if (n >= 255) {
			r->wrong = "the value is longer than 255 bytes: shorten it";
		} else {
			if (*r->at == '\\' && r->at[1] && !strchr("\r\n", r->at[1]))
				r->at++;
			else if (*r->at == '\\')
				r->wrong = "the value continues on the next line: write it in one "
					   "line, in quotes";
			word[n++] = next_char(r);
		}
	}
	word[n] = '\0';
	for (size_t i = 0; i < n && !r->wrong; i++)
		if (iscntrl((unsigned char)word[i]))
			r->wrong = "the value has a control character: remove it";
}

static void add_word(struct reader *r, struct variable *v)
{
	char (*place)[256] = v->n < NAMES_MAX ? append(v->words, v->n) : NULL;

	if (!place)
		r->wrong = v->n < NAMES_MAX ? "no memory" :
			"the list has more than 256 values: remove some";
	else
		read_word(r, *place);
}

static void read_array(struct reader *r, struct variable *v)
{
	unsigned int line = r->line;

	next_char(r);
	for (skip_blanks(r, true); *r->at != ')' && !r->wrong; skip_blanks(r, true)) {
		if (*r->at)
			add_word(r, v);
		else
			r->wrong = "the list that begins here is not closed: add ')'";
	}
	if (r->wrong && !*r->at)
		r->line = line;
	else if (!r->wrong)
		r->at++;
}

static void free_words(struct variable *v)
{
	if (v->words)
		explicit_bzero(v->words, v->n * sizeof(*v->words));
	free(v->words);
	v->words = NULL;
	v->n = 0;
}

static void read_assignment(struct reader *r, struct variable variables[VARIABLES])
{
	struct variable other = { .name = "" }, *v = &other;
	const char *name = r->at;
	size_t n;

	if (!strncmp(name, "export", 6) && (name[6] == ' ' || name[6] == '\t')) {
		name += 6 + strspn(name + 6, " \t");
		r->at = name;
	}
	for (n = 0; isalnum((unsigned char)name[n]) || name[n] == '_'; n++)
		;
	if (!n || isdigit((unsigned char)*name) || name[n] != '=') {
		r->wrong = "this is not an assignment: write NAME=value or NAME=( value … ), "
			   "because the file is only read, not run";
		return;
	}
	for (size_t i = 0; i < VARIABLES; i++)
		if (strlen(variables[i].name) == n && !strncmp(variables[i].name, name, n))
			v = &variables[i];
	free_words(v);			/* a later assignment replaces an earlier one */
	v->line = r->line;
	r->at += n + 1;
	if (*r->at == '(')
		read_array(r, v);
	else
		add_word(r, v);
	free_words(&other);
	if (r->wrong)
		return;
	skip_blanks(r, false);
	if (*r->at && !strchr("\n;", *r->at))
		r->wrong = "there is more than an assignment on this line: remove it, because the "
			   "file is only read, not run";
}

static struct shell_place read_variables(const char *text, struct variable variables[VARIABLES])
{
	struct reader r = { .at = text, .line = 1 };

	for (size_t i = 0; i < VARIABLES; i++)
		variables[i] = (struct variable){ .name = variable_names[i] };
	for (skip_blanks(&r, true); *r.at; skip_blanks(&r, true)) {
		read_assignment(&r, variables);
		if (r.wrong)
			break;
	}
	return (struct shell_place){ r.line, r.wrong };
}

/* Returns the variable's value; "" if it has none, or several. */
static const char *only_value(const struct variable *v)
{
	return v->n == 1 ? v->words[0] : "";
}

static void forget_all(struct variable variables[VARIABLES])
{
	for (size_t i = 0; i < VARIABLES; i++)
		free_words(&variables[i]);
}

/* ---- credentials ---- */

static const char *copy_credential(const struct variable *v, char ret[128])
{
	const char *text = only_value(v), *c = text;

	while (isalnum((unsigned char)*c))
		c++;
	if (!v->line || !*text)
		return v->name == variable_names[KEY] ? "OVH_APP_KEY is missing" :
		       v->name == variable_names[SECRET] ? "OVH_APP_SECRET is missing" :
		       "OVH_CONSUMER_KEY is missing";
	if (*c || c - text >= 128)
		return "the value is not a key of OVH: write letters and digits";
	strcpy(ret, text);
	return NULL;
}

struct shell_place ovh_credentials_parse(const char *text, struct ovh_credentials *ret)
{
	char (*to[])[128] = {
		[KEY] = &ret->key, [SECRET] = &ret->secret, [CONSUMER] = &ret->consumer,
	};
	struct variable variables[VARIABLES];
	struct shell_place place = read_variables(text, variables);

	for (size_t i = KEY; i <= CONSUMER && !place.wrong; i++) {
		place.wrong = copy_credential(&variables[i], *to[i]);
		place.line = variables[i].line ?: 1;
	}
	forget_all(variables);
	return place;
}

/* ---- settings ---- */

struct import {
	const char *file;
	bool wrong;
};

static void __attribute__((format(printf, 3, 4)))
complain(struct import *im, unsigned int line, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s:%u: %s", im->file, line, text);
	im->wrong = true;
}

/* Returns whether the variable has exactly one value; several are an error. like: an example of the
 * value, which makes a missing value an error too; NULL: it may be missing. */
static bool has_one_value(struct import *im, const struct variable *v, const char *like)
{
	if (v->n == 1 && *v->words[0])
		return true;
	if (v->line && (v->n != 1 || like))
		complain(im, v->line, "%s: exactly one value is needed: write one, such as %s",
				      v->name, like ?: "300");
	else if (like)
		complain(im, 1, "%s is missing: add %s=%s", v->name, v->name, like);
	return false;
}

static void import_host(struct import *im, const struct variable *v, const char *text,
			char ret[256])
{
	const char *why = address_wrong(text, 0, true);
	struct address ignored;

	if (!why && !address_parse(text, &ignored))
		why = "is an address: write the name of a host";
	if (why) {
		complain(im, v->line, "%s: '%s' %s", v->name, text, why);
		return;
	}
	strcpy(ret, text);
	if (ret[strlen(ret) - 1] == '.')
		ret[strlen(ret) - 1] = '\0';
}

static void import_endpoint(struct import *im, const struct variable *v, struct ddns_config *d)
{
	const char *text = only_value(v), *name;
	enum ddns_endpoint e = OVH_EU;

	if (!v->line || !has_one_value(im, v, "ovh-eu"))
		return;
	while ((name = ddns_endpoint_name(e)) && strcmp(name, text))
		e++;
	if (name)
		d->endpoint = e;
	else if (!strncmp(text, "https://", 8) || !strncmp(text, "http://", 7))
		strcpy(d->url, text);
	else
		complain(im, v->line, "%s: '%s' is unknown: write ovh-eu, ovh-ca or "
				      "ovh-us", v->name, text);
	while (*d->url && d->url[strlen(d->url) - 1] == '/')
		d->url[strlen(d->url) - 1] = '\0';
}

static void import_ttl(struct import *im, const struct variable *v, struct ddns_config *d)
{
	unsigned long n = strtoul(only_value(v), NULL, 10);

	d->ttl = DDNS_TTL;
	if (!has_one_value(im, v, NULL))
		return;
	if (strspn(only_value(v), "0123456789") != strlen(only_value(v)) || !n || n > DDNS_TTL_MAX)
		complain(im, v->line, "%s: '%s' is not a number from 1 to %d", v->name,
			 only_value(v), DDNS_TTL_MAX);
	else
		d->ttl = n;
}

/* Adds the host names to publish: a shell array, or one value with spaces between the names. */
static void import_names(struct import *im, const struct variable *v, struct ddns_config *d)
{
	for (size_t i = 0; i < v->n; i++) {
		char words[256], *rest = words, *word;

		strcpy(words, v->words[i]);
		while ((word = strsep(&rest, " \t"))) {
			struct ddns_text *place = *word ? append(d->names, d->n_names) : NULL;

			if (!place)
				continue;
			import_host(im, v, word, place->text);
			for (size_t j = 0; j + 1 < d->n_names; j++)
				if (*place->text && !strcasecmp(d->names[j].text, place->text))
					complain(im, v->line,
						 "%s: '%s' is listed twice: remove one of the two",
						 v->name, word);
			if (*d->zone && *place->text && !ddns_in_zone(place->text, d->zone))
				complain(im, v->line, "%s: '%s' is not in the zone %s: correct the "
						      "name or the zone", v->name,
					 word, d->zone);
		}
	}
	if (!d->n_names)
		complain(im, v->line ?: 1,
			 "%s: the names are missing: add %s=( wg-end.example.net "
			 "firewall.example.net )",
			 v->name, v->name);
}

static void import_settings(struct import *im, const struct variable variables[VARIABLES],
			  struct ddns_config *d)
{
	/* Make the path absolute: a name without a slash would be that of a systemd credential. */
	char *path = strchr(im->file, '/') ? realpath(im->file, NULL) : NULL;

	*d = (struct ddns_config){ .ipv6 = true, .by = DDNS_OVH };
#ifndef WITH_CURL
	complain(im, 1, "this program was built without libcurl and cannot reach OVH");
#endif
	if (strlen(path ?: im->file) >= sizeof(d->secret))
		complain(im, 1, "the path of this file is longer than %zu bytes: move the file",
			 sizeof(d->secret) - 1);
	else
		strcpy(d->secret, path ?: im->file);
	free(path);
	import_endpoint(im, &variables[ENDPOINT], d);
	if (has_one_value(im, &variables[ZONE], "example.net"))
		import_host(im, &variables[ZONE], only_value(&variables[ZONE]), d->zone);
	import_ttl(im, &variables[TTL], d);
	if (has_one_value(im, &variables[IFACE], "ens18")) {
		if (is_interface_name(only_value(&variables[IFACE])))
			strcpy(d->interface, only_value(&variables[IFACE]));
		else
			complain(im, variables[IFACE].line,
				 "IFACE: '%s' cannot be the name of an interface: write one such "
				 "as ens18",
				 only_value(&variables[IFACE]));
	}
	import_names(im, &variables[NAMES], d);
}

static void import_text(struct import *im, const char *text, struct config *c)
{
	struct ovh_credentials ignored;
	struct variable variables[VARIABLES];
	struct shell_place place = read_variables(text, variables);
	struct ddns_config *d = append(c->ddns, c->n_ddns);

	if (place.wrong || !d)
		complain(im, place.line, "%s", place.wrong ?: "no memory");
	else
		import_settings(im, variables, d);
	if (!place.wrong)
		place = ovh_credentials_parse(text, &ignored);
	if (place.wrong && !im->wrong)
		complain(im, place.line, "%s", place.wrong);
	explicit_bzero(&ignored, sizeof(ignored));
	forget_all(variables);
}

int ddns_import(const char *file, struct config **ret)
{
	struct import im = { .file = file };
	struct config *c = calloc(1, sizeof(*c));
	char why[SECRET_WHY_LEN], *text = NULL;
	bool open;
	int rc = c ? secret_read(file, &text, &open, why) : -ENOMEM;

	if (rc)
		log_error("%s", c ? why : "no memory");
	else
		import_text(&im, text, c);
	secret_free(text);
	if (!rc && im.wrong)
		rc = -EINVAL;
	if (rc)
		config_free(c);
	else
		*ret = c;
	return rc;
}
