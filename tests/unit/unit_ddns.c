/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `wgxdp ddns` publishes only fit addresses, reads keys and shell-style files without running them, and signs for OVH
 * as another program does. No network is needed.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "ddns/ddns.h"
#include "ddns/ddns_address.h"
#include "ddns/ddns_import.h"
#include "ddns/ddns_ovh.h"
#include "ddns/ddns_secret.h"
#include "same_config.h"
#include "capture_stderr.h"

#define SECRET "c2VjcmV0IHRoYXQgaXMgbm9uZTogMzIgYnl0ZXMhISE="

/* ---- addresses ---- */

enum { IFINDEX = 7 };

static struct nl_address address(const char *text, __u32 flags, __u32 preferred)
{
	struct nl_address a = { .ifindex = IFINDEX, .flags = flags, .preferred = preferred };

	assert_int_equal(address_parse(text, &a.local), 0);
	a.prefix_len = a.local.family == FAMILY_IPV6 ? 64 : 24;
	return a;
}

static void unfit(void **state)
{
	static const struct {
		const char *text;
		__u32 flags;
		const char *why;	/* NULL: it may be published */
	} cases[] = {
		{ "2001:db8::1", IFA_F_PERMANENT, NULL }, { "2003:e1::1", IFA_F_STABLE_PRIVACY, NULL },
		{ "2001:db8::1", IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE, NULL }, { "3fff::1", 0, NULL },
		{ "2001:db8::1", IFA_F_TEMPORARY, "temporary" }, { "2001:db8::1", IFA_F_DEPRECATED, "deprecated" },
		{ "2001:db8::1", IFA_F_TENTATIVE, "tentative" }, { "2001:db8::1", IFA_F_TENTATIVE | IFA_F_OPTIMISTIC, "tentative" },
		{ "2001:db8::1", IFA_F_OPTIMISTIC, "tentative" }, { "2001:db8::1", IFA_F_DADFAILED | IFA_F_TENTATIVE, "also used by another host" },
		{ "fd00::1", IFA_F_PERMANENT, "ULA" }, { "fc00::1", 0, "ULA" }, { "fe80::1", 0, "link-local" }, { "::1", 0, "not global" },
		{ "febf::1", 0, "link-local" }, { "ff02::1", 0, "not global" }, { "4000::1", 0, "not global" }, { "64:ff9b::1", 0, "not global" },
		{ "203.0.113.1", IFA_F_PERMANENT, NULL }, { "203.0.113.1", IFA_F_SECONDARY, NULL }, { "8.8.8.8", 0, NULL },
		{ "10.255.255.255", 0, "private" }, { "11.0.0.0", 0, NULL }, { "172.15.255.255", 0, NULL }, { "172.16.0.1", 0, "private" },
		{ "172.31.255.255", 0, "private" }, { "172.32.0.0", 0, NULL }, { "192.168.0.1", 0, "private" }, { "192.169.0.1", 0, NULL },
		{ "100.63.255.255", 0, NULL }, { "100.64.0.1", 0, "NAT" }, { "100.127.255.255", 0, "NAT" }, { "100.128.0.0", 0, NULL },
		{ "169.254.1.1", 0, "link-local" }, { "127.0.0.1", 0, "loopback" }, { "0.1.2.3", 0, "unspecified" }, { "224.0.0.1", 0, "multicast" },
		{ "255.255.255.255", 0, "reserved" }, { "192.0.0.1", 0, "DS-Lite" }, { "192.0.1.1", 0, NULL }, { "198.17.255.255", 0, NULL },
		{ "198.18.0.1", 0, "benchmarks" }, { "198.19.255.255", 0, "benchmarks" }, { "198.20.0.0", 0, NULL },
		{ "203.0.113.1", IFA_F_DEPRECATED, "deprecated" }, { "203.0.113.1", IFA_F_TENTATIVE, "tentative" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct nl_address a = address(cases[i].text, cases[i].flags, ~0U);
		const char *why = ddns_unfit(&a);

		if (!why != !cases[i].why || (why && !strstr(why, cases[i].why)))
			fail_msg("%s, flags %#x: %s, expected %s", cases[i].text, cases[i].flags, why, cases[i].why);
	}
}

static void assert_candidates(const struct nl_address *list, size_t n, __u8 family, const char *host, const char *expected)
{
	struct address suffix = { .family = 0 }, *found = NULL;
	char text[ADDRESS_STRLEN], all[512] = "";
	size_t n_found = 0;

	if (host)
		assert_int_equal(address_parse(host, &suffix), 0);
	assert_int_equal(ddns_candidates(list, n, IFINDEX, family, &suffix, &found, &n_found), 0);
	for (size_t i = 0; i < n_found; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? " " : "", address_format(&found[i], text));
	assert_string_equal(all, expected);
	free(found);
}

/* The order: permanent addresses, then those that stay preferred for longer, then the kernel's order. Other
 * interfaces' and unfit addresses are left out */
static void candidates(void **state)
{
	struct nl_address list[] = {
		address("2001:db8:1::7", IFA_F_TEMPORARY, 86400), address("2001:db8:1::1", IFA_F_MANAGETEMPADDR, 3600),
		address("2001:db8:1::2", IFA_F_MANAGETEMPADDR, 7200), address("fd00::1", IFA_F_PERMANENT, ~0U),
		address("2001:db8:1::3", IFA_F_STABLE_PRIVACY, 3600), address("2001:db8:2::3", IFA_F_STABLE_PRIVACY, 3600),
		address("2001:db8:1::4", IFA_F_PERMANENT, ~0U), address("203.0.113.2", IFA_F_PERMANENT, ~0U),
		address("2001:db8:1::5", IFA_F_PERMANENT, ~0U), address("2001:db8:1::6", IFA_F_DEPRECATED, 0),
		address("203.0.113.1", IFA_F_PERMANENT, ~0U), address("100.64.0.1", IFA_F_PERMANENT, ~0U),
	};
	size_t n = sizeof(list) / sizeof(*list);

	list[8].ifindex = 8;
	assert_candidates(list, n, FAMILY_IPV6, NULL, "2001:db8:1::4 2001:db8:1::3 2001:db8:2::3 2001:db8:1::2 2001:db8:1::1");
	assert_candidates(list, n, FAMILY_IPV4, NULL, "203.0.113.2 203.0.113.1");
	assert_candidates(list, n, FAMILY_IPV4, "::10", "203.0.113.2 203.0.113.1");
	list[6].prefix_len = 128;
	assert_candidates(list, n, FAMILY_IPV6, "::a:0:0:10", "2001:db8:1:0:a::10 2001:db8:2:0:a::10 2001:db8:1:0:a::10 2001:db8:1:0:a::10");
	assert_candidates(list, 1, FAMILY_IPV6, NULL, "");
	assert_candidates(NULL, 0, FAMILY_IPV6, "::10", "");
}

/* A router that restarted with another prefix did not deprecate the former one, and renews only the new one */
static void faded_prefix(void **state)
{
	struct nl_address list[] = {
		address("2001:db8:1::1", IFA_F_MANAGETEMPADDR, 1700), address("2001:db8:2::1", IFA_F_MANAGETEMPADDR, 14400),
		address("2001:db8:2::2", IFA_F_MANAGETEMPADDR, 1700), address("203.0.113.2", 0, 10), address("203.0.113.9", 0, 3600),
	};

	assert_candidates(list, 5, FAMILY_IPV6, NULL, "2001:db8:2::1 2001:db8:2::2");
	assert_candidates(list, 5, FAMILY_IPV4, NULL, "203.0.113.9 203.0.113.2");
	list[0].preferred = 7200;	/* two prefixes that are renewed */
	assert_candidates(list, 2, FAMILY_IPV6, NULL, "2001:db8:2::1 2001:db8:1::1");
	list[1].preferred = ~0U;	/* a manual address says nothing about a router */
	list[0].preferred = 10;
	assert_candidates(list, 2, FAMILY_IPV6, NULL, "2001:db8:2::1 2001:db8:1::1");
}

static void still(void **state)
{
	struct address list[3], published[2];

	address_parse("2001:db8::1", &list[0]);
	address_parse("2001:db8::2", &list[1]);
	address_parse("2001:db8::3", &list[2]);
	address_parse("2001:db8::9", &published[0]);
	published[1] = list[1];
	assert_ptr_equal(ddns_still(list, 3, published, 2), &list[1]);
	assert_null(ddns_still(list, 3, published, 1));
	assert_null(ddns_still(list, 0, published, 2));
	assert_null(ddns_still(list, 3, NULL, 0));
}

/* ---- keys ---- */

static void keys(void **state)
{
	static const char *const good[] = {
		"hmac-sha256:key.example:" SECRET, "\nhmac-sha256:key.example:" SECRET "\n", "HMAC-SHA256.:key.example:" SECRET,
		"key \"key.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"" SECRET "\";\n};\n",
		"// a comment\nkey key.example { /* another */ secret " SECRET "; algorithm hmac-sha256.; };",
		"# hmac-sha256:key.example:" SECRET "\nkey:\n  - id: key.example\n    algorithm: hmac-sha256\n    secret: " SECRET "\n",
		"key:\n- secret: '" SECRET "'\n  id: key.example\n  algorithm: hmac-sha256",
	};
	static const struct { const char *text, *why; } bad[] = {
		{ "", "the file has no key" }, { "\n# nothing\n", "the file has no key" }, { SECRET, "other words than" }, { "hmac-sha256:key.example", "other words than" },
		{ "hmac-md5:key.example:" SECRET, "make a key with hmac-sha256" }, { "hmac-sha256:key.example:c2VjcmV0IQ=", "not base64" },
		{ "hmac-sha256:key.example:secret!!", "not base64" }, { "hmac-sha256:key..example:" SECRET, "the key's name is invalid" },
		{ "hmac-sha256:key/example:" SECRET, "the key's name is invalid" }, { "key \"key.example\" { algorithm hmac-sha256; };", "the file has no key" },
		{ "key a { algorithm hmac-sha256; secret \"" SECRET "\"; };\nkey b { algorithm hmac-sha256; secret \"" SECRET "\"; };", "several" },
		{ "key a { algorithm hmac-sha256; secret \"" SECRET "\"; };\nzone b { type primary; };", "other words than" },
		{ "key a { algorithm hmac-sha256; secret", "the file has no key" }, { "key", "the file has no key" }, { "/*", "the file has no key" }, { "key \"", "the file has no key" },
		{ "hmac-sha256:a:\"", "not base64" },
	};
	struct tsig_key key;
	const char *wrong;
	char *text;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		memset(&key, 0, sizeof(key));
		wrong = tsig_parse(good[i], &key);
		if (wrong)
			fail_msg("%s: %s", good[i], wrong);
		assert_string_equal(key.name, "key.example");
		assert_string_equal(key.secret, SECRET);
		for (size_t n = strlen(good[i]); n; n--) {	/* truncated anywhere: read, or refused */
			text = strndup(good[i], n);
			tsig_parse(text, &key);
			free(text);
		}
	}
	assert_null(tsig_parse("key:\n  - id: a\n    algorithm: hmac-sha256\n    secret: //8=\n", &key));
	assert_string_equal(key.secret, "//8=");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		wrong = tsig_parse(bad[i].text, &key);
		if (!wrong || !strstr(wrong, bad[i].why))
			fail_msg("%s: %s, expected %s", bad[i].text, wrong, bad[i].why);
	}
	text = calloc(1, 5000);
	memset(text, 'a', 4999);
	assert_non_null(tsig_parse(text, &key));
	free(text);
}

/* ---- files ---- */

#define CREDENTIALS "OVH_APP_KEY=aaaa\nOVH_APP_SECRET=SeCrEt\nOVH_CONSUMER_KEY=cccc\n"
#define SETTINGS CREDENTIALS "OVH_ENDPOINT=ovh-ca\nOVH_ZONE=example.net\nRECORD_FQDNS=( a.example.net B.EXAMPLE.NET. )\nIFACE=ens18\n"

static char file[64];

static int import(const char *text, struct config **ret, struct captured *t)
{
	FILE *out = fopen(file, "w");
	int rc;

	*ret = NULL;
	fputs(text, out);
	fclose(out);
	capture_stderr(t);
	rc = ddns_import(file, ret);
	release_stderr(t);
	assert_null(strstr(t->text, "SeCrEt"));
	return rc;
}

/* ddns-ovh.conf can only be imported for OVH */
static void needs_curl(void)
{
#ifndef WITH_CURL
	skip();
#endif
}

static void good_imports(void **state)
{
	static const char *const good[] = {
		SETTINGS, SETTINGS "TTL=300", "#!/bin/bash\n" SETTINGS "\n\t# the end\nTTL='300'   # seconds\n",
		"export  OVH_APP_KEY='aa''a'\"a\"; export OVH_APP_SECRET=SeCr\\Et\r\n"
		"OVH_CONSUMER_KEY=\"cccc\"\nOVH_ENDPOINT=ovh-ca \\\n\nOVH_ZONE=\"example\".net\n"
		"RECORD_FQDNS=(\n\ta.example.net\t# one\n\n   'B.EXAMPLE.NET.' )\nIFACE=ens18\nexport UNKNOWN=(1 2)\n",
		SETTINGS "RECORD_FQDNS='a.example.net B.EXAMPLE.NET'\n", "IFACE=eth0;IFACE=eth1\n" SETTINGS, SETTINGS "X='$(reboot)'\nY=\"\\$x\"",
	};

	needs_curl();
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct config *c;
		struct captured t;
		const struct ddns_config *d;

		if (import(good[i], &c, &t))
			fail_msg("%s: %s", good[i], t.text);
		d = c->ddns;
		assert_true(c->n_ddns == 1 && d->by == DDNS_OVH && d->endpoint == OVH_CA && d->ttl == 300 && d->ipv6 && !d->ipv4);
		assert_string_equal(d->interface, "ens18");
		assert_string_equal(d->zone, "example.net");
		assert_int_equal(d->n_names, 2);
		assert_string_equal(d->names[0].text, "a.example.net");
		assert_int_equal(strcasecmp(d->names[1].text, "b.example.net"), 0);
		assert_string_equal(d->secret, file);
		config_free(c);
	}
}

static void bad_imports(void **state)
{
	static const struct { const char *text, *said; } bad[] = {
		{ "", ":1: OVH_ZONE is missing" }, { CREDENTIALS "OVH_ZONE=example.net\nIFACE=a\n", "RECORD_FQDNS: the names are missing" },
		{ SETTINGS "TTL=$X\n", ":8: this needs a shell" }, { SETTINGS "TTL=`x`\n", ":8: this needs a shell" }, { SETTINGS "TTL=\"$(x)\"", ":8: this needs a shell" },
		{ SETTINGS "TTL=3 reboot", ":8: there is more than" }, { SETTINGS "TTL=3; reboot", ":8: this is not an assignment" }, { SETTINGS "reboot", ":8: this is not an assignment" },
		{ SETTINGS "source /etc/x", ":8: this is not an assignment" }, { SETTINGS "TTL+=3", ":8: this is not an assignment" }, { SETTINGS "TTL =3", ":8: this is not an assignment" },
		{ SETTINGS "if true; then", ":8: this is not an assignment" }, { SETTINGS "TTL='3", ":8: the quotes" }, { SETTINGS "TTL=\"3\n\"", ":8: the quotes" },
		{ SETTINGS "RECORD_FQDNS=(\n\n a", ":8: the list" }, { SETTINGS "RECORD_FQDNS=( a$x )", ":8: this needs a shell" },
		{ SETTINGS "RECORD_FQDNS=( {a,b}.example.net )", ":8: this needs a shell" }, { SETTINGS "X=~", ":8: this needs a shell" }, { SETTINGS "X=<(x)", ":8: this needs" },
		{ SETTINGS "X=a&", ":8: this needs a shell" }, { SETTINGS "X=a|b", ":8: this needs a shell" }, { SETTINGS "X=a\\\nb", ":8: the value continues" },
		{ SETTINGS "TTL=0", ":8: TTL: '0' is not a number" }, { SETTINGS "TTL=-1", ":8: TTL" }, { SETTINGS "TTL=( 1 2 )", ":8: TTL: exactly one" },
		{ SETTINGS "IFACE=a/b", ":8: IFACE" }, { SETTINGS "IFACE=", ":8: IFACE: exactly one" }, { SETTINGS "OVH_ENDPOINT=ovh-xy", ":8: OVH_ENDPOINT" },
		{ SETTINGS "RECORD_FQDNS=( a.example.org )", "'a.example.org' is not in the zone" }, { SETTINGS "OVH_ZONE=192.0.2.1", "is an address" },
		{ SETTINGS "RECORD_FQDNS=( a.example.net A.example.net )", "listed twice" }, { SETTINGS "OVH_APP_SECRET=", "OVH_APP_SECRET is missing" },
		{ SETTINGS "OVH_APP_SECRET='SeCrEt SeCrEt'", ":8: the value is not a key" }, { SETTINGS "OVH_CONSUMER_KEY='a\"'", ":8: the value is not a key" },
		{ SETTINGS "X=\x01", ":8: the value has a control character" }, { SETTINGS ")", ":8: this is not an assignment" }, { SETTINGS "export", ":8: this is not an assignment" },
	};
	struct config *c;
	struct captured t;
	char *text;

	needs_curl();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!import(bad[i].text, &c, &t) || !strstr(t.text, bad[i].said) || strncmp(t.text, "wgxdp: error: /", 15))
			fail_msg("%s: '%s', expected %s", bad[i].text, t.text, bad[i].said);
	for (size_t n = strlen(SETTINGS); n; n--) {		/* truncated anywhere: refused, unless only an interface's name is truncated */
		text = strndup(SETTINGS, n);
		if (!import(text, &c, &t))
			assert_true(n >= strlen(SETTINGS) - 6);
		config_free(c);
		free(text);
	}
	text = calloc(1, 4096);
	sprintf(text, "%sX=", SETTINGS);
	memset(text + strlen(text), 'a', 400);
	assert_int_not_equal(import(text, &c, &t), 0);
	assert_non_null(strstr(t.text, ":8: the value is longer than 255 bytes: shorten it"));
	free(text);
	capture_stderr(&t);
	assert_int_not_equal(ddns_import("/nowhere/at/all", &c), 0);
	assert_non_null(strstr(release_stderr(&t), "cannot read /nowhere/at/all"));
}

/* A name without a slash stays a name, even if such a file exists */
static void import_of_a_credential(void **state)
{
	char was[512], directory[] = "/tmp/wgxdp-ddns.XXXXXX";
	struct config *c;
	FILE *out;

	needs_curl();
	assert_non_null(getcwd(was, sizeof(was)));
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	out = fopen("ddns.conf", "w");
	fputs(SETTINGS, out);
	fclose(out);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	assert_int_equal(ddns_import("ddns.conf", &c), 0);
	assert_string_equal(c->ddns[0].secret, "ddns.conf");
	config_free(c);
	unlink("ddns.conf");
	assert_int_equal(chdir(was), 0);
	rmdir(directory);
}

static void secret_files(void **state)
{
	char why[SECRET_WHY_LEN], *text, directory[] = "/tmp/wgxdp-ddns.XXXXXX", path[128];
	bool open;
	FILE *out;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/tsig", directory);
	out = fopen(path, "w");
	fputs("hidden", out);
	fclose(out);
	chmod(path, 0640);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_not_equal(secret_read("tsig", &text, &open, why), 0);
	assert_non_null(strstr(why, "which the unit does not have: add LoadCredential= there, or for a file write ./tsig"));
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	assert_int_equal(secret_read("tsig", &text, &open, why), 0);
	assert_string_equal(text, "hidden");
	assert_false(open);
	secret_free(text);
	chmod(path, 0644);
	assert_int_equal(secret_read(path, &text, &open, why), 0);
	assert_true(open);
	secret_free(text);
	assert_int_not_equal(secret_read(directory, &text, &open, why), 0);
	assert_int_not_equal(secret_read("/dev/zero", &text, &open, why), 0);
	unlink(path);
	rmdir(directory);
}

/* printf %s 'SECRET+CONSUMER+METHOD+URL+BODY+TIME' | openssl sha1 */
static void signature(void **state)
{
#ifdef WITH_CURL
	struct ovh_credentials k = { .key = "7kbG7Bk7S9Nt7ZSV", .secret = "EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF", .consumer = "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1" };
	char text[OVH_SIGNATURE_LEN];

	assert_int_equal(ovh_sign(&k, "GET", "https://eu.api.ovh.com/1.0/domain/zone/", "", 1366560945, text), 0);
	assert_string_equal(text, "$1$000eacc8796cd1c2d001f8ccdb6685b80e1b6f60");
	assert_int_equal(ovh_sign(&k, "PUT", "https://eu.api.ovh.com/1.0/domain/zone/example.net/record/1", "{\"ttl\":300}", 1457018875, text), 0);
	assert_string_equal(text, "$1$ec1125cb74ea9148d43bfb32cf3696a0d389c966");
#else
	skip();
#endif
}

/* ---- the section ---- */

static void section(void **state)
{
	const struct ddns_config *d;
	struct config *c;
	struct captured t;

	assert_int_equal(parse_quietly("ddns:\n  interface: ens18\n  names: [ a.example.net, b.example.net. ]\n  provider: { exec: [ /x ] }\n", &c, &t), 0);
	assert_int_equal(c->n_ddns, 1);
	d = c->ddns;
	assert_true(d->ipv6 && !d->ipv4 && d->ttl == DDNS_TTL && d->by == DDNS_EXEC && !d->host.family);
	assert_string_equal(d->names[1].text, "b.example.net");
	config_free(c);
	assert_int_equal(parse_quietly(WITH_DDNS, &c, &t), 0);
	assert_int_equal(c->n_ddns, WITH_DDNS_SECTIONS);
	d = &c->ddns[0];
	assert_true(d->ipv4 && !d->ipv6 && d->ttl == 60 && d->n_command == 2);
	assert_string_equal(d->command[1].text, "with a \"space\"");
	assert_round_trip(c);
	config_free(c);
	assert_int_equal(parse_quietly("ddns: { interface: a, names: [ b ], records: [ ], provider: { exec: [ /x ] } }\n", &c, &t), -EINVAL);
	assert_non_null(strstr(t.text, "records: the list is empty"));
	assert_int_equal(parse_quietly("ddns: [ ]\n", &c, &t), 0);
	assert_int_equal(c->n_ddns, 0);
	config_free(c);
}

static void zones(void **state)
{
	assert_true(ddns_in_zone("a.example.net", "example.net") && ddns_in_zone("Example.NET", "example.net"));
	assert_true(ddns_in_zone("a.b.example.net", "example.net"));
	assert_false(ddns_in_zone("aexample.net", "example.net") || ddns_in_zone("net", "example.net") || ddns_in_zone("a.example.org", "example.net"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unfit), cmocka_unit_test(candidates), cmocka_unit_test(faded_prefix), cmocka_unit_test(still), cmocka_unit_test(keys), cmocka_unit_test(good_imports),
		cmocka_unit_test(bad_imports), cmocka_unit_test(secret_files), cmocka_unit_test(signature), cmocka_unit_test(section), cmocka_unit_test(zones),
		cmocka_unit_test(import_of_a_credential),
	};
	int fd, rc;

	strcpy(file, "/tmp/wgxdp-ddns-import.XXXXXX");
	fd = mkstemp(file);
	rc = fd < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
	close(fd);
	unlink(file);
	return rc;
}
