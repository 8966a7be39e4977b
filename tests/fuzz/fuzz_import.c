// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No rules and no WireGuard settings make `import` crash, hang, or write an invalid configuration. They are of every
 * kind that `import` reads. The output is a valid configuration, and its comments are printable. The work for a text
 * is limited. The rules are also compared with the configuration: each packet has one answer, and the report names no
 * line of its own.
 */
#include <stdlib.h>
#include "fuzz_quiet.h"
#include "import/compare.h"
#include "lib/text.h"

/* Compares the rules with the configuration. It may be too much work. */
static void check_comparison(struct import *im, const struct config *config)
{
	struct comparison c = { 0 };
	size_t in_causes = 0, n;
	char *out = NULL;
	FILE *f = text_open(&out, &n);

	MUST(f);
	if (!compare_run(&c, im, config)) {
		compare_print(&c, true, f);
		compare_print(&c, false, f);
		compare_print_json(&c, c.n < 1000, f);
		MUST(c.n == c.n_of[COMPARE_AGREES] + c.n_of[COMPARE_DIFFERS] + c.n_of[COMPARE_UNDECIDED]);
		for (size_t i = 0; i < c.n_causes; i++)
			in_causes += c.causes[i].n;
		MUST(in_causes + c.unlisted == c.n_of[COMPARE_DIFFERS] + c.n_of[COMPARE_UNDECIDED]);
	}
	compare_free(&c);
	MUST(!fclose(f));
	free(out);
}

static void check_output(struct import *im, const char *text)
{
	struct config *c = NULL;

	MUST(!config_parse(text, "fuzz", &c));
	check_comparison(im, c);
	config_free(c);
	for (; *text; text++)
		MUST((unsigned char)*text >= 0x20 || *text == 0x0a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import im = { .wan = size % 2 ? "eth0" : NULL, .work_max = 1000000 };
	struct import_text t = { .name = "wg0.conf", .text = bytes_as_text(data, size) };
	char *out = NULL;
	size_t n;
	FILE *f = text_open(&out, &n);
	bool done;

	t.n = strlen(t.text);
	MUST(f);
	hush();
	done = !import_text(&im, &t) && !import_make(&im);
	if (done) {
		MUST(!import_write(&im, f));
		import_warn(&im);
	}
	MUST(!fclose(f));
	MUST(!done || strlen(out) == n);
	if (done)
		check_output(&im, out);
	import_free(&im);
	speak();
	free(out);
	return 0;
}
