// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No HTTP request crashes the exporter, gets more than its client is allowed, or finds its own text in the answer.
 * libmicrohttpd gives the requests to the exporter. An input is a byte of options (the client, the allowed clients of
 * the status page, whether there is a data path, what fails), then method, path, Host and Authorization in lines. If
 * there is the last one, a password is needed, and all others are refused. There must be an answer with a possible
 * status, a type and a policy. Only allowed clients see more than the metrics, and only by this host's own names. An
 * answer contains nothing of the request.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/utsname.h>
#include "fuzz_quiet.h"
#include "show/show.h"
#include "instance/follower.h"
#include "instance/source.h"
#include "instance/run_state.h"
#include "exporter/web.h"

#define MARK "zqzq"
#define NAME "relay.example.net"

static uint8_t how;
static struct dataplane there;

/* ---- replaces the maps ---- */

int dataplane_open(const char *instance, struct dataplane **ret)
{
	there.running = how & 8;
	*ret = &there;
	return (how & 0x70) == 0x70 ? -EPERM : 0;
}

void dataplane_close(struct dataplane *dp)
{
}

__u32 dataplane_used(const struct dataplane *dp, enum dataplane_map m)
{
	return how & 0x10 ? 2 * WEB_FLOWS_MAX + 2 : 2 * WEB_FLOWS_MAX;
}

unsigned int show_noun(const char *word)
{
	return !strcmp(word, "services") ? SHOW_SERVICES : !strcmp(word, "flows") ? SHOW_FLOWS : !strcmp(word, "metrics") ? SHOW_METRICS : 0;
}

static int write_something(FILE *out)
{
	fputs("{}\n", out);
	return (how & 0x70) == 0x60 ? -EIO : 0;
}

int show_write(const struct dataplane *dp, unsigned int what, bool is_json, FILE *out)
{
	return write_something(out);
}

int show_flows(const struct dataplane *dp, bool is_json, const struct wg_dump *dump, FILE *out)
{
	return write_something(out);
}

int metrics_write(FILE *out, const char *instance)
{
	return write_something(out);
}

void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name)
{
	strcpy(path, "/nonexistent");
}

bool run_state_failed(const char *instance)
{
	return how & 0x20;
}

bool follower_runs(const char *instance, __s64 *ret_since)
{
	*ret_since = 0;
	return false;
}

const char *source_now(const char *instance, char ret_file[PATH_MAX])
{
	strcpy(ret_file, how & 0x20 ? "" : "/etc/wgxdp/wgxdp.yaml");
	return how & 0x20 ? NULL : "as in the file";
}

/* ---- allowed results ---- */

/* A name before a port that this host answers to; or an address, in brackets for IPv6 */
static bool ours(const char *host)
{
	struct in6_addr address;
	struct utsname here;
	char name[256];
	const char *end;

	MUST(!uname(&here));
	if (*host == '[') {
		end = strchr(host, ']');
		snprintf(name, sizeof(name), "%.*s", end ? (int)(end - host - 1) : 0, host + 1);
		return end && (!end[1] || end[1] == ':') && inet_pton(AF_INET6, name, &address) == 1;
	}
	end = strrchr(host, ':') ?: host + strlen(host);
	snprintf(name, sizeof(name), "%.*s", (int)(end - host), host);
	return inet_pton(AF_INET, name, &address) == 1 || !strcasecmp(name, "localhost") || !strcasecmp(name, here.nodename);
}

/* The only header with the right user and password */
static bool is_admitted(const char *authorization)
{
	static const char right[] = "cHJvbWV0aGV1czpjb3JyZWN0IGhvcnNl";	/* prometheus:correct horse */
	const char *rest = authorization + 6 + strlen(right);

	return !strncasecmp(authorization, "Basic ", 6) && !strncmp(authorization + 6, right, strlen(right)) && !rest[strspn(rest, "=")];
}

static bool is_meant(unsigned int status)
{
	static const unsigned int all[] = { 200, 401, 403, 404, 405, 421, 429, 500, 503, 507 };
	bool is = false;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		is = is || status == all[i];
	return is;
}

static void check(const struct web *w, const struct web_request *r, const struct web_answer *a)
{
	bool reads = !strcmp(r->method, "GET") || !strcmp(r->method, "HEAD"), metrics = !strcmp(r->path, "/metrics");
	bool api = !strncmp(r->path, "/api/v1/", 8);

	MUST(is_meant(a->status) && a->type && a->policy && a->text);
	MUST((a->status == 401 || a->status == 429) == (r->admission != WEB_ADMITTED));
	MUST(r->admission || (a->status == 405) == !reads);
	if (a->status == 200 || a->status >= 500) {
		MUST(r->host && (ours(r->host) || !strcasecmp(r->host, NAME) || !strncasecmp(r->host, NAME ":", strlen(NAME ":"))));
		MUST(metrics || ((w->page == PAGE_EVERYWHERE || (w->page == PAGE_LOCAL && r->local)) && (api || !strcmp(r->path, "/"))));
	}
	MUST(!web_takes_long(w, r) || a->status == 200 || a->status >= 500);
	if (a->constant)
		return;
	MUST(!memmem(a->text, a->size, MARK, strlen(MARK)));
	if (api)
		MUST(a->size > 2 && *a->text == '{' && a->text[a->size - 1] == '\n' && !strcmp(a->type, "application/json"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum page_for pages[] = { PAGE_OFF, PAGE_LOCAL, PAGE_EVERYWHERE, PAGE_EVERYWHERE };
	struct ddns_text name = { NAME };
	struct web w = { .instance = "default", .names = &name, .n_names = 1 };
	struct web_user user = { .name = "prometheus", .hash = "x", .accepted = "correct horse" };
	/* no time for bcrypt */
	struct web_config access = { .users = &user, .n_users = 1, .sources[0].next_check = UINT64_MAX };
	struct address from = { 0 };
	struct web_request r = { 0 };
	struct web_answer a;
	char *text, *line;

	if (!size)
		return 0;
	how = data[0];
	w.page = pages[how & 3];
	text = line = bytes_as_text(data + 1, size - 1);
	r.method = strsep(&line, "\n");
	r.path = strsep(&line, "\n") ?: "/";
	r.host = strsep(&line, "\n");
	r.local = how & 4;
	if (line) {
		r.admission = web_config_admit(&access, line, &from, 0);
		MUST((r.admission == WEB_ADMITTED) == is_admitted(line));
	}
	web_answer(&w, &r, &a);
	check(&w, &r, &a);
	if (!a.constant)
		free(a.text);
	free(text);
	return 0;
}
