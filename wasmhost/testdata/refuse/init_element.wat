;; Functions beyond the table.
(module
  (memory (export "memory") 1)
  (table 2 funcref)
  (func $mailbox (export "wherry_v1_mailbox") (result i32) i32.const 64)
  (func (export "wherry_v1_turn") (param i32) (result i32) i32.const 0)
  (elem (i32.const 1) $mailbox $mailbox)
)
