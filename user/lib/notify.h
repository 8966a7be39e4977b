/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports the daemon's state to the service manager: datagrams to the socket $NOTIFY_SOCKET, as
 * sd_notify(3) describes. systemd sets it, and so does OpenRC's supervise-daemon; without it
 * nothing is sent. A message that cannot be sent is lost, and the daemon continues.
 */
#pragma once
#include <linux/types.h>

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_alive(void);
/* Returns the milliseconds until the manager expects the next notify_alive() ($WATCHDOG_USEC); 0:
 * it expects none. */
__u64 notify_period(void);
