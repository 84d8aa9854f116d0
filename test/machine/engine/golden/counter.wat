;; Reading the clock.
;;
;;   addi a0, a0, 1
;;   csrrs a1, time, zero
;;   jalr zero, 0(ra)

(func $region
  (param $hart i32) (param $balance i64) (param $page i64) (result i64) (local $exit i64) (local $x1 i64)
  (local $x10 i64) (local $x11 i64) (local $t0 i64)
  (local.set $x1 (i64.load offset=8 (local.get $hart)))
  (local.set $x10 (i64.load offset=80 (local.get $hart)))
  (block $leave
    (block $leave.x10
      (block $leave.x11
        ;; 0x0: addi a0, a0, 1
        (local.set $x10 (i64.add (local.get $x10) (i64.const 1)))
        ;; 0x4: csrrs a1, time, zero
        (i64.store offset=392
          (local.get $hart)
          (i64.sub
            (i64.load offset=384 (local.get $hart))
            (i64.sub
              (i64.add
                (i64.shr_s (local.get $balance) (i64.const 20))
                (i64.extend_i32_u (i32.load offset=504 (local.get $hart))))
              (i64.const 1))))
        (i64.store offset=400
          (local.get $hart)
          (i64.add
            (i64.load offset=360 (local.get $hart))
            (i64.add
              (i64.extend_i32_u (i32.load offset=492 (local.get $hart)))
              (i64.add
                (i64.extend_i32_u (i32.and (i32.wrap_i64 (local.get $balance)) (i32.const 1048575)))
                (i64.const 1)))))
        (local.set $exit (i64.const 0x00001001_00000004))
        (br_if $leave.x10 (call $env.readCounter (local.get $hart) (i32.const 1)))
        (local.set $x11 (i64.load offset=448 (local.get $hart)))
        ;; 0x8: jalr zero, 0(ra)
        (local.set $t0 (i64.and (i64.add (local.get $x1) (i64.const 0)) (i64.const -2)))
        (local.set $page (local.get $t0))
        (local.set $exit (i64.const 0x00008003_00000000))
        (br $leave.x11)
        (unreachable)
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
