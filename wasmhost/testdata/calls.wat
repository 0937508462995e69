;; Calls hostcalls in ways that cost the host more than they say. Each event's code
;; is the way, and its token how often.
(module
  (type $now (func (param i32) (result i64)))
  (import "wherry_v1" "now" (func $now (param i32) (result i64)))
  (import "wherry_v1" "log" (func $log (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (table 2 funcref)
  (elem (i32.const 0) $now)
  (elem (table 0) (i32.const 1) funcref (ref.func $now))
  (data (i32.const 64) "\00\10\00\00\00\10\00\00\00\20\00\00\10\00\00\00")
  (func $do (param $way i32)
    (if (i32.eq (local.get $way) (i32.const 1)) (then (drop (call $now (i32.const 1)))))
    (if (i32.eq (local.get $way) (i32.const 2)) (then (drop (call_indirect (type $now) (i32.const 1) (i32.const 0)))))
    (if (i32.eq (local.get $way) (i32.const 3)) (then (drop (call_indirect (type $now) (i32.const 1) (i32.const 1)))))
    (if (i32.eq (local.get $way) (i32.const 4)) ;; 1024 vectors of nothing
      (then (drop (call $fd_write (i32.const 1) (i32.const 0x10000) (i32.const 1024) (i32.const 16)))))
    (if (i32.eq (local.get $way) (i32.const 5)) ;; 256 subscriptions
      (then (drop (call $poll (i32.const 0x10000) (i32.const 0x20000) (i32.const 256) (i32.const 16)))))
    (if (i32.eq (local.get $way) (i32.const 6)) ;; a line of zeros, which are escaped
      (then (call $log (i32.const 1) (i32.const 0x10000) (i32.const 1024))))
    (if (i32.eq (local.get $way) (i32.const 7)) ;; 64 KiB to write, less than a line of which is pending in the end
      (then
        (i32.store (i32.const 0x18000) (i32.const 0x20000))
        (i32.store (i32.const 0x18004) (i32.const 0x10000))
        (drop (call $fd_write (i32.const 1) (i32.const 0x18000) (i32.const 1) (i32.const 16))))))
  (func (export "wherry_v1_mailbox") (result i32) i32.const 64)
  (func (export "wherry_v1_turn") (param i32) (result i32)
    (local $way i32) (local $n i64)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (local.set $way (i32.load (i32.const 0x1004)))
    (local.set $n (i64.load (i32.const 0x1018)))
    (loop $again
      (call $do (local.get $way))
      (br_if $again (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
    i32.const 0))
