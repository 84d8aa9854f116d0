;; A counted loop, memory reached directly.
;;
;;   head: addi a0, a0, 8
;;   lw a1, 0(a0)
;;   add a2, a2, a1
;;   addi a3, a3, -1
;;   bne a3, zero, head

(func $region
  (param $hart i32) (param $balance i64) (param $page i64) (result i64) (local $exit i64) (local $x10 i64)
  (local $x11 i64) (local $x12 i64) (local $x13 i64) (local $t0 i64) (local $t1 i32) (local $t2 i64)
  (local.set $x10 (i64.load offset=80 (local.get $hart)))
  (local.set $x11 (i64.load offset=88 (local.get $hart)))
  (local.set $x12 (i64.load offset=96 (local.get $hart)))
  (local.set $x13 (i64.load offset=104 (local.get $hart)))
  (block $leave
    (block $leave.x10
      (block $leave.x11
        (block $leave.x12
          (block $leave.x13
            (loop $L5
              ;; 0x0: addi a0, a0, 8
              (local.set $x10 (i64.add (local.get $x10) (i64.const 8)))
              ;; 0x4: lw a1, 0(a0)
              (local.set $t0 (i64.sub (i64.add (local.get $x10) (i64.const 0)) (i64.const 0x00000000_80000000)))
              (local.set $exit (i64.const 0x00001001_00000004))
              (br_if $leave.x13 (i64.gt_u (local.get $t0) (i64.const 0x00000000_07fffffc)))
              (local.set $t1 (i32.wrap_i64 (local.get $t0)))
              (local.set $t2 (i64.load32_s offset=137756672 (local.get $t1)))
              (local.set $x11 (local.get $t2))
              ;; 0x8: add a2, a2, a1
              (local.set $x12 (i64.add (local.get $x12) (local.get $x11)))
              ;; 0xc: addi a3, a3, -1
              (local.set $x13 (i64.add (local.get $x13) (i64.const -1)))
              ;; 0x10: bne a3, zero, 0x0
              (if
                (i64.ne (local.get $x13) (i64.const 0))
                (then
                  (local.set $balance (i64.add (local.get $balance) (i64.const 0xffffffff_ffa00005)))
                  (if
                    (i64.lt_s (local.get $balance) (i64.const 0x00000000_00600000))
                    (then (local.set $exit (i64.const 0)) (br $leave.x13)))
                  (br $L5)))
              (local.set $exit (i64.const 0x00006005_00000014))
              (br $leave.x13)
            )
            (unreachable)
          )
          (i64.store offset=104 (local.get $hart) (local.get $x13))
        )
        (i64.store offset=96 (local.get $hart) (local.get $x12))
      )
      (i64.store offset=88 (local.get $hart) (local.get $x11))
    )
    (i64.store offset=80 (local.get $hart) (local.get $x10))
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
