/*
 * System calls: number in a7, arguments in a0 to a2, result in a0. Errors are negative results.
 */
#ifndef MINI_OS_SYSCALL_H
#define MINI_OS_SYSCALL_H

enum {
  SYS_EXIT, /* (status) */
  SYS_FORK, /* -> process id of the child, 0 in the child */
  SYS_WAIT, /* (int *status or NULL) -> process id of a child that has exited */
  SYS_GETPID,
  SYS_YIELD,
  SYS_SLEEP, /* (ticks) */
  SYS_MMAP, /* (length in bytes) -> address of zeroed pages */
  SYS_MUNMAP, /* (address, length in bytes): exactly what one mmap made */
  SYS_PIPE, /* (int descriptors[2]): read end, write end */
  SYS_CLOSE, /* (descriptor) */
  SYS_READ, /* (descriptor, buffer, length) -> bytes read, at least 1; 0 at the end */
  SYS_WRITE, /* (descriptor, buffer, length) -> length */
  SYS_DISK_SECTORS, /* -> sectors of the disk, 0: none */
  SYS_DISK_READ, /* (first sector, buffer, sectors) */
  SYS_DISK_WRITE, /* (first sector, buffer, sectors) */
  SYS_NET_ADDRESS, /* (unsigned char address[6]) */
  SYS_NET_SEND, /* (frame, length in bytes) */
  SYS_NET_RECEIVE, /* (frame, room in bytes) -> length of the frame */
  SYS_SHUTDOWN, /* (status): 0 is success */
  SYS_COUNT,
};

enum {
  ERROR_NO_CALL = -1,
  ERROR_BAD_ADDRESS = -2,
  ERROR_BAD_ARGUMENT = -3,
  ERROR_NO_MEMORY = -4,
  ERROR_NO_CHILD = -5,
  ERROR_BAD_DESCRIPTOR = -6,
  ERROR_NO_READER = -7,
  ERROR_NO_DEVICE = -8,
  ERROR_DEVICE = -9,
};

#define DESCRIPTOR_CONSOLE 1
#define SECTOR_BYTES 512
#define DISK_SECTORS_MAX 64 /* of one call */
#define FRAME_BYTES_MAX 1514 /* Ethernet without its checksum */

#endif
