# Releases of small modules, made on the spot.
#   source_module NAME VERSION [LINES] <SOURCE       writes a module of one source, with more lines of the manifest; sets dir, its folder
source_module() {
	dir=$tmp/modules/$1-$2
	mkdir -p "$dir"
	cat >"$dir/iov.yaml" <<-END
		schema: 1
		name: $1
		version: $2
		summary: A module for tests
		license: GPL-2.0-only
		build:
		  sources: [$1.bpf.c]
		${3:-}
	END
	cat >"$dir/$1.bpf.c"
}
#   source_release NAME VERSION [LINES] <SOURCE      and publishes it
source_release() {
	local dir
	source_module "$@"
	publish "$dir" || { fail "publish $1 $2"; exit 1; }
}
# Many releases of modules that do next to nothing, so that publishing one takes half a second.
#   release NAME VERSION [MODULE REQUIREMENT]...     with $helper set, it calls the helper of that number
release() {
	local name=$1 version=$2 lines=$'programs:\n  nothing: {target: $iface}\nparams:\n  iface: {type: interface, required: true}'
	[ $# -eq 2 ] || lines+=$'\ndependencies:'
	while [ $# -gt 3 ]; do lines+=$'\n'"  $3: '$4'"; set -- "$1" "$2" "${@:5}"; done
	source_release "$name" "$version" "$lines" <<END
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
}
