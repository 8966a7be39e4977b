/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * User space reads links, addresses, routes, rules, ways and drivers from a real kernel as ip(8) has set them
 * (user/net/netlink*.c). The network namespace is the test's own, and goes when the test ends. A second one, held by
 * a child, has the other end of a veth pair. Without root: exit 77.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "net/netlink.h"
#include "net/netlink_talk.h"

static const char *const setup_commands =
	"modprobe -q tun 2> /dev/null || :\n"		/* a kernel without modules has it built in, or lacks it */
	"set -e\n"
	"ip link set lo up\n"
	"ip link add w0 address 02:00:00:00:00:01 mtu 1400 type veth peer name w1\n"
	"ip link add f0 type veth peer name f1\n"
	"ip link set f1 netns $OTHER\n"
	"ip link add br0 type bridge\n"
	"ip link set w1 master br0\n"
	"ip tuntap add t0 mode tun\n"
	"ip link set w0 up; ip link set w1 up; ip link set t0 up; ip link set br0 up\n"
	"echo 1300 > /proc/sys/net/ipv6/conf/w0/mtu\n"
	"ip addr add 192.0.2.1/24 dev w0\n"
	"ip addr add 10.5.5.1 peer 10.5.5.2/32 dev t0\n"
	"ip addr add 2001:db8::1/64 dev w0 nodad\n"
	"ip addr add 2001:db8:dead::1/64 dev w0 nodad preferred_lft 0\n"
	"ip addr add 2001:db8:f::1/64 dev f0\n"		/* f0 is down: tentative */
	"ip route add default via 192.0.2.254\n"
	"ip route add 10.6.0.0/16 via 192.0.2.254 mtu lock 1200\n"
	"ip route add 10.4.0.0/16 via 192.0.2.254 mtu 1200\n"
	"ip route add 10.9.0.0/16 nexthop via 192.0.2.2 nexthop dev t0\n"
	"ip route add blackhole 10.8.0.0/16\n"
	"ip route add 10.7.0.0/16 dev t0 table 1234\n"
	"ip -6 route add default via 2001:db8::ff\n"
	"ip -6 route add 2001:db8:9::/48 nexthop via 2001:db8::2 dev w0 nexthop via 2001:db8::3 dev w0\n"
	"ip rule add from 192.0.2.0/24 to 198.51.100.0/24 iif w0 lookup 1234 priority 100\n"
	"ip rule add fwmark 0/0xff oif t0 dport 53 tos 0x10 lookup 100000 priority 101\n"
	"ip -6 rule add not from 2001:db8::/32 ipproto udp lookup main priority 102\n";

/* The holder of the other namespace writes a byte when it is ready; it ends with this process. */
static pid_t hold_namespace(void)
{
	int pipefd[2];
	char byte = 0;
	pid_t pid;

	if (pipe(pipefd))
		return -1;
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNET) || write(pipefd[1], &byte, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(pipefd[1]);
	if (read(pipefd[0], &byte, 1) != 1)
		pid = -1;
	close(pipefd[0]);
	return pid;
}

static int setup(void **state)
{
	pid_t *other = malloc(sizeof(*other));
	char text[16];

	*state = other;
	if (unshare(CLONE_NEWNET))
		return -1;
	*other = hold_namespace();
	snprintf(text, sizeof(text), "%d", *other);
	setenv("OTHER", text, 1);
	return *other < 0 || system(setup_commands) ? -1 : 0;
}

static int teardown(void **state)
{
	pid_t *other = *state;

	if (*other > 0) {
		kill(*other, SIGKILL);
		waitpid(*other, NULL, 0);
	}
	free(other);
	return 0;
}

/* The kernel ends this dump with an error in NLMSG_DONE, because there is no such table */
static void dump_that_fails(void **state)
{
	char buffer[128] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *sock;
	struct rtmsg *rtm;
	int one = 1;

	assert_int_equal(nl_open(NETLINK_ROUTE, &sock), 0);
	assert_int_equal(setsockopt(mnl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one)), 0);
	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	mnl_attr_put_u32(request, RTA_TABLE, 4242);
	assert_int_equal(nl_talk(sock, request, NULL, NULL), -ENOENT);
	mnl_socket_close(sock);
}

static struct nl_link link_named(const char *name)
{
	struct nl_link *links, found = {};
	size_t n, i;

	assert_int_equal(nl_links(&links, &n), 0);
	for (i = 0; i < n; i++)
		if (!strcmp(links[i].name, name))
			found = links[i];
	free(links);
	assert_int_equal(found.ifindex, if_nametoindex(name));
	return found;
}

static void links(void **state)
{
	static const __u8 mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct nl_link w0 = link_named("w0"), w1 = link_named("w1"), f0 = link_named("f0"), t0 = link_named("t0");
	struct nl_link br0 = link_named("br0"), lo = link_named("lo");

	assert_memory_equal(w0.mac, mac, 6);
	assert_int_equal(w0.mtu, 1400);
	assert_int_equal(w0.mtu6, 1300);
	assert_string_equal(w0.kind, "veth");
	assert_string_equal(w0.qdisc, "noqueue");
	assert_true(w0.up && w0.ethernet && !w0.loopback && !w0.lower_elsewhere);
	assert_int_equal(w0.lower, w1.ifindex);
	assert_int_equal(w1.lower, w0.ifindex);
	assert_int_equal(w1.master, br0.ifindex);
	assert_int_equal(w0.master, 0);
	assert_int_equal(w0.xdp_prog_id, 0);
	assert_string_equal(br0.kind, "bridge");
	assert_true(f0.lower_elsewhere && !f0.up);
	assert_string_equal(t0.kind, "tun");
	assert_true(!t0.ethernet && t0.up);
	assert_true(lo.loopback && !lo.ethernet && lo.up);
	assert_string_equal(lo.kind, "");
}

static const struct nl_address *find_address(const struct nl_address *rows, size_t n, const char *text)
{
	struct address a;
	size_t i;

	assert_int_equal(address_parse(text, &a), 0);
	for (i = 0; i < n; i++)
		if (address_equal(&rows[i].local, &a))
			return &rows[i];
	return NULL;
}

static void addresses(void **state)
{
	const struct nl_address *a;
	struct nl_address *rows;
	size_t n;

	assert_int_equal(nl_addresses(&rows, &n), 0);
	a = find_address(rows, n, "192.0.2.1");
	assert_non_null(a);
	assert_int_equal(a->ifindex, if_nametoindex("w0"));
	assert_int_equal(a->prefix_len, 24);
	assert_true(!a->tentative && !a->deprecated);
	assert_non_null(find_address(rows, n, "10.5.5.1"));
	assert_null(find_address(rows, n, "10.5.5.2"));
	a = find_address(rows, n, "2001:db8::1");
	assert_non_null(a);
	assert_int_equal(a->prefix_len, 64);
	assert_true(!a->tentative && !a->deprecated);
	a = find_address(rows, n, "2001:db8:dead::1");
	assert_true(a && a->deprecated);
	a = find_address(rows, n, "2001:db8:f::1");
	assert_true(a && a->tentative);
	free(rows);
}

/* Counts the routes to dst in table; *last is the last one. */
static int count_routes(const char *dst, __u32 table, struct nl_route *last)
{
	struct nl_route *rows;
	int found = 0;
	struct prefix p;
	size_t n, i;

	assert_int_equal(prefix_parse(dst, &p), 0);
	assert_int_equal(nl_routes(&rows, &n), 0);
	for (i = 0; i < n; i++) {
		if (rows[i].table == table && rows[i].dst.len == p.len && prefix_within(&rows[i].dst, &p)) {
			*last = rows[i];
			found++;
		}
	}
	free(rows);
	return found;
}

static void routes(void **state)
{
	__u32 w0 = if_nametoindex("w0"), t0 = if_nametoindex("t0");
	struct nl_route r;

	assert_int_equal(count_routes("0.0.0.0/0", RT_TABLE_MAIN, &r), 1);
	assert_true(r.gateway && r.oif == w0 && r.type == RTN_UNICAST);
	assert_int_equal(count_routes("::/0", RT_TABLE_MAIN, &r), 1);
	assert_true(r.gateway && r.oif == w0);
	assert_int_equal(count_routes("192.0.2.0/24", RT_TABLE_MAIN, &r), 1);
	assert_true(!r.gateway && r.oif == w0);
	assert_int_equal(r.locked_mtu, 0);
	assert_int_equal(count_routes("10.6.0.0/16", RT_TABLE_MAIN, &r), 1);
	assert_int_equal(r.locked_mtu, 1200);
	assert_int_equal(count_routes("10.4.0.0/16", RT_TABLE_MAIN, &r), 1);
	assert_int_equal(r.locked_mtu, 0);
	assert_int_equal(count_routes("10.9.0.0/16", RT_TABLE_MAIN, &r), 2);
	assert_true(!r.gateway && r.oif == t0);
	assert_int_equal(count_routes("2001:db8:9::/48", RT_TABLE_MAIN, &r), 2);
	assert_true(r.gateway && r.oif == w0);
	assert_int_equal(count_routes("10.8.0.0/16", RT_TABLE_MAIN, &r), 1);
	assert_int_equal(r.type, RTN_BLACKHOLE);
	assert_int_equal(count_routes("10.7.0.0/16", 1234, &r), 1);
	assert_int_equal(r.oif, t0);
	assert_int_equal(count_routes("192.0.2.1/32", RT_TABLE_LOCAL, &r), 1);
	assert_int_equal(r.type, RTN_LOCAL);
	assert_int_equal(count_routes("2001:db8::1/128", RT_TABLE_LOCAL, &r), 1);
	assert_int_equal(r.type, RTN_LOCAL);
}

static void rules(void **state)
{
	struct nl_rule *rows;
	char buf[ADDRESS_STRLEN];
	int seen = 0;
	size_t n, i;

	assert_int_equal(nl_rules(&rows, &n), 0);
	for (i = 0; i < n; i++) {
		const struct nl_rule *r = &rows[i];

		assert_int_equal(r->action, FR_ACT_TO_TBL);
		switch (r->priority) {
		case 100:
			assert_string_equal(prefix_format(&r->src, buf), "192.0.2.0/24");
			assert_string_equal(prefix_format(&r->dst, buf), "198.51.100.0/24");
			assert_true(r->iif && !r->oif && !r->mark && !r->tos && !r->dport && !r->other);
			assert_int_equal(r->table, 1234);
			break;
		case 101:
			assert_int_equal(r->src.family, 0);
			assert_true(r->mark && r->oif && r->dport && r->tos && !r->iif && !r->other);
			assert_int_equal(r->table, 100000);
			break;
		case 102:
			assert_int_equal(r->family, FAMILY_IPV6);
			assert_string_equal(prefix_format(&r->src, buf), "2001:db8::/32");
			assert_true(r->other);
			break;
		default:
			assert_true(!r->src.family && !r->dst.family && !r->mark && !r->other && !r->iif && !r->oif);
			continue;
		}
		seen++;
	}
	free(rows);
	assert_int_equal(seen, 3);
	assert_true(n >= 8);		/* local, main and default of IPv4, local and main of IPv6 */
}

static int route_get(const char *text, __u32 *ret)
{
	struct address a;

	assert_int_equal(address_parse(text, &a), 0);
	return nl_route_get(&a, 0, ret);
}

static void ways(void **state)
{
	__u32 oif = 77;

	assert_int_equal(route_get("10.8.1.1", &oif), -EINVAL);		/* the kernel's error for a blackhole */
	assert_int_equal(oif, 77);
	assert_int_equal(route_get("198.51.100.1", &oif), 0);
	assert_int_equal(oif, if_nametoindex("w0"));
	assert_int_equal(route_get("10.5.5.2", &oif), 0);
	assert_int_equal(oif, if_nametoindex("t0"));
	assert_int_equal(route_get("192.0.2.1", &oif), 0);
	assert_int_equal(oif, if_nametoindex("lo"));
	assert_int_equal(route_get("2001:db8:77::1", &oif), 0);
	assert_int_equal(oif, if_nametoindex("w0"));
	assert_int_equal(system("ip -6 route add unreachable 2001:db8:8::/48"), 0);
	assert_int_equal(route_get("2001:db8:8::1", &oif), -EHOSTUNREACH);
	assert_int_equal(system("ip route del default; ip -6 route del default"), 0);
	assert_int_equal(route_get("198.51.100.1", &oif), -ENETUNREACH);
	assert_int_equal(route_get("2003::1", &oif), -ENETUNREACH);
}

static void drivers(void **state)
{
	char name[32] = "?";

	assert_int_equal(nl_driver("w0", name), 0);
	assert_string_equal(name, "veth");
	assert_int_equal(nl_driver("br0", name), 0);
	assert_string_equal(name, "bridge");
	assert_true(nl_driver("lo", name) < 0);
	assert_int_equal(nl_driver("none", name), -ENODEV);
	assert_int_equal(nl_driver("a-name-longer-than-any-device", name), -ENODEV);
	assert_string_equal(name, "bridge");
}

static void vlan_offload(void **state)
{
	bool tags = false, outer = false;

	assert_int_equal(nl_rx_vlan_offload("w0", &tags, &outer), 0);
	assert_true(tags && outer);
	assert_int_equal(nl_rx_vlan_offload("t0", &tags, &outer), 0);
	assert_false(tags || outer);
	assert_int_equal(nl_rx_vlan_offload("none", &tags, &outer), -ENODEV);
}

/* selftests/firewall/links.sh tests that VLANs are reported, because not every kernel here has them */
static void peer_vlans(void **state)
{
	bool there = true;

	assert_int_equal(nl_peer_has_vlans(if_nametoindex("w0"), &there), 0);
	assert_false(there);
	there = true;
	assert_int_equal(nl_peer_has_vlans(if_nametoindex("f0"), &there), 0);	/* its peer is in the other namespace */
	assert_false(there);
}

static void features(void **state)
{
	__u64 bits = 0;
	int r = nl_xdp_features(if_nametoindex("w0"), &bits);

	if (r == -EOPNOTSUPP)		/* before 6.3 */
		skip();
	assert_int_equal(r, 0);
	assert_true(bits & NL_XDP_BASIC && bits & NL_XDP_REDIRECT);
	assert_int_equal(nl_xdp_features(if_nametoindex("br0"), &bits), 0);
	assert_false(bits & NL_XDP_NDO_XMIT);
	assert_int_equal(nl_xdp_features(9999, &bits), -ENODEV);
}

/* The id of any program in any mode is reported. */
static void programs(void **state)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static const __u32 modes[] = { XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE };
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, 2, NULL);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	size_t i;

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(bpf_xdp_attach(if_nametoindex("w0"), fd, modes[i], NULL), 0);
		assert_int_equal(link_named("w0").xdp_prog_id, info.id);
		assert_int_equal(bpf_xdp_detach(if_nametoindex("w0"), modes[i], NULL), 0);
		assert_int_equal(link_named("w0").xdp_prog_id, 0);
	}
	close(fd);
}

/* More than fits into one part of a dump. */
static void many(void **state)
{
	struct nl_address *rows;
	size_t n, i, found = 0;

	assert_int_equal(system("for i in $(seq 0 2999); do echo addr add 172.16.$((i / 250)).$((i % 250 + 1))/32 dev w0; done |"
				" ip -batch -"), 0);
	assert_int_equal(nl_addresses(&rows, &n), 0);
	for (i = 0; i < n; i++)
		found += rows[i].local.addr.b[12] == 172 && rows[i].prefix_len == 32;
	free(rows);
	assert_int_equal(found, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links), cmocka_unit_test(addresses), cmocka_unit_test(routes), cmocka_unit_test(rules),
		cmocka_unit_test(ways), cmocka_unit_test(drivers), cmocka_unit_test(features), cmocka_unit_test(programs),
		cmocka_unit_test(vlan_offload), cmocka_unit_test(peer_vlans), cmocka_unit_test(many),
		cmocka_unit_test(dump_that_fails),
	};

	if (geteuid()) {
		puts("needs root, for a network namespace");
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
