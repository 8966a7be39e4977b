/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The text of a document: a file, or standard input.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "yaml.h"

#define FILE_LIMIT (16 << 20)		/* bytes: more is a mistake */

static int read_all(FILE *in, char **ret, size_t *ret_n)
{
	size_t n = 0, room = 0, got = 1;
	char *text = NULL, *larger;
	int r = 0;

	while (!r && got) {
		if (n + 1 >= room) {
			room = room ? 2 * room : 8192;
			larger = room <= FILE_LIMIT ? realloc(text, room) : NULL;
			if (!larger) {
				r = room <= FILE_LIMIT ? -ENOMEM : -EFBIG;
				break;
			}
			text = larger;
		}
		errno = 0;
		got = fread(text + n, 1, room - n - 1, in);
		n += got;
		if (!got && ferror(in))
			r = errno ? -errno : -EIO;
	}
	if (r) {
		free(text);
		return r;
	}
	text[n] = '\0';
	*ret = text;
	*ret_n = n;
	return 0;
}

const char *yaml_file_name(const char *file)
{
	return strcmp(file, "-") ? file : "<stdin>";
}

/* What a command leaves that failed before it wrote anything: nobody means that everything shall go */
static bool nothing_came(const char *text, size_t n)
{
	return strspn(text, " \t\r\n") == n;
}

int yaml_read(const char *file, char **ret, size_t *ret_n)
{
	bool is_stdin = !strcmp(file, "-");
	FILE *in = is_stdin ? stdin : fopen(file, "re");
	int r = in ? read_all(in, ret, ret_n) : -errno;

	if (in && !is_stdin)
		fclose(in);
	if (r) {
		log_error("cannot read %s: %s", is_stdin ? "standard input" : file, strerror(-r));
	} else if (is_stdin && nothing_came(*ret, *ret_n)) {
		log_error("standard input is empty, as of a command that failed; where nothing is to be there, that is {}");
		free(*ret);
		r = -EINVAL;
	}
	return r;
}
