;; Two ways that meet again.
;;
;;   blt a0, a1, less
;;   sub a2, a0, a1
;;   j join
;;   less: sub a2, a1, a0
;;   join: add a3, a3, a2
;;   jalr zero, 0(ra)

(func $region
  (param $hart i32) (param $balance i64) (param $page i64) (result i64) (local $exit i64) (local $x1 i64)
  (local $x10 i64) (local $x11 i64) (local $x12 i64) (local $x13 i64) (local $t0 i64)
  (local.set $x1 (i64.load offset=8 (local.get $hart)))
  (local.set $x10 (i64.load offset=80 (local.get $hart)))
  (local.set $x11 (i64.load offset=88 (local.get $hart)))
  (local.set $x13 (i64.load offset=104 (local.get $hart)))
  (block $leave
    (block $leave.x12
      (block $leave.x13
        (block $B3
          ;; 0x0: blt a0, a1, 0xc
          (if
            (i64.lt_s (local.get $x10) (local.get $x11))
            (then
              ;; 0xc: sub a2, a1, a0
              (local.set $x12 (i64.sub (local.get $x11) (local.get $x10)))
              (local.set $balance (i64.add (local.get $balance) (i64.const 0xffffffff_ffe00002)))
              (br $B3)))
          ;; 0x4: sub a2, a0, a1
          (local.set $x12 (i64.sub (local.get $x10) (local.get $x11)))
          ;; 0x8: jal zero, 0x10
          (local.set $balance (i64.add (local.get $balance) (i64.const 0xffffffff_ffd00003)))
          (br $B3)
        )
        ;; 0x10: add a3, a3, a2
        (local.set $x13 (i64.add (local.get $x13) (local.get $x12)))
        ;; 0x14: jalr zero, 0(ra)
        (local.set $t0 (i64.and (i64.add (local.get $x1) (i64.const 0)) (i64.const -2)))
        (local.set $page (local.get $t0))
        (local.set $exit (i64.const 0x00004002_00000000))
        (br $leave.x13)
        (unreachable)
      )
      (i64.store offset=104 (local.get $hart) (local.get $x13))
    )
    (i64.store offset=96 (local.get $hart) (local.get $x12))
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
