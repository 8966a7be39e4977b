/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks whether the backends of services reply. A backend may drop each packet of its clients, or
 * send its replies by another way than this host.
 */
#include <stdlib.h>
#include <string.h>
#include "doctor/doctor.h"

#define ENOUGH 3 /* number of packets of clients after which a healthy backend would have replied */

/* Returns whether another finding says why a backend of the service does not reply. */
static bool is_explained(const struct doctor *k, const char *service)
{
	for (size_t i = 0; i < k->n_backends; i++)
		if (!strcmp(k->backends[i].service->name, service) && k->backends[i].suspect)
			return true;
	return false;
}

/* Returns the number of packets in one direction since the service is up. */
static __u64 count_forwarded(const struct doctor *k, __u32 id, __u32 direction)
{
	struct total total;
	__u64 sum = 0;

	for (__u32 plane = PLANE_XDP; plane <= PLANE_TC; plane++)
		if (!dataplane_total(k->dp, id, direction, plane, &total))
			sum += total.forwarded;
	return sum;
}

void doctor_replies(struct doctor *k)
{
	struct service_name *names = NULL;
	size_t n = 0;

	if (!k->dp || dataplane_names(k->dp, &names, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		__u64 sent;

		if (!*names[i].name || names[i].nat == NAT_NONE || names[i].nat == NAT_BLIND ||
		    is_explained(k, names[i].name))
			continue;
		sent = count_forwarded(k, i, DIRECTION_ORIGINAL);
		if (sent >= ENOUGH && !count_forwarded(k, i, DIRECTION_REPLY))
			doctor_report(k, STATE_WARNING, "replies", names[i].name, NULL,
				   "%llu packets went to its backend, and no reply came back: the "
				   "backend drops them, or sends its replies by another way than "
				   "this host. `tcpdump -n udp` at the backend shows which",
				   (unsigned long long)sent);
	}
	free(names);
}
