/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The line `MTU = N` of wg-quick's file, found as wg-quick(8) reads it and written without touching anything else. The file may
 * have a private key in it.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ddns/ddns_secret.h"
#include "lib/log.h"
#include "doctor/mtu.h"

struct span {
	const char *at;
	size_t len;
};

static struct span trimmed(const char *from, const char *to)
{
	while (from < to && isspace((unsigned char)*from))
		from++;
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	return (struct span){ from, to - from };
}

static bool is_word(struct span s, const char *word)
{
	return s.len == strlen(word) && !strncasecmp(s.at, word, s.len);
}

/* Up to '#' or the line's end: KEY, and what stands behind '=', or both the whole */
static void split(const char *line, const char *end, struct span *ret_key, struct span *ret_value)
{
	const char *comment = memchr(line, '#', end - line), *equals;

	end = comment ?: end;
	equals = memchr(line, '=', end - line);
	*ret_key = trimmed(line, equals ?: end);
	*ret_value = trimmed(equals ? equals + 1 : line, end);
}

/* 0: no number that an MTU can be */
static unsigned int number(struct span s)
{
	unsigned int n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9' || n > MTU_MAX)
			return 0;
		n = 10 * n + s.at[i] - '0';
	}
	return n >= MTU_SMALL && n <= MTU_MAX ? n : 0;
}

int mtu_line_find(const char *path, const char *text, size_t n, struct mtu_line *ret)
{
	struct mtu_line found = { .mtu = 0 };
	const char *line = text, *end, *all = text + n;
	bool interface = false, any = false;
	struct span key, value;

	for (unsigned int row = 1; line < all; row++, line = end + 1) {
		end = memchr(line, '\n', all - line) ?: all;
		split(line, end, &key, &value);
		if (key.len && *key.at == '[')
			interface = is_word(key, "[Interface]");
		if (interface && !any && is_word(key, "[Interface]"))
			found.at = (end < all ? end + 1 : all) - text;
		any |= interface;
		if (interface && is_word(key, "Address") && memchr(value.at, ':', value.len))
			found.ipv6 = true;
		if (!interface || !is_word(key, "MTU"))
			continue;
		if (found.mtu || !number(value)) {
			log_error("%s:%u:%zu: '%.*s': %s", path, row, value.at - line + 1, (int)value.len, value.at, found.mtu ?
				  "the MTU is said a second time: one of them is to go" : "a number of bytes is wanted, as in MTU = 1420");
			return -EINVAL;
		}
		found = (struct mtu_line){ .at = value.at - text, .len = value.len, .mtu = number(value), .ipv6 = found.ipv6 };
	}
	if (!any) {
		log_error("%s: no section [Interface]: a file of wg-quick's is wanted", path);
		return -EINVAL;
	}
	*ret = found;
	return 0;
}

/* Where there is no such line it is made, with the end that the others have */
static void write_text(FILE *out, const char *text, const struct mtu_line *l, unsigned int mtu)
{
	const char *end = l->at >= 2 && text[l->at - 2] == '\r' ? "\r\n" : "\n";

	fwrite(text, 1, l->at, out);
	if (!l->len && text[l->at - 1] != '\n')
		fputs(end, out);
	fprintf(out, l->len ? "%u" : "MTU = %u%s", mtu, end);
	fputs(text + l->at + l->len, out);
}

/* 0 or -errno */
static int replace(const char *path, const char *text, const struct mtu_line *l, unsigned int mtu)
{
	char *beside = NULL;
	struct stat st;
	FILE *out = NULL;
	int rc = 0, fd;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(beside, O_CLOEXEC);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out || stat(path, &st)) {
		rc = -errno;
	} else {
		write_text(out, text, l, mtu);
		if (fflush(out) || ferror(out) || ((st.st_uid != geteuid() || st.st_gid != getegid()) && fchown(fd, st.st_uid, st.st_gid)) ||
		    fchmod(fd, st.st_mode & 07777) || fsync(fd))
			rc = -errno;
	}
	if (out && fclose(out) && !rc)
		rc = -errno;
	if (!rc && rename(beside, path))
		rc = -errno;
	if (rc && fd >= 0)
		unlink(beside);
	free(beside);
	return rc;
}

/* 0 or -errno, told. Both to be freed, by free() and secret_free() */
static int read_line(const char *path, char **ret_real, char **ret_text, struct mtu_line *ret)
{
	char *real = realpath(path, NULL), *text = NULL, why[SECRET_WHY_LEN];	/* a symbolic link stays one */
	bool open;
	int rc;

	if (!real) {
		rc = -errno;
		log_error("--set %s: %s", path, strerror(-rc));
		return rc;
	}
	rc = secret_read(real, &text, &open, why);
	if (rc)
		log_error("--set: %s", why);
	rc = rc ?: mtu_line_find(path, text, strlen(text), ret);
	if (rc) {
		secret_free(text);
		free(real);
		return rc;
	}
	*ret_real = real;
	*ret_text = text;
	return 0;
}

int mtu_line_check(const char *path)
{
	char *real, *text;
	struct mtu_line l;
	int rc = read_line(path, &real, &text, &l);

	if (!rc) {
		secret_free(text);
		free(real);
	}
	return rc;
}

int mtu_line_set(const char *path, unsigned int mtu, unsigned int *ret_was)
{
	char *real, *text;
	struct mtu_line l;
	int rc = read_line(path, &real, &text, &l);

	if (rc)
		return rc;
	if (mtu < (l.ipv6 ? MTU_IPV6_MIN : MTU_SMALL)) {
		rc = -ERANGE;
		log_error("--set %s: an MTU of %u is not written: %s", path, mtu, l.ipv6 ? "an Address there is of IPv6, which needs 1280" :
			  "nothing works with it");
	} else if (l.mtu != mtu) {
		rc = replace(real, text, &l, mtu);
		if (rc)
			log_error("cannot write %s: %s", path, strerror(-rc));
	}
	if (!rc)
		*ret_was = l.mtu;
	secret_free(text);
	free(real);
	return rc;
}
