// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `gen` writes a set of files completely or not at all, and computes the MTU of tunnels and of tunnels in tunnels
 * from the topology. Only different files are written, never through a symbolic link, and foreign files stay. Shown
 * differences contain no secrets.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>
#include "gen/gen_diff.h"
#include "gen/gen_files.h"
#include "gen/gen_tree.h"
#include "capture_stderr.h"

/* ---- MTU ---- */

static struct topology_host hosts[] = {
	{ .role = ROLE_RELAY, .mtu = 1500 }, { .role = ROLE_EDGE, .mtu = 1500 }, { .role = ROLE_EDGE, .mtu = 1492 }, { .role = ROLE_SERVER, .mtu = 1500 },
};
static struct topology topology = { .hosts = hosts, .n_hosts = 4 };

static void mtu(void **state)
{
	static const struct {
		unsigned int relay, edge, other, server;		/* the interfaces' MTUs */
		bool blind;
		unsigned int at_relay, at_edge, at_other, mesh;		/* the tunnels' MTUs */
	} cases[] = {
		{ 1500, 1500, 1500, 1500, false, 1420, 1420, 1420, 1340 },
		{ 1500, 1500, 1492, 1500, false, 1412, 1420, 1412, 1332 },	/* PPPoE */
		{ 1500, 1500, 1492, 1500, true, 1412, 1412, 1412, 1332 },
		{ 1500, 1460, 1500, 1500, false, 1380, 1380, 1420, 1300 },	/* DS-Lite */
		{ 1440, 1500, 1500, 1500, false, 1360, 1420, 1420, 1280 },
		{ 1500, 1500, 1439, 1500, false, 1359, 1420, 1359, 1280 },	/* the mesh gets the minimum */
		{ 1500, 1500, 1360, 1500, false, 1280, 1420, 1280, 1280 },
		{ 1500, 1500, 1300, 1500, false, 1280, 1420, 1280, 1280 },	/* also the tunnel's MTU */
		{ 1500, 1500, 1500, 1400, false, 1420, 1420, 1420, 1320 },
		{ 9000, 9000, 9000, 9000, false, 8920, 8920, 8920, 8840 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		hosts[0].mtu = cases[i].relay;
		hosts[0].blind = cases[i].blind;
		hosts[1].mtu = cases[i].edge;
		hosts[2].mtu = cases[i].other;
		hosts[3].mtu = cases[i].server;
		assert_int_equal(gen_tunnel_mtu(&topology, &hosts[0]), cases[i].at_relay);
		assert_int_equal(gen_tunnel_mtu(&topology, &hosts[1]), cases[i].at_edge);
		assert_int_equal(gen_tunnel_mtu(&topology, &hosts[2]), cases[i].at_other);
		assert_int_equal(gen_mesh_mtu(&topology, &hosts[3]), cases[i].mesh);
	}
}

/* Packets of a gateway fit the narrowest path to its own clients through its own firewall, and only these */
static void gateway_mtu(void **state)
{
	struct topology_host at[] = {
		{ .role = ROLE_GATEWAY, .mtu = 1500 }, { .role = ROLE_CLIENT, .mtu = 1392 }, { .role = ROLE_ROAMING, .mtu = 1460 },
		{ .role = ROLE_GATEWAY, .mtu = 1500 }, { .role = ROLE_CLIENT, .mtu = 1360, .gateway = 3 },
		{ .role = ROLE_FIREWALL, .mtu = 1400 },
	};
	static const unsigned int tunnels[] = { 1312, 1312, 1320, 1280, 1280 };
	struct topology t = { .hosts = at, .n_hosts = 6 };

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(gen_tunnel_mtu(&t, &at[i]), tunnels[i]);
}

/* ---- a directory ---- */

static char home[] = "/tmp/unit_gen.XXXXXX";
static int dir;

static int fresh(void **state)
{
	strcpy(strrchr(home, '.'), ".XXXXXX");
	if (!mkdtemp(home))
		return -1;
	dir = open(home, O_RDONLY | O_DIRECTORY);
	return dir < 0;
}

static int clean(void **state)
{
	char command[64];

	close(dir);
	snprintf(command, sizeof(command), "rm -rf %s", home);
	return system(command);
}

static void write_as(const char *path, const char *text, mode_t mode)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static void assert_file(const char *path, const char *text, mode_t mode)
{
	struct tree_file is;

	assert_int_equal(tree_read(dir, path, &is), 0);
	assert_string_equal(is.text, text);
	assert_int_equal(is.mode, mode);
	free(is.text);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_mode & 07777;
}

static bool is_there(const char *path)
{
	return !faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* Lists the files in the directory with their times */
static char *listing(void)
{
	static char text[2][8192];
	static int which;
	char command[128];
	FILE *in;

	which = !which;
	snprintf(command, sizeof(command), "cd %s && find . ! -type d -printf '%%p %%i %%T@ %%C@ %%m %%s\\n' | sort", home);
	in = popen(command, "r");
	text[which][fread(text[which], 1, sizeof(text[0]) - 1, in)] = '\0';
	pclose(in);
	return text[which];
}

/* Paths and texts in turn, up to NULL; a path that ends in key has mode 0600. Returns bring()'s result, and the
 * number of different files */
static int bring(enum gen_how how, size_t *ret_differs, ...)
{
	struct gen_files *f = gen_files_new();
	int out = dup(1), null = open("/dev/null", O_WRONLY);
	const char *path;
	va_list args;
	int rc;

	assert_non_null(f);
	va_start(args, ret_differs);
	while ((path = va_arg(args, const char *)))
		fputs(va_arg(args, const char *), gen_file(f, strstr(path, "key") ? 0600 : 0644, "%s", path));
	va_end(args);
	fflush(stdout);
	dup2(null, 1);
	rc = gen_files_bring(f, dir, home, how, ret_differs);
	fflush(stdout);
	dup2(out, 1);
	close(out);
	close(null);
	gen_files_free(f);
	return rc;
}

static void written(void **state)
{
	size_t n = 0;
	char *before;

	assert_int_equal(bring(GEN_CHECK, &n, "a/etc/one", "1\n", "a/etc/wireguard/key", "2\n", NULL), 0);
	assert_int_equal(n, 3);		/* with the list of files */
	assert_string_equal(listing(), "");
	assert_int_equal(bring(GEN_WRITE, &n, "a/etc/one", "1\n", "a/etc/wireguard/key", "2\n", "state/keys/key", "3\n", NULL), 0);
	assert_int_equal(n, 4);
	assert_file("a/etc/one", "1\n", 0644);
	assert_file("a/etc/wireguard/key", "2\n", 0600);
	assert_int_equal(mode_of("a"), 0755);		/* these are copied to a host with their modes */
	assert_int_equal(mode_of("a/etc"), 0755);
	assert_int_equal(mode_of("a/etc/wireguard"), 0700);
	assert_int_equal(mode_of("state"), 0700);
	assert_int_equal(mode_of("state/keys"), 0700);

	before = listing();
	assert_int_equal(bring(GEN_WRITE, &n, "a/etc/one", "1\n", "a/etc/wireguard/key", "2\n", "state/keys/key", "3\n", NULL), 0);
	assert_int_equal(n, 0);
	assert_string_equal(before, listing());
}

/* It is to have another text, or to go (NULL): that is reported, and nothing is written */
static void edited(const char *path, const char *text, const char *new)
{
	char *before = listing();
	struct captured captured;
	size_t n = 99;

	capture_stderr(&captured);
	assert_int_equal(bring(GEN_WRITE, &n, "b/other", "other\n", new ? path : NULL, new, NULL), -EEXIST);
	release_stderr(&captured);
	assert_non_null(strstr(captured.text, "edited by hand"));
	assert_non_null(strstr(captured.text, path));
	assert_int_equal(n, 99);
	assert_string_equal(before, listing());
	assert_file(path, text, 0644);
}

static void what_differs(void **state)
{
	size_t n = 0;

	assert_int_equal(bring(GEN_WRITE, &n, "a/one", "1\n", "a/key", "2\n", "a/x/three", "3\n", NULL), 0);
	write_as("a/x/mine", "mine\n", 0640);
	write_as("a/one", "by hand\n", 0644);
	fchmodat(dir, "a/key", 0644, 0);
	/* a file that was edited by hand stays, as long as the same text is asked for */
	assert_int_equal(bring(GEN_CHECK, &n, "a/one", "1\n", "a/key", "2\n", "a/x/three", "3\n", NULL), 0);
	assert_int_equal(n, 1);
	assert_int_equal(bring(GEN_WRITE, &n, "a/one", "1\n", "a/key", "2\n", "a/x/three", "3\n", NULL), 0);
	assert_int_equal(n, 1);
	assert_file("a/one", "by hand\n", 0644);
	assert_file("a/key", "2\n", 0600);
	assert_int_equal(bring(GEN_DIFF, &n, "a/one", "2\n", "a/key", "2\n", "a/x/three", "3\n", NULL), 0);
	assert_int_equal(n, 2);		/* and the list */
	edited("a/one", "by hand\n", "2\n");
	assert_int_equal(bring(GEN_WRITE, &n, "a/one", "by hand\n", "a/key", "2\n", "a/x/three", "3\n", NULL), 0);
	write_as("a/one", "by hand again\n", 0644);
	edited("a/one", "by hand again\n", NULL);
	assert_int_equal(bring(GEN_REPLACE, &n, "a/one", "1\n", "a/key", "2\n", "a/x/three", "3\n", NULL), 0);
	assert_int_equal(n, 2);
	assert_file("a/one", "1\n", 0644);
	/* nor is a file replaced that somebody else put there */
	write_as("a/x/other", "mine\n", 0644);
	edited("a/x/other", "mine\n", "1\n");
	unlinkat(dir, "a/x/other", 0);
	assert_file("a/key", "2\n", 0600);

	/* files that are no longer needed go, except state and foreign files */
	assert_int_equal(bring(GEN_WRITE, &n, "b/one", "1\n", "state/keys/key", "4\n", NULL), 0);
	assert_int_equal(n, 6);
	assert_false(is_there("a/one"));
	assert_false(is_there("a/x/three"));
	assert_file("a/x/mine", "mine\n", 0640);
	assert_int_equal(bring(GEN_WRITE, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_false(is_there("b"));
	assert_file("state/keys/key", "4\n", 0600);
	assert_file("a/x/mine", "mine\n", 0640);
}

/* ---- refused changes ---- */

/* Reported, and nothing is written */
static void refused(enum gen_how how, const char *why, const char *one, const char *other)
{
	char *before = listing();
	struct captured captured;
	size_t n = 99;
	int rc;

	capture_stderr(&captured);
	rc = bring(how, &n, one, "1\n", other, "2\n", NULL);
	release_stderr(&captured);
	assert_true(rc < 0);
	assert_int_equal(n, 99);
	if (!strstr(captured.text, why))
		fail_msg("reported: %s, and not: %s", captured.text, why);
	assert_string_equal(before, listing());
}

static void links(void **state)
{
	char outside[sizeof(home) + 8];

	snprintf(outside, sizeof(outside), "%s.out", home);
	assert_int_equal(mkdir(outside, 0755), 0);
	assert_int_equal(symlinkat(outside, dir, "a"), 0);
	refused(GEN_WRITE, "symbolic link", "0/one", "a/one");
	refused(GEN_CHECK, "symbolic link", "0/one", "a/one");
	assert_int_equal(rmdir(outside), 0);	/* no file came there */
	assert_int_equal(mkdirat(dir, "b", 0755), 0);
	assert_int_equal(symlinkat("/etc/hostname", dir, "b/one"), 0);
	refused(GEN_WRITE, "symbolic link", "0/one", "b/one");
	assert_int_equal(mkfifoat(dir, "b/two", 0600), 0);
	refused(GEN_WRITE, "not a plain file", "0/one", "b/two");
	assert_int_equal(mkdirat(dir, "b/three", 0755), 0);
	refused(GEN_WRITE, "not a plain file", "0/one", "b/three");
	write_as("c", "a file\n", 0644);
	refused(GEN_WRITE, "Not a directory", "0/one", "c/one");
}

static void names(void **state)
{
	refused(GEN_WRITE, "two hosts or interfaces have the same name", "a/one", "a/one");
	refused(GEN_WRITE, "this cannot be the name of a file: rename the host or interface", "a/one", "a/../../one");
	refused(GEN_WRITE, "this cannot be the name of a file: rename the host or interface", "a/one", "/tmp/one");
	refused(GEN_WRITE, "this cannot be the name of a file: rename the host or interface", "a/one", "a//one");
	refused(GEN_WRITE, "this cannot be the name of a file: rename the host or interface", "a/one", "");
}

/* The list of files is trusted no more than any file */
static void list_of_others(void **state)
{
	size_t n = 0;
	char text[128];

	snprintf(text, sizeof(text), "1 ../%s.out\n1 %s.out\n1 state/keys/key\n", strrchr(home, '/') + 1, home);
	mkdirat(dir, "state", 0700);
	mkdirat(dir, "state/keys", 0700);
	write_as("state/written", text, 0600);
	write_as("state/keys/key", "key\n", 0600);
	snprintf(text, sizeof(text), "%s.out", home);
	close(open(text, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(bring(GEN_WRITE, &n, "a/one", "1\n", NULL), 0);
	assert_int_equal(unlink(text), 0);
	assert_file("state/keys/key", "key\n", 0600);
}

/* The second of three files cannot be written: then the first is not written either */
static void no_room(void **state)
{
	struct rlimit old, small = { 4096, RLIM_INFINITY };
	char *large = malloc(8193);
	struct captured captured;
	size_t n = 99;
	int rc;

	memset(large, 'x', 8192);
	large[8192] = '\0';
	assert_int_equal(bring(GEN_WRITE, &n, "a/one", "old\n", NULL), 0);
	n = 99;
	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	capture_stderr(&captured);
	setrlimit(RLIMIT_FSIZE, &small);
	rc = bring(GEN_WRITE, &n, "a/one", "new\n", "b/two", large, "c/three", "3\n", NULL);
	setrlimit(RLIMIT_FSIZE, &old);
	release_stderr(&captured);
	assert_int_equal(rc, -EFBIG);
	assert_int_equal(n, 99);
	assert_non_null(strstr(captured.text, "b/two: File too large; nothing was changed"));
	assert_file("a/one", "old\n", 0644);
	assert_false(is_there("a/.one.new"));
	assert_false(is_there("b"));
	assert_false(is_there("c"));
	free(large);
}

/* ---- secrets ---- */

#define KEY "8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define OTHER "iAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void secrets(void **state)
{
	static const struct {
		const char *path, *text, *other, *shown;
	} cases[] = {
		{ "a/x.conf", "PrivateKey = " KEY "\n", NULL, "PrivateKey = (secret)\n" },
		{ "a/x.conf", "PrivateKey = " KEY "\n", "PrivateKey = " KEY "\n", "PrivateKey = (secret)\n" },
		{ "a/x.conf", "PresharedKey=" KEY, "PresharedKey=" OTHER, "PresharedKey=(another secret)" },
		{ "a/x.conf", "PublicKey = " KEY "\nPresharedKey = " OTHER "\n", NULL, "PublicKey = " KEY "\nPresharedKey = (secret)\n" },
		{ "a/x.uci", "\toption private_key '" KEY "'\n", NULL, "\toption private_key '(secret)'\n" },
		{ "a/x.uci", "\toption public_key '" KEY "'\n", NULL, "\toption public_key '" KEY "'\n" },
		{ "a/wg0-privatekey", KEY "\n", NULL, "(secret)\n" },
		{ "a/wg0-publickey", KEY "\n", NULL, KEY "\n" },
		{ "public-vps/wg0-privatekey", KEY "\n", NULL, "(secret)\n" },
		{ "state/keys/public-vps-wg0", KEY "\n", NULL, "(secret)\n" },
		{ "a/x.yaml", "  - { public-key: \"" KEY "\" }\n", NULL, "  - { public-key: \"" KEY "\" }\n" },
		{ "a/x", "a line\n\n" KEY OTHER "\nlast", NULL, "a line\n\n(secret)(secret)\nlast" },
		{ "a/x", "", NULL, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *shown = gen_without_secrets(cases[i].path, cases[i].text, cases[i].other);

		assert_string_equal(shown, cases[i].shown);
		free(shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mtu), cmocka_unit_test(gateway_mtu),
		cmocka_unit_test_setup_teardown(written, fresh, clean),
		cmocka_unit_test_setup_teardown(what_differs, fresh, clean),
		cmocka_unit_test_setup_teardown(links, fresh, clean),
		cmocka_unit_test_setup_teardown(names, fresh, clean),
		cmocka_unit_test_setup_teardown(list_of_others, fresh, clean),
		cmocka_unit_test_setup_teardown(no_room, fresh, clean),
		cmocka_unit_test(secrets),
	};

	umask(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
