/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A request reads the maps with the code of `wgxdp show`. Without requests, the maps are not read.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include "page.h"
#include "show/show.h"
#include "instance/follower.h"
#include "instance/source.h"
#include "instance/run_state.h"
#include "lib/text.h"
#include "exporter/web.h"

#define API "/api/v1/"
#define NOTHING "default-src 'none'; frame-ancestors 'none'"
#define PAGE_POLICY \
	"default-src 'none'; script-src '" PAGE_SCRIPT_HASH "'; style-src '" PAGE_STYLE_HASH "'; " \
	"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'"

static const char html[] = "text/html; charset=utf-8", json[] = "application/json";
static const char plain[] = "text/plain; charset=utf-8";
static const char prometheus[] = "text/plain; version=0.0.4; charset=utf-8";

/* ---- the client ---- */

/* Returns whether the Host header is an address or this host's own name. Another name may be an
 * attacker's, who uses DNS rebinding. host: with or without a port; own: this host's name. */
static bool web_host_valid(const char *host, const char *own)
{
	size_t n = strlen(host), brackets = *host == '[';
	const char *colon = strrchr(host, ':'), *bracket = strchr(host, ']');
	struct address address;
	char name[256];

	if (brackets)
		n = bracket ? bracket - host - 1 : 0;
	else if (colon)
		n = colon - host;
	if (!n || n >= sizeof(name) || (brackets && bracket[1] && bracket[1] != ':'))
		return false;
	memcpy(name, host + brackets, n);
	name[n] = '\0';
	if (!address_parse(name, &address))
		return brackets == (address.family == FAMILY_IPV6);
	return !brackets && (!strcasecmp(name, "localhost") || !strcasecmp(name, own));
}

static bool host_is_ours(const struct web *w, const struct web_request *r)
{
	struct utsname here;
	bool ours = r->host && !uname(&here) && web_host_valid(r->host, here.nodename);

	for (size_t i = 0; r->host && !ours && i < w->n_names; i++)
		ours = web_host_valid(r->host, w->names[i].text);
	return ours;
}

/* ---- answers ---- */

/* Answers with an error. Below the path of the API it is JSON, {"status": 404, "error": "…"},
 * otherwise plain text. */
static void answer_error(const struct web_request *r, unsigned int status, struct web_answer *ret,
			 const char *format, ...)
{
	bool api = !strncmp(r->path, API, strlen(API));
	struct document *d = api ? document_new() : NULL;
	FILE *out = text_open(&ret->text, &ret->size);
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ret->status = status;
	ret->type = api ? json : plain;
	if (api) {
		document_number(document_root(d), "status", status);
		document_text(document_root(d), "error", text);
		document_print_json(d, out);
	} else {
		fprintf(out, "%s\n", text);
	}
	document_free(d);
	fclose(out);
}

static void write_status(const struct web *w, bool data_path, FILE *out)
{
	struct document *d = document_new();
	char path[RUN_STATE_PATH_LEN], file[PATH_MAX];
	const char *state;
	struct timespec now;
	struct utsname here;
	struct stat st = { 0 };
	struct node root, map;
	__s64 started;

	uname(&here);
	root = document_root(d);
	clock_gettime(CLOCK_REALTIME, &now);
	run_state_path(path, w->instance, "running.yaml");
	stat(path, &st);
	follower_runs(w->instance, &started);
	state = source_now(w->instance, file);
	document_text(root, "version", VERSION);
	document_text(root, "instance", w->instance);
	document_text(root, "host", here.nodename);
	document_number(root, "started", started);
	document_decimal(root, "now", now.tv_sec + now.tv_nsec / 1e9);
	document_text(root, "data_path", data_path ? "attached" : "none");
	map = document_map(root, "configuration");
	if (*file)
		document_text(map, "file", file);
	else
		document_null(map, "file");
	document_number(map, "since", st.st_mtim.tv_sec);
	document_text(map, "last_reload", run_state_failed(w->instance) ? "failed" : "done");
	document_text(map, "state", state);
	document_print_json(d, out);
	document_free(d);
}

/* Returns the SHOW_* flags for WORD in the path /api/…/WORD, or 0 if there is no such document. */
static unsigned int shown_by(const char *word)
{
	unsigned int what = !strcmp(word, "show") ? SHOW_DOCUMENT : show_noun(word);

	return what == SHOW_METRICS ? 0 : what;
}

/* Writes a document. Returns 0, -errno, or an HTTP status. */
static int write_document(const struct web *w, const char *word, const struct dataplane *dp,
			  FILE *out)
{
	unsigned int what = shown_by(word);

	if (!strcmp(word, "status")) {
		write_status(w, dp->running, out);
		return 0;
	}
	if (!what)
		return 404;
	if (!dp->running)
		return 503;
	if (what != SHOW_FLOWS)
		return show_write(dp, what, true, out);
	return dataplane_used(dp, MAP_flow_table) > WEB_FLOWS_MAX ? 507 :
	       show_flows(dp, true, NULL, out);
}

/* Answers with the metrics, or with a document of the API. */
static void answer_written(const struct web *w, const struct web_request *r, bool metrics,
			   struct web_answer *ret)
{
	FILE *out = text_open(&ret->text, &ret->size);
	struct dataplane *dp = NULL;
	int rc = metrics ? metrics_write(out, w->instance) :
		 dataplane_open(w->instance, &dp) ?:
		 write_document(w, r->path + strlen(API), dp, out);

	dataplane_close(dp);
	fclose(out);
	if (!rc) {
		ret->status = 200;
		ret->type = metrics ? prometheus : json;
		return;
	}
	free(ret->text);
	ret->text = NULL;
	switch (rc) {
	case 404:
		answer_error(r, 404, ret, "not found: use status, show, interfaces, services, peers, routes, sites, lists, drops or flows below " API);
		break;
	case 503:
		answer_error(r, 503, ret, "instance %s has no data path, because its configuration needs none or it is not up",
			     w->instance);
		break;
	case 507:
		answer_error(r, 507, ret, "there are more than %d flows: use `wgxdp show flows --json`", WEB_FLOWS_MAX);
		break;
	default:
		answer_error(r, 500, ret, "cannot read the maps: %s", strerror(-rc));
	}
}

/* Returns why a request is refused, and sets *status to the HTTP status; NULL: it is not
 * refused. */
static const char *refusal(const struct web *w, const struct web_request *r, unsigned int *status)
{
	bool metrics = !strcmp(r->path, "/metrics");

	*status = 401;
	if (r->admission == WEB_UNKNOWN)
		return "wgxdp: a user and a password are needed";
	*status = 429;
	if (r->admission == WEB_BUSY)
		return "wgxdp: another password is being checked: try again in a second";
	*status = 405;
	if (strcmp(r->method, "GET") && strcmp(r->method, "HEAD"))
		return "only GET and HEAD are supported";
	*status = 404;
	if (!metrics && strcmp(r->path, "/") && strncmp(r->path, API, strlen(API)))
		return "not found: see /metrics";
	if (!metrics && w->page == PAGE_OFF)
		return "wgxdp: the status page is turned off by exporter: { page: off }; the metrics are at /metrics";
	*status = 403;
	if (!metrics && w->page == PAGE_LOCAL && !r->local)
		return "wgxdp: only this host may read the status page: to allow others, set exporter: { page: everywhere }. The metrics are at /metrics";
	*status = 421;
	if (!host_is_ours(w, r))
		return "wgxdp: this host name is unknown: use an address, localhost, this host's name, or add the name to exporter: { names: [ … ] }";
	return NULL;
}

bool web_takes_long(const struct web *w, const struct web_request *r)
{
	const char *word = strncmp(r->path, API, strlen(API)) ? NULL : r->path + strlen(API);
	unsigned int status;

	return !refusal(w, r, &status) && (!strcmp(r->path, "/metrics") ||
		(word && (!strcmp(word, "status") || shown_by(word))));
}

void web_answer(const struct web *w, const struct web_request *r, struct web_answer *ret)
{
	unsigned int status;
	const char *why = refusal(w, r, &status);

	*ret = (struct web_answer){ .policy = NOTHING };
	if (why)
		answer_error(r, status, ret, "%s", why);
	else if (!strcmp(r->path, "/"))
		*ret = (struct web_answer){
			.status = 200, .type = html, .policy = PAGE_POLICY,
			.text = (char *)page, .size = sizeof(page), .constant = true,
		};
	else
		answer_written(w, r, !strcmp(r->path, "/metrics"), ret);
}
