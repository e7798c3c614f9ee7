#!/bin/bash
# A module comes over HTTP from the registry's own server, runs in the kernel, and is upgraded to what the server has next.
. "$(dirname "$0")/../lib/sample.sh"
. "$top/tests/lib/servers.sh"
cleanup() { stop_servers; [ -z "${net:-}" ] || net_down "$net"; }
sample_up iov-http flow-table flow-count
port=$(free_port)
check "the host knows no registry" host registry rm test
# Where the host is, for it is alone there.
serve "$tmp/served" nsenter --net="/run/netns/$net-b" "$IOVPKG" --root "$tmp/author" registry serve "$registry" --listen "127.0.0.1:$port"
listens() { in_b bash -c ": </dev/tcp/127.0.0.1/$port" 2>/dev/null; }
check "the registry's server" eventually listens
check "registry add" inside registry add far "sparse+http://127.0.0.1:$port" --yes
check "install" inside install flow-count --set iface=iov-b
send_udp 20 4000
equal "it counts" "$(flow 10.77.1.1 10.77.2.2 17 4000 | jq '.[0]')" 20

cp -r "$top/bpf-samples/flow-count" "$tmp/next" && sed -i 's/^version: .*/version: 1.9.0/' "$tmp/next/iov.yaml"
check "the next release" publish "$tmp/next"
check "upgrade" inside upgrade flow-count
equal "it is there" "$(host list --json | jq -r '.modules[] | select(.name == "flow-count").version')" 1.9.0
send_udp 20 4000
equal "and counts on" "$(flow 10.77.1.1 10.77.2.2 17 4000 | jq '.[0]')" 40
stop_last_server
refuses "a server that is gone" 11 "registry 'far'" inside install flow-top --set iface=iov-b
equal "leaves all as it was" "$(inside status --json | jq -r '[.instances[].name] | sort | join(" ")')" "flow-count flow-table"
leaves_nothing flow-count flow-table
