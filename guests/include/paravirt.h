/*
 * The paravirtual interface of Paratrace: calls, shared pages, rings. docs/abi.md says what each of them means.
 * Structures are laid out as the hypervisor reads them; every pointer in them, and in arguments, is a physical address.
 */
#ifndef GUEST_PARAVIRT_H
#define GUEST_PARAVIRT_H

#include "base.h"
#include "sbi.h"

#define PV_EXTENSION 0x08505654ul

/* Calls, numbered as in Xen. */
#define PV_MMU_UPDATE 1
#define PV_SET_CALLBACKS 4
#define PV_MULTICALL 13
#define PV_UPDATE_VA_MAPPING 14
#define PV_SET_TIMER_OP 15
#define PV_MEMORY_OP 12
#define PV_XEN_VERSION 17
#define PV_CONSOLE_IO 18
#define PV_GRANT_TABLE_OP 20
#define PV_IRET 23
#define PV_MMUEXT_OP 26
#define PV_SCHED_OP 29
#define PV_EVENT_CHANNEL_OP 32
#define PV_PHYSDEV_OP 33
#define PV_DEVICE_OP 48

#define PV_BATCH_MAX 2048
#define PV_MULTICALL_MAX 512

#define PV_EPERM (-1)
#define PV_ENOENT (-2)
#define PV_E2BIG (-7)
#define PV_EFAULT (-14)
#define PV_EBUSY (-16)
#define PV_EEXIST (-17)
#define PV_EINVAL (-22)
#define PV_ENOSPC (-28)
#define PV_ENOSYS (-38)

#define DOMID_BACK_ENDS 0
#define DOMID_GUEST 1
#define DOMID_SELF 0x7ff0

/* Gives this place in the run a name of up to 24 printable characters, and a number. */
#define PV_MARK_EXTENSION 0x0850564dul

static inline i64 pv_mark(const char *name, u64 value) {
  u64 words[3] = {0, 0, 0};
  for (u64 i = 0; i < sizeof words && name[i] != 0; i++) words[i / 8] |= (u64)(u8)name[i] << (8 * (i % 8));
  return sbi_call(PV_MARK_EXTENSION, 0, words[0], words[1], words[2], value).error;
}

/* Start of day. */
#define PV_START_MAGIC 0x3130565054524150ul

#define PV_DEVICE_BLOCK 1
#define PV_DEVICE_NETWORK 2

struct pv_device {
  u32 type;
  u32 index;
  u64 capacity;
  u8 address[8];
  u64 reserved;
};

struct pv_start_info {
  u64 magic;
  u32 version;
  u32 vcpu_count;
  u64 ram_base;
  u64 ram_bytes;
  u64 usable_end;
  u64 shared_info;
  u64 initial_root;
  u64 device_tree;
  u64 timebase_hz;
  u32 device_count;
  u32 reserved;
  struct pv_device devices[16];
  char command_line[1024];
};

/* Shared-info page. */
struct vcpu_info {
  u8 evtchn_upcall_pending;
  u8 evtchn_upcall_mask;
  u8 pad[6];
  u64 evtchn_pending_sel;
  u64 reserved[2];
  struct {
    u32 version;
    u32 pad;
    u64 tsc_timestamp;
    u64 system_time;
    u32 mul;
    signed char shift;
    u8 pad1[3];
  } time;
};

#define PV_STATUS_KERNEL 1ul
#define PV_STATUS_MASKED 2ul

struct vcpu_trap {
  u64 kernel_sp;
  u64 pc;
  u64 sp;
  u64 cause;
  u64 tval;
  u64 status;
  u64 a0;
  u64 a6;
  u64 a7;
  u64 reserved[7];
};

struct shared_info {
  struct vcpu_info vcpu[8];
  u64 evtchn_pending[64];
  u64 evtchn_mask[64];
  struct {
    u32 version;
    u32 seconds;
    u32 nanoseconds;
    u32 pad;
  } wall_clock;
  u8 pad[0x1f0];
  struct vcpu_trap trap[8];
};

/* Page tables. */
#define MMU_NORMAL_PT_UPDATE 0ul
#define MMU_PT_UPDATE_PRESERVE_AD 2ul

struct mmu_update {
  u64 ptr;
  u64 val;
};

#define UVMF_NONE 0
#define UVMF_TLB_FLUSH 1
#define UVMF_INVLPG 2

#define MMUEXT_PIN_L1_TABLE 0
#define MMUEXT_PIN_L2_TABLE 1
#define MMUEXT_PIN_L3_TABLE 2
#define MMUEXT_UNPIN_TABLE 4
#define MMUEXT_NEW_BASEPTR 5
#define MMUEXT_TLB_FLUSH_LOCAL 6
#define MMUEXT_INVLPG_LOCAL 7
#define MMUEXT_TLB_FLUSH_ALL 10
#define MMUEXT_INVLPG_ALL 11
#define MMUEXT_NEW_USER_BASEPTR 15
#define MMUEXT_CLEAR_PAGE 16
#define MMUEXT_COPY_PAGE 17

struct mmuext_op {
  u32 cmd;
  u32 reserved;
  u64 arg1;
  u64 arg2;
};

struct multicall_entry {
  u64 op;
  i64 result;
  u64 args[6];
};

/* Scheduling. */
#define SCHEDOP_YIELD 0
#define SCHEDOP_BLOCK 1
#define SCHEDOP_SHUTDOWN 2
#define SCHEDOP_POLL 3
#define SHUTDOWN_POWEROFF 0
#define SHUTDOWN_REBOOT 1
#define SHUTDOWN_CRASH 3

struct sched_poll {
  u64 ports; /* of u32 each */
  u32 count;
  u32 reserved;
  u64 timeout; /* 0: none */
};

#define CONSOLEIO_WRITE 0
#define CONSOLEIO_READ 1

/* Event channels. */
#define EVTCHNOP_BIND_INTERDOMAIN 0
#define EVTCHNOP_BIND_VIRQ 1
#define EVTCHNOP_BIND_PIRQ 2
#define EVTCHNOP_CLOSE 3
#define EVTCHNOP_SEND 4
#define EVTCHNOP_STATUS 5
#define EVTCHNOP_ALLOC_UNBOUND 6
#define EVTCHNOP_BIND_IPI 7
#define EVTCHNOP_BIND_VCPU 8
#define EVTCHNOP_UNMASK 9
#define VIRQ_TIMER 0
#define VIRQ_CONSOLE 2

/* Mode pvh: where the shared-info page lies, and lines of devices as ports. */
#define XENMEM_ADD_TO_PHYSMAP 7
#define XENMAPSPACE_SHARED_INFO 0
#define PHYSDEVOP_EOI 12

struct xen_add_to_physmap {
  u16 domid;
  u16 size;
  u32 space;
  u64 index;
  u64 gpfn;
};

struct evtchn_bind_pirq {
  u32 pirq; /* source at the interrupt controller */
  u32 flags;
  u32 port;
};

/* Grants. */
#define GNTTABOP_MAP_GRANT_REF 0
#define GNTTABOP_UNMAP_GRANT_REF 1
#define GNTTABOP_SETUP_TABLE 2
#define GNTTABOP_COPY 5
#define GTF_PERMIT_ACCESS 1
#define GTF_READONLY 4
#define GTF_READING 8
#define GTF_WRITING 16

struct grant_entry {
  u16 flags;
  u16 domid;
  u32 frame;
};

struct gnttab_setup_table {
  u32 frames;
  u32 reserved;
  u64 addresses;
  i32 status;
  u32 pad;
};

/* Rings: front end's view of one page. */
struct pv_ring {
  u32 req_prod;
  u32 req_event;
  u32 rsp_prod;
  u32 rsp_event;
  u8 pad[48];
  u8 slots[];
};

#define BLKIF_SLOTS 32
#define BLKIF_SEGMENTS_MAX 11
#define BLKIF_READ 0
#define BLKIF_WRITE 1
#define BLKIF_FLUSH 3

struct blkif_segment {
  u32 gref;
  u8 first_sector;
  u8 last_sector;
  u16 reserved;
};

struct blkif_request {
  u8 operation;
  u8 segment_count;
  u16 reserved0;
  u32 reserved1;
  u64 id;
  u64 sector;
  struct blkif_segment segments[BLKIF_SEGMENTS_MAX];
};

struct blkif_response {
  u64 id;
  u8 operation;
  u8 reserved;
  short status;
};

#define NETIF_SLOTS 256

struct netif_tx_request {
  u32 gref;
  u16 offset;
  u16 flags;
  u16 id;
  u16 size;
};

struct netif_tx_response {
  u16 id;
  short status;
};

struct netif_rx_request {
  u16 id;
  u16 reserved;
  u32 gref;
};

struct netif_rx_response {
  u16 id;
  u16 offset;
  u16 flags;
  short status;
};

#define DEVICEOP_CONNECT 0
#define DEVICEOP_DISCONNECT 1

struct device_connect {
  u32 type;
  u32 index;
  u32 ring_ref;
  u32 rx_ring_ref;
  u32 port;
  u32 reserved;
};

static inline struct sbi_result pv_call(u64 call, u64 arg0, u64 arg1, u64 arg2) {
  return sbi_call(PV_EXTENSION, call, arg0, arg1, arg2, 0);
}

#endif
