#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# The packet tests (tests/packet/packets.py) pass on kernels with another verifier, other helpers and another
# test-run.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
exec tests/packet/packets.py -u
