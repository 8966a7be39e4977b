/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h that removes an instance, or the remains of a killed `up`.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/attach.h"
#include "dataplane/control.h"
#include "dataplane/dataplane.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "dataplane/shared.h"
#include "lib/text.h"

/* Detaches the components that use the pinned map control, and the filters with the pinned
 * programs, from all devices. directory: INSTANCE or INSTANCE~new. `up` pins these before it
 * attaches the first, and `down` removes the pins last. So they show what a killed command left. */
static void detach_of_pins(const char *directory)
{
	int control = pin_get(directory, "control");

	if (control >= 0) {
		shared_detach_all(control);
		close(control);
	}
	for (int l3 = 0; l3 < 2; l3++) {
		int program = pin_get(directory, l3 ? "progs/wgxdp_tc_l3" : "progs/wgxdp_tc");

		if (program >= 0) {
			detach_filters_of(program);
			close(program);
		}
	}
}

int dataplane_discard_new(const char *instance)
{
	char new[INSTANCE_LEN + 8];
	int rc = pins_check_owners(instance, "~new");

	if (rc)
		return rc;
	snprintf(new, sizeof(new), "%s~new", instance);
	detach_of_pins(new);
	return pins_remove_all(instance, "~new") ?:
	       pins_exist(instance) ? 0 : pins_remove_all(instance, "");
}

/* Detaches what has no pin: filters, and components of libxdp's dispatcher. This runs in the
 * network namespace of their devices. Does not read maps of another layout. */
static int remove_unpinned(const char *instance)
{
	int links = pin_get(instance, "links"), control = pin_get(instance, "control"), rc = 0;
	struct control c = { 0 };
	bool known = control >= 0 && !control_read(control, &c) && c.abi_version == ABI_VERSION;
	bool here = !known || c.netns == netns_inode();
	__u32 n = known && here && links >= 0 ? LINKS : 0;
	char name[IF_NAMESIZE];
	struct link link;

	if (!here)
		log_warning("instance %s was started in another network namespace: its tc filters "
			    "and shared XDP programs stay there: remove them there", instance);
	for (__u32 i = 0; i < n && !rc; i++)
		if (!bpf_map_lookup_elem(links, &i, &link) && link.flags & LINK_SHARED &&
		    if_indextoname(link.ifindex, name))
			rc = shared_permitted(name);
	for (__u32 i = 0; i < n && !rc; i++)
		if (!bpf_map_lookup_elem(links, &i, &link) && link.flags & LINK_TC &&
		    !(link.flags & LINK_TCX))
			detach_filter(link.ifindex, link.flags & LINK_QDISC_OURS);
	if (!rc && here)
		detach_of_pins(instance);
	fd_close(links);
	fd_close(control);
	return rc;
}

/* Returns whether this program is one of ours at a device, but pinned nowhere in this bpffs. */
static bool is_hidden(__u32 id)
{
	char name[BPF_OBJ_NAME_LEN];

	if (!id)
		return false;
	program_name(id, name);
	return !strncmp(name, "wgxdp_", 6) && !pins_have_program(id);
}

static bool has_hidden(__u32 ifindex)
{
	__u32 ids[SHARED_MAX];
	size_t n = attached_tc(ifindex, ids, SHARED_MAX);
	bool hidden = is_hidden(shared_program(ifindex));

	for (size_t i = 0; i < n && !hidden; i++)
		hidden = is_hidden(ids[i]);
	return hidden;
}

int dataplane_check_hidden(const char *instance)
{
	struct if_nameindex *devices = if_nameindex();
	const char *between = "";
	char *names;
	size_t size;
	FILE *out = text_open(&names, &size);

	for (struct if_nameindex *d = devices; d && d->if_index; d++)
		if (has_hidden(d->if_index)) {
			fprintf(out, "%s%s", between, d->if_name);
			between = ", ";
		}
	if_freenameindex(devices);
	fclose(out);
	if (*names)
		log_error("instance %s: programs of wgxdp are attached to %s, but have no pins: "
			  "another BPF file system hides /sys/fs/bpf: use `nsenter --net=FILE` "
			  "instead of `ip netns exec`", instance, names);
	free(names);
	return size ? -EBUSY : 0;
}

int dataplane_down(const char *instance)
{
	int rc;

	dataplane_quiet();
	rc = pins_check_owners(instance, "") ?: remove_unpinned(instance);
	return rc ?: pins_remove_all(instance, "") ?: dataplane_discard_new(instance);
}
