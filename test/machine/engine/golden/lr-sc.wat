;; An atomic increment with LR and SC.
;;
;;   again: lr.w a1, zero, (a0)
;;   addi a1, a1, 1
;;   sc.w a2, a1, (a0)
;;   bne a2, zero, again
;;   jalr zero, 0(ra)

(func $region
  (param $hart i32) (param $balance i64) (param $page i64) (result i64) (local $exit i64) (local $x1 i64)
  (local $x10 i64) (local $x11 i64) (local $x12 i64) (local $t0 i64) (local $t1 i32) (local $t2 i64)
  (local $t3 i32)
  (local.set $x1 (i64.load offset=8 (local.get $hart)))
  (local.set $x10 (i64.load offset=80 (local.get $hart)))
  (local.set $x11 (i64.load offset=88 (local.get $hart)))
  (local.set $x12 (i64.load offset=96 (local.get $hart)))
  (block $leave
    (block $leave.x11
      (block $leave.x12
        (loop $L3
          ;; 0x0: lr.w a1, zero, (a0)
          (local.set $t0 (i64.sub (local.get $x10) (i64.const 0x00000000_80000000)))
          (local.set $exit (i64.const 0))
          (br_if $leave.x12 (i64.ne (i64.and (local.get $t0) (i64.const 0xffffffff_f8000003)) (i64.const 0)))
          (local.set $t1 (i32.wrap_i64 (local.get $t0)))
          (i32.store offset=352
            (local.get $hart)
            (i32.sub (i32.add (local.get $t1) (i32.const 137756672)) (i32.const 137756672)))
          (local.set $t2 (i64.load32_s offset=137756672 (local.get $t1)))
          (local.set $x11 (local.get $t2))
          ;; 0x4: addi a1, a1, 1
          (local.set $x11 (i64.add (local.get $x11) (i64.const 1)))
          ;; 0x8: sc.w a2, a1, (a0)
          (local.set $t2 (i64.sub (local.get $x10) (i64.const 0x00000000_80000000)))
          (local.set $exit (i64.const 0x00006002_00000008))
          (br_if $leave.x12 (i64.ne (i64.and (local.get $t2) (i64.const 0xffffffff_f8000003)) (i64.const 0)))
          (local.set $t1 (i32.wrap_i64 (local.get $t2)))
          (local.set $exit (i64.const 0x00006002_00000008))
          (br_if $leave.x12
            (i32.ne (i32.load8_u offset=1085440 (i32.shr_u (local.get $t1) (i32.const 12))) (i32.const 2)))
          (local.set $t3
            (i32.ne
              (i32.load offset=352 (local.get $hart))
              (i32.sub (i32.add (local.get $t1) (i32.const 137756672)) (i32.const 137756672))))
          (if
            (i32.eq (local.get $t3) (i32.const 0))
            (then (i64.store32 offset=137756672 (local.get $t1) (local.get $x11))))
          (i32.store offset=352 (local.get $hart) (i32.const -1))
          (local.set $x12 (i64.extend_i32_u (local.get $t3)))
          ;; 0xc: bne a2, zero, 0x0
          (if
            (i64.ne (local.get $x12) (i64.const 0))
            (then
              (local.set $balance (i64.add (local.get $balance) (i64.const 0xffffffff_ff400004)))
              (if
                (i64.lt_s (local.get $balance) (i64.const 0x00000000_00f00000))
                (then (local.set $exit (i64.const 0)) (br $leave.x12)))
              (br $L3)))
          ;; 0x10: jalr zero, 0(ra)
          (local.set $t2 (i64.and (i64.add (local.get $x1) (i64.const 0)) (i64.const -2)))
          (local.set $page (local.get $t2))
          (local.set $exit (i64.const 0x0000f005_00000000))
          (br $leave.x12)
        )
        (unreachable)
      )
      (i64.store offset=96 (local.get $hart) (local.get $x12))
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
