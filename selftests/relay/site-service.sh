#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# A service of the relay brings clients to a server in a site, and no other site can answer in its name. Clients on
# the IPv6 internet send to the relay's public port, and a server with only an overlay address, behind site A's
# tunnel, answers. A handshake and a file of 10 MB count for the service, not for the peer. Site B may pretend to be
# that server in its own tunnel, and WireGuard allows it, but wgxdp does not translate its packets. IPv4 clients use
# another port, and the server sees them as the relay. BREAK=1 assigns the server's address to site B: then packets
# from A's tunnel do not match.
#
#     client uplink ------- wan relay under-a ------- under-a site-a lan ------- eth server
#       wgc, wgd  2001:db8:1::/64  :                           :   fd12:3456:789a:a::/64  wge
#                 198.51.100.0/24  :                           :
#                              to-a~~~~~~~~ WireGuard ~~~~~~~~to-relay-a
#                              to-b~~~~~~~~ WireGuard ~~~~~~~~to-relay-b  site-b
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

on=relay
site=fd12:3456:789a:a server=fd12:3456:789a:a::10 public=2001:db8:1::1
toa=ta$$ tob=tb$$ bya=ra$$ byb=rb$$ wgc=c$$ wgd=d$$ wge=e$$ # wireguard-go's sockets belong to no namespace

choose_wireguard
namespaces client relay site-a site-b server
routers relay site-a site-b
cable client uplink relay wan
takes_xdp client uplink
cable relay under-a site-a under-a
cable relay under-b site-b under-b
cable site-a lan server eth
addresses client uplink 2001:db8:1::7/64 198.51.100.7/24
addresses relay wan $public/64 198.51.100.1/24
addresses relay under-a 10.9.1.1/24
addresses relay under-b 10.9.2.1/24
addresses site-a under-a 10.9.1.2/24
addresses site-b under-b 10.9.2.2/24
addresses site-a lan $site::1/64
addresses server eth $server/64
gateways server $site::1

# The relay's own tunnels: a site's edge accepts all packets of the relay, because clients may have any address
site_tunnel() { # SITE RELAY'S-DEVICE ITS-DEVICE NUMBER ALLOWED
	tunnel relay "$2" fd12:3456:7899::1/128 $((51000 + $4))
	tunnel "$1" "$3" "fd12:3456:7899::$((4 + 1))/128"
	inside relay wg set "$2" peer "$(key "$3")" allowed-ips "$5"
	inside "$1" wg set "$3" peer "$(key "$2")" allowed-ips ::/0 endpoint "10.9.$4.1:$((51000 + $4))" persistent-keepalive 1
	inside "$1" ip -6 route add default dev "$3"
}
site_tunnel site-a $toa $bya 1 $site::/64
site_tunnel site-b $tob $byb 2 fd12:3456:789a:b::/64,$server/128
inside relay ip route add $site::/64 dev $toa
inside relay ip route add fd12:3456:789a:b::/64 dev $tob
for end in "$toa $bya site-a" "$tob $byb site-b"; do
	read -r _ device ns <<< "$end"
	wait_for 10 "a handshake of $ns" handshaken "$ns" "$device"
done

more=''
[[ ! ${BREAK:-} ]] || more=", \"$server\""
cat > "$work/wgxdp.yaml" << EOF
services:
  - name: into-a
    listen: { interface: wan, ports: [ $port ] }
    backend: { ipv6: "$server", port: $port }
    ipv6: dnat
  - name: into-a-by-ipv4
    listen: { addresses: [ 198.51.100.1 ], ports: [ 443 ] }
    backend: { ipv6: "$server", port: $port }
    nat: masquerade
    flows: { max: 1000 }
peers:
  - { name: site-a, public-key: "$(key $bya)", device: $toa, prefixes: [ "$site::/64" ] }
  - { name: site-b, public-key: "$(key $byb)", device: $tob, prefixes: [ "fd12:3456:789a:b::/64"$more ] }
policy: { overlay: "fd12:3456:789a::/48" }
EOF
wgxdp up -c "$work/wgxdp.yaml" > /dev/null 2> "$work/errors" || fail "up: $(< "$work/errors")"

tunnel server $wge 10.77.0.1/24 $port
tunnel client $wgc 10.77.0.2/24
inside server ip link set $wge mtu 1340
inside client ip link set $wgc mtu 1340
inside server wg set $wge peer "$(key $wgc)" allowed-ips 10.77.0.2/32
inside client wg set $wgc peer "$(key $wge)" allowed-ips 10.77.0.0/24 endpoint "[$public]:$port"
ping_through() { inside client ping -q -c 2 -i 0.2 -W 5 10.77.0.1; }
wait_for 10 'an answer from the server in the site' ping_through
expect 'the server sees the client as' "$(address_seen server $wge $wgc)" == '[2001:db8:1::7]'
size=$((10 << 20))
head -c $size /dev/urandom > "$work/file"
transfer 'into the site' client server 10.77.0.1
expect 'originals forwarded' "$(shown all original forwarded)" '>=' $((size / 1400))
expect 'replies forwarded' "$(shown all reply forwarded)" '>=' 100
expect 'packets counted to peers' "$(wgxdp show peers | awk '$1 == "rx:" {n += $2 + $4} $1 == "tx:" {n += $2} END {print n}')" == 0
expect_sums

tunnel client $wgd 10.77.0.3/32
inside client ip link set $wgd mtu 1340
inside server wg set $wge peer "$(key $wgd)" allowed-ips 10.77.0.3/32
addresses server $wge 10.77.1.1/32
inside client wg set $wgd peer "$(key $wge)" allowed-ips 10.77.1.1/32 endpoint 198.51.100.1:443
inside client ip route add 10.77.1.1/32 dev $wgd src 10.77.0.3
ping_by_ipv4() { inside client ping -q -c 2 -i 0.2 -W 5 10.77.1.1; }
wait_for 10 'an answer by IPv4 too' ping_by_ipv4
expect 'the server sees that client as' "$(address_seen server $wge $wgd)" == '[fd12:3456:7899::1]'
transfer 'into the site by IPv4' client server 10.77.1.1
flow() { wgxdp show flows | awk '$1 == "into-a-by-ipv4" {print $2, $5}' | sed 's/:[0-9]* / /'; }
expect 'its flow' "$(flow)" == "198.51.100.7 [$server]:$port"
expect_sums

# The relay's own address in the overlay may be the source of flows: the server's replies to it are not the kernel's
addresses relay $toa fd12:3456:789a:ff::1/128
sed 's/max: 1000/&, source: [ "fd12:3456:789a:ff::1" ]/' "$work/wgxdp.yaml" > "$work/overlay.yaml"
wgxdp reload -c "$work/overlay.yaml" > "$work/reloaded"
wait_for 20 'an answer to an address in the overlay' ping_by_ipv4
expect 'the server sees that client as' "$(address_seen server $wge $wgd)" == '[fd12:3456:789a:ff::1]'
wgxdp reload -c "$work/wgxdp.yaml" > "$work/reloaded"

# Even if the relay's routes lead to the wrong site
inside relay ip route add $server/128 dev $tob
inside site-b ip address add $server/128 dev lo
count_arrivals client translated "ip6 saddr $public udp sport $port udp dport 4444"
speak() { inside site-b /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
for _ in range(10):
    s.sendto(b"reply", ("2001:db8:1::7", 4444))' $server $port; }
seen() { wgxdp show peers --json | /usr/bin/python3 -c 'import json, sys
print(*[p["rx"]["passed"] for p in json.load(sys.stdin)["peers"] if p["name"] == "site-b"])'; }
sleep 1.2 # a next hop is remembered for a second
before=$(seen)
came() { (($(seen) - before + $(arrived client translated) >= 10)); }
speak
wait_for 5 "site B's packet" came
expect "translated, of site B's packet in the name of the server" "$(arrived client translated)" == 0
expect 'refused as of no peer behind that tunnel' $(($(seen) - before)) == 10
