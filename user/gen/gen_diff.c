/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs diff(1) on two texts in memory, without their secret keys.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "gen/gen_diff.h"
#include "gen/gen_keys.h"
#include "lib/gen_run.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/text.h"

/* Copies the first key in the line to ret and returns its place; returns `end` if there is none. */
static const char *next_key(const char *line, const char *end, char ret[WG_KEY_STRLEN])
{
	struct wg_key key;

	for (; line + WG_KEY_STRLEN - 1 <= end; line++) {
		memcpy(ret, line, WG_KEY_STRLEN - 1);
		ret[WG_KEY_STRLEN - 1] = '\0';
		if (!wg_key_parse(ret, &key))
			return line;
	}
	return end;
}

static void write_line(FILE *out, const char *line, const char *end, const char *path,
		       const char *other)
{
	char key[WG_KEY_STRLEN];
	/* The line is one with PublicKey, public-key or public_key. A host's name, with which the
	 * path begins, says nothing. */
	bool public = !fnmatch("*-publickey", path, 0) || memmem(line, end - line, "ublic", 5);

	while (line < end) {
		const char *at = next_key(line, end, key);

		fwrite(line, 1, at - line, out);
		if (at == end)
			return;
		if (gen_key_is_to_be(key))
			fputs("(a new key)", out);
		else if (public)
			fputs(key, out);
		else
			fputs(!other || strstr(other, key) ? "(secret)" : "(another secret)", out);
		line = at + strlen(key);
	}
}

char *gen_without_secrets(const char *path, const char *text, const char *other)
{
	size_t n;
	char *ret;
	FILE *out = text_open(&ret, &n);

	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		write_line(out, text, end, path, other);
		if (*end)
			fputc('\n', out);
	}
	fclose(out);
	return ret;
}

/* Writes the text without its secrets into a file for diff(1). NULL is an empty text. Returns an
 * fd. */
static int plain_file(const char *path, const char *text, const char *other)
{
	char *plain = text ? gen_without_secrets(path, text, other) : xstrdup("");
	int fd = run_text(plain, strlen(plain));

	free(plain);
	return fd;
}

/* Runs diff(1), which reads one file from standard input and the other from /proc, without
 * names. */
static int run_diff(const char *path, bool is_old, bool is_new, int a, int b)
{
	char *old = xasprintf("%s%s", is_old ? "a/" : "/dev/null", is_old ? path : "");
	char *new = xasprintf("%s%s", is_new ? "b/" : "/dev/null", is_new ? path : "");
	char file[32];
	int rc;

	snprintf(file, sizeof(file), "/proc/%d/fd/%d", getpid(), b);
	rc = run_program((char *[]){ "diff", "-u", "--label", old, "--label", new, "-", file,
				     NULL }, a, -1, -1);
	free(old);
	free(new);
	return rc;
}

int gen_diff(const char *path, const char *old, const char *new)
{
	int a = plain_file(path, old, NULL), b = plain_file(path, new, old);
	int rc = run_diff(path, old, new, a, b);

	if ((rc < 0 && rc != -EPIPE) || rc > 1)
		log_error("%s: cannot compare the texts%s%s", path, rc < 0 ? ": " : "",
			  rc < 0 ? strerror(-rc) : "");
	close(a);
	close(b);
	return rc > 1 ? -EIO : rc < 0 ? rc : 0;
}
