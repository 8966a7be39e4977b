#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The rates of services, clients, peers and pairs of peers are kept within 10 % over a second, in both directions.
# They are of bits and of packets: by the express path, by the pipeline alone, by tc alone, and with flows. The rates
# are for a service, for clients, for peers of a relay, and for a pair of peers. A limit is kept within 10 % over a
# second, and `show` counts the rest. A reload changes a limit, and removes it: then nothing is lost. The rate of a
# service limits no peer, that of some clients no other client, and that of a pair no other direction. With BREAK=1
# the file says a rate that is 20 % higher.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
#     a eth ---- la relay lb ---- eth b
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

firewall_network
wan_mac=$(mac firewall wan) lan_mac=$(mac firewall lan)
counts() { # NAMESPACE PORTS: counts these packets, and drops them
	count_arrivals "$1" came "udp dport { $2 }"
	inside "$1" nft add rule inet seen arrivals udp dport "{ $2 }" drop
}
for end in client wg-end; do counts $end "5000, $port"; done
more() { echo $(($1 * (${BREAK:+2} + 10) / 10)); }

configure() { # NAT RATES [SUBJECT]
	cat > "$work/wgxdp.yaml" <<- YAML
		interfaces: [ { name: wan, role: wan } ]
		services:
		  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port }, nat: $1 }
	YAML
	[[ ! $2 ]] || echo "rates: [ { ${3:-service: wg-end}, $2 } ]" >> "$work/wgxdp.yaml"
}
clients='clients: [ 198.51.100.0/28, "2001:db8:1::/64" ]'
to_wg_end() { # PACKETS-PER-SECOND
	start client "$udptool" send -s 972 -r "$1" -n $((4 * $1)) uplink "$wan_mac" 198.51.100.7:5000 \
		198.51.100.1:"$port" > /dev/null
	sender=$!
}
to_client() { # PACKETS-PER-SECOND
	start wg-end "$udptool" send -s 972 -r "$1" -n $((4 * $1)) eth "$lan_mac" 192.168.1.10:"$port" \
		198.51.100.7:5000 > /dev/null
	sender=$!
}

# The sender sends 2000 packets of 1000 bytes a second. On a busy machine it may pause, so the best of five seconds counts
# for the lower limit. Reading a counter takes time, so each limit gets the duration that is in its favour.
keeps() { # WHAT SENDER ARRIVES-AT PACKETS-A-SECOND
	local began read from again ended to most least try
	for try in {1..5}; do
		"$2" 2000
		nap 0.3
		clock && began=$centis
		from=$(arrived "$3" came)
		clock && read=$centis
		nap 1
		clock && again=$centis
		to=$(arrived "$3" came)
		clock && ended=$centis
		stop "$sender"
		most=$(((to - from) * 100000 / (again - read) / $4))
		least=$(((to - from) * 100000 / (ended - began) / $4))
		expect "$1: thousandths of the rate" "$least" '<=' 1100
		((most < 900)) || break
	done
	expect "$1: thousandths of the rate, in try $try" "$most" '>=' 900
}

for way in express pipeline tc; do
	case $way in
	express) options=() ;;
	pipeline) options=(--express off) ;;
	tc) options=(--mode tc) ;;
	esac
	configure dnat "from: $(more 8000) kbit/s, to: $(more 500) packets/s"
	wgxdp up -c "$work/wgxdp.yaml" "${options[@]}" > /dev/null
	keeps "$way, originals" to_wg_end wg-end 1000
	keeps "$way, replies" to_client client 500
	wgxdp show > "$work/show"
	grep -q rate_limited "$work/show" || fail "show has no rate_limited: $(< "$work/show")"
	grep -q "$(more 500) packets/s" "$work/show" || fail "show has no rate: $(< "$work/show")"
	configure dnat "from: $(more 8000) kbit/s, to: $(more 500) packets/s" "$clients"
	wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
	keeps "$way, originals of clients" to_wg_end wg-end 1000
	keeps "$way, replies to clients" to_client client 500
	wgxdp show > "$work/show"
	grep -q '198.51.100.0/28' "$work/show" || fail "show does not name the clients: $(< "$work/show")"
	wgxdp down > /dev/null
done

configure dnat "from: 8 kbit/s, to: 8 kbit/s" 'clients: 198.51.100.8/29'
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
all_pass() { # TEXT
	before=$(arrived wg-end came)
	start client "$udptool" send -s 972 -r 4000 -n 4000 uplink "$wan_mac" 198.51.100.7:5000 198.51.100.1:"$port" > /dev/null
	wait $!
	wait_for 3 "$1" all_came
}
all_came() { (($(arrived wg-end came) - before == 4000)); }
all_pass 'all packets of a client outside the prefix'
configure masquerade "from: $(more 8000) kbit/s" "$clients"
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
keeps 'masquerade, originals of clients' to_wg_end wg-end 1000
wgxdp down > /dev/null

configure masquerade "from: $(more 8000) kbit/s"
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
keeps 'masquerade' to_wg_end wg-end 1000
configure masquerade "from: $(more 12000) kbit/s"
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
keeps 'after a reload' to_wg_end wg-end 1500
configure masquerade ''
wgxdp reload -c "$work/wgxdp.yaml" > /dev/null
all_pass 'all packets, without a limit'
wgxdp down > /dev/null

# A relay: site a may send 8 Mbit/s, and site b gets 500 packets/s
on=relay overlay=fd12:3456:789a
namespaces a b relay
routers relay
sites_on_nics a b
la_mac=$(mac relay la)
counts b 58001
between() { # PACKETS-PER-SECOND
	start a "$udptool" send -s 952 -r "$1" -n $((4 * $1)) eth "$la_mac" "[$overlay:a::10]:40000" \
		"[$overlay:b::10]:58001" > /dev/null
	sender=$!
}
relay() { # RATES COMMAND
	cat > "$work/relay.yaml" <<- YAML
		interfaces: [ { name: la, role: lan } ]
		services:
		  - { name: one, listen: { interface: la, ports: [ 1 ] }, backend: { ipv6: "$overlay:b::10", port: 1 }, ipv6: dnat }
		  - { name: two, listen: { interface: la, ports: [ 2 ] }, backend: { ipv6: "$overlay:b::10", port: 2 }, ipv6: dnat }
		peers:
		  - { name: site-a, device: la, prefixes: [ "$overlay:a::/64" ] }
		  - { name: site-b, device: lb, prefixes: [ "$overlay:b::/64" ] }
		policy: { overlay: "$overlay::/48", udp-ports: [ 58000-60000 ] }
		rates: [ $1 ]
	YAML
	wgxdp "$2" -c "$work/relay.yaml" > /dev/null
}
# Only a service has a rate: the peers, whose ids are the services', have none
relay '{ service: two, from: 8 kbit/s, to: 8 kbit/s }' up
before=$(arrived b came)
start a "$udptool" send -s 952 -r 4000 -n 4000 eth "$la_mac" "[$overlay:a::10]:40000" "[$overlay:b::10]:58001" > /dev/null
wait $!
all_between() { (($(arrived b came) - before == 4000)); }
wait_for 3 'all packets between peers without a rate' all_between
relay "{ peer: site-a, from: $(more 8000) kbit/s }" reload
keeps 'from a peer' between b 1000
relay "{ peer: site-b, to: $(more 500) packets/s }" reload
keeps 'to a peer' between b 500
relay "{ pair: [ site-b, site-a ], to: $(more 500) packets/s }" reload
keeps 'between two peers' between b 500
wgxdp show > "$work/show"
grep -q 'site-b.*site-a' "$work/show" || fail "show does not name the pair: $(< "$work/show")"
relay "{ pair: [ site-a, site-b ], to: 8 kbit/s }" reload
before=$(arrived b came)
start a "$udptool" send -s 952 -r 4000 -n 4000 eth "$la_mac" "[$overlay:a::10]:40000" "[$overlay:b::10]:58001" > /dev/null
wait $!
wait_for 3 'all packets in the other direction' all_between
relay "{ pair: [ site-a, site-b ], from: $(more 8000) kbit/s }" reload
keeps 'from the first peer of a pair' between b 1000
wgxdp show drops | holds rate_limited || fail 'show drops has no rate_limited'
