#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# Every file that `wgxdp gen hosts` makes from docs/examples is accepted by its program, in its place on its host: nft,
# radvd, keepalived, bird, wg, named-checkzone, promtool, systemd-analyze, networkd, sysctl, sh and wgxdp. A file that
# no program reads fails the test. Then each kind of file gets a mistake, which its program must refuse.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

export wgxdp work

# --- the reader of a file: KIND of it; nobody: people, or only other systems

kind() { # PATH, as on the host
	case $1 in
	/etc/nftables.d/wgxdp.nft) echo nft ;;
	/etc/radvd.conf) echo radvd ;;
	/etc/keepalived/keepalived.conf) echo keepalived ;;
	/etc/keepalived/* | /etc/wireguard/wgxdp-reload | /start) echo script ;;
	/etc/wireguard/*.conf) echo wireguard ;;
	/etc/systemd/network/*.network) echo networkd ;;
	/etc/systemd/system/*.d/*.conf) echo units ;;
	/etc/systemd/system/*.service) echo unit ;;
	/etc/sysctl.d/*.conf) echo sysctl ;;
	/etc/wgxdp/wgxdp.yaml) echo wgxdp ;;
	/etc/bird/bird.conf) echo bird ;;
	/etc/wireguard/*key | *.psk | *.qr | *.uci | */README.md) echo nobody ;;
	*) echo unknown ;;
	esac
}

check_nft() { nft -c -f "$1"; }
check_radvd() { radvd -c -C "$1"; }
check_keepalived() { keepalived -t -f "$1"; }
check_bird() { bird -p -c "$1"; }
check_script() { sh -n "$1" && shellcheck "$1"; }
check_sysctl() { sysctl -qp "$1"; }

# Checks the part that wg-quick passes to WireGuard
check_wireguard() {
	ip link show wgcheck > /dev/null 2>&1 || wireguard-go wgcheck > /dev/null 2>&1
	wg-quick strip "$1" > "$own/stripped" && WG_ENDPOINT_RESOLUTION_RETRIES=0 wg setconf wgcheck "$own/stripped"
}

# Together with its unit; systemd ignores unknown settings, and reports them
check_units() {
	local unit said
	unit=$(basename "${1%/*}" .d)
	[[ $unit != wgxdp* ]] || sed "s,/usr/local/sbin/wgxdp,$wgxdp," "scripts/systemd/$unit" > "/etc/systemd/system/$unit"
	said=$(systemd-analyze verify --man=no --recursive-errors=no "$unit" 2>&1) || said=${said:-no}
	echo "$said"
	[[ ! $said ]]
}

check_unit() {
	local said
	said=$(systemd-analyze verify --man=no "$1" 2>&1) || said=${said:-no}
	echo "$said"
	[[ ! $said ]]
}

check_wgxdp() {
	local rc=0
	"$wgxdp" check -c "$1" || rc=$?
	((rc == 0 || rc == 3)) # 3: this host lacks something for it
}

# networkd reads its files when it starts, once for all files of a host; it needs no bus, and no udev if /sys is
# read-only
begin_networkd() {
	local pid
	mkdir -p /run/systemd
	mount -t tmpfs run /run/systemd
	mount -t sysfs -o ro sysfs /sys
	mkdir -p /run/systemd/netif/{links,leases,lldp}
	chown -R systemd-network:systemd-network /run/systemd/netif
	SYSTEMD_LOG_LEVEL=debug /lib/systemd/systemd-networkd > "$own/networkd" 2>&1 & # so that systemd 257 reports the end of reading
	pid=$!
	until grep -q 'Enumeration completed' "$own/networkd"; do kill -0 $pid && sleep 0.02; done
	kill $pid
	wait $pid
}
check_networkd() {
	[[ -e $own/networkd ]] || begin_networkd
	! grep -F "$1:" "$own/networkd" | grep -ve 'Successfully loaded' -e "Unknown key 'UseRedirect'" # new in systemd 256
}

# --- a host with an /etc, a network and processes of its own

on_host() { # TREE-OF-THE-HOST [KIND]: checks all of its files, or those of a kind
	local file kind interface bad=0 own
	own=$(mktemp -d "$work/host.XXXXXX")
	mkdir "$own/upper" "$own/work"
	: > "$own/said"
	mount -t overlay -o "lowerdir=/etc,upperdir=$own/upper,workdir=$own/work" etc /etc
	mkdir -p /run/wireguard
	mount -t tmpfs run /run/wireguard
	rm -rf /etc/nftables.d /etc/wireguard /etc/wgxdp /etc/systemd/network
	find /etc/keepalived -mindepth 1 ! -name keepalived.config-opts -delete # Debian 13's keepalived reads this file
	[[ ! -d $1/etc ]] || cp -a "$1/etc/." /etc/
	sed -n 's/^Endpoint = \([a-z].*\):.*/192.0.2.1 \1/p' /etc/wireguard/*.conf > /etc/hosts 2> /dev/null # must resolve
	while IFS= read -r interface; do
		ip link add "${interface//\//.}" type bridge
	done < <(sed -n 's/^net[.]ipv6[.]conf[.]\([^.]*\)[.].*/\1/p' /etc/sysctl.d/*.conf 2> /dev/null | grep -vx all | sort -u)
	while IFS= read -r file; do
		kind=$(kind "$file")
		[[ ! ${2:-} || $kind == "$2" ]] || continue
		[[ $file != /start ]] || file=$1/start
		if [[ $kind == nobody ]]; then
			echo "for people $file"
		elif [[ $kind != unknown ]] && "check_$kind" "$file" > "$own/said" 2>&1; then
			echo "accepted $kind $file"
		else
			echo "REFUSED $kind ${1##*/}$file: $(< "$own/said")"
			bad=1
		fi
	done < <(cd "$1" && find . -type f -printf '/%P\n' | sort)
	return $bad
}
mapfile -t checks < <(compgen -A function check_)
export -f on_host kind begin_networkd "${checks[@]}"

apart() { unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc bash -c '"$@"' bash on_host "$@"; }

# --- the files beside the hosts

zone_accepted() { # FILE: in a zone
	printf '%s\n' '@ 300 IN SOA ns hostmaster 1 3600 600 86400 300' '@ 300 IN NS ns' 'ns 300 IN A 192.0.2.53' "\$INCLUDE $1" > "$work/zone"
	named-checkzone example.net "$work/zone" > "$work/said" 2>&1
}

targets_accepted() { # FILE
	echo "scrape_configs: [ { job_name: wgxdp, file_sd_configs: [ { files: [ $1 ] } ] } ]" > "$work/prometheus.yml"
	promtool check config "$work/prometheus.yml" > "$work/said" 2>&1
}

# --- all files

generate() { # EXAMPLE
	local name host hosts=()
	name=$(basename "$1" .yaml)
	"$wgxdp" gen hosts "$1" -o "$work/$name" > "$work/said" 2>&1 || fail "gen hosts $1: $(< "$work/said")"
	[[ ! -e $work/$name/zone.example.net ]] || zone_accepted "$work/$name/zone.example.net" || fail "named-checkzone, $name: $(< "$work/said")"
	[[ ! -e $work/$name/prometheus ]] || targets_accepted "$work/$name/prometheus/wgxdp.yaml" || fail "promtool, $name: $(< "$work/said")"
	check_script "$work/$name/rollout" > "$work/said" 2>&1 || fail "rollout: $(< "$work/said")"
	for host in "$work/$name"/*/; do
		host=${host%/}
		[[ ${host##*/} != state && ${host##*/} != prometheus ]] || continue
		apart "$host" >> "$work/seen" &
		hosts+=($!)
	done
	for host in "${hosts[@]}"; do wait "$host" || fail "$name: $(grep REFUSED "$work/seen")"; done
}

# KIND FILE SED-COMMAND: edits the file of the first host of an example that has it
refuses() {
	local host
	host=$(find "$work"/*/ -path "*$2" -printf '%p\n' | head -n 1)
	[[ $host ]] || fail "no example has $2"
	host=${host%"$2"}
	sed -i.right "$3" "$host$2"
	! cmp -s "$host$2" "$host$2.right" || fail "$1: no mistake was made in $2"
	mv "$host$2.right" "$work/right"
	! apart "$host" "$1" > "$work/apart" || fail "$1: a mistake in $2 was accepted: $3"
	cp "$work/right" "$host$2"
	apart "$host" "$1" > "$work/apart" || fail "$1: $2 is refused as it was: $(< "$work/apart")"
}

need_tun
for example in docs/examples/topology/*.yaml; do generate "$example"; done
say "ok accepted: $(awk '$1 == "accepted" {n[$2]++} END {for (k in n) printf "%s %d, ", k, n[k]}' "$work/seen")zone and targets $(
	find docs/examples -name '*.yaml' | wc -l)"
refuses nft /etc/nftables.d/wgxdp.nft '0,/accept/s//acept/'
refuses radvd /etc/radvd.conf 's/AdvSendAdvert/AdvSendAdverts/'
refuses keepalived /etc/keepalived/keepalived.conf 's/nopreempt/nopreemt/'
refuses script /etc/keepalived/wgvpnr01 '2s/.*/if/'
refuses script /start '2s/.*/if/'
refuses wireguard /etc/wireguard/wgvpnr01.conf 's/^AllowedIPs = /&fd00:::,/'
refuses units /etc/systemd/system/keepalived.service.d/wgxdp.conf 's/^After=/Afther=/'
refuses unit /etc/systemd/system/wgxdp-rules.service 's/^Type=oneshot/Type=onceshot/'
refuses networkd /etc/systemd/network/20-eth0.network 's/^DHCP=/DHPC=/'
refuses bird /etc/bird/bird.conf 's/neighbor/neighbour/'
refuses sysctl /etc/sysctl.d/60-wgxdp.conf 's/accept_ra/accept_rah/'
refuses wgxdp /etc/wgxdp/wgxdp.yaml 's/^exporter:/exprter:/'
touch "$work/two-sites/relay/etc/strange.conf"
! apart "$work/two-sites/relay" unknown > /dev/null || fail 'a file that no program reads was accepted'
sed 's/AAAA *[0-9a-f]*:/&:x:/' "$work/two-sites/zone.example.net" > "$work/broken"
! zone_accepted "$work/broken" || fail 'named-checkzone: a mistake was accepted'
sed 's/labels: {/&[/' "$work/two-sites/prometheus/wgxdp.yaml" > "$work/broken"
! targets_accepted "$work/broken" || fail 'promtool: a mistake was accepted'
say 'ok a mistake in a file of each kind is refused'

# A firewall forwards IPv6 to no gateway that has only IPv4 addresses
for nat in dnat masquerade; do
	for domain in '' 'domain: example.net'; do
		cat > "$work/ipv4.yaml" <<- EOF
			$domain
			gateways:
			  - { name: gw, interface: eth0, addresses: [ 192.168.1.10 ], networks: [ 10.9.0.0/24 ], clients: [ { name: c1 } ] }
			firewalls:
			  - { name: fw, wan: eth0, lan: eth1, serves: gw, nat: $nat, backend: 192.168.1.10, addresses: [ 198.51.100.7 ] }
		EOF
		rm -rf "$work/ipv4"
		"$wgxdp" gen hosts "$work/ipv4.yaml" -o "$work/ipv4" > "$work/said" 2>&1 || fail "gen hosts: $(< "$work/said")"
		grep -qxF '    backend: { ipv4: "192.168.1.10", port: 51820 }' "$work/ipv4/fw/etc/wgxdp/wgxdp.yaml" ||
			fail "$nat, '$domain': $(< "$work/ipv4/fw/etc/wgxdp/wgxdp.yaml")"
	done
done

made() { # FILE TEXT...: the file of the topology on standard input has these lines; with !TEXT, it lacks them
	local line
	cat > "$work/made.yaml"
	rm -rf "$work/made"
	"$wgxdp" gen hosts "$work/made.yaml" -o "$work/made" > "$work/said" 2>&1 || fail "gen hosts: $(< "$work/said")"
	for line in "${@:2}"; do
		if [[ $line == !* ]]; then
			! grep -qF -- "${line#!}" "$work/made/$1" || fail "$1 has '${line#!}': $(< "$work/made/$1")"
		else
			grep -qF -- "$line" "$work/made/$1" || fail "$1 lacks '$line': $(< "$work/made/$1")"
		fi
	done
}

# A given backend is all that a masquerading firewall has, with and without a name for the gateway
made fw/etc/wgxdp/wgxdp.yaml '    backend: { ipv4: "192.168.1.10", port: 51820 }' << EOF
gateways: [ { name: home, interface: eth0, networks: [ 10.9.0.0/24 ], clients: [ { name: c1 } ] } ]
firewalls: [ { name: fw, wan: eth0, serves: home, nat: masquerade, backend: 192.168.1.10, addresses: [ 198.51.100.7 ] } ]
EOF

# Clients get an address of the firewall that serves them
for addresses in '"2001:db8:f::1", 203.0.113.1' '203.0.113.1, "2001:db8:f::1"'; do
	made c1/etc/wireguard/wg0.conf 'Endpoint = 203.0.113.1:51820' <<- EOF
		gateways: [ { name: home, interface: eth0, networks: [ 10.9.0.0/24 ], clients: [ { name: c1 } ] } ]
		firewalls: [ { name: fw, wan: eth0, lan: eth1, serves: home, ipv6: off, backend: 192.168.1.10, addresses: [ $addresses ] } ]
	EOF
done

# A firewall may have a port of its own if all clients send to the firewall
made c1/etc/wireguard/wg0.conf 'Endpoint = fw.example.net:443' << EOF
domain: example.net
gateways: [ { name: home, interface: eth0, networks: [ 10.9.0.0/24 ], clients: [ { name: c1 } ] } ]
firewalls: [ { name: fw, wan: eth0, lan: eth1, serves: home, ipv6: off, port: 443, backend: 192.168.1.10 } ]
EOF

# Clients get the name servers that the gateway lets them reach
dual='10.9.0.0/24, "fd42:42:42::/64"'
while IFS=';' read -r networks exit first second; do
	made c1/etc/wireguard/wg0.conf "${first}DNS = 8.8.8.8" "${second}2001:4860:4860::8888" << EOF
gateways: [ { name: vps, interface: eth0, addresses: [ "2001:db8:1::1" ], networks: [ $networks ], exit: { $exit }, clients: [ { name: c1 } ] } ]
EOF
	cp "$work/made.yaml" "$work/again.yaml"
	made c1/README.md "${first}ping -c 3 8.8.8.8" "${second}ping -c 3 2001:4860:4860::8888" < "$work/again.yaml"
done << EOF
"fd42:42:42::/64";;!;
10.9.0.0/24;;;!
$dual;ipv4: off;!;
$dual;;;
EOF

# The gateway answers for each global address behind it
made vps/etc/wireguard/wg0.conf 'neigh replace proxy 2001:db8:1::2 ' 'neigh replace proxy 2001:db8:1::3 ' << EOF
gateways:
  - { name: vps, interface: eth0, addresses: [ "2001:db8:1::1" ], networks: [ 10.9.0.0/24, "2001:db8:1::/64" ], exit: { proxy-ndp: true },
      clients: [ { name: c1, ipv6: direct } ], roaming: [ { name: r1, wan: wan, lan: br-lan, prefix: "fd00:5::/64" } ] }
EOF
# With masquerade, `ipv6: off` is about the clients: the name that the gateway writes has no A record
made vps/etc/wgxdp/wgxdp.yaml '    backend: { ipv6: "home.example.net", port: 51820 }' '    ipv6: off' << EOF
domain: example.net
ddns: { provider: { rfc2136: { server: ns.example.net, zone: example.net, key-file: /etc/wgxdp/tsig.key } } }
gateways: [ { name: home, interface: eth0, ddns: true, networks: [ 10.9.0.0/24 ], clients: [ { name: c1 } ] } ]
firewalls: [ { name: vps, wan: eth0, serves: home, nat: masquerade, ipv6: off, addresses: [ 203.0.113.2 ] } ]
EOF
# Every router answers MLD queries of its own links, also on interfaces other than an edge router's LAN
made fw/etc/nftables.d/wgxdp.nft 'ip6 saddr fe80::/10 icmpv6 type { mld-listener-query, ' << EOF
tcp-ports: [ 22 ]
gateways: [ { name: home, interface: eth0, networks: [ 10.9.0.0/24 ], clients: [ { name: c1 } ] } ]
firewalls: [ { name: fw, wan: eth0, lan: eth1, serves: home, backend: 192.168.1.10, addresses: [ 198.51.100.7 ] } ]
EOF
# The exit also translates a mobile router's ULA prefix, and no global one
made vps/etc/nftables.d/wgxdp.nft 'oifname "eth0" ip6 saddr fd00:5::/64 counter masquerade' '!saddr 2001:db8:5::/64' << EOF
gateways:
  - { name: vps, interface: eth0, addresses: [ "2001:db8:1::1" ], networks: [ $dual ], exit: {}, roaming: [
      { name: r1, wan: wan, lan: br-lan, prefix: "fd00:5::/64" }, { name: r2, wan: wan, lan: br-lan, prefix: "2001:db8:5::/64" } ] }
EOF
# WireGuard may have a port of traceroute
made relay/etc/nftables.d/wgxdp.nft 'udp dport 33440 counter accept comment "WireGuard"' 'comment "traceroute"' << EOF
tcp-ports: [ 22 ]
relays: [ { name: relay, interface: eth0, addresses: [ 198.51.100.1 ], port: 33440 } ]
sites: [ { name: a, edges: [ { name: edge-a, wan: wan, lan: lan } ] } ]
EOF
[[ $(grep -oE '"(WireGuard|traceroute)"' "$work/made/relay/etc/nftables.d/wgxdp.nft" | head -n 1) == '"WireGuard"' ]] ||
	fail "traceroute's ports come before WireGuard's: $(< "$work/made/relay/etc/nftables.d/wgxdp.nft")"
# A firewall without a LAN also checks what it forwards, and lets in no new connections
made vps/etc/nftables.d/wgxdp.nft 'hook forward' 'iifname != "eth0" accept' 'prefix "wgxdp forward: "' '!51820' '!masquerade' '!oifname' << EOF
tcp-ports: [ 22 ]
gateways: [ { name: home, interface: eth0, addresses: [ "2001:db8:9::10" ], networks: [ 10.9.0.0/24 ], clients: [ { name: c1 } ] } ]
firewalls: [ { name: vps, wan: eth0, serves: home, nat: masquerade, addresses: [ 203.0.113.2 ] } ]
EOF
# With `ipv6: off` no packet of IPv6 reaches the gateway through the firewall
made fw/etc/nftables.d/wgxdp.nft 'ip daddr 192.168.1.10 udp dport 51820 counter accept' '!ip6 daddr' << EOF
tcp-ports: [ 22 ]
gateways: [ { name: home, interface: eth0, addresses: [ "2001:db8:9::10" ], networks: [ 10.9.0.0/24 ], clients: [ { name: c1 } ] } ]
firewalls: [ { name: fw, wan: eth0, lan: eth1, serves: home, ipv6: off, backend: 192.168.1.10, addresses: [ 203.0.113.2 ] } ]
EOF
# A mobile router comes to networks without IPv6, so it uses the gateway's name; a client needs no DNS
for file in 'c1/etc/wireguard/wg0.conf;Endpoint = [2001:db8:1::1]:51820' 'r1/etc/wireguard/wg0.conf;Endpoint = vps.example.net:51820' \
	"r2/etc/config/network.uci;option endpoint_host 'vps.example.net'"; do
	made "${file%%;*}" "${file#*;}" <<- EOF
		domain: example.net
		gateways:
		  - { name: vps, interface: eth0, addresses: [ 203.0.113.1, "2001:db8:1::1" ], networks: [ $dual ], exit: {},
		      clients: [ { name: c1 } ], roaming: [ { name: r1, wan: wan, lan: br-lan, prefix: "fd00:5::/64" },
		      { name: r2, wan: wan, lan: br-lan, prefix: "fd00:6::/64", openwrt: true } ] }
	EOF
done
# The tunnel takes only a mobile router's own IPv4 address, so its LAN's IPv4 is translated there too
made r1/etc/nftables.d/wgxdp.nft 'iifname "br-lan" oifname { "wan", "wg0" } meta nfproto ipv4 counter masquerade' << EOF
gateways:
  - { name: vps, interface: eth0, addresses: [ 203.0.113.1, "2001:db8:1::1" ], networks: [ $dual ], exit: {},
      roaming: [ { name: r1, wan: wan, lan: br-lan, prefix: "fd00:5::/64", split: [ 0.0.0.0/0, "::/0" ] } ] }
EOF
say 'ok endpoints, backends, name servers and proxied neighbours of particular topologies'

# The options of `rollout` may come after the hosts, and a wrong one reaches no host
cat > "$work/ssh" <<- EOF
	#!/bin/sh
	cat > /dev/null
	echo "\$2" >> "$work/reached"
EOF
chmod +x "$work/ssh"
rollout() { ROLLOUT_SSH=$work/ssh "$work/two-sites/rollout" "$@" 2>&1; }
rollout relay --dry-run --wait 30 > "$work/rolled"
expect 'rollout HOST --dry-run' "$(< "$work/rolled"), $(grep -c -- '--here dry-run --wait 30' "$work/reached")" == 'relay: dry-run, 1'
rm "$work/reached"
for wrong in 'relay --dry' '--wait abc relay' 'relay --wait' '--confirm' ''; do
	# shellcheck disable=SC2086
	! rollout $wrong > "$work/rolled" || fail "rollout $wrong: accepted"
	holds '^rollout: .*--help' "$work/rolled" || fail "rollout $wrong: $(< "$work/rolled")"
done
[[ ! -e $work/reached ]] || fail "a wrong option reached a host: $(< "$work/reached")"
say 'ok wrong options of rollout are named, and reach no host'
