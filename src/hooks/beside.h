/*
 * Programs that can neither be moved to by their link nor stand behind an entry: sleepable ones, for example. An
 * upgrade attaches the new program next to the old one, and then ends the old one; in between events are seen by both.
 */
#ifndef IOV_HOOKS_BESIDE_H
#define IOV_HOOKS_BESIDE_H

#include "hooks/hook.h"

extern const struct iov_style iov_style_beside;

#endif
