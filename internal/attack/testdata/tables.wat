;; A guest that grows its table for as long as the host lets it, and then says to
;; how many entries. Page 0 holds the mailbox, page 1 is the inbox, page 2 the outbox.
(module
  (memory (export "memory") 3)
  (table $t 1 funcref)
  (data (i32.const 1024) "\00\00\01\00\00\00\01\00\00\00\02\00\00\08\00\00")

  (func (export "wherry_v1_mailbox") (result i32)
    i32.const 1024)

  (func $attack
    (loop $again
      (br_if $again (i32.ne (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1))))
    (i32.store (i32.const 2048) (table.size $t)))

  (func (export "wherry_v1_turn") (param $events i32) (result i32)
    (local $event i32) (local $command i32)
    (local.set $event (i32.const 65536))
    (local.set $command (i32.const 131072))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $events)))
        (if (i32.or (i32.eq (i32.load16_u (local.get $event)) (i32.const 2))
                    (i32.eq (i32.load16_u (local.get $event)) (i32.const 3)))
          (then
            (memory.copy (local.get $command) (local.get $event) (i32.const 32))
            (i64.store offset=16 (local.get $command) (i64.const 0))
            (if (i32.eq (i32.load16_u (local.get $event)) (i32.const 3))
              (then
                (call $attack)
                (i64.store offset=16 (local.get $command) (i64.const 0x400000800)))) ;; 4 bytes at 2048
            (local.set $command (i32.add (local.get $command) (i32.const 32)))))
        (local.set $event (i32.add (local.get $event) (i32.const 32)))
        (local.set $events (i32.sub (local.get $events) (i32.const 1)))
        (br $next)))
    (i32.shr_u (i32.sub (local.get $command) (i32.const 131072)) (i32.const 5))))
