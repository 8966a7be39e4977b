/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Captures messages on standard error, for the tests of the configuration. Include it after cmocka.h.
 */
#ifndef TOLD_H
#define TOLD_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "config/config.h"

struct told {
	int saved, fd;
	char text[65536];
};

static void listen_to(struct told *t)
{
	fflush(stderr);
	t->saved = dup(2);
	t->fd = memfd_create("stderr", MFD_CLOEXEC);
	assert_true(t->saved >= 0 && t->fd >= 0);
	dup2(t->fd, 2);
}

static const char *heard(struct told *t)
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

static inline int parse_quietly(const char *text, struct config **ret, struct told *t)
{
	int r;

	listen_to(t);
	r = config_parse(text, "test.yaml", ret);
	heard(t);
	return r;
}

/* Removes the lines of parts that this build lacks: WITH_…=0 in the Makefile */
static inline void leave_out_left_out(char *lines)
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
