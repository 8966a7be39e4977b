#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1200
# For each fault of a firewall before WireGuard, doctor names it and its fix works, and show, metrics, page and log
# agree. The faults are a table (selftests/lib/fault-table.sh): first without a daemon, then with one.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"
source "$root/selftests/lib/fault-table.sh"

at() { inside firewall "$@"; }
own_etc wgxdp

# Creates the device again, with another index
wan_again() { at ip link del wan && firewall_wan; }
lan_again() { at ip link del lan && firewall_lan; }
renumbered() { at ip address del 198.51.100.1/24 dev wan && addresses firewall wan 198.51.100.9/24; }
numbered_more() { addresses firewall wan 198.51.100.2/24; }
six_renumbered() { at ip address del 2001:db8:1::1/64 dev wan && addresses firewall wan 2001:db8:1::9/64; }
detached() { bpftool link detach pinned "/sys/fs/bpf/wgxdp/default/attach/$1-$(index firewall "$2")"; }
edited() { sed -i 's/^    nat: dnat/&\n    deny: [ 203.0.113.0\/24 ]/' $file; }
broken() { echo nonsense >> $file; }
removed() { rm $file; }
service_less() { wgxdp service del six > /dev/null; }
listening() { start_listener wg-end "$1" -e "192.168.1.10:$port" && start_listener wg-end "$1-6" -e "[2001:db8:2::10]:$port"; }

off() { at sysctl -qw "$1=0"; }
default_by_wan() { at ip route del 192.168.1.0/24 dev lan && gateways firewall 198.51.100.7; }
no_default() { at ip route del default; }
marked() {
	at ip route add 192.168.1.10 dev lan table 100
	at ip rule add fwmark 7 lookup 100
	at ip route del 192.168.1.0/24 dev lan
}
unmarked() {
	at ip rule del fwmark 7 lookup 100
	at ip rule del to 192.168.1.10 lookup 100
	at ip route add 192.168.1.0/24 dev lan
}
lifetime() {
	at sysctl -qw net.ipv6.conf.wan.accept_ra=1
	at ip address replace 2001:db8:1::1/64 dev wan valid_lft 3600 preferred_lft 1800 nodad
}
for_ever() { at ip address replace 2001:db8:1::1/64 dev wan valid_lft forever preferred_lft forever nodad; }
foreign() {
	detached xdp wan
	takes_xdp firewall wan drop
}

configuration() { # [BACKEND]
	cat > $file <<- EOF_FILE
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: ${1:-192.168.1.10}, port: $port }
		    nat: dnat
		  - name: six
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv6: "2001:db8:2::10", port: $port }
		    ipv6: dnat
	EOF_FILE
}

firewall_network
at sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.wan.keep_addr_on_down=1 net.ipv6.conf.lan.keep_addr_on_down=1
host_is 192.168.1.10 wg-end
configuration
listening first
up
all_well 'a firewall'

row service 'service wg-end waiting' renumbered
row service 'service wg-end partial' numbered_more
row service 'service six waiting' six_renumbered
row interface 'interface wan gone' wan_again
row interface 'interface lan gone' lan_again
row interface 'interface wan waiting' detached xdp wan
row interface 'interface wan waiting' detached tcx wan
row interface 'interface lan waiting' detached tcx lan
row xdp 'interface wan waiting' foreign
row configuration 'stale - -' edited
row configuration 'stale - -' wgxdp service deny add wg-end 192.0.2.0/24
row configuration 'stale - -' service_less
cp $file "$work/valid.yaml"
broken
names configuration
expect 'a fix that would overwrite the file' "$cure" == -
cp "$work/valid.yaml" $file
all_well 'a file with an error, restored'
rows=$((rows + 1))
row configuration 'stale - -' removed
configuration && up
table_ends 14

# The file lacks an option of up, so the fix must not read it
wgxdp up --express off > "$work/up" 2>&1
wan_again
wait_until_said 'the wan again' interface wan gone
names interface
heals
all_well 'the wan again, cured'
expect 'express: off, after the fix' "$(wgxdp save | grep -c 'express: off')" == 1
up

start_daemon -c $file
row forwarding 'service wg-end waiting' off net.ipv4.ip_forward
row forwarding 'service six waiting' off net.ipv6.conf.all.forwarding
row forwarding 'service wg-end waiting' off net.ipv4.conf.lan.forwarding
row forwarding 'service six waiting' off net.ipv6.conf.wan.forwarding
after=for_ever row accept_ra - lifetime
row interface 'interface wan down' at ip link set wan down
row interface 'interface lan down' at ip link set lan down
row interface - at ip link set lan arp off
row mtu 'service six partial' at ip link set lan mtu 1300
row route 'service wg-end waiting' at ip route del 192.168.1.0/24 dev lan
row route 'service six waiting' at ip -6 route del 2001:db8:2::/64 dev lan
after=no_default row route 'service wg-end waiting' default_by_wan
after=unmarked row policy 'service wg-end waiting' marked
end_daemon
table_ends 27
