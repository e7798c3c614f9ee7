/* What iov.yaml may hold: the one table behind the checks, the JSON Schema and docs/manifest.md. */
#ifndef IOV_CORE_MANIFEST_SCHEMA_H
#define IOV_CORE_MANIFEST_SCHEMA_H

#include "core/schema.h"

extern const struct iov_schema iov_manifest_schema;

#endif
