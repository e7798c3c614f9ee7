#include "cli/codes.h"

#include "iovpkg.h"
#include "util/cleanup.h"

static const struct cli_code codes[] = {
	[IOV_OK] = {"ok", "done"},
	[IOV_E_INTERNAL] = {"internal", "a bug of iovpkg, or no memory"},
	[IOV_E_USAGE] = {"usage", "the command line is wrong"},
	[IOV_E_INPUT] = {"input", "a manifest, object or other file of yours is wrong"},
	[IOV_E_NOT_FOUND] = {"not-found", "no such module, instance, release, registry or key"},
	[IOV_E_CONFLICT] = {"conflict", "requirements that cannot all be met, or a change that others depend on"},
	[IOV_E_UNTRUSTED] = {"untrusted", "a digest, signature, expiry date or registry head is not what it should be"},
	[IOV_E_CONTRACT] = {"contract", "a shared map's layout is not what its importer was built for"},
	[IOV_E_REJECTED] = {"rejected", "the kernel's verifier refused a program"},
	[IOV_E_UNSUPPORTED] = {"unsupported", "this kernel or this build of iovpkg lacks something"},
	[IOV_E_PERMISSION] = {"permission", "needs root, or a capability"},
	[IOV_E_NETWORK] = {"network", "a registry cannot be reached"},
	[IOV_E_IO] = {"io", "a read or write failed"},
	[IOV_E_SPACE] = {"space", "a limit of disk or memory is reached"},
	[IOV_E_BUSY] = {"busy", "another iovpkg is at work, or a hook is taken"},
	[IOV_E_BUILD] = {"build", "the compiler failed, or met a limit"},
	[IOV_E_DECLINED] = {"declined", "you said no"},
	[IOV_E_UNHEALTHY] = {"unhealthy", "a health check failed, and the host went back"},
	[IOV_E_PARTIAL] = {"partial", "done, but not all of what should run is up"},
	[IOV_E_STOPPED] = {"stopped", "a signal asked for the end; the host is as it was"},
};

const struct cli_code *cli_code(size_t code)
{
	return code < IOV_COUNT(codes) ? &codes[code] : NULL;
}
