#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# alone
# 150,000 clients of a masquerading service with a guard have flows that the backend answers. Then two floods come from
# random sources, for 20 s each, as fast as a CPU makes packets. The first has messages that look like data. The guard
# passes these, so each makes a flow. The second has initiations with a wrong mac1. Meanwhile ten newcomers a second send
# an initiation with the right mac1, and another one 5 s later. No client loses its flow or gets another port, and each
# newcomer gets in. BREAK=1 deletes a client's flow in between.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 to .4 -- 192.168.1.0/24 -- .10 wg-end
#     clients: 100.64.0.0/14; newcomers: 100.80.0.0/16, 100.81.0.0/16; spoofed: 10.0.0.0/8
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

clients=150000
seconds=20 # seconds of each flood
newcomers=10 # a second

configuration() {
	cat <<- EOF
		services:
		  - name: many
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    nat: masquerade
		    flows: { max: $((2 * clients)), timeout: 600s, source: [ 192.168.1.1, 192.168.1.2, 192.168.1.3, 192.168.1.4 ] }
		    wireguard: { public-key: "$key" }
	EOF
}

network() {
	firewall_network
	for end in 2 3 4; do inside firewall ip address add 192.168.1.$end/24 dev lan; done
	inside client ip route add local 100.64.0.0/10 dev lo
	inside firewall ip route add 100.64.0.0/10 via 198.51.100.7
}

# PATTERN: prints client and port of each flow that the backend has answered
flows() {
	wgxdp show flows --json | /usr/bin/python3 -IS -c '
import json, re, sys
for f in json.load(sys.stdin)["flows"]:
    if f["reply"]["packets"] and re.match(sys.argv[1], f["client"]): print(f["client"], f["ours"])' "$1" | sort
}
crowd='100\.6[4-7]\.'

# FIRST: newcomers from this address on, each with one initiation
initiate() {
	inside client /usr/bin/python3 selftests/lib/initiations.py uplink "$wan" "$1" $number 198.51.100.1 $port "$key" $newcomers $come
}
come=12 number=$((12 * newcomers)) # seconds in which newcomers begin, and their number

# NAME FIRST COMMAND...: the command floods until it is killed
beside() {
	local flooding first second before took at
	before=$(shown get services.many.original.received) at=$(elapsed)
	start client "${@:3}" > "$work/flood"
	flooding=$!
	sleep 2
	initiate "$2" > "$work/first" &
	first=$!
	sleep 5
	[[ ! ${BREAK:-} ]] || wgxdp flow del --client 100.64.0.1
	initiate "$2" > "$work/second" &
	second=$!
	wait $first $second
	sleep 1
	kill $flooding
	wait $flooding || :
	took=$(awk "BEGIN {print $(elapsed) - $at}")
	expect "$1: seconds" "${took%.*}" '>=' $seconds
	say "$1: $(awk "BEGIN {print int(($(shown get services.many.original.received) - $before) / $took)}") packets received a second"
	flows "$crowd" > "$work/after"
	expect "$1: of $clients clients, flows or ports lost" "$(comm -23 "$work/before" "$work/after" | wc -l)" == 0
	expect "$1: newcomers that got in" "$(flows "${2%.*.*}" | wc -l)" == $number
}

network
start_listener wg-end listener -e 192.168.1.10:$port
key=$(wg genkey | wg pubkey)
configuration > "$work/wgxdp.yaml"
wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
wan=$(mac firewall wan)
inside client "$udptool" ask -W -s 100 -n $clients -c $clients -r 8000 -w 3000 100.64.0.1:4000 198.51.100.1:$port > "$work/asked"
flows "$crowd" > "$work/before"
expect 'clients with a flow' "$(wc -l < "$work/before")" == $clients
count_arrivals wg-end flood "ip saddr 192.168.1.0/24 udp dport $port udp length 72" # the backend answers none of the flood
inside wg-end nft add rule inet seen arrivals udp dport $port udp length 72 drop

beside 'messages like data' 100.80.0.1 "$udptool" send -a -W -s 64 -n 100000000 uplink "$wan" 10.0.0.0:1 198.51.100.1:$port
beside 'forged initiations' 100.81.0.1 "$build/selftests/flood" uplink "$wan" 10.0.0.1 198.51.100.1 $port
expect_sums
