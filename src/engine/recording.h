/*
 * What tests ask of the recording engine beside the engine's own calls. Its pins are plain files of JSON under the same
 * paths as the kernel's; what is attached stands in the file <root>/sys/fs/bpf/kernel (engine/pretend.h) and outlives
 * the process, as in a kernel.
 */
#ifndef IOV_ENGINE_RECORDING_H
#define IOV_ENGINE_RECORDING_H

#include "engine/engine.h"

/* Calls are counted from 1; `count` of them, from the `first` on, fail with IOV_E_IO before they do anything. */
void iov_recording_fail(struct iov_engine *engine, unsigned first, unsigned count);
/* Every call so far that may change something, a line each: "load flow-count", "attach flow-count/count_in eth0";
 * borrowed, "" for none. */
const char *iov_recording_calls(const struct iov_engine *engine);
/* From now on this kernel refuses sites whose target or section is `word`, or loads of an instance of that name, also
 * in a rehearsal. IOV_E_NOT_FOUND also ends what is attached to the target. IOV_OK takes it back. */
int iov_recording_refuse(struct iov_engine *engine, const char *word, enum iov_code code);

/* What the next look at a value finds: `name` is a program, for its runs, "MAP" or "MAP.FIELD". Said again, each look
 * finds the next value, and the last one from then on. */
int iov_recording_say(struct iov_engine *engine, const char *name, uint64_t value);

#endif
