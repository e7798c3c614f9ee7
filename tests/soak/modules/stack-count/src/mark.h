/* The mark of frames that send.c sends, and that the module stack-count counts. */
#ifndef SOAK_MARK_H
#define SOAK_MARK_H

#define SEND_MARK 0x10f50a4

#endif
