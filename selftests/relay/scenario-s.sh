#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# vm
# A relay joins sites end to end, also with forwarding=0, and the host's nft sees none of their packets. Two sites are
# behind NATs (one is symmetric), one is on the internet with IPv6, and one on a cable of the relay. Their servers
# ping each other, connect to an allowed TCP port, have tunnels of their own through the relay, learn the path MTU and
# see its hops. The relay's nft counts and drops overlay packets, and gets none.
#
#     (a, b and c as in sites.sh)        peers of wgr-one: a (cone) and b (symmetric); of wgr-two: c
#     server-d .10 --- .1 edge-d ::d --- ::1 relay
#        eth0       lan        wan      cable
#
# BREAK=1 starts the policy's port range above the servers' port: then their tunnels must fail.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"

on=relay
size=4194304 # bytes of each transfer
sites=(a b c d)

edge_rules() { # SITE DEVICE: rules of an edge router towards its tunnel or cable
	inside "edge-$1" nft -f - <<- EOF_NFT
		define errors_and_nd = { echo-request, echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }
		table inet edge {
			chain c_input {
				type filter hook input priority filter; policy drop
				ct state established,related accept
				iif "lo" accept
				udp dport 33434-33474 reject
				udp dport $port accept
				icmpv6 type \$errors_and_nd accept
			}
			chain c_forward {
				type filter hook forward priority filter; policy drop
				meta nfproto ipv4 drop
				ct state vmap { invalid : drop, established : accept, related : accept }
				iifname lan oifname $2 ip6 daddr $overlay:$1::/64 reject with icmpv6 port-unreachable
				iifname lan oifname $2 ip6 daddr $overlay::/48 accept
				iifname $2 oifname lan ip6 daddr $overlay:$1::/64 accept
				reject with icmpv6 port-unreachable
			}
		}
	EOF_NFT
}

relay_rules() {
	inside relay nft -f - <<- EOF_NFT
		define errors_and_nd = { echo-request, echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }
		table inet relay {
			counter overlay { }
			chain c_input {
				type filter hook input priority filter; policy drop
				ct state established,related accept
				iif "lo" accept
				udp dport 33434-33474 reject
				udp dport { 51820, 51821 } accept
				icmp type { echo-request, echo-reply, destination-unreachable, time-exceeded } accept
				icmpv6 type \$errors_and_nd accept
			}
			chain c_forward {
				type filter hook forward priority filter; policy drop
				ip6 daddr $overlay::/48 counter name overlay drop
				ip6 saddr $overlay::/48 counter name overlay drop
			}
		}
	EOF_NFT
}

cable_site() { # SITE: a site on a cable of the relay
	cable "edge-$1" wan relay cable
	takes_xdp "edge-$1" wan
	addresses relay cable "$tunnels:d::1/64"
	addresses "edge-$1" wan "$tunnels:d::d/64"
	inside relay ip route add "$overlay:$1::/64" via "$tunnels:d::d"
	inside "edge-$1" ip route add "$overlay::/48" via "$tunnels:d::1" src "$overlay:$1::1"
}

configure() { # names the WireGuard peers; everything else about them comes from WireGuard
	local ports=58000-60000
	[[ ! ${BREAK:-} ]] || ports=58002-60000
	cat > "$work/wgxdp.yaml" <<- EOF_YAML
		peers:
		  - { name: site-a, device: wgr-one, public-key: "$(key wgr-a)" }
		  - { name: site-b, device: wgr-one, public-key: "$(key wgr-b)" }
		  - { name: site-c, device: wgr-two, public-key: "$(key wgr-c)" }
		  - { name: site-d, device: cable, prefixes: [ "$overlay:d::/64" ] }
		follow: { wireguard: [ wgr-one, wgr-two ] }
		policy: { overlay: "$overlay::/48", udp-ports: [ $ports ], tcp-ports: [ 2222 ] }
	EOF_YAML
}

build_network() {
	local s
	choose_wireguard
	internet
	for s in "${sites[@]}"; do site "$s"; done
	nat a 1 cone
	nat b 2 symmetric
	on_internet edge-c wan 2001:db8::c/64
	cable_site d
	routers relay
	relay_tunnel wgr-one 51820 $tunnels::1
	relay_tunnel wgr-two 51821 $tunnels::2
	edge_tunnel a wgr-one 198.51.100.1:51820
	edge_tunnel b wgr-one 198.51.100.1:51820
	edge_tunnel c wgr-two '[2001:db8::1]:51821'
	for s in a b c; do edge_rules $s wgr-$s; done
	edge_rules d wan
	relay_rules
}

# --- the questions

peer() { # PEER PATH: a value of show peers --json
	wgxdp show peers --json | /usr/bin/python3 -ISc 'import json, sys
for p in json.load(sys.stdin)["peers"]:
    if p["name"] == sys.argv[1]:
        for key in sys.argv[2].split("."):
            p = p[key]
        print(p)' "$@"
}

nft_given() { inside relay nft list counter inet relay overlay | awk '$1 == "packets" {print $2}'; }

# Initiations that cross can leave each end with a session that the other end lacks, until one of them retries after 15
# s (seen with wireguard-go on a busy machine). So one end of each pair begins.
begin_sessions() { # SITE...
	local s t
	for s; do
		for t; do
			[[ $s < $t ]] || continue
			inside "server-$s" ping -q -c 1 -W 20 "$mesh::$t" > "$work/begin" || fail "mesh: no session of $s with $t: $(< "$work/begin")"
		done
	done
}

pings() { # lan|mesh SIZE SITE...: all of these servers to all others at once
	local s t pids=() lost=0 n=0 to
	for s in "${@:3}"; do
		for t in "${@:3}"; do
			[[ $s != "$t" ]] || continue
			to=$mesh::$t
			[[ $1 == mesh ]] || to=$overlay:$t::10
			start "server-$s" ping -q -c 5 -i 0.2 -W 20 -s "$2" "$to" > "$work/ping-$s-$t"
			pids+=($!) n=$((n + 1))
		done
	done
	for s in "${pids[@]}"; do wait "$s" || lost=$((lost + 1)); done
	((!lost)) || fail "$1: $lost of $n servers unreached: $(grep 'packet loss' "$work"/ping-*)"
	rm "$work"/ping-*
	say "ok pings between servers ($1): $n, of 5 packets with $2 bytes each"
}

transfers() { # SITE-SITE...: a file each, at once, through the servers' tunnels
	local pair s t pids=() n=7000 from
	from=$(elapsed)
	for pair; do
		s=${pair%-*} t=${pair#*-} n=$((n + 1))
		start "server-$t" timeout 300 socat -u "TCP6-LISTEN:$n,reuseaddr" "CREATE:$work/got-$pair"
		pids+=($!)
		wait_for 5 'socat listens' tcp_listens "server-$t" $n
		start "server-$s" timeout 300 socat -u "OPEN:$work/file" "TCP6:[$mesh::$t]:$n"
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || fail "a transfer broke: $*"; done
	for pair; do
		cmp -s "$work/file" "$work/got-$pair" || fail "$pair: the file did not come whole"
		rm "$work/got-$pair"
	done
	say "ok $# transfers of $size bytes at once, $(awk "BEGIN {printf \"%.1f\", $size * $# * 8e-6 / ($(elapsed) - $from)}") Mbit/s: $*"
}

# A file to an allowed TCP port and back at once, between the servers themselves, while the relay reloads all the time
connects() { # FROM TO
	local reloads=0 client
	start "server-$2" timeout 60 socat TCP6-LISTEN:2222,reuseaddr EXEC:cat
	wait_for 5 'socat listens' tcp_listens "server-$2" 2222
	start "server-$1" timeout 60 bash -c "socat -t 20 - TCP6:[$overlay:$2::10]:2222 < $work/file > $work/back"
	client=$!
	while kill -0 "$client" 2> "$work/ended"; do
		inside relay "$wgxdp" reload -c "$work/wgxdp.yaml" > "$work/reload" || fail "reload: $(< "$work/reload")"
		reloads=$((reloads + 1))
	done
	wait "$client" || fail "TCP from $1 to $2, port 2222"
	cmp "$work/file" "$work/back" || fail "TCP from $1 to $2: another file came back"
	say "ok TCP from $1 to $2 and back, $size bytes, during $reloads reloads"
}

ask() { # FROM TO PORT NUMBER: prints how many were answered
	inside "server-$1" "$udptool" ask -n "$4" -r 500 -w 500 "[$overlay:$1::10]:40000" "[$overlay:$2::10]:$3" > "$work/asked"
	said asked answered
}

allowed_ports() { # FROM TO
	local edge listener
	for edge in 58000 60000; do
		start_listener "server-$2" "listener" -e "[$overlay:$2::10]:$edge"
		listener=$!
		expect "UDP $1 to $2, port $edge, answered" "$(ask "$1" "$2" $edge 200)" == 200
		stop $listener
	done
}

# Each gets an ICMP error from the relay's address on the link of arrival, and no packet arrives.
refused() { # FROM TO RELAY'S-ADDRESS
	local before
	! inside "server-$1" socat -u /dev/null "TCP6:[$overlay:$2::10]:22,connect-timeout=5" 2> "$work/tcp" || fail "TCP $1 to $2"
	grep -q 'Permission denied' "$work/tcp" || fail "TCP $1 to $2: $(< "$work/tcp")"
	before=$(arrived "server-$1" unreachable)
	ask "$1" "$2" 57999 1 > /dev/null
	ask "$1" "$2" 60001 1 > /dev/null
	ask "$1" f 58001 1 > /dev/null
	expect "refused from $1 to $2 and to an unused address, with an error from $3" $(($(arrived "server-$1" unreachable) - before)) == 3
	expect "packets that came to $2" "$(arrived "server-$2" refused)" == 0
}

watch_errors() {
	local s
	local -A from=([a]=$tunnels::1 [b]=$tunnels::1 [c]=$tunnels::2 [d]=$tunnels:d::1)
	for s in "${sites[@]}"; do
		count_arrivals "server-$s" unreachable icmpv6 type destination-unreachable icmpv6 code admin-prohibited \
			ip6 saddr "${from[$s]}"
		inside "server-$s" nft -f - <<- EOF_NFT
			add counter inet seen refused
			add rule inet seen arrivals udp dport { 57999, 60001 } counter name refused
			add rule inet seen arrivals tcp dport 22 counter name refused
		EOF_NFT
	done
}

trace() { # FROM TO OPTION...
	inside "server-$1" traceroute -6 -n -q 1 -N 1 -w 3 "${@:3}" "$overlay:$2::10" | awk 'NR > 1 {print $2}'
}

# FROM TO EXPECTED-HOP...: by UDP and by ICMP, with a run of traceroute for each hop. traceroute has one socket for all
# ICMP errors, and once in fifty runs it stops receiving: the kernel sets a socket's error after it queues the error
# message. A fast reader takes the message and then meets the error with an empty queue, for good.
hops() {
	local n
	expect "hops from $1 to $2, by UDP" "$(trace "$1" "$2" -p 58010 | xargs)" == "${*:3}"
	expect "hops from $1 to $2, by ICMP" "$(for ((n = 1; n <= $# - 2; n++)); do trace "$1" "$2" -I -f $n -m $n; done | xargs)" == "${*:3}"
}

mtu_of_way() { inside "server-$1" ip -6 route get "$overlay:$2::10" | grep -o 'mtu [0-9]*' | cut -d ' ' -f 2; } # FROM TO
wide() { inside "server-$1" ip -6 route flush cache; } # SITE: clears the path MTU that it learned
error_from() { grep -q "^From $2 icmp_seq=[0-9]* Packet too big: mtu=$3" "$work/$1"; } # FILE ADDRESS MTU
too_long() { # FROM TO MTU RELAY'S-ADDRESS
	inside "server-$1" ping -c 2 -i 0.2 -W 2 -M "do" -s $((1420 - 48)) "$overlay:$2::10" > "$work/too-long" 2>&1 || :
	error_from too-long "$4" "$3"
}

# The relay's link to one site becomes narrow: the others get an ICMP error with the MTU
narrow() { # FROM TO MTU RELAY'S-ADDRESS
	wait_for 5 "packet too big of $4, $3, from $1 to $2" too_long "$@"
	expect "MTU of the way from $1 to $2" "$(mtu_of_way "$1" "$2")" == "$3"
	inside "server-$1" ping -q -c 1 -W 5 -M "do" -s $(($3 - 48)) "$overlay:$2::10" > /dev/null || fail "$3 bytes do not pass from $1 to $2"
}

at_mtu() { # DEVICE MTU: at the relay
	inside relay ip link set "$1" mtu "$2"
	[[ $1 != cable ]] || inside edge-d ip link set wan mtu "$2"
}

path_mtu() {
	at_mtu wgr-two 1380
	narrow a c 1380 $tunnels::1
	inside server-a traceroute -6 -n -q 1 -N 1 -w 3 --mtu -p 58010 $overlay:c::10 > "$work/hops"
	expect 'MTUs that traceroute --mtu meets' "$(grep -o 'F=[0-9]*' "$work/hops" | xargs)" == 'F=1500 F=1420 F=1380'
	narrow d c 1380 $tunnels:d::1
	transfers a-c c-a # fragmented, from a
	at_mtu wgr-one 1400
	narrow b a 1400 $tunnels::1
	narrow c a 1400 $tunnels::2
	at_mtu cable 1390
	narrow a d 1390 $tunnels::1
	transfers a-b d-a a-d
	at_mtu wgr-two 1420
	at_mtu wgr-one 1420
	at_mtu cable 1500
	for s in "${sites[@]}"; do wide "$s"; done
}

# Like wg-quick down and up
tunnel_anew() { # DEVICE PORT SITE
	cp "$work/$1.key" "$work/former.key"
	inside relay ip link del "$1"
	relay_tunnel "$1" "$2" "${relay_end[$1]}"
	mv "$work/former.key" "$work/$1.key"
	inside relay wg set "$1" private-key "$work/$1.key" peer "$(key "wgr-$3")" allowed-ips "$overlay:$3::/64,$tunnels::$3/128"
	inside relay ip route add "$overlay:$3::/64" dev "$1"
	inside relay ip route add "$tunnels::$3" dev "$1"
}

reached() { inside "server-$1" ping -q -c 1 -W 1 "$overlay:$2::10"; } # FROM TO

seen_port() { endpoint_seen relay wgr-one "wgr-$1" | grep -o '[0-9]*$'; } # SITE: the port of its edge router
moved() { [[ $(seen_port b) != "$was" ]]; }

build_network
say "a network of sites, with $WGXDP_WG"
configure
start_daemon -c "$work/wgxdp.yaml"
pings lan 56 "${sites[@]}"
expect "port of edge a behind its NAT" "$(seen_port a)" == $port
expect "port of edge b behind its NAT" "$(seen_port b)" != $port
pings lan 3000 "${sites[@]}" # in fragments
server_tunnels "${sites[@]}"
begin_sessions "${sites[@]}"
pings mesh 56 "${sites[@]}"
head -c $size /dev/urandom > "$work/file"
transfers a-b b-a a-c c-a a-d d-a
expect 'bytes of a that were forwarded' "$(peer site-a rx.bytes)" '>' $((3 * size))
watch_errors
for pair in a-b a-c a-d c-a d-a; do allowed_ports ${pair%-*} ${pair#*-}; done
for pair in a-b b-a a-c a-d d-c; do connects ${pair%-*} ${pair#*-}; done
refused a b $tunnels::1
refused a c $tunnels::1
refused a d $tunnels::1
refused b a $tunnels::1
refused c a $tunnels::2
refused d a $tunnels:d::1
hops a b $overlay:a::1 $tunnels::1 $overlay:b::1 $overlay:b::10
hops a c $overlay:a::1 $tunnels::1 $overlay:c::1 $overlay:c::10
hops c b $overlay:c::1 $tunnels::2 $overlay:b::1 $overlay:b::10
hops a d $overlay:a::1 $tunnels::1 $overlay:d::1 $overlay:d::10
hops d c $overlay:d::1 $tunnels:d::1 $overlay:c::1 $overlay:c::10
path_mtu
was=$(seen_port b)
inside nat-b conntrack -F 2> /dev/null
pings lan 56 "${sites[@]}"
wait_for 5 'another port of edge b' moved
expect 'packets of the overlay that nft was given' "$(nft_given)" == 0
expect_sums

tunnel_anew wgr-two 51821 c
wait_for 30 'site c, by a new tunnel' reached a c
pings lan 56 "${sites[@]}"
nft_before=$(nft_given) # packets that came before the new tunnel was set up

# between tunnels, the relay's kernel need not forward
inside relay sysctl -qw net.ipv6.conf.all.forwarding=0 net.ipv4.ip_forward=0
pings lan 56 a b c
pings mesh 56 a b c
end_daemon # forwarding needs no daemon
transfers a-b b-a a-c c-a
expect 'packets of the overlay that nft was given, without forwarding' $(($(nft_given) - nft_before)) == 0
expect_sums

# wgxdp did all this: without it nft sees the packets, and none arrives
inside relay sysctl -qw net.ipv6.conf.all.forwarding=1
wgxdp down
nft_before=$(nft_given)
! inside server-a ping -q -c 3 -i 0.2 -W 1 $overlay:b::10 > /dev/null || fail 'without wgxdp the relay forwards'
expect 'packets of the overlay that nft was given, without wgxdp' $(($(nft_given) - nft_before)) '>=' 3
say ok
