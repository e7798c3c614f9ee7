/* What a release asks of the kernel and the kernel does not have: the reason why it will not load there. */
#ifndef IOV_CORE_LACK_H
#define IOV_CORE_LACK_H

/* Owned by whoever found it out. */
struct iov_lack {
	const char *kernel;  /* "6.1.0" */
	const char *missing; /* "helper" */
	const char *what;    /* its name: "loop" */
	const char *since;   /* the version of Linux that brought it, "5.17"; NULL: not known */
	const char *text;    /* "helper 'loop', which kernel 6.1.0 does not have (Linux 5.17 brought it)" */
};

#endif
