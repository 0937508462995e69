;; Its start function sets a global and grows the memory; each turn counts the
;; global up and answers with it.
(module
  (memory (export "memory") 1 4)
  (global $count (mut i64) (i64.const 2))
  (global $half (mut f32) (f32.const 0.5))
  (global $whole (mut f64) (f64.const 1))
  (data (i32.const 64) "\00\10\00\00\00\10\00\00\00\20\00\00\10\00\00\00")
  (start $begin)
  (func $begin
    (global.set $count (i64.add (global.get $count) (i64.const 40)))
    (drop (memory.grow (i32.const 2))))
  (func (export "wherry_v1_mailbox") (result i32) i32.const 64)
  (func (export "wherry_v1_turn") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (i64.store (i32.const 0x2018) (global.get $count))
    i32.const 1))
