/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the text of a document from a file or standard input.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lib/log.h"
#include "lib/yaml.h"

/* one byte for the zero, one to detect a file that is too long */
#define ROOM_MOST (YAML_FILE_LIMIT + 2)

static int make_room(char **text, size_t *room)
{
	size_t more = !*room ? 8192 : 2 * *room < ROOM_MOST ? 2 * *room : ROOM_MOST;
	char *larger;

	if (*room == ROOM_MOST)
		return -EFBIG;
	larger = realloc(*text, more);
	if (!larger)
		return -ENOMEM;
	*text = larger;
	*room = more;
	return 0;
}

static int read_all(FILE *in, char **ret, size_t *ret_n)
{
	size_t n = 0, room = 0, got = 1;
	char *text = NULL;
	int r = 0;

	while (!r && got) {
		if (n + 1 >= room)
			r = make_room(&text, &room);
		if (r)
			break;
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

/* A command that failed leaves empty output, which does not mean an empty configuration. */
static bool is_blank(const char *text, size_t n)
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
	} else if (is_stdin && is_blank(*ret, *ret_n)) {
		log_error("standard input is empty, as of a command that failed; where nothing is "
			  "to be there, that is {}");
		free(*ret);
		r = -EINVAL;
	}
	return r;
}
