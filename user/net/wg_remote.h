/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The part of wg_read() for a process after wg_read_through(). Only wireguard.c includes it.
 */
#pragma once
#include "net/wireguard.h"

/* Asks the other process if wg_read_through() was called, and otherwise returns false. *ret_rc: the
 * result of wg_read() there, or -EIO. */
bool wg_asks_other(const char *device, struct wg_device *ret, int *ret_rc);
