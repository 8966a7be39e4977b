#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# For each fault beside the data path, doctor names it and its fix works, and show, metrics, page and log agree. The
# faults are a table (selftests/lib/fault-table.sh): WireGuard behind a firewall and its guard, a missing daemon, an
# instance that is not up, a firewall whose wan is in a bridge.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"
source "$root/selftests/lib/fault-table.sh"

at() { inside firewall "$@"; }
own_etc wgxdp wireguard
choose_wireguard
echo 'nameserver 127.0.0.1' > "$work/resolv.conf"
printf '%s\n' '127.0.0.1 localhost' '192.168.1.10 wg-end.example.net' > "$work/hosts"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
mount --bind "$work/hosts" /etc/hosts

firewall_network
host_is 192.168.1.10 wg-end
tunnel wg-end wg0 10.77.0.1/24 $port
tunnel client wgc 10.77.0.2/24
tunnel firewall wgf 10.78.0.1/24 51999
tunnel client wgd 10.78.0.2/24 51998
inside wg-end wg set wg0 peer "$(key wgc)" allowed-ips 10.77.0.2/32
at wg set wgf peer "$(key wgd)" allowed-ips 10.78.0.2/32
inside client wg set wgd peer "$(key wgf)" allowed-ips 10.78.0.1/32 endpoint 198.51.100.1:51999
wait_for 20 "the firewall's own tunnel" inside client ping -q -c 1 -W 1 10.78.0.1
(umask 077 && sed "s|^.Interface.|&\nAddress = 10.77.0.1/24|" <(inside wg-end wg showconf wg0) > /etc/wireguard/wg0.conf)

# --- a guard, and WireGuard behind it

guarded() { # KEY
	cat > $file <<- EOF_FILE
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    wireguard: { public-keys: [ "$1" ] }
	EOF_FILE
	up
}
retry() { anew client wgc wg0 198.51.100.1:$port 10.77.0.0/24; }
works() { inside client ping -q -c 1 -W 0.5 10.77.0.1; } > /dev/null
tunnel_works() { retry && wait_for 10 'the tunnel' works; }
is_down() { [[ ! $(inside wg-end ss -Hlun "sport = $port") ]]; }
come() { shown reason original guard_mac1; }
comes() { ! works && (($(come) > $1)); } # COUNT: the client asks, in vain
wrong_key() {
	wgxdp down > /dev/null
	guarded "$(key wgc)"
	while (($(come) < 3)); do # two might be those of strangers
		retry
		wait_for 10 'an initiation' comes "$(come)"
	done
}
closed() {
	inside wg-end ip link del wg0
	wait_for 5 'wg-end is down' is_down
}
moved() { inside wg-end wg set wg0 listen-port 51899; }
guarded "$(key wg0)"
tunnel_works
all_well 'a guard'
after=tunnel_works row key - wrong_key
after=tunnel_works row backend - closed
after=tunnel_works row backend - moved
wgxdp down > /dev/null

# --- a daemon is needed and missing: it is started with the file, and ends with the data path

firewall_file() { # [BACKEND [LINE]]
	cat > $file <<- EOF_FILE
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: ${1:-192.168.1.10}, port: $port }
		${2:-}
	EOF_FILE
	up
}
none_runs() { ! pgrep -x wgxdp; }
ended() { # a daemon ends with the data path
	wgxdp down > /dev/null
	wait_for 10 'the daemon ends' none_runs
}
needs() { firewall_file "${2:-}" "$1"; }
# The fix starts it in the background
is_running() { wgxdp show metrics | holds -xF 'wgxdp_daemon_running 1'; }
daemon_runs() { wait_for 10 'the daemon runs' is_running; }
daemon_row() { # LINES [BACKEND]
	after=daemon_runs row daemon 'daemon - -' needs "$1" "${2:-}"
	ended
}
daemon_row '' wg-end.example.net
daemon_row "endpoints: [ { interface: wgf, peer: \"$(key wgd)\", host: 198.51.100.7, port: 51998 } ]"
daemon_row 'learn: [ { interface: wgf } ]'
daemon_row "exporter: { listen: [ \"127.0.0.1:9851\" ] }"
daemon_row "ddns: { interface: wan, names: [ a.example.net ], provider: { exec: [ /bin/true ] } }"

# --- things that only the daemon follows

none_down() { at ip link set wgf down; }
deleted() { at ip link del wgf; }
own_tunnel() {
	anew client wgd wgf 198.51.100.1:51999 10.78.0.1/32
	wait_for 20 "the firewall's own tunnel" inside client ping -q -c 1 -W 1 10.78.0.1
}
(umask 077 && sed "s|^.Interface.|&\nAddress = 10.78.0.1/24|" <(at wg showconf wgf) > /etc/wireguard/wgf.conf)
firewall_file '' "endpoints: [ { interface: wgf, peer: \"$(key wgd)\", host: 198.51.100.7, port: 51998 } ]"
start_daemon -c $file
after=own_tunnel row interface 'interface wgf down' none_down
after=own_tunnel row interface 'interface wgf waiting' deleted
firewall_file '' "ddns: { interface: wgf, names: [ a.example.net ], provider: { exec: [ /bin/true ] } }"
row interface 'interface wgf down' none_down
end_daemon
wgxdp down > /dev/null
table_ends 11

# --- IPv6 forwarding is off and not needed: doctor, check and up report no fault

firewall_file
at sysctl -qw net.ipv6.conf.all.forwarding=0
up
! grep -q IPv6 "$work/up" || fail "up: $(< "$work/up")"
wgxdp check > "$work/check" 2>&1 || fail "check: $(< "$work/check")"
all_well 'IPv6 that nobody needs'
at sysctl -qw net.ipv6.conf.all.forwarding=1

# --- an instance that is not up; a missing host; a wan in a bridge

wgxdp down > /dev/null
names instance
heals
all_well 'an instance that was not up'
rows=$((rows + 1))

into_bridge() {
	at ip address flush dev wan
	at ip link add br0 type bridge
	at ip link set br0 up
	at ip link set wan master br0
	addresses firewall br0 198.51.100.1/24 2001:db8:1::1/64
}
row interface 'service wg-end waiting' into_bridge
wgxdp down > /dev/null

# --- without instance and configuration, doctor examines the host

rm $file*
chmod 0777 /sys/fs/bpf
doctor
expect 'a bare host: status, warnings' "$status $(found warning | grep -vx clock)" == '0 bpffs'
cure=$(found warning fix | grep -v timedatectl)
heals
doctor
expect 'a bare host: findings' "$(found warning | grep -cvx clock)$(found problem | wc -l)" == 00
table_ends 13
