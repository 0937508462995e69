;; Does in a turn what the code of the first event says, to see what the host
;; makes of it. Mailbox at 64, inbox 64 KiB at 0x1000, outbox 1024 records at
;; 0x11000; 0x20000 and up is for alloc. Answers go to the first command.
(module
  (import "wherry_v1" "flush" (func $flush (param i32) (result i32)))
  (import "wherry_v1" "log" (func $log (param i32 i32 i32)))
  (import "wherry_v1" "now" (func $now (param i32) (result i64)))
  (import "wherry_v1" "random" (func $random (param i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))

  (memory (export "memory") 4 16)
  (table 2 funcref)
  (type $nothing (func))
  (global $alloc_mode (mut i32) (i32.const 0))
  (global $heap (mut i32) (i32.const 0x20000))
  (data (i32.const 64) "\00\10\00\00\00\00\01\00\00\10\01\00\00\04\00\00\00\00\00\00\40\00\00\00")

  (func $give_in unreachable)
  (func $deeper (param i32) (result i32)
    (i32.add (call $deeper (local.get 0)) (i32.const 1)))

  ;; Answers: code, conn and token of the first command; result of turn is 1.
  (func $code (param i32) (i32.store (i32.const 0x11004) (local.get 0)))
  (func $conn (param i64) (i64.store (i32.const 0x11008) (local.get 0)))
  (func $token (param i64) (i64.store (i32.const 0x11018) (local.get 0)))
  ;; What came with the first event.
  (func $data (result i32) (i32.load (i32.const 0x1010)))
  (func $len (result i32) (i32.load (i32.const 0x1014)))
  (func $arg (result i32) (i32.load (i32.const 0x1018)))

  (func $print (param $fd i32) (result i32)
    (i32.store (i32.const 0x200) (call $data))
    (i32.store (i32.const 0x204) (call $len))
    (call $write (local.get $fd) (i32.const 0x200) (i32.const 1) (i32.const 0x208)))

  (func (export "wherry_v1_mailbox") (result i32) i32.const 64)

  (func $wherry_v1_turn (export "wherry_v1_turn") (param $events i32) (result i32)
    (if (i32.eqz (local.get $events)) (then (return (i32.const 0))))
    (i32.store (i32.const 80) (i32.sub (local.get $events) (i32.const 1))) ;; cursor
    (block $19 (block $18 (block $17 (block $16 (block $15 (block $14 (block $13 (block $12
    (block $11 (block $10 (block $9 (block $8 (block $7 (block $6 (block $5 (block $4
    (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16 $17 $18 $19
        (i32.load (i32.const 0x1004))))
      ;; 0: echo
      (memory.copy (i32.const 0x11000) (i32.const 0x1000) (i32.shl (local.get $events) (i32.const 5)))
      (return (local.get $events)))
      ;; 1: unreachable
      (call $give_in) (return (i32.const 0)))
      ;; 2: load beyond the memory
      (return (i32.load (i32.const -8))))
      ;; 3: exit
      (call $exit (i32.const 7)) (return (i32.const 0)))
      ;; 4: turn returns the token
      (return (call $arg)))
      ;; 5: endless recursion
      (return (call $deeper (i32.const 1))))
      ;; 6: call a table entry that is empty
      (call_indirect (type $nothing) (i32.const 1)) (return (i32.const 0)))
      ;; 7: divide by zero
      (return (i32.div_u (i32.const 1) (i32.sub (local.get $events) (local.get $events)))))
      ;; 8: grow by as many pages as the token says
      (call $code (memory.grow (call $arg))) (return (i32.const 1)))
      ;; 9: log the payload at the level of the token
      (call $log (call $arg) (call $data) (call $len)) (return (i32.const 0)))
      ;; 10: log what is not there
      (call $log (i32.const 1) (i32.const -1) (i32.const 16)) (return (i32.const 0)))
      ;; 11: both clocks, and once more through WASI
      (call $conn (call $now (i32.const 0)))
      (call $token (call $now (i32.const 1)))
      (call $code (call $clock (i32.const 1) (i64.const 0) (i32.const 0x11020)))
      (return (i32.const 2)))
      ;; 12: random bytes, both ways
      (call $random (i32.const 0x11008) (i32.const 8))
      (call $code (call $random_get (i32.const 0x11018) (i32.const 8)))
      (return (i32.const 1)))
      ;; 13: random bytes where the token says
      (call $random (call $arg) (i32.const 8)) (return (i32.const 0)))
      ;; 14: flush an echo of all events; then the number refused
      (memory.copy (i32.const 0x11000) (i32.const 0x1000) (i32.shl (local.get $events) (i32.const 5)))
      (i32.store (i32.const 0x11024) (call $flush (local.get $events)))
      (return (i32.const 2)))
      ;; 15: flush as many commands as the token says
      (call $code (call $flush (call $arg))) (return (i32.const 1)))
      ;; 16: wait for ever, in the way that the token says
      (loop $again
        (drop (if (result i32) (call $arg)
          (then (call $poll (i32.const 0x200) (i32.const 0x300) (i32.const 1) (i32.const 0x400)))
          (else (call $yield))))
        (br $again)))
      ;; 17: print the payload to the descriptor of the token
      (call $code (call $print (call $arg))) (return (i32.const 1)))
      ;; 18: how alloc is to behave
      (global.set $alloc_mode (call $arg)) (return (i32.const 0)))
    ;; 19: the rest of WASI
    (call $code (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)))
    (call $conn (i64.extend_i32_u (call $prestat (i32.const 3) (i32.const 0x200))))
    (call $token (i64.extend_i32_u (call $args (i32.const 0x200) (i32.const 0x204))))
    (return (i32.const 1)))

  ;; 0: a bump allocator; 7: a trap; else what the mode says.
  (func (export "wherry_v1_alloc") (param $size i32) (result i32)
    (local $p i32)
    (if (i32.eq (global.get $alloc_mode) (i32.const 7)) (then (call $give_in)))
    (if (i32.ne (global.get $alloc_mode) (i32.const 0)) (then (return (select
      (i32.const 0) (global.get $alloc_mode) (i32.eq (global.get $alloc_mode) (i32.const 1))))))
    (local.set $p (global.get $heap))
    (global.set $heap (i32.add (local.get $p) (local.get $size)))
    (local.get $p)))
