#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# `check` reports what is wrong with a configuration (status 2) and what is missing on this host (3), with file, line
# and column, and changes nothing. `check` and `up` refuse bad files, and the running configuration stays.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
#                   2001:db8:1::/64                              2001:db8:2::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

# The configuration is standard input, or FILE: STATUS WHERE-AND-WORDS [ARGUMENT...]
checked() {
	local status=0
	wgxdp check "${@:3}" > "$work/out" 2>&1 || status=$?
	[[ $status == "$1" ]] || fail "status $status, expected $1: $(< "$work/out")"
	[[ $1 != 3 ]] || tail -n 1 "$work/out" | holds ': valid, but this host lacks' || fail "no last line: $(< "$work/out")"
	grep -qE -- "$2" "$work/out" || fail "'$2' is not in: $(< "$work/out")"
	say "ok $1: $2"
}

service() { # LISTEN BACKEND
	printf 'services:\n  - name: wg-end\n    listen: { %s }\n    backend: { %s, port: 51820 }\n' "$1" "$2"
}
device=wgc$$ # wireguard-go's sockets belong to no namespace
fine='interface: wan, ports: [ 51820 ]'

as_it_is() {
	on_host firewall
	[[ ! -e /sys/fs/bpf/wgxdp/default ]] || bpf_objects default
	cat /run/wgxdp/default/running.yaml 2> /dev/null || :
}

# Interfaces that the daemon follows, and those of the blind relay
followed() {
	local key=ERERERERERERERERERERERERERERERERERERERERERE=
	echo "endpoints: [ { interface: nosuch, peer: \"$key\", host: 192.0.2.1, port: 51820 } ]" > "$work/a.yaml"
	checked 3 "a.yaml:1:27: error: interface: nosuch does not exist" -c "$work/a.yaml"
	printf 'interfaces: [ { name: wan, role: wan } ]\nlearn: [ { interface: nosuch } ]\n' > "$work/a.yaml"
	checked 3 "a.yaml:2:23: error: interface: nosuch does not exist" -c "$work/a.yaml"
	for entry in "endpoints: [ { interface: lan, peer: \"$key\", host: 192.0.2.1, port: 51820 } ]" 'learn: [ { interface: lan } ]' \
		'follow: { wireguard: [ lan ] }' 'blind: { listen: { interface: wan, port: 51820 }, device: lan }'; do
		printf '%s\ninterfaces: [ { name: wan, role: wan } ]\npolicy: { overlay: "fd12:3456:789a::/48" }\n' "$entry" > "$work/a.yaml"
		checked 3 "a.yaml:1:[0-9]*: error: [a-z]*: lan is not a WireGuard interface" -c "$work/a.yaml"
	done
	echo "endpoints: [ { interface: lan, peer: \"$key\", host: nosuch.invalid, port: 51820 } ]" > "$work/a.yaml"
	checked 3 "a.yaml:1:[0-9]*: error: host: nosuch.invalid has no address" -c "$work/a.yaml"
	echo 'ddns: [ { interface: nosuch, names: [ vpn.example.net ], provider: { exec: [ /bin/true ] } } ]' > "$work/a.yaml"
	checked 3 "a.yaml:1:22: error: interface: nosuch does not exist" -c "$work/a.yaml"
	echo 'blind: { listen: { interface: nosuch, port: 51820 }, device: nosuch-wg }' > "$work/a.yaml"
	checked 3 "a.yaml:1:31: error: interface: nosuch does not exist" -c "$work/a.yaml"
	checked 3 "a.yaml:1:62: error: device: nosuch-wg does not exist" -c "$work/a.yaml"
}

# The file of a key, and what is wrong with it
ddns_file() { # PROVIDER WORDS
	echo "ddns: [ { interface: wan, names: [ vpn.example.net ], provider: { $1 } } ]" > "$work/a.yaml"
	checked "${3:-3}" "$2" -c "$work/a.yaml"
	[[ ${3:-3} == 0 ]] || doctor_finds "$2"
}

doctor_finds() { # WORDS of check, which doctor reports too
	wgxdp doctor -c "$work/a.yaml" > "$work/doctor" || :
	expect "problems of doctor: ${1#*error: }" "$(grep -cE "^problem .*${1#*error: [a-z-]*: }" "$work/doctor")" == 1
}

secrets() {
	local tsig="rfc2136: { server: 192.0.2.1, zone: example.net, key-file: $work/tsig }"
	local ovh="ovh: { zone: example.net, credentials: $work/ovh }" place='a.yaml:1:[0-9]*: error:'
	ddns_file "$tsig" "$place key-file: cannot read $work/tsig: No such file"
	ddns_file "$ovh" "$place credentials: cannot read $work/ovh: No such file"
	echo nonsense > "$work/tsig"
	echo 'OVH_APP_KEY=a' > "$work/ovh"
	ddns_file "$tsig" "$place key-file $work/tsig: nsupdate cannot read the key: unexpected token"
	ddns_file "$ovh" "$place credentials: $work/ovh:1: OVH_APP_SECRET"
	ddns_files
	ddns_file "${tsig/$work\/tsig//etc/wgxdp/tsig.key}" 'valid, 1 DNS update' 0
	ddns_file "${ovh/$work\/ovh//etc/wgxdp/ovh.conf}" 'valid, 1 DNS update' 0
	ddns_file 'rfc2136: { server: 192.0.2.1, zone: example.net, key-file: tsig }' 'valid, 1 DNS update' 0 # a systemd credential
	CREDENTIALS_DIRECTORY=$work/none ddns_file 'rfc2136: { server: 192.0.2.1, zone: example.net, key-file: tsig }' \
		"$place key-file: cannot read $work/none/tsig"
}

# Peers that WireGuard does not have
wireguard_peers() {
	local wan="interfaces: [ { name: wan, role: wan } ]" overlay='policy: { overlay: "fd12:3456:789a::/48" }' known
	local other=ERERERERERERERERERERERERERERERERERERERERERE=
	known=$(wg genkey | wg pubkey)
	tunnel firewall $device 10.9.0.1/24
	printf '%s\n' "learn: [ { interface: $device } ]" "$wan" > "$work/a.yaml"
	checked 3 "a.yaml:1:12: error: learn: WireGuard on $device has no peer: add the one that moves" -c "$work/a.yaml"
	doctor_finds "error: learn: WireGuard on $device has no peer"
	inside firewall wg set $device peer "$known" allowed-ips 10.9.0.2/32
	checked 0 valid -c "$work/a.yaml"
	inside firewall wg set $device peer "$(wg genkey | wg pubkey)" allowed-ips 10.9.0.3/32
	checked 3 "error: learn: WireGuard on $device has several peers: name the one that moves with .peer:." -c "$work/a.yaml"
	for key in "$other" "$known"; do
		for entry in "learn: [ { interface: $device, peer: \"$key\" } ]"$'\n'"$wan" \
			"endpoints: [ { interface: $device, peer: \"$key\", host: 192.0.2.1, port: 51820 } ]" \
			"peers: [ { name: site-a, device: $device, public-key: \"$key\", prefixes: [ \"fd12:3456:789a:a::/64\" ] } ]"$'\n'"$overlay"; do
			echo "$entry" > "$work/a.yaml"
			[[ $key != "$known" ]] || { checked 0 valid -c "$work/a.yaml"; continue; }
			checked 3 "error: [a-z-]*: WireGuard on $device has no peer with this public key: correct the key" -c "$work/a.yaml"
			doctor_finds "error: peer: WireGuard on $device has no peer with this public key"
		done
	done
	inside firewall ip link del $device
}

this_host() {
	service "$fine" 'ipv4: 192.168.1.10, ipv6: "2001:db8:2::10"' > "$work/fine.yaml"
	checked 0 'fine.yaml: valid, 1 service' -c "$work/fine.yaml"
	echo 'peers: [ { name: site-a, device: lan, prefixes: [ "fd12:3456:789a:a::/64" ] } ]' > "$work/a.yaml"
	printf 'interfaces: [ { name: lan, role: tunnel } ]\npolicy: { overlay: "fd12:3456:789a::/48" }\n' >> "$work/a.yaml"
	checked 0 'a.yaml: valid, 1 peer. This host' -c "$work/a.yaml"
	service 'interface: nosuch, ports: [ 51820 ]' 'ipv4: 192.168.1.10' > "$work/a.yaml"
	checked 3 "a.yaml:3:26: error: interface: nosuch does not exist" -c "$work/a.yaml"
	service "$fine" 'ipv4: nosuch.invalid' > "$work/a.yaml"
	checked 3 'a.yaml:4:22: error: ipv4: nosuch.invalid has no IPv4 address' -c "$work/a.yaml"
	service "$fine" 'ipv4: 192.168.1.1' > "$work/a.yaml"
	checked 3 'a.yaml:4:22: error: ipv4: 192.168.1.1 is an address of this host' -c "$work/a.yaml"
	service "$fine" 'ipv4: 192.168.1.10, standby: { ipv4: 192.168.1.1 }' > "$work/a.yaml"
	echo '    wireguard: { public-key: "ERERERERERERERERERERERERERERERERERERERERERE=" }' >> "$work/a.yaml"
	checked 3 'a.yaml:4:53: error: ipv4: 192.168.1.1 is an address of this host' -c "$work/a.yaml"
	service "$fine" 'ipv4: 192.168.1.255' > "$work/a.yaml"
	checked 3 'a.yaml:4:22: error: ipv4: 192.168.1.255 is the broadcast address of a network of this host' -c "$work/a.yaml"
	service "$fine" 'ipv4: 10.99.99.99' > "$work/a.yaml"
	checked 3 'a.yaml:4:22: error: ipv4: 10.99.99.99 has no route on this host' -c "$work/a.yaml"
	service "$fine" 'ipv4: 198.51.100.99' > "$work/a.yaml"
	checked 3 'error: ipv4: 198.51.100.99 is reached by wan, where service wg-end listens for clients' -c "$work/a.yaml"
	service 'interface: lan, ports: [ 51820 ]' 'ipv4: 192.168.1.10' > "$work/a.yaml"
	checked 3 'a.yaml:3:26: error: interface: lan also leads to the backend 192.168.1.10: if lan does not lead to the internet' -c "$work/a.yaml"
	service 'addresses: [ 203.0.113.1 ], ports: [ 51820 ]' 'ipv4: 192.168.1.10' > "$work/a.yaml"
	checked 3 'a.yaml:3:28: error: addresses: 203.0.113.1 is on no wan of this host' -c "$work/a.yaml"
	inside firewall ip address add 203.0.113.1/32 dev lo # served at wan, because frames arrive there
	checked 3 'a.yaml:3:28: error: addresses: 203.0.113.1 is on no wan of this host' -c "$work/a.yaml"
	service 'addresses: [ 198.51.100.1, 203.0.113.1 ], ports: [ 51820 ]' 'ipv4: 192.168.1.10' > "$work/a.yaml"
	checked 0 'a.yaml: valid, 1 service' -c "$work/a.yaml"
	inside firewall ip address del 203.0.113.1/32 dev lo
	service 'interface: bare, ports: [ 51820 ]' 'ipv4: 192.168.1.10' > "$work/a.yaml"
	checked 3 'interface: bare has no IPv4 address to listen on' -c "$work/a.yaml"
	service 'interface: wan, ports: [ 443 ]' 'ipv4: 192.168.1.10, ipv6: "2001:db8:2::10"' > "$work/a.yaml"
	checked 0 'IPv6 clients send to the backend 2001:db8:2::10 itself, so they need its port 51820' -c "$work/a.yaml"
	for at in '0.0.0.0:9851' '[::]:9851'; do
		{ service 'interface: wan, ports: [ 51820 ]' 'ipv4: 192.168.1.10' && echo "exporter: { listen: [ \"$at\" ] }"; } > "$work/a.yaml"
		checked 0 "warning: exporter: .*:9851 serves the metrics to every host" -c "$work/a.yaml"
		sed -i 's,0.0.0.0,127.0.0.1,; s,::,::1,' "$work/a.yaml"
		checked 0 'a.yaml: valid' -c "$work/a.yaml"
		! grep warning "$work/out" || fail 'a warning of an exporter on one address'
	done
	followed
	secrets
	wireguard_peers
	inside firewall sysctl -qw net.ipv4.conf.wan.forwarding=0
	checked 3 'fine.yaml:3:26: error: interface: wan has IPv4 forwarding off' -c "$work/fine.yaml"
	inside firewall sysctl -qw net.ipv4.conf.wan.forwarding=1 net.ipv4.conf.lan.forwarding=0
	checked 3 'error: ipv4: lan has IPv4 forwarding off, .*sysctl -w net.ipv4.conf.lan.forwarding=1' -c "$work/fine.yaml"
	inside firewall sysctl -qw net.ipv4.ip_forward=0
	checked 3 'run .sysctl -w net.ipv4.ip_forward=1' -c "$work/fine.yaml"
	inside firewall sysctl -qw net.ipv4.ip_forward=1
	takes_xdp firewall wan
	checked 3 'wan has an XDP program that is not ours \(id [0-9]+\)' -c "$work/fine.yaml"
	inside firewall ip link set wan xdpdrv off
	checked 0 'valid' -c - < "$work/fine.yaml"
}

itself() {
	printf 'services:\n  - { name: a, nat: dant }\n' > "$work/a.yaml"
	checked 2 "a.yaml:2:21: error: nat: 'dant' is unknown: write dnat, none or masquerade" -c "$work/a.yaml"
	checked 2 'cannot read .*/nosuch.yaml: No such file' -c "$work/nosuch.yaml"
	checked 2 '--bogus: there is no such option' --bogus
	checked 2 '/etc/wgxdp/wgxdp.yaml: No such file or directory: write it, or name another file with -c FILE'
	checked 2 '/etc/wgxdp/second.yaml: No such file' --instance second
}

# A refused file changes nothing that runs, by any command. One file for each section; unit_config reads all of them.
bad_files() {
	local file name status n=0
	wgxdp up -c "$work/fine.yaml" > /dev/null
	as_it_is > "$work/was"
	for name in announce backend-missing backends-mapping blind-listen ddns-exec deny-host-bits endpoints exporter-page express-entries \
		flows-large follow-lo guard-rate interface-role-unknown learn nat-unknown overlay-bits peer-key-bits policy-values port-high \
		rates-zero running-unknown-key same-address-and-port syntax-utf8 unknown-section; do
		file=tests/config/bad/$name.yaml
		for command in check up; do
			status=0
			wgxdp $command -c "$file" > "$work/out" 2>&1 || status=$?
			[[ $status == 2 ]] || fail "$command -c $file: status $status"
			grep -qE "^$file:[0-9]+:[0-9]+: error: " "$work/out" || fail "$command -c $file: no place in $(< "$work/out")"
		done
		n=$((n + 1))
	done
	as_it_is | diff "$work/was" - || fail 'something changed'
	expect 'bad files refused, and what runs is as it was' $n == 24
	checked 0 valid -c "$work/fine.yaml"
	on=firewall checked 3 'wan has the XDP program of the instance default' --instance other -c "$work/fine.yaml"
	wgxdp down
}

choose_wireguard
firewall_network
inside firewall ip link add bare type dummy 2> /dev/null || cable firewall bare client nothing
inside firewall ip link set bare up
on_host firewall > "$work/before"
this_host
itself
[[ ! -e /run/wgxdp ]] || fail 'check made /run/wgxdp'
on_host firewall | diff "$work/before" - || fail 'check left something'
bad_files
