# Two hosts on one machine: network namespaces joined by a veth pair, silent but for what a test sends.
#   net_up NAME     makes NAME-a (interface iov-a, 10.77.0.1) and NAME-b (iov-b, 10.77.0.2)
#   in_a / in_b     runs a command there. Not `ip netns exec`: that would hide mounts made inside, and bpffs is one.
net_up() {
	net=$1
	local side
	for side in a b; do
		ip netns add "$net-$side"
		net_set "$side" ipv6/conf/all/disable_ipv6 1
		net_set "$side" ipv6/conf/default/disable_ipv6 1
	done
	ip link add iov-a netns "$net-a" type veth peer name iov-b netns "$net-b"
	in_a ip addr add 10.77.0.1/24 dev iov-a
	in_b ip addr add 10.77.0.2/24 dev iov-b
	in_a ip link set iov-a up
	in_b ip link set iov-b up
	in_a ip link set lo up
	in_b ip link set lo up
	# Fixed neighbours: no ARP, so every packet is one that was sent on purpose.
	in_a ip neigh replace 10.77.0.2 lladdr "$(net_mac b)" dev iov-a nud permanent
	in_b ip neigh replace 10.77.0.1 lladdr "$(net_mac a)" dev iov-b nud permanent
	# Datagrams go to an address whose host knows no way back, so no ICMP answers and every write is one packet.
	in_b ip addr add 10.77.2.2/32 dev iov-b
	in_a ip addr add 10.77.1.1/32 dev iov-a
	in_a ip route add 10.77.2.2/32 dev iov-a src 10.77.1.1
	in_a ip neigh replace 10.77.2.2 lladdr "$(net_mac b)" dev iov-a nud permanent
	net_set b ipv4/conf/all/rp_filter 0
	net_set b ipv4/conf/iov-b/rp_filter 0
}
# net_set SIDE KEY VALUE: a network sysctl of that side; one that the kernel lacks is none to set.
net_set() { nsenter --net="/run/netns/$net-$1" sh -c "[ ! -e /proc/sys/net/$2 ] || echo $3 >/proc/sys/net/$2"; }
net_mac() { nsenter --net="/run/netns/$net-$1" ip -br link show "iov-$1" | awk '{print $3}'; }
# net_dropped SIDE: frames that the pair dropped on their way from that side, before any hook of the other, which was slow. The sender's call fails for
# each of them from Linux 6.7 on, and is told nothing before.
net_dropped() { "in_$1" ip -j -s link show "iov-$1" | jq '.[0].stats64.tx.dropped'; }
net_down() {
	ip netns del "$1-a" 2>/dev/null || true
	ip netns del "$1-b" 2>/dev/null || true
}
in_a() { nsenter --net="/run/netns/$net-a" "$@"; }
in_b() { nsenter --net="/run/netns/$net-b" "$@"; }

# send_udp COUNT PORT: COUNT one-packet datagrams from a to b, as fast as a shell writes.
send_udp() {
	in_a bash -c 'exec 3>/dev/udp/10.77.2.2/$2; for ((i = 0; i < $1; i++)); do echo >&3; done 2>/dev/null' send "$1" "$2"
}
