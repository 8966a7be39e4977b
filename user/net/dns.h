/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A channel of c-ares on a libuv loop, for one round of questions: it reads /etc/resolv.conf and /etc/hosts as they are when
 * it is opened, and leaves nothing open when it is closed.
 */
#pragma once
#include <stdbool.h>
#include <ares.h>
#include <uv.h>

struct dns;

/* Called whenever something has come or a time is over. Answers were given to their callbacks before. True: go on; false: it
 * was closed meanwhile, by the function itself. */
typedef bool dns_progress(void *data);

/* alone: what DNS says of the very name, without /etc/hosts and search domains. 0 or -ENOMEM */
int dns_open(uv_loop_t *loop, bool alone, dns_progress *progress, void *data, struct dns **ret);
/* Both families where family is AF_UNSPEC. Where the answer is known at once the callback is called before this returns. */
void dns_ask(struct dns *d, const char *name, int family, ares_addrinfo_callback callback, void *data);
/* After the questions: progress is called, perhaps at once */
void dns_go(struct dns *d);
/* What is still open is answered with ARES_EDESTRUCTION. Its memory is given back when the loop has gone round. */
void dns_close(struct dns *d);
