/* The console: where the kernel prints and what DESCRIPTOR_CONSOLE writes to. */
#include "drivers.h"
#include "platform.h"
#include "print.h"

static const struct console_driver *driver;

void console_start(void) { driver = (const struct console_driver *)driver_start(platform.devices.consoles); }

void console_flush(void) {
  if (driver != NULL) driver->flush();
}

void console_write(const char *text, u64 length_bytes) {
  u64 saved = platform.cpu.irq_save();
  if (driver != NULL) driver->write(text, length_bytes);
  platform.cpu.irq_restore(saved);
}
