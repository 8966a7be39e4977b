#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# alone
# During a flood of 200,000 wrong initiations a second at 64 keys, a session keeps 70 % of its rate, and known clients
# handshake within 10 s. A service with 64 keys, so that a wrong initiation costs 64 times as much to check. 200,000
# such initiations a second come from 10,000 sources. An existing session keeps its rate, and 20 clients that wg-end
# has answered before handshake again, each within ten seconds. New clients also get in while the flood has as many
# sources as fail within a second. The test prints how many of them get in if every packet has another source. BREAK=1
# removes the guard's time limits.
#
#     client  .7 --------- 198.51.100.0/24 ---------- .1 firewall .1 --- 192.168.1.0/24 --- .10 wg-end
#       wgd, wgc1 … wgc20  flood: 100.64.0.0/10       wan         lan                       eth  wge
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

flood=$build/selftests/flood
clients=${CLIENTS:-20}
rate=${RATE:-200000} # packets of the flood per second
keys=64
seconds=10 # seconds of data
data=${DATA:-4000} # packets a second, of 1,000 bytes

configuration() {
	local i public
	public=$(for ((i = 1; i < keys; i++)); do printf '"%s", ' "$(wg genkey | wg pubkey)"; done)
	cat <<- EOF
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    wireguard: { public-keys: [ $public"$(key wge)" ] }
	EOF
}

# The same guard without time limits
break_limits() {
	local other=$root/${O:-build}/broken
	make -s -C "$root" O="$other" BPF_CFLAGS='-O2 -g -DBUDGET_KNOWN=4000000000LL -DBUDGET_UNKNOWN=4000000000LL -DBUDGET_FAILED=4000000000LL' > /dev/null
	wgxdp=$other/wgxdp
}

begin_flood() { # SOURCES
	start client "$flood" -r "$rate" -c "$1" uplink "$(mac firewall wan)" 100.64.0.1 198.51.100.1 $port > "$work/flood"
	flooding=$!
	wait_for 10 'the flood' grep -q floods "$work/flood"
	before=$(shown get services.wg-end.original.received) at=$(elapsed)
}
end_flood() {
	kill -0 "$flooding" || fail 'the flood has ended by itself'
	came=$(awk "BEGIN {print int(($(shown get services.wg-end.original.received) - $before) / ($(elapsed) - $at))}")
	stop "$flooding"
	say "the flood: $came a second came; $(tail -n 1 "$work/flood")"
}

# Sends through wgd's tunnel; $got is the number of packets that arrived
pour_data() {
	start_listener wg-end received 10.77.0.1:7000
	listener=$!
	inside client "$udptool" ask -s 1000 -n $((data * seconds)) -r "$data" -w 0 10.77.1.250:7000 10.77.0.1:7000 > /dev/null
	sleep 0.5
	stop "$listener"
	got=$(said received distinct)
}

peer_anew() { # DEVICE: a new handshake, from the same port
	inside client wg set "$1" peer "$(key wge)" remove
	inside client wg set "$1" peer "$(key wge)" endpoint "198.51.100.1:$port" allowed-ips 10.77.0.1/32 persistent-keepalive 25
}
handshakes() { # FROM TO: of the clients with these numbers
	inside client wg show all latest-handshakes | awk -v from="$1" -v to="$2" '
		$3 && sub(/^wgc/, "", $1) && $1 + 0 >= from + 0 && $1 + 0 <= to + 0 {n++} END {print n + 0}'
}
all_in() { (($(handshakes "$1" "$2") == $2 - $1 + 1)); } # FROM TO

client_tunnel() { # NAME NUMBER
	tunnel client "$1" "10.77.1.$2/32"
	inside wg-end wg set wge peer "$(key "$1")" allowed-ips "10.77.1.$2/32"
}

[[ ! ${BREAK:-} ]] || break_limits
choose_wireguard
firewall_network
tunnel wg-end wge 10.77.0.1/16 $port
configuration > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml"
client_tunnel wgd 250
peer_anew wgd
inside client ip route add 10.77.0.1/32 dev wgd src 10.77.1.250
wait_for 10 'a session' handshaken client wgd
for ((i = 1; i <= 3 * clients; i++)); do client_tunnel wgc$i $i; done
for ((i = 1; i <= clients; i++)); do peer_anew wgc$i; done
wait_for 10 "$clients handshakes" all_in 1 "$clients"

pour_data
calm=$got
begin_flood 10000
sleep 1
pour_data
say "flooded, $got of $((data * seconds)) packets of data came; not flooded, $calm"
stormy=$got

# in groups, like real clients
slowest=0 in=0
for ((i = 1; i <= clients; i++)); do
	began=$(elapsed)
	peer_anew wgc$i
	wait_for 10 "client $i, answered before" all_in $i $i
	took=$(awk "BEGIN {print int(($(elapsed) - $began) * 1000)}")
	((took <= slowest)) || slowest=$took
done
say "$clients of $clients clients that were answered before made a new handshake, the slowest after $slowest ms"
began=$(elapsed)
for ((i = clients + 1; i <= 2 * clients; i++)); do peer_anew wgc$i; done
wait_for 10 "$clients new clients" all_in $((clients + 1)) $((2 * clients))
say "$clients of $clients new clients came in within $(awk "BEGIN {print $(elapsed) - $began}") s"
end_flood
many=$came

begin_flood 4000000
began=$(elapsed)
for ((i = 1; i <= clients; i++)); do peer_anew wgc$i; done
wait_for 10 "$clients clients that were answered before" all_in 1 "$clients"
say "$clients clients that were answered before made a new handshake within $(awk "BEGIN {print $(elapsed) - $began}") s, every packet from another source"
for ((i = 2 * clients + 1; i <= 3 * clients; i++)); do peer_anew wgc$i; done
sleep 10
in=$(handshakes $((2 * clients + 1)) $((3 * clients)))
end_flood
say "$in of $clients new clients came in within 10 s, every packet from another source"
for reason in mac1 busy limited; do say "guard_$reason: $(shown reason original guard_$reason)"; done
expect 'packets a second that came, of the floods' "$(((many + came) / 2))" '>=' $((rate * 9 / 10))
expect 'data that came in the flood, in percent of what came without' $((100 * stormy / calm)) '>=' 70
expect "the slowest of $clients that were answered before, in ms" "$slowest" '<=' "$(at_most 10000)"
expect_sums
say "$((100 * stormy / calm)) % of the data, $clients of $clients handshakes within $slowest ms, under $(((many + came) / 2)) wrong initiations a second with $keys keys"
