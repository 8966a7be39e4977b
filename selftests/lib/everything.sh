# shellcheck shell=bash disable=SC2034 # variables for those who source this
# SPDX-License-Identifier: GPL-2.0-or-later
# A firewall with all kinds of services: guarded, masquerading, with several backends, with a name as backend, and with
# a name that has no address yet. It also joins a site to its LAN. One of its interfaces has a name that pages must
# escape. Source lib.sh first. After sites.sh and blind-sites.sh there is also a blind relay as an instance of its own,
# on another host.
#
#     client .7 ------------- .1 firewall .1 ------------- .10 wg-end     fd12:3456:789a:b::/64 is behind lan
#       uplink   198.51.100.0  wan        lan  192.168.1.0   eth
#       wgv-client ........................................  wgv-end      the tunnel that is forwarded
#       wgs-a ............... wgs-one                                      a site's: fd12:3456:789a:a::/64
#                              name server on 127.0.0.1
hostile='"><img&onerr=x' # as far as the kernel allows
overlay=fd12:3456:789a

everything_network() {
	choose_wireguard
	firewall_network
	inside client sysctl -qw net.ipv6.conf.all.forwarding=1
	cable firewall "$hostile" wg-end other
	tunnel wg-end wgv-end 10.77.0.1/24 "${port:?}"
	tunnel client wgv-client 10.77.0.2/24
	inside wg-end wg set wgv-end peer "$(key wgv-client)" allowed-ips 10.77.0.2/32
	inside client wg set wgv-client peer "$(key wgv-end)" allowed-ips 10.77.0.1/32 endpoint 198.51.100.1:4433
	tunnel firewall wgs-one fd12:3456:7899::1/128 "$port"
	tunnel client wgs-a "$overlay:a::1/64"
	inside firewall wg set wgs-one peer "$(key wgs-a)" allowed-ips "$overlay:a::/64"
	inside firewall ip route add "$overlay:a::/64" dev wgs-one
	inside client wg set wgs-a peer "$(key wgs-one)" allowed-ips "$overlay::/48" endpoint "198.51.100.1:$port" persistent-keepalive 25
	inside client ip route add "$overlay::/48" dev wgs-a
	addresses wg-end eth "$overlay:b::10/64"
	inside wg-end ip route add "$overlay::/48" via 2001:db8:2::1
	inside firewall ip route add "$overlay:b::/64" dev lan
	mkdir -p /etc/wgxdp
	mount -t tmpfs none /etc/wgxdp
	mount -t tmpfs none /etc/wireguard
	printf '# site-a\n[Peer]\nPublicKey = %s\n' "$(key wgs-a)" > /etc/wireguard/wgs-one.conf
	echo 'nameserver 127.0.0.1' > "${work:?}/resolv.conf"
	mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
	echo 'wg-end.example.net 60 192.168.1.10' > "$work/zone"
	start firewall "${root:?}/selftests/lib/dns.py" 127.0.0.1 "$work/zone" > "$work/dns"
	wait_for 5 'the name server listens' grep -q listening "$work/dns"
}

everything_file() { # [EXPORTER'S OPTION]: /etc/wgxdp/wgxdp.yaml
	local odd=''
	[[ ! $hostile ]] || odd="- { name: '$hostile', role: lan }"
	cat > /etc/wgxdp/wgxdp.yaml <<- YAML
		interfaces:
		  - { name: wan, role: wan }
		  - { name: lan, role: lan }
		  $odd
		services:
		  - { name: wg-end, listen: { interface: wan, ports: [ 4433 ] }, backend: { ipv4: 192.168.1.10, port: $port },
		      wireguard: { public-key: "$(key wgv-end)" } }
		  - { name: named, nat: masquerade, listen: { interface: wan, ports: [ 4434 ] }, backend: { ipv4: wg-end.example.net, port: 4434 } }
		  - name: many
		    listen: { interface: wan, ports: [ 4435 ] }
		    wireguard: { health: { initiations: 3, sources: 1 } }
		    backends:
		      - { name: alpha, ipv4: 192.168.1.10, port: 4435, public-key: "$(key wgs-one)", standby: { ipv4: 192.168.1.11 } }
		      - { name: beta, ipv4: 192.168.1.12, port: 4435, public-key: "$(key wgs-a)" }
		  - { name: later, listen: { interface: late0, ports: [ 4436 ] }, backend: { ipv4: 192.168.1.10, port: 4436 } }
		peers: [ { name: site-b, device: lan, prefixes: [ "$overlay:b::/64" ] } ]
		follow: { wireguard: [ wgs-one ] }
		policy: { overlay: "$overlay::/48" }
		endpoints: [ { interface: wgv-none, peer: "$(key wgv-end)", host: wg-end.example.net, port: $port } ]
		exporter: { listen: [ "127.0.0.1:9851", "0.0.0.0:9852" ]${1:+, $1} }
		ddns: { interface: wan, names: [ firewall.example.net ], provider: { exec: [ /bin/true ] } }
	YAML
}

# Sends packets through every service and tunnel, and packets that are refused.
everything_talks() {
	inside client ping -q -c 3 -i 0.2 -W 10 10.77.0.1 > /dev/null || fail 'no ping through the guarded service'
	inside client ping -q -c 3 -i 0.2 -W 10 -I "$overlay:a::1" "$overlay:b::10" > /dev/null || fail 'no ping from site to site'
	inside client "${udptool:?}" ask -n 3 -r 100 -w 100 "[$overlay:a::1]:4000" "[$overlay:b::10]:22" > /dev/null || : # a refused port
	start_listener wg-end answers -e 192.168.1.10:4434
	inside client "${udptool:?}" ask -n 20 -r 100 -w 3000 198.51.100.7:4000 198.51.100.1:4434 > "$work/asked"
	stop $!
	inside client "$udptool" send -n 30 uplink "$(mac firewall wan)" 198.51.100.7:4001 198.51.100.1:4433 > /dev/null
	inside client "$udptool" send -n 5 uplink "$(mac firewall wan)" 192.168.1.77:4001 198.51.100.1:4434 > /dev/null
}

# The blind relay: instance blind on the host relay
blind_everything() { # OPTION...: additional keys of blind:
	on=relay
	blind_network a b
	blind_file "$@"
	echo 'exporter: { listen: [ "127.0.0.1:9851" ] }' >> "$work/wgxdp.yaml"
	start_daemon --instance blind -c "$work/wgxdp.yaml"
	wait_for 30 'all sites' all_authenticated 3
	first_pings
}

api() { inside "${on:-firewall}" curl -sf --max-time 5 "http://127.0.0.1:9851/api/v1/$1"; } # WHAT
