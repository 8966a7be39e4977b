/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells the service manager how the daemon is: datagrams to the socket that $NOTIFY_SOCKET names, as sd_notify(3) describes them. systemd
 * sets it, and so does OpenRC's supervise-daemon; without it nothing is sent. A message that cannot be sent is lost: the daemon goes on.
 */
#pragma once
#include <linux/types.h>

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_alive(void);
/* Within how many milliseconds the manager expects the next notify_alive() ($WATCHDOG_USEC); 0: it expects none */
__u64 notify_period(void);
