;; The least that a Wherry guest can be: accept every connection, send every
;; message back. No SDK, no import; one page of code that says what the ABI is.
;;
;; Memory: page 0 holds the mailbox, page 1 is the inbox, page 2 the outbox. The
;; outbox has room for as many records as the inbox can hold, so one command an
;; event never overflows it.
(module
  (memory (export "memory") 3)

  ;; The mailbox, 64 bytes at 1024. What the host writes and what is reserved
  ;; starts as zero.
  (data (i32.const 1024)
    "\00\00\01\00"  ;; inbox            65536
    "\00\00\01\00"  ;; inbox_bytes      65536
    "\00\00\02\00"  ;; outbox          131072
    "\00\08\00\00") ;; outbox_records    2048

  (func (export "wherry_v1_mailbox") (result i32)
    i32.const 1024)

  ;; The events' records lie at the front of the inbox, 32 bytes each; commands
  ;; go to the front of the outbox. Returns how many commands there are.
  (func (export "wherry_v1_turn") (param $events i32) (result i32)
    (local $i i32) (local $event i32) (local $command i32) (local $kind i32)
    (local.set $event (i32.const 65536))
    (local.set $command (i32.const 131072))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $events)))
        ;; mailbox.cursor: after a trap the host reads here whose event it was.
        (i32.store (i32.const 1040) (local.get $i))
        (local.set $kind (i32.load16_u (local.get $event)))
        ;; connect (2) is answered by accept (2), message (3) by message (3).
        (if (i32.or (i32.eq (local.get $kind) (i32.const 2))
                    (i32.eq (local.get $kind) (i32.const 3)))
          (then
            ;; The event is the command: kind, flags, conn, data, len and all.
            (memory.copy (local.get $command) (local.get $event) (i32.const 32))
            ;; But accept takes fields to add to the 101, and there are none.
            (if (i32.eq (local.get $kind) (i32.const 2))
              (then (i64.store offset=16 (local.get $command) (i64.const 0))))
            (local.set $command (i32.add (local.get $command) (i32.const 32)))))
        (local.set $event (i32.add (local.get $event) (i32.const 32)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.shr_u (i32.sub (local.get $command) (i32.const 131072)) (i32.const 5))))
