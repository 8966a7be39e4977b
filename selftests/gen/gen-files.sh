#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 300
# Every file that `wgxdp gen hosts` makes from docs/examples is accepted by its program, in its place on its host: nft,
# radvd, keepalived, bird, wg, named-checkzone, promtool, systemd-analyze, networkd, sysctl, sh and wgxdp. A file that
# no program reads fails the test. Then each kind of file gets a mistake, which its program must refuse.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

export wgxdp work

# --- the reader of a file: sets kind to it; nobody: people, or only other systems

read_kind() { # PATH, as on the host
	case $1 in
	/etc/nftables.d/wgxdp.nft) kind=nft ;;
	/etc/radvd.conf) kind=radvd ;;
	/etc/keepalived/keepalived.conf) kind=keepalived ;;
	/etc/keepalived/* | /etc/wireguard/wgxdp-reload | /start) kind=script ;;
	/etc/wireguard/*.conf) kind=wireguard ;;
	/etc/systemd/network/*.network) kind=networkd ;;
	/etc/systemd/system/*.d/*.conf) kind=units ;;
	/etc/systemd/system/*.service) kind=unit ;;
	/etc/sysctl.d/*.conf) kind=sysctl ;;
	/etc/wgxdp/wgxdp.yaml) kind=wgxdp ;;
	/etc/bird/bird.conf) kind=bird ;;
	/etc/wireguard/*key | *.psk | *.uci | */README.md) kind=nobody ;;
	*) kind=unknown ;;
	esac
}

# --- the readers, for all files of a kind that a host has

check_nft() { nft -c -f "$1"; }
check_radvd() { radvd -c -C "$1"; }
check_keepalived() { # it warns of an interface that the host lacks
	local device
	while read -r device; do
		ip link show "$device" > /dev/null 2>&1 || ip link add "$device" type bridge
	done < <(sed -n 's/^\tinterface //p' "$1")
	keepalived -t -f "$1"
}
check_bird() { bird -p -c "$1"; }
check_sysctl() { sysctl -qp "$1"; }
check_script() {
	local file
	for file; do sh -n "$file" || return; done
	shellcheck "$@"
}

# Checks the part that wg-quick passes to WireGuard
check_wireguard() {
	local file
	ip link show wgcheck > /dev/null 2>&1 || wireguard-go wgcheck > /dev/null 2>&1
	for file; do
		wg-quick strip "$file" 2>&1 > "$own/stripped" | grep . && return 1 # it warns of modes
		grep -q '^\[Peer\]' "$own/stripped" && WG_ENDPOINT_RESOLUTION_RETRIES=0 wg setconf wgcheck "$own/stripped" || return
	done
}

# systemd ignores unknown settings, and reports them
verify() {
	local said
	said=$(systemd-analyze verify --man=no "$@" 2>&1) || said=${said:-no}
	echo "$said"
	[[ ! $said ]]
}
check_unit() { verify "$@"; }

# Together with their units
check_units() {
	local file unit units=()
	for file; do
		unit=${file%.d/*}
		units+=("${unit##*/}")
		[[ ${unit##*/} != wgxdp* ]] || sed "s,/usr/local/sbin/wgxdp,$wgxdp," "scripts/systemd/${unit##*/}" > "$unit"
	done
	verify --recursive-errors=no "${units[@]}"
}

check_wgxdp() {
	local rc=0
	"$wgxdp" check -c "$1" || rc=$?
	((rc == 0 || rc == 3)) # 3: this host lacks something for it
}

# networkd reads its files when it starts; it needs no bus, and no udev if /sys is read-only
check_networkd() {
	local pid
	if ! mountpoint -q /run/systemd; then
		mkdir -p /run/systemd
		mount -t tmpfs run /run/systemd
		mount -t sysfs -o ro sysfs /sys
		mkdir -p /run/systemd/netif/{links,leases,lldp}
		chown -R systemd-network:systemd-network /run/systemd/netif
	fi
	: > "$own/networkd" # else what the one before has written could count
	SYSTEMD_LOG_LEVEL=debug /lib/systemd/systemd-networkd > "$own/networkd" 2>&1 & # so that systemd 257 reports the end of reading
	pid=$!
	until grep -q 'Enumeration completed' "$own/networkd"; do kill -0 $pid && sleep 0.02; done
	kill $pid
	wait $pid
	for file; do
		! grep -F "$file:" "$own/networkd" | grep -ve 'Successfully loaded' -e "Unknown key 'UseRedirect'" || return # new in systemd 256
	done
}

# --- hosts with an /etc, a network and processes of their own, one after the other

on_hosts() { # KIND TREE...: checks the files of that kind in the tree of a host, or all; what passed is not read again
	local bad=0 own layers
	local -A passed=()
	shopt -s globstar nullglob
	own=$(mktemp -d "$work/hosts.XXXXXX")
	: > "$own/said"
	mkdir -p "$own"/{base,work} /run/wireguard
	mount -t tmpfs run /run/wireguard
	mount -t overlay -o "lowerdir=/etc,upperdir=$own/base,workdir=$own/work" etc /etc
	rm -rf /etc/nftables.d /etc/wireguard /etc/wgxdp /etc/systemd/network
	find /etc/keepalived -mindepth 1 ! -name keepalived.config-opts -delete # Debian 13's keepalived reads this file
	umount /etc
	while (($#)); do
		layers=$own/base:/etc
		[[ ! -d $2/etc ]] || layers=$2/etc:$layers
		mkdir "$own"/{upper,work}$#
		mount -t overlay -o "lowerdir=$layers,upperdir=$own/upper$#,workdir=$own/work$#" etc /etc
		one_host "$@" || bad=1
		umount -l /etc
		shift 2
	done
	return $bad
}

one_host() { # KIND TREE
	local file paths=() kind interface key text bad=0
	local -A files=()
	sed -n 's/^Endpoint = \([a-z].*\):.*/192.0.2.1 \1/p' /dev/null /etc/wireguard/*.conf > /etc/hosts # must resolve
	if [[ -e /etc/sysctl.d/60-wgxdp.conf ]]; then
		while IFS=. read -r _ _ _ interface _; do
			interface=${interface//\//.}
			[[ ! $interface || $interface == all || -e /proc/sys/net/ipv6/conf/$interface ]] || ip link add "$interface" type bridge
		done < <(grep '^net[.]ipv6[.]conf[.]' /etc/sysctl.d/60-wgxdp.conf)
	fi
	for file in "$2"/**; do [[ ! -f $file ]] || paths+=("${file#"$2"}"); done
	for file in "${paths[@]}"; do
		read_kind "$file"
		[[ $file != /start ]] || file=$2/start
		files[$kind]+=" $file"
	done
	for kind in ${1:-"${!files[@]}"}; do
		case $1$kind in nobody | script) continue ;; esac
		key="$kind ${paths[*]}"
		for file in ${files[$kind]:-}; do
			read -rd '' text < "$file" || :
			key+=$file$text
		done
		# shellcheck disable=SC2086 # several files
		if [[ $kind != unknown ]] && { [[ ${passed[$key]:-} ]] || "check_$kind" ${files[$kind]:-} > "$own/said" 2>&1; }; then
			printf "accepted $kind %s\n" ${files[$kind]}
			passed[$key]=1
		else
			echo "REFUSED $kind ${2##*/}:${files[$kind]:-}: $(< "$own/said")"
			bad=1
		fi
	done
	return $bad
}
mapfile -t checks < <(compgen -A function check_)
export -f on_hosts one_host read_kind verify "${checks[@]}"

apart() { unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc bash -c '"$@"' bash on_hosts "$@"; }

# --- the files beside the hosts

zones_accepted() { # FILE...: in a zone
	local file
	for file; do
		printf '%s\n' '@ 300 IN SOA ns hostmaster 1 3600 600 86400 300' '@ 300 IN NS ns' 'ns 300 IN A 192.0.2.53' "\$INCLUDE $file" > "$work/zone"
		named-checkzone example.net "$work/zone" > "$work/said" 2>&1 || return
	done
}

targets_accepted() { # FILE...
	echo "scrape_configs: [ { job_name: wgxdp, file_sd_configs: [ { files: [ $(printf '%s, ' "$@")] } ] } ]" > "$work/prometheus.yml"
	promtool check config "$work/prometheus.yml" > "$work/said" 2>&1
}

# --- all files

need_tun
shopt -s extglob nullglob
trees=()
for example in docs/examples/topology/*.yaml; do
	name=$(basename "$example" .yaml)
	"$wgxdp" gen hosts "$example" -o "$work/all/$name" > "$work/said" 2>&1 || fail "gen hosts $example: $(< "$work/said")"
	for host in "$work/all/$name"/!(state|prometheus)/; do trees+=('' "${host%/}"); done
done
apart "${trees[@]}" > "$work/seen" || fail "$(grep REFUSED "$work/seen")"
# Many hosts have the same scripts, which are as good anywhere
mapfile -t scripts < <(find "$work/all" -path '*/etc/keepalived/*' ! -name keepalived.conf -o -name wgxdp-reload -o -name start -o -name rollout)
mapfile -t scripts < <(sha256sum "${scripts[@]}" | sort -uk 1,1 | cut -c 67-)
check_script "${scripts[@]}" > "$work/said" 2>&1 || fail "scripts: $(< "$work/said")"
zones=("$work"/all/*/zone.example.net) targets=("$work"/all/*/prometheus/wgxdp.yaml)
zones_accepted "${zones[@]}" || fail "named-checkzone: $(< "$work/zone") $(< "$work/said")"
targets_accepted "${targets[@]}" || fail "promtool: $(< "$work/said")"
say "ok accepted: $(awk '$1 == "accepted" {n[$2]++} END {for (k in n) printf "%s %d, ", k, n[k]}' "$work/seen")script ${#scripts[@]}, zone ${#zones[@]}, targets ${#targets[@]}"

# --- mistakes

trees=()
refuses() { # KIND FILE SED-COMMAND: makes a mistake in a copy of the first host that has the file
	local hosts=("$work"/all/*/*"$2")
	((${#hosts[@]})) || fail "no example has $2"
	cp -a "${hosts[0]%"$2"}" "$work/wrong-$1-$((${#trees[@]} / 4))"
	trees+=("$1" "${hosts[0]%"$2"}" "$1" "$work/wrong-$1-$((${#trees[@]} / 4))")
	sed -i "$3" "${trees[-1]}$2"
	! cmp -s "${hosts[0]}" "${trees[-1]}$2" || fail "$1: no mistake was made in $2"
}

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
refuses sysctl /etc/sysctl.d/60-wgxdp.conf 's/all.forwarding/all.forwardin/'
refuses wgxdp /etc/wgxdp/wgxdp.yaml 's/^\(policy\|blind\):/x\1:/'
cp -a "$work/all/two-sites/relay" "$work/wrong-unknown"
touch "$work/wrong-unknown/etc/strange.conf"
trees+=(unknown "$work/wrong-unknown")
! apart "${trees[@]}" > "$work/seen" || fail 'no mistake was refused'
for ((i = 0; i < ${#trees[@]}; i += 2)); do
	[[ ${trees[i + 1]} != "$work/wrong-"* ]] || grep -q "^REFUSED ${trees[i]} ${trees[i + 1]##*/}:" "$work/seen" ||
		fail "a mistake in a file of kind ${trees[i]} was accepted: $(< "$work/seen")"
done
[[ $(grep -c '^REFUSED' "$work/seen") == 13 ]] || fail "a file is refused as it was: $(< "$work/seen")"
sed 's/AAAA *[0-9a-f]*:/&:x:/' "$work/all/two-sites/zone.example.net" > "$work/broken"
! zones_accepted "$work/broken" || fail 'named-checkzone: a mistake was accepted'
sed 's/labels: {/&[/' "$work/all/two-sites/prometheus/wgxdp.yaml" > "$work/broken"
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
made relay/etc/nftables.d/wgxdp.nft 'udp dport 33440 accept comment "WireGuard"' 'comment "traceroute"' << EOF
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
# With a domain, clients use the name, unless `endpoint` says otherwise
for file in 'name;c1/etc/wireguard/wg0.conf;Endpoint = vps.example.net:51820' 'name;r1/etc/wireguard/wg0.conf;Endpoint = vps.example.net:51820' \
	"name;r2/etc/config/network.uci;option endpoint_host 'vps.example.net'" 'ipv6;c1/etc/wireguard/wg0.conf;Endpoint = [2001:db8:1::1]:51820' \
	'ipv4;r1/etc/wireguard/wg0.conf;Endpoint = 203.0.113.1:51820'; do
	IFS=';' read -r way file line <<< "$file"
	made "$file" "$line" <<- EOF
		domain: example.net
		gateways:
		  - { name: vps, interface: eth0, addresses: [ 203.0.113.1, "2001:db8:1::1" ], networks: [ $dual ], exit: {}, endpoint: $way,
		      clients: [ { name: c1 } ], roaming: [ { name: r1, wan: wan, lan: br-lan, prefix: "fd00:5::/64" },
		      { name: r2, wan: wan, lan: br-lan, prefix: "fd00:6::/64", openwrt: true } ] }
	EOF
done
# Clients reach the name servers of the topology, in private networks too
made vps/etc/nftables.d/wgxdp.nft 'iifname "wg0" ip daddr 10.0.0.53/32 counter accept' '!9.9.9.9' << EOF
dns: [ 10.0.0.53, 9.9.9.9 ]
gateways: [ { name: vps, interface: eth0, addresses: [ 203.0.113.1 ], networks: [ 10.9.0.0/24 ], exit: {}, clients: [ { name: c1 } ] } ]
EOF
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
rollout() { ROLLOUT_SSH=$work/ssh "$work/all/two-sites/rollout" "$@" 2>&1; }
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
