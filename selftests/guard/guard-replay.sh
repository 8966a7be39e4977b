#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 240
# vm
# No captured initiation passes that is sent again from another source or port, and none changes any state. The test
# sends them a thousand times. None passes, and none changes a flow, an index, the clients that were answered, or an
# endpoint. From their original source and port they are only too many. With nat dnat and masquerade. BREAK=1 leaves
# out the guard.
#
#     client  .7 --------- 198.51.100.0/24 --------- .1 firewall .1 --- 192.168.1.0/24 --- .10 wg-end
#       wgc1 … wgc5        100.64.0.0/16: others     wan         lan                       eth  wge
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

clients=5
times=1000
again=60 # from the same source, faster than allowed
pause=2.1 # until the client's own address has its full share again
pins=/sys/fs/bpf/wgxdp/default

configuration() { # NAT
	cat <<- EOF
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    nat: $1
		    $([[ $1 != masquerade ]] || echo 'flows: { max: 1000 }')
		    wireguard: { public-key: "$(key wge)" }
	EOF
}
dropped() { shown reason original "guard_$1"; } # REASON
all_in() { [[ $(inside client wg show all latest-handshakes | awk '/^wgc/ && $3 {n++} END {print n + 0}') == "$clients" ]]; }

# State that replays must not change
state() { # MAP...
	inside wg-end wg show wge endpoints | sort
	inside wg-end wg show wge latest-handshakes | sort
	wgxdp show flows --json | /usr/bin/python3 -IS -c '
import json, sys
for f in json.load(sys.stdin)["flows"]: print(f["client"], f["ours"])'
	"$build/selftests/flowtable" "$pins"
	"$build/selftests/mapsum" default answered indices "$@" | sort
}

nothing_moved() { # WHAT
	cmp -s "$work/before" "$work/after" || fail "$1: something moved: $(diff "$work/before" "$work/after" | cut -c 1-300)"
	say "ok $1: nothing moved"
}

replays() { # FROM TIMES WHERE
	inside client "$root/selftests/lib/replay.py" "$work/capture" 198.51.100.1 $port "$@" > "$work/replayed"
}
written() { (($(stat -c %s "$work/capture") >= clients * 206)); }

begin_capture() {
	start client tcpdump -i uplink -U -Z root -w "$work/capture" "udp dst port $port and udp[8] == 1" 2> "$work/tcpdump"
	capturing=$!
	wait_for 10 'tcpdump' grep -q listening "$work/tcpdump"
}

round() { # NAT
	local i seen replayed passed limited
	configuration "$1" > "$work/wgxdp.yaml"
	[[ ! ${BREAK:-} ]] || sed -i '/wireguard:/d' "$work/wgxdp.yaml"
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up"
	begin_capture
	for ((i = 1; i <= clients; i++)); do
		inside client wg set wgc$i peer "$(key wge)" endpoint "198.51.100.1:$port" allowed-ips 10.77.0.1/32 persistent-keepalive 2000
	done
	say "$1: clients begin"
	wait_for 10 "$clients handshakes" all_in
	say "$1: $clients handshakes"
	wait_for 10 'the capture of tcpdump' written
	sleep 0.5 # time for the keepalives
	# A client that sends another initiation by itself sends it elsewhere: only replays are counted
	for ((i = 1; i <= clients; i++)); do inside client wg set wgc$i peer "$(key wge)" endpoint 198.51.100.1:9; done
	kill "$capturing"
	wait "$capturing" || :
	state handshakes > "$work/before"
	seen=$(arrived wg-end initiations) replayed=$(dropped replay) limited=$(dropped limited)
	replays 100.64.0.1 $times elsewhere
	say "$1: $(< "$work/replayed") from other sources and ports"
	expect "$1: that passed" $(($(arrived wg-end initiations) - seen)) == 0
	expect "$1: dropped as replays, or too many of a source" \
		$(($(dropped replay) - replayed + $(dropped limited) - limited)) == $times
	state handshakes > "$work/after"
	nothing_moved "$1"
	limited=$(dropped limited)
	sleep $pause
	replays 198.51.100.7 $again same
	passed=$(($(arrived wg-end initiations) - seen))
	expect "$1: from the very source and port, that passed or were too many" $((passed + $(dropped limited) - limited)) == $again
	state > "$work/after" # wg-end got initiations but has answered none
	sed -i '/^handshakes /d' "$work/before"
	nothing_moved "$1, from the very source and port"
	seen=$(arrived wg-end initiations)
	inside client "$root/selftests/lib/initiations.py" uplink "$(mac firewall wan)" 10.9.0.1 200 198.51.100.1 $port "$(key wge)" 100 2 > "$work/forged"
	expect "$1: forged initiations that reached wg-end" $(($(arrived wg-end initiations) - seen)) '>=' 20
	expect "$1: the service's state, after replays and forged initiations" "$(shown get services.wg-end.state)" == listening
	for ((i = 1; i <= clients; i++)); do inside client wg set wgc$i peer "$(key wge)" remove; done
	sleep $pause
}

choose_wireguard
firewall_network
inside client ip route add local 100.64.0.0/16 dev lo
inside firewall ip route add 100.64.0.0/16 via 198.51.100.7
tunnel wg-end wge 10.77.0.1/16 $port
count_arrivals wg-end initiations "udp dport $port udp length 156"
for ((i = 1; i <= clients; i++)); do
	tunnel client wgc$i 10.77.1.$i/32
	inside wg-end wg set wge peer "$(key wgc$i)" allowed-ips 10.77.1.$i/32
done
for nat in dnat masquerade; do round $nat; done
expect_sums
