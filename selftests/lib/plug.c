/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * plug NAMESPACE DEVICE [NAMESPACE DEVICE]...: brings devices up. An end of a cable (veth) leaves checksums incomplete,
 * unlike a wire, and takes frames from XDP only if it has GRO or an XDP program: this turns checksum offload off and GRO on.
 * With lo, the namespace checks neither its addresses for duplicates nor the source addresses of packets (rp_filter).
 * It does what sysctl(8), ethtool(8) and ip(8) do, in one process: the selftests make hundreds of cables.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void set_zero(const char *sysctl)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", sysctl);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		err(1, "%s", path);
	close(fd);
}

static void set_feature(int socket, struct ifreq *device, unsigned int command, unsigned int value)
{
	struct ethtool_value feature = { command, value };

	device->ifr_data = (void *)&feature;
	if (ioctl(socket, SIOCETHTOOL, device))
		err(1, "%s: ETHTOOL %u", device->ifr_name, command);
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		struct ifreq device = { 0 };
		char path[256];
		int ns, s;

		snprintf(path, sizeof(path), "/run/netns/%s", argv[i]);
		ns = open(path, O_RDONLY | O_CLOEXEC);
		if (ns < 0 || setns(ns, CLONE_NEWNET) || (s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
			err(1, "%s", path);
		snprintf(device.ifr_name, IFNAMSIZ, "%s", argv[i + 1]);
		if (!strcmp(argv[i + 1], "lo")) {
			set_zero("ipv6/conf/all/accept_dad");
			set_zero("ipv6/conf/default/accept_dad");
			set_zero("ipv4/conf/all/rp_filter");
			set_zero("ipv4/conf/default/rp_filter");
		} else {
			set_feature(s, &device, ETHTOOL_STXCSUM, 0);
			set_feature(s, &device, ETHTOOL_SGRO, 1);
		}
		if (ioctl(s, SIOCGIFFLAGS, &device))
			err(1, "%s", argv[i + 1]);
		device.ifr_flags |= IFF_UP;
		if (ioctl(s, SIOCSIFFLAGS, &device))
			err(1, "%s", argv[i + 1]);
		close(s);
		close(ns);
	}
	return 0;
}
