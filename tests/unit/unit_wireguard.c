/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The recorded answers of kernel 6.1's WireGuard and of wireguard-go are read right, and cut or damaged ones do no
 * harm (user/net/wireguard*.c). tests/corpus/wireguard/dump-6.1.bin has the dump, each part of it behind its length.
 * Answers are whole, cut short at every byte, and damaged.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "net/wireguard.h"

#define SITES 900			/* AllowedIPs of the recorded dump's second peer: more than fit into one message */

/* The three peers of each recording */
static const char *const dumped[] = {
	"Ip4rLU438XwTUvQOh71taEa1kJ5D/tDzj3ziQvUuIk0=", "+8V0lhgcQepbaUb9mI9gc0uw4UQauv4d67MPcvemzl4=",
	"8uVKtzy9BFiGLTmmsaWYKS7rpzCZCYXNdtJvHFMFFDQ=",
};
static const char key_b[] = "HI0hmeRD8twDdd2GBWCvq6sGBZoVzJLvuIRVuAR+KSg=", key_c[] = "Dgmo78O/yflFO3prlICC0amrTVWtEVPSrTItF1OjUXQ=",
		  key_d[] = "3mvxfDnEjUJDpCeAeJ3J1RIyaU9L3F1trjEijYqVpkc=";

static char *file(const char *name, size_t *ret_n)
{
	FILE *in = fopen(name, "r");
	char *bytes = malloc(1 << 17);

	assert_non_null(in);
	*ret_n = fread(bytes, 1, (1 << 17) - 1, in);
	bytes[*ret_n] = '\0';
	fclose(in);
	return bytes;
}

static const char *key_of(const struct wg_peer *p)
{
	static char text[WG_KEY_STRLEN];

	return wg_key_format(&p->key, text);
}

static const char *allowed(const struct wg_peer *p, size_t i)
{
	static char text[ADDRESS_STRLEN];

	return prefix_format(&p->allowed[i], text);
}

static const char *endpoint(const struct wg_peer *p)
{
	static char text[ADDRESS_STRLEN];

	return endpoint_format(&p->endpoint, p->endpoint_port, text);
}

/* ---- the kernel's dump ---- */

/* Feeds the parts of a dump; returns how many had AllowedIPs of the second peer */
static int feed(const char *bytes, size_t n, struct wg_device *d)
{
	char *copy = malloc(1 << 16);		/* aligned, and ASan knows its end */
	size_t before = 0;
	int parts = 0;
	__u32 length;

	for (size_t at = 0; at + sizeof(length) <= n; at += length) {
		memcpy(&length, bytes + at, sizeof(length));
		at += sizeof(length);
		length = length < n - at ? length : n - at;
		copy = realloc(copy, length ?: 1);
		memcpy(copy, bytes + at, length);
		mnl_cb_run(copy, length, 0, 0, wg_message, d);
		if (d->n_peers > 1 && d->peers[1].n_allowed > before) {
			before = d->peers[1].n_allowed;
			parts++;
		}
	}
	free(copy);
	return parts;
}

static void recorded_dump(void **state)
{
	struct wg_device d = { 0 };
	size_t n;
	char *bytes = file("tests/corpus/wireguard/dump-6.1.bin", &n);

	assert_int_equal(feed(bytes, n, &d), 2);
	assert_int_equal(d.n_peers, 3);
	assert_string_equal(key_of(&d.peers[0]), dumped[0]);
	assert_string_equal(endpoint(&d.peers[0]), "192.0.2.2:51820");
	assert_int_equal(d.peers[0].n_allowed, 3);
	assert_string_equal(allowed(&d.peers[0], 0), "fd12:3456:7899::b/128");
	assert_string_equal(allowed(&d.peers[0], 1), "fd12:3456:789a:b00::/64");
	assert_string_equal(allowed(&d.peers[0], 2), "10.0.0.2/32");
	assert_int_equal(d.peers[0].handshake, 1795192792);
	assert_int_equal(d.peers[0].rx_bytes, 524);
	assert_int_equal(d.peers[0].tx_bytes, 612);
	assert_string_equal(key_of(&d.peers[1]), dumped[1]);
	assert_string_equal(endpoint(&d.peers[1]), "[2001:db8::7]:443");
	assert_int_equal(d.peers[1].n_allowed, SITES);
	for (size_t i = 0; i < SITES; i++) {
		char text[ADDRESS_STRLEN];

		snprintf(text, sizeof(text), i ? "fd12:3456:789a:%zx::/64" : "fd12:3456:789a::/64", i);
		assert_string_equal(allowed(&d.peers[1], i), text);
	}
	assert_int_equal(d.peers[1].handshake, 0);
	assert_string_equal(key_of(&d.peers[2]), dumped[2]);
	assert_int_equal(d.peers[2].endpoint.family, 0);
	assert_int_equal(d.peers[2].n_allowed, 0);
	wg_free(&d);
	free(bytes);
}

/* Truncated anywhere, and with every bit of the first 800 bytes changed: no read beyond the end (ASan), and never
 * more than the lengths say */
static void damaged_dump(void **state)
{
	size_t n;
	char *bytes = file("tests/corpus/wireguard/dump-6.1.bin", &n);

	for (size_t length = 0; length < n; length += length < 2048 ? 1 : 197) {
		struct wg_device d = { 0 };

		feed(bytes, length, &d);
		assert_uint_in_range(d.n_peers, 0, 3);
		wg_free(&d);
	}
	for (size_t at = 4; at < 800; at++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			struct wg_device d = { 0 };

			bytes[at] ^= 1 << bit;
			feed(bytes, n, &d);
			assert_uint_in_range(d.n_peers, 0, 4);
			wg_free(&d);
			bytes[at] ^= 1 << bit;
		}
	free(bytes);
}

/* Messages that no kernel sends: an address of the wrong size, a length beyond the family's, no key, unknown
 * attributes */
static void odd_messages(void **state)
{
	char buffer[1024] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct wg_key key = { .b = { 1 } };
	struct nlattr *peers, *peer, *list, *row;
	struct wg_device d = { 0 };
	__u8 address[16] = { 0xfd };

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	peers = mnl_attr_nest_start(nlh, WGDEVICE_A_PEERS);
	peer = mnl_attr_nest_start(nlh, 0);			/* without a key */
	mnl_attr_put_u64(nlh, WGPEER_A_RX_BYTES, 7);
	mnl_attr_nest_end(nlh, peer);
	peer = mnl_attr_nest_start(nlh, 0);
	mnl_attr_put(nlh, WGPEER_A_PUBLIC_KEY, sizeof(key), &key);
	mnl_attr_put(nlh, WGPEER_A_ENDPOINT, 3, "abc");
	mnl_attr_put_u32(nlh, WGPEER_A_RX_BYTES, 7);		/* too short */
	mnl_attr_put_u32(nlh, 200, 7);
	list = mnl_attr_nest_start(nlh, WGPEER_A_ALLOWEDIPS);
	for (int i = 0; i < 5; i++) {
		row = mnl_attr_nest_start(nlh, 0);
		mnl_attr_put_u16(nlh, WGALLOWEDIP_A_FAMILY, i == 0 ? 77 : AF_INET6);
		if (i != 1)
			mnl_attr_put(nlh, WGALLOWEDIP_A_IPADDR, i == 2 ? 15 : 16, address);
		mnl_attr_put_u8(nlh, WGALLOWEDIP_A_CIDR_MASK, i == 3 ? 129 : 8);
		mnl_attr_nest_end(nlh, row);
	}
	mnl_attr_nest_end(nlh, list);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, peers);
	assert_int_equal(wg_message(nlh, &d), MNL_CB_OK);
	assert_int_equal(d.n_peers, 1);
	assert_int_equal(d.peers[0].endpoint.family, 0);
	assert_int_equal(d.peers[0].rx_bytes, 0);
	assert_int_equal(d.peers[0].n_allowed, 1);
	assert_string_equal(allowed(&d.peers[0], 0), "fd00::/8");
	nlh->nlmsg_len = NLMSG_HDRLEN;				/* no generic header */
	assert_int_equal(wg_message(nlh, &d), MNL_CB_OK);
	wg_free(&d);
}

/* ---- wireguard-go's answer ---- */

static void recorded_answer(void **state)
{
	struct wg_device d;
	size_t n;
	char *text = file("tests/corpus/wireguard/uapi.txt", &n);

	assert_int_equal(wg_uapi(text, n, &d), 0);
	assert_int_equal(d.n_peers, 3);
	assert_string_equal(key_of(&d.peers[0]), key_b);
	assert_string_equal(endpoint(&d.peers[0]), "192.0.2.2:51820");
	assert_int_equal(d.peers[0].n_allowed, 3);
	assert_string_equal(allowed(&d.peers[0], 2), "10.0.0.2/32");
	assert_string_equal(endpoint(&d.peers[1]), "[2001:db8::7]:443");
	assert_int_equal(d.peers[1].n_allowed, 1);
	assert_string_equal(key_of(&d.peers[2]), key_d);
	assert_int_equal(d.peers[2].endpoint.family, 0);
	wg_free(&d);
	for (size_t length = 0; length < n; length++) {
		char *part = malloc(length ?: 1);

		memcpy(part, text, length);
		assert_int_equal(wg_uapi(part, length, &d), -EPROTO);
		free(part);
	}
	free(text);
}

static void odd_answers(void **state)
{
#define KEY "public_key=1c8d2199e443f2dc0375dd860560afabab06059a15cc92efb88455b8047e2928\n"
	static const struct {
		const char *text;
		int rc;
	} answers[] = {
		{ "errno=0\n\n", 0 }, { "errno=95\n\n", -95 }, { "errno=\n\n", -EPROTO }, { "errno=x\n\n", -EPROTO },
		{ "errno=0\nmore=1\n\n", -EPROTO }, { "\n\n", -EPROTO }, { "listen_port\nerrno=0\n\n", -EPROTO },
		{ "public_key=1c8d\nerrno=0\n\n", -EPROTO }, { KEY "errno=0\n\n", 0 }, { KEY "new=thing\nerrno=0\n\n", 0 },
		{ KEY "endpoint=[fe80::1%eth0]:51820\nerrno=0\n\n", 0 }, { KEY "endpoint=nowhere\nerrno=0\n\n", -EPROTO },
		{ KEY "endpoint=192.0.2.1:99999\nerrno=0\n\n", -EPROTO }, { KEY "allowed_ip=fd00::/129\nerrno=0\n\n", -EPROTO },
		{ KEY "preshared_key=1c8d\nerrno=0\n\n", -EPROTO }, { KEY "persistent_keepalive_interval=65536\nerrno=0\n\n", -EPROTO },
		{ KEY "rx_bytes=-1\nerrno=0\n\n", -EPROTO }, { KEY "rx_bytes=99999999999999999999\nerrno=0\n\n", -EPROTO },
		{ KEY "rx_bytes=18446744073709551615\nerrno=0\n\n", 0 }, { "allowed_ip=fd00::/8\nerrno=0\n\n", 0 },
		{ "fwmark=51820\nerrno=0\n\n", 0 }, { "fwmark=4294967296\nerrno=0\n\n", -EPROTO }, { "fwmark=\nerrno=0\n\n", -EPROTO },
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct wg_device d = { 0 };
		int rc = wg_uapi(answers[i].text, strlen(answers[i].text), &d);

		if (!strncmp(answers[i].text, "fwmark=5", 8))
			assert_int_equal(d.fwmark, 51820);
		if (rc != answers[i].rc)
			fail_msg("%s: %d, not %d", answers[i].text, rc, answers[i].rc);
		wg_free(&d);
	}
}

/* ---- keys and names ---- */

static void keys(void **state)
{
	static const char *const bad[] = {
		"", "short", "HI0hmeRD8twDdd2GBWCvq6sGBZoVzJLvuIRVuAR+KSg", "HI0hmeRD8twDdd2GBWCvq6sGBZoVzJLvuIRVuAR+KSh=",
		"HI0hmeRD8twDdd2GBWCvq6sGBZoVzJLvuIRVuAR+KSgA", "HI0hmeRD8twDdd2GBWCvq6sGBZoVzJLvuIRVuAR+KSg==", "HI0hmeRD8twDdd2GBWCvq6sGBZoVzJLvuIRVuAR-KSg=",
	};
	char text[WG_KEY_STRLEN];
	struct wg_key key;

	assert_int_equal(wg_key_parse(key_b, &key), 0);
	assert_int_equal(key.b[0], 0x1c);
	assert_int_equal(key.b[31], 0x28);
	assert_string_equal(wg_key_format(&key, text), key_b);
	assert_false(wg_key_is_none(&key));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(wg_key_parse(bad[i], &key), -EINVAL);
}

static const char *name_in(const char *conf, const char *key_text)
{
	static char name[NAME_LEN];
	struct wg_names names;
	struct wg_key key;

	wg_names_parse(conf, &names);
	assert_int_equal(wg_key_parse(key_text, &key), 0);
	wg_name_of(&names, &key, name);
	wg_names_free(&names);
	return name;
}

/* A name of the configuration takes precedence: by its key, and over another peer with this name. */
static void preferred_names(void **state)
{
	struct wg_name own = { .name = "site-b" };
	struct wg_names names;
	struct wg_key other;

	wg_key_parse("HI0hmeRD8twDdd2GBWCvq6sGBZoVzJLvuIRVuAR+KSg=", &own.key);
	wg_key_parse("Dgmo78O/yflFO3prlICC0amrTVWtEVPSrTItF1OjUXQ=", &other);
	wg_names_parse("# site-a\n[Peer]\nPublicKey = HI0hmeRD8twDdd2GBWCvq6sGBZoVzJLvuIRVuAR+KSg=\n"
		       "# site-b\n[Peer]\nPublicKey = Dgmo78O/yflFO3prlICC0amrTVWtEVPSrTItF1OjUXQ=\n", &names);
	assert_string_equal(wg_name_find(&names, &own.key), "site-a");
	assert_string_equal(wg_name_find(&names, &other), "site-b");
	wg_names_prefer(&names, &own, 1);
	assert_string_equal(wg_name_find(&names, &own.key), "site-b");
	assert_null(wg_name_find(&names, &other));
	wg_names_free(&names);
}

#define B "PublicKey = HI0hmeRD8twDdd2GBWCvq6sGBZoVzJLvuIRVuAR+KSg=\n"
#define C "PublicKey=Dgmo78O/yflFO3prlICC0amrTVWtEVPSrTItF1OjUXQ= # c\r\n"

static void names(void **state)
{
	static const struct {
		const char *conf, *b, *c;
	} cases[] = {
		{ "", "HI0hmeRD", "Dgmo78O/" },
		{ "[Peer]\n" B "[Peer]\n" C, "HI0hmeRD", "Dgmo78O/" },
		{ "# site-a\n[Peer]\n" B "\n# site-b\n\n[Peer]\n" C, "site-a", "site-b" },
		{ "### Site A (Berlin) ###\n[peer]\n" B "AllowedIPs = fd00::/64\n# friendly_name=Site B\n[Peer]\n" C, "Site-A-Berlin", "Site-B" },
		{ "# x\n[Peer]\n# friendly_name = site-a\n" B "[Peer]\n" C "# friendly_name=site-b\n", "site-a", "site-b" },
		{ "[Peer]\n" B "# friendly_name=site-a\nAllowedIPs = fd00::/64\n# other\n[Peer]\n" C, "site-a", "other" },
		{ "# Endpoint = 192.0.2.1:51820\n[Peer]\n" B "#[Peer]\n[Peer]\n" C, "HI0hmeRD", "Dgmo78O/" },
		{ "# of the interface\n[Interface]\nPrivateKey = x\n[Peer]\n" B "[Peer]\n" C, "HI0hmeRD", "Dgmo78O/" },
		/* marks of installers: PiVPN, Nyr's and complexorganizations' */
		{ "### begin keno ###\n[Peer]\n" B "### end keno ###\n\n[Peer]\n" C, "keno", "Dgmo78O/" },
		{ "# BEGIN_PEER keno\n[Peer]\n" B "# END_PEER keno\n[Peer]\n" C, "keno", "Dgmo78O/" },
		{ "# keno start\n[Peer]\n" B "# keno end\n[Peer]\n" C, "keno", "Dgmo78O/" },
		{ "# keno\n[Peer]\n" B "# west end\n[Peer]\n" C, "keno", "west-end" },
		{ "# kept\n# end\n[Peer]\n" B "# begin\n[Peer]\n" C, "HI0hmeRD", "begin" },
		{ "# HeaderProtectionKey = secret\n[Peer]\n" B "# Jc=4\n[Peer]\n" C, "HI0hmeRD", "Dgmo78O/" },
		{ "# one\n[Peer]\n" B "# one\n[Peer]\n" C, "one", "Dgmo78O/" },
		{ "# first line\n# second\n[Peer]\n" B "# ...\n[Peer]\n" C, "second", "Dgmo78O/" },
		{ "# \xc3\xbc" "ber\tall\n[Peer]\n" B "# -x\n[Peer]\nPublicKey = broken\n" C, "ber-all", "x" },
		{ "# 12345678901234567890123456789012345678901234567890123456789012345678901234567890\n[Peer]\n" B,
		  "12345678901234567890123456789012345678901234567890123456789012", "Dgmo78O/" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_string_equal(name_in(cases[i].conf, key_b), cases[i].b);
		assert_string_equal(name_in(cases[i].conf, key_c), cases[i].c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_dump), cmocka_unit_test(damaged_dump), cmocka_unit_test(odd_messages),
		cmocka_unit_test(recorded_answer), cmocka_unit_test(odd_answers), cmocka_unit_test(keys), cmocka_unit_test(names), cmocka_unit_test(preferred_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
