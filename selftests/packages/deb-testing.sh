#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 7200
# The Debian package installs, upgrades without losing a packet, and is purged without a trace on Debian testing. This
# is selftests/packages/deb.sh on Debian testing. BREAK=1 as there.
SUITE=testing exec "${BASH_SOURCE[0]%/*}/deb.sh" "$@"
