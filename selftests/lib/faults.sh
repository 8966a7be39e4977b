# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A host that does everything that one instance can do (a firewall and a relay), its traffic, and checks of what it
# leaves behind. Source lib.sh first.
#
#     client uplink ------ wan firewall lan ----- eth wg-end
#                              |    \\____ site-a, site-b: eth0
#                              wgf (a tunnel)
#
#     stream     from, to                                   by
#     four       client, 198.51.100.1:51820 → wg-end        dnat, lists
#     six        client, [2001:db8:1::1]:51820 → wg-end     dnat
#     guarded    client, 198.51.100.1:51821 → wg-end        a guard, data
#     nat64      client, 198.51.100.1:51823 → wg-end        a flow, from IPv4 to IPv6
#     sites      site-a → site-b                            the relay
# shellcheck disable=SC2034,SC2154 # who sources this has some, and takes others
faultrun=$build/selftests/faultrun
streams=(four six guarded nat64 sites)
overlay=fd12:3456:789a
a_key=$(wg genkey | wg pubkey) b_key=$(wg genkey | wg pubkey) c_key=$(wg genkey | wg pubkey)
wgf=wgf$$ # wireguard-go's sockets belong to no namespace

everything_network() { # [tunnel]: adds a tunnel whose peers wgxdp follows
	local s n=0
	firewall_network
	namespaces site-a site-b
	for s in a b; do
		cable firewall "to-$s" "site-$s" eth0
		takes_xdp "site-$s" eth0
		addresses firewall "to-$s" "fd12:3456:7898:$((++n))::1/64"
		addresses "site-$s" eth0 "fd12:3456:7898:$n::2/64" "$overlay:$s::10/128"
		inside firewall ip route add "$overlay:$s::/64" via "fd12:3456:7898:$n::2"
		inside "site-$s" ip route add "$overlay::/48" via "fd12:3456:7898:$n::1" src "$overlay:$s::10"
	done
	for s in client wg-end site-a site-b; do inside $s sysctl -qw net.ipv6.icmp.ratelimit=0; done
	quiet client wg-end site-a site-b
	for s in client wg-end site-a site-b; do inside $s nft add rule inet quiet output icmpv6 type destination-unreachable drop; done
	count_arrivals wg-end four "ip daddr 192.168.1.10 udp dport $port"
	count_arrivals wg-end six "ip6 daddr 2001:db8:2::10 udp dport $port"
	count_arrivals wg-end guarded 'ip daddr 192.168.1.10 udp dport 51821'
	count_arrivals wg-end nat64 'ip6 daddr 2001:db8:2::10 udp dport 51823'
	count_arrivals site-b sites 'udp dport 58001'
	[[ ! ${1:-} ]] || a_tunnel
	wan_mac=$(mac firewall wan) site_mac=$(mac firewall to-a)
}
a_tunnel() {
	choose_wireguard
	tunnel firewall "$wgf" fd12:3456:7899::1/128 51999
	inside firewall wg set "$wgf" peer "$c_key" allowed-ips "$overlay:c::/64" endpoint 198.51.100.7:51999
	inside firewall ip route add "$overlay:c::/64" dev "$wgf"
}

# One file with all features. changed: another backend port, other interfaces, ports, lists and prefixes
everything() { # [changed]
	local other=${1:+1}
	cat <<- YAML
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - name: stays
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: $port }
		    ipv6: dnat
		    deny: [ 192.0.2.0/24, "2001:db8:bad::/48"${other:+, 203.0.113.0/24} ]
		  - name: guarded
		    listen: { interface: wan, ports: [ 51821${other:+, 51921} ] }
		    backend: { ipv4: 192.168.1.10, port: 51821, standby: { ipv4: 192.168.1.11 } }
		    wireguard: { public-key: "$a_key", challenge: { above: ${other:-2}000/s }, handshakes: { per-source: 2${other}0/s } }
		  - name: many
		    listen: { interface: wan, ports: [ 51822 ] }
		    nat: masquerade
		    flows: { max: ${other:-2}000, source: [ 192.168.1.1 ], ports: 20000-29999 }
		    backends:
		      - { name: alpha, ipv4: 192.168.1.10, port: 51824, public-key: "$a_key" }
		      - { name: beta, ipv4: 192.168.1.10, port: 5182${other:-6}, public-key: "$b_key", standby: { ipv4: 192.168.1.11 } }
		  - name: nat64
		    listen: { interface: wan, ports: [ 51823 ] }
		    backend: { ipv6: "2001:db8:2::10", port: 51823 }
		    nat: masquerade
		    flows: { max: 1000 }
		  - name: through
		    listen: { interface: wan }
		    backend: { ipv4: 192.168.1.10, port: 5183${other:-0} }
		    nat: none
		peers:
		  - { name: site-a, device: to-a, prefixes: [ "$overlay:a::/64" ] }
		  - { name: site-b, device: to-b, prefixes: [ "$overlay:b::/64", "$overlay:b${other:-2}0::/64" ] }
		follow: { wireguard: [ $wgf ] }
		policy: { overlay: "$overlay::/48", udp-ports: [ 58000-58999${other:+, 443} ] }
		endpoints: [ { interface: $wgf, peer: "$c_key", host: 198.51.100.7, port: 51999 } ]
		learn: [ { interface: $wgf, peer: "$c_key", knock: { port: 19000 } } ]
		ddns: { interface: wan, names: [ a.example.net ], provider: { exec: [ /bin/true ] } }
		exporter: { listen: [ "127.0.0.1:9851" ] }
	YAML
}

# Sends N packets of each stream in the background; streams_end compares.
streams_begin() { # N RATE
	local s
	declare -gA stream_from=() stream_pid=()
	for s in "${streams[@]}"; do stream_from[$s]=$(stream_arrived "$s"); done
	stream_n=$1
	for s in "${streams[@]}"; do
		# shellcheck disable=SC2046
		start $(stream_says "$s" "$1" "$2") > "$work/stream-$s"
		stream_pid[$s]=$!
	done
}
stream_arrived() { if [[ $1 == sites ]]; then arrived site-b sites; else arrived wg-end "$1"; fi; }
stream_says() { # STREAM N RATE
	local send="$udptool send -n $2 -r $3"
	case $1 in
	four) echo client "$send" -c 50 uplink "$wan_mac" 198.51.100.7:4000 "198.51.100.1:$port" ;;
	six) echo client "$send" uplink "$wan_mac" '[2001:db8:1::7]:4000' "[2001:db8:1::1]:$port" ;;
	guarded) echo client "$send" -W uplink "$wan_mac" 198.51.100.7:4001 198.51.100.1:51821 ;;
	nat64) echo client "$send" uplink "$wan_mac" 198.51.100.7:4002 198.51.100.1:51823 ;;
	sites) echo site-a "$send" eth0 "$site_mac" "[$overlay:a::10]:58001" "[$overlay:b::10]:58001" ;;
	esac
}

# WHAT: no stream lost a packet
streams_end() {
	local s
	for s in "${streams[@]}"; do wait "${stream_pid[$s]}" || fail "$1: the sender of $s"; done
	for s in "${streams[@]}"; do
		expect "$1: lost of $stream_n, $s" $((stream_n - $(stream_arrived "$s") + ${stream_from[$s]})) == 0
	done
}
streaming() { kill -0 "${stream_pid[four]}" 2> /dev/null; }
