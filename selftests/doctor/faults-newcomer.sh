#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 300
# Doctor names each of ten faults that a newcomer makes first, and every fix that it prints works as it stands. `show`
# and the daemon's log name each fault that they can know. Most rows are those of selftests/lib/fault-table.sh.
# Forwarding is off. The LAN's MTU is too small. Another XDP program is attached. The WAN has another name. The backend
# has moved. The backend's port is wrong. WireGuard has stopped. The client's port is wrong. With a strict rp_filter,
# the route to a client leads to the LAN. The backend has a new key. BREAK=1 breaks nothing.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#       wgc                                                                             wg0
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"
source "$root/selftests/lib/fault-table.sh"

at() { inside firewall "$@"; }
own_etc wgxdp wireguard
choose_wireguard

firewall_network
for address in 192.168.1.10 192.168.1.11; do host_is $address wg-end; done
tunnel wg-end wg0 10.77.0.1/24 $port
tunnel client wgc 10.77.0.2/24
inside wg-end wg set wg0 peer "$(key wgc)" allowed-ips 10.77.0.2/32
(umask 077 && sed "s|^.Interface.|&\nAddress = 10.77.0.1/24|" <(inside wg-end wg showconf wg0) > /etc/wireguard/wg0.conf)

# wireguard-go's sockets belong to no namespace: this one shows those of its namespace
cat > "$work/bin/wg" << 'EOF_WG'
#!/bin/bash
[[ $* == 'show all listen-port' ]] || exec /usr/bin/wg "$@"
/usr/bin/wg "$@" | while read -r device rest; do ! ip link show "$device" > /dev/null 2>&1 || echo "$device $rest"; done
EOF_WG
chmod 755 "$work/bin/wg"

configuration() { # [PORT of the backend]
	cat > $file <<- EOF_FILE
		# the firewall of a newcomer
		services:
		  - name: wg-end            # behind the LAN
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: ${1:-$port} }
	EOF_FILE
	wgxdp down > /dev/null
	start_daemon -c $file
}
retry() { anew client wgc wg0 "198.51.100.1:${1:-$port}" 10.77.0.0/24; }
works() { inside client ping -q -c 1 -W 0.5 10.77.0.1; } > /dev/null
tunnel_works() { # after the fault
	retry
	wait_for 15 'the tunnel' works
}
asks() { # [PORT]: a client that tries without end
	while :; do
		retry "$@"
		works || :
	done
} 2> /dev/null
asking() {
	asks "$@" &
	asker=$!
}
asked() { kill $asker && { wait $asker || :; }; }

# WORD TEXT: a warning of doctor has them, while the client asks; there is no fix
warns() { # WORD TEXT [ARGUMENT of doctor...]
	doctor "${@:3}"
	found warning | holds -x "$1" || fail "$1: doctor says $(wgxdp doctor | grep -v '^ok')"
	found warning found | holds "$2" || fail "$1: doctor says $(found warning found)"
	[[ $(found warning fix | grep -v timedatectl | sort -u) == - ]] || fail "$1: a fix: $(found warning fix)"
	say "ok $1: $(found warning found)"
	rows=$((rows + 1))
}
shows() { # TEXT: show says it
	wgxdp show > "$work/show"
	holds "$1" < "$work/show" || fail "show: $(< "$work/show")"
}
# The former file must still be there after the fix
keeps_comments() {
	[[ $(grep -cE '^# the firewall of a newcomer|# behind the LAN' $file) == 2 ]] || fail "the file: $(< $file)"
}

configuration
tunnel_works
all_well 'a firewall'
row forwarding 'service wg-end waiting' at sysctl -qw net.ipv4.ip_forward=0
row mtu 'service wg-end partial' at ip link set lan mtu 1300
foreign() {
	bpftool link detach pinned "/sys/fs/bpf/wgxdp/default/attach/xdp-$(index firewall wan)"
	takes_xdp firewall wan drop
	wait_for 10 'the daemon has tried again' grep -q '^interface wan: waiting' "$work/daemon"
}
row xdp 'interface wan waiting' foreign

# The daemon lets go of the interface, so that its new name is known only without a daemon
renamed() { at ip link set wan name eth9; }
renamed
wait_until_said 'the WAN has another name' interface wan waiting
wait_for 10 'the log says it' grep -qx 'interface wan: waiting: it does not exist' "$work/daemon"
names interface
expect 'a fix that would be a guess' "$cure" == -
at ip link set eth9 name wan
tunnel_works
end_daemon
up
after=tunnel_works row interface 'interface wan waiting' renamed
keeps_comments
at ip link set eth9 name wan
wgxdp down > /dev/null

configuration
moves() { # FROM TO
	inside wg-end ip address del "$1/24" dev eth
	addresses wg-end eth "$2/24"
	gateways wg-end 192.168.1.1
	at ip neighbour flush dev lan
}
moves 192.168.1.10 192.168.1.11
asking
names neighbour
asked
expect 'the fix of a backend that has moved' "$cure" == -
wgxdp show | tee "$work/show" | holds 'backend 192.168.1.10 is not reached' || fail "show: $(< "$work/show")"
rows=$((rows + 1))
wgxdp service set wg-end --backend 192.168.1.11 > /dev/null
tunnel_works
names configuration
heals
keeps_comments
all_well 'the backend at its new address'
expect 'the file' "$(grep -c 192.168.1.11 $file)" == 1
end_daemon
moves 192.168.1.11 192.168.1.10

# show cannot know the next two: wgxdp forwards the ICMP errors of a closed port like other answers
another_port() { configuration $((port + 1)); }
after=tunnel_works row backend - another_port
keeps_comments
stopped() {
	inside wg-end ip link del wg0
	configuration
}
end_daemon
after=tunnel_works row backend - stopped

asking 51899
warns port '51899 on wan, where nothing listens'
asked
tunnel_works
all_well 'the right port'

strict() {
	at sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.wan.rp_filter=1
	at ip route add 198.51.100.7/32 dev lan
}
strict
asking
warns route 'because the route 198.51.100.7/32 leads to it over lan'
asked
wgxdp show | tee "$work/show" | holds 'source' || fail "show: $(< "$work/show")"
at ip route del 198.51.100.7/32 dev lan
tunnel_works
all_well 'the right route'
end_daemon

configuration
(umask 077 && wg genkey > "$work/other.key")
inside wg-end wg set wg0 private-key "$work/other.key" peer "$(key wgc)" remove
inside wg-end wg set wg0 peer "$(key wgc)" allowed-ips 10.77.0.2/32
asking
warns replies 'no reply came back. The backend drops them, perhaps because a key is wrong' --listen 10
says_unanswered() { wgxdp show | holds 'the backend has answered none of'; }
wait_for 60 'show says that the backend does not answer' says_unanswered
asked
inside wg-end wg set wg0 private-key "$work/wg0.key"
tunnel_works
all_well 'the right key'
end_daemon
table_ends 10
