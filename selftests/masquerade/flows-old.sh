#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The daemon ends flows that timed out hours ago, before their 24-bit time makes them valid again. A flow stays in its
# place after its timeout. The time of a flow has only 24 bits, so after 65 hours the flow would seem valid again. The
# daemon ends flows that timed out hours ago, and no others. BREAK=1 starts no daemon.
#
#     client  .7 ---- 198.51.100.0/24 ---- .1 wan firewall lan .1 ---- 192.168.1.0/24 ---- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

table() { "$build/selftests/flowtable" /sys/fs/bpf/wgxdp/default "$@"; }
flows() { table | awk '{print $2}'; }
flows_are() { [[ $(flows) == "$1" ]]; }
ask() { # PORT: a client from this port
	inside client "$udptool" ask -n 1 -w 2000 "198.51.100.7:$1" "198.51.100.1:$port" > "$work/asked"
	expect "answers to port $1" "$(said asked answered)" == 1
}

firewall_network
start_listener wg-end answers -e "192.168.1.10:$port"
cat > "$work/wgxdp.yaml" << EOF
interfaces: [ { name: wan, role: wan } ]
services:
  - name: many
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, port: $port }
    nat: masquerade
    flows: { timeout: 60s, ports: 20000-20099 }
EOF
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
for n in {1..20}; do ask $((4000 + n)); done
expect 'flows in the table' "$(flows)" == 20
table age 0xf00000 > "$work/table" # 65 hours and more
expect 'flows that seem valid again' "$(wgxdp show flows | grep -c ^many)" == 20
table age 0x210000 > "$work/table" # a whole turn of the 24 bits, and 4 to 6 hours
expect 'flows that are shown after their timeout' "$(wgxdp show flows | grep -c ^many || :)" == 0
expect 'flows in the table still' "$(flows)" == 20
for n in {1..5}; do ask $((5000 + n)); done
[[ ${BREAK:-} ]] || start_daemon -c "$work/wgxdp.yaml"
wait_for 10 'old flows leave the table' flows_are 5
expect 'flows that are shown' "$(wgxdp show flows | grep -c ^many)" == 5
expect 'errors in the table' "$(table | awk '{print $6}')" == 0
ask 5001
