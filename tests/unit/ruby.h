/* Ruby's versions and requirements, as RubyGems documents them (Gem::Version, Gem::Requirement), for vectors written in
 * them. */
#ifndef IOV_TESTS_RUBY_H
#define IOV_TESTS_RUBY_H

#include <stdbool.h>

int ruby_compare(const char *a, const char *b);
bool ruby_is_prerelease(const char *version);
/* "", ">= 1.0, != 1.2", "~> 2.0". Pre-releases match only a requirement that names one. */
bool ruby_matches(const char *requirement, const char *version);

#endif
