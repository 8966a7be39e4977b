/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shows the lists of clients that other programs keep, in `wgxdp show` and in the metrics.
 */
#include <stdlib.h>
#include "config/config_lists.h"
#include "dataplane/followed_lists.h"
#include "show/show_parts.h"

static const char *state_name(__u32 state)
{
	return state == LIST_READ ? "followed" : state == LIST_KEPT ? "unreadable" : "waiting";
}

const char *list_describe(const struct list_config *l, char buf[LIST_NAME_LEN + 16])
{
	snprintf(buf, LIST_NAME_LEN + 16, "%s %s", list_source_name(l->source), l->name);
	return buf;
}

int show_followed(struct document *d, const struct dataplane *dp)
{
	struct followed_list *list = NULL;
	struct node rows = { 0 };
	size_t n = 0;
	int rc = dataplane_followed(dp, &list, &n);

	for (size_t i = 0; i < n; i++) {
		struct node row;

		if (!list[i].source)
			continue;
		if (!rows.document)
			rows = document_list(document_root(d), "lists");
		row = document_row(rows);
		document_text(row, "name", list[i].name);
		document_text(row, "source", list_source_name(list[i].source));
		document_text(row, "state", state_name(list[i].state));
		document_number(row, "prefixes", list[i].prefixes);
		document_number(row, "skipped", list[i].skipped);
		document_time(row, "changed", list[i].read, list[i].read);
	}
	free(list);
	return rc;
}

void list_families(struct metrics_text *t, const struct dataplane *dp)
{
	struct followed_list *list = NULL;
	size_t n = 0;

	dataplane_followed(dp, &list, &n);
	metric_family(t, "wgxdp_list_prefixes", "gauge",
		      "Prefixes of a list in allow or deny that another program keeps.");
	for (size_t i = 0; i < n; i++)
		if (list[i].source)
			metric(t, LABELS({ "list", list[i].name }), list[i].prefixes);
	metric_family(t, "wgxdp_list_readable", "gauge",
		      "1 if the list could be read the last time.");
	for (size_t i = 0; i < n; i++)
		if (list[i].source)
			metric(t, LABELS({ "list", list[i].name }), list[i].state == LIST_READ);
	metric_family(t, "wgxdp_list_skipped", "gauge",
		      "Lines of the file, or elements of the set, that are not a prefix.");
	for (size_t i = 0; i < n; i++)
		if (list[i].source)
			metric(t, LABELS({ "list", list[i].name }), list[i].skipped);
	free(list);
}
