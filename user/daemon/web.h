/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the daemon answers to requests over HTTP, apart from how they come (exporter.c): metrics, the status page, and under
 * /api/v1/ what `wgxdp show --json` prints.
 */
#pragma once
#include <time.h>
#include "config/config.h"

#define WEB_FLOWS_MAX 1000		/* more are for the command: the daemon has other things to do */

struct web {
	const char *instance, *file;	/* file: the configuration's; NULL: none */
	time_t started;
	enum page_for page;
};

struct web_request {
	const char *method, *path, *host;	/* host: the header's; NULL: none */
	bool local;			/* it comes from this host */
};

struct web_answer {
	unsigned int status;		/* HTTP's */
	const char *type, *policy;	/* of its content; what a browser may do with it */
	char *text;			/* to be freed, unless it is constant */
	size_t size;
	bool constant;
};

/* 0, or -ENOMEM: there is no answer */
int web_answer(const struct web *w, const struct web_request *r, struct web_answer *ret);

/* An address, or a name that is this host's own: what anybody may have made a name of is refused (DNS rebinding). host: with a
 * port or without; own: this host's name */
bool web_host_valid(const char *host, const char *own);
