#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1500
# One client with a key cannot take the ports of a masquerading service from other clients, from many IPv6 /64s of one
# /48 or from one IPv4 address. The client is a real wireguard-go, whose packets leave with another port each time, so
# the backend's answers make many more flows than its share. Meanwhile new clients complete a handshake, each from a port of its own.
# BREAK=1 gives a source as many flows as the service has.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10 wg-end
#       wga: sends from 2001:db8:66::/48, or from .66                                wge
#       wgn: the new clients
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

seconds=60 # an attack lasts at least so long, and six times as long until it has enough flows
from=7000 # the attacker's port, before it is changed

sender='
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
due = time.monotonic()
while True:
    for _ in range(10): s.sendto(b"x", ("10.77.0.1", 9))
    due += 0.005
    time.sleep(max(0, due - time.monotonic()))
'

echo='
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.77.0.1", 9))
while True: s.sendto(b"x", s.recvfrom(64)[1])
'

connect() { # DEVICE ENDPOINT PORT: a new client of the backend
	inside client wg set "$1" peer "$(key wge)" remove
	inside client wg set "$1" listen-port "$3" peer "$(key wge)" endpoint "$2" allowed-ips 10.77.0.1/32 \
		persistent-keepalive 25
}

forge() { # PREFIXES: the attacker's packets leave from so many /64s (0: from .66), and each from another port
	local i source='ip saddr set 198.51.100.66' elements=''
	for ((i = 0; i < $1; i++)); do elements+="$i : 2001:db8:66:$(printf %x $i)::66,"; done
	(($1 == 0)) || source="ip6 saddr set numgen inc mod $1 map { $elements }"
	# nft takes the upper 16 bits of the number as port: 2048 to 63487
	local port_of_number='numgen random mod 4026531840 offset 134217728'
	nft -f - <<- EOT
		table inet forge {
			chain out {
				type filter hook postrouting priority 0
				udp sport $from $source udp sport set $port_of_number
			}
		}
	EOT
}

enough() { if [[ ${BREAK:-} ]]; then echo "$1"; else echo "$2"; fi; } # WITH-BREAK WITHOUT
flows() { shown get services.many.flows; }
full() { [[ $(flows) -ge $1 ]]; } # FLOWS

newcomers() { # NUMBER ENDPOINT: prints how many completed a handshake
	local i came=0
	for ((i = 0; i < $1; i++)); do
		connect wgn "$2" $((30000 + i))
		! (wait_for 4 'a handshake' handshaken client wgn) > /dev/null 2>&1 || came=$((came + 1))
	done
	echo $came
}

attack() { # WHAT ENDPOINT PREFIXES FLOWS-TO-REACH NEWCOMERS
	local began came
	connect wga "$2" $from
	wait_for 10 "the attacker's handshake" handshaken client wga
	inside client bash -c "$(declare -f forge); from=$from; forge $3"
	began=$(ms)
	start client /usr/bin/python3 -IS -c "$sender" > "$work/attack" # each answer goes to another port
	attacker=$!
	until full "$4" || (($(ms) - began > seconds * 6000)); do nap 0.5; done
	expect "$1: flows of the attacker" "$(flows)" '>=' "$4"
	say "$1: $(flows) flows after $((($(ms) - began) / 1000)) s, and the share of a source is $(shown get services.many.share)"
	came=$(newcomers "$5" "$2")
	until (($(ms) - began > seconds * 1000)); do nap 0.5; done
	all_run $attacker || fail "$1: the attack ended too soon"
	expect "$1: new clients of $5 that came in, beside $(flows) flows" "$came" == "$5"
	kill $attacker
	wait $attacker || :
	inside client nft delete table inet forge
}

choose_wireguard
firewall_network
addresses client uplink 198.51.100.66/24
inside firewall ip route add 2001:db8:66::/48 via 2001:db8:1::7
quiet client
tunnel wg-end wge 10.77.0.1/24 $port
tunnel client wga 10.77.0.66/32 $from
tunnel client wgn 10.77.0.67/32
inside client ip route add 10.77.0.1/32 dev wga
inside wg-end wg set wge peer "$(key wga)" allowed-ips 10.77.0.66/32 peer "$(key wgn)" allowed-ips 10.77.0.67/32
start wg-end /usr/bin/python3 -IS -c "$echo"
for prefixes in 16 4096; do
	masquerading "${BREAK:+share: 100000}" > "$work/wgxdp.yaml"
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	attack "$prefixes /64s" '[2001:db8:1::1]:51820' $prefixes "$(enough 40700 20000)" 200
	wgxdp down > /dev/null
done
masquerading "ports: 20000-21999${BREAK:+, share: 100000}" > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
attack 'one address' 198.51.100.1:51820 0 "$(enough 1990 130)" 100
