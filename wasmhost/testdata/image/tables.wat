;; As starter does, but what counts is a function that the start function puts
;; into a table.
(module
  (memory (export "memory") 1 4)
  (type $f (func))
  (table $t 1 funcref)
  (elem declare func $up)
  (global $count (mut i64) (i64.const 2))
  (data (i32.const 64) "\00\10\00\00\00\10\00\00\00\20\00\00\10\00\00\00")
  (start $begin)
  (func $begin
    (global.set $count (i64.add (global.get $count) (i64.const 40)))
    (table.set $t (i32.const 0) (ref.func $up))
    (drop (memory.grow (i32.const 2))))
  (func $up (global.set $count (i64.add (global.get $count) (i64.const 1))))
  (func (export "wherry_v1_mailbox") (result i32) i32.const 64)
  (func (export "wherry_v1_turn") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (call_indirect (type $f) (i32.const 0))
    (i64.store (i32.const 0x2018) (global.get $count))
    i32.const 1))
