/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rows without names are printed in columns, below a head that has the keys of these rows (user/lib/document.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/document.h"
#include "lib/text.h"

static void add(struct node list, const char *kind, const char *name, __u64 packets, const char *meaning)
{
	struct node row = document_row(list);

	document_text(row, kind, name);
	document_number(row, "packets_dropped", packets);
	document_text(row, "meaning", meaning);
}

static void columns(void **state)
{
	struct document *d = document_new();
	struct node list = document_list(document_root(d), "drops");
	char *text;
	size_t n;
	FILE *out = text_open(&text, &n);

	add(list, "service", "wg-end", 5, "denied");
	add(list, "service", "b", 12345678901234567ULL, NULL);
	add(list, "peer", "site-a", 1, "refused");
	document_print(d, out);
	fclose(out);
	assert_string_equal(text, "drops:\n"
				  "  SERVICE  PACKETS DROPPED    MEANING\n"
				  "  wg-end   5                  denied\n"
				  "  b        12345678901234567  -\n"
				  "  PEER    PACKETS DROPPED  MEANING\n"
				  "  site-a  1                refused\n\n");
	free(text);
	document_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(columns) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
