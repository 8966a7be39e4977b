// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: rules and WireGuard settings that `import` reads, of every kind. The output is a valid configuration, and its comments
 * are printable. The work for a text is limited.
 */
#include <stdlib.h>
#include "fuzz_quiet.h"
#include "import/import.h"
#include "lib/text.h"

static void check_output(const char *text)
{
	struct config *c = NULL;

	MUST(!config_parse(text, "fuzz", &c));
	config_free(c);
	for (; *text; text++)
		MUST((unsigned char)*text >= 0x20 || *text == 0x0a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import im = { .wan = size % 2 ? "eth0" : NULL, .work_max = 1000000 };
	struct import_text t = { .name = "wg0.conf", .text = bytes_as_text(data, size) };
	char *out = NULL;
	FILE *f = text_open(&out, &t.n);
	bool done;

	t.n = strlen(t.text);
	MUST(f);
	hush();
	done = !import_text(&im, &t) && !import_make(&im);
	if (done) {
		MUST(!import_write(&im, f));
		import_warn(&im);
	}
	import_free(&im);
	MUST(!fclose(f));
	if (done)
		check_output(out);
	speak();
	free(out);
	return 0;
}
