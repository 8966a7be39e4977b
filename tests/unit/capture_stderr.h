/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Captures messages on standard error, for the tests of the configuration. Include it after cmocka.h.
 */
#ifndef CAPTURE_STDERR_H
#define CAPTURE_STDERR_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "config/config.h"

struct captured {
	int saved, fd;
	char text[65536];
};

static void capture_stderr(struct captured *t)
{
	fflush(stderr);
	t->saved = dup(2);
	t->fd = memfd_create("stderr", MFD_CLOEXEC);
	assert_true(t->saved >= 0 && t->fd >= 0);
	dup2(t->fd, 2);
}

/* Returns what was written to standard error since capture_stderr() */
static const char *release_stderr(struct captured *t)
{
	ssize_t n;

	fflush(stderr);
	dup2(t->saved, 2);
	close(t->saved);
	n = pread(t->fd, t->text, sizeof(t->text) - 1, 0);
	t->text[n < 0 ? 0 : n] = '\0';
	close(t->fd);
	return t->text;
}

static inline int parse_quietly(const char *text, struct config **ret, struct captured *t)
{
	int r;

	capture_stderr(t);
	r = config_parse(text, "test.yaml", ret);
	release_stderr(t);
	return r;
}

/* Removes the lines of parts that this build lacks: WITH_…=0 in the Makefile */
static inline void drop_lines_of_lacking_parts(char *lines)
{
	char *end;

	for (; *lines; lines = end) {
		end = strchrnul(lines, '\n');
		end += *end == '\n';
		if (memmem(lines, end - lines, ": this program was built without ", 33)) {
			memmove(lines, end, strlen(end) + 1);
			end = lines;
		}
	}
}

#endif
