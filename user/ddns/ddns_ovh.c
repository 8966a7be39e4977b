/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The provider `ovh`: OVH's HTTPS API, with libcurl. Each request is signed with the API's own
 * time. A request writes one record, and the refresh at the end publishes all changes on the name
 * servers of the zone. A file exists from the first write to a good refresh: if a run ends in
 * between, the next one refreshes, although the API has the right records already.
 */
#ifdef WITH_CURL
/* curl's type checks do not compile with functions that dlsym() returned. */
#define CURL_DISABLE_TYPECHECK
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ddns/ddns.h"
#include "ddns/ddns_ovh.h"
#include "ddns/ddns_secret.h"
#include "lib/file.h"
#include "lib/library.h"
#include "lib/paths.h"
#include "lib/yaml_json.h"
#include "lib/yaml_tree.h"

#define CONNECT_MS 5000
#define REQUEST_MS 10000
#define REPLY_MAX 65536			/* longest reply, in bytes */
#define TIME_MAX (1ULL << 40)	/* later times of the API are errors, in seconds since 1970 */

#define FUNCTIONS(X) \
	X(curl_easy_cleanup) X(curl_easy_getinfo) X(curl_easy_init) X(curl_easy_perform) \
	X(curl_easy_reset) X(curl_easy_setopt) X(curl_easy_strerror) X(curl_global_init) \
	X(curl_slist_append) X(curl_slist_free_all)

static struct library_functions {
	FUNCTIONS(LIBRARY_POINTER)
} lib;
static const struct library_function functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };

static struct {
	typeof(EVP_Digest) *EVP_Digest;
	typeof(EVP_sha1) *EVP_sha1;
} crypto;
static const struct library_function crypto_functions[] = {
	{ "EVP_Digest", 0 }, { "EVP_sha1", sizeof(void *) },
};

static void begin_curl(void)
{
	lib.curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int open_libraries(char why[LIBRARY_WHY_LEN])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int rc = LIBRARY_OPEN(&library_curl, functions, &lib, why) ?:
		 LIBRARY_OPEN(&library_crypto, crypto_functions, &crypto, why);

	return rc ?: pthread_once(&once, begin_curl);
}

static const char *const urls[] = {
	[OVH_EU] = "https://eu.api.ovh.com/1.0",
	[OVH_CA] = "https://ca.api.ovh.com/1.0",
	[OVH_US] = "https://api.us.ovhcloud.com/1.0",
};

struct reply {
	char text[REPLY_MAX + 1];
	size_t n;
	bool too_long;
	struct yaml_tree tree;		/* the API's reply; YAML includes JSON */
};

struct ovh {
	CURL *curl;
	struct ovh_credentials keys;
	const char *url;
	char zone[256];			/* DNS zone in lower case, as in the API */
	long ahead;			/* seconds that the API's clock is ahead of ours */
	char why[512];			/* error of the last request that failed */
	char unpublished[VAR_STATE_PATH_LEN];	/* that file */
	struct reply reply;
};

int ovh_sign(const struct ovh_credentials *keys, const char *method, const char *url,
	     const char *body, long when, char ret[OVH_SIGNATURE_LEN])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	char *text, why[LIBRARY_WHY_LEN];
	int length = -1, done;

	if (!open_libraries(why))
		length = asprintf(&text, "%s+%s+%s+%s+%s+%ld", keys->secret, keys->consumer, method,
				  url, body, when);
	if (length < 0)
		return -ENOMEM;
	done = crypto.EVP_Digest(text, length, digest, &n, crypto.EVP_sha1(), NULL);
	explicit_bzero(text, length);
	free(text);
	if (!done || n != 20)
		return -ENOTSUP;
	strcpy(ret, "$1$");
	for (unsigned int i = 0; i < n; i++)
		sprintf(ret + 3 + 2 * i, "%02x", digest[i]);
	return 0;
}

/* ---- requests ---- */

static size_t on_reply(char *data, size_t size, size_t n, void *to)
{
	struct reply *r = to;

	n *= size;
	r->too_long = n > REPLY_MAX - r->n;
	if (r->too_long)
		return 0;
	memcpy(r->text + r->n, data, n);
	r->n += n;
	return n;
}

static bool add_header(struct curl_slist **headers, const char *name, const char *value)
{
	struct curl_slist *longer;
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", name, value);
	longer = lib.curl_slist_append(*headers, text);
	explicit_bzero(text, sizeof(text));
	*headers = longer ?: *headers;
	return longer;
}

static struct curl_slist *signed_headers(const struct ovh *o, const char *method, const char *url,
					 const char *body)
{
	struct curl_slist *headers = NULL;
	long when = time(NULL) + o->ahead;
	char signature[OVH_SIGNATURE_LEN], number[32];

	snprintf(number, sizeof(number), "%ld", when);
	if (!ovh_sign(&o->keys, method, url, body, when, signature) &&
	    add_header(&headers, "X-Ovh-Application", o->keys.key) &&
	    add_header(&headers, "X-Ovh-Consumer", o->keys.consumer) &&
	    add_header(&headers, "X-Ovh-Timestamp", number) &&
	    add_header(&headers, "X-Ovh-Signature", signature) &&
	    add_header(&headers, "Content-Type", "application/json"))
		return headers;
	lib.curl_slist_free_all(headers);
	return NULL;
}

static void free_headers(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	lib.curl_slist_free_all(headers);
}

static CURLcode send_request(const struct ovh *o, const char *method, const char *url,
			     const char *body, struct curl_slist *headers, struct reply *r)
{
	lib.curl_easy_reset(o->curl);
	lib.curl_easy_setopt(o->curl, CURLOPT_URL, url);
	lib.curl_easy_setopt(o->curl, CURLOPT_CUSTOMREQUEST, method);
	lib.curl_easy_setopt(o->curl, CURLOPT_PROTOCOLS_STR, "https,http");
	lib.curl_easy_setopt(o->curl, CURLOPT_USERAGENT, "wgxdp/" VERSION);
	lib.curl_easy_setopt(o->curl, CURLOPT_NOSIGNAL, 1L);
	lib.curl_easy_setopt(o->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	lib.curl_easy_setopt(o->curl, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
	lib.curl_easy_setopt(o->curl, CURLOPT_WRITEFUNCTION, on_reply);
	lib.curl_easy_setopt(o->curl, CURLOPT_WRITEDATA, r);
	if (*body || !strcmp(method, "POST"))
		lib.curl_easy_setopt(o->curl, CURLOPT_POSTFIELDS, body);
	lib.curl_easy_setopt(o->curl, CURLOPT_HTTPHEADER, headers);
	return lib.curl_easy_perform(o->curl);
}

static void read_json(struct reply *r)
{
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_JSON_FORCE };
	struct fy_parser *parser = json_wrong(r->text, r->n, NULL) ? NULL : fy_parser_create(&cfg);

	if (parser && !fy_parser_set_string(parser, r->text, r->n)) {
		yaml_tree_build(&r->tree, parser);
		if (fy_parser_get_stream_error(parser) || r->tree.too_deep || r->tree.second ||
		    r->tree.no_memory)
			yaml_tree_free(&r->tree);
	}
	fy_parser_destroy(parser);
}

static const char *text_at(struct reply *r, const char *path)
{
	const struct yaml_node *node = r->tree.root ? yaml_by_path(r->tree.root, path) : NULL;

	return node && node->type == YAML_SCALAR && node->text ? node->text : "";
}

/* Returns the error message in the API's reply. A message that contains one of our keys must not
 * get into the log, so it is replaced by another one. */
static const char *error_message(struct ovh *o, struct reply *r)
{
	const char *text = text_at(r, "/message");

	return strstr(text, o->keys.key) || strstr(text, o->keys.secret) ||
	       strstr(text, o->keys.consumer) ? "(its message has a secret key in it and is not "
						"shown)" : text;
}

/* Sends a request to the API. body: "" for none. Returns 0, or -errno with the error in o->why. The
 * caller then frees *r with drop_reply(). */
static int request_path(struct ovh *o, const char *method, const char *path, const char *body,
			bool is_signed, struct reply *r)
{
	char url[1024];
	struct curl_slist *headers = NULL;
	long status = 0;
	CURLcode done;

	r->n = 0;
	r->too_long = false;
	r->tree = (struct yaml_tree){ .root = NULL };
	snprintf(url, sizeof(url), "%s%s", o->url, path);
	if (is_signed && !(headers = signed_headers(o, method, url, body))) {
		snprintf(o->why, sizeof(o->why), "cannot sign the request");
		return -ENOTSUP;
	}
	done = send_request(o, method, url, body, headers, r);
	free_headers(headers);
	lib.curl_easy_getinfo(o->curl, CURLINFO_RESPONSE_CODE, &status);
	r->text[r->n] = '\0';
	if (done != CURLE_OK) {
		snprintf(o->why, sizeof(o->why), "%s: %s", o->url, r->too_long ?
			 "the answer is longer than 64 KiB" : lib.curl_easy_strerror(done));
		return -EIO;
	}
	read_json(r);
	if (status / 100 == 2)
		return 0;
	snprintf(o->why, sizeof(o->why), "%s %.200s: status %ld%s%.200s", method, path, status,
		 *text_at(r, "/message") ? ": " : "", error_message(o, r));
	return -EPROTO;
}

static void drop_reply(struct reply *r)
{
	yaml_tree_free(&r->tree);
}

/* ---- reading ---- */

static void set_unreadable(struct ovh *o, const char *what)
{
	snprintf(o->why, sizeof(o->why), "%s: the server's answer to %.200s is not valid",
					 o->url, what);
}

static int parse_number(const char *text, __u64 *ret)
{
	if (!*text || text[strspn(text, "0123456789")] || strlen(text) > 19)
		return -EINVAL;
	*ret = strtoull(text, NULL, 10);
	return 0;
}

static void to_lower_case(char *text)
{
	for (; *text; text++)
		*text = tolower((unsigned char)*text);
}

/* Writes to ret the part of the set's name before the zone; "" if the name is the zone itself. */
static void sub_domain(const struct ddns_run *run, const struct ddns_set *set, char ret[256])
{
	size_t n = strlen(set->name) - strlen(run->config->zone);

	snprintf(ret, 256, "%.*s", n ? (int)n - 1 : 0, set->name);
	to_lower_case(ret);
}

/* Reads a record. Checks its sub-domain again, because write_set() deletes records: OVH does not
 * document that a search for the sub-domain "", the zone itself, returns no records of other
 * names. */
static int read_record(struct ddns_run *run, struct ddns_set *set, const char *type, __u64 id,
		       struct reply *r)
{
	struct ovh *o = run->data;
	struct address a = { .family = 0 };
	char path[512], sub[256];
	__u64 ttl = 0;
	bool is = false;
	int rc;

	sub_domain(run, set, sub);
	snprintf(path, sizeof(path), "/domain/zone/%s/record/%llu", o->zone, id);
	rc = request_path(o, "GET", path, "", true, r);
	if (!rc && (!*text_at(r, "/target") || !*text_at(r, "/fieldType") ||
		    parse_number(text_at(r, "/ttl"), &ttl))) {
		set_unreadable(o, path);
		rc = -EPROTO;
	}
	if (!rc) {
		const char *there = text_at(r, "/subDomain");

		is = !strcasecmp(text_at(r, "/fieldType"), type) &&
		     !strcasecmp(strcmp(there, "null") ? there : "", sub);
		address_parse(text_at(r, "/target"), &a);
	}
	drop_reply(r);
	if (!is)
		return rc;
	if (!strcmp(type, ddns_type(set)))
		/* For OVH, TTL 0 stands for the zone's default TTL. */
		return ddns_has(run, set, &a, ttl && ttl < ~0U ? ttl : ~0U, id);
	ddns_fail(run, set, "%s: the name has a CNAME record, which allows no other records: "
			    "remove it by hand",
		  ddns_type(set));
	return -EEXIST;
}

/* Finds the ids of the set's present records of one type. The caller frees *ret. */
static int list_records(struct ddns_run *run, const struct ddns_set *set, const char *type,
			struct reply *r, __u64 **ret, size_t *ret_n)
{
	struct ovh *o = run->data;
	char path[768], sub[256];
	int rc;

	*ret = NULL;
	*ret_n = 0;
	sub_domain(run, set, sub);
	snprintf(path, sizeof(path), "/domain/zone/%s/record?fieldType=%s&subDomain=%s", o->zone,
		 type, sub);
	rc = request_path(o, "GET", path, "", true, r);
	if (!rc && (!r->tree.root || r->tree.root->type != YAML_LIST))
		rc = -EPROTO;
	else if (!rc && !(*ret = calloc(r->tree.root->n + 1, sizeof(**ret))))
		rc = -ENOMEM;
	for (struct yaml_node *item = rc ? NULL : r->tree.root->first; item && !rc;
	     item = item->next)
		rc = item->type == YAML_SCALAR && item->text ?
		     parse_number(item->text, &(*ret)[(*ret_n)++]) : -EPROTO;
	if (rc && !*o->why)
		set_unreadable(o, path);
	drop_reply(r);
	return rc;
}

static int read_records(struct ddns_run *run, struct ddns_set *set, const char *type,
			struct reply *r)
{
	__u64 *ids = NULL;
	size_t n = 0;
	int rc = list_records(run, set, type, r, &ids, &n);

	for (size_t i = 0; i < n && !rc; i++)
		rc = read_record(run, set, type, ids[i], r);
	free(ids);
	return rc;
}

static void read_set(struct ddns_run *run, struct ddns_set *set, struct reply *r)
{
	struct ovh *o = run->data;
	int rc;

	*o->why = '\0';
	set->unpublished = !access(o->unpublished, F_OK);
	rc = read_records(run, set, "CNAME", r) ?: read_records(run, set, ddns_type(set), r);
	if (rc == -EIO)
		/* Reading the other sets would fail in the same way. */
		ddns_fail_all(run, "ovh: %s", o->why);
	else if (rc && !set->failed)
		ddns_fail(run, set, "ovh: %s", o->why);
}

static int read_credentials(struct ddns_run *run, struct ovh *o)
{
	char *text = ddns_secret(run, "credentials");
	struct shell_place place;

	if (!text)
		return -EINVAL;
	place = ovh_credentials_parse(text, &o->keys);
	secret_free(text);
	if (!place.wrong)
		return 0;
	ddns_fail_all(run, "credentials: %s:%u: %s", run->config->secret, place.line, place.wrong);
	return -EINVAL;
}

/* Reads the time of the API's clock: a request that is signed with another time is refused. */
static int read_time(struct ovh *o, struct reply *r)
{
	__u64 now = 0;
	int rc = request_path(o, "GET", "/auth/time", "", false, r);

	if (!rc && (parse_number(text_at(r, ""), &now) || now > TIME_MAX)) {
		set_unreadable(o, "/auth/time");
		rc = -EPROTO;
	}
	if (!rc)
		o->ahead = (long)now - time(NULL);
	drop_reply(r);
	return rc;
}

static void read_sets(struct ddns_run *run)
{
	struct ovh *o = run->data = calloc(1, sizeof(*o));
	char why[LIBRARY_WHY_LEN] = "no memory", name[sizeof(o->zone) + 4];

	if (o && !open_libraries(why))
		o->curl = lib.curl_easy_init();
	if (!o || !o->curl) {
		ddns_fail_all(run, "ovh: %s", why);
	} else if (!read_credentials(run, o)) {
		o->url = *run->config->url ? run->config->url : urls[run->config->endpoint];
		strcpy(o->zone, run->config->zone);
		to_lower_case(o->zone);
		snprintf(name, sizeof(name), "ovh-%s", o->zone);
		var_state_path(o->unpublished, run->instance, name);
		if (read_time(o, &o->reply))
			ddns_fail_all(run, "ovh: %s", o->why);
		for (size_t i = 0; i < run->n_sets; i++)
			if (!run->sets[i].failed)
				read_set(run, &run->sets[i], &o->reply);
	}
}

/* ---- writing ---- */

static int call_api(struct ddns_run *run, const char *method, const char *path, const char *body,
		    struct reply *r)
{
	int rc = request_path(run->data, method, path, body, true, r);

	drop_reply(r);
	return rc;
}

/* Writes the wanted address into the set's record `at`, or creates one if there is no such
 * record. */
static int write_record(struct ddns_run *run, struct ddns_set *set, size_t at, __u32 ttl,
			struct reply *r)
{
	char body[768], path[512], place[32] = "", sub[256], text[ADDRESS_STRLEN];
	struct ovh *o = run->data;
	bool new = !set->n_there;
	__u64 id;
	int rc;

	sub_domain(run, set, sub);
	address_format(&set->wanted, text);
	if (!new)
		snprintf(place, sizeof(place), "/%llu", set->ids[at]);
	snprintf(path, sizeof(path), "/domain/zone/%s/record%s", o->zone, place);
	snprintf(body, sizeof(body), "{\"%s%s%ssubDomain\":\"%s\",\"target\":\"%s\",\"ttl\":%u}",
		 new ? "fieldType\":\"" : "", new ? ddns_type(set) : "", new ? "\",\"" : "", sub,
		 text, ttl);
	rc = request_path(o, new ? "POST" : "PUT", path, body, true, r);
	if (!rc && new && !parse_number(text_at(r, "/id"), &id))
		rc = ddns_has(run, set, &set->wanted, ttl, id);
	drop_reply(r);
	return rc;
}

/* Leaves one record in the set, with the wanted address: keeps it if there is one, or else changes
 * another. Deletes the rest. Afterwards ids[0] is the id of the record. */
static void write_set(struct ddns_run *run, struct ddns_set *set, struct reply *r)
{
	struct ovh *o = run->data;
	size_t n = set->n_there, kept = address_find(set->there, n, &set->wanted);
	char path[512];
	int rc = 0;

	if (kept == n || set->other_ttl)
		rc = write_record(run, set, kept == n ? 0 : kept, run->config->ttl, r);
	kept = kept == n ? 0 : kept;
	for (size_t i = 0; i < n && !rc; i++) {
		snprintf(path, sizeof(path), "/domain/zone/%s/record/%llu", o->zone, set->ids[i]);
		rc = i == kept ? 0 : call_api(run, "DELETE", path, "", r);
	}
	if (n)
		set->ids[0] = set->ids[kept];
	if (rc && !set->failed)
		ddns_fail(run, set, "ovh: %s", o->why);
}

/* Creates the file that says that the zone needs a refresh. */
static void note_unpublished(struct ddns_run *run)
{
	struct ovh *o = run->data;
	FILE *out;
	int rc;

	var_state_prepare(run->instance);
	out = file_replace_begin(o->unpublished, 0600);
	rc = out ? file_replace_sync(out, o->unpublished) : -errno;
	if (rc)
		ddns_warn(run, "ovh: cannot write %s: %s: if this run does not end well, refresh "
			  "the zone %s by hand",
			  o->unpublished, strerror(-rc), run->config->zone);
}

static void fail_unpublished(struct ddns_run *run)
{
	const struct ovh *o = run->data;

	for (size_t i = 0; i < run->n_sets; i++)
		if (run->sets[i].write && !run->sets[i].failed)
			ddns_fail(run, &run->sets[i], "ovh: the new records are written, but the "
				  "name servers do not have them yet: %s", o->why);
}

static void write_sets(struct ddns_run *run)
{
	struct ovh *o = run->data;
	char path[512];

	note_unpublished(run);
	for (size_t i = 0; i < run->n_sets; i++)
		if (run->sets[i].write && !run->sets[i].failed)
			write_set(run, &run->sets[i], &o->reply);
	/* Refresh the zone even after a failure: some of its records may have been written. */
	snprintf(path, sizeof(path), "/domain/zone/%s/refresh", o->zone);
	if (call_api(run, "POST", path, "", &o->reply)) {
		/* again: another section's refresh of this zone may have removed the file */
		note_unpublished(run);
		fail_unpublished(run);
	} else {
		unlink(o->unpublished);
	}
}

static void end_ovh(struct ddns_run *run)
{
	struct ovh *o = run->data;

	if (o->curl)
		lib.curl_easy_cleanup(o->curl);
	explicit_bzero(&o->keys, sizeof(o->keys));
}

const struct ddns_provider ddns_ovh = { read_sets, write_sets, end_ovh };
#endif
