;; The same stores through the TLB.
;;
;;   addi a0, a0, 8
;;   sw a1, 0(a0)
;;   sb a1, 4(a0)
;;   jalr zero, 0(ra)

(func $region
  (param $hart i32) (param $balance i64) (param $page i64) (result i64) (local $exit i64) (local $dataTlbBase i32)
  (local $dataContext i64) (local $x1 i64) (local $x10 i64) (local $x11 i64) (local $t0 i64) (local $t1 i32)
  (local $t2 i32) (local $t3 i32)
  (local.set $x1 (i64.load offset=8 (local.get $hart)))
  (local.set $x10 (i64.load offset=80 (local.get $hart)))
  (local.set $x11 (i64.load offset=88 (local.get $hart)))
  (local.set $dataTlbBase (i32.load offset=472 (local.get $hart)))
  (local.set $dataContext (i64.load offset=296 (local.get $hart)))
  (block $leave
    (block $leave.x10
      ;; 0x0: addi a0, a0, 8
      (local.set $x10 (i64.add (local.get $x10) (i64.const 8)))
      ;; 0x4: sw a1, 0(a0)
      (local.set $t0 (i64.add (local.get $x10) (i64.const 0)))
      (local.set $t1
        (i32.add
          (local.get $dataTlbBase)
          (i32.and (i32.wrap_i64 (i64.shr_u (local.get $t0) (i64.const 7))) (i32.const 32736))))
      (local.set $exit (i64.const 0x00001001_00000004))
      (if
        (i64.ne
          (i64.load offset=4104 (local.get $t1))
          (i64.or (i64.and (local.get $t0) (i64.const -4093)) (local.get $dataContext)))
        (then
          (if
            (i64.ne
              (i64.load offset=4104 (local.get $t1))
              (i64.or (i64.and (i64.add (local.get $t0) (i64.const 3)) (i64.const -4096)) (local.get $dataContext)))
            (then
              (local.set $exit (i64.const 0x00001001_00000004))
              (br_if $leave.x10 (i32.and (i32.wrap_i64 (local.get $t0)) (i32.const 3)))
              (br_if $leave.x10 (i64.lt_s (local.get $balance) (i64.const 0x00000000_07e00000)))
              (local.set $t2 (call $env.refill (local.get $hart) (local.get $t0) (i32.const 1)))
              (br_if $leave.x10 (i32.lt_s (local.get $t2) (i32.const 0)))
              (local.set $balance
                (i64.sub (local.get $balance) (i64.shl (i64.extend_i32_s (local.get $t2)) (i64.const 20))))
              (local.set $exit (i64.const 0x00001001_00000004))
              (br_if $leave.x10
                (i64.ne
                  (i64.load offset=4104 (local.get $t1))
                  (i64.or (i64.and (local.get $t0) (i64.const -4096)) (local.get $dataContext))))))))
      (local.set $t3 (i32.add (i32.wrap_i64 (local.get $t0)) (i32.load offset=4120 (local.get $t1))))
      (i64.store32 (local.get $t3) (local.get $x11))
      ;; 0x8: sb a1, 4(a0)
      (local.set $t0 (i64.add (local.get $x10) (i64.const 4)))
      (local.set $t3
        (i32.add
          (local.get $dataTlbBase)
          (i32.and (i32.wrap_i64 (i64.shr_u (local.get $t0) (i64.const 7))) (i32.const 32736))))
      (local.set $exit (i64.const 0x00002002_00000008))
      (if
        (i64.ne
          (i64.load offset=4104 (local.get $t3))
          (i64.or (i64.and (local.get $t0) (i64.const -4096)) (local.get $dataContext)))
        (then
          (br_if $leave.x10 (i64.lt_s (local.get $balance) (i64.const 0x00000000_07e00000)))
          (local.set $t2 (call $env.refill (local.get $hart) (local.get $t0) (i32.const 1)))
          (br_if $leave.x10 (i32.lt_s (local.get $t2) (i32.const 0)))
          (local.set $balance
            (i64.sub (local.get $balance) (i64.shl (i64.extend_i32_s (local.get $t2)) (i64.const 20))))
          (local.set $exit (i64.const 0x00002002_00000008))
          (br_if $leave.x10
            (i64.ne
              (i64.load offset=4104 (local.get $t3))
              (i64.or (i64.and (local.get $t0) (i64.const -4096)) (local.get $dataContext))))))
      (local.set $t1 (i32.add (i32.wrap_i64 (local.get $t0)) (i32.load offset=4120 (local.get $t3))))
      (i64.store8 (local.get $t1) (local.get $x11))
      ;; 0xc: jalr zero, 0(ra)
      (local.set $t0 (i64.and (i64.add (local.get $x1) (i64.const 0)) (i64.const -2)))
      (local.set $page (local.get $t0))
      (local.set $exit (i64.const 0x00006004_00000000))
      (br $leave.x10)
      (unreachable)
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
