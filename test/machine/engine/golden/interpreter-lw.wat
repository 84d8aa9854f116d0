;; The interpreter's handler of lw.

;; lw
(local.set $t0 (i64.load (i32.add (local.get $hart) (i32.load8_u offset=2 (local.get $entry)))))
(local.set $t1 (i64.load32_s offset=4 (local.get $entry)))
(local.set $t2 (i64.add (local.get $t0) (local.get $t1)))
(local.set $t3
  (i32.add
    (local.get $dataTlb)
    (i32.and (i32.wrap_i64 (i64.shr_u (local.get $t2) (i64.const 7))) (i32.const 32736))))
(if
  (i64.ne
    (i64.load offset=4096 (local.get $t3))
    (i64.or (i64.and (i64.add (local.get $t2) (i64.const 3)) (i64.const -4096)) (local.get $dataContext)))
  (then
    (local.set $t4 (call $loadSlow (local.get $hart) (local.get $t2) (i32.const 6)))
    (local.set $left (i32.sub (local.get $left) (i32.load offset=276 (local.get $hart))))
    (i32.store offset=276 (local.get $hart) (i32.const 0))
    (if
      (i32.eqz (local.get $t4))
      (then
        (local.set $pc
          (i64.add
            (local.get $page)
            (i64.extend_i32_u
              (i32.and (i32.shr_u (i32.sub (local.get $entry) (local.get $block)) (i32.const 2)) (i32.const 4095)))))
        (br $fault))))
  (else (local.set $t4 (i32.add (i32.wrap_i64 (local.get $t2)) (i32.load offset=4120 (local.get $t3))))))
(local.set $t5 (i64.load32_s (local.get $t4)))
(i64.store
  (i32.add (local.get $hart) (i32.shl (i32.load8_u offset=3 (local.get $entry)) (i32.const 3)))
  (local.get $t5))
(local.set $entry (i32.add (local.get $entry) (i32.const 16)))
(local.set $retired (i32.add (local.get $retired) (i32.const 1)))
(local.set $left (i32.sub (local.get $left) (i32.const 2)))
(br_if $next (i32.gt_s (local.get $left) (i32.const 0)))
(br $budget)
