/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exporter's answers to HTTP requests, independent of the server (server.c): metrics, the
 * status page, and under /api/v1/ what `wgxdp show --json` prints. The files of this room and the
 * fuzz tests include it.
 */
#pragma once
#include "config/config.h"
#include "exporter/web_config.h"

/* Most flows on a page; the command `wgxdp show flows` prints any number. */
#define WEB_FLOWS_MAX 1000

struct web {
	const char *instance;
	enum page_for page;
	const struct ddns_text *names;	/* names of this host that a Host header may have */
	size_t n_names;
};

struct web_request {
	/* Method and path of the request, and its Host header; host NULL: none. */
	const char *method, *path, *host;
	bool local;			/* the client is on this host */
	enum web_admission admission;	/* whether the request has the password that it needs */
};

struct web_answer {
	unsigned int status;
	const char *type, *policy; /* media type; value of the header Content-Security-Policy */
	char *text;			/* body, which the caller frees unless it is constant */
	size_t size;
	bool constant;
};

/* Returns whether the answer reads the maps or, as the status does, the configuration. This takes
 * long if they are large. */
bool web_takes_long(const struct web *w, const struct web_request *r);
void web_answer(const struct web *w, const struct web_request *r, struct web_answer *ret);

/* Returns whether the Host header is an address or this host's own name. Another name may be an
 * attacker's, who uses DNS rebinding. host: with or without a port; own: this host's name. */
bool web_host_valid(const char *host, const char *own);
