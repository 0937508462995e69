;; Spends fuel in as many ways as there are: the code of the first event says how,
;; and its token how much. Mailbox at 64, inbox at 0x1000, outbox at 0x2000.
(module
  (import "wherry_v1" "now" (func $now (param i32) (result i64)))
  (import "wherry_v1" "log" (func $log (param i32 i32 i32)))
  (import "wherry_v1" "random" (func $random (param i32 i32)))
  (memory (export "memory") 16 16)
  (table 8 funcref)
  (elem (i32.const 0) $around)
  (type $f (func (param i32) (result i32)))
  (data (i32.const 64) "\00\10\00\00\00\10\00\00\00\20\00\00\10\00\00\00")
  (func (export "wherry_v1_mailbox") (result i32) i32.const 64)
  (func (export "wherry_v1_alloc") (param i32) (result i32) (loop $l (br $l)) unreachable)

  (func $endless (loop $l (br $l)))
  ;; A loop that calls keeps its counter elsewhere than one that does not.
  (func $nothing)
  (func $calling (loop $l (call $nothing) (br $l)))
  ;; No loop, no cycle of calls: 3^16 calls of the last one.
  (func $t0) (func $t1 (call $t0) (call $t0) (call $t0)) (func $t2 (call $t1) (call $t1) (call $t1))
  (func $t3 (call $t2) (call $t2) (call $t2)) (func $t4 (call $t3) (call $t3) (call $t3))
  (func $t5 (call $t4) (call $t4) (call $t4)) (func $t6 (call $t5) (call $t5) (call $t5))
  (func $t7 (call $t6) (call $t6) (call $t6)) (func $t8 (call $t7) (call $t7) (call $t7))
  (func $t9 (call $t8) (call $t8) (call $t8)) (func $t10 (call $t9) (call $t9) (call $t9))
  (func $t11 (call $t10) (call $t10) (call $t10)) (func $t12 (call $t11) (call $t11) (call $t11))
  (func $t13 (call $t12) (call $t12) (call $t12)) (func $t14 (call $t13) (call $t13) (call $t13))
  (func $t15 (call $t14) (call $t14) (call $t14)) (func $t16 (call $t15) (call $t15) (call $t15))
  (func $t17 (call $t16) (call $t16) (call $t16)) (func $t18 (call $t17) (call $t17) (call $t17))
  ;; Two calls of itself: a stack that is never deep, and no end.
  (func $exponential (param i32)
    (if (local.get 0) (then
      (call $exponential (i32.sub (local.get 0) (i32.const 1)))
      (call $exponential (i32.sub (local.get 0) (i32.const 1))))))
  (func $fill (loop $l (memory.fill (i32.const 0x4000) (i32.const 1) (i32.const 0x80000)) (br $l)))
  (func $copy (loop $l (memory.copy (i32.const 0x4000) (i32.const 0x4001) (i32.const 0x80000)) (br $l)))
  (func $asking (loop $l (drop (call $now (i32.const 0))) (br $l)))
  (func $logging (loop $l (call $log (i32.const 1) (i32.const 64) (i32.const 16)) (br $l)))
  (func $dice (loop $l (call $random (i32.const 0x4000) (i32.const 0x10000)) (br $l)))
  (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
  ;; Through a table.
  (func $around (param i32) (result i32)
    (i32.add (i32.const 1) (call_indirect (type $f) (local.get 0) (i32.const 0))))
  ;; Two that call each other.
  (func $ping (param i32) (result i32) (i32.add (i32.const 1) (call $pong (local.get 0))))
  (func $pong (param i32) (result i32) (i32.add (i32.const 1) (call $ping (local.get 0))))
  (func $grow (loop $l (drop (memory.grow (i32.const 1))) (drop (table.grow 0 (ref.null func) (i32.const 1))) (br $l)))
  ;; Loads that each wait for the one before, a page further each time.
  (func $chase (local $at i32)
    (loop $l
      (local.set $at (i32.and (i32.const 0xffff8) (i32.add (i32.const 4104)
        (i32.add (local.get $at) (i32.and (i32.const 0) (i32.load (local.get $at)))))))
      (br $l)))

  (func $turn (export "wherry_v1_turn") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (block $16 (block $15 (block $14 (block $13 (block $12 (block $11 (block $10 (block $9 (block $8
    (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16 (i32.load (i32.const 0x1004))))
      (return (i32.const 0)))
      (call $endless) (return (i32.const 0)))
      (call $calling) (return (i32.const 0)))
      (call $t18) (return (i32.const 0)))
      (call $exponential (i32.const 60)) (return (i32.const 0)))
      (call $fill) (return (i32.const 0)))
      (call $copy) (return (i32.const 0)))
      (call $asking) (return (i32.const 0)))
      (call $logging) (return (i32.const 0)))
      (call $dice) (return (i32.const 0)))
      (drop (call $deep (i32.const 0))) (return (i32.const 0)))
      (drop (call $around (i32.const 0))) (return (i32.const 0)))
      (drop (call $ping (i32.const 0))) (return (i32.const 0)))
      (call $grow) (return (i32.const 0)))
      (call $chase) (return (i32.const 0)))
      ;; 15: a loop of that many turns
      (loop $l
        (i64.store (i32.const 0x1018) (i64.sub (i64.load (i32.const 0x1018)) (i64.const 1)))
        (br_if $l (i64.gt_s (i64.load (i32.const 0x1018)) (i64.const 0))))
      (return (i32.const 0)))
    unreachable))
