# Many releases of modules that do next to nothing, so that publishing one takes half a second.
#   release NAME VERSION [MODULE REQUIREMENT]...     with $helper set, it calls the helper of that number
release() {
	local name=$1 version=$2 dir=$tmp/modules/$1
	mkdir -p "$dir"
	{
		printf 'schema: 1\nname: %s\nversion: %s\nsummary: A module for tests\nlicense: GPL-2.0-only\n' "$name" "$version"
		printf 'build:\n  sources: [nothing.bpf.c]\n'
		[ $# -eq 2 ] || echo dependencies:
		while [ $# -gt 3 ]; do printf "  %s: '%s'\n" "$3" "$4"; set -- "$1" "$2" "${@:5}"; done
	} >"$dir/iov.yaml"
	cat >"$dir/nothing.bpf.c" <<END
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";
static long (*helper)(void) = (void *)${helper:-BPF_FUNC_ktime_get_ns};

SEC("xdp")
int nothing(struct xdp_md *ctx)
{
	return helper() ? XDP_PASS : XDP_ABORTED;
}
END
	printf 'programs:\n  nothing: {target: $iface}\nparams:\n  iface: {type: interface, required: true}\n' >>"$dir/iov.yaml"
	publish "$dir" || { fail "publish $name $version"; exit 1; }
}
