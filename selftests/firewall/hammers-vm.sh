#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: 6.1
# On Linux 6.1, two CPUs that use the same entries and flows read nothing torn and lose no limit. These are
# entries-hammer and masquerade-hammer with 100,000 packets on each CPU ($OPERATIONS). By default both CPUs of the
# guest share a thread of this machine and take turns, so their programs seldom run at the same moment.
# VMRUN_ACCEL=tcg,thread=multi gives each CPU a thread. On a quiet machine, 50 million packets on each CPU then take
# 50 minutes.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."

export OPERATIONS=${OPERATIONS:-100000}
selftests/firewall/entries-hammer.sh
selftests/masquerade/masquerade-hammer.sh
