#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# alone
# The generated `rollout` takes each host of each topology in docs/examples to a host in use, keeps SSH open, and
# rolls back byte for byte. The host has rules, units, sysctls and services of its own. The script reports rules that
# the host lacks. SSH and the host's service stay open from outside, and its files and rules stay. The generated table
# is loaded again after `systemctl reload nftables`. The commands of the README run. After a rollback each file is
# byte for byte as before, and so are rules, sysctls, units and interfaces. After several rollouts and `--remove` a host
# is as before the first one, with SSH open throughout. One host rolls back by itself, keeps a
# confirmed change, and refuses. BREAK=1 lets the rules shut SSH out, BREAK=2 changes a file during the rollback; both
# must fail.
#
#     outside --- eth0, wan, lan, … each of its own cable --- HOST: /etc, /var/lib, network and mounts of its own
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/start-pages.sh"

# --- systemctl for a rollout: units of their files, enabled by the real one, which needs no systemd for that

mv "$work/bin/systemctl" "$work/bin/starts"
cat > "$work/bin/systemctl" << EOF_SYSTEMCTL
#!/usr/bin/env bash
work=$work real=$(command -v systemctl)
EOF_SYSTEMCTL
cat >> "$work/bin/systemctl" << 'EOF_SYSTEMCTL'
set -euo pipefail
verb=$1 now=''
shift
[[ ${1:-} != --now ]] || { now=1; shift; }
active() { echo "$work/active/$HOST_NAME/$1"; }
command_of() { sed -n "s/^$2=-*//p" "/etc/systemd/system/$1.service"; } # UNIT KEY
end() { # COMMAND-NAME: of this host, and of no other
	local pid
	for pid in $(ip netns pids "$HOST_NAME"); do
		grep -qsx "$1" "/proc/$pid/comm" || continue
		kill "$pid" || :
		while kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
	done
}
stops() { # UNIT
	case $1 in
	nftables) nft flush ruleset ;;
	own) rm -f /run/own ;;
	wgxdp-rules) eval "$(command_of "$1" ExecStop)" ;;
	wg-quick@*) wg-quick down "${1#*@}" ;;
	wgxdp-daemon) end wgxdp ;;
	wgxdp) wgxdp down ;;
	systemd-networkd)
		end systemd-network
		umount /run/systemd /run/keepalived
		;;
	keepalived)
		end keepalived
		$(sed -sn 's/^ExecStopPost=//p' /etc/systemd/system/keepalived.service.d/*.conf 2> /dev/null || :) # a relay has none
		;;
	radvd | bird) end "$1" ;;
	esac
}
begins() { # UNIT
	case $1 in
	own) : > /run/own ;;
	nftables) nft -f /etc/nftables.conf ;;
	wgxdp-rules) eval "$(command_of "$1" ExecStart)" ;;
	bird) mkdir -p /run/bird && bird -c /etc/bird/bird.conf -s /run/bird/ctl ;;
	keepalived | radvd) mkdir -p /run/keepalived && "$work/bin/starts" start "$1" ;;
	*) "$work/bin/starts" start "$1" ;;
	esac
}
restarts() {
	[[ ! -e $(active "$1") ]] || stops "$1" || :
	begins "$1"
	: > "$(active "$1")"
}
case $verb in
daemon-reload) exit 0 ;;
enable | disable | is-enabled) SYSTEMD_OFFLINE=1 "$real" "$verb" "$@" 2> /dev/null || exit ;;
esac
for unit; do
	unit=${unit%.service}
	case $verb in
	enable) [[ ! $now ]] || restarts "$unit" ;;
	is-enabled) ;;
	disable)
		[[ $now && -e $(active "$unit") ]] || continue
		stops "$unit"
		rm "$(active "$unit")"
		;;
	start | restart | reload-or-restart) restarts "$unit" ;;
	stop)
		[[ -e $(active "$unit") ]] || continue
		stops "$unit"
		rm "$(active "$unit")"
		;;
	reload) # it is propagated to other units
		begins "$unit"
		! grep -qs "^ReloadPropagatedFrom=$unit.service" /etc/systemd/system/wgxdp-rules.service || begins wgxdp-rules
		;;
	is-active) [[ -e $(active "$unit") ]] && echo active || { echo inactive; exit 3; } ;;
	*) echo "systemctl $verb $unit: not here" >&2; exit 1 ;;
	esac
done
EOF_SYSTEMCTL
sed -i '/machine-id/d' "$work/bin/networkd" # the host has one
cat > "$work/bin/nmcli" << 'EOF_NMCLI'
#!/bin/sh
cat /etc/nmcli 2> /dev/null
EOF_NMCLI
# Reads what wg-quick pipes to it, and leaves /etc/resolv.conf alone
cat > "$work/bin/resolvconf" << 'EOF_RESOLVCONF'
#!/bin/sh
[ "$1" != -a ] || cat > /dev/null
EOF_RESOLVCONF
chmod 755 "$work"/bin/*

# --- a host that is in use

devices_of() { { grep -rohwE 'eth[0-9]|wan|lan|br-lan|ppp0' "$1/etc" || echo eth0; } | sort -u; } # TREE
needs() { sed -nE "s/^    $2 +(.*) accept( comment .*)?\$/\1/p" "$1/README.md"; } # TREE CHAIN

in_use() { # HOST TREE
	local device
	start_hosts "$1"
	mkdir -p "$work/active/$1"
	at "$1" mount -t tmpfs lib /var/lib
	at "$1" mkdir -p /etc/nftables.d /etc/systemd/system/sysinit.target.wants
	for device in $(devices_of "$2"); do
		cable outside "${device}o" "$1" "$device"
		devices+=("$device")
	done
	at "$1" sh -c "md5sum < /proc/sys/kernel/random/uuid | cut -c 1-32 > /etc/machine-id
		printf '[Unit]\nDescription=own\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/own.service
		echo 'net.ipv4.conf.all.log_martians = 1' > /etc/sysctl.d/10-own.conf
		echo '# a note of the admin' > /etc/nftables.d/own.note"
	at "$1" cp -r "$root/scripts/systemd/." /etc/systemd/system/
	{ grep -rhoE '[a-z0-9-]+\.example\.net' "$2/etc" || :; } | sort -u | sed 's/^/192.0.2.1 /' | at "$1" tee -a /etc/hosts > /dev/null
	mkdir -p "$work/none"
	: > "$work/none/README.md"
	at "$1" own-rules "$work/none"
	at "$1" sysctl -q -p /etc/sysctl.d/10-own.conf
	"$work/bin/at" "$1" systemctl enable nftables own
	"$work/bin/at" "$1" systemctl start nftables own
	start_at "$1" socat TCP6-LISTEN:22,reuseaddr,fork SYSTEM:'echo ssh' 2> /dev/null
	listeners=($!)
	start_at "$1" socat TCP6-LISTEN:8080,reuseaddr,fork SYSTEM:'echo own' 2> /dev/null
	listeners+=($!)
	for device in 22 8080; do wait_for 5 "$1: port $device" tcp_listens "$1" "$device"; done
}

link_local() { inside "$1" ip -6 -br address show dev "$2" scope link | awk '{sub("/.*", "", $3); print $3}'; } # HOST DEVICE
is_ready() { [[ $(inside "$1" ip -6 address show dev "$2" scope link) == *fe80* && $(inside "$1" ip -6 address show dev "$2") != *tentative* ]]; }
answers() { # HOST PORT: from outside, a new connection
	inside outside socat -u "TCP6:[$(link_local "$1" "${devices[0]}")%${devices[0]}o]:$2,connect-timeout=5" - 2> /dev/null || :
}
open_to() { # HOST WHEN
	[[ $(answers "$1" 22) == ssh ]] || fail "$1, $2: SSH is shut out"
	[[ $(answers "$1" 8080) == own ]] || fail "$1, $2: its own service is shut out"
}

# Asks for SSH all the time, and again if there is no answer: networkd replaces the link-local address of an interface,
# by which the test asks, when it begins to configure it
watch_begins() { # HOST
	(while sleep 0.1; do [[ $(answers "$1" 22) == ssh || $(sleep 0.2; answers "$1" 22) == ssh ]] || echo shut; done) > "$work/watched" &
	watcher=$!
}
watch_ends() { # HOST
	kill $watcher
	wait $watcher || :
	[[ ! -s $work/watched ]] || fail "$1: SSH was shut out $(wc -l < "$work/watched") times"
}

files_of() { # HOST: each file with its content, mode, owner and time; directories with their mode
	at "$1" sh -c "find /etc ! -type d -printf '%p %y %m %U:%G %T@ %l\n' | sort; find /etc -type d -printf '%p %m\n' | sort
		find /etc -type f -print0 | sort -z | xargs -0 sha256sum"
}
state_of() { # HOST
	at "$1" nft -s list ruleset
	at "$1" sysctl -a 2> /dev/null | grep -E '(forwarding|accept_ra|proxy_ndp|log_martians) ='
	at "$1" ip -br link | awk '{print $1}'
	ls "$work/active/$1"
}
own_of() { # HOST
	at "$1" sha256sum /etc/nftables.conf /etc/nftables.d/own.note /etc/sysctl.d/10-own.conf /etc/systemd/system/own.service
	at "$1" nft -s list table inet own
	at "$1" sysctl net.ipv4.conf.all.log_martians
	ls "$work/active/$1/own"
}

rolled() { PATH=$work/bin:$PATH "$tree/rollout" "$@" > "$work/rolled" 2>&1; }
rolls() { rolled "$@" || fail "rollout $*: $(< "$work/rolled")"; }
refuses() { # TEXT ARGUMENT...
	! rolled "${@:2}" || fail "rollout ${*:2} was not refused: $(< "$work/rolled")"
	grep -qF -- "$1" "$work/rolled" || fail "rollout ${*:2}: no '$1' in: $(< "$work/rolled")"
}

# The README's commands start devices, tables and units
runs() { # HOST TREE
	local unit conf
	for conf in "$2"/etc/wireguard/*.conf; do
		[[ -e $conf ]] || continue
		conf=$(basename "$conf" .conf)
		wait_for 20 "$conf of $1" at "$1" wg show "$conf"
	done
	[[ ! -e $2/etc/nftables.d/wgxdp.nft ]] || at "$1" nft list table inet wgxdp_host > /dev/null || fail "$1: no rules"
	if grep -qsE '^(services|peers|blind):' "$2/etc/wgxdp/wgxdp.yaml"; then
		at "$1" "$wgxdp" show > "$work/show" 2>&1 || fail "$1: wgxdp show: $(< "$work/show")"
	fi
	for unit in $(sed -n 's/^systemctl enable \(--now \)*//p' "$2/start" | xargs); do
		[[ $("$work/bin/at" "$1" systemctl is-enabled "$unit") == enabled ]] || fail "$1: $unit is not enabled"
		"$work/bin/at" "$1" systemctl is-active "$unit" > /dev/null || fail "$1: $unit is not active"
	done
}

one_host() { # HOST
	local host=$1 n way options=()
	devices=()
	in_use "$host" "$tree/$host"
	wait_for 10 "$host: an address" is_ready "$host" "${devices[0]}"
	open_to "$host" 'as it was'

	[[ ! ${BREAK:-} ]] || options+=(--close-ssh)
	if [[ -e $tree/$host/etc/bird ]]; then # its package brings a file
		refuses '/etc/bird/bird.conf: this file is the host' "${options[@]}" "$host"
		options+=(--replace)
	fi
	rolls --dry-run "${options[@]}" "$host"
	n=$({ needs "$tree/$host" input; needs "$tree/$host" forward; } | wc -l)
	[[ $(grep -c '^warning: .* drop packets' "$work/rolled" || :) == "$n" ]] || fail "$host: $n rules lack, and told: $(< "$work/rolled")"
	at "$host" own-rules "$tree/$host"
	rolls --dry-run "${options[@]}" "$host"
	! grep -q '^warning' "$work/rolled" || fail "$host: nothing lacks, and told: $(< "$work/rolled")"

	files_of "$host" > "$work/files"
	state_of "$host" > "$work/state"
	own_of "$host" > "$work/own"
	watch_begins "$host"
	rolls --wait 300 "${options[@]}" "$host"
	open_to "$host" 'after the rollout'
	runs "$host" "$tree/$host"
	own_of "$host" | diff "$work/own" - || fail "$host: something of its own is not as it was"
	"$work/bin/at" "$host" systemctl reload nftables
	runs "$host" "$tree/$host"
	rolls --confirm "$host"
	open_to "$host" 'after reload and confirmation'

	[[ ${BREAK:-} != 2 ]] || at "$host" sh -c 'echo >> /etc/nftables.d/own.note'
	((done_hosts % 2)) && way=--remove || way=--rollback # after one rollout they do the same
	rolls $way "$host"
	watch_ends "$host"
	files_of "$host" | diff "$work/files" - > "$work/diff" || fail "$host: after the rollback files differ: $(< "$work/diff")"
	state_of "$host" | diff "$work/state" - > "$work/diff" || fail "$host: after the rollback it differs: $(< "$work/diff") $(< "$work/rolled")"
	open_to "$host" 'after the rollback'
	done_hosts=$((done_hosts + 1))
}

leave() { # HOST
	kill "${listeners[@]}" 2> /dev/null || :
	for pid in $(ip netns pids "$1"); do kill -KILL "$pid" 2> /dev/null || :; done
	kill -KILL "${keeper[$1]}" 2> /dev/null || :
	wait "${keeper[$1]}" "${listeners[@]}" 2> /dev/null || :
	for device in "${devices[@]}"; do inside outside ip link del "${device}o" 2> /dev/null || :; done
	ip netns del "$1"
	rm -rf "${work:?}/etc/$1" "$work/active/$1" "$work/log/$1".*
}

# --- what a rollout does besides, on one host

is_back() { [[ ! $(at relay ls -d /etc/wireguard/wgvpnr01.conf 2> /dev/null) ]]; }
back_as_before() { # WHAT
	files_of relay | diff "$work/files" - > "$work/diff" || fail "$1: files differ: $(< "$work/diff")"
	state_of relay | diff "$work/state" - > "$work/diff" || fail "$1: it differs: $(< "$work/diff")"
	say "ok $1"
}

# The host restarts while a rollout waits: only the units that are enabled run again
after_restart() {
	local pid unit=/etc/systemd/system/wgxdp-rollback.service
	rolls --wait 10 relay
	for pid in $(ip netns pids relay); do
		! grep -qzs '^sleep 10; exec' "/proc/$pid/cmdline" || kill "$pid"
	done
	sleep 12
	! is_back || fail 'the process that waits for the confirmation did not end'
	[[ $("$work/bin/at" relay systemctl is-enabled wgxdp-rollback) == enabled ]] || fail 'after a restart nothing would roll back'
	"$work/bin/at" relay sh -c "$(at relay sed -n "s/^ExecStart=//p" $unit)" > "$work/rolled" 2>&1
	back_as_before 'after a restart it rolls back, too'
}

ssh_answers() { [[ $(answers relay 22) == ssh ]]; }

# Two rollouts, the second with other files and a file of the host's own, are removed after the host has left the topology
removed() {
	devices=()
	in_use relay "$tree/relay"
	wait_for 10 'relay: an address' is_ready relay eth0
	at relay own-rules "$tree/relay"
	at relay mkdir -p /etc/wgxdp
	echo '{}' | at relay tee /etc/wgxdp/wgxdp.yaml > /dev/null
	files_of relay > "$work/files"
	state_of relay > "$work/state"
	cp docs/examples/topology/two-sites.yaml "$work/special.yaml"
	"$wgxdp" gen hosts "$work/special.yaml" -o "$tree" --replace > /dev/null
	rolls --replace relay
	rolls --confirm relay
	sed -i 's/^metrics: true/tcp-ports: [ 22, 8080 ]/; s/name: relay, interface: eth0/name: relay, interface: eth0, mtu: 1400/' "$work/special.yaml"
	"$wgxdp" gen hosts "$work/special.yaml" -o "$tree" > /dev/null
	rolls relay
	refuses 'still waits' --remove relay
	rolls --confirm relay
	at relay sh -c 'echo "# a note" >> /etc/wireguard/wgvpnr01.conf'
	refuses 'to remove these files, add --replace' --remove relay
	at relay sed -i '/# a note/d' /etc/wireguard/wgvpnr01.conf
	sed -i 's/name: relay,/name: other,/' "$work/special.yaml"
	"$wgxdp" gen hosts "$work/special.yaml" -o "$tree" > "$work/gen" 2>&1
	grep -q '^relay left the topology' "$work/gen" || fail "the relay is gone, and that is not told: $(< "$work/gen")"
	watch_begins relay
	[[ ! ${BREAK:-} ]] || at relay sh -c 'echo >> /etc/nftables.d/own.note'
	rolls --remove relay
	watch_ends relay
	back_as_before 'removed, it is as before the first rollout'
	! at relay test -e /var/lib/wgxdp || fail 'a rollout leaves its state'
	"$wgxdp" gen hosts "$work/special.yaml" -o "$tree" > "$work/gen" 2>&1
	! grep 'left the topology' "$work/gen" || fail 'a removed host is reported again'
	leave relay
}

special() {
	local topology=$work/special.yaml
	devices=()
	cp docs/examples/topology/two-sites.yaml "$topology"
	tree=$work/special
	"$wgxdp" gen hosts "$topology" -o "$tree" > /dev/null
	in_use relay "$tree/relay"
	at relay own-rules "$tree/relay"
	files_of relay > "$work/files"
	state_of relay > "$work/state"

	rolls --dry-run relay
	grep -qxF 'add /etc/wireguard/wgvpnr01.conf' "$work/rolled" || fail "--dry-run: $(< "$work/rolled")"
	! grep -qFf <(cat "$tree"/state/keys/*) "$work/rolled" || fail '--dry-run: a key is shown'
	back_as_before '--dry-run changes nothing'
	rolls --wait 10 relay
	refuses 'the last rollout still waits' relay
	wait_for 30 'it rolls back by itself' is_back
	sleep 1
	back_as_before 'unconfirmed it rolls back by itself'
	refuses 'no rollout waits' --confirm relay
	after_restart

	# a kernel that reads no router advertisements need not begin to
	inside relay sysctl -qw net.ipv6.conf.eth0.accept_ra=0
	rolls --wait 300 relay
	[[ $(inside relay sysctl -n net.ipv6.conf.eth0.accept_ra) == 0 ]] || fail 'accept_ra is changed'
	! at relay grep accept_ra /etc/sysctl.d/60-wgxdp.conf || fail 'accept_ra would change at boot'
	rolls --rollback relay
	inside relay sysctl -qw net.ipv6.conf.eth0.accept_ra=1

	# a rollout that fails goes back at once
	sed 's/^systemctl restart wg-quick.*/false/' -i.right "$tree/relay/start"
	refuses 'a command of the script start failed' relay
	back_as_before 'a command that fails rolls back'
	mv "$tree/relay/start.right" "$tree/relay/start"

	# files of the host's own, and edits there
	at relay mkdir -p /etc/wgxdp
	echo '{}' | at relay tee /etc/wgxdp/wgxdp.yaml > /dev/null
	refuses 'to overwrite these files, add --replace' relay
	grep -qF -- '-{}' "$work/rolled" || fail "a replaced file is not shown: $(< "$work/rolled")"
	rolls --replace relay
	rolls --confirm relay
	rolls relay
	grep -q 'nothing to change' "$work/rolled" || fail "again: $(< "$work/rolled")"
	at relay sh -c 'echo "# a note" >> /etc/wgxdp/wgxdp.yaml'
	echo '# new' >> "$tree/relay/etc/wgxdp/wgxdp.yaml"
	refuses '/etc/wgxdp/wgxdp.yaml: this file is the host' relay
	grep -qF -- '-# a note' "$work/rolled" || fail "an edit is not shown: $(< "$work/rolled")"
	at relay sed -i '/# a note/d' /etc/wgxdp/wgxdp.yaml
	rolls --wait 300 relay
	rolls --rollback relay
	at relay sh -c '! grep -q "# new" /etc/wgxdp/wgxdp.yaml' || fail 'a second rollout is rolled back to the first'
	say 'ok files of its own and edits are replaced only on demand'

	# a file that the topology no longer asks for
	rm "$tree/relay/etc/systemd/system/wgxdp.service.d/wgxdp.conf"
	rolls --wait 300 relay
	! at relay test -e /etc/systemd/system/wgxdp.service.d/wgxdp.conf || fail 'a removed file is left'
	rolls --rollback relay
	at relay test -e /etc/systemd/system/wgxdp.service.d/wgxdp.conf || fail 'a removed file does not come back'

	# a tunnel that the topology no longer asks for is stopped while it has its file
	local conf unit
	conf=$(cd "$tree/relay" && ls etc/wireguard/*.conf)
	unit=wg-quick@$(basename "$conf" .conf)
	mv "$tree/relay/$conf" "$work/conf"
	sed -i.right '2,$d' "$tree/relay/start"
	rolls --wait 300 relay
	! "$work/bin/at" relay systemctl is-active "$unit" > /dev/null || fail 'a removed tunnel runs on'
	[[ $("$work/bin/at" relay systemctl is-enabled "$unit") != enabled ]] || fail 'a removed tunnel would start at boot'
	rolls --rollback relay
	"$work/bin/at" relay systemctl is-active "$unit" > /dev/null || fail 'a removed tunnel does not run again'
	[[ $("$work/bin/at" relay systemctl is-enabled "$unit") == enabled ]] || fail 'a removed tunnel is not enabled again'
	mv "$work/conf" "$tree/relay/$conf"
	mv "$tree/relay/start.right" "$tree/relay/start"
	say 'ok a removed tunnel is stopped, and comes back'

	# the topology leaves a key to the host: the host's own one stays
	local own=/etc/wireguard/wgvpnr01-privatekey key
	key=$(wg genkey)
	echo "$key" | at relay tee "$own" > /dev/null
	mv "$tree/relay$own" "$work/key"
	echo '# newer' >> "$tree/relay/etc/wgxdp/wgxdp.yaml"
	rolls --wait 300 relay
	[[ $(at relay cat "$own") == "$key" ]] || fail 'the key of the host itself went'
	rolls --rollback relay
	sed -i '$d' "$tree/relay/etc/wgxdp/wgxdp.yaml"
	mv "$work/key" "$tree/relay$own"
	at relay cp "/var/lib/wgxdp/rollout/installed$own" "$own"
	say 'ok a key that the host made for itself stays'

	# SSH is shut out only with --close-ssh
	sed 's/^# tcp-ports: \[ 22 \] /tcp-ports: [ 443 ]/' -i "$topology"
	"$wgxdp" gen hosts "$topology" -o "$tree" --replace > /dev/null
	refuses "the rules would block SSH's port 22" relay
	rolls --wait 12 --close-ssh relay
	[[ $(answers relay 22) != ssh ]] || fail 'the rules let SSH in'
	wait_for 30 'SSH after the rollback' ssh_answers
	say 'ok SSH is shut out on demand, and is back without a confirmation'
	leave relay
	removed

	# another network manager has the interfaces
	devices=()
	in_use server-a1 "$tree/server-a1"
	printf 'auto eth0\niface eth0 inet dhcp\n' | at server-a1 tee /etc/network/interfaces > /dev/null
	refuses "ifupdown configures eth0 in /etc/network/interfaces" server-a1
	at server-a1 sh -c 'echo "auto lo" > /etc/network/interfaces; echo eth0:connected > /etc/nmcli'
	refuses "NetworkManager configures eth0" server-a1
	at server-a1 sh -c 'echo eth0:unmanaged > /etc/nmcli'
	rolls --dry-run server-a1
	at server-a1 sh -c 'mkdir -p /etc/systemd/network; printf "[Match]\nName=lo eth*\n" > /etc/systemd/network/50-wan.network'
	refuses "/etc/systemd/network/50-wan.network configures eth0 too" server-a1
	at server-a1 sed -i 's/eth.*/eth1/' /etc/systemd/network/50-wan.network
	rolls --dry-run server-a1
	at server-a1 rm /etc/systemd/network/50-wan.network
	printf 'auto eth0\n' | at server-a1 tee /etc/network/interfaces > /dev/null
	rolls --without-network --wait 300 server-a1
	! at server-a1 test -e /etc/systemd/network/20-eth0.network || fail '--without-network: a file of networkd'
	! "$work/bin/at" server-a1 systemctl is-active systemd-networkd > /dev/null || fail '--without-network: networkd is started'
	leave server-a1
	say 'ok interfaces of ifupdown and NetworkManager are left alone'
}

examples=("$@") # gen-rollout.sh [docs/examples/topology/NAME.yaml]...
(($#)) || examples=(docs/examples/topology/*.yaml)
need_tun
namespaces outside
done_hosts=0
for example in "${examples[@]}"; do
	name=$(basename "$example" .yaml)
	tree=$work/$name
	cp "$example" "$work/$name.yaml"
	[[ ${BREAK:-} != 1 ]] || sed -i '1i tcp-ports: [ 443 ]' "$work/$name.yaml"
	"$wgxdp" gen hosts "$work/$name.yaml" -o "$tree" > "$work/gen" 2>&1 || fail "gen hosts: $(< "$work/gen")"
	for start in "$tree"/*/start; do
		host=$(basename "$(dirname "$start")")
		one_host "$host"
		leave "$host"
	done
	say "ok $name: $done_hosts hosts so far"
done
special
say "ok $done_hosts hosts"
