#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The express path carries nearly all packets, and 100 ms after any change of host or configuration none takes the old
# route. At 8,000 packets/s (twice $RATE), nearly all packets of both services use it in both directions, and all are
# counted. Then the configuration or the host changes, again and again, under 2,000 packets/s: no packet takes the old
# route any more (lib/express.sh). Packets are counted where they arrive, in wg-end and in the client. BREAK=1 stops
# the daemon while the host changes.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall lan .1 -- 192.168.1.0/24 -- .10, .11 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/express.sh"

rate=${RATE:-4000} # packets a second of each of the two services, and a quarter of this during the changes
config() { # BACKEND [MORE-OF-THE-SERVICE [MORE]]
	cat > "$work/wgxdp.yaml" <<- EOF
		services:
		  - { name: plain, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: $1, port: $port }${2:-} }
		  - { name: masked, listen: { interface: wan, ports: [ 443 ] }, backend: { ipv4: $1, port: 4500 }, nat: masquerade${2:-} }
		${3:-}
	EOF
}
reload() {
	config "$@"
	wgxdp reload -c "$work/wgxdp.yaml" > /dev/null 2> "$work/errors" || fail "reload: $(< "$work/errors")"
}
sends() { # TENTHS of a second: both services at once, from one port each
	local n=$(($1 * rate / 10))
	inside client "$udptool" send -n "$n" -r "$rate" uplink "$wan_mac" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null &
	local other=$!
	inside client "$udptool" send -n "$n" -r "$rate" uplink "$wan_mac" 198.51.100.7:4001 198.51.100.1:443 > /dev/null
	wait $other
}

firewall_network
wan_mac=$(mac firewall wan)
addresses wg-end eth 192.168.1.11/24
quiet wg-end client
count_arrivals wg-end ten "ip daddr 192.168.1.10 udp dport { $port, 4500 }"
count_arrivals wg-end eleven "ip daddr 192.168.1.11 udp dport { $port, 4500 }"
count_arrivals wg-end as_client "ip daddr 192.168.1.10 ip saddr 198.51.100.7 udp dport $port"
count_arrivals client back 'ip saddr 198.51.100.1 udp dport { 4000, 4001 }'
config 192.168.1.10
start_daemon -c "$work/wgxdp.yaml"

# ---- the express path is used, and counts

start_listener wg-end plain -e "192.168.1.10:$port"
start_listener wg-end masked -e 192.168.1.10:4500 # a flow is remembered once it is answered
sends 10
before=$(hits) arrived=$(arrived wg-end ten) back=$(arrived client back)
sends 10
expect 'originals that arrived' $(($(arrived wg-end ten) - arrived)) == $((2 * rate))
all_back() { (($(arrived client back) - back >= 2 * rate)); }
wait_for 5 'all answers' all_back
expect 'share of the express path in both directions, in percent' $((($(hits) - before) * 100 / (4 * rate))) '>=' 95
expect 'packets counted to the flow' "$(wgxdp show flows --json |
	"$build/selftests/shown" get flows.0.original.packets flows.0.reply.packets)" == "$((2 * rate)) $((2 * rate))"
expect_sums

# ---- changes take effect

seen=(wg-end ten) # namespace and counter of packets on the old route
goes_old_way() { # and back
	local n back
	n=$(arrived wg-end ten) back=$(arrived client back)
	nap 0.1
	(($(arrived wg-end ten) - n >= rate / 10 && $(arrived client back) - back >= rate / 10))
}
back() { # COMMAND...: undoes the change; the entries are learned again
	"$@"
	reload 192.168.1.10
	wait_for 10 'the old way again' goes_old_way
}
host() { inside firewall "$@"; }
edited() { # SED-COMMAND: edits the configuration
	config 192.168.1.10
	sed -i "$1" "$work/wgxdp.yaml"
	wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
}
rule() { # add|del
	host ip rule "$1" to 192.168.1.10 table 77
	host ip route "$1" blackhole default table 77
}
rate=$((rate / 4)) senders=()
for to in "4000 $port" '4001 443'; do
	start client "$udptool" send -n 1000000 -r $rate uplink "$wan_mac" "198.51.100.7:${to% *}" "198.51.100.1:${to#* }" > /dev/null
	senders+=($!)
done

further_changes() {
	changes 'a client that is denied' reload 192.168.1.10 ', deny: [ 198.51.100.7 ]'
	back true
	changes 'a guard' reload 192.168.1.10 ", wireguard: { public-key: \"$(wg genkey | wg pubkey)\" }"
	back true
	changes 'other ports of the listeners' edited "s/ports: \[ $port \]/ports: [ 7 ]/; s/ports: \[ 443 \]/ports: [ 8 ]/"
	back true
	changes 'other ports of the backend' edited "s/port: $port }/port: 7 }/; s/port: 4500 }/port: 8 }/"
	back true
	changes 'another interface' edited 's/interface: wan/interface: lan/'
	back true
	changes 'only some clients' reload 192.168.1.10 ', allow: [ 203.0.113.0/24 ]'
	back true
	seen=(wg-end as_client)
	changes 'another NAT' edited "s/port: $port }/&, nat: masquerade/"
	back true
	seen=(wg-end ten)
	changes 'no forwarding' host sysctl -qw net.ipv4.conf.all.forwarding=0
	back host sysctl -qw net.ipv4.conf.all.forwarding=1
	changes 'a source that is elsewhere' host ip route add 198.51.100.7 dev lan
	back host ip route del 198.51.100.7 dev lan
	seen=(client back)
	changes 'a route of the answers' host ip route add blackhole 198.51.100.7
	back host ip route del blackhole 198.51.100.7
	changes "the client's MAC" host ip neighbour replace 198.51.100.7 dev wan lladdr 02:00:00:00:00:99 nud permanent
	back host ip neighbour replace 198.51.100.7 dev wan lladdr "$(mac client uplink)" nud reachable
	changes 'a rule of the answers' host ip rule add from 198.51.100.1 blackhole
	back host ip rule del from 198.51.100.1 blackhole
	seen=(wg-end ten)
	changes "our own MAC" host ip link set wan address 02:00:00:00:00:77
	back host ip link set wan address "$wan_mac"
	changes 'an address' host ip address del 198.51.100.1/24 dev wan
	back host ip address add 198.51.100.1/24 dev wan
	changes 'a link that is down' host ip link set lan down
	back host ip link set lan up
}

changes 'another backend' reload 192.168.1.11
back true
changes 'a rule' rule add
back rule del
changes 'a route' host ip route add blackhole 192.168.1.10
back host ip route del blackhole 192.168.1.10
changes "a neighbour's MAC" host ip neighbour replace 192.168.1.10 dev lan lladdr 02:00:00:00:00:99 nud permanent
back host ip neighbour replace 192.168.1.10 dev lan lladdr "$(mac wg-end eth)" nud reachable
seen=(client back)
changes 'answers of another backend' reload 192.168.1.11
back true
seen=(wg-end ten)
[[ ${WGXDP_TIER:-} == core ]] || further_changes
kill "${senders[@]}"

# ---- a flow that a command ends: the answers, which the express path sent
reload 192.168.1.10
sends 1
ours=$(wgxdp show flows --json | "$build/selftests/shown" get flows.0.ours)
start wg-end "$udptool" send -n 1000000 -r $rate eth "$(mac firewall lan)" 192.168.1.10:4500 "$ours" > /dev/null
answers=$!
nap 0.3
before=$(hits)
nap 0.1
expect 'answers by the express path' $(($(hits) - before)) '>=' $((rate / 20))
seen=(client back)
changes 'a flow that is deleted' wgxdp flow del --all
kill "$answers"

# ---- without it
echo 'express: off' >> "$work/wgxdp.yaml"
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
arrived=$(arrived wg-end ten)
sends 2
expect 'off: packets that arrived' $(($(arrived wg-end ten) - arrived)) == $((2 * rate / 5))
expect 'off: it says so' "$(wgxdp show --json | grep -c '"express"')" == 0
expect_sums
end_daemon
