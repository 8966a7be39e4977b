/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * endpoints and learn both set endpoints and count them in one file, which is read before it is
 * written.
 */
#include <errno.h>
#include <string.h>
#include "daemon/endpoint_set.h"
#include "instance/run_counters.h"

static void count_change(const char *instance, const char *interface, const struct wg_key *peer)
{
	char name[ENDPOINT_COUNTER_LEN];
	struct run_counters n;

	run_counters_read(&n, instance, "endpoints");
	endpoint_counter(interface, peer, name);
	run_counters_set(&n, name, run_counters_value(&n, name) + 1);
	run_counters_write(&n);
	run_counters_free(&n);
}

static int renew_peer(const char *interface, const struct wg_key *peer,
		      const struct address *address, __be16 port)
{
	struct wg_device d = { 0 };
	int rc = wg_read(interface, &d);
	const struct wg_peer *p = wg_find_peer(&d, peer);

	rc = rc ?: p ? wg_renew_peer(interface, p, address, port) : -ENOENT;
	wg_free(&d);
	return rc;
}

int endpoint_set(const char *instance, const char *interface, const struct wg_key *peer,
		 const struct address *address, __be16 port, bool renew)
{
	int rc = renew ? renew_peer(interface, peer, address, port) : -E2BIG;

	if (rc == -E2BIG)
		rc = wg_set_endpoint(interface, peer, address, port);
	if (!rc)
		count_change(instance, interface, peer);
	return rc;
}

const char *endpoint_why(int rc)
{
	switch (rc) {
	case -ENODEV: return "this interface does not exist yet";
	case -EOPNOTSUPP: return "this is not a WireGuard interface";
	case -ENOENT: return "the interface has no such peer yet";
	case -ENOTUNIQ: return "the interface has several peers: name the one that moves with "
			       "`peer:`";
	}
	return strerror(-rc);
}
