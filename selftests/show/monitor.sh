#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# `wgxdp monitor` reports dropped packets of a service and between sites with reason, service or peer, addresses and
# interface. It reports a sample of a flood, and how many it left out. Only one monitor runs at a time, and nothing is
# written for a killed one. It continues over an `up` with other maps, and ends with `down`. BREAK=1 makes the policy
# pass what it should refuse.
#
#     a eth -- fd12:3456:789a:a::/64 -- la relay lb -- fd12:3456:789a:b::/64 -- eth b
#                                          wan ------- uplink client, who is denied
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

on=relay
overlay=fd12:3456:789a

namespaces relay a b client
routers relay
cable client uplink relay wan
addresses client uplink 198.51.100.7/24
addresses relay wan 198.51.100.1/24
takes_xdp client uplink
sites_on_nics a b
configuration() { # [SERVICE]
	cat <<- EOF
		services:
		  - name: web
		    listen: { interface: wan, ports: [ 51820 ] }
		    backend: { ipv4: 10.9.9.9, port: 51820 }
		    deny: [ 198.51.100.0/24 ]
		${1:-}
		peers:
		  - { name: site-a, device: la, prefixes: [ "$overlay:a::/64" ] }
		  - { name: site-b, device: lb, prefixes: [ "$overlay:b::/64" ] }
		policy: { overlay: "$overlay::/48", udp-ports: [ ${BREAK:+1234, }58000-60000 ] }
	EOF
}
configuration > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" 2>&1 || fail "up: $(< "$work/up")"

speak() { # FROM SOURCE TO [NUMBER [RATE]]
	# shellcheck disable=SC2086
	inside "$1" $udptool ask -n "${4:-1}" -r "${5:-100}" -w 1 "$2" "$3" > /dev/null 2>&1 || :
}
monitor() { start relay "$wgxdp" monitor "${@:2}" > "$work/$1" 2> "$work/$1.errors"; } # FILE OPTION...
looks() { inside relay bpftool -j map lookup pinned /sys/fs/bpf/wgxdp/default/event_watch key 0 0 0 0 | holds '"value":\["0x.*0x[0-9a-f]*[1-9a-f]'; }
has_events() { (($(wc -l < "$work/$1") >= ${2:-1})); }
field() { /usr/bin/python3 -IS -c 'import json, sys
for line in open(sys.argv[1]): print(*(json.loads(line).get(k) for k in sys.argv[2:]))' "$@"; } # FILE KEY...

speak a "[$overlay:a::10]:58001" "[$overlay:b::10]:1234"
monitor events --json
pid=$!
wait_for 5 'it looks' looks
[[ ! -s $work/events ]] || fail "earlier events: $(< "$work/events")"
speak a "[$overlay:a::10]:58001" "[$overlay:b::10]:1234"
wait_for 5 'an event' has_events events
expect 'refused' "$(field "$work/events" event reason peer direction interface source destination bytes packets)" == \
	"dropped refused site-a rx la [$overlay:a::10]:58001 [$overlay:b::10]:1234 80 1"
speak client 198.51.100.7:4000 198.51.100.1:51820
wait_for 5 'another' has_events events 2
expect 'denied' "$(field "$work/events" reason service interface source destination path | tail -n 1)" == \
	'denied web wan 198.51.100.7:4000 198.51.100.1:51820 xdp'

status=0
wgxdp monitor > "$work/second" 2>&1 || status=$?
expect 'a second one' "$status $(< "$work/second")" == \
	'1 wgxdp: error: instance default already has a monitor: stop that one first'

configuration '  - { name: more, listen: { interface: wan, ports: [ 443 ] }, backend: { ipv4: 10.9.9.9, port: 443 }, nat: masquerade, flows: { max: 100 } }' |
	wgxdp up -c - > "$work/up" 2>&1
grep -q 'programs were loaded' "$work/up" || fail "nothing was loaded: $(< "$work/up")"
another_event() {
	speak a "[$overlay:a::10]:58001" "[$overlay:b::10]:1234"
	has_events events 3
}
wait_for 5 'after other programs' another_event

refused() { wgxdp show metrics | awk '$1 == "wgxdp_peer_dropped_packets_total{peer=\"site-a\",direction=\"rx\",reason=\"refused\"}" {print $2}'; }
before=$(wc -l < "$work/events") dropped=$(refused)
speak a "[$overlay:a::10]:58001" "[$overlay:b::10]:1234" 20000 100000
counted() { # the reported events and those counted as left out are all; each CPU reports the latter with its next event
	local reported cpu
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		udptool="taskset -c $cpu $udptool" speak a "[$overlay:a::10]:58001" "[$overlay:b::10]:1234"
	done
	sleep 0.2
	reported=$(tail -n "+$((before + 1))" "$work/events" | /usr/bin/python3 -IS -c 'import json, sys
events = [json.loads(line) for line in sys.stdin]
print(sum(e["packets"] + e["skipped"] for e in events))')
	[[ $reported == $(($(refused) - dropped)) ]]
}
wait_for 10 'the sums of a flood' counted
expect 'events of a flood of 20,000' "$(($(wc -l < "$work/events") - before))" '<' 10000
kill -KILL $pid
wait $pid 2> /dev/null || :
monitor plain -n 1
pid=$!
wait_for 5 'it looks' looks
speak a "[$overlay:a::10]:58001" "[$overlay:b::10]:1234"
wait $pid || fail "-n 1 ended with status $?: $(< "$work/plain.errors")"
grep -q "Z dropped refused peer site-a rx la: \[$overlay:a::10\]:58001 > \[$overlay:b::10\]:1234, 80 bytes" "$work/plain" ||
	fail "in plain words: $(< "$work/plain")"
say "ok $(< "$work/plain")"
looks && fail 'it looks on after its end'

# Reasons why packets cannot be seen: a missing capability, a user namespace, or this kernel
refused_to_look() { # TEXT COMMAND...
	local status=0
	inside relay timeout 5 "${@:2}" "$wgxdp" monitor --event handshake -n 1 > "$work/out" 2>&1 || status=$?
	[[ $status == 1 ]] || fail "status $status, expected 1: $(< "$work/out")"
	grep -qF -- "wgxdp: error: monitor: $1" "$work/out" || fail "'$1' is not said: $(< "$work/out")"
	say "ok $(head -n 1 "$work/out")"
}
with() { echo "setpriv --bounding-set=-all$1 --inh-caps=-all"; }
# shellcheck disable=SC2046 # several words
refused_to_look 'this process lacks CAP_PERFMON' $(with ,+bpf,+net_admin)
# shellcheck disable=SC2046
refused_to_look 'this process lacks CAP_SYS_ADMIN' $(with ,+bpf,+net_admin,+perfmon)
refused_to_look 'the kernel loads no BPF programs for a process in a user namespace' unshare --user --map-root-user
status=0
inside relay timeout 2 "$wgxdp" monitor --event handshake > "$work/out" 2>&1 || status=$?
((status == 124)) || grep -qE 'error: monitor: (the security policy of this kernel forbids tracing|cannot trace packets on this host)' "$work/out" ||
	fail "status $status: $(< "$work/out")"
say "ok here: $status $(head -n 1 "$work/out")"
monitor last
pid=$!
wait_for 5 'it looks' looks
wgxdp down > /dev/null
status=0
wait $pid || status=$?
expect 'after down' "$status $(sed 's/: start it.*//' "$work/last.errors")" == '1 wgxdp: error: instance default is not up'
