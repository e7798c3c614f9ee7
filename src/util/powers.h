/* Giving up privileges, between fork and exec of a program that is not ours. */
#ifndef IOV_UTIL_POWERS_H
#define IOV_UTIL_POWERS_H

/*
 * The user nobody, no groups, no capabilities, and no way to get any (no_new_privs). Where this process is root, what
 * follows also gets a PID namespace of its own and runs in a child, whose end the caller's process waits for and
 * repeats: whatever the program starts ends with it. Without root the user stays, and loses its capabilities. 0 or -1
 * with errno; safe after fork.
 */
int iov_powers_drop(void);

#endif
