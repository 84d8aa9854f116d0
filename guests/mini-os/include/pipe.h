/*
 * Descriptors: the console and pipes.
 */
#ifndef MINI_OS_PIPE_H
#define MINI_OS_PIPE_H

#include "process.h"

/* Results are those of the system calls. */
i64 pipe_open(u64 user_descriptors);
i64 descriptor_read(u64 descriptor, u64 user_buffer, u64 length_bytes);
i64 descriptor_write(u64 descriptor, u64 user_buffer, u64 length_bytes);
i64 descriptor_close(u64 descriptor);
/* For fork and exit. */
void descriptors_share(struct process *child, const struct process *parent);
void descriptors_close(struct process *process);

#endif
