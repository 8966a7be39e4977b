#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Doctor reports keepalives and missing connections that harm three blind relays, and nothing else. Like
# selftests/doctor/doctor.sh, with a site at each relay (see lib/blind-relays.sh). Doctor reports keepalives to sites,
# which draw them away from the other relays, and a relay that is not connected. It reports nothing about sites that
# are at other relays. BREAK=1 leaves out the faults.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"
source "$root/selftests/lib/blind-hosts.sh"
source "$root/selftests/lib/blind-relays.sh"
sites=3 on=r1

relays_network
relays_begin
relays() { inside r1 "$wgxdp" --instance r1 show metrics | grep -c '^wgxdp_relay_connected{.*} 1$'; }
connected() { [[ $(relays) == "$1" ]]; }
wait_for 10 'r1 is connected to two relays' connected 2
healthy 'a relay of three' --instance r1
expect 'sites at another relay' "$(found ok found | grep -c '^the site is at the relay ')" == 2

for i in 2 3; do wrong wg set wgr-r1 peer "$(key wgs$i)" persistent-keepalive 25; done
names blind --instance r1
found problem found | holds '^relays: WireGuard sends keepalives to 2 sites, such as ' || fail "keepalives: $(found problem found)"
heals
content --instance r1

[[ ${BREAK:-} ]] || kill "${daemons[r2]}"
wait_for 10 'r2 is gone' connected 1
names blind --instance r1
found problem found | holds '^relays: this relay is not connected to the other relay at fd00:9::2: ' || fail "r2 is gone: $(found problem found)"
