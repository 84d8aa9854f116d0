/* The header of the program: `struct user_header` of include/layout.h. */
.file "start.S"

.section .header, "a"
  .quad user_main
  .quad user_data
  .quad user_file_end
  .quad user_memory_end
