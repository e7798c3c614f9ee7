#!/bin/bash
# Several instances of one module, each with maps of its own or sharing a provider's, and modules whose maps have the same name.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
need_bpf
cleanup() { net_down "iov-ins$$"; }
cleanup
net_up "iov-ins$$"
setup_registry flow-table flow-count
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
pinned=$tmp/host/sys/fs/bpf/iovpkg/live
provider_of() { host list --json | jq -r ".modules[].imports[] | select(.instance == \"$1\") | .from"; }
packets() { # that the table of an instance has of datagrams to port 4000
	bpftool -j map dump pinned "$pinned/$1/maps/flows" |
		jq "[.[].formatted | select(.key.dport == 4000 or .key.dport == $(((4000 & 255) << 8 | 4000 >> 8))) | .value.packets] | add // 0"
}

check "a provider" inside install flow-table
check "another instance of it" inside load flow-table --as flow-table-b
check "an importer" inside install flow-count --set iface=iov-b
says "the plan says whose map it gets" "map flows of flow-table-b" \
	inside load flow-count --as flow-count-b --set iface=iov-b --import flows=flow-table-b --dry-run
check "another, on the other table" inside load flow-count --as flow-count-b --set iface=iov-b --import flows=flow-table-b
equal "each has its provider" "$(provider_of flow-count) $(provider_of flow-count-b)" "flow-table flow-table-b"
send_udp 300 4000
equal "one counts in its table" "$(packets flow-table)" 300
equal "the other in the other" "$(packets flow-table-b)" 300
equal "status says who shares what" \
	"$(inside status --json | jq -c '[.instances[] | select(.module == "flow-table") | [.name, .maps[0].importers[].instance]]')" \
	'[["flow-table","flow-count"],["flow-table-b","flow-count-b"]]'

refuses "a provider that is in use stays" 5 "'flow-count-b'" inside unload flow-table-b
refuses "a map that is not imported" 2 "imports no map 'flowz'; it imports 'flows'" inside load flow-count --as x --set iface=iov-b --import flowz=flow-table
refuses "an instance that is not there" 4 "no instance 'flow-table-c' is loaded to take the map 'flows' from" inside load flow-count --as x --set iface=iov-b --import flows=flow-table-c
also "and those that would do" "or take it from 'flow-table', 'flow-table-b'"
refuses "an instance of another module" 5 "runs module 'flow-count'" inside load flow-count --as x --set iface=iov-b --import flows=flow-count-b
refuses "no instance" 2 "write MAP=INSTANCE" inside load flow-count --as x --set iface=iov-b --import flows=
refuses "a map named twice" 2 "given twice" inside load flow-count --as x --set iface=iov-b --import flows=flow-table --import flows=flow-table-b
equal "nothing came of that" "$(inside status --json | jq '.instances | length')" 4

# The choice is the instance's, and an upgrade keeps it.
publish flow-count-1.1 || fail "publish flow-count 1.1"
check "upgrade" inside upgrade flow-count
equal "the choice is kept" "$(provider_of flow-count-b)" flow-table-b
says "named again it is changed" "map flows of flow-table (was of flow-table-b)" inside load flow-count --as flow-count-b --import flows=flow-table
send_udp 300 4000
equal "both count in one table" "$(packets flow-table)" 900
equal "and none in the other" "$(packets flow-table-b)" 300
says "asked again there is nothing to do" "nothing to do" inside load flow-count --as flow-count-b --import flows=flow-table
check "rollback" inside rollback
equal "goes back to the other table" "$(provider_of flow-count-b)" flow-table-b
check "and forth" inside load flow-count --as flow-count-b --import flows=flow-table
check "what nobody uses can go" inside unload flow-table-b

# Another module may have a map of the same name.
cp -r "$top/bpf-samples/flow-table" "$tmp/other-table"
sed -i 's/^name: .*/name: other-table/' "$tmp/other-table/iov.yaml"
check "publish a module with a map of the same name" publish "$tmp/other-table"
check "install it" inside install other-table
equal "two maps of one name" "$(for i in flow-table other-table; do bpftool -j map show pinned "$pinned/$i/maps/flows" | jq .id; done | sort -u | wc -l)" 2
refuses "it is no provider for those who name the first" 5 "but the map 'flows' of 'flow-count' comes from 'flow-table'" inside load flow-count --as flow-count-b --import flows=other-table
check "install with a choice" inside install flow-count --as flow-count-c --set iface=iov-b --import flows=flow-table
check "all can go" inside remove flow-count flow-table other-table
equal "bpffs is clean" "$(pins | grep -v generation_ | grep -cE '/(live|staging)/.')" 0
