;; A guest that tries to have the host act while it is not in a turn: asked for a
;; buffer, it flushes a close of the connection that it met last, and it does what
;; it is asked all the same; but for less than 16 KiB it has none. Messages are sent
;; back, but a message of no bytes is a trap.
;;
;; Memory: page 0 holds the mailbox and a command, page 1 the inbox, page 2 the
;; outbox, and the buffers follow: a page of them for each, never taken back.
(module
  (import "wherry_v1" "flush" (func $flush (param i32) (result i32)))
  (memory (export "memory") 3)
  (global $conn (mut i64) (i64.const 0))

  ;; The mailbox, at 1024: inbox 65536 of 4096 bytes, outbox 131072 of 2048 records.
  (data (i32.const 1024) "\00\00\01\00\00\10\00\00\00\00\02\00\00\08\00\00")

  (func (export "wherry_v1_mailbox") (result i32)
    i32.const 1024)

  (func (export "wherry_v1_alloc") (param $size i32) (result i32)
    (if (i32.lt_u (local.get $size) (i32.const 16384))
      (then (return (i32.const 0))))
    ;; close (4), code 4000
    (i64.store (i32.const 131072) (i64.const 0xfa000000004))
    (i64.store offset=8 (i32.const 131072) (global.get $conn))
    (i64.store offset=16 (i32.const 131072) (i64.const 0))
    (drop (call $flush (i32.const 1)))
    (i32.mul (i32.const 65536)
      (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))))

  (func (export "wherry_v1_turn") (param $events i32) (result i32)
    (local $event i32) (local $command i32) (local $kind i32)
    (local.set $event (i32.const 65536))
    (local.set $command (i32.const 131072))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $events)))
        (local.set $kind (i32.load16_u (local.get $event)))
        (if (i32.and (i32.eq (local.get $kind) (i32.const 3))
                     (i32.eqz (i32.load offset=20 (local.get $event))))
          (then unreachable))
        (if (i32.or (i32.eq (local.get $kind) (i32.const 2))
                    (i32.eq (local.get $kind) (i32.const 3)))
          (then
            (memory.copy (local.get $command) (local.get $event) (i32.const 32))
            (if (i32.eq (local.get $kind) (i32.const 2))
              (then
                (global.set $conn (i64.load offset=8 (local.get $event)))
                (i64.store offset=16 (local.get $command) (i64.const 0))))
            (local.set $command (i32.add (local.get $command) (i32.const 32)))))
        (local.set $event (i32.add (local.get $event) (i32.const 32)))
        (local.set $events (i32.sub (local.get $events) (i32.const 1)))
        (br $next)))
    (i32.shr_u (i32.sub (local.get $command) (i32.const 131072)) (i32.const 5))))
