;; A call inside the page, with its return.
;;
;;   jal ra, callee
;;   add a1, a1, a0
;;   jalr zero, 0(s0)
;;   callee: addi a0, a0, 1
;;   ret

(func $region
  (param $hart i32) (param $balance i64) (param $page i64) (result i64) (local $exit i64) (local $x1 i64)
  (local $x8 i64) (local $x10 i64) (local $x11 i64) (local $t0 i64) (local $t1 i64)
  (local.set $x8 (i64.load offset=64 (local.get $hart)))
  (local.set $x10 (i64.load offset=80 (local.get $hart)))
  (local.set $x11 (i64.load offset=88 (local.get $hart)))
  (block $leave
    (block $leave.x1
      (block $leave.x10
        (block $leave.x11
          ;; 0x0: jal ra, 0xc
          (local.set $x1 (i64.add (local.get $page) (i64.const 4)))
          ;; 0xc: addi a0, a0, 1
          (local.set $x10 (i64.add (local.get $x10) (i64.const 1)))
          ;; 0x10: jalr zero, 0(ra)
          (local.set $t0 (i64.and (i64.add (local.get $x1) (i64.const 0)) (i64.const -2)))
          (if
            (i64.eq (local.get $x1) (i64.add (local.get $page) (i64.const 4)))
            (then
              ;; 0x4: add a1, a1, a0
              (local.set $x11 (i64.add (local.get $x11) (local.get $x10)))
              ;; 0x8: jalr zero, 0(s0)
              (local.set $t1 (i64.and (i64.add (local.get $x8) (i64.const 0)) (i64.const -2)))
              (local.set $page (local.get $t1))
              (local.set $exit (i64.const 0x00009005_00000000))
              (br $leave.x11)))
          (local.set $page (local.get $t0))
          (local.set $exit (i64.const 0x00005003_00000000))
          (br $leave.x10)
          (unreachable)
        )
        (i64.store offset=88 (local.get $hart) (local.get $x11))
      )
      (i64.store offset=80 (local.get $hart) (local.get $x10))
    )
    (i64.store offset=8 (local.get $hart) (local.get $x1))
  )
  (i64.store offset=264
    (local.get $hart)
    (i64.add (local.get $page) (i64.extend_i32_s (i32.wrap_i64 (local.get $exit)))))
  (return
    (i64.add
      (local.get $balance)
      (i64.sub
        (i64.and (i64.shr_u (local.get $exit) (i64.const 32)) (i64.const 4095))
        (i64.shl (i64.shr_u (local.get $exit) (i64.const 44)) (i64.const 20)))))
  (unreachable)
)
