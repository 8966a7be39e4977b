/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * endpoints and learn both set endpoints and count them in one file, which is read before it is
 * written.
 */
#include <errno.h>
#include <stdio.h>
#include "daemon/endpoint_set.h"
#include "instance/noted.h"

static void count(const char *instance, const char *interface, const struct wg_key *peer)
{
	char name[ENDPOINT_NOTE_LEN];
	struct noted n;

	noted_read(&n, instance, "endpoints");
	endpoint_note(interface, peer, name);
	noted_set(&n, name, noted_value(&n, name) + 1);
	noted_write(&n);
	noted_free(&n);
}

int endpoint_set(const char *instance, const char *interface, const struct wg_key *peer,
		 const struct address *address, __be16 port)
{
	int rc = wg_set_endpoint(interface, peer, address, port);

	if (!rc)
		count(instance, interface, peer);
	return rc;
}

int endpoint_renew(const char *instance, const char *interface, const struct wg_key *peer,
		   const struct address *address, __be16 port)
{
	struct wg_device d;
	int rc = wg_read(interface, &d);

	if (rc)
		return rc;
	rc = -ENOENT;
	for (size_t i = 0; i < d.n_peers && rc == -ENOENT; i++)
		if (!wg_key_compare(&d.peers[i].key, peer))
			rc = wg_renew_peer(interface, &d.peers[i], address, port);
	wg_free(&d);
	if (rc == -E2BIG)
		return endpoint_set(instance, interface, peer, address, port);
	if (!rc)
		count(instance, interface, peer);
	return rc;
}
