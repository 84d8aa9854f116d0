/* The console: one call for as much text as there is. */
#include "pv.h"

#define BUFFER_BYTES 256

static char buffer[BUFFER_BYTES] __attribute__((aligned(8))); /* arguments of calls are aligned, text is not */

static bool start(void) { return true; }

static void write(const char *text, u64 length_bytes) {
  for (u64 done = 0; done < length_bytes;) {
    u64 part = length_bytes - done < BUFFER_BYTES ? length_bytes - done : BUFFER_BYTES;
    memcpy(buffer, text + done, part);
    pv_call(PV_CONSOLE_IO, CONSOLEIO_WRITE, part, (u64)buffer);
    done += part;
  }
}

static void flush(void) {} /* the call has done it */

const struct console_driver pv_console = {
    .driver = {"pv-console", start},
    .write = write,
    .flush = flush,
};
