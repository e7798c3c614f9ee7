#include "core/bulk.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "util/cleanup.h"

#define LIBRARY "libcrypto.so.3"
#define NO_CONFIGURATION                                                                                               \
	0x00000080ull /* OPENSSL_INIT_NO_LOAD_CONFIG: the library reads no environment and no /etc/ssl */

/* OpenSSL's names; its types are opaque, and their pointers void here. */
struct calls {
	int (*OPENSSL_init_crypto)(uint64_t options, const void *settings);
	void *(*EVP_MD_CTX_new)(void);
	void (*EVP_MD_CTX_free)(void *state);
	const void *(*EVP_sha256)(void);
	int (*EVP_DigestInit_ex)(void *state, const void *type, void *engine);
	int (*EVP_DigestUpdate)(void *state, const void *data, size_t len);
	int (*EVP_DigestFinal_ex)(void *state, unsigned char *ret, unsigned *ret_len);
};

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	{"OPENSSL_init_crypto", offsetof(struct calls, OPENSSL_init_crypto)},
	{"EVP_MD_CTX_new", offsetof(struct calls, EVP_MD_CTX_new)},
	{"EVP_MD_CTX_free", offsetof(struct calls, EVP_MD_CTX_free)},
	{"EVP_sha256", offsetof(struct calls, EVP_sha256)},
	{"EVP_DigestInit_ex", offsetof(struct calls, EVP_DigestInit_ex)},
	{"EVP_DigestUpdate", offsetof(struct calls, EVP_DigestUpdate)},
	{"EVP_DigestFinal_ex", offsetof(struct calls, EVP_DigestFinal_ex)},
};

struct iov_bulk {
	struct calls calls;
	void *state;
};

static bool find_calls(void *library, struct calls *ret)
{
	for (size_t i = 0; i < IOV_COUNT(symbols); i++) {
		void *found = dlsym(library, symbols[i].name);
		if (!found)
			return false;
		*(void **)((char *)ret + symbols[i].offset) = found;
	}
	return true;
}

/* It stays loaded: another digest is at once, and OpenSSL does not like to go. */
static bool load(struct calls *ret)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library)
		return false;
	bool found = find_calls(library, ret) && ret->OPENSSL_init_crypto(NO_CONFIGURATION, NULL);
	dlclose(library);
	return found;
}

struct iov_bulk *iov_bulk_new(void)
{
	struct iov_bulk *bulk = calloc(1, sizeof(*bulk));
	if (bulk && load(&bulk->calls) && (bulk->state = bulk->calls.EVP_MD_CTX_new()) &&
	    bulk->calls.EVP_DigestInit_ex(bulk->state, bulk->calls.EVP_sha256(), NULL))
		return bulk;
	iov_bulk_free(bulk);
	return NULL;
}

void iov_bulk_free(struct iov_bulk *bulk)
{
	if (bulk && bulk->state)
		bulk->calls.EVP_MD_CTX_free(bulk->state);
	free(bulk);
}

bool iov_bulk_add(struct iov_bulk *bulk, const void *data, size_t len)
{
	return bulk->calls.EVP_DigestUpdate(bulk->state, data, len);
}

bool iov_bulk_end(struct iov_bulk *bulk, uint8_t *ret)
{
	return bulk->calls.EVP_DigestFinal_ex(bulk->state, ret, NULL);
}
