/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Imports texts, for the tests of user/import. Include it after cmocka.h.
 */
#pragma once
#include <stdlib.h>
#include <string.h>
#include "import/import.h"
#include "lib/text.h"
#include "capture_stderr.h"
#include "has_text.h"

#define KEY "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="

/* clients: the key allow or deny of the service; "": it has neither */
static inline void has_clients(const char *text, const char *clients)
{
	if (*clients) {
		has(text, clients);
	} else {
		lacks(text, "allow:");
		lacks(text, "deny:");
	}
}

/* said: what is printed to standard error must contain it; "": nothing may be printed */
static inline void has_said(const struct captured *t, const char *said)
{
	if (*said)
		has(t->text, said);
	else
		assert_string_equal(t->text, "");
}

static inline int take(struct import *im, const char *name, const char *text)
{
	struct import_text in = { .name = name, .text = strdup(text), .n = strlen(text) };

	return import_text(im, &in);
}

/* Imports a text, and a ruleset of nft if it is not NULL. Returns the configuration for the caller to free, or NULL if it
 * is refused. */
static inline char *import_two(const char *name, const char *text, const char *nft, const char *wan, struct captured *t)
{
	struct import im = { .wan = wan };
	char *out = NULL;
	size_t n;
	FILE *f = text_open(&out, &n);
	int rc;

	capture_stderr(t);
	rc = take(&im, name, text);
	rc = rc || !nft ? rc : take(&im, "nft", nft);
	rc = rc ? rc : import_make(&im);
	if (!rc) {
		assert_int_equal(import_write(&im, f), 0);
		import_warn(&im);
	}
	release_stderr(t);
	import_free(&im);
	assert_int_equal(fclose(f), 0);
	if (!rc)
		return out;
	free(out);
	return NULL;
}

static inline char *import(const char *name, const char *text, const char *wan, struct captured *t)
{
	return import_two(name, text, NULL, wan, t);
}

/* Imports a text that gives the service of DNAT, with these clients, and says this */
static inline void imports_service(const char *name, const char *text, const char *clients, const char *said)
{
	struct captured t;
	char *out = import(name, text, NULL, &t);

	has(out, "backend: { ipv4: 192.168.1.10, port: 51820 }");
	has_clients(out, clients);
	has_said(&t, said);
	free(out);
}

/* A rule for a service */
#define DNAT "-A PREROUTING -i eth0 -p udp --dport 51820 -j DNAT --to-destination 192.168.1.10:51820\n"

/* Settings of OpenWrt: zones, a redirect for the same service, and the begin of a rule */
#define ZONES "firewall.w=zone\nfirewall.w.name='wan'\nfirewall.w.device='eth0'\n" \
	"firewall.l=zone\nfirewall.l.name='lan'\nfirewall.l.device='br-lan'\n" \
	"firewall.d=zone\nfirewall.d.name='dmz'\nfirewall.d.device='br-dmz'\n"
#define REDIRECT "firewall.a=redirect\nfirewall.a.src='wan'\nfirewall.a.src_dport='51820'\nfirewall.a.dest='lan'\n" \
	"firewall.a.proto='udp'\nfirewall.a.dest_ip='192.168.1.10'\nfirewall.a.target='DNAT'\n"
#define DROPS "firewall.b=rule\nfirewall.b.src='wan'\nfirewall.b.dest='lan'\n"
#define LACKS "by a condition that wgxdp lacks"
