/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is told on standard error, for the tests of the configuration. To be included after cmocka.h.
 */
#ifndef TOLD_H
#define TOLD_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../user/config.h"

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

#endif
