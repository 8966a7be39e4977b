#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copies the generated files to their hosts by ssh, one host after the other.
#
#   ./rollout [--dry-run] HOST...     copies the files and starts the services; with --dry-run, it only prints what would change
#   ./rollout --confirm HOST...       keeps the change; a host that is not confirmed within a minute rolls back by itself.
#                                     If it restarts before, the minute begins again
#   ./rollout --rollback HOST...      restores every file from before the last rollout
#   ./rollout --remove HOST...        stops and removes everything that it ever installed, and restores what that replaced
#
#   --wait SECONDS      time until a host rolls back by itself (60)
#   --replace           overwrites the host's own files, and files that were edited there
#   --without-network   leaves out etc/systemd/network, for a host that runs ifupdown or NetworkManager
#   --close-ssh         continues although the rules block new SSH connections
#   --local             this machine is HOST: use no ssh
#
# HOST is a directory here, and the files go to root@HOST. For --remove it may have left the topology. ROLLOUT_SSH is a command to use instead of ssh.
set -eu
umask 077
export LC_ALL=C
state=/var/lib/wgxdp/rollout
boot_unit=/etc/systemd/system/wgxdp-rollback.service
action=apply wait=60 here='' local='' replace='' network=/all close='' options=''

die() { echo "$*" >&2; exit 1; }
fault() { echo "rollout: $*: ./rollout --help prints the options" >&2; exit 2; }

words='' # the hosts
while [ $# -gt 0 ]; do
	case $1 in
	--dry-run | --confirm | --rollback | --remove) action=${1#--} ;;
	--here) here=1 action=$2; shift ;; # on the host itself
	--wait)
		case ${2:-} in '' | *[!0-9]*) fault "--wait: '${2:-}' is not a number of seconds" ;; esac
		wait=$2 options="$options --wait $2"
		shift
		;;
	--replace) replace=1 options="$options $1" ;;
	--without-network) network='' options="$options $1" ;;
	--close-ssh) close=1 options="$options $1" ;;
	--local) local=1 ;;
	--help | -h) sed -n '3,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
	-*) fault "$1: this option is unknown" ;;
	*) words="$words $1" ;;
	esac
	shift
done
# shellcheck disable=SC2086 # the names of hosts have no spaces
set -- $words

# ---- from here to the hosts

on() { # HOST COMMAND
	if [ "$local" ]; then sh -c "$2"; else ${ROLLOUT_SSH:-ssh} "root@$1" "$2"; fi
}

if [ ! "$here" ]; then
	[ $# -gt 0 ] || fault 'no HOST is named'
	dir=$(cd "$(dirname "$0")" && pwd)
	for host; do
		echo "$host: $action"
		case $action in
		apply | dry-run)
			[ -x "$dir/$host/start" ] || { echo "$host: this directory has no host of that name with files to roll out" >&2; exit 2; }
			tar -c -C "$dir" rollout -C "$dir/$host" etc start README.md |
				on "$host" "umask 077; rm -rf $state/new; mkdir -p $state/new && tar -x --no-same-owner -C $state/new &&
					sh $state/new/rollout --here $action$options" || exit
			;;
		*) on "$host" "[ -e $state/rollout ] || { echo 'no rollout was made on this host' >&2; exit 1; }; sh $state/rollout --here $action$options" \
			< /dev/null || exit ;;
		esac
		[ "$action" != remove ] || sed -i "/^$host\$/d" "$dir/state/hosts"
	done
	exit 0
fi

# ---- on the host: what would change

cd $state
files() { # TREE: all; with $network empty, all except those of networkd
	(cd "$1" 2> /dev/null && find etc -type f ! -path "etc/systemd/network$network/*" | sort) || :
}
same() { [ -e "$2" ] && cmp -s "$1" "$2" && [ "$(stat -c %a "$1")" = "$(stat -c %a "$2")" ]; }
shown() { sed -E 's/^(PrivateKey|PresharedKey)( *= *).*/\1\2(secret)/' "$1" 2> /dev/null || :; }
difference() { # FILE FILE-OR-NOTHING
	case $1 in *privatekey) return ;; esac
	shown "/$1" > old
	shown "$2" > text
	diff -u --label "/$1" --label "/$1, new" old text || :
	rm old text
}

is_own_key() { # FILE: the private key of an interface that stays, which the topology now leaves to the host
	case $1 in *-privatekey) [ -e "new/${1%-privatekey}.conf" ] ;; *) false ;; esac
}
static_or_networkd() { # The kernel reads no router advertisements here, and need not begin
	conf=new/etc/sysctl.d/60-wgxdp.conf
	name=$(sed -n 's/^\(.*[.]accept_ra\) = 2$/\1/p' $conf 2> /dev/null) || :
	[ ! "$name" ] || [ "$(sysctl -n "$name" 2> /dev/null)" != 0 ] || sed -i '/accept_ra\|router advertisements/d' $conf
}
# Sets $new, $changed, $gone, and $own: files that are not as the last rollout left them
compare() {
	new='' changed='' gone='' own=''
	for file in $(files new); do
		if [ ! -e "/$file" ]; then
			new="$new $file"
		elif ! same "new/$file" "/$file"; then
			changed="$changed $file"
			cmp -s "installed/$file" "/$file" || own="$own $file"
		fi
	done
	for file in $(files installed); do
		if [ -e "new/$file" ] || [ ! -e "/$file" ] || is_own_key "$file"; then continue; fi
		gone="$gone $file"
		cmp -s "installed/$file" "/$file" || own="$own $file"
	done
}

report() {
	for file in $new; do echo "add /$file"; done
	for file in $changed; do echo "change /$file"; [ "$1" != dry-run ] || difference "$file" "new/$file"; done
	for file in $gone; do echo "remove /$file"; done
	for file in $own; do
		echo "/$file: this file is the host's own, or was edited here after the last rollout"
		[ "$1" = dry-run ] || difference "$file" "new/$file"
	done
}

# ---- what stands in the way

refused() { echo "$*" >&2; refused=1; }

networkd_file() { # DEVICE: a file that is not ours and configures it
	for place in /etc/systemd/network/*.network /run/systemd/network/*.network /usr/local/lib/systemd/network/*.network; do
		if [ ! -e "$place" ] || [ -e "new$place" ] || [ -e "installed$place" ]; then continue; fi
		sed -n 's/^Name=//p' "$place" | tr ' ' '\n' | while read -r pattern; do
			# shellcheck disable=SC2254 # the file has patterns
			case $1 in $pattern) echo "$place" ;; esac
		done
	done | head -n 1
}

other_manager() {
	for file in $(files new | grep '^etc/systemd/network/'); do
		device=$(sed -n 's/^Name=//p' "new/$file")
		place=$(grep -lE "^[[:space:]]*(iface|auto|allow-[a-z]+)([[:space:]].*)?[[:space:]]$device([[:space:]]|\$)" \
			/etc/network/interfaces /etc/network/interfaces.d/* 2> /dev/null | head -n 1) || :
		[ ! "$place" ] || refused "ifupdown configures $device in $place: do what README.md says under 'Its network'"
		place=$(networkd_file "$device")
		[ ! "$place" ] || refused "$place configures $device too: remove that file, or add --without-network"
		if nmcli -t -f DEVICE,STATE device 2> /dev/null | grep "^$device:" | grep -qv ':unmanaged'; then
			refused "NetworkManager configures $device: do what README.md says under 'Its network'"
		fi
	done
}

ssh_is_closed() {
	elements=$(sed -n 's/.*elements = {\(.*\)}.*/\1/p' new/etc/nftables.d/wgxdp.nft 2> /dev/null) || :
	port=${SSH_CONNECTION:-22}
	port=${port##* }
	[ ! "$elements" ] || [ "$close" ] || echo "$elements" | tr -d ' ' | tr , '\n' |
		awk -F - -v port="$port" '$1 <= port && port <= ($2 ? $2 : $1) {found = 1} END {exit !found}' ||
		refused "the rules would block SSH's port $port: add it to tcp-ports in the topology, or run this with --close-ssh"
}

# A packet that a chain of another table drops is dropped, even if our chain accepts it
own_rules() {
	nft list ruleset 2> /dev/null | awk '/^table/ {own = $3 != "wgxdp_host"} own' > rules
	for hook in input forward; do
		awk -v hook=$hook '/^\tchain/ {at = 0} / hook / {at = $0 ~ " hook " hook " "; drop = /policy drop/}
			at && (drop || /^\t\t(counter packets [0-9]+ bytes [0-9]+ )?(drop|reject)/) {found = 1} END {exit !found}' rules || continue
		sed -n "s/^    $hook  *\(.*\) accept\( comment .*\)*\$/\1/p" new/README.md | while read -r words; do
			grep -qF -- "$words" rules || echo "warning: this host's own rules drop packets: add to their $hook chain: $words accept"
		done
	done
	rm rules
}

# ---- changing it, and bringing it back

units() { sed -n 's/^systemctl enable \(--now \)*//p' "$1" 2> /dev/null || :; }
gone_units() { # our units that the last rollout enabled and this one does not, and programs that lose their files
	units new/start > wanted
	{ units installed/start | grep -vxF -f wanted || :; } | while read -r unit; do
		case $unit in
		wg-quick@* | wgxdp*) echo "$unit" ;;
		keepalived | bird | radvd) case $gone in *" etc/$unit"[./]*) echo "$unit" ;; esac ;;
		esac
	done
	rm wanted
}
sysctls() { # by name, as they are; networkd sets those of its interfaces, and leaves them so
	for file in $(files new | grep '^etc/systemd/network/'); do
		device=$(sed -n 's/^Name=//p' "new/$file")
		sysctl -a 2> /dev/null | sed -n "s/^\(net.ipv6.conf.${device}[.][a-z_]*\) = /\1=/p"
	done
	for name in $(sed -n 's/^\([a-z][^ =]*\) *=.*/\1/p' new/etc/sysctl.d/*.conf 2> /dev/null) \
		net.ipv4.conf.all.forwarding net.ipv6.conf.all.forwarding; do
		! value=$(sysctl -n "$name" 2> /dev/null) || echo "$name=$value"
	done
}

save() {
	rm -rf saved
	mkdir saved
	for file in $new $changed $gone; do
		if [ -e "/$file" ] || [ -L "/$file" ]; then echo "$file" >> saved/there; else echo "$file" >> saved/lacking; fi
		while file=$(dirname "$file") && [ ! -e "/$file" ]; do echo "$file" >> saved/made; done
	done
	[ ! -e saved/there ] || tar -c --format=posix -C / -T saved/there -f saved/files.tar
	sysctls > saved/sysctl
	for unit in $(units new/start) $(gone_units); do
		echo "$unit $(systemctl is-enabled "$unit" 2> /dev/null | grep . || echo no) $(systemctl is-active "$unit" || :)" >> saved/units
	done
	for tree in installed first; do [ ! -e $tree ] || cp -a $tree saved/; done
}
# Adds to `first`, for --remove, what this rollout found, unless an earlier one had changed it
keep_first() {
	mkdir -p first
	cat first/there first/lacking > known 2> /dev/null || :
	for list in there lacking; do
		grep -vxF -f known saved/$list > $list 2> /dev/null || :
		cat $list >> first/$list
	done
	[ ! -s there ] || tar -r --format=posix -C / -T there -f first/files.tar
	for list in made sysctl units; do
		cat first/$list saved/$list 2> /dev/null | awk -F '[= ]' '!had[$1]++' > known
		mv known first/$list
	done
	rm -f known there lacking
}

expires() { # COMMAND: runs it now, and also if the host restarts
	printf '%s\n' '[Unit]' 'Description=Undo a change by wgxdp that is not confirmed' 'After=multi-user.target' \
		'[Service]' "ExecStart=/bin/sh -c '$1'" '[Install]' 'WantedBy=multi-user.target' > $boot_unit
	systemctl enable --quiet wgxdp-rollback || :
	setsid sh -c "$1" > log 2>&1 < /dev/null &
}
expires_no_more() {
	[ ! -e $boot_unit ] || systemctl disable --quiet wgxdp-rollback || :
	rm -f $boot_unit
}

restore() { # TREE: saved or first
	[ ! -e "$1/units" ] || tac "$1/units" | while read -r unit enabled active; do # the last one first
		if [ "$active" != active ]; then systemctl stop "$unit" || :; fi
		case $enabled in no | disabled | not-found) systemctl disable "$unit" || : ;; esac
	done
	[ ! -e "$1/lacking" ] || (cd / && xargs rm -f < "$state/$1/lacking")
	[ ! -e "$1/files.tar" ] || tar -x -p -C / -f "$1/files.tar"
	if [ -e "$1/made" ]; then sort -ru "$1/made" | (cd / && xargs rmdir 2> /dev/null) || :; fi
	systemctl daemon-reload
	while IFS='=' read -r name value; do
		[ "$(sysctl -n "$name" 2> /dev/null)" = "$value" ] || sysctl -q -w "$name=$value" || :
	done < "$1/sysctl"
	[ ! -e "$1/units" ] || while read -r unit enabled active; do
		[ "$enabled" != enabled ] || systemctl enable --quiet "$unit" || :
		if [ "$active" = active ]; then systemctl restart "$unit" || :; fi
	done < "$1/units"
}

back() {
	[ -e saved ] || die 'there is no rollout to roll back'
	rm -f pending expired
	expires_no_more
	restore saved
	for tree in installed first; do
		rm -rf $tree
		[ ! -e saved/$tree ] || mv saved/$tree $tree
	done
	rm -rf saved
	echo 'rolled back'
}

apply() {
	cp new/rollout rollout
	save
	keep_first
	echo "$$" > pending
	expires "sleep $wait; exec sh $state/rollout --here expire $$"
	for unit in $(gone_units); do systemctl disable --now "$unit" || :; done # while it has its files
	for file in $gone; do rm -f "/$file"; done
	for file in $new $changed; do echo "$file"; done | tar -c -C new -T - | tar -x -C / --no-same-owner --no-overwrite-dir
	rm -rf installed
	mv new installed
	sh -e installed/start || {
		! mv pending expired 2> /dev/null || back # without `pending`, `expire` rolls back already
		die 'a command of the script start failed'
	}
	[ -e pending ] || die "it took longer than $wait s, and was rolled back: use a longer --wait"
	echo "applied: this host rolls back in $wait s, unless you run rollout --confirm"
}

case $action in
apply | dry-run)
	[ ! -e pending ] || die 'the last rollout still waits: confirm it or roll it back first'
	refused=''
	if [ ! "$network" ]; then
		rm -rf new/etc/systemd/network
		sed -i '/networkd\|networkctl/d' new/start
	fi
	static_or_networkd
	compare
	report "$action"
	other_manager
	ssh_is_closed
	own_rules
	[ ! "$own" ] || [ "$replace" ] || refused 'to overwrite these files, add --replace'
	[ ! "$refused" ] || { rm -rf new; exit 1; }
	[ "$new$changed$gone" ] || { echo 'nothing to change'; rm -rf new; exit 0; }
	if [ "$action" = apply ]; then apply; exit; fi
	for unit in $(gone_units); do echo "systemctl disable --now $unit"; done
	sed 1,2d new/start
	rm -rf new
	;;
confirm)
	mv pending confirmed 2> /dev/null || die 'no rollout waits: it was confirmed or rolled back already'
	expires_no_more
	echo 'kept'
	;;
rollback) back ;;
remove)
	[ ! -e pending ] || die 'the last rollout still waits: confirm it or roll it back first'
	[ -e first ] || die 'nothing of a rollout is installed here'
	rm -rf new
	compare
	report remove
	[ ! "$own" ] || [ "$replace" ] || die 'to remove these files, add --replace'
	restore first
	cd /
	rm -rf $state
	rmdir "${state%/*}" 2> /dev/null || :
	echo 'removed'
	;;
expire) # a confirmation at this moment has moved the file, and the change stays
	if [ "$(cat pending 2> /dev/null)" = "$1" ] && mv pending expired 2> /dev/null; then back; fi
	;;
esac
