;; Data beyond the memory.
(module
  (memory (export "memory") 1)
  (func (export "wherry_v1_mailbox") (result i32) i32.const 64)
  (func (export "wherry_v1_turn") (param i32) (result i32) i32.const 0)
  (data (i32.const 65530) "too long for it")
)
