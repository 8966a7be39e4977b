#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm
# The rules that `gen nft` makes load, also twice, handle UDP as the configuration says, and leave tables of other
# programs alone. The cases: dnat of both families, IPv6 directly, masquerade with its ports, nat: none, denied
# clients, hairpin, names. Features that nftables cannot express are reported. wgxdp itself is not up. nft also
# accepts every wgxdp.nft of `gen hosts`, and a firewall's lets in the right packets. BREAK=1 sends translated packets
# to another host.
#
#     client .7, .8 -- 198.51.100.0/24 -- .1 wan firewall .1 br-lan -- 192.168.1.0/24 ----- .10 wg-end
#            ::7       2001:db8:1::/64           `- bridge             2001:db8:2::/64  `-- .20 pc
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

number=0
build_network() {
	local end
	namespaces client firewall wg-end pc
	routers firewall
	cable client uplink firewall wan
	inside firewall ip link add name br-lan type bridge
	inside firewall ip link set br-lan up
	inside firewall sysctl -qw net.bridge.bridge-nf-call-iptables=0 2> /dev/null || : # if br_netfilter is loaded
	for end in wg-end pc; do
		cable firewall "to-$end" $end eth
		inside firewall ip link set "to-$end" master br-lan
		addresses $end eth 192.168.1.$((++number * 10))/24 2001:db8:2::$((number * 10))/64
		gateways $end 192.168.1.1 2001:db8:2::1
	done
	addresses client uplink 198.51.100.7/24 198.51.100.8/24 2001:db8:1::7/64
	addresses firewall wan 198.51.100.1/24 2001:db8:1::1/64
	addresses firewall br-lan 192.168.1.1/24 2001:db8:2::1/64
	gateways client 198.51.100.1 2001:db8:1::1
	start_listener wg-end received4 -e "192.168.1.10:$port"
	start_listener wg-end received6 -e "[2001:db8:2::10]:$port"
	quiet wg-end
	count_arrivals wg-end client "udp dport $port ip saddr 198.51.100.0/24"
	count_arrivals wg-end client "udp dport $port ip6 saddr 2001:db8:1::7"
	count_arrivals wg-end firewall "udp dport $port ip saddr 192.168.1.1 udp sport 30000-30099"
	count_arrivals wg-end firewall "udp dport $port ip6 saddr 2001:db8:2::1 udp sport 30000-30099"
}

configuration() {
	cat <<- EOF
		interfaces: [ { name: wan, role: wan }, { name: br-lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port, 443 ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    deny: [ 198.51.100.8 ]
		    hairpin: true
		    flows: { ports: 30000-30099 }
		  - name: static
		    listen: { addresses: [ 198.51.100.1, "2001:db8:1::1" ], ports: [ 1000-1010 ] }
		    backend: { ipv4: 192.168.1.10, ipv6: wg-end.example.net, port: $port }
		    ipv6: dnat
		  - name: hidden
		    listen: { interface: wan, ports: [ 2000 ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    nat: masquerade
		    flows: { ports: 30000-30099 }
		  - name: nat64
		    listen: { interface: wan, ports: [ 3000 ] }
		    backend: { ipv6: "2001:db8:2::10", port: $port }
		    nat: masquerade
		  - name: plain
		    backend: { ipv4: 192.168.1.20, port: $port }
		    nat: none
		    allow: [ 198.51.100.8 ]
	EOF
}

rules() { inside firewall "$wgxdp" "$@" > "$work/rules" 2> "$work/warnings"; }

asked=4000
# HOW-MANY NAMESPACE FROM ADDRESS PORT: so many of ten questions are answered, from their destination
ask() {
	inside "$2" "$udptool" ask -n 10 -r 10000 -w $(($1 ? 2000 : 200)) "$3:$((++asked))" "$4:$5" > "$work/asked" 2> /dev/null || :
	expect "answers to $3 of $4 port $5" "$(said asked answered)" == "$1"
}

from_outside() {
	local before
	before=$(arrived wg-end client)
	ask 10 client 198.51.100.7 198.51.100.1 $port
	ask 10 client 198.51.100.7 198.51.100.1 443
	ask 10 client '[2001:db8:1::7]' '[2001:db8:2::10]' $port
	ask 10 client 198.51.100.8 198.51.100.1 1005
	ask 10 client '[2001:db8:1::7]' '[2001:db8:1::1]' 1010
	expect 'came as themselves' $(($(arrived wg-end client) - before)) == 50
	before=$(arrived wg-end firewall)
	ask 10 client 198.51.100.7 198.51.100.1 2000
	ask 10 client '[2001:db8:1::7]' '[2001:db8:1::1]' 2000
	expect 'came as the firewall, by its ports' $(($(arrived wg-end firewall) - before)) == 20
	ask 10 client '[2001:db8:1::7]' '[2001:db8:1::1]' 3000
	ask 0 client 198.51.100.7 198.51.100.1 3000
	ask 0 client 198.51.100.8 198.51.100.1 $port # denied
	ask 0 client 198.51.100.7 198.51.100.1 999
	ask 0 client 198.51.100.7 192.168.1.1 $port # an address of another interface
}

from_inside() {
	local before
	before=$(arrived wg-end firewall)
	ask 10 pc 192.168.1.20 198.51.100.1 $port
	expect 'came from the LAN as the firewall' $(($(arrived wg-end firewall) - before)) == 10
	ask 0 pc 192.168.1.20 198.51.100.1 1005 # this service has no hairpin
	ask 0 pc 192.168.1.20 192.168.1.1 $port
}

without_translation() {
	start_listener pc received-pc -e "192.168.1.20:$port"
	start_listener pc received-pc6 -e "[2001:db8:2::20]:$port"
	ask 10 client '[2001:db8:1::7]' '[2001:db8:2::20]' $port # no service: the host's own rules decide
	ask 10 client 198.51.100.8 192.168.1.20 $port
	ask 0 client 198.51.100.7 192.168.1.20 $port # not allowed
}

is_in() { grep -qF -- "$2" "$work/$1" || fail "'$2' is not in: $(< "$work/$1")"; } # FILE TEXT

# Hosts of kinds that the examples lack
topology() {
	cat <<- EOF
		domain: example.net
		tcp-ports: [ 22, 443 ]
		relays:
		  - { name: relay, interface: eth0, addresses: [ 198.51.100.1 ], blind: true }
		sites:
		  - { name: a, edges: [ { name: edge, wan: wan, lan: lan } ] }
		gateways:
		  - name: vps
		    interface: eth0
		    addresses: [ 203.0.113.1, "2001:db8:0:1::1" ]
		    networks: [ 10.200.200.0/24, "fd42:42:42::/64", "2001:db8:abcd:1234::/64" ]
		    exit: { ipv4: 203.0.113.1, ipv6: masquerade, inbound: open }
		    clients: [ { name: foo, ipv6: direct }, { name: bar, ipv6: nat } ]
		    roaming: [ { name: r1, wan: wan, lan: br-lan, prefix: "2001:db8:abcd:5::/64" } ]
		  - { name: wg-end, interface: eth0, networks: [ 10.1.1.0/24 ] }
		firewalls:
		  - { name: firewall, wan: wan, lan: br-lan, serves: wg-end, nat: dnat, lan-address: 192.168.1.1, backend: [ 192.168.1.10, "2001:db8:2::10" ] }
	EOF
}

comes_in() { # NAMESPACE ADDRESS PORT: yes or no
	local listener
	start firewall timeout 20 socat "TCP4-LISTEN:$3,reuseaddr,fork" /dev/null
	listener=$!
	wait_for 5 'socat listens' tcp_listens firewall "$3"
	inside "$1" socat -u /dev/null "TCP4:$2:$3,connect-timeout=2" 2> /dev/null && echo yes || echo no
	kill $listener
	wait $listener || :
}

# The firewall's own prefix may change, so it has no fixed address
generated() {
	local topology file n=0
	topology > "$work/topology.yaml"
	for topology in "$work/topology.yaml" docs/examples/topology/*.yaml; do
		"$wgxdp" gen hosts "$topology" -o "$work/hosts-$((++n))" > /dev/null
		for file in "$work/hosts-$n"/*/etc/nftables.d/wgxdp.nft; do
			[[ -e $file ]] || continue # a host without rules
			[[ $(head -n 1 "$file") == '#!/usr/sbin/nft -f' ]] || fail "$file: no line for nft at its head"
			! grep -q flush "$file" || fail "$file: takes away rules of others"
			inside pc nft -c -f "$file"
		done
	done
	expect 'hosts with rules' "$(find "$work"/hosts-1/*/etc/nftables.d/wgxdp.nft | sed -E 's,.*/([^/]*)/etc.*,\1,' | sort | tr '\n' ' ')" == 'edge firewall r1 relay vps '
	inside firewall nft delete table inet wgxdp
	inside firewall nft -f "$work/hosts-1/firewall/etc/nftables.d/wgxdp.nft"
	ask 10 client '[2001:db8:1::7]' '[2001:db8:2::10]' $port
	ask 0 client '[2001:db8:1::7]' '[2001:db8:2::20]' $port # another host listens there
	inside pc ping -q -c 1 -W 5 2001:db8:1::7 > /dev/null || fail 'the LAN does not get out'
	inside client ping -q -c 1 -W 5 2001:db8:2::20 > /dev/null || fail 'no echo from the LAN'
	expect 'SSH from outside' "$(comes_in client 198.51.100.1 22)" == yes
	expect 'another port from outside' "$(comes_in client 198.51.100.1 8080)" == no
	expect 'another port from the LAN' "$(comes_in pc 192.168.1.1 8080)" == yes
	inside client ip route add blackhole 192.168.1.0/24
	inside pc ping -q -c 1 -W 5 198.51.100.7 > /dev/null || fail 'the LAN is not masqueraded'
}

build_network
configuration > "$work/wgxdp.yaml"
! rules gen nft -c "$work/wgxdp.yaml" || fail 'a name without an address is no error'
is_in warnings 'service static: backend wg-end.example.net has no IPv6 address'
[[ ! -s $work/rules ]] || fail "some of the rules are written all the same: $(< "$work/rules")"

mkdir -p "$STATE_DIRECTORY/default"
echo 'wg-end.example.net ipv6 2001:db8:2::10 1700000000 - 0' > "$STATE_DIRECTORY/default/names"
rules gen nft -c "$work/wgxdp.yaml"
is_in warnings 'warning: service nat64: nftables cannot do this: translate IPv4 to IPv6'
is_in rules 'nftables cannot do this, service nat64: translate IPv4 to IPv6'
is_in rules '# the address of wg-end.example.net is 2001:db8:2::10 now'
[[ ! ${BREAK:-} ]] || sed -i 's/dnat ip to 192.168.1.10/dnat ip to 192.168.1.20/' "$work/rules"

inside firewall nft add table inet other
inside firewall nft -c -f - < "$work/rules"
for _ in once again; do inside firewall nft -f - < "$work/rules"; done
inside firewall nft list ruleset > "$work/listed"
is_in listed 'table inet other'
expect 'rules that translate' "$(grep -c 'dnat ip' "$work/listed")" == "$(grep -c 'dnat ip' "$work/rules")"
inside firewall nft -c -f - < "$work/listed"
from_outside
from_inside
if inside firewall sysctl -qw net.bridge.bridge-nf-call-iptables=1 2> /dev/null; then # as with Docker
	from_inside
fi
without_translation

# gen nft names what the rules leave out
cat > "$work/left-out.yaml" << EOF
interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
services:
  - name: wg-end
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv4: 192.168.1.10, port: $port }
    deny: [ { file: $work/denied } ]
rates: [ { service: wg-end, to: 1 Mbit/s } ]
EOF
rules gen nft -c "$work/left-out.yaml"
for left in 'rates: the rules limit no' "service wg-end: nftables cannot do this: deny: the rules do not follow the list $work/denied"; do
	is_in warnings "$left"
done
is_in rules '# nftables cannot do this: rates:'

# another instance has a table of its own; nftables cannot do what a blind relay does
printf 'blind: { listen: { interface: wan, port: 51820 }, device: wgvpnr01 }\n' > "$work/blind.yaml"
rules --instance two gen nft -c "$work/blind.yaml"
is_in rules 'table inet wgxdp_two {'
is_in rules '# nftables cannot do this: blind:'
is_in warnings 'nftables cannot do this: blind:'
inside firewall nft -f - < "$work/rules"
inside firewall nft list ruleset > "$work/listed"
is_in listed 'table inet wgxdp {'
generated
say "ok $asked"
