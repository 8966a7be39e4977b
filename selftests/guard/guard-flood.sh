#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# alone
# No forged initiation of a flood reaches wg-end, and new clients handshake within two seconds meanwhile. More than a
# million forged initiations, of the right shape but with a wrong mac1, come from 10,000 sources, as fast as one CPU
# sends them. None reaches wg-end, and 20 new clients handshake meanwhile, each within two seconds. The test measures
# the whole machine's cost of such a packet, and compares it with the same flood through nft's DNAT with conntrack, to
# a wg-end that runs WireGuard too. The cost by wgxdp is at most a fifth. BREAK=1 leaves out the guard.
#
#     client  .7 --------- 198.51.100.0/24 ---------- .1 firewall .1 --- 192.168.1.0/24 --- .10 wg-end
#       wgc1 … wgc20       flood: 100.64.0.0/16       wan         lan                       eth  wge
#     and the same once more, nft-client, nft-firewall, nft-wg-end, where the firewall has nft
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

flood=$build/selftests/flood
clients=20
number=${FLOOD:-1000000} # forged initiations, each time
rounds=3

configuration() {
	cat <<- EOF
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    wireguard: { public-key: "$(key wge)" }
	EOF
}

# NETWORK OPTION...: floods its firewall from its client in the background; $! is its process
floods() {
	start "$1client" "$flood" "${@:2}" uplink "$(mac "$1firewall" wan)" 100.64.0.1 198.51.100.1 $port > "$work/flood"
}
# NAMESPACE: prints the forwarded packets; and the datagrams for its sockets, including those without room
routed() { inside "$1" nstat -asz IpForwDatagrams | awk '/^Ip/ {print $2}'; }
socket_got() { inside "$1" nstat -asz UdpInDatagrams UdpRcvbufErrors | awk '/^Udp/ {sum += $2} END {print sum}'; }
received() { shown get services.wg-end.original.received; }
all_read() { # NAMESPACE: no datagram is left in a socket there
	! inside "$1" ss -Hulnp "sport = $port" | awk '$2 > 0' | holds .
}

# Prints the CPU seconds of all processes here, with those that have ended
spent() { awk '{sub(/.*\) /, ""); sum += $12 + $13 + $14 + $15} END {print sum / 100}' /proc/[0-9]*/stat 2> /dev/null; }

# NETWORK OPTION...: measures nanoseconds per sent packet, until all work is done. $cost counts all CPUs without idle
# time. $own counts only our processes, in case something else runs on this machine
measure() {
	local up idle up_after idle_after began ended
	read -r up idle < /proc/uptime
	began=$(spent)
	floods "$1" -n "$number" "${@:2}"
	wait $!
	wait_for 30 "wg-end has read the flood" all_read "$1wg-end"
	ended=$(spent)
	read -r up_after idle_after < /proc/uptime
	cost=$(awk "BEGIN {printf \"%d\", (($up_after - $up) * $(nproc) - ($idle_after - $idle)) * 1e9 / $(said flood sent)}")
	own=$(awk "BEGIN {printf \"%d\", ($ended - $began) * 1e9 / $(said flood sent)}")
}
# Prints nft's cost as a multiple of ours, both without the cost of making the flood
times_more() { # ARRAY ARRAY ARRAY: names
	local -n mine=$1 theirs=$2 nobodys=$3
	awk "BEGIN {printf \"%.2f\", ($(median "${theirs[@]}") - $(median "${nobodys[@]}")) / ($(median "${mine[@]}") - $(median "${nobodys[@]}"))}"
}
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

newcomer() { # NUMBER: sets $took to the milliseconds until its handshake is complete
	local device=wgc$1 began
	tunnel client "$device" "10.77.1.$1/32"
	inside wg-end wg set wge peer "$(key "$device")" allowed-ips "10.77.1.$1/32"
	began=$(elapsed)
	inside client wg set "$device" peer "$(key wge)" endpoint "198.51.100.1:$port" allowed-ips 10.77.0.1/32 persistent-keepalive 25
	wait_for 20 "the handshake of client $1" handshaken client "$device"
	took=$(awk "BEGIN {print int(($(elapsed) - $began) * 1000)}")
	inside client ip link del "$device"
}

choose_wireguard
firewall_network
firewall_network nft-
tunnel wg-end wge 10.77.0.1/16 $port
tunnel nft-wg-end wgn 10.77.0.1/16 $port
count_arrivals wg-end forged "ip saddr 100.64.0.0/16 udp dport $port"
for gro in off on; do inside nft-firewall ethtool -K wan gro $gro; done # the other end must learn that this one is up now
inside nft-firewall nft -f - <<- EOF
	table ip nat {
		chain prerouting {
			type nat hook prerouting priority dstnat;
			iifname wan udp dport $port dnat to 192.168.1.10:$port
		}
	}
EOF
configuration > "$work/wgxdp.yaml"
[[ ! ${BREAK:-} ]] || sed -i '/wireguard:/d' "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml"
inside firewall ping -q -c 1 192.168.1.10 > /dev/null

floods '' -n 0
flooding=$!
wait_for 10 'the flood' grep -q floods "$work/flood"
times=()
for ((i = 1; i <= clients; i++)); do
	newcomer $i
	times+=("$took")
done
kill -0 "$flooding" || fail 'the flood ended before the clients had come'
stop "$flooding"
say "the flood: $(tail -n 1 "$work/flood"); handshakes took ${times[*]} ms"
expect 'forged initiations, while clients came' "$(said flood sent)" '>=' "$number"
expect 'packets of the flood that wg-end got' "$(arrived wg-end forged)" == 0
slowest=$(printf '%s\n' "${times[@]}" | sort -n | tail -n 1)
expect "the slowest of $clients handshakes, in ms" "$slowest" '<=' "$(at_most 2000)"

ours=() others=() none=() ours_own=() others_own=() none_own=()
for ((i = 0; i < rounds; i++)); do
	before=$(received)
	measure ''
	ours+=("$cost") ours_own+=("$own")
	say "guard: $cost ns a packet ($own of ours), $(tail -n 1 "$work/flood")"
	expect 'received' $(($(received) - before)) '>=' $((number * 9 / 10))
	before=$(routed nft-firewall) at=$(socket_got nft-wg-end)
	measure nft-
	others+=("$cost") others_own+=("$own")
	say "nft: $cost ns a packet ($own of ours), $(tail -n 1 "$work/flood"); wg-end's socket was given $(($(socket_got nft-wg-end) - at))"
	expect 'routed by nft' $(($(routed nft-firewall) - before)) '>=' $((number * 9 / 10))
	measure '' -x
	none+=("$cost") none_own+=("$own")
	say "made, and sent nowhere: $cost ns a packet ($own of ours)"
done
expect 'packets of the flood that wg-end got' "$(arrived wg-end forged)" == 0
say "by our own processes alone, nft's cost is $(times_more ours_own others_own none_own) times ours"
expect "nft's cost of a packet, as a multiple of ours" "$(times_more ours others none)" '>=' 5
expect 'forged initiations that the guard dropped, or more' \
	"$(($(shown reason original guard_mac1) + $(shown reason original guard_busy)))" '>=' "$((number * rounds))"
expect_sums
say "0 forged initiations of $number and more reached wg-end, $clients of $clients clients came in within $slowest ms"
