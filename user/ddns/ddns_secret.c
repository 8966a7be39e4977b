/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements ddns_secret.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ddns/ddns_secret.h"
#include "lib/file.h"

#define LIMIT (1 << 20)		/* longest file, in bytes */

int secret_read(const char *file, char **ret, bool *ret_open, char why[SECRET_WHY_LEN])
{
	const char *directory = strchr(file, '/') ? "" : getenv("CREDENTIALS_DIRECTORY");
	char path[384];
	size_t n;
	int rc;

	if (!directory || snprintf(path, sizeof(path), "%s%s%s", directory, *directory ? "/" : "",
				   file) >= (int)sizeof(path)) {
		snprintf(why, SECRET_WHY_LEN,
			 "%s names a credential of systemd, which the unit does not have: add "
			 "LoadCredential= there, or for a file write ./%s",
			 file, file);
		return -ENOENT;
	}
	rc = file_read_plain(path, LIMIT, ret, &n, ret_open);
	if (!rc && strlen(*ret) != n) {
		explicit_bzero(*ret, n);
		free(*ret);
		rc = -EINVAL;
	}
	if (rc)
		snprintf(why, SECRET_WHY_LEN, "cannot read %s: %s", path, strerror(-rc));
	return rc;
}

void secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* ---- keys ---- */

struct words {
	const char *at;
	char word[256];			/* present word; "" at the end of the text */
	bool too_long;
};

/* Reads the next word, without its quotes. White space, '{', '}', ';', ',' and comments separate
 * words. after_secret: the word before was `secret`, so "//" is base64 and no comment. */
static const char *next_word(struct words *w, bool after_secret)
{
	const char *s = w->at, *end;
	size_t n = 0;

	for (;;) {
		s += strspn(s, " \t\r\n{};,");
		if (*s == '-' && isspace((unsigned char)s[1])) {
			s++;
		} else if (*s == '#' || (*s == '/' && s[1] == '/' && !after_secret)) {
			s += strcspn(s, "\n");
		} else if (*s == '/' && s[1] == '*') {
			end = strstr(s + 2, "*/");
			s = end ? end + 2 : s + strlen(s);
		} else {
			break;
		}
	}
	if (*s == '"' || *s == '\'') {
		n = strcspn(s + 1, *s == '"' ? "\"\n" : "'\n");
		end = s + 1 + n + (s[1 + n] == *s);
		s++;
	} else {
		n = strcspn(s, " \t\r\n{};,");
		end = s + n;
	}
	w->too_long |= n >= sizeof(w->word);
	if (n >= sizeof(w->word))
		n = 0;
	memcpy(w->word, s, n);
	w->word[n] = '\0';
	w->at = end;
	return w->word;
}

static bool is_base64(const char *s)
{
	size_t n = strlen(s), digits;

	digits = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	return n && n % 4 == 0 && n - digits <= 2 && !s[digits + strspn(s + digits, "=")];
}

static bool is_key_name(const char *s)
{
	const char *c = s;

	while (isalnum((unsigned char)*c) || (*c && strchr("-_.", *c)))
		c++;
	return c != s && !*c && *s != '.' && !strstr(s, "..");
}

struct found {
	char name[256], secret[256], algorithm[64];
	unsigned int keys;
};

static bool is_word(const char *word, const char *key)
{
	size_t n = strlen(key);

	return !strncasecmp(word, key, n) && (!word[n] || (word[n] == ':' && !word[n + 1]));
}

static const char *parse_words(struct words *w, struct found *f)
{
	while (*next_word(w, false)) {
		char *to = NULL;
		size_t room = sizeof(f->name);
		bool secret = is_word(w->word, "secret");

		if (is_word(w->word, "key") && !strchr(w->word, ':'))
			to = f->name;
		else if (is_word(w->word, "id"))
			to = f->name;
		else if (secret)
			to = f->secret;
		else if (is_word(w->word, "algorithm"))
			to = f->algorithm;
		else if (!is_word(w->word, "key"))
			return "the file has other words than key, algorithm and secret: remove "
			       "them";
		if (!to)
			continue;
		room = to == f->algorithm ? sizeof(f->algorithm) : room;
		if (strlen(next_word(w, secret)) >= room)
			return "the key's algorithm is not supported: make a key with hmac-sha256";
		f->keys += to == f->name;
		strcpy(to, w->word);
	}
	return w->too_long ? "the file has a word of more than 255 bytes" : NULL;
}

/* Parses a key in the form ALGORITHM:NAME:SECRET. */
static bool parse_line(const char *text, struct found *f)
{
	size_t n;

	text += strspn(text, " \t\r\n");
	n = strcspn(text, " \t\r\n");
	if (text[n + strspn(text + n, " \t\r\n")] || memchr(text, '{', n))
		return false;
	f->keys = 1;
	return sscanf(text, "%63[^:]:%255[^:]:%255[^: \t\r\n]", f->algorithm, f->name,
		      f->secret) == 3;
}

const char *tsig_parse(const char *text, struct tsig_key *ret)
{
	struct found f = { .keys = 0 };
	struct words w = { .at = text };
	const char *wrong = parse_line(text, &f) ? NULL :
			    (f = (struct found){ .keys = 0 }, parse_words(&w, &f));
	size_t n = strlen(f.algorithm);

	if (n && f.algorithm[n - 1] == '.')
		f.algorithm[n - 1] = '\0';
	if (!wrong && f.keys > 1)
		wrong = "the file has several keys: keep one";
	if (!wrong && (!f.keys || !*f.name || !*f.algorithm || !*f.secret))
		wrong = "the file has no key: write what tsig-keygen or `keymgr -t` prints, or "
			"hmac-sha256:NAME:SECRET";
	if (!wrong && strcasecmp(f.algorithm, "hmac-sha256"))
		wrong = "the key's algorithm is not supported: make a key with hmac-sha256";
	if (!wrong && !is_key_name(f.name))
		wrong = "the key's name is invalid: write letters, digits, '-', '_' and '.'";
	if (!wrong && !is_base64(f.secret))
		wrong = "the key's secret is not base64";
	if (!wrong) {
		strcpy(ret->name, f.name);
		strcpy(ret->secret, f.secret);
	}
	explicit_bzero(&f, sizeof(f));
	explicit_bzero(w.word, sizeof(w.word));
	return wrong;
}
