// SPDX-License-Identifier: GPL-2.0-or-later
/* The tunnels of the bench: two TUN devices in the firewall's namespace, both held here. Packets written into one
 * device come out of the other. The CPU time of both, with system calls, is divided by the number of right packets. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <sys/ioctl.h>
#include "bench.h"

#define BATCH 64			/* fewer than a device's queue has room for */

static int tuns[2] = { -1, -1 };

/* tun netns= dev= side=0|1      makes it; it goes with this process */
int tun_make(struct meter *b, const struct request *r)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int *fd = &tuns[arg_number(r, "side", 0) & 1];

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", arg(r, "dev", ""));
	*fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return *fd < 0 || ioctl(*fd, TUNSETIFF, &request) ? -errno : 0;
}

static bool is_as_sent(const __u8 *sent, const __u8 *got, size_t len, const struct bench_job *job)
{
	struct ipv6hdr ip;

	memcpy(&ip, got, sizeof(ip));
	if (ip.hop_limit != job->expect_ttl)
		return false;
	ip.hop_limit = ((const struct ipv6hdr *)sent)->hop_limit;
	return !memcmp(sent, &ip, sizeof(ip)) && !memcmp(sent + sizeof(ip), got + sizeof(ip), len - sizeof(ip));
}

static int pass_batch(int from, int to, const __u8 *packet, size_t len, struct bench_job *job)
{
	__u8 got[2048];
	ssize_t n;

	for (int i = 0; i < BATCH; i++, job->sent++)
		if (write(from, packet, len) != (ssize_t)len)
			return -errno;
	while ((n = read(to, got, sizeof(got))) > 0)
		if (n == (ssize_t)len && is_as_sent(packet, got, len, job))
			job->sunk++;
		else
			job->other += n != (ssize_t)sizeof(struct ipv6hdr) + 16;	/* a router solicitation */
	return errno == EAGAIN ? 0 : -errno;
}

/* tunnel FRAME from=0|1 count=      as `live`, from one TUN device to the other */
int measure_tunnel(struct meter *b, const struct request *r)
{
	int from = arg_number(r, "from", 0) & 1, len;
	long count = arg_number(r, "count", 1);
	__u8 frame[2048] = { 0 };
	struct bench_job job;
	double cpu;
	int err = 0;

	len = frame_build(r, frame, sizeof(frame), &job);
	if (len < 0)
		return len;
	cpu = cpu_spent(b);
	while (!err && (long)job.sent < count)
		err = pass_batch(tuns[from], tuns[!from], frame + ETH_HLEN, len - ETH_HLEN, &job);
	cpu = cpu_spent(b) - cpu;
	if (!err)
		printf("{\"sent\": %llu, \"sunk\": %llu, \"other\": %llu, \"ns\": %.3f}\n", job.sent, job.sunk, job.other,
		       job.sunk ? cpu * 1e9 / job.sunk : 0.0);
	return err;
}
