/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks whether the backends of services reply. A backend may drop each packet of its clients, or
 * send its replies by another way than this host. WireGuard answers a handshake at once, and data
 * after 10 s at the latest; it does not answer keepalives.
 */
#include <string.h>
#include "doctor/doctor.h"

#define ENOUGH 3 /* packets of clients to which a healthy backend would have replied */
#define KEEPALIVE_LEN 80	/* IP length in bytes of a keepalive over IPv6 */

/* Returns whether another finding says why a backend of the service does not reply. */
static bool is_explained(const struct doctor *k, const char *service)
{
	for (size_t i = 0; i < k->n_backends; i++)
		if (!strcmp(k->backends[i].service->name, service) &&
		    (k->backends[i].suspect || k->backends[i].refused))
			return true;
	return false;
}

static struct doctor_traffic read_traffic(const struct doctor *k, __u32 id)
{
	struct doctor_traffic t = { 0 };
	struct total total;

	for (__u32 plane = PLANE_XDP; plane <= PLANE_TC; plane++) {
		if (!dataplane_total(k->dp, id, DIRECTION_ORIGINAL, plane, &total)) {
			t.sent += total.forwarded;
			t.bytes += total.bytes;
		}
		if (!dataplane_total(k->dp, id, DIRECTION_REPLY, plane, &total))
			t.replies += total.forwarded;
	}
	return t;
}

/* Returns a service's traffic since doctor began. */
static struct doctor_traffic read_recent(const struct doctor *k, __u32 id)
{
	struct doctor_traffic t = read_traffic(k, id), *before = &k->traffic[id];

	return (struct doctor_traffic){ t.sent - before->sent, t.bytes - before->bytes,
					t.replies - before->replies };
}

static bool is_silent(const struct doctor_traffic *t)
{
	return t->sent && !t->replies && t->bytes > t->sent * KEEPALIVE_LEN;
}

static bool can_reply(const struct doctor *k, __u32 id)
{
	const struct service_name *name = &k->is.names[id];

	return *name->name && name->nat != NAT_NONE && name->nat != NAT_BLIND &&
	       !is_explained(k, name->name);
}

void doctor_begin_replies(struct doctor *k)
{
	k->traffic = xcalloc(k->is.n_services + 1, sizeof(*k->traffic));
	for (__u32 id = 0; id < k->is.n_services; id++)
		k->traffic[id] = read_traffic(k, id);
}

bool doctor_awaits_reply(const struct doctor *k)
{
	for (__u32 id = 0; id < k->is.n_services; id++) {
		struct doctor_traffic t = read_recent(k, id);

		if (is_silent(&t) && can_reply(k, id))
			return true;
	}
	return false;
}

static void look_at_replies(struct doctor *k, __u32 id)
{
	struct doctor_traffic t = read_recent(k, id), all = read_traffic(k, id);
	bool never = all.sent >= ENOUGH && !all.replies;

	if (!never && !(t.sent >= ENOUGH && is_silent(&t)))
		doctor_ok(k, "replies", k->is.names[id].name,
			  "in %u s, %llu packets went to its backend, and %llu came back",
			  k->seconds, (unsigned long long)t.sent, (unsigned long long)t.replies);
	else
		doctor_report(k, STATE_WARNING, "replies", k->is.names[id].name, NULL,
			      "%llu packets went to its backend%s, and no reply came back. The "
			      "backend drops them, perhaps because a key is wrong, or replies by "
			      "another way than this host: run `tcpdump -n udp` there",
			      (unsigned long long)(never ? all.sent : t.sent),
			      never ? "" : " while doctor watched");
}

void doctor_replies(struct doctor *k)
{
	for (__u32 id = 0; id < k->is.n_services; id++)
		if (can_reply(k, id))
			look_at_replies(k, id);
}
