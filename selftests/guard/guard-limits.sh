#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# alone
# The guard's limits hold within five percent. A source may have 20 answered initiations a second (an IPv6 /64 is one
# source), and all sources together 2,000 unanswered ones. The test sends three times as many, with a right mac1. Real
# clients lose nothing: 20 that come at once from one address, new ones beside sources that send too much, and clients
# that wg-end has answered, even while all together send too much. With nat dnat and masquerade. BREAK=1 doubles both
# limits.
#
#     client  .7 --------- 198.51.100.0/24 --------- .1 firewall .1 --- 192.168.1.0/24 --- .10 wg-end
#       wgc1 … wgc20       100.64.0.0/16             wan         lan                       eth  wge
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

clients=20
source=20 service=2000 # per second: the defaults
seconds=${SECONDS_EACH:-10} # measured seconds, after the burst

configuration() { # NAT
	cat <<- EOF
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    nat: $1
		    $([[ $1 != dnat ]] || echo 'ipv6: dnat')
		    wireguard: { public-key: "$(key wge)"${BREAK:+, handshakes: { per-source: $((2 * source))/s, per-service: $((2 * service))/s \}} }
	EOF
}
dropped() { shown reason original guard_limited; }
within() { awk -v value="$1" -v goal="$2" 'BEGIN {print (value - goal) / goal <= 0.05 && (goal - value) / goal <= 0.05 ? "within" : "beyond"}'; }

# WHAT LIMIT FIRST-SOURCE SOURCES DESTINATION RATE [COMMAND...]: so many a second come to wg-end when the burst is over; the command is
# run meanwhile
limited() {
	local from till before
	start client "$root/selftests/lib/initiations.py" uplink "$(mac firewall wan)" "${@:3:3}" $port "$(key wge)" "$6" $((seconds + 5)) > "$work/sent"
	sender=$!
	wait_for 60 'the sender' grep -q sends "$work/sent"
	sleep 3 # after one second the burst is used up, because two thirds of the packets are too many
	before=$(arrived wg-end many) from=$(elapsed)
	"${@:7}"
	sleep "$(awk "BEGIN {left = $seconds - ($(elapsed) - $from); print (left > 0 ? left : 0)}")"
	rate=$(($(arrived wg-end many) - before)) till=$(elapsed)
	kill -0 "$sender" 2> /dev/null || fail "$1: the sender ended too early: $(< "$work/sent")"
	wait "$sender"
	rate=$(awk "BEGIN {printf \"%.1f\", $rate / ($till - $from)}")
	say "$1: $rate a second of $(tail -n 1 "$work/sent")"
	expect "$1: $rate and $2, to five percent" "$(within "$rate" "$2")" == within
}

sent_by() { inside client nft list counter inet sent initiations | awk '$1 == "packets" {print $2}'; }
real() { arrived wg-end real; }
peer_anew() { # NUMBER
	inside client wg set "wgc$1" peer "$(key wge)" remove
	inside client wg set "wgc$1" peer "$(key wge)" endpoint "198.51.100.1:$port" allowed-ips 10.77.0.1/32 persistent-keepalive 25
}
all_in() { # FROM TO: numbers
	[[ $(inside client wg show all latest-handshakes | awk -v from="$1" -v to="$2" '
		$3 && sub(/^wgc/, "", $1) && $1 + 0 >= from + 0 && $1 + 0 <= to + 0 {n++} END {print n + 0}') == $(($2 - $1 + 1)) ]]
}
come() { # FROM TO: these clients' packets come to wg-end
	local i sent came
	sent=$(sent_by) came=$(real)
	for ((i = $1; i <= $2; i++)); do peer_anew "$i"; done
	wait_for 10 "clients $1 to $2" all_in "$1" "$2"
	expect "initiations of clients $1 to $2 that came, of $(($(sent_by) - sent))" $(($(real) - came)) == $(($(sent_by) - sent))
}

choose_wireguard
firewall_network
# the route of the responses to the other clients
inside firewall ip route add 100.64.0.0/16 via 198.51.100.7
inside firewall ip route add 2001:db8:9::/64 via 2001:db8:1::7
inside client ip route add blackhole 100.64.0.0/16
inside client ip route add blackhole 2001:db8:9::/64
tunnel wg-end wge 10.77.0.1/16 $port
count_arrivals wg-end many "udp dport $port udp length 156 @th,96,32 0xfefefefe"
inside wg-end nft -f - <<- EOF
	add counter inet seen real
	add rule inet seen arrivals udp dport $port udp length 156 @th,96,32 != 0xfefefefe counter name real
	add rule inet seen arrivals udp dport $port @th,96,32 0xfefefefe drop
EOF
inside client nft -f - <<- EOF
	table inet sent {
		counter initiations { }
		chain leaving {
			type filter hook output priority 0
			udp dport $port udp length 156 counter name initiations
		}
	}
EOF
for ((i = 1; i <= clients; i++)); do
	tunnel client wgc$i 10.77.1.$i/32
	inside wg-end wg set wge peer "$(key wgc$i)" allowed-ips 10.77.1.$i/32
done
for nat in dnat masquerade; do
	configuration $nat > "$work/wgxdp.yaml"
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	come 1 $clients
	expect "$nat: dropped of $clients clients who came at once" "$(dropped)" == 0
	sleep 2
	start wg-end "$root/selftests/lib/answers.py" eth $port > "$work/answers"
	answers=$!
	wait_for 60 'who answers' grep -q answers "$work/answers"
	limited "$nat: 10 sources" $((10 * source)) 100.64.0.1 10 198.51.100.1 $((30 * source)) come 1 10
	limited "$nat: an IPv6 /64" $source 2001:db8:9::1 50 2001:db8:1::1 $((3 * source)) come 11 20
	kill $answers
	wait $answers || :
	limited "$nat: the service" $service 100.64.1.1 2000 198.51.100.1 $((3 * service)) come 1 20
	wgxdp down > /dev/null
done
say "limits of $source and $service a second hold within five percent, and real clients lost nothing"
