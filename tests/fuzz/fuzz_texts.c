// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No text of one line or a small file makes its reader crash, or read what is not in the text. The first byte of an
 * input chooses the reader of the rest. The readers are for wg-quick's files, `wg show dump`, wireguard-go's answers,
 * files that the daemon keeps, and arguments of commands. Others are for lists of clients, and for the stream between blind relays. An accepted address, prefix, endpoint or key must read back
 * from its text. Names end and are valid. Nothing is read that is not in the text.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include "fuzz_quiet.h"
#include "plan/resolved_backends.h"
#include "config/config.h"
#include "daemon/blind_link.h"
#include "instance/run_counters.h"
#include "config/service_args.h"
#include "instance/run_state.h"
#include "lib/list_keys.h"
#include "net/wireguard.h"

static const char *kept;		/* contents of every file of the daemon */

/* ---- replaces functions of the C library ---- */

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (!kept)
		return __real_fopen(path, mode);
	return *kept ? fmemopen((void *)kept, strlen(kept), "r") : NULL;
}

/* Replaces the function of run_state.c, which needs everything else */
void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name)
{
	snprintf(path, RUN_STATE_PATH_LEN, "/run/%s/%s", instance, name);
}

/* ---- readers ---- */

static void check_name(const char *name)
{
	size_t n = strnlen(name, NAME_LEN);

	MUST(n && n < NAME_LEN && isalnum((unsigned char)*name));
	for (size_t i = 0; i < n; i++)
		MUST(isalnum((unsigned char)name[i]) || strchr("-_.+/", name[i]));
}

static void quick_names(char *text)
{
	struct wg_names names;

	wg_names_parse(text, &names);
	for (size_t i = 0; i < names.n; i++) {
		check_name(names.list[i].name);
		MUST(!wg_key_is_none(&names.list[i].key));
		for (size_t j = 0; j < i; j++)
			MUST(strcmp(names.list[i].name, names.list[j].name));
	}
	wg_names_free(&names);
}

static void check_endpoint(const struct address *a, __be16 port)
{
	char text[ADDRESS_STRLEN];
	struct address again;
	__be16 port_again;

	if (!a->family || !port || address_parse(address_format(a, text), &again))
		return;
	endpoint_format(a, port, text);
	MUST(!endpoint_parse(text, &again, &port_again) && address_equal(a, &again) && port == port_again);
}

static void dump(char *text)
{
	FILE *in = fmemopen(text, strlen(text) + 1, "r");
	struct wg_dump d = { 0 };

	if (in && !wg_dump_parse(in, "fuzz", &d)) {
		MUST(d.n <= strlen(text));
		for (size_t i = 0; i < d.n; i++) {
			MUST(wg_dump_find(&d, &d.peers[i].endpoint, d.peers[i].port));
			check_endpoint(&d.peers[i].endpoint, d.peers[i].port);
		}
		wg_dump_free(&d);
	}
	if (in)
		fclose(in);
}

static void uapi(char *text)
{
	struct wg_device d = { 0 };

	if (wg_uapi(text, strlen(text), &d))
		return;
	for (size_t i = 0; i < d.n_peers; i++)
		check_endpoint(&d.peers[i].endpoint, d.peers[i].endpoint_port);
	wg_free(&d);
}

static void answers_kept(char *text)
{
	struct resolved_backends a;
	struct run_counters n;

	kept = text;
	resolved_backends_read("fuzz", &a);
	run_counters_read(&n, "fuzz", "fuzz");
	kept = NULL;
	for (size_t i = 0; i < a.n; i++) {
		MUST(a.list[i].address.family == a.list[i].family &&
		     resolved_backends_find(&a, a.list[i].text, a.list[i].family) == &a.list[i]);
		MUST(memchr(a.list[i].interface, 0, sizeof(a.list[i].interface)) && a.list[i].len <= 128);
	}
	resolved_backends_free(&a);
	run_counters_free(&n);
}

static void one_word(char *text)
{
	char out[ADDRESS_STRLEN], written[WG_KEY_STRLEN];
	struct address a, b;
	struct prefix p, q;
	struct wg_key k, l;
	__be16 port, other;

	if (!address_parse(text, &a))
		MUST(!address_parse(address_format(&a, out), &b) && address_equal(&a, &b));
	if (!prefix_parse(text, &p))
		MUST(!prefix_parse(prefix_format(&p, out), &q) && !prefix_compare(&p, &q) && p.family == q.family &&
		     p.len <= (p.family == FAMILY_IPV4 ? 32 : 128));
	if (!endpoint_parse(text, &a, &port))
		MUST(!endpoint_parse(endpoint_format(&a, port, out), &b, &other) && address_equal(&a, &b) && port == other && port);
	if (!wg_key_parse(text, &k))
		MUST(!wg_key_parse(wg_key_format(&k, written), &l) && !wg_key_compare(&k, &l));
	MUST(port_parse(text, &port) || port);
}

static void arguments(char *text)
{
	struct service_config s = { 0 };
	char *comma = strdup(text);

	if (!service_ports(&s, comma)) {
		MUST(s.n_ports && s.n_ports <= 65535);
		for (size_t i = 0; i < s.n_ports; i++)
			MUST(s.ports[i]);
	}
	if (!service_backend(&s.backend, "--to", text))
		MUST((*s.backend.ipv4 || *s.backend.ipv6) && memchr(s.backend.ipv4, 0, sizeof(s.backend.ipv4)) &&
		     memchr(s.backend.ipv6, 0, sizeof(s.backend.ipv6)));
	service_nat(&s, text);
	service_key(&s.backend, text);
	config_free_service(&s);
	free(comma);
}

static void lines_of_a_list(char *text)
{
	struct list_keys k = { 0 };
	size_t n = strlen(text), lines = 1;
	struct list_wrong w;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	list_keys_parse(&k, text, n, &w);
	MUST(w.lines <= lines && w.first <= lines && !w.first == !w.lines && memchr(w.text, 0, sizeof(w.text)));
	MUST(k.n <= 254 * lines);
	list_keys_sort(&k);
	for (size_t i = 0; i < k.n; i++) {
		bool is_ipv6 = list_key_is_ipv6(&k.list[i]);
		struct prefix p = { .addr = k.list[i].addr, .family = is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4,
				    .len = k.list[i].prefixlen - (is_ipv6 ? 32 : 128) }, q = p;

		prefix_clear_host(&q);
		MUST(k.list[i].prefixlen <= 160 && !prefix_compare(&p, &q) && p.len <= (is_ipv6 ? 128 : 32));
		MUST(!i || list_key_compare(&k.list[i - 1], &k.list[i]) < 0);
	}
	list_keys_free(&k);
}

/* ---- the stream between two blind relays ---- */

struct heard {
	size_t n;
	__u64 hash;
};

static void hear(void *data, const struct blind_line *l)
{
	char text[BLIND_LINE_LEN], again[BLIND_LINE_LEN];
	size_t n = blind_line_format(l, text);
	struct heard *h = data;
	struct blind_line same;

	MUST(n && n < sizeof(text) && text[n - 1] == '\n');
	text[n - 1] = '\0';
	MUST(!blind_line_parse(text, &same) && blind_line_format(&same, again) == n && !strncmp(text, again, n - 1));
	MUST(l->seconds <= BLIND_LONGEST_SECONDS && l->flags <= (BLIND_CONFIRMED | BLIND_INITIATED));
	MUST(l->word != BLIND_WORD_SESSION || (!wg_key_is_none(&l->user) && !wg_key_is_none(&l->origin)));
	for (size_t i = 0; i < n; i++)
		h->hash = h->hash * 31 + text[i];
	h->n++;
}

/* However the bytes are cut into pieces, the same lines come. */
static void stream(char *text)
{
	struct heard whole = { 0 }, pieces = { 0 };
	struct blind_stream a = { 0 }, b = a;
	size_t n = strlen(text), step = n % 7 + 1, at = 0;
	int rc = blind_stream_take(&a, text, n, hear, &whole), cut = 0;

	for (; at < n && !cut; at += step)
		cut = blind_stream_take(&b, text + at, n - at < step ? n - at : step, hear, &pieces);
	MUST(rc == cut && whole.n == pieces.n && whole.hash == pieces.hash);
	MUST(a.n == b.n && a.n < sizeof(a.line) && a.active == b.active);
}

static void (*const readers[])(char *) = { quick_names, dump, uapi, answers_kept, one_word, arguments };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = bytes_as_text(data + 1, size - 1);
	hush();
	if (data[0] > 247)
		lines_of_a_list(text);
	else if (data[0] > 239)
		stream(text);
	else
		readers[data[0] % (sizeof(readers) / sizeof(*readers))](text);
	speak();
	free(text);
	return 0;
}
