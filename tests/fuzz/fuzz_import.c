// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No rules and no WireGuard settings make `import` crash, hang, or write an invalid configuration. They are of every
 * kind that `import` reads. No program runs here: the readers of rules find names of interfaces, blank out tables, and
 * say which lines are unsafe. All other texts give a valid configuration, and its comments are printable.
 */
#include <stdlib.h>
#include "config/config_check.h"
#include "fuzz_quiet.h"
#include "import/green.h"
#include "lib/text.h"

static void check_output(const char *text)
{
	struct config *c = NULL;

	MUST(!config_parse(text, "fuzz", &c));
	config_free(c);
	for (; *text; text++)
		MUST((unsigned char)*text >= 0x20 || *text == 0x0a);
}

/* Reads a text of rules as the green room does before and after a program loads it */
static void check_rules(struct import *im, struct import_text *t)
{
	struct green g = { .im = im };
	size_t n = strlen(t->text);

	green_find_names(&g, t->text, "iif oif device devices dev", false);
	green_find_names(&g, t->text, "iif iifname oif oifname ifname", true);
	green_find_names(&g, t->text, "-i -o", false);
	for (size_t i = 0; i < g.n_names; i++)
		MUST(is_interface_name(g.names[i]) && strcmp(g.names[i], "lo"));
	green_is_unsafe("iptables", t->text);
	green_is_unsafe("ipset", t->text);
	green_is_unsafe("nft", t->text);
	green_remove_saved(im, t);
	MUST(strlen(t->text) == n);
	free(g.names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char saved[] = "*nat\n*filter\n::/0\n";
	struct import im = { .wan = size % 2 ? "eth0" : NULL };
	struct import_text more = { .name = "rules.v4", .text = bytes_as_text((const uint8_t *)saved, sizeof(saved)), .n = strlen(saved) };
	struct import_text t = { .name = "wg0.conf", .text = bytes_as_text(data, size) };
	char *out = NULL;
	size_t n;
	FILE *f = text_open(&out, &n);
	bool done;

	t.n = strlen(t.text);
	hush();
	MUST(f && !import_text(&im, &more));
	done = !import_text(&im, &t);
	for (size_t i = 1; i < im.n_texts; i++)
		check_rules(&im, &im.texts[i]);
	done &= im.n_texts == 1 && !im.devices.n_commands;
	free(im.texts[0].text);
	im.texts[0] = im.texts[--im.n_texts];
	if (done && !import_make(&im)) {
		MUST(!import_write(&im, f));
		import_warn(&im);
		MUST(!fclose(f) && strlen(out) == n);
		check_output(out);
	} else {
		MUST(!fclose(f));
	}
	import_free(&im);
	speak();
	free(out);
	return 0;
}
