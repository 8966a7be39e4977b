# shellcheck shell=bash disable=SC2034,SC2154 # variables for the script that sources this, and variables of lib.sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The network of together.sh, for a script that sources lib.sh first. It fits the addresses of docs/examples/config/everything.yaml.
#
#     client  .7, .66, ::7 --+                                       lan .1   +-- .10, .12 wg-end   wge; wgk behind amneziawg.py
#     home    .30 -----------+          wan .1                   +--- switch -+-- .11      wg-spare wgs: the key of wge
#     vpn     .40, ::40 -----+--- internet --- relay ------------+            +-- .14      wg-beta  wgz
#     edge-a  .11 -----------+                 | wgblind: c, d   |            +-- .20      server-b overlay:b::10
#     edge-e  .15 -----------+                 | wgroutes: a, e  | br-lan .1
#     nat-c   .13 -- edge-c -+                 | wgup: vpn       +----------- .20 guest
#     nat-d   .14 -- edge-d -+                 | wghome: home
#     dns     ::53 ----------+                 wan.7 ::1
#     mobile  VLAN 7 ::7 ----+                                     what is at an edge is server-a, server-c, …
#
#     internet 198.51.100.0/24, 2001:db8::/64, the client 2001:db8:1::/64, VLAN 7 2001:db8:7::/64
#     lan      192.168.1.0/24, 2001:db8:2::/64        br-lan 192.168.2.0/24, 2001:db8:3::/64
root=${root:?}
relay_nic=wan name_server=2001:db8::53 asker=relay
source "$root/selftests/lib/sites.sh"
source "$root/selftests/lib/blind-sites.sh"
source "$root/selftests/lib/knot.sh"
source "$root/selftests/lib/ovh.sh"
on=relay
relay=wgblind
sites=(c d)
every_pair=(c-d d-c)
blind_mtu=1400
routes_port=51830 home_port=51831 up_port=51832 # the relay's other tunnels
amneziawg_h=3184-4442,5000-6200,8000,70000-99999 amneziawg_s=15,20,3,4       # as in the configuration
settings=/etc/wgxdp

# Each row is a client's tunnel: its number, the service, the client's namespace, its endpoint, the server's device, and
# the address that the server sees. amneziawg.py carries tunnel 8, and sends to wgk from the server's own address.
tunnels_there='
1  plain       client   198.51.100.1:51821    wge 198.51.100.7
2  plain       client   [2001:db8:1::1]:51821 wge [2001:db8:1::7]
3  plain       client   198.51.100.1:20005    wge 198.51.100.7
4  plain       server-b 198.51.100.1:51821    wge 192.168.1.1
5  plain       server-b [2001:db8:1::1]:51821 wge [2001:db8:2::1]
6  plain       guest    198.51.100.1:51821    wge 192.168.1.1
7  plain       guest    [2001:db8:1::1]:20010 wge [2001:db8:2::1]
8  keys-change client   127.0.0.1:51824       wgk 127.0.0.1
9  masquerades client   198.51.100.1:51822    wge 192.168.1.1
10 masquerades client   [2001:db8:1::1]:51822 wge 192.168.1.1
11 direct      client   [2001:db8:2::10]:51820 wge [2001:db8:1::7]
12 guarded     client   198.51.100.1:51823    wge 198.51.100.7
13 several     client   198.51.100.1:51825    wge 198.51.100.7
14 several     client   [2001:db8:1::1]:51825 wge [2001:db8:1::7]
15 several     client   198.51.100.1:51825    wgz 198.51.100.7
16 several     client   [2001:db8:1::1]:51825 wgz [2001:db8:1::7]'
tunnel_by_vlan='
17 direct      mobile   [2001:db8:2::10]:51820 wge [2001:db8:7::7]'
declare -A host_of=([wge]=wg-end [wgk]=wg-end [wgz]=wg-beta [wgs]=wg-spare)

the_internet() {
	local site
	blind_network c d
	for site in c d; do inside "edge-$site" ip link set "wgb-$site" mtu $blind_mtu; done
	for site in a e; do
		site "$site"
		on_internet "edge-$site" wan "198.51.100.1${number[$site]}/24"
	done
	namespaces client home vpn dns
	on_internet client uplink 198.51.100.7/24 198.51.100.66/24 203.0.113.7/24 2001:db8:1::7/64
	on_internet home eth 198.51.100.30/24
	on_internet vpn eth 198.51.100.40/24 2001:db8::40/64
	on_internet dns eth "$name_server/64"
	addresses relay wan 2001:db8:1::1/64
	gateways client 198.51.100.1 2001:db8:1::1
}

the_vlan() {
	namespaces mobile
	on_internet mobile uplink
	for end in 'mobile uplink' 'internet mobile' 'internet relay' 'relay wan'; do
		# shellcheck disable=SC2086
		tags_in_frames $end
	done
	tagged mobile uplink uplink.7 7
	tagged relay wan wan.7 7
	addresses mobile uplink.7 2001:db8:7::7/64
	addresses relay wan.7 2001:db8:7::1/64
	gateways mobile 2001:db8:7::1
}

on_lan() { # NAMESPACE ADDRESS...
	namespaces "$1"
	cable switch "$1" "$1" eth
	inside switch ip link set "$1" master bridge
	addresses "$1" eth "${@:2}"
	gateways "$1" 192.168.1.1 2001:db8:2::1
}

the_lan() {
	namespaces switch guest
	cable relay lan switch port
	takes_xdp switch port
	inside switch ip link add bridge type bridge
	inside switch ip link set bridge up
	inside switch ip link set port master bridge
	addresses relay lan 192.168.1.1/24 2001:db8:2::1/64
	on_lan wg-end 192.168.1.1{0,2}/24 2001:db8:2::1{0,2}/64
	on_lan wg-spare 192.168.1.11/24 2001:db8:2::11/64
	on_lan wg-beta 192.168.1.14/24 2001:db8:2::14/64
	on_lan server-b 192.168.1.20/24 2001:db8:2::20/64 "$overlay:b::10/64"
	inside server-b ip route add "$overlay::/48" via 2001:db8:2::1 src "$overlay:b::10"
	inside relay ip route add "$overlay:b::/64" dev lan
	inside relay ip link add br-lan type bridge
	cable relay br-port guest eth
	inside relay ip link set br-port master br-lan
	inside relay ip link set br-lan up
	addresses relay br-lan 192.168.2.1/24 2001:db8:3::1/64
	addresses guest eth 192.168.2.20/24 2001:db8:3::20/64
	gateways guest 192.168.2.1 2001:db8:3::1
}

# The relay's tunnels. `wgroutes` leads to the sites a and e; e is a hub that takes the rest of the overlay. `wgup` leads to
# vpn, whose endpoint the daemon finds. `wghome` leads to home, whose endpoint the daemon learns.
the_relays_tunnels() {
	local site
	relay_tunnel wgroutes $routes_port "$tunnels::100"
	for site in a e; do
		edge_tunnel "$site" wgroutes "198.51.100.1:$routes_port"
		printf '# site-%s\n[Peer]\nPublicKey = %s\n' "$site" "$(key "wgr-$site")" >> /etc/wireguard/wgroutes.conf
	done
	inside relay wg set wgroutes peer "$(key wgr-e)" allowed-ips "$overlay::/48,$tunnels::e/128"
	tunnel relay wgup 10.80.0.1/24 $up_port
	tunnel vpn wgvpn 10.80.0.2/24 "$port"
	inside relay wg set wgup peer "$(key wgvpn)" allowed-ips 10.80.0.2/32
	inside vpn wg set wgvpn peer "$(key wgup)" allowed-ips 10.80.0.1/32
	tunnel relay wghome 10.79.0.1/24 $home_port
	tunnel home wgaway 10.79.0.2/24
	inside relay wg set wghome peer "$(key wgaway)" allowed-ips 10.79.0.2/32 endpoint 198.51.100.99:9
	inside home wg set wgaway peer "$(key wghome)" allowed-ips 10.79.0.1/32 endpoint "198.51.100.1:$home_port"
}

the_servers() {
	tunnel wg-end wge 10.78.1.1/32 "$port"
	tunnel wg-end wgk 10.78.1.2/32 51826
	tunnel wg-beta wgz 10.78.1.3/32 "$port"
	tunnel wg-spare wgs 10.78.1.4/32 51821
	cp "$work/wge.key" "$work/wgs.key"
	cp "$work/wge.pub" "$work/wgs.pub"
	inside wg-spare wg set wgs private-key "$work/wgs.key"
	(umask 077 && wg genkey > "$work/new.key")
	wg pubkey < "$work/new.key" > "$work/new.pub"
}

serves() { # DEVICE NUMBER: the server's end of a client's tunnel
	local host=${host_of[$1]}
	inside "$host" wg set "$1" peer "$(key "wgc$2")" allowed-ips "10.77.0.$2/32"
	inside "$host" ip route add "10.77.0.$2/32" dev "$1"
	addresses "$host" "$1" "10.78.0.$2/32"
}
connects() { # NAMESPACE NUMBER KEY ENDPOINT: the client's end, without a session
	inside "$1" wg set "wgc$2" peer "$3" remove
	inside "$1" wg set "wgc$2" peer "$3" allowed-ips "10.78.0.$2/32" endpoint "$4"
}
client_tunnel() { # ROW
	read -r number_of _ from endpoint device _ <<< "$1"
	tunnel "$from" "wgc$number_of" "10.77.0.$number_of/32"
	serves "$device" "$number_of"
	connects "$from" "$number_of" "$(key "$device")" "$endpoint"
	inside "$from" ip route add "10.78.0.$number_of/32" dev "wgc$number_of" src "10.77.0.$number_of"
}

# Two translators turn tunnel 8 into AmneziaWG's messages, and back into WireGuard's at wg-end.
translators() {
	local keys
	keys=("$(key wgk)" "$(< "$work/new.pub")" "$(key wgc8)")
	start client "$root/selftests/lib/amneziawg.py" to 127.0.0.1:51824 198.51.100.1:51824 $amneziawg_h $amneziawg_s "${keys[@]}" > "$work/to"
	start wg-end "$root/selftests/lib/amneziawg.py" from 192.168.1.10:51824 127.0.0.1:51826 $amneziawg_h $amneziawg_s "${keys[@]}" > "$work/from"
	for n in to from; do wait_for 10 'a translator of AmneziaWG' grep -q listening "$work/$n"; done
}

# The files, programs, name server and OVH API that the configuration names.
the_hosts_files() {
	chmod 755 "$work"
	mkdir -p $settings
	mount -t tmpfs none $settings
	echo "nameserver $name_server" > "$work/resolv.conf"
	mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
	knot_begins
	cp -p "$work/tsig.key" $settings
	other_update 'add vpn.example.net. 5 A 198.51.100.40' 'add vpn.example.net. 5 AAAA 2001:db8::40'
	mkdir "$work/api"
	echo 'application secret consumer' > "$work/api/keys"
	echo '[]' > "$work/api/records"
	echo ok > "$work/api/mode"
	local application secret consumer
	read -r application secret consumer < "$work/api/keys"
	(umask 077 && printf '%s\n' "OVH_APP_KEY=$application" "OVH_APP_SECRET=$secret" "OVH_CONSUMER_KEY=$consumer" > $settings/ovh.conf)
	ovh_begins dns "$name_server"
	program knocked
	program updated
}
program() { # NAME: $work/NAME.sh writes its user and its arguments to $work/NAME
	install -m 666 /dev/null "$work/$1"
	echo "#!/bin/sh
		echo \"\$(id -un) \$*\" >> $work/$1" > "$work/$1.sh"
	chmod 755 "$work/$1.sh"
}

# docs/examples/config/everything.yaml with this network's keys, in the order of the file, and with programs and a URL
# that the test can check. The challenge begins at 50 initiations a second, because an emulated CPU cannot make 1000.
configuration() {
	local keys=(wge wgk new wge wgz wgc4 wgvpn wgaway) name
	[[ ${BREAK:-} != 2 ]] || keys[3]=wgz keys[4]=wge
	for name in "${keys[@]}"; do key "$name"; done > "$work/keys"
	awk -v file="$work/keys" '
		/^#/ {next}
		{
			while (match($0, /"[A-Za-z0-9+\/]+="/)) {
				if ((getline key < file) != 1) exit 1
				printf "%s", substr($0, 1, RSTART) key "\""
				$0 = substr($0, RSTART + RLENGTH)
			}
			print
		}
		END {if ((getline key < file) > 0) exit 1}' docs/examples/config/everything.yaml > "$work/wgxdp.yaml" ||
		fail 'everything.yaml has another number of keys than this test'
	sed -i -e "s|url: .*|url: \"https://[$name_server]:8080/1.0\"|; s|above: 1000/s|above: 50/s|" \
		-e "s|command: .*\], user|command: [ $work/knocked.sh ], user|; s|exec: .*\]|exec: [ $work/updated.sh ]|" "$work/wgxdp.yaml"
	sed -i "s|web-config: [^ ]*|web-config: $work/web.yml|" "$work/wgxdp.yaml"
	# the blind relay is the active one of its pair, whose other relay is missing
	sed -i 's|pair: { address: \[ [^]]* \]|pair: { address: [ 198.51.100.1, "2001:db8:1::1" ]|' "$work/wgxdp.yaml"
	echo '{}' > "$work/web.yml" # neither TLS nor passwords
	has_vlans || sed -i '/name: wan[.]7/d' "$work/wgxdp.yaml"
	[[ ${BREAK:-} != 1 ]] || sed -i '/^peers:/,/^policy:/d; /^  overlay:/,/^  reject:/d; /^announce:/d' "$work/wgxdp.yaml"
}

together_network() {
	local row
	the_internet
	! has_vlans || the_vlan
	the_lan
	the_relays_tunnels
	the_servers
	! has_vlans || tunnels_there+=$tunnel_by_vlan
	while read -r row; do [[ ! $row ]] || client_tunnel "$row" < /dev/null; done <<< "$tunnels_there"
	serves wgs 12
	translators
	the_hosts_files
	# The kernel forwards nothing, and the relay's own rules keep strangers from wghome
	inside relay nft -f - <<- EOF_NFT
		table inet shut {
			counter refused {}
			chain forward { type filter hook forward priority 0; counter name refused drop; }
			chain input { type filter hook input priority 0; udp dport $home_port ct state new drop; }
		}
	EOF_NFT
}
