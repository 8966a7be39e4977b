/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A saved configuration keeps the comments, order and spelling of its file, and changes only what differs
 * (user/config/config_merge.c). All pairs of the examples are merged, too.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "config/config_diff.h"
#include "lib/yaml.h"

#define HEAD "# my firewall\ninterfaces: # both\n- { name: wan, role: wan } # uplink\n- {name: lan, role: lan, mode: auto}\n"
#define ONE "  # Anna's\n  - name: one # first\n    listen: { interface: wan, ports: [ 51820 ] } # the port\n"
#define ONE_TO "    backend: { ipv4: 192.168.1.10, port: 51820 }\n"
#define TWO "  - backend: {\n      ipv4: \"192.168.1.11\", # Bob\n      port: 5 }\n    name: 'two'\n    listen:\n      interface: wan\n      ports:\n        - 443\n"

static const struct {
	const char *file, *new, *merged;	/* merged NULL: this form cannot be changed */
} cases[] = {
	/* a value in a flow mapping, in a block mapping, and a default that the file left out */
	{ "services:\n" ONE ONE_TO, "services:\n" ONE "    backend: { ipv4: 192.168.1.99, port: 51820 }\n",
	  "services:\n" ONE "    backend: { ipv4: 192.168.1.99, port: 51820 }\n" },
	{ "services:\n" TWO "# end\n", "services:\n" TWO "    nat: masquerade\n", "services:\n" TWO "    nat: masquerade\n# end\n" },
	{ "services:\n" ONE ONE_TO "    df: report # why\n" TWO, "services:\n" ONE ONE_TO TWO, "services:\n" ONE ONE_TO TWO },
	{ "services:\n" ONE "    backend: { ipv4: 192.168.1.10, port: 51820, }\n", "services:\n" ONE "    backend: { ipv4: 192.168.1.10, ipv6: \"2001:db8::1\", port: 51820 }\n",
	  "services:\n" ONE "    backend: { ipv4: 192.168.1.10, port: 51820, ipv6: \"2001:db8::1\", }\n" },
	{ "services:\n" TWO, "services:\n  - name: two\n    backend: { ipv4: 192.168.1.11, port: 5 }\n    listen: { interface: wan, ports: [ 443, 444 ] }\n",
	  "services:\n" TWO "        - 444\n" },
	/* services that come and go, with the comment above */
	{ "services:\n" ONE ONE_TO TWO, "services:\n" TWO, "services:\n" TWO },
	{ HEAD "services:\n" ONE ONE_TO "# end", HEAD "services:\n" ONE ONE_TO "  - { name: new, nat: none, backend: { ipv6: \"fd00::1\", port: 1 } }\n",
	  HEAD "services:\n" ONE ONE_TO "  - name: new\n    backend: { ipv6: \"fd00::1\", port: 1 }\n    nat: none\n    ipv6: direct\n# end" },
	{ HEAD "services:\n" ONE ONE_TO, HEAD, HEAD },
	{ HEAD, HEAD "policy: { overlay: \"fd00::/48\", udp-ports: [ 1 ] }\n", HEAD "policy:\n  overlay: \"fd00::/48\"\n  udp-ports: [ 1 ]\n  icmpv6: [ echo-request, echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert ]\n  reject: admin-prohibited\n" },
	/* items of lists */
	{ "services:\n" ONE ONE_TO "    deny:\n      - 10.1.0.0/16 # bad\n      # worse:\n      - 10.2.0.0/16\n",
	  "services:\n" ONE ONE_TO "    deny: [ 10.1.0.0/16, 10.3.0.0/16 ]\n", "services:\n" ONE ONE_TO "    deny:\n      - 10.1.0.0/16 # bad\n      - 10.3.0.0/16\n" },
	{ "services:\n" ONE ONE_TO "    deny: [ 10.1.0.0/16 ] # bad\n", "services:\n" ONE ONE_TO "    deny: [ 10.1.0.0/16, 10.3.0.0/16 ]\n",
	  "services:\n" ONE ONE_TO "    deny: [ 10.1.0.0/16, 10.3.0.0/16 ] # bad\n" },
	/* quoted values */
	{ "services:\n" ONE ONE_TO "    deny: [ \"10.1.0.0/16\" ] # bad\n", "services:\n" ONE ONE_TO "    deny: [ \"2001:db8::/32\" ]\n", "services:\n" ONE ONE_TO "    deny: [ \"2001:db8::/32\" ] # bad\n" },
	{ "\"services\":\n" TWO, "services:\n  - name: two\n    backend: { ipv4: host.example.net, port: 6 }\n    listen: { interface: wan, ports: [ 443 ] }\n",
	  "\"services\":\n  - backend: {\n      ipv4: host.example.net, # Bob\n      port: 6 }\n    name: 'two'\n    listen:\n      interface: wan\n      ports:\n        - 443\n" },
	{ "services:\n" ONE ONE_TO "    deny:\n      - \"10.1.0.0/16\"\n      - '10.2.0.0/16'\n", "services:\n" ONE ONE_TO "    deny: [ 10.2.0.0/16 ]\n", "services:\n" ONE ONE_TO "    deny:\n      - '10.2.0.0/16'\n" },
	/* the first key of an item would take the item along */
	{ "services:\n  - df: report\n    name: one\n    listen: { interface: wan, ports: [ 51820 ] }\n" ONE_TO, "services:\n" ONE ONE_TO, NULL },
	{ "{ services: [ { name: a, nat: none, backend: { ipv4: 10.0.0.1, port: 1 } } ] } # flow\n", "services: [ { name: a, nat: none, backend: { ipv4: 10.0.0.2, port: 1 } } ]\n",
	  "{ services: [ { name: a, backend: { ipv4: 10.0.0.2, port: 1 }, nat: none, ipv6: direct } ] } # flow\n" },
};

static struct config *parsed(const char *text)
{
	struct config *c = NULL;

	assert_int_equal(config_parse(text, "test", &c), 0);
	return c;
}

static void each_case(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct config *new = parsed(cases[i].new);
		char *merged = config_merge(cases[i].file, new);

		if (!cases[i].merged)
			assert_null(merged);
		else
			assert_string_equal(merged ?: "(nothing)", cases[i].merged);
		free(merged);
		config_free(new);
	}
}

static size_t examples(char *texts[64])
{
	DIR *dir = opendir("docs/examples/config");
	struct dirent *e;
	char path[512];
	size_t n = 0, length;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		if (strstr(e->d_name, ".yaml")) {
			assert_true(n < 64);
			snprintf(path, sizeof(path), "docs/examples/config/%s", e->d_name);
			assert_int_equal(yaml_read(path, &texts[n++], &length), 0);
		}
	closedir(dir);
	return n;
}

static void all_pairs(void **state)
{
	char *texts[64], *merged;
	struct config *new, *again;
	size_t n = examples(texts), done = 0;

	for (size_t to = 0; to < n; to++) {
		new = parsed(texts[to]);
		for (size_t from = 0; from < n; from++) {
			merged = config_merge(texts[from], new);
			if (from == to)
				assert_string_equal(merged, texts[from]);
			if (!merged)
				continue;
			again = parsed(merged);
			assert_false(config_changes(new, again, stderr));
			config_free(again);
			free(merged);
			done++;
		}
		config_free(new);
	}
	printf("%zu of %zu pairs merged\n", done, n * n);
	assert_true(n > 30 && done >= n * n * 9 / 10);
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
		cmocka_unit_test(all_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
