#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# A burst of clients of a masquerading service who send one packet each, get one answer, and never come again: each is a flow, and each is gone
# soon after its time-out, also those for whose timer the kernel had no memory when they came (6.18: a third of them), which the daemon
# looks for every 30 s. One is made to have none, for other kernels. BREAK=1 does without the daemon.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
#     newcomers: 10.0.0.0/8 behind client
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

newcomers=3000 rate=3000 # a second
flows=/sys/fs/bpf/wgxdp/default/flows

configuration() {
	cat <<- EOF
		services:
		  - name: many
		    listen: { addresses: [ 198.51.100.1 ], ports: [ 52100 ] }
		    backend: { ipv4: 192.168.1.10, port: 52100 }
		    nat: masquerade
		    flows: { max: 65536, timeout: 5s }
	EOF
}
metric() { wgxdp show metrics | awk -v name="$1" 'index($1, name "{") == 1 {n += $2} END {print n + 0}'; }
untimed() {
	bpftool -j map dump pinned "$flows" | /usr/bin/python3 -IS -c '
import json, sys
each = [e["formatted"] for e in json.load(sys.stdin)]
print(sum(e["key"]["direction"] == 0 and not e["value"]["armed"] for e in each))'
}
none_left() { [[ $(metric wgxdp_flows) == 0 ]]; }
# As if the kernel had had no memory for it on any kernel: what is written by hand has no timer, and what was in its place had one no longer
take_timer() {
	inside client "$udptool" ask -n 1 -w 2000 198.51.100.7:4000 198.51.100.1:52100 > /dev/null
	bpftool -j map dump pinned "$flows" | /usr/bin/python3 -IS -c '
import json, sys
for e in json.load(sys.stdin):
    if e["formatted"]["key"]["direction"] == 0:
        print("key", *e["key"], "value", *("0x00" if i == 77 else b for i, b in enumerate(e["value"])))' > "$work/entry"
	expect 'flows at first' "$(wc -l < "$work/entry")" == 1
	xargs bpftool map update pinned "$flows" < "$work/entry"
	expect 'flows without a timer at first' "$(untimed)" == 1
}

firewall_network
inside firewall ip route add 10.0.0.0/8 via 198.51.100.7
inside client nft 'add table ip t; add chain ip t c { type filter hook prerouting priority -300; }; add rule ip t c iifname uplink ip daddr 10.0.0.0/8 drop'
configuration > "$work/c.yaml"
start_listener wg-end many -e 192.168.1.10:52100
start_daemon -c "$work/c.yaml"
[[ ! ${BREAK:-} ]] || end_daemon
take_timer
inside client "$udptool" send -a -s 32 -n $newcomers -r $rate uplink "$(mac firewall wan)" 10.0.0.0:1 198.51.100.1:52100 > "$work/sent"
say "of $newcomers newcomers $(metric wgxdp_flows_created_total) are flows, $(untimed) of them without a timer"
expect 'flows that were made, of each 100' $(($(metric wgxdp_flows_created_total) * 100 / newcomers)) '>=' 90
begun=$SECONDS
wait_for 40 'all flows to end' none_left
say "all gone after $((SECONDS - begun)) s"
expect 'flows that expired' "$(metric wgxdp_flows_expired_total)" == "$(metric wgxdp_flows_created_total)"
[[ ${BREAK:-} ]] || end_daemon
wgxdp down
