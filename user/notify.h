/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the service manager is told (sd_notify(3)); nothing where there is none, or without libsystemd (WITH_SYSTEMD=0).
 */
#pragma once
#include <linux/types.h>

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_alive(void);
/* After how many milliseconds, at the latest, notify_alive() is expected again; 0: not at all */
__u64 notify_period(void);
