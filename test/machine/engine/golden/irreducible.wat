;; A loop with two ways in: one backward edge becomes an exit.
;;
;;   beq a0, zero, second
;;   first: addi a1, a1, 1
;;   second: addi a2, a2, 1
;;   blt a2, a3, first
;;   blt a1, a3, second
;;   jalr zero, 0(ra)

(func $region
  (param $hart i32) (param $balance i64) (param $page i64) (result i64) (local $exit i64) (local $x1 i64)
  (local $x10 i64) (local $x11 i64) (local $x12 i64) (local $x13 i64) (local $t0 i64)
  (local.set $x1 (i64.load offset=8 (local.get $hart)))
  (local.set $x10 (i64.load offset=80 (local.get $hart)))
  (local.set $x11 (i64.load offset=88 (local.get $hart)))
  (local.set $x12 (i64.load offset=96 (local.get $hart)))
  (local.set $x13 (i64.load offset=104 (local.get $hart)))
  (block $leave
    (block $leave.x12
      (block $leave.x11
        (block $B3
          ;; 0x0: beq a0, zero, 0x8
          (if
            (i64.eq (local.get $x10) (i64.const 0))
            (then
              (local.set $balance (i64.add (local.get $balance) (i64.const -1048575)))
              (if
                (i64.lt_s (local.get $balance) (i64.const 0x00000000_00600000))
                (then (local.set $exit (i64.const 8)) (br $leave.x12)))
              (loop $L6
                ;; 0x8: addi a2, a2, 1
                (local.set $x12 (i64.add (local.get $x12) (i64.const 1)))
                ;; 0xc: blt a2, a3, 0x4
                (if
                  (i64.lt_s (local.get $x12) (local.get $x13))
                  (then
                    (local.set $balance (i64.add (local.get $balance) (i64.const 0xffffffff_ffe00002)))
                    (br $B3)))
                ;; 0x10: blt a1, a3, 0x8
                (if
                  (i64.lt_s (local.get $x11) (local.get $x13))
                  (then
                    (local.set $balance (i64.add (local.get $balance) (i64.const 0xffffffff_ffd00003)))
                    (if
                      (i64.lt_s (local.get $balance) (i64.const 0x00000000_00600000))
                      (then (local.set $exit (i64.const 8)) (br $leave.x12)))
                    (br $L6)))
                ;; 0x14: jalr zero, 0(ra)
                (local.set $t0 (i64.and (i64.add (local.get $x1) (i64.const 0)) (i64.const -2)))
                (local.set $page (local.get $t0))
                (local.set $exit (i64.const 0x00006004_00000000))
                (br $leave.x12)
              )))
          (local.set $balance (i64.add (local.get $balance) (i64.const -1048575)))
          (br $B3)
        )
        ;; 0x4: addi a1, a1, 1
        (local.set $x11 (i64.add (local.get $x11) (i64.const 1)))
        (local.set $exit (i64.const 0x00001001_00000008))
        (br $leave.x11)
        (unreachable)
      )
      (i64.store offset=88 (local.get $hart) (local.get $x11))
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
