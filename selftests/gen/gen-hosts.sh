#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# `wgxdp gen hosts` makes the files of all hosts from one description, changes only what differs, and leaves foreign
# files alone. It needs no network. wg-quick accepts its files, and modes are right under any umask. A second run
# touches nothing. --check lists exactly what then changes: when a site, a server or a client comes or goes, or a file
# was edited. Keys stay. A host with a key of its own has no private key here. Foreign files stay. --diff prints no
# secret. An error leaves everything as it was. BREAK=1 changes a file between --check and the run.
#
#     topology.yaml ---> wgxdp gen hosts ---> DIR/HOST/etc/..., README.md                 copied to the hosts
#                              ^  |
#                              |  v
#                         DIR/state: assigned, keys, written
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

dir=$work/dir
topology=$work/topology.yaml

gen() { "$wgxdp" gen hosts "$topology" -o "$dir" "$@"; }
files() { find "$dir" ! -type d -printf '%P %i %T@ %C@ %m %s\n' | sort; } # shows any change
texts() { (cd "$dir" && find . ! -type d -exec sha256sum {} + | sort -k 2); }
expect_status() { # WHAT STATUS COMMAND...
	local status=0
	"${@:3}" > "$work/said" 2>&1 || status=$?
	[[ $status == "$2" ]] || fail "$1: status $status, expected $2: $(< "$work/said")"
}
refused() { # WHAT TEXT COMMAND...: it reports TEXT, and changes nothing
	local before status=0
	before=$(files 2> /dev/null || :)
	"${@:3}" > "$work/said" 2>&1 || status=$?
	[[ $status != 0 ]] || fail "$1: was taken"
	grep -qF -- "$2" "$work/said" || fail "$1: no '$2' in: $(< "$work/said")"
	[[ $(files 2> /dev/null || :) == "$before" ]] || fail "$1: something was changed"
	say "ok $1: $(head -n 1 "$work/said")"
}

# Compares the list of --check with the run's output and with the changes in the directory
changes() { # WHAT [PATTERN]: only matching paths may be among them
	local listed
	expect_status "$1: --check" 1 gen --check
	grep -v ' left the topology' "$work/said" | sort > "$work/listed"
	expect_status "$1: --diff" 1 gen --diff
	no_secrets "$1"
	texts > "$work/before"
	[[ ! ${BREAK:-} ]] || echo >> "$dir/relay/etc/wireguard/wgvpnr01.conf"
	expect_status "$1" 0 gen
	grep -v ' left the topology' "$work/said" | sed -E 's/^(add|change|remov)e?d /\1 /' | sed 's/^remov /remove /' | sort | diff - "$work/listed" ||
		fail "$1: another thing was done than --check had listed"
	texts > "$work/after"
	{
		join -1 2 -2 2 -v 2 "$work/before" "$work/after" | sed 's/ .*//; s,^\./,add ,'
		join -1 2 -2 2 -v 1 "$work/before" "$work/after" | sed 's/ .*//; s,^\./,remove ,'
		join -1 2 -2 2 "$work/before" "$work/after" | awk '$2 != $3 {sub("^\\./", "change ", $1); print $1}' FS=' '
	} | sort | diff - "$work/listed" || fail "$1: files that --check had not listed"
	listed=$(wc -l < "$work/listed")
	[[ ! ${2:-} ]] || ! grep -vE "$2" "$work/listed" || fail "$1: no reason to change these"
	expect_status "$1, once more" 0 gen --check
	say "ok $1: $listed files, as --check had listed them"
}

# No existing private or preshared key is in the text
secrets() { find "$dir/state/keys" -type f -exec cat {} + 2> /dev/null; }
no_secrets() {
	secrets > "$work/secrets"
	! grep -qFf "$work/secrets" "$work/said" || fail "$1: a key is shown by --diff"
}

declare -A public=()
pairs() { # WHAT: the keys of each file are a pair
	local conf line private key n=0
	for conf in "$dir"/*/etc/wireguard/*.conf; do
		private=''
		while IFS= read -r line; do
			case $line in
			'PrivateKey = '*) private=${line#* = } ;;
			'PostUp = wg set'*) [[ ! -e ${conf%.conf}-privatekey ]] || read -r private < "${conf%.conf}-privatekey" ;;
			esac
		done < "$conf"
		n=$((n + 1))
		[[ $private ]] || { grep -q '^PostUp = wg set' "$conf" || fail "$1: $conf has no private key"; continue; } # the host's own
		[[ ${public[$private]:-} ]] || public[$private]=$(wg pubkey <<< "$private")
		read -r key < "${conf%.conf}-publickey"
		[[ ${public[$private]} == "$key" ]] || fail "$1: $conf: its keys are no pair"
	done
	((n)) || fail "$1: no files of WireGuard"
	say "ok $1: the keys of $n files"
}

accepted() { # WHAT: wg-quick accepts every file; gen-files.sh shows this for the examples
	local conf
	pairs "$1"
	for conf in "$dir"/*/etc/wireguard/*.conf; do
		wg-quick strip "$conf" > "$work/stripped" 2> "$work/said" || fail "wg-quick strip $conf: $(< "$work/said")"
		[[ ! -s $work/said ]] || fail "wg-quick strip $conf: $(< "$work/said")"
		grep -q '^\[Peer\]' "$work/stripped" || fail "$conf: no peer"
	done
	say "ok $1: wg-quick takes all files"
}

private_modes() {
	local wrong
	secrets > "$work/secrets"
	wrong=$(find "$dir" -type f \( -name '*.conf' -path '*/wireguard/*' -o -name '*privatekey' -o -name '*.uci' -o -path '*/state/*' \) ! -perm 600 -print \
		-o -type d \( -name wireguard -o -path '*/state' -o -path '*/state/keys' \) ! -perm 700 -print \
		-o -type d \( -name etc -o -path "$dir/relay" \) ! -perm 755 -print \
		-o -type f ! -perm 600 -exec grep -lFf "$work/secrets" {} + || :) # grep fails if it finds nothing
	[[ ! $wrong ]] || fail "modes: $wrong"
}

# ---- the examples

for example in "$root"/docs/examples/topology/*.yaml; do
	topology=$example
	name=$(basename "$example" .yaml)
	expect_status "$name" 0 gen
	pairs "$name"
	private_modes
	before=$(files)
	expect_status "$name, again" 0 gen
	[[ $(files) == "$before" ]] || fail "$name: a second run touches files"
	expect_status "$name, --check" 0 gen --check
	expect_status "$name, --diff" 0 gen --diff
	for host in "$dir"/*/etc/wireguard/wg0.conf; do # each ping of a README goes into the tunnel
		host=${host%/etc/*}
		if [[ ! -e $host ]] || grep -q '^ListenPort' "$host/etc/wireguard/wg0.conf"; then continue; fi # none, or a gateway
		/usr/bin/python3 - "$host" <<- 'EOF_PYTHON' || fail "$name: ${host##*/}/README.md: a ping that cannot pass"
			import ipaddress, re, sys
			text = open(sys.argv[1] + '/etc/wireguard/wg0.conf').read()
			into = [ipaddress.ip_network(p.strip()) for l in re.findall('^AllowedIPs = (.*)', text, re.M) for p in l.split(',')]
			pings = re.findall('^. `ping -c 3 ([^`]*)`', open(sys.argv[1] + '/README.md').read(), re.M)
			sys.exit(not all(any(ipaddress.ip_address(a) in p for p in into) for a in pings))
		EOF_PYTHON
	done
	! grep -rl 'hook input' "$dir"/*/etc || fail "$name: rules for packets to a host that the topology does not ask for"
	[[ ! $(find "$dir" -name nftables.conf) ]] || fail "$name: a file for the host's own"
	rm -rf "$dir"
done

[[ ${WGXDP_TIER:-} != core ]] || exit 0

# ---- a network with everything

hand_key=$(wg genkey | wg pubkey)
describe() { # SITES CLIENTS [MORE]: as letters and names
	local site name
	topology=$work/topology.yaml
	{
		cat <<- YAML
			domain: example.net
			overlay: "fd12:3456:789a::/48"
			${3:-preshared-keys: false}
			relays:
			  - { name: relay, interface: eth0, addresses: [ 198.51.100.1, "2001:db8::1" ] }
			sites:
		YAML
		for site in $1; do
			cat <<- YAML
				  - name: $site
				    edges:
				      - { name: edge-${site}1, wan: wan, lan: lan }
				      - { name: edge-${site}2, wan: wan, lan: lan, link: pppoe }
				    servers:
				      - { name: server-$site, interface: eth0, token: 10 }
			YAML
		done
		cat <<- YAML
			gateways:
			  - name: vps
			    interface: eth0
			    addresses: [ 203.0.113.1, "2001:db8:0:1::1" ]
			    networks: [ 10.200.200.0/24, "fd42:42:42::/64", "2001:db8:abcd:1234::/64" ]
			    exit: { ipv4: masquerade, ipv6: masquerade, inbound: open, proxy-ndp: true }
			    clients:
		YAML
		for name in $2; do
			case $name in
			direct) echo "      - { name: $name, ipv6: direct }" ;;
			phone) echo "      - { name: $name, public-key: \"$hand_key\", split: [ 192.168.1.0/24 ] }" ;;
			*) echo "      - { name: $name }" ;;
			esac
		done
		cat <<- YAML
			    roaming:
			      - { name: r-1, wan: wan, lan: br-lan, prefix: "2001:db8:abcd:5::/64", openwrt: true }
		YAML
	} > "$topology"
}

# ---- SSH is shut out only by who asks for it, and that is told before the commands

for ports in 22 443; do
	sed "s/^domain:/tcp-ports: [ $ports ]\n&/" docs/examples/topology/firewall.yaml > "$work/ports.yaml"
	topology=$work/ports.yaml
	expect_status "tcp-ports: [ $ports ]" 0 gen
	grep -q "elements = { $ports }" "$dir/firewall/etc/nftables.d/wgxdp.nft" || fail "tcp-ports: [ $ports ]: no rules for that"
	awk '/^### Start/ {exit !told} /They block SSH/ {told = 1}' "$dir/firewall/README.md" && told=1 || told=''
	[[ $told == "$([[ $ports == 22 ]] || echo 1)" ]] || fail "tcp-ports: [ $ports ]: $(< "$dir/firewall/README.md")"
done
rm -rf "$dir"
say 'ok who shuts SSH out is told'

# ---- metrics are served, and packets to them accepted, only if the topology asks for it

for metrics in false true; do
	sed "s/^metrics:.*/metrics: $metrics\ntcp-ports: [ 22 ]/" docs/examples/topology/two-sites.yaml > "$topology"
	expect_status "metrics: $metrics" 0 gen
	for file in relay/etc/wgxdp/wgxdp.yaml relay/etc/nftables.d/wgxdp.nft prometheus/wgxdp.yaml; do
		there=$(grep -s 9851 "$dir/$file" || :)
		[[ ${there:+true} == "$metrics" || (! $there && $metrics == false) ]] || fail "metrics: $metrics: $file says: $there"
	done
done

# ---- who forwards says so in sysctl.d alone; the kernel reads router advertisements where nothing else does

! grep -r 'sysctl' "$dir"/*/etc/wireguard/*.conf || fail 'a tunnel changes sysctls'
for host in relay edge-a1; do
	grep -qxF 'net.ipv6.conf.all.forwarding = 1' "$dir/$host/etc/sysctl.d/60-wgxdp.conf" || fail "$host does not forward"
done
expect 'edge routers whose interfaces networkd has, with accept_ra' "$(grep -l accept_ra "$dir"/edge*/etc/sysctl.d/* | wc -l)" == 0
sed 's/wan: wan/wan: ppp0/' docs/examples/topology/two-sites.yaml > "$topology"
gen > /dev/null
expect 'edge routers whose wan pppd has, with accept_ra' "$(grep -lF 'ppp0.accept_ra = 2' "$dir"/edge*/etc/sysctl.d/* | wc -l)" == 4
# When forwarding begins, the kernel drops default routes of router advertisements, except where accept_ra is 2 already
expect 'accept_ra behind forwarding' "$(awk 'FNR == 1 {f = 0} /forwarding = 1/ {f = 1} /accept_ra = 2/ && f {n++} END {print n + 0}' "$dir"/*/etc/sysctl.d/60-wgxdp.conf)" == 0
! grep 'nd-' <(sed -n '/chain forward/,$p' "$dir"/*/etc/nftables.d/wgxdp.nft) || fail 'a router does not forward neighbour discovery'
rm -rf "$dir"

# ---- what is random is said before it is made

{ echo 'domain: example.net' && sed '/^\(overlay\|tunnels\|mesh\):/d; /^domain/d' docs/examples/topology/two-sites.yaml; } > "$topology"
expect_status 'random prefixes: --check' 1 gen --check
grep -q '^overlay, tunnels and mesh are random' "$work/said" || fail "random prefixes: $(< "$work/said")"
gen > /dev/null
expect_status 'prefixes that are kept: --check' 0 gen --check
! grep -q random "$work/said" || fail "kept prefixes: $(< "$work/said")"
rm -rf "$dir"

describe 'a b' 'direct nat phone'
expect_status 'nothing there yet: --check' 1 gen --check
grep -q '^add relay/etc/wireguard/wgvpnr01.conf$' "$work/said" || fail "--check: $(< "$work/said")"
expect_status 'nothing there yet: --diff' 1 gen --diff
grep -q '^+PublicKey = (a new key)$' "$work/said" || fail '--diff shows keys that do not exist'
[[ ! -e $dir ]] || fail '--check made a directory'
(umask 077 && gen > /dev/null)
private_modes
accepted 'a topology'
(umask 000 && gen > /dev/null)
private_modes
texts > "$work/narrow"
mv "$dir/state" "$work/kept-state"
rm -rf "$dir"
mkdir -m 700 "$dir"
mv "$work/kept-state" "$dir/state"
(umask 000 && gen > /dev/null)
private_modes
texts | diff - "$work/narrow" || fail 'from the same state come other files'
say 'ok modes: whatever the umask'

before=$(files)
expect_status 'again' 0 gen
[[ $(files) == "$before" ]] || fail 'a second run touches files'
say "ok a second run touches none of $(wc -l <<< "$before") files"

# ---- the contents of files

conf() { cat "$dir/$1/etc/wireguard/"*.conf; }
has() { # HOST LINE
	conf "$1" | holds -xF -- "$2" || fail "$1 lacks: $2: $(conf "$1")"
}
relay_key=$(< "$dir/relay/etc/wireguard/wgvpnr01-publickey")
site_key=$(< "$dir/edge-a1/etc/wireguard/wgvpnr01-publickey")
has relay "PublicKey = $site_key"
has edge-a1 "PublicKey = $relay_key"
has edge-a1 'Endpoint = relay.example.net:51820'
has edge-a1 'PersistentKeepalive = 25'
has edge-a1 'MTU = 1420'
has edge-a2 'MTU = 1412'
has relay 'MTU = 1412'
has server-a 'MTU = 1332'
has direct 'MTU = 1280'
has direct 'Endpoint = vps.example.net:51820'
has direct 'AllowedIPs = 0.0.0.0/0, ::/0'
has direct 'DNS = 8.8.8.8, 2001:4860:4860::8888'
has phone 'AllowedIPs = 192.168.1.0/24, 10.200.200.1/32, fd42:42:42::1/128'
cmp "$dir/edge-a1/etc/wireguard/wgvpnr01-privatekey" "$dir/edge-a2/etc/wireguard/wgvpnr01-privatekey" || fail "a site's edges have one key"
[[ $site_key != "$(< "$dir/edge-b1/etc/wireguard/wgvpnr01-publickey")" ]] || fail 'two sites have one key'

! conf phone | holds '^PrivateKey' || fail 'phone: a private key that is not ours'
[[ ! -e $dir/phone/etc/wireguard/wg0-privatekey ]] || fail 'phone: its private key'
[[ -z $(find "$dir/state/keys" -name 'phone*') ]] || fail 'phone: a private key was made'
has phone 'PostUp = wg set %i private-key /etc/wireguard/%i-privatekey'
has vps "PublicKey = $hand_key"
[[ $(grep -cE '^    .*(wg genkey|wg pubkey)' "$dir/phone/README.md") == 2 ]] || fail "phone: its README does not say the two commands"
say 'ok a host with a key of its own: nothing private here'

uci=$dir/r-1/etc/config/network.uci
for line in "config interface 'wg0'" "config wireguard_wg0 'wg0_vps'" "	option public_key '$(< "$dir/vps/etc/wireguard/wg0-publickey")'" \
	"	option endpoint_host 'vps.example.net'" "	list allowed_ips '::/0'" "	list ip6addr '2001:db8:abcd:5::1/64'"; do
	grep -qxF "$line" "$uci" || fail "r-1 lacks: $line: $(< "$uci")"
done
! grep -nvE "^(|#.*|package network|config [a-z0-9_]+ '[a-z0-9_]+'|	(option|list) [a-z0-9_]+ '[^']+')$" "$uci" || fail 'r-1: no UCI'
[[ $(sed -n "s/.*private_key '\(.*\)'/\1/p" "$uci" | wg pubkey) == "$(< "$dir/r-1/etc/wireguard/wg0-publickey")" ]] ||
	fail 'r-1: its keys are no pair'

# A server's name leads to the address that takes TCP, and NAME-lan to that of the overlay
in_zone() { awk -v name="$1" '$1 == name && $4 == "AAAA" {print $5}' "$dir/zone.example.net"; }
expect "the server's name" "$(in_zone server-a)" == "$(conf server-a | sed -n 's,^Address = \(.*\)/128,\1,p')"
expect "the server's name in the overlay" "$(in_zone server-a-lan)" == fd12:3456:789a:1::10

# ---- hosts come and go

describe 'a b c' 'direct nat phone'
changes 'a site comes' '^(add (edge-c|server-c|state/keys/|prometheus)|change (relay|server-[ab]|state/|zone|prometheus))'
describe 'a b c' 'direct nat phone laptop'
changes 'a client comes' '^(add (laptop/|state/keys/laptop)|change (vps/|state/|zone|prometheus))'
texts > "$work/with-c"
describe 'a b' 'direct nat phone laptop'
changes 'a site goes' '^(remove (edge-c|server-c|state/keys/)|add state/removed/|change (relay|server-[ab]|state/|zone|prometheus))'
[[ ! -e $dir/edge-c1 && ! -e $dir/state/keys/c-wgvpnr01 && -e $dir/state/removed/c-wgvpnr01 ]] || fail 'a site that went: its files, or its keys'
private_modes
for host in edge-c1 edge-c2 server-c; do
	gen > "$work/said" 2>&1
	grep -q "^$host left the topology" "$work/said" || fail "$host is gone: $(< "$work/said")"
done
describe 'a b c' 'direct nat phone laptop'
changes 'the site is back'
texts | diff - "$work/with-c" || fail 'the site is back, but not as it was'
gen > "$work/said" 2>&1
! grep 'left the topology' "$work/said" || fail 'no host is gone'
describe 'a b c' 'direct nat phone laptop' 'preshared-keys: true'
changes 'preshared keys'
conf relay | holds '^PresharedKey' || fail 'no preshared key'
for pair in 'edge-a1 relay' 'server-a server-b' 'nat vps'; do
	shared=$(for host in $pair; do conf "$host" | sed -n 's/^PresharedKey = //p' | sort -u; done | sort | uniq -d | wc -l)
	((shared == 1)) || fail "$pair: $shared preshared keys in common"
done
accepted 'preshared keys'

# ---- a blind relay: each other site is a peer, at the relay's address

sed -i 's/name: relay,/&  blind: true,/' "$topology"
changes 'the relay is blind'
tunnel_of() { conf "$1" | sed -n 's,^Address = ,,p'; }
for site in b c; do
	conf edge-a1 | awk -v RS= -v name="# $site" '$0 ~ name' > "$work/peer"
	for line in "PublicKey = $(< "$dir/edge-${site}1/etc/wireguard/wgvpnr01-publickey")" 'Endpoint = relay.example.net:51820' \
		"AllowedIPs = $(tunnel_of "edge-${site}1"), $(sed -n 's/.*prefix \([0-9a-f:]*\/64\).*/\1/p' "$dir/edge-${site}1/etc/radvd.conf")"; do
		grep -qxF "$line" "$work/peer" || fail "edge-a1 lacks, of $site: $line: $(< "$work/peer")"
	done
done
has edge-a1 "AllowedIPs = $(tunnel_of relay)"
has relay "AllowedIPs = $(tunnel_of edge-a1)"
has edge-a1 'MTU = 1412'
[[ $(conf edge-a1 | grep -c '^PersistentKeepalive') == 1 ]] || fail 'edge-a1: one keepalive holds the mapping for all'
expect "the server's name with a blind relay" "$(in_zone server-a) $(in_zone server-a-lan)" == 'fd12:3456:789a:1::10 '
accepted 'a blind relay'

# ---- secrets: the check itself finds a planted one

cp "$dir/nat/etc/wireguard/wg0.conf" "$work/said"
secrets > "$work/secrets"
grep -qFf "$work/secrets" "$work/said" || fail 'keys are not found where they are'
rm "$dir/state/keys/nat-wg0" "$dir/state/keys/nat+vps"
changes 'a key is made anew'
grep -q '^+PrivateKey = (' <(gen --diff 2>&1; "$wgxdp" gen hosts "$topology" -o "$work/other" --diff) || fail '--diff: a private key is left out altogether'

# ---- foreign files, and edited files

mkdir -p "$dir/relay/etc/other" "$dir/notes"
echo mine > "$dir/relay/etc/other/file"
echo mine > "$dir/notes/file"
ln -s /etc/hostname "$dir/notes/link"
mine=$(stat -c '%n %i %y %z' "$dir/relay/etc/other/file" "$dir/notes/file" "$dir/notes/link")
expect_status "others' files" 0 gen --check
echo '# by hand' >> "$dir/relay/etc/wireguard/wgvpnr01.conf"
expect_status 'a file changed by hand: --check' 0 gen --check
grep -qxF 'keep relay/etc/wireguard/wgvpnr01.conf (edited by hand)' "$work/said" || fail "--check: $(< "$work/said")"
expect_status 'a file changed by hand' 0 gen
grep -qxF 'kept relay/etc/wireguard/wgvpnr01.conf, which was edited by hand' "$work/said" || fail "nothing of what is kept: $(< "$work/said")"
grep -qx '# by hand' "$dir/relay/etc/wireguard/wgvpnr01.conf" || fail 'a change by hand is gone'
describe 'a b c' 'direct nat phone laptop'
refused 'and the topology changes it too' '-# by hand' gen
no_secrets 'a change by hand'
expect_status 'and the topology changes it too: --replace' 0 gen --replace
! grep -q '# by hand' "$dir/relay/etc/wireguard/wgvpnr01.conf" || fail '--replace left it'
chmod 644 "$dir/nat/etc/wireguard/wg0.conf"
expect_status 'a key that others could read' 1 gen --check
expect_status 'a key that others could read' 0 gen
private_modes
describe 'a b' 'direct nat phone'
gen > /dev/null
[[ $(stat -c '%n %i %y %z' "$dir/relay/etc/other/file" "$dir/notes/file" "$dir/notes/link") == "$mine" ]] || fail "others' files were touched"
say "ok others' files are untouched"

# ---- errors

key=$dir/state/keys/relay-wgvpnr01
cp -p "$key" "$work/key"
echo 'no key' > "$key"
refused 'a key file that is none' 'no WireGuard key' gen
[[ $(< "$key") == 'no key' ]] || fail 'it was overwritten'
cp -p "$work/key" "$key"
gen > /dev/null
describe 'a b d' 'direct nat phone'
mkdir "$work/bin"
for program in diff sed; do ln -s "$(command -v $program)" "$work/bin/"; done
refused 'wg is not there' 'wireguard-tools' env PATH="$work/bin" "$wgxdp" gen hosts "$topology" -o "$dir"
refused 'and a new directory' 'wireguard-tools' env PATH="$work/bin" "$wgxdp" gen hosts "$topology" -o "$work/new"
[[ ! -e $work/new ]] || fail 'a directory is left'
expect_status 'wg is not there: --check needs keys of others' 2 env PATH="$work/bin" "$wgxdp" gen hosts "$topology" -o "$dir" --check
mv "$dir/edge-b1" "$work/edge-b1"
ln -s "$work/edge-b1" "$dir/edge-b1"
refused 'a symbolic link' 'symbolic link' gen
rm "$dir/edge-b1"
mv "$work/edge-b1" "$dir/edge-b1"
touch "$work/plain"
refused 'a file for a directory' "$work/plain" "$wgxdp" gen hosts "$topology" -o "$work/plain"
mkdir "$work/small"
mount -t tmpfs -o size=48k small "$work/small"
dir=$work/small/dir
refused 'no room' 'No space left' gen
[[ ! -e $dir ]] || fail "no room, but: $(find "$dir")"
mount -o remount,ro "$work/small"
refused 'nothing may be written' 'Read-only' gen
umount "$work/small"
dir=$work/dir
# A reader that ends early does not stop it half done
(gen -o "$work/piped" || :) | : || :
expect_status 'with nobody to hear what is done' 0 gen -o "$work/piped" --check
say 'ok what is said goes nowhere, and all of it is there'
echo 'sites: 5' > "$topology"
refused 'an invalid topology' 'topology.yaml:1:8: error: sites' gen

# ---- one relay becomes several

dir=$work/relays
several() { # RELAYS as YAML; with `one`, the former relay
	topology=$work/several.yaml
	{
		printf '%s\n' 'domain: example.net' 'overlay: "fd12:3456:789a::/48"' 'preshared-keys: true'
		[[ $1 != one ]] || echo 'relays: [ { name: relay, interface: eth0, addresses: [ 198.51.100.1 ] } ]'
		[[ $1 == one ]] || printf '%s\n' 'relays-share: { name: relay }' 'relays:'
		for relay in "$@"; do
			[[ $relay == one ]] || echo "  - { name: $relay, interface: eth0, addresses: [ 198.51.100.${relay#r} ] }"
		done
		echo 'sites: [ { name: a, edges: [ { name: edge-a1, wan: wan, lan: lan } ] } ]'
	} > "$topology"
}
several one
expect_status 'one relay' 0 gen
cp -a "$dir/relay/etc/wireguard" "$work/one-relay"
cp "$dir/edge-a1/etc/wireguard/wgvpnr01.conf" "$work/edge.conf"
several r1 r2 r3
changes 'three in the place of one'
accepted 'three relays'
private_modes
cmp "$dir/edge-a1/etc/wireguard/wgvpnr01.conf" "$work/edge.conf" || fail 'the edge router has another relay, or another address'
for relay in r1 r2 r3; do
	cmp "$dir/$relay/etc/wireguard/wgvpnr01-privatekey" "$work/one-relay/wgvpnr01-privatekey" || fail "$relay has another key"
	[[ $(grep -A 9 Peer "$dir/$relay/etc/wireguard/wgvpnr01.conf") == "$(grep -A 9 Peer "$work/one-relay/wgvpnr01.conf")" ]] || fail "$relay has other peers"
	for other in r1 r2 r3; do
		[[ $other == "$relay" ]] || grep -qF "$(< "$dir/$other/etc/wireguard/wg-$relay-publickey")" "$dir/$relay/etc/wireguard/wg-$other.conf" ||
			fail "$relay does not know the key of $other"
	done
done
several r1 r3
changes 'one of three goes' '^((change|remove) (r[123]/|zone|prometheus|state/)|add state/removed/)'
grep -q 'fd.*::103:1/112' "$dir/r1/etc/wireguard/wg-r3.conf" || fail 'r1 has another address towards r3'
several one
changes 'and one is left'
cmp "$dir/relay/etc/wireguard/wgvpnr01.conf" "$work/one-relay/wgvpnr01.conf" || fail 'the file has changed'
say 'ok one relay becomes three, and keeps its key'

# tcp-ports also hold for a firewall without a LAN, which often is a VPS on the internet
rm -rf "$dir"
{ echo 'tcp-ports: [ 22 ]' && cat docs/examples/topology/ipv6-only-home.yaml; } > "$topology"
expect_status 'a firewall without a LAN' 0 gen
rules=$dir/vps/etc/nftables.d/wgxdp.nft
namespaces checker
inside checker nft -c -f "$rules" || fail "no rules for the VPS, or wrong ones: $(cat "$rules" 2>&1)"
grep -q 'elements = { 22 }' "$rules" || fail "port 22 is not let in: $(< "$rules")"
grep -q 'hook input priority filter; policy drop' "$rules" || fail "the rules let in all: $(< "$rules")"
grep -q 'enable.* wgxdp-rules' "$dir/vps/start" || fail "the rules are not loaded: $(< "$dir/vps/start")"
say 'ok tcp-ports without a LAN'

# Hosts make themselves addresses only in a /64
rm -rf "$dir"
sed 's/^\( *prefix: \).*/\1"2001:db8:abcd:500::\/56"/; /openwrt: true/d' docs/examples/topology/road-warrior.yaml > "$topology"
expect_status 'a roaming router with a /56' 0 gen
grep -q 'prefix 2001:db8:abcd:500::/64 ' "$dir/r1/etc/radvd.conf" || fail "the LAN gets another prefix: $(< "$dir/r1/etc/radvd.conf")"
grep -q 'address replace 2001:db8:abcd:500::1/64 ' "$dir/r1/etc/wireguard/wg0.conf" || fail "the LAN has another address: $(< "$dir/r1/etc/wireguard/wg0.conf")"
grep -rq 'AllowedIPs = .*2001:db8:abcd:500::/56' "$dir"/*/etc/wireguard/ || fail 'the gateway does not route the whole prefix'
say 'ok a roaming router with a prefix shorter than /64'
