/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shows the lists of clients that other programs keep, in `wgxdp show` and in the metrics.
 */
#include <stdlib.h>
#include "config/config_lists.h"
#include "dataplane/followed_lists.h"
#include "instance/follower.h"
#include "show/show_parts.h"

/* runs: a daemon follows the lists. Without one, a list remains as `up` or `reload` has read it. */
static const char *state_name(__u32 state, bool runs)
{
	return state == LIST_READ ? runs ? "followed" : "read once" :
	       state == LIST_KEPT ? "unreadable" : "waiting";
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
	__s64 since;
	int rc = dataplane_followed(dp, &list, &n);
	bool runs = n && follower_runs(dp->instance, &since);

	for (size_t i = 0; i < n; i++) {
		struct node row;

		if (!list[i].source)
			continue;
		if (!rows.document)
			rows = document_list(document_root(d), "lists");
		row = document_row(rows);
		document_text(row, "name", list[i].name);
		document_text(row, "source", list_source_name(list[i].source));
		document_text(row, "state", state_name(list[i].state, runs));
		document_text(row, "why", runs || list[i].state != LIST_READ ? NULL :
			      "no daemon runs, so later changes of this list have no effect: start "
			      "the daemon (`wgxdp daemon`)");
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
	__s64 since;
	bool runs = follower_runs(dp->instance, &since);

	dataplane_followed(dp, &list, &n);
	metric_family(t, "wgxdp_list_prefixes", "gauge",
		      "Prefixes of a list in allow or deny that another program keeps.");
	for (size_t i = 0; i < n; i++)
		if (list[i].source)
			metric(t, LABELS({ "list", list[i].name }), list[i].prefixes);
	metric_family(t, "wgxdp_list_readable", "gauge",
		      "1 if a daemon follows the list, and could read it the last time.");
	for (size_t i = 0; i < n; i++)
		if (list[i].source)
			metric(t, LABELS({ "list", list[i].name }),
			       runs && list[i].state == LIST_READ);
	metric_family(t, "wgxdp_list_skipped", "gauge",
		      "Lines of the file, or elements of the set, that are not a prefix.");
	for (size_t i = 0; i < n; i++)
		if (list[i].source)
			metric(t, LABELS({ "list", list[i].name }), list[i].skipped);
	free(list);
}
