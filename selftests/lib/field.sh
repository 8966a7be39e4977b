# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Firewalls made by the programs that people use for them, for selftests/instance/field-rules.sh, which describes the
# network. Each case_NAME() runs in the sandbox and makes the rules in the namespace `firewall`. It may set:
#   backends   namespaces behind the firewall        clients  sources of packets
#   ports, to  destinations                          wants    the probe that must be forwarded, and where to
#   bans       clients that the rules must drop      undecided  a pattern for what import must say, with status 3
#   unsure     a pattern for packets about which import may be wrong then

over() { # DIRECTORY: changes of it stay in the sandbox
	mountpoint -q "$1" && return
	mkdir -p "${work:?}/over$1"
	[[ ! -d $1 ]] || cp -a "$1/." "$work/over$1/"
	mount --bind "$work/over$1" "$1"
}

each_line() { # COMMAND...: runs it with the words of each line of the standard input
	local line words
	while read -r line; do
		read -ra words <<< "$line"
		"$@" "${words[@]}" < /dev/null
	done
}
at_firewall() { each_line inside firewall; } # runs each line of the standard input

# A host at a bridge of the firewall that a program has made
guest() { # NAME BRIDGE ADDRESS GATEWAY
	namespaces "$1"
	cable "$1" eth0 firewall "to-$1"
	inside firewall ip link set "to-$1" master "$2"
	takes_xdp "$1" eth0
	addresses "$1" eth0 "$3"
	gateways "$1" "$4"
	backends+=("$1")
}

# --- ufw, firewalld, Shorewall

case_ufw() {
	over /etc/ufw
	over /etc/default
	sed -i 's/^IPV6=.*/IPV6=yes/' /etc/default/ufw
	cat >> /etc/ufw/before.rules <<- R
		*nat
		:PREROUTING ACCEPT [0:0]
		-A PREROUTING -i wan -p udp --dport $port -j DNAT --to-destination 192.168.1.10:$port
		COMMIT
	R
	at_firewall <<- R
		ufw --force enable
		ufw allow ssh
		ufw limit 2222/tcp
		ufw route allow proto udp from any to 192.168.1.10 port $port
		ufw route allow in on wan out on lan proto udp to 2001:db8:2::10 port $port
		ufw route insert 1 deny from 203.0.113.64/26
	R
	bans=(203.0.113.66)
	wants="8.8.8.8 198.51.100.1 $port wg-end 192.168.1.10 $port kept"
}

firewalld() { # BACKEND
	over /etc/firewalld
	sed -i "s/^FirewallBackend=.*/FirewallBackend=$1/; s/^CleanupOnExit=.*/CleanupOnExit=no/" /etc/firewalld/firewalld.conf
	mkdir -p /run/dbus
	[[ -S /run/dbus/system_bus_socket ]] || dbus-daemon --system --nopidfile --fork
	start firewall firewalld --nofork --nopid
	daemon=$!
	wait_for 60 firewalld firewall-cmd --state
	each_line firewall-cmd --permanent <<- R
		--new-ipset=bad --type=hash:net
		--ipset=bad --add-entry=203.0.113.64/26
		--zone=external --change-interface=wan
		--zone=internal --change-interface=lan
		--zone=external --add-forward-port=port=$port:proto=udp:toport=$port:toaddr=192.168.1.10
		--zone=drop --add-source=ipset:bad
		--zone=block --add-source=192.0.2.64/26
	R
	firewall-cmd --reload
	kill "$daemon"
	wait "$daemon"
	bans=(203.0.113.66 192.0.2.77)
	wants="8.8.8.8 198.51.100.1 $port wg-end 192.168.1.10 $port kept"
}
case_firewalld() { firewalld nftables; }
case_firewalld_iptables() { firewalld iptables; undecided="the elements of the set ipset bad, because"; }

case_shorewall() {
	over /etc/shorewall
	over /var/lib/shorewall
	local dir=/etc/shorewall
	printf '%s\n' 'fw firewall' 'net ipv4' 'loc ipv4' > $dir/zones
	printf '%s\n' '?FORMAT 2' 'net wan' 'loc lan' > $dir/interfaces
	printf '%s\n' 'loc net ACCEPT' 'net all DROP' 'all all REJECT' > $dir/policy
	printf '%s\n' 'DROP:info net:192.0.2.64/26 all' 'DNAT net:203.0.113.0/26 loc:192.168.1.10 udp 40000:40010' \
		"DNAT net loc:192.168.1.10 udp $port" > $dir/rules
	printf '%s\n' 'DROP net:203.0.113.64/26 all' > $dir/blrules
	sed -i 's/^IP_FORWARDING=.*/IP_FORWARDING=Keep/' /etc/shorewall/shorewall.conf
	inside firewall shorewall start
	ports+=(40000 40005 40010 40011)
	bans=(203.0.113.66 192.0.2.77)
	wants="8.8.8.8 198.51.100.1 $port wg-end 192.168.1.10 $port kept"
}

# --- programs that ban clients, before a port that nft forwards

forward_port() { # COMMAND...: forwards the port by nft; each COMMAND of nft adds a rule
	inside firewall nft -f - <<- R
		table inet edge {
			chain n { type nat hook prerouting priority dstnat; iifname "wan" udp dport $port dnat ip to 192.168.1.10; }
			chain f { type filter hook forward priority filter; policy drop;
				ct state established,related accept; iifname "lan" accept; ct status dnat accept; }
		}
	R
	wants="8.8.8.8 198.51.100.1 $port wg-end 192.168.1.10 $port kept"
}

fail2ban() { # ACTION
	mkdir -p "$work/fail2ban"
	cp -a /etc/fail2ban/. "$work/fail2ban"
	rm -f "$work/fail2ban"/jail.d/*
	: > "$work/log"
	printf '[Definition]\nlogtarget = %s\ndbfile = None\n' "$work/f2b.log" > "$work/fail2ban/fail2ban.local"
	cat > "$work/fail2ban/jail.local" <<- R
		[DEFAULT]
		backend = polling
		usedns = no
		ignoreself = false
		[wg]
		enabled = true
		filter = sshd
		logpath = $work/log
		action = $1
	R
	inside firewall fail2ban-client -c "$work/fail2ban" -s "$work/f2b.sock" -p "$work/f2b.pid" start
	fail2ban-client -s "$work/f2b.sock" set wg banip 203.0.113.66 192.0.2.77
	wait_for 20 'the bans of fail2ban' banned_yet
	forward_port
	bans=(203.0.113.66 192.0.2.77)
}
banned_yet() { { inside firewall nft list ruleset; inside firewall iptables-legacy-save; inside firewall ipset save; } | holds -F 192.0.2.77; }
case_fail2ban_iptables() { fail2ban 'iptables-allports[name=wg, chain=FORWARD, blocktype=REJECT --reject-with icmp-port-unreachable, protocol=all]'; }
case_fail2ban_nftables() { fail2ban 'nftables-allports[name=wg, chain_hook=forward, protocol=udp]'; }
case_fail2ban_ipset() {
	fail2ban 'iptables-ipset-proto6-allports[name=wg, chain=FORWARD, protocol=udp]'
	undecided='the elements of the set ipset f2b-wg, because'
}

# The bouncer asks the local API of CrowdSec, which answers here with fixed decisions
crowdsec() { # MODE
	cat > "$work/api.py" <<- 'R'
		import http.server
		class Api(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        bans = [dict(duration='4h', scope='Ip', type='ban', origin='cscli', scenario='x', id=i, value=v)
		                for i, v in enumerate(('203.0.113.66', '192.0.2.77', '2001:db8:66::5'))]
		        import json
		        self.send_response(200)
		        self.end_headers()
		        self.wfile.write(json.dumps(dict(new=bans if 'startup=true' in self.path else None, deleted=None)).encode())
		http.server.HTTPServer(('127.0.0.1', 8080), Api).serve_forever()
	R
	start firewall python3 "$work/api.py"
	wait_for 10 'the local API' tcp_listens firewall 8080
	sed "s/^mode: .*/mode: $1/"'; s/^api_key: .*/api_key: key/; s/daemonize: true/daemonize: false/; s/log_mode: file/log_mode: stdout/
		s/#  - FORWARD/  - FORWARD/
		s/^  enabled: true$/  enabled: false/' /etc/crowdsec/bouncers/crowdsec-firewall-bouncer.yaml > "$work/bouncer.yaml"
	start firewall crowdsec-firewall-bouncer -c "$work/bouncer.yaml"
	wait_for 30 'the bans of CrowdSec' banned_yet
	forward_port
}
case_crowdsec_iptables() {
	crowdsec iptables
	bans=(203.0.113.66 192.0.2.77)
	undecided='the elements of the set ipset crowdsec-blacklists, because'
}
case_crowdsec_nftables() { crowdsec nftables; } # the bouncer of Debian 12 bans at the hook input only
case_crowdsec_forward() { # newer ones also have this chain
	crowdsec nftables
	at_firewall <<- R
		nft add chain ip crowdsec crowdsec-chain-forward { type filter hook forward priority -10; policy accept; }
		nft add rule ip crowdsec crowdsec-chain-forward ip saddr @crowdsec-blacklists counter drop
	R
	bans=(203.0.113.66 192.0.2.77)
}

# --- iptables-legacy beside nft

case_legacy_beside_nft() {
	forward_port
	at_firewall <<- R
		iptables-legacy -A FORWARD -s 203.0.113.64/26 -j DROP
		iptables-legacy -t raw -A PREROUTING -s 192.0.2.77 -i wan -j DROP
		ip6tables-legacy -A FORWARD -s 2001:db8:66::/48 -j REJECT
	R
	bans=(203.0.113.66 192.0.2.77 2001:db8:66::5)
}
case_nft_beside_legacy() {
	at_firewall <<- R
		nft add table ip guard
		nft add set ip guard offices { type ipv4_addr; flags interval; elements = { 198.51.100.0/24, 203.0.113.0/26 }; }
		nft add chain ip guard f { type filter hook forward priority -5; }
		nft add rule ip guard f iifname wan ip saddr != @offices counter drop
		iptables-legacy -t nat -A PREROUTING -i wan -p udp --dport $port -j DNAT --to-destination 192.168.1.10
		iptables-legacy -P FORWARD DROP
		iptables-legacy -A FORWARD -i wan -p udp -d 192.168.1.10 -j ACCEPT
	R
	bans=(203.0.113.66 192.0.2.77)
	wants="203.0.113.5 198.51.100.1 $port wg-end 192.168.1.10 $port kept"
}

# --- containers: Docker, podman

no_cgroups() { [[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]] || mount -t cgroup2 none /sys/fs/cgroup; } # crun refuses other kinds
# Starts dockerd at the firewall. Its containers have no cgroup, so that nothing outside of the sandbox changes.
dockerd_starts() { # OPTION...
	local dir=$work/docker
	rm -rf "$dir" && mkdir -p "$dir/image/bin"
	no_cgroups
	cp "$(command -v busybox)" "$dir/image/bin/"
	printf '#!/bin/sh\nexec crun --cgroup-manager=disabled "$@"\n' > "$dir/crun"
	chmod 755 "$dir/crun"
	inside firewall sysctl -qw net.ipv4.ip_forward=0 # Docker enables it, and then drops what it does not know
	start firewall dockerd --data-root "$dir/data" --exec-root "$dir/exec" -H "unix://$dir/sock" -p "$dir/pid" \
		--add-runtime "plain=$dir/crun" --default-runtime plain --storage-driver vfs "$@"
	export DOCKER_HOST=unix://$dir/sock
	wait_for 60 dockerd docker info
	tar -C "$dir/image" -c . | docker import - image
}
container() { # NAME OPTION...: `docker run`
	docker run -d --name "$1" "${@:2}" image /bin/busybox sleep 100000
	ip netns attach "$1" "$(docker inspect -f '{{.State.Pid}}' "$1")"
	backends+=("$1")
}
case_docker() {
	dockerd_starts
	container box -p "$port:$port/udp" -p 8080:80/tcp
	container other -p 51821:51820/udp
	inside firewall iptables -I DOCKER-USER -i wan -s 203.0.113.64/26 -j DROP
	ports+=(51821) bans=(203.0.113.66)
	wants="8.8.8.8 198.51.100.1 51821 other 172.17.0.3 $port kept"
}
case_docker_networks() { # a network of the user's; the clients are restricted as Docker's manual says
	dockerd_starts --experimental --ip6tables
	docker network create --subnet 10.89.1.0/24 --ipv6 --subnet fd00:89::/64 -o com.docker.network.bridge.name=br-inner inner
	docker network create --subnet 10.89.2.0/24 --internal closed
	container box --network inner --ip 10.89.1.9 -p "198.51.100.1:$port:51822/udp" -p "[::]:51821:51822/udp"
	docker network connect closed box
	inside firewall iptables -I DOCKER-USER -i wan ! -s 203.0.113.0/25 -j DROP
	inside firewall iptables -I DOCKER-USER -i wan -s 203.0.113.66 -j REJECT
	inside firewall ip6tables -I FORWARD -i wan -s 2001:db8:66::/48 -j DROP
	ports+=(51821) bans=(203.0.113.66 8.8.8.8 2001:db8:66::5)
	wants="203.0.113.5 198.51.100.1 $port box 10.89.1.9 51822 kept"
}
case_podman() {
	local dir=$work/podman
	mkdir -p "$dir/root/bin" "$dir/shm"
	cp "$(command -v busybox)" "$dir/root/bin/"
	no_cgroups
	mount -t tmpfs shm /dev/shm # podman's locks
	printf '%s\n' '[engine]' 'cgroup_manager = "cgroupfs"' 'events_logger = "none"' 'runtime = "crun"' '[containers]' 'cgroups = "disabled"' \
		'log_driver = "none"' '[network]' 'network_backend = "netavark"' "network_config_dir = \"$dir/networks\"" > "$dir/containers.conf"
	printf '%s\n' '[storage]' 'driver = "vfs"' "graphroot = \"$dir/store\"" "runroot = \"$dir/run\"" > "$dir/storage.conf"
	export CONTAINERS_CONF=$dir/containers.conf CONTAINERS_STORAGE_CONF=$dir/storage.conf
	inside firewall podman network create --subnet 10.87.7.0/24 --ipv6 --subnet fd00:88::/64 --disable-dns inner
	inside firewall podman run -d --name box --network inner:ip=10.87.7.5,ip6=fd00:88::5 -p "$port:$port/udp" \
		--rootfs "$dir/root" /bin/busybox sleep 100000
	ip netns attach box "$(inside firewall podman inspect -f '{{.State.Pid}}' box)"
	backends+=(box)
	inside firewall iptables -I FORWARD -i wan -s 203.0.113.64/26 -j DROP
	bans=(203.0.113.66)
	wants="8.8.8.8 198.51.100.1 $port box 10.87.7.5 $port kept"
}

# --- virtual machines: libvirt

case_libvirt() { # the network `default`, and a hook as libvirt's wiki shows
	over /etc/libvirt
	mount -t tmpfs none /var/lib
	mkdir "$work/drivers"
	ln -s /usr/lib/*/libvirt/connection-driver/libvirt_driver_network.so "$work/drivers" # no other one is loaded
	LIBVIRT_DRIVER_DIR=$work/drivers start firewall libvirtd
	wait_for 60 libvirtd inside firewall virsh -c network:///system uri
	cat > "$work/network.xml" <<- R
		<network><name>vms</name><forward mode='nat' dev='wan'/><bridge name='virbr7' stp='off'/>
		<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.9'/></dhcp></ip></network>
	R
	inside firewall virsh -c network:///system net-create "$work/network.xml"
	guest vm virbr7 192.168.122.20/24 192.168.122.1
	at_firewall <<- R
		iptables -I FORWARD -o virbr7 -d 192.168.122.20 -p udp --dport $port -j ACCEPT
		iptables -I FORWARD -i wan -s 203.0.113.64/26 -j DROP
		iptables -t nat -I PREROUTING -i wan -p udp --dport 51821 -j DNAT --to 192.168.122.20:$port
	R
	ports+=(51821) bans=(203.0.113.66)
	wants="8.8.8.8 198.51.100.1 51821 vm 192.168.122.20 $port kept"
}
case_docker_legacy() {
	local program
	mkdir -p "$work/legacy"
	for program in ip{,6}tables{,-save,-restore}; do ln -sf /usr/sbin/xtables-legacy-multi "$work/legacy/$program"; done
	PATH=$work/legacy:$PATH dockerd_starts
	container box -p "$port:$port/udp"
	inside firewall iptables-legacy -I DOCKER-USER -i wan -s 203.0.113.64/26 -j DROP
	bans=(203.0.113.66)
	wants="8.8.8.8 198.51.100.1 $port box 172.17.0.2 $port kept"
}
case_docker_nft() { # Docker 29 with its own nftables backend
	bridge_with_address firewall docker0 172.17.0.1/16
	guest box docker0 172.17.0.2/16 172.17.0.1
	inside firewall nft -f tests/field/docker.nft
	bans=(203.0.113.66)
	wants="8.8.8.8 198.51.100.1 $port box 172.17.0.2 $port kept"
}

# --- programs that Debian 12 does not have: their rules are in tests/field

cluster() { # a node of Kubernetes with pods at a bridge
	addresses firewall wan 198.51.100.2/24
	bridge_with_address firewall cni0 10.244.1.1/24
	guest pod cni0 10.244.1.7/24 10.244.1.1
	addresses pod eth0 10.244.1.8/24 10.244.1.9/24
	to+=(198.51.100.2) ports+=(30820)
	wants='8.8.8.8 198.51.100.1 30820 pod 10.244.1.7 51820 10.244.1.1'
}
case_kube_proxy() {
	cluster
	sed '/TWO/d' tests/field/kube-proxy.v4 | inside firewall iptables-restore
}
case_kube_proxy_two() { # the kernel chooses one of two pods by chance
	cluster
	ports+=(30821)
	inside firewall iptables-restore < tests/field/kube-proxy.v4
	unsure='port 30821: pod'
	undecided='-m statistic --mode random.* decides about port 30821 of 198.51.100.'
}
case_kube_proxy_nft() {
	cluster
	ports+=(30443)
	inside firewall nft -f tests/field/kube-proxy.nft
}
case_kube_proxy_nft_two() {
	cluster
	sed 's/mod 1 vmap { 0 : goto endpoint-WG }/mod 2 vmap { 0 : goto endpoint-WG, 1 : goto endpoint-WG2 }/; /chain service-WG/i\	chain endpoint-WG2 { meta l4proto udp dnat to 10.244.1.8:51820; }
	' tests/field/kube-proxy.nft | inside firewall nft -f -
	at_firewall <<- R
		nft add table ip edge
		nft add chain ip edge n { type nat hook prerouting priority -110; }
		nft add rule ip edge n iifname wan udp dport 51830 dnat to 192.168.1.10:51830
	R
	ports+=(51830) wants='8.8.8.8 198.51.100.1 51830 wg-end 192.168.1.10 51830 kept'
	unsure='port 30820: pod'
	undecided="the condition 'numgen' of .* decides about port 30820 of 198.51.100.1"
}

case_tailscale() {
	namespaces node
	cable firewall tailscale0 node ts
	takes_xdp node ts
	addresses firewall tailscale0 100.100.1.1/32
	addresses node ts 100.100.1.2/10
	inside firewall ip route add 100.64.0.0/10 dev tailscale0
	inside firewall iptables-restore < tests/field/tailscale.v4
	ports+=(51821) backends+=(node) bans=(203.0.113.66)
	wants="8.8.8.8 198.51.100.1 51821 node 100.100.1.2 $port 100.100.1.1"
}

case_incus() {
	bridge_with_address firewall incusbr0 10.158.3.1/24 fd42:158:3::1/64
	guest box incusbr0 10.158.3.7/24 10.158.3.1
	addresses box eth0 fd42:158:3::7/64
	inside firewall nft -f tests/field/incus.nft
	ports+=(51821) bans=(203.0.113.66 2001:db8:66::5)
	wants="2600::1 2001:db8:1::1 $port box fd42:158:3::7 $port kept"
}

case_fw4() {
	inside firewall ip addr flush dev lan
	bridge_with_address firewall br-lan 192.168.1.1/24 2001:db8:2::1/64
	inside firewall ip link set lan master br-lan
	inside firewall nft -f tests/field/fw4.nft
	ports+=(51821) bans=(203.0.113.66 192.0.2.77 2001:db8:66::5)
	wants="2600::1 2001:db8:2::10 $port wg-end 2001:db8:2::10 $port kept"
}
