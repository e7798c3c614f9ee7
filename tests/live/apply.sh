#!/bin/bash
# apply on the live kernel: instances, parameters and providers become what the manifest says, without a restart of what is so already.
. "$(dirname "$0")/../lib/test.sh"
. "$top/tests/lib/net.sh"
. "$top/tests/lib/releases.sh"
need_bpf
for tool in jq script; do command -v $tool >/dev/null || skip_all "$tool is not installed"; done
cleanup() { net_down "iov-apply$$"; }
cleanup
net_up "iov-apply$$"
setup_registry flow-table flow-count
inside() { in_b "$IOVPKG" --root "$tmp/host" "$@"; }
running() { inside status --json | jq -c '[.instances | sort_by(.name)[] | [.name, .params.max_flows // .params.iface, .imports[0].from]]'; }
cd "$tmp" || exit 1
cat >host.yaml <<'END'
schema: 1
modules:
  flow-count: ^1.0
  flow-table: '*'
instances:
  uplink: {module: flow-count, params: {iface: iov-b}, imports: {flows: shared}}
  shared: {module: flow-table, params: {max_flows: 512}}
END
check "lock" inside lock host.yaml
check "something else runs" inside install flow-count --set iface=lo
equal "with a provider of its own" "$(running)" '[["flow-count","lo","flow-table"],["flow-table","65536",null]]'
printf 'n\n' >no
refuses "what goes is asked about" 16 "as you chose" script -qec "nsenter --net=/run/netns/iov-apply$$-b '$IOVPKG' --root '$tmp/host' apply host.yaml" /dev/null <no
check "apply" inside apply host.yaml --locked
equal "is what the manifest says, and nothing else" "$(running)" '[["shared","512",null],["uplink","iov-b","shared"]]'
equal "again: nothing to do" "$(inside apply host.yaml --locked --json | jq .changed)" false
check "a parameter by hand" inside load flow-table --as shared --set max_flows=1024
check "is brought back" inside apply host.yaml
equal "to what the manifest says" "$(running)" '[["shared","512",null],["uplink","iov-b","shared"]]'
sed -i '/^  uplink/d' host.yaml
check "an instance less" inside apply host.yaml
equal "is gone, its provider stays" "$(running)" '[["shared","512",null]]'
sed -i 's/max_flows: 512/max_flowz: 512/' host.yaml
refuses "a parameter that the module does not have" 2 "instance 'shared'" inside apply host.yaml
sed -i 's/module: flow-table, params: {max_flowz: 512}/module: flow-top/' host.yaml
refuses "an instance of a module that is not named" 3 "instance 'shared' runs module 'flow-top', which is not under 'modules'" inside apply host.yaml
equal "nothing came of that" "$(running)" '[["shared","512",null]]'

# A lock for a kernel that is not at hand: facts from files.
release easy 1.0.0
helper=250
release easy 1.1.0
printf 'schema: 1\nmodules: {easy: "*"}\n' >easy.yaml
inside facts --json >this.json 2>/dev/null
cp /sys/kernel/btf/vmlinux this.btf
says "what the kernel of the facts does not load is not locked" "as 1.1.0 needs helper '#250'" inside lock easy.yaml --facts this.json
equal "but what it does" "$(jq -r '.releases[].version' easy.lock.json)" 1.0.0
check "without facts no kernel is asked" inside lock easy.yaml --upgrade
equal "and the newest is locked" "$(jq -r '.releases[].version' easy.lock.json)" 1.1.0
printf 'instances: {easy: {params: {iface: iov-b}}}\n' >>easy.yaml
refuses "which this kernel does not load" 5 "needs helper '#250', which kernel $(uname -r) does not have" inside apply easy.yaml --locked
refuses "facts that are not there" 4 "no facts 'nowhere.json'" inside lock easy.yaml --facts nowhere.json
check "everything goes" inside remove flow-count flow-table --yes
