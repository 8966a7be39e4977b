/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The challenge in a configuration, where this program can send cookies.
 */
#ifndef WITH_CHALLENGE_H
#define WITH_CHALLENGE_H

#ifdef WITH_SODIUM
#define CHALLENGE "challenge: { above: 250/s }, "
#define CHALLENGE_ABOVE 250
#else
#define CHALLENGE ""
#define CHALLENGE_ABOVE 0
#endif

#endif
