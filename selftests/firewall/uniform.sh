#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# The daemon finds one next hop for many clients, and 100 ms after a route change no reply takes the old route.
# Replies to 4,000 clients behind a gateway, for which the daemon has set one next hop. From 100 ms after a route
# change on, none takes the old route. With a rule by source, the daemon sets no common next hop. The entry of a
# killed daemon expires by itself. BREAK=1 stops the daemon before a route changes.
#
#                        / eth a  .2   clients 10.50.0.0/20
#     firewall wan -- switch
#      lan  198.51.100.0/24 \ eth b  .3
#       \- eth wg-end, echoes
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

rate=5000
[[ ${WGXDP_STRICT:-} ]] || rate=3000 # the rate of a slow machine

namespaces firewall wg-end switch a b
routers firewall
cable firewall wan switch wan
cable firewall lan wg-end eth
takes_xdp switch wan
takes_xdp wg-end eth
inside switch ip link add br0 type bridge
inside switch ip link set br0 up
inside switch ip link set wan master br0
for gateway in a:2 b:3; do
	cable switch "to-${gateway%:*}" "${gateway%:*}" eth
	inside switch ip link set "to-${gateway%:*}" master br0
	addresses "${gateway%:*}" eth "198.51.100.${gateway#*:}/24"
	count_arrivals "${gateway%:*}" replies "udp sport $port ip daddr 10.50.0.0/20"
done
addresses firewall wan 198.51.100.1/24
addresses firewall lan 192.168.1.1/24
addresses wg-end eth 192.168.1.10/24
gateways wg-end 192.168.1.1
gateways firewall 198.51.100.2
for ns in a b wg-end; do inside $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1; done
start_listener wg-end listener -e "0.0.0.0:$port"
cat > "$work/wgxdp.yaml" << EOF
services:
  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
EOF

clients_send() { # until they are stopped, because a slow machine needs longer
	start a "$udptool" send -n 100000000 -r $rate -c 4000 eth "$(mac firewall wan)" 10.50.0.1:4000 198.51.100.1:$port > "$work/sent"
	sender=$!
}
# Prints for how many jiffies the data path still trusts the map: control's heartbeat, its 5th word of 8 bytes
believed() {
	bpftool -j map dump pinned /sys/fs/bpf/wgxdp/default/control | /usr/bin/python3 -c '
import json, struct, sys
value = bytes(int(byte, 16) for byte in json.load(sys.stdin)[0]["value"])
sys.exit(0 if struct.unpack_from("=Q", value, 32)[0] else 1)'
}
change_route() { # FROM TO ADDRESS
	local late
	before=$(arrived "$2" replies)
	inside firewall ip route replace default via "198.51.100.$3"
	[[ ! ${WGXDP_STRICT:-} ]] || sleep 0.1
	[[ ${WGXDP_STRICT:-} ]] || wait_for 5 "replies by $2" came_by "$2" $((before + rate / 2))
	late=$(arrived "$1" replies)
	wait_for 20 "replies by $2" came_by "$2" $((before + rate / 2))
	expect "$1 to $2: the old way, after 100 ms" $(($(arrived "$1" replies) - late)) == 0
}
# except packets that a slow machine's full rings refused, which the device counts
all_came() { (($(shown all reply forwarded) - $(shown get interfaces.wan.xmit_failed) == $(arrived a replies) + $(arrived b replies))); }
came_by() { (($(arrived "$1" replies) >= $2)); }

inside firewall ip neigh replace 198.51.100.2 lladdr "$(mac a eth)" dev wan nud permanent
inside firewall ip neigh replace 198.51.100.3 lladdr "$(mac b eth)" dev wan nud permanent
start_daemon -c "$work/wgxdp.yaml"
! believed || fail 'a common next hop is used without being asked for'
clients_send
wait_for 20 'the daemon vouches' believed
wait_for 20 'replies' came_by a 5000
[[ ! ${BREAK:-} ]] || kill -STOP "$daemon"
change_route a b 3
wait_for 20 'the daemon vouches again' believed
change_route b a 2
inside firewall ip rule add from 203.0.113.0/24 lookup main
sleep 0.1
change_route a b 3
inside firewall ip rule del from 203.0.113.0/24 lookup main
wait_for 20 'the daemon vouches once more' believed
kill -KILL "$daemon"
wait "$daemon" 2> /dev/null || :
before=$(arrived a replies)
inside firewall ip route replace default via 198.51.100.2
wait_for 20 "a killed daemon's word ends" came_by a $((before + rate / 2))
say "ok a killed daemon's word ended by itself"
stop $sender
expect_sums
wait_for 5 'the last replies' all_came
start_daemon -c "$work/wgxdp.yaml"
stop_unlocked
rm -r /sys/fs/bpf/wgxdp/default # `down` would end the daemon
wgxdp up -c "$work/wgxdp.yaml" > /dev/null
kill -CONT "$daemon"
clients_send
wait_for 7 'the daemon vouches for maps that came in the place of its own' believed
stop $sender
end_daemon
say 'ok none went the old way 100 ms after 3 route changes'
