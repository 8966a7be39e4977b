/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes what other tools need to bring the files to their hosts, if the topology asks for it with
 * extra-files: user-data for cloud-init, and a playbook with a role for Ansible.
 */
#include <string.h>
#include "gen/gen_files.h"
#include "gen/gen_host.h"

/* Returns whether such a tool can set up the host: it runs a Linux distribution, and is no phone or
 * laptop. */
static bool is_managed(const struct topology_host *h)
{
	return h->role != ROLE_CLIENT && !h->openwrt;
}

/* Writes a key with a list, such as "packages: [ nftables, radvd ]". */
static void put_packages(FILE *out, const char *key, const struct gen *g,
			 const struct topology_host *h)
{
	const char *package, *before = "[ ";
	size_t at = 0;

	fprintf(out, "%s: ", key);
	while ((package = gen_package(g, h, &at))) {
		fprintf(out, "%s%s", before, package);
		before = ", ";
	}
	fputs(*before == ',' ? " ]\n" : "[]\n", out);
}

/* ---- HOST/cloud-init.yaml ---- */

#define START_AT "/var/lib/wgxdp/start"

/* Writes an item of write_files. Its content is a block of YAML, each line of which is indented. */
static void put_file(FILE *out, const struct gen *g, const char *path, const char *to)
{
	const char *text = gen_files_text(g->files, path) ?: "";

	fprintf(out, "  - path: %s\n    permissions: \"%04o\"\n    content: |\n", to,
		gen_files_mode(g->files, path));
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		fprintf(out, "%s%.*s\n", end == text ? "" : "      ", (int)(end - text), text);
	}
}

void gen_cloud_init(const struct gen *g, const struct topology_host *h)
{
	char root[TOPOLOGY_NAME + 8], start[TOPOLOGY_NAME + 8];
	const char *path;
	size_t at = 0, package = 0;
	FILE *out;

	if (!(g->t->extra & EXTRA_CLOUD_INIT) || !is_managed(h))
		return;
	out = gen_host_file(g, h, 0600, "#cloud-config\n#", "cloud-init.yaml");
	if (gen_runs_wgxdp(g->t, h))
		fputs("# The image must contain wgxdp.\n", out);
	if (gen_package(g, h, &package))	/* cloud-init refuses an empty list */
		put_packages(out, "packages", g, h);
	fputs("write_files:\n", out);
	snprintf(root, sizeof(root), "%s/etc/", h->name);
	snprintf(start, sizeof(start), "%s/start", h->name);
	while ((path = gen_files_next(g->files, root, &at)))
		put_file(out, g, path, path + strlen(h->name));
	put_file(out, g, start, START_AT);
	fputs("runcmd:\n  - [ " START_AT " ]\n", out);
}

/* ---- DIR/ansible/ ---- */

static FILE *ansible_file(const struct gen *g, const char *path)
{
	FILE *out = gen_file(g->files, 0644, "ansible/%s", path);

	fputs("# made by `wgxdp gen hosts`\n---\n", out);
	return out;
}

void gen_ansible(const struct gen *g)
{
	FILE *out;

	if (!(g->t->extra & EXTRA_ANSIBLE))
		return;
	fputs("- name: Set up the hosts of the topology\n"
	      "  hosts: wgxdp\n"
	      "  roles:\n"
	      "    - wgxdp\n", ansible_file(g, "site.yml"));
	fputs("- name: Install the packages\n"
	      "  ansible.builtin.package:\n"
	      "    name: \"{{ wgxdp_packages }}\"\n"
	      "  when: wgxdp_packages | length > 0\n"
	      "\n"
	      "- name: Copy the files\n"
	      "  ansible.builtin.copy:\n"
	      "    src: \"{{ playbook_dir }}/../{{ inventory_hostname }}/etc/\"\n"
	      "    dest: /etc/\n"
	      "    owner: root\n"
	      "    group: root\n"
	      "    mode: preserve\n"
	      "  # the differences would contain private keys\n"
	      "  diff: false\n"
	      "  notify: Start the services\n", ansible_file(g, "roles/wgxdp/tasks/main.yml"));
	fputs("- name: Start the services\n"
	      "  ansible.builtin.script:\n"
	      "    cmd: \"{{ playbook_dir }}/../{{ inventory_hostname }}/start\"\n",
	      ansible_file(g, "roles/wgxdp/handlers/main.yml"));
	out = ansible_file(g, "inventory.yml");
	fputs("wgxdp:\n  vars: { ansible_user: root }\n  hosts:\n", out);
	for_each_host(h, g->t)
		if (is_managed(h)) {
			fprintf(out, "    \"%s\":\n", h->name);
			put_packages(out, "      wgxdp_packages", g, h);
		}
}
