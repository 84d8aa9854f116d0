;; A branch over a short computation.
;;
;;   again: srliw a1, a1, 1
;;   beq a2, zero, over
;;   xor a1, a1, a3
;;   addiw a0, a1, 0
;;   over: addi a4, a4, -1
;;   bne a4, zero, again
;;   jalr zero, 0(ra)

(func $region
  (param $hart i32) (param $balance i64) (param $page i64) (result i64) (local $exit i64) (local $x1 i64)
  (local $x10 i64) (local $x11 i64) (local $x12 i64) (local $x13 i64) (local $x14 i64) (local $t0 i64)
  (local $t1 i32) (local $t2 i64) (local $t3 i64)
  (local.set $x1 (i64.load offset=8 (local.get $hart)))
  (local.set $x10 (i64.load offset=80 (local.get $hart)))
  (local.set $x11 (i64.load offset=88 (local.get $hart)))
  (local.set $x12 (i64.load offset=96 (local.get $hart)))
  (local.set $x13 (i64.load offset=104 (local.get $hart)))
  (local.set $x14 (i64.load offset=112 (local.get $hart)))
  (block $leave
    (block $leave.x11
      (block $leave.x10
        (block $leave.x14
          (loop $L4
            (block $B5
              ;; 0x0: srliw a1, a1, 1
              (local.set $x11
                (i64.extend_i32_u (i32.shr_u (i32.wrap_i64 (local.get $x11)) (i32.wrap_i64 (i64.const 1)))))
              ;; 0x4: beq a2, zero, 0x10
              (local.set $t0 (local.get $x12))
              (local.set $t1 (i64.lt_u (local.get $t0) (i64.const 1)))
              (local.set $t2 (local.get $x11))
              (local.set $t3 (local.get $x10))
              ;; 0x8: xor a1, a1, a3
              (local.set $x11 (i64.xor (local.get $x11) (local.get $x13)))
              ;; 0xc: addiw a0, a1, 0
              (local.set $x10
                (i64.extend_i32_s (i32.add (i32.wrap_i64 (local.get $x11)) (i32.wrap_i64 (i64.const 0)))))
              (local.set $x11 (select (local.get $t2) (local.get $x11) (local.get $t1)))
              (local.set $x10 (select (local.get $t3) (local.get $x10) (i64.eq (local.get $t0) (i64.const 0))))
              (local.set $balance
                (i64.add
                  (local.get $balance)
                  (select (i64.const 0xffffffff_ffe00002) (i64.const 0xffffffff_ffc00004) (local.get $t1))))
              (br $B5)
            )
            ;; 0x10: addi a4, a4, -1
            (local.set $x14 (i64.add (local.get $x14) (i64.const -1)))
            ;; 0x14: bne a4, zero, 0x0
            (if
              (i64.ne (local.get $x14) (i64.const 0))
              (then
                (local.set $balance (i64.add (local.get $balance) (i64.const 0xffffffff_ffe00002)))
                (if
                  (i64.lt_s (local.get $balance) (i64.const 0x00000000_00900000))
                  (then (local.set $exit (i64.const 0)) (br $leave.x14)))
                (br $L4)))
            ;; 0x18: jalr zero, 0(ra)
            (local.set $t3 (i64.and (i64.add (local.get $x1) (i64.const 0)) (i64.const -2)))
            (local.set $page (local.get $t3))
            (local.set $exit (i64.const 0x00005003_00000000))
            (br $leave.x14)
          )
          (unreachable)
        )
        (i64.store offset=112 (local.get $hart) (local.get $x14))
      )
      (i64.store offset=80 (local.get $hart) (local.get $x10))
    )
    (i64.store offset=88 (local.get $hart) (local.get $x11))
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
