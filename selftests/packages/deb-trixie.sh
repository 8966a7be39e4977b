#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 7200
# selftests/packages/deb.sh on Debian 13. BREAK=1 as there.
SUITE=trixie exec "${BASH_SOURCE[0]%/*}/deb.sh" "$@"
