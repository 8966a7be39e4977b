#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: only
# The packet tests (tests/packet/packets.py) on other kernels, whose verifier, helpers and test-run are not this machine's.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
exec tests/packet/packets.py -u
