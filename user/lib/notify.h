/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports the daemon's state to the service manager with datagrams to the socket $NOTIFY_SOCKET, as
 * sd_notify(3) describes. systemd and OpenRC's supervise-daemon set this variable; without it
 * nothing is sent. A message that cannot be sent is lost, and the daemon continues. The daemon also
 * takes the sockets that the service manager opened for it (sd_listen_fds(3)), and passes them to
 * the exporter. daemon/ and exporter/ include it.
 */
#pragma once
#include <linux/types.h>

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_alive(void);
/* Returns the period in ms in which the service manager expects notify_alive() ($WATCHDOG_USEC); 0:
 * it expects none. */
__u64 notify_period(void);

#define NOTIFY_FIRST_SOCKET 3
/* Returns the number of sockets that the service manager passes to this process ($LISTEN_FDS): the
 * descriptors from NOTIFY_FIRST_SOCKET on. They are closed at execve(2), and the variables are
 * removed, so only the first call returns them. */
unsigned int notify_sockets(void);
